# tests of layer bgpd: one block per program, sorted.
bgpd_test_ldadd = bgpd/core/libbgpcore.a lib/libweft.a $(CHECK_LIBS)

check_PROGRAMS += test_aspath
test_aspath_SOURCES = tests/unit/test_aspath.c tests/unit/unit.h
test_aspath_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_aspath_LDADD = $(bgpd_test_ldadd)
TESTS += test_aspath

check_PROGRAMS += test_attrs
test_attrs_SOURCES = tests/unit/test_attrs.c
test_attrs_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_attrs_LDADD = $(bgpd_test_ldadd)
TESTS += test_attrs

check_PROGRAMS += test_bmp
test_bmp_SOURCES = tests/unit/test_bmp.c tests/unit/ribrig.c tests/unit/ribrig.h tests/unit/unit.h
test_bmp_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_bmp_LDADD = $(bgpd_test_ldadd)
TESTS += test_bmp

check_PROGRAMS += test_collision
test_collision_SOURCES = tests/unit/test_collision.c tests/unit/rig.c tests/unit/rig.h tests/unit/unit.h
test_collision_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_collision_LDADD = $(bgpd_test_ldadd)
TESTS += test_collision

check_PROGRAMS += test_kinds
test_kinds_SOURCES = tests/unit/test_kinds.c tests/unit/rig.c tests/unit/rig.h tests/unit/unit.h
test_kinds_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_kinds_LDADD = $(bgpd_test_ldadd)
TESTS += test_kinds

check_PROGRAMS += test_peer_options
test_peer_options_SOURCES = tests/unit/test_peer_options.c $(rig_sources)
test_peer_options_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_peer_options_LDADD = $(bgpd_test_ldadd)
TESTS += test_peer_options

check_PROGRAMS += test_decide
test_decide_SOURCES = tests/unit/test_decide.c
test_decide_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_decide_LDADD = $(bgpd_test_ldadd)
TESTS += test_decide

check_PROGRAMS += test_err
test_err_SOURCES = tests/unit/test_err.c tests/unit/unit.h
test_err_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_err_LDADD = $(bgpd_test_ldadd)
TESTS += test_err

check_PROGRAMS += test_feedenc
test_feedenc_SOURCES = tests/unit/test_feedenc.c tests/unit/unit.h
test_feedenc_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_feedenc_LDADD = $(bgpd_test_ldadd)
TESTS += test_feedenc

check_PROGRAMS += test_fsm
test_fsm_SOURCES = tests/unit/test_fsm.c tests/unit/unit.h
test_fsm_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_fsm_LDADD = $(bgpd_test_ldadd)
TESTS += test_fsm

# One peer and its sessions.
peer_rig = tests/unit/peerrig.c tests/unit/peerrig.h tests/unit/rig.c tests/unit/rig.h tests/unit/unit.h
check_PROGRAMS += tests/unit/test_peer
tests_unit_test_peer_SOURCES = tests/unit/test_peer.c $(peer_rig)
tests_unit_test_peer_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_peer_LDADD = $(bgpd_test_ldadd)
TESTS += tests/unit/test_peer

check_PROGRAMS += tests/unit/test_peer_dial
tests_unit_test_peer_dial_SOURCES = tests/unit/test_peer_dial.c $(peer_rig)
tests_unit_test_peer_dial_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_peer_dial_LDADD = $(bgpd_test_ldadd)
TESTS += tests/unit/test_peer_dial

check_PROGRAMS += tests/unit/test_peer_gr
tests_unit_test_peer_gr_SOURCES = tests/unit/test_peer_gr.c $(peer_rig)
tests_unit_test_peer_gr_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_peer_gr_LDADD = $(bgpd_test_ldadd)
TESTS += tests/unit/test_peer_gr

check_PROGRAMS += tests/unit/test_peer_open
tests_unit_test_peer_open_SOURCES = tests/unit/test_peer_open.c $(peer_rig)
tests_unit_test_peer_open_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_peer_open_LDADD = $(bgpd_test_ldadd)
TESTS += tests/unit/test_peer_open

check_PROGRAMS += tests/unit/test_peer_why
tests_unit_test_peer_why_SOURCES = tests/unit/test_peer_why.c $(peer_rig)
tests_unit_test_peer_why_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_peer_why_LDADD = $(bgpd_test_ldadd)
TESTS += tests/unit/test_peer_why

check_PROGRAMS += test_session
test_session_SOURCES = tests/unit/test_session.c $(peer_rig)
test_session_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_session_LDADD = $(bgpd_test_ldadd)
TESTS += test_session

