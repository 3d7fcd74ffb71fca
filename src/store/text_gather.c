/* text_gather.c: which words does a message hold, and in which documents is each of some messages'
 * words? The texts are those of msg/searchable.c, folded, cut by text_words.c. A builder holds as many
 * messages as are written in one segment; each word once, and a pair (word, document) for each
 * document it is in. Failures: a message with more than L_SEARCH_TEXT octets of text is left out. */
#include "store/text_int.h"

#include <stdlib.h>

#include "core/map.h"
#include "msg/fold.h"
#include "msg/searchable.h"
#include "msg/text.h"

enum { HASH_FIRST = 16384 };

struct entry {
	size_t at; /* in the builder's words */
	uint32_t n, last;
	uint64_t hash;
	unsigned column;
};

struct pair {
	uint32_t entry, document;
};

struct text_builder {
	struct buf words;
	struct entry *entries;
	uint32_t *slots; /* entry + 1; 0: free */
	size_t entries_n, entries_cap, slots_n;
	struct pair *pairs; /* documents ascend */
	size_t pairs_n, pairs_cap;
	size_t octets;
	/* the message at hand */
	unsigned column;
	uint32_t document;
	size_t message_octets;
	bool too_large;
	struct buf folded, *head;
	const struct mime_part *root;
};

static const struct {
	const char *name;
	enum text_column column;
} own_columns[] = {
	{ "Subject", TEXT_COLUMN_SUBJECT },
	{ "From", TEXT_COLUMN_FROM },
	{ "To", TEXT_COLUMN_TO },
	{ "Cc", TEXT_COLUMN_CC },
	{ "Bcc", TEXT_COLUMN_BCC },
};

struct text_builder *text_builder_new(void)
{
	struct text_builder *b = NEW(struct text_builder);

	buf_init(&b->words, (size_t)1 << 30);
	buf_init(&b->folded, (size_t)4 * L_SEARCH_TEXT);
	b->slots_n = HASH_FIRST;
	b->slots = mem_new_array(b->slots_n, sizeof(*b->slots));
	return (b);
}

void text_builder_free(struct text_builder *b)
{
	if (b == NULL)
		return;
	buf_free(&b->words);
	buf_free(&b->folded);
	free(b->entries);
	free(b->slots);
	free(b->pairs);
	free(b);
}

void text_builder_reset(struct text_builder *b)
{
	buf_reset(&b->words);
	memset(b->slots, 0, b->slots_n * sizeof(*b->slots));
	b->entries_n = b->pairs_n = b->octets = 0;
}

size_t text_builder_octets(const struct text_builder *b)
{
	return (b->octets);
}

/* --- words to entries --- */

static uint64_t hash_of(struct slice word, unsigned column)
{
	return (map_hash(word) + column * 0x9e3779b97f4a7c15u);
}

static void slots_grow(struct text_builder *b)
{
	free(b->slots);
	b->slots_n *= 2;
	b->slots = mem_new_array(b->slots_n, sizeof(*b->slots));
	for (size_t i = 0; i < b->entries_n; i++) {
		size_t at = b->entries[i].hash & (b->slots_n - 1);

		while (b->slots[at] != 0)
			at = (at + 1) & (b->slots_n - 1);
		b->slots[at] = (uint32_t)i + 1;
	}
}

static struct slice word_of(const struct text_builder *b, const struct entry *e)
{
	return ((struct slice){ b->words.p + e->at, e->n });
}

static struct entry *entry_of(struct text_builder *b, struct slice word, unsigned column)
{
	uint64_t hash = hash_of(word, column);
	size_t at = hash & (b->slots_n - 1);
	struct entry *e;

	for (; b->slots[at] != 0; at = (at + 1) & (b->slots_n - 1)) {
		e = &b->entries[b->slots[at] - 1];
		if (e->hash == hash && e->column == column && slice_eq(word_of(b, e), word))
			return (e);
	}
	if (b->entries_n == b->entries_cap) {
		b->entries_cap = b->entries_cap == 0 ? 4096 : b->entries_cap * 2;
		b->entries = mem_grow(b->entries, b->entries_cap, sizeof(*b->entries));
	}
	e = &b->entries[b->entries_n++];
	*e = (struct entry){ .at = b->words.n,
		.n = (uint32_t)word.n,
		.hash = hash,
		.column = column };
	(void)buf_add_slice(&b->words, word);
	b->slots[at] = (uint32_t)b->entries_n;
	if (b->entries_n * 2 > b->slots_n)
		slots_grow(b);
	return (&b->entries[b->entries_n - 1]);
}

static void on_word(void *self, struct slice word)
{
	struct text_builder *b = self;
	struct entry *e = entry_of(b, word, b->column);

	if (e->last == b->document)
		return;
	e->last = b->document;
	if (b->pairs_n == b->pairs_cap) {
		b->pairs_cap = b->pairs_cap == 0 ? 65536 : b->pairs_cap * 2;
		b->pairs = mem_grow(b->pairs, b->pairs_cap, sizeof(*b->pairs));
	}
	b->pairs[b->pairs_n++] = (struct pair){ (uint32_t)(e - b->entries), b->document };
}

/* --- messages to words --- */

