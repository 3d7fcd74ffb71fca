/* toml_int.h: between toml.c (keys, tables, nesting) and toml_scalar.c (one string, number or
 * date). */
#ifndef CORE_TOML_INT_H
#define CORE_TOML_INT_H

#include "core/buf.h"
#include "core/cursor.h"
#include "core/toml.h"

struct toml_read {
	struct arena *arena;
	struct err *err;
	struct cursor at;
	unsigned line;      /* of ${at}; from 1 */
	struct buf scratch; /* of the string being read */
};

/* Fails with "line N: ..."; always -1. */
int toml_bad(struct toml_read *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The octet ${ahead} places on, or -1 at the end. */
int toml_peek(const struct toml_read *r, size_t ahead);
bool toml_take_newline(struct toml_read *r); /* LF or CR LF; counts the line */
/* A quoted string at the head, several lines allowed or not. */
int toml_take_string(struct toml_read *r, bool multiline, struct slice *ret);
/* Boolean, number or date at the head. */
int toml_take_bare(struct toml_read *r, struct toml *dest);
/* The length of the UTF-8 character at p; 0 when there is none. */
size_t toml_utf8(const char *p, size_t n);

#endif
