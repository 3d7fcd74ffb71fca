/* signature.c: what does a signature claim, and over which octets of the header? Leaves keys to publickey.c and bodies to
 * bodyhash.c. Failures are results: a signature that cannot be read is permerror, one that is read and not taken fail or policy. */
#include "dkim/signature.h"

#include <openssl/evp.h>

#include "core/domain.h"
#include "core/limits.h"
#include "core/mem.h"

enum { B_MAX = L_KEY_BITS_MOST / 8, TIME_DIGITS = 12, B_SHOWN = 8 };

static struct slice value_of(const struct signature *s, const char *name)
{
	const struct tag *t = taglist_get(&s->tags, name);

	return (t != NULL ? t->value : (struct slice){ NULL, 0 });
}

/* Base64 of at most ${most} octets into the arena. */
static bool take_base64(struct arena *a, struct slice text, size_t most, struct slice *ret)
{
	struct buf out = BUF_INIT(most);
	bool good = taglist_base64(text, &out) == 0;

	if (good)
		*ret = arena_dup(a, buf_slice(&out));
	buf_free(&out);
	return (good);
}

static const char *take_algorithm(struct signature *s, enum dkim_result *ret)
{
	struct slice a = value_of(s, "a");

	*ret = DKIM_PERMERROR;
	s->has_algorithm = true;
	if (slice_eq(a, SLICE("rsa-sha256"))) {
		s->algorithm = DKIM_RSA;
	} else if (slice_eq(a, SLICE("ed25519-sha256"))) {
		s->algorithm = DKIM_ED25519;
	} else {
		s->has_algorithm = false;
		if (!slice_eq(a, SLICE("rsa-sha1")))
			return ("an algorithm that is not known");
		*ret = DKIM_FAIL; /* RFC 8301 3.1: MUST NOT be considered valid */
		return ("rsa-sha1 proves nothing any more");
	}
	return (NULL);
}

static bool take_form(struct slice s, enum canon *ret)
{
	*ret = slice_eq(s, SLICE("relaxed")) ? CANON_RELAXED : CANON_SIMPLE;
	return (*ret == CANON_RELAXED || slice_eq(s, SLICE("simple")));
}

/* c= header [ "/" body ], simple when not said (RFC 6376 3.5); in an ARC-Message-Signature relaxed, as sealers do and the public
 * suite has it, RFC 8617 being silent. */
static bool take_forms(struct signature *s)
{
	struct slice c = value_of(s, "c"), header, body;

	s->header = s->body =
	    c.p == NULL && s->kind != SIGNATURE_DKIM ? CANON_RELAXED : CANON_SIMPLE;
	if (c.p == NULL)
		return (true);
	if (slice_cut(c, '/', &header, &body) && !take_form(body, &s->body))
		return (false);
	return (take_form(header, &s->header));
}

static bool take_time(struct slice text, int64_t *ret)
{
	uint64_t v;

	*ret = -1;
	if (text.p == NULL)
		return (true);
	if (text.n > TIME_DIGITS || !slice_u64(text, INT64_MAX, &v))
		return (false);
	*ret = (int64_t)v;
	return (true);
}

static const char *take_names(struct signature *s)
{
	struct slice rest = value_of(s, "h"), item;
	bool more = true;
	size_t n = 0;

	if (rest.p == NULL)
		return ("no h=");
	s->names = rest;
	while (taglist_item(&rest, &more, &item)) {
		if (++n > L_DKIMH)
			return ("h= names more than 256 fields");
		if (item.n == 0 && s->kind == SIGNATURE_DKIM)
			return ("h= has an empty name");
	}
	if (s->kind == SIGNATURE_DKIM && signature_names(s, SLICE("From")) == 0)
		return ("From is not signed"); /* RFC 6376 6.1.1 */
	/* RFC 8617 4.1.2: seals are not for it to sign */
	if (s->kind == SIGNATURE_ARC_MESSAGE && signature_names(s, SLICE("ARC-Seal")) > 0)
		return ("h= names ARC-Seal");
	return (NULL);
}

