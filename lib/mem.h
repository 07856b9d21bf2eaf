/*
 * Memory: allocate or die. Out of memory aborts the process; whoever watches it
 * starts it again, and no caller carries an untested cleanup ladder. No result is
 * NULL, not even for 0 octets. Everything is given back with mem_free().
 */
#ifndef LIB_MEM_H
#define LIB_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* n octets, not initialised; zeroed with mem_zalloc(). */
void *mem_alloc(size_t n) __attribute__((malloc, returns_nonnull));
void *mem_zalloc(size_t n) __attribute__((malloc, returns_nonnull));

/* p, from here or NULL, made n octets large; the old pointer is void. */
void *mem_realloc(void *p, size_t n) __attribute__((returns_nonnull));

/* The same for n elements of `size` octets; a product that overflows aborts. */
void *mem_realloc_array(void *p, size_t n, size_t size) __attribute__((returns_nonnull));

/* n zeroed elements of `size` octets; a product that overflows aborts. */
void *mem_zalloc_array(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/* The same, the first of them where a line of the processor's cache (64 octets) begins. */
void *mem_zalloc_lines(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/* Copies, owned by the caller. mem_strndup() reads at most n octets and adds the NUL. */
void *mem_dup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *mem_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));

/* A formatted string, owned by the caller. */
char *mem_printf(const char *fmt, ...)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 2)));
char *mem_vprintf(const char *fmt, va_list ap)
    __attribute__((malloc, returns_nonnull, format(printf, 1, 0)));

/* NULL is fine. */
void mem_free(void *p);

#endif
