/* The front: all checks of one message in parallel, one result, and what is written of it. AUT-01, AUT-05, AUT-09, DNS-01, AUT-25. */
#include "check.h"

#include "signed.h"

#include "core/limits.h"
#include "core/secret.h"
#include "dkim/auth.h"
#include "dkim/sign.h"

enum { NOW = 1795406400 };

static struct {
	struct suffixes *suffixes;
	struct fake_row rows[12];
} it;

static void world(void)
{
	static const struct fake_row rows[] = {
		{ "bank.example", DNS_TXT, "v=spf1 ip4:192.0.2.1 -all", DNS_OK },
		{ "_dmarc.bank.example", DNS_TXT, "v=DMARC1; p=reject", DNS_OK },
		{ "evil.example", DNS_TXT, "v=spf1 +all", DNS_OK },
		{ "mail.bank.example", DNS_TXT, "v=spf1 a -all", DNS_OK },
		{ "mail.bank.example", DNS_A, "192.0.2.1", DNS_OK },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		it.rows[i] = rows[i];
	ours_rows(&it.rows[COUNT_OF(rows)]);
	fake.rows = it.rows;
}

static int setup(void **state)
{
	struct err err;

	(void)state;
	fake.loop = loop_new();
	if (secret_init() == -1 || !ours_make("bank.example") ||
	    (it.suffixes = suffixes_open(NULL, &err)) == NULL)
		return (-1);
	world();
	return (0);
}

static int done(void **state)
{
	(void)state;
	dkim_keys_free(ours.keys);
	suffixes_free(it.suffixes);
	loop_free(fake.loop);
	return (0);
}

struct heard {
	unsigned calls;
	const struct dkim_auth_result *r;
};

static void on_result(void *self, const struct dkim_auth_result *r)
{
	struct heard *h = self;

	h->calls++;
	h->r = r;
}

static const struct dkim_auth_result *check(
    struct arena *arena, struct slice message, const char *ip, const char *helo, const char *from)
{
	struct arena *theirs = arena_new(0); /* gone before the check is over */
	struct dkim_auth_ask ask = { .helo = arena_dup(theirs, slice_of(helo)),
		.hostname = arena_strdup(theirs, SLICE("mx.here.example")) };
	struct heard heard = { .calls = 0 };
	struct dkim_auth *a;
	struct header h;

	assert_true(ip_parse(slice_of(ip), &ask.ip));
	(void)slice_cut(arena_dup(theirs, slice_of(from)), '@', &ask.local, &ask.domain);
	a = dkim_auth_start(arena, fake.loop, NULL, it.suffixes, &ask, NOW);
	arena_free(theirs);
	header_parse(arena, message, &h);
	dkim_auth_header(a, &h);
	for (struct slice rest = slice_from(message, h.size); rest.n > 0;
	     rest = slice_from(rest, 7))
		dkim_auth_body(a, slice_head(rest, 7));
	dkim_auth_end(a, on_result, &heard);
	assert_int_equal(heard.calls, 0);
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 1);
	assert_int_equal(fake.pending, 0);
	return (heard.r);
}

#define MESSAGE                                                                                    \
	"From: Bank <a@bank.example>\r\nTo: b@here.example\r\nSubject: hello\r\n\r\nBody.\r\n"

static void sign(struct buf *out)
{
	struct slice m = SLICE(MESSAGE);

	assert_int_equal(dkim_sign(ours.keys, m, NOW, out, NULL), 0);
	(void)buf_add_slice(out, m);
}

