/*
 * The bounded reader and writer: values, underrun, sub-readers, length fields.
 */
#include "lib/wire.h"
#include "tests/unit/unit.h"

START_TEST(reads_network_order)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct rd r = rd_init(in, sizeof(in));

	ck_assert_uint_eq(rd_u8(&r), 1);
	ck_assert_uint_eq(rd_u16(&r), 0x0203);
	ck_assert_uint_eq(rd_u32(&r), 0x04050607);
	ck_assert_uint_eq(rd_pos(&r), 7);
	ck_assert(!rd_done(&r));
	ck_assert_uint_eq(rd_u64(&r), 0x08090a0b0c0d0e0fu);
	ck_assert(rd_done(&r));
	ck_assert_uint_eq(rd_left(&r), 0);
}
END_TEST

/* Every kind of read, one octet short: a zero, and bad for good. */
START_TEST(underrun_is_sticky)
{
	static const uint8_t in[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };
	uint8_t copy[4] = { 7, 7, 7, 7 };
	struct rd r;

	r = rd_init(in, 0);
	ck_assert_uint_eq(rd_u8(&r), 0);
	ck_assert(r.bad);
	r = rd_init(in, 1);
	ck_assert_uint_eq(rd_u16(&r), 0);
	ck_assert(r.bad);
	r = rd_init(in, 3);
	ck_assert_uint_eq(rd_u32(&r), 0);
	ck_assert(r.bad);
	ck_assert_uint_eq(rd_u8(&r), 0); /* three octets are there, and none is given */
	ck_assert_uint_eq(rd_left(&r), 0);
	ck_assert_uint_eq(rd_pos(&r), 0);
	ck_assert(!rd_done(&r));
	r = rd_init(in, 7);
	ck_assert_uint_eq(rd_u64(&r), 0);
	ck_assert(r.bad);
	r = rd_init(in, 3);
	ck_assert(!rd_copy(&r, copy, 4));
	ck_assert_mem_eq(copy, "\0\0\0\0", 4);
	r = rd_init(in, 3);
	ck_assert_ptr_null(rd_view(&r, 4));
	r = rd_init(in, 3);
	ck_assert(!rd_skip(&r, SIZE_MAX));
	ck_assert(r.bad);
}
END_TEST

START_TEST(views_and_copies)
{
	static const uint8_t in[] = { 1, 2, 3, 4, 5 };
	uint8_t copy[2];
	struct rd r = rd_init(in, sizeof(in));

	ck_assert_ptr_eq(rd_view(&r, 2), in);
	ck_assert(rd_copy(&r, copy, 2));
	ck_assert_mem_eq(copy, in + 2, 2);
	ck_assert(rd_skip(&r, 1));
	ck_assert(rd_copy(&r, copy, 0));
	ck_assert(rd_done(&r));
}
END_TEST

START_TEST(sub_reader_stays_inside)
{
	static const uint8_t in[] = { 0, 1, 2, 3, 4, 5 };
	struct rd r = rd_init(in, sizeof(in)), child, grandchild;

	rd_u8(&r);
	child = rd_sub(&r, 3);
	ck_assert_uint_eq(rd_left(&child), 3);
	ck_assert_uint_eq(rd_left(&r), 2);
	ck_assert_uint_eq(rd_u8(&r), 4);
	ck_assert_uint_eq(rd_u8(&child), 1);
	grandchild = rd_sub(&child, 1);
	ck_assert_uint_eq(rd_pos(&grandchild), 2); /* counted from the outermost start */
	ck_assert_uint_eq(rd_u8(&grandchild), 2);
	ck_assert_uint_eq(rd_u8(&grandchild), 0);
	ck_assert(grandchild.bad);
	ck_assert(!child.bad);
	ck_assert_uint_eq(rd_u16(&child), 0); /* only one octet is its own */
	ck_assert(child.bad);
	ck_assert(!r.bad);
}
END_TEST

START_TEST(sub_reader_underrun)
{
	static const uint8_t in[] = { 1, 2 };
	struct rd r = rd_init(in, sizeof(in)), child = rd_sub(&r, 3);

	ck_assert(r.bad);
	ck_assert(child.bad);
	ck_assert_uint_eq(rd_left(&child), 0);
	ck_assert_uint_eq(rd_u8(&child), 0);
	ck_assert(!rd_done(&child));
	child = rd_sub(&r, 0); /* of a bad reader: bad, too */
	ck_assert(child.bad);
}
END_TEST

START_TEST(nothing_to_read)
{
	struct rd r = rd_init(NULL, 0), child;

	ck_assert(rd_done(&r));
	child = rd_sub(&r, 0);
	ck_assert(rd_done(&child));
	ck_assert(rd_copy(&r, NULL, 0));
	ck_assert_uint_eq(rd_u8(&r), 0);
	ck_assert(r.bad);
}
END_TEST

