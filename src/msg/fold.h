/* fold.h: case folding and normalisation for comparison (utf8proc): the same function before
 * indexing and before asking. */
#ifndef MSG_FOLD_H
#define MSG_FOLD_H

#include "core/buf.h"

/* i;unicode-casemap (RFC 5051): titlecase, compatibility decomposition. Invalid UTF-8 is taken
 * octet by octet as U+FFFD. ASCII fast path. */
int fold_text(struct slice utf8, struct buf *out);

#endif
