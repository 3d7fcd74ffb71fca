/* sign.h: DKIM signatures on what we send. RFC 6376, 8301 (rsa-sha256, 2048), 8463
 * (ed25519-sha256). Relaxed/relaxed, oversigned fields (listed once more than present), no l=.
 * Pure: no disk, no loop; RSA costs 0.3 ms: on the WORK_CRYPTO lane. */
#ifndef DKIM_SIGN_H
#define DKIM_SIGN_H

#include "core/buf.h"
#include "core/err.h"
#include "msg/header.h"

struct dkim_key;  /* private */
struct dkim_keys; /* a domain's keys, all of which sign */

/* Keys live in DATA/dkim/<domain>/<selector>.{rsa,ed25519}.pem (0600). dkim_keys_load:
 * ERR_TEMPORARY when missing, unreadable, wrong type or loose mode: nothing leaves unsigned
 * (AUT-26). ${selector} NULL: every key there. */
struct dkim_keys *dkim_keys_load(const char *domain, const char *selector, struct err *err);
void dkim_keys_free(struct dkim_keys *k); /* accepts NULL; wiped */
/* dkim_keys_make: RSA-2048 and Ed25519 with selectors <date>r and <date>e; never overwrites. */
int dkim_keys_make(const char *domain, const char *date, struct err *err);
/* The TXT value to publish for each key: "v=DKIM1; k=rsa; p=..."; on_key(self,
 * "20261123r._domainkey.example.org", value). */
void dkim_keys_each(const struct dkim_keys *k,
    void (*on_key)(void *self, const char *name, const char *value), void *self);
/* dkim_sign: writes one DKIM-Signature field per key (CRLF ended) for the message as it will leave
 * (CRLF form), to be put in front of it. */
int dkim_sign(
    const struct dkim_keys *k, struct slice message, int64_t now, struct buf *out, struct err *err);

#endif
