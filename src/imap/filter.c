/* filter.c: which mailboxes does a filter mean? What a command makes of them is its own; the
 * selected one is the session's. RFC 5465 6, RFC 7377 2.2. */
#include "imap/filter.h"

static bool is_below(struct slice name, struct slice top, bool one_level)
{
	struct slice rest = slice_from(name, top.n);

	if (!slice_starts(name, top))
		return (false);
	return (rest.n == 0 ||
	    (*rest.p == '/' && !(one_level && slice_chr(slice_from(rest, 1), '/') != SIZE_MAX)));
}

static bool is_one_of(
    enum filter filter, const struct slice *names, size_t names_n, struct slice name)
{
	for (size_t i = 0; i < names_n; i++)
		if (filter == FILTER_MAILBOXES
			? slice_eq(name, names[i])
			: is_below(name, names[i], filter == FILTER_SUBTREE_ONE))
			return (true);
	return (false);
}

bool filter_has(const struct imap *s, enum filter filter, const struct slice *names, size_t names_n,
    struct slice name, enum folder_role role)
{
	switch (filter) {
	case FILTER_SELECTED:
	case FILTER_SELECTED_DELAYED: return (false);
	case FILTER_INBOXES: /* RFC 5465 6.3: where delivery puts mail */
		return (slice_eq(name, SLICE("INBOX")) || role == ROLE_INBOX || role == ROLE_JUNK ||
		    role == ROLE_QUARANTINE);
	case FILTER_PERSONAL: return (true);
	case FILTER_SUBSCRIBED: return (folder_name_subscribed(s->account, name));
	case FILTER_SUBTREE:
	case FILTER_SUBTREE_ONE:
	case FILTER_MAILBOXES: return (is_one_of(filter, names, names_n, name));
	}
	return (false);
}
