/* out_client.h: the client's half of the protocol, without socket, clock or file: replies in,
 * commands out. RFC 5321, 1870, 2920, 3207, 3461, 4954, 6152, 6531. It decides nothing about
 * hosts and retries: it gives every recipient a fate or says that another host may do better.
 * Laws: the body is asked for only after 354; a recipient is sent only by a 2xx after the body. */
#ifndef SMTP_OUT_CLIENT_H
#define SMTP_OUT_CLIENT_H

#include "core/arena.h"
#include "core/buf.h"

struct queue_envelope;

enum out_fate { OUT_OPEN, OUT_SENT, OUT_RETRY, OUT_FAILED };

struct out_rcpt {
	int64_t row;
	struct slice address; /* local@domain */
	struct slice local, domain;
	struct slice orcpt;
	unsigned notify, tries;
	bool warned;
	bool accepted; /* RCPT was answered 2xx */
	enum out_fate fate;
	bool peer_said;     /* ${reply} is the other host's */
	struct slice reply; /* one line, at most L_REPLY_TEXT octets and the code; in the arena */
	const char *enhanced;
};

struct client_job { /* all borrowed */
	struct arena *arena;
	const char *helo;
	const struct queue_envelope *env;
	uint64_t size; /* CRLF form */
	bool header_8bit, body_8bit;
	struct out_rcpt *rcpts;
	size_t n;
	bool tls_wanted, tls_required; /* STARTTLS where it is offered; or else no mail */
	const char *user, *password;   /* NULL: none; never said without TLS */
	bool smarthost;                /* the owner chose this host, and says how it is talked to */
};

enum client_wants {
	CLIENT_READS, /* more input */
	CLIENT_TLS,   /* a handshake now; then out_client_secured */
	CLIENT_BODY,  /* the content with its final dot; then out_client_sent */
	CLIENT_OVER, /* see out_client_end; the connection is to be closed after what is in the output */
};
enum client_end {
	CLIENT_SETTLED, /* every recipient has its fate */
	CLIENT_NEXT,    /* nothing of the message was said: another host may do better */
	CLIENT_NO_TLS,  /* STARTTLS did not work: a new connection without may (OUT-02) */
};

struct out_client;

struct out_client *out_client_new(const struct client_job *job, bool is_tls);
void out_client_free(struct out_client *c); /* accepts NULL */
/* out_client_take: read what is there, as far as it goes; consume ${*ret_used} of it. To be
 * called again while input is left after CLIENT_BODY: an answer that comes before the content is
 * complete ends it (CLIENT_OVER: cut the connection without the final dot). */
enum client_wants out_client_take(struct out_client *c, struct slice input, size_t *ret_used);
enum client_wants out_client_secured(struct out_client *c);
void out_client_sent(struct out_client *c);
/* out_client_lost: the connection is gone, or a deadline has passed. It is over. */
void out_client_lost(struct out_client *c, const char *why);
struct buf *out_client_output(struct out_client *c); /* to be sent and reset */
/* What is awaited now and for how long at most (RFC 5321 4.5.3.2). */
const char *out_client_phase(const struct out_client *c, unsigned *ret_seconds);

unsigned out_client_answers(const struct out_client *c); /* whole replies so far */

enum client_end out_client_end(const struct out_client *c);
bool out_client_permanent(const struct out_client *c); /* CLIENT_NEXT because of a 5xx */
bool out_client_greeted(const struct out_client *c);
bool out_client_has_dsn(const struct out_client *c);
bool out_client_is_past_dot(const struct out_client *c);
struct slice out_client_why(
    const struct out_client *c); /* last reply or trouble, one line, in the arena */

#endif
