/* In what order do messages stand? Keys are taken from each message's header lines once and
 * compared often: texts decoded and folded by i;unicode-casemap (RFC 5255 4.2, I18NLEVEL=1), dates
 * in seconds. Ties end at the message number, so any order is stable and total (RFC 5256 3). */
#include "imap/order.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "msg/addr.h"
#include "msg/date.h"
#include "msg/fold.h"
#include "msg/header.h"
#include "msg/subject.h"
#include "msg/text.h"

union order_value {
	int64_t number;
	struct slice text;
};

struct order_row {
	uint32_t uid, number;
	const struct order *order;
	union order_value v[SORT_KEYS];
};

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
	free(o);
}

static bool take_key(struct args *a, struct order *o)
{
	static const struct {
		const char *name;
		bool needs_header;
	} known[] = {
		[SORT_ARRIVAL] = { "ARRIVAL", false },
		[SORT_CC] = { "CC", true },
		[SORT_DATE] = { "DATE", true },
		[SORT_DISPLAYFROM] = { "DISPLAYFROM", true },
		[SORT_DISPLAYTO] = { "DISPLAYTO", true },
		[SORT_FROM] = { "FROM", true },
		[SORT_RELEVANCY] = { "RELEVANCY", false },
		[SORT_SIZE] = { "SIZE", false },
		[SORT_SUBJECT] = { "SUBJECT", true },
		[SORT_TO] = { "TO", true },
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

/* --- what messages say --- */

/* RFC 5256 2.2: the Date field, or when it came. */
static int64_t sent(struct arena *a, const struct header *h, const struct view_message *m)
{
	int64_t when;
	int zone;

	return (
	    date_parse(header_value(a, h, SLICE("Date")), &when, &zone) ? when : m->internal_date);
}

static struct slice fold(struct arena *a, struct slice text, size_t most)
{
	struct buf folded = BUF_INIT(32 * most);
	struct slice ret;

	(void)fold_text(slice_head(text, most), &folded);
	ret = arena_dup(a, slice_head(buf_slice(&folded), most));
	buf_free(&folded);
	return (ret);
}

/* addr-mailbox of the first address, or its name for people: RFC 5256 3 (CC FROM TO), RFC 5957. */
static struct slice address(struct arena *a, const struct header *h, struct slice field, bool shown)
{
	const struct field *f = header_first(h, field);
	const struct addr *first;
	struct addr_list all;

	if (f == NULL)
		return ((struct slice){ NULL, 0 });
	/* the first of them stands in the first octets */
	addr_parse(a, slice_head(f->body, 16384), &all);
	if (all.n == 0)
		return ((struct slice){ NULL, 0 });
	first = &all.v[0];
	if (first->kind == ADDR_GROUP) /* ENVELOPE shows a group's name as addr-mailbox */
		return (shown ? text_words(a, first->name) : first->name);
	if (!shown)
		return (first->local);
	if (first->name.n > 0)
		return (text_words(a, first->name));
	return (slice_of(arena_fmt(
	    a, SLICE_FMT "@" SLICE_FMT, SLICE_ARG(first->local), SLICE_ARG(first->domain))));
}

static union order_value value_of(struct order *o, enum sort_what what, struct arena *a,
    const struct header *h, const struct view_message *m, unsigned score)
{
	struct slice text = { NULL, 0 };
	bool is_reply;

	switch (what) {
	case SORT_ARRIVAL: return ((union order_value){ .number = m->internal_date });
	case SORT_DATE: return ((union order_value){ .number = sent(a, h, m) });
	case SORT_SIZE: return ((union order_value){ .number = m->size });
	case SORT_RELEVANCY: /* the highest first */
		return ((union order_value){ .number = -(int64_t)score });
	case SORT_CC: text = address(a, h, SLICE("Cc"), false); break;
	case SORT_FROM: text = address(a, h, SLICE("From"), false); break;
	case SORT_TO: text = address(a, h, SLICE("To"), false); break;
	case SORT_DISPLAYFROM: text = address(a, h, SLICE("From"), true); break;
	case SORT_DISPLAYTO: text = address(a, h, SLICE("To"), true); break;
	case SORT_SUBJECT:
		if (header_first(h, SLICE("Subject")) != NULL)
			text = subject_base(a, header_first(h, SLICE("Subject"))->body, &is_reply);
		break;
	}
	text = fold(o->texts, text, o->texts_n < L_ISORT_TEXTS ? L_ISORT_TEXT : L_ISORT_SHORT);
	o->texts_n += text.n;
	return ((union order_value){ .text = text });
}

static uint64_t hash_of(struct slice s)
{
	uint64_t hash = map_hash(s);

	return (hash == 0 ? 1 : hash);
}

static void add_ref(struct order *o, struct slice id)
{
	if (o->refs_n == o->refs_cap) {
		o->refs_cap = o->refs_cap * 2 + 1024;
		o->refs = mem_grow(o->refs, o->refs_cap, sizeof(*o->refs));
	}
	o->refs[o->refs_n++] = hash_of(id);
}

/* The last references are the nearest: of too many, those are kept. */
static void add_references(
    struct order *o, struct thread_message *t, struct arena *a, const struct header *h)
{
	const struct field *f = header_first(h, SLICE("References"));
	size_t at = o->refs_n, most;
	struct cursor c;
	struct slice id;

	if (f != NULL)
		for (c = cursor_of(f->body); msgid_take(a, &c, &id);)
			add_ref(o, id);
	/* RFC 5256 3: without one that is valid, the first of In-Reply-To */
	if (o->refs_n == at && (f = header_first(h, SLICE("In-Reply-To"))) != NULL) {
		c = cursor_of(f->body);
		if (msgid_take(a, &c, &id))
			add_ref(o, id);
	}
	most = at + L_IREFS < L_IREFS_ALL ? L_IREFS : 1;
	if (o->refs_n - at > most) {
		memmove(&o->refs[at], &o->refs[o->refs_n - most], most * sizeof(*o->refs));
		o->refs_n = at + most;
	}
	t->refs_at = (uint32_t)at;
	t->refs_n = (uint32_t)(o->refs_n - at);
}

static void add_to_threads(struct order *o, struct arena *a, const struct header *h,
    const struct view_message *m, uint32_t number)
{
	struct thread_message *t = &o->messages[o->n];
	const struct field *f = header_first(h, SLICE("Message-ID"));
	struct slice text;
	struct cursor c;

	*t = (struct thread_message){
		.number = number, .received = m->internal_date, .sent = sent(a, h, m)
	};
	if (f != NULL) {
		c = cursor_of(f->body);
		if (msgid_take(a, &c, &text))
			t->id = hash_of(text);
	}
	if (o->thread != THREAD_ORDEREDSUBJECT)
		add_references(o, t, a, h);
	if (o->thread != THREAD_REFS && (f = header_first(h, SLICE("Subject"))) != NULL) {
		text = fold(a, subject_base(a, f->body, &t->is_reply), L_ISORT_TEXT);
		t->subject = text.n == 0 ? 0 : hash_of(text);
	}
}

void order_add(struct order *o, const struct view_message *m, uint32_t number, struct slice fields,
    unsigned score)
{
	struct arena *a = arena_new(0);
	struct header h;

	header_parse(a, fields, &h);
	if (o->n == o->cap) {
		o->cap = o->cap * 2 + 256;
		if (o->is_thread)
			o->messages = mem_grow(o->messages, o->cap, sizeof(*o->messages));
		else
			o->rows = mem_grow(o->rows, o->cap, sizeof(*o->rows));
	}
	if (o->is_thread)
		add_to_threads(o, a, &h, m, number);
	else {
		struct order_row *row = &o->rows[o->n];

		*row = (struct order_row){ .uid = m->uid, .number = number };
		for (size_t i = 0; i < o->keys_n; i++)
			row->v[i] = value_of(o, o->keys[i].what, a, &h, m, score);
	}
	o->n++;
	arena_free(a);
}

/* --- the order --- */

static int compare(
    const struct order *o, size_t i, const union order_value *l, const union order_value *r)
{
	switch (o->keys[i].what) {
	case SORT_ARRIVAL:
	case SORT_DATE:
	case SORT_RELEVANCY:
	case SORT_SIZE: return (l->number < r->number ? -1 : l->number > r->number);
	case SORT_CC:
	case SORT_DISPLAYFROM:
	case SORT_DISPLAYTO:
	case SORT_FROM:
	case SORT_SUBJECT:
	case SORT_TO: break;
	}
	return (slice_cmp(l->text, r->text));
}

static int by_keys(const void *l, const void *r)
{
	const struct order_row *a = *(const struct order_row *const *)l,
			       *b = *(const struct order_row *const *)r;
	const struct order *o = a->order;

	for (size_t i = 0; i < o->keys_n; i++) {
		int c = compare(o, i, &a->v[i], &b->v[i]);

		if (c != 0) /* REVERSE turns one key, and not the number: RFC 5256 3 */
			return (o->keys[i].reverse ? -c : c);
	}
	return (a->number < b->number ? -1 : a->number > b->number);
}

void order_finish(struct order *o)
{
	const struct order_row **rows;

	if (o->is_thread) {
		buf_init(&o->lists, THREAD_NUMBER_OCTETS * (o->n + 4));
		(void)buf_addz(&o->lists, o->n > 0 ? "* THREAD " : "* THREAD");
		thread_write(o->thread, o->messages, o->n, o->refs, &o->lists);
		(void)buf_addz(&o->lists, "\r\n");
		return;
	}
	rows = mem_new_array(o->n + 1, sizeof(*rows));
	o->uids = mem_new_array(o->n + 1, sizeof(*o->uids));
	for (size_t i = 0; i < o->n; i++) {
		o->rows[i].order = o;
		rows[i] = &o->rows[i];
	}
	qsort(rows, o->n, sizeof(struct order_row *), by_keys);
	for (size_t i = 0; i < o->n; i++)
		o->uids[i] = rows[i]->uid;
	free(rows);
}

/* --- one message on its own --- */

static bool is_text(enum sort_what what)
{
	return (what != SORT_ARRIVAL && what != SORT_DATE && what != SORT_SIZE);
}

struct order *order_like(const struct order *o)
{
	struct order *like = order_new();

	like->needs_header = o->needs_header;
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

		if (o->rows[mid].uid <= uid)
			lo = mid;
		else
			hi = mid;
	}
	row = &o->rows[lo];
	for (size_t i = 0; i < o->keys_n; i++)
		octets += is_text(o->keys[i].what) ? row->v[i].text.n : 0;
	e = mem_new(sizeof(*e) + o->keys_n * sizeof(*v) + octets);
	e->uid = uid;
	e->octets = octets;
	v = (union order_value *)(void *)(e + 1);
	e->v = v;
	text = (char *)(v + o->keys_n);
	for (size_t i = 0; i < o->keys_n; i++) {
		v[i] = row->v[i];
		if (!is_text(o->keys[i].what) || v[i].text.n == 0)
			continue;
		memcpy(text, row->v[i].text.p, v[i].text.n);
		v[i].text.p = text;
		text += v[i].text.n;
	}
	return (e);
}

int order_entry_cmp(
    const struct order *o, const struct order_entry *a, const struct order_entry *b)
{
	for (size_t i = 0; i < o->keys_n; i++) {
		int c = compare(o, i, &a->v[i], &b->v[i]);

		if (c != 0)
			return (o->keys[i].reverse ? -c : c);
	}
	return (a->uid < b->uid ? -1 : a->uid > b->uid);
}
