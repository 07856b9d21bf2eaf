/*
 * Update groups: packing, the log and its cursors, walks, audiences, markers.
 * RFC 4271 section 9.2, RFC 2918, RFC 4724, RFC 7313.
 */
#include <stdio.h>

#include "bgpd/core/adjin.h"
#include "bgpd/core/bgp.h"
#include "bgpd/core/loc.h"
#include "tests/unit/ribrig.h"
#include "tests/unit/unit.h"

static struct rig rig;
static const uint32_t path1[] = { 65001, 0 };

static void
setup(void)
{
	rig_init(&rig, 4, NULL);
	rig.peer[3].export_all = rig.peer[4].export_all = rig.conf.transit = true;
	rig_configure(&rig, NULL);
	speaker_originate_end(rig.sp, rig.now);
}

static void
teardown(void)
{
	rig_free(&rig);
}

static struct ipc_row_stats
stats(void)
{
	struct ipc_row_stats st;

	speaker_stats(rig.sp, rig.now, &st);
	return st;
}

/* ---- the log ------------------------------------------------------------------------ */

START_TEST(log_keeps_what_somebody_has_to_read)
{
	struct attrs_pool *pool = attrs_pool_new((uint64_t[]){ 1, 2 });
	uint32_t id[2] = { 7, 8 };
	uint16_t old[2] = { VIS_NONE, 3 };
	struct chunk proto = { .n = 2, .vis = 1, .id = id, .old = old, .msg = (uint8_t *)"hello",
		.octets = 5 };
	struct chunk *slow, *fast;
	struct outlog l;

	outlog_init(&l, pool);
	slow = outlog_join(&l);
	ck_assert_ptr_null(outlog_next(slow));
	outlog_append(&l, &proto);
	fast = outlog_join(&l);
	ck_assert_ptr_null(outlog_next(fast));
	outlog_append(&l, &proto);
	outlog_append(&l, &proto);
	ck_assert_uint_eq(l.chunks, 3);
	ck_assert_uint_eq(outlog_next(slow)->seq, 1);
	ck_assert_uint_eq(outlog_next(fast)->seq, 2);
	ck_assert_uint_eq(outlog_next(slow)->id[1], 8);
	ck_assert_uint_eq(outlog_next(slow)->old[1], 3);
	ck_assert_int_eq(memcmp(outlog_next(slow)->msg, "hello", 5), 0);
	fast = outlog_advance(&l, fast);
	fast = outlog_advance(&l, fast);
	ck_assert_ptr_null(outlog_next(fast));
	ck_assert_uint_eq(l.chunks, 3);
	slow = outlog_advance(&l, slow);
	ck_assert_uint_eq(l.chunks, 2);
	outlog_leave(&l, slow);
	ck_assert_uint_eq(l.chunks, 0);
	ck_assert_uint_eq(l.octets, 0);
	outlog_leave(&l, fast);
	outlog_free(&l);
	attrs_pool_free(pool);
}
END_TEST

/* ---- what is said ----------------------------------------------------------------------- */

START_TEST(end_of_rib_for_both_families)
{
	rig_up(&rig, 1, 65001, true);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 2);
	ck_assert_int_eq(rig.said[0].what, SAID_EOR);
	ck_assert_uint_eq(rig.said[0].prefix.af, IP4);
	ck_assert_int_eq(rig.said[1].what, SAID_EOR);
	ck_assert_uint_eq(rig.said[1].prefix.af, IP6);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 0);
}
END_TEST

/* Own prefixes come before End-of-RIB, to a first and to a later member of the group. */
START_TEST(end_of_rib_comes_last)
{
	unsigned k;

	rig_originate(&rig, "10.1.0.0/16", NULL);
	for (k = 1; k <= 2; k++) {
		rig_up(&rig, k, 65000 + k, true);
		rig_work(&rig);
		ck_assert_uint_eq(rig_pull(&rig, k, 4096), 3);
		ck_assert_int_eq(rig.said[0].what, SAID_ANNOUNCE);
		ck_assert_int_eq(rig.said[1].what, SAID_EOR);
		ck_assert_int_eq(rig.said[2].what, SAID_EOR);
	}
	ck_assert_uint_eq(stats().update_groups, 2); /* one for each family */
}
END_TEST

/* Let a peer that is up have a connection, which can be asked to write. */
static void
give_connection(unsigned k)
{
	struct peer *p = rig_peer(&rig, k)->peer;

	p->up = &p->s[SESSION_IN];
	session_attach(p->up, rig.now, true, &p->ep);
}

/* Was it asked to write? It is taken to have done so. */
static bool
asked_to_write(unsigned k)
{
	struct conn *c = rig_peer(&rig, k)->peer->up->conn;
	bool asked = c->write_asked;

	c->write_asked = false;
	return asked;
}

static void
announce_many(unsigned k, const uint32_t *path)
{
	char prefix[32];
	unsigned n;

	for (n = 0; n < 50; n++) {
		snprintf(prefix, sizeof(prefix), "10.10.%u.0/24", n);
		rig_announce(&rig, k, prefix, path, (uint8_t)k, NULL);
	}
}

/* Peers 2 to 4 are up and told all; 2 is of the group that 1 would join. */
static void
all_but_one_are_up(void)
{
	unsigned k;

	for (k = 2; k <= 4; k++)
		rig_up(&rig, k, 65000 + k, true);
	rig_announce(&rig, 3, "10.9.0.0/16", (uint32_t[]){ 65003, 0 }, 3, NULL);
	rig_announce(&rig, 4, "10.9.0.0/16", (uint32_t[]){ 65004, 0 }, 4, NULL);
	announce_many(3, (uint32_t[]){ 65003, 0 });
	rig_work(&rig);
	for (k = 2; k <= 4; k++)
		rig_pull(&rig, k, 4096);
}

