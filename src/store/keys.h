/* keys.h (keys.c, visit_keys.c): what messages sort and thread by, as it is kept: a run of UIDs of a
 * folder is a pack of two blobs, one with numbers and one with texts, each a row of records in any
 * order. What a message says never changes while it has its UID, so a record is written once and
 * never wrong. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "core/arena.h"
#include "core/buf.h"
#include "store/mailbox.h"

enum {
	PACK_UIDS = 512,       /* UIDs of a pack */
	PACK_OCTETS = 4194304, /* of a blob; what has no room is read from its fields each time */
};

struct pack {
	uint32_t first; /* its UIDs: from here PACK_UIDS of them */
	struct buf numbers, texts;
	uint32_t number_at[PACK_UIDS]; /* offset of the record and one; 0: none */
	uint32_t text_at[PACK_UIDS];
};

void pack_init(struct pack *p, uint32_t uid); /* empty, for the run that ${uid} is in */
void pack_free(struct pack *p);
/* What was kept of numbers or of texts is in the blob: find its records. What is damaged counts as
 * not there: the blob ends before it. */
void pack_index(struct pack *p);
/* The record of ${uid}; texts only when ${wants_texts}. What it points to is valid until the pack
 * changes. */
bool pack_find(const struct pack *p, uint32_t uid, bool wants_texts, struct view_message *ret_m,
    struct sort_keys *ret);
/* Add what was read of a message; false when it is there already, or has no room. */
bool pack_add(struct pack *p, const struct view_message *m, const struct sort_keys *k);

/* From a message's raw header lines; all in ${a}. When it makes something else of them, a step of
 * the index's schema must empty the packs. RFC 5256 2, 3; RFC 5957; RFC 5255 4.2. */
void keys_read(
    struct arena *a, struct slice fields, const struct view_message *m, struct sort_keys *ret);

#endif
