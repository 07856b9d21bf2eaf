/*
 * Kubeconfig and service account.
 *
 * Of a kubeconfig the current context counts. What would need another program or weaken the check
 * of the server (exec, auth-provider, insecure-skip-tls-verify, a proxy) is refused in words
 * rather than left out silently.
 */
#include "agent/kube/creds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/mem.h"
#include "lib/yamlcfg.h"

#define NAMESPACE_DEFAULT "kube-system"

static bool
fail(char *why, const char *what, const char *which)
{
	snprintf(why, CREDS_WHY_MAX, "%s%s%s", what, which ? ": " : "", which ? which : "");
	return false;
}

/* ---- base64 -------------------------------------------------------------- */

static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

char *
creds_base64(const char *text, size_t len, size_t *ret_len)
{
	char *out = mem_alloc(len / 4 * 3 + 4);
	size_t n = 0, digits = 0, pads = 0;
	uint32_t v = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < len; i++) {
		int d = sextet(text[i]);

		if (is_blank(text[i]))
			continue;
		if (text[i] == '=' && digits % 4 >= 2 && pads < 2) {
			pads++;
			continue;
		}
		if (d < 0 || pads > 0) {
			mem_free(out);
			return NULL;
		}
		v = v << 6 | (uint32_t)d;
		bits += 6;
		digits++;
		if (bits >= 8) {
			bits -= 8;
			out[n++] = (char)(v >> bits & 0xff);
		}
	}
	if (digits % 4 == 1 || (pads && (digits + pads) % 4 != 0)) {
		mem_free(out);
		return NULL;
	}
	out[n] = '\0';
	*ret_len = n;
	return out;
}

/* ---- the server's URL ---------------------------------------------------- */

static bool
is_loopback(const char *host)
{
	return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "::1") == 0;
}

/* ":6443" and the path that follows. */
static bool
parse_port_and_path(struct creds *c, const char *s)
{
	unsigned long port = c->tls ? 443 : 80;
	char *end = (char *)s;

	if (*s == ':') {
		port = strtoul(s + 1, &end, 10);
		if (end == s + 1 || s[1] < '0' || s[1] > '9' || port == 0 || port > 65535)
			return false;
	}
	if (*end && *end != '/')
		return false;
	c->port = (uint16_t)port;
	c->base = mem_strdup(end);
	for (size_t n = strlen(c->base); n > 0 && c->base[n - 1] == '/'; n--)
		c->base[n - 1] = '\0';
	return true;
}

/* https://HOST[:PORT][/PATH]; plain http only to this host, for a proxy that adds credentials. */
static bool
parse_server(struct creds *c, const char *url, char *why)
{
	const char *s = url;
	size_t n;

	c->tls = strncmp(s, "https://", 8) == 0;
	if (!c->tls && strncmp(s, "http://", 7) != 0)
		return fail(why, "the API server's URL does not begin with https://", url);
	s += c->tls ? 8 : 7;
	if (strpbrk(s, " \t\r\n\"\\@?#"))
		return fail(why, "not a URL of an API server", url);
	if (*s == '[') {
		n = strcspn(++s, "]");
		c->host = mem_strndup(s, n);
		s += n + (s[n] == ']');
	} else {
		n = strcspn(s, ":/");
		c->host = mem_strndup(s, n);
		s += n;
	}
	if (!c->host[0] || !parse_port_and_path(c, s))
		return fail(why, "not a URL of an API server", url);
	if (!c->tls && !is_loopback(c->host))
		return fail(why, "plain http is only for a server on this host", url);
	return true;
}

/* ---- service account ------------------------------------------------------ */

/* A token is one word of visible characters: it goes into a header. */
static bool
take_token(struct creds *c, char *text, const char *from, char *why)
{
	size_t n = strlen(text);

	while (n > 0 && is_blank(text[n - 1]))
		text[--n] = '\0';
	mem_free(c->token);
	c->token = text;
	c->kind = CREDS_TOKEN;
	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] == 0x7f)
			return fail(why, "not a token", from);
	return n > 0 || fail(why, "empty token", from);
}

bool
creds_in_cluster(const struct creds_source *s)
{
	const char *host = s->env ? s->env(s->ctx, "KUBERNETES_SERVICE_HOST") : NULL;
	const char *port = s->env ? s->env(s->ctx, "KUBERNETES_SERVICE_PORT") : NULL;

	return host && *host && port && *port;
}

static char *
in_cluster_url(const struct creds_source *s)
{
	const char *host = s->env(s->ctx, "KUBERNETES_SERVICE_HOST");

	return mem_printf(strchr(host, ':') ? "https://[%s]:%s" : "https://%s:%s", host,
	    s->env(s->ctx, "KUBERNETES_SERVICE_PORT"));
}

