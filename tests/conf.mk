# tests of layer conf
CONF_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
CONF_TEST_LIBS = lib/libconf.a lib/libweft.a $(YAML_LIBS)

conf_tests = \
	tests/conf/generated \
	tests/conf/golden \
	tests/unit/test_conf \
	tests/unit/test_parts \
	tests/unit/test_expand
check_PROGRAMS += $(conf_tests)
TESTS += $(conf_tests) tests/conf/check-docs
EXTRA_DIST += tests/conf/check-docs tests/conf/check_schema.py

tests_conf_generated_SOURCES = tests/conf/generated.c tests/conf/testconf.c tests/conf/testconf.h
tests_conf_generated_LDADD = $(CONF_TEST_LIBS)

tests_conf_golden_SOURCES = tests/conf/golden.c tests/conf/testconf.c tests/conf/testconf.h
tests_conf_golden_LDADD = $(CONF_TEST_LIBS)

tests_unit_test_conf_SOURCES = tests/unit/test_conf.c tests/unit/unit.h \
	tests/conf/testconf.c tests/conf/testconf.h
tests_unit_test_conf_CPPFLAGS = $(CONF_TEST_CPPFLAGS)
tests_unit_test_conf_LDADD = $(CONF_TEST_LIBS) $(CHECK_LIBS)

tests_unit_test_parts_SOURCES = tests/unit/test_parts.c tests/unit/unit.h \
	tests/conf/testconf.c tests/conf/testconf.h
tests_unit_test_parts_CPPFLAGS = $(CONF_TEST_CPPFLAGS)
tests_unit_test_parts_LDADD = $(CONF_TEST_LIBS) $(CHECK_LIBS)

tests_unit_test_expand_SOURCES = tests/unit/test_expand.c tests/unit/unit.h
tests_unit_test_expand_CPPFLAGS = $(CONF_TEST_CPPFLAGS)
tests_unit_test_expand_LDADD = $(CONF_TEST_LIBS) $(CHECK_LIBS)

EXTRA_DIST += $(wildcard $(srcdir)/tests/conf/*.yaml) $(wildcard $(srcdir)/tests/conf/*.ok)
