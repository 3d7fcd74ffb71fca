/* buf.c: how do bytes grow without growing for ever? */
#include "core/buf.h"

#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf)BUF_INIT(max);
}

void buf_free(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->failed = false;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

void buf_cut(struct buf *b, size_t n)
{
	if (n < b->n)
		b->n = n;
}

char *buf_room(struct buf *b, size_t n)
{
	size_t cap = b->cap;
	char *p;

	if (b->failed || n > b->max - b->n) {
		b->failed = true;
		return (NULL);
	}
	if (b->n + n <= cap && b->p != NULL)
		return (b->p + b->n);
	if (cap < 64)
		cap = 64;
	while (cap < b->n + n)
		cap = cap > SIZE_MAX / 2 ? b->n + n : cap * 2;
	if (cap > b->max)
		cap = b->max > 0 ? b->max : 1;
	if ((p = realloc(b->p, cap)) == NULL) {
		b->failed = true;
		return (NULL);
	}
	b->p = p;
	b->cap = cap;
	return (b->p + b->n);
}

void buf_grew(struct buf *b, size_t n)
{
	b->n += n;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
	char *at = buf_room(b, n);

	if (at == NULL)
		return (-1);
	if (n > 0)
		memcpy(at, p, n);
	b->n += n;
	return (0);
}

int buf_add_slice(struct buf *b, struct slice s)
{
	return (buf_add(b, s.p, s.n));
}

int buf_addz(struct buf *b, const char *z)
{
	return (buf_add(b, z, strlen(z)));
}

int buf_addc(struct buf *b, char c)
{
	return (buf_add(b, &c, 1));
}

int buf_add_u64(struct buf *b, uint64_t v)
{
	char digits[20], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	return (buf_add(b, at, (size_t)(digits + sizeof(digits) - at)));
}

int buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;
	char *at;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	/* one octet more for the NUL that vsnprintf writes; it is not counted */
	if (n < 0 || (at = buf_room(b, (size_t)n + 1)) == NULL) {
		b->failed = true;
		return (-1);
	}
	(void)vsnprintf(at, (size_t)n + 1, fmt, ap);
	b->n += (size_t)n;
	return (0);
}

int buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_vfmt(b, fmt, ap);
	va_end(ap);
	return (rc);
}

struct slice buf_slice(const struct buf *b)
{
	return ((struct slice){ b->n > 0 ? b->p : "", b->n });
}

const char *buf_z(struct buf *b)
{
	char *end;

	if (b->failed || (end = buf_room(b, 1)) == NULL)
		return ("");
	*end = '\0';
	return (b->p);
}

char *buf_steal(struct buf *b, size_t *ret_n)
{
	char *p = b->p;

	*ret_n = b->n;
	buf_init(b, b->max);
	return (p);
}
