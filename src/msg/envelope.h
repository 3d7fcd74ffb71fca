/* envelope.h: ENVELOPE, BODY and BODYSTRUCTURE as IMAP shows them (RFC 9051 7.5.2), rendered once
 * at delivery and kept in the index. Strings are quoted where they can be, else literals; 8-bit
 * that is no valid UTF-8 and NUL never appear. At most the limits' worth of anything. */
#ifndef MSG_ENVELOPE_H
#define MSG_ENVELOPE_H

#include "core/buf.h"
#include "msg/mime.h"

int envelope_write(struct buf *out, const struct header *h); /* "(date subject from sender ...)" */
int structure_write(struct buf *out, const struct mime *m,
    bool extended); /* BODYSTRUCTURE; BODY when not extended */
/* nstring and string of IMAP: NIL, quoted, or {n}CRLF literal. */
int envelope_nstring(struct buf *out, struct slice s, bool is_nil);

#endif
