/* capability.h: what a session offers. */
#ifndef IMAP_CAPABILITY_H
#define IMAP_CAPABILITY_H

#include "imap/session.h"

void imap_write_capability(struct imap *s, struct buf *out);
/* capability_mask: the client said who it is: what it breaks on is not offered any more. True: that
 * changed what it was told before. */
bool capability_mask(struct imap *s, struct slice name, struct slice version);
bool capability_is_masked(const struct imap *s, struct slice name);

#endif
