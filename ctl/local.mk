# ctl: weft, the command. libctl.a is all of it but main.c, for the tests.
noinst_LIBRARIES += ctl/libctl.a
ctl_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
ctl_libctl_a_SOURCES = \
	ctl/args.c \
	ctl/check.c \
	ctl/client.c \
	ctl/cmds.c \
	ctl/convert.c ctl/convert.h \
	ctl/convert_calico.c \
	ctl/convert_cilium.c \
	ctl/convert_metallb.c \
	ctl/ctl.h \
	ctl/mrt.c \
	ctl/policy.c ctl/policy.h \
	ctl/policy_route.c \
	ctl/render.c \
	ctl/show_bfd.c \
	ctl/show_bmp.c \
	ctl/show_cni.c \
	ctl/show_events.c \
	ctl/show_fib.c \
	ctl/show_kube.c \
	ctl/show_nat.c \
	ctl/show_peers.c \
	ctl/show_pools.c \
	ctl/show_routes.c \
	ctl/show_nodes.c \
	ctl/show_services.c \
	ctl/show_status.c \
	ctl/text.c \
	ctl/watch.c \
	ctl/yamltree.c ctl/yamltree.h

bin_PROGRAMS += ctl/weft
ctl_weft_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
ctl_weft_SOURCES = ctl/main.c
ctl_weft_LDADD = ctl/libctl.a bgpd/core/libbgpcore.a lib/libconf.a lib/libweft.a $(JANSSON_LIBS) $(YAML_LIBS)
