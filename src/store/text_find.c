/* text_find.c: which documents may have these needles, which have them for sure? All blocks of words that a
 * question is about are searched once; the documents of words found there are bits. A needle of
 * one word is answered by the words alone. One of several is looked for in those documents that have them
 * all: in the fields that are kept whole, here; elsewhere the message must be read. On a read lane.
 * Failures: a database that is damaged or cannot be read answers nothing, so that all is read. */
#include "store/text_find.h"

#include <errno.h>
#include <stdlib.h>

#include "msg/fold.h"

enum { BITS_MAX = 33554432 }; /* octets of all bits of one question */

static bool in_field(enum text_field f, unsigned column)
{
	switch (f) {
	case TEXT_IN_BODY: return (column == TEXT_COLUMN_BODY);
	case TEXT_IN_ALL: return (true);
	case TEXT_IN_SUBJECT: return (column == TEXT_COLUMN_SUBJECT);
	case TEXT_IN_FROM: return (column == TEXT_COLUMN_FROM);
	case TEXT_IN_TO: return (column == TEXT_COLUMN_TO);
	case TEXT_IN_CC: return (column == TEXT_COLUMN_CC);
	case TEXT_IN_BCC: return (column == TEXT_COLUMN_BCC);
	case TEXT_IN_OTHER: return (column == TEXT_COLUMN_OTHER);
	}
	return (false);
}

/* Is all of the field kept in the document's head? */
static bool in_head(enum text_field f)
{
	return (f >= TEXT_IN_SUBJECT && f <= TEXT_IN_BCC);
}

/* --- one block --- */

static void set_all(struct text_find *x, unsigned char *bits, struct text_posts *posts)
{
	while (text_posts_next(posts))
		if (posts->document < x->documents_end)
			text_bit_set(bits, posts->document);
}

static size_t lines_in(const char *p, size_t n)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return (lines);
}

static int posts_read(struct text_find *x, int64_t block)
{
	int rc = -1;

	if (x->posts_of == block)
		return (0);
	buf_reset(&x->posts);
	if (sql_ask(x->q, "SELECT sum, posts FROM posts WHERE id = ?1", NULL, "i", block) != 0)
		return (-1);
	if (sql_step(x->q, NULL) == 1) {
		struct slice posts = sql_text(x->q, 1);

		if ((int64_t)text_sum(posts) == sql_int(x->q, 0))
			rc = buf_add_slice(&x->posts, posts);
		else
			x->is_damaged = true;
	}
	sql_done(x->q);
	x->posts_of = rc == 0 ? block : 0;
	return (rc);
}

static int find_term(struct text_find *x, const struct text_term *t, unsigned char *bits,
    int64_t block, int64_t first, struct slice words)
{
	struct slice pattern = { t->pattern, t->n };
	struct text_lists lists = { 0 };
	size_t at = 0, nth = 0, counted = 1; /* words.p[0] is a line end before the first */
	size_t hit;

	while ((hit = slice_find(slice_from(words, at), pattern)) != SIZE_MAX) {
		struct text_posts posts;
		size_t inside;

		if (lists.p == NULL) {
			if (posts_read(x, block) != 0)
				return (-1);
			text_lists_begin(&lists, buf_slice(&x->posts));
		}
		hit += at;
		inside = hit + (pattern.p[0] == '\n'); /* in the word itself */
		nth += lines_in(words.p + counted, inside - counted);
		if (!text_lists_at(&lists, nth, first, &posts)) {
			x->is_damaged = true;
			return (-1);
		}
		set_all(x, bits, &posts);
		at = inside + slice_chr(slice_from(words, inside), '\n'); /* each word once */
		counted = inside;
	}
	return (0);
}

/* As many lines as before: the nth word is the nth word. */
static struct slice bare(struct text_find *x, struct slice words)
{
	if (!x->is_bare) {
		buf_reset(&x->bare);
		(void)fold_bare(words, &x->bare);
		x->is_bare = true;
	}
	return (buf_slice(&x->bare));
}

static int find_in_block(struct text_find *x, int64_t block, int64_t first, unsigned column,
    struct slice words)
{
	x->is_bare = false;
	for (size_t k = 0; k < x->keys_n; k++) {
		struct text_find_key *key = &x->keys[k];

		if (!key->is_used || !in_field(key->field, column))
			continue;
		for (size_t t = 0; t < key->plan.n; t++)
			if (find_term(x, &key->plan.terms[t], key->bits + t * x->bits_n, block,
				first, key->is_fuzzy ? bare(x, words) : words) != 0)
				return (-1);
	}
	return (0);
}

static int find_in_column(struct text_find *x, unsigned column)
{
	int got, rc = 0;

	if (sql_ask(x->q,
		"SELECT w.id, s.first, w.sum, w.words FROM segment s JOIN words w ON w.segment = "
		"s.id AND w.part = ?1",
		NULL, "i", (int64_t)column) != 0)
		return (-1);
	while (rc == 0 && (got = sql_step(x->q, NULL)) != 0) {
		struct slice words = sql_text(x->q, 3);

		if (got < 0 || __atomic_load_n(x->is_abandoned, __ATOMIC_RELAXED)) {
			rc = -1;
		} else if ((int64_t)text_sum(words) != sql_int(x->q, 2) || words.n == 0) {
			x->is_damaged = true;
			rc = -1;
		} else
			rc = find_in_block(
			    x, sql_int(x->q, 0), sql_int(x->q, 1), column, words);
	}
	sql_done(x->q);
	return (rc);
}

