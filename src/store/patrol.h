/* patrol.h (inside store): watches and looks for folders that nobody has open (patrol.c). On the
 * loop. */
#ifndef STORE_PATROL_H
#define STORE_PATROL_H

#include "store/mail_int.h"

bool patrol_room(struct store *s); /* two watches for an open folder: others give theirs up */
/* The kernel had no watch left, whatever our own limit: the longest quiet one goes. False: none. */
bool patrol_yield(struct store *s);
void patrol_heard(struct folder *f); /* it changed, or was closed */
void patrol_drop(struct folder *f);  /* it is gone, moved, or opened */
void patrol_stop(struct mail *m);

#endif
