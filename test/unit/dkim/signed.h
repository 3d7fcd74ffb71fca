/* signed.h: keys of our own for tests of dkim/, and the DNS rows that publish them. Include it in one file. */
#ifndef TEST_DKIM_SIGNED_H
#define TEST_DKIM_SIGNED_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base64.h"
#include "dkim/key.h"
#include "fake_dns.h"

static struct {
	struct dkim_keys *keys;
	char name[2][100], value[2][800]; /* [0] RSA, [1] Ed25519 */
} ours;

static inline void ours_take(void *self, const char *name, const char *value)
{
	int i = strstr(value, "ed25519") != NULL;

	(void)self;
	(void)snprintf(ours.name[i], sizeof(ours.name[i]), "%s", name);
	(void)snprintf(ours.value[i], sizeof(ours.value[i]), "%s", value);
}

/* New keys, in a folder that becomes the working one; selectors 20261123r and 20261123e. False: they cannot be made. */
static inline bool ours_make(const char *domain)
{
	char dir[] = "/tmp/pennypost-dkim-XXXXXX";

	if (mkdtemp(dir) == NULL || chdir(dir) == -1 ||
	    dkim_keys_make(domain, "20261123", NULL) == -1 ||
	    (ours.keys = dkim_keys_load(domain, NULL, NULL)) == NULL)
		return (false);
	dkim_keys_each(ours.keys, ours_take, NULL);
	return (true);
}

/* The two rows that publish them. */
static inline void ours_rows(struct fake_row *rows)
{
	for (int i = 0; i < 2; i++)
		rows[i] = (struct fake_row){ ours.name[i], DNS_TXT, ours.value[i], DNS_OK };
}

static inline void add_base64(struct buf *out, const unsigned char *octets, size_t n)
{
	(void)base64_encode((struct slice){ (const char *)octets, n }, out);
}

/* Our RSA signature of that SHA-256, in base64. False: the library fails. */
static inline bool ours_sign(const unsigned char digest[32], struct buf *out)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(
	    ours.keys->v[ours.keys->v[0].algorithm == DKIM_RSA ? 0 : 1].pkey, NULL);
	unsigned char sig[1024];
	size_t n = sizeof(sig);
	bool good = EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_sign(ctx, sig, &n, digest, 32) == 1;

	if (good)
		add_base64(out, sig, n);
	EVP_PKEY_CTX_free(ctx);
	return (good);
}

#endif
