/* publickey.h (inside dkim): the key record of a signature, and what it says of the signature. RFC 6376 3.6.1, RFC 8301, RFC 8463. */
#ifndef DKIM_PUBLICKEY_H
#define DKIM_PUBLICKEY_H

#include <openssl/evp.h>

#include "dkim/key.h"
#include "dkim/verify.h"

struct publickey {
	EVP_PKEY *pkey; /* owned; NULL: none */
	unsigned bits;
	bool testing;      /* t=y */
	bool exact_domain; /* t=s: i= may not be in a subdomain */
};

/* ${text}: a TXT record. DKIM_PASS: a key to be used with that algorithm; else the result and ${why}. */
enum dkim_result publickey_read(
    struct slice text, enum dkim_algorithm algorithm, struct publickey *ret, const char **why);
void publickey_free(struct publickey *k); /* accepts an empty one */
/* Is it this key's signature of that SHA-256? */
bool publickey_verify(const struct publickey *k, enum dkim_algorithm algorithm,
    const unsigned char digest[32], struct slice signature);

#endif
