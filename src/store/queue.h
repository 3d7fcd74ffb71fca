/* queue.h: outbound messages and their recipients: durable, exactly accounted for (P5). A message
 * enters through store_commit (draft.h) or queue_add_blocking (delivery reports); it leaves
 * recipient by recipient. Message bodies are LF files DATA/queue/<id>, envelopes rows of
 * queue.sqlite (FULL). */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include "core/arena.h"
#include "store/draft.h"

enum { QUEUE_ID = 16 }; /* characters of an id */

struct queue_rcpt {
	int64_t id;           /* row */
	struct slice address; /* local@domain, domain as A-label */
	struct slice orcpt;   /* RFC 3461 as given, or empty */
	unsigned notify;      /* NOTIFY_...; 0: not given */
	int64_t next_try;     /* wall seconds */
	unsigned tries;
	bool warned;       /* the 4 h notice went out */
	struct slice last; /* last reply or error, one line */
	enum { RCPT_WAITING, RCPT_HELD, RCPT_DONE, RCPT_FAILED } state;
};
enum { NOTIFY_NEVER = 1, NOTIFY_SUCCESS = 2, NOTIFY_FAILURE = 4, NOTIFY_DELAY = 8 };

struct queue_envelope {
	struct slice from;    /* reverse-path, may be empty */
	struct slice account; /* who sent it; empty: we did */
	struct slice envid;   /* RFC 3461, or empty */
	bool ret_full, smtputf8, eightbit;
	const struct queue_rcpt *rcpts; /* address, orcpt, notify used */
	size_t rcpts_n;
	int64_t not_before; /* send_delay: 0 at once */
};

struct queue_entry {
	char id[QUEUE_ID + 1];
	struct queue_envelope env;
	struct queue_rcpt *rcpts; /* all, in the arena */
	size_t rcpts_n;
	int64_t arrived, expires;
	uint64_t size; /* CRLF form */
	bool broken;   /* body missing, short or unreadable: set aside (OUT-17) */
};

/* queue_add_blocking: body and envelope, durable on return. lane: STORE_QUEUE. Content is CRLF.
 * Never refused for L_QUEUE. */
int queue_add_blocking(struct store *s, const struct queue_envelope *env, struct slice content,
    char ret_id[QUEUE_ID + 1], struct err *err);

/* All lane: STORE_QUEUE. Results live in the arena. */
/* queue_due: entries with a waiting recipient due by ${now}, oldest first, at most max; ret_next:
 * when the next one will be due (0: none). */
int queue_due(struct store *s, struct arena *a, int64_t now, size_t max, struct queue_entry ***ret,
    size_t *ret_n, int64_t *ret_next, struct err *err);
int queue_get(
    struct store *s, struct arena *a, const char *id, struct queue_entry **ret, struct err *err);
int queue_list(struct store *s, struct arena *a, size_t max, struct queue_entry ***ret,
    size_t *ret_n, struct err *err);
struct queue_outcome {
	int64_t rcpt; /* row */
	enum {
		OUTCOME_DELIVERED,
		OUTCOME_FAILED,
		OUTCOME_RETRY,
		OUTCOME_WARNED /* as RETRY, and its delay notice is the report */
	} kind;
	int64_t next_try;
	struct slice reply; /* one line */
};
/* queue_settle: record outcomes of one entry and, in the same transaction, add the report to send
 * (NULL: none) as a new entry: a recipient never leaves without its notice (P5, P6). Removes the
 * entry and its file when no recipient waits or is held. An entry that is gone (deleted meanwhile):
 * ERR_NOT_FOUND, nothing done. Recipients already done or failed are passed over; held ones stay
 * held unless delivered or failed. */
struct queue_report {
	struct queue_envelope env;
	struct slice content; /* CRLF */
};
int queue_settle(struct store *s, const char *id, const struct queue_outcome *o, size_t n,
    const struct queue_report *report, char ret_report_id[QUEUE_ID + 1], struct err *err);
/* queue_work_begin, queue_work_end: an attempt with this entry is under way (they nest). An entry
 * that was in work at two crashes is held at the next open, its recipients' last being "set aside
 * after two crashes" (P22). An entry that is gone: 0. */
int queue_work_begin(struct store *s, const char *id, struct err *err);
int queue_work_end(struct store *s, const char *id, struct err *err);
int queue_act(struct store *s, const char *id /* or NULL: all */,
    int act /* 'r'etry now, 'h'old, 'R'elease, 'd'elete */, size_t *ret_n,
    struct err *err); /* ret_n: entries touched; ERR_NOT_FOUND for an id that is not there. Retry
			 and release look again whether a broken entry is whole */
struct queue_count {
	uint64_t entries, recipients, held, octets;
	int64_t oldest; /* 0: none */
};
int queue_count(struct store *s, struct queue_count *ret, struct err *err);
/* The body's file, for reading: relative path. LF form. */
void queue_path(const char *id, char ret[64]);
/* On the loop: called after a commit added to the queue, so that the scheduler wakes. */
void queue_on_added(struct store *s, void (*on_added)(void *self), void *self);

#endif
