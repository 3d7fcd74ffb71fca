/* ESEARCH: which messages, in several mailboxes? RFC 7377; the mailboxes are named as RFC 5465 6
 * does. One after the other is opened, asked as SEARCH asks (search_match.c), answered with UIDs
 * and let go, so memory is that of one. The program is read anew for each: keywords are a folder's
 * own. Failures: a mailbox that cannot be read ends the command with its NO. */
#include "imap/searching.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "imap/command.h"
#include "imap/context.h"
#include "imap/filter.h"

struct source {
	enum filter filter;
	struct slice name; /* of those that take one */
};

struct multi {
	struct source *sources;
	size_t sources_n;
	struct search_returns returns;
	struct args program; /* where it begins */
	struct folder **folders;
	size_t folders_n, at;
	/* of the folder at hand */
	struct view *view;
	struct looking *look, *looking; /* ours; the visit's */
	uint32_t next, below;           /* uids looked at */
	struct uid_list found, unsure;
	bool unreadable;
};

static void let_go(struct multi *x)
{
	look_free(x->look);
	x->look = NULL;
	uid_list_free(&x->found);
	uid_list_free(&x->unsure);
	x->found = x->unsure = (struct uid_list){ 0 };
	if (x->view != NULL)
		view_close(x->view, NULL);
	x->view = NULL;
}

static void multi_drop(void *data)
{
	struct multi *x = data;

	let_go(x);
	free(x->folders);
}

/* --- where --- */

static bool add_source(struct multi *x, enum filter filter, struct slice name)
{
	if (x->sources_n == L_IPATTERN)
		return (false);
	x->sources[x->sources_n++] = (struct source){ filter, name };
	return (true);
}

static bool take_name(struct imap *s, struct multi *x, enum filter filter)
{
	struct slice name;
	struct folder *f;

	if (!imap_take_mailbox(s, &name))
		return (false);
	f = folder_find(s->account, name); /* "inbox" is INBOX */
	return (add_source(x, filter, f == NULL ? name : slice_of(folder_name(f))));
}

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static bool take_names(struct imap *s, struct multi *x, enum filter filter)
{
	struct args *a = &s->call.args;

	if (!args_sp(a))
		return (false);
	if (!args_char(a, '('))
		return (take_name(s, x, filter));
	do
		if (!take_name(s, x, filter))
			return (false);
	while (args_sp(a));
	return (args_char(a, ')'));
}

