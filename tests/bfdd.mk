# tests of layer bfdd; digests by libmd, as in the process.
bfd_rig = tests/unit/bfdrig.c tests/unit/bfdrig.h tests/unit/unit.h
BFD_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(MD_CFLAGS)
bfd_test_ldadd = bfdd/core/libbfdcore.a lib/libweft.a $(CHECK_LIBS) $(MD_LIBS)

bfd_unit_tests = \
	tests/unit/test_bfd_input
check_PROGRAMS += $(bfd_unit_tests)
TESTS += $(bfd_unit_tests)

tests_unit_test_bfd_input_SOURCES = tests/unit/test_bfd_input.c $(bfd_rig)
tests_unit_test_bfd_input_CPPFLAGS = $(BFD_CPPFLAGS)
tests_unit_test_bfd_input_LDADD = $(bfd_test_ldadd)
