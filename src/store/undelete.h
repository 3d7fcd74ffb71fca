/* undelete.h: what was expunged, or went with a deleted folder, and can still come back: for the
 * period [expire] undelete, less when the disk was nearly full. All on the loop. */
#ifndef STORE_UNDELETE_H
#define STORE_UNDELETE_H

#include "store/mailbox.h"

enum { UNDELETE_LOOKED_AT = 100000 }; /* messages that one question looks at */

struct undelete_filter { /* copied; a message must fit all that is given */
	struct slice folder;        /* it was in, as the folder was called last; n 0: any */
	int64_t since;              /* gone at or after, wall seconds */
	struct slice from, subject; /* part of the decoded field, case folded; n 0: any */
	size_t max;                 /* the newest so many */
};
struct undelete_message {
	int64_t expunged, internal_date; /* wall seconds */
	uint64_t size;                   /* octets on disk */
	unsigned flags;                  /* FLAG_SYSTEM bits, without FLAG_DELETED */
	struct slice folder;             /* UTF-8; n 0: not known any more */
	struct slice from, subject, date, message_id; /* decoded; empty when absent */
	/* undelete_start: */
	const char *into; /* the folder it came back to; NULL: it did not come back */
	uint32_t uid;
};
struct undelete_result {
	const struct err *err; /* what went wrong; messages with ${into} came back all the same */
	const struct undelete_message *messages; /* newest first; valid during the call */
	size_t n;
	bool is_cut; /* more than UNDELETE_LOOKED_AT were there: some were not looked at */
};
typedef void undelete_done(void *self, const struct undelete_result *r);

struct store_op *undelete_list(
    struct account *a, const struct undelete_filter *f, undelete_done *on_done, void *self);
/* undelete_start: brings back what fits, each message by one rename, so that it is either here or
 * there, and once: into the folder it was in, made again when it was deleted, INBOX when it is not
 * known; or all into ${into} (n > 0), made when missing. Flags and INTERNALDATE stay, \Deleted goes,
 * UID and SAVEDATE are new. Durable, and told to sessions; the filter learns nothing. ERR_OVER_QUOTA
 * when the account is full. */
struct store_op *undelete_start(struct account *a, const struct undelete_filter *f,
    struct slice into, undelete_done *on_done, void *self);

#endif