/* It waits for decisions under way, and is sent when they are made: also if nothing came of them. */
START_TEST(end_of_rib_after_decisions_without_a_change)
{
	all_but_one_are_up();
	announce_many(4, (uint32_t[]){ 65004, 7, 7, 0 });
	rig_up(&rig, 1, 65001, true);
	give_connection(1);
	ck_assert(speaker_work(rig.sp, rig.now, 1));
	ck_assert(loc_busy(rig.sp));
	ck_assert(!asked_to_write(1));
	while (speaker_work(rig.sp, rig.now, 1))
		;
	ck_assert(asked_to_write(1));
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 2);
	ck_assert_int_eq(rig.said[0].what, SAID_EOR);
	ck_assert_int_eq(rig.said[1].what, SAID_EOR);
}
END_TEST

/* They may never be done. */
START_TEST(end_of_rib_while_decisions_go_on)
{
	unsigned k;

	all_but_one_are_up();
	rig_up(&rig, 1, 65001, true);
	give_connection(1);
	for (k = 0; k < 20; k++) {
		ck_assert(!asked_to_write(1));
		announce_many(4, (uint32_t[]){ 65004, 7, 7 + k, 0 });
		rig.now = mono_add_us(rig.now, GROUP_EOR_WITHIN_US / 20 - 1);
		ck_assert(speaker_work(rig.sp, rig.now, 1) && loc_busy(rig.sp));
	}
	rig.now = mono_add_us(rig.now, 20);
	ck_assert(speaker_work(rig.sp, rig.now, 1) && loc_busy(rig.sp));
	ck_assert(asked_to_write(1));
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 2);
	ck_assert_int_eq(rig.said[0].what, SAID_EOR);
}
END_TEST

/* Who comes into a group that waits to be let go is not forgotten because the others were asked. */
START_TEST(moved_into_a_group_that_waits)
{
	unsigned k;

	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_originate(&rig, "fd00:1::/48", NULL);
	for (k = 1; k <= 3; k++)
		rig_up(&rig, k, 65000 + k, true);
	give_connection(1);
	give_connection(3);
	while (speaker_work(rig.sp, rig.now, 1000))
		;
	rig_pull(&rig, 1, 4096);
	rig_pull(&rig, 2, 4096);
	ck_assert(asked_to_write(1) && asked_to_write(3)); /* but 3 does not */
	announce_many(2, (uint32_t[]){ 65002, 0 });
	rig.peer[1].export_all = true; /* as 3's */
	rig_configure(&rig, NULL);
	ck_assert(speaker_work(rig.sp, rig.now, 1) && loc_busy(rig.sp));
	ck_assert(!asked_to_write(1));
	while (speaker_work(rig.sp, rig.now, 1))
		;
	ck_assert(asked_to_write(1));
}
END_TEST

/* A next hop's first answer has those decided on that wait for it, without a look at all paths. */
START_TEST(first_answers_need_no_walk)
{
	static const unsigned many[] = { 3, NHT_WAITING_MAX + 1 };
	struct ipc_nh_state st = { .addr = ad("198.51.100.3"), .resolved = true, .onlink = true };
	char prefix[32];
	unsigned k, n;

	for (k = 0; k < 2; k++) {
		rig_up(&rig, 3, 65003, true);
		for (n = 0; n < many[k]; n++) {
			snprintf(prefix, sizeof(prefix), "10.%u.%u.0/24", 20 + n / 256, n % 256);
			rig_announce(&rig, 3, prefix, (uint32_t[]){ 65003, 0 }, 3, NULL);
		}
		while (speaker_work(rig.sp, rig.now, 1000))
			;
		ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_ANY, 0, NULL, NULL), 0);
		st.gen++;
		speaker_nh_state(rig.sp, rig.now, &st);
		ck_assert_int_eq(adjin_walking(rig.sp), many[k] > NHT_WAITING_MAX);
		while (speaker_work(rig.sp, rig.now, 1000))
			;
		ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_BEST, IPC_MATCH_ANY, 0, NULL, NULL), many[k]);
		rig_down(&rig, 3, PEER_DOWN_LOST);
		rig_work(&rig);
	}
}
END_TEST

START_TEST(no_end_of_rib_before_own_prefixes_are_known)
{
	struct rig other;

	rig_init(&other, 1, NULL);
	rig_configure(&other, NULL);
	rig_up(&other, 1, 65001, true);
	rig_work(&other);
	ck_assert_uint_eq(rig_pull(&other, 1, 4096), 0);
	speaker_originate_end(other.sp, other.now);
	ck_assert_uint_eq(rig_pull(&other, 1, 4096), 2);
	rig_free(&other);
}
END_TEST

/* 1,500 prefixes with equal attributes: as many to a message as it holds. */
START_TEST(equal_attributes_are_packed)
{
	char text[32];
	unsigned k;

	rig_up(&rig, 1, 65001, true);
	rig_pull(&rig, 1, 4096);
	for (k = 0; k < 1500; k++) {
		sprintf(text, "10.%u.%u.0/24", k >> 8, k & 255);
		rig_originate(&rig, text, NULL);
	}
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 65536), 1500);
	ck_assert_uint_le(rig.messages, 3);
	for (k = 0; k < 1500; k++) {
		sprintf(text, "10.%u.%u.0/24", k >> 8, k & 255);
		speaker_unoriginate(rig.sp, rig.now, &(struct ip_prefix){
			.af = IP4, .len = 24, .b = { 10, (uint8_t)(k >> 8), (uint8_t)k } });
	}
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 65536), 1500);
	ck_assert_uint_le(rig.messages, 3);
	ck_assert_int_eq(rig.said[0].what, SAID_WITHDRAW);
}
END_TEST