static bool
load_in_cluster(const struct creds_source *s, struct creds *c, char *why)
{
	char *url, *text;
	size_t len;
	bool ok;

	if (!creds_in_cluster(s) && !s->server)
		return fail(why, "no kubernetes.kubeconfig is set, and this is no pod of a cluster "
		    "(no KUBERNETES_SERVICE_HOST)", NULL);
	c->in_cluster = true;
	url = s->server ? mem_strdup(s->server) : in_cluster_url(s);
	ok = parse_server(c, url, why);
	mem_free(url);
	if (!ok)
		return false;
	text = s->read(s->ctx, CREDS_SERVICE_ACCOUNT "/token", &len, why);
	if (!text || !take_token(c, text, CREDS_SERVICE_ACCOUNT "/token", why))
		return false;
	c->ca = s->read(s->ctx, CREDS_SERVICE_ACCOUNT "/ca.crt", &len, why);
	if (!c->ca)
		return false;
	c->namespace = s->read(s->ctx, CREDS_SERVICE_ACCOUNT "/namespace", &len, why);
	why[0] = '\0';
	return true;
}

/* ---- kubeconfig ----------------------------------------------------------- */

static const struct ynode *
member(const struct ynode *n, const char *key)
{
	for (size_t i = 0; n && n->kind == YNODE_MAP && i < n->n; i++)
		if (strcmp(n->pair[i].key, key) == 0)
			return n->pair[i].val;
	return NULL;
}

/* NULL: not there, empty, or no plain value. */
static const char *
text_of(const struct ynode *n, const char *key)
{
	const struct ynode *v = member(n, key);

	return v && v->kind == YNODE_SCALAR && v->len > 0 && strlen(v->text) == v->len &&
		       !ynode_is_null(v) ?
		   v->text :
		   NULL;
}

/* In root.LIST the element of that name, its member WHAT: clusters, contexts, users. */
static const struct ynode *
named(const struct ynode *root, const char *list, const char *what, const char *name)
{
	const struct ynode *l = member(root, list);

	for (size_t i = 0; l && l->kind == YNODE_SEQ && i < l->n; i++) {
		const char *n = text_of(l->item[i], "name");

		if (n && strcmp(n, name) == 0)
			return member(l->item[i], what);
	}
	return NULL;
}

struct load {
	const struct creds_source *s;
	char *why;
};

/* A path in a kubeconfig is relative to it. */
static char *
beside(const char *kubeconfig, const char *path)
{
	const char *slash = strrchr(kubeconfig, '/');

	if (path[0] == '/' || !slash)
		return mem_strdup(path);
	return mem_printf("%.*s/%s", (int)(slash - kubeconfig), kubeconfig, path);
}

/* KEY-data, else the file KEY, into *ret; false when it is there but cannot be read. */
static bool
load_pem(const struct load *l, const struct ynode *n, const char *key, char **ret)
{
	char data_key[64];
	const char *data, *path = text_of(n, key);
	char *full;
	size_t len;

	snprintf(data_key, sizeof data_key, "%s-data", key);
	data = text_of(n, data_key);
	if (data) {
		*ret = creds_base64(data, strlen(data), &len);
		return *ret || fail(l->why, "kubeconfig: not base64", data_key);
	}
	if (!path)
		return true;
	full = beside(l->s->kubeconfig, path);
	*ret = l->s->read(l->s->ctx, full, &len, l->why);
	mem_free(full);
	return *ret != NULL;
}

static bool
load_cluster(const struct load *l, const struct ynode *n, struct creds *c)
{
	const char *server = l->s->server ? l->s->server : text_of(n, "server");
	const char *name = text_of(n, "tls-server-name"), *skip = text_of(n, "insecure-skip-tls-verify");

	if (!server)
		return fail(l->why, "kubeconfig: its cluster has no server", NULL);
	if (text_of(n, "proxy-url"))
		return fail(l->why, "kubeconfig: proxy-url is not supported", NULL);
	if (skip && strcmp(skip, "true") == 0)
		return fail(l->why, "kubeconfig: insecure-skip-tls-verify is not supported: give the "
		    "CA in certificate-authority", NULL);
	c->name = name ? mem_strdup(name) : NULL;
	return parse_server(c, server, l->why) && load_pem(l, n, "certificate-authority", &c->ca);
}

static bool
load_user_token(const struct load *l, const struct ynode *n, struct creds *c)
{
	const char *token = text_of(n, "token"), *path = text_of(n, "tokenFile");
	char *full, *text;
	size_t len;

	if (!path)
		return !token || take_token(c, mem_strdup(token), "kubeconfig", l->why);
	full = beside(l->s->kubeconfig, path);
	text = l->s->read(l->s->ctx, full, &len, l->why);
	mem_free(full);
	return text && take_token(c, text, path, l->why);
}

