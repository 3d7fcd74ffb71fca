/* in_int.h: for the receiving half of smtp alone: server, session, transaction, and who does what
 * to them.
 *
 * Lifetimes: the server lives as long as the process; a session as long as its connection; a
 * transaction from MAIL until its answer. At the end of the data the transaction leaves the session
 * and belongs to its spine (inbound.c, submit.c), which may outlive the connection by the time a
 * worker needs to finish. */
#ifndef SMTP_IN_INT_H
#define SMTP_IN_INT_H

#include "core/arena.h"
#include "core/clock.h"
#include "core/conn.h"
#include "core/flow.h"
#include "core/limits.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/rate.h"
#include "core/sasl.h"
#include "core/work.h"
#include "msg/header.h"
#include "dkim/sign.h"
#include "store/draft.h"
#include "store/ledger.h"
#include "store/queue.h"
#include "spam/facts.h"
#include "smtp/dot.h"
#include "smtp/path.h"
#include "smtp/reply.h"
#include "smtp/smtp.h"

struct lists;      /* spam/lists.h */
struct smtp_peer;  /* in_peer.h */
struct smtp_proof; /* in_proof.h */

enum {
	SMTP_ID = 12,
	SMTP_BANNER_MS = 200,
	SMTP_RCPT_HOUR = 2000,
	SMTP_GUESS_HOUR = 200,
	SMTP_QUEUE_OCTETS = 1 << 30, /* L_QUEUE's other half */
	SMTP_SUMMARY = 512
};

struct keyring { /* the private keys of one configuration; replaced whole on reload */
	struct list node;
	unsigned users; /* jobs that sign with it now */
	bool retired;
	size_t n;
	struct {
		char *domain;
		struct dkim_keys *keys; /* NULL: none that work */
	} * v;
};

struct smtp_server {
	struct smtp_deps deps;
	const struct cfg *cfg; /* borrowed; changes on reload, so nobody keeps it over a wait */
	struct lane *crypto;   /* owned: judging and signing */
	struct list sessions;
	unsigned under_way; /* spines: transactions past their end of data */
	bool draining;
	void (*on_idle)(void *self);
	void *idle_self;
	struct later *idle;
	struct keyring *keys;   /* owned */
	struct rate *submitted; /* owned: recipients an hour, by account */
	struct rate *forwarded; /* owned: messages sent on by rules an hour, by account */
	struct rate *guesses;   /* owned: unknown recipients an hour, by source */
	struct lists *lists;    /* owned: lists in the DNS; NULL: no DNS */
	struct smtp_server_counts counts;
	char degraded[512];
};

enum smtp_role { ROLE_MX, ROLE_SUBMISSION }; /* in_role.c */

enum smtp_in_state {  /* single bits, so that a command's row can name several */
	S_BANNER = 1, /* connected; the banner is not out yet */
	S_TLS = 2,    /* handshake under way */
	S_NEW = 4,    /* no EHLO yet */
	S_READY = 8,
	S_MAIL = 16,    /* sender known */
	S_RCPT = 32,    /* at least one recipient */
	S_DATA = 64,    /* content with dots comes */
	S_CHUNKS = 128, /* at least one BDAT taken */
	S_CHUNK = 256,  /* octets of a BDAT come */
	S_AUTH = 512,   /* the next line is an answer to a challenge */
	S_CLOSING = 1024,
};

struct smtp_rcpt {
	struct smtp_rcpt *next;
	struct slice address; /* as it is written back: local@domain */
	struct slice orcpt;
	unsigned notify;
	struct account **accounts; /* local ones; none: it goes out */
	size_t accounts_n;
};

struct smtp_tx {
	struct arena *arena; /* owned; holds this struct too */
	char id[SMTP_ID];    /* "m-..." */
	struct smtp_path from;
	bool smtputf8, eightbit, dsn_full;
	struct slice envid;
	struct smtp_rcpt *rcpts, **rcpts_end;
	size_t rcpts_n;
	struct draft *draft; /* owned */
	struct smtp_proof *proof; /* owned; what the sender can prove; NULL: nothing is asked */
	struct smtp_dot dot;
	enum fact sender_known; /* in_known.c */
	bool sender_asked;
};