/* Both members copy one encoding, each with its own next hop. */
START_TEST(next_hop_is_each_members_own)
{
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, 65002, true);
	rig_pull(&rig, 1, 4096);
	rig_pull(&rig, 2, 4096);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_originate(&rig, "fd00::/48", NULL);
	rig_work(&rig);
	rig_pull(&rig, 1, 4096);
	ck_assert_str_eq(rig_said_of(&rig, "10.1.0.0/16")->text, "65000|192.0.2.201|-1|-1|");
	ck_assert_str_eq(rig_said_of(&rig, "fd00::/48")->text, "65000|2001:db8::c9|-1|-1|");
	rig_pull(&rig, 2, 4096);
	ck_assert_str_eq(rig_said_of(&rig, "10.1.0.0/16")->text, "65000|192.0.2.202|-1|-1|");
	ck_assert_str_eq(rig_said_of(&rig, "fd00::/48")->text, "65000|2001:db8::ca|-1|-1|");
}
END_TEST

/* RFC 2545 section 3: the link-local address is said to peers on the link only. */
START_TEST(link_local_next_hop_stays_on_the_link)
{
	unsigned k;

	for (k = 1; k <= 2; k++) {
		rig_up(&rig, k, 65000 + k, true);
		rig_peer(&rig, k)->peer->ep.self6ll =
		    (struct ip_addr){ .af = IP6, .b = { 0xfe, 0x80, [15] = 9 }, .ifindex = 3 };
	}
	rig_peer(&rig, 1)->peer->ep.ifindex = 3;
	rig_configure(&rig, NULL);
	ck_assert_uint_eq(rig_peer(&rig, 1)->af[1].member->self.ll.af, IP6);
	ck_assert_uint_eq(rig_peer(&rig, 2)->af[1].member->self.ll.af, IP_NONE);
}
END_TEST

/* RFC 8950: over IPv6 an IPv4 prefix carries our IPv6 address; a learned one is kept or replaced. */
START_TEST(ipv4_over_ipv6)
{
	rig_up(&rig, 4, 65004, true); /* over IPv4 */
	rig_pull(&rig, 4, 4096);
	rig.over6 = true;
	rig_up(&rig, 3, 65003, true);
	rig_pull(&rig, 3, 4096);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	ck_assert_str_eq(rig_said_of(&rig, "10.1.0.0/16")->text, "65000|2001:db8::cb|-1|-1|");
	rig_pull(&rig, 4, 4096);
	ck_assert_str_eq(rig_said_of(&rig, "10.1.0.0/16")->text, "65000|192.0.2.204|-1|-1|");
	speaker_unoriginate(rig.sp, rig.now, &(struct ip_prefix){ .af = IP4, .len = 16, .b = { 10, 1 } });
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.1.0.0/16")->what, SAID_WITHDRAW);
}
END_TEST

/* The given next hop in place of our own; another one on a live session is said again. */
START_TEST(given_next_hop)
{
	struct ipc_conf_applied applied;

	ck_assert(ip_addr_parse("198.51.100.9", &rig.peer[1].next_hop[0]));
	ck_assert(ip_addr_parse("2001:db8:9::9", &rig.peer[1].next_hop[1]));
	rig_configure(&rig, NULL);
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, 65002, true);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_originate(&rig, "fd00::/48", NULL);
	rig_work(&rig);
	rig_pull(&rig, 1, 4096);
	ck_assert_str_eq(rig_said_of(&rig, "10.1.0.0/16")->text, "65000|198.51.100.9|-1|-1|");
	ck_assert_str_eq(rig_said_of(&rig, "fd00::/48")->text, "65000|2001:db8:9::9|-1|-1|");
	rig_pull(&rig, 2, 4096);
	ck_assert_str_eq(rig_said_of(&rig, "10.1.0.0/16")->text, "65000|192.0.2.202|-1|-1|");
	ck_assert(ip_addr_parse("198.51.100.8", &rig.peer[1].next_hop[0]));
	rig_configure(&rig, &applied);
	ck_assert_uint_eq(applied.reset, 0);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
	ck_assert_str_eq(rig_said_of(&rig, "10.1.0.0/16")->text, "65000|198.51.100.8|-1|-1|");
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0);
}
END_TEST

/* The last state wins: what came and went while nobody pulled is never said. */
START_TEST(only_the_newest_state_is_said)
{
	struct ipc_originate o = { .has_med = true, .med = 1 };

	rig_up(&rig, 1, 65001, true);
	rig_pull(&rig, 1, 4096);
	rig_originate(&rig, "10.1.0.0/16", &o);
	rig_originate(&rig, "10.2.0.0/16", NULL);
	rig_work(&rig);
	o.med = 2;
	rig_originate(&rig, "10.1.0.0/16", &o);
	speaker_unoriginate(rig.sp, rig.now,
	    &(struct ip_prefix){ .af = IP4, .len = 16, .b = { 10, 2 } });
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
	ck_assert_str_eq(rig_said_of(&rig, "10.1.0.0/16")->text, "65000|192.0.2.201|2|-1|");
	rig_originate(&rig, "10.1.0.0/16", &o); /* no news */
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 0);
}
END_TEST

