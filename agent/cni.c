/*
 * See cni.h.
 */
#include "agent/cni.h"

#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/core/cnilist.h"
#include "agent/core/fib.h"
#include "agent/kube/kube.h"
#include "agent/launcher.h"
#include "agent/routed.h"
#include "agent/source.h"
#include "lib/mem.h"

#define SUFFIX	   "-weft.conflist"
#define AGAIN_S	   10	 /* after a failure */
#define CHECK_S	   60	 /* is it still there, and first? */
#define TEXT_OCTETS_MAX 16384 /* a file that is longer is not what we have written */

/* What the file depends on: while this is the same, it is not built. */
struct key {
	uint32_t conf_gen;
	uint64_t addr_gen;
	bool routed, announced, cluster;
};

struct cni {
	struct agent *a;
	struct event *ev;
	struct key key;
	enum cni_state state;
	char why[256];
	char foreign[256]; /* name of the file that sorts before ours */
	char *text;	   /* ours as it was written or found */
	struct mono_us at;
	uint64_t writes;
};

/* ---- what it says -------------------------------------------------------------- */

static bool
wanted(const struct cni *c)
{
	enum conf_cni_enabled e = c->a->conf->cni.enabled;

	return e == CONF_CNI_ON || (e == CONF_CNI_AUTO && kube_is_on(c->a->kube));
}

static void
least_mtu(uint32_t *mtu, const struct kern_link *l)
{
	if (l && !l->loopback && l->mtu > 0 && (*mtu == 0 || l->mtu < *mtu))
		*mtu = l->mtu;
}

/* Of the interfaces that node addresses are on, and of unnumbered uplinks. */
static uint32_t
uplink_mtu(const struct agent *a)
{
	struct kern_addr ka;
	uint32_t mtu = 0;
	size_t pos = 0;

	while (fib_next_addr(a->fib, &pos, &ka))
		if (ip_addr_eq(&ka.addr, &a->node4) || ip_addr_eq(&ka.addr, &a->node6))
			least_mtu(&mtu, fib_link(a->fib, ka.ifindex));
	for (size_t i = 0; i < a->npeers; i++)
		if (a->peers[i].conf && conf_peer_is_unnumbered(a->peers[i].conf))
			least_mtu(&mtu, fib_link(a->fib, a->peers[i].link));
	return mtu;
}

static char *
build(const struct agent *a)
{
	static const char *const version[] = {
		[CONF_CNI_0_3_1] = "0.3.1",
		[CONF_CNI_0_4_0] = "0.4.0",
		[CONF_CNI_1_0_0] = "1.0.0",
	};
	const struct conf_cni *c = &a->conf->cni;
	struct cnilist l = { .version = version[c->version],
		.bridge = c->plugin == CONF_CNI_BRIDGE ? c->bridge : NULL,
		.mtu = c->mtu ? c->mtu : uplink_mtu(a),
		.portmap = c->portmap,
		.bandwidth = c->bandwidth,
		.data_dir = c->data_dir,
		.cidr = a->conf->node.pod_cidrs.v,
		.ncidrs = a->conf->node.pod_cidrs.n };

	return cnilist_text(&l);
}

/* ---- telling ------------------------------------------------------------------------ */

static void
set_state(struct cni *c, enum cni_state state, const char *why)
{
	bool same = c->state == state && strcmp(c->why, why) == 0;

	c->state = state;
	snprintf(c->why, sizeof c->why, "%s", why);
	if (same)
		return;
	if (state == CNI_FAILED)
		events_addf(c->a->events, IPC_LVL_ERR, "cni-failed", "file=%s why=\"%s\"",
		    c->a->conf->cni.name, why);
}

static void
fail(struct cni *c, const char *what, int err, const char *text)
{
	char why[sizeof c->why];

	snprintf(why, sizeof why, "cannot %s: %s", what, *text ? text : strerror(-err));
	set_state(c, CNI_FAILED, why);
}

