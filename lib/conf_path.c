/*
 * Paths of options. Keys come from a file: control characters are escaped.
 */
#include "lib/conf_path.h"

#include <stdio.h>
#include <string.h>

#include "lib/out.h"

size_t
conf_path_key(struct conf_path *p, const char *key)
{
	size_t was = p->len;

	if (p->len > 0 && p->len + 1 < sizeof(p->buf))
		p->buf[p->len++] = '.';
	p->len += out_escape(p->buf + p->len, sizeof(p->buf) - p->len, key, strlen(key), NULL);
	return was;
}

size_t
conf_path_index(struct conf_path *p, size_t i)
{
	size_t was = p->len;
	char buf[32];

	snprintf(buf, sizeof(buf), "[%zu]", i);
	p->len += out_escape(p->buf + p->len, sizeof(p->buf) - p->len, buf, strlen(buf), NULL);
	return was;
}

void
conf_path_cut(struct conf_path *p, size_t len)
{
	p->len = len;
	p->buf[len] = '\0';
}
