/*
 * The configuration file as a source.
 *
 * Owns the ids of peers (kept with the name as long as the agent lives) and
 * what was last given to bgpd and to the other parts, so that a reload changes
 * only what differs.  Everything in the file is checked by lib/conf; what only
 * the machine can tell (interfaces, addresses, password files) is resolved here
 * and reported per peer.
 */
#include "agent/source.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/announce.h"
#include "agent/bfd.h"
#include "agent/bgpd.h"
#include "agent/bmp.h"
#include "agent/drains.h"
#include "agent/dynamic.h"
#include "agent/fallover.h"
#include "agent/identity.h"
#include "agent/kube/kube.h"
#include "agent/launcher.h"
#include "agent/nat.h"
#include "agent/places.h"
#include "agent/quarantine.h"
#include "agent/tcp.h"
#include "agent/tcp_ao.h"
#include "agent/uplinks.h"
#include "lib/conf.h"
#include "lib/conf_expand.h"
#include "lib/conf_filter.h"
#include "lib/ipcmsg.h"
#include "lib/logmain.h"
#include "lib/mem.h"

#define FOUND_DELAY_US 10000 /* before the rest of the agent learns of a neighbour */
#define IDS_KEPT_BACK 64 /* ids of dynamic peers that are gone */
#define GUARD_DELAY_S 2 /* a rack that boots brings many peers at once */

struct peer_slot {
	char name[IPC_NAME_MAX]; /* of a configured peer or a range */
	uint32_t id;
	struct ipc_conf_peer sent; /* id 0: nothing yet */
	struct tcp_peer tcp;	   /* as last given to tcp */
	struct ip_addr neighbour;  /* unnumbered: who was found last; af 0: nobody */
	uint32_t transport;	   /* rises with changes of it that need a new session */
};

/* An entry with listenRange, resolved: what its peers are made of. */
struct range {
	const struct conf_peer *conf;
	uint32_t id;
	struct tcp_peer tcp;
	char problem[IPC_TEXT_MAX]; /* as struct agent_peer's; told once */
};

struct source {
	struct peer_slot **slot; /* never shrinks: ids stay with names */
	size_t nslots;
	uint32_t last_id;
	uint32_t *free_id; /* of dynamic peers that bgpd has forgotten */
	size_t nfree;
	struct dynamic dynamic;
	struct range *range; /* of the configuration in force */
	size_t nranges;
	struct event *found_ev; /* neighbours of unnumbered peers changed */
	struct event *guard_ev; /* new dynamic peers: their addresses are to be protected */
	struct announce *announce;
	bool resolved;	/* the first dump is there */
	bool greeted;	/* bgpd has been given the configuration */
	uint64_t addr_gen; /* of the state that was resolved last */
};

/* ---- reading ---------------------------------------------------------------- */

static const char *
env_get(void *arg, const char *name)
{
	return getenv(name);
}

/* The whole of fd, at most cap octets; NULL and errno text in *ret_why. */
static char *
read_all(int fd, size_t cap, size_t *ret_len, const char **ret_why)
{
	char *buf = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		ssize_t n;

		if (len == room) {
			room = room ? room * 2 : 4096;
			buf = mem_realloc(buf, room);
		}
		n = read(fd, buf + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || len + (size_t)n > cap) {
			*ret_why = n < 0 ? strerror(errno) : n > 0 ? "file too large" : NULL;
			break;
		}
		len += (size_t)n;
	}
	if (*ret_why) {
		mem_free(buf);
		return NULL;
	}
	*ret_len = len;
	return buf;
}

static char *
findings_text(const struct conf_errs *errs, bool warnings)
{
	char *all = mem_strdup("");

	for (size_t i = 0; i < errs->n; i++) {
		char *line, *more;

		if (errs->v[i].warning != warnings)
			continue;
		line = conf_err_text(errs, &errs->v[i]);
		more = mem_printf("%s%s\n", all, line);
		mem_free(all);
		mem_free(line);
		all = more;
	}
	return all;
}

struct conf *
source_read(struct agent *a, char **ret_errors, char **ret_warnings)
{
	struct conf_env env = { .hostname = a->hostname, .getenv = env_get };
	struct conf_errs errs;
	struct conf *c = NULL;
	char words[LAUNCH_TEXT_MAX], *text;
	const char *why = NULL;
	size_t len = 0;
	int fd = launcher_open_config(a->launcher, words);

	*ret_warnings = mem_strdup("");
	if (fd < 0) {
		*ret_errors = mem_printf("%s: cannot open: %s\n", a->config_name,
		    words[0] ? words : strerror(-fd));
		return NULL;
	}
	text = read_all(fd, CONF_TEXT_MAX, &len, &why);
	close(fd);
	if (!text) {
		*ret_errors = mem_printf("%s: cannot read: %s\n", a->config_name, why);
		return NULL;
	}
	conf_errs_init(&errs);
	c = conf_load(&env, a->config_name, text, len, &errs);
	mem_free(text);
	if (c)
		conf_expand(c, NULL);
	mem_free(*ret_warnings);
	*ret_errors = findings_text(&errs, false);
	*ret_warnings = findings_text(&errs, true);
	conf_errs_free(&errs);
	return c;
}

/* ---- peers -------------------------------------------------------------------- */

static struct peer_slot *
slot_for(struct source *s, const char *name)
{
	struct peer_slot *slot;

	for (size_t i = 0; i < s->nslots; i++)
		if (strcmp(s->slot[i]->name, name) == 0)
			return s->slot[i];
	s->slot = mem_realloc_array(s->slot, s->nslots + 1, sizeof *s->slot);
	slot = s->slot[s->nslots++] = mem_zalloc(sizeof *slot);
	snprintf(slot->name, sizeof slot->name, "%s", name);
	slot->id = ++s->last_id; /* from 1 */
	return slot;
}

static void
slot_free(struct peer_slot *slot)
{
	explicit_bzero(slot, sizeof *slot);
	mem_free(slot);
}

