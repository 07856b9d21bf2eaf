# lib: see doc/architecture.md for the directions between layers.
# libweft.a is pure but for ipcsock.c and logmain.c (tests/check-purity keeps the cores off those).
noinst_LIBRARIES += lib/libweft.a
lib_libweft_a_SOURCES = \
	lib/heap.c lib/heap.h \
	lib/hmap.c lib/hmap.h \
	lib/ip.c lib/ip.h \
	lib/ipcmsg.c lib/ipcmsg.h \
	lib/ipcsock.c lib/ipcsock.h \
	lib/launchmsg.h \
	lib/list.h \
	lib/log.c lib/log.h \
	lib/logmain.c lib/logmain.h \
	lib/mem.c lib/mem.h \
	lib/mono.h \
	lib/out.c lib/out.h \
	lib/rng.c lib/rng.h \
	lib/table.c \
	lib/trie.c lib/trie.h \
	lib/wire.c lib/wire.h