static void
note_foreign(struct cni *c, const char *name)
{
	bool same = strcmp(c->foreign, name) == 0;

	snprintf(c->foreign, sizeof c->foreign, "%s", name);
	if (!same && *name)
		events_addf(c->a->events, IPC_LVL_WARN, "cni-foreign",
		    "file=%s why=\"container runtimes take it instead of %s: it is before it by name\"",
		    name, c->a->conf->cni.name);
}

/* ---- the directory -------------------------------------------------------------------- */

static bool
is_ours(const char *name)
{
	size_t n = strlen(name), m = sizeof SUFFIX - 1;

	return n > m && strcmp(name + n - m, SUFFIX) == 0;
}

/* A file of ours under a former name goes. */
static void
drop(struct cni *c, const char *name)
{
	int fd = launcher_cni(c->a->launcher, LAUNCH_CNI_REMOVE, name, NULL);

	if (fd < 0)
		return;
	close(fd);
	events_addf(c->a->events, IPC_LVL_NOTICE, "cni-removed", "file=%s", name);
}

/* Takes the directory. keep: the name that stays; NULL: none of ours does. */
static void
go_through(struct cni *c, int dir, const char *keep)
{
	DIR *d = fdopendir(dir);
	char first[sizeof c->foreign] = "";
	struct dirent *e;

	if (!d) {
		close(dir);
		return;
	}
	/* cppcheck-suppress readdirCalled ; one thread */
	while ((e = readdir(d))) {
		if (keep && strcmp(e->d_name, keep) == 0)
			continue;
		if (is_ours(e->d_name))
			drop(c, e->d_name);
		else if (keep && cnilist_is_before(e->d_name, keep) &&
			 (!*first || strcmp(e->d_name, first) < 0))
			snprintf(first, sizeof first, "%s", e->d_name);
	}
	closedir(d);
	note_foreign(c, first);
}

/* What stands in our file, NUL-terminated; NULL: nothing that could be read. */
static char *
read_back(struct cni *c)
{
	int fd = launcher_cni(c->a->launcher, LAUNCH_CNI_READ, c->a->conf->cni.name, NULL);
	char *buf;
	ssize_t n;

	if (fd < 0)
		return NULL;
	buf = mem_zalloc(TEXT_OCTETS_MAX + 1);
	n = read(fd, buf, TEXT_OCTETS_MAX);
	close(fd);
	if (n > 0)
		return buf;
	mem_free(buf);
	return NULL;
}

/* 0 or -errno. */
static int
write_all(int fd, const char *text)
{
	size_t len = strlen(text), at = 0;

	while (at < len) {
		ssize_t n = write(fd, text + at, len - at);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (size_t)n;
	}
	return 0;
}

/* The directory, or -1. */
static int
put(struct cni *c, const char *text)
{
	const char *name = c->a->conf->cni.name;
	char why[LAUNCH_TEXT_MAX];
	int fd = launcher_cni(c->a->launcher, LAUNCH_CNI_NEW, name, why), err = 0;

	if (fd >= 0) {
		err = write_all(fd, text);
		close(fd);
	}
	if (fd < 0 || err < 0) {
		fail(c, "write", fd < 0 ? fd : err, fd < 0 ? why : "");
		return -1;
	}
	fd = launcher_cni(c->a->launcher, LAUNCH_CNI_RENAME, name, why);
	if (fd < 0) {
		fail(c, "rename", fd, why);
		return -1;
	}
	c->writes++;
	events_addf(c->a->events, IPC_LVL_NOTICE, "cni-written", "file=%s", name);
	return fd;
}

/* ---- looking ----------------------------------------------------------------------------- */

/* Takes text: what is to stand there. */
static void
have(struct cni *c, char *text)
{
	char *old = read_back(c);
	bool same = old && strcmp(old, text) == 0;
	int dir = same ? launcher_cni(c->a->launcher, LAUNCH_CNI_LIST, "", NULL) : put(c, text);

	mem_free(old);
	if (!same && dir < 0) {
		mem_free(text);
		return;
	}
	if (dir >= 0)
		go_through(c, dir, c->a->conf->cni.name);
	if (!same || c->at.us == 0)
		c->at = agent_now();
	mem_free(c->text);
	c->text = text;
	set_state(c, CNI_WRITTEN, "");
}

