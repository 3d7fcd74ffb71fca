/* key.h (inside dkim): our private keys as files: DATA/dkim/<domain>/<selector>.{rsa,ed25519}.pem. */
#ifndef DKIM_KEY_H
#define DKIM_KEY_H

#include <openssl/evp.h>

#include "dkim/sign.h"

enum dkim_algorithm { DKIM_RSA, DKIM_ED25519, DKIM_ALGORITHMS };
struct dkim_key {
	char *selector; /* owned */
	enum dkim_algorithm algorithm;
	EVP_PKEY *pkey; /* owned */
};
struct dkim_keys {
	char *domain;          /* owned; A-label */
	struct dkim_key v[16]; /* by file name, RSA before Ed25519 of the same selector */
	size_t n;
};
const char *dkim_algorithm_name(enum dkim_algorithm a); /* "rsa-sha256" */

#endif
