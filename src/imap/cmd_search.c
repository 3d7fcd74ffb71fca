/* SEARCH: which messages? First by the view on the loop; those it cannot decide are visited on a
 * read lane. The answer is SEARCH or ESEARCH (RFC 9051 6.4.4, 7.3.4; RFC 4731), with SAVE ("$",
 * RFC 5182) and MODSEQ (RFC 7162 3.1.5). */
#include "imap/command.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "imap/search.h"

enum {
	RETURN_MIN = 1,
	RETURN_MAX = 2,
	RETURN_ALL = 4,
	RETURN_COUNT = 8,
	RETURN_SAVE = 16,
	RETURN_ANY = 32
};

struct looking { /* the visit's: what the worker sees */
	struct search *q;
	unsigned char *values;
	struct uid_list found;
	bool unreadable;
};

struct searching {
	unsigned returns;
	struct looking *look, *looking; /* ours; the visit's */
	struct search *q;               /* borrowed from look */
	uint32_t *uids;                 /* result so far, sorted */
	size_t n;
	uint32_t *unsure;
	size_t unsure_n;
	uint32_t next; /* uid looked at next; an index would move when others expunge */
	size_t said;
	uint64_t modseq;
	bool esearch, first, numbers_begun, unreadable;
};

static void look_free(void *data)
{
	struct looking *l = data;

	if (l == NULL)
		return;
	search_free(l->q);
	free(l->values);
	uid_list_free(&l->found);
	free(l);
}

static void search_drop(void *data)
{
	struct searching *x = data;

	look_free(x->look);
	free(x->uids);
	free(x->unsure);
}

/* --- answering --- */

static uint32_t number_of(const struct imap *s, uint32_t uid)
{
	return (s->call.is_uid ? uid : news_seq(&s->news, uid));
}

static void save(struct imap *s, const uint32_t *uids, size_t n)
{
	free(s->saved);
	s->saved = mem_new_array(n + 1, sizeof(*s->saved));
	if (n > 0)
		memcpy(s->saved, uids, n * sizeof(*uids));
	s->saved_n = n;
}

/* A search that was answered NO leaves nothing in "$": RFC 9051 6.4.4.1. After BAD it stays. */
static void save_nothing(struct imap *s, const struct searching *x)
{
	if (x->returns & RETURN_SAVE)
		save(s, NULL, 0);
}

/* What the answer is about: with MIN or MAX and neither ALL nor COUNT, those alone. They are what
 * SAVE keeps (RFC 9051 6.4.4.1) and what MODSEQ is the highest of (RFC 4731 3.2). */
static size_t ends_of(const struct searching *x, uint32_t ret[2])
{
	size_t n = 0;

	if (x->returns & RETURN_MIN)
		ret[n++] = x->uids[0];
	if ((x->returns & RETURN_MAX) && (n == 0 || x->uids[x->n - 1] != ret[0]))
		ret[n++] = x->uids[x->n - 1];
	return (n);
}

static uint64_t highest(const struct view *v, const uint32_t *uids, size_t n)
{
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		size_t at = view_lower(v, uids[i]);

		if (at < view_count(v) && view_at(v, at)->uid == uids[i] &&
		    view_at(v, at)->modseq > most)
			most = view_at(v, at)->modseq;
	}
	return (most);
}

static void finish(struct imap *s)
{
	const struct searching *x = s->call.data;

	if (x->unreadable)
		imap_end(s, "OK Done, but some messages could not be read");
	else
		imap_end(s, "OK Done");
}

static void say_end(struct imap *s, struct searching *x)
{
	if (x->modseq != 0 && !x->esearch)
		(void)buf_fmt(&s->out, " (MODSEQ %llu)", (unsigned long long)x->modseq);
	else if (x->modseq != 0)
		(void)buf_fmt(&s->out, " MODSEQ %llu", (unsigned long long)x->modseq);
	(void)buf_addz(&s->out, "\r\n");
}

/* The numbers, some thousand at a time: a result may be longer than output may queue. */
static enum imap_step say_numbers(struct imap *s)
{
	struct searching *x = s->call.data;
	bool all = !x->esearch || (x->returns & RETURN_ALL);
	size_t end = x->said + 4096 < x->n ? x->said + 4096 : x->n;

	for (size_t i = x->said; i < end && all; i++) {
		uint32_t from = number_of(s, x->uids[i]), to = from;

		if (!x->esearch) {
			(void)buf_fmt(&s->out, " %u", from);
			continue;
		}
		if (!x->numbers_begun)
			(void)buf_addz(&s->out, " ALL ");
		x->numbers_begun = true;
		while (i + 1 < end && number_of(s, x->uids[i + 1]) == to + 1) {
			to++;
			i++;
		}
		(void)seqset_write_range(&s->out, from, to, &x->first);
	}
	x->said = end;
	if (x->said == x->n || !all) {
		say_end(s, x);
		imap_flush(s);
		return (STEP_DONE);
	}
	imap_flush(s);
	return (STEP_MORE);
}

