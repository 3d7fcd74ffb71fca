/* fuzzy.h: does a text have these words? A needle taken word by word: each is the beginning of a word
 * of the text, wherever that stands, accents and case aside (RFC 6203 3 leaves that to the server).
 * One rule for the search that reads messages and for the full-text index. */
#ifndef STORE_FUZZY_H
#define STORE_FUZZY_H

#include "core/arena.h"
#include "core/slice.h"

enum {
	FUZZY_WORDS = 64,  /* of a needle; more do not count */
	FUZZY_OCTETS = 44, /* of a word; more do not count */
};

enum fuzzy_fit {
	FUZZY_BEGIN, /* a word begins so */
	FUZZY_WHOLE, /* a word is this: two signs of Chinese or Japanese, or what was asked whole */
	FUZZY_IN,    /* one such sign: anywhere */
};

struct fuzzy {
	struct fuzzy_word {
		struct slice text; /* folded and bare (msg/fold.h) */
		enum fuzzy_fit fit;
	} words[FUZZY_WORDS];
	size_t n;
};

/* fuzzy_of: the words of a needle, which is folded; in the arena. NULL: it has none, and must be looked
 * for as it stands. ${whole}: words, not beginnings. */
struct fuzzy *fuzzy_of(struct arena *a, struct slice folded, bool whole);
/* Which words are in this text, folded? ${found}: bits of those that are elsewhere, added to. */
uint64_t fuzzy_in(const struct fuzzy *f, struct slice folded, uint64_t found);
bool fuzzy_all(const struct fuzzy *f, uint64_t found);

#endif
