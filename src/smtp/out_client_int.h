/* out_client_int.h: the client for its two files: out_client.c (answers) and out_say.c
 * (commands). */
#ifndef SMTP_OUT_CLIENT_INT_H
#define SMTP_OUT_CLIENT_INT_H

#include "smtp/out_client.h"
#include "smtp/reply.h"
#include "store/queue.h"

enum state {
	C_BANNER,
	C_EHLO,
	C_HELO,
	C_STARTTLS,
	C_TLS,
	C_AUTH,
	C_USER,
	C_PASSWORD,
	C_MAIL,
	C_RCPT,
	C_DATA,
	C_BODY,
	C_DOT,
	C_OVER,
	C_STATES
};

struct out_client {
	struct client_job job;
	enum state state;
	enum client_end end;
	bool is_tls, permanent, greeted;
	struct buf out;
	struct smtp_reply_in reply;
	struct slice why;
	struct { /* of the last EHLO */
		bool pipelining, eightbit, utf8, dsn, starttls, size, plain, login;
		uint64_t max;
	} has;
	size_t rcpt; /* whose answer is awaited */
	unsigned answers;
};

/* out_say.c: words into c->out; no state changes but fates of recipients this host cannot take. */
void out_say_hello(struct out_client *c, bool extended);
void out_say_mail(struct out_client *c);
void out_say_rcpt(struct out_client *c, const struct out_rcpt *r);
void out_say_plain(struct out_client *c);
void out_say_encoded(struct out_client *c, const char *secret);
void out_leave_impossible(struct out_client *c);
/* out_client.c */
void out_set_fate(struct out_client *c, struct out_rcpt *r, enum out_fate fate,
    const char *enhanced, bool peer_said);
void out_set_open(struct out_client *c, enum out_fate fate, const char *enhanced, bool peer_said);

#endif
