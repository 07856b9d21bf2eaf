/*
 * Services: verdicts on addresses, and the prefixes that follow from them.
 *
 * Owns three things.  Services, sorted by key, each with its labels and texts in one piece of
 * memory and with the sum of its endpoints; a Service that only its slices name has a place, too,
 * as the two watches are not in step.  Slices, sorted by key: numbers, no endpoints.
 * Destinations: prefixes with the claims of addresses on them.  The best claim (the earliest rule,
 * then the first key) gives a destination its attributes; a destination whose best claim has
 * changed waits in a list until it is asked for.
 */
#include "agent/core/services.h"

#include <stdio.h>
#include <string.h>

#include "lib/list.h"
#include "lib/mem.h"
#include "lib/trie.h"

#define NO_RULE UINT16_MAX

/* Other products' names of what every Service has; sorted, as labels are. */
static const char *const pseudo[] = {
	"io.kubernetes.service.name",
	"io.kubernetes.service.namespace",
	"projectcalico.org/name",
	"projectcalico.org/namespace",
};
#define NPSEUDO (sizeof(pseudo) / sizeof(pseudo[0]))

struct svc;

/* An address wants that prefix announced. */
struct claim {
	struct list of_dest;
	struct dest *dest;
	struct svc *svc;
	uint16_t rule;
	bool written; /* by whoever edits the Service: nobody gave it out */
};

struct addr {
	struct ip_prefix host;
	uint8_t kind, why;
	bool proxied;
	uint16_t rule;
	struct claim *own, *cover; /* for the host route, for the aggregate */
};

struct svc {
	char *text; /* key and all other texts, in one piece */
	struct label *label;
	size_t nlabels;
	const char *communities, *local_pref;
	struct addr *addr;
	uint16_t naddrs;
	bool known; /* else only its slices are */
	bool external_local, internal_local, foreign_class, deleting;
	uint32_t nslices;
	struct service_count count[2];
};

struct slice {
	struct svc *svc;
	struct service_count count;
	uint8_t af;
	bool told; /* since services_slices_again() */
	char key[];
};

struct dest {
	struct trie_node node;
	struct list claims, changed;
	struct claim *lead;
	bool aggregate;
	bool published;
};

struct services {
	struct svc **svc;
	size_t nsvc, svc_cap;
	struct slice **slice;
	size_t nslices, slice_cap;
	size_t nknown, npublished;
	struct trie dests;
	struct list changed;
	const struct service_rule *rule;
	size_t nrules;
	bool excluded;
	struct trie reserved;
	struct trie_node *reserved_v; /* in the order they were given */
	size_t nreserved;
};

/* ---- sorted arrays of pointers --------------------------------------------------- */

