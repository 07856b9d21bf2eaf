/*
 * A stream of JSON values, as the lines of a watch and as a list: the same values all at once and
 * in pieces. What a JSON parser takes as one value is never cut or joined with its neighbour.
 */
#include <jansson.h>
#include <string.h>

#include "agent/kube/jscan.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	unsigned items, members, whole; /* whole: of them, those that a parser takes */
	size_t octets;
	uint32_t hash;
	bool bad, end, partial;
};

static void
see_value(struct seen *s, const struct jscan_event *e, enum jscan_mode mode)
{
	json_t *j;

	HOLD(e->text && e->len > 0 && e->len <= JSCAN_VALUE_MAX);
	HOLD(e->item || (mode == JSCAN_LIST && e->key && strlen(e->key) < JSCAN_KEY_MAX));
	s->items += e->item;
	s->members += !e->item;
	s->octets += e->len;
	for (size_t i = 0; i < e->len; i++)
		s->hash = (s->hash ^ (uint8_t)e->text[i]) * 16777619u;
	j = json_loadb(e->text, e->len, JSON_DECODE_ANY, NULL);
	s->whole += j != NULL;
	json_decref(j);
}

static bool
feed(struct jscan *js, struct seen *s, const uint8_t *in, size_t len)
{
	const uint8_t *p = in;
	size_t n = len;

	for (;;) {
		struct jscan_event e = jscan_next(js, &p, &n);

		HOLD(p + n == in + len);
		switch (e.kind) {
		case JSCAN_MORE:
			HOLD(n == 0);
			return true;
		case JSCAN_VALUE:
			see_value(s, &e, js->mode);
			break;
		case JSCAN_END:
			HOLD(js->mode == JSCAN_LIST);
			s->end = true;
			return false;
		case JSCAN_BAD:
			HOLD(e.why && *e.why);
			s->bad = true;
			return false;
		}
	}
}

static void
run(struct seen *s, enum jscan_mode mode, const uint8_t *in, size_t len, size_t piece)
{
	struct jscan js;

	memset(s, 0, sizeof(*s));
	memset(&js, 0xa5, sizeof(js));
	jscan_init(&js, mode);
	for (size_t at = 0; at < len; at += piece)
		if (!feed(&js, s, in + at, len - at < piece ? len - at : piece))
			break;
	s->partial = jscan_is_partial(&js);
	HOLD(!s->end || !s->partial);
	HOLD(!s->bad || s->partial);
	jscan_free(&js);
}

/* What is one whole object to a parser is one to the scanner, with as many items. */
static void
check_whole(const uint8_t *in, size_t len, const struct seen *lines, const struct seen *list)
{
	json_t *j = json_loadb((const char *)in, len, 0, NULL);
	const json_t *items = json_object_get(j, "items");

	if (j && json_is_object(j) && !lines->bad) {
		HOLD(lines->items == 1 && lines->whole == 1 && !lines->partial);
		HOLD(list->end && !list->bad);
		/* Of two members with one name a parser keeps the last. */
		if (json_is_array(items))
			HOLD(list->items >= json_array_size(items));
	}
	json_decref(j);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	static struct seen all[2], some;

	for (int m = 0; m < 2; m++) {
		enum jscan_mode mode = m == 0 ? JSCAN_LINES : JSCAN_LIST;

		run(&all[m], mode, in, len, len);
		run(&some, mode, in, len, 1 + len % 61);
		HOLD(all[m].items == some.items && all[m].members == some.members);
		HOLD(all[m].whole == some.whole && all[m].octets == some.octets);
		HOLD(all[m].hash == some.hash && all[m].bad == some.bad);
		HOLD(all[m].end == some.end && all[m].partial == some.partial);
	}
	check_whole(in, len, &all[0], &all[1]);
	return 0;
}
