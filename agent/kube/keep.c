/*
 * See keep.h; the file's form is agent/core/kept.
 *
 * Announced addresses come last: peers that an advertisement is for have to be in force before.
 */
#include "agent/kube/keep.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "agent/announce.h"
#include "agent/composition.h"
#include "agent/core/cluster.h"
#include "agent/core/kept.h"
#include "agent/kube/apicall.h"
#include "agent/kube/config.h"
#include "agent/kube/services.h"
#include "agent/source.h"
#include "lib/logmain.h"
#include "lib/mem.h"

#define NAME	   "kept-cluster"
#define PATIENCE_S 3  /* for the API server, at the start */
#define KEEP_S	   1  /* between two changes of the file */
#define FRESH_S	   60 /* and when nothing changes */
#define ALL_S	   30 /* after that the file is written without what cannot be listed */
#define OLD_S	   (7 * 86400) /* older knowledge is none */
#define FILE_MAX   (64 << 20)
#define BUFFER	   16384

static_assert(KEPT_LIST_MAX == IPC_COMM_MAX && KEPT_LIST_MAX == IPC_ONLY_MAX, "lists of announcements");

struct keep {
	struct kube *k;
	struct agent *a;
	struct event *write_ev, *fresh_ev, *patience_ev;
	struct mono_us started;
	int64_t as_of;	 /* when the server was there last; 0: not in this life */
	bool used;	 /* the file was */
	bool failed;	 /* to write it; told once */
	uint8_t *octets; /* of the file, until announced addresses were taken from it */
	size_t len;
	struct kube_kept kept;
};

/* ---- what is known ------------------------------------------------------------ */

static bool
server_is_up(const struct keep *p)
{
	struct api_view v;

	api_look(kube_api(p->k), &v);
	return v.health == API_UP;
}

static bool
services_are_known(const struct keep *p)
{
	const struct kube_services *s = kube_part_find(p->k, "services");
	struct kube_services_status st;

	if (!s)
		return true;
	kube_services_status(s, &st);
	return !st.watching || st.synced;
}

/* Has the API server told everything that is kept? */
static bool
all_is_known(const struct keep *p)
{
	return kube_is_synced(p->k) && kube_config_is_loaded(kube_part_find(p->k, "config")) &&
	    services_are_known(p);
}

/* Whose knowledge that is: another server, or another node's view, is another key. */
static uint64_t
key_of(const struct keep *p)
{
	const char *ca = api_ca(kube_api(p->k)), *part[4];
	uint64_t sum = KEPT_SUM;
	struct api_view v;

	api_look(kube_api(p->k), &v);
	part[0] = v.server;
	part[1] = v.namespace;
	part[2] = ca ? ca : "";
	part[3] = p->a->conf->node.name;
	for (size_t i = 0; i < 4; i++)
		sum = kept_sum(sum, part[i], strlen(part[i]) + 1);
	return sum;
}

/* ---- writing ------------------------------------------------------------------- */

/* The file that is being written. */
struct draft {
	struct keep *p;
	struct kept_writer w;
	FILE *f;
};

static void
draft_put(void *ctx, const void *octets, size_t n)
{
	struct draft *d = ctx;

	fwrite(octets, 1, n, d->f); /* ferror() remembers */
}

static void
put_objects(struct draft *d)
{
	struct composition_good g;
	size_t pos = 0;

	while (composition_next_good(d->p->a->composition, &pos, &g))
		kept_put_object(&d->w, &(struct kept_object){ (uint8_t)g.kind, g.element, g.age, g.text });
}

static void
put_service(void *ctx, const struct ip_prefix *prefix, const struct ipc_originate *o)
{
	struct draft *d = ctx;
	struct kept_service s = { .prefix = *prefix, .aggregate = o->aggregate,
		.has_local_pref = o->has_local_pref, .local_pref = o->local_pref, .has_med = o->has_med,
		.med = o->med, .ncomm = o->ncomm, .nlarge = o->nlarge };

	memcpy(s.comm, o->comm, o->ncomm * sizeof(o->comm[0]));
	memcpy(s.large, o->large, o->nlarge * sizeof(o->large[0]));
	for (size_t i = 0; i < o->nonly; i++) {
		const struct agent_peer *peer = agent_peer_by_id(d->p->a, o->only[i]);

		if (peer)
			s.only[s.nonly++] = peer->conf->name;
	}
	if (s.nonly > 0 || o->nonly == 0) /* never for all what was for some */
		kept_put_service(&d->w, &s);
}

