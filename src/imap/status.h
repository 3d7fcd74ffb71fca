/* status.h: STATUS items: parsed once, said by STATUS and by LIST ... RETURN (STATUS ...). RFC
 * 9051 6.3.11, RFC 8438, 7162, 7889. */
#ifndef IMAP_STATUS_H
#define IMAP_STATUS_H

#include "imap/session.h"

enum {
	ITEM_MESSAGES = 1,
	ITEM_UIDNEXT = 2,
	ITEM_UIDVALIDITY = 4,
	ITEM_UNSEEN = 8,
	ITEM_DELETED = 16,
	ITEM_SIZE = 32,
	ITEM_RECENT = 64,
	ITEM_MODSEQ = 128,
	ITEM_APPENDLIMIT = 256,
	ITEM_DELETED_STORAGE = 1024,
	ITEM_MAILBOXID = 2048,
};

/* status-att list in parentheses to bits; false: malformed or unknown. */
bool status_take_items(struct args *a, unsigned *ret);
void status_write(struct imap *s, const char *name, const struct folder_status *st, unsigned items);
bool status_wants_modseq(unsigned items);

#endif