/* Where a key is put: TCP_KEY_MAX octets and their number. */
struct key_to {
	uint8_t *key, *len;
};

/* Take a key without its line end; false with the problem in words. */
static bool
take_key(const struct key_to *t, const char *key, size_t len, const char *from, char *problem)
{
	while (len > 0 && (key[len - 1] == '\n' || key[len - 1] == '\r'))
		len--;
	if (len == 0 || len > TCP_KEY_MAX) {
		snprintf(problem, IPC_TEXT_MAX, "password from %s: want 1 to %d octets, got %zu", from,
		    TCP_KEY_MAX, len);
		return false;
	}
	memcpy(t->key, key, len);
	*t->len = (uint8_t)len;
	return true;
}

static bool
key_from_file(struct agent *a, const struct key_to *t, const char *path, char *problem)
{
	char words[LAUNCH_TEXT_MAX], *key;
	const char *why = NULL;
	size_t len = 0;
	bool ok;
	int fd = launcher_open_secret(a->launcher, path, words);

	if (fd < 0) {
		snprintf(problem, IPC_TEXT_MAX, "password file %s: %s", path,
		    words[0] ? words : strerror(-fd));
		return false;
	}
	key = read_all(fd, 4096, &len, &why);
	close(fd);
	if (!key) {
		snprintf(problem, IPC_TEXT_MAX, "password file %s: %s", path, why);
		return false;
	}
	ok = take_key(t, key, len, path, problem);
	explicit_bzero(key, len);
	mem_free(key);
	return ok;
}

/* A kernel without TCP-AO stops the peer: never fall back to no authentication. */
static bool
load_ao(struct agent *a, const struct conf_peer *c, struct tcp_peer *t, char *problem)
{
	if (!tcp_ao_supported()) {
		snprintf(problem, IPC_TEXT_MAX, "tcpAO: this kernel has no TCP-AO (CONFIG_TCP_AO, Linux 6.7 "
		    "or newer)");
		return false;
	}
	for (size_t i = 0; i < c->ao_names.n && i < TCP_AO_KEYS_MAX; i++) {
		const struct conf_ao_key *k = conf_ao_key_find(a->conf, c->ao_names.v[i]);
		struct tcp_ao_key *to = &t->ao[t->nao];

		if (!k || !key_from_file(a, &(struct key_to){ to->key, &to->key_len }, k->file, problem))
			return false;
		to->send_id = (uint8_t)k->send_id;
		to->recv_id = (uint8_t)k->recv_id;
		to->algorithm = (uint8_t)k->algorithm;
		t->nao++;
	}
	return true;
}

static bool
key_from_env(const struct key_to *t, const char *name, char *problem)
{
	const char *value = getenv(name);

	if (value)
		return take_key(t, value, strlen(value), name, problem);
	snprintf(problem, IPC_TEXT_MAX, "password: environment variable %s is not set", name);
	return false;
}

/* A missing secret stops the peer: never fall back to no password. */
static bool
load_key(struct agent *a, const struct conf_peer *c, struct tcp_peer *t, char *problem)
{
	struct key_to to = { t->key, &t->key_len };

	if (c->ao_names.n > 0)
		return load_ao(a, c, t, problem);
	if (c->password_file)
		return key_from_file(a, &to, c->password_file, problem);
	return !c->password_env || key_from_env(&to, c->password_env, problem);
}

_Static_assert(SOURCE_SECRET_MAX == TCP_KEY_MAX, "one kind of secret");

bool
source_secret(struct agent *a, const char *file, const char *env, uint8_t ret[SOURCE_SECRET_MAX],
    size_t *ret_len, char *ret_problem)
{
	uint8_t len = 0;
	struct key_to to = { ret, &len };
	bool ok = file ? key_from_file(a, &to, file, ret_problem) : key_from_env(&to, env, ret_problem);

	*ret_len = len;
	return ok;
}

static void
hop_limits(const struct conf *c, const struct conf_peer *p, struct tcp_peer *t)
{
	bool ebgp = !conf_peer_is_ibgp(c, p);

	t->multihop = p->multihop_ttl > 0;
	if (p->ttl_security) { /* RFC 5082: send 255, accept 255 less the hops between */
		t->ttl = 255;
		t->min_ttl = (uint8_t)(256 - p->ttl_security);
	} else if (ebgp) {
		t->ttl = p->multihop_ttl ? (uint8_t)p->multihop_ttl : 1;
	}
}

/* The interface of an unnumbered peer, and who was found there; false with the problem in words. */
static bool
resolve_link(struct agent *a, const struct conf_peer *c, struct agent_peer *p, struct tcp_peer *t)
{
	const struct kern_link *l = fib_link_by_name(a->fib, c->ifname);

	p->addr = (struct ip_addr){ 0 };
	p->link = l ? l->ifindex : 0;
	t->link = p->link;
	if (!l) {
		snprintf(p->problem, sizeof p->problem, "interface %s is not there", c->ifname);
		return false;
	}
	if (p->slot->neighbour.ifindex == p->link)
		p->addr = p->slot->neighbour;
	return uplinks_join(a->uplinks, p->link, c->ifname, p->problem);
}

/* The peer as tcp needs it; false with the problem in words when it cannot be started. */
static bool
resolve_peer(struct agent *a, const struct conf_peer *c, struct agent_peer *p, struct tcp_peer *t)
{
	p->addr = c->addr;
	if (conf_peer_is_unnumbered(c) && !resolve_link(a, c, p, t))
		return false;
	if (c->ifname[0] && c->addr.af == IP6 && ip_addr_is_link_local(&c->addr)) {
		const struct kern_link *l = fib_link_by_name(a->fib, c->ifname);

		if (!l) {
			snprintf(p->problem, sizeof p->problem, "interface %s is not there", c->ifname);
			return false;
		}
		p->addr.ifindex = l->ifindex;
	}
	t->addr = p->addr;
	t->port = (uint16_t)c->port;
	hop_limits(a->conf, c, t);
	if (!identity_source(a, c, &p->addr, &t->source, p->problem))
		return false;
	return load_key(a, c, t, p->problem);
}

