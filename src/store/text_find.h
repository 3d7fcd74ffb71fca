/* text_find.h (inside store: text_find.c, text_ask.c): a question to the full-text index, and what it
 * found. Filled in by text_ask.c, which owns it. */
#ifndef STORE_TEXT_FIND_H
#define STORE_TEXT_FIND_H

#include "store/text_int.h"

struct text_find_key {
	enum text_field field;
	struct slice needle; /* folded */
	bool is_fuzzy;       /* its terms are looked for in bare words; the plan is made */
	struct text_plan plan;
	bool is_used;        /* the index can tell something */
	bool is_exact;       /* what has all words has the needle */
	bool verifies;       /* its field is kept: looked at here, and exact then */
	bool verifies_some;  /* TEXT: what one of the kept fields has is found, the rest must be read */
	unsigned char *bits; /* by document, of each term; the first are the answer */
	unsigned char *sure; /* with ${verifies_some}: those that have the needle */
};

struct text_find {
	struct sql *q; /* inside a read transaction */
	struct text_find_key *keys;
	size_t keys_n;
	const bool *is_abandoned; /* atomic: nobody waits any more */
	int64_t documents_end;
	size_t bits_n;
	unsigned char *scan; /* documents that are in no list */
	struct buf posts, bare; /* bare: words of a block, without accents */
	bool is_bare;           /* of the block at hand */
	int64_t posts_of; /* the block whose posts are at hand */
	bool is_damaged;
};

bool text_find(struct text_find *x); /* false: nothing is known */
void text_find_free(struct text_find *x);

#endif
