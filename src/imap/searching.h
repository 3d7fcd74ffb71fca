/* searching.h: a SEARCH, SORT or THREAD under way: shared by cmd_search.c (which messages), and
 * search_answer.c (what is asked back, and saying it). */
#ifndef IMAP_SEARCHING_H
#define IMAP_SEARCHING_H

#include "imap/order.h"
#include "imap/relevancy.h"
#include "imap/search.h"
#include "imap/session.h"
#include "imap/window.h"

enum {
	RETURN_MIN = 1,
	RETURN_MAX = 2,
	RETURN_ALL = 4,
	RETURN_COUNT = 8,
	RETURN_SAVE = 16,
	RETURN_ANY = 32,    /* there was a RETURN */
	RETURN_PARTIAL = 64, /* RFC 9394 */
	RETURN_UPDATE = 128, /* RFC 5267 4.3 */
	RETURN_CONTEXT = 256, /* RFC 5267 4.2: a hint; nothing is done otherwise */
	RETURN_RELEVANCY = 512 /* RFC 6203 4 */
};

struct search_returns {
	unsigned what;
	struct window window; /* PARTIAL */
	struct slice fetch;   /* UPDATE "(...)" (RFC 5465 7); p NULL: none */
};

struct context;
enum look_by { LOOK_VIEW, LOOK_VISIT };
struct looking { /* the visit's: what the worker sees (looking.c) */
	struct search *q;
	unsigned char *values;
	struct order *order; /* NULL: a SEARCH */
	/* with an order: of each message visited, its number and whether the view has said yes */
	uint32_t *numbers;
	unsigned char *sure;
	size_t at, n;
	struct uid_list found;
	struct scores scores[2]; /* by enum look_by: of those that it found */
	bool unreadable;
};

struct searching {
	struct search_returns returns;
	struct context *context; /* UPDATE: until the result is said */
	struct looking *look, *looking; /* ours; the visit's */
	struct search *q;               /* borrowed from look */
	uint32_t *uids;                 /* result so far, sorted */
	size_t n;
	bool is_sure;     /* those to be visited match, each of them */
	uint32_t *unsure; /* to be visited */
	size_t unsure_n;
	uint32_t next;       /* uid looked at next; an index would move when others expunge */
	uint64_t told;       /* INPROGRESS: when last */
	/* saying */
	const uint32_t *order; /* the result in the order asked for; NULL: as it is */
	size_t said, said_end;
	size_t scored, scored_begin, scored_end; /* RELEVANCY: places in the result */
	uint64_t modseq;
	bool esearch, first, numbers_begun, is_scoring, unreadable;
};

void look_free(void *look); /* accepts NULL */
/* look_rate: a message that matched, its values at hand, keeps its score; 0: none is wanted. */
unsigned look_rate(struct looking *l, enum look_by by, uint32_t uid);
unsigned look_score(const struct looking *l, uint32_t uid); /* 0: it has none */

/* "RETURN" SP "(" [options] ")" SP at the cursor, each option once (IMP-22); true and nothing taken
 * when there is none. */
bool returns_take(struct args *a, struct search_returns *ret);
void search_answer(struct imap *s);
/* What is said of RELEVANCY that no search can mean. */
#define RELEVANCY_ALONE "RELEVANCY is for a search with FUZZY"
/* With SAVE: "$" is those of ${uids}, sorted, that the answer names. */
void search_save(struct imap *s, const struct search_returns *r, const uint32_t *uids, size_t n);
/* Sets of the program to uids, of the selected mailbox: numbers mean what they mean now. */
void search_translate(struct imap *s, struct search *q);
void search_fix(struct search *q, uint32_t last_uid); /* of another: there are no numbers */
unsigned search_wants(const struct search *q);        /* VISIT_... */
void search_refuse(struct imap *s, const struct search_returns *r, enum search_fault fault);
/* A search that was answered NO leaves nothing in "$": RFC 9051 6.4.4.1. After BAD it stays. */
void search_save_nothing(struct imap *s, const struct search_returns *r);

#endif
