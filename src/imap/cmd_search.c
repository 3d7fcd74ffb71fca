/* SEARCH, SORT, THREAD: which messages? First by the view on the loop; those it cannot decide are
 * visited on a read lane, and so is everything whose order the header decides. What is asked back
 * and how it is said is in search_answer.c, what matches in search_match.c, orders in order.c. RFC
 * 9051 6.4.4, RFC 5256. */
#include "imap/searching.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "imap/command.h"
#include "imap/context.h"
#include "imap/orders.h"

enum {
	PROGRESS_MS = 10000, /* between two INPROGRESS */
	ORDER_HERE = 1000,   /* messages; the order of more takes longer than the loop may wait */
};

static void search_drop(void *data)
{
	struct searching *x = data;

	context_drop(x->context);
	look_free(x->look);
	free(x->uids);
	free(x->unsure);
}

/* --- looking inside --- */

static bool is_match(struct looking *l, const struct visit_message *m)
{
	bool unreadable = false, is;

	if (l->order != NULL && l->sure[l->at] && !l->q->wants_score)
		is = true;
	else
		is = search_match(l->q, m, l->values, &unreadable);
	l->unreadable |= unreadable;
	return (is);
}

static enum visit_next on_message(void *ctx, const struct visit_message *m)
{
	struct looking *l = ctx;
	unsigned score;

	if (l->order != NULL && l->n == 0) { /* order_elsewhere */
		order_finish(l->order);
		return (VISIT_DONE);
	}
	if (is_match(l, m)) {
		uid_list_merge(&l->found, &m->m.uid, 1);
		score = look_rate(l, LOOK_VISIT, m->m.uid);
		if (l->order != NULL)
			order_add(l->order, &m->m, l->numbers[l->at], m->keys, score);
	}
	if (++l->at == l->n && l->order != NULL)
		order_finish(l->order);
	return (VISIT_DONE);
}

/* RFC 9585: that it goes on, for clients that would give up. */
static void say_progress(struct imap *s, struct searching *x)
{
	uint64_t now = clock_ms();

	if (x->told == 0)
		x->told = now;
	if (now - x->told < PROGRESS_MS)
		return;
	x->told = now;
	(void)buf_addz(&s->out, "* OK [INPROGRESS (");
	(void)write_string(&s->out, slice_of(s->call.tag), false);
	(void)buf_fmt(&s->out, " %zu %zu)] Searching\r\n", x->looking->at, x->unsure_n);
	imap_flush(s);
}

static void on_slice(void *self)
{
	struct imap *s = self;

	say_progress(s, s->call.data);
	visit_go_on(s->call.visit);
}

static void keep_order(struct imap *s, struct searching *x)
{
	struct order *o = x->look->order;

	if (o != NULL && !s->view_gone && s->news.view != NULL)
		orders_keep(s->news.view, o, x->uids, x->n);
}

/* Is the order known from a search before? Then nothing is read. */
static bool take_order(struct imap *s, struct searching *x)
{
	struct order *o = x->look->order;

	if (o == NULL || x->context != NULL || !x->is_sure || x->q->wants_score)
		return (false);
	if (x->unsure_n > 0 && x->n == 0) {
		o->uids = orders_find(s->news.view, o, x->unsure, x->unsure_n);
		if (o->uids == NULL)
			return (false);
		free(x->uids);
		x->uids = x->unsure;
		x->n = x->unsure_n;
		x->unsure = NULL;
		x->unsure_n = 0;
	} else if (x->unsure_n == 0 && x->n > 0) {
		o->uids = orders_find(s->news.view, o, x->uids, x->n);
	}
	return (o->uids != NULL);
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
		search_save_nothing(s, &x->returns);
		imap_end_err(s, err);
		return;
	}
	uid_list_merge(&all, x->look->found.v, x->look->found.n);
	x->uids = all.v;
	x->n = all.n;
	x->unreadable = x->look->unreadable;
	keep_order(s, x);
	search_answer(s);
}

static const struct visitor visitor = { on_message, on_slice, on_end };

/* --- the view's half --- */

static void add(uint32_t **v, size_t *n, size_t most, uint32_t uid)
{
	if (*v == NULL)
		*v = mem_new_array(most, sizeof(**v));
	(*v)[(*n)++] = uid;
}

/* Does the view know all that the order needs? Then nothing is visited. */
static bool is_for_view(const struct searching *x)
{
	return (x->q->cost == COST_VIEW && !x->look->order->needs_header);
}

