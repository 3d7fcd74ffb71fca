/* spf_record.h (inside dkim): an SPF record, whole or not at all. RFC 7208 4.6.1, 5, 6, 12. */
#ifndef DKIM_SPF_RECORD_H
#define DKIM_SPF_RECORD_H

#include "core/arena.h"
#include "core/ip.h"
#include "dkim/spf.h"

enum spf_mechanism { SPF_ALL, SPF_INCLUDE, SPF_A, SPF_MX, SPF_PTR, SPF_IP4, SPF_IP6, SPF_EXISTS };

struct spf_directive {
	enum spf_result result; /* of a match: pass, fail, softfail, neutral */
	enum spf_mechanism mechanism;
	struct slice domain; /* domain-spec with its macros; empty: the current domain */
	struct ip net;       /* ip4, ip6 */
	unsigned bits4,
	    bits6; /* 32 and 128 when not said; ip4 and ip6 have theirs in the one that applies */
	struct slice text; /* as written */
};

struct spf_record {
	const struct spf_directive *v; /* in the arena */
	size_t n;
	struct slice redirect, exp; /* domain-specs; empty: none */
};

/* Is this TXT record an SPF record at all (RFC 7208 4.5)? */
bool spf_record_is(struct slice text);
/* False: a fault anywhere (permerror), ${why} says which. Slices point into text. */
bool spf_record_parse(struct arena *a, struct slice text, struct spf_record *ret, const char **why);

#endif
