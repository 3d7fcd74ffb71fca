/* verify.h: which DKIM signatures of a message are good, and what do they vouch for? RFC 6376 6, RFC 8301, RFC 8463, RFC 8616.
 * Asynchronous: keys are fetched while the body arrives. At most L_DKIM signatures are looked at, malformed ones among them. */
#ifndef DKIM_VERIFY_H
#define DKIM_VERIFY_H

#include "core/arena.h"
#include "dkim/bodyhash.h"
#include "msg/header.h"

struct dns;
struct dns_budget;
struct loop;
struct dkim_verify;

enum dkim_result { /* RFC 8601 2.7.1 */
	DKIM_NONE,
	DKIM_PASS,
	DKIM_FAIL,
	DKIM_POLICY, /* good perhaps, and not good enough for us */
	DKIM_NEUTRAL,
	DKIM_TEMPERROR, /* no answer about the key: never a verdict */
	DKIM_PERMERROR,
};
const char *dkim_result_name(enum dkim_result r); /* "pass" */

struct dkim_signature {
	enum dkim_result result;
	const char *why;     /* unless passed; NULL: nothing to say */
	struct slice domain; /* d=, A-labels, lower case; empty when it could not be read */
	struct slice selector;
	struct slice identity; /* i=, "@d" when not said */
	struct slice b;        /* the first 8 characters of b= (RFC 6008) */
	const char *algorithm; /* "rsa-sha256"; NULL: none that we know */
	unsigned key_bits;     /* 0: no key was had */
	bool testing;          /* the key says t=y: they do not stand by it yet */
	bool partial;          /* l= left octets of the body unsigned: result is not pass */
	const char
	    *added; /* a field of which there is one more than was signed: result is not pass */
	const char *
	    uncovered; /* the first field that people see and the signature leaves out; NULL: none */
	int64_t signed_at; /* t=; -1: not said */
};

struct dkim_verdicts { /* valid during the callback only */
	const struct dkim_signature *v;
	size_t n;       /* signatures looked at, in the order of the message */
	size_t ignored; /* those past L_DKIM */
};

/* The header in its CRLF form; needed during this call only. ${b}: of the message; NULL: none. ${body} is borrowed until the result or the cancel: what must be
 * hashed of the body is asked of it here, so this comes before its first octet. Never NULL. */
struct dkim_verify *dkim_verify_start(struct loop *l, struct dns *d, struct dns_budget *b,
    const struct header *h, struct bodyhash *body, int64_t now);
/* After bodyhash_end. Later, once, on_result(self, v); not before this returns, and not after dkim_verify_cancel. */
void dkim_verify_end(struct dkim_verify *v,
    void (*on_result)(void *self, const struct dkim_verdicts *v), void *self);
void dkim_verify_cancel(struct dkim_verify *v); /* accepts NULL */

#endif
