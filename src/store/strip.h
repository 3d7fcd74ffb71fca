/* strip.h (strip.c, visit_strips.c): what is rendered of a run of UIDs, one item in one blob, so that
 * a list of messages is read a block at a time and not a row at a time. What a message says never
 * changes while it has its UID, so a record is written once and never wrong. The blob is a row of
 * records in any order; the items by content (items.c) stay what it is made from. */
#ifndef STORE_STRIP_H
#define STORE_STRIP_H

#include "core/buf.h"

enum strip_item { /* in the order of kept kinds: never change one */
	STRIP_ENVELOPE,
	STRIP_STRUCTURE,
	STRIP_BODY,
	STRIP_FIELDS,
	STRIP_PREVIEW,
	STRIP_ITEMS,
};

enum {
	STRIP_UIDS = 128,       /* UIDs of a strip */
	STRIP_OCTETS = 1048576, /* of a blob; what has no room is read from its row each time */
	STRIP_KIND = 2,         /* kind of its first item in the table of packs: keys.h has those before */
};

struct strip {
	uint32_t first; /* its UIDs: from here STRIP_UIDS of them */
	struct buf data;
	uint32_t at[STRIP_UIDS]; /* offset of the record and one; 0: none */
};

void strip_init(struct strip *s, uint32_t uid); /* empty, for the run that ${uid} is in */
void strip_free(struct strip *s);
/* What was kept is in the blob: find its records. What is damaged counts as not there: the blob ends
 * before it. */
void strip_index(struct strip *s);
/* The record of ${uid}; valid until the strip changes. */
bool strip_find(const struct strip *s, uint32_t uid, struct slice *ret);
/* False when it is there already, is of another run, or has no room. */
bool strip_add(struct strip *s, uint32_t uid, struct slice octets);

#endif
