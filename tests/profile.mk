# configure --enable-pgo: gcc is told about the code by running it.
#
# The programs that are run depend on nothing but their arguments, so that the same sources give
# the same profile.  A changed source, or other flags, make a new one: the old says nothing of it.
if PGO
BUILT_SOURCES += profile.stamp
endif

profile_programs = tests/bench/bench_core$(EXEEXT) tests/bench/bench_fib$(EXEEXT)
profile_parts = $(profile_programs) tests/bench/bench_*.$(OBJEXT) \
	bgpd/core/libbgpcore.a $(bgpd_core_libbgpcore_a_OBJECTS) \
	agent/core/libagentcore.a $(agent_core_libagentcore_a_OBJECTS) \
	agent/libagent.a $(agent_libagent_a_OBJECTS) lib/libweft.a $(lib_libweft_a_OBJECTS)

profile_counts = bgpd/core/*.gcda agent/core/*.gcda agent/*.gcda lib/*.gcda tests/bench/*.gcda

# The same objects twice: what is counted is found beside the second ones when they are compiled.
profile.stamp: $(bgpd_core_libbgpcore_a_SOURCES) $(agent_core_libagentcore_a_SOURCES) \
    $(agent_libagent_a_SOURCES) $(lib_libweft_a_SOURCES) \
    tests/bench/bench_core.c tests/bench/bench_fib.c tests/bench/measure.h config.status
	rm -f $@ $(profile_parts) $(profile_counts)
	$(MAKE) PROFILE_CFLAGS=-fprofile-generate $(profile_programs)
	tests/bench/bench_core$(EXEEXT)
	tests/bench/bench_fib$(EXEEXT) 50000 4 shuffled
	tests/bench/bench_fib$(EXEEXT) 50000 4 ordered
	tests/bench/bench_fib$(EXEEXT) 50000 6 ordered
	rm -f $(profile_parts)
	touch $@

MOSTLYCLEANFILES = profile.stamp $(profile_counts)
