/*
 * Tables out of MRT files: two passes over the file in memory, the first of which finds
 * the UPDATE that announces each prefix last.
 */
#include "tests/bench/load/mrt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/mem.h"
#include "tests/bench/load/sess.h"

#define TABLE_DUMP   12
#define TABLE_DUMP_2 13
#define BGP4MP	     16
#define BGP4MP_ET    17
#define MESSAGE_AS4  4
#define HEADER	     19
#define MSG_UPDATE   2
#define NONE	     UINT32_MAX
#define FLAG_LONG    0x10
#define SEQUENCE     2

/* Prefixes by number, and a hash table (open addressing) from prefix to number. */
struct mrt_prefixes {
	uint64_t *key; /* length << 32 | address */
	uint32_t *last; /* UPDATE of the file that announces it last; NONE: withdrawn */
	uint32_t n, cap;
	uint32_t *slot; /* number + 1; nslots is a power of two */
	uint32_t nslots;
	uint32_t next; /* the number after the one that was looked up last: the likely one */
};

/* ---- prefixes ---- */

static uint32_t *
slot_of(const struct mrt_prefixes *t, uint64_t key)
{
	uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & (t->nslots - 1);

	while (t->slot[i] && t->key[t->slot[i] - 1] != key)
		i = (i + 1) & (t->nslots - 1);
	return &t->slot[i];
}

static void
prefixes_grow(struct mrt_prefixes *t)
{
	t->cap = t->cap ? t->cap * 2 : 65536;
	t->nslots = t->cap * 2;
	t->key = mem_realloc_array(t->key, t->cap, sizeof(*t->key));
	t->last = mem_realloc_array(t->last, t->cap, sizeof(*t->last));
	mem_free(t->slot);
	t->slot = mem_zalloc_array(t->nslots, sizeof(*t->slot));
	for (uint32_t i = 0; i < t->n; i++)
		*slot_of(t, t->key[i]) = i + 1;
}

/* A prefix, new or not, was announced last by that UPDATE of the file. */
static void
prefixes_set(struct mrt_prefixes *t, uint64_t key, uint32_t last)
{
	uint32_t *slot;

	if (t->n == t->cap)
		prefixes_grow(t);
	slot = slot_of(t, key);
	if (!*slot) {
		t->key[t->n] = key;
		*slot = ++t->n;
	}
	t->last[*slot - 1] = last;
}

