/* search.h: SEARCH as a program: keys, and AND/OR/NOT over them in postfix order, so that neither
 * parsing nor matching recurses. Shared by cmd_search.c (parse, flow, answer) and search_match.c
 * (does this message match). */
#ifndef IMAP_SEARCH_H
#define IMAP_SEARCH_H

#include "imap/args.h"
#include "imap/news.h"
#include "store/fuzzy.h"
#include "store/text_index.h"

enum key_what { /* in order of what they cost */
	/* the view knows */
	KEY_ALL,
	KEY_FLAGS,
	KEY_UIDS,
	KEY_LARGER,
	KEY_SMALLER,
	KEY_DAY,
	KEY_MODSEQ,
	KEY_RECENT,
	KEY_SAVED,   /* the day it was saved: RFC 8514 */
	KEY_OLDER,   /* came at ${day} or before: RFC 5032 */
	KEY_YOUNGER, /* at ${day}, in seconds, or after */
	/* the header must be read */
	KEY_HEADER,
	KEY_SENT,
	KEY_EMAILID, /* needle: as FETCH says it */
	KEY_THREADID,
	/* the body must be read */
	KEY_BODY,
	KEY_TEXT,
};

enum key_cost { COST_VIEW, COST_HEADER, COST_BODY, COST_LEVELS };

enum day_relation { DAY_BEFORE, DAY_ON, DAY_SINCE };

struct search_key {
	enum key_what what;
	unsigned flags; /* FLAGS: has one of them; 0: never, or not yet: a keyword named in field */
	struct seqset uids;       /* UIDS: fixed, as uids */
	bool by_number, is_saved; /* UIDS: to be translated before matching */
	uint64_t number;          /* LARGER SMALLER MODSEQ; RECENT: first recent uid */
	int64_t day;
	enum day_relation relation;
	struct slice field;  /* HEADER: its name; address keys and SUBJECT too */
	struct slice needle; /* folded; empty: the field's presence */
	const struct fuzzy *words; /* FUZZY: the needle's, looked for in its place; NULL */
	bool is_scored;      /* FUZZY, and not under NOT */
	size_t asked;        /* its number among the keys of ${found}, from 1; 0: not asked */
};

enum op_what { OP_KEY, OP_NOT, OP_OR, OP_AND };
struct search_op {
	enum op_what what;
	unsigned n; /* KEY: its index; AND: how many */
};

struct search_mark { /* keys by number, after relevancy_prepare; one that does not apply is ${key} */
	size_t key;
	size_t whole, literal, subject;
};

struct search {
	struct arena *arena; /* owned */
	struct search_key *keys;
	size_t keys_n;
	struct search_op *ops;
	size_t ops_n;
	enum key_cost cost;      /* the dearest key */
	unsigned fields_missing; /* header keys about fields that the index does not hold */
	bool wants_modseq, is_fuzzy; /* fuzzy: FUZZY is in it */
	bool wants_score;
	struct search_mark *marks; /* what the score is made of */
	size_t marks_n;
	struct text_found *found; /* owned; what the full-text index says; NULL: nothing */
};

enum search_fault { SEARCH_BAD, SEARCH_LIMIT, SEARCH_CHARSET };

/* search_parse: search-program behind RETURN options. View gives the keywords. NULL: *ret_fault
 * says why. */
struct search *search_parse(
    struct args *a, const struct view *v, uint32_t recent_from, enum search_fault *ret_fault);
void search_free(struct search *q);

/* search_ask: asks the full-text index of the folder; its answer is for q->found. NULL: it cannot
 * help, nothing follows. */
struct store_op *search_ask(struct search *q, struct folder *f,
    void (*on_found)(void *self, struct text_found *found), void *self);

enum search_answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN };

/* Room for what one message answers, of this search as it is now: relevancy_prepare comes before.
 * The caller frees it with free(). */
unsigned char *search_values(const struct search *q);
/* From the view and the full-text index alone; UNKNOWN: search_match must look. ${values}: of
 * search_values; relevancy_of makes the score of what is in it after a match. */
enum search_answer search_match_view(
    const struct search *q, const struct view_message *m, unsigned char *values);
/* On a worker thread. False when it could not be read. */
bool search_match(const struct search *q, const struct visit_message *m, unsigned char *values,
    bool *ret_unreadable);

#endif
