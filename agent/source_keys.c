/*
 * Secrets of peers and of others: out of files, which weftd opens, and of the environment.
 */
#include "agent/source_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/kube/secrets.h"
#include "agent/launcher.h"
#include "agent/tcp_ao.h"
#include "lib/conf.h"
#include "lib/mem.h"

char *
source_read_fd(int fd, size_t cap, size_t *ret_len, const char **ret_why)
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
	key = source_read_fd(fd, 4096, &len, &why);
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

_Static_assert(SOURCE_SECRET_MAX == TCP_KEY_MAX, "one kind of secret");

bool
source_secret(struct agent *a, const struct source_secret *from, uint8_t ret[SOURCE_SECRET_MAX],
    size_t *ret_len, char *ret_problem, bool *ret_later)
{
	uint8_t len = 0;
	struct key_to to = { ret, &len };
	bool later = false, ok;

	if (from->secret) {
		ok = kube_secret(a->kube, from->secret, from->key, ret, ret_len, ret_problem, &later);
	} else {
		ok = from->file ? key_from_file(a, &to, from->file, ret_problem) :
				  key_from_env(&to, from->env, ret_problem);
		*ret_len = len;
	}
	if (ret_later)
		*ret_later = later;
	return ok;
}

/* One file has the key of a whole mesh: it is read once. */
static bool
key_of_file(struct agent *a, struct tcp_peer *t, const char *path, char *problem)
{
	struct key_cache *k = &a->source->key;

	if (!k->path || strcmp(k->path, path) != 0) {
		k->path = path;
		k->problem[0] = '\0';
		k->ok = key_from_file(a, &(struct key_to){ k->key, &k->key_len }, path, k->problem);
	}
	memcpy(t->key, k->key, sizeof t->key);
	t->key_len = k->ok ? k->key_len : 0;
	if (!k->ok)
		memcpy(problem, k->problem, sizeof k->problem);
	return k->ok;
}

/*
 * A missing secret stops the peer: never fall back to no password. One that cannot be asked for (the
 * way to the API server has changed) is what it was.
 */
bool
source_load_key(struct agent *a, const struct conf_peer *c, const struct tcp_peer *was,
    struct tcp_peer *t, char *problem)
{
	struct source_secret from = { c->password_file, c->password_env, c->password_secret,
		c->password_key };
	bool later = false, ok;
	size_t len = 0;

	if (c->ao_names.n > 0)
		return load_ao(a, c, t, problem);
	if (!from.file && !from.env && !from.secret)
		return true;
	if (from.file)
		return key_of_file(a, t, from.file, problem);
	ok = source_secret(a, &from, t->key, &len, problem, &later);
	t->key_len = (uint8_t)len;
	if (ok || !later || !was || was->key_len == 0)
		return ok;
	memcpy(t->key, was->key, sizeof t->key);
	t->key_len = was->key_len;
	problem[0] = '\0';
	return true;
}