static void answer(struct imap *s)
{
	struct searching *x = s->call.data;
	const uint32_t *uids = x->uids;
	size_t n = x->n;
	uint32_t ends[2];

	if (s->view_gone || s->news.view == NULL) {
		imap_end(s, "NO [NONEXISTENT] The mailbox was deleted");
		return;
	}
	if (x->n > 0 && (x->returns & (RETURN_MIN | RETURN_MAX)) &&
	    !(x->returns & (RETURN_ALL | RETURN_COUNT))) {
		uids = ends;
		n = ends_of(x, ends);
	}
	if (x->returns & RETURN_SAVE)
		save(s, uids, n);
	if (x->q->wants_modseq)
		x->modseq = highest(s->news.view, uids, n);
	x->first = true;
	if ((x->returns & RETURN_ANY) &&
	    !(x->returns & (RETURN_MIN | RETURN_MAX | RETURN_ALL | RETURN_COUNT))) {
		finish(s); /* SAVE alone says nothing */
		return;
	}
	if (!x->esearch) {
		(void)buf_addz(&s->out, "* SEARCH");
		imap_produce(s, say_numbers, finish);
		return;
	}
	(void)buf_addz(&s->out, "* ESEARCH (TAG ");
	(void)write_string(&s->out, slice_of(s->call.tag), false);
	(void)buf_addz(&s->out, s->call.is_uid ? ") UID" : ")");
	if ((x->returns & RETURN_MIN) && x->n > 0)
		(void)buf_fmt(&s->out, " MIN %u", number_of(s, x->uids[0]));
	if ((x->returns & RETURN_MAX) && x->n > 0)
		(void)buf_fmt(&s->out, " MAX %u", number_of(s, x->uids[x->n - 1]));
	if (x->returns & RETURN_COUNT)
		(void)buf_fmt(&s->out, " COUNT %zu", x->n);
	imap_produce(s, say_numbers, finish);
}

/* --- looking inside --- */

static enum visit_next on_message(void *ctx, const struct visit_message *m)
{
	struct looking *l = ctx;
	bool unreadable;

	if (search_match(l->q, m, l->values, &unreadable)) {
		if (l->found.n == l->found.cap) {
			l->found.cap = l->found.cap * 2 + 64;
			l->found.v = mem_grow(l->found.v, l->found.cap, sizeof(*l->found.v));
		}
		l->found.v[l->found.n++] = m->m.uid;
	}
	l->unreadable |= unreadable;
	return (VISIT_DONE);
}

static void on_slice(void *self)
{
	struct imap *s = self;

	visit_go_on(s->call.visit);
}

static void on_end(void *self, const struct err *err)
{
	struct imap *s = self;
	struct searching *x = s->call.data;
	struct uid_list all = { x->uids, x->n, x->n };

	s->call.visit = NULL;
	x->look = x->looking;
	x->looking = NULL;
	if (err != NULL) {
		save_nothing(s, x);
		imap_end_err(s, err);
		return;
	}
	uid_list_merge(&all, x->look->found.v, x->look->found.n);
	x->uids = all.v;
	x->n = all.n;
	x->unreadable = x->look->unreadable;
	answer(s);
}

static const struct visitor visitor = { on_message, on_slice, on_end };

/* --- the view's half --- */

static void add(uint32_t **v, size_t *n, size_t most, uint32_t uid)
{
	if (*v == NULL)
		*v = mem_new_array(most, sizeof(**v));
	(*v)[(*n)++] = uid;
}

static enum imap_step look_at_view(struct imap *s)
{
	struct searching *x = s->call.data;
	const struct view *v = s->news.view;
	size_t at = view_lower(v, x->next), many = 0;

	if (s->view_gone)
		return (STEP_DONE);
	for (; at < view_count(v) && many < 4096 / (1 + x->q->keys_n / 16); at++, many++) {
		const struct view_message *m = view_at(v, at);

		if (m->uid >= s->news.next)
			return (STEP_DONE);
		x->next = m->uid + 1;
		switch (search_match_view(x->q, m, x->look->values)) {
		case ANSWER_YES: add(&x->uids, &x->n, view_count(v), m->uid); break;
		case ANSWER_UNKNOWN: add(&x->unsure, &x->unsure_n, view_count(v), m->uid); break;
		case ANSWER_NO: break;
		}
	}
	return (at < view_count(v) ? STEP_MORE : STEP_DONE);
}