struct smtp_in {
	struct list node; /* server's sessions */
	struct smtp_server *server;
	struct conn *conn;
	enum smtp_role role;
	enum smtp_in_state state;
	char id[SMTP_ID];   /* "s-..." */
	bool waiting;       /* an answer of our own is awaited: input stays unread */
	bool running;       /* smtp_in_run is on the stack */
	bool esmtp;         /* EHLO, not HELO */
	size_t seen;        /* of the line under way (line.h) */
	uint64_t rate_mark; /* conn_received() when the present window began */
	char helo[L_DOMAIN + 1];
	enum fact early_talker;
	struct smtp_peer *peer; /* held; what DNS says about the address; NULL: nothing is asked */
	char *held_rcpt; /* owned; a RCPT whose answer waits for that, or for ${known}; NULL: none */
	struct smtp_known *known; /* the question of in_known.c while it is open; NULL: it is not */
	unsigned errors, junk, later; /* counted toward L_ERR, L_JUNK, L_LATER */
	struct timer *banner;          /* NULL when out */
	struct timer *slow; /* in_slow.c: a line waits to be acted on; NULL: none does */
	bool is_slowed, has_waited; /* one of those counted; the line in hand has waited */
	bool is_trusted;            /* proved a domain of good repute: waits no more */
	struct sasl *sasl;             /* owned; NULL outside AUTH */
	struct store_op *login;        /* NULL when none is asked */
	struct account *account;       /* who logged in; NULL: nobody */
	struct smtp_tx *tx;            /* owned; NULL outside a transaction */
	uint64_t chunk_left;           /* octets of the present BDAT */
	bool chunk_last, chunk_void;   /* void: read over and refused */
	enum smtp_in_state chunk_back; /* the state after it */
	struct smtp_in **spine_back; /* the pointer at us of the spine that owes an answer; cleared
					when we die */
};

/* in_session.c */
void smtp_in_open(struct smtp_server *server, struct conn *c, enum smtp_role role, bool tls_first);
void smtp_in_run(struct smtp_in *s);
void smtp_in_resume(struct smtp_in *s); /* what was awaited is there */
void smtp_in_wait(struct smtp_in *s);
void smtp_in_secured(struct smtp_in *s);
void smtp_in_watch(struct smtp_in *s); /* set the deadline the present state asks for */
/* Reply. smtp_in_reply counts a 5xx toward L_ERR and a 4xx toward L_LATER and may answer 421 and
 * close instead; smtp_in_say never counts. */
void smtp_in_reply(struct smtp_in *s, const struct smtp_reply *r);
void smtp_in_say(struct smtp_in *s, const struct smtp_reply *r);
void smtp_in_fail(struct smtp_in *s, const struct smtp_reply *r, const char *why); /* say, close */
void smtp_in_drain(struct smtp_in *s);
const struct cfg *smtp_in_cfg(const struct smtp_in *s);

/* in_command.c */
void smtp_in_command(struct smtp_in *s, struct slice line);

/* in_role.c */
uint64_t smtp_role_rcpts(const struct smtp_in *s);
uint64_t smtp_role_line(const struct smtp_in *s);
bool smtp_role_offers_auth(const struct smtp_in *s);
const char *smtp_role_with(const struct smtp_in *s, bool smtputf8);
const char *smtp_role_name(const struct smtp_in *s); /* for logs: "smtp-in", "submission" */

/* in_hello.c, in_auth.c, in_envelope.c, in_data.c: commands; args is the line behind the verb,
 * trimmed */
void smtp_cmd_ehlo(struct smtp_in *s, struct slice args);
void smtp_cmd_helo(struct smtp_in *s, struct slice args);
void smtp_cmd_starttls(struct smtp_in *s, struct slice args);
void smtp_cmd_noop(struct smtp_in *s, struct slice args);
void smtp_cmd_rset(struct smtp_in *s, struct slice args);
void smtp_cmd_quit(struct smtp_in *s, struct slice args);
void smtp_cmd_vrfy(struct smtp_in *s, struct slice args);
void smtp_cmd_help(struct smtp_in *s, struct slice args);
void smtp_cmd_auth(struct smtp_in *s, struct slice args);
void smtp_cmd_mail(struct smtp_in *s, struct slice args);
void smtp_cmd_rcpt(struct smtp_in *s, struct slice args);
void smtp_cmd_data(struct smtp_in *s, struct slice args);
void smtp_cmd_bdat(struct smtp_in *s, struct slice args);
void smtp_in_auth_line(struct smtp_in *s, struct slice line);
void smtp_in_auth_drop(struct smtp_in *s);

/* in_envelope.c */
void smtp_tx_free(struct smtp_tx *tx);
void smtp_in_reset(struct smtp_in *s); /* transaction gone, state back to S_READY */

/* in_data.c */
bool smtp_in_data_take(struct smtp_in *s); /* false: wants more octets, or waits */

/* in_checks.c */
void smtp_in_facts(const struct smtp_in *s, struct facts *ret); /* slices borrow from the session */
/* A RCPT whose answer depends on what DNS has not said yet is held, and run again when it has. */
bool smtp_in_hold_rcpt(struct smtp_in *s, struct slice args);
void smtp_in_unhold(struct smtp_in *s); /* the session ends */
/* in_known.c: asks whether somebody here wrote to the sender's domain; the answer goes into s->tx, then
 * on_known(s), once, later. False: too busy to ask, and the fact stays unknown. */