static void
put_all(struct draft *d)
{
	const struct cluster_node *n = NULL;

	kept_begin(&d->w, key_of(d->p), d->p->as_of);
	while ((n = cluster_next(d->p->a->cluster, n)))
		kept_put_node(&d->w, n);
	put_objects(d);
	announce_services_each(source_announce(d->p->a), put_service, d);
	kept_end(&d->w);
}

static bool
write_file(struct keep *p)
{
	int fd = open(NAME ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct draft d = { .p = p, .w = { .put = draft_put }, .f = fd < 0 ? NULL : fdopen(fd, "w") };
	char buffer[BUFFER];
	bool good;

	if (!d.f)
		return false;
	setvbuf(d.f, buffer, _IOFBF, sizeof(buffer));
	d.w.ctx = &d;
	put_all(&d);
	good = !ferror(d.f);
	return fclose(d.f) == 0 && good && rename(NAME ".new", NAME) == 0;
}

static void
keep(struct keep *p)
{
	uint64_t alive_s = (uint64_t)mono_diff_us(agent_now(), p->started) / 1000000;
	bool failed;

	if (!p->a->conf || !p->a->cluster || !kube_is_synced(p->k) ||
	    (!all_is_known(p) && alive_s < ALL_S))
		return;
	if (server_is_up(p) || !p->as_of)
		p->as_of = time(NULL);
	failed = !write_file(p);
	if (failed && !p->failed)
		log_event(LOG_WARN, "cluster-not-kept", "path=%s why=\"%s\"", NAME, strerror(errno));
	p->failed = failed;
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	keep(arg);
}

static void
on_fresh(evutil_socket_t fd, short what, void *arg)
{
	struct keep *p = arg;

	if (server_is_up(p))
		keep(p);
}

void
kube_keep_soon(struct keep *p)
{
	static const struct timeval soon = { KEEP_S, 0 };

	if (p && !event_pending(p->write_ev, EV_TIMEOUT, NULL))
		event_add(p->write_ev, &soon);
}

/* ---- reading ---------------------------------------------------------------------- */

/* The file's octets, the caller's to mem_free(); NULL with the reason, which is NULL without a file. */
static uint8_t *
read_octets(int fd, size_t *ret_len, const char **ret_why)
{
	struct stat st;
	uint8_t *octets;

	*ret_why = NULL;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		*ret_why = "not a file";
	else if (st.st_uid != geteuid() || st.st_nlink != 1)
		*ret_why = "it belongs to somebody else";
	else if (st.st_size > FILE_MAX)
		*ret_why = "too large";
	if (*ret_why)
		return NULL;
	octets = mem_alloc((size_t)st.st_size + 1);
	*ret_len = 0;
	while (*ret_len < (size_t)st.st_size) {
		ssize_t n = read(fd, octets + *ret_len, (size_t)st.st_size - *ret_len);

		if (n <= 0)
			break; /* shorter than it was: its sum is not right */
		*ret_len += (size_t)n;
	}
	return octets;
}

static uint8_t *
read_file(size_t *ret_len, const char **ret_why)
{
	int fd = open(NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint8_t *octets;

	if (fd < 0) {
		*ret_why = errno == ENOENT ? NULL : strerror(errno);
		return NULL;
	}
	octets = read_octets(fd, ret_len, ret_why);
	close(fd);
	return octets;
}

struct taking {
	struct keep *p;
	struct cluster *nodes; /* NULL: they are known */
};

static void
take_node(void *ctx, const struct cluster_node *n)
{
	struct taking *t = ctx;

	if (!t->nodes)
		return;
	cluster_put(t->nodes, n);
	t->p->kept.nodes++;
}

static void
take_object(void *ctx, const struct kept_object *o)
{
	struct taking *t = ctx;
	void *config = kube_part_find(t->p->k, "config");

	if (!config || kube_config_is_loaded(config))
		return;
	kube_config_remember(config, (enum conf_part_kind)o->kind, o->element, o->age, o->text);
	t->p->kept.objects++;
}

static void
take_service(void *ctx, const struct kept_service *s)
{
	struct keep *p = ctx;
	struct ipc_originate o;

	memset(&o, 0, sizeof(o)); /* padding too: messages are compared as octets */
	o.kind = IPC_ORIG_SERVICE;
	o.aggregate = s->aggregate;
	o.has_local_pref = s->has_local_pref;
	o.local_pref = s->local_pref;
	o.has_med = s->has_med;
	o.med = s->med;
	o.ncomm = s->ncomm;
	o.nlarge = s->nlarge;
	memcpy(o.comm, s->comm, sizeof(o.comm));
	memcpy(o.large, s->large, sizeof(o.large));
	for (size_t i = 0; i < s->nonly; i++) {
		const struct agent_peer *peer = agent_peer_by_name(p->a, s->only[i]);

		if (peer)
			o.only[o.nonly++] = peer->id;
	}
	if (s->nonly > 0 && o.nonly == 0)
		return;
	kube_services_remember(kube_part_find(p->k, "services"), &s->prefix, &o);
	p->kept.services++;
}

static void
take_services(struct keep *p)
{
	static const struct kept_ops ops = { .service = take_service };
	int64_t as_of;

	if (kept_read(p->octets, p->len, key_of(p), &ops, p, &as_of) != KEPT_GOOD ||
	    !kube_services_remembered(kube_part_find(p->k, "services")))
		p->kept.services = 0;
	mem_free(p->octets);
	p->octets = NULL;
}

/* Why the file cannot be used, NULL: its nodes and objects are in force. */
static const char *
take(struct keep *p)
{
	static const struct kept_ops nothing = { .node = NULL };
	static const struct kept_ops ops = { .node = take_node, .object = take_object };
	struct taking t = { .p = p };
	enum kept_verdict v;
	int64_t as_of = 0;
	uint64_t key = key_of(p);

	v = kept_read(p->octets, p->len, key, &nothing, NULL, &as_of);
	if (v != KEPT_GOOD)
		return kept_verdict_text(v);
	if (time(NULL) - as_of > OLD_S)
		return "too old";
	p->as_of = as_of;
	t.nodes = p->a->cluster ? NULL : cluster_new(p->a->conf->node.name);
	kept_read(p->octets, p->len, key, &ops, &t, &as_of);
	if (t.nodes)
		p->a->cluster = t.nodes;
	return NULL;
}

/* The API server has not told everything: what is not known is as it was. */
static void
use(struct keep *p)
{
	const char *why = NULL;

	p->octets = read_file(&p->len, &why);
	if (p->octets)
		why = take(p);
	if (why)
		events_addf(p->a->events, IPC_LVL_WARN, "kept-cluster-ignored", "path=%s why=\"%s\"", NAME, why);
	if (!p->octets || why) {
		mem_free(p->octets);
		p->octets = NULL;
		return;
	}
	p->used = true;
	kube_keep_look(p, &p->kept);
	events_addf(p->a->events, IPC_LVL_WARN, "kept-cluster-used",
	    "age_s=%llu nodes=%zu objects=%zu why=\"the API server has not told them since this start\"",
	    (unsigned long long)p->kept.age_s, p->kept.nodes, p->kept.objects);
	kube_config_go_on(kube_part_find(p->k, "config"));
	kube_cluster_changed(p->k);
}

static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct keep *p = arg;

	if (!all_is_known(p) && p->a->conf)
		use(p);
}

/* ---- the part ------------------------------------------------------------------------- */

bool
kube_keep_look(const struct keep *p, struct kube_kept *ret)
{
	int64_t age = time(NULL) - p->as_of;

	if (!p->used || all_is_known(p))
		return false;
	*ret = p->kept;
	ret->age_s = age > 0 ? (uint64_t)age : 0;
	return true;
}

static void *
start(struct kube *k)
{
	static const struct timeval patience = { PATIENCE_S, 0 }, fresh = { FRESH_S, 0 };
	struct keep *p = mem_zalloc(sizeof(*p));

	p->k = k;
	p->a = kube_agent(k);
	p->started = agent_now();
	p->write_ev = event_new(p->a->base, -1, 0, on_write, p);
	p->fresh_ev = event_new(p->a->base, -1, EV_PERSIST, on_fresh, p);
	p->patience_ev = event_new(p->a->base, -1, 0, on_patience, p);
	event_add(p->fresh_ev, &fresh);
	if (!p->a->cluster) /* else it is not the agent's start */
		event_add(p->patience_ev, &patience);
	return p;
}

static void
stop(void *part)
{
	struct keep *p = part;

	event_free(p->write_ev);
	event_free(p->fresh_ev);
	event_free(p->patience_ev);
	mem_free(p->octets);
	mem_free(p);
}

/* A configuration is in force: of what was kept, or with a change to keep. */
static void
conf(void *part, const struct conf *c)
{
	struct keep *p = part;

	if (p->octets)
		take_services(p);
	kube_keep_soon(p);
}

static void
cluster(void *part)
{
	kube_keep_soon(part);
}

const struct kube_part kube_keep_part = {
	.name = "keep",
	.start = start,
	.stop = stop,
	.conf = conf,
	.cluster = cluster,
};
