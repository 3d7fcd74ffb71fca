/* quirks.h: capabilities that a client, known by what it says in ID, is proven to break on. */
#ifndef IMAP_QUIRKS_H
#define IMAP_QUIRKS_H

#include "core/slice.h"

struct quirk {
	struct slice name;		/* the client's, whole, in any case */
	struct slice from, before;	/* versions, the first not masked any more; empty: no bound */
	struct slice capability;	/* not shown to it, and not enabled */
	const char *why;		/* where it is proven */
};
extern const struct quirk quirks[];
extern const size_t quirks_n;

/* quirk_masks: do these rows take ${capability} from that client? */
bool quirk_masks(const struct quirk *rows, size_t n, struct slice name, struct slice version,
    struct slice capability);
/* version_compare: below, equal to or above 0, by the numbers in them ("15.9" is below "15.20");
 * what is no number ends a version. */
int version_compare(struct slice a, struct slice b);

#endif
