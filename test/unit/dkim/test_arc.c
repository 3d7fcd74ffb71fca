/* A chain of two sealers, made here as RFC 8617 5.1 says it (all fields stand in their relaxed form already, so what is hashed is
 * what is written), and every link of it broken. */
#include "check.h"

#include "signed.h"

#include "core/limits.h"
#include "dkim/arc.h"

#define BODY "Body of it.\r\n"
#define SIGNED "from:a@example.org\r\nsubject:hello\r\n"

static struct fake_row rows[3];

static void sign_text(struct slice text, struct buf *out)
{
	unsigned char digest[BODYHASH_OCTETS];

	assert_int_equal(EVP_Digest(text.p, text.n, digest, NULL, EVP_sha256(), NULL), 1);
	assert_true(ours_sign(digest, out));
}

/* RFC 8617 5.1: adds the set ${i} to what stands in *chain (sets, oldest first) and in front of *front (newest first). */
static void seal(
    unsigned i, const char *cv, struct slice body, struct buf *chain, struct buf *front)
{
	struct buf message = BUF_INIT(4096), text = BUF_INIT(8192), before = BUF_INIT(16384);
	unsigned char digest[BODYHASH_OCTETS];
	size_t start;

	assert_int_equal(EVP_Digest(body.p, body.n, digest, NULL, EVP_sha256(), NULL), 1);
	(void)buf_fmt(&message,
	    "arc-message-signature:i=%u; a=rsa-sha256; c=relaxed/relaxed; d=example.org; "
	    "s=20261123r; h=from:subject; bh=",
	    i);
	add_base64(&message, digest, sizeof(digest));
	(void)buf_addz(&message, "; b=");
	(void)buf_addz(&text, SIGNED);
	(void)buf_add_slice(&text, buf_slice(&message));
	sign_text(buf_slice(&text), &message);
	(void)buf_addz(&message, "\r\n");

	(void)buf_fmt(chain, "arc-authentication-results:i=%u; mx%u.example; spf=pass\r\n", i, i);
	(void)buf_add_slice(chain, buf_slice(&message));
	start = chain->n;
	(void)buf_fmt(
	    chain, "arc-seal:i=%u; a=rsa-sha256; cv=%s; d=example.org; s=20261123r; b=", i, cv);
	sign_text(buf_slice(chain), chain);
	(void)buf_addz(chain, "\r\n");

	(void)buf_add_slice(&before, buf_slice(front));
	buf_reset(front);
	(void)buf_add_slice(front, slice_from(buf_slice(chain), start));
	(void)buf_add_slice(front, buf_slice(&message));
	(void)buf_fmt(front, "arc-authentication-results:i=%u; mx%u.example; spf=pass\r\n", i, i);
	(void)buf_add_slice(front, buf_slice(&before));
	buf_free(&message);
	buf_free(&text);
	buf_free(&before);
}

/* A message that two have sealed, the first of them when its body was another. */
static void sealed(struct buf *out)
{
	struct buf chain = BUF_INIT(16384);

	seal(1, "none", SLICE("The first body.\r\n"), &chain, out);
	seal(2, "pass", SLICE(BODY), &chain, out);
	(void)buf_addz(out, SIGNED "\r\n" BODY);
	buf_free(&chain);
}

struct heard {
	unsigned calls;
	enum arc_state state;
	size_t n;
	char why[100], results[2][100], domain[100];
};

static void on_result(void *self, const struct arc_verdict *v)
{
	struct heard *h = self;

	h->calls++;
	h->state = v->state;
	h->n = v->n;
	(void)snprintf(h->why, sizeof(h->why), "%s", v->why != NULL ? v->why : "");
	for (size_t i = 0; i < v->n && i < 2; i++)
		(void)snprintf(
		    h->results[i], sizeof(h->results[i]), SLICE_FMT, SLICE_ARG(v->v[i].results));
	if (v->n > 0)
		(void)snprintf(h->domain, sizeof(h->domain), SLICE_FMT, SLICE_ARG(v->v[0].domain));
}

static struct heard check(struct slice message)
{
	struct bodyhash *body = bodyhash_new();
	struct arena *a = arena_new(0);
	struct heard heard = { .calls = 0 };
	struct arc_verify *v;
	struct header h;

	fake.rows = rows;
	header_parse(a, message, &h);
	v = arc_verify_start(fake.loop, NULL, NULL, &h, body);
	bodyhash_add(body, slice_from(message, h.size));
	bodyhash_end(body);
	arena_free(a);
	arc_verify_end(v, on_result, &heard);
	assert_int_equal(heard.calls, 0);
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 1);
	assert_int_equal(fake.pending, 0);
	bodyhash_free(body);
	return (heard);
}

static void a_whole_chain_passes(void **state)
{
	struct buf m = BUF_INIT(65536);
	struct heard h;

	(void)state;
	sealed(&m);
	h = check(buf_slice(&m));
	assert_string_equal(h.why, "");
	assert_int_equal(h.state, ARC_PASS);
	assert_int_equal(h.n, 2);
	assert_string_equal(h.results[0], " mx1.example; spf=pass");
	assert_string_equal(h.results[1], " mx2.example; spf=pass");
	assert_string_equal(h.domain, "example.org");
	assert_int_equal(check(SLICE(SIGNED "\r\n" BODY)).state, ARC_NONE);
	buf_free(&m);
}

