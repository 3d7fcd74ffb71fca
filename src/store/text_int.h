/* text_int.h (inside store, files text_*.c): the full-text index as its files see it. One
 * database an account, search.sqlite, a cache: what it holds is made again from messages.
 *
 * A *document* is a content (content id) that was read; its number is never given again. Its folded
 * texts are cut into *words* (text_words.c), which are kept by *column*: where they stood. A
 * *segment* holds, for a range of documents, all words of each column in *blocks*: a list of words
 * that is searched as one string, so that a substring of a word is found too, and for each word the
 * documents it is in. Segments never change; several are merged into one (text_merge.c). *Places*
 * say which document a UID of a folder is. */
#ifndef STORE_TEXT_INT_H
#define STORE_TEXT_INT_H

#include "store/fuzzy.h"
#include "store/mail_int.h"
#include "store/text_index.h"

enum text_column {
	TEXT_COLUMN_BODY,
	TEXT_COLUMN_OTHER, /* names of all header fields, and bodies of all but the next */
	TEXT_COLUMN_SUBJECT,
	TEXT_COLUMN_FROM,
	TEXT_COLUMN_TO,
	TEXT_COLUMN_CC,
	TEXT_COLUMN_BCC,
	TEXT_COLUMNS,
};

enum {
	TEXT_WORD_MAX = 128,  /* octets; longer ones are cut into pieces that overlap */
	TEXT_WORD_STEP = 80,  /* from piece to piece */
	TEXT_WORD_SURE = 44,  /* so long a part of a word is whole in one of its pieces */
	TEXT_TERMS = 8,       /* words of a needle that narrow it */
	TEXT_BLOCK = 16384,   /* octets of words in a block, when it is full */
	TEXT_POSTS = 65536,   /* octets of documents in a block, when it is full */
	TEXT_SEGMENTS = 8,    /* of about one size are merged into one */
	TEXT_HEAD_MAX = 65535, /* octets kept of the fields with columns of their own */
	TEXT_CUT = 1,	      /* stands where a piece is not the end of its word */
	TEXT_DOCUMENTS = 1 << 28, /* numbers; one that is larger is of a damaged index */
};

/* --- text_words.c --- */
typedef void text_word_fn(void *self, struct slice word);
void text_words_of(struct slice folded, text_word_fn *on_word, void *self);
struct text_term { /* found in a block's words as it is; "\n" stands at both ends of each word */
	char pattern[TEXT_WORD_SURE + 3];
	size_t n;
};
struct text_plan {
	struct text_term terms[TEXT_TERMS]; /* each must be in the message */
	size_t n;                           /* 0: nothing of the needle is indexed */
	bool is_exact;                      /* and a message that has it has the needle */
};
void text_plan_of(struct slice folded, struct text_plan *ret);
size_t text_signs_in(struct slice word); /* characters of Chinese and Japanese: all, or none */

/* --- text_fuzzy.c: what each term looks for stands in words without accents --- */
void text_plan_fuzzy(const struct fuzzy *f, struct text_plan *ret);

/* --- text_block.c: segments, written and read --- */
struct text_writer { /* words of one segment, in the order of columns and words */
	struct sql *q;
	int64_t segment, first; /* first: documents are counted from here */
	unsigned column;
	struct buf words, posts, word;
	int64_t last;
	uint64_t octets;
	struct err *err;
	bool failed;
};
void text_writer_begin(
    struct text_writer *w, struct sql *q, int64_t segment, int64_t first, struct err *err);
void text_writer_word(struct text_writer *w, unsigned column, struct slice word);
void text_writer_document(struct text_writer *w, int64_t document); /* ascending */
void text_writer_word_end(struct text_writer *w);
int text_writer_end(struct text_writer *w); /* -1: err is set; frees */
struct text_posts {
	const unsigned char *p, *end;
	int64_t document;
};
/* The documents of the nth word of a block; words are asked in order. */
struct text_lists {
	const unsigned char *p, *end;
	size_t at;
};
void text_lists_begin(struct text_lists *l, struct slice posts);
bool text_lists_at(struct text_lists *l, size_t n, int64_t first, struct text_posts *ret);
bool text_posts_next(struct text_posts *p); /* then p->document; false at the end */
uint64_t text_sum(struct slice octets);     /* says whether a blob is as it was written */
int text_damaged(struct err *err);          /* -1, and EBADMSG: it is to be set aside */
/* The largest number of a document, 0: there is none. Within TEXT_DOCUMENTS, and none is below 0, or it is
 * damaged. */
