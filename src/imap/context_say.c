/* How is it said what a search's result gained and lost? Sets for SEARCH, positions for SORT, and the
 * FETCH that UPDATE asked for. RFC 5267 4.3.2 to 4.3.4, RFC 5465 7. */
#include "imap/context_int.h"

#include <stdlib.h>

#include "core/mem.h"
#include "imap/notify.h"

enum { /* messages of one ESEARCH */
	SAID_AT_ONCE = 256,
	PLACED_AT_ONCE = 64, /* each place is looked for */
};

static uint32_t number_of(const struct context *c, uint32_t uid)
{
	return (c->is_uid ? uid : news_seq(&c->s->news, uid));
}

static size_t place_of(const struct context *c, const struct order_entry *e)
{
	size_t lo = 0, hi = c->rows_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (order_entry_cmp(c->order, c->row[mid], e) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

static size_t row_of(const struct context *c, uint32_t uid)
{
	size_t i = 0;

	while (i < c->rows_n && c->row[i]->uid != uid)
		i++;
	return (i);
}

static void take_row(struct context *c, size_t at)
{
	c->s->contexts->texts -= c->row[at]->octets;
	free(c->row[at]);
	memmove(c->row + at, c->row + at + 1,
	    (c->rows_n - at - 1) * sizeof(struct order_entry *));
	c->rows_n--;
	c->s->contexts->rows--;
}

static void put_row(struct context *c, size_t at, size_t fresh)
{
	c->row = mem_grow(c->row, c->rows_n + 1, sizeof(struct order_entry *));
	memmove(c->row + at + 1, c->row + at, (c->rows_n - at) * sizeof(struct order_entry *));
	c->row[at] = c->fresh[fresh];
	c->rows_n++;
	c->s->contexts->rows++;
	c->s->contexts->texts += c->row[at]->octets;
	memmove(c->fresh + fresh, c->fresh + fresh + 1,
	    (c->fresh_n - fresh - 1) * sizeof(struct order_entry *));
	c->fresh_n--;
}

/* Pairs of a position and a message, each as the ones before leave the list: RFC 5267 4.3.3. */
static void say_places(struct context *c, struct buf *out, const uint32_t *uids, size_t n, bool joins)
{
	const char *gap = "";

	for (size_t i = 0; i < n; i++) {
		size_t at, f = 0;

		if (joins) {
			while (f < c->fresh_n && c->fresh[f]->uid != uids[i])
				f++;
			if (f == c->fresh_n)
				continue;
			at = place_of(c, c->fresh[f]);
			put_row(c, at, f);
		} else {
			if ((at = row_of(c, uids[i])) == c->rows_n)
				continue;
			take_row(c, at);
		}
		(void)buf_fmt(out, "%s%zu %u", gap, at + 1, number_of(c, uids[i]));
		gap = " ";
	}
}

static void say(struct context *c, struct uid_list *l, bool joins)
{
	struct imap *s = c->s;
	size_t most = c->order != NULL ? PLACED_AT_ONCE : SAID_AT_ONCE;
	size_t n = l->n < most ? l->n : most;
	uint32_t numbers[SAID_AT_ONCE];

	(void)buf_addz(&s->out, "* ESEARCH (TAG ");
	(void)write_string(&s->out, slice_of(c->tag), false);
	(void)buf_fmt(&s->out, ")%s %s (", c->is_uid ? " UID" : "", joins ? "ADDTO" : "REMOVEFROM");
	if (c->order != NULL)
		say_places(c, &s->out, l->v, n, joins);
	else {
		for (size_t i = 0; i < n; i++)
			numbers[i] = number_of(c, l->v[i]);
		(void)buf_addz(&s->out, "0 ");
		(void)seqset_write(&s->out, numbers, n);
	}
	(void)buf_addz(&s->out, ")\r\n");
	if (joins)
		uid_list_merge(&c->members, l->v, n);
	else
		uid_list_remove(&c->members, l->v, n);
	s->contexts->members += joins ? n : (size_t)0 - n;
	uid_list_drop_head(l, n);
	imap_flush(s);
}

/* RFC 5267 4.3.1: what has grown too large is kept up to date no longer. */
static void say_joined(struct context *c)
{
	struct imap *s = c->s;

	say(c, &c->in, true);
	if (!contexts_too_large(s->contexts))
		return;
	context_refuse(s, c->tag, "The result has grown too large to be kept up to date");
	context_drop(c);
}

bool contexts_say_removed(struct imap *s)
{
	if (s->contexts == NULL || s->news.view == NULL)
		return (false);
	LIST_EACH(&s->contexts->all, it)
	{
		struct context *c = LIST_OWNER(it, struct context, node);

		if (c->q != NULL && c->gone.n > 0) {
			say(c, &c->gone, false);
			return (true);
		}
	}
	return (false);
}

bool contexts_say_changed(struct imap *s)
{
	if (s->contexts == NULL || s->news.view == NULL || s->view_gone)
		return (false);
	LIST_EACH(&s->contexts->all, it)
	{
		struct context *c = LIST_OWNER(it, struct context, node);
		bool more;

		/* a worker reads the keys */
		if (c->q == NULL || (c->has_unknown && s->contexts->visiting == c))
			continue;
		if (c->has_unknown)
			context_learn_keywords(c);
		more = c->dirty.n > 0 && c->dirty.v[0] < s->news.next;
		if (more && c->in.n == 0 && c->out.n == 0) { /* no more than can be told soon */
			context_drop_fresh(c);
			context_ask_view(c);
		}
		if (c->out.n > 0)
			say(c, &c->out, false);
		else if (c->in.n > 0)
			say_joined(c);
		else if (!more)
			continue;
		return (true);
	}
	contexts_visit(s);
	return (false);
}

void contexts_go_on(struct imap *s)
{
	if (s->contexts == NULL || s->news.view == NULL || s->view_gone)
		return;
	LIST_EACH(&s->contexts->all, it)
	{
		struct context *c = LIST_OWNER(it, struct context, node);
		size_t n = c->wanted.n < SAID_AT_ONCE ? c->wanted.n : SAID_AT_ONCE;
		uint32_t uids[SAID_AT_ONCE];

		if (n == 0)
			continue;
		memcpy(uids, c->wanted.v, n * sizeof(*uids));
		uid_list_drop_head(&c->wanted, n);
		if (!notify_fetches(s, slice_of(c->fetch))) {
			notify_fetch(s, slice_of(c->fetch), uids, n);
			return;
		}
	}
}