static struct slice fold(struct text_builder *b, struct slice utf8)
{
	buf_reset(&b->folded);
	(void)fold_text(utf8, &b->folded);
	b->message_octets += b->folded.n;
	b->too_large |= b->folded.failed || b->message_octets > L_SEARCH_TEXT;
	return (buf_slice(&b->folded));
}

static void add_text(struct text_builder *b, unsigned column, struct slice utf8)
{
	struct slice folded = fold(b, utf8);

	b->column = column;
	if (!b->too_large)
		text_words_of(folded, on_word, b);
}

static bool on_body(
    void *self, const struct mime_part *part, struct slice name, struct slice utf8)
{
	struct text_builder *b = self;

	(void)part;
	add_text(b, TEXT_COLUMN_BODY, name);
	add_text(b, TEXT_COLUMN_BODY, utf8);
	return (b->too_large);
}

/* A length of 16 bits; what does not fit a head leaves it empty, and it is not used. */
static void head_add(struct text_builder *b, unsigned column, struct slice folded)
{
	if (folded.n > TEXT_HEAD_MAX)
		b->head->failed = true;
	(void)buf_addc(b->head, (char)column);
	(void)buf_addc(b->head, (char)(unsigned char)(folded.n & 0xff));
	(void)buf_addc(b->head, (char)(unsigned char)(folded.n >> 8));
	(void)buf_add_slice(b->head, folded);
}

bool text_head_next(struct slice *rest, unsigned *ret_column, struct slice *ret_text)
{
	size_t n;

	if (rest->n < 3)
		return (false);
	*ret_column = (unsigned char)rest->p[0];
	n = (unsigned char)rest->p[1] | (size_t)(unsigned char)rest->p[2] << 8;
	*ret_text = slice_head(slice_from(*rest, 3), n);
	*rest = slice_from(*rest, 3 + n);
	return (ret_text->n == n);
}

static bool on_field(
    void *self, const struct mime_part *part, struct slice name, struct slice utf8)
{
	struct text_builder *b = self;
	unsigned column = TEXT_COLUMN_OTHER;

	for (size_t i = 0; part == b->root && i < COUNT_OF(own_columns); i++)
		if (slice_ieq(name, slice_of(own_columns[i].name)))
			column = own_columns[i].column;
	add_text(b, TEXT_COLUMN_OTHER, name);
	add_text(b, column, utf8);
	if (column != TEXT_COLUMN_OTHER)
		head_add(b, column, buf_slice(&b->folded));
	return (b->too_large);
}

bool text_builder_add(
    struct text_builder *b, int64_t document, struct slice wire, struct buf *head)
{
	struct arena *a = arena_new(0);
	size_t pairs = b->pairs_n;
	struct mime mime;

	b->document = (uint32_t)document;
	b->message_octets = 0;
	b->too_large = false;
	b->head = head;
	mime_parse(a, wire, &mime);
	b->root = &mime.parts[0];
	if (searchable_header(a, &mime, on_field, b) != SEARCHABLE_ALL ||
	    searchable_body(a, &mime, L_SEARCH_TEXT, on_body, b) != SEARCHABLE_ALL)
		b->too_large = true;
	arena_free(a);
	b->octets += b->message_octets;
	if (b->too_large)
		b->pairs_n = pairs; /* words that nothing else has stay, with no documents */
	return (!b->too_large);
}

/* --- all of it, sorted --- */

static int by_word(const void *l, const void *r, void *arg)
{
	const struct text_builder *b = arg;
	const struct entry *x = &b->entries[*(const uint32_t *)l],
			   *y = &b->entries[*(const uint32_t *)r];

	if (x->column != y->column)
		return (x->column < y->column ? -1 : 1);
	return (slice_cmp(word_of(b, x), word_of(b, y)));
}

int text_builder_write(struct text_builder *b, struct text_writer *w)
{
	uint32_t *order = mem_new_array(b->entries_n + 1, sizeof(*order));
	size_t *ends = mem_new_array(b->entries_n + 1, sizeof(*ends));
	uint32_t *documents = mem_new_array(b->pairs_n + 1, sizeof(*documents));
	size_t sum = 0;

	/* pairs by entry, the documents of each in order: counted, then dealt out */
	for (size_t i = 0; i < b->pairs_n; i++)
		ends[b->pairs[i].entry]++;
	for (size_t i = 0; i < b->entries_n; i++) {
		size_t n = ends[i];

		order[i] = (uint32_t)i;
		ends[i] = sum;
		sum += n;
	}
	for (size_t i = 0; i < b->pairs_n; i++)
		documents[ends[b->pairs[i].entry]++] = b->pairs[i].document;
	qsort_r(order, b->entries_n, sizeof(*order), by_word, b);
	for (size_t i = 0; i < b->entries_n; i++) {
		const struct entry *e = &b->entries[order[i]];
		size_t from = order[i] == 0 ? 0 : ends[order[i] - 1];

		if (from == ends[order[i]])
			continue;
		text_writer_word(w, e->column, word_of(b, e));
		for (; from < ends[order[i]]; from++)
			text_writer_document(w, documents[from]);
		text_writer_word_end(w);
	}
	free(order);
	free(ends);
	free(documents);
	return (w->failed ? -1 : 0);
}
