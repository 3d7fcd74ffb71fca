/* iprev.h: what the reverse name of a peer's address says (RFC 8601 2.7.3): has it one, and does one
 * of its names lead back to the address? Both families, both directions over core/dns.h; absence is a
 * fact, a failed lookup is none (P14). */
#ifndef DKIM_IPREV_H
#define DKIM_IPREV_H

#include "core/dns.h"

struct iprev;

enum iprev_state {
	IPREV_PASS,      /* a name leads back to the address */
	IPREV_FAIL,      /* there are names, and none of them does */
	IPREV_NONE,      /* the address has no name */
	IPREV_TEMPERROR, /* not known: a lookup failed */
};

struct iprev_result { /* slices live during the callback only */
	enum iprev_state state;
	bool has_name;     /* also with IPREV_TEMPERROR, when the names were known and the way
			      back was not */
	struct slice name; /* the one that leads back, else the first */
};

/* iprev_start: at most L_IPREV names are followed. Later, once, on_done(self, r); not before this
 * returns, never after iprev_cancel. NULL: the question could not be put; treat as temporary. */
struct iprev *iprev_start(struct dns *d, const struct ip *peer,
    void (*on_done)(void *self, const struct iprev_result *r), void *self);
void iprev_cancel(struct iprev *q); /* accepts NULL */

#endif
