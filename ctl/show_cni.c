/*
 * `weft cni`: the file by which container runtimes make pods.
 */
#include "ctl/ctl.h"

#include <string.h>

static void
put_content(struct ctl *c, const json_t *content)
{
	char *text = json_dumps(content, JSON_INDENT(2));

	if (text)
		print_clean(c->out, "%s\n", text);
	free(text);
}

static void
row(void *ctx, json_t *r)
{
	struct ctl *c = ctx;
	const char *state = js_str(r, "state");
	char age[UPTIME_STRLEN];

	if (strcmp(state, "off") == 0) {
		print_clean(c->out, "no CNI file is written (see cni.enabled in weft.yaml(5))\n");
		return;
	}
	print_clean(c->out, "%s: %s", js_str(r, "file"), state);
	if (js_has(r, "reason"))
		print_clean(c->out, ": %s\n", js_str(r, "reason"));
	else
		print_clean(c->out, ", since %s\n", js_uptime(r, "since_s", age));
	if (js_has(r, "foreign"))
		print_clean(c->out, "! container runtimes take %s instead, which is before it by name\n",
		    js_str(r, "foreign"));
	if (js_has(r, "content"))
		put_content(c, js_obj(r, "content"));
}

static void *
begin(struct ctl *c)
{
	return c;
}

static void
end(void *ctx, const struct client_end *e)
{
}

const struct render render_cni = {
	.key = "cni",
	.begin = begin,
	.row = row,
	.end = end,
};