static void all_is_said_at_once(void **state)
{
	struct buf m = BUF_INIT(65536), out = BUF_INIT(8192);
	struct arena *a = arena_new(0);
	const struct dkim_auth_result *r;
	const char *shown;
	char b_of_first[8];
	size_t at;

	(void)state;
	sign(&m);
	at = slice_find(buf_slice(&m), SLICE("b="));
	while (m.p[at - 1] != ' ' && m.p[at - 1] != '\t')
		at += 2 + slice_find(slice_from(buf_slice(&m), at + 2), SLICE("b="));
	memcpy(b_of_first, m.p + at + 2, sizeof(b_of_first));
	r = check(a, buf_slice(&m), "192.0.2.1", "mail.bank.example", "a@bank.example");
	buf_free(&m); /* nothing of the result is in it */
	assert_int_equal(r->helo.result, SPF_PASS);
	assert_int_equal(r->mail_from.result, SPF_PASS);
	assert_int_equal(r->signatures_n, 2);
	assert_int_equal(r->signatures[0].result, DKIM_PASS);
	assert_int_equal(r->dmarc.state, DMARC_PASS);
	assert_true(r->dmarc.spf_aligned && r->dmarc.dkim_aligned);
	assert_int_equal(r->arc, ARC_NONE);
	assert_int_equal(dkim_auth_write(&out, r), 0);
	assert_non_null(strstr(buf_z(&out),
	    "Authentication-Results: "
	    "mx.here.example;\r\n\tspf=pass\r\n\tsmtp.helo=mail.bank.example;"
	    "\r\n\tspf=pass\r\n\tsmtp.mailfrom=a@bank.example;\r\n\tdkim=pass\r\n\theader.d=bank."
	    "example"));
	assert_non_null(strstr(buf_z(&out),
	    "\r\n\theader.i=@bank.example\r\n\theader.s=20261123r\r\n\theader.a=rsa-sha256"));
	shown = strstr(buf_z(&out), "\r\n\theader.b=");
	assert_non_null(shown);
	shown += strlen("\r\n\theader.b=");
	shown += *shown == '"' ? 1 : 0;
	assert_int_equal(strcspn(shown, "\";\r"), 8); /* RFC 6008 */
	assert_memory_equal(shown, b_of_first, 8);
	assert_non_null(strstr(buf_z(&out),
	    ";\r\n\tdmarc=pass\r\n\theader.from=bank.example\r\n\tpolicy.dmarc=reject\r\n"));
	buf_reset(&out);
	assert_int_equal(dkim_auth_write_received_spf(&out, r), 0);
	assert_string_equal(buf_z(&out),
	    "Received-SPF: pass "
	    "receiver=mx.here.example;\r\n\tidentity=mailfrom;\r\n\tclient-ip=\"192.0.2.1\";"
	    "\r\n\thelo=\"mail.bank.example\";\r\n\tenvelope-from=\"a@bank.example\";"
	    "\r\n\tmechanism=\"ip4:192.0.2.1\"\r\n");
	buf_free(&out);
	arena_free(a);
}

