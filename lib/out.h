/*
 * Writers for what people and programs read: JSON streamed into a growing buffer,
 * and plain-text tables.
 *
 * JSON (RFC 8259): one walk writes
 *	out_open(o, NULL);  out_str(o, "peer", "tor1");  out_u64(o, "as", 65000);
 *	out_open_array(o, "families");  out_str(o, NULL, "ipv4");  out_close(o);
 *	out_close(o);
 * The key is NULL for elements of an array and for the outermost value, and is
 * given everywhere else; anything else aborts, as does a close too many. Strings
 * are arbitrary octets: control characters are escaped and octets that are not
 * UTF-8 become U+FFFD, so the result is valid JSON always.
 */
#ifndef LIB_OUT_H
#define LIB_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUT_DEPTH_MAX 32

struct out {
	char *buf; /* NUL-terminated once something was written */
	size_t len, cap;
	unsigned depth;
	uint32_t arrays; /* bit d: the container at depth d is an array */
	bool indent;	 /* two spaces per level and newlines; else compact */
	bool comma;	 /* a value stands before in this container */
};

/* A fresh writer; out_free() gives its buffer back. */
void out_init(struct out *o, bool indent);
void out_free(struct out *o);

/* Forget what was written and keep the buffer. */
void out_reset(struct out *o);

/* Open an object (array); out_close() closes the innermost of either kind. */
void out_open(struct out *o, const char *key);
void out_open_array(struct out *o, const char *key);
void out_close(struct out *o);

/* One value. out_str() writes null for NULL; out_fmt() a formatted string. */
void out_str(struct out *o, const char *key, const char *s);
void out_strn(struct out *o, const char *key, const char *s, size_t n);
void out_fmt(struct out *o, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void out_u64(struct out *o, const char *key, uint64_t v);
void out_i64(struct out *o, const char *key, int64_t v);
void out_bool(struct out *o, const char *key, bool v);
void out_null(struct out *o, const char *key);
void out_double(struct out *o, const char *key, double v); /* null when not finite */

/* A value that is JSON text already. */
void out_raw(struct out *o, const char *key, const char *json);

/* Octets as they are, between whole values only: a newline between two documents. */
void out_lit(struct out *o, const char *s);

/* What was written so far, NUL-terminated, borrowed; never NULL. */
const char *out_text(const struct out *o);

/* Hand the buffer to the caller (mem_free()) and start over; *ret_len may be NULL. */
char *out_take(struct out *o, size_t *ret_len);

/*
 * Append s (n octets) to a buffer of cap octets at dst as a JSON string's inside:
 * escaped, without the quotes, NUL-terminated, cut before the escape or character
 * that does not fit. Returns the octets written without the NUL; *ret_cut (may be
 * NULL) says whether it was cut.
 */
size_t out_escape(char *dst, size_t cap, const char *s, size_t n, bool *ret_cut);

/* One UTF-8 character at s (n octets, n > 0): its octets, or 0 when it is not valid (RFC 3629). */
size_t utf8_len(const char *s, size_t n);

/* Columns a text takes on a terminal: its UTF-8 code points; invalid octets count one each. */
size_t utf8_width(const char *s);

/* ---- tables ---- */

struct table_col {
	const char *head;
	bool right; /* numbers */
	bool wide;  /* shown only when the table is wide */
};

struct table {
	const struct table_col *col;
	size_t ncols;
	bool wide;
	char **cell; /* row by row */
	size_t ncells, cap;
};

/* A table of these columns (borrowed); wide shows the wide ones, too. */
void table_init(struct table *t, const struct table_col *col, size_t ncols, bool wide);
void table_free(struct table *t);

/*
 * The next cell, left to right; after the last column a new row begins. Cells of
 * hidden columns are given all the same. NULL and "" print as "-". Control
 * characters are shown as "?", so that nobody's text moves the cursor.
 */
void table_cell(struct table *t, const char *s);
void table_cellf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* As table_cell(), but empty stays blank: continuation lines of an entry. */
void table_blank(struct table *t);

/* Fill the rest of the row with blanks. */
void table_end_row(struct table *t);

/* Whole rows. */
size_t table_rows(const struct table *t);

/*
 * The text, owned by the caller: head line (unless !heads), two spaces between
 * columns, no trailing spaces. "" for a table without rows: say what is missing instead.
 */
char *table_render(const struct table *t, bool heads);

#endif