static void add_in_order(struct imap *s, const struct view_message *m, bool sure)
{
	struct searching *x = s->call.data;
	struct looking *l = x->look;
	uint32_t number = s->call.is_uid ? m->uid : news_seq(&s->news, m->uid);
	size_t most = view_count(s->news.view);

	if (is_for_view(x)) {
		add(&x->uids, &x->n, most, m->uid);
		order_add(l->order, m, number, NULL, look_rate(l, LOOK_VIEW, m->uid));
		return;
	}
	if (l->numbers == NULL) {
		l->numbers = mem_new_array(most, sizeof(*l->numbers));
		l->sure = mem_new_array(most, 1);
	}
	l->numbers[l->n] = number;
	l->sure[l->n++] = sure;
	x->is_sure &= sure;
	add(&x->unsure, &x->unsure_n, most, m->uid);
}

static void add_one(struct imap *s, const struct view_message *m)
{
	struct searching *x = s->call.data;
	enum search_answer answer = search_match_view(x->q, m, x->look->values);
	size_t most = view_count(s->news.view);

	if (answer == ANSWER_NO)
		return;
	if (x->look->order != NULL)
		add_in_order(s, m, answer == ANSWER_YES);
	else if (answer == ANSWER_YES) {
		add(&x->uids, &x->n, most, m->uid);
		(void)look_rate(x->look, LOOK_VIEW, m->uid);
	} else
		add(&x->unsure, &x->unsure_n, most, m->uid);
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
		add_one(s, m);
	}
	return (at < view_count(v) ? STEP_MORE : STEP_DONE);
}

unsigned search_wants(const struct search *q)
{
	bool file = q->cost == COST_BODY || q->fields_missing > 0;
	unsigned thread = 0;

	for (size_t i = 0; i < q->keys_n; i++)
		if (q->keys[i].what == KEY_THREADID)
			thread = VISIT_THREAD;
	return (VISIT_FIELDS | thread | (file ? VISIT_FILE | VISIT_MAP : 0));
}

/* An order of messages that the view has found is made of their keys alone. */
static unsigned wants(const struct searching *x, const struct order *o)
{
	bool found = o != NULL && x->is_sure && !x->q->wants_score;

	return ((found ? 0 : search_wants(x->q)) | order_wants(o));
}

/* The view knew all that a long order is made of: the visit is of one message, and asks nothing
 * of it; its worker makes the order. */
static bool order_elsewhere(struct searching *x)
{
	if (x->look->order == NULL || x->n <= ORDER_HERE || x->unsure_n > 0)
		return (false);
	add(&x->unsure, &x->unsure_n, 1, x->uids[0]);
	return (true);
}

static void view_looked(struct imap *s)
{
	struct searching *x = s->call.data;

	if (!s->view_gone && take_order(s, x)) {
		search_answer(s);
		return;
	}
	if (s->view_gone || (x->unsure_n == 0 && !order_elsewhere(x))) {
		if (x->look->order != NULL && !s->view_gone) {
			order_finish(x->look->order);
			keep_order(s, x);
		}
		search_answer(s);
		return;
	}
	x->looking = x->look;
	x->look = NULL;
	s->call.visit = visit_start(view_folder(s->news.view), x->unsure, x->unsure_n,
	    wants(x, x->looking->order), &visitor, s, x->looking, look_free);
	if (s->call.visit == NULL) {
		x->look = x->looking;
		search_save_nothing(s, &x->returns);
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
	}
}

/* --- the command --- */

void search_fix(struct search *q, uint32_t last_uid)
{
	for (size_t i = 0; i < q->keys_n; i++)
		if (q->keys[i].what == KEY_UIDS)
			seqset_fix(&q->keys[i].uids, last_uid);
}

/* Sets to uids: numbers mean what they mean now. */
static bool search_by_number(const struct search *q)
{
	for (size_t i = 0; i < q->keys_n; i++)
		if (q->keys[i].what == KEY_UIDS && q->keys[i].by_number && !q->keys[i].is_saved)
			return (true);
	return (false);
}

void search_translate(struct imap *s, struct search *q)
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

