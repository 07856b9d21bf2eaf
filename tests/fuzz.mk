# Fuzz harnesses: tests/fuzz/fuzz_NAME.c with its seeds in tests/fuzz/corpus/NAME/.
# make check replays the corpora and a few mutations of each. With CC=clang
# configure --enable-fuzzer (best with --enable-sanitizers) the same programs are
# libFuzzer's: make fuzz runs each for SECONDS (60), new inputs go to ./fuzz-NAME/.
#
# A harness is one name in fuzz_harnesses and one LDADD line below.
fuzz_harnesses = \
	tests/fuzz/fuzz_bfd \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_control \
	tests/fuzz/fuzz_http1 \
	tests/fuzz/fuzz_intents \
	tests/fuzz/fuzz_ip \
	tests/fuzz/fuzz_ipcmsg \
	tests/fuzz/fuzz_jscan \
	tests/fuzz/fuzz_jskim \
	tests/fuzz/fuzz_kubeconfig \
	tests/fuzz/fuzz_message \
	tests/fuzz/fuzz_netlink \
	tests/fuzz/fuzz_kept \
	tests/fuzz/fuzz_nodes \
	tests/fuzz/fuzz_open \
	tests/fuzz/fuzz_out \
	tests/fuzz/fuzz_pools \
	tests/fuzz/fuzz_parts \
	tests/fuzz/fuzz_radv \
	tests/fuzz/fuzz_services \
	tests/fuzz/fuzz_speaker \
	tests/fuzz/fuzz_stream \
	tests/fuzz/fuzz_update

check_PROGRAMS += $(fuzz_harnesses) tests/fuzz/seed_ipcmsg tests/fuzz/seed_vectors
EXTRA_DIST += tests/fuzz/corpus

if FUZZER
fuzz_main = $(FUZZ_LDFLAGS)
else
check_LIBRARIES = tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay.c
fuzz_main = tests/fuzz/libreplay.a
TESTS += $(fuzz_harnesses)
endif
fuzz_libs = $(fuzz_main) lib/libweft.a
fuzz_core = $(fuzz_main) bgpd/core/libbgpcore.a lib/libweft.a

tests_fuzz_fuzz_bfd_LDADD = $(fuzz_main) bfdd/core/libbfdcore.a lib/libweft.a
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c tests/conf/testconf.c tests/conf/testconf.h
tests_fuzz_fuzz_conf_LDADD = $(fuzz_main) lib/libconf.a lib/libweft.a $(YAML_LIBS)
tests_fuzz_fuzz_parts_SOURCES = tests/fuzz/fuzz_parts.c tests/conf/testconf.c tests/conf/testconf.h
tests_fuzz_fuzz_parts_LDADD = $(fuzz_main) lib/libconf.a lib/libweft.a $(YAML_LIBS)
tests_fuzz_fuzz_control_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(EVENT_EXTRA_CFLAGS)
tests_fuzz_fuzz_control_SOURCES = tests/fuzz/fuzz_control.c tests/unit/fake_agent.c \
	tests/unit/fake_agent.h
tests_fuzz_fuzz_control_LDADD = $(fuzz_main) agent/libagent.a agent/core/libagentcore.a \
	lib/libconf.a lib/libweft.a \
	$(CHECK_LIBS) $(JANSSON_LIBS) $(EVENT_EXTRA_LIBS) $(YAML_LIBS)
tests_fuzz_fuzz_http1_LDADD = $(fuzz_main) agent/libagent.a lib/libweft.a
tests_fuzz_fuzz_jscan_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_jscan_LDADD = $(fuzz_main) agent/libagent.a lib/libweft.a $(JANSSON_LIBS)
tests_fuzz_fuzz_jskim_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_jskim_LDADD = $(fuzz_main) agent/libagent.a lib/libweft.a $(JANSSON_LIBS)
kube_fuzz_libs = $(fuzz_main) agent/libagent.a agent/core/libagentcore.a lib/libconf.a lib/libweft.a \
	$(JANSSON_LIBS) $(YAML_LIBS)
