# lib: see doc/architecture.md for the directions between layers.
# libweft.a is pure but for ipcsock.c and logmain.c (tests/check-purity keeps the cores off those).
noinst_LIBRARIES += lib/libweft.a
lib_libweft_a_SOURCES = \
	lib/heap.h \
	lib/hmap.h \
	lib/ip.h \
	lib/ipcsock.h \
	lib/list.h \
	lib/log.h \
	lib/logmain.h \
	lib/mem.c lib/mem.h \
	lib/mono.h \
	lib/out.h \
	lib/rng.h \
	lib/trie.h \
	lib/wire.h
