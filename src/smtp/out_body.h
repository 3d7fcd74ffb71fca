/* out_body.h: the body of a queued message on its way to the wire: read in pieces on a lane,
 * line ends made CRLF, dots doubled. Memory is one piece. */
#ifndef SMTP_OUT_BODY_H
#define SMTP_OUT_BODY_H

#include "core/buf.h"
#include "core/err.h"

struct lane;
struct out_body;

struct body_facts { /* of the whole file */
	bool header_8bit, body_8bit;
};

/* out_body_open: later, once, on_open; err: the file cannot be read. */
struct out_body *out_body_open(struct lane *l, const char *queue_id,
    void (*on_open)(void *self, const struct body_facts *f, const struct err *err), void *self);
/* out_body_next: later, once, on_chunk with the next piece (valid during the call). ${dots}: as
 * DATA wants it, and the last piece ends in CRLF "." CRLF (RFC 5321 4.5.2); without: plain
 * content. One question at a time. */
void out_body_next(struct out_body *b, bool dots,
    void (*on_chunk)(void *self, struct slice wire, bool is_last, const struct err *err),
    void *self);
void out_body_rewind(
    struct out_body *b); /* from the start again; a question under way falls silent */
void out_body_close(struct out_body *b); /* accepts NULL; falls silent */

/* The conversion itself: fed piecewise. */
struct stuff {
	bool in_line, after_cr;
};
int stuff_add(struct stuff *s, struct slice disk, bool dots, struct buf *out);
int stuff_end(struct stuff *s, bool dots, struct buf *out);

#endif
