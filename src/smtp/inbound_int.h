/* inbound_int.h (inside smtp): what the files of the receiving spine share: inbound.c (order and
 * consequences), in_weigh.c (what is thought of the message, for whom), in_stamp.c (what is written of
 * it: fields, ledger), in_quarantine.c (what is left of it when it is refused), in_forward.c (where a
 * copy goes on to). */
#ifndef SMTP_INBOUND_INT_H
#define SMTP_INBOUND_INT_H

#include "smtp/in_int.h"
#include "smtp/in_peer.h"
#include "smtp/in_proof.h"
#include "spam/classifier.h"
#include "spam/lists.h"
#include "spam/verdict.h"
#include "store/quarantine.h"
#include "store/senders.h"

struct inbound;

struct share { /* one account's copy, however many of its addresses were named */
	struct account *account;
	const char *name;   /* lives as long as the account */
	struct slice rcpt;  /* the first of its addresses */
	struct facts facts; /* once weighed: all of them, for this account */
	enum fact known;    /* the account wrote to the one in From */
	struct verdict verdict;
	struct slice prefix;
	bool junk; /* where it goes in the end */
	unsigned char content[16]; /* of the copy, once it is there */
	/* of a refused message: where its copy lies, or why there is none; NULL: none was tried */
	struct inbound *in;
	const char *copy, *no_copy;
	uint32_t copy_uid;
	/* of one that a rule sends on: the copy's id in the queue, or why there is none; NULL: nothing was tried */
	const char *forwarded, *not_forwarded;
};

struct inbound {
	struct smtp_end end;           /* in the transaction's arena, as all of this */
	struct classifier *classifier; /* borrowed; NULL: none */
	const struct cfg *cfg;         /* as it was at the end of the data; configurations live as
					  long as the process */
	struct smtp_peer *peer;        /* held; NULL: nothing was asked about it */
	struct share *shares;
	size_t shares_n;
	struct span *drop; /* inbound fields only we may write */
	size_t drop_n;
	struct uri_hosts uris; /* where its links lead; when a list is asked about that */
	bool wants_uris;
	struct list_asks *lists;  /* owned; NULL: nothing is asked */
	struct mime mime;         /* of the draft; until the commit's answer only */
	struct features features; /* owned */
	bool came_again;          /* the greylist lets this sender in */
	struct job room_job;      /* on the queue's lane */
	struct queue_count queued;
	struct err room_err;
	bool refused;             /* every verdict says so: end.reply is the 550 */
};

/* in_weigh.c. On a worker, each in turn. */
int inbound_read(struct inbound *in);      /* form, loops, parts, features; -1 with end.err set */
void inbound_acquaint(struct inbound *in); /* on STORE_STATE: who of the recipients knows From? */
void inbound_weigh(struct inbound *in);    /* facts of each share to its verdict */
void inbound_greylist(struct inbound *in); /* on STORE_STATE */

/* in_quarantine.c: a copy for each share; holds the flow until all are kept, or not. */
void inbound_quarantine(struct inbound *in);

/* in_forward.c: what rules send on goes into the queue; holds the flow until it is there, or not. */
void inbound_forward(struct inbound *in);

/* in_stamp.c */
void inbound_stamp(struct inbound *in);  /* fills each share's prefix; may stop the flow */
void inbound_tell(struct inbound *in); /* what the verdicts say of the sender */
void inbound_record(struct inbound *in); /* a row for each recipient: nothing is silent */

#endif
