# lib: see doc/architecture.md for the directions between layers.
# libweft.a is pure but for clock.c, ipcsock.c, logmain.c and userdb.c (tests/check-purity keeps the cores off those).
noinst_LIBRARIES += lib/libweft.a
lib_libweft_a_SOURCES = \
	lib/clock.c lib/clock.h \
	lib/crashpage.h \
	lib/heap.c lib/heap.h \
	lib/hmap.c lib/hmap.h \
	lib/idmap.c lib/idmap.h \
	lib/ip.c lib/ip.h \
	lib/iprange.c lib/iprange.h \
	lib/ipcmsg.c lib/ipcmsg.h \
	lib/ipcsock.c lib/ipcsock.h \
	lib/launchmsg.h \
	lib/largemem.c lib/largemem.h \
	lib/list.h \
	lib/log.c lib/log.h \
	lib/logmain.c lib/logmain.h \
	lib/mem.c lib/mem.h \
	lib/mono.h \
	lib/out.c lib/out.h \
	lib/rng.c lib/rng.h \
	lib/selector.c lib/selector.h \
	lib/sanitized.h \
	lib/table.c \
	lib/trie.c lib/trie.h \
	lib/userdb.c lib/userdb.h \
	lib/wire.c lib/wire.h

# The configuration: YAML, option table, checks. Not pure: libyaml.
noinst_LIBRARIES += lib/libconf.a
lib_libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(YAML_CFLAGS)
lib_libconf_a_SOURCES = \
	lib/conf.c lib/conf.h \
	lib/conf_check.c lib/conf_check.h \
	lib/conf_check_bfd.c \
	lib/conf_check_peers.c \
	lib/conf_community.c lib/conf_community.h \
	lib/conf_ctx.h \
	lib/conf_diff.c \
	lib/conf_dump.c \
	lib/conf_err.c lib/conf_err.h \
	lib/conf_expand.c lib/conf_expand.h \
	lib/conf_fill.c \
	lib/conf_compose.c \
	lib/conf_filter.c lib/conf_filter.h \
	lib/conf_graft.c lib/conf_graft.h \
	lib/conf_manifest.c lib/conf_parts.h \
	lib/conf_opt_adv.c \
	lib/conf_opt_bfd.c \
	lib/conf_opt_bgp.c \
	lib/conf_opt_bmp.c \
	lib/conf_opt_cni.c \
	lib/conf_opt_drain.c \
	lib/conf_opt_nat.c \
	lib/conf_opt_observe.c \
	lib/conf_opt_pools.c \
	lib/conf_opt_filters.c \
	lib/conf_opt_kernel.c \
	lib/conf_opt_kube.c \
	lib/conf_opt_node.c \
	lib/conf_opt_ops.c \
	lib/conf_opt_peers.c \
	lib/conf_opt_uplinks.c \
	lib/conf_opts.h \
	lib/conf_parse.c \
	lib/conf_path.c lib/conf_path.h \
	lib/conf_selector.c lib/conf_selector.h \
	lib/conf_suggest.c lib/conf_suggest.h \
	lib/conf_table.c lib/conf_table.h \
	lib/conf_type.c lib/conf_type.h \
	lib/conf_type_net.c \
	lib/conf_type_plain.c \
	lib/yamlcfg.c lib/yamlcfg.h
