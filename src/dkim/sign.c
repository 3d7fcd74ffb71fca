/* sign.c: what do we promise about a message that leaves? One DKIM-Signature per key, relaxed/relaxed, without l=. RFC 6376 5,
 * RFC 8301, RFC 8463. Leaves canonical forms to canon.c, keys to key.c, and what a message must hold to its caller. Failures:
 * a header with too many fields to name (ERR_LIMIT), the library refusing (ERR_TEMPORARY). */
#include "dkim/sign.h"

#include "core/base64.h"
#include "core/limits.h"
#include "core/mem.h"
#include "dkim/canon.h"
#include "dkim/key.h"

/* Which fields are named in h=. Oversigned ones are named once more than they are there, so that adding one breaks the
 * signature (RFC 6376 5.4, 8.15). Fields that lists and relays add on the way are signed only where we wrote them. */
static const struct signed_field {
	struct slice name;
	bool over;
} signed_fields[] = {
	{ SLICE_INIT("From"), true },
	{ SLICE_INIT("Sender"), true },
	{ SLICE_INIT("Reply-To"), true },
	{ SLICE_INIT("Subject"), true },
	{ SLICE_INIT("Date"), true },
	{ SLICE_INIT("To"), true },
	{ SLICE_INIT("Cc"), true },
	{ SLICE_INIT("Message-ID"), true },
	{ SLICE_INIT("MIME-Version"), true },
	{ SLICE_INIT("Content-Type"), true },
	{ SLICE_INIT("Content-Transfer-Encoding"), true },
	{ SLICE_INIT("In-Reply-To"), true },
	{ SLICE_INIT("References"), true },
	{ SLICE_INIT("Content-Disposition"), false },
	{ SLICE_INIT("Resent-From"), false },
	{ SLICE_INIT("Resent-Sender"), false },
	{ SLICE_INIT("Resent-To"), false },
	{ SLICE_INIT("Resent-Cc"), false },
	{ SLICE_INIT("Resent-Date"), false },
	{ SLICE_INIT("Resent-Message-ID"), false },
	{ SLICE_INIT("List-Id"), false },
	{ SLICE_INIT("List-Help"), false },
	{ SLICE_INIT("List-Unsubscribe"), false },
	{ SLICE_INIT("List-Unsubscribe-Post"), false },
	{ SLICE_INIT("List-Subscribe"), false },
	{ SLICE_INIT("List-Post"), false },
	{ SLICE_INIT("List-Owner"), false },
	{ SLICE_INIT("List-Archive"), false },
};

enum { LINE = 76, SIGNATURE_OCTETS = 32768 };

struct hashed {            /* what all signatures of a message share */
	struct buf names;  /* h=, folded */
	struct buf fields; /* canonical, in the order of h= */
	struct buf body;   /* bh= */
};

static void hash_sink(void *self, struct slice octets)
{
	(void)EVP_DigestUpdate(self, octets.p, octets.n);
}

static int hash_body(struct slice body, struct buf *out, struct err *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct canon_body c = { .how = CANON_RELAXED, .sink = hash_sink, .self = md };
	unsigned n = 0;
	int r = -1;

	if (md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1) {
		canon_body_add(&c, body);
		canon_body_end(&c);
		if (EVP_DigestFinal_ex(md, digest, &n) == 1)
			r = base64_encode((struct slice){ (char *)digest, n }, out);
	}
	EVP_MD_CTX_free(md);
	return (r == 0 ? 0 : err_set(err, ERR_TEMPORARY, "sign: hash of the body failed"));
}

static void add_name(struct buf *names, size_t *line, struct slice name)
{
	if (names->n > 0) {
		(void)buf_addc(names, ':');
		(*line)++;
	}
	if (*line + name.n + 1 > LINE) {
		(void)buf_addz(names, "\r\n\t");
		*line = 8;
	}
	for (size_t i = 0; i < name.n; i++)
		(void)buf_addc(names, ascii_lower(name.p[i]));
	*line += name.n;
}

static int collect_fields(const struct header *h, struct hashed *ret, struct err *err)
{
	size_t named = 0, line = 10;

	for (size_t i = 0; i < COUNT_OF(signed_fields); i++) {
		const struct signed_field *f = &signed_fields[i];
		size_t there = header_count(h, f->name);

		if (there + named + 1 > L_DKIMH)
			return (
			    err_set(err, ERR_LIMIT, "sign: more than %d fields to sign", L_DKIMH));
		for (size_t k = 0; k < there + (f->over ? 1 : 0); k++, named++)
			add_name(&ret->names, &line, f->name);
		for (size_t k = there; k > 0; k--) /* RFC 6376 5.4.2: from the bottom up */
			(void)canon_field(
			    CANON_RELAXED, header_nth(h, f->name, k - 1)->raw, true, &ret->fields);
	}
	if (ret->names.failed || ret->fields.failed)
		return (err_set(err, ERR_LIMIT, "sign: header too large"));
	return (0);
}