void search_refuse(struct imap *s, const struct search_returns *r, enum search_fault fault)
{
	if (fault != SEARCH_BAD)
		search_save_nothing(s, r);
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

static void on_found(void *self, struct text_found *found)
{
	struct imap *s = self;
	struct searching *x = s->call.data;

	s->call.op = NULL;
	x->q->found = found;
	imap_produce(s, look_at_view, view_looked);
}

static void begin(struct imap *s)
{
	struct searching *x = s->call.data;
	struct args ahead = s->call.args;
	enum search_fault fault;

	if (s->utf8_accept && args_word(&ahead, "CHARSET")) { /* RFC 6855 3 */
		imap_bad(s, "With UTF8=ACCEPT everything is in UTF-8; no charset is named");
		return;
	}
	x->look->q = x->q = search_parse(&s->call.args, s->news.view, s->news.recent_from, &fault);
	if (x->q == NULL) {
		search_refuse(s, &x->returns, fault);
		return;
	}
	if (s->uid_only && search_by_number(x->q)) {
		imap_bad(s, "[UIDREQUIRED] Message numbers are not used any more");
		return;
	}
	if ((x->returns.what & RETURN_RELEVANCY) ||
	    (x->look->order != NULL && x->look->order->by_relevancy)) {
		if (!x->q->is_fuzzy) { /* RFC 6203 4, 6: it must not be asked for then */
			imap_bad(s, RELEVANCY_ALONE);
			return;
		}
		relevancy_prepare(x->q);
	}
	x->look->values = search_values(x->q);
	if (!(x->returns.what & RETURN_ANY))
		x->returns.what |= RETURN_ALL;
	if (x->q->wants_modseq)
		imap_enable_condstore(s);
	search_translate(s, x->q);
	if ((x->returns.what & RETURN_UPDATE) &&
	    context_begin(s, s->call.is_uid, x->returns.fetch, &x->context) == CONTEXT_TAG) {
		imap_bad(s, "This tag is in use by a search that is kept up to date");
		return;
	}
	s->call.op = search_ask(x->q, view_folder(s->news.view), on_found, s);
	if (s->call.op == NULL)
		imap_produce(s, look_at_view, view_looked);
}

static struct searching *searching_new(struct imap *s)
{
	struct searching *x = arena_alloc(s->call.arena, sizeof(*x));

	s->call.data = x;
	s->call.drop = search_drop;
	x->look = NEW(struct looking);
	x->is_sure = true;
	return (x);
}

void cmd_search(struct imap *s)
{
	struct searching *x = searching_new(s);

	if (!returns_take(&s->call.args, &x->returns)) {
		imap_bad(s,
		    "RETURN takes MIN, MAX, ALL or PARTIAL, COUNT, RELEVANCY and SAVE, each once");
		return;
	}
	/* RFC 9051: SEARCH answers are ESEARCH */
	x->esearch = (x->returns.what & RETURN_ANY) || s->rev2;
	begin(s);
}

/* SP charset SP: not to be left out here, RFC 5256 3 */
static bool take_charset(struct imap *s)
{
	const struct searching *x = s->call.data;
	struct args *a = &s->call.args;
	struct slice charset;

	if (!args_sp(a) || !args_astring(a, &charset) || !args_sp(a)) {
		imap_bad(s, "The charset is missing");
		return (false);
	}
	if (!slice_ieq(charset, SLICE("UTF-8")) && !slice_ieq(charset, SLICE("US-ASCII"))) {
		search_refuse(s, &x->returns, SEARCH_CHARSET);
		return (false);
	}
	return (true);
}

/* "SORT" SP [RETURN ...] sort-criteria SP charset SP search-key: RFC 5256 3, RFC 5267 3 */
void cmd_sort(struct imap *s)
{
	struct searching *x = searching_new(s);

	if (!returns_take(&s->call.args, &x->returns)) {
		imap_bad(s,
		    "RETURN takes MIN, MAX, ALL or PARTIAL, COUNT, RELEVANCY and SAVE, each once");
		return;
	}
	x->esearch = (x->returns.what & RETURN_ANY) != 0;
	x->look->order = order_take_sort(&s->call.args);
	if (x->look->order == NULL)
		imap_bad(s, "SORT takes a list of criteria, a charset and a search");
	else if (take_charset(s))
		begin(s);
}

/* "THREAD" SP thread-alg SP charset SP search-key: RFC 5256 3 */
void cmd_thread(struct imap *s)
{
	struct searching *x = searching_new(s);

	x->look->order = order_take_thread(&s->call.args);
	if (x->look->order == NULL)
		imap_bad(
		    s, "THREAD takes ORDEREDSUBJECT, REFERENCES or REFS, a charset and a search");
	else if (take_charset(s))
		begin(s);
}
