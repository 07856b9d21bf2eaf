/*
 * Contradictions in BFD profiles, and peers that name one that is not there.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/conf_check.h"
#include "lib/conf_suggest.h"

#define AUTH "bfdProfiles[].authentication"

/* Words that peers write in place of a name. */
static bool
is_reserved(const char *name)
{
	return strcmp(name, CONF_BFD_OFF) == 0 || strcmp(name, "true") == 0 || strcmp(name, "false") == 0;
}

static void
check_profile(struct conf_ctx *ctx, const struct conf_bfd *b)
{
	struct conf_clash at = { .base = b, .path = AUTH ".password", .item = -1, .other = AUTH ".type" };

	if (b->name && is_reserved(b->name))
		conf_clash(ctx, &(struct conf_clash){ .base = b, .path = AUTH, .item = -1 },
		    "\"%s\" cannot be the name of a profile: it says whether there is BFD", b->name);
	if (b->auth != CONF_BFD_AUTH_NONE && !b->password_file && !b->password_env &&
	    !b->password_secret) {
		at.path = AUTH ".type";
		conf_clash(ctx, &at, "authentication needs a password: want {file: PATH}, {env: NAME} or "
				       "{secretKeyRef: {name: NAME, key: KEY}}");
	}
	if (b->auth == CONF_BFD_AUTH_NONE && (b->password_file || b->password_env || b->password_secret)) {
		at.path = b->password_file ? AUTH ".password.file" :
		    b->password_env	   ? AUTH ".password.env" :
					     AUTH ".password.secretKeyRef";
		conf_clash(ctx, &at, "a password without a type of authentication is of no use");
	}
	if (b->password_file && b->password_env) {
		at.path = AUTH ".password.env";
		at.other = AUTH ".password.file";
		conf_clash(ctx, &at, "file stands here, too; keep one of them");
	}
	if (!opt_is_set(b, opt_find(AUTH ".password.secretKeyRef")))
		return;
	at.path = AUTH ".password.secretKeyRef";
	at.other = NULL;
	if (b->password_file || b->password_env)
		conf_clash(ctx, &at, "%s stands here, too; keep one of them", b->password_file ? "file" : "env");
	else if (!b->password_secret || !b->password_key)
		conf_clash(ctx, &at, "want {name: NAME, key: KEY}");
	else if (!conf_is_object_name(b->password_secret) || !conf_is_object_name(b->password_key))
		conf_clash(ctx, &at, "names in Kubernetes have letters, digits, -, . and _");
}

static void
check_name(struct conf_ctx *ctx, const void *base, const char *path, const char *name)
{
	struct conf_clash at = { .base = base, .path = path, .item = -1 };
	struct conf_suggest s;

	if (!name || strcmp(name, CONF_BFD_OFF) == 0 || strcmp(name, CONF_BFD_DEFAULT) == 0 ||
	    conf_bfd_find(ctx->c, name))
		return;
	s = conf_suggest_for(name);
	for (size_t i = 0; i < ctx->c->bfd.n; i++)
		conf_suggest_offer(&s, ctx->c->bfd.v[i].name);
	conf_clash_name(ctx, at, conf_suggest_best(&s), "profile of bfdProfiles", name);
}

void
conf_check_bfd(struct conf_ctx *ctx)
{
	struct conf *c = ctx->c;
	const struct opt *o = opt_find("peers[].bfd");

	for (size_t i = 0; i < c->bfd.n; i++)
		check_profile(ctx, &c->bfd.v[i]);
	check_name(ctx, c, "bgp.bfd", c->bgp.bfd);
	for (size_t i = 0; i < c->peers.n; i++)
		if (conf_is_written(ctx, &c->peers.v[i], o))
			check_name(ctx, &c->peers.v[i], o->path, c->peers.v[i].bfd);
	for (size_t i = 0; i < c->bgp.mesh.n; i++)
		if (conf_is_written(ctx, &c->bgp.mesh.v[i], o))
			check_name(ctx, &c->bgp.mesh.v[i], o->path, c->bgp.mesh.v[i].bfd);
}
