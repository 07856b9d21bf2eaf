# tests of layer bfdd; digests by libmd, as in the process.
bfd_rig = tests/unit/bfdrig.c tests/unit/bfdrig.h tests/unit/unit.h
BFD_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(MD_CFLAGS)
bfd_test_ldadd = bfdd/core/libbfdcore.a lib/libweft.a $(CHECK_LIBS) $(MD_LIBS)

check_PROGRAMS += tests/unit/test_bfd_auth tests/unit/test_bfd_input
check_PROGRAMS += tests/unit/test_bfd_saved tests/unit/test_bfd_session
TESTS += tests/unit/test_bfd_auth tests/unit/test_bfd_input
TESTS += tests/unit/test_bfd_saved tests/unit/test_bfd_session

tests_unit_test_bfd_auth_SOURCES = tests/unit/test_bfd_auth.c $(bfd_rig)
tests_unit_test_bfd_auth_CPPFLAGS = $(BFD_CPPFLAGS)
tests_unit_test_bfd_auth_LDADD = $(bfd_test_ldadd)

tests_unit_test_bfd_input_SOURCES = tests/unit/test_bfd_input.c $(bfd_rig)
tests_unit_test_bfd_input_CPPFLAGS = $(BFD_CPPFLAGS)
tests_unit_test_bfd_input_LDADD = $(bfd_test_ldadd)

tests_unit_test_bfd_saved_SOURCES = tests/unit/test_bfd_saved.c $(bfd_rig)
tests_unit_test_bfd_saved_CPPFLAGS = $(BFD_CPPFLAGS)
tests_unit_test_bfd_saved_LDADD = $(bfd_test_ldadd)

tests_unit_test_bfd_session_SOURCES = tests/unit/test_bfd_session.c $(bfd_rig)
tests_unit_test_bfd_session_CPPFLAGS = $(BFD_CPPFLAGS)
tests_unit_test_bfd_session_LDADD = $(bfd_test_ldadd)

check_PROGRAMS += tests/prop/prop_bfd
TESTS += tests/prop/prop_bfd
tests_prop_prop_bfd_SOURCES = tests/prop/prop_bfd.c tests/prop/prop.h
tests_prop_prop_bfd_LDADD = bfdd/core/libbfdcore.a lib/libweft.a

# Not run by make check: make tests/bench/bench_bfd.
EXTRA_PROGRAMS += tests/bench/bench_bfd
tests_bench_bench_bfd_SOURCES = tests/bench/bench_bfd.c tests/bench/measure.h
tests_bench_bench_bfd_CPPFLAGS = $(AM_CPPFLAGS) $(MD_CFLAGS)
tests_bench_bench_bfd_LDADD = bfdd/core/libbfdcore.a lib/libweft.a $(MD_LIBS)
