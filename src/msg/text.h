/* text.h: transfer decoding, encoded words, RFC 2231 values: from octets on the wire to UTF-8 for
 * people. All linear and bounded by out's maximum; what cannot be decoded becomes U+FFFD or stays
 * as it is, never an error (MIM-06, MIM-07). */
#ifndef MSG_TEXT_H
#define MSG_TEXT_H

#include "core/arena.h"
#include "core/buf.h"
#include "msg/mime.h"

/* Transfer decoding. Returns false when junk had to be skipped. */
bool text_decode(enum mime_encoding encoding, struct slice in, struct buf *out);
/* text_base64/text_qp encode with lines of 76, CRLF. */
int text_encode_base64(struct slice in, struct buf *out);
int text_encode_qp(struct slice in, struct buf *out);
/* Header text to UTF-8: unfolds, decodes encoded words (RFC 2047; blanks between two dropped), raw
 * 8-bit as UTF-8 or windows-1252. */
struct slice text_words(struct arena *a, struct slice field_body);
/* UTF-8 header text to ASCII with encoded words where needed. */
int text_encode_words(struct slice utf8, struct buf *out);
/* A leaf's text as UTF-8: transfer decoded, charset applied. */
int text_of_part(const struct mime *m, const struct mime_part *p, struct buf *out);

#endif
