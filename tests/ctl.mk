# tests of what people see: control socket, events, metrics, the weft command
CTL_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS) $(JANSSON_CFLAGS) $(EVENT_EXTRA_CFLAGS)
CTL_TEST_LIBS = agent/libagent.a agent/core/libagentcore.a lib/libconf.a lib/libweft.a $(CHECK_LIBS) $(JANSSON_LIBS) \
	$(EVENT_EXTRA_LIBS) $(YAML_LIBS)

ctl_unit_tests = \
	tests/unit/test_control \
	tests/unit/test_ctl \
	tests/unit/test_events \
	tests/unit/test_metrics
check_PROGRAMS += $(ctl_unit_tests)
TESTS += $(ctl_unit_tests)

fake_agent = tests/unit/fake_agent.c tests/unit/fake_agent.h

tests_unit_test_control_SOURCES = tests/unit/test_control.c tests/unit/unit.h $(fake_agent)
tests_unit_test_control_CPPFLAGS = $(CTL_TEST_CPPFLAGS)
tests_unit_test_control_LDADD = $(CTL_TEST_LIBS)

tests_unit_test_ctl_SOURCES = tests/unit/test_ctl.c tests/unit/unit.h $(fake_agent)
tests_unit_test_ctl_CPPFLAGS = $(CTL_TEST_CPPFLAGS)
tests_unit_test_ctl_LDADD = ctl/libctl.a bgpd/core/libbgpcore.a $(CTL_TEST_LIBS)

tests_unit_test_events_SOURCES = tests/unit/test_events.c tests/unit/unit.h $(fake_agent)
tests_unit_test_events_CPPFLAGS = $(CTL_TEST_CPPFLAGS)
tests_unit_test_events_LDADD = $(CTL_TEST_LIBS)

tests_unit_test_metrics_SOURCES = tests/unit/test_metrics.c tests/unit/unit.h $(fake_agent)
tests_unit_test_metrics_CPPFLAGS = $(CTL_TEST_CPPFLAGS)
tests_unit_test_metrics_LDADD = $(CTL_TEST_LIBS)

EXTRA_DIST += $(wildcard $(srcdir)/tests/golden/ctl/*)
EXTRA_DIST += tests/tools/cppcheck-jansson.cfg

# Other products' resources against what became of them.
TESTS += tests/convert/check tests/kube/check-chart
EXTRA_DIST += tests/kube/check-chart tests/kube/render.go tests/convert/check $(wildcard $(srcdir)/tests/convert/*.yaml) $(wildcard $(srcdir)/tests/convert/*.ok)
