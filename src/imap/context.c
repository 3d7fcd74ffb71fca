/* Which messages join a search's result, and which leave it, as the mailbox changes? What the view
 * cannot decide is visited on a read lane, one context at a time. A result is kept as uids; in an
 * order, as the values that are compared too, so that positions can be told. RFC 5267 4.3, RFC 5465
 * 7 (UPDATE with items of FETCH). A key about the time that passes (WITHIN) is asked again only
 * when the message changes. */
#include "imap/context_int.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "imap/announce.h"
#include "imap/notify.h"

enum { /* messages */
	LOOKED_AT_ONCE = 2048, /* the view is asked about, with few keys */
	VISITED_AT_ONCE = 512,
};

static void forget(struct uid_list *l, uint32_t uid)
{
	size_t at = uid_list_lower(l, uid);

	if (at == l->n || l->v[at] != uid)
		return;
	memmove(l->v + at, l->v + at + 1, (l->n - at - 1) * sizeof(*l->v));
	l->n--;
}

/* --- life --- */

static void peek_free(void *data)
{
	struct peek *p = data;

	if (p == NULL)
		return;
	search_free(p->owned);
	free(p->values);
	order_free(p->order);
	uid_list_free(&p->found);
	uid_list_free(&p->unreadable);
	free(p);
}

static void stop_visit(struct contexts *all)
{
	if (all->visit == NULL)
		return;
	all->peek->owned = all->visiting->q; /* a worker may be in the middle of it */
	all->visiting->q = NULL;
	visit_cancel(all->visit);
	all->visit = NULL;
	all->visiting = NULL;
	all->peek = NULL;
	uid_list_free(&all->visited);
}

void context_drop_fresh(struct context *c)
{
	for (size_t i = 0; i < c->fresh_n; i++)
		free(c->fresh[i]);
	free(c->fresh);
	c->fresh = NULL;
	c->fresh_n = 0;
}

void context_drop(struct context *c)
{
	struct contexts *all;

	if (c == NULL)
		return;
	all = c->s->contexts;
	if (all->visiting == c)
		stop_visit(all);
	list_drop(&c->node);
	all->n--;
	all->members -= c->members.n;
	all->rows -= c->rows_n;
	for (size_t i = 0; i < c->rows_n; i++)
		all->texts -= c->row[i]->octets;
	search_free(c->q);
	order_free(c->order);
	for (size_t i = 0; i < c->rows_n; i++)
		free(c->row[i]);
	context_drop_fresh(c);
	uid_list_free(&c->members);
	uid_list_free(&c->gone);
	uid_list_free(&c->in);
	uid_list_free(&c->out);
	uid_list_free(&c->dirty);
	uid_list_free(&c->unsure);
	uid_list_free(&c->arrived);
	uid_list_free(&c->wanted);
	free(c->row);
	free(c->values);
	free(c->fetch);
	free(c->tag);
	free(c);
}

void contexts_free(struct imap *s)
{
	struct contexts *all = s->contexts;

	if (all == NULL)
		return;
	while (!list_empty(&all->all))
		context_drop(LIST_OWNER(all->all.next, struct context, node));
	uid_list_free(&all->visited);
	free(all);
	s->contexts = NULL;
}

static struct context *find(const struct imap *s, struct slice tag)
{
	if (s->contexts == NULL)
		return (NULL);
	LIST_EACH(&s->contexts->all, it)
	{
		struct context *c = LIST_OWNER(it, struct context, node);

		if (slice_eq(slice_of(c->tag), tag))
			return (c);
	}
	return (NULL);
}

bool context_cancel(struct imap *s, struct slice tag)
{
	struct context *c = find(s, tag);

	context_drop(c);
	return (c != NULL);
}

void context_refuse(struct imap *s, const char *tag, const char *why)
{
	(void)buf_addz(&s->out, "* NO [NOUPDATE ");
	(void)write_string(&s->out, slice_of(tag), false);
	(void)buf_fmt(&s->out, "] %s\r\n", why);
	imap_flush(s);
}

enum context_begun context_begin(
    struct imap *s, bool is_uid, struct slice fetch, struct context **ret)
{
	struct context *c;

	*ret = NULL;
	if (find(s, slice_of(s->call.tag)) != NULL)
		return (CONTEXT_TAG); /* RFC 5267 4.3 */
	if (s->contexts == NULL) {
		s->contexts = NEW(struct contexts);
		list_init(&s->contexts->all);
	}
	if (s->contexts->n == L_CONTEXTS) {
		context_refuse(s, s->call.tag, "Too many searches are kept up to date; CANCELUPDATE one");
		return (CONTEXT_REFUSED);
	}
	c = NEW(struct context);
	c->s = s;
	c->tag = mem_strdup(s->call.tag);
	c->is_uid = is_uid;
	if (fetch.p != NULL)
		c->fetch = mem_strndup(fetch.p, fetch.n);
	list_push(&s->contexts->all, &c->node);
	s->contexts->n++;
	*ret = c;
	return (CONTEXT_BEGUN);
}

