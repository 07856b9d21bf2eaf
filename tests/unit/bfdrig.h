/*
 * Rig for tests of bfdd/core: engines with one clock of their own, a digest by libmd,
 * and packets from a peer that is written by hand.
 */
#ifndef TESTS_UNIT_BFDRIG_H
#define TESTS_UNIT_BFDRIG_H

#include "bfdd/core/auth.h"
#include "bfdd/core/bfd.h"
#include "bfdd/core/pkt.h"
#include "lib/mono.h"

#define MS 1000ull
#define S  1000000ull

/* The ops with libmd behind them. */
extern const struct bfd_ops bfdrig_ops;

/* A configuration: 10.0.0.1 to 10.0.0.2, single hop, 100 ms x 3 both ways. */
struct bfd_conf bfdrig_conf(void);

/* SHA1 or MD5 with that key, given as text. */
struct bfd_auth bfdrig_auth(enum bfd_auth_type type, uint8_t key_id, const char *key);

/* How a packet from the peer of c arrives: right addresses, interface 7, TTL 255. */
struct bfd_meta bfdrig_meta(const struct bfd_conf *c);

/* A packet as its peer would send it, 100 ms x 3, discriminator 0x1111. */
struct bfd_pkt bfdrig_pkt(enum bfd_state state, uint32_t your_discr);

/* One engine and the peer of its session 1. */
struct bfdrig {
	struct bfd_engine *e;
	struct mono_us now;
	struct bfd_conf conf;
	struct bfd_meta meta;
	uint32_t peer_seq; /* for authenticated packets: counted up before each */
	struct bfd_out out;
	struct bfd_pkt sent; /* out decoded */
};

/* With session 1 of conf (NULL: bfdrig_conf()), and slots that may be NULL. */
void bfdrig_init(struct bfdrig *r, const struct bfd_conf *conf, struct bfd_saved *slots, size_t n);

/* The same, but nothing is configured yet. */
void bfdrig_init_empty(
    struct bfdrig *r, const struct bfd_conf *conf, struct bfd_saved *slots, size_t n);
void bfdrig_free(struct bfdrig *r);

/* Give it a packet, authenticated when it says so (with the session's own key). */
enum bfd_rx bfdrig_input(struct bfdrig *r, const struct bfd_pkt *p);

/* The same with these octets. */
enum bfd_rx bfdrig_octets(struct bfdrig *r, const void *octets, size_t len);

/* A packet in that state with the session's discriminator. */
enum bfd_rx bfdrig_say(struct bfdrig *r, enum bfd_state state);

/* One packet due now, into out and sent; false when there is none. */
bool bfdrig_output(struct bfdrig *r);

/* Everything due now is thrown away; how many packets it was. */
unsigned bfdrig_drain(struct bfdrig *r);

/* Let us pass without a word from the peer; packets that become due are counted and dropped. */
unsigned bfdrig_pass(struct bfdrig *r, uint64_t us);

/* Session 1 as it is. */
struct bfd_view bfdrig_view(const struct bfdrig *r);

/* Bring it Up with a peer that has been Down, and answer its Poll; nothing is left to be sent. */
void bfdrig_up(struct bfdrig *r);

#endif
