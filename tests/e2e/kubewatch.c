/*
 * The API server's client alone: one reflector, and what it tells.
 *
 * usage: kubewatch KUBECONFIG PATH [QUERY [MILLISECONDS]], those that a list may be silent
 * Prints a line for each call: "object KEY REVISION", "deleted KEY", "synced", "problem TEXT" (empty:
 * all is well), "reached SERVER" and "lost TEXT". Ends at SIGTERM, when everything is freed.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/kube/apicall.h"
#include "agent/kube/jget.h"
#include "agent/kube/reflector.h"
#include "agent/kube/tls.h"
#include "lib/mem.h"

static void
on_object(void *ctx, const char *key, const json_t *obj)
{
	const char *rv = jget_str(obj, "metadata.resourceVersion");

	printf("object %s %s\n", key, rv ? rv : "-");
}

static void
on_deleted(void *ctx, const char *key)
{
	printf("deleted %s\n", key);
}

static void
on_synced(void *ctx)
{
	printf("synced\n");
}

static void
on_problem(void *ctx, const char *why)
{
	printf("problem %s\n", why);
}

static const struct reflector_ops ops = {
	.object = on_object,
	.deleted = on_deleted,
	.synced = on_synced,
	.problem = on_problem,
};

static void
on_reached(void *ctx, const char *server)
{
	printf("reached %s\n", server);
}

static void
on_lost(void *ctx, const char *why)
{
	printf("lost %s\n", why);
}

static const char *
from_env(void *ctx, const char *name)
{
	return getenv(name);
}

static char *
from_file(void *ctx, const char *path, size_t *ret_len, char *why)
{
	FILE *f = fopen(path, "rb");
	char *text;

	if (!f) {
		snprintf(why, CREDS_WHY_MAX, "%s cannot be opened", path);
		return NULL;
	}
	text = mem_zalloc(CREDS_FILE_MAX + 1);
	*ret_len = fread(text, 1, CREDS_FILE_MAX, f);
	fclose(f);
	return text;
}

static void
on_signal(evutil_socket_t sig, short what, void *base)
{
	event_base_loopbreak(base);
}

/* The TLS module lies in the build's top folder, two above this program's. */
static void
find_tls(const char *self)
{
	static char dir[4096];

	snprintf(dir, sizeof(dir), "%.*s/../..", (int)(strrchr(self, '/') - self), self);
	tls_set_dir(dir);
}

int
main(int argc, char **argv)
{
	struct event_base *base = event_base_new();
	struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
	struct api_env env = { .base = base, .reached = on_reached, .lost = on_lost, .seed = 1 };
	struct reflector_spec spec = { 0 };
	struct reflector *r;
	struct api *api;

	if (argc < 3) {
		fprintf(stderr, "usage: kubewatch KUBECONFIG PATH [QUERY [MILLISECONDS]]\n");
		return EXIT_FAILURE;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	find_tls(argv[0]);
	env.creds = (struct creds_source){ .kubeconfig = argv[1], .env = from_env, .read = from_file };
	spec.path = argv[2];
	spec.query = argc > 3 && *argv[3] ? argv[3] : NULL;
	spec.list_ms = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
	event_add(term, NULL);
	api = api_new(&env);
	r = reflector_new(api, &spec, &ops, NULL);
	event_base_dispatch(base);
	reflector_free(r);
	api_free(api);
	event_free(term);
	event_base_free(base);
	return EXIT_SUCCESS;
}