START_TEST(writes_network_order)
{
	uint8_t buf[18];
	struct wr w = wr_init(buf, sizeof(buf));

	wr_u8(&w, 1);
	wr_u16(&w, 0x0203);
	wr_u32(&w, 0x04050607);
	wr_u64(&w, 0x08090a0b0c0d0e0fu);
	wr_bytes(&w, "\x10\x11", 2);
	ck_assert_uint_eq(wr_room(&w), 1);
	wr_zero(&w, 1);
	ck_assert(!w.full);
	ck_assert_uint_eq(wr_len(&w), 18);
	ck_assert_mem_eq(buf, "\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf\x10\x11\0", 18);
}
END_TEST

/* Every kind of write, one octet short: nothing is written, and full for good. */
START_TEST(overrun_is_sticky)
{
	uint8_t buf[8];
	struct wr w;
	size_t mark;

	memset(buf, 7, sizeof(buf));
	w = wr_init(buf, 0);
	wr_u8(&w, 1);
	ck_assert(w.full);
	w = wr_init(buf, 1);
	wr_u16(&w, 1);
	ck_assert(w.full);
	w = wr_init(buf, 3);
	wr_u32(&w, 1);
	ck_assert(w.full);
	wr_u8(&w, 1);
	ck_assert_uint_eq(wr_len(&w), 0);
	ck_assert_uint_eq(wr_room(&w), 0);
	w = wr_init(buf, 7);
	wr_u64(&w, 1);
	ck_assert(w.full);
	w = wr_init(buf, 2);
	wr_bytes(&w, "abc", 3);
	ck_assert(w.full);
	w = wr_init(buf, 1);
	mark = wr_open16(&w);
	wr_close16(&w, mark);
	ck_assert(w.full);
	w = wr_init(NULL, 0);
	mark = wr_open8(&w);
	wr_close8(&w, mark);
	ck_assert(w.full);
	ck_assert_mem_eq(buf, "\7\7\7\7\7\7\7\7", 8);
}
END_TEST

START_TEST(length_fields_nest)
{
	uint8_t buf[16];
	struct wr w = wr_init(buf, sizeof(buf));
	size_t outer = wr_open16(&w), inner;

	wr_u8(&w, 0xaa);
	inner = wr_open8(&w);
	wr_u16(&w, 0xbbcc);
	wr_close8(&w, inner);
	wr_close16(&w, outer);
	ck_assert_uint_eq(wr_len(&w), 6);
	ck_assert_mem_eq(buf, "\0\4\xaa\2\xbb\xcc", 6);
}
END_TEST

START_TEST(length_fields_know_their_limit)
{
	static uint8_t buf[UINT16_MAX + 3];
	struct wr w = wr_init(buf, sizeof(buf));
	size_t mark = wr_open8(&w);

	wr_zero(&w, 255);
	wr_close8(&w, mark);
	ck_assert(!w.full);
	ck_assert_uint_eq(buf[0], 255);
	wr_rewind(&w, 0);
	mark = wr_open8(&w);
	wr_zero(&w, 256);
	wr_close8(&w, mark);
	ck_assert(w.full);
	wr_rewind(&w, 0);
	mark = wr_open16(&w);
	wr_zero(&w, UINT16_MAX);
	wr_close16(&w, mark);
	ck_assert(!w.full);
	ck_assert_mem_eq(buf, "\xff\xff", 2);
	wr_rewind(&w, 0);
	mark = wr_open16(&w);
	wr_zero(&w, UINT16_MAX + 1);
	wr_close16(&w, mark);
	ck_assert(w.full);
}
END_TEST

START_TEST(rewind_makes_room)
{
	uint8_t buf[3];
	struct wr w = wr_init(buf, sizeof(buf));
	size_t whole;

	wr_u16(&w, 0x0102);
	whole = wr_len(&w);
	wr_u16(&w, 0x0304);
	ck_assert(w.full);
	wr_rewind(&w, whole);
	ck_assert(!w.full);
	wr_u8(&w, 3);
	ck_assert(!w.full);
	ck_assert_mem_eq(buf, "\1\2\3", 3);
}
END_TEST

START_TEST(rewind_forward_aborts)
{
	uint8_t buf[3];
	struct wr w = wr_init(buf, sizeof(buf));

	wr_rewind(&w, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("wire");
	TCase *tc = unit_case(s, "rd");

	tcase_add_test(tc, reads_network_order);
	tcase_add_test(tc, underrun_is_sticky);
	tcase_add_test(tc, views_and_copies);
	tcase_add_test(tc, sub_reader_stays_inside);
	tcase_add_test(tc, sub_reader_underrun);
	tcase_add_test(tc, nothing_to_read);
	tc = unit_case(s, "wr");
	tcase_add_test(tc, writes_network_order);
	tcase_add_test(tc, overrun_is_sticky);
	tcase_add_test(tc, length_fields_nest);
	tcase_add_test(tc, length_fields_know_their_limit);
	tcase_add_test(tc, rewind_makes_room);
	tcase_add_test_raise_signal(tc, rewind_forward_aborts, 6);
	return unit_run(s);
}
