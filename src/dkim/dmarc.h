/* dmarc.h: does what was authenticated speak for the domain that people see, and what does its owner ask if not? RFC 7489, with np=,
 * psd= and t= of RFC 9091 and RFC 9989. First the policy is found (asynchronous, at most 4 questions), then facts are judged. */
#ifndef DKIM_DMARC_H
#define DKIM_DMARC_H

#include "dkim/dmarc_record.h"
#include "dkim/suffixes.h"

struct dmarc_find;
struct dns;
struct dns_budget;
struct loop;

enum dmarc_state {
	DMARC_NONE, /* no record */
	DMARC_PASS,
	DMARC_FAIL,
	DMARC_TEMPERROR, /* the DNS alone leaves it undecided: never a verdict */
	DMARC_PERMERROR, /* there is no one domain to ask about */
};
const char *dmarc_state_name(enum dmarc_state s); /* "pass" */

struct dmarc_found { /* valid during the callback only */
	enum dmarc_state
	    state; /* none, temperror, permerror; DMARC_FAIL: there is a record, and nothing shown yet */
	struct dmarc_record record;
	struct slice from;        /* the domain that people see, A-labels, lower case */
	struct slice domain;      /* where the record is */
	enum dmarc_policy policy; /* of p=, sp= and np= the one that is meant */
};

/* ${from}: the domain of the one From address, any form; copied. Later, once, on_found(self, f); not before this returns, not after
 * dmarc_find_cancel. ${s} and ${b}, of the message or NULL, are borrowed meanwhile. Never NULL. */
struct dmarc_find *dmarc_find_start(struct loop *l, struct dns *d, struct dns_budget *b,
    const struct suffixes *s, struct slice from,
    void (*on_found)(void *self, const struct dmarc_found *f), void *self);
void dmarc_find_cancel(struct dmarc_find *f); /* accepts NULL */

struct dmarc_fact {          /* SPF of MAIL FROM, or one signature */
	struct slice domain; /* A-labels, lower case; empty: none */
	bool passed, temporary;
};

struct dmarc_result {
	enum dmarc_state state;
	enum dmarc_policy policy; /* asked; of fail and temperror, else what it would be */
	enum dmarc_policy
	    disposition; /* what is left of it after pct= and t= for this message; of fail */
	bool spf_aligned, dkim_aligned; /* passed and aligned */
	struct slice from, domain;      /* as in what was found */
};

/* Pure. ${sample}: 0 to 99, at random, for pct=. Slices are those of ${f}. */
struct dmarc_result dmarc_judge(const struct dmarc_found *f, const struct suffixes *s,
    const struct dmarc_fact *spf, const struct dmarc_fact *dkim, size_t dkim_n, unsigned sample);

#endif