/* --- the fields that are kept --- */

static bool head_has(struct slice head, unsigned column, struct slice needle)
{
	struct slice text;
	unsigned at;

	while (text_head_next(&head, &at, &text))
		if (at == column && slice_find(text, needle) != SIZE_MAX)
			return (true);
	return (false);
}

static bool head_has_any(struct slice head, struct slice needle)
{
	struct slice text;
	unsigned at;

	while (text_head_next(&head, &at, &text))
		if (slice_find(text, needle) != SIZE_MAX)
			return (true);
	return (false);
}

static void verify_one(struct text_find *x, int64_t document, struct slice head)
{
	for (size_t k = 0; k < x->keys_n; k++) {
		struct text_find_key *key = &x->keys[k];

		if (key->verifies_some && text_bit(key->bits, document) &&
		    head_has_any(head, key->needle))
			text_bit_set(key->sure, document);
		if (!key->verifies || !text_bit(key->bits, document))
			continue;
		if (!head_has(head, (unsigned)(key->field - TEXT_IN_SUBJECT) + TEXT_COLUMN_SUBJECT,
			key->needle))
			key->bits[document / 8] = (unsigned char)(key->bits[document / 8] &
			    ~(1u << document % 8));
	}
}

/* What is left of the bits of such a key has the needle. A document whose head is too large to be kept is
 * read by every search. */
static int verify_heads(struct text_find *x)
{
	int got;

	if (sql_ask(x->q, "SELECT id, head FROM document WHERE scan = 0 ORDER BY id", NULL, "") != 0)
		return (-1);
	while ((got = sql_step(x->q, NULL)) == 1) {
		int64_t id = sql_int(x->q, 0);

		if (__atomic_load_n(x->is_abandoned, __ATOMIC_RELAXED))
			break;
		if (id >= 0 && id < x->documents_end)
			verify_one(x, id, sql_text(x->q, 1));
	}
	sql_done(x->q);
	return (got == 0 ? 0 : -1);
}

/* --- all --- */

static bool begin(struct text_find *x)
{
	struct err err = { 0 };
	size_t octets = 0;
	int64_t most;
	int got;

	if (text_documents_most(x->q, &most, &err) != 0) {
		x->is_damaged = err.number == EBADMSG;
		return (false);
	}
	x->documents_end = most + 1;
	x->bits_n = (size_t)x->documents_end / 8 + 1;
	x->scan = mem_new_array(x->bits_n, 1);
	if (sql_ask(x->q, "SELECT id FROM document WHERE scan <> 0", NULL, "") != 0)
		return (false);
	while ((got = sql_step(x->q, NULL)) == 1) {
		int64_t id = sql_int(x->q, 0);

		x->is_damaged = id < 0 || id > most; /* it comes from the table's index */
		if (x->is_damaged)
			break;
		text_bit_set(x->scan, id);
	}
	sql_done(x->q);
	if (got != 0) /* not all that must be read are known */
		return (false);
	for (size_t k = 0; k < x->keys_n; k++) {
		struct text_find_key *key = &x->keys[k];

		if (!key->is_fuzzy)
			text_plan_of(key->needle, &key->plan);
		if (key->needle.n == 0 || (key->plan.n == 0 && !in_head(key->field)))
			continue;
		octets += (key->plan.n + 2) * x->bits_n;
		if (octets > BITS_MAX)
			continue;
		key->is_used = true;
		key->bits = mem_new_array((key->plan.n + 1) * x->bits_n, 1);
		key->is_exact = key->plan.is_exact && key->field != TEXT_IN_OTHER;
		key->verifies = !key->is_fuzzy && !key->is_exact && in_head(key->field);
		key->verifies_some =
		    !key->is_fuzzy && !key->is_exact && key->field == TEXT_IN_ALL;
		if (key->verifies_some)
			key->sure = mem_new_array(x->bits_n, 1);
		if (key->plan.n == 0)
			memset(key->bits, 0xff, x->bits_n);
	}
	return (true);
}

bool text_find(struct text_find *x)
{
	bool verifies = false;

	x->posts_of = 0;
	buf_init(&x->posts, (size_t)1 << 30);
	buf_init(&x->bare, (size_t)1 << 30);
	if (!begin(x))
		return (false);
	for (unsigned column = 0; column < TEXT_COLUMNS; column++) {
		bool wanted = false;

		for (size_t k = 0; k < x->keys_n; k++)
			wanted |= x->keys[k].is_used && in_field(x->keys[k].field, column);
		if (wanted && find_in_column(x, column) != 0)
			return (false);
	}
	for (size_t k = 0; k < x->keys_n; k++) { /* all terms must be there */
		struct text_find_key *key = &x->keys[k];

		for (size_t t = 1; key->is_used && t < key->plan.n; t++)
			for (size_t i = 0; i < x->bits_n; i++)
				key->bits[i] &= key->bits[t * x->bits_n + i];
		verifies |= key->is_used && (key->verifies || key->verifies_some);
	}
	return (!verifies || verify_heads(x) == 0);
}

void text_find_free(struct text_find *x)
{
	for (size_t k = 0; k < x->keys_n; k++) {
		free(x->keys[k].bits);
		free(x->keys[k].sure);
	}
	free(x->keys);
	free(x->scan);
	buf_free(&x->posts);
	buf_free(&x->bare);
}
