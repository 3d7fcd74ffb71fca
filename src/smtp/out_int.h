/* out_int.h: for the sending half of smtp alone: sender, destination, attempt, and who does what
 * to them.
 *
 * Lifetimes: the sender lives as long as the process. A destination lives while something waits
 * for it, is under way to it, or it is known to be out of reach. An attempt is one message to
 * one destination: it owns its arena, and every slice here lives in that. What an attempt
 * decided is durable before the attempt is forgotten (out_settle.c). */
#ifndef SMTP_OUT_INT_H
#define SMTP_OUT_INT_H

#include "core/arena.h"
#include "core/clock.h"
#include "core/dial.h"
#include "core/flow.h"
#include "core/limits.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/work.h"
#include "store/queue.h"
#include "smtp/out_body.h"
#include "smtp/out_client.h"
#include "smtp/smtp.h"

enum {
	OUT_BATCH = 100,        /* recipients a transaction */
	OUT_BUDGET_MS = 300000, /* after this long no further host is tried */
	OUT_DOWN_MS = 60000,    /* a destination nobody could connect to is left alone */
	OUT_DRAIN_MS = 8000,
	OUT_SETTLE_MS = 10000, /* until the queue takes an outcome, again and again */
	OUT_START_CONNS = 2,   /* to a destination that has not answered yet */
};

/* --- route (out_route.c): where does mail for this domain go? RFC 5321 5, RFC 7505 --- */
enum route_status { ROUTE_OK, ROUTE_TEMPORARY, ROUTE_PERMANENT };
struct out_host {
	const char *name; /* for SNI, logs, reports */
	struct ip ip;
	unsigned port;
};
struct out_hosts {
	enum route_status status;
	const char *enhanced, *why; /* when not ROUTE_OK */
	struct out_host v[L_OUT_ADDRESSES];
	size_t n;
	bool cut; /* there are more addresses than these */
};
struct out_route;
/* out_route_start: strings of the answer live in ${a}. ${smarthost}: ask for cfg->smarthost
 * instead of ${domain}. */
struct out_route *out_route_start(struct loop *l, struct dns *dns, const struct cfg *cfg,
    struct arena *a, struct slice domain, bool smarthost,
    void (*on_routed)(void *self, const struct out_hosts *h), void *self);
void out_route_cancel(struct out_route *r); /* accepts NULL */

/* --- policy (out_policy.c): what TLS is demanded of this destination? --- */
struct out_policy {
	bool required;               /* no TLS, no mail */
	bool verify;                 /* certificate and name must be right */
	bool implicit;               /* TLS from the first octet */
	const char *user, *password; /* NULL: none */
};
struct out_policy out_policy_of(const struct cfg *cfg, bool smarthost);

/* --- talk (out_talk.c): a client on a connection, with deadlines and a body --- */
struct out_talk;
struct talk_result {
	enum client_end end;
	bool permanent;   /* CLIENT_NEXT: a 5xx */
	bool greeted;     /* somebody was there */
	bool has_dsn;     /* the next host reports itself */
	struct slice why; /* last reply or trouble, one line; in the arena */
	const char *tls;  /* conn_tls_text, "" without; in the arena */
};
/* out_talk_start: takes ${c}. job and body are borrowed until on_done (once, never after
 * cancel). */
struct out_talk *out_talk_start(struct loop *l, struct conn *c, const struct client_job *job,
    const struct out_policy *policy, const char *host, struct tls *tls, struct out_body *body,
    void (*on_done)(void *self, const struct talk_result *r), void *self);
bool out_talk_is_past_dot(const struct out_talk *t);
void out_talk_cancel(struct out_talk *t); /* accepts NULL; the connection is dropped */

/* --- local delivery (out_local.c): a report to one of our own --- */
struct out_local;
struct out_local_job {
	struct store *store;
	const struct cfg *cfg;
	struct arena *arena;
	struct slice from, local, domain, address;
	uint64_t size;
};
/* on_done: err NULL: durable in every INBOX it means. ERR_NOT_FOUND: nobody has this address. */
struct out_local *out_local_start(const struct out_local_job *job, struct out_body *body,
    void (*on_done)(void *self, const struct err *err), void *self);
void out_local_cancel(struct out_local *l); /* accepts NULL */

