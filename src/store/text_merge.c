/* text_merge.c: when do segments become one, and how? Segments are made by every batch; a question looks at all
 * of them, so eight of about one size at the end are merged into one, which leaves some eight of
 * each size. Their documents ascend from segment to segment: of a word's lists one is put behind
 * the other. Memory: a block of each. When half of the documents are of no message any more,
 * all segments are merged and those left out; no message is read for it. Failures: the transaction
 * is its caller's to roll back. */
#include "store/text_int.h"

#include <stdlib.h>

enum { BLOCK_MAX = 1 << 30 };

struct segment {
	int64_t id, first, last, documents;
};

struct source { /* a segment that is read from word to word */
	int64_t first;
	int64_t *blocks;
	size_t blocks_n, block;
	unsigned column;
	struct buf words, posts;
	struct slice rest, word; /* of words */
	struct text_lists lists;
	size_t nth;
	bool at_end;
};

struct merge {
	struct sql *q;
	struct source *sources;
	size_t n;
	const unsigned char *dead; /* bits by document; NULL: none */
	int64_t most;              /* of them */
	uint32_t *documents;
	size_t documents_n, documents_cap;
	const bool *stops;
	struct err *err;
};

/* --- one segment --- */

static int blob_read(struct sql *q, const char *text, int64_t id, struct buf *out,
    int64_t *ret_part, struct err *err)
{
	int rc = -1;

	buf_reset(out);
	if (sql_ask(q, text, err, "i", id) != 0)
		return (-1);
	if (sql_step(q, err) == 1) {
		struct slice blob = sql_text(q, 1);

		*ret_part = sql_int(q, 2);
		rc = (int64_t)text_sum(blob) == sql_int(q, 0) && buf_add_slice(out, blob) == 0
		    ? 0
		    : text_damaged(err);
	} else
		(void)text_damaged(err);
	sql_done(q);
	return (rc);
}

static int source_next(struct merge *x, struct source *s)
{
	int64_t part, none;

	for (;;) {
		if (slice_cut(s->rest, '\n', &s->word, &s->rest)) {
			s->nth++;
			return (0);
		}
		if (s->block == s->blocks_n) {
			s->at_end = true;
			return (0);
		}
		if (blob_read(x->q, "SELECT sum, words, part FROM words WHERE id = ?1",
			s->blocks[s->block], &s->words, &part, x->err) != 0 ||
		    blob_read(x->q, "SELECT sum, posts, 0 FROM posts WHERE id = ?1",
			s->blocks[s->block], &s->posts, &none, x->err) != 0)
			return (-1);
		s->block++;
		s->column = (unsigned)part;
		s->rest = slice_from(buf_slice(&s->words), 1);
		s->nth = 0;
		text_lists_begin(&s->lists, buf_slice(&s->posts));
	}
}

static int source_begin(struct merge *x, struct source *s, const struct segment *of)
{
	size_t cap = 0;
	int got;

	s->first = of->first;
	buf_init(&s->words, BLOCK_MAX);
	buf_init(&s->posts, BLOCK_MAX);
	if (sql_ask(x->q, "SELECT id FROM words WHERE segment = ?1 ORDER BY part, id", x->err, "i",
		of->id) != 0)
		return (-1);
	while ((got = sql_step(x->q, x->err)) == 1) {
		if (s->blocks_n == cap) {
			cap = cap * 2 + 64;
			s->blocks = mem_grow(s->blocks, cap, sizeof(*s->blocks));
		}
		s->blocks[s->blocks_n++] = sql_int(x->q, 0);
	}
	sql_done(x->q);
	return (got < 0 ? -1 : source_next(x, s));
}

static void source_free(struct source *s)
{
	free(s->blocks);
	buf_free(&s->words);
	buf_free(&s->posts);
}

/* --- several --- */

static int source_cmp(const struct source *a, const struct source *b)
{
	if (a->column != b->column)
		return (a->column < b->column ? -1 : 1);
	return (slice_cmp(a->word, b->word));
}

static struct source *least_of(struct merge *x)
{
	struct source *least = NULL;