static void
fill_maxpfx(struct ipc_maxpfx *to, const struct conf_max_prefixes *from)
{
	static const uint8_t action[] = {
		[CONF_MAX_RESTART] = IPC_MAXPFX_RESTART,
		[CONF_MAX_WARN] = IPC_MAXPFX_WARN,
		[CONF_MAX_DISCARD] = IPC_MAXPFX_DISCARD,
		[CONF_MAX_IDLE] = IPC_MAXPFX_IDLE,
	};

	to->limit = from->limit;
	to->warn_pct = (uint8_t)from->warn_pct;
	to->action = action[from->action];
	to->after_s = from->after_s;
}

/* Without graceful restart only last known good keeps anything. */
static void
fill_llgr(struct ipc_conf_peer *to, const struct conf_gr *gr)
{
	to->llgr_alone = gr->longlived_alone && gr->longlived_s > 0;
	if (!gr->enabled && !to->llgr_alone)
		return;
	for (uint8_t af = IP4; af <= IP6; af++)
		if (gr->longlived_families & CONF_FAMILY(af))
			to->llgr_time_s[af - 1] = gr->longlived_s;
}

static void
fill_peer(const struct agent *a, const struct agent_peer *p, struct ipc_conf_peer *to)
{
	static const uint8_t mode[] = {
		[CONF_AS_NUMBER] = IPC_ASN_NUMBER,
		[CONF_AS_INTERNAL] = IPC_ASN_INTERNAL,
		[CONF_AS_EXTERNAL] = IPC_ASN_EXTERNAL,
	};
	static const uint8_t next_hop[] = {
		[CONF_NEXT_HOP_AUTO] = IPC_NEXTHOP_AUTO,
		[CONF_NEXT_HOP_SELF] = IPC_NEXTHOP_SELF,
		[CONF_NEXT_HOP_KEEP] = IPC_NEXTHOP_KEEP,
	};
	static const uint8_t addpath[] = {
		[CONF_ADDPATH_NONE] = IPC_ADDPATH_NONE,
		[CONF_ADDPATH_ALL] = IPC_ADDPATH_ALL,
		[CONF_ADDPATH_EQUAL] = IPC_ADDPATH_EQUAL,
	};
	static const uint8_t local_as[] = {
		[CONF_LOCAL_AS_REPLACE] = IPC_LOCAL_AS_REPLACE,
		[CONF_LOCAL_AS_NO_PREPEND] = IPC_LOCAL_AS_NO_PREPEND,
		[CONF_LOCAL_AS_PREPEND] = IPC_LOCAL_AS_PREPEND,
		[CONF_LOCAL_AS_DUAL] = IPC_LOCAL_AS_DUAL,
	};
	static const uint8_t private_as[] = {
		[CONF_PRIVATE_KEEP] = IPC_PRIVATE_KEEP,
		[CONF_PRIVATE_WHOLE] = IPC_PRIVATE_WHOLE,
		[CONF_PRIVATE_LEADING] = IPC_PRIVATE_LEADING,
		[CONF_PRIVATE_ALL] = IPC_PRIVATE_ALL,
		[CONF_PRIVATE_REPLACE] = IPC_PRIVATE_REPLACE,
	};
	static const uint8_t on_off[] = {
		[CONF_AUTO] = IPC_AUTO,
		[CONF_ON] = IPC_ON,
		[CONF_OFF] = IPC_OFF,
	};
	static const uint8_t role[] = {
		[CONF_ROLE_NONE] = IPC_ROLE_NONE,
		[CONF_ROLE_PROVIDER] = IPC_ROLE_PROVIDER,
		[CONF_ROLE_RS] = IPC_ROLE_RS,
		[CONF_ROLE_RS_CLIENT] = IPC_ROLE_RS_CLIENT,
		[CONF_ROLE_CUSTOMER] = IPC_ROLE_CUSTOMER,
		[CONF_ROLE_PEER] = IPC_ROLE_PEER,
	};
	const struct conf_peer *c = p->conf;

	memset(to, 0, sizeof *to);
	to->local_as_mode = local_as[c->local_as_mode];
	to->allow_as_in = (uint8_t)c->allow_as_in;
	to->as_override = c->as_override;
	to->private_as = private_as[c->remove_private];
	to->any_first_as = !c->enforce_first_as;
	to->role = role[c->role];
	to->strict_role = c->strict_role;
	to->accept_blackhole = c->accept_blackhole;
	to->ignore_gshut = !c->honor_graceful_shutdown;
	drains_fill(a->drains, p, to);
	to->id = p->id;
	snprintf(to->name, sizeof to->name, "%s", c->name);
	to->addr = p->addr;
	if (conf_peer_is_unnumbered(c)) {
		to->unnumbered = true;
		to->addr = (struct ip_addr){ .af = IP6, .ifindex = p->link };
		snprintf(to->ifname, sizeof to->ifname, "%s", c->ifname);
	}
	to->asn_mode = mode[c->remote_as.how];
	to->asn = c->remote_as.asn;
	to->local_asn = c->local_as;
	to->passive = c->passive;
	to->enabled = c->enabled && !p->problem[0];
	to->dynamic = p->dynamic;
	to->forget_ms = p->dynamic ? c->forget_s * 1000 : 0;
	to->range = p->range;
	to->transport = p->slot->transport;
	to->onlink = !conf_peer_is_ibgp(a->conf, c) && !conf_peer_is_confed(a->conf, c) &&
		     c->multihop_ttl == 0;
	to->rr_client = c->rr_client;
	to->import_all = c->import == CONF_IMPORT_ALL;
	to->export_all = c->export == CONF_EXPORT_ALL;
	to->gr_enabled = c->gr.enabled;
	fill_llgr(to, &c->gr);
	to->ext_msg = c->ext_msg;
	to->ext_next_hop = on_off[c->ext_next_hop];
	to->next_hop[0] = c->next_hop[0];
	to->next_hop[1] = c->next_hop[1];
	to->families = (uint8_t)c->families;
	to->next_hop_mode = next_hop[c->next_hop_mode];
	to->addpath_receive = c->addpath.receive;
	to->addpath_send = addpath[c->addpath.send];
	to->addpath_max = (uint8_t)c->addpath.max_paths;
	to->hold_s = (uint16_t)c->timers.hold_s;
	to->keepalive_s = (uint16_t)c->timers.keepalive_s;
	to->send_hold_s = (uint16_t)c->timers.send_hold_s;
	to->connect_retry_ms = c->timers.connect_retry_ms;
	fill_maxpfx(&to->maxpfx[0], &c->max[0]);
	fill_maxpfx(&to->maxpfx[1], &c->max[1]);
	for (size_t i = 0; i < c->filters.n && to->nfilters < IPC_FILTERS_MAX; i++)
		to->filter[to->nfilters++] = conf_filter_id(a->conf, c->filters.v[i]);
}

