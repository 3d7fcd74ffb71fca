/* snap.h (snap.c, index_view.c): what an open view knows of the messages of a run of UIDs, as one blob, so
 * that opening a folder reads some blobs and not a row for each message. */
#ifndef STORE_SNAP_H
#define STORE_SNAP_H

#include "core/buf.h"
#include "store/mailbox.h"

enum {
	SNAP_BITS = 10, /* the run of a UID is its number without these */
	SNAP_UIDS = 1 << SNAP_BITS,
	SNAP_LEAST = 64, /* messages of a run; of fewer the rows are as good */
	SNAP_HEAD = 40,  /* octets of a blob before its records, and of a record */
	SNAP_RECORD = 24,
	SNAP_OCTETS = SNAP_HEAD + SNAP_RECORD * SNAP_UIDS,
};

/* All messages of one run, by UID, 1 to SNAP_UIDS of them, added to ${out} as a blob. False: they differ by
 * more than a blob can say; nothing was added then. */
bool snap_write(const struct view_message *m, size_t n, struct buf *out);
/* The messages of the run ${run}; ${ret} has room for SNAP_UIDS. 0: the blob is not one of ours. */
size_t snap_read(struct slice blob, uint32_t run, struct view_message *ret);

#endif