	for (size_t i = 0; i < x->n; i++)
		if (!x->sources[i].at_end &&
		    (least == NULL || source_cmp(&x->sources[i], least) < 0))
			least = &x->sources[i];
	return (least);
}

static int add_documents(struct merge *x, struct source *s)
{
	struct text_posts posts;

	if (!text_lists_at(&s->lists, s->nth - 1, s->first, &posts))
		return (text_damaged(x->err));
	while (text_posts_next(&posts)) {
		if (x->documents_n == x->documents_cap) {
			x->documents_cap = x->documents_cap * 2 + 1024;
			x->documents =
			    mem_grow(x->documents, x->documents_cap, sizeof(*x->documents));
		}
		/* what is behind the last one is no document, so it is of no message */
		if (x->dead == NULL ||
		    (posts.document <= x->most && !text_bit(x->dead, posts.document)))
			x->documents[x->documents_n++] = (uint32_t)posts.document;
	}
	return (0);
}

/* Every word of theirs, with its documents in all of them. */
static int write_all(struct merge *x, struct text_writer *w)
{
	char word[TEXT_WORD_MAX + 2];
	struct source *least;

	while ((least = least_of(x)) != NULL) {
		struct source now = *least;
		struct slice own = { word, now.word.n };

		if (now.word.n > sizeof(word))
			return (text_damaged(x->err));
		if (__atomic_load_n(x->stops, __ATOMIC_RELAXED))
			return (err_set(x->err, ERR_TEMPORARY, "the store is closing"));
		memcpy(word, now.word.p, now.word.n);
		now.word = own;
		x->documents_n = 0;
		for (size_t i = 0; i < x->n; i++) {
			struct source *s = &x->sources[i];

			if (s->at_end || source_cmp(s, &now) != 0)
				continue;
			if (add_documents(x, s) != 0 || source_next(x, s) != 0)
				return (-1);
		}
		if (x->documents_n == 0)
			continue;
		text_writer_word(w, now.column, own);
		for (size_t i = 0; i < x->documents_n; i++)
			text_writer_document(w, x->documents[i]);
		text_writer_word_end(w);
	}
	return (0);
}

static int drop_segment(struct sql *q, int64_t id, struct err *err)
{
	if (sql_do(q, "DELETE FROM posts WHERE id IN (SELECT id FROM words WHERE segment = ?1)",
		err, "i", id) != 0 ||
	    sql_do(q, "DELETE FROM words WHERE segment = ?1", err, "i", id) != 0)
		return (-1);
	return (sql_do(q, "DELETE FROM segment WHERE id = ?1", err, "i", id));
}

