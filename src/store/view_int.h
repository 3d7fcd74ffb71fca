/* view_int.h (view.c, changes.c): the view's own struct. */
#ifndef STORE_VIEW_INT_H
#define STORE_VIEW_INT_H

#include "store/mail_int.h"
#include "store/patrol.h"

struct view {
	struct folder *folder;
	struct view_message *msgs; /* by UID */
	size_t n, cap;
	char *keywords[L_KW];
	uint32_t uidvalidity, uidnext;
	uint64_t modseq;
	struct list watchers; /* of view_watch.node */
	unsigned holders;
	struct folder_watch watch;
	struct timer *poll;
	struct list lingering; /* on the store's, while nobody holds it */
	struct timer *expiry;
	void *note; /* owned; of those who open it */
	void (*free_note)(void *note);
};

#endif