/* ---- to bgpd --------------------------------------------------------------------- */

static void
send_speaker(struct agent *a)
{
	const struct conf_bgp *c = &a->conf->bgp;
	struct ipc_msg *m = mem_zalloc(sizeof *m);

	m->type = IPC_CONF_SPEAKER;
	m->conf_speaker = (struct ipc_conf_speaker){
		.asn = c->asn,
		.router_id = a->router_id,
		.cluster_id = c->cluster_id.af ? ip_addr_v4(&c->cluster_id) : 0,
		.multipath = (uint8_t)c->multipath,
		.weighted = c->weighted_multipath,
		.transit = c->transit,
		.install = a->conf->kernel.install,
		.gr_enabled = c->gr.enabled,
		.gr_restart_time_s = (uint16_t)c->gr.restart_s,
		.gr_deferral_ms = c->gr.deferral_ms,
		.no_client_to_client = !c->client_to_client,
		.confed_id = c->confed_id,
	};
	for (size_t i = 0; i < c->confed_members.n && i < IPC_CONFED_MAX; i++)
		m->conf_speaker.member[m->conf_speaker.nmembers++] = c->confed_members.v[i];
	bgpd_send(a->bgpd, m, -1);
	mem_free(m);
}

static void
send_permit(struct agent *a)
{
	const struct conf_prefixes *permit = &a->conf->kernel.permit;
	struct ipc_msg *m = mem_zalloc(sizeof *m);

	m->type = IPC_CONF_PERMIT;
	for (size_t i = 0; i < permit->n; i++) {
		m->prefixes.prefix[m->prefixes.n++] = permit->v[i];
		if (m->prefixes.n == IPC_PREFIXES_MAX || i + 1 == permit->n) {
			bgpd_send(a->bgpd, m, -1);
			m->prefixes.n = 0;
		}
	}
	mem_free(m);
}

/* Rule by rule, in the order of the file. */
static void
send_filters(struct agent *a, struct ipc_msg *m)
{
	const struct conf_filters *fs = &a->conf->filters;

	m->type = IPC_CONF_FILTER;
	for (size_t i = 0; i < fs->n; i++)
		for (unsigned l = 0; l < CONF_FILTER_NLISTS; l++)
			for (size_t k = 0; k < fs->v[i].rules[l].n; k++) {
				conf_filter_message(a->conf, &fs->v[i], (enum conf_filter_list)l, k,
				    (uint32_t)i + 1, &m->conf_filter);
				bgpd_send(a->bgpd, m, -1);
			}
}

/* The whole configuration, applied by bgpd at CONF_END. */
static void
send_conf(struct agent *a)
{
	struct ipc_msg *m = mem_zalloc(sizeof *m);

	m->type = IPC_CONF_BEGIN;
	m->conf_begin.gen = a->conf_gen;
	bgpd_send(a->bgpd, m, -1);
	send_speaker(a);
	for (size_t i = 0; i < a->npeers; i++) {
		m->type = IPC_CONF_PEER;
		fill_peer(a, &a->peers[i], &m->conf_peer);
		a->peers[i].slot->sent = m->conf_peer;
		bgpd_send(a->bgpd, m, -1);
	}
	send_permit(a);
	send_filters(a, m);
	bmp_send_conf(a->bmp);
	m->type = IPC_CONF_END;
	m->conf_begin.gen = a->conf_gen;
	bgpd_send(a->bgpd, m, -1);
	mem_free(m);
}

void
source_greet(struct agent *a)
{
	if (!a->conf || !a->source->resolved)
		return;
	a->source->greeted = true;
	uplinks_greet(a->uplinks); /* first: it is needed as soon as the peers are known */
	drains_bgpd_new(a->drains);
	send_conf(a);
	announce_greet(a->source->announce);
	drains_bgpd_greeted(a->drains);
}

bool
source_send_peer(struct agent *a, const struct agent_peer *p)
{
	struct ipc_msg *m;

	if (!a->source->greeted || !bgpd_attached(a->bgpd))
		return false;
	m = mem_zalloc(sizeof *m);
	m->type = IPC_PEER_ADD;
	fill_peer(a, p, &m->conf_peer);
	p->slot->sent = m->conf_peer;
	bgpd_send(a->bgpd, m, -1);
	mem_free(m);
	return true;
}

/* ---- applying ---------------------------------------------------------------------- */

static void
apply_log(const struct conf_ops *o)
{
	static const enum log_level level[] = {
		[CONF_LOG_ERROR] = LOG_ERR,
		[CONF_LOG_WARN] = LOG_WARN,
		[CONF_LOG_INFO] = LOG_INFO,
		[CONF_LOG_DEBUG] = LOG_DEBUG,
	};

	log_main.level = level[o->log_level];
	log_main.json = o->log_format == CONF_LOG_JSON;
}

