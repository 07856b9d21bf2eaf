# bgpd: see doc/architecture.md for the directions between layers.
# The core: one line per file, sorted.
noinst_LIBRARIES += bgpd/core/libbgpcore.a
bgpd_core_libbgpcore_a_SOURCES = \
	bgpd/core/adjin.c bgpd/core/adjin.h \
	bgpd/core/adjout.c bgpd/core/adjout.h \
	bgpd/core/aspath.c bgpd/core/aspath.h \
	bgpd/core/attr.c bgpd/core/attr.h \
	bgpd/core/attrs.c bgpd/core/attrs.h \
	bgpd/core/bgp.h \
	bgpd/core/bitq.c bgpd/core/bitq.h \
	bgpd/core/bmp.c bgpd/core/bmp.h \
	bgpd/core/bmp_enc.c bgpd/core/bmp_enc.h \
	bgpd/core/bmp_int.h \
	bgpd/core/bmp_tell.c \
	bgpd/core/cap.c bgpd/core/cap.h \
	bgpd/core/configure.c \
	bgpd/core/decide.c bgpd/core/decide.h \
	bgpd/core/drain.c bgpd/core/drain.h \
	bgpd/core/err.c bgpd/core/err.h \
	bgpd/core/event.c \
	bgpd/core/feed.c bgpd/core/feed.h \
	bgpd/core/fibout.c bgpd/core/fibout.h \
	bgpd/core/filter.c bgpd/core/filter.h \
	bgpd/core/fsm.c bgpd/core/fsm.h \
	bgpd/core/gr.c bgpd/core/gr.h \
	bgpd/core/group.c bgpd/core/group.h \
	bgpd/core/idx.c bgpd/core/idx.h \
	bgpd/core/linkbw.c bgpd/core/linkbw.h \
	bgpd/core/loc.c bgpd/core/loc.h \
	bgpd/core/mrt.c bgpd/core/mrt.h \
	bgpd/core/mrt_enc.c bgpd/core/mrt_enc.h \
	bgpd/core/msg.c bgpd/core/msg.h \
	bgpd/core/nht.c bgpd/core/nht.h \
	bgpd/core/nlri.c bgpd/core/nlri.h \
	bgpd/core/outlog.c bgpd/core/outlog.h \
	bgpd/core/outtable.c bgpd/core/outtable.h \
	bgpd/core/peer.c bgpd/core/peer.h \
	bgpd/core/peer_int.h \
	bgpd/core/peer_open.c \
	bgpd/core/peer_why.c \
	bgpd/core/peering.c \
	bgpd/core/policy.c bgpd/core/policy.h \
	bgpd/core/pull.c \
	bgpd/core/query.c \
	bgpd/core/radv.c bgpd/core/radv.h \
	bgpd/core/reap.c bgpd/core/reap.h \
	bgpd/core/rib.c bgpd/core/rib.h \
	bgpd/core/session.c bgpd/core/session.h \
	bgpd/core/slots.c bgpd/core/slots.h \
	bgpd/core/spots.c bgpd/core/spots.h \
	bgpd/core/speaker.c bgpd/core/speaker.h \
	bgpd/core/speaker_priv.h \
	bgpd/core/timer.c bgpd/core/timer.h \
	bgpd/core/unnumbered.c \
	bgpd/core/update.c bgpd/core/update.h \
	bgpd/core/vis.c bgpd/core/vis.h \
	bgpd/core/walk.c

# The shell around it; main.c apart, so that tests link the rest.
noinst_LIBRARIES += bgpd/libbgpd.a
bgpd_libbgpd_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CORE_CFLAGS)
bgpd_libbgpd_a_SOURCES = \
	bgpd/bgpd.h \
	bgpd/channel.c \
	bgpd/control.c \
	bgpd/io.c \
	bgpd/loop.c \
	bgpd/query.c \
	bgpd/ra.c \
	bgpd/routes.c \
	bgpd/sink.c

pkglibexec_PROGRAMS += weft-bgpd
weft_bgpd_SOURCES = bgpd/main.c
weft_bgpd_LDFLAGS = $(WEFT_LDFLAGS) $(WEFT_LTO_LDFLAGS)
weft_bgpd_LDADD = bgpd/libbgpd.a bgpd/core/libbgpcore.a lib/libsandbox.a lib/libweft.a \
	$(EVENT_CORE_LIBS)

check_PROGRAMS += tests/unit/test_channel
TESTS += tests/unit/test_channel
tests_unit_test_channel_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_channel_LDADD = bgpd/libbgpd.a bgpd/core/libbgpcore.a lib/libweft.a \
	$(EVENT_CORE_LIBS) $(CHECK_LIBS)

# It plays the speaker itself: of the library only io.c is linked.
check_PROGRAMS += tests/unit/test_io
TESTS += tests/unit/test_io
tests_unit_test_io_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(EVENT_CORE_CFLAGS)
tests_unit_test_io_LDADD = bgpd/libbgpd.a lib/libweft.a $(EVENT_CORE_LIBS) $(CHECK_LIBS)
