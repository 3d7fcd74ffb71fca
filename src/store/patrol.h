/* patrol.h (inside store): the watches of folders, and looks for those that nobody has open (patrol.c).
 * On the loop. */
#ifndef STORE_PATROL_H
#define STORE_PATROL_H

#include "store/mail_int.h"

/* A folder's new/ and cur/: each change makes it be looked at, and once it is quiet, for sure. */
struct folder_watch {
	struct folder *folder;
	struct watch_dir *dirs[2]; /* NULL: without */
	struct timer *settle;
};
/* ${yields}: when the kernel has no watch left, whatever our own limit, a folder that nobody has open
 * gives up its own. False: not both directories are watched. */
bool folder_watch_start(struct folder_watch *w, struct folder *f, bool yields);
void folder_watch_stop(struct folder_watch *w); /* harmless when it was not started */

bool patrol_room(struct store *s); /* two watches for an open folder: others give theirs up */
void patrol_heard(struct folder *f); /* it changed, or was closed */
void patrol_drop(struct folder *f);  /* it is gone, moved, or opened */
void patrol_stop(struct mail *m);

#endif
