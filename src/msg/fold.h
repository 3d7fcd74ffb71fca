/* fold.h: case folding and normalisation for comparison (utf8proc): the same function before
 * indexing and before asking. */
#ifndef MSG_FOLD_H
#define MSG_FOLD_H

#include "core/buf.h"

/* i;unicode-casemap (RFC 5051): titlecase, compatibility decomposition. Invalid UTF-8 is taken
 * octet by octet as U+FFFD. ASCII fast path. */
int fold_text(struct slice utf8, struct buf *out);
/* Of folded text: without accents and points, for those who leave them out. Letters that are others
 * without their signs (Thai, Indian, kana) keep them. */
int fold_bare(struct slice folded, struct buf *out);

#endif
