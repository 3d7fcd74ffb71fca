/* words.h (inside spam): the features of a message: distinct 64-bit keyed hashes of words and of sparse word pairs. The low three bits
 * say what a feature is: 0 a word, 1 and 2 a pair of words so far apart. At most L_TOKENS of them, from at most L_TOKEN_TEXT octets of text,
 * words of at most L_TOKEN octets; linear; any thread. */
#ifndef SPAM_WORDS_H
#define SPAM_WORDS_H

#include "core/buf.h"
#include "spam/classifier.h"

enum { WORDS_VERSION = 2 }; /* of the tokeniser: a lesson is undone exactly within one version */
enum { WORDS_WINDOW = 2, WORDS_CLASS = 7 };

struct words_set; /* the distinct features found so far */
enum { WORDS_TRACED = 2 * 64 + 8 };
struct words_trace { /* for a person who asks what a feature stands for */
	void (*on_feature)(void *self, uint64_t feature, struct slice text); /* each once */
	void *self;
	struct { /* the words before, the latest first */
		char text[WORDS_TRACED];
		size_t n;
	} last[WORDS_WINDOW];
};
struct words {
	unsigned char key[16];
	struct words_set *set;
	struct words_trace *trace;   /* NULL: nobody asks */
	struct slice prefix;         /* "subject:"; empty in bodies */
	uint64_t last[WORDS_WINDOW]; /* hashes of the words before, the latest first; 0: none */
};

/* The whole of it. hostname: ours, whose Received fields say nothing about the sender; NULL: none. trace: NULL, or told of each. */
void words_of(const unsigned char key[16], const char *hostname, const struct mime *m,
    struct words_trace *trace, struct features *ret);

/* The pieces, for words_*.c. */
void words_section(struct words *w, struct slice prefix); /* pairs do not reach over its start */
void words_token(struct words *w, struct slice word);     /* in order; lower-cased here */
void words_alone(struct words *w, struct slice kind,
    struct slice value);                             /* one feature outside the order of words */
void words_text(struct words *w, struct slice utf8); /* cut into words */
/* words_plain.c: the text as a person sees it, with a feature when that is not how it is written. */
void words_plain(struct words *w, struct slice utf8, struct buf *out);
void words_shape(struct words *w, struct slice kind,
    struct slice text); /* letters, digits and marks as runs: how it was made */
void words_host(
    struct words *w, struct slice kind, struct slice host); /* the name and its suffixes */
void words_header(
    struct words *w, const struct header *h, const char *hostname); /* words_header.c */
/* SipHash-2-4. */
uint64_t words_hash(const unsigned char key[16], struct slice a, struct slice b);

#endif