static bool is_there(const struct imap *s, uint32_t uid)
{
	size_t at = view_lower(s->news.view, uid);

	return (at < view_count(s->news.view) && view_at(s->news.view, at)->uid == uid);
}

static bool is_unknown(const struct search_key *k)
{
	return (k->what == KEY_FLAGS && k->flags == 0 && k->field.n > 0);
}

void context_learn_keywords(struct context *c)
{
	c->has_unknown = false;
	for (size_t i = 0; i < c->q->keys_n; i++) {
		struct search_key *k = &c->q->keys[i];
		int bit;

		if (!is_unknown(k))
			continue;
		bit = view_keyword_find(c->s->news.view, k->field);
		k->flags = bit < 0 ? 0 : (unsigned)FLAG_KEYWORD0 << bit;
		c->has_unknown |= bit < 0;
	}
}

void context_keep(struct context *c, struct looking *look, const uint32_t *uids, size_t n)
{
	struct imap *s = c->s;
	struct contexts *all = s->contexts;
	bool sorted = look->order != NULL;

	if (all->members + n > L_CONTEXT_MESSAGES ||
	    (sorted &&
		(all->rows + n > L_CONTEXT_SORTED ||
		    all->texts + look->order->texts_n > L_CONTEXT_TEXTS))) {
		context_refuse(s, c->tag, "The result is too large to be kept up to date");
		context_drop(c);
		return;
	}
	uid_list_merge(&c->members, uids, n);
	all->members += n;
	c->q = look->q;
	c->values = search_values(c->q);
	look->q = NULL;
	text_found_free(c->q->found); /* large, and of what was there then */
	c->q->found = NULL;
	for (size_t i = 0; i < c->q->keys_n; i++)
		c->has_unknown |= is_unknown(&c->q->keys[i]);
	for (size_t i = 0; i < c->q->keys_n; i++)
		c->by_flags |= c->q->keys[i].what == KEY_FLAGS ||
		    c->q->keys[i].what == KEY_MODSEQ || c->q->keys[i].what == KEY_OLDER ||
		    c->q->keys[i].what == KEY_YOUNGER;
	if (sorted) {
		c->row = mem_new_array(n + 1, sizeof(struct order_entry *));
		for (size_t i = 0; i < n; i++) {
			c->row[i] = order_entry_of(look->order, look->order->uids[i]);
			all->texts += c->row[i]->octets;
		}
		c->rows_n = n;
		all->rows += n;
		c->order = order_like(look->order);
	}
	for (size_t i = 0; i < n; i++)
		if (!is_there(s, uids[i])) /* expunged since it was found */
			uid_list_merge(&c->gone, &uids[i], 1);
}

bool contexts_too_large(const struct contexts *all)
{
	return (all->members > L_CONTEXT_MESSAGES || all->rows > L_CONTEXT_SORTED ||
	    all->texts > L_CONTEXT_TEXTS);
}

/* --- what happens --- */

static void heard_expunged(struct context *c, const struct view_change *ch)
{
	struct uid_list *waiting[] = { &c->dirty, &c->unsure, &c->arrived, &c->wanted, &c->in,
		&c->out };

	for (size_t i = 0; i < COUNT_OF(waiting); i++)
		uid_list_remove(waiting[i], ch->uids, ch->n);
	for (size_t i = 0; i < ch->n; i++)
		if (uid_list_has(&c->members, ch->uids[i]))
			uid_list_merge(&c->gone, &ch->uids[i], 1);
}

void contexts_heard(struct imap *s, const struct view_change *ch, bool own)
{
	if (s->contexts == NULL)
		return;
	LIST_EACH(&s->contexts->all, it)
	{
		struct context *c = LIST_OWNER(it, struct context, node);

		switch (ch->kind) {
		case VIEW_EXPUNGED: heard_expunged(c, ch); break;
		case VIEW_ADDED:
			uid_list_merge(&c->dirty, ch->uids, ch->n);
			if (c->fetch != NULL && !own)
				uid_list_merge(&c->arrived, ch->uids, ch->n);
			break;
		case VIEW_FLAGS:
			if (c->q == NULL || c->by_flags)
				uid_list_merge(&c->dirty, ch->uids, ch->n);
			break;
		}
	}
}

/* --- who joins, who leaves --- */

static void decide(struct context *c, uint32_t uid, bool is_in)
{
	bool arrived = uid_list_has(&c->arrived, uid);

	forget(&c->arrived, uid);
	forget(&c->in, uid);
	forget(&c->out, uid);
	if (is_in == uid_list_has(&c->members, uid))
		return;
	uid_list_merge(is_in ? &c->in : &c->out, &uid, 1);
	if (is_in && arrived) /* RFC 5465 7: not of those whose flags changed */
		uid_list_merge(&c->wanted, &uid, 1);
}