check_PROGRAMS += test_session_conn
test_session_conn_SOURCES = tests/unit/test_session_conn.c $(peer_rig)
test_session_conn_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_session_conn_LDADD = $(bgpd_test_ldadd)
TESTS += test_session_conn

check_PROGRAMS += test_session_msg
test_session_msg_SOURCES = tests/unit/test_session_msg.c $(peer_rig)
test_session_msg_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_session_msg_LDADD = $(bgpd_test_ldadd)
TESTS += test_session_msg

check_PROGRAMS += test_reasons
test_reasons_SOURCES = tests/unit/test_reasons.c tests/unit/rig.c tests/unit/rig.h tests/unit/unit.h
test_reasons_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_reasons_LDADD = $(bgpd_test_ldadd)
TESTS += test_reasons

check_PROGRAMS += test_sim
test_sim_SOURCES = tests/sim/test_sim.c tests/sim/simnet.c tests/sim/simnet.h
test_sim_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_sim_LDADD = $(bgpd_test_ldadd)
TESTS += test_sim

check_PROGRAMS += tests/prop/prop_update
tests_prop_prop_update_SOURCES = tests/prop/prop_update.c tests/prop/prop.h
tests_prop_prop_update_LDADD = $(bgpd_test_ldadd)
TESTS += tests/prop/prop_update
check_PROGRAMS += tests/prop/prop_filter
tests_prop_prop_filter_SOURCES = tests/prop/prop_filter.c tests/prop/prop.h
tests_prop_prop_filter_LDADD = $(bgpd_test_ldadd)
TESTS += tests/prop/prop_filter

check_PROGRAMS += tests/prop/prop_speaker
tests_prop_prop_speaker_SOURCES = tests/prop/prop_speaker.c tests/prop/prop.h
tests_prop_prop_speaker_LDADD = $(bgpd_test_ldadd)
TESTS += tests/prop/prop_speaker

check_PROGRAMS += tests/bench/bench_core
TESTS += tests/bench/bench_core
tests_bench_bench_core_SOURCES = tests/bench/bench_core.c tests/bench/measure.h
tests_bench_bench_core_LDFLAGS = $(WEFT_LDFLAGS) $(WEFT_LTO_LDFLAGS)
tests_bench_bench_core_LDADD = $(bgpd_test_ldadd)

# The routing half.
check_PROGRAMS += tests/unit/test_policy tests/unit/test_rib tests/unit/test_filter tests/unit/test_idx
check_PROGRAMS += tests/unit/test_adjout tests/unit/test_fibout tests/unit/test_gr tests/unit/test_llgr
check_PROGRAMS += tests/unit/test_speaker tests/unit/test_addpath tests/unit/test_gshut
TESTS += tests/unit/test_policy tests/unit/test_rib tests/unit/test_filter tests/unit/test_idx
TESTS += tests/unit/test_adjout tests/unit/test_fibout tests/unit/test_gr tests/unit/test_llgr
TESTS += tests/unit/test_speaker tests/unit/test_addpath tests/unit/test_gshut
rig_sources = tests/unit/ribrig.c tests/unit/ribrig.h tests/unit/unit.h
RIB_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_SOURCES = tests/unit/test_policy.c tests/unit/unit.h
tests_unit_test_policy_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_policy_LDADD = $(bgpd_test_ldadd)
tests_unit_test_filter_SOURCES = tests/unit/test_filter.c $(rig_sources)
tests_unit_test_filter_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_filter_LDADD = $(bgpd_test_ldadd)
tests_unit_test_idx_SOURCES = tests/unit/test_idx.c tests/unit/unit.h
tests_unit_test_idx_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_idx_LDADD = $(bgpd_test_ldadd)
tests_unit_test_rib_SOURCES = tests/unit/test_rib.c tests/unit/unit.h
tests_unit_test_rib_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_rib_LDADD = $(bgpd_test_ldadd)
tests_unit_test_adjout_SOURCES = tests/unit/test_adjout.c $(rig_sources)
tests_unit_test_adjout_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_adjout_LDADD = $(bgpd_test_ldadd)
tests_unit_test_addpath_SOURCES = tests/unit/test_addpath.c $(rig_sources)
tests_unit_test_addpath_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_addpath_LDADD = $(bgpd_test_ldadd)
tests_unit_test_fibout_SOURCES = tests/unit/test_fibout.c $(rig_sources)
tests_unit_test_fibout_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_fibout_LDADD = $(bgpd_test_ldadd)
tests_unit_test_gr_SOURCES = tests/unit/test_gr.c $(rig_sources)
tests_unit_test_gr_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_gr_LDADD = $(bgpd_test_ldadd)
tests_unit_test_llgr_SOURCES = tests/unit/test_llgr.c $(rig_sources)
tests_unit_test_llgr_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_llgr_LDADD = $(bgpd_test_ldadd)
tests_unit_test_speaker_SOURCES = tests/unit/test_speaker.c $(rig_sources)
tests_unit_test_speaker_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_speaker_LDADD = $(bgpd_test_ldadd)
tests_unit_test_gshut_SOURCES = tests/unit/test_gshut.c $(rig_sources)
tests_unit_test_gshut_CPPFLAGS = $(RIB_CPPFLAGS)
tests_unit_test_gshut_LDADD = $(bgpd_test_ldadd)

