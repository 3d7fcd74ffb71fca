/* What did the search find, and how is it said? SEARCH, SORT or ESEARCH (RFC 9051 7.3.4, RFC 4731,
 * RFC 5267 3), with PARTIAL (RFC 9394), SAVE ("$", RFC 5182) and MODSEQ (RFC 7162 3.1.5). For SORT
 * MIN and MAX are the first and the last of the order. */
#include "imap/searching.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "imap/context.h"
#include "imap/fetch.h"

/* --- what is asked back --- */

/* "UPDATE" ["(" fetch-att *(SP fetch-att) ")"]; the examples of RFC 5465 7 have a space there */
static bool take_update(struct args *a, struct slice *ret)
{
	struct args was = *a;
	struct fetch *f;
	const char *from;
	bool ok;

	if (!args_peek(a, '(') && (!args_sp(a) || !args_peek(a, '('))) {
		*a = was;
		return (true);
	}
	from = a->c.p;
	f = fetch_new();
	ok = fetch_take_list(f, a);
	fetch_free(f);
	*ret = (struct slice){ from, (size_t)(a->c.p - from) };
	return (ok);
}

bool returns_take(struct args *a, struct search_returns *ret)
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
		{ "PARTIAL", RETURN_PARTIAL },
		{ "UPDATE", RETURN_UPDATE },
		{ "CONTEXT", RETURN_CONTEXT },
		{ "RELEVANCY", RETURN_RELEVANCY },
	};
	struct slice name;

	*ret = (struct search_returns){ 0 };
	if (!args_word(a, "RETURN"))
		return (true);
	ret->what = RETURN_ANY;
	if (!args_sp(a) || !args_char(a, '('))
		return (false);
	if (args_char(a, ')')) {
		ret->what |= RETURN_ALL;
		return (args_sp(a));
	}
	do {
		unsigned bit = 0;

		if (!args_atom(a, &name))
			return (false);
		for (size_t i = 0; i < COUNT_OF(known); i++)
			if (slice_ieq(name, slice_of(known[i].name)))
				bit = known[i].bit;
		if (bit == 0 || (ret->what & bit))
			return (false);
		if (bit == RETURN_PARTIAL && (!args_sp(a) || !window_take(a, &ret->window)))
			return (false);
		if (bit == RETURN_UPDATE && !take_update(a, &ret->fetch))
			return (false);
		ret->what |= bit;
	} while (args_sp(a));
	if ((ret->what & RETURN_PARTIAL) && (ret->what & RETURN_ALL))
		return (false); /* RFC 9394 3.1: never both */
	return (args_char(a, ')') && args_sp(a));
}

/* --- SAVE and MODSEQ --- */

static void save(struct imap *s, const uint32_t *uids, size_t n)
{
	free(s->saved);
	s->saved = mem_new_array(n + 1, sizeof(*s->saved));
	if (n > 0)
		memcpy(s->saved, uids, n * sizeof(*uids));
	s->saved_n = n;
}

void search_save_nothing(struct imap *s, const struct search_returns *r)
{
	if (r->what & RETURN_SAVE)
		save(s, NULL, 0);
}

static int by_uid(const void *l, const void *r)
{
	uint32_t a = *(const uint32_t *)l, b = *(const uint32_t *)r;

	return (a < b ? -1 : a > b);
}

/* What the answer is about: with MIN, MAX or PARTIAL and neither ALL nor COUNT, those alone. They
 * are what SAVE keeps (RFC 9051 6.4.4.1, RFC 9394 3.2) and what MODSEQ is the highest of (RFC 4731
 * 3.2). Sorted; in the arena. */
static size_t named(struct imap *s, const struct search_returns *r, const uint32_t *order,
    const uint32_t *uids, size_t found, const uint32_t **ret)
{
	size_t from = 0, end = 0, n = 0, kept = 0;
	uint32_t *v;

	*ret = uids;
	if (found == 0 || !(r->what & (RETURN_MIN | RETURN_MAX | RETURN_PARTIAL)) ||
	    (r->what & (RETURN_ALL | RETURN_COUNT)))
		return (found);
	if (r->what & RETURN_PARTIAL)
		window_of(&r->window, found, &from, &end);
	v = arena_array(s->call.arena, end - from + 2, sizeof(*v));
	if (r->what & RETURN_MIN)
		v[n++] = order[0];
	if (r->what & RETURN_MAX)
		v[n++] = order[found - 1];
	for (; from < end; from++)
		v[n++] = order[from];
	qsort(v, n, sizeof(*v), by_uid);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || v[kept - 1] != v[i])
			v[kept++] = v[i];
	*ret = v;
	return (kept);
}

