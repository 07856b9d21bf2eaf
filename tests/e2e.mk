# End-to-end tests and the two commands: scripts only, run from the source tree.
EXTRA_DIST += \
	.ci/run \
	quickstart \
	run-tests \
	tests/count_checks.py \
	tests/deps.sh \
	tests/e2e/conftest.py \
	tests/e2e/fabric/__init__.py \
	tests/e2e/fabric/apistore.py \
	tests/e2e/fabric/bgp.py \
	tests/e2e/fabric/cluster.py \
	tests/e2e/fabric/gate.py \
	tests/e2e/fabric/inject.py \
	tests/e2e/fabric/kube.py \
	tests/e2e/fabric/machine.py \
	tests/e2e/fabric/net.py \
	tests/e2e/fabric/peers.py \
	tests/e2e/fabric/pki.py \
	tests/e2e/fabric/racks.py \
	tests/e2e/fabric/reaper.py \
	tests/e2e/fabric/replay.py \
	tests/e2e/fabric/segment.py \
	tests/e2e/fabric/topo.py \
	tests/e2e/fabric/traffic.py \
	tests/e2e/fabric/unnumbered.py \
	tests/e2e/fabric/wait.py \
	tests/e2e/fabric/weft.py \
	tests/e2e/pause.c \
	tests/e2e/pinger.c \
	tests/e2e/pods.py \
	tests/e2e/quickstart.py \
	tests/e2e/quickstart_kube.py \
	tests/e2e/test_bfd.py \
	tests/e2e/test_churn.py \
	tests/e2e/deleter.py \
	tests/e2e/test_collision.py \
	tests/e2e/test_conflicts.py \
	tests/e2e/test_commands.py \
	tests/e2e/test_filters.py \
	tests/e2e/test_footprint.py \
	tests/e2e/test_fuzz_peer.py \
	tests/e2e/test_guard.py \
	tests/e2e/test_kube_chaos.py \
	tests/e2e/test_kube_client.py \
	tests/e2e/test_kube_hostile.py \
	tests/e2e/test_kube_scale.py \
	tests/e2e/test_graceful.py \
	tests/e2e/test_hostile.py \
	tests/e2e/test_hostile_bgpd.py \
	tests/e2e/test_kube_cluster.py \
	tests/e2e/test_kube_server.py \
	tests/e2e/test_foreign.py \
	tests/e2e/test_llgr.py \
	tests/e2e/test_multipath.py \
	tests/e2e/test_nat.py \
	tests/e2e/test_observe.py \
	tests/e2e/test_pools.py \
	tests/e2e/test_operation.py \
	tests/e2e/test_quarantine.py \
	tests/e2e/test_reconcile.py \
	tests/e2e/test_reflectors.py \
	tests/e2e/test_replay.py \
	tests/e2e/test_restart.py \
	tests/e2e/test_safety.py \
	tests/e2e/test_services.py \
	tests/e2e/test_sessions.py \
	tests/e2e/test_soak.py \
	tests/e2e/test_uplinks.py \
	tests/e2e/test_vectors.py \
	tests/kube/build \
	tests/kube/recorded

# Whole what a normal run does some seconds of.
.PHONY: soak
soak: all
	cd $(srcdir) && WEFT_SOAK=1 WEFT_BUILD=$(abs_builddir) /usr/bin/python3 -m pytest \
		-p no:cacheprovider -q -s -m soak $(SOAK) tests/e2e
