/* sigcheck.h (inside dkim): one signature against its key: asks for the key record, then says what it found. */
#ifndef DKIM_SIGCHECK_H
#define DKIM_SIGCHECK_H

#include "core/dns.h"
#include "dkim/publickey.h"
#include "dkim/signature.h"

struct sigcheck { /* embedded; all zero at first */
	struct signature sig;
	unsigned char digest[BODYHASH_OCTETS]; /* of the header */
	enum dkim_result result;               /* DKIM_PASS: so far */
	const char *why;
	unsigned bits;
	bool testing;
	struct dns_query *query; /* NULL: answered or not asked */
	void (*on_checked)(void *self);
	void *self;
};

struct sigcheck_dns { /* where to ask, and how much may be asked */
	struct dns *dns;
	struct dns_budget *budget; /* NULL: no end */
	unsigned keep;             /* of it, for others */
};

/* When ${result} is DKIM_PASS and the digest is made: asks. True: on_checked comes later, once, unless cancelled. False: the
 * question could not be put, and the result is temperror. */
bool sigcheck_start(
    struct sigcheck *c, const struct sigcheck_dns *d, void (*on_checked)(void *self), void *self);
void sigcheck_cancel(struct sigcheck *c);

#endif
