/* crlf.h (inside store): between the form on disk (LF) and the form on the wire (CRLF). The wire
 * form of a file: every LF that no CR stands before gets one; nothing else changes. So a file
 * with CRLF ends is served as it is. */
#ifndef STORE_CRLF_H
#define STORE_CRLF_H

#include "core/buf.h"

/* crlf_wire: appends the wire form of a piece; *after_cr: was the octet before it a CR; updated. */
int crlf_wire(struct slice disk, bool *after_cr, struct buf *out);
/* Octets the piece has in wire form. */
uint64_t crlf_wire_size(struct slice disk, bool *after_cr);
/* crlf_disk: may the wire form lose its CRs and be found again? Not when CR CR LF occurs: then
 * it is kept as it is. Fed piecewise, *state starts at 0. */
bool crlf_can_strip(struct slice wire, unsigned *state);
/* crlf_strip: appends the piece without the CR of each CRLF. *held: a CR at the end of the piece
 * waits for the next; at the end call crlf_strip_end. */
int crlf_strip(struct slice wire, bool *held, struct buf *out);
int crlf_strip_end(bool *held, struct buf *out);

#endif
