/*
 * Numbers under /proc/sys; see sysctl.h.
 *
 * A file of an interface that is gone, or has another name now, cannot be read any more: then it
 * is opened anew.
 */
#include "agent/sysctl.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/mem.h"

#define KEPT_MAX 64 /* files open at once; others are opened each time */
#define NAME_OCTETS 64

struct kept {
	char name[NAME_OCTETS];
	int fd;
};

struct sysctls {
	struct kept *v; /* in the order in which they are read */
	size_t n, next;
};

/* False: it cannot be read, and *ret is -1. */
static bool
read_number(int fd, int *ret)
{
	char text[16];
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof text - 1, 0);

	*ret = -1;
	if (n <= 0)
		return false;
	text[n] = '\0';
	*ret = atoi(text);
	return true;
}

static int
open_file(const char *name)
{
	char path[NAME_OCTETS + 16];

	snprintf(path, sizeof path, "/proc/sys/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void
kept_close(struct kept *k)
{
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
}

/* The next of the round, which is that file from now on. */
static struct kept *
kept_next(struct sysctls *s, const char *name)
{
	struct kept *k;

	if (s->next == KEPT_MAX)
		return NULL;
	if (s->next == s->n) {
		s->v = mem_realloc(s->v, (s->n + 1) * sizeof s->v[0]);
		s->v[s->n++] = (struct kept){ .fd = -1 };
	}
	k = &s->v[s->next++];
	if (strcmp(k->name, name) != 0) {
		kept_close(k);
		snprintf(k->name, sizeof k->name, "%s", name);
	}
	return k;
}

static int
number_once(const char *name)
{
	int number, fd = open_file(name);

	read_number(fd, &number);
	if (fd >= 0)
		close(fd);
	return number;
}

int
sysctls_number(struct sysctls *s, const char *fmt, const char *name)
{
	char full[NAME_OCTETS];
	struct kept *k;
	int number;

	snprintf(full, sizeof full, fmt, name);
	k = kept_next(s, full);
	if (!k)
		return number_once(full);
	if (read_number(k->fd, &number))
		return number;
	kept_close(k);
	k->fd = open_file(full);
	read_number(k->fd, &number);
	return number;
}

void
sysctls_begin(struct sysctls *s)
{
	s->next = 0;
}

struct sysctls *
sysctls_new(void)
{
	return mem_zalloc(sizeof(struct sysctls));
}

void
sysctls_free(struct sysctls *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		kept_close(&s->v[i]);
	mem_free(s->v);
	mem_free(s);
}