/* --- reports (out_dsn.c): RFC 3464, RFC 3461, RFC 6533 --- */
enum dsn_action { DSN_NONE, DSN_FAILED, DSN_DELAYED, DSN_RELAYED, DSN_DELIVERED };
struct dsn_rcpt {
	enum dsn_action action;
	struct slice address, orcpt;
	const char *status;
	struct slice reply; /* one line */
	const char *remote; /* the host that said it; NULL: we did */
	int64_t until;      /* DSN_DELAYED: when we give up */
};
struct dsn {
	const char *hostname;
	struct slice domain; /* of our From */
	struct slice to;     /* the sender of the message */
	struct slice envid;
	const char *queue_id;
	int64_t arrived, now;
	const struct dsn_rcpt *rcpts;
	size_t n;
	struct slice message; /* CRLF: the header section, or all of it with ${full} */
	bool full;
	bool utf8; /* the sender reads UTF-8 (asked for SMTPUTF8) */
};
enum { DSN_HEADER_MAX = 65536, DSN_FULL_MAX = 262144, DSN_MAX = 2097152 };
int out_dsn_write(const struct dsn *d, struct buf *out); /* whole message, CRLF; -1: out of room */

/* --- schedule (out_schedule.c) --- */
struct out_dest {
	struct list node;  /* sender's ready */
	char *name;        /* owned; see out_dest_of */
	struct list items; /* struct out_item.node: wait */
	unsigned live, limit;
	uint64_t down_until; /* clock_ms; 0: as far as we know it is there */
	char why[256];
};
struct out_item { /* one message to one destination */
	struct list node;
	struct out_dest *dest;
	char id[QUEUE_ID + 1];
};
struct outbound;
struct smtp_sender {
	struct smtp_deps deps;
	const struct cfg
	    *cfg;          /* borrowed; every configuration of this process outlives the sender */
	struct lane *read; /* owned: message bodies */
	struct map *dests; /* owned, and what is in it */
	struct map *items; /* owned: every item that waits or is under way, by "id/destination" */
	struct list ready; /* destinations that may start an attempt */
	struct list live;  /* struct outbound.node */
	unsigned live_n;
	struct later *turn;
	struct timer *timer, *drain_timer;
	int64_t next_due;    /* wall seconds; 0: none known */
	uint64_t look_after; /* clock_ms: the queue is not read sooner */
	bool looking, look_again, draining;
	void (*on_idle)(void *self);
	void *idle_self;
	struct smtp_sender_counts counts;
};
/* Which destination is it: "." for our own people, "=" for the smarthost, else the domain. */
struct slice out_dest_of(const struct cfg *cfg, struct slice address);
/* Seconds until the next attempt after ${tries} failed ones; ${spread}: 0 to 65535, up to 10 %
 * more. */
int64_t out_backoff(unsigned tries, uint32_t spread);
/* outbound.c tells: this attempt is over and settled. ${next}: when a recipient is due again, 0
 * never; ${again}: look at once. */
void out_schedule_ended(struct smtp_sender *s, struct out_item *item, int64_t next, bool again);

/* --- attempt (outbound.c) --- */
struct outbound {
	struct list node;
	struct smtp_sender *sender;
	struct out_item *item; /* owned until out_schedule_ended */
	const struct cfg *cfg; /* as it was at the start */
	struct arena *arena;   /* owned; holds this struct too */
	struct flow flow;
	struct job job; /* on the queue's lane: take, settle */
	struct job unmark; /* on the same: a stop that will not wait is no crash */
	struct err err; /* what the job found */
	struct queue_entry *entry;
	struct out_rcpt *rcpts;
	size_t n;
	bool more;    /* recipients beyond OUT_BATCH are due */
	bool marked;  /* queue_work_begin was called */
	bool over;    /* fates are final: skip to settle */
	bool dropped; /* the sender drains: nothing is to be recorded of what is open */
	bool local, smarthost;
	struct out_policy policy;
	struct out_hosts hosts;
	size_t host;  /* the address under way */
	bool plain;   /* TLS failed with it: once more without */
	bool soft;    /* a host did not refuse for good */
	bool reached; /* somebody answered */
	struct body_facts facts;
	uint64_t began;
	struct talk_result talk_result;
	struct slice why;
	const char *enhanced; /* of ${why} */
	size_t rcpt;          /* local: the one under way */
	/* handles: at most one is not NULL */
	struct out_route *route;
	struct dial *dial;
	struct out_talk *talk;
	struct out_local *delivery;
	struct timer *timer;
	struct out_body *body; /* owned */
	struct client_job client;
	struct out_verdict *verdict; /* out_settle.c's */
};
/* --- settle (out_settle.c): last step; holds the flow until all is durable --- */
void out_settle(struct outbound *o);
void out_settle_again(struct outbound *o); /* an outcome the queue would not take: offer it now */
/* After it: log, ledger, counts. Returns when a recipient is due again (0: never). */
int64_t out_settle_tell(struct outbound *o, bool *ret_report);

#endif
