/* In what order do messages stand? By keys that the store has read from their header lines
 * (store/keys.c). Ties end at the message number, so any order is stable and total (RFC 5256 3). */
#include "imap/order.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"

union order_value {
	int64_t number;
	struct slice text;
};

struct order_row {
	uint32_t uid, number;
	union order_value v[]; /* as many as there are keys */
};

struct place {          /* a row while the order is made */
	uint64_t first; /* what of its first key fits: most are decided here */
	const struct order *order;
	const struct order_row *row;
};

static size_t row_size(const struct order *o)
{
	return (sizeof(struct order_row) + o->keys_n * sizeof(union order_value));
}

static struct order_row *row_at(const struct order *o, size_t i)
{
	return ((struct order_row *)(void *)(o->rows + i * row_size(o)));
}

/* --- what is asked --- */

static struct order *order_new(void)
{
	struct order *o = NEW(struct order);

	o->texts = arena_new(0);
	return (o);
}

void order_free(struct order *o)
{
	if (o == NULL)
		return;
	arena_free(o->texts);
	buf_free(&o->lists);
	free(o->rows);
	free(o->messages);
	free(o->refs);
	free(o->uids);
	free(o->ranks);
	free(o);
}

static bool take_key(struct args *a, struct order *o)
{
	static const struct {
		const char *name;
		bool needs_header, needs_texts;
	} known[] = {
		[SORT_ARRIVAL] = { "ARRIVAL", false, false },
		[SORT_CC] = { "CC", true, true },
		[SORT_DATE] = { "DATE", true, false },
		[SORT_DISPLAYFROM] = { "DISPLAYFROM", true, true },
		[SORT_DISPLAYTO] = { "DISPLAYTO", true, true },
		[SORT_FROM] = { "FROM", true, true },
		[SORT_RELEVANCY] = { "RELEVANCY", false, false },
		[SORT_SIZE] = { "SIZE", false, false },
		[SORT_SUBJECT] = { "SUBJECT", true, true },
		[SORT_TO] = { "TO", true, true },
	};
	bool reverse = args_word(a, "REVERSE");
	struct slice name;

	if ((reverse && !args_sp(a)) || !args_atom(a, &name))
		return (false);
	for (size_t i = 0; i < COUNT_OF(known); i++) {
		if (!slice_ieq(name, slice_of(known[i].name)))
			continue;
		for (size_t k = 0; k < o->keys_n; k++)
			if (o->keys[k].what == (enum sort_what)i)
				return (true);
		o->keys[o->keys_n++] = (struct sort_key){ (enum sort_what)i, reverse };
		o->needs_header |= known[i].needs_header;
		o->needs_texts |= known[i].needs_texts;
		o->by_relevancy |= i == SORT_RELEVANCY;
		return (true);
	}
	return (false);
}

struct order *order_take_sort(struct args *a)
{
	struct order *o = order_new();

	if (!args_char(a, '('))
		goto bad;
	do
		if (!take_key(a, o))
			goto bad;
	while (args_sp(a));
	if (args_char(a, ')'))
		return (o);
bad:
	order_free(o);
	return (NULL);
}

