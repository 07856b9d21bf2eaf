# bfdd: see doc/architecture.md for the directions between layers.
# The core: one line per file, sorted.
noinst_LIBRARIES += bfdd/core/libbfdcore.a
bfdd_core_libbfdcore_a_SOURCES = \
	bfdd/core/auth.c bfdd/core/auth.h \
	bfdd/core/bfd.h \
	bfdd/core/bfd_int.h \
	bfdd/core/engine.c \
	bfdd/core/fsm.c bfdd/core/fsm.h \
	bfdd/core/input.c \
	bfdd/core/names.c \
	bfdd/core/output.c \
	bfdd/core/pkt.c bfdd/core/pkt.h \
	bfdd/core/saved.c bfdd/core/saved.h \
	bfdd/core/session.c \
	bfdd/core/view.c

# The shell around it.
pkglibexec_PROGRAMS += weft-bfdd
weft_bfdd_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CORE_CFLAGS) $(MD_CFLAGS)
weft_bfdd_SOURCES = \
	bfdd/bfdd.h \
	bfdd/channel.c \
	bfdd/digest.c \
	bfdd/loop.c \
	bfdd/main.c \
	bfdd/sock.c
weft_bfdd_LDADD = bfdd/core/libbfdcore.a lib/libsandbox.a lib/libweft.a \
	$(EVENT_CORE_LIBS) $(MD_LIBS)
