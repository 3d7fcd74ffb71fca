/* What does NOTIFY SET ask for? Groups of a filter and its events, and which of them may stand
 * together. RFC 5465 8. What they lead to is in notify.c. */
#include <stdlib.h>

#include "core/mem.h"
#include "imap/fetch.h"
#include "imap/notify.h"

enum { NOTIFY_UNKNOWN = 1024 }; /* an event that is none of ours */

static const struct {
	const char *name;
	enum filter filter;
} filters[] = {
	{ "SELECTED", FILTER_SELECTED },
	{ "SELECTED-DELAYED", FILTER_SELECTED_DELAYED },
	{ "INBOXES", FILTER_INBOXES },
	{ "PERSONAL", FILTER_PERSONAL },
	{ "SUBSCRIBED", FILTER_SUBSCRIBED },
	{ "SUBTREE", FILTER_SUBTREE },
	{ "MAILBOXES", FILTER_MAILBOXES },
};
static const struct {
	const char *name;
	unsigned bit;
} events[] = {
	{ "MessageNew", NOTIFY_NEW },
	{ "MessageExpunge", NOTIFY_EXPUNGE },
	{ "FlagChange", NOTIFY_FLAGS },
	{ "MailboxName", NOTIFY_NAME },
	{ "SubscriptionChange", NOTIFY_SUBSCRIPTION },
	{ "MailboxMetadataChange", NOTIFY_METADATA },
	{ "ServerMetadataChange", NOTIFY_SERVER_METADATA },
};

struct parsing {
	struct args *a;
	struct notify_set *set;
	size_t names_n;
	bool unknown, over;
};

static bool take_filter(struct parsing *x, enum filter *ret)
{
	struct slice name;

	if (!args_atom(x->a, &name))
		return (false);
	for (size_t i = 0; i < COUNT_OF(filters); i++)
		if (slice_ieq(name, slice_of(filters[i].name))) {
			*ret = filters[i].filter;
			return (true);
		}
	return (false);
}

/* one-or-more-mailbox */
static bool take_names(struct parsing *x, struct notify_group *g)
{
	bool many = args_char(x->a, '(');
	size_t cap = 0;

	do {
		struct slice name;

		if (!args_astring(x->a, &name))
			return (false);
		if (x->names_n == L_NOTIFY_NAMES) {
			x->over = true;
			continue;
		}
		if (g->names_n == cap) {
			struct slice *more = arena_array(x->set->arena, cap * 2 + 4, sizeof(*more));

			if (g->names_n > 0)
				memcpy(more, g->names, g->names_n * sizeof(*more));
			g->names = more;
			cap = cap * 2 + 4;
		}
		g->names[g->names_n++] = arena_dup(x->set->arena, name);
		x->names_n++;
	} while (many && args_sp(x->a));
	return (!many || args_char(x->a, ')'));
}

/* SP "(" fetch-att *(SP fetch-att) ")": kept as text, and read again when there is a message */
static bool take_fetch(struct parsing *x)
{
	const char *from = x->a->c.p;
	struct fetch *f = fetch_new();
	bool ok = fetch_take_list(f, x->a);

	if (ok)
		x->set->fetch = arena_dup(
		    x->set->arena, (struct slice){ from, (size_t)(x->a->c.p - from) });
	fetch_free(f);
	return (ok);
}

static bool take_event(struct parsing *x, bool selected, unsigned *ret)
{
	unsigned bit = NOTIFY_UNKNOWN; /* AnnotationChange among them: no RFC 5257 here */
	struct slice name;
	struct args was;

	if (!args_atom(x->a, &name))
		return (false);
	for (size_t i = 0; i < COUNT_OF(events); i++)
		if (slice_ieq(name, slice_of(events[i].name)))
			bit = events[i].bit;
	*ret |= bit;
	was = *x->a;
	if (bit == NOTIFY_NEW && args_sp(x->a) && args_peek(x->a, '('))
		return (selected && take_fetch(x));
	*x->a = was;
	return (true);
}

static bool take_events(struct parsing *x, bool selected, unsigned *ret)
{
	*ret = 0;
	if (args_word(x->a, "NONE"))
		return (true);
	if (!args_char(x->a, '('))
		return (false);
	do {
		if (!take_event(x, selected, ret))
			return (false);
	} while (args_sp(x->a));
	if (!args_char(x->a, ')'))
		return (false);
	if (*ret & NOTIFY_UNKNOWN) {
		x->unknown = true;
		return (true);
	}
	/* RFC 5465 5: the two together, and FlagChange not without them */
	if ((*ret & NOTIFY_MESSAGES) &&
	    (*ret & (NOTIFY_NEW | NOTIFY_EXPUNGE)) != (NOTIFY_NEW | NOTIFY_EXPUNGE))
		return (false);
	return (!selected || !(*ret & ~(unsigned)NOTIFY_MESSAGES)); /* RFC 5465 6.1 */
}

static bool take_group(struct parsing *x)
{
	struct notify_group g = { 0 };
	bool selected;

	if (!args_char(x->a, '(') || !take_filter(x, &g.filter) || !args_sp(x->a))
		return (false);
	selected = g.filter == FILTER_SELECTED || g.filter == FILTER_SELECTED_DELAYED;
	if ((g.filter == FILTER_SUBTREE || g.filter == FILTER_MAILBOXES) &&
	    (!take_names(x, &g) || !args_sp(x->a)))
		return (false);
	if (!take_events(x, selected, &g.events) || !args_char(x->a, ')'))
		return (false);
	if (selected) {
		if (x->set->has_selected) /* RFC 5465 6.1: one of the two, once */
			return (false);
		x->set->has_selected = true;
		x->set->is_delayed = g.filter == FILTER_SELECTED_DELAYED;
		x->set->selected = g.events;
		return (true);
	}
	if (x->set->n == L_NOTIFY_GROUPS)
		x->over = true;
	else
		x->set->groups[x->set->n++] = g;
	return (true);
}

struct notify_set *notify_parse(struct args *a, enum notify_fault *ret_fault)
{
	struct parsing x = { .a = a, .set = NEW(struct notify_set) };
	bool ok;

	x.set->arena = arena_new(0);
	x.set->status = args_word(a, "STATUS");
	ok = !x.set->status || args_sp(a);
	do
		ok = ok && take_group(&x);
	while (ok && args_sp(a));
	if (ok && args_end(a) && !x.unknown && !x.over)
		return (x.set);
	*ret_fault = !ok || !args_end(a) ? NOTIFY_BAD : x.unknown ? NOTIFY_BADEVENT : NOTIFY_LIMIT;
	notify_set_free(x.set);
	return (NULL);
}

void notify_set_free(struct notify_set *set)
{
	if (set == NULL)
		return;
	arena_free(set->arena);
	free(set);
}