void search_save(struct imap *s, const struct search_returns *r, const uint32_t *uids, size_t n)
{
	if (!(r->what & RETURN_SAVE))
		return;
	n = named(s, r, uids, uids, n, &uids);
	save(s, uids, n);
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

/* --- saying --- */

static uint32_t number_of(const struct imap *s, uint32_t uid)
{
	return (s->call.is_uid ? uid : news_seq(&s->news, uid));
}

static void finish(struct imap *s)
{
	struct searching *x = s->call.data;

	if (x->context != NULL && s->news.view != NULL && !s->view_gone) {
		context_keep(x->context, x->look, x->uids, x->n);
		x->context = NULL;
	}
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

/* RFC 6203 4: in the order of the numbers. */
static enum imap_step say_scores(struct imap *s)
{
	struct searching *x = s->call.data;
	const uint32_t *order = x->order != NULL ? x->order : x->uids;
	size_t end = x->scored + 4096 < x->scored_end ? x->scored + 4096 : x->scored_end;

	for (size_t i = x->scored; i < end; i++)
		(void)buf_fmt(&s->out, i == x->scored_begin ? "%u" : " %u",
		    look_score(x->look, order[i]));
	x->scored = end;
	if (end == x->scored_end) {
		(void)buf_addc(&s->out, ')');
		say_end(s, x);
	}
	imap_flush(s);
	return (end == x->scored_end ? STEP_DONE : STEP_MORE);
}

/* The numbers, some thousand at a time: a result may be longer than output may queue. */
static enum imap_step say_numbers(struct imap *s)
{
	struct searching *x = s->call.data;
	const uint32_t *order = x->order != NULL ? x->order : x->uids;
	size_t end = x->said + 4096 < x->said_end ? x->said + 4096 : x->said_end;

	if (x->is_scoring)
		return (say_scores(s));
	for (size_t i = x->said; i < end; i++) {
		uint32_t from = number_of(s, order[i]), to = from;

		if (!x->esearch) {
			(void)buf_addc(&s->out, ' ');
			(void)buf_add_u64(&s->out, from);
			continue;
		}
		if (!x->numbers_begun && (x->returns.what & RETURN_ALL))
			(void)buf_addz(&s->out, " ALL ");
		x->numbers_begun = true;
		while (i + 1 < end && number_of(s, order[i + 1]) == to + 1) {
			to++;
			i++;
		}
		(void)seqset_write_range(&s->out, from, to, &x->first);
	}
	x->said = end;
	if (x->said == x->said_end) {
		if (x->returns.what & RETURN_PARTIAL)
			(void)buf_addz(&s->out, x->numbers_begun ? ")" : "NIL)");
		if (x->returns.what & RETURN_RELEVANCY) {
			(void)buf_addz(&s->out, " RELEVANCY (");
			x->is_scoring = true;
			return (STEP_MORE);
		}
		say_end(s, x);
	}
	imap_flush(s);
	return (x->said == x->said_end ? STEP_DONE : STEP_MORE);
}

static void say_esearch(struct imap *s, struct searching *x, const uint32_t *order)
{
	(void)buf_addz(&s->out, "* ESEARCH (TAG ");
	(void)write_string(&s->out, slice_of(s->call.tag), false);
	(void)buf_addz(&s->out, s->call.is_uid ? ") UID" : ")");
	if ((x->returns.what & RETURN_MIN) && x->n > 0)
		(void)buf_fmt(&s->out, " MIN %u", number_of(s, order[0]));
	if ((x->returns.what & RETURN_MAX) && x->n > 0)
		(void)buf_fmt(&s->out, " MAX %u", number_of(s, order[x->n - 1]));
	if (x->returns.what & RETURN_COUNT)
		(void)buf_fmt(&s->out, " COUNT %zu", x->n);
	x->said = x->said_end = 0;
	if (x->returns.what & RETURN_ALL)
		x->said_end = x->n;
	if (x->returns.what & RETURN_PARTIAL) { /* RFC 9394 3.1 */
		(void)buf_addz(&s->out, " PARTIAL (");
		window_write(&x->returns.window, &s->out);
		(void)buf_addc(&s->out, ' ');
		window_of(&x->returns.window, x->n, &x->said, &x->said_end);
	}
	x->scored = x->scored_begin = x->said;
	x->scored_end = x->returns.what & RETURN_PARTIAL ? x->said_end : x->n;
	imap_produce(s, say_numbers, finish);
}

void search_answer(struct imap *s)
{
	struct searching *x = s->call.data;
	struct order *o = x->look->order;
	const uint32_t *uids;
	size_t n;

	if (s->view_gone || s->news.view == NULL) {
		search_save_nothing(s, &x->returns);
		imap_end(s, "NO [NONEXISTENT] The mailbox was deleted");
		return;
	}
	if (o != NULL && o->is_thread) {
		imap_say(s, buf_slice(&o->lists), finish);
		return;
	}
	x->order = o == NULL ? NULL : o->uids;
	n = named(s, &x->returns, x->order != NULL ? x->order : x->uids, x->uids, x->n, &uids);
	if (x->returns.what & RETURN_SAVE)
		save(s, uids, n);
	if (x->q->wants_modseq)
		x->modseq = highest(s->news.view, uids, n);
	x->first = true;
	if ((x->returns.what & ~(unsigned)RETURN_CONTEXT) == (RETURN_ANY | RETURN_SAVE)) {
		finish(s); /* SAVE alone says nothing */
		return;
	}
	if (x->esearch) {
		say_esearch(s, x, x->order != NULL ? x->order : x->uids);
		return;
	}
	x->said_end = x->n;
	(void)buf_addz(&s->out, o == NULL ? "* SEARCH" : "* SORT");
	imap_produce(s, say_numbers, finish);
}
