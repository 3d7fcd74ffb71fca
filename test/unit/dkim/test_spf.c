/* SPF at its edges: records that are none (AUT-18, AUT-19), both sides of every limit (AUT-17), what earns no trust (AUT-21), what
 * is explained (AUT-20), and the contract of starting and cancelling. The public suite plays the rest. */
#include "check.h"

#include "fake_dns.h"

#include <stdio.h>

#include "core/limits.h"
#include "dkim/spf_macro.h"
#include "dkim/spf_record.h"

struct heard {
	unsigned calls;
	enum spf_result result;
	unsigned lookups, voids;
	bool wide;
	char domain[300], mechanism[100], explanation[300];
};

static void on_result(void *self, const struct spf_answer *a)
{
	struct heard *h = self;

	h->calls++;
	h->result = a->result;
	h->lookups = a->lookups;
	h->voids = a->voids;
	h->wide = a->wide;
	(void)snprintf(h->domain, sizeof(h->domain), SLICE_FMT, SLICE_ARG(a->domain));
	(void)snprintf(h->mechanism, sizeof(h->mechanism), SLICE_FMT, SLICE_ARG(a->mechanism));
	(void)snprintf(
	    h->explanation, sizeof(h->explanation), SLICE_FMT, SLICE_ARG(a->explanation));
}

static struct heard check(
    const struct fake_row *rows, const char *ip, const char *domain, bool explain)
{
	struct spf_ask ask = { .helo = SLICE("mail.example"),
		.local = SLICE("user"),
		.domain = slice_of(domain),
		.receiver = "mx.here.example",
		.explain = explain };
	struct heard h = { .calls = 0 };

	fake.rows = rows;
	assert_true(ip_parse(slice_of(ip), &ask.ip));
	(void)spf_start(fake.loop, NULL, &ask, on_result, &h);
	assert_int_equal(h.calls, 0);
	loop_run(fake.loop);
	assert_int_equal(h.calls, 1);
	assert_int_equal(fake.pending, 0);
	return (h);
}

static enum spf_result of_record(const char *text)
{
	struct fake_row rows[] = { { "x.example", DNS_TXT, text, DNS_OK },
		{ NULL, DNS_A, NULL, DNS_OK } };

	return (check(rows, "192.0.2.1", "x.example", false).result);
}