static struct ip_addr
source_hint(const struct agent *a, uint8_t af)
{
	const struct conf_kernel *k = &a->conf->kernel;
	struct ip_addr node = af == IP4 ? a->node4 : a->node6;

	switch (k->source_how) {
	case CONF_SOURCE_ADDR:
		return k->source[af - 1].af ? k->source[af - 1] : node;
	case CONF_SOURCE_NODE_IP:
		return node;
	case CONF_SOURCE_NONE:
	case CONF_SOURCE_INTERFACE:
		break;
	}
	return (struct ip_addr){ 0 };
}

static bool
names_exactly(const struct conf_prefixes *permit, uint8_t af)
{
	for (size_t i = 0; i < permit->n; i++)
		if (permit->v[i].af == af && permit->v[i].len == 0)
			return true;
	return false;
}

static void
apply_fib(struct agent *a)
{
	static const enum fib_nhobj_mode nhobj[] = {
		[CONF_AUTO] = FIB_NHOBJ_AUTO, [CONF_ON] = FIB_NHOBJ_ON, [CONF_OFF] = FIB_NHOBJ_OFF
	};
	static const enum fib_block block[] = { [CONF_OWN_BLACKHOLE] = FIB_BLOCK_BLACKHOLE,
		[CONF_OWN_UNREACHABLE] = FIB_BLOCK_UNREACHABLE, [CONF_OWN_NONE] = FIB_BLOCK_NONE };
	const struct conf_kernel *k = &a->conf->kernel;
	struct ip_addr *peers = mem_zalloc_array(a->npeers + 1, sizeof *peers);
	struct ip_addr *follow = mem_zalloc_array(a->npeers + 1, sizeof *follow);
	struct ip_prefix *protect = mem_zalloc_array(k->protect.n + 1, sizeof *protect);
	struct fib_conf f = {
		.install = k->install,
		.table = k->table,
		.protocol = (uint8_t)k->protocol,
		.metric = k->metric,
		.multipath = (uint8_t)k->multipath,
		.nhobj = nhobj[k->nexthop_objects],
		.source4 = source_hint(a, IP4),
		.source6 = source_hint(a, IP6),
		.own_block = block[k->own_block],
		.discard_permit = k->discard_pod_range == CONF_DISCARD_UNREACHABLE,
		.permit_default4 = names_exactly(&k->permit, IP4),
		.permit_default6 = names_exactly(&k->permit, IP6),
		.protect_default = k->protect_given && conf_protects(a->conf, CONF_PROTECT_DEFAULT),
		.protect_node = conf_protects(a->conf, CONF_PROTECT_NODE_IP),
		.protect_peers = conf_protects(a->conf, CONF_PROTECT_BGP_NEXTHOPS),
		.max_routes = k->max_routes,
		.guard_pct = k->guard.threshold_pct,
		.guard_within_ms = k->guard.within_ms,
		.guard_hold_ms = k->guard.hold_ms,
		.permit = k->permit.v,
		.npermit = k->permit.n,
		.protect = protect,
		.peers = peers,
		.follow = follow,
		.nfollow = fallover_follow(a, follow),
	};

	for (size_t i = 0; i < a->npeers; i++)
		if (a->peers[i].addr.af)
			peers[f.npeers++] = a->peers[i].addr;
	for (size_t i = 0; i < k->protect.n; i++)
		if (k->protect.v[i].what == CONF_PROTECT_PREFIX)
			protect[f.nprotect++] = k->protect.v[i].prefix;
	fib_configure(a->fib, agent_now(), &f);
	places_use(a->places, &(struct fib_place){ f.protocol, f.table, f.metric });
	mem_free(peers);
	mem_free(follow);
	mem_free(protect);
}

static struct range *
range_of(struct source *s, const char *name)
{
	for (size_t i = 0; i < s->nranges; i++)
		if (strcmp(s->range[i].conf->name, name) == 0)
			return &s->range[i];
	return NULL;
}

static struct agent_peer *
add_peer(struct agent *a)
{
	struct agent_peer *p;

	a->peers = mem_realloc_array(a->peers, a->npeers + 1, sizeof *a->peers);
	p = &a->peers[a->npeers++];
	memset(p, 0, sizeof *p);
	return p;
}

static void
add_configured(struct agent *a, const struct conf_peer *c)
{
	struct agent_peer *p = add_peer(a);

	p->conf = c;
	p->slot = slot_for(a->source, c->name);
	p->id = p->slot->id;
	p->addr = c->addr;
}

static struct agent_peer *
add_dynamic(struct agent *a, const struct dynamic_peer *d)
{
	struct agent_peer *p = add_peer(a);
	char range[IPC_NAME_MAX];

	p->conf = &d->conf;
	p->slot = d->slot;
	p->id = d->id;
	p->addr = d->addr;
	p->dynamic = true;
	p->range = slot_for(a->source, dynamic_range_name(d->name, range, sizeof range))->id;
	return p;
}

static void
add_range(struct source *s, const struct conf_peer *c)
{
	struct range *r;

	s->range = mem_realloc_array(s->range, s->nranges + 1, sizeof *s->range);
	r = &s->range[s->nranges++];
	memset(r, 0, sizeof *r);
	r->conf = c;
	r->id = slot_for(s, c->name)->id;
}

/* The configuration in force is about to change: those without a place in it go. */
static void
review_dynamic(struct source *s, const struct conf *c)
{
	struct dynamic_peer *d;

	while ((d = dynamic_review(&s->dynamic, c)) != NULL) {
		slot_free(d->slot);
		dynamic_remove(&s->dynamic, d);
	}
}

/* Peers in the order of the file, then the dynamic ones; those of the same name keep their id. */
static void
rebuild_peers(struct agent *a)
{
	const struct conf_peers *c = &a->conf->peers;
	struct source *s = a->source;
	struct list *n;

	mem_free(a->peers);
	a->peers = NULL;
	a->npeers = 0;
	s->nranges = 0;
	review_dynamic(s, a->conf);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].ranges.n > 0)
			add_range(s, &c->v[i]);
		else
			add_configured(a, &c->v[i]);
	LIST_FOREACH(n, &s->dynamic.peers)
		add_dynamic(a, container_of(n, struct dynamic_peer, link));
	drains_peers_changed(a->drains);
}

