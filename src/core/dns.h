/* dns.h: ask and cancel. libunbound in a thread of its own, validating and caching; at most
 * L_DNS_FLIGHT questions are with it, L_DNS_WAIT wait here. Our own deadline decides (L_DNS_SECONDS
 * or [dns] timeout). */
#ifndef CORE_DNS_H
#define CORE_DNS_H

#include "core/err.h"
#include "core/ip.h"

struct dns;
struct dns_query;
struct loop;

enum dns_type {
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52,
	DNS_CNAME = 5
};

enum dns_status {
	DNS_OK,        /* records of the type asked */
	DNS_NO_DATA,   /* the name exists, not with this type */
	DNS_NO_NAME,   /* the name does not exist */
	DNS_TEMPORARY, /* timeout, SERVFAIL, bogus, too many records: never a verdict (P14) */
	DNS_BAD_NAME,  /* the name cannot be asked (lengths, octets): a permanent fault of whoever
			  wrote it */
};

struct dns_record {
	union {
		struct ip ip;      /* A, AAAA */
		struct slice name; /* PTR, CNAME: without final dot, lower case, not escaped: names
				      with odd octets are dropped */
		struct slice text; /* TXT: strings joined */
		struct {
			unsigned preference;
			struct slice host; /* empty: null MX (RFC 7505) */
		} mx;
		struct {
			unsigned usage, selector, matching;
			struct slice data;
		} tlsa;
	} u;
};

struct dns_answer { /* valid during the callback only */
	enum dns_status status;
	bool secure; /* DNSSEC said so, for absence too */
	const struct dns_record *records;
	size_t n;        /* MX sorted by preference */
	const char *why; /* for logs, when not DNS_OK */
};

struct dns_config {
	const char **forward; /* HOST:PORT; none: recursion from the roots */
	size_t forward_n;
	const char *trust_anchor; /* NULL: the packaged one; "none" */
	uint64_t timeout_ms;      /* 0: L_DNS_SECONDS */
	const char *run_dir;      /* where the generated resolver configuration is written */
};

struct dns *dns_new(struct loop *l, const struct dns_config *cfg,
    struct err *err);         /* asks localhost. once, blocking */
void dns_free(struct dns *d); /* no callback after this */
/* dns_ask: later, once, on_answer(self, a); not before this returns, and not after dns_cancel. NULL
 * if the question could not be put: treat as temporary. */
struct dns_query *dns_ask(struct dns *d, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self);
/* dns_ask_odd: the same for names that a sender's macros made (RFC 7208 7): any printable octets but
 * backslash, in the question and in the hosts of MX records that come back. */
struct dns_query *dns_ask_odd(struct dns *d, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self);
void dns_cancel(struct dns_query *q); /* accepts NULL */

/* How many questions one message may still put, whoever of those that judge it asks (L-DNS). Each leaves
 * some for what counts more: nobody gets round a check by making another one ask the DNS for all. */
struct dns_budget {
	unsigned left;
	unsigned denied; /* questions that were not put */
};
/* One question, if more than ${keep} are left. Always, with a budget of NULL. */
static inline bool dns_budget_take(struct dns_budget *b, unsigned keep)
{
	if (b == NULL)
		return (true);
	if (b->left <= keep) {
		b->denied++;
		return (false);
	}
	b->left--;
	return (true);
}

/* dns_rr_decode: record data to a record, strictly; names inside rdata uncompressed. ${a} holds
 * what it points to. False: malformed. (dns_rr.c; fuzzed.) */
struct arena;
bool dns_rr_decode(struct arena *a, enum dns_type type, struct slice rdata, struct dns_record *ret);
/* An MX record whose host may hold any printable octets but backslash. */
bool dns_rr_decode_odd_mx(struct arena *a, struct slice rdata, struct dns_record *ret);

#endif
