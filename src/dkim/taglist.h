/* taglist.h: "v=1; a=rsa-sha256; ...", the form that DKIM signatures, key records, DMARC records and ARC fields share. RFC 6376
 * 3.2. Slices point into the input. At most L_TAGS tags. */
#ifndef DKIM_TAGLIST_H
#define DKIM_TAGLIST_H

#include "core/arena.h"
#include "core/buf.h"

struct tag {
	struct slice name;  /* as written: case counts */
	struct slice value; /* without white space around it; inside it folding stands as it came */
	struct slice raw;   /* all between "=" and ";": what is taken out of b= before hashing */
};
struct taglist {
	const struct tag *v; /* in the arena */
	size_t n;
};

enum taglist_manner {
	TAGLIST_STRICT, /* one fault, and it is no tag list: signatures and keys */
	/* A part that is no tag is passed over, the first of doubled ones counts: DMARC records, of which a fault spoils only
	 * its own part (RFC 7489 6.3). */
	TAGLIST_LENIENT,
};
/* False: no tag list. Lenient: only when it has more than L_TAGS tags. */
bool taglist_parse(struct arena *a, struct slice s, enum taglist_manner how, struct taglist *ret);
/* The tag of that name; NULL when it is not there. */
const struct tag *taglist_get(const struct taglist *l, const char *name);
/* base64 with white space anywhere (RFC 6376 3.5), appended to out. -1: not base64, empty, or out is full. */
int taglist_base64(struct slice value, struct buf *out);
/* A colon-separated list with white space around its parts: takes the next part from *rest; false at the end. A list that has
 * no octets has one empty part. *more must be true at first. */
bool taglist_item(struct slice *rest, bool *more, struct slice *ret_item);

#endif
