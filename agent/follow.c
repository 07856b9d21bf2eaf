/*
 * See follow.h.
 */
#include "agent/follow.h"

#include <event2/event.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/composition.h"
#include "agent/events.h"
#include "agent/kube/kube.h"
#include "agent/kube/recorder.h"
#include "agent/launcher.h"
#include "agent/source.h"
#include "lib/mem.h"

#define LOOK_S	  1
#define SETTLE_US 200000 /* whoever writes it may not be done */

struct follow {
	struct agent *a;
	struct event *ev;
	bool on;
	struct stat seen; /* of the file whose text is known; st_ino 0: none */
	char *again; /* a new text, which counts when it is the same a moment later */
	size_t again_len;
};

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void
forget_again(struct follow *f)
{
	mem_free(f->again);
	f->again = NULL;
	f->again_len = 0;
}

/* For who looks with kubectl: which ConfigMap it is, weft does not know. */
static void
tell(struct agent *a, const char *errors)
{
	struct kube_ref node = { .api_version = "v1", .kind = "Node" };

	if (!a->kube || !a->conf)
		return;
	node.name = node.uid = a->conf->node.name;
	kube_event(a->kube, &node, true, "InvalidConfiguration", errors);
}

static void
reloaded(void *ctx, const char *errors, const char *warnings, const char *summary)
{
	if (errors)
		tell(ctx, errors);
}

/* A new text: true when it is to be looked at again in a moment. */
static bool
take(struct follow *f, char *text, size_t len, const struct stat *st)
{
	bool known = composition_is_file(f->a->composition, text, len);
	bool settled = f->again && f->again_len == len && memcmp(f->again, text, len) == 0;

	forget_again(f);
	if (known || settled) {
		f->seen = *st;
		mem_free(text);
	} else {
		f->again = text;
		f->again_len = len;
		return true;
	}
	if (!known) {
		events_addf(f->a->events, IPC_LVL_NOTICE, "config-changed", "file=%s", f->a->config_name);
		agent_reload(f->a, reloaded, f->a);
	}
	return false;
}

static void
look(struct follow *f)
{
	struct timeval next = { LOOK_S, 0 };
	const char *why = NULL;
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	int fd = launcher_open_config(f->a->launcher, NULL);

	/* Not there: a moment between two of them, or somebody's mistake; what is known counts. */
	if (fd >= 0 && fstat(fd, &st) == 0 && !is_same_file(&st, &f->seen))
		text = source_read_fd(fd, CONF_TEXT_MAX, &len, &why);
	if (fd >= 0)
		close(fd);
	if (text && take(f, text, len, &st))
		next = (struct timeval){ 0, SETTLE_US };
	if (f->on)
		event_add(f->ev, &next);
}

static void
on_time(evutil_socket_t fd, short what, void *arg)
{
	look(arg);
}

void
follow_apply(struct follow *f, const struct conf *c)
{
	static const struct timeval next = { LOOK_S, 0 };
	bool on = c->ops.follow == CONF_ON ||
	    (c->ops.follow == CONF_AUTO && f->a->kube && kube_is_wanted(f->a->kube, c));

	if (on == f->on)
		return;
	f->on = on;
	forget_again(f);
	if (on)
		event_add(f->ev, &next);
	else
		event_del(f->ev);
}

struct follow *
follow_new(struct agent *a)
{
	struct follow *f = mem_zalloc(sizeof *f);

	f->a = a;
	f->ev = event_new(a->base, -1, 0, on_time, f);
	return f;
}

void
follow_free(struct follow *f)
{
	if (!f)
		return;
	forget_again(f);
	event_free(f->ev);
	mem_free(f);
}
