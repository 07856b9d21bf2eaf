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
