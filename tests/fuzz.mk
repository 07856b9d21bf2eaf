# Fuzz harnesses: tests/fuzz/fuzz_NAME.c with its seeds in tests/fuzz/corpus/NAME/.
# make check replays the corpora and a few mutations of each. With CC=clang
# configure --enable-fuzzer (best with --enable-sanitizers) the same programs are
# libFuzzer's: make fuzz runs each for FUZZ_SECONDS, new inputs go to ./fuzz-NAME/.
#
# A harness is one name in fuzz_harnesses and one LDADD line below.
fuzz_harnesses = \
	tests/fuzz/fuzz_conf \
	tests/fuzz/fuzz_ip \
	tests/fuzz/fuzz_ipcmsg \
	tests/fuzz/fuzz_open \
	tests/fuzz/fuzz_out \
	tests/fuzz/fuzz_stream \
	tests/fuzz/fuzz_update

check_PROGRAMS += $(fuzz_harnesses) tests/fuzz/seed_ipcmsg
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

tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c tests/conf/testconf.c tests/conf/testconf.h
tests_fuzz_fuzz_conf_LDADD = $(fuzz_main) lib/libconf.a lib/libweft.a $(YAML_LIBS)
tests_fuzz_fuzz_ip_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_ipcmsg_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_open_LDADD = $(fuzz_core)
tests_fuzz_fuzz_out_LDADD = $(fuzz_libs) $(JANSSON_LIBS)
tests_fuzz_fuzz_stream_LDADD = $(fuzz_core)
tests_fuzz_fuzz_update_LDADD = $(fuzz_core)

tests_fuzz_seed_ipcmsg_SOURCES = tests/fuzz/seed_ipcmsg.c tests/fuzz/fuzz.h \
	tests/prop/gen_ipcmsg.c tests/prop/gen_ipcmsg.h
tests_fuzz_seed_ipcmsg_LDADD = lib/libweft.a

FUZZ_SECONDS = 60
.PHONY: fuzz
fuzz: $(fuzz_harnesses)
	@set -e; for h in $(fuzz_harnesses); do \
		name=$${h##*/fuzz_}; mkdir -p fuzz-$$name; \
		echo "$$h for $(FUZZ_SECONDS) s"; \
		$$h -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			fuzz-$$name $(srcdir)/tests/fuzz/corpus/$$name; \
	done
