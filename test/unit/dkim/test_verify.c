/* Verifying what dkim_sign wrote, and every way in which a signature or key is not taken (AUT-04, AUT-09 to AUT-15). */
#include "check.h"

#include "signed.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "core/limits.h"
#include "dkim/publickey.h"
#include "dkim/sign.h"
#include "dkim/signature.h"
#include "dkim/verify.h"

enum { NOW = 1795406400, ROWS = 4 };

static struct {
	char text[2000];
	struct fake_row rows[ROWS + 1];
} it;

struct heard {
	unsigned calls;
	size_t n, ignored;
	struct dkim_signature v[L_DKIM];
};

static void on_result(void *self, const struct dkim_verdicts *v)
{
	struct heard *h = self;

	h->calls++;
	h->n = v->n;
	h->ignored = v->ignored;
	for (size_t i = 0; i < v->n; i++)
		h->v[i] = v->v[i];
}

static struct heard check_at(struct slice message, int64_t now)
{
	struct bodyhash *body = bodyhash_new();
	struct arena *a = arena_new(0);
	struct heard heard = { .calls = 0 };
	struct dkim_verify *v;
	struct header h;

	fake.rows = it.rows;
	header_parse(a, message, &h);
	v = dkim_verify_start(fake.loop, NULL, NULL, &h, body, now);
	bodyhash_add(body, slice_from(message, h.size));
	bodyhash_end(body);
	dkim_verify_end(v, on_result, &heard);
	assert_int_equal(heard.calls, 0);
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 1);
	assert_int_equal(fake.pending, 0);
	bodyhash_free(body);
	arena_free(a);
	return (heard);
}

static struct heard check(struct slice message)
{
	return (check_at(message, NOW));
}

static void reset_rows(void)
{
	ours_rows(it.rows);
	it.rows[2].name = NULL;
}

static int setup(void **state)
{
	(void)state;
	fake.loop = loop_new();
	if (!ours_make("example.org"))
		return (-1);
	reset_rows();
	return (0);
}

static int done(void **state)
{
	(void)state;
	dkim_keys_free(ours.keys);
	loop_free(fake.loop);
	return (0);
}

#define MESSAGE                                                                                    \
	"From: a@example.org\r\nTo: b@example.net\r\nSubject: hello\r\nMIME-Version: "             \
	"1.0\r\n\r\nBody of it.\r\n"

/* The message with our signatures in front. */
static void sign(struct buf *out)
{
	struct slice m = SLICE(MESSAGE);
	struct err err;

	assert_int_equal(dkim_sign(ours.keys, m, NOW, out, &err), 0);
	(void)buf_add_slice(out, m);
}

/* One signature field written by hand, with what makes it a signature that is never good but for its key. */
static void by_hand(const char *tags, struct buf *out)
{
	(void)buf_fmt(out, "DKIM-Signature: %s\r\n" MESSAGE, tags);
}

static void what_we_sign_verifies(void **state)
{
	struct buf m = BUF_INIT(65536);
	struct heard h;

	(void)state;
	sign(&m);
	h = check(buf_slice(&m));
	assert_int_equal(h.n, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(h.v[i].result, DKIM_PASS);
		assert_null(h.v[i].why);
		assert_null(h.v[i].added);
		assert_null(h.v[i].uncovered);
		assert_int_equal(h.v[i].signed_at, NOW);
	}
	assert_int_equal(h.v[0].key_bits + h.v[1].key_bits, 2048 + 256);
	buf_free(&m);
}

static void a_change_anywhere_is_seen(void **state)
{
	static const char *const front[] = { "From: x@example.org\r\n", "Subject: other\r\n",
		"Reply-To: x@evil.example\r\n", "Content-Type: text/html\r\n",
		"Date: Mon, 23 Nov 2026 04:00:00 +0000\r\n", "To: x@example.org\r\n" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(front); i++) {
		struct buf m = BUF_INIT(65536);
		struct heard h;

		(void)buf_addz(&m, front[i]);
		sign(&m);
		h = check(buf_slice(&m));
		assert_int_equal(h.v[0].result, DKIM_FAIL); /* AUT-10 */
		assert_int_equal(h.v[1].result, DKIM_FAIL);
		buf_free(&m);
	}
	{
		struct buf m = BUF_INIT(65536);
		struct heard h;

		sign(&m);
		(void)buf_addz(&m, "More.\r\n");
		h = check(buf_slice(&m));
		assert_int_equal(h.v[0].result, DKIM_FAIL);
		assert_string_equal(h.v[0].why, "the body was changed");
		buf_free(&m);
	}
}