static void records_are_whole_or_nothing(void **state)
{
	static const struct {
		const char *record;
		enum spf_result result;
	} cases[] = {
		{ "v=spf1", SPF_NEUTRAL },
		{ "V=SPF1 -ALL", SPF_FAIL },
		{ "v=spf10 -all", SPF_NONE },
		{ "v=spf1\t-all", SPF_NONE },
		{ "v=spf1 ip4:192.0.2.1 -all", SPF_PASS },
		{ "v=spf1 ip4:192.0.2.1/33 -all", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.0/024 -all", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2 -all", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 ip6:::/129", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 a:/0", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 exists:%{", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 exists:%{z}", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 exists:%{c}.x.example", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 exists:%{d0}.x.example", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 moo", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 all:x", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 redirect=a.example redirect=b.example", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 redirect=", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 moo=%{d}/x", SPF_PASS },
		{ "v=spf1 ip4:192.0.2.1 moo=%x", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 a:toplabel", SPF_PERMERROR },
		{ "v=spf1 ip4:192.0.2.1 a:x.123", SPF_PERMERROR },
		{ "v=spf1 ip6:::ffff:192.0.2.1 -all", SPF_FAIL },
		{ "v=spf1 ip4:192.0.2.1 \xc3\xbc", SPF_PERMERROR },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (of_record(cases[i].record) != cases[i].result)
			fail_msg(
			    "%s: %s", cases[i].record, spf_result_name(of_record(cases[i].record)));
}

static void two_records_are_an_error(void **state)
{
	static const struct fake_row rows[] = {
		{ "x.example", DNS_TXT, "v=spf1 +all", DNS_OK },
		{ "x.example", DNS_TXT, "v=spf1 -all", DNS_OK },
		{ NULL, DNS_A, NULL, DNS_OK },
	};

	(void)state;
	assert_int_equal(check(rows, "192.0.2.1", "x.example", false).result, SPF_PERMERROR);
}

static void a_record_has_a_longest(void **state)
{
	static char text[L_SPF_RECORD + 2];

	(void)state;
	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "v=spf1 -all", 11);
	text[L_SPF_RECORD] = '\0';
	assert_int_equal(of_record(text), SPF_FAIL);
	text[L_SPF_RECORD] = ' ';
	assert_int_equal(of_record(text), SPF_PERMERROR);
}

static void limits_have_two_sides(void **state)
{
	static const struct fake_row rows[] = {
		{ "t10.example", DNS_TXT,
		    "v=spf1 a:x.example a:x.example a:x.example a:x.example a:x.example "
		    "a:x.example "
		    "a:x.example a:x.example a:x.example a:x.example +all",
		    DNS_OK },
		{ "t11.example", DNS_TXT,
		    "v=spf1 a:x.example a:x.example a:x.example a:x.example a:x.example "
		    "a:x.example "
		    "a:x.example a:x.example a:x.example a:x.example a:x.example +all",
		    DNS_OK },
		{ "x.example", DNS_A, "198.51.100.1", DNS_OK },
		{ "v2.example", DNS_TXT, "v=spf1 a:n1.example exists:n2.example -all", DNS_OK },
		{ "v3.example", DNS_TXT, "v=spf1 a:n1.example exists:n2.example mx:n3.example +all",
		    DNS_OK },
		{ "loop.example", DNS_TXT, "v=spf1 include:loop.example +all", DNS_OK },
		{ "turn.example", DNS_TXT, "v=spf1 redirect=turn.example", DNS_OK },
		{ "inc.example", DNS_TXT, "v=spf1 include:none.example +all", DNS_OK },
		{ "red.example", DNS_TXT, "v=spf1 redirect=none.example", DNS_OK },
		{ "odd.example", DNS_TXT, "v=spf1 redirect=a..b.example", DNS_OK },
		{ "temp.example", DNS_TXT, "v=spf1 a:down.example +all", DNS_OK },
		{ "down.example", DNS_A, NULL, DNS_TEMPORARY },
		{ "gone.example", DNS_TXT, NULL, DNS_TEMPORARY },
		{ NULL, DNS_A, NULL, DNS_OK },
	};
	struct heard h;

	(void)state;
	h = check(rows, "192.0.2.1", "t10.example", false);
	assert_int_equal(h.result, SPF_PASS);
	assert_int_equal(h.lookups, 10);
	assert_int_equal(check(rows, "192.0.2.1", "t11.example", false).result, SPF_PERMERROR);
	h = check(rows, "192.0.2.1", "v2.example", false);
	assert_int_equal(h.result, SPF_FAIL);
	assert_int_equal(h.voids, 2);
	assert_int_equal(check(rows, "192.0.2.1", "v3.example", false).result, SPF_PERMERROR);
	fake.asked = 0;
	assert_int_equal(check(rows, "192.0.2.1", "loop.example", false).result, SPF_PERMERROR);
	assert_int_equal(fake.asked, 11);
	assert_int_equal(check(rows, "192.0.2.1", "turn.example", false).result, SPF_PERMERROR);
	assert_int_equal(check(rows, "192.0.2.1", "inc.example", false).result, SPF_PERMERROR);
	assert_int_equal(check(rows, "192.0.2.1", "red.example", false).result, SPF_PERMERROR);
	assert_int_equal(check(rows, "192.0.2.1", "odd.example", false).result, SPF_PERMERROR);
	assert_int_equal(check(rows, "192.0.2.1", "temp.example", false).result, SPF_TEMPERROR);
	assert_int_equal(check(rows, "192.0.2.1", "gone.example", false).result, SPF_TEMPERROR);
	assert_int_equal(check(rows, "192.0.2.1", "nowhere.example", false).result, SPF_NONE);
	fake.full = true;
	assert_int_equal(check(rows, "192.0.2.1", "t10.example", false).result, SPF_TEMPERROR);
	fake.full = false;
}

static void ten_mx_names_are_enough(void **state)
{
	static struct fake_row rows[15] = { { "x.example", DNS_TXT, "v=spf1 mx -all", DNS_OK },
		{ "m.example", DNS_A, "192.0.2.9", DNS_OK } };

	(void)state;
	for (size_t i = 2; i < 12; i++)
		rows[i] = (struct fake_row){ "x.example", DNS_MX,
			i == 11 ? "m.example" : "n.example", DNS_OK };
	assert_int_equal(check(rows, "192.0.2.9", "x.example", false).result, SPF_PASS);
	/* names without an IPv6 address do not void the record */
	assert_int_equal(check(rows, "2001:db8::1", "x.example", false).result, SPF_FAIL);
	rows[12] = rows[11];
	assert_int_equal(check(rows, "192.0.2.9", "x.example", false).result, SPF_PERMERROR);
}

static void questions_have_a_limit(void **state)
{
	static struct fake_row rows[15] = { { "five.example", DNS_TXT,
						"v=spf1 mx:x.example mx:x.example mx:x.example "
						"mx:x.example mx:x.example -all",
						DNS_OK },
		{ "six.example", DNS_TXT,
		    "v=spf1 mx:x.example mx:x.example mx:x.example mx:x.example mx:x.example "
		    "mx:x.example +all",
		    DNS_OK } };

	(void)state;
	for (size_t i = 2; i < 12; i++)
		rows[i] = (struct fake_row){ "x.example", DNS_MX, "n.example", DNS_OK };
	fake.asked = 0;
	assert_int_equal(check(rows, "192.0.2.9", "five.example", false).result, SPF_FAIL);
	assert_int_equal(fake.asked, 1 + 5 * 11);
	fake.asked = 0;
	assert_int_equal(check(rows, "192.0.2.9", "six.example", false).result, SPF_PERMERROR);
	assert_int_equal(fake.asked, L_SPF_QUESTIONS);
}

static void what_passes_everybody_earns_nothing(void **state)
{
	static const struct {
		const char *record;
		bool wide;
	} cases[] = {
		{ "v=spf1 +all", true },
		{ "v=spf1 ip4:128.0.0.0/1 -all", true },
		{ "v=spf1 ip4:192.0.0.0/7", true },
		{ "v=spf1 ip4:192.0.0.0/8", false },
		{ "v=spf1 ip4:192.0.2.0/24 +all", false },
		{ "v=spf1 include:open.example -all", true },
		{ "v=spf1 include:closed.example ip4:192.0.2.0/24 -all", false },
		{ "v=spf1 a:x.example/0 -all", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct fake_row rows[] = {
			{ "x.example", DNS_TXT, cases[i].record, DNS_OK },
			{ "x.example", DNS_A, "198.51.100.7", DNS_OK },
			{ "open.example", DNS_TXT, "v=spf1 +all", DNS_OK },
			{ "closed.example", DNS_TXT, "v=spf1 -all", DNS_OK },
			{ NULL, DNS_A, NULL, DNS_OK },
		};
		struct heard h = check(rows, "192.0.2.1", "x.example", false);

		assert_int_equal(h.result, SPF_PASS);
		if (h.wide != cases[i].wide)
			fail_msg("%s", cases[i].record);
		assert_false(check(rows, "192.0.2.1", "closed.example", false).wide);
	}
}

static void explanations_are_asked_for_and_short(void **state)
{
	static char text[600];
	struct fake_row rows[] = {
		{ "x.example", DNS_TXT, "v=spf1 -all exp=why.x.example", DNS_OK },
		{ "why.x.example", DNS_TXT, text, DNS_OK },
		{ NULL, DNS_A, NULL, DNS_OK },
	};

	(void)state;
	(void)snprintf(text, sizeof(text), "%%{i} may not, says %%{r}");
	fake.asked = 0;
	assert_string_equal(check(rows, "192.0.2.1", "x.example", false).explanation, "");
	assert_int_equal(fake.asked, 1);
	assert_string_equal(check(rows, "192.0.2.1", "x.example", true).explanation,
	    "192.0.2.1 may not, says mx.here.example");
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(
	    strlen(check(rows, "192.0.2.1", "x.example", true).explanation), L_SPF_TEXT);
	(void)snprintf(text, sizeof(text), "line\r\nbreak");
	assert_string_equal(check(rows, "192.0.2.1", "x.example", true).explanation, "");
	rows[1].value = NULL;
	rows[1].status = DNS_TEMPORARY;
	assert_int_equal(check(rows, "192.0.2.1", "x.example", true).result, SPF_FAIL);
}

static void macros_are_those_of_the_standard(void **state) /* RFC 7208 7.4 */
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "%{s}", "strong-bad@email.example.com" },
		{ "%{o}", "email.example.com" },
		{ "%{d}", "email.example.com" },
		{ "%{d4}", "email.example.com" },
		{ "%{d2}", "example.com" },
		{ "%{d1}", "com" },
		{ "%{dr}", "com.example.email" },
		{ "%{d2r}", "example.email" },
		{ "%{l}", "strong-bad" },
		{ "%{l-}", "strong.bad" },
		{ "%{lr}", "strong-bad" },
		{ "%{lr-}", "bad.strong" },
		{ "%{l1r-}", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net" },
		{ "%{d999999999999}", "email.example.com" },
		{ "%{S}", "strong-bad%40email.example.com" },
		{ "%%%_%-%{p}", "% %20unknown" },
	};
	struct ip ip;
	struct spf_macro_facts f = { .local = SLICE("strong-bad"),
		.sender_domain = SLICE("email.example.com"),
		.domain = SLICE("email.example.com"),
		.helo = SLICE("h"),
		.ip = &ip };

	(void)state;
	assert_true(ip_parse(SLICE("192.0.2.3"), &ip));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(1000);

		assert_true(spf_macro_ok(slice_of(cases[i].in), SPF_MACRO_VALUE));
		assert_int_equal(spf_macro_expand(&f, slice_of(cases[i].in), &out), 0);
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
	assert_true(spf_macro_asks(SLICE("x%{P}"), 'p'));
	assert_false(spf_macro_asks(SLICE("%%{p}"), 'p'));
}

static void the_null_sender_is_its_helo(void **state)
{
	static const struct fake_row rows[] = {
		{ "mail.example", DNS_TXT, "v=spf1 exists:%{l}.%{o} -all", DNS_OK },
		{ "postmaster.mail.example", DNS_A, "127.0.0.2", DNS_OK },
		{ NULL, DNS_A, NULL, DNS_OK },
	};
	struct spf_ask ask = { .helo = SLICE("Mail.Example"), .receiver = "mx" };
	struct heard h = { .calls = 0 };

	(void)state;
	fake.rows = rows;
	assert_true(ip_parse(SLICE("192.0.2.1"), &ask.ip));
	(void)spf_start(fake.loop, NULL, &ask, on_result, &h);
	loop_run(fake.loop);
	assert_int_equal(h.result, SPF_PASS);
	assert_string_equal(h.domain, "mail.example");
	assert_string_equal(h.mechanism, "exists:%{l}.%{o}");
	ask.helo = SLICE("[192.0.2.1]");
	(void)spf_start(fake.loop, NULL, &ask, on_result, &h);
	loop_run(fake.loop);
	assert_int_equal(h.result, SPF_NONE);
}

static void cancelled_checks_stay_silent(void **state)
{
	struct spf_ask ask = { .helo = SLICE("t.example"), .receiver = "mx" };
	struct heard h = { .calls = 0 };
	struct spf_check *c;

	(void)state;
	spf_cancel(NULL);
	spf_cancel(spf_start(fake.loop, NULL, &ask, on_result, &h)); /* before it asked */
	c = spf_start(fake.loop, NULL, &ask, on_result, &h);
	(void)loop_later(fake.loop, (void (*)(void *))spf_cancel, c); /* while it waits */
	loop_run(fake.loop);
	assert_int_equal(h.calls, 0);
	assert_int_equal(fake.pending, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_whole_or_nothing),
		cmocka_unit_test(two_records_are_an_error),
		cmocka_unit_test(a_record_has_a_longest),
		cmocka_unit_test(limits_have_two_sides),
		cmocka_unit_test(ten_mx_names_are_enough),
		cmocka_unit_test(questions_have_a_limit),
		cmocka_unit_test(what_passes_everybody_earns_nothing),
		cmocka_unit_test(explanations_are_asked_for_and_short),
		cmocka_unit_test(macros_are_those_of_the_standard),
		cmocka_unit_test(the_null_sender_is_its_helo),
		cmocka_unit_test(cancelled_checks_stay_silent),
	};

	return (cmocka_run_group_tests(tests, fake_begin, fake_end));
}
