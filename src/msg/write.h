/* write.h: writing fields: folding, quoting, trace fields. What peers chose (HELO, reverse names)
 * can never start a new field or line (SIN-30). */
#ifndef MSG_WRITE_H
#define MSG_WRITE_H

#include "core/buf.h"
#include "core/ip.h"

/* "Name: value" folded at blanks near 78, CRLF ended. Control octets in value become "?". */
int write_field(struct buf *out, const char *name, struct slice value);
struct trace {
	struct slice helo;     /* as said; written as comment-safe text or dropped */
	struct slice rdns;     /* may be empty: unknown */
	const struct ip *peer; /* NULL: local */
	const char *by;        /* our hostname */
	const char *with;      /* "ESMTPS", "ESMTPSA", "UTF8SMTPS", ... (RFC 3848, 6531) */
	const char *tls;       /* conn_tls_text or "" */
	const char *id;
	struct slice rcpt; /* "for <...>", empty when several */
	int64_t when;
};
int write_received(struct buf *out, const struct trace *t); /* RFC 5321 4.4 */
int write_quoted(struct buf *out, struct slice s);          /* as quoted-string */
int write_phrase(struct buf *out, struct slice utf8); /* atom(s), quoted-string or encoded word */
int write_message_id(struct buf *out, const char *hostname); /* "<random@hostname>" */

#endif
