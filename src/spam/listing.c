/* listing.c: how is a list in the DNS asked, and what does its answer say? Believed inside the documented
 * codes only: lists that closed, changed hands or do not like the question answer anything. RFC 5782 2.1,
 * 2.2, 2.4, 3. Leaves asking to lists.c. */
#include "spam/listing.h"

#include <stdio.h>

#include "core/mem.h"

bool listing_of_name(struct slice domain, struct slice zone, char ret[LISTING_NAME])
{
	if (domain.n == 0 || domain.n + 1 + zone.n >= LISTING_NAME)
		return (false);
	(void)snprintf(
	    ret, LISTING_NAME, SLICE_FMT "." SLICE_FMT, SLICE_ARG(domain), SLICE_ARG(zone));
	return (true);
}

bool listing_of_address(const struct ip *ip, struct slice zone, char ret[LISTING_NAME])
{
	char reverse[IP_NAME];
	struct slice name = slice_of(ip_reverse(ip, reverse));

	/* RFC 5782 2.1, 2.4: reversed octets or nibbles, as in the reverse zones, without their tail. */
	name.n -= ip->is_v6 ? sizeof(".ip6.arpa") - 1 : sizeof(".in-addr.arpa") - 1;
	return (listing_of_name(name, zone, ret));
}

static const struct cfg_code *find_code(const struct cfg_dnsbl *list, uint32_t answer)
{
	const struct cfg_code *best = NULL;

	for (size_t i = 0; i < list->codes_n; i++) {
		const struct cfg_code *c = &list->codes[i];

		if (answer >= c->low && answer <= c->high &&
		    (c->bits == 0 || (answer & c->bits) != 0) &&
		    (best == NULL || c->points > best->points))
			best = c;
	}
	return (best);
}

/* Outside of 127/8: somebody else answers there now. 127.255.255.x: the list tells what is wrong with the
 * question. 127.0.0.1: RFC 5782 2.1 forbids it as an answer, and some lists refuse with it. */
static bool is_refusal(uint32_t answer)
{
	return (answer >> 24 != 127 || answer >> 8 == 0x7fffff || answer == 0x7f000001);
}

enum listing listing_read(
    const struct cfg_dnsbl *list, const struct dns_answer *a, struct listed *ret)
{
	enum listing said = LISTING_OTHER;

	if (a->status == DNS_TEMPORARY)
		return (LISTING_UNKNOWN);
	if (a->status != DNS_OK || a->n == 0)
		return (LISTING_NO);
	for (size_t i = 0; i < a->n; i++) {
		const unsigned char *o = a->records[i].u.ip.octets;
		uint32_t answer =
		    (uint32_t)o[0] << 24 | (uint32_t)o[1] << 16 | (uint32_t)o[2] << 8 | o[3];
		const struct cfg_code *code = find_code(list, answer);

		if (is_refusal(answer)) {
			ret->code = a->records[i].u.ip;
			return (LISTING_REFUSED);
		}
		if (code != NULL && (said != LISTING_YES || code->points > ret->points)) {
			said = LISTING_YES;
			ret->code = a->records[i].u.ip;
			ret->points = code->points;
		} else if (said == LISTING_OTHER) {
			ret->code = a->records[i].u.ip;
		}
	}
	return (said);
}
