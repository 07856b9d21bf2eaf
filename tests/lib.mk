# tests of layer lib
LIB_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(CHECK_CFLAGS)
LIB_TEST_LIBS = lib/libweft.a $(CHECK_LIBS)

lib_unit_tests = \
	tests/unit/test_heap \
	tests/unit/test_hmap \
	tests/unit/test_ip \
	tests/unit/test_ipcmsg \
	tests/unit/test_ipcsock \
	tests/unit/test_log \
	tests/unit/test_userdb \
	tests/unit/test_out \
	tests/unit/test_selector \
	tests/unit/test_trie \
	tests/unit/test_wire
check_PROGRAMS += $(lib_unit_tests) tests/prop/prop_lib
TESTS += $(lib_unit_tests) tests/prop/prop_lib

tests_unit_test_heap_SOURCES = tests/unit/test_heap.c tests/unit/unit.h
tests_unit_test_heap_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_heap_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_hmap_SOURCES = tests/unit/test_hmap.c tests/unit/unit.h
tests_unit_test_hmap_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_hmap_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_ip_SOURCES = tests/unit/test_ip.c tests/unit/unit.h
tests_unit_test_ip_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_ip_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_ipcmsg_SOURCES = tests/unit/test_ipcmsg.c tests/unit/unit.h \
	tests/prop/gen_ipcmsg.c tests/prop/gen_ipcmsg.h
tests_unit_test_ipcmsg_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_ipcmsg_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_ipcsock_SOURCES = tests/unit/test_ipcsock.c tests/unit/unit.h
tests_unit_test_ipcsock_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_ipcsock_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_userdb_SOURCES = tests/unit/test_userdb.c tests/unit/unit.h
tests_unit_test_userdb_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_userdb_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_log_SOURCES = tests/unit/test_log.c tests/unit/unit.h
tests_unit_test_log_CPPFLAGS = $(LIB_TEST_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_log_LDADD = $(LIB_TEST_LIBS) $(JANSSON_LIBS)

tests_unit_test_out_SOURCES = tests/unit/test_out.c tests/unit/unit.h
tests_unit_test_out_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_out_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_selector_SOURCES = tests/unit/test_selector.c tests/unit/unit.h
tests_unit_test_selector_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_selector_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_trie_SOURCES = tests/unit/test_trie.c tests/unit/unit.h
tests_unit_test_trie_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_trie_LDADD = $(LIB_TEST_LIBS)

tests_unit_test_wire_SOURCES = tests/unit/test_wire.c tests/unit/unit.h
tests_unit_test_wire_CPPFLAGS = $(LIB_TEST_CPPFLAGS)
tests_unit_test_wire_LDADD = $(LIB_TEST_LIBS)

tests_prop_prop_lib_SOURCES = tests/prop/prop_lib.c tests/prop/prop.h \
	tests/prop/gen_ipcmsg.c tests/prop/gen_ipcmsg.h
tests_prop_prop_lib_LDADD = lib/libweft.a
