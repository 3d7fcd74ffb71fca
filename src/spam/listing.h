/* listing.h: how is a list in the DNS asked, and what does its answer say? RFC 5782 2. Pure. */
#ifndef SPAM_LISTING_H
#define SPAM_LISTING_H

#include "core/cfg.h"
#include "core/dns.h"
#include "spam/facts.h"

enum listing {
	LISTING_NO,
	LISTING_YES,     /* by a documented answer */
	LISTING_OTHER,   /* by one that is not: the list lives, and says nothing we know */
	LISTING_UNKNOWN, /* no answer: never a verdict (P14) */
	LISTING_REFUSED, /* it will not, or no longer, answer us: nothing it says is to be believed */
};

enum { LISTING_NAME = 254 };

/* The name to ask for, NUL-terminated; false when it would be too long. */
bool listing_of_address(const struct ip *ip, struct slice zone, char ret[LISTING_NAME]);
bool listing_of_name(struct slice domain, struct slice zone, char ret[LISTING_NAME]);
/* Of several documented answers the one with the most points goes into ${ret}: code and points; also the
 * answer that makes LISTING_REFUSED and LISTING_OTHER. */
enum listing listing_read(
    const struct cfg_dnsbl *list, const struct dns_answer *a, struct listed *ret);

#endif
