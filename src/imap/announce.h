/* announce.h: what is told that no command asked for, and when. */
#ifndef IMAP_ANNOUNCE_H
#define IMAP_ANNOUNCE_H

#include "imap/session.h"

/* One piece of what waits, of news and of what NOTIFY wants; false: there is nothing.
 * ${expunges}: the client may hear of them now; ${between}: no command is under way. */
bool announce_some(struct imap *s, bool expunges, bool between);
/* May something be told now, in IDLE or (with NOTIFY) between commands? */
bool announce_may(const struct imap *s);
void announce_now(struct imap *s);  /* all that waits, while there is room and it may be told */
/* What a search's result gained or lost, which may be told at any time (RFC 5267 4.3.2). */
void announce_contexts(struct imap *s);
void announce_soon(struct imap *s); /* the same, on the next turn of the loop */

#endif
