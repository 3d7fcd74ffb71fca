/* binary.h: messages whose parts are raw octets, for stores and channels that have text only.
 * RFC 3516, RFC 2045 6.2. */
#ifndef MSG_BINARY_H
#define MSG_BINARY_H

#include "core/buf.h"

/* binary_encode: ${message} again in ${out}, each leaf that says "binary" as base64, each multipart
 * or message around it as "8bit". 0: nothing says so, ${out} is empty and the message stands as it
 * is; 1: in ${out}; -1: a NUL would be left all the same, or there is no memory. Offline: it takes
 * as long as copying. */
int binary_encode(struct slice message, struct buf *out);

#endif
