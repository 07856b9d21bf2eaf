# tests of layer conf
CONF_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
CONF_TEST_LIBS = lib/libconf.a lib/libweft.a $(YAML_LIBS)

conf_tests = tests/conf/golden
check_PROGRAMS += $(conf_tests)
TESTS += $(conf_tests)

tests_conf_golden_SOURCES = tests/conf/golden.c tests/conf/testconf.c tests/conf/testconf.h
tests_conf_golden_LDADD = $(CONF_TEST_LIBS)

EXTRA_DIST += $(wildcard $(srcdir)/tests/conf/*.yaml) $(wildcard $(srcdir)/tests/conf/*.ok)
