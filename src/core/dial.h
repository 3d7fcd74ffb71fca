/* dial.h: connect to the first of several addresses that answers, in the order given, under one
 * deadline. */
#ifndef CORE_DIAL_H
#define CORE_DIAL_H

#include "core/conn.h"
#include "core/err.h"

struct dial;

struct dial_to {
	struct ip ip;
	unsigned port;
};

/* dial_start: later, once, on_dialled(self, conn, index of the address, err): conn (not yet owned;
 * the receiver's) or NULL with err. ${source_v4}, ${source_v6}: bind to these when not NULL. Each
 * address gets at most 30 s; the addresses are copied. */
struct dial *dial_start(struct loop *l, const struct dial_to *to, size_t n,
    const struct ip *source_v4, const struct ip *source_v6, unsigned seconds,
    void (*on_dialled)(void *self, struct conn *c, size_t index, const struct err *err),
    void *self);
/* A client connection to a unix socket (commands to a running server). */
struct dial *dial_unix(struct loop *l, const char *path,
    void (*on_dialled)(void *self, struct conn *c, size_t index, const struct err *err),
    void *self);
void dial_cancel(struct dial *d); /* accepts NULL */

#endif
