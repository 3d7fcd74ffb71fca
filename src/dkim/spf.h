/* spf.h: may this address send for this domain? RFC 7208, all of it but the type SPF records. Asynchronous over core/dns.h,
 * bounded by L_SPF (terms that look something up), L_SPF_VOID, L_SPF_NAMES, L_SPF_QUESTIONS, L_SPF_RECORD and
 * L_SPF_SECONDS. */
#ifndef DKIM_SPF_H
#define DKIM_SPF_H

#include "core/ip.h"
#include "core/slice.h"

struct dns;
struct dns_budget;
struct loop;
struct spf_check;

enum spf_result { /* RFC 7208 2.6 */
	SPF_NONE,
	SPF_NEUTRAL,
	SPF_PASS,
	SPF_FAIL,
	SPF_SOFTFAIL,
	SPF_TEMPERROR, /* the DNS did not answer: never a verdict */
	SPF_PERMERROR,
};
const char *spf_result_name(enum spf_result r); /* "pass" */

struct spf_ask { /* all copied */
	struct ip ip;
	struct slice helo; /* as said */
	/* MAIL FROM: both; the null sender and the HELO identity: both empty, and "postmaster" at ${helo} is checked (RFC 7208
	 * 2.3, 2.4). An empty local part is "postmaster" too. */
	struct slice local, domain;
	const char *receiver;      /* our hostname, for explanations */
	bool explain;              /* fetch exp= of a fail; off unless somebody will be shown it */
	struct dns_budget *budget; /* of the message, borrowed; NULL: RFC 7208's limits alone */
};

struct spf_answer { /* valid during the callback only */
	enum spf_result result;
	struct slice domain; /* the one that was checked, A-label, lower case; empty: not a name */
	struct slice
	    mechanism; /* that matched, as written, "default" when none did; may be empty */
	struct slice
	    explanation; /* printable ASCII, at most L_SPF_TEXT; a stranger's words; may be empty */
	const char *why; /* of none, temperror and permerror; may be NULL */
	bool
	    wide; /* passed, but so would half the internet ("all", huge networks): earns no trust */
	unsigned lookups, voids;
};

/* Later, once, on_result(self, a); not before this returns, and not after spf_cancel. Never NULL. */
struct spf_check *spf_start(struct loop *l, struct dns *d, const struct spf_ask *ask,
    void (*on_result)(void *self, const struct spf_answer *a), void *self);
void spf_cancel(struct spf_check *c); /* accepts NULL */

#endif
