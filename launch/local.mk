# launch: see doc/architecture.md for the directions between layers.

# Users, capabilities, sandbox: system calls, so not part of libweft.a.
noinst_LIBRARIES += lib/libsandbox.a
lib_libsandbox_a_SOURCES = \
	lib/privs.c lib/privs.h \
	lib/sandbox.c lib/sandbox.h \
	lib/sysfilter.c lib/sysfilter.h

sbin_PROGRAMS += weftd
weftd_SOURCES = \
	launch/bfd.c \
	launch/cni.c \
	launch/main.c \
	launch/notify.c \
	launch/rundir.c \
	launch/serve.c \
	launch/supervise.c \
	launch/weftd.h
weftd_LDADD = lib/libsandbox.a lib/libweft.a

check_PROGRAMS += tests/unit/launch_fake tests/unit/test_launch tests/unit/test_sandbox
TESTS += tests/unit/test_launch tests/unit/test_sandbox
tests_unit_launch_fake_LDADD = lib/libweft.a
tests_unit_test_launch_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_launch_LDADD = $(CHECK_LIBS)
tests_unit_test_launch_DEPENDENCIES = weftd tests/unit/launch_fake

tests_unit_test_sandbox_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_sandbox_LDADD = lib/libsandbox.a lib/libweft.a $(CHECK_LIBS)
