/* context_int.h (context.c, context_say.c): a search that is kept up to date. */
#ifndef IMAP_CONTEXT_INT_H
#define IMAP_CONTEXT_INT_H

#include "imap/context.h"

struct peek { /* the visit's */
	const struct search *q;
	struct search *owned; /* q, once its context is gone */
	unsigned char *values;
	struct order *order; /* NULL: a SEARCH */
	struct uid_list found, unreadable;
};

struct context {
	struct list node;
	struct imap *s;
	char *tag;
	bool is_uid;
	bool by_flags;	  /* a message whose flags change is asked again */
	bool has_unknown; /* keywords that no message has had */
	struct search *q; /* NULL: the search has not ended */
	unsigned char *values;
	struct order *order;	  /* how; NULL: as in the mailbox */
	struct uid_list members;
	struct order_entry **row; /* with an order: the members in it */
	size_t rows_n;
	struct uid_list gone, in, out;	/* to be told: expunged; joined; left */
	struct order_entry **fresh;	/* with an order: of those in ${in}, by uid */
	size_t fresh_n;
	struct uid_list dirty, unsure;	/* to be asked the view; to be visited */
	char *fetch;			/* "(UID ...)": of those that came; NULL */
	struct uid_list arrived, wanted; /* not looked at yet; to be fetched */
};

struct contexts {
	struct list all;
	unsigned n;
	size_t members, rows, texts; /* of all; texts: octets in the rows */
	struct visit *visit;
	struct context *visiting;
	struct peek *peek;
	struct uid_list visited;
};

void context_drop_fresh(struct context *c); /* nothing is in ${in} */
bool contexts_too_large(const struct contexts *all);
/* Those that are dirty and announced: to in, out or unsure. */
void context_ask_view(struct context *c);
void context_learn_keywords(struct context *c); /* that exist now */
void contexts_visit(struct imap *s); /* what is unsure, where no visit is under way */

#endif