/* Not wanted: our file goes only if that is. */
static void
have_none(struct cni *c)
{
	int dir = !agent_observes(c->a) && c->a->conf->cni.remove && c->a->conf->cni.enabled == CONF_CNI_OFF ?
	    launcher_cni(c->a->launcher, LAUNCH_CNI_LIST, "", NULL) : -1;

	c->foreign[0] = '\0';
	if (dir >= 0)
		go_through(c, dir, NULL);
	set_state(c, CNI_OFF, "");
}

/* Why it cannot be written yet; "": it can. */
static void
missing(const struct cni *c, char *why, size_t cap)
{
	const struct agent *a = c->a;
	const struct conf_prefixes *own = &a->conf->node.pod_cidrs;
	char buf[IP_PREFIX_STRLEN];

	*why = '\0';
	if (agent_observes(a)) {
		snprintf(why, cap, "nothing is written while weft observes");
		return;
	}
	if (own->n == 0) {
		snprintf(why, cap, "the node has no pod CIDR (node.podCIDRs)");
		return;
	}
	if (!routed_is_done(a->routed)) {
		routed_text(a->routed, why, cap);
		return;
	}
	if (routed_state(a->routed)->timed_out && c->at.us == 0)
		return;
	for (size_t i = 0; i < own->n; i++)
		if (source_own_awaited(a, &own->v[i]))
			snprintf(why, cap, "%s is not announced yet", ip_prefix_str(&own->v[i], buf));
}

static void
check(struct cni *c)
{
	struct timeval again = { CHECK_S, 0 };
	char why[sizeof c->why];

	event_del(c->ev);
	if (agent_observes(c->a)) {
		set_state(c, CNI_OFF, ""); /* nothing is written, nothing removed */
		return;
	}
	if (!wanted(c)) {
		have_none(c);
		return;
	}
	missing(c, why, sizeof why);
	if (*why) {
		set_state(c, CNI_WAITING, "");
		return;
	}
	have(c, build(c->a));
	if (c->state == CNI_FAILED)
		again.tv_sec = AGAIN_S;
	event_add(c->ev, &again);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct cni *c = arg;

	if (c->a->conf && !c->a->stopping)
		check(c);
}

void
cni_look(struct cni *c)
{
	const struct agent *a = c->a;
	struct key k;

	if (!a->conf || !a->kernel_seen || a->stopping)
		return;
	memset(&k, 0, sizeof k); /* padding, too */
	k.conf_gen = a->conf_gen;
	k.addr_gen = fib_addr_gen(a->fib);
	k.routed = routed_is_done(a->routed);
	k.announced = source_own_announced(a);
	k.cluster = kube_is_on(a->kube);
	if (memcmp(&k, &c->key, sizeof k) == 0)
		return;
	memcpy(&c->key, &k, sizeof k);
	check(c);
}

/* ---- views --------------------------------------------------------------------------------- */

const char *
cni_state_name(enum cni_state s)
{
	static const char *const name[] = { [CNI_OFF] = "off", [CNI_WAITING] = "waiting",
		[CNI_WRITTEN] = "written", [CNI_FAILED] = "failed" };

	return name[s];
}

struct cni_view
cni_view(const struct cni *c)
{
	const struct conf *conf = c->a->conf;
	struct cni_view v = { .state = c->state,
		.file = conf ? conf->cni.name : "",
		.foreign = c->foreign,
		.text = c->text,
		.at = c->at,
		.writes = c->writes };

	if (c->state == CNI_WAITING)
		missing(c, v.why, sizeof v.why);
	else
		memcpy(v.why, c->why, sizeof v.why);
	return v;
}

struct cni *
cni_new(struct agent *a)
{
	struct cni *c = mem_zalloc(sizeof *c);

	c->a = a;
	c->ev = event_new(a->base, -1, 0, on_timer, c);
	return c;
}

void
cni_free(struct cni *c)
{
	if (!c)
		return;
	event_free(c->ev);
	mem_free(c->text);
	mem_free(c);
}
