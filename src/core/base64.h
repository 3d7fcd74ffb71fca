/* base64.h: RFC 4648, strict both ways. MIME bodies, which are not strict, are msg/text.h's. */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include "core/buf.h"

int base64_encode(struct slice in, struct buf *out); /* with padding, no line ends */
int base64url_encode(struct slice in, struct buf *out); /* without padding (RFC 4648 5) */
/* base64_decode: exactly the canonical form: padded, no blanks, unused bits zero. -1 leaves out as it was. */
int base64_decode(struct slice in, struct buf *out);
int base64url_decode(struct slice in, struct buf *out);

#endif
