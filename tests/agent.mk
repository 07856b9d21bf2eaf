# tests of layer agent
AGENT_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(NL_CFLAGS) $(EVENT_CORE_CFLAGS)
AGENTCORE_TEST_LIBS = agent/core/libagentcore.a lib/libweft.a $(CHECK_LIBS)
NL_TEST_LIBS = agent/libagent.a $(AGENTCORE_TEST_LIBS) $(NL_LIBS) $(EVENT_CORE_LIBS)

check_PROGRAMS += tests/unit/test_nl tests/unit/test_nlio tests/unit/test_nlmsg
TESTS += tests/unit/test_nl tests/unit/test_nlio tests/unit/test_nlmsg

tests_unit_test_nl_SOURCES = tests/unit/test_nl.c tests/unit/nlrig.c tests/unit/nlrig.h tests/unit/unit.h
tests_unit_test_nl_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_nl_LDADD = $(NL_TEST_LIBS)

tests_unit_test_nlmsg_SOURCES = tests/unit/test_nlmsg.c tests/unit/unit.h
tests_unit_test_nlmsg_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_nlmsg_LDADD = $(NL_TEST_LIBS)

# Plays the fib itself: without the core.
tests_unit_test_nlio_SOURCES = tests/unit/test_nlio.c tests/unit/unit.h
tests_unit_test_nlio_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_nlio_LDADD = agent/libagent.a lib/libweft.a $(CHECK_LIBS) $(NL_LIBS)

check_PROGRAMS += tests/unit/test_hint
TESTS += tests/unit/test_hint
tests_unit_test_hint_SOURCES = tests/unit/test_hint.c tests/unit/unit.h
tests_unit_test_hint_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_hint_LDADD = $(NL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_procs
TESTS += tests/unit/test_procs
tests_unit_test_procs_SOURCES = tests/unit/test_procs.c tests/unit/unit.h
tests_unit_test_procs_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_procs_LDADD = agent/libagent.a lib/libweft.a $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_ao
TESTS += tests/unit/test_ao
tests_unit_test_ao_SOURCES = tests/unit/test_ao.c tests/unit/unit.h
tests_unit_test_ao_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_ao_LDADD = $(NL_TEST_LIBS)
check_PROGRAMS += tests/unit/test_tcp_peers
TESTS += tests/unit/test_tcp_peers
tests_unit_test_tcp_peers_SOURCES = tests/unit/test_tcp_peers.c tests/unit/unit.h
tests_unit_test_tcp_peers_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_tcp_peers_LDADD = $(NL_TEST_LIBS)

check_PROGRAMS += tests/unit/test_dynamic
TESTS += tests/unit/test_dynamic
tests_unit_test_dynamic_SOURCES = tests/unit/test_dynamic.c tests/unit/unit.h
tests_unit_test_dynamic_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_dynamic_LDADD = agent/libagent.a lib/libconf.a $(AGENTCORE_TEST_LIBS) $(YAML_LIBS)

# In bgpd's place; e2e/test_hostile_bgpd.py starts it.
check_PROGRAMS += tests/e2e/hostile_bgpd
tests_e2e_hostile_bgpd_SOURCES = tests/e2e/hostile_bgpd.c
tests_e2e_hostile_bgpd_LDADD = lib/libweft.a

# Nothing but the API server's client (e2e/test_kube_client.py), and the other nodes of a large
# cluster (e2e/test_kube_scale.py).
check_PROGRAMS += tests/e2e/kubewatch tests/e2e/meshnodes
tests_e2e_meshnodes_SOURCES = tests/e2e/meshnodes.c
tests_e2e_kubewatch_SOURCES = tests/e2e/kubewatch.c
tests_e2e_kubewatch_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_EXTRA_CFLAGS) $(JANSSON_CFLAGS)
tests_e2e_kubewatch_LDADD = agent/libagent.a agent/core/libagentcore.a lib/libconf.a lib/libweft.a \
	$(EVENT_EXTRA_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)

check_PROGRAMS += tests/unit/test_agentchan
TESTS += tests/unit/test_agentchan
tests_unit_test_agentchan_SOURCES = tests/unit/test_agentchan.c tests/unit/unit.h
tests_unit_test_agentchan_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_agentchan_LDADD = agent/libagent.a $(AGENTCORE_TEST_LIBS) $(EVENT_CORE_LIBS)