check_PROGRAMS += test_msg
test_msg_SOURCES = tests/unit/test_msg.c
test_msg_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_msg_LDADD = $(bgpd_test_ldadd)
TESTS += test_msg

check_PROGRAMS += tests/unit/test_update
tests_unit_test_update_SOURCES = tests/unit/test_update.c
tests_unit_test_update_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_update_LDADD = $(bgpd_test_ldadd)
TESTS += tests/unit/test_update

# Wire vectors over the core; e2e/test_vectors.py runs the same program against sockets.
check_PROGRAMS += tests/vectors/vectors
tests_vectors_vectors_SOURCES = tests/vectors/main.c tests/vectors/parse.c tests/vectors/octets.c \
	tests/vectors/view.c tests/vectors/run.c tests/vectors/core.c tests/vectors/tcp.c \
	tests/vectors/vec.h
tests_vectors_vectors_LDADD = bgpd/core/libbgpcore.a lib/libweft.a
TESTS += tests/vectors/vectors tests/vectors/check-list
EXTRA_DIST += tests/vectors/check-list \
	tests/vectors/00-words.vec \
	tests/vectors/10-header.vec \
	tests/vectors/20-open.vec \
	tests/vectors/21-capability.vec \
	tests/vectors/30-state.vec \
	tests/vectors/40-update.vec \
	tests/vectors/41-attribute.vec \
	tests/vectors/42-nlri.vec \
	tests/vectors/43-multiprotocol.vec \
	tests/vectors/44-as4.vec \
	tests/vectors/45-community.vec \
	tests/vectors/46-reflection.vec \
	tests/vectors/50-refresh.vec \
	tests/vectors/51-notification.vec \
	tests/vectors/60-role.vec \
	tests/vectors/61-addpath.vec \
	tests/vectors/62-extended.vec \
	tests/vectors/63-enhanced.vec \
	tests/vectors/64-confederation.vec \
	tests/vectors/65-nexthop6.vec

.PHONY: update-vector-list
update-vector-list: tests/vectors/vectors
	srcdir=$(srcdir) tests/vectors/vectors --page $(srcdir)/doc/standards.md >list.new && \
		mv list.new $(srcdir)/doc/standards.md

# The fuzzing peer: e2e/test_fuzz_peer.py runs a slice of it, make fuzz-peer all of it.
check_PROGRAMS += tests/vectors/fuzz_peer
tests_vectors_fuzz_peer_SOURCES = tests/vectors/fuzz_peer.c tests/vectors/parse.c \
	tests/vectors/octets.c tests/vectors/view.c tests/vectors/run.c tests/vectors/core.c \
	tests/vectors/tcp.c tests/vectors/vec.h
tests_vectors_fuzz_peer_LDADD = bgpd/core/libbgpcore.a lib/libweft.a

# Ten minutes with SECONDS=600; a failure prints seed and case: SEED=n CASE=lane.k repeats it.
.PHONY: fuzz-peer
fuzz-peer: all tests/vectors/fuzz_peer
	WEFT_BUILD=`pwd` WEFT_FUZZ_SECONDS=$(SECONDS) WEFT_FUZZ_SEED=$(SEED) WEFT_FUZZ_CASE=$(CASE) \
		/usr/bin/python3 -m pytest -p no:cacheprovider -q -s $(srcdir)/tests/e2e/test_fuzz_peer.py

# weft-bgpd with a fault that a message sets off, for e2e/test_quarantine.py.
check_PROGRAMS += tests/poison/weft-bgpd
tests_poison_weft_bgpd_SOURCES = bgpd/main.c tests/poison/poison.c
tests_poison_weft_bgpd_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=update_decode
tests_poison_weft_bgpd_LDADD = $(weft_bgpd_LDADD)

check_PROGRAMS += test_radv
test_radv_SOURCES = tests/unit/test_radv.c tests/unit/unit.h
test_radv_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
test_radv_LDADD = $(bgpd_test_ldadd)
TESTS += test_radv