/* The best moves from peer 3 to peer 4: each hears of the other's path, never of its own. */
START_TEST(a_source_hears_the_other_side)
{
	rig_up(&rig, 3, 65003, true);
	rig_up(&rig, 4, 65004, true);
	rig_pull(&rig, 3, 4096);
	rig_pull(&rig, 4, 4096);
	rig_announce(&rig, 3, "10.9.0.0/16", (uint32_t[]){ 65003, 7, 8, 0 }, 3, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 0);
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 1);
	ck_assert_str_eq(rig.said[0].text, "65000 65003 7 8|192.0.2.204|-1|-1|");
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_ANY, 3, NULL, NULL), 0);
	ck_assert_uint_eq(rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_ANY, 4, NULL, NULL), 1);
	rig_announce(&rig, 4, "10.9.0.0/16", (uint32_t[]){ 65004, 8, 0 }, 4, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 1);
	ck_assert_str_eq(rig.said[0].text, "65000 65004 8|192.0.2.203|-1|-1|");
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_WITHDRAW);
	rig_withdraw(&rig, 4, "10.9.0.0/16");
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_WITHDRAW);
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_ANNOUNCE);
}
END_TEST

/* A change that does not show in what is announced is not announced. */
START_TEST(invisible_changes_are_silent)
{
	struct attrs_build med = { .flags = ATTRS_MED, .med = 5 };

	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 4, 65004, true);
	rig_pull(&rig, 4, 4096);
	rig_announce(&rig, 1, "10.9.0.0/16", path1, 1, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 1);
	rig_announce(&rig, 1, "10.9.0.0/16", path1, 1, &med);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 0);
	rig_announce(&rig, 1, "10.9.0.0/16", path1, 2, NULL); /* another next hop: self hides it */
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 0);
}
END_TEST

/* Own prefixes for some peers only; the list changes. */
START_TEST(own_prefixes_for_a_list_of_peers)
{
	struct ipc_originate o = { .nonly = 2, .only = { 2, 1 } };
	unsigned k;

	for (k = 1; k <= 3; k++) {
		rig_up(&rig, k, 65000 + k, true);
		rig_pull(&rig, k, 4096);
	}
	rig_originate(&rig, "10.1.0.0/16", &o);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 1);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 0);
	o = (struct ipc_originate){ .nonly = 2, .only = { 3, 2 } };
	rig_originate(&rig, "10.1.0.0/16", &o);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_WITHDRAW);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0); /* for it nothing changed */
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 1);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_ANNOUNCE);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 0);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 0);
}
END_TEST

START_TEST(lists_are_interned_sorted)
{
	uint32_t a[] = { 3, 1, 3 }, b[] = { 1, 3 }, c[] = { 1 };
	uint16_t va = vis_only(rig.sp, a, 3);

	ck_assert_uint_eq(va, vis_only(rig.sp, b, 2));
	ck_assert_uint_ne(va, vis_only(rig.sp, c, 1));
	ck_assert_uint_eq(vis_only(rig.sp, c, 0), VIS_LOCAL);
	ck_assert(vis_sees(rig.sp, va, rig_peer(&rig, 1)) && vis_sees(rig.sp, va, rig_peer(&rig, 3)));
	ck_assert(!vis_sees(rig.sp, va, rig_peer(&rig, 2)));
	ck_assert(!vis_sees(rig.sp, VIS_NONE, rig_peer(&rig, 2)));
	ck_assert(vis_sees(rig.sp, VIS_GONE, rig_peer(&rig, 2)));
	ck_assert(!vis_sees(rig.sp, rig_peer(&rig, 2)->index, rig_peer(&rig, 2)));
	ck_assert_ptr_null(vis_source(rig.sp, VIS_GONE));
	ck_assert(vis_source(rig.sp, va)->local);
}
END_TEST

/* ---- slow and late --------------------------------------------------------------------------- */

/* One member reads, the other does not: the log stays bounded, and the late one misses nothing. */
START_TEST(a_slow_member_leaves_the_log)
{
	struct ipc_originate o = { .has_med = true };
	char text[32];
	unsigned k, round;

	rig.sp->groups.log_chunks = 10;
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, 65002, true);
	rig_pull(&rig, 1, 4096);
	rig_pull(&rig, 2, 4096);
	rig_originate(&rig, "10.77.0.0/16", NULL);
	rig_work(&rig);
	rig_pull(&rig, 1, 4096);
	rig_pull(&rig, 2, 4096);
	for (round = 0; round < 3; round++)
		for (k = 0; k < 20; k++) {
			sprintf(text, "10.%u.0.0/16", k);
			o.med = 100 * round + k;
			rig_originate(&rig, text, &o);
			rig_work(&rig);
			ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
		}
	speaker_unoriginate(rig.sp, rig.now, &(struct ip_prefix){ .af = IP4, .len = 16, .b = { 10, 77 } });
	speaker_unoriginate(rig.sp, rig.now, &(struct ip_prefix){ .af = IP4, .len = 16, .b = { 10, 3 } });
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 2);
	ck_assert_ptr_null(rig_peer(&rig, 2)->af[0].member->at); /* it walks */
	ck_assert_uint_le(rig_peer(&rig, 1)->af[0].member->g->log.chunks, 10);
	ck_assert_uint_eq(rig_pull(&rig, 2, 4096), 20); /* 19 newest states and a withdrawal */
	ck_assert_int_eq(rig_said_of(&rig, "10.77.0.0/16")->what, SAID_WITHDRAW);
	ck_assert_ptr_null(rig_said_of(&rig, "10.3.0.0/16")); /* never heard of it */
	ck_assert_str_eq(rig_said_of(&rig, "10.5.0.0/16")->text, "65000|192.0.2.202|205|-1|");
	ck_assert_ptr_nonnull(rig_peer(&rig, 2)->af[0].member->at); /* and is back */
}
END_TEST

