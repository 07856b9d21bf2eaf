/*
 * Allocate or die. See mem.h.
 */
#include "lib/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_OCTETS 64

void *
mem_alloc(size_t n)
{
	return mem_realloc(NULL, n);
}

void *
mem_zalloc(size_t n)
{
	return mem_zalloc_array(1, n);
}

void *
mem_realloc(void *p, size_t n)
{
	p = realloc(p, n > 0 ? n : 1);
	if (!p)
		abort();
	return p;
}

/* n * size, or abort. */
static size_t
product(size_t n, size_t size)
{
	size_t ret;

	if (__builtin_mul_overflow(n, size, &ret))
		abort();
	return ret;
}

void *
mem_realloc_array(void *p, size_t n, size_t size)
{
	return mem_realloc(p, product(n, size));
}

void *
mem_zalloc_array(size_t n, size_t size)
{
	size_t octets = product(n, size);
	void *p = calloc(1, octets > 0 ? octets : 1);

	if (!p)
		abort();
	return p;
}

void *
mem_zalloc_lines(size_t n, size_t size)
{
	size_t octets = product(n, size);
	void *p;

	if (posix_memalign(&p, LINE_OCTETS, octets > 0 ? octets : 1) != 0)
		abort();
	return memset(p, 0, octets);
}

void *
mem_dup(const void *p, size_t n)
{
	void *ret = mem_alloc(n);

	if (n > 0)
		memcpy(ret, p, n);
	return ret;
}

char *
mem_strdup(const char *s)
{
	return mem_dup(s, strlen(s) + 1);
}

char *
mem_strndup(const char *s, size_t n)
{
	size_t len = strnlen(s, n);
	char *ret = mem_alloc(len + 1);

	memcpy(ret, s, len);
	ret[len] = '\0';
	return ret;
}

char *
mem_vprintf(const char *fmt, va_list ap)
{
	va_list again;
	char *ret;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		abort();
	ret = mem_alloc((size_t)n + 1);
	vsnprintf(ret, (size_t)n + 1, fmt, ap);
	return ret;
}

char *
mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *ret;

	va_start(ap, fmt);
	ret = mem_vprintf(fmt, ap);
	va_end(ap);
	return ret;
}

void
mem_free(void *p)
{
	free(p);
}
