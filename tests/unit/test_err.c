/*
 * Errors without a session: of several the strongest counts, and the words for
 * codes and subcodes.  RFC 4271 section 4.5, RFC 4486, RFC 7606 section 3 (h).
 */
#include "bgpd/core/err.h"
#include "tests/unit/unit.h"

/* RFC 7606 section 3 (h): the strongest counts, of equals the first. */
START_TEST(verdicts_merge)
{
	static uint8_t data[70000];
	struct bgp_err e = { 0 };

	bgp_fail(&e, ACT_ATTR_DISCARD, 3, 5, 6, 40, "a");
	bgp_fail(&e, ACT_ATTR_DISCARD, 3, 9, 7, 50, "b");
	ck_assert_str_eq(e.why, "a");
	ck_assert_uint_eq(e.off, 40);
	bgp_fail(&e, ACT_WITHDRAW, 3, 6, 1, 70000, "c");
	ck_assert_str_eq(e.why, "c");
	ck_assert_uint_eq(e.off, 65535);
	ck_assert_uint_eq(e.sub, 6);
	ck_assert_uint_eq(e.attr, 1);
	bgp_fail(&e, ACT_NONE, 3, 1, 0, 1, "d");
	ck_assert_int_eq(e.act, ACT_WITHDRAW);
	bgp_fail_data(&e, ACT_RESET, 3, 10, 0, 65535, data, sizeof(data), "e");
	bgp_fail_data(&e, ACT_RESET, 1, 2, 0, 16, data + 1, 2, "f");
	ck_assert_uint_eq(e.code, 3);
	ck_assert_uint_eq(e.data_octets, 65535);
	ck_assert_ptr_eq(e.data, data);
	ck_assert_str_eq(bgp_act_name(ACT_NONE), "none");
	ck_assert_str_eq(bgp_act_name(ACT_ATTR_DISCARD), "attribute-discard");
	ck_assert_str_eq(bgp_act_name(ACT_WITHDRAW), "treat-as-withdraw");
	ck_assert_str_eq(bgp_act_name(ACT_AFI_DISABLE), "afi-safi-disable");
	ck_assert_str_eq(bgp_act_name(ACT_RESET), "session-reset");
	ck_assert_str_eq(bgp_act_name((enum bgp_act)99), "unknown");
}
END_TEST

/* The IANA registries' words. */
static const struct {
	uint8_t code, sub;
	const char *words;
} word_cases[] = {
	{ 0, 0, "Unknown (0/0)" },
	{ 1, 0, "Message Header Error (1/0)" },
	{ 1, 1, "Message Header Error, Connection Not Synchronized (1/1)" },
	{ 1, 2, "Message Header Error, Bad Message Length (1/2)" },
	{ 1, 3, "Message Header Error, Bad Message Type (1/3)" },
	{ 1, 4, "Message Header Error, Unknown (1/4)" },
	{ 2, 1, "OPEN Message Error, Unsupported Version Number (2/1)" },
	{ 2, 2, "OPEN Message Error, Bad Peer AS (2/2)" },
	{ 2, 3, "OPEN Message Error, Bad BGP Identifier (2/3)" },
	{ 2, 4, "OPEN Message Error, Unsupported Optional Parameter (2/4)" },
	{ 2, 5, "OPEN Message Error, Authentication Failure (2/5)" },
	{ 2, 6, "OPEN Message Error, Unacceptable Hold Time (2/6)" },
	{ 2, 7, "OPEN Message Error, Unsupported Capability (2/7)" },
	{ 2, 8, "OPEN Message Error, Unknown (2/8)" },
	{ 2, 11, "OPEN Message Error, Role Mismatch (2/11)" },
	{ 2, 12, "OPEN Message Error, Unknown (2/12)" },
	{ 3, 1, "UPDATE Message Error, Malformed Attribute List (3/1)" },
	{ 3, 2, "UPDATE Message Error, Unrecognized Well-known Attribute (3/2)" },
	{ 3, 3, "UPDATE Message Error, Missing Well-known Attribute (3/3)" },
	{ 3, 4, "UPDATE Message Error, Attribute Flags Error (3/4)" },
	{ 3, 5, "UPDATE Message Error, Attribute Length Error (3/5)" },
	{ 3, 6, "UPDATE Message Error, Invalid ORIGIN Attribute (3/6)" },
	{ 3, 7, "UPDATE Message Error, AS Routing Loop (3/7)" },
	{ 3, 8, "UPDATE Message Error, Invalid NEXT_HOP Attribute (3/8)" },
	{ 3, 9, "UPDATE Message Error, Optional Attribute Error (3/9)" },
	{ 3, 10, "UPDATE Message Error, Invalid Network Field (3/10)" },
	{ 3, 11, "UPDATE Message Error, Malformed AS_PATH (3/11)" },
	{ 4, 0, "Hold Timer Expired (4/0)" },
	{ 4, 1, "Hold Timer Expired, Unknown (4/1)" },
	{ 5, 0, "Finite State Machine Error (5/0)" },
	{ 5, 1, "Finite State Machine Error, Receive Unexpected Message in OpenSent State (5/1)" },
	{ 5, 2, "Finite State Machine Error, Receive Unexpected Message in OpenConfirm State (5/2)" },
	{ 5, 3, "Finite State Machine Error, Receive Unexpected Message in Established State (5/3)" },
	{ 6, 0, "Cease (6/0)" },
	{ 6, 1, "Cease, Maximum Number of Prefixes Reached (6/1)" },
	{ 6, 2, "Cease, Administrative Shutdown (6/2)" },
	{ 6, 3, "Cease, Peer De-configured (6/3)" },
	{ 6, 4, "Cease, Administrative Reset (6/4)" },
	{ 6, 5, "Cease, Connection Rejected (6/5)" },
	{ 6, 6, "Cease, Other Configuration Change (6/6)" },
	{ 6, 7, "Cease, Connection Collision Resolution (6/7)" },
	{ 6, 8, "Cease, Out of Resources (6/8)" },
	{ 6, 9, "Cease, Hard Reset (6/9)" },
	{ 6, 10, "Cease, BFD Down (6/10)" },
	{ 6, 11, "Cease, Unknown (6/11)" },
	{ 7, 1, "ROUTE-REFRESH Message Error, Invalid Message Length (7/1)" },
	{ 8, 0, "Send Hold Timer Expired (8/0)" },
	{ 9, 0, "Unknown (9/0)" },
	{ 9, 1, "Unknown, Unknown (9/1)" },
	{ 255, 255, "Unknown, Unknown (255/255)" },
};

START_TEST(error_words)
{
	char buf[BGP_WORDS_MAX];

	ck_assert_str_eq(bgp_err_words(word_cases[_i].code, word_cases[_i].sub, buf),
	    word_cases[_i].words);
	ck_assert_int_eq(*bgp_sub_name(word_cases[_i].code, word_cases[_i].sub) == '\0',
	    word_cases[_i].sub == 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("err");
	TCase *tc = unit_case(s, "errors");

	tcase_add_test(tc, verdicts_merge);
	tcase_add_loop_test(tc, error_words, 0, NROWS(word_cases));
	return unit_run(s);
}