static const char *take_domains(struct arena *a, struct signature *s)
{
	s->domain = domain_ascii(a, value_of(s, "d"));
	s->selector = domain_ascii(a, value_of(s, "s"));
	if (s->domain.n == 0)
		return ("d= is no domain"); /* AUT-04: nothing is asked about it */
	if (slice_chr(s->domain, '.') == SIZE_MAX)
		return ("d= is a top level");
	return (s->selector.n == 0 ? "s= is no selector" : NULL);
}

/* RFC 6376 3.5: the domain of i= is d= or under it. */
static const char *take_identity(struct arena *a, struct signature *s)
{
	struct slice i = value_of(s, "i"), domain;
	size_t at = slice_rchr(i, '@');

	if (i.p == NULL) {
		s->identity = slice_of(arena_fmt(a, "@" SLICE_FMT, SLICE_ARG(s->domain)));
		return (NULL);
	}
	if (at == SIZE_MAX || (domain = domain_ascii(a, slice_from(i, at + 1))).n == 0)
		return ("i= is no address");
	s->identity = slice_of(
	    arena_fmt(a, SLICE_FMT "@" SLICE_FMT, SLICE_ARG(slice_head(i, at)), SLICE_ARG(domain)));
	if (!domain_is_within(domain, s->domain))
		return ("i= is outside of d=");
	return (NULL);
}

static const char *take_instance(struct signature *s)
{
	uint64_t v;

	if (!slice_u64(value_of(s, "i"), L_ARC, &v) || v == 0)
		return ("i= is no instance");
	s->instance = (unsigned)v;
	return (NULL);
}

static const char *take_length(struct signature *s)
{
	struct slice l = value_of(s, "l");

	s->length = UINT64_MAX;
	if (l.p == NULL)
		return (NULL);
	if (slice_u64(l, UINT64_MAX - 1, &s->length))
		return (NULL);
	s->length = UINT64_MAX - 1;
	for (size_t i = 0; i < l.n; i++)
		if (!ascii_digit(l.p[i]))
			return ("l= is no number");
	return (l.n > 0 && l.n <= 76 ? NULL : "l= is no number"); /* 1*76DIGIT */
}

static const char *take_times(struct signature *s)
{
	if (!take_time(value_of(s, "t"), &s->signed_at))
		return ("t= is no time");
	if (s->kind != SIGNATURE_DKIM)
		return (NULL);
	if (!take_time(value_of(s, "x"), &s->expires))
		return ("x= is no time");
	return (s->expires >= 0 && s->signed_at >= 0 && s->expires <= s->signed_at
		? "x= is not after t="
		: NULL);
}

static bool has_txt(struct slice q)
{
	bool more = true;
	struct slice item;

	while (q.p != NULL && taglist_item(&q, &more, &item))
		if (slice_eq(item, SLICE("dns/txt")))
			return (true);
	return (q.p == NULL);
}

/* What only a DKIM-Signature has. */
static const char *take_dkim(struct arena *a, struct signature *s)
{
	if (!slice_eq(value_of(s, "v"), SLICE("1")))
		return ("no v=1");
	if (!has_txt(value_of(s, "q")))
		return ("q= names no way to the key that is known");
	return (take_identity(a, s));
}

static const char *take_seal(struct signature *s)
{
	s->cv = value_of(s, "cv");
	s->header = CANON_RELAXED; /* RFC 8617 5.1.1 */
	if (taglist_get(&s->tags, "h") != NULL)
		return ("a seal with h="); /* RFC 8617 4.1.3 */
	if (!slice_eq(s->cv, SLICE("none")) && !slice_eq(s->cv, SLICE("pass")) &&
	    !slice_eq(s->cv, SLICE("fail")))
		return ("cv= is none of none, pass, fail");
	return (NULL);
}

static const char *take_hashes(struct arena *a, struct signature *s)
{
	struct slice b = value_of(s, "b");
	char *shown = arena_alloc(a, B_SHOWN);
	size_t n = 0;

	for (size_t i = 0; i < b.n && n < B_SHOWN; i++)
		if (!ascii_white(b.p[i]))
			shown[n++] = b.p[i];
	s->b_text = (struct slice){ shown, n };
	if (!take_base64(a, b, B_MAX, &s->b))
		return ("b= is no signature");
	if (s->kind == SIGNATURE_ARC_SEAL)
		return (NULL);
	if (!take_base64(a, value_of(s, "bh"), BODYHASH_OCTETS, &s->bh) ||
	    s->bh.n != BODYHASH_OCTETS)
		return ("bh= is no SHA-256");
	return (NULL);
}

