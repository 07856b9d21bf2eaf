/*
 * Any file as a kubeconfig: credentials that are whole, or the reason in one line.
 */
#include <string.h>

#include "agent/kube/creds.h"
#include "lib/mem.h"
#include "tests/fuzz/fuzz.h"

struct file {
	const uint8_t *in;
	size_t len;
	unsigned reads;
};

static const char *
no_env(void *ctx, const char *name)
{
	return NULL;
}

/* The first file is the input; those that it names are there, or not, in turn. */
static char *
read_file(void *ctx, const char *path, size_t *ret_len, char *why)
{
	struct file *f = ctx;
	char *text;

	HOLD(path && *path);
	if (f->reads++ > 0 && f->reads % 2) {
		snprintf(why, CREDS_WHY_MAX, "not there");
		return NULL;
	}
	text = mem_zalloc(f->len + 1);
	memcpy(text, f->in, f->len);
	*ret_len = f->len;
	return text;
}

static void
check(const struct creds *c)
{
	HOLD(c->host && *c->host && c->port && c->base && c->namespace && *c->namespace);
	HOLD(!c->tls || (c->name && *c->name));
	HOLD(c->kind != CREDS_TOKEN || (c->token && *c->token));
	HOLD(c->kind != CREDS_CERTIFICATE || (c->cert && c->key));
	HOLD(creds_equal(c, c) && creds_same_server(c, c));
}

int
LLVMFuzzerTestOneInput(const uint8_t *in, size_t len)
{
	struct file f = { .in = in, .len = len };
	struct creds_source s = { .kubeconfig = "kubeconfig", .env = no_env, .read = read_file, .ctx = &f };
	struct creds c = { 0 };
	char why[CREDS_WHY_MAX] = "", *out;
	size_t n;

	if (creds_load(&s, &c, why))
		check(&c);
	else
		HOLD(*why && memchr(why, '\0', sizeof(why)) && !c.token && !c.key);
	creds_free(&c);
	out = creds_base64((const char *)in, len, &n);
	HOLD(!out || (n <= len && out[n] == '\0'));
	mem_free(out);
	return 0;
}
