/* text_batch.h (inside store: text_feed.c, text_batch.c): one step of filling the full-text index. On its
 * lane, unless said otherwise. */
#ifndef STORE_TEXT_BATCH_H
#define STORE_TEXT_BATCH_H

#include "store/text_int.h"

struct batch; /* how far it is */

struct batch *batch_new(void);
void batch_free(struct batch *b);
void batch_forget(struct batch *b); /* looks at all messages again */
void batch_count_gone(struct batch *b, size_t n); /* any thread: so many messages went */
/* One transaction of messages, and merging; *ret_more: there is more. -1: err is set and a
 * transaction may be open. */
int batch_run(struct text *t, bool *ret_more, struct text_status *status, struct err *err);

#endif