bool smtp_in_ask_known(struct smtp_in *s, void (*on_known)(struct smtp_in *s));
void smtp_in_forget_known(struct smtp_in *s); /* silence; nothing when it is not asked */
/* in_slow.c. How long is this peer kept waiting, in ms? Counts it among the slowed; 0: not at all. */
uint64_t smtp_in_delay(struct smtp_in *s);
/* Before a line is acted on. True: not yet; smtp_in_run comes back to it. */
bool smtp_in_slow(struct smtp_in *s);
void smtp_in_hasten(struct smtp_in *s); /* nothing waits any more: an end is near */
void smtp_in_trust(struct smtp_in *s);  /* not for the rest of the session */
void smtp_in_unslow(struct smtp_in *s); /* it ends */
/* Why this recipient is refused to this peer; in the arena. NULL: it is not. */
const struct smtp_reply *smtp_in_refusal(
    struct smtp_in *s, struct arena *a, const struct smtp_rcpt *rcpt);

/* server.c */
void smtp_server_spine_begun(struct smtp_server *server);
void smtp_server_spine_ended(struct smtp_server *server); /* may find the server idle */
void smtp_server_session_ended(struct smtp_server *server);
/* Keys of a domain; ${*ret_ring}: give it back with keyring_release when the job is done. NULL:
 * none work. */
const struct dkim_keys *smtp_server_keys(
    struct smtp_server *server, struct slice domain, struct keyring **ret_ring);
void keyring_release(struct keyring *k);

/* end_of_data.c: what both spines share */
struct smtp_end { /* what a spine keeps of the session once it has taken the transaction; embedded
		     in its own struct */
	struct smtp_server *server; /* borrowed */
	struct smtp_in *session;    /* NULL once the connection is gone */
	struct smtp_tx *tx;         /* owned; its arena holds the spine too */
	struct flow flow;
	struct job job;     /* on the crypto lane, one at a time */
	struct err err;     /* what the job found */
	struct facts facts; /* of connection and envelope; slices in the arena */
	char session_id[SMTP_ID];
	const char *role, *hostname, *with, *tls;
	uint64_t hops;
	struct header header; /* of the draft; until the commit's answer only */
	struct slice message_id, subject, header_from; /* in the arena: for log and ledger */
	struct smtp_reply reply;                       /* what the peer is told in the end */
	const char *act;                               /* for log and ledger */
	const char *cause;                             /* for the log; NULL: none */
};
/* Takes s->tx. The session waits until smtp_end_answer. May have ended, and the spine be gone, on
 * return. */
void smtp_end_begin(struct smtp_end *e, struct smtp_in *s, const struct flow_step *steps,
    void (*on_ended)(void *self), void *self);
void smtp_end_stop(struct smtp_end *e, unsigned code, const char *enhanced, const char *text,
    const char *act, const char *cause);
void smtp_end_stop_err(struct smtp_end *e, const struct err *err); /* store trouble: a 4xx */
/* First step: the draft becomes readable. */
void smtp_end_arrive(struct smtp_end *e);
/* Is somebody still there to be told? If not, the flow is stopped: nothing was promised. */
bool smtp_end_wanted(struct smtp_end *e);
/* Run on a worker; the flow holds until it is done. A full lane stops the flow with 451. ${run}
 * gets the job and finds the spine by smtp_end_of(); it alone touches the spine until it ends; what
 * it leaves in e->err stops the flow. */
void smtp_end_work(struct smtp_end *e, void (*run)(struct job *j));
void smtp_end_work_on(struct smtp_end *e, struct lane *lane, void (*run)(struct job *j));
struct smtp_end *smtp_end_of(struct job *j);
/* Worker: header parsed, checked, summed up. -1 with e->err set. */
int smtp_end_examine(struct smtp_end *e);
void smtp_end_trace(
    const struct smtp_end *e, struct slice rcpt, bool show_peer, struct buf *out); /* Received */
/* Fields only we may write, to be left out: ${drop} has room for all fields. The new count. */
size_t smtp_end_forgeries(const struct smtp_end *e, struct span *drop);
/* Last act: tells the session if it still listens, frees the transaction and with it the spine. */
void smtp_end_answer(struct smtp_end *e);
struct ledger_row smtp_end_row(const struct smtp_end *e);

/* submit.c: takes s->tx; answers later. inbound.h has its like for port 25. */

void submit_start(struct smtp_in *s);

#endif