/* filter-mailboxes; "selected-delayed" has no meaning here: RFC 7377 2.2 */
static bool take_source(struct imap *s, struct multi *x)
{
	static const struct {
		const char *name;
		enum filter filter;
		bool takes_names;
	} known[] = {
		{ "selected", FILTER_SELECTED, false },
		{ "inboxes", FILTER_INBOXES, false },
		{ "personal", FILTER_PERSONAL, false },
		{ "subscribed", FILTER_SUBSCRIBED, false },
		{ "subtree", FILTER_SUBTREE, true },
		{ "subtree-one", FILTER_SUBTREE_ONE, true },
		{ "mailboxes", FILTER_MAILBOXES, true },
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (args_word(&s->call.args, known[i].name)) {
			if (known[i].takes_names)
				return (take_names(s, x, known[i].filter));
			return (add_source(x, known[i].filter, (struct slice){ NULL, 0 }));
		}
	return (false);
}

/* ["IN" SP "(" source-mbox ")" SP] */
static bool take_sources(struct imap *s, struct multi *x)
{
	struct args *a = &s->call.args;

	if (!args_word(a, "IN"))
		return (add_source(x, FILTER_SELECTED, (struct slice){ NULL, 0 }));
	if (!args_sp(a) || !args_char(a, '('))
		return (false);
	do
		if (!take_source(s, x))
			return (false);
	while (args_sp(a));
	return (args_char(a, ')') && args_sp(a));
}

static bool is_in(const struct imap *s, const struct source *source, const struct folder *f)
{
	if (source->filter == FILTER_SELECTED)
		return (imap_is_selected(s, f));
	return (filter_has(s, source->filter, &source->name, 1, slice_of(folder_name(f)),
	    folder_role(f)));
}

/* Each once, in the order of their names; those that do not exist are passed over. */
static void find_folders(struct imap *s, struct multi *x)
{
	size_t cap = 0;

	for (struct folder *f = folder_next(s->account, NULL); f != NULL;
	     f = folder_next(s->account, f)) {
		bool in = false;

		for (size_t i = 0; i < x->sources_n && !in; i++)
			in = is_in(s, &x->sources[i], f);
		if (!in)
			continue;
		if (x->folders_n == cap) {
			cap = cap * 2 + 64;
			x->folders = mem_grow(x->folders, cap, sizeof(struct folder *));
		}
		x->folders[x->folders_n++] = f;
	}
}

/* --- one mailbox --- */

static void next_folder(struct imap *s);

enum { SCORE_OCTETS = 4 };

static void add_scores(const struct looking *l, struct buf *line, const uint32_t *uids, size_t n)
{
	(void)buf_addz(line, " RELEVANCY (");
	for (size_t i = 0; i < n; i++)
		(void)buf_fmt(line, i == 0 ? "%u" : " %u", look_score(l, uids[i]));
	(void)buf_addc(line, ')');
}

static void say_folder(struct imap *s)
{
	struct multi *x = s->call.data;
	uint32_t uidvalidity = view_uidvalidity(x->view);
	const uint32_t *uids = x->found.v;
	size_t n = x->found.n, from = 0, end = 0;
	struct buf line = BUF_INIT(8192 + (2 * SEQ_OCTETS + SCORE_OCTETS) * n);
	bool first = true;
	struct slice said;

	if (x->returns.what & RETURN_ALL)
		end = n;
	if (x->returns.what & RETURN_PARTIAL)
		window_of(&x->returns.window, n, &from, &end);
	(void)buf_addz(&line, "* ESEARCH (TAG ");
	(void)write_string(&line, slice_of(s->call.tag), false);
	(void)buf_addz(&line, " MAILBOX ");
	(void)write_mailbox(&line, slice_of(folder_name(x->folders[x->at])), s->utf8);
	(void)buf_fmt(&line, " UIDVALIDITY %u) UID", uidvalidity);
	if ((x->returns.what & RETURN_MIN))
		(void)buf_fmt(&line, " MIN %u", uids[0]);
	if ((x->returns.what & RETURN_MAX))
		(void)buf_fmt(&line, " MAX %u", uids[n - 1]);
	if (x->returns.what & RETURN_COUNT)
		(void)buf_fmt(&line, " COUNT %zu", n);
	if (x->returns.what & RETURN_PARTIAL) {
		(void)buf_addz(&line, " PARTIAL (");
		window_write(&x->returns.window, &line);
		(void)buf_addz(&line, from == end ? " NIL" : " ");
	} else if (from < end)
		(void)buf_addz(&line, " ALL ");
	for (size_t i = from, j; i < end; i = j) {
		for (j = i + 1; j < end && uids[j] == uids[j - 1] + 1;)
			j++;
		(void)seqset_write_range(&line, uids[i], uids[j - 1], &first);
	}
	if (x->returns.what & RETURN_PARTIAL)
		(void)buf_addc(&line, ')');
	else
		end = n;
	if (x->returns.what & RETURN_RELEVANCY)
		add_scores(x->look, &line, uids + from, end - from);
	(void)buf_addz(&line, "\r\n");
	said = arena_dup(s->call.arena, buf_slice(&line));
	buf_free(&line);
	let_go(x);
	x->at++;
	imap_say(s, said, next_folder);
}

static void folder_searched(struct imap *s)
{
	struct multi *x = s->call.data;
	bool quiet = (x->returns.what & ~(unsigned)(RETURN_ANY | RETURN_SAVE)) == 0;

	search_save(s, &x->returns, x->found.v, x->found.n);
	if (x->found.n > 0 && !quiet) { /* none found, none told: RFC 7377 2.1 */
		say_folder(s);
		return;
	}
	let_go(x);
	x->at++;
	next_folder(s);
}

static enum visit_next on_message(void *ctx, const struct visit_message *m)
{
	struct looking *l = ctx;
	bool unreadable = false;

	if (search_match(l->q, m, l->values, &unreadable)) {
		uid_list_merge(&l->found, &m->m.uid, 1);
		(void)look_rate(l, LOOK_VISIT, m->m.uid);
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
	struct multi *x = s->call.data;

	s->call.visit = NULL;
	x->look = x->looking;
	x->looking = NULL;
	if (err != NULL) {
		search_save_nothing(s, &x->returns);
		imap_end_err(s, err);
		return;
	}
	uid_list_merge(&x->found, x->look->found.v, x->look->found.n);
	x->unreadable |= x->look->unreadable;
	folder_searched(s);
}

static const struct visitor visitor = { on_message, on_slice, on_end };

static enum imap_step look_at_view(struct imap *s)
{
	struct multi *x = s->call.data;
	const struct search *q = x->look->q;
	size_t at = view_lower(x->view, x->next), many = 0;

	for (; at < view_count(x->view) && many < 4096 / (1 + q->keys_n / 16); at++, many++) {
		const struct view_message *m = view_at(x->view, at);

		if (m->uid >= x->below)
			return (STEP_DONE);
		x->next = m->uid + 1;
		switch (search_match_view(q, m, x->look->values)) {
		case ANSWER_YES:
			uid_list_merge(&x->found, &m->uid, 1);
			(void)look_rate(x->look, LOOK_VIEW, m->uid);
			break;
		case ANSWER_UNKNOWN: uid_list_merge(&x->unsure, &m->uid, 1); break;
		case ANSWER_NO: break;
		}
	}
	return (at < view_count(x->view) ? STEP_MORE : STEP_DONE);
}

static void view_looked(struct imap *s)
{
	struct multi *x = s->call.data;

	if (x->unsure.n == 0) {
		folder_searched(s);
		return;
	}
	x->looking = x->look;
	x->look = NULL;
	s->call.visit = visit_start(x->folders[x->at], x->unsure.v, x->unsure.n,
	    search_wants(x->looking->q), &visitor, s, x->looking, look_free);
	if (s->call.visit == NULL) {
		x->look = x->looking;
		search_save_nothing(s, &x->returns);
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
	}
}

static void on_found(void *self, struct text_found *found)
{
	struct imap *s = self;
	struct multi *x = s->call.data;

	s->call.op = NULL;
	x->look->q->found = found;
	imap_produce(s, look_at_view, view_looked);
}

static void on_open(void *self, struct view *v, const struct err *err)
{
	struct imap *s = self;
	struct multi *x = s->call.data;
	struct args program = x->program;
	enum search_fault fault;
	bool selected = imap_is_selected(s, x->folders[x->at]);

	s->call.op = NULL;
	if (err != NULL && err->kind == ERR_NOT_FOUND) { /* deleted meanwhile */
		x->at++;
		next_folder(s);
		return;
	}
	if (err != NULL) {
		search_save_nothing(s, &x->returns);
		imap_end_err(s, err);
		return;
	}
	x->view = v;
	x->look = NEW(struct looking);
	x->look->q = search_parse(&program, v, selected ? s->news.recent_from : UINT32_MAX, &fault);
	if (x->returns.what & RETURN_RELEVANCY)
		relevancy_prepare(x->look->q);
	x->look->values = search_values(x->look->q);
	if (selected)
		search_translate(s, x->look->q);
	else
		search_fix(x->look->q, view_count(v) > 0 ? view_at(v, view_count(v) - 1)->uid : 0);
	x->next = 1;
	x->below = selected ? s->news.next : UINT32_MAX;
	s->call.op = search_ask(x->look->q, x->folders[x->at], on_found, s);
	if (s->call.op == NULL)
		imap_produce(s, look_at_view, view_looked);
}

static void next_folder(struct imap *s)
{
	struct multi *x = s->call.data;

	while (x->at < x->folders_n && !folder_exists(x->folders[x->at]))
		x->at++;
	if (x->at == x->folders_n) {
		imap_end(
		    s, x->unreadable ? "OK Done, but some messages could not be read" : "OK Done");
		return;
	}
	if ((s->call.op = view_open(x->folders[x->at], on_open, s)) == NULL) {
		search_save_nothing(s, &x->returns);
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
	}
}

/* --- the command --- */

/* Numbers and "$" belong to the selected mailbox alone. */
static const char *fault_of(const struct imap *s, const struct multi *x, const struct search *q)
{
	bool alone = x->sources_n == 1 && x->sources[0].filter == FILTER_SELECTED;

	for (size_t i = 0; i < x->sources_n; i++)
		if (x->sources[i].filter == FILTER_SELECTED && s->state != IMAP_SELECTED)
			return ("No mailbox is selected");
	for (size_t i = 0; i < q->keys_n && !alone; i++)
		if (q->keys[i].what == KEY_UIDS && (q->keys[i].by_number || q->keys[i].is_saved))
			return ("Message numbers mean nothing in other mailboxes");
	if ((x->returns.what & RETURN_SAVE) && !alone) /* RFC 7377 2.1 */
		return ("SAVE is for the selected mailbox alone");
	if ((x->returns.what & RETURN_RELEVANCY) && !q->is_fuzzy) /* RFC 6203 4 */
		return (RELEVANCY_ALONE);
	return (NULL);
}

void cmd_esearch(struct imap *s)
{
	struct multi *x = arena_alloc(s->call.arena, sizeof(*x));
	struct args *a = &s->call.args, program;
	enum search_fault fault;
	struct search *q;
	const char *why;

	s->call.data = x;
	s->call.drop = multi_drop;
	x->sources = arena_array(s->call.arena, L_IPATTERN, sizeof(*x->sources));
	if (!take_sources(s, x) || !returns_take(a, &x->returns)) {
		imap_bad(s, "ESEARCH takes IN with mailboxes, RETURN, and a search");
		return;
	}
	if (!(x->returns.what & RETURN_ANY))
		x->returns.what |= RETURN_ALL;
	x->program = program = *a;
	q = search_parse(&program, NULL, UINT32_MAX, &fault);
	if (q == NULL) {
		search_refuse(s, &x->returns, fault);
		return;
	}
	why = fault_of(s, x, q);
	search_free(q);
	if (why != NULL) {
		imap_bad(s, why);
		return;
	}
	if (x->returns.what & RETURN_UPDATE)
		context_refuse(s, s->call.tag, "Only SEARCH and SORT are kept up to date");
	find_folders(s, x);
	next_folder(s);
}
