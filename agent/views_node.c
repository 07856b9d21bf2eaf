/*
 * What is shown of this node's readiness for pods: has it its routes, and the CNI file.
 */
#include <string.h>

#include "agent/cni.h"
#include "agent/routed.h"
#include "agent/views.h"
#include "lib/mem.h"

void
view_convergence(struct out *o, const char *key, const struct agent *a)
{
	const struct converge *c = routed_state(a->routed);
	char text[IPC_TEXT_MAX];

	out_open(o, key);
	out_bool(o, "converged", c->done);
	out_bool(o, "timed_out", c->timed_out);
	if (c->begun)
		out_u64(o, "took_ms", converge_took_us(c, agent_now()) / 1000);
	else
		out_null(o, "took_ms");
	out_str(o, "text", routed_text(a->routed, text, sizeof text));
	out_close(o);
}

/* JSON text of several lines as one: a row is a line. */
static void
out_joined(struct out *o, const char *key, const char *json)
{
	char *line = mem_strdup(json), *to = line;

	for (const char *c = json; *c; c++)
		if (*c == '\n')
			c += strspn(c + 1, " ");
		else
			*to++ = *c;
	*to = '\0';
	out_raw(o, key, line);
	mem_free(line);
}

void
view_cni(struct out *o, const struct agent *a)
{
	struct cni_view v = cni_view(a->cni);

	out_str(o, "file", v.file);
	out_str(o, "state", cni_state_name(v.state));
	out_str(o, "reason", v.why[0] ? v.why : NULL);
	out_str(o, "foreign", v.foreign[0] ? v.foreign : NULL);
	if (v.at.us)
		out_u64(o, "since_s", mono_diff_us(agent_now(), v.at) / 1000000);
	else
		out_null(o, "since_s");
	out_u64(o, "writes", v.writes);
	if (v.text)
		out_joined(o, "content", v.text);
	else
		out_null(o, "content");
}
