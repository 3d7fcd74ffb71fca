/* NOTIFY SET. The laws: what is accepted keeps the rules of RFC 5465 and the limits; written out
 * and read again it is the same. */
#include <stdint.h>
#include <stdlib.h>

#include "imap/notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct notify_set *parse(struct slice text)
{
	struct arena *arena = arena_new(0);
	struct args a = { cursor_of(text), arena };
	enum notify_fault fault;
	struct notify_set *set = notify_parse(&a, &fault);

	arena_free(arena);
	return (set);
}

static void write_events(struct buf *out, unsigned events, struct slice fetch)
{
	static const char *const names[] = { "MessageNew", "MessageExpunge", "FlagChange",
		"MailboxName", "SubscriptionChange", "MailboxMetadataChange",
		"ServerMetadataChange" };
	const char *gap = "(";

	for (unsigned i = 0; i < 7; i++)
		if (events & (1U << i)) {
			(void)buf_fmt(out, "%s%s", gap, names[i]);
			if (i == 0 && fetch.p != NULL) {
				(void)buf_addc(out, ' ');
				(void)buf_add_slice(out, fetch);
			}
			gap = " ";
		}
	(void)buf_addz(out, events == 0 ? "NONE" : ")");
}

static void write_set(struct buf *out, const struct notify_set *set)
{
	static const char *const filters[] = {
		[FILTER_SELECTED] = "selected",
		[FILTER_SELECTED_DELAYED] = "selected-delayed",
		[FILTER_INBOXES] = "inboxes",
		[FILTER_PERSONAL] = "personal",
		[FILTER_SUBSCRIBED] = "subscribed",
		[FILTER_SUBTREE] = "subtree",
		[FILTER_MAILBOXES] = "mailboxes",
	};
	const char *gap = "";

	if (set->status)
		(void)buf_addz(out, "STATUS ");
	if (set->has_selected) {
		(void)buf_fmt(out, "(%s ", filters[set->is_delayed]);
		write_events(out, set->selected, set->fetch);
		(void)buf_addc(out, ')');
		gap = " ";
	}
	for (size_t i = 0; i < set->n; i++) {
		if (filters[set->groups[i].filter] == NULL)
			abort(); /* not one of NOTIFY's */
		(void)buf_fmt(out, "%s(%s ", gap, filters[set->groups[i].filter]);
		for (size_t k = 0; k < set->groups[i].names_n; k++) {
			(void)buf_addc(out, k == 0 ? '(' : ' ');
			(void)write_string(out, set->groups[i].names[k], false);
		}
		if (set->groups[i].names_n > 0)
			(void)buf_addz(out, ") ");
		write_events(out, set->groups[i].events, (struct slice){ NULL, 0 });
		(void)buf_addc(out, ')');
		gap = " ";
	}
}

static void keeps_rules(unsigned events)
{
	unsigned both = NOTIFY_NEW | NOTIFY_EXPUNGE;

	if ((events & NOTIFY_MESSAGES) && (events & both) != both)
		abort();
	if (events > 127)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf out = BUF_INIT((size_t)4 * 1024 * 1024), again = BUF_INIT((size_t)4 * 1024 * 1024);
	struct notify_set *set = NULL, *second = NULL;
	size_t names = 0;

	if (memchr(data, '\0', n) == NULL) /* a literal with NUL is not written as it was */
		set = parse((struct slice){ (const char *)data, n });
	if (set != NULL) {
		keeps_rules(set->selected);
		if (set->selected & ~(unsigned)NOTIFY_MESSAGES || set->n > L_NOTIFY_GROUPS)
			abort();
		for (size_t i = 0; i < set->n; i++) {
			keeps_rules(set->groups[i].events);
			names += set->groups[i].names_n;
		}
		if (names > L_NOTIFY_NAMES)
			abort();
		write_set(&out, set);
		second = parse(buf_slice(&out));
		if (second == NULL)
			abort();
		write_set(&again, second);
		if (!slice_eq(buf_slice(&out), buf_slice(&again)))
			abort();
	}
	notify_set_free(set);
	notify_set_free(second);
	buf_free(&out);
	buf_free(&again);
	return (0);
}