enum dkim_result signature_parse(struct arena *a, const struct field *f, enum signature_kind kind,
    int64_t now, struct signature *s, const char **why)
{
	enum dkim_result r = DKIM_PERMERROR;

	*s = (struct signature){
		.kind = kind, .field = f, .length = UINT64_MAX, .signed_at = -1, .expires = -1
	};
	if (!taglist_parse(a, f->body, TAGLIST_STRICT, &s->tags)) {
		*why = "the signature is no tag list";
		return (r);
	}
	if ((*why = kind == SIGNATURE_DKIM ? NULL : take_instance(s)) != NULL ||
	    (*why = take_domains(a, s)) != NULL || (*why = take_hashes(a, s)) != NULL ||
	    (*why = kind == SIGNATURE_ARC_SEAL ? take_seal(s) : take_names(s)) != NULL ||
	    (*why = take_length(s)) != NULL || (*why = take_times(s)) != NULL ||
	    (*why = kind == SIGNATURE_DKIM ? take_dkim(a, s) : NULL) != NULL)
		return (r);
	if (kind != SIGNATURE_ARC_SEAL && !take_forms(s)) {
		*why = "c= is not known";
		return (r);
	}
	if ((*why = take_algorithm(s, &r)) != NULL)
		return (r);
	if (kind == SIGNATURE_DKIM && s->expires >= 0 && s->expires < now) {
		*why = "the signature has expired";
		return (DKIM_FAIL);
	}
	if (kind == SIGNATURE_DKIM && s->signed_at > now + L_DKIM_SKEW_SECONDS) {
		*why = "the signature is from the future";
		return (DKIM_FAIL);
	}
	return (DKIM_PASS);
}

int signature_self(const struct signature *s, enum canon how, struct buf *out)
{
	struct slice raw = s->field->raw, b = taglist_get(&s->tags, "b")->raw;
	struct buf emptied = BUF_INIT(raw.n + 1);
	int r;

	(void)buf_add_slice(&emptied, slice_between(raw.p, b.p));
	(void)buf_add_slice(&emptied, slice_between(b.p + b.n, raw.p + raw.n));
	r = canon_field(how, buf_slice(&emptied), false, out);
	buf_free(&emptied);
	return (r);
}

static size_t times_in(struct slice names, struct slice name)
{
	struct slice item;
	bool more = true;
	size_t n = 0;

	while (taglist_item(&names, &more, &item))
		n += slice_ieq(item, name) ? 1 : 0;
	return (n);
}

size_t signature_names(const struct signature *s, struct slice name)
{
	return (times_in(s->names, name));
}

/* The field of that name with ${skip} others of it below, the signature's own not among them; NULL. RFC 6376 5.4.2 */
static const struct field *from_below(
    const struct header *h, const struct field *own, struct slice name, size_t skip)
{
	for (size_t i = h->n; i > 0; i--) {
		const struct field *f = &h->fields[i - 1];

		if (f != own && slice_ieq(f->name, name) && skip-- == 0)
			return (f);
	}
	return (NULL);
}

bool signature_hash(
    const struct signature *s, const struct header *h, unsigned char ret[BODYHASH_OCTETS])
{
	struct slice rest = s->names, item;
	struct buf out = BUF_INIT(2 * (size_t)L_HDR);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool more = true, good = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;

	while (good && taglist_item(&rest, &more, &item)) {
		/* up to this item: how often was it named? */
		size_t before = times_in(slice_between(s->names.p, item.p), item);
		const struct field *f = item.n > 0 ? from_below(h, s->field, item, before) : NULL;

		buf_reset(&out);
		if (f == NULL)
			continue; /* RFC 6376 5.4: nothing stands for what is not there */
		good = canon_field(s->header, f->raw, true, &out) == 0 &&
		    EVP_DigestUpdate(md, out.p, out.n) == 1;
	}
	buf_reset(&out);
	good = good && signature_self(s, s->header, &out) == 0 &&
	    EVP_DigestUpdate(md, out.p, out.n) == 1 && EVP_DigestFinal_ex(md, ret, NULL) == 1;
	EVP_MD_CTX_free(md);
	buf_free(&out);
	return (good);
}