struct order *order_take_thread(struct args *a)
{
	static const struct {
		const char *name;
		enum thread_kind kind;
	} known[] = {
		{ "ORDEREDSUBJECT", THREAD_ORDEREDSUBJECT },
		{ "REFERENCES", THREAD_REFERENCES },
		{ "REFS", THREAD_REFS },
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (args_word(a, known[i].name)) {
			struct order *o = order_new();

			o->is_thread = o->needs_header = true;
			o->thread = known[i].kind;
			return (o);
		}
	return (NULL);
}

unsigned order_wants(const struct order *o)
{
	if (o == NULL || !o->needs_header)
		return (0);
	return (VISIT_KEYS | (o->needs_texts ? VISIT_KEY_TEXTS : 0));
}

/* --- what messages say --- */

static union order_value value_of(struct order *o, enum sort_what what,
    const struct view_message *m, const struct sort_keys *k, unsigned score)
{
	static const enum sort_text texts[] = {
		[SORT_CC] = SORT_TEXT_CC,
		[SORT_DISPLAYFROM] = SORT_TEXT_DISPLAYFROM,
		[SORT_DISPLAYTO] = SORT_TEXT_DISPLAYTO,
		[SORT_FROM] = SORT_TEXT_FROM,
		[SORT_SUBJECT] = SORT_TEXT_SUBJECT,
		[SORT_TO] = SORT_TEXT_TO,
	};
	struct slice text;

	switch (what) {
	case SORT_ARRIVAL: return ((union order_value){ .number = m->internal_date });
	case SORT_DATE: return ((union order_value){ .number = k->sent });
	case SORT_RELEVANCY: /* the highest first */
		return ((union order_value){ .number = -(int64_t)score });
	case SORT_SIZE: return ((union order_value){ .number = m->size });
	case SORT_CC:
	case SORT_DISPLAYFROM:
	case SORT_DISPLAYTO:
	case SORT_FROM:
	case SORT_SUBJECT:
	case SORT_TO: break;
	}
	text = slice_head(
	    k->text[texts[what]], o->texts_n < L_ISORT_TEXTS ? L_ISORT_TEXT : L_ISORT_SHORT);
	o->texts_n += text.n;
	return ((union order_value){
	    .text = text.n == 0 ? (struct slice){ NULL, 0 } : arena_dup(o->texts, text) });
}

/* Ids and subjects are anyone's to choose; what tables are made of is not. */
static uint64_t secret_of(uint64_t hash)
{
	uint64_t secret;

	if (hash == 0)
		return (0);
	secret = map_hash((struct slice){ (const char *)&hash, sizeof(hash) });
	return (secret == 0 ? 1 : secret);
}

/* The last references are the nearest: of too many, those are kept. */
static void add_references(struct order *o, struct thread_message *t, const struct sort_keys *k)
{
	size_t most = o->refs_n + L_IREFS < L_IREFS_ALL ? L_IREFS : 1;
	size_t n = k->refs_n < most ? k->refs_n : most;

	t->refs_at = (uint32_t)o->refs_n;
	t->refs_n = (uint32_t)n;
	while (o->refs_n + n > o->refs_cap) {
		o->refs_cap = o->refs_cap * 2 + 1024;
		o->refs = mem_grow(o->refs, o->refs_cap, sizeof(*o->refs));
	}
	for (size_t i = k->refs_n - n; i < k->refs_n; i++)
		o->refs[o->refs_n++] = secret_of(k->refs[i]);
}

static void add_to_threads(
    struct order *o, const struct view_message *m, const struct sort_keys *k, uint32_t number)
{
	struct thread_message *t = &o->messages[o->n];