/* Where key is, or has to be: an array of n things whose key that function gives. */
static size_t
place(void *const *v, size_t n, const char *(*key_of)(const void *), const char *key, bool *ret_found)
{
	size_t lo = 0, hi = n, mid;
	int c;

	*ret_found = false;
	/* Lists come in order: look at the end first. */
	if (n > 0 && strcmp(key_of(v[n - 1]), key) < 0)
		return n;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = strcmp(key_of(v[mid]), key);
		if (c == 0) {
			*ret_found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const char *
svc_key(const void *p)
{
	return ((const struct svc *)p)->text;
}

static const char *
slice_key(const void *p)
{
	return ((const struct slice *)p)->key;
}

static size_t
svc_place(const struct services *s, const char *key, bool *ret_found)
{
	return place((void *const *)s->svc, s->nsvc, svc_key, key, ret_found);
}

static size_t
slice_place(const struct services *s, const char *key, bool *ret_found)
{
	return place((void *const *)s->slice, s->nslices, slice_key, key, ret_found);
}

/* Room for one more pointer in an array with room for *cap. */
static void *
grown(void *v, size_t n, size_t *cap)
{
	if (n < *cap)
		return v;
	*cap = *cap ? *cap * 2 : 16;
	return mem_realloc_array(v, *cap, sizeof(void *));
}

static void
svc_insert(struct services *s, size_t at, struct svc *v)
{
	s->svc = grown(s->svc, s->nsvc, &s->svc_cap);
	memmove(&s->svc[at + 1], &s->svc[at], (s->nsvc - at) * sizeof(s->svc[0]));
	s->svc[at] = v;
	s->nsvc++;
}

static void
slice_insert(struct services *s, size_t at, struct slice *sl)
{
	s->slice = grown(s->slice, s->nslices, &s->slice_cap);
	memmove(&s->slice[at + 1], &s->slice[at], (s->nslices - at) * sizeof(s->slice[0]));
	s->slice[at] = sl;
	s->nslices++;
}

/* ---- destinations ----------------------------------------------------------------- */

static void
touch(struct services *s, struct dest *d)
{
	if (!list_is_linked(&d->changed))
		list_push_back(&s->changed, &d->changed);
}

static struct dest *
dest_of(struct services *s, const struct ip_prefix *p)
{
	struct trie_node *n = trie_find(&s->dests, p);
	struct dest *d;

	if (n)
		return container_of(n, struct dest, node);
	d = mem_zalloc(sizeof(*d));
	list_init(&d->claims);
	list_init(&d->changed);
	trie_insert(&s->dests, &d->node, p);
	return d;
}

/*
 * A claim is better: that of the earlier rule; with a host route of an address that was given out
 * rather than written into the Service, then of the first key.
 */
static bool
is_better(const struct claim *c, const struct claim *than)
{
	if (c->dest->aggregate)
		return c->rule < than->rule;
	if (c->written != than->written)
		return than->written;
	if (c->rule != than->rule)
		return c->rule < than->rule;
	return strcmp(c->svc->text, than->svc->text) < 0;
}

static void
elect(struct services *s, struct dest *d, const struct claim *gone)
{
	struct claim *best = NULL, *c;
	struct list *l;

	LIST_FOREACH (l, &d->claims) {
		c = container_of(l, struct claim, of_dest);
		if (!best || is_better(c, best))
			best = c;
		if (d->aggregate && c->rule == gone->rule)
			break; /* as good as the best was */
	}
	/* Members of one rule say the same of their aggregate. */
	if (!d->aggregate || !best || best->rule != gone->rule)
		touch(s, d);
	d->lead = best;
}

static struct claim *
claim_new(struct services *s, struct svc *v, const struct addr *a, const struct ip_prefix *p, bool aggregate)
{
	struct claim *c = mem_zalloc(sizeof(*c));
	struct dest *d = dest_of(s, p);

	c->svc = v;
	c->rule = a->rule;
	c->written = a->kind == SERVICE_EXTERNAL_IP;
	c->dest = d;
	if (list_is_empty(&d->claims))
		d->aggregate = aggregate;
	list_push_back(&d->claims, &c->of_dest);
	if (!d->lead || is_better(c, d->lead)) {
		d->lead = c;
		touch(s, d);
	}
	return c;
}

/* NULL is fine. */
static void
claim_drop(struct services *s, struct claim *c)
{
	struct dest *d;

	if (!c)
		return;
	d = c->dest;
	list_remove(&c->of_dest);
	if (d->lead == c)
		elect(s, d, c);
	mem_free(c);
}

/* Make *at what it has to be for a, one of v's; a NULL: no claim. */
static void
claim_set(struct services *s, struct claim **at, struct svc *v, const struct addr *a,
    const struct ip_prefix *p, bool aggregate)
{
	struct claim *was = *at;

	if (was && a && was->rule == a->rule && ip_prefix_eq(&was->dest->node.prefix, p))
		return;
	/* The new one first: a destination that both are for is not withdrawn between. */
	*at = a ? claim_new(s, v, a, p, aggregate) : NULL;
	claim_drop(s, was);
}

/* ---- verdicts ---------------------------------------------------------------------- */

static bool
is_local(const struct svc *v, const struct addr *a)
{
	return a->kind == SERVICE_CLUSTER_IP ? v->internal_local : v->external_local;
}

static bool
is_bad(const struct ip_prefix *p)
{
	struct ip_addr a = ip_prefix_addr(p);

	return p->af == IP_NONE || ip_addr_is_unspec(&a) || ip_addr_is_loopback(&a) ||
	    ip_addr_is_multicast(&a) || ip_addr_is_link_local(&a) || ip_addr_is_v4mapped(&a);
}

/* The other kinds are given out: an external address is whatever somebody wrote into a Service. */
static bool
is_reserved(const struct services *s, const struct addr *a)
{
	return a->kind == SERVICE_EXTERNAL_IP && trie_covering(&s->reserved, &a->host);
}

static bool
is_within(const struct service_rule *r, const struct ip_prefix *p)
{
	for (size_t i = 0; i < r->nranges; i++)
		if (ip_prefix_contains(&r->ranges[i], p))
			return true;
	return r->nranges == 0;
}

/* Do packets to it find an endpoint? */
static enum service_why
judge_endpoints(const struct svc *v, const struct addr *a)
{
	const struct service_count *c = &v->count[a->host.af - 1];
	bool here = is_local(v, a);

	if (c->ready[here] > 0)
		return SERVICE_ANNOUNCED;
	if (c->ready[0] > 0)
		return SERVICE_NO_LOCAL;
	if (c->leaving[here] > 0)
		return SERVICE_LEAVING;
	return c->leaving[0] > 0 ? SERVICE_NO_LOCAL : SERVICE_NO_ENDPOINT;
}

static enum service_why
judge(const struct services *s, const struct svc *v, const struct addr *a)
{
	if (is_bad(&a->host))
		return SERVICE_BAD_ADDRESS;
	if (is_reserved(s, a))
		return SERVICE_RESERVED;
	if (v->deleting)
		return SERVICE_DELETING;
	if (a->rule == NO_RULE)
		return SERVICE_UNSELECTED;
	if (!is_within(&s->rule[a->rule], &a->host))
		return SERVICE_OUTSIDE;
	if (a->proxied)
		return SERVICE_PROXIED;
	if (a->kind == SERVICE_LB_IP && v->foreign_class)
		return SERVICE_FOREIGN;
	if (a->kind != SERVICE_CLUSTER_IP && s->excluded)
		return SERVICE_EXCLUDED;
	return judge_endpoints(v, a);
}

/* The prefix that covers it, if it has to be announced by one. */
static bool
cover_of(const struct services *s, const struct addr *a, struct ip_prefix *ret)
{
	uint8_t len = s->rule[a->rule].aggregate[a->host.af - 1];

	if (len == 0 || len >= a->host.len)
		return false;
	*ret = a->host;
	ret->len = len;
	ip_prefix_mask(ret);
	return true;
}

static void
claim_addr(struct services *s, struct svc *v, struct addr *a)
{
	bool on = service_why_is_on((enum service_why)a->why), covered;
	struct ip_prefix cover = a->host;

	covered = on && cover_of(s, a, &cover);
	if (covered && !is_local(v, a) && !v->communities && !v->local_pref) {
		a->why = SERVICE_AGGREGATED;
		claim_set(s, &a->cover, v, a, &cover, true);
		claim_set(s, &a->own, v, NULL, &a->host, false);
		return;
	}
	claim_set(s, &a->own, v, on ? a : NULL, &a->host, false);
	claim_set(s, &a->cover, v, covered ? a : NULL, &cover, true);
}

static void
rejudge(struct services *s, struct svc *v)
{
	for (size_t i = 0; i < v->naddrs; i++) {
		v->addr[i].why = (uint8_t)judge(s, v, &v->addr[i]);
		claim_addr(s, v, &v->addr[i]);
	}
}

/* ---- which rule ---------------------------------------------------------------------- */

static bool
is_in_namespace(const struct service_rule *r, const char *key)
{
	size_t n = strcspn(key, "/");

	for (size_t i = 0; i < r->nnamespaces; i++)
		if (strncmp(r->namespaces[i], key, n) == 0 && r->namespaces[i][n] == '\0')
			return true;
	return r->nnamespaces == 0;
}

static void
select_rules(struct services *s, struct svc *v)
{
	struct labels l = { v->label, v->nlabels };

	for (size_t i = 0; i < v->naddrs; i++)
		v->addr[i].rule = NO_RULE;
	for (size_t r = 0; r < s->nrules; r++) {
		if (!is_in_namespace(&s->rule[r], v->text) || !selector_match(s->rule[r].selector, &l))
			continue;
		for (size_t i = 0; i < v->naddrs; i++)
			if (v->addr[i].rule == NO_RULE && s->rule[r].kinds & 1u << v->addr[i].kind)
				v->addr[i].rule = (uint16_t)r;
	}
}

/* ---- services ------------------------------------------------------------------------- */

/* A piece of memory that texts are put into one behind the other. */
struct texts {
	char *p;
};

static const char *
put_text(struct texts *t, const char *text, size_t n)
{
	char *at = t->p;

	memcpy(at, text, n);
	at[n] = '\0';
	t->p += n + 1;
	return at;
}

static size_t
text_len(const char *s)
{
	return s ? strlen(s) + 1 : 0;
}

/* An annotation may have 256 KiB, and there may be many Services. */
static size_t
note_len(const char *s)
{
	return s ? strnlen(s, SERVICES_NOTE_MAX + 1) : 0;
}

static size_t
texts_len(const struct service *v)
{
	size_t n = text_len(v->key) * 2 + note_len(v->communities) + note_len(v->local_pref) + 2;

	for (size_t i = 0; i < v->labels.n; i++)
		n += text_len(v->labels.v[i].key) + text_len(v->labels.v[i].value);
	return n;
}

/* Those of the Service and those that stand for its name, in one order. */
static void
put_labels(struct svc *to, const struct service *v, struct texts *t)
{
	size_t ns = strcspn(v->key, "/"), at = 0, n = 0;
	const char *name = to->text + ns + (v->key[ns] == '/');
	const char *of[] = { name, put_text(t, v->key, ns) };

	to->label = mem_zalloc_array(v->labels.n + NPSEUDO, sizeof(to->label[0]));
	for (size_t i = 0; i < v->labels.n || at < NPSEUDO;) {
		int c = at == NPSEUDO ? -1 : i == v->labels.n ? 1 : strcmp(v->labels.v[i].key, pseudo[at]);

		if (c < 0) {
			const struct label *l = &v->labels.v[i++];

			to->label[n].key = put_text(t, l->key, strlen(l->key));
			to->label[n++].value = put_text(t, l->value, strlen(l->value));
			continue;
		}
		i += c == 0; /* nobody takes another one's name */
		to->label[n++] = (struct label){ pseudo[at], of[at % 2] };
		at++;
	}
	to->nlabels = n;
}

static void
svc_forget(struct services *s, struct svc *v)
{
	for (size_t i = 0; i < v->naddrs; i++) {
		claim_drop(s, v->addr[i].own);
		claim_drop(s, v->addr[i].cover);
	}
	mem_free(v->addr);
	mem_free(v->label);
	v->addr = NULL;
	v->label = NULL;
	v->naddrs = 0;
	v->nlabels = 0;
	v->communities = v->local_pref = NULL;
	s->nknown -= v->known;
	v->known = false;
}

static void
svc_free(struct svc *v)
{
	mem_free(v->text);
	mem_free(v);
}

/* The one of that key; it is made if there is none. */
static struct svc *
svc_get(struct services *s, const char *key)
{
	bool found;
	size_t at = svc_place(s, key, &found);
	struct svc *v;

	if (found)
		return s->svc[at];
	v = mem_zalloc(sizeof(*v));
	v->text = mem_strdup(key);
	svc_insert(s, at, v);
	return v;
}

/* Nothing says that it exists any more. */
static void
svc_reap(struct services *s, struct svc *v)
{
	bool found;
	size_t at;

	if (v->known || v->nslices > 0)
		return;
	at = svc_place(s, v->text, &found);
	s->nsvc--;
	memmove(&s->svc[at], &s->svc[at + 1], (s->nsvc - at) * sizeof(s->svc[0]));
	svc_free(v);
}

static void
put_texts(struct svc *to, const struct service *v)
{
	struct texts t = { mem_alloc(texts_len(v)) };

	mem_free(to->text);
	to->text = t.p;
	put_text(&t, v->key, strlen(v->key));
	if (v->communities)
		to->communities = put_text(&t, v->communities, note_len(v->communities));
	if (v->local_pref)
		to->local_pref = put_text(&t, v->local_pref, note_len(v->local_pref));
	put_labels(to, v, &t);
}

/* Does it have that address of that kind already? */
static bool
has_addr(const struct svc *v, const struct ip_prefix *p, uint8_t kind)
{
	for (size_t i = 0; i < v->naddrs; i++)
		if (ip_prefix_eq(&v->addr[i].host, p) && v->addr[i].kind == kind)
			return true;
	return false;
}

static void
put_addrs(struct svc *to, const struct service *v)
{
	to->addr = mem_zalloc_array(v->naddrs, sizeof(to->addr[0]));
	for (size_t i = 0; i < v->naddrs && to->naddrs < SERVICES_ADDRS_MAX; i++) {
		struct ip_prefix p = ip_prefix_from_addr(&v->addrs[i].addr);

		if (has_addr(to, &p, v->addrs[i].kind))
			continue;
		to->addr[to->naddrs++] = (struct addr){ .host = p, .kind = v->addrs[i].kind,
			.proxied = v->addrs[i].proxied };
	}
}

static bool
same_note(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strncmp(a, b, SERVICES_NOTE_MAX + 1) == 0);
}

/*
 * A prefix that stays must not be withdrawn while the old addresses make room for the new ones:
 * the old ones' claims are dropped after the new ones have been made.
 */
void
services_put(struct services *s, const struct service *v)
{
	struct svc *to = svc_get(s, v->key), old = *to;
	bool same = same_note(old.communities, v->communities) && same_note(old.local_pref, v->local_pref);

	to->addr = NULL;
	to->naddrs = 0;
	to->communities = to->local_pref = NULL;
	s->nknown += !to->known;
	to->known = true;
	put_texts(to, v);
	put_addrs(to, v);
	to->external_local = v->external_local;
	to->internal_local = v->internal_local;
	to->foreign_class = v->foreign_class;
	to->deleting = v->deleting;
	select_rules(s, to);
	rejudge(s, to);
	for (size_t i = 0; !same && i < to->naddrs; i++)
		if (to->addr[i].own)
			touch(s, to->addr[i].own->dest);
	old.known = false;
	svc_forget(s, &old);
}

void
services_remove(struct services *s, const char *key)
{
	bool found;
	size_t at = svc_place(s, key, &found);
	struct svc *v;

	if (!found)
		return;
	v = s->svc[at];
	svc_forget(s, v);
	svc_reap(s, v);
}

/* ---- slices ---------------------------------------------------------------------------- */

void
service_count_add(struct service_count *c, const struct service_endpoint *e)
{
	uint32_t *n = e->terminating ? c->leaving : c->ready;

	/* With publishNotReadyAddresses even a terminating endpoint is called ready. */
	if (!(e->terminating ? e->serving : e->ready))
		return;
	n[0]++;
	n[1] += e->here;
}

/* Add the slice's endpoints to its Service, or (sign -1) take them away. */
static void
count(struct slice *sl, int sign)
{
	struct service_count *c = &sl->svc->count[sl->af - 1];

	for (size_t i = 0; i < 2; i++) {
		c->ready[i] += (uint32_t)sign * sl->count.ready[i];
		c->leaving[i] += (uint32_t)sign * sl->count.leaving[i];
	}
}

/* Its Service, which has yet to be judged and perhaps reaped. */
static struct svc *
slice_leave(struct slice *sl)
{
	struct svc *v = sl->svc;

	count(sl, -1);
	v->nslices--;
	return v;
}

static void
slice_drop(struct services *s, size_t at)
{
	struct slice *sl = s->slice[at];
	struct svc *v = slice_leave(sl);

	s->nslices--;
	memmove(&s->slice[at], &s->slice[at + 1], (s->nslices - at) * sizeof(s->slice[0]));
	mem_free(sl);
	rejudge(s, v);
	svc_reap(s, v);
}

static struct slice *
slice_new(struct services *s, size_t at, const char *key)
{
	size_t n = strlen(key);
	struct slice *sl = mem_zalloc(sizeof(*sl) + n + 1);

	memcpy(sl->key, key, n + 1);
	slice_insert(s, at, sl);
	return sl;
}

void
services_put_slice(struct services *s, const struct service_slice *in)
{
	bool found;
	size_t at = slice_place(s, in->key, &found);
	struct svc *was = NULL, *v;
	struct slice *sl;

	if (in->af != IP4 && in->af != IP6)
		return;
	sl = found ? s->slice[at] : slice_new(s, at, in->key);
	v = svc_get(s, in->service);
	if (found)
		was = slice_leave(sl);
	sl->svc = v;
	sl->af = in->af;
	sl->count = in->count;
	sl->told = true;
	v->nslices++;
	count(sl, 1);
	rejudge(s, v);
	if (was && was != v) {
		rejudge(s, was);
		svc_reap(s, was);
	}
}

void
services_remove_slice(struct services *s, const char *key)
{
	bool found;
	size_t at = slice_place(s, key, &found);

	if (found)
		slice_drop(s, at);
}

void
services_slices_again(struct services *s)
{
	for (size_t i = 0; i < s->nslices; i++)
		s->slice[i]->told = false;
}

void
services_slices_end(struct services *s)
{
	for (size_t i = s->nslices; i-- > 0;)
		if (!s->slice[i]->told)
			slice_drop(s, i);
}

/* ---- rules ------------------------------------------------------------------------------ */

void
services_set_rules(struct services *s, const struct service_rule *rules, size_t n)
{
	s->rule = rules;
	s->nrules = n < NO_RULE ? n : NO_RULE - 1u;
	for (size_t i = 0; i < s->nsvc; i++) {
		select_rules(s, s->svc[i]);
		rejudge(s, s->svc[i]);
	}
}

void
services_set_excluded(struct services *s, bool excluded)
{
	if (s->excluded == excluded)
		return;
	s->excluded = excluded;
	for (size_t i = 0; i < s->nsvc; i++)
		rejudge(s, s->svc[i]);
}

static bool
same_reserved(const struct services *s, const struct ip_prefix *v, size_t n)
{
	for (size_t i = 0; n == s->nreserved && i < n; i++)
		if (!ip_prefix_eq(&s->reserved_v[i].prefix, &v[i]))
			return false;
	return n == s->nreserved;
}

void
services_set_reserved(struct services *s, const struct ip_prefix *v, size_t n)
{
	if (same_reserved(s, v, n))
		return;
	mem_free(s->reserved_v);
	trie_init(&s->reserved);
	s->reserved_v = mem_zalloc_array(n + 1, sizeof(s->reserved_v[0]));
	s->nreserved = n;
	for (size_t i = 0; i < n; i++)
		if (trie_insert(&s->reserved, &s->reserved_v[i], &v[i]))
			s->reserved_v[i].prefix = v[i]; /* it is there already */
	for (size_t i = 0; i < s->nsvc; i++)
		rejudge(s, s->svc[i]);
}

/* ---- what comes out ---------------------------------------------------------------------- */

static void
fill_change(const struct dest *d, struct service_change *ret)
{
	*ret = (struct service_change){ .prefix = d->node.prefix, .on = d->lead != NULL,
		.aggregate = d->aggregate };
	if (!d->lead)
		return;
	ret->rule = d->lead->rule;
	if (d->aggregate)
		return;
	ret->key = d->lead->svc->text;
	ret->communities = d->lead->svc->communities;
	ret->local_pref = d->lead->svc->local_pref;
}

static void
dest_free(struct services *s, struct dest *d)
{
	trie_remove(&s->dests, &d->node);
	mem_free(d);
}

bool
services_next_change(struct services *s, struct service_change *ret)
{
	struct list *l;

	while ((l = list_pop_front(&s->changed))) {
		struct dest *d = container_of(l, struct dest, changed);
		bool was = d->published;

		fill_change(d, ret);
		s->npublished += (size_t)ret->on - (size_t)was;
		d->published = ret->on;
		if (!ret->on)
			dest_free(s, d);
		if (ret->on || was)
			return true;
	}
	return false;
}

void
services_touch(struct services *s)
{
	struct trie_node *n;

	TRIE_FOREACH (n, &s->dests)
		touch(s, container_of(n, struct dest, node));
}

/* ---- views --------------------------------------------------------------------------------- */

static void
fill_view(const struct svc *v, struct service_view *ret)
{
	*ret = (struct service_view){ .key = v->text, .communities = v->communities,
		.local_pref = v->local_pref, .naddrs = v->naddrs };
	memcpy(ret->count, v->count, sizeof(ret->count));
}

bool
services_next(const struct services *s, const char *after, struct service_view *ret)
{
	bool found = false;
	size_t at = after ? svc_place(s, after, &found) : 0;

	for (at += found; at < s->nsvc; at++) {
		if (!s->svc[at]->known)
			continue;
		fill_view(s->svc[at], ret);
		return true;
	}
	return false;
}

bool
services_addr(const struct services *s, const char *key, size_t i, struct service_addr_view *ret)
{
	bool found;
	size_t at = svc_place(s, key, &found);
	const struct svc *v = found ? s->svc[at] : NULL;
	const struct addr *a;

	if (!v || i >= v->naddrs)
		return false;
	a = &v->addr[i];
	*ret = (struct service_addr_view){ .addr = ip_prefix_addr(&a->host), .kind = a->kind,
		.local = is_local(v, a), .why = a->why,
		.rule = a->rule == NO_RULE ? SIZE_MAX : a->rule };
	if (a->own)
		ret->by = a->own->dest->node.prefix;
	else if (a->cover)
		ret->by = a->cover->dest->node.prefix;
	return true;
}

const char *
services_find(const struct services *s, const struct ip_prefix *p)
{
	struct trie_node *n = trie_find(&s->dests, p);

	if (n && container_of(n, struct dest, node)->lead)
		return container_of(n, struct dest, node)->lead->svc->text;
	for (size_t i = 0; i < s->nsvc; i++)
		for (size_t j = 0; j < s->svc[i]->naddrs; j++)
			if (ip_prefix_eq(&s->svc[i]->addr[j].host, p))
				return s->svc[i]->text;
	return NULL;
}

size_t
services_count(const struct services *s)
{
	return s->nknown;
}

size_t
services_announced(const struct services *s)
{
	return s->npublished;
}

/* ---- words ----------------------------------------------------------------------------------- */

bool
service_why_is_on(enum service_why why)
{
	return why <= SERVICE_AGGREGATED;
}

const char *
service_kind_text(enum service_kind kind)
{
	static const char *const names[SERVICE_NKINDS] = {
		[SERVICE_LB_IP] = "LoadBalancerIP",
		[SERVICE_EXTERNAL_IP] = "ExternalIP",
		[SERVICE_CLUSTER_IP] = "ClusterIP",
	};

	return names[kind];
}

static const char *const whys[] = {
	[SERVICE_ANNOUNCED] = "announced",
	[SERVICE_LEAVING] = "announced: only terminating endpoints are left, and they serve",
	[SERVICE_AGGREGATED] = "announced by",
	[SERVICE_UNSELECTED] = "no advertisement selects it",
	[SERVICE_BAD_ADDRESS] = "not an address that can be announced",
	[SERVICE_RESERVED] = "it is the address of a node, a pod, a peer or the API server",
	[SERVICE_OUTSIDE] = "not in the advertisement's ranges",
	[SERVICE_PROXIED] = "ipMode is Proxy: nodes do not deliver it",
	[SERVICE_FOREIGN] = "loadBalancerClass is another implementation's",
	[SERVICE_DELETING] = "the Service is being deleted",
	[SERVICE_EXCLUDED] = "this node is excluded from load balancers by its label",
	[SERVICE_NO_ENDPOINT] = "no endpoint is ready",
	[SERVICE_NO_LOCAL] = "policy Local, and no endpoint on this node is ready",
};

const char *
service_why_text(const struct service_addr_view *a, char *buf)
{
	char p[IP_PREFIX_STRLEN];
	bool by = a->why == SERVICE_AGGREGATED;

	snprintf(buf, SERVICES_WHY_MAX, "%s%s%s", whys[a->why], by ? " " : "",
	    by ? ip_prefix_str(&a->by, p) : "");
	return buf;
}

/* ---- life -------------------------------------------------------------------------------------- */

struct services *
services_new(void)
{
	struct services *s = mem_zalloc(sizeof(*s));

	list_init(&s->changed);
	trie_init(&s->dests);
	trie_init(&s->reserved);
	return s;
}

void
services_free(struct services *s)
{
	struct trie_node *n, *next;

	if (!s)
		return;
	for (size_t i = 0; i < s->nsvc; i++) {
		svc_forget(s, s->svc[i]);
		svc_free(s->svc[i]);
	}
	for (size_t i = 0; i < s->nslices; i++)
		mem_free(s->slice[i]);
	TRIE_FOREACH_SAFE (n, next, &s->dests)
		dest_free(s, container_of(n, struct dest, node));
	mem_free(s->reserved_v);
	mem_free(s->svc);
	mem_free(s->slice);
	mem_free(s);
}
