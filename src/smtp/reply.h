/* reply.h: SMTP replies, both ways. RFC 5321 4.2, RFC 2034, RFC 3463. Writing: text is cut and
 * cleaned, so nothing a peer chose can start a line. Reading is strict (OUT-04): what is no reply
 * is TAKE_BAD, and the connection is of no more use. */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/cursor.h"

struct smtp_reply { /* to send; constants at the top of the file that uses them */
	unsigned code;
	const char *enhanced; /* "5.1.1"; NULL: none (banner, EHLO, 354, 334) */
	const char *text;     /* one line, or several divided by "\n" */
};

/* smtp_reply_write: whole reply with CRLF. Control octets become "?"; a line is cut at L_REPLY_TEXT
 * octets. */
int smtp_reply_write(struct buf *out, const struct smtp_reply *r);
/* The same in one line without its end, as the owner is shown it: "550 5.1.1 no such mailbox". */
struct slice smtp_reply_said(struct arena *a, const struct smtp_reply *r);

struct smtp_reply_in {        /* one reply while it is read */
	unsigned code;        /* 200 to 599 */
	bool has_enhanced;    /* of the last line */
	unsigned enhanced[3]; /* class (equals code's first digit), subject, detail */
	struct buf text; /* owned: lines without codes, divided by "\n"; octets as the peer sent
			    them, NUL and controls excluded */
	unsigned lines;
	size_t octets;
	size_t seen; /* of the line under way */
};

void smtp_reply_in_init(struct smtp_reply_in *r);
void smtp_reply_in_reset(struct smtp_reply_in *r); /* before each reply */
void smtp_reply_in_free(struct smtp_reply_in *r);
/* smtp_reply_take: read on from ${input} (unread bytes of the connection) and consume ${*ret_used}
 * of it, whatever the answer is. TAKE_OK: a whole reply is in ${r}. TAKE_MORE: lines may have been
 * taken, more are needed. TAKE_BAD: over L_REPLY_LINES or L_REPLY_OCTETS, a code that is none or
 * changes within the reply, a stray CR, LF or NUL. */
enum take smtp_reply_take(struct smtp_reply_in *r, struct slice input, size_t *ret_used);
/* Line ${n} (from 0) of the text; false past the end. For EHLO keywords. */
bool smtp_reply_line(const struct smtp_reply_in *r, unsigned n, struct slice *ret);
/* For logs, reports and the queue: the reply as one line, "550 5.1.1 no such user", controls and
 * 8-bit escaped as "?", cut at L_REPLY_TEXT. */
int smtp_reply_one_line(const struct smtp_reply_in *r, struct buf *out);

#endif
