/* metadata.h: asking for annotations: GETMETADATA (RFC 5464) and LIST ... RETURN (METADATA ...) (RFC
 * 9590). */
#ifndef IMAP_METADATA_H
#define IMAP_METADATA_H

#include "imap/session.h"

struct metadata_ask {
	struct slice *entries; /* lower case */
	size_t n;
	uint64_t maxsize, longest; /* longest: of the values left out for their size */
	unsigned depth;            /* 0, 1 or METADATA_ALL below each entry */
};
enum { METADATA_ALL = 2 };

/* entries = entry / "(" entry *(SP entry) ")"; false: malformed, or over L_METADATA_ASKED. */
bool metadata_take_entries(struct args *a, struct metadata_ask *ask);
/* "* METADATA name (entry value ...)"; nothing when there is nothing to tell. */
void metadata_say(struct imap *s, struct slice name, struct metadata_ask *ask,
    const struct metadata *v, size_t n);

#endif
