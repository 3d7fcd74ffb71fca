/* content.h: a message found by its content alone, wherever in its account it was moved to since. */
#ifndef STORE_CONTENT_H
#define STORE_CONTENT_H

#include "core/slice.h"

/* Any worker, blocking: reads the names of all folders of the account once. For each of the ${n} content
 * ids (16 octets each) that is there: on_head(self, i, head) with the first L_HDR octets of its file, as
 * they lie there, valid during the call; at most once for each. */
void content_find(const char *account, const struct slice *ids, size_t n,
    void (*on_head)(void *self, size_t i, struct slice head), void *self);

#endif