static bool
load_user(const struct load *l, const struct ynode *n, struct creds *c)
{
	static const char *const refused[] = { "exec", "auth-provider", "username", "password", "as" };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (member(n, refused[i]))
			return fail(l->why, "kubeconfig: its user has what is not supported", refused[i]);
	if (!load_pem(l, n, "client-certificate", &c->cert) || !load_pem(l, n, "client-key", &c->key))
		return false;
	if (!c->cert != !c->key)
		return fail(l->why, "kubeconfig: client-certificate and client-key go together", NULL);
	c->kind = c->cert ? CREDS_CERTIFICATE : CREDS_NONE;
	return load_user_token(l, n, c);
}

static bool
load_context(const struct load *l, const struct ynode *root, struct creds *c)
{
	const char *current = text_of(root, "current-context"), *cluster, *user, *ns;
	const struct ynode *ctx = current ? named(root, "contexts", "context", current) : NULL;
	const struct ynode *cn, *un;

	if (!ctx)
		return fail(l->why, "kubeconfig: no such context", current ? current : "(none is current)");
	cluster = text_of(ctx, "cluster");
	user = text_of(ctx, "user");
	ns = text_of(ctx, "namespace");
	cn = cluster ? named(root, "clusters", "cluster", cluster) : NULL;
	un = user ? named(root, "users", "user", user) : NULL;
	if (!cn)
		return fail(l->why, "kubeconfig: no such cluster", cluster ? cluster : "(none is named)");
	if (user && !un)
		return fail(l->why, "kubeconfig: no such user", user);
	c->namespace = ns ? mem_strdup(ns) : NULL;
	c->kind = CREDS_NONE;
	return load_cluster(l, cn, c) && (!un || load_user(l, un, c));
}

static bool
load_kubeconfig(const struct creds_source *s, struct creds *c, char *why)
{
	struct load l = { s, why };
	struct conf_errs errs;
	struct ydoc *d;
	size_t len;
	char *text = s->read(s->ctx, s->kubeconfig, &len, why);
	bool ok;

	if (!text)
		return false;
	conf_errs_init(&errs);
	d = ydoc_parse(text, len, &errs);
	explicit_bzero(text, len);
	mem_free(text);
	if (!d || errs.nerrors > 0) {
		char *what = errs.n ? mem_printf("line %u: %s", errs.v[0].line, errs.v[0].wanted) :
				      mem_strdup("empty");
		ok = fail(why, "kubeconfig", what);
		mem_free(what);
	} else {
		ok = load_context(&l, d->root, c);
	}
	ydoc_free(d);
	conf_errs_free(&errs);
	return ok;
}

/* ---- the whole ------------------------------------------------------------ */

static void
trim(char *s)
{
	size_t n = s ? strlen(s) : 0;

	while (n > 0 && is_blank(s[n - 1]))
		s[--n] = '\0';
}

bool
creds_load(const struct creds_source *s, struct creds *ret, char *why)
{
	memset(ret, 0, sizeof *ret);
	why[0] = '\0';
	if (s->kubeconfig ? !load_kubeconfig(s, ret, why) : !load_in_cluster(s, ret, why)) {
		creds_free(ret);
		return false;
	}
	trim(ret->namespace);
	if (s->namespace || !ret->namespace || !ret->namespace[0]) {
		mem_free(ret->namespace);
		ret->namespace = mem_strdup(s->namespace ? s->namespace : NAMESPACE_DEFAULT);
	}
	if (!ret->name)
		ret->name = mem_strdup(ret->host);
	if (!ret->tls && ret->kind != CREDS_NONE) {
		creds_free(ret);
		return fail(why, "credentials are not sent over plain http", NULL);
	}
	return true;
}

static void
wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	mem_free(s);
}

void
creds_free(struct creds *c)
{
	mem_free(c->host);
	mem_free(c->base);
	mem_free(c->name);
	mem_free(c->ca);
	mem_free(c->cert);
	wipe(c->key);
	wipe(c->token);
	mem_free(c->namespace);
	memset(c, 0, sizeof *c);
}

static bool
same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool
creds_same_server(const struct creds *a, const struct creds *b)
{
	return a->kind == b->kind && a->tls == b->tls && a->port == b->port && same(a->host, b->host) &&
	       same(a->base, b->base) && same(a->name, b->name) && same(a->ca, b->ca) &&
	       same(a->cert, b->cert) && same(a->key, b->key) && same(a->namespace, b->namespace);
}

bool
creds_equal(const struct creds *a, const struct creds *b)
{
	return creds_same_server(a, b) && same(a->token, b->token);
}

const char *
creds_kind_str(const struct creds *c)
{
	if (c->in_cluster)
		return "service-account";
	return c->kind == CREDS_TOKEN ? "token" : c->kind == CREDS_CERTIFICATE ? "certificate" : "none";
}