START_TEST(refresh_says_everything_again)
{
	rig_up(&rig, 1, 65001, true);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_originate(&rig, "fd00::/48", NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 4);
	speaker_peer_ops.refresh(rig_peer(&rig, 1)->peer, rig.now, IP4, REFRESH_REQUEST);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
	ck_assert_int_eq(rig.said[0].what, SAID_ANNOUNCE);
	rig_peer(&rig, 1)->peer->neg.enhanced_refresh = true;
	speaker_peer_ops.refresh(rig_peer(&rig, 1)->peer, rig.now, IP6, REFRESH_REQUEST);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 3); /* RFC 7313: BoRR, routes, EoRR */
	ck_assert_int_eq(rig.said[0].what, SAID_REFRESH);
	ck_assert_uint_eq(rig.said[0].subtype, REFRESH_BORR);
	ck_assert_uint_eq(rig.said[0].prefix.af, IP6);
	ck_assert_int_eq(rig.said[1].what, SAID_ANNOUNCE);
	ck_assert_int_eq(rig.said[2].what, SAID_REFRESH);
	ck_assert_uint_eq(rig.said[2].subtype, REFRESH_EORR);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 0);
}
END_TEST

/* RFC 7313 section 4: no Begin-of-RR ahead of End-of-RIB; a plain refresh need not wait. */
START_TEST(refresh_waits_for_end_of_rib)
{
	struct ipc_conf_applied applied;
	unsigned k;

	speaker_free(rig.sp);
	rig.sp = speaker_new(rig.now, &(struct ipc_hello){ .seed = 7 }, NULL);
	rig_configure(&rig, &applied); /* own prefixes are not all known yet: no End-of-RIB */
	rig_up(&rig, 1, 65001, true);
	rig_peer(&rig, 1)->peer->neg.enhanced_refresh = true;
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
	speaker_peer_ops.refresh(rig_peer(&rig, 1)->peer, rig.now, IP4, REFRESH_REQUEST);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 0);
	speaker_originate_end(rig.sp, rig.now);
	rig_work(&rig);
	rig_pass(&rig, 1);
	k = rig_pull(&rig, 1, 4096);
	ck_assert_uint_ge(k, 4); /* of IPv4: End-of-RIB, begin, the route, end */
	for (k = 0; rig.said[k].what != SAID_REFRESH; k++)
		ck_assert_int_eq(rig.said[k].what, SAID_EOR);
	ck_assert_uint_gt(k, 0);
	ck_assert_uint_eq(rig.said[k].subtype, REFRESH_BORR);
	ck_assert_int_eq(rig.said[k + 1].what, SAID_ANNOUNCE);
	ck_assert_uint_eq(rig.said[k + 2].subtype, REFRESH_EORR);
}
END_TEST

/* Without an address for NEXT_HOP nothing of that family is announced, and views say why. */
START_TEST(no_ipv6_address_for_next_hop)
{
	struct ipc_row_path row;
	struct ipc_event ev = { 0 };
	struct todo t;

	rig_originate(&rig, "fd00::/48", NULL);
	rig_up(&rig, 1, 65001, false);
	while (speaker_next_todo(rig.sp, &t))
		if (t.kind == TODO_EVENT)
			ev = t.event;
	ck_assert_str_eq(ev.name, "no-next-hop");
	ck_assert_uint_eq(ev.peer, 1);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 2); /* the two End-of-RIBs */
	ck_assert_uint_eq(
	    rig_rows(&rig, IPC_VIEW_ADVERTISED, IPC_MATCH_ANY, 1, NULL, &row), 1);
	ck_assert_uint_eq(row.flags, IPC_PATH_REJECTED);
	ck_assert_str_eq(row.rejected, policy_export_text(EXPORT_NO_SELF));
}
END_TEST

/* A peer changes its group: what it may no longer see is withdrawn, the rest is there. */
START_TEST(export_settings_change_on_a_live_session)
{
	struct ipc_conf_applied applied;

	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 3, 65003, true);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_announce(&rig, 1, "10.9.0.0/16", path1, 1, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 4);
	rig.peer[3].export_all = false;
	rig_configure(&rig, &applied);
	ck_assert_uint_eq(applied.changed, 1);
	ck_assert_uint_eq(applied.reset, 0);
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_WITHDRAW);
	ck_assert(!rig_said_of(&rig, "10.1.0.0/16") ||
	    rig_said_of(&rig, "10.1.0.0/16")->what == SAID_ANNOUNCE);
	rig.peer[3].export_all = true;
	rig_configure(&rig, NULL);
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_uint_eq(stats().update_groups, 4);
	rig_down(&rig, 3, PEER_DOWN_FLUSH);
	rig_work(&rig);
	ck_assert_uint_eq(stats().update_groups, 2);
}
END_TEST

/* Attributes that fill a message when our AS is put in front: withdrawn instead, and said so. */
START_TEST(too_large_to_announce)
{
	static uint8_t big[4024];
	struct attrs_build b = { .part[ATTRS_COMMUNITIES] = { big, sizeof(big) } };
	struct ipc_event ev = { 0 };
	struct todo t;
	unsigned k;

	for (k = 0; k < sizeof(big); k++)
		big[k] = (uint8_t)(k >> 2 | 1);
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 4, 65004, true);
	rig_pull(&rig, 4, 4096);
	rig_announce(&rig, 1, "10.9.0.0/16", path1, 1, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 1);
	/* Arrives in 4,094 octets, would leave in 4,098. */
	rig_announce(&rig, 1, "10.9.0.0/16", (uint32_t[]){ 65001, 7, 8, 9, 10, 11, 0 }, 1, &b);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 1);
	while (speaker_next_todo(rig.sp, &t))
		if (t.kind == TODO_EVENT)
			ev = t.event;
	ck_assert_str_eq(ev.name, "update-too-large");
	ck_assert_int_eq(rig.said[0].what, SAID_WITHDRAW);
}
END_TEST

