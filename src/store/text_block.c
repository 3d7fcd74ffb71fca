/* text_block.c: how are the words of a segment kept? In blocks of one column: the words, sorted, with a
 * line end before, between and behind them; and beside them for each word the documents it is in: the
 * octets that follow, then differences, all as numbers of seven bits an octet. So the words can be
 * searched as one string without looking at documents. Each blob has a sum: a damaged one is found
 * out, not believed. Leaves what the words are to text_gather.c and text_merge.c. */
#include "store/text_int.h"

#include <errno.h>

const char *const text_schema[] = {
	"CREATE TABLE document(id INTEGER PRIMARY KEY, cid BLOB NOT NULL UNIQUE, scan INTEGER NOT "
	"NULL, head BLOB) STRICT;"
	"CREATE INDEX document_scan ON document(id) WHERE scan <> 0;"
	"CREATE TABLE note(name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE segment(id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT "
	"NULL, documents INTEGER NOT NULL, octets INTEGER NOT NULL) STRICT;"
	"CREATE TABLE words(id INTEGER PRIMARY KEY, segment INTEGER NOT NULL, part INTEGER NOT "
	"NULL, sum INTEGER NOT NULL, words BLOB NOT NULL) STRICT;"
	"CREATE INDEX words_segment ON words(segment, part);"
	"CREATE TABLE posts(id INTEGER PRIMARY KEY, sum INTEGER NOT NULL, posts BLOB NOT NULL) "
	"STRICT;"
	"CREATE TABLE place(leaf TEXT NOT NULL, uidvalidity INTEGER NOT NULL, part INTEGER NOT "
	"NULL, uids BLOB NOT NULL, PRIMARY KEY(leaf, uidvalidity, part)) STRICT;",
};
const unsigned text_schema_n = COUNT_OF(text_schema);

uint64_t text_sum(struct slice octets)
{
	uint64_t sum = 0x9e3779b97f4a7c15u ^ octets.n, eight;

	for (; octets.n >= 8; octets = slice_from(octets, 8)) {
		memcpy(&eight, octets.p, 8);
		sum = (sum ^ eight) * 0xff51afd7ed558ccdu;
		sum ^= sum >> 32;
	}
	for (size_t i = 0; i < octets.n; i++)
		sum = (sum ^ (unsigned char)octets.p[i]) * 0xff51afd7ed558ccdu;
	return ((sum ^ sum >> 29) >> 1); /* fits SQLite's integer */
}

int text_damaged(struct err *err)
{
	(void)err_set(err, ERR_PERMANENT, "the full-text index is damaged");
	if (err != NULL)
		err->number = EBADMSG;
	return (-1);
}

int text_documents_most(struct sql *q, int64_t *ret, struct err *err)
{
	int64_t least = 0;
	int got;

	*ret = 0;
	if (sql_ask(q, "SELECT (SELECT min(id) FROM document), (SELECT max(id) FROM document)", err,
		"") != 0)
		return (-1);
	if ((got = sql_step(q, err)) == 1) {
		least = sql_int(q, 0);
		*ret = sql_int(q, 1);
	}
	sql_done(q);
	if (got < 0)
		return (-1);
	return (least < 0 || *ret > TEXT_DOCUMENTS ? text_damaged(err) : 0);
}

/* --- numbers --- */

static void number_add(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		(void)buf_addc(out, (char)(unsigned char)(v | 0x80));
	(void)buf_addc(out, (char)v);
}

static bool number_take(const unsigned char **p, const unsigned char *end, uint64_t *ret)
{
	unsigned shift = 0;

	*ret = 0;
	while (*p < end && shift < 63) {
		unsigned char c = *(*p)++;

		*ret |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return (true);
		shift += 7;
	}
	return (false);
}

/* --- writing --- */

enum { WORDS_MAX = TEXT_BLOCK + 2 * TEXT_WORD_MAX, POSTS_MAX = 1 << 30 };

void text_writer_begin(
    struct text_writer *w, struct sql *q, int64_t segment, int64_t first, struct err *err)
{
	*w = (struct text_writer){ .q = q, .segment = segment, .first = first, .err = err };
	buf_init(&w->words, WORDS_MAX);
	buf_init(&w->posts, POSTS_MAX);
	buf_init(&w->word, POSTS_MAX);
}

static void block_end(struct text_writer *w)
{
	struct slice words = buf_slice(&w->words), posts = buf_slice(&w->posts);

	if (w->words.n == 0)
		return;
	if (!w->failed && (w->words.failed || w->posts.failed)) {
		(void)err_set(w->err, ERR_TEMPORARY, "no memory for the full-text index");
		w->failed = true;
	}
	w->failed = w->failed ||
	    sql_do(w->q, "INSERT INTO words(segment, part, sum, words) VALUES(?1, ?2, ?3, ?4)",
		w->err, "iiib", w->segment, (int64_t)w->column, (int64_t)text_sum(words), words) !=
		0 ||
	    sql_do(w->q, "INSERT INTO posts(id, sum, posts) VALUES(?1, ?2, ?3)", w->err, "iib",
		sql_last_id(w->q), (int64_t)text_sum(posts), posts) != 0;
	w->octets += words.n + posts.n;
	buf_reset(&w->words);
	buf_reset(&w->posts);
}

void text_writer_word(struct text_writer *w, unsigned column, struct slice word)
{
	if (w->column != column || w->words.n + word.n + 2 > TEXT_BLOCK || w->posts.n > TEXT_POSTS)
		block_end(w);
	w->column = column;
	if (w->words.n == 0)
		(void)buf_addc(&w->words, '\n');
	(void)buf_add_slice(&w->words, word);
	(void)buf_addc(&w->words, '\n');
	w->last = w->first;
}

void text_writer_document(struct text_writer *w, int64_t document)
{
	number_add(&w->word, (uint64_t)(document - w->last));
	w->last = document;
}

void text_writer_word_end(struct text_writer *w)
{
	number_add(&w->posts, w->word.n);
	(void)buf_add_slice(&w->posts, buf_slice(&w->word));
	buf_reset(&w->word);
}

int text_writer_end(struct text_writer *w)
{
	block_end(w);
	buf_free(&w->words);
	buf_free(&w->posts);
	buf_free(&w->word);
	return (w->failed ? -1 : 0);
}

/* --- reading --- */

void text_lists_begin(struct text_lists *l, struct slice posts)
{
	l->p = (const unsigned char *)posts.p;
	l->end = l->p + posts.n;
	l->at = 0;
}

bool text_lists_at(struct text_lists *l, size_t n, int64_t first, struct text_posts *ret)
{
	uint64_t octets;

	if (first < 0 || first > TEXT_DOCUMENTS) /* that of a segment has no sum */
		return (false);
	for (;; l->p += octets, l->at++) {
		if (!number_take(&l->p, l->end, &octets) || octets > (uint64_t)(l->end - l->p))
			return (false);
		if (l->at == n)
			break;
	}
	*ret = (struct text_posts){ l->p, l->p + octets, first };
	l->p += octets;
	l->at++;
	return (true);
}

bool text_posts_next(struct text_posts *p)
{
	uint64_t by;

	if (!number_take(&p->p, p->end, &by) || by > INT64_MAX / 2)
		return (false);
	p->document += (int64_t)by;
	return (true);
}
