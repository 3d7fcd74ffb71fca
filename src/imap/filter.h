/* filter.h: which mailboxes does a client mean that names them by a filter: NOTIFY (RFC 5465 6),
 * ESEARCH (RFC 7377 2.2). */
#ifndef IMAP_FILTER_H
#define IMAP_FILTER_H

#include "imap/session.h"

enum filter {
	FILTER_SELECTED,
	FILTER_SELECTED_DELAYED, /* NOTIFY alone */
	FILTER_INBOXES,
	FILTER_PERSONAL,
	FILTER_SUBSCRIBED,
	FILTER_SUBTREE,
	FILTER_SUBTREE_ONE, /* ESEARCH alone */
	FILTER_MAILBOXES,
};

/* filter_has: is the mailbox of that name, which need not exist, one of those? ${names}: of the
 * last three, as folders are called here. Of the selected one it says no: that is the session's,
 * imap_is_selected. */
bool filter_has(const struct imap *s, enum filter filter, const struct slice *names, size_t names_n,
    struct slice name, enum folder_role role);

#endif
