/*
 * A peer's octets, from its OPEN on, given to a whole speaker with a second session
 * that observes: whatever comes, what weft tells the observer can be read, its session
 * stays, and when the peer is gone, so are its routes. The speaker's own end asserts
 * that no attribute set is left.
 *
 * The first octet says which kind of peer (modulo the kinds there are).
 */
#include <string.h>

#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"
#include "tests/vectors/vec.h"

#define INPUT_MAX 20000
#define OWN	  2 /* prefixes of weft's */

static struct vec_set set;

static void
load_words(void)
{
	const char *top = getenv("srcdir");
	char *path = mem_printf("%s/tests/vectors/00-words.vec", top ? top : ".");

	HOLD(vec_load(&set, path));
	mem_free(path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct vec_observer *o;
	struct vec_world w;
	struct vec_conn *c;
	enum vec_kind kind;
	char why[1024];

	if (set.nwords == 0)
		load_words();
	if (len == 0 || len > INPUT_MAX)
		return 0;
	kind = (enum vec_kind)(VEC_EBGP + in[0] % (VEC_NKINDS - VEC_EBGP));
	vec_core_open(&w, 0, vec_is_confed(kind));
	o = vec_observer_up(&w, &set, why);
	HOLD(o);
	c = w.dial(&w, kind);
	HOLD(c);
	w.send(&w, c, in + 1, len - 1);
	HOLD(vec_observer_settle(o));
	w.finish(&w, c);
	w.hang_up(&w, c);
	HOLD(vec_observer_settle(o) && vec_observer_is_up(o));
	HOLD(vec_observer_routes(o) == OWN);
	vec_observer_free(o);
	vec_core_close(&w);
	return 0;
}
