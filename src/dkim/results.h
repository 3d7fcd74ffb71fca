/* results.h: Authentication-Results both ways (RFC 8601). Ours is written from results in memory; inbound ones with our own id are found so that they can be removed,
 * and what a sealer wrote who is trusted is read. */
#ifndef DKIM_RESULTS_H
#define DKIM_RESULTS_H

#include "core/buf.h"
#include "msg/header.h"

/* Is it an Authentication-Results field whose authserv-id is ours (case folded, comments and folding anywhere, A- or U-label)? SIN-31 */
bool results_is_ours(struct slice field_body, const char *hostname);
struct results_property {
	const char *name; /* "header.d" */
	struct slice value; /* quoted as needed */
};
struct results_method {
	const char *method, *result; /* "spf", "pass" */
	const char *property;	     /* "smtp.mailfrom"; NULL none */
	struct slice value;	     /* quoted as needed */
	struct slice reason;	     /* may be empty */
	struct results_property more[4];
	size_t more_n;
};
/* What somebody wrote of this method: pass, and nothing else of it, with this property and (case folded) value? From the id on, as
 * in an ARC-Authentication-Results behind its instance. What cannot be read to its end says nothing. RFC 8601 2.2 */
bool results_say_pass(
    struct slice field_body, struct slice method, struct slice property, struct slice value);
/* No methods: "none". One folded field, CRLF ended. */
int results_write(struct buf *out, const char *hostname, const struct results_method *m, size_t n);

#endif