tests_fuzz_fuzz_nodes_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_nodes_LDADD = $(kube_fuzz_libs)
tests_fuzz_fuzz_pools_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_pools_LDADD = $(kube_fuzz_libs)
tests_fuzz_fuzz_kubeconfig_LDADD = $(fuzz_main) agent/libagent.a lib/libconf.a lib/libweft.a $(YAML_LIBS)
tests_fuzz_fuzz_intents_LDADD = $(fuzz_main) agent/core/libagentcore.a lib/libweft.a
tests_fuzz_fuzz_kept_LDADD = $(fuzz_main) agent/core/libagentcore.a lib/libweft.a
tests_fuzz_fuzz_ip_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_message_LDADD = $(fuzz_core)
tests_fuzz_fuzz_netlink_CPPFLAGS = $(AM_CPPFLAGS) $(NL_CFLAGS)
tests_fuzz_fuzz_netlink_LDADD = $(fuzz_main) agent/libagent.a agent/core/libagentcore.a \
	lib/libweft.a $(NL_LIBS)
tests_fuzz_fuzz_services_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_services_LDADD = $(fuzz_main) agent/libagent.a agent/core/libagentcore.a lib/libconf.a \
	lib/libweft.a $(JANSSON_LIBS) $(YAML_LIBS)
vector_rig = tests/vectors/parse.c tests/vectors/octets.c tests/vectors/view.c \
	tests/vectors/run.c tests/vectors/core.c tests/vectors/vec.h
tests_fuzz_fuzz_speaker_SOURCES = tests/fuzz/fuzz_speaker.c $(vector_rig)
tests_fuzz_fuzz_speaker_LDADD = $(fuzz_core)
tests_fuzz_seed_vectors_SOURCES = tests/fuzz/seed_vectors.c $(vector_rig)
tests_fuzz_seed_vectors_LDADD = bgpd/core/libbgpcore.a lib/libweft.a
tests_fuzz_fuzz_ipcmsg_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_open_LDADD = $(fuzz_core)
tests_fuzz_fuzz_out_LDADD = $(fuzz_libs) $(JANSSON_LIBS)
tests_fuzz_fuzz_radv_LDADD = $(fuzz_core)
tests_fuzz_fuzz_stream_LDADD = $(fuzz_core)
tests_fuzz_fuzz_update_LDADD = $(fuzz_core)

tests_fuzz_seed_ipcmsg_SOURCES = tests/fuzz/seed_ipcmsg.c tests/fuzz/fuzz.h \
	tests/prop/gen_ipcmsg.c tests/prop/gen_ipcmsg.h
tests_fuzz_seed_ipcmsg_LDADD = lib/libweft.a

# make fuzz SECONDS=600 HARNESS=tests/fuzz/fuzz_update: that one alone. Without
# --enable-fuzzer it makes a build of its own in ./fuzz-build/ first.
FUZZ_SECONDS = 60
.PHONY: fuzz
if FUZZER
fuzz: $(fuzz_harnesses)
	@set -e; srcdir=$(srcdir); export srcdir; seconds=$(SECONDS); \
	for h in $${HARNESS:-$(fuzz_harnesses)}; do \
		name=$${h##*/fuzz_}; mkdir -p fuzz-$$name; \
		echo "$$h for $${seconds:-$(FUZZ_SECONDS)} s"; \
		$$h -max_total_time=$${seconds:-$(FUZZ_SECONDS)} -print_final_stats=1 \
			fuzz-$$name $(srcdir)/tests/fuzz/corpus/$$name; \
	done
else
fuzz:
	@command -v clang >/dev/null || { echo "make fuzz needs clang (Debian: clang)"; exit 1; }
	mkdir -p fuzz-build
	test -e fuzz-build/Makefile || { cd fuzz-build && \
		$(abs_top_srcdir)/configure -q CC=clang --enable-fuzzer --enable-sanitizers; }
	cd fuzz-build && $(MAKE) $(AM_MAKEFLAGS) fuzz
endif
