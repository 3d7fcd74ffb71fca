/* publickey.c: is there a key, may it be used, and did it sign this? Leaves fetching to sigcheck.c. Failures are results, in words
 * for the owner. Work is bounded: the modulus by L_KEY_BITS_MOST, the exponent by L_KEY_EXPONENT_BITS, the text by L_KEY. */
#include "dkim/publickey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "core/limits.h"
#include "dkim/taglist.h"

enum { ED25519_OCTETS = 32, DER_MAX = 4096 };

static bool has_item(const struct tag *t, const char *one, const char *other)
{
	struct slice rest = t->value, item;
	bool more = true;

	while (taglist_item(&rest, &more, &item))
		if (slice_eq(item, slice_of(one)) ||
		    (other != NULL && slice_eq(item, slice_of(other))))
			return (true);
	return (false);
}

/* SubjectPublicKeyInfo, or the RSAPublicKey inside it, which RFC 6376 3.6.1 names and its examples do not hold: all of it. */
static EVP_PKEY *read_rsa(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p, *at = p;
	EVP_PKEY *k = d2i_PUBKEY(NULL, &at, (long)der.n);

	if (k == NULL) {
		at = p;
		k = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.n);
	}
	if (k != NULL && (at != p + der.n || !EVP_PKEY_is_a(k, "RSA"))) {
		EVP_PKEY_free(k);
		return (NULL);
	}
	return (k);
}

static bool exponent_ok(EVP_PKEY *k)
{
	BIGNUM *e = NULL;
	bool good = EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e) == 1 && BN_is_odd(e) &&
	    BN_num_bits(e) <= L_KEY_EXPONENT_BITS;

	BN_free(e);
	return (good);
}

static enum dkim_result take_key(
    struct slice der, enum dkim_algorithm algorithm, struct publickey *ret, const char **why)
{
	if (algorithm == DKIM_ED25519) {
		if (der.n == ED25519_OCTETS)
			ret->pkey = EVP_PKEY_new_raw_public_key(
			    EVP_PKEY_ED25519, NULL, (const unsigned char *)der.p, der.n);
	} else {
		ret->pkey = read_rsa(der);
	}
	if (ret->pkey == NULL) {
		*why = "the key cannot be read";
		return (DKIM_PERMERROR);
	}
	ret->bits = (unsigned)EVP_PKEY_get_bits(ret->pkey);
	if (algorithm == DKIM_ED25519)
		return (DKIM_PASS);
	if (ret->bits < L_KEY_BITS_LEAST || ret->bits > L_KEY_BITS_MOST) { /* RFC 8301 3.2 */
		*why = ret->bits < L_KEY_BITS_LEAST ? "the key has fewer than 1024 bits"
						    : "the key has more than 8192 bits";
		return (DKIM_POLICY);
	}
	if (!exponent_ok(ret->pkey)) {
		*why = "the exponent of the key is out of range";
		return (DKIM_POLICY);
	}
	return (DKIM_PASS);
}

static enum dkim_result check_tags(
    const struct taglist *l, enum dkim_algorithm algorithm, const char **why)
{
	const struct tag *v = taglist_get(l, "v"), *k = taglist_get(l, "k"),
			 *h = taglist_get(l, "h"), *s = taglist_get(l, "s"),
			 *p = taglist_get(l, "p");
	struct slice type = algorithm == DKIM_RSA ? SLICE("rsa") : SLICE("ed25519");

	if (v != NULL && (v != &l->v[0] || !slice_eq(v->value, SLICE("DKIM1"))))
		*why = "the key record is of another version";
	else if (p == NULL)
		*why = "the key record has no key";
	else if (p->value.n == 0)
		*why = "the key is revoked";
	else if (!slice_eq(k != NULL ? k->value : SLICE("rsa"), type))
		*why = "the key is of another type than the signature";
	else if (h != NULL && !has_item(h, "sha256", NULL))
		*why = "the key is not for sha256";
	else if (s != NULL && !has_item(s, "email", "*"))
		*why = "the key is not for mail";
	else if (p->value.n > L_KEY)
		*why = "the key is too long";
	else
		return (DKIM_PASS);
	return (DKIM_PERMERROR);
}

enum dkim_result publickey_read(
    struct slice text, enum dkim_algorithm algorithm, struct publickey *ret, const char **why)
{
	struct arena *a = arena_new(0);
	struct buf der = BUF_INIT(DER_MAX);
	struct taglist l;
	enum dkim_result r = DKIM_PERMERROR;
	const struct tag *t;

	*ret = (struct publickey){ .pkey = NULL };
	if (!taglist_parse(a, text, TAGLIST_STRICT, &l)) {
		*why = "the key record is no tag list";
	} else if ((r = check_tags(&l, algorithm, why)) == DKIM_PASS) {
		if ((t = taglist_get(&l, "t")) != NULL) {
			ret->testing = has_item(t, "y", NULL);
			ret->exact_domain = has_item(t, "s", NULL);
		}
		if (taglist_base64(taglist_get(&l, "p")->value, &der) == -1) {
			*why = "the key is not base64";
			r = DKIM_PERMERROR;
		} else {
			r = take_key(buf_slice(&der), algorithm, ret, why);
		}
	}
	buf_free(&der);
	arena_free(a);
	return (r);
}

void publickey_free(struct publickey *k)
{
	EVP_PKEY_free(k->pkey);
	k->pkey = NULL;
}

bool publickey_verify(const struct publickey *k, enum dkim_algorithm algorithm,
    const unsigned char digest[32], struct slice signature)
{
	const unsigned char *sig = (const unsigned char *)signature.p;
	EVP_MD_CTX *md = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	bool good = false;

	if (algorithm == DKIM_ED25519) { /* RFC 8463 3: the hash is the message that is signed */
		if ((md = EVP_MD_CTX_new()) != NULL &&
		    EVP_DigestVerifyInit(md, NULL, NULL, NULL, k->pkey) == 1)
			good = EVP_DigestVerify(md, sig, signature.n, digest, 32) == 1;
	} else if ((ctx = EVP_PKEY_CTX_new(k->pkey, NULL)) != NULL) {
		good = EVP_PKEY_verify_init(ctx) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
		    EVP_PKEY_verify(ctx, sig, signature.n, digest, 32) == 1;
	}
	EVP_MD_CTX_free(md);
	EVP_PKEY_CTX_free(ctx);
	return (good);
}
