# agent: the shell of weft-agent (libagent.a) around its thinking (core/libagentcore.a).
noinst_LIBRARIES += agent/libagent.a
agent_libagent_a_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS) $(EVENT_EXTRA_CFLAGS) $(JANSSON_CFLAGS)
agent_libagent_a_SOURCES = \
	agent/agent.c agent/agent.h \
	agent/announce.c agent/announce.h \
	agent/bfd.c agent/bfd.h \
	agent/bfdd.c agent/bfdd.h \
	agent/bgpd.c agent/bgpd.h \
	agent/bmp.c agent/bmp.h \
	agent/claim.c agent/claim.h \
	agent/cni.c agent/cni.h \
	agent/control.c agent/control.h \
	agent/control_args.c \
	agent/control_change.c \
	agent/control_cmd.c agent/control_cmd.h agent/control_req.h \
	agent/control_kube.c \
	agent/control_peer.c \
	agent/control_record.c \
	agent/control_route.c \
	agent/events.c agent/events.h \
	agent/fallover.c agent/fallover.h \
	agent/http.c agent/http.h \
	agent/drains.c agent/drains.h \
	agent/dynamic.c agent/dynamic.h \
	agent/identity.c agent/identity.h \
	agent/launcher.c agent/launcher.h \
	agent/lifecycle.c agent/lifecycle.h \
	agent/lookout.c agent/lookout.h \
	agent/loops.c agent/loops.h \
	agent/metrics.c agent/metrics.h \
	agent/moves.c agent/moves.h \
	agent/mrt.c agent/mrt.h \
	agent/composition.c agent/composition.h \
	agent/follow.c agent/follow.h \
	agent/kube/config.c agent/kube/config.h \
	agent/kube/recorder.c agent/kube/recorder.h \
	agent/kube/secrets.c agent/kube/secrets.h \
	agent/kube/api.c agent/kube/api.h agent/kube/apicall.h \
	agent/kube/backoff.c agent/kube/backoff.h \
	agent/kube/conn.c agent/kube/conn.h \
	agent/kube/creds.c agent/kube/creds.h \
	agent/kube/http1.c agent/kube/http1.h \
	agent/kube/lease.c agent/kube/lease.h \
	agent/kube/pools.c agent/kube/pools.h \
	agent/kube/svcpool.c agent/kube/svcpool.h \
	agent/kube/jget.c agent/kube/jget.h \
	agent/kube/jscan.c agent/kube/jscan.h \
	agent/kube/jskim.c agent/kube/jskim.h \
	agent/kube/keep.c agent/kube/keep.h \
	agent/kube/kube.c agent/kube/kube.h agent/kube/kview.h \
	agent/kube/leave.c agent/kube/leave.h \
	agent/kube/nodeparse.c agent/kube/nodeparse.h \
	agent/kube/nodes.c agent/kube/nodes.h \
	agent/kube/reflector.c agent/kube/reflector.h \
	agent/kube/services.c agent/kube/services.h \
	agent/kube/svcparse.c agent/kube/svcparse.h \
	agent/kube/status.c agent/kube/status.h \
	agent/kube/tls.c agent/kube/tls.h \
	agent/nat.c agent/nat.h \
	agent/natmsg.c agent/natmsg.h \
	agent/nl.c agent/nl.h \
	agent/nlbatch.c agent/nlbatch.h \
	agent/nldump.c agent/nldump.h \
	agent/nlmon.c agent/nlmon.h \
	agent/nlmsg.c agent/nlmsg.h \
	agent/nlparse.c \
	agent/peers.c \
	agent/places.c agent/places.h \
	agent/procs.c agent/procs.h \
	agent/quarantine.c agent/quarantine.h \
	agent/routed.c agent/routed.h \
	agent/nlsock.c agent/nlsock.h \
	agent/source.c agent/source.h agent/source_priv.h \
	agent/source_bgpd.c \
	agent/source_conf.c \
	agent/source_dynamic.c \
	agent/source_fib.c \
	agent/source_keys.c \
	agent/sysctl.c agent/sysctl.h \
	agent/tcp.c agent/tcp.h \
	agent/tcp_ao.c agent/tcp_ao.h \
	agent/tcp_hint.c agent/tcp_hint.h \
	agent/tcp_peers.c agent/tcp_peers.h \
	agent/tcp_sock.c agent/tcp_sock.h \
	agent/uplinks.c agent/uplinks.h \
	agent/views.c agent/views.h \
	agent/views_bfd.c \
	agent/views_kube.c \
	agent/views_nodes.c \
	agent/views_node.c \
	agent/views_services.c \
	agent/views_status.c \
	agent/watch.c agent/watch.h

noinst_LIBRARIES += agent/core/libagentcore.a
agent_core_libagentcore_a_SOURCES = \
	agent/core/admit.c agent/core/admit.h \
	agent/core/cluster.c agent/core/cluster.h \
	agent/core/cnilist.c agent/core/cnilist.h \
	agent/core/conflict.c agent/core/conflict.h \
	agent/core/converge.c agent/core/converge.h \
	agent/core/drain.c agent/core/drain.h \
	agent/core/fib.c agent/core/fib.h agent/core/fib_priv.h \
	agent/core/fib_conflict.c \
	agent/core/fib_entry.c \
	agent/core/fib_hold.c \
	agent/core/fib_op.c \
	agent/core/fib_report.c \
	agent/core/fib_see.c \
	agent/core/fib_view.c \
	agent/core/hops.c agent/core/hops.h \
	agent/core/kept.c agent/core/kept.h \
	agent/core/kern.c agent/core/kern.h \
	agent/core/lease.c agent/core/lease.h \
	agent/core/leaving.c agent/core/leaving.h \
	agent/core/local.c \
	agent/core/massguard.c agent/core/massguard.h \
	agent/core/nat.c agent/core/nat.h \
	agent/core/nhobj.c agent/core/nhobj.h \
	agent/core/nhdown.c agent/core/nhdown.h \
	agent/core/nht.c agent/core/nht.h \
	agent/core/plan.c agent/core/plan.h \
	agent/core/ptree.c agent/core/ptree.h \
	agent/core/pools.c agent/core/pools.h \
	agent/core/poison.c agent/core/poison.h \
	agent/core/services.c agent/core/services.h

# OpenSSL, in a module that is loaded when TLS is first used (agent/kube/tls.h).
pkglibexec_PROGRAMS += weft-tls.so
weft_tls_so_SOURCES = agent/kube/tls_openssl.c lib/mem.c lib/mem.h
weft_tls_so_CPPFLAGS = $(AM_CPPFLAGS) $(OPENSSL_CFLAGS)
weft_tls_so_CFLAGS = $(AM_CFLAGS) -fPIC
weft_tls_so_LDFLAGS = $(AM_LDFLAGS) -shared
weft_tls_so_LDADD = $(OPENSSL_LIBS)

pkglibexec_PROGRAMS += weft-agent
weft_agent_SOURCES = agent/main.c
weft_agent_LDFLAGS = $(WEFT_LDFLAGS) $(WEFT_LTO_LDFLAGS)
weft_agent_LDADD = agent/libagent.a agent/core/libagentcore.a lib/libconf.a lib/libweft.a \
	$(NL_LIBS) $(EVENT_EXTRA_LIBS) $(YAML_LIBS) $(JANSSON_LIBS)