static void add_fresh(struct context *c, struct order_entry *e)
{
	size_t at = 0;

	while (at < c->fresh_n && c->fresh[at]->uid < e->uid)
		at++;
	if (at < c->fresh_n && c->fresh[at]->uid == e->uid) {
		free(e); /* what is compared does not change */
		return;
	}
	c->fresh = mem_grow(c->fresh, c->fresh_n + 1, sizeof(struct order_entry *));
	memmove(c->fresh + at + 1, c->fresh + at,
	    (c->fresh_n - at) * sizeof(struct order_entry *));
	c->fresh[at] = e;
	c->fresh_n++;
}

static void join(struct context *c, const struct view_message *m)
{
	if (c->order != NULL && !uid_list_has(&c->members, m->uid)) {
		struct order *one = order_like(c->order);

		order_add(one, m, m->uid, NULL, relevancy_of(c->q, c->values));
		add_fresh(c, order_entry_of(one, m->uid));
		order_free(one);
	}
	decide(c, m->uid, true);
}

/* What the view knows; the rest is left to a visit. Messages that were not announced wait. */
void context_ask_view(struct context *c)
{
	const struct imap *s = c->s;
	size_t i = 0, most = LOOKED_AT_ONCE / (1 + c->q->keys_n / 16);

	for (; i < c->dirty.n && i < most && c->dirty.v[i] < s->news.next; i++) {
		uint32_t uid = c->dirty.v[i];
		const struct view_message *m;
		enum search_answer answer;

		if (!is_there(s, uid))
			continue;
		m = view_at(s->news.view, view_lower(s->news.view, uid));
		answer = search_match_view(c->q, m, c->values);
		if (answer == ANSWER_NO)
			decide(c, uid, false);
		else if (answer == ANSWER_UNKNOWN ||
		    (c->order != NULL && c->order->needs_header &&
			!uid_list_has(&c->members, uid)))
			uid_list_merge(&c->unsure, &uid, 1);
		else
			join(c, m);
	}
	uid_list_drop_head(&c->dirty, i);
}

static enum visit_next on_message(void *ctx, const struct visit_message *m)
{
	struct peek *p = ctx;
	bool unreadable = false;

	if (search_match(p->q, m, p->values, &unreadable)) {
		uint32_t uid = m->m.uid;

		uid_list_merge(&p->found, &uid, 1);
		if (p->order != NULL)
			order_add(p->order, &m->m, uid, m->keys, relevancy_of(p->q, p->values));
	}
	if (unreadable)
		uid_list_merge(&p->unreadable, &(uint32_t){ m->m.uid }, 1);
	return (VISIT_DONE);
}

static void on_slice(void *self)
{
	visit_go_on(((struct imap *)self)->contexts->visit);
}

static void on_end(void *self, const struct err *err)
{
	struct imap *s = self;
	struct contexts *all = s->contexts;
	struct context *c = all->visiting;
	struct peek *p = all->peek;

	all->visit = NULL;
	all->visiting = NULL;
	all->peek = NULL;
	/* what could not be read changes nothing: STO-09 */
	for (size_t i = 0; i < all->visited.n && err == NULL && !s->view_gone; i++) {
		uint32_t uid = all->visited.v[i];
		bool is_in = uid_list_has(&p->found, uid);

		if (!is_there(s, uid) || uid_list_has(&p->unreadable, uid))
			continue;
		if (is_in && p->order != NULL && !uid_list_has(&c->members, uid))
			add_fresh(c, order_entry_of(p->order, uid));
		decide(c, uid, is_in);
	}
	uid_list_free(&all->visited);
	peek_free(p);
	contexts_visit(s);
	announce_contexts(s);
}

void contexts_visit(struct imap *s)
{
	static const struct visitor visitor = { on_message, on_slice, on_end };
	struct contexts *all = s->contexts;

	LIST_EACH(&all->all, it)
	{
		struct context *c = LIST_OWNER(it, struct context, node);
		struct peek *p;

		/* what was found before is told first */
		if (all->visit != NULL || c->q == NULL || c->unsure.n == 0 || c->in.n > 0)
			continue;
		context_drop_fresh(c);
		p = NEW(struct peek);
		p->q = c->q;
		p->values = search_values(c->q);
		p->order = c->order == NULL ? NULL : order_like(c->order);
		all->peek = p;
		all->visiting = c;
		uid_list_merge(&all->visited, c->unsure.v,
		    c->unsure.n < VISITED_AT_ONCE ? c->unsure.n : VISITED_AT_ONCE);
		uid_list_drop_head(&c->unsure, all->visited.n);
		all->visit = visit_start(view_folder(s->news.view), all->visited.v,
		    all->visited.n, search_wants(c->q) | order_wants(c->order), &visitor, s, p,
		    peek_free);
		if (all->visit == NULL) { /* too busy: with the next change */
			uid_list_merge(&c->unsure, all->visited.v, all->visited.n);
			uid_list_free(&all->visited);
			all->visiting = NULL;
			all->peek = NULL;
			peek_free(p);
		}
	}
}
