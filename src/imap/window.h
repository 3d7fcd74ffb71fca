/* window.h: a part of a result by places: "PARTIAL 1:100", "PARTIAL -1:-100" (RFC 9394). */
#ifndef IMAP_WINDOW_H
#define IMAP_WINDOW_H

#include "core/buf.h"
#include "imap/args.h"

struct window {
	uint32_t from, to; /* as said: from may be above to; 0: none was asked for */
	bool from_end;     /* "-1" is the last */
};

/* partial-range = nz-number ":" nz-number, or both with "-" in front */
bool window_take(struct args *a, struct window *ret);
/* Of n results: [*ret_from, *ret_end). */
void window_of(const struct window *w, size_t n, size_t *ret_from, size_t *ret_end);
void window_write(const struct window *w, struct buf *out);

#endif