	*t = (struct thread_message){ .number = number,
		.received = m->internal_date,
		.sent = k->sent,
		.id = secret_of(k->id),
		.is_reply = k->is_reply };
	if (o->thread != THREAD_ORDEREDSUBJECT)
		add_references(o, t, k);
	if (o->thread != THREAD_REFS)
		t->subject = secret_of(k->subject);
}

void order_add(struct order *o, const struct view_message *m, uint32_t number,
    const struct sort_keys *k, unsigned score)
{
	const struct sort_keys none = { .sent = m->internal_date };

	if (k == NULL) {
		o->is_guess |= o->needs_header;
		k = &none;
	}
	if (o->n == o->cap) {
		o->cap = o->cap * 2 + 256;
		if (o->is_thread)
			o->messages = mem_grow(o->messages, o->cap, sizeof(*o->messages));
		else
			o->rows = mem_grow(o->rows, o->cap, row_size(o));
	}
	if (o->is_thread) {
		add_to_threads(o, m, k, number);
	} else {
		struct order_row *row = row_at(o, o->n);

		*row = (struct order_row){ .uid = m->uid, .number = number };
		for (size_t i = 0; i < o->keys_n; i++)
			row->v[i] = value_of(o, o->keys[i].what, m, k, score);
	}
	o->n++;
}

/* --- the order --- */

static bool is_number(enum sort_what what)
{
	return (what == SORT_ARRIVAL || what == SORT_DATE || what == SORT_RELEVANCY ||
	    what == SORT_SIZE);
}

static int compare(
    const struct order *o, size_t i, const union order_value *l, const union order_value *r)
{
	if (is_number(o->keys[i].what))
		return (l->number < r->number ? -1 : l->number > r->number);
	return (slice_cmp(l->text, r->text));
}

static int by_keys(const void *l, const void *r)
{
	const struct place *x = l, *y = r;
	const struct order_row *a = x->row, *b = y->row;
	const struct order *o = x->order;

	if (x->first != y->first)
		return (x->first < y->first ? -1 : 1);
	for (size_t i = 0; i < o->keys_n; i++) {
		int c = compare(o, i, &a->v[i], &b->v[i]);

		if (c != 0) /* REVERSE turns one key, and not the number: RFC 5256 3 */
			return (o->keys[i].reverse ? -c : c);
	}
	return (a->number < b->number ? -1 : a->number > b->number);
}

/* A number in whose order the first key is, as far as it reaches: equal ones are compared in
 * full. */
static uint64_t first_of(const struct order *o, const struct order_row *row)
{
	uint64_t first = 0;

	if (is_number(o->keys[0].what)) {
		first = (uint64_t)row->v[0].number ^ (uint64_t)1 << 63;
	} else {
		struct slice text = row->v[0].text;

		for (size_t i = 0; i < sizeof(first); i++)
			first = first << 8 | (i < text.n ? (unsigned char)text.p[i] : 0);
	}
	return (o->keys[0].reverse ? ~first : first);
}

void order_finish(struct order *o)
{
	struct place *places;

	if (o->is_thread) {
		buf_init(&o->lists, THREAD_NUMBER_OCTETS * (o->n + 4));
		(void)buf_addz(&o->lists, o->n > 0 ? "* THREAD " : "* THREAD");
		thread_write(o->thread, o->messages, o->n, o->refs, &o->lists);
		(void)buf_addz(&o->lists, "\r\n");
		return;
	}
	places = mem_new_array(o->n + 1, sizeof(*places));
	o->uids = mem_new_array(o->n + 1, sizeof(*o->uids));
	for (size_t i = 0; i < o->n; i++) {
		const struct order_row *row = row_at(o, i);

		places[i] = (struct place){ first_of(o, row), o, row };
	}
	qsort(places, o->n, sizeof(*places), by_keys);
	o->ranks = mem_new_array(o->n + 1, sizeof(*o->ranks));
	for (size_t i = 0; i < o->n; i++) {
		o->uids[i] = places[i].row->uid;
		o->ranks[(size_t)((const char *)places[i].row - o->rows) / row_size(o)] =
		    (uint32_t)i;
	}
	free(places);
}

/* --- one message on its own --- */

struct order *order_like(const struct order *o)
{
	struct order *like = order_new();

	like->needs_header = o->needs_header;
	like->needs_texts = o->needs_texts;
	memcpy(like->keys, o->keys, sizeof(like->keys));
	like->keys_n = o->keys_n;
	return (like);
}

struct order_entry *order_entry_of(const struct order *o, uint32_t uid)
{
	size_t lo = 0, hi = o->n, octets = 0;
	const struct order_row *row;
	struct order_entry *e;
	union order_value *v;
	char *text;

	while (hi - lo > 1) { /* rows stand by uid, as they were added */
		size_t mid = lo + (hi - lo) / 2;

		if (row_at(o, mid)->uid <= uid)
			lo = mid;
		else
			hi = mid;
	}
	row = row_at(o, lo);
	for (size_t i = 0; i < o->keys_n; i++)
		octets += is_number(o->keys[i].what) ? 0 : row->v[i].text.n;
	e = mem_new(sizeof(*e) + o->keys_n * sizeof(*v) + octets);
	e->uid = uid;
	e->octets = octets;
	v = (union order_value *)(void *)(e + 1);
	e->v = v;
	text = (char *)(v + o->keys_n);
	for (size_t i = 0; i < o->keys_n; i++) {
		v[i] = row->v[i];
		if (is_number(o->keys[i].what) || v[i].text.n == 0)
			continue;
		memcpy(text, row->v[i].text.p, v[i].text.n);
		v[i].text.p = text;
		text += v[i].text.n;
	}
	return (e);
}

int order_entry_cmp(const struct order *o, const struct order_entry *a, const struct order_entry *b)
{
	for (size_t i = 0; i < o->keys_n; i++) {
		int c = compare(o, i, &a->v[i], &b->v[i]);

		if (c != 0)
			return (o->keys[i].reverse ? -c : c);
	}
	return (a->uid < b->uid ? -1 : a->uid > b->uid);
}