static void what_is_forged_fails(void **state)
{
	static const struct {
		const char *ip, *helo, *from;
		enum spf_result mail_from;
		enum dmarc_state dmarc;
	} cases[] = {
		{ "192.0.2.1", "mail.bank.example", "", SPF_PASS,
		    DMARC_PASS }, /* the null sender is its HELO */
		{ "192.0.2.9", "mail.bank.example", "", SPF_FAIL, DMARC_FAIL },
		{ "192.0.2.9", "evil.example", "x@evil.example", SPF_PASS, DMARC_FAIL },
		{ "192.0.2.9", "evil.example", "x@nothere.bank.example", SPF_NONE,
		    DMARC_FAIL }, /* AUT-01 */
		{ "192.0.2.1", "mail.bank.example", "x@evil.example", SPF_PASS,
		    DMARC_FAIL }, /* HELO is not what counts */
		{ "192.0.2.9", "evil.example", "x@bank.example", SPF_FAIL, DMARC_FAIL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		const struct dkim_auth_result *r =
		    check(a, SLICE(MESSAGE), cases[i].ip, cases[i].helo, cases[i].from);

		if (r->mail_from.result != cases[i].mail_from || r->dmarc.state != cases[i].dmarc)
			fail_msg("case %zu: spf %s, dmarc %s", i,
			    spf_result_name(r->mail_from.result), dmarc_state_name(r->dmarc.state));
		assert_int_equal(r->dmarc.disposition,
		    cases[i].dmarc == DMARC_FAIL ? DMARC_REJECT : DMARC_ASKS_NOTHING);
		arena_free(a);
	}
}

static void a_message_of_nobody_is_permerror(void **state)
{
	static const struct slice messages[] = {
		SLICE_INIT("Subject: x\r\n\r\n"),
		SLICE_INIT("From: a@bank.example\r\nFrom: b@evil.example\r\n\r\n"),
		SLICE_INIT("From: a@bank.example, b@evil.example\r\n\r\n"),
		SLICE_INIT("From: nobody\r\n\r\n"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(messages); i++) {
		struct arena *a = arena_new(0);

		assert_int_equal(
		    check(a, messages[i], "192.0.2.1", "mail.bank.example", "a@bank.example")
			->dmarc.state,
		    DMARC_PERMERROR);
		arena_free(a);
	}
}

static void a_black_out_is_no_verdict(void **state) /* DNS-01 */
{
	struct buf m = BUF_INIT(65536);
	struct arena *a = arena_new(0);
	const struct dkim_auth_result *r;

	(void)state;
	sign(&m);
	for (size_t i = 0; it.rows[i].name != NULL; i++)
		if (strcmp(it.rows[i].name, "_dmarc.bank.example") != 0) {
			it.rows[i].value = NULL;
			it.rows[i].status = DNS_TEMPORARY;
		}
	r = check(a, buf_slice(&m), "192.0.2.1", "mail.bank.example", "a@bank.example");
	assert_int_equal(r->mail_from.result, SPF_TEMPERROR);
	assert_int_equal(r->signatures[0].result, DKIM_TEMPERROR);
	assert_int_equal(
	    r->dmarc.state, DMARC_TEMPERROR); /* and a record with reject was had: 451 */
	assert_int_equal(r->dmarc.policy, DMARC_REJECT);
	it.rows[1].value = NULL;
	it.rows[1].status = DNS_TEMPORARY;
	r = check(a, buf_slice(&m), "192.0.2.1", "mail.bank.example", "a@bank.example");
	assert_int_equal(r->dmarc.state, DMARC_TEMPERROR);
	assert_int_equal(r->dmarc.policy, DMARC_ASKS_NOTHING);
	fake.full = true;
	r = check(a, buf_slice(&m), "192.0.2.1", "mail.bank.example", "a@bank.example");
	assert_int_equal(r->dmarc.state, DMARC_TEMPERROR);
	fake.full = false;
	world();
	buf_free(&m);
	arena_free(a);
}

static void what_is_not_looked_at_is_told(void **state)
{
	struct buf m = BUF_INIT(65536), out = BUF_INIT(8192);
	struct arena *a = arena_new(0);
	const struct dkim_auth_result *r;

	(void)state;
	for (int i = 0; i <= L_DKIM; i++)
		(void)buf_addz(&m, "DKIM-Signature: rubbish\r\n");
	(void)buf_addz(&m, "ARC-Seal: rubbish\r\n" MESSAGE);
	r = check(a, buf_slice(&m), "192.0.2.1", "mail.bank.example", "a@bank.example");
	assert_int_equal(r->signatures_n, L_DKIM);
	assert_int_equal(r->signatures_ignored, 1);
	assert_int_equal(r->arc, ARC_FAIL);
	assert_int_equal(dkim_auth_write(&out, r), 0);
	assert_non_null(strstr(buf_z(&out), "more signatures than are looked at"));
	assert_non_null(strstr(buf_z(&out), "\tarc=fail"));
	buf_free(&m);
	buf_free(&out);
	arena_free(a);
}

static void a_strangers_words_stay_inside(void **state) /* AUT-25 */
{
	struct arena *a = arena_new(0);
	struct buf out = BUF_INIT(8192);
	const struct dkim_auth_result *r = check(
	    a, SLICE(MESSAGE), "192.0.2.9", "he\r\nX-Evil: 1;(\"\\", "x;\r\n y\"\\@evil.example");
	size_t lines = 0, fields = 0;

	(void)state;
	assert_int_equal(dkim_auth_write(&out, r), 0);
	assert_int_equal(dkim_auth_write_received_spf(&out, r), 0);
	assert_null(strstr(buf_z(&out), "\nX-Evil"));
	for (size_t i = 0; i + 1 < out.n; i++)
		if (out.p[i] == '\n') {
			lines++;
			fields += out.p[i + 1] != '\t';
		}
	assert_true(lines > 5);
	assert_int_equal(fields, 1); /* where the second field begins */
	buf_free(&out);
	arena_free(a);
}

/* L-DNS: a forger's own records may ask for all there is, and what protects the name in From is still found out. */
static void nobody_asks_the_dns_for_all(void **state)
{
	enum { MX = 5, HOSTS = 10, ROWS = MX * HOSTS + 40 };
	struct dns_budget budget = { .left = L_DNS_MESSAGE };
	struct dkim_auth_ask ask = { .helo = SLICE("greedy.example"),
		.local = SLICE("x"),
		.domain = SLICE("greedy.example"),
		.hostname = "mx",
		.budget = &budget };
	struct arena *arena = arena_new(0);
	struct fake_row *rows = arena_array(arena, ROWS, sizeof(*rows));
	struct heard heard = { .calls = 0 };
	struct buf m = BUF_INIT(65536);
	struct dkim_auth *a;
	struct header h;
	size_t n = 0;

	(void)state;
	while (it.rows[n].name != NULL) {
		rows[n] = it.rows[n];
		n++;
	}
	rows[n++] = (struct fake_row){ "greedy.example", DNS_TXT,
		"v=spf1 mx:m0.example mx:m1.example mx:m2.example mx:m3.example mx:m4.example +all",
		DNS_OK };
	for (unsigned i = 0; i < MX * HOSTS; i++)
		rows[n++] = (struct fake_row){ arena_fmt(arena, "m%u.example", i / HOSTS), DNS_MX,
			arena_fmt(arena, "h%u.example", i), DNS_OK };
	for (unsigned i = 0; i < L_DKIM; i++) /* keys that are not there are asked for too */
		(void)buf_fmt(&m,
		    "DKIM-Signature: v=1; a=rsa-sha256; d=k%u.example; s=s; h=from; "
		    "bh=AAAAAAAAAAAAAAAAAAAAA"
		    "AAAAAAAAAAAAAAAAAAAAAA=; b=AAAA\r\n",
		    i);
	(void)buf_addz(&m, MESSAGE);
	fake.rows = rows;
	fake.asked = 0;
	assert_true(ip_parse(SLICE("192.0.2.9"), &ask.ip));
	a = dkim_auth_start(arena, fake.loop, NULL, it.suffixes, &ask, NOW);
	loop_run(fake.loop); /* SPF has come to its end */
	assert_int_equal(fake.asked, L_DNS_MESSAGE - L_DNS_KEEP_SPF);
	header_parse(arena, buf_slice(&m), &h);
	dkim_auth_header(a, &h);
	dkim_auth_body(a, slice_from(buf_slice(&m), h.size));
	dkim_auth_end(a, on_result, &heard);
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 1);
	assert_int_equal(heard.r->mail_from.result, SPF_PERMERROR);
	assert_int_equal(heard.r->helo.result, SPF_PERMERROR);
	for (size_t i = 0; i < heard.r->signatures_n; i++)
		assert_int_equal(heard.r->signatures[i].result, DKIM_PERMERROR);
	assert_int_equal(heard.r->signatures_n, L_DKIM);
	assert_int_equal(heard.r->dmarc.state, DMARC_FAIL);
	assert_int_equal(heard.r->dmarc.disposition, DMARC_REJECT);
	assert_in_range(fake.asked, 1, L_DNS_MESSAGE);
	/* Of a message whose budget is gone nothing is known, and no verdict made of it. */
	budget.left = 0;
	a = dkim_auth_start(arena, fake.loop, NULL, it.suffixes, &ask, NOW);
	dkim_auth_header(a, &h);
	dkim_auth_end(a, on_result, &heard);
	fake.asked = 0;
	loop_run(fake.loop);
	assert_int_equal(heard.r->signatures[0].result, DKIM_TEMPERROR);
	assert_int_equal(heard.r->dmarc.state, DMARC_TEMPERROR);
	assert_int_equal(fake.asked, 0);
	assert_true(budget.denied > 0);
	world();
	buf_free(&m);
	arena_free(arena);
}

static void cancelled_checks_stay_silent(void **state)
{
	struct dkim_auth_ask ask = { .helo = SLICE("mail.bank.example"),
		.domain = SLICE("bank.example"),
		.hostname = "mx" };
	struct arena *arena = arena_new(0);
	struct heard heard = { .calls = 0 };
	struct dkim_auth *a;
	struct header h;

	(void)state;
	dkim_auth_cancel(NULL);
	dkim_auth_cancel(dkim_auth_start(arena, fake.loop, NULL, it.suffixes, &ask, NOW));
	a = dkim_auth_start(arena, fake.loop, NULL, it.suffixes, &ask, NOW);
	header_parse(arena, SLICE(MESSAGE), &h);
	dkim_auth_header(a, &h);
	dkim_auth_cancel(a);
	a = dkim_auth_start(arena, fake.loop, NULL, it.suffixes, &ask, NOW);
	dkim_auth_header(a, &h);
	dkim_auth_end(a, on_result, &heard);
	dkim_auth_cancel(a);
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 0);
	assert_int_equal(fake.pending, 0);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_said_at_once),
		cmocka_unit_test(what_is_forged_fails),
		cmocka_unit_test(a_message_of_nobody_is_permerror),
		cmocka_unit_test(a_black_out_is_no_verdict),
		cmocka_unit_test(what_is_not_looked_at_is_told),
		cmocka_unit_test(a_strangers_words_stay_inside),
		cmocka_unit_test(nobody_asks_the_dns_for_all),
		cmocka_unit_test(cancelled_checks_stay_silent),
	};

	return (cmocka_run_group_tests(tests, setup, done));
}
