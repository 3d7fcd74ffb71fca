/* buf.h: growing bytes whose maximum is fixed at birth. An addition that would pass the maximum, or
 * for which memory is gone, changes nothing, sets ${failed} and returns -1; later additions fail too, so a
 * writer may check once at the end. */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdarg.h>

#include "core/slice.h"

struct buf {
	char *p; /* owned */
	size_t n, cap, max;
	bool failed;
};

#define BUF_INIT(limit) { .max = (limit) }

void buf_init(struct buf *b, size_t max);
void buf_free(struct buf *b);	   /* frees the bytes; the buf is as after init */
void buf_reset(struct buf *b);	   /* empty, not failed; keeps its memory */
void buf_drop(struct buf *b, size_t n); /* forget the first n octets */
void buf_cut(struct buf *b, size_t n);	/* keep the first n octets only */
int buf_add(struct buf *b, const void *p, size_t n);
int buf_add_slice(struct buf *b, struct slice s);
int buf_addz(struct buf *b, const char *z);
int buf_addc(struct buf *b, char c);
int buf_add_u64(struct buf *b, uint64_t v);
int buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vfmt(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* buf_room: room for n more octets to be written by the caller at the returned place, then told with
 * buf_grew(b, n written). NULL when over the maximum. */
char *buf_room(struct buf *b, size_t n);
void buf_grew(struct buf *b, size_t n);
struct slice buf_slice(const struct buf *b); /* valid until the next change */
const char *buf_z(struct buf *b);	     /* NUL-terminated view; "" when empty or failed */
/* buf_steal: hands the bytes (malloc'd, ret_n long) to the caller and leaves the buf empty. */
char *buf_steal(struct buf *b, size_t *ret_n);

#endif