check_PROGRAMS += tests/prop/prop_fib tests/prop/prop_lease tests/prop/prop_pools tests/prop/prop_ptree
TESTS += tests/prop/prop_fib tests/prop/prop_lease tests/prop/prop_pools tests/prop/prop_ptree
check_PROGRAMS += tests/unit/test_svcpool
TESTS += tests/unit/test_svcpool
tests_unit_test_svcpool_SOURCES = tests/unit/test_svcpool.c tests/unit/unit.h
tests_unit_test_svcpool_CPPFLAGS = $(AGENT_TEST_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_svcpool_LDADD = agent/libagent.a $(AGENTCORE_TEST_LIBS) $(JANSSON_LIBS)
tests_prop_prop_lease_SOURCES = tests/prop/prop_lease.c tests/prop/prop.h
tests_prop_prop_lease_LDADD = agent/core/libagentcore.a lib/libweft.a
tests_prop_prop_pools_SOURCES = tests/prop/prop_pools.c tests/prop/prop.h
tests_prop_prop_pools_LDADD = agent/core/libagentcore.a lib/libweft.a
tests_prop_prop_ptree_SOURCES = tests/prop/prop_ptree.c tests/prop/prop.h
tests_prop_prop_ptree_LDADD = agent/core/libagentcore.a lib/libweft.a
tests_prop_prop_fib_SOURCES = tests/prop/prop_fib.c tests/prop/fakekern.c tests/prop/fakekern.h tests/prop/prop.h
tests_prop_prop_fib_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_prop_prop_fib_LDADD = $(AGENTCORE_TEST_LIBS)

agentcore_unit_tests = \
	tests/unit/test_admit \
	tests/unit/test_cluster \
	tests/unit/test_kept \
	tests/unit/test_conflict \
	tests/unit/test_cnilist \
	tests/unit/test_converge \
	tests/unit/test_drain \
	tests/unit/test_fib \
	tests/unit/test_fib_guard \
	tests/unit/test_fib_nh \
	tests/unit/test_fib_own \
	tests/unit/test_fib_restart \
	tests/unit/test_fib_sets \
	tests/unit/test_kern \
	tests/unit/test_composition \
	tests/unit/test_leaving \
	tests/unit/test_massguard \
	tests/unit/test_nat \
	tests/unit/test_plan \
	tests/unit/test_pools \
	tests/unit/test_poison \
	tests/unit/test_services
check_PROGRAMS += $(agentcore_unit_tests)
TESTS += $(agentcore_unit_tests)

tests_unit_test_admit_SOURCES = tests/unit/test_admit.c tests/unit/unit.h
tests_unit_test_admit_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_admit_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_kept_SOURCES = tests/unit/test_kept.c tests/unit/unit.h
tests_unit_test_kept_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_kept_LDADD = $(AGENTCORE_TEST_LIBS)
tests_unit_test_cluster_SOURCES = tests/unit/test_cluster.c tests/unit/unit.h
tests_unit_test_cluster_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_cluster_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_conflict_SOURCES = tests/unit/test_conflict.c tests/unit/unit.h
tests_unit_test_conflict_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_conflict_LDADD = $(AGENTCORE_TEST_LIBS)
tests_unit_test_cnilist_SOURCES = tests/unit/test_cnilist.c tests/unit/unit.h
tests_unit_test_cnilist_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_cnilist_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_converge_SOURCES = tests/unit/test_converge.c tests/unit/unit.h
tests_unit_test_converge_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_converge_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_drain_SOURCES = tests/unit/test_drain.c tests/unit/unit.h
tests_unit_test_drain_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_drain_LDADD = $(AGENTCORE_TEST_LIBS)

fib_rig = tests/unit/fibrig.c tests/unit/fibrig.h tests/unit/unit.h
tests_unit_test_fib_SOURCES = tests/unit/test_fib.c $(fib_rig)
tests_unit_test_fib_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_fib_LDADD = $(AGENTCORE_TEST_LIBS)
tests_unit_test_fib_guard_SOURCES = tests/unit/test_fib_guard.c $(fib_rig)
tests_unit_test_fib_guard_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_fib_guard_LDADD = $(AGENTCORE_TEST_LIBS)
tests_unit_test_fib_nh_SOURCES = tests/unit/test_fib_nh.c $(fib_rig)
tests_unit_test_fib_nh_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_fib_nh_LDADD = $(AGENTCORE_TEST_LIBS)
tests_unit_test_fib_own_SOURCES = tests/unit/test_fib_own.c $(fib_rig)
tests_unit_test_fib_own_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_fib_own_LDADD = $(AGENTCORE_TEST_LIBS)
tests_unit_test_fib_restart_SOURCES = tests/unit/test_fib_restart.c $(fib_rig)
tests_unit_test_fib_restart_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_fib_restart_LDADD = $(AGENTCORE_TEST_LIBS)
tests_unit_test_fib_sets_SOURCES = tests/unit/test_fib_sets.c $(fib_rig)
tests_unit_test_fib_sets_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_fib_sets_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_composition_SOURCES = tests/unit/test_composition.c tests/unit/unit.h
tests_unit_test_composition_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_composition_LDADD = agent/libagent.a $(CONF_TEST_LIBS) $(CHECK_LIBS)

tests_unit_test_massguard_SOURCES = tests/unit/test_massguard.c tests/unit/unit.h
tests_unit_test_massguard_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_massguard_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_nat_SOURCES = tests/unit/test_nat.c tests/unit/unit.h
tests_unit_test_nat_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_nat_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_plan_SOURCES = tests/unit/test_plan.c tests/unit/unit.h
tests_unit_test_plan_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_plan_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_pools_SOURCES = tests/unit/test_pools.c tests/unit/unit.h
tests_unit_test_pools_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_pools_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_poison_SOURCES = tests/unit/test_poison.c tests/unit/unit.h
tests_unit_test_poison_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_poison_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_services_SOURCES = tests/unit/test_services.c tests/unit/unit.h
tests_unit_test_services_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_services_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_leaving_SOURCES = tests/unit/test_leaving.c tests/unit/unit.h
tests_unit_test_leaving_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_leaving_LDADD = $(AGENTCORE_TEST_LIBS)

tests_unit_test_kern_SOURCES = tests/unit/test_kern.c tests/unit/unit.h
tests_unit_test_kern_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_kern_LDADD = $(AGENTCORE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_svcparse
TESTS += tests/unit/test_svcparse
tests_unit_test_svcparse_SOURCES = tests/unit/test_svcparse.c tests/unit/unit.h
tests_unit_test_svcparse_CPPFLAGS = $(AGENT_TEST_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_svcparse_LDADD = agent/libagent.a agent/core/libagentcore.a lib/libconf.a \
	lib/libweft.a $(CHECK_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)

# Plays everything around agent/bfd.c itself.
check_PROGRAMS += tests/unit/test_agentbfd
TESTS += tests/unit/test_agentbfd
tests_unit_test_agentbfd_SOURCES = tests/unit/test_agentbfd.c tests/unit/unit.h
tests_unit_test_agentbfd_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_unit_test_agentbfd_LDADD = agent/libagent.a lib/libweft.a $(CHECK_LIBS) $(EVENT_CORE_LIBS)

# The client of the Kubernetes API.
kube_unit_tests = \
	tests/unit/test_creds \
	tests/unit/test_http1 \
	tests/unit/test_jscan \
	tests/unit/test_kube_lease \
	tests/unit/test_reflector
check_PROGRAMS += $(kube_unit_tests)
TESTS += $(kube_unit_tests)
KUBE_TEST_CPPFLAGS = $(AGENT_TEST_CPPFLAGS) $(JANSSON_CFLAGS)
KUBE_TEST_LIBS = agent/libagent.a lib/libconf.a lib/libweft.a $(CHECK_LIBS) $(JANSSON_LIBS) $(YAML_LIBS)

tests_unit_test_creds_SOURCES = tests/unit/test_creds.c tests/unit/unit.h
tests_unit_test_creds_CPPFLAGS = $(KUBE_TEST_CPPFLAGS)
tests_unit_test_creds_LDADD = $(KUBE_TEST_LIBS)
tests_unit_test_http1_SOURCES = tests/unit/test_http1.c tests/unit/unit.h
tests_unit_test_http1_CPPFLAGS = $(KUBE_TEST_CPPFLAGS)
tests_unit_test_http1_LDADD = $(KUBE_TEST_LIBS)
tests_unit_test_jscan_SOURCES = tests/unit/test_jscan.c tests/unit/unit.h
tests_unit_test_jscan_CPPFLAGS = $(KUBE_TEST_CPPFLAGS)
tests_unit_test_jscan_LDADD = $(KUBE_TEST_LIBS)
# These two play the API server, and time, themselves.
apirig = tests/unit/apirig.c tests/unit/apirig.h tests/unit/unit.h
tests_unit_test_kube_lease_SOURCES = tests/unit/test_kube_lease.c $(apirig)
tests_unit_test_kube_lease_CPPFLAGS = $(KUBE_TEST_CPPFLAGS)
tests_unit_test_kube_lease_LDADD = agent/libagent.a agent/core/libagentcore.a $(KUBE_TEST_LIBS)
tests_unit_test_reflector_SOURCES = tests/unit/test_reflector.c $(apirig)
tests_unit_test_reflector_CPPFLAGS = $(KUBE_TEST_CPPFLAGS)
tests_unit_test_reflector_LDADD = $(KUBE_TEST_LIBS)

# Not run by make check: make tests/bench/bench_kernel.
EXTRA_PROGRAMS += tests/bench/bench_kernel
tests_bench_bench_kernel_SOURCES = tests/bench/bench_kernel.c \
	tests/bench/onlooker.c tests/bench/onlooker.h tests/bench/measure.h \
	tests/bench/load/kernmon.c tests/bench/load/kernmon.h \
	tests/bench/load/rtnl.c tests/bench/load/rtnl.h
tests_bench_bench_kernel_LDADD = lib/libweft.a

# Not run by make check: make tests/bench/bench_fib.
EXTRA_PROGRAMS += tests/bench/bench_fib
tests_bench_bench_fib_SOURCES = tests/bench/bench_fib.c tests/bench/measure.h
tests_bench_bench_fib_CPPFLAGS = $(AGENT_TEST_CPPFLAGS)
tests_bench_bench_fib_LDFLAGS = $(WEFT_LDFLAGS) $(WEFT_LTO_LDFLAGS)
tests_bench_bench_fib_LDADD = $(NL_TEST_LIBS)