/* The next NLRI; false at the end or with r bad. */
static bool
key_read(struct rd *r, uint64_t *ret)
{
	uint8_t len, b[4] = { 0 };

	if (rd_left(r) == 0)
		return false;
	len = rd_u8(r);
	if (len > 32 || !rd_copy(r, b, (len + 7u) / 8)) {
		r->bad = true;
		return false;
	}
	*ret = (uint64_t)len << 32 | (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
	return true;
}

static void
key_put(struct wr *w, uint64_t key)
{
	uint8_t len = (uint8_t)(key >> 32);

	wr_u8(w, len);
	for (unsigned i = 0; i < (len + 7u) / 8; i++)
		wr_u8(w, (uint8_t)(key >> (24 - 8 * i)));
}

/* For struct pool. */
static uint32_t
mrt_get(const struct pool *p, struct rd *r)
{
	struct mrt_prefixes *t = p->own;
	uint64_t key;

	if (!key_read(r, &key))
		return POOL_FOREIGN;
	if (t->next >= t->n || t->key[t->next] != key)
		t->next = *slot_of(t, key) - 1; /* none: UINT32_MAX */
	return t->next == UINT32_MAX ? POOL_FOREIGN : t->next++;
}

static struct ip_prefix
mrt_prefix(const struct pool *p, uint32_t i)
{
	const struct mrt_prefixes *t = p->own;
	struct ip_addr a = ip_addr_from_v4((uint32_t)t->key[i]);

	return ip_prefix_of(&a, (uint8_t)(t->key[i] >> 32));
}

/* ---- the file ---- */

struct file {
	uint8_t *p;
	size_t len, cap;
};

static bool
read_all(int fd, struct file *f)
{
	ssize_t n;

	do {
		if (f->cap - f->len < 65536) {
			f->cap = f->cap ? f->cap * 2 : 1 << 20;
			f->p = mem_realloc(f->p, f->cap);
		}
		n = read(fd, f->p + f->len, f->cap - f->len);
		f->len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	return n == 0;
}

/* What gzip makes of the file open as fd. */
static bool
read_gzip(int fd, struct file *f)
{
	int p[2], status = 1;
	pid_t pid;
	bool ok;

	if (pipe(p) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		dup2(fd, STDIN_FILENO);
		dup2(p[1], STDOUT_FILENO);
		close(p[0]);
		execlp("gzip", "gzip", "-dc", (char *)NULL);
		_exit(127);
	}
	close(p[1]);
	ok = pid > 0 && read_all(p[0], f);
	close(p[0]);
	return pid > 0 && waitpid(pid, &status, 0) == pid && ok && status == 0;
}

static bool
file_load(struct file *f, const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	uint8_t magic[2] = { 0 };
	bool ok;

	if (fd < 0)
		return false;
	ok = pread(fd, magic, 2, 0) == 2;
	if (magic[0] == 0x1f && magic[1] == 0x8b)
		ok = read_gzip(fd, f);
	else
		ok = ok && read_all(fd, f);
	close(fd);
	return ok;
}

/* An UPDATE out of the file: its three parts. */
struct record {
	struct rd gone, attrs, nlri;
};

/* A BGP4MP message: peer's and local AS, interface, family, both addresses, the message. */
static bool
record_message(struct rd *r, struct record *ret)
{
	rd_skip(r, 10);
	if (rd_u16(r) != IP4)
		return false;
	rd_skip(r, 8 + 16);
	rd_u16(r);
	if (rd_u8(r) != MSG_UPDATE)
		return false;
	ret->gone = rd_sub(r, rd_u16(r));
	ret->attrs = rd_sub(r, rd_u16(r));
	ret->nlri = rd_sub(r, rd_left(r));
	return !r->bad;
}

static bool
path_has_zero(struct rd r)
{
	bool zero = false;

	while (rd_left(&r) > 0 && !zero) {
		rd_u8(&r);
		for (unsigned n = rd_u8(&r); n > 0; n--)
			zero |= rd_u32(&r) == 0;
	}
	return zero;
}

static bool
record_has_as_zero(struct rd r)
{
	while (rd_left(&r) > 0) {
		uint8_t flags = rd_u8(&r), type = rd_u8(&r);
		struct rd value = rd_sub(&r, flags & FLAG_LONG ? rd_u16(&r) : rd_u8(&r));

		if (type == ATTR_AS_PATH)
			return path_has_zero(value);
	}
	return false;
}

/* The next UPDATE; false at the end of the file. */
static bool
record_next(struct rd *r, struct record *ret)
{
	while (rd_left(r) > 0) {
		uint16_t type, subtype;
		struct rd body;

		rd_u32(r);
		type = rd_u16(r);
		subtype = rd_u16(r);
		body = rd_sub(r, rd_u32(r));
		if (type == BGP4MP_ET)
			rd_u32(&body); /* microseconds */
		if ((type == BGP4MP || type == BGP4MP_ET) && subtype == MESSAGE_AS4 &&
		    record_message(&body, ret) && !record_has_as_zero(ret->attrs))
			return true;
	}
	return false;
}

/* ---- first pass ---- */

static void
first_pass(struct mrt_prefixes *t, struct rd r)
{
	struct record rec;
	uint64_t key;

	for (uint32_t k = 0; record_next(&r, &rec); k++) {
		while (key_read(&rec.gone, &key))
			prefixes_set(t, key, NONE);
		while (key_read(&rec.nlri, &key))
			prefixes_set(t, key, k);
	}
}

/* Forget prefixes that are withdrawn in the end; the others are numbered anew. */
static void
drop_withdrawn(struct mrt_prefixes *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (t->last[i] != NONE) {
			t->key[n] = t->key[i];
			t->last[n++] = t->last[i];
		}
	t->n = n;
	memset(t->slot, 0, t->nslots * sizeof(*t->slot));
	for (uint32_t i = 0; i < n; i++)
		*slot_of(t, t->key[i]) = i + 1;
}

/* ---- second pass ---- */

static uint32_t
as_other(const struct load *l, uint32_t as)
{
	if (as == l->opt->dut_as)
		return MRT_OTHER_AS;
	for (unsigned i = 0; i < l->nsess; i++)
		if (l->sess[i].as == as)
			return MRT_OTHER_AS;
	return as;
}

/* The segments with the sender's AS in front: into the first one, or in one of its own. */
static void
put_path_value(struct wr *w, const struct sess *s, struct rd r)
{
	bool first = true;

	while (rd_left(&r) > 0) {
		uint8_t type = rd_u8(&r), n = rd_u8(&r);
		bool into = first && type == SEQUENCE && n < 255;

		if (first && !into) {
			wr_u16(w, SEQUENCE << 8 | 1);
			wr_u32(w, s->as);
		}
		wr_u8(w, type);
		wr_u8(w, (uint8_t)(n + into));
		if (into)
			wr_u32(w, s->as);
		for (unsigned i = 0; i < n; i++)
			wr_u32(w, as_other(s->l, rd_u32(&r)));
		first = false;
	}
	if (first) {
		wr_u16(w, SEQUENCE << 8 | 1);
		wr_u32(w, s->as);
	}
}

static void
put_value(struct wr *w, const struct sess *s, uint8_t type, struct rd r)
{
	size_t n = rd_left(&r);

	if (type == ATTR_AS_PATH)
		put_path_value(w, s, r);
	else if (type == ATTR_NEXT_HOP)
		wr_bytes(w, s->self.b, 4);
	else
		wr_bytes(w, rd_take(&r, n), n);
}

static void
put_attrs(struct wr *w, const struct sess *s, struct rd r)
{
	while (rd_left(&r) > 0) {
		uint8_t flags = rd_u8(&r), type = rd_u8(&r);
		struct rd value = rd_sub(&r, flags & FLAG_LONG ? rd_u16(&r) : rd_u8(&r));
		size_t mark;

		if (type == ATTR_LOCAL_PREF || type == ATTR_ORIGINATOR || type == ATTR_CLUSTER_LIST)
			continue;
		wr_u8(w, flags | FLAG_LONG);
		wr_u8(w, type);
		mark = wr_open16(w);
		put_value(w, s, type, value);
		wr_close16(w, mark);
	}
}

/* One UPDATE of the file, with those of its prefixes that no later one announces. */
static void
put_record(struct mrt *m, const struct sess *s, struct record *rec, uint32_t k)
{
	struct mrt_prefixes *t = m->prefixes;
	struct wr w = stream_msg_begin(&m->stream);
	uint64_t key, n = 0;
	size_t mark;

	wr_u16(&w, 0);
	mark = wr_open16(&w);
	put_attrs(&w, s, rec->attrs);
	wr_close16(&w, mark);
	while (key_read(&rec->nlri, &key)) {
		uint32_t slot = *slot_of(t, key);

		if (!slot || t->last[slot - 1] != k)
			continue;
		t->last[slot - 1] = NONE; /* only once, should it stand there twice */
		m->set_of[slot - 1] = m->nsets;
		key_put(&w, key);
		n++;
	}
	if (w.full)
		load_fail(s->l, "an UPDATE of the file does not fit into a message");
	if (n == 0)
		return;
	m->set_at[m->nsets++] = (uint32_t)m->stream.len;
	m->stream.prefixes += n;
	stream_msg_end(&m->stream, &w);
}

static void
second_pass(struct mrt *m, const struct sess *s, struct rd r)
{
	struct record rec;

	for (uint32_t k = 0; record_next(&r, &rec) && !s->l->failed; k++)
		put_record(m, s, &rec, k);
}

/* Why a file has no prefixes for us: its first record tells. */
static const char *
file_kind(const struct file *f)
{
	struct rd r = rd_init(f->p, f->len);
	uint16_t type;

	rd_u32(&r);
	type = rd_u16(&r);
	if (type == TABLE_DUMP || type == TABLE_DUMP_2)
		return "a RIB dump (TABLE_DUMP, TABLE_DUMP_V2), and not the messages of a session";
	return "no BGP4MP or BGP4MP_ET MESSAGE_AS4 with IPv4 prefixes in it";
}

bool
mrt_load(struct mrt *m, const struct sess *sender, const char *file)
{
	struct file f = { 0 };
	uint32_t n;

	memset(m, 0, sizeof(*m));
	m->prefixes = mem_zalloc(sizeof(*m->prefixes));
	prefixes_grow(m->prefixes);
	if (!file || !file_load(&f, file)) {
		load_fail(sender->l, "--mrt: cannot read %s", file ? file : "a file");
		mem_free(f.p);
		return false;
	}
	first_pass(m->prefixes, rd_init(f.p, f.len));
	drop_withdrawn(m->prefixes);
	n = m->prefixes->n;
	m->pool = (struct pool){ .af = IP4, .n = n, .get = mrt_get, .prefix = mrt_prefix,
		.own = m->prefixes };
	m->set_of = mem_zalloc_array(n, sizeof(*m->set_of));
	m->set_at = mem_zalloc_array(n, sizeof(*m->set_at));
	second_pass(m, sender, rd_init(f.p, f.len));
	if (n == 0)
		load_fail(sender->l, "--mrt: %s: %s", file, file_kind(&f));
	mem_free(f.p);
	return !sender->l->failed;
}

void
mrt_free(struct mrt *m)
{
	struct mrt_prefixes *t = m->prefixes;

	if (t) {
		mem_free(t->key);
		mem_free(t->last);
		mem_free(t->slot);
	}
	mem_free(t);
	mem_free(m->set_of);
	mem_free(m->set_at);
	stream_free(&m->stream);
}

void
mrt_wanted(const struct mrt *m, struct wanted *w, uint32_t k)
{
	const uint8_t *msg = m->stream.p + m->set_at[k];
	struct rd r = rd_init(msg + HEADER, m->stream.len - m->set_at[k] - HEADER);

	if (w->sender && w->k == k)
		return;
	rd_u16(&r);
	attrs_read(&w->attrs, rd_sub(&r, rd_u16(&r)));
	w->next_hop = w->attrs.v[ATTR_NEXT_HOP];
	w->k = k;
}
