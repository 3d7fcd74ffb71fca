/* fake_view.h: see fake_view.c. */
#ifndef IMAP_FAKE_VIEW_H
#define IMAP_FAKE_VIEW_H

#include "store/mailbox.h"
#include "store/text_index.h"

struct view {
	struct view_message m[256];
	size_t n;
	uint32_t uidnext;
};

#endif
