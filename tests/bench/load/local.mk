# The load generator; make check runs its self-test only.
check_PROGRAMS += tests/bench/load/weft-load
TESTS += tests/bench/load/self-test
EXTRA_DIST += tests/bench/load/self-test
tests_bench_load_weft_load_SOURCES = \
	tests/bench/load/fib.c tests/bench/load/fib.h \
	tests/bench/load/kernmon.c tests/bench/load/kernmon.h \
	tests/bench/load/load.c tests/bench/load/load.h \
	tests/bench/load/main.c \
	tests/bench/load/mrt.c tests/bench/load/mrt.h \
	tests/bench/load/opts.c tests/bench/load/opts.h \
	tests/bench/load/phase.c \
	tests/bench/load/pool.c tests/bench/load/pool.h \
	tests/bench/load/recv.c tests/bench/load/recv.h \
	tests/bench/load/rtnl.c tests/bench/load/rtnl.h \
	tests/bench/load/s1.c \
	tests/bench/load/s2.c \
	tests/bench/load/s3.c \
	tests/bench/load/s4.c \
	tests/bench/load/s5.c \
	tests/bench/load/s6.c \
	tests/bench/load/s7.c \
	tests/bench/load/s8.c \
	tests/bench/load/s9.c \
	tests/bench/load/s11.c \
	tests/bench/load/scenario.h \
	tests/bench/load/selftest.c \
	tests/bench/load/sess.c tests/bench/load/sess.h \
	tests/bench/load/stream.c tests/bench/load/stream.h \
	tests/bench/load/traffic.c tests/bench/load/traffic.h \
	tests/bench/load/update.c tests/bench/load/update.h \
	tests/bench/measure.h
tests_bench_load_weft_load_LDADD = lib/libweft.a