/* The name of the last event, "" for none. */
static const char *
last_event(void)
{
	static struct ipc_event ev;
	struct todo t;

	ev = (struct ipc_event){ 0 };
	while (speaker_next_todo(rig.sp, &t))
		if (t.kind == TODO_EVENT)
			ev = t.event;
	return ev.name;
}

/*
 * RFC 8654 section 4: a set larger than 4,096 octets goes to those that take
 * extended messages; the others lose what they were told before, by the log and
 * by a walk.
 */
START_TEST(extended_sets)
{
	static uint8_t big[60000];
	struct attrs_build b = { .part[ATTRS_COMMUNITIES] = { big, sizeof(big) } };
	unsigned k;

	for (k = 0; k < sizeof(big); k++)
		big[k] = (uint8_t)(k >> 2 | 1);
	for (k = 1; k <= 4; k++) {
		rig.peer[k].ext_msg = k != 3;
		rig_up(&rig, k, 65000 + k, true);
		rig_pull(&rig, k, 65536);
	}
	rig_announce(&rig, 1, "10.9.0.0/16", path1, 1, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 4, 65536), 1);
	ck_assert_uint_eq(rig_pull(&rig, 3, 65536), 1);
	ck_assert_ptr_ne(rig_peer(&rig, 4)->af[0].member->g, rig_peer(&rig, 3)->af[0].member->g);
	rig_announce(&rig, 1, "10.9.0.0/16", path1, 1, &b);
	rig_announce(&rig, 1, "10.8.0.0/16", path1, 1, NULL);
	rig_work(&rig);
	last_event();
	ck_assert_uint_eq(rig_pull(&rig, 4, 65536), 2);
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_str_eq(last_event(), "");
	ck_assert_uint_eq(rig_pull(&rig, 3, 65536), 2);
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_WITHDRAW);
	ck_assert_int_eq(rig_said_of(&rig, "10.8.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_str_eq(last_event(), "update-too-large");
	for (k = 3; k <= 4; k++) /* the same by a walk */
		speaker_peer_ops.refresh(rig_peer(&rig, k)->peer, rig.now, IP4, REFRESH_REQUEST);
	ck_assert_uint_eq(rig_pull(&rig, 4, 65536), 2);
	rig_pull(&rig, 3, 65536); /* to withdraw it once more does no harm */
	ck_assert_int_eq(rig_said_of(&rig, "10.8.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_int_eq(rig_said_of(&rig, "10.9.0.0/16")->what, SAID_WITHDRAW);
	ck_assert_str_eq(last_event(), "update-too-large");
}
END_TEST

/* A message that needs all the room waits for it; it is not taken for one that never fits. */
START_TEST(extended_sets_need_room)
{
	static uint8_t big[60000], buf[65536];
	struct attrs_build b = { .part[ATTRS_COMMUNITIES] = { big, sizeof(big) } };
	size_t sum = 0, n;
	unsigned k, round;
	char text[32];

	for (k = 0; k < sizeof(big); k++)
		big[k] = (uint8_t)(k >> 2 | 1);
	for (k = 1; k <= 4; k += 3) {
		rig.peer[k].ext_msg = true;
		rig_up(&rig, k, 65000 + k, true);
		rig_pull(&rig, k, 65536);
	}
	for (k = 0; k < 4; k++) {
		b.med = k, b.flags = ATTRS_MED;
		snprintf(text, sizeof(text), "10.%u.0.0/16", k);
		rig_announce(&rig, 1, text, path1, 1, &b);
		snprintf(text, sizeof(text), "fd00:%u::/32", k);
		rig_announce(&rig, 1, text, path1, 1, &b);
		snprintf(text, sizeof(text), "11.%u.0.0/16", k);
		rig_announce(&rig, 1, text, (uint32_t[]){ 65001, 1 + k, 0 }, 1, NULL);
	}
	rig_work(&rig);
	for (round = 0; round < 2; round++) { /* from the log, and by a walk */
		for (k = 0; k < 100 && speaker_peer_ops.wants_fill(rig_peer(&rig, 4)->peer); k++) {
			n = speaker_peer_ops.fill(rig_peer(&rig, 4)->peer, rig.now, buf, sizeof(buf), sizeof(buf));
			ck_assert_uint_gt(n, 0);
			sum += n;
		}
		ck_assert_uint_lt(k, 100);
		ck_assert_uint_gt(sum, 8 * sizeof(big));
		ck_assert_uint_lt(sum, 8 * sizeof(big) + 4096);
		sum = 0;
		for (k = 0; k < 2; k++)
			speaker_peer_ops.refresh(rig_peer(&rig, 4)->peer, rig.now, AF_OF(k),
			    REFRESH_REQUEST);
	}
	ck_assert_str_ne(last_event(), "update-too-large");
}
END_TEST

#define SETS 200

/* Pull, as long as both families have something left: they take turns. Returns what was said. */
static unsigned
pull_in_turns(unsigned k, size_t want)
{
	unsigned said[AF_COUNT] = { 0 }, i;
	uint8_t last = IP_NONE;

	while (said[0] < SETS && said[1] < SETS) {
		ck_assert_uint_gt(rig_pull_some(&rig, k, 65536, want), 0);
		ck_assert_uint_ne(rig.said[0].prefix.af, last);
		last = rig.said[0].prefix.af;
		for (i = 0; i < rig.nsaid; i++)
			said[AF_IDX(rig.said[i].prefix.af)]++;
	}
	return said[0] + said[1];
}

/* A socket with little room is told little at a time: both families in turns, all of it once. */
START_TEST(a_little_at_a_time)
{
	static const size_t wants[] = { 1, 50, 4096 };
	struct attrs_build b = { .flags = ATTRS_MED };
	size_t want = wants[_i % 3];
	unsigned k, said;
	char text[32];

	rig.peer[1].ext_msg = rig.peer[4].ext_msg = _i >= 3;
	for (k = 1; k <= 4; k += 3) {
		rig_up(&rig, k, 65000 + k, true);
		rig_pull(&rig, k, 65536);
	}
	for (k = 0; k < SETS; k++) {
		b.med = k;
		snprintf(text, sizeof(text), "10.%u.0.0/16", k);
		rig_announce(&rig, 1, text, path1, 1, &b);
		snprintf(text, sizeof(text), "fd00:%x::/32", k);
		rig_announce(&rig, 1, text, path1, 1, &b);
	}
	rig_work(&rig);
	for (unsigned round = 0; round < 2; round++) { /* from the log, and by a walk */
		said = pull_in_turns(4, want);
		ck_assert_uint_eq(said + rig_pull(&rig, 4, 65536), 2 * SETS);
		for (k = 0; k < 2; k++)
			speaker_peer_ops.refresh(rig_peer(&rig, 4)->peer, rig.now, AF_OF(k),
			    REFRESH_REQUEST);
	}
}
END_TEST

/* Changes wait for more of their kind while decisions are due, but no longer than 50 ms. */
START_TEST(packing_waits_no_longer_than_50_ms)
{
	struct group *g;

	rig_up(&rig, 1, 65001, true);
	rig_pull(&rig, 1, 4096);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_work(&rig);
	g = rig_peer(&rig, 1)->af[0].member->g;
	ck_assert(group_ready(rig.sp, g, rig.now));
	rig_originate(&rig, "10.2.0.0/16", NULL); /* a decision is due */
	ck_assert(!group_ready(rig.sp, g, rig.now));
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 0);
	rig.now = mono_add_us(rig.now, GROUP_HOLD_US - 1);
	ck_assert(!group_ready(rig.sp, g, rig.now));
	rig.now = mono_add_us(rig.now, 1);
	ck_assert(group_ready(rig.sp, g, rig.now));
	ck_assert_uint_eq(rig_pull(&rig, 1, 4096), 1);
}
END_TEST

/*
 * Who joins without a past reads the log from the group's beginning, as long as it is whole and
 * names no id that is to be used again; else it walks.  Both say the same.
 */
START_TEST(a_new_member_reads_what_was_encoded_before)
{
	struct member *m;

	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 3, 65003, true);
	rig_pull(&rig, 3, 4096);
	rig_announce(&rig, 1, "10.1.0.0/16", path1, 1, NULL);
	rig_announce(&rig, 1, "10.2.0.0/16", (uint32_t[]){ 65001, 7, 0 }, 1, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 2);
	rig_up(&rig, 4, 65004, true);
	m = rig_peer(&rig, 4)->af[0].member;
	ck_assert_ptr_nonnull(m->at);
	rig_pull(&rig, 4, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.1.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_int_eq(rig_said_of(&rig, "10.2.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert(groups_told(rig_peer(&rig, 4), 0));
	rig_withdraw(&rig, 1, "10.2.0.0/16");
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 1);
	ck_assert_uint_eq(rig_pull(&rig, 4, 4096), 1);
	ck_assert_ptr_nonnull(m->g->replay);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	ck_assert_ptr_null(m->g->replay);
	ck_assert_ptr_eq(m->g->log.oldest, m->g->log.newest);
	rig_down(&rig, 4, PEER_DOWN_FLUSH);
	rig_up(&rig, 4, 65004, true);
	ck_assert_ptr_null(rig_peer(&rig, 4)->af[0].member->at);
	rig_pull(&rig, 4, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.1.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_ptr_null(rig_said_of(&rig, "10.2.0.0/16"));
}
END_TEST

/*
 * What the only member of a group announces has no words, as nobody would be told, until
 * another one comes; of that one's it is told meanwhile, and its own take their place.
 */
START_TEST(an_only_member_is_not_told_its_own_paths)
{
	static const uint32_t path3[] = { 65003, 0 };
	struct group *g;

	rig_up(&rig, 3, 65003, true);
	rig_announce(&rig, 3, "10.1.0.0/16", path3, 3, NULL);
	rig_originate(&rig, "10.2.0.0/16", NULL);
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	g = rig_peer(&rig, 3)->af[0].member->g;
	ck_assert_ptr_null(rig_said_of(&rig, "10.1.0.0/16"));
	ck_assert_int_eq(rig_said_of(&rig, "10.2.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_uint_eq(g->words, 1);
	ck_assert(groups_told(rig_peer(&rig, 3), 0));

	rig_up(&rig, 4, 65004, true);
	ck_assert(!groups_told(rig_peer(&rig, 4), 0));
	rig_pull(&rig, 4, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.1.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_int_eq(rig_said_of(&rig, "10.2.0.0/16")->what, SAID_ANNOUNCE);
	ck_assert_int_eq(rig.said[rig.nsaid - 1].what, SAID_EOR);
	ck_assert_uint_eq(g->words, 2);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 0);

	rig_announce(&rig, 4, "10.3.0.0/16", (uint32_t[]){ 65004, 8, 9, 0 }, 4, NULL);
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.3.0.0/16")->what, SAID_ANNOUNCE);
	rig_down(&rig, 4, PEER_DOWN_KEEP);
	ck_assert_uint_eq(g->nmembers, 1);
	rig_announce(&rig, 3, "10.3.0.0/16", path3, 3, NULL);
	rig_work(&rig);
	rig_pull(&rig, 3, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.3.0.0/16")->what, SAID_WITHDRAW);
	ck_assert_uint_eq(g->words, 2);
}
END_TEST

/* Nobody came for a while: a table at rest is not kept twice, and later ones walk. */
START_TEST(a_whole_log_is_not_kept_for_good)
{
	struct group *g;

	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 3, 65003, true);
	rig_pull(&rig, 3, 4096);
	rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 0 }, 1, NULL);
	rig_work(&rig);
	ck_assert_uint_eq(rig_pull(&rig, 3, 4096), 1);
	g = rig_peer(&rig, 3)->af[0].member->g;
	rig_pass(&rig, (GROUP_REPLAY_S - 1) * 1000000ull);
	ck_assert_ptr_nonnull(g->replay);
	rig_pass(&rig, 2 * 1000000ull);
	ck_assert_ptr_null(g->replay);
	ck_assert_ptr_eq(g->log.oldest, g->log.newest);
	rig_up(&rig, 4, 65004, true);
	rig_pull(&rig, 4, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.1.0.0/16")->what, SAID_ANNOUNCE);
}
END_TEST

/* A log that says the same again and again is no shorter way than a walk. */
START_TEST(a_log_of_churn_is_not_read_again)
{
	struct group *g;
	unsigned k;

	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 3, 65003, true);
	rig_pull(&rig, 3, 4096);
	g = rig_peer(&rig, 3)->af[0].member->g;
	for (k = 0; k < 2 * GROUP_REPLAY_MORE + 8; k++) {
		ck_assert(k > 2 * GROUP_REPLAY_MORE || g->replay);
		rig_announce(&rig, 1, "10.1.0.0/16", (uint32_t[]){ 65001, 1 + k % 2, 0 }, 1, NULL);
		rig_work(&rig);
		rig_pull(&rig, 3, 4096);
	}
	ck_assert_ptr_null(g->replay);
	ck_assert_uint_eq(g->words, 1);
	rig_up(&rig, 4, 65004, true);
	rig_pull(&rig, 4, 4096);
	ck_assert_int_eq(rig_said_of(&rig, "10.1.0.0/16")->what, SAID_ANNOUNCE);
}
END_TEST

/* Ids of destinations come back when nobody refers to them, and not before. */
START_TEST(ids_are_given_back_late)
{
	rig_up(&rig, 1, 65001, true);
	rig_up(&rig, 2, 65002, true);
	rig_originate(&rig, "10.1.0.0/16", NULL);
	rig_work(&rig);
	rig_pull(&rig, 1, 4096);
	rig_pull(&rig, 2, 4096);
	speaker_unoriginate(rig.sp, rig.now, &(struct ip_prefix){ .af = IP4, .len = 16, .b = { 10, 1 } });
	rig_work(&rig);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	ck_assert_uint_eq(stats().destinations[0], 1); /* nobody was told */
	rig_pull(&rig, 1, 4096);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	ck_assert_uint_eq(stats().destinations[0], 1); /* peer 2 has not read it */
	rig_pull(&rig, 2, 4096);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	rig_pass(&rig, 2 * REAP_EVERY_US);
	ck_assert_uint_eq(stats().destinations[0], 0);
	rig_pass(&rig, GROUP_REPLAY_S * 1000000ull);
	ck_assert(mono_is_never(speaker_deadline(rig.sp))); /* and all is quiet */
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("adjout");
	TCase *t = unit_case(s, "groups");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, log_keeps_what_somebody_has_to_read);
	tcase_add_test(t, end_of_rib_for_both_families);
	tcase_add_test(t, end_of_rib_comes_last);
	tcase_add_test(t, end_of_rib_after_decisions_without_a_change);
	tcase_add_test(t, end_of_rib_while_decisions_go_on);
	tcase_add_test(t, moved_into_a_group_that_waits);
	tcase_add_test(t, first_answers_need_no_walk);
	tcase_add_test(t, no_end_of_rib_before_own_prefixes_are_known);
	tcase_add_test(t, equal_attributes_are_packed);
	tcase_add_test(t, next_hop_is_each_members_own);
	tcase_add_test(t, link_local_next_hop_stays_on_the_link);
	tcase_add_test(t, ipv4_over_ipv6);
	tcase_add_test(t, given_next_hop);
	tcase_add_test(t, only_the_newest_state_is_said);
	tcase_add_test(t, a_source_hears_the_other_side);
	tcase_add_test(t, invisible_changes_are_silent);
	tcase_add_test(t, own_prefixes_for_a_list_of_peers);
	tcase_add_test(t, lists_are_interned_sorted);
	tcase_add_test(t, a_slow_member_leaves_the_log);
	tcase_add_test(t, refresh_says_everything_again);
	tcase_add_test(t, refresh_waits_for_end_of_rib);
	tcase_add_test(t, no_ipv6_address_for_next_hop);
	tcase_add_test(t, export_settings_change_on_a_live_session);
	tcase_add_test(t, too_large_to_announce);
	tcase_add_test(t, extended_sets);
	tcase_add_test(t, extended_sets_need_room);
	tcase_add_loop_test(t, a_little_at_a_time, 0, 6);
	tcase_add_test(t, packing_waits_no_longer_than_50_ms);
	tcase_add_test(t, a_new_member_reads_what_was_encoded_before);
	tcase_add_test(t, a_log_of_churn_is_not_read_again);
	tcase_add_test(t, an_only_member_is_not_told_its_own_paths);
	tcase_add_test(t, a_whole_log_is_not_kept_for_good);
	tcase_add_test(t, ids_are_given_back_late);
	return unit_run(s);
}
