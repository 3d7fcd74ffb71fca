/* mutf7.h: modified UTF-7, the old form of mailbox names (RFC 3501 5.1.3), and of folder names
 * on disk. Both append to ${out} and return -1 without a promise about what was appended:
 * malformed input, or the buffer is full. Strict: exactly one encoding for each name. */
#ifndef MSG_MUTF7_H
#define MSG_MUTF7_H

#include "core/buf.h"

int mutf7_to_utf8(struct slice in, struct buf *out);
int mutf7_from_utf8(struct slice in, struct buf *out);

#endif