/* The same but for the key? */
static bool
same_without_key(const struct tcp_peer *a, const struct tcp_peer *b)
{
	struct tcp_peer x = *a, y = *b;

	explicit_bzero(x.key, sizeof x.key);
	explicit_bzero(y.key, sizeof y.key);
	x.key_len = y.key_len = 0;
	return memcmp(&x, &y, sizeof x) == 0;
}

/*
 * Something that bgpd does not see has changed.  A key is changed on the sockets as they are, for
 * which bgpd lends them; source and hop limit take a new session.
 */
static void
tcp_changed(struct agent *a, struct peer_slot *slot, const struct tcp_peer *now)
{
	struct ipc_msg lend = { .type = IPC_CONN_LEND };

	if (slot->sent.id == 0 || slot->tcp.id == 0 || memcmp(&slot->tcp, now, sizeof *now) == 0)
		return;
	lend.conn_lend.peer = slot->id;
	if (same_without_key(&slot->tcp, now))
		bgpd_send(a->bgpd, &lend, -1);
	else
		slot->transport++;
}

static void
report_problem(struct agent *a, const struct agent_peer *p, const char *before)
{
	if (p->problem[0] && strcmp(p->problem, before) != 0)
		events_addf(a->events, IPC_LVL_ERR, "peer-problem", "peer=%s why=\"%s\"", p->conf->name,
		    p->problem);
}

/* What all peers of a range share; a problem keeps them away. */
static void
resolve_range(struct agent *a, struct range *r)
{
	struct agent_peer p = { .conf = r->conf };
	char before[IPC_TEXT_MAX];

	memcpy(before, r->problem, sizeof before);
	memset(&r->tcp, 0, sizeof r->tcp);
	snprintf(r->tcp.name, sizeof r->tcp.name, "%s", r->conf->name);
	hop_limits(a->conf, r->conf, &r->tcp);
	r->tcp.enabled = load_key(a, r->conf, &r->tcp, p.problem) && r->conf->enabled;
	memcpy(r->problem, p.problem, sizeof r->problem);
	report_problem(a, &p, before);
}

/* A problem that has been told of by itself. */
static bool
is_quarantined(const struct agent *a, struct agent_peer *p)
{
	return !p->problem[0] &&
	    quarantine_why(a->quarantine, &p->addr, p->problem, sizeof p->problem);
}

/* The same for one of its peers. */
static void
resolve_dynamic(struct agent *a, struct agent_peer *p, struct tcp_peer *t)
{
	char name[IPC_NAME_MAX];
	struct range *r = range_of(a->source, dynamic_range_name(p->conf->name, name, sizeof name));

	assert(r); /* peers of a range that is gone went with it */
	*t = r->tcp;
	t->id = p->id;
	t->addr = p->addr;
	t->dynamic = true;
	snprintf(t->name, sizeof t->name, "%s", p->conf->name);
	memcpy(p->problem, r->problem, sizeof p->problem);
	t->enabled &= !is_quarantined(a, p);
}

static void
resolve_configured(struct agent *a, struct agent_peer *p, struct tcp_peer *t)
{
	char before[IPC_TEXT_MAX];

	memcpy(before, p->problem, sizeof before);
	p->problem[0] = '\0';
	t->id = p->id;
	snprintf(t->name, sizeof t->name, "%s", p->conf->name);
	t->enabled = resolve_peer(a, p->conf, p, t) && p->conf->enabled;
	report_problem(a, p, before);
	t->enabled &= !is_quarantined(a, p);
}

/* The link-local address of an interface; af 0: none yet. */
static struct ip_addr
link_local_on(const struct fib *f, uint32_t ifindex)
{
	struct kern_addr ka;
	size_t pos = 0;

	while (ifindex && fib_next_addr(f, &pos, &ka))
		if (ka.ifindex == ifindex && ka.addr.af == IP6 && !ka.tentative &&
		    ip_addr_is_link_local(&ka.addr)) {
			ka.addr.ifindex = ifindex;
			return ka.addr;
		}
	return (struct ip_addr){ 0 };
}

/* Where addresses are listened on one by one, those of unnumbered links are among them. */
static size_t
listeners_of_links(const struct agent *a, uint16_t port, struct tcp_listen *tl)
{
	size_t n = 0;

	for (size_t i = 0; i < a->npeers; i++) {
		struct ip_addr ll = link_local_on(a->fib, a->peers[i].link);

		if (ll.af)
			tl[n++] = (struct tcp_listen){ ll, port };
	}
	return n;
}

static size_t
wanted_listeners(const struct agent *a, const struct conf_listen *lc, struct tcp_listen *tl)
{
	size_t n = 0;

	if (!lc->enabled || !lc->port)
		return 0;
	for (size_t i = 0; i < lc->addrs.n; i++)
		tl[n++] = (struct tcp_listen){ lc->addrs.v[i], (uint16_t)lc->port };
	if (lc->addrs.n > 0) {
		n += listeners_of_links(a, (uint16_t)lc->port, tl + n);
	} else {
		tl[n++] = (struct tcp_listen){ { .af = IP4 }, (uint16_t)lc->port };
		tl[n++] = (struct tcp_listen){ { .af = IP6 }, (uint16_t)lc->port };
	}
	return n;
}

/* Every prefix of every range, with its key. */
static struct tcp_range *
wanted_ranges(struct source *s, size_t *ret_n)
{
	struct tcp_range *v;
	size_t n = 0;

	for (size_t i = 0; i < s->nranges; i++)
		n += s->range[i].conf->ranges.n;
	v = mem_zalloc_array(n ? n : 1, sizeof *v);
	n = 0;
	for (size_t i = 0; i < s->nranges; i++)
		for (size_t k = 0; k < s->range[i].conf->ranges.n; k++) {
			v[n].prefix = s->range[i].conf->ranges.v[k];
			v[n].gtsm = s->range[i].tcp.min_ttl != 0;
			memcpy(v[n].key, s->range[i].tcp.key, sizeof v[n].key);
			v[n].key_len = s->range[i].tcp.key_len;
			memcpy(v[n].ao, s->range[i].tcp.ao, sizeof v[n].ao);
			v[n++].nao = s->range[i].tcp.nao;
		}
	*ret_n = n;
	return v;
}