int text_documents_most(struct sql *q, int64_t *ret, struct err *err);
/* Bits by document, which must be within them. */
static inline bool text_bit(const unsigned char *bits, int64_t document)
{
	return ((bits[document / 8] & 1u << document % 8) != 0);
}
static inline void text_bit_set(unsigned char *bits, int64_t document)
{
	bits[document / 8] = (unsigned char)(bits[document / 8] | 1u << document % 8);
}
extern const char *const text_schema[];
extern const unsigned text_schema_n;

/* --- text_gather.c: what a message holds --- */
struct text_builder;
struct text_builder *text_builder_new(void);
void text_builder_free(struct text_builder *b);
void text_builder_reset(struct text_builder *b);
/* Adds a message's words. False: too much of it; then it is in no list, and must be scanned. head:
 * the folded fields with columns of their own (text_head_next). */
bool text_builder_add(
    struct text_builder *b, int64_t document, struct slice wire, struct buf *head);
size_t text_builder_octets(const struct text_builder *b); /* of text since the reset */
int text_builder_write(struct text_builder *b, struct text_writer *w); /* all words */
/* The next field of a head: false at the end. */
bool text_head_next(struct slice *rest, unsigned *ret_column, struct slice *ret_text);

/* --- text_merge.c --- */
/* Merges what should be, once; *ret_more: there may be more to do. Inside a transaction. *stops, which others
 * set: it fails soon. */
int text_merge(struct sql *q, const bool *stops, bool *ret_more, struct err *err);
/* All segments into one, without documents that no message is; ${index}: a reader of the index. */
int text_compact(struct sql *q, struct sql *index, const bool *stops, struct err *err);

/* --- text_place.c: which document is a message? --- */
struct text_place {
	uint32_t uid, document;
};
struct text_places {
	struct text_place *v; /* by uid */
	size_t n, cap;
};
int text_places_read(
    struct sql *q, struct slice leaf, uint32_t uidvalidity, struct text_places *ret, struct err *err);
/* Adds those, which are sorted, to what is noted. */
int text_places_add(struct sql *q, struct slice leaf, uint32_t uidvalidity,
    const struct text_place *v, size_t n, struct err *err);
/* Forgets all that are ${dead}: bits by document. */
int text_places_drop(struct sql *q, const unsigned char *dead, int64_t most, struct err *err);
uint32_t text_places_find(const struct text_places *p, uint32_t uid); /* 0: none */

/* --- text_feed.c: the index of an account --- */
struct batch; /* text_batch.c */
struct text {
	struct mail *m;
	struct lane *lane; /* low priority, width 1 */
	struct timer *timer;
	bool is_on;         /* may be asked: the database is open */
	bool running, again; /* a job is on the lane; wanted once more */
	bool stopping;
	unsigned yielded; /* how often a batch was put off for those who read */
	struct text_status status; /* as of the last run */
	/* lane */
	struct sql *db;
	struct batch *batch;
	bool stops; /* atomic: what runs on the lane ends soon */
	/* readers */
	pthread_mutex_t lock;
	struct sql *reader; /* NULL: taken, or none */
	unsigned epoch;     /* counts databases made anew */
	bool damaged;       /* a reader says so */
};
void text_open(struct mail *m); /* loop, at start: never fails; it builds when it can */
void text_stop(struct mail *m); /* loop: no new work */
bool text_idle(const struct mail *m);
void text_close(struct mail *m); /* idle; accepts a mail without */
void text_news(struct mail *m, size_t added, size_t gone); /* loop: mail came or went */
void text_configure(struct mail *m); /* loop: the configuration may have changed */
struct sql *text_reader_take(struct text *t, unsigned *ret_epoch);
void text_reader_give(struct text *t, struct sql *q, unsigned epoch);

#endif