#define NO_BH "bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; "
#define GOOD "v=1; a=rsa-sha256; d=example.org; s=20261123r; h=from; " NO_BH

static void faulty_signatures_are_named(void **state)
{
	static const struct {
		const char *tags;
		enum dkim_result result;
		unsigned asked;
	} cases[] = {
		{ GOOD "b=AAAA", DKIM_FAIL, 1 }, /* well-formed: only its key says no */
		{ GOOD "b=AAAA; zz=unknown", DKIM_FAIL, 1 },
		{ "v \r\n = 1 ; a=\r\n rsa-sha256; d=example.org; s=20261123r; h= from\r\n : to; "
		  "bh=AAAAAAAAAAAAAAAAAAAAAAAA"
		  "\r\n AAAAAAAAAAAAAAAAAAA=; b= AA\r\n AA ",
		    DKIM_FAIL, 1 },
		{ GOOD "b=AAAA; d=example.org", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; q=other", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; q=other:dns/txt", DKIM_FAIL, 1 },
		{ GOOD "b=AAAA; c=foo", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; c=relaxed/foo", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; c=relaxed", DKIM_FAIL, 1 },
		{ GOOD "b=AAAA; l=x", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; l=", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; i=@evil.example", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; i=@xexample.org", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; i=a@sub.example.org", DKIM_FAIL, 1 },
		{ GOOD "b=AAAA; i=example.org", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; t=100; x=99", DKIM_PERMERROR, 0 },
		{ GOOD "b=AAAA; t=100; x=101", DKIM_FAIL, 0 }, /* expired */
		{ GOOD "b=AAAA; t=1234567890123", DKIM_PERMERROR, 0 },
		{ GOOD "b=", DKIM_PERMERROR, 0 },
		{ GOOD "b=A", DKIM_PERMERROR, 0 },
		{ GOOD, DKIM_PERMERROR, 0 },
		{ "v=2; a=rsa-sha256; d=example.org; s=x; h=from; " NO_BH "b=AAAA", DKIM_PERMERROR,
		    0 },
		{ "v=1; a=rsa-sha1; d=example.org; s=x; h=from; " NO_BH "b=AAAA", DKIM_FAIL, 0 },
		{ "v=1; a=rsa-md5; d=example.org; s=x; h=from; " NO_BH "b=AAAA", DKIM_PERMERROR,
		    0 },
		{ "v=1; a=rsa-sha256; d=example.org; s=x; h=from; b=AAAA", DKIM_PERMERROR, 0 },
		{ "v=1; a=rsa-sha256; d=example.org; s=x; h=to; " NO_BH "b=AAAA", DKIM_PERMERROR,
		    0 },
		{ "v=1; a=rsa-sha256; d=example.org(.evil.example; s=x; h=from; " NO_BH "b=AAAA",
		    DKIM_PERMERROR, 0 },
		{ "v=1; a=rsa-sha256; d=\"example.org\"; s=x; h=from; " NO_BH "b=AAAA",
		    DKIM_PERMERROR, 0 },
		{ "v=1; a=rsa-sha256; d=org; s=x; h=from; " NO_BH "b=AAAA", DKIM_PERMERROR, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf m = BUF_INIT(65536);
		struct heard h;

		fake.asked = 0;
		by_hand(cases[i].tags, &m);
		h = check(buf_slice(&m));
		assert_int_equal(h.n, 1);
		if (h.v[0].result != cases[i].result || fake.asked != cases[i].asked)
			fail_msg("%s: %s (%s), %u asked", cases[i].tags,
			    dkim_result_name(h.v[0].result), h.v[0].why, fake.asked);
		buf_free(&m);
	}
}

static void a_signature_from_the_future_waits(void **state)
{
	struct buf m = BUF_INIT(65536);

	(void)state;
	sign(&m);
	assert_int_equal(check_at(buf_slice(&m), NOW - L_DKIM_SKEW_SECONDS).v[0].result, DKIM_PASS);
	assert_int_equal(
	    check_at(buf_slice(&m), NOW - L_DKIM_SKEW_SECONDS - 1).v[0].result, DKIM_FAIL);
	buf_free(&m);
}

/* A signature with our key and tags of the test's choice over ${signed_body}, in front of ${message}. */
static void sign_by_hand(
    const char *tags, struct slice message, struct slice signed_body, struct buf *out)
{
	unsigned char digest[BODYHASH_OCTETS];
	struct buf b64 = BUF_INIT(2000), field = BUF_INIT(8192), b = BUF_INIT(2000);
	struct arena *a = arena_new(0);
	struct signature s;
	struct header h;
	const char *why;

	assert_int_equal(
	    EVP_Digest(signed_body.p, signed_body.n, digest, NULL, EVP_sha256(), NULL), 1);
	add_base64(&b64, digest, sizeof(digest));
	(void)buf_fmt(&field,
	    "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=20261123r; %s; bh=%s; b=", tags,
	    buf_z(&b64));
	(void)buf_add_slice(out, buf_slice(&field));
	(void)buf_addz(out, "AAAA\r\n");
	(void)buf_add_slice(out, message);
	header_parse(a, buf_slice(out), &h);
	assert_int_equal(
	    signature_parse(a, &h.fields[0], SIGNATURE_DKIM, NOW, &s, &why), DKIM_PASS);
	assert_true(signature_hash(&s, &h, digest));
	assert_true(ours_sign(digest, &b));
	buf_reset(out);
	(void)buf_add_slice(out, buf_slice(&field));
	(void)buf_fmt(out, "%s\r\n", buf_z(&b));
	(void)buf_add_slice(out, message);
	buf_free(&b64);
	buf_free(&field);
	buf_free(&b);
	arena_free(a);
}

#define HEADER "From: a@example.org\r\nSubject: hello\r\nTo: b@example.net\r\n\r\n"

static void what_is_not_signed_earns_nothing(void **state) /* AUT-09 */
{
	static const struct {
		const char *tags;
		struct slice body; /* simple form: what was signed is "12345\r\n" */
		enum dkim_result result;
		bool partial;
		const char *uncovered;
	} cases[] = {
		{ "h=from:to:subject", SLICE_INIT("12345\r\n"), DKIM_PASS, false, NULL },
		{ "h=from:to:subject; l=7", SLICE_INIT("12345\r\n"), DKIM_PASS, false, NULL },
		{ "h=from:to:subject; l=7", SLICE_INIT("12345\r\nand more\r\n"), DKIM_POLICY, true,
		    NULL },
		{ "h=from:to:subject; l=7", SLICE_INIT("1234\r\n\r\n"), DKIM_FAIL, false, NULL },
		{ "h=from:to:subject; l=8", SLICE_INIT("12345\r\n"), DKIM_FAIL, false, NULL },
		{ "h=from:to:subject; l=99999999999999999999999", SLICE_INIT("12345\r\n"),
		    DKIM_FAIL, false, NULL },
		{ "h=from:to", SLICE_INIT("12345\r\n"), DKIM_PASS, false, "Subject" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf message = BUF_INIT(4096), m = BUF_INIT(8192), more = BUF_INIT(8192);
		struct heard h;

		(void)buf_addz(&message, HEADER);
		(void)buf_add_slice(&message, cases[i].body);
		sign_by_hand(cases[i].tags, buf_slice(&message), SLICE("12345\r\n"), &m);
		h = check(buf_slice(&m));
		if (h.v[0].result != cases[i].result || h.v[0].partial != cases[i].partial)
			fail_msg("%zu: %s %s", i, dkim_result_name(h.v[0].result), h.v[0].why);
		if (cases[i].uncovered != NULL)
			assert_string_equal(h.v[0].uncovered, cases[i].uncovered);
		else
			assert_null(h.v[0].uncovered);
		(void)buf_addz(&more, "Subject: another\r\n");
		(void)buf_add_slice(&more, buf_slice(&m));
		h = check(buf_slice(&more));
		if (i == 0) { /* the signed one is still there, and not what people see */
			assert_int_equal(h.v[0].result, DKIM_POLICY);
			assert_string_equal(h.v[0].added, "Subject");
		}
		buf_free(&message);
		buf_free(&m);
		buf_free(&more);
	}
}

static void a_key_may_be_for_its_domain_alone(void **state)
{
	struct buf m = BUF_INIT(8192);

	(void)state;
	sign_by_hand(
	    "h=from; i=x@sub.example.org", SLICE(HEADER "12345\r\n"), SLICE("12345\r\n"), &m);
	assert_int_equal(check(buf_slice(&m)).v[0].result, DKIM_PASS);
	(void)snprintf(it.text, sizeof(it.text), "t=s; %s", strstr(ours.value[0], "p="));
	it.rows[0].value = it.text;
	assert_int_equal(check(buf_slice(&m)).v[0].result, DKIM_PERMERROR);
	reset_rows();
	buf_free(&m);
}

static void names_in_h_have_a_limit(void **state)
{
	(void)state;
	for (int n = L_DKIMH; n <= L_DKIMH + 1; n++) {
		struct buf tags = BUF_INIT(8192), m = BUF_INIT(65536);

		(void)buf_addz(&tags,
		    "v=1; a=rsa-sha256; d=example.org; s=20261123r; " NO_BH "b=AAAA; h=from");
		for (int i = 1; i < n; i++)
			(void)buf_addz(&tags, ":to");
		by_hand(buf_z(&tags), &m);
		assert_int_equal(
		    check(buf_slice(&m)).v[0].result, n == L_DKIMH ? DKIM_FAIL : DKIM_PERMERROR);
		buf_free(&tags);
		buf_free(&m);
	}
}

static void eight_signatures_are_looked_at(void **state) /* AUT-15 */
{
	(void)state;
	for (int before = 6; before <= 8; before++) {
		struct buf m = BUF_INIT(65536);
		struct heard h;
		unsigned passed = 0;

		for (int i = 0; i < before; i++)
			(void)buf_addz(&m, "DKIM-Signature: rubbish\r\n");
		sign(&m);
		h = check(buf_slice(&m));
		assert_int_equal(h.n, 8);
		assert_int_equal(h.ignored, before - 6);
		for (size_t i = 0; i < h.n; i++)
			passed += h.v[i].result == DKIM_PASS;
		assert_int_equal(passed, 8 - before);
		buf_free(&m);
	}
}

static void key_records_say_who_may_sign(void **state) /* AUT-12 */
{
	static const struct {
		const char *head; /* what stands before our p= */
		enum dkim_result result;
	} cases[] = {
		{ "", DKIM_PASS },
		{ "v=DKIM1; ", DKIM_PASS },
		{ "k=rsa; h=sha1:sha256; s=email; t=y:s; n=note; ", DKIM_PASS },
		{ "s=other:*; ", DKIM_PASS },
		{ "v=DKIM2; ", DKIM_PERMERROR },
		{ "k=rsa; v=DKIM1; ", DKIM_PERMERROR },
		{ "k=ed25519; ", DKIM_PERMERROR },
		{ "k=dsa; ", DKIM_PERMERROR },
		{ "h=sha1; ", DKIM_PERMERROR },
		{ "s=other; ", DKIM_PERMERROR },
		{ "p=; ", DKIM_PERMERROR },
		{ "rubbish; ", DKIM_PERMERROR },
	};
	struct buf m = BUF_INIT(65536);

	(void)state;
	sign(&m);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct heard h;

		(void)snprintf(
		    it.text, sizeof(it.text), "%s%s", cases[i].head, strstr(ours.value[0], "p="));
		it.rows[0].value = it.text;
		h = check(buf_slice(&m));
		for (size_t k = 0; k < h.n; k++)
			if (strcmp(h.v[k].algorithm, "rsa-sha256") == 0 &&
			    h.v[k].result != cases[i].result)
				fail_msg("%s: %s", cases[i].head, h.v[k].why);
		assert_int_equal(h.v[0].testing || h.v[1].testing, i == 2);
	}
	it.rows[0].value = "v=DKIM1; p=";
	it.rows[1].value = NULL;
	it.rows[1].status = DNS_TEMPORARY;
	assert_true(check(buf_slice(&m)).v[0].result + check(buf_slice(&m)).v[1].result ==
	    DKIM_PERMERROR + DKIM_TEMPERROR);
	reset_rows();
	it.rows[2] = it.rows[0]; /* two records */
	it.rows[3] = it.rows[1];
	it.rows[4].name = NULL;
	assert_int_equal(check(buf_slice(&m)).v[0].result, DKIM_PERMERROR);
	reset_rows();
	buf_free(&m);
}

/* A public key with a modulus and an exponent of so many bits; nobody has the private one. */
static EVP_PKEY *public_key(unsigned bits, unsigned exponent_bits, int is_odd)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_new(), *e = BN_new();
	EVP_PKEY *made = NULL;
	OSSL_PARAM *params;

	assert_int_equal(BN_rand(n, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
	assert_int_equal(BN_set_bit(e, (int)exponent_bits - 1), 1);
	if (is_odd)
		assert_int_equal(BN_set_bit(e, 0), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e), 1);
	params = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &made, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	EVP_PKEY_CTX_free(ctx);
	return (made);
}

static void keys_have_sizes(void **state)
{
	static const struct {
		unsigned bits, exponent_bits;
		int is_odd;
		enum dkim_result result;
	} cases[] = {
		{ 512, 17, 1, DKIM_POLICY },
		{ 1023, 17, 1, DKIM_POLICY },
		{ 1024, 17, 1, DKIM_PASS },
		{ 8192, 17, 1, DKIM_PASS },
		{ 8193, 17, 1, DKIM_POLICY },
		{ 2048, 2, 1, DKIM_PASS },
		{ 2048, 64, 1, DKIM_PASS },
		{ 2048, 65, 1, DKIM_POLICY }, /* what a peer could make us work */
		{ 2048, 17, 0, DKIM_POLICY },
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		EVP_PKEY *made = public_key(cases[i].bits, cases[i].exponent_bits, cases[i].is_odd);
		unsigned char *der = NULL;
		int n = i2d_PUBKEY(made, &der);
		struct buf text = BUF_INIT(4096);
		enum dkim_result result;
		struct publickey key;

		assert_true(n > 0);
		(void)buf_addz(&text, "p=");
		add_base64(&text, der, (size_t)n);
		result = publickey_read(buf_slice(&text), DKIM_RSA, &key, &why);
		if (result != cases[i].result || key.bits != cases[i].bits)
			fail_msg("%zu: %s, %u bits", i, dkim_result_name(result), key.bits);
		publickey_free(&key);
		OPENSSL_free(der);
		EVP_PKEY_free(made);
		buf_free(&text);
	}
	for (size_t n = L_KEY; n <= L_KEY + 4; n += 4) { /* before it is decoded */
		struct buf text = BUF_INIT(8192);
		struct publickey key;

		(void)buf_addz(&text, "p=");
		for (size_t i = 0; i < n; i++)
			(void)buf_addc(&text, 'A');
		assert_int_equal(
		    publickey_read(buf_slice(&text), DKIM_RSA, &key, &why), DKIM_PERMERROR);
		assert_string_equal(
		    why, n == L_KEY ? "the key cannot be read" : "the key is too long");
		buf_free(&text);
	}
}

static void cancelled_checks_stay_silent(void **state)
{
	struct bodyhash *body = bodyhash_new();
	struct arena *a = arena_new(0);
	struct buf m = BUF_INIT(65536);
	struct heard heard = { .calls = 0 };
	struct dkim_verify *v;
	struct header h;

	(void)state;
	sign(&m);
	header_parse(a, buf_slice(&m), &h);
	dkim_verify_cancel(NULL);
	dkim_verify_cancel(dkim_verify_start(fake.loop, NULL, NULL, &h, body, NOW));
	v = dkim_verify_start(fake.loop, NULL, NULL, &h, body, NOW);
	bodyhash_end(body);
	dkim_verify_end(v, on_result, &heard);
	dkim_verify_cancel(v);
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 0);
	assert_int_equal(fake.pending, 0);
	bodyhash_free(body);
	buf_free(&m);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_sign_verifies),
		cmocka_unit_test(a_change_anywhere_is_seen),
		cmocka_unit_test(faulty_signatures_are_named),
		cmocka_unit_test(a_signature_from_the_future_waits),
		cmocka_unit_test(what_is_not_signed_earns_nothing),
		cmocka_unit_test(a_key_may_be_for_its_domain_alone),
		cmocka_unit_test(names_in_h_have_a_limit),
		cmocka_unit_test(eight_signatures_are_looked_at),
		cmocka_unit_test(key_records_say_who_may_sign),
		cmocka_unit_test(keys_have_sizes),
		cmocka_unit_test(cancelled_checks_stay_silent),
	};

	return (cmocka_run_group_tests(tests, setup, done));
}