/* The signature itself over the canonical fields, the last of which is our own with an empty b=. RSA signs their hash; for
 * Ed25519 the hash is the message that is signed (RFC 8463 3). */
static int make_b(const struct dkim_key *k, struct slice fields, struct buf *out)
{
	unsigned char sig[1024], digest[EVP_MAX_MD_SIZE];
	size_t sig_n = sizeof(sig);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned digest_n = 0;
	int r = -1;

	if (md == NULL)
		return (-1);
	if (k->algorithm == DKIM_RSA) {
		if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, k->pkey) == 1 &&
		    EVP_DigestSign(md, sig, &sig_n, (const unsigned char *)fields.p, fields.n) == 1)
			r = 0;
	} else {
		if (EVP_Digest(fields.p, fields.n, digest, &digest_n, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestSignInit(md, NULL, NULL, NULL, k->pkey) == 1 &&
		    EVP_DigestSign(md, sig, &sig_n, digest, digest_n) == 1)
			r = 0;
	}
	EVP_MD_CTX_free(md);
	return (r == 0 ? base64_encode((struct slice){ (char *)sig, sig_n }, out) : -1);
}

static int sign_with(const struct dkim_keys *ks, const struct dkim_key *k, const struct hashed *h,
    int64_t now, struct buf *out)
{
	struct buf field = BUF_INIT(SIGNATURE_OCTETS), all = BUF_INIT(SIZE_MAX / 2),
		   b = BUF_INIT(SIGNATURE_OCTETS);
	struct slice rest;
	int r;

	(void)buf_fmt(&field,
	    "DKIM-Signature: v=1; a=%s; c=relaxed/relaxed;\r\n\td=%s; s=%s;\r\n\tt=",
	    dkim_algorithm_name(k->algorithm), ks->domain, k->selector);
	(void)buf_add_u64(&field, (uint64_t)(now < 0 ? 0 : now));
	(void)buf_addz(&field, ";\r\n\th=");
	(void)buf_add_slice(&field, buf_slice(&h->names));
	(void)buf_addz(&field, ";\r\n\tbh=");
	(void)buf_add_slice(&field, buf_slice(&h->body));
	(void)buf_addz(&field, ";\r\n\tb=");
	(void)buf_add_slice(&all, buf_slice(&h->fields));
	(void)canon_field(CANON_RELAXED, buf_slice(&field), false, &all); /* RFC 6376 3.7 */
	r = field.failed || all.failed ? -1 : make_b(k, buf_slice(&all), &b);
	if (r == 0) {
		(void)buf_add_slice(out, buf_slice(&field));
		(void)buf_add_slice(out, slice_head(buf_slice(&b), LINE - 12));
		for (rest = slice_from(buf_slice(&b), LINE - 12); rest.n > 0;
		     rest = slice_from(rest, LINE - 8)) {
			(void)buf_addz(out, "\r\n\t");
			(void)buf_add_slice(out, slice_head(rest, LINE - 8));
		}
		r = buf_addz(out, "\r\n");
	}
	buf_free(&field);
	buf_free(&all);
	buf_free(&b);
	return (r);
}

int dkim_sign(
    const struct dkim_keys *ks, struct slice message, int64_t now, struct buf *out, struct err *err)
{
	struct hashed shared = { BUF_INIT(SIGNATURE_OCTETS / 2), BUF_INIT(2 * L_HDR),
		BUF_INIT(64) };
	struct arena *a = arena_new(0);
	size_t before = out->n;
	struct header h;
	int r = -1;

	header_parse(a, message, &h);
	if (h.cut) {
		r = err_set(err, ERR_LIMIT, "sign: header too large");
	} else if (hash_body(slice_from(message, h.size), &shared.body, err) == 0 &&
	    collect_fields(&h, &shared, err) == 0) {
		r = 0;
		for (size_t i = 0; i < ks->n && r == 0; i++)
			if ((r = sign_with(ks, &ks->v[i], &shared, now, out)) == -1)
				(void)err_set(err, ERR_TEMPORARY, "sign with %s of %s failed",
				    ks->v[i].selector, ks->domain);
	}
	if (r == -1 && !out->failed)
		buf_cut(out, before); /* all signatures or none */
	buf_free(&shared.names);
	buf_free(&shared.fields);
	buf_free(&shared.body);
	arena_free(a);
	return (r);
}