/* out: m with the first ${from} of it replaced by ${to}. */
static void change(const struct buf *m, const char *from, const char *to, struct buf *out)
{
	size_t at = slice_find(buf_slice(m), slice_of(from));

	assert_true(at != SIZE_MAX);
	(void)buf_add_slice(out, slice_head(buf_slice(m), at));
	(void)buf_addz(out, to);
	(void)buf_add_slice(out, slice_from(buf_slice(m), at + strlen(from)));
}

static void a_broken_link_is_seen(void **state)
{
	static const struct {
		const char *from, *to, *why;
		size_t n;
	} cases[] = {
		{ "Body", "Tody", "the body was changed", 2 },
		{ "subject:hello", "subject:hallo", "the signature does not fit the header", 2 },
		{ "mx1.example; spf=pass", "mx1.example; spf=fail",
		    "the signature does not fit the header", 2 },
		{ "mx2.example; spf=pass", "mx2.example; spf=fail",
		    "the signature does not fit the header", 2 },
		{ "arc-seal:i=2", "x-seal:i=2", "a set is not whole", 0 },
		{ "arc-message-signature:i=1", "x-signature:i=1", "a set is not whole", 0 },
		{ "arc-authentication-results:i=1", "x-results:i=1", "a set is not whole", 0 },
		{ "arc-seal:i=2", "arc-seal:i=1", "an instance stands twice", 0 },
		{ "arc-seal:i=2", "arc-seal:i=3", "a set is not whole", 0 },
		{ "arc-seal:i=2", "arc-seal:i=51", "i= is no instance", 0 },
		{ "arc-seal:i=2", "arc-seal:i=0", "i= is no instance", 0 },
		{ "arc-seal:i=2;", "arc-seal:i=2; h=from;", "a seal with h=", 0 },
		{ "cv=pass", "cv=none", "cv= does not fit the instance", 0 },
		{ "cv=none", "cv=pass", "cv= does not fit the instance", 0 },
		{ "cv=pass", "cv=fail", "the chain had failed before", 0 },
		{ "cv=pass", "cv=maybe", "cv= is none of none, pass, fail", 0 },
		{ "h=from:subject", "h=from:arc-seal", "h= names ARC-Seal", 0 },
		{ "arc-authentication-results:i=2;", "arc-authentication-results:x=2;",
		    "ARC-Authentication-Results without its instance", 0 },
		{ "arc-authentication-results:i=2;", "arc-authentication-results:i=51;",
		    "ARC-Authentication-Results without its instance", 0 },
	};
	struct buf m = BUF_INIT(65536);

	(void)state;
	sealed(&m);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf broken = BUF_INIT(65536);
		struct heard h;

		change(&m, cases[i].from, cases[i].to, &broken);
		h = check(buf_slice(&broken));
		if (h.state != ARC_FAIL || strcmp(h.why, cases[i].why) != 0 || h.n != cases[i].n)
			fail_msg("%s -> %s: %s (%s), %zu sets", cases[i].from, cases[i].to,
			    arc_state_name(h.state), h.why, h.n);
		buf_free(&broken);
	}
	buf_free(&m);
}

static void silence_is_no_verdict_and_mends_nothing(void **state) /* DNS-01 */
{
	struct buf m = BUF_INIT(65536), broken = BUF_INIT(65536);

	(void)state;
	sealed(&m);
	change(&m, "Body", "Tody", &broken);
	rows[0].value = NULL;
	rows[0].status = DNS_TEMPORARY;
	assert_int_equal(check(buf_slice(&m)).state, ARC_TEMPERROR);
	assert_int_equal(check(buf_slice(&broken)).state, ARC_FAIL);
	buf_reset(&broken);
	change(&m, "s=20261123r", "s=gone",
	    &broken); /* the last seal's; the last signature's is silent */
	assert_int_equal(check(buf_slice(&broken)).state, ARC_FAIL);
	fake.full = true;
	assert_int_equal(check(buf_slice(&m)).state, ARC_TEMPERROR);
	fake.full = false;
	rows[0].status = DNS_NO_NAME;
	assert_int_equal(
	    check(buf_slice(&m)).state, ARC_FAIL); /* a key that is gone is an answer */
	ours_rows(rows);
	buf_free(&m);
	buf_free(&broken);
}

static void cancelled_checks_stay_silent(void **state)
{
	struct bodyhash *body = bodyhash_new();
	struct arena *a = arena_new(0);
	struct buf m = BUF_INIT(65536);
	struct heard heard = { .calls = 0 };
	struct arc_verify *v;
	struct header h;

	(void)state;
	sealed(&m);
	header_parse(a, buf_slice(&m), &h);
	arc_verify_cancel(NULL);
	arc_verify_cancel(arc_verify_start(fake.loop, NULL, NULL, &h, body));
	v = arc_verify_start(fake.loop, NULL, NULL, &h, body);
	bodyhash_end(body);
	arc_verify_end(v, on_result, &heard);
	arc_verify_cancel(v);
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 0);
	assert_int_equal(fake.pending, 0);
	bodyhash_free(body);
	buf_free(&m);
	arena_free(a);
}

static int setup(void **state)
{
	(void)state;
	fake.loop = loop_new();
	if (!ours_make("example.org"))
		return (-1);
	ours_rows(rows);
	return (0);
}

static int done(void **state)
{
	(void)state;
	dkim_keys_free(ours.keys);
	loop_free(fake.loop);
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_chain_passes),
		cmocka_unit_test(a_broken_link_is_seen),
		cmocka_unit_test(silence_is_no_verdict_and_mends_nothing),
		cmocka_unit_test(cancelled_checks_stay_silent),
	};

	return (cmocka_run_group_tests(tests, setup, done));
}
