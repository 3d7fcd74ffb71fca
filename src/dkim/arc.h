/* arc.h: is the chain of those who handled this message unbroken, and who are they? RFC 8617 5.2. Asynchronous; says nothing of
 * whether a sealer is to be trusted. At most L_ARC sets. */
#ifndef DKIM_ARC_H
#define DKIM_ARC_H

#include "core/arena.h"
#include "dkim/bodyhash.h"
#include "msg/header.h"

struct arc_verify;
struct dns;
struct dns_budget;
struct loop;

enum arc_state {
	ARC_NONE, /* no ARC fields */
	ARC_PASS,
	ARC_FAIL,
	ARC_TEMPERROR, /* no answer about a key: never a verdict */
};
const char *arc_state_name(enum arc_state s); /* "pass" */

struct arc_set {
	struct slice domain, selector; /* of the seal */
	struct slice
	    results; /* what they found: the ARC-Authentication-Results behind "i=N;", folded as it came */
};
struct arc_verdict { /* valid during the callback only */
	enum arc_state state;
	const char *why;         /* of fail and temperror */
	const struct arc_set *v; /* when the sets are whole: oldest first */
	size_t n;
};

/* As dkim_verify_start: the header in its CRLF form, needed during this call only; ${body} borrowed, before its first octet.
 * Never NULL. */
struct arc_verify *arc_verify_start(struct loop *l, struct dns *d, struct dns_budget *b,
    const struct header *h, struct bodyhash *body);
/* After bodyhash_end. Later, once; not before this returns, and not after arc_verify_cancel. */
void arc_verify_end(
    struct arc_verify *v, void (*on_result)(void *self, const struct arc_verdict *v), void *self);
void arc_verify_cancel(struct arc_verify *v); /* accepts NULL */

#endif
