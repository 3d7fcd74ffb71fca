/* exported.h: lessons as a file that people keep: JSON lines (RFC 8259), first what it is, then one a lesson. Counts are not in it: they
 * are under a key of their installation, and are made again from the messages. Pure; any thread. */
#ifndef SPAM_EXPORTED_H
#define SPAM_EXPORTED_H

#include "core/buf.h"
#include "store/learn.h"

enum { EXPORTED_VERSION = 1 };

void exported_begin(struct buf *out); /* the first line */
void exported_write(struct buf *out, const struct lesson *l); /* a lesson's line, with its end */
/* All of a file, by account and content, each once; in the arena. -1 with ERR_PEER and the number of the line that is wrong, or ERR_LIMIT
 * beyond L_LESSONS_IMPORT: then none. Lines of nothing are passed over. */
int exported_read(
    struct arena *a, struct slice text, struct lesson **ret, size_t *ret_n, struct err *err);

#endif
