# bgpd: see doc/architecture.md for the directions between layers.
# The core: one line per file, sorted.
noinst_LIBRARIES += bgpd/core/libbgpcore.a
bgpd_core_libbgpcore_a_SOURCES = \
	bgpd/core/attr.c bgpd/core/attr.h \
	bgpd/core/attrs.c bgpd/core/attrs.h \
	bgpd/core/bgp.h \
	bgpd/core/bitq.c bgpd/core/bitq.h \
	bgpd/core/cap.c bgpd/core/cap.h \
	bgpd/core/decide.c bgpd/core/decide.h \
	bgpd/core/err.c bgpd/core/err.h \
	bgpd/core/fsm.c bgpd/core/fsm.h \
	bgpd/core/msg.c bgpd/core/msg.h \
	bgpd/core/nlri.c bgpd/core/nlri.h \
	bgpd/core/peer.c bgpd/core/peer.h \
	bgpd/core/peer_int.h \
	bgpd/core/peer_open.c \
	bgpd/core/peer_why.c \
	bgpd/core/rib.c bgpd/core/rib.h \
	bgpd/core/session.c bgpd/core/session.h \
	bgpd/core/slots.c bgpd/core/slots.h \
	bgpd/core/speaker.h \
	bgpd/core/timer.c bgpd/core/timer.h \
	bgpd/core/update.c bgpd/core/update.h
