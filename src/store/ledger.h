/* ledger.h: what happened to mail and why: a row per recipient of each verdict, refusal, deferral,
 * delivery and sending; 90 days. Nothing is silent. */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "core/arena.h"
#include "store/store.h"

struct ledger_row {                    /* slices may be empty */
	int64_t id;                    /* of a row that was found; rises with time */
	int64_t at;                    /* wall seconds; 0: now */
	struct slice session, message; /* ids in the log: "s-19c4", "m-7f3a" */
	struct slice
	    act; /* "accept" "junk" "reject" "refuse" "defer" "sent" "bounced" "queued" ... */
	struct slice peer; /* address text */
	struct slice rdns, helo;
	struct slice mail_from, rcpt, account, folder;
	struct slice message_id, subject, header_from;
	struct slice content_id; /* 16 octets, or empty */
	struct slice reply;      /* what the peer was told */
	struct slice facts;      /* JSON object of facts */
	struct slice points;     /* "bayes-spam 5.1; html-only 0.5" */
	double score;
	bool has_score;
};
/* On the loop; copied; written on the ledger lane. When the lane is full the row is counted as
 * dropped and status says so. */
void ledger_add(struct store *s, const struct ledger_row *row);
uint64_t ledger_dropped(const struct store *s);
/* lane: STORE_LEDGER. ${what}: a message id, an EMAILID, our ids, an account, an address, an IP or a
 * network of them, or a time ("10m", "2026-11-23"); empty: all. Of these the ones with from <= at < to,
 * newest first. */
int ledger_find_between(struct store *s, struct arena *a, struct slice what, int64_t from, int64_t to,
    size_t max, struct ledger_row **ret, size_t *ret_n, struct err *err);
int ledger_find(struct store *s, struct arena *a, struct slice what, size_t max,
    struct ledger_row **ret, size_t *ret_n, struct err *err); /* at any time */
/* A time as people write it to bound a question: how long ago ("2h"), a day or a minute (UTC): when it
 * begins, and the end of that day or minute. False: none of these. */
bool ledger_time(struct slice text, int64_t now, int64_t *ret_from, int64_t *ret_to);
/* lane: STORE_LEDGER. Rows of deliveries that were judged, since ${since}, newest first: those with an id
 * below ${before}, at most ${max}. For reading all in pieces. */
int ledger_judged(struct store *s, struct arena *a, int64_t since, int64_t before, size_t max,
    struct ledger_row **ret, size_t *ret_n, struct err *err);
/* lane: STORE_LEDGER. Mail that was delivered from outside, oldest first: rows after ${after} that are older than ${before}, at
 * most ${max}. An id of a ledger that was since begun anew counts as 0. */
int ledger_delivered(struct store *s, struct arena *a, int64_t after, int64_t before, size_t max,
    struct ledger_row **ret, size_t *ret_n, struct err *err);
int ledger_expire(struct store *s, int64_t before, struct err *err);

#endif