static void
apply_tcp(struct agent *a)
{
	const struct conf_listen *lc = &a->conf->bgp.listen;
	struct tcp_peer *tp = mem_zalloc_array(a->npeers ? a->npeers : 1, sizeof *tp);
	struct tcp_listen *tl = mem_zalloc_array(lc->addrs.n + a->npeers + 2, sizeof *tl);
	struct tcp_conf c = { .peer = tp, .npeers = a->npeers, .listen = tl };
	struct tcp_range *tr;

	for (size_t i = 0; i < a->source->nranges; i++)
		resolve_range(a, &a->source->range[i]);
	c.range = tr = wanted_ranges(a->source, &c.nranges);
	for (size_t i = 0; i < a->npeers; i++) {
		struct agent_peer *p = &a->peers[i];

		if (p->dynamic)
			resolve_dynamic(a, p, &tp[i]);
		else
			resolve_configured(a, p, &tp[i]);
		tcp_changed(a, p->slot, &tp[i]);
		p->slot->tcp = tp[i];
	}
	c.nlistens = wanted_listeners(a, lc, tl); /* the interfaces are known by now */
	tcp_set_node(a->tcp, &a->node4, &a->node6);
	tcp_configure(a->tcp, &c, NULL);
	explicit_bzero(tp, c.npeers * sizeof *tp);
	explicit_bzero(tr, c.nranges * sizeof *tr);
	mem_free(tp);
	mem_free(tr);
	mem_free(tl);
}

/* Everything that depends on links and addresses, once identity is known. */
static void
apply_resolved(struct agent *a)
{
	apply_tcp(a);
	apply_fib(a);
	bfd_apply(a->bfd); /* before bgpd: a peer is told that BFD ends before its session does */
	nat_apply(a->nat);
	announce_apply(a->source->announce, a->conf);
	if (a->source->greeted)
		send_conf(a);
}

void
source_resolve(struct agent *a)
{
	struct source *s = a->source;

	if (!a->conf)
		return;
	s->resolved = true;
	s->addr_gen = fib_addr_gen(a->fib);
	identity_resolve(a);
	apply_resolved(a);
}

/* Does a change of links or addresses concern this peer's settings? */
static bool
depends_on_links(const struct agent *a, const struct agent_peer *p)
{
	const struct kern_link *l;

	if (p->problem[0] || p->conf->source.how == CONF_SOURCE_INTERFACE)
		return true;
	if (!p->conf->ifname[0])
		return false;
	if (a->conf->bgp.listen.addrs.n > 0) /* among them those of unnumbered links */
		return true;
	l = fib_link_by_name(a->fib, p->conf->ifname);
	return (l ? l->ifindex : 0) != (p->link ? p->link : p->addr.ifindex);
}

/* Every pod that starts adds a link: only what depends on it is done again. */
void
source_check_addresses(struct agent *a)
{
	struct source *s = a->source;
	struct ip_addr was4 = a->node4, was6 = a->node6;
	uint64_t gen = fib_addr_gen(a->fib);
	bool again;

	if (!s->resolved || s->addr_gen == gen)
		return;
	s->addr_gen = gen;
	fallover_check_addresses(a);
	identity_resolve(a);
	again = !ip_addr_eq(&was4, &a->node4) || !ip_addr_eq(&was6, &a->node6);
	for (size_t i = 0; i < a->npeers && !again; i++)
		again = depends_on_links(a, &a->peers[i]);
	for (size_t i = 0; i < s->nranges && !again; i++)
		again = s->range[i].problem[0];
	if (again)
		apply_resolved(a);
	else
		announce_apply(s->announce, a->conf);
	bfd_check_addresses(a->bfd);
}

static char *
summary_text(const struct conf_diff *d)
{
	unsigned n[CONF_REMOVED + 1] = { 0 };

	for (size_t i = 0; i < d->n; i++)
		n[d->v[i].change]++;
	return mem_printf("peers: %u unchanged, %u changed in place, %u reset, %u added, %u removed",
	    n[CONF_SAME], n[CONF_LIVE] + n[CONF_POLICY], n[CONF_SESSION], n[CONF_ADDED],
	    n[CONF_REMOVED]);
}

void
source_apply(struct agent *a, struct conf *c, char **ret_summary)
{
	struct conf *old = a->conf;

	if (ret_summary && old) {
		struct conf_diff *d = conf_diff(old, c);

		*ret_summary = summary_text(d);
		conf_diff_free(d);
	} else if (ret_summary) {
		*ret_summary = mem_printf("peers: %zu", c->peers.n);
	}
	a->conf = c;
	a->conf_gen++;
	a->conf_loaded = agent_now();
	apply_log(&c->ops);
	if (a->kube)
		kube_apply(a->kube, c);
	rebuild_peers(a);
	nat_resume(a->nat);
	if (a->source->resolved)
		source_resolve(a);
	else
		apply_fib(a);
	conf_free(old);
}

/* ---- dynamic peers ------------------------------------------------------------------ */

static void
on_guard(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	if (!a->conf)
		return;
	apply_fib(a);
	nat_apply(a->nat);
	agent_kick(a);
}

/*
 * The one that was given back first, and not before others were: what bgpd and we have on the way
 * about the last one of that id has arrived by then.
 */
static uint32_t
take_id(struct source *s)
{
	uint32_t id;

	if (s->nfree < IDS_KEPT_BACK)
		return ++s->last_id;
	id = s->free_id[0];
	memmove(&s->free_id[0], &s->free_id[1], --s->nfree * sizeof *s->free_id);
	return id;
}