static void view_looked(struct imap *s)
{
	struct searching *x = s->call.data;
	unsigned want = VISIT_FIELDS;

	if (x->unsure_n == 0 || s->view_gone) {
		answer(s);
		return;
	}
	if (x->q->cost == COST_BODY || x->q->fields_missing > 0)
		want |= VISIT_FILE | VISIT_MAP;
	x->looking = x->look;
	x->look = NULL;
	s->call.visit = visit_start(view_folder(s->news.view), x->unsure, x->unsure_n, want,
	    &visitor, s, x->looking, look_free);
	if (s->call.visit == NULL) {
		x->look = x->looking;
		save_nothing(s, x);
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
	}
}

/* --- the command --- */

/* "RETURN" SP "(" [options] ")"; each once (IMP-22) */
static bool take_returns(struct args *a, unsigned *ret)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = {
		{ "MIN", RETURN_MIN },
		{ "MAX", RETURN_MAX },
		{ "ALL", RETURN_ALL },
		{ "COUNT", RETURN_COUNT },
		{ "SAVE", RETURN_SAVE },
	};
	struct slice name;

	*ret = RETURN_ANY;
	if (!args_sp(a) || !args_char(a, '('))
		return (false);
	if (args_char(a, ')')) {
		*ret |= RETURN_ALL;
		return (args_sp(a));
	}
	do {
		unsigned bit = 0;

		if (!args_atom(a, &name))
			return (false);
		for (size_t i = 0; i < COUNT_OF(known); i++)
			if (slice_ieq(name, slice_of(known[i].name)))
				bit = known[i].bit;
		if (bit == 0 || (*ret & bit))
			return (false);
		*ret |= bit;
	} while (args_sp(a));
	return (args_char(a, ')') && args_sp(a));
}

/* Sets to uids: numbers mean what they mean now. */
static void translate(struct imap *s, struct search *q)
{
	for (size_t i = 0; i < q->keys_n; i++) {
		struct search_key *k = &q->keys[i];

		if (k->what != KEY_UIDS)
			continue;
		if (k->is_saved) {
			k->uids.v = arena_array(q->arena, s->saved_n + 1, sizeof(*k->uids.v));
			for (size_t u = 0; u < s->saved_n; u++)
				k->uids.v[u] = (struct range){ s->saved[u], s->saved[u] };
			k->uids.n = s->saved_n;
			continue;
		}
		seqset_fix(
		    &k->uids, k->by_number ? (uint32_t)s->news.count : news_last_uid(&s->news));
		for (size_t r = 0; r < k->uids.n && k->by_number; r++) {
			struct range *range = &k->uids.v[r];

			if (range->from > s->news.count) { /* beyond the last: no message */
				k->uids.n = r;
				break;
			}
			range->from = news_uid(&s->news, range->from);
			range->to = range->to > s->news.count ? news_last_uid(&s->news)
							      : news_uid(&s->news, range->to);
		}
	}
}

static void refuse(struct imap *s, enum search_fault fault)
{
	switch (fault) {
	case SEARCH_BAD: imap_bad(s, "Not a search"); break;
	case SEARCH_LIMIT:
		imap_end(s, "NO [LIMIT] Too many or too deeply nested search keys");
		break;
	case SEARCH_CHARSET:
		imap_end(s, "NO [BADCHARSET (US-ASCII UTF-8)] Only these charsets are known");
		break;
	}
}

void cmd_search(struct imap *s)
{
	struct searching *x = arena_alloc(s->call.arena, sizeof(*x));
	struct args *a = &s->call.args;
	enum search_fault fault;

	s->call.data = x;
	s->call.drop = search_drop;
	x->look = NEW(struct looking);
	if (args_word(a, "RETURN") && !take_returns(a, &x->returns)) {
		imap_bad(s, "RETURN takes MIN, MAX, ALL, COUNT and SAVE, each once");
		return;
	}
	x->look->q = x->q = search_parse(a, s->news.view, s->news.recent_from, &fault);
	if (x->q == NULL) {
		if (fault != SEARCH_BAD)
			save_nothing(s, x);
		refuse(s, fault);
		return;
	}
	x->look->values = mem_new_array(x->q->keys_n + x->q->ops_n + 1, 1);
	x->esearch =
	    (x->returns & RETURN_ANY) || s->rev2; /* RFC 9051: SEARCH answers are ESEARCH */
	if (!(x->returns & RETURN_ANY))
		x->returns |= RETURN_ALL;
	if (x->q->wants_modseq)
		imap_enable_condstore(s);
	translate(s, x->q);
	imap_produce(s, look_at_view, view_looked);
}
