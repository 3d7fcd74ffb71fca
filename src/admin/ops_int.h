/* ops_int.h (inside admin): one request under way, as the files that answer see it. */
#ifndef ADMIN_OPS_INT_H
#define ADMIN_OPS_INT_H

#include "admin/ops.h"
#include "core/arena.h"

struct later;

struct ops_call {
	struct job job; /* first: the node on a store lane while blocking work is done */
	struct ops *ops;
	struct arena *arena;   /* owned; holds this struct too */
	struct ops_request q;  /* copied */
	struct buf body;       /* owned; what q.body lies in when it was handed over */
	struct slice arg[2];   /* what stood for "*" in the route's path */
	ops_answer *on_answer; /* NULL once cancelled */
	void *self;
	struct later *start;
	void (*on_cancel)(struct ops_call *c); /* the asker left: NULL, what was begun goes on */
	void *under_way;                       /* who answers keeps here what belongs to it */
	void (*work)(struct ops_call *c); /* worker: the blocking half; fills out or err */
	void (*settled)(struct ops_call
		*c); /* loop, after a work without err, before the answer; may be NULL */
	struct buf out;
	struct err err; /* kind ERR_NONE: out is the answer */
	uint64_t number;
};

enum { OPS_OUT_MAX = 64 << 20 };

/* A route's function does one of these three. */
void ops_reply(
    struct ops_call *c, int status, const char *type, struct slice body); /* ends the call */
void ops_reply_json(struct ops_call *c); /* what stands in c->out */
void ops_fail(struct ops_call *c,
    const struct err *e); /* {"error": "...", "kind": "..."} with a fitting status */
/* Blocking work on a store lane, then settled and the reply by themselves. */
void ops_work(struct ops_call *c, enum store_lane lane, void (*work)(struct ops_call *c),
    void (*settled)(struct ops_call *c));
/* The same with an ending of its own. */
void ops_work_as(struct ops_call *c, enum store_lane lane, void (*work)(struct ops_call *c),
    void (*settled)(struct ops_call *c), void (*done)(struct job *j));

/* The value of a name in the query, percent-decoded, in the arena; empty slice with p NULL when
 * absent. */
struct slice ops_param(struct ops_call *c, const char *name);
struct slice ops_unescape(struct arena *a, struct slice s);

/* status.c */
void ops_status(struct ops_call *c);
void ops_health(struct ops_call *c);
void ops_metrics(struct ops_call *c);
void ops_home(struct ops_call *c);
void ops_reload(struct ops_call *c);
/* ops_queue.c */
void ops_queue_list(struct ops_call *c);
void ops_queue_show(struct ops_call *c);
void ops_queue_act(struct ops_call *c);
/* ops_people.c */
void ops_passwd(struct ops_call *c);
/* ops_trace.c */
void ops_trace(struct ops_call *c);
void ops_trace_write(struct ops *o, struct json *j); /* "trace": [...] */
/* ops_ledger.c */
void ops_ledger(struct ops_call *c);
/* ops_quarantine.c */
void ops_quarantine(struct ops_call *c);
void ops_quarantine_release(struct ops_call *c);
/* ops_senders.c */
void ops_expect(struct ops_call *c);
void ops_correspondents(struct ops_call *c);
void ops_correspondent_forget(struct ops_call *c);
/* ops_reputation.c */
void ops_reputation(struct ops_call *c);
void ops_reputation_forget(struct ops_call *c);
/* ops_undelete.c */
void ops_undelete_list(struct ops_call *c);
void ops_undelete(struct ops_call *c);
/* Frees a call whose asker left, once nothing of it is under way. */
void ops_end(struct ops_call *c);
/* ops_explain.c */
void ops_explain(struct ops_call *c);
/* ops_replay.c */
void ops_replay(struct ops_call *c);
/* ops_spam.c */
/* The account in the query, "" when none is named; false: no such account, the call is failed. */
bool ops_account(struct ops_call *c, const char **ret);
void ops_spam_classify(struct ops_call *c);
void ops_spam_learn(struct ops_call *c);
void ops_spam_stats(struct ops_call *c);
void ops_spam_relearn(struct ops_call *c);
/* The answer to what taught again: so many lessons, and ${n} of them ${what}; or why not. */
void ops_taught(
    struct ops_call *c, size_t lessons, const char *what, size_t n, const struct err *err);
/* ops_lessons.c */
void ops_lessons(struct ops_call *c);
void ops_lessons_import(struct ops_call *c);

#endif