static void
start_dynamic(struct agent *a, struct dynamic_peer *d)
{
	static const struct timeval soon = { GUARD_DELAY_S, 0 };
	struct ipc_msg m = { .type = IPC_PEER_ADD };
	struct peer_slot *slot = mem_zalloc(sizeof *slot);
	struct agent_peer *p;

	d->slot = slot;
	slot->id = d->id;
	p = add_dynamic(a, d);
	resolve_dynamic(a, p, &slot->tcp);
	tcp_add(a->tcp, &slot->tcp);
	fill_peer(a, p, &m.conf_peer);
	slot->sent = m.conf_peer;
	bgpd_send(a->bgpd, &m, -1);
	bfd_peer_added(a->bfd, p);
	if (!event_pending(a->source->guard_ev, EV_TIMEOUT, NULL))
		event_add(a->source->guard_ev, &soon);
}

bool
source_admit(struct agent *a, const struct ip_addr *remote, char *ret_why, size_t cap)
{
	struct source *s = a->source;
	const struct kern_link *l = remote->ifindex ? fib_link(a->fib, remote->ifindex) : NULL;
	const struct conf_peer *c = a->conf ? dynamic_range(a->conf, remote, l ? l->name : NULL) : NULL;
	struct range *r = c ? range_of(s, c->name) : NULL;

	if (!r)
		snprintf(ret_why, cap, "no peer has that address");
	else if (r->problem[0])
		snprintf(ret_why, cap, "listenRange %s: %s", c->name, r->problem);
	else if (!c->enabled)
		snprintf(ret_why, cap, "listenRange %s is administratively down", c->name);
	else if (quarantine_why(a->quarantine, remote, ret_why, cap))
		return false;
	else if (dynamic_count(&s->dynamic, c->name) >= c->max_peers)
		snprintf(ret_why, cap, "listenRange %s has %u peer%s already (maxPeers)", c->name,
		    c->max_peers, c->max_peers == 1 ? "" : "s");
	else if (!s->greeted || !bgpd_attached(a->bgpd))
		snprintf(ret_why, cap, "weft-bgpd is not running");
	else {
		start_dynamic(a, dynamic_add(&s->dynamic, c, remote, take_id(s)));
		return true;
	}
	return false;
}

/* bgpd reads what strangers send: the address must be one of that very link. */
void
source_peer_addr(struct agent *a, uint32_t id, const struct ip_addr *addr)
{
	static const struct timeval soon = { 0, FOUND_DELAY_US };

	for (size_t i = 0; i < a->npeers; i++) {
		struct agent_peer *p = &a->peers[i];

		if (p->id != id || !conf_peer_is_unnumbered(p->conf))
			continue;
		if (addr->af && (addr->af != IP6 || !ip_addr_is_link_local(addr) ||
				    addr->ifindex != p->link))
			continue;
		p->addr = p->slot->neighbour = p->slot->tcp.addr = *addr;
		tcp_set_addr(a->tcp, id, addr);
		if (!event_pending(a->source->found_ev, EV_TIMEOUT, NULL))
			event_add(a->source->found_ev, &soon);
	}
}

/* Links to be followed, addresses to be guarded, BFD: in one go, however often bgpd changes its mind. */
static void
on_found(evutil_socket_t fd, short what, void *arg)
{
	struct agent *a = arg;

	if (!a->conf)
		return;
	apply_fib(a);
	for (size_t i = 0; i < a->npeers; i++)
		if (conf_peer_is_unnumbered(a->peers[i].conf))
			bfd_peer_added(a->bfd, &a->peers[i]);
	agent_kick(a);
}

void
source_peer_gone(struct agent *a, uint32_t id)
{
	struct source *s = a->source;
	struct dynamic_peer *d = dynamic_find(&s->dynamic, id);

	for (size_t i = 0; d && i < a->npeers; i++) {
		if (a->peers[i].id != id)
			continue;
		a->npeers--;
		memmove(&a->peers[i], &a->peers[i + 1], (a->npeers - i) * sizeof *a->peers);
		break;
	}
	if (!d)
		return;
	tcp_remove(a->tcp, id);
	bfd_peer_gone(a->bfd, id);
	drains_peers_changed(a->drains);
	slot_free(d->slot);
	dynamic_remove(&s->dynamic, d);
	s->free_id = mem_realloc_array(s->free_id, s->nfree + 1, sizeof *s->free_id);
	s->free_id[s->nfree++] = id;
}

struct ip_addr
source_local_address(const struct agent *a, const struct agent_peer *p)
{
	return p->slot->tcp.source;
}

uint32_t
source_range_id(const struct agent *a, const char *name)
{
	const struct range *r = range_of(a->source, name);

	return r ? r->id : IPC_PEER_NONE;
}

size_t
source_range_peers(const struct agent *a, const char *name)
{
	return dynamic_count(&a->source->dynamic, name);
}

void
source_local(struct agent *a, const struct ip_prefix *p, bool ready)
{
	announce_local(a->source->announce, p, ready);
}

struct source *
source_new(struct agent *a)
{
	struct source *s = mem_zalloc(sizeof *s);

	s->announce = announce_new(a);
	dynamic_init(&s->dynamic);
	s->guard_ev = event_new(a->base, -1, 0, on_guard, a);
	s->found_ev = event_new(a->base, -1, 0, on_found, a);
	return s;
}

void
source_free(struct source *s)
{
	struct list *n;

	if (!s)
		return;
	announce_free(s->announce);
	for (size_t i = 0; i < s->nslots; i++)
		slot_free(s->slot[i]);
	mem_free(s->slot);
	LIST_FOREACH(n, &s->dynamic.peers)
		slot_free(container_of(n, struct dynamic_peer, link)->slot);
	dynamic_free(&s->dynamic);
	if (s->range)
		explicit_bzero(s->range, s->nranges * sizeof *s->range);
	mem_free(s->range);
	mem_free(s->free_id);
	event_free(s->guard_ev);
	event_free(s->found_ev);
	mem_free(s);
}