static int merge_all(struct sql *q, const struct segment *v, size_t n, const unsigned char *dead,
    int64_t most, int64_t documents, const bool *stops, struct err *err)
{
	struct merge x = { .q = q,
		.sources = mem_new_array(n, sizeof(*x.sources)),
		.n = n,
		.dead = dead,
		.most = most,
		.stops = stops,
		.err = err };
	struct text_writer w;
	int64_t id;
	int rc;

	rc = sql_do(q, "INSERT INTO segment(first, last, documents, octets) VALUES(?1, ?2, ?3, 0)",
	    err, "iii", v[0].first, v[n - 1].last, documents);
	id = sql_last_id(q);
	text_writer_begin(&w, q, id, v[0].first, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = source_begin(&x, &x.sources[i], &v[i]);
	if (rc == 0)
		rc = write_all(&x, &w);
	if (text_writer_end(&w) != 0)
		rc = -1;
	for (size_t i = 0; i < n; i++)
		source_free(&x.sources[i]);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = drop_segment(q, v[i].id, err);
	if (rc == 0)
		rc = sql_do(q, "UPDATE segment SET octets = ?2 WHERE id = ?1", err, "ii", id,
		    (int64_t)w.octets);
	free(x.sources);
	free(x.documents);
	return (rc);
}

static int segments_read(struct sql *q, struct segment **ret, size_t *ret_n, struct err *err)
{
	size_t cap = 0;
	int got;

	*ret = NULL;
	*ret_n = 0;
	if (sql_ask(q, "SELECT id, first, last, documents FROM segment ORDER BY first", err, "") !=
	    0)
		return (-1);
	while ((got = sql_step(q, err)) == 1) {
		if (*ret_n == cap) {
			cap = cap * 2 + 64;
			*ret = mem_grow(*ret, cap, sizeof(**ret));
		}
		(*ret)[(*ret_n)++] = (struct segment){ sql_int(q, 0), sql_int(q, 1), sql_int(q, 2),
			sql_int(q, 3) };
	}
	sql_done(q);
	return (got);
}

static unsigned class_of(int64_t documents)
{
	unsigned class = 0;

	for (; documents >= TEXT_SEGMENTS; documents /= TEXT_SEGMENTS)
		class++;
	return (class);
}

int text_merge(struct sql *q, const bool *stops, bool *ret_more, struct err *err)
{
	struct segment *v;
	size_t n, from = 0;
	bool found = false;
	int rc = segments_read(q, &v, &n, err);

	*ret_more = false;
	for (unsigned class = 0; class < 22 && !found && rc == 0; class++) {
		from = n;
		while (from > 0 && class_of(v[from - 1].documents) <= class)
			from--;
		found = n - from >= TEXT_SEGMENTS;
	}
	if (found && rc == 0) {
		int64_t documents = 0;

		for (size_t i = from; i < n; i++)
			documents += v[i].documents;
		rc = merge_all(q, v + from, n - from, NULL, 0, documents, stops, err);
		*ret_more = true;
	}
	free(v);
	return (rc);
}

/* --- documents of no message --- */

static int is_dead(struct sql *index, struct slice cid, struct err *err)
{
	int got;

	if (sql_ask(index, "SELECT 1 FROM msg WHERE cid = ?1 LIMIT 1", err, "b", cid) != 0)
		return (-1);
	got = sql_step(index, err);
	sql_done(index);
	return (got < 0 ? -1 : got == 0);
}

static int find_dead(struct sql *q, struct sql *index, unsigned char *dead, int64_t most,
    int64_t *ret_dead, int64_t *ret_all, struct err *err)
{
	int got, is = 0;

	*ret_dead = *ret_all = 0;
	if (sql_ask(q, "SELECT id, cid FROM document", err, "") != 0)
		return (-1);
	while ((got = sql_step(q, err)) == 1 && (is = is_dead(index, sql_text(q, 1), err)) >= 0) {
		int64_t id = sql_int(q, 0);

		++*ret_all;
		if (is == 0 || id < 0 || id > most)
			continue;
		++*ret_dead;
		text_bit_set(dead, id);
	}
	sql_done(q);
	return (got < 0 || is < 0 ? -1 : 0);
}

static int drop_dead(
    struct sql *q, const unsigned char *dead, int64_t most, struct err *err)
{
	for (int64_t id = 0; id <= most; id++)
		if (text_bit(dead, id) &&
		    sql_do(q, "DELETE FROM document WHERE id = ?1", err, "i", id) != 0)
			return (-1);
	return (text_places_drop(q, dead, most, err));
}

int text_compact(struct sql *q, struct sql *index, const bool *stops, struct err *err)
{
	struct segment *v = NULL;
	size_t n;
	int64_t most = 0, dead_n = 0, all = 0;
	unsigned char *dead;
	int rc = segments_read(q, &v, &n, err);

	if (rc != 0)
		return (rc);
	if (text_documents_most(q, &most, err) != 0) {
		free(v);
		return (-1);
	}
	dead = mem_new_array((size_t)most / 8 + 1, 1);
	rc = find_dead(q, index, dead, most, &dead_n, &all, err);
	if (rc == 0 && dead_n * 2 > all) {
		rc = n == 0 ? 0 : merge_all(q, v, n, dead, most, all - dead_n, stops, err);
		if (rc == 0)
			rc = drop_dead(q, dead, most, err);
	}
	free(dead);
	free(v);
	return (rc);
}
