/* sasl.h: SASL server mechanisms as state machines that ask their caller to verify: PLAIN (RFC 4616) and LOGIN. One struct sasl per
 * attempt. The peer's responses come decoded from base64 here (strictly; SUB-02). */
#ifndef CORE_SASL_H
#define CORE_SASL_H

#include "core/slice.h"

enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN };

enum sasl_step {
	SASL_CHALLENGE, /* send challenge (already base64), wait for a response */
	SASL_VERIFY,	/* name and password are known: verify, then succeed or fail */
	SASL_CANCELLED, /* the peer sent "*" */
	SASL_BAD,	/* malformed: bad base64, NUL missing, empty, too long */
};

struct sasl; /* wiped when freed */

bool sasl_mechanism_of(struct slice name, enum sasl_mechanism *ret); /* any case */
struct sasl *sasl_new(enum sasl_mechanism m);
void sasl_free(struct sasl *s);
/* sasl_start: initial response as on the wire (base64, "=" for empty), or NULL when none came. */
enum sasl_step sasl_start(struct sasl *s, const struct slice *initial);
enum sasl_step sasl_respond(struct sasl *s, struct slice line);
const char *sasl_challenge(const struct sasl *s); /* base64, valid until the next step */
/* After SASL_VERIFY. authzid other than empty and authcid is SASL_BAD earlier. Password at most L_PASSWORD octets. */
struct slice sasl_name(const struct sasl *s);
struct slice sasl_password(const struct sasl *s);

#endif
