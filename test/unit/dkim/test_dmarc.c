/* DMARC: what a record asks, where it is found, what is aligned, and what is left of it for one message. AUT-22, AUT-23, DNS-01. */
#include "check.h"

#include "fake_dns.h"

#include <stdio.h>

#include "dkim/dmarc.h"

static struct suffixes *suffixes;

static void records_ask(void **state)
{
	static const struct {
		const char *text;
		bool good;
		enum dmarc_policy p, sp, np;
		unsigned pct;
	} cases[] = {
		{ "v=DMARC1; p=none", true, DMARC_ASKS_NOTHING, DMARC_ASKS_NOTHING,
		    DMARC_ASKS_NOTHING, 100 },
		{ " v = DMARC1 ; p = reject ; pct=20 ;", true, DMARC_REJECT, DMARC_REJECT,
		    DMARC_REJECT, 20 },
		{ "v=DMARC1; p=quarantine; sp=none; np=reject", true, DMARC_QUARANTINE,
		    DMARC_ASKS_NOTHING, DMARC_REJECT, 100 },
		{ "v=DMARC1; p=Reject; sp=QUARANTINE", true, DMARC_REJECT, DMARC_QUARANTINE,
		    DMARC_QUARANTINE, 100 },
		{ "v=DMARC1; moo=x; ;p=reject; pct=101; ri=x", true, DMARC_REJECT, DMARC_REJECT,
		    DMARC_REJECT, 100 },
		{ "v=DMARC1; rua=mailto:a@b.example", true, DMARC_ASKS_NOTHING, DMARC_ASKS_NOTHING,
		    DMARC_ASKS_NOTHING, 100 },
		{ "v=DMARC1; p=moo; rua=mailto:a@b.example", true, DMARC_ASKS_NOTHING,
		    DMARC_ASKS_NOTHING, DMARC_ASKS_NOTHING, 100 },
		{ "v=DMARC1; p=reject; sp=moo; rua=mailto:a@b.example", true, DMARC_ASKS_NOTHING,
		    DMARC_ASKS_NOTHING, DMARC_ASKS_NOTHING, 100 },
		{ "v=DMARC1; p=moo", false, 0, 0, 0, 0 },
		{ "v=DMARC1", false, 0, 0, 0, 0 },
		{ "v=DMARC1; rua=nobody", false, 0, 0, 0, 0 },
		{ "v=DMARC1; p=reject; sp=moo", false, 0, 0, 0, 0 },
		{ "p=reject; v=DMARC1", false, 0, 0, 0, 0 },
		{ "v=dmarc1; p=reject", false, 0, 0, 0, 0 },
		{ "v=DMARC10; p=reject", false, 0, 0, 0, 0 },
		{ "V=DMARC1; p=reject", false, 0, 0, 0, 0 },
		{ "", false, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct dmarc_record r;
		bool good = dmarc_record_parse(a, slice_of(cases[i].text), &r);

		if (good != cases[i].good ||
		    (good &&
			(r.p != cases[i].p || r.sp != cases[i].sp || r.np != cases[i].np ||
			    r.pct != cases[i].pct)))
			fail_msg("%s", cases[i].text);
		arena_free(a);
	}
}

struct heard {
	unsigned calls;
	struct dmarc_result r;
	char domain[100];
};

struct facts {
	const char *spf, *dkim; /* domains that passed */
	bool temporary;         /* they did not pass: the DNS */
	unsigned sample;
	struct heard heard;
};

static void on_found(void *self, const struct dmarc_found *f)
{
	struct facts *t = self;
	struct dmarc_fact spf = { slice_of(t->spf), !t->temporary, t->temporary },
			  dkim = { slice_of(t->dkim), !t->temporary, t->temporary };

	t->heard.calls++;
	t->heard.r = dmarc_judge(f, suffixes, &spf, &dkim, 1, t->sample);
	(void)snprintf(t->heard.domain, sizeof(t->heard.domain), SLICE_FMT, SLICE_ARG(f->domain));
}

static const struct fake_row rows[] = {
	{ "_dmarc.bank.example", DNS_TXT, "v=DMARC1; p=reject; sp=quarantine; np=reject", DNS_OK },
	{ "www.bank.example", DNS_A, "192.0.2.1", DNS_OK },
	{ "_dmarc.strict.example", DNS_TXT, "v=DMARC1; p=quarantine; aspf=s; adkim=s", DNS_OK },
	{ "_dmarc.half.example", DNS_TXT, "v=DMARC1; p=reject; pct=50", DNS_OK },
	{ "_dmarc.try.example", DNS_TXT, "v=DMARC1; p=reject; t=y", DNS_OK },
	{ "_dmarc.none.example", DNS_TXT, "v=DMARC1; p=none", DNS_OK },
	{ "_dmarc.two.example", DNS_TXT, "v=DMARC1; p=reject", DNS_OK },
	{ "_dmarc.two.example", DNS_TXT, "v=DMARC1; p=none", DNS_OK },
	{ "_dmarc.two.bank.example", DNS_TXT, "v=DMARC1; p=reject", DNS_OK },
	{ "_dmarc.two.bank.example", DNS_TXT, "v=DMARC1; p=none", DNS_OK },
	{ "_dmarc.mixed.example", DNS_TXT, "some other text", DNS_OK },
	{ "_dmarc.mixed.example", DNS_TXT, "v=DMARC1; p=reject", DNS_OK },
	{ "_dmarc.co.uk", DNS_TXT, "v=DMARC1; p=none; np=reject; psd=y", DNS_OK },
	{ "a.co.uk", DNS_A, "192.0.2.1", DNS_OK },
	{ "_dmarc.com", DNS_TXT, "v=DMARC1; p=reject", DNS_OK }, /* no psd=y: not for others */
	{ "_dmarc.own.big.example", DNS_TXT, "v=DMARC1; p=reject; psd=n", DNS_OK },
	{ "_dmarc.down.example", DNS_TXT, NULL, DNS_TEMPORARY },
	{ "_dmarc.xn--mller-kva.example", DNS_TXT, "v=DMARC1; p=reject", DNS_OK },
	{ NULL, DNS_A, NULL, DNS_OK },
};

static struct heard judge(
    const char *from, const char *spf, const char *dkim, bool temporary, unsigned sample)
{
	struct facts t = { .spf = spf, .dkim = dkim, .temporary = temporary, .sample = sample };

	fake.rows = rows;
	fake.asked = 0;
	(void)dmarc_find_start(fake.loop, NULL, NULL, suffixes, slice_of(from), on_found, &t);
	assert_int_equal(t.heard.calls, 0);
	loop_run(fake.loop);
	assert_int_equal(t.heard.calls, 1);
	assert_int_equal(fake.pending, 0);
	assert_true(fake.asked <= 4);
	return (t.heard);
}

static void what_is_aligned_passes(void **state)
{
	static const struct {
		const char *from, *spf, *dkim;
		bool temporary;
		unsigned sample;
		enum dmarc_state result;
		enum dmarc_policy disposition;
	} cases[] = {
		{ "bank.example", "bank.example", "", false, 0, DMARC_PASS, DMARC_ASKS_NOTHING },
		{ "bank.example", "mail.bank.example", "", false, 0, DMARC_PASS,
		    DMARC_ASKS_NOTHING },
		{ "bank.example", "", "mail.bank.example", false, 0, DMARC_PASS,
		    DMARC_ASKS_NOTHING },
		{ "BANK.example", "", "bank.example", false, 0, DMARC_PASS, DMARC_ASKS_NOTHING },
		{ "bank.example", "xbank.example", "example", false, 0, DMARC_FAIL, DMARC_REJECT },
		{ "bank.example", "", "", false, 0, DMARC_FAIL, DMARC_REJECT },
		{ "www.bank.example", "", "", false, 0, DMARC_FAIL, DMARC_QUARANTINE },
		{ "no.bank.example", "", "", false, 0, DMARC_FAIL, DMARC_REJECT }, /* np= */
		{ "bank.example", "bank.example", "", true, 0, DMARC_TEMPERROR,
		    DMARC_ASKS_NOTHING },
		{ "bank.example", "", "bank.example", true, 0, DMARC_TEMPERROR,
		    DMARC_ASKS_NOTHING },
		{ "bank.example", "evil.example", "evil.example", true, 0, DMARC_FAIL,
		    DMARC_REJECT },
		{ "strict.example", "mail.strict.example", "mail.strict.example", false, 0,
		    DMARC_FAIL, DMARC_QUARANTINE },
		{ "strict.example", "strict.example", "", false, 0, DMARC_PASS,
		    DMARC_ASKS_NOTHING },
		{ "half.example", "", "", false, 49, DMARC_FAIL, DMARC_REJECT },
		{ "half.example", "", "", false, 50, DMARC_FAIL, DMARC_QUARANTINE },
		{ "try.example", "", "", false, 0, DMARC_FAIL, DMARC_QUARANTINE },
		{ "none.example", "", "", false, 0, DMARC_FAIL, DMARC_ASKS_NOTHING },
		{ "two.example", "", "", false, 0, DMARC_NONE, DMARC_ASKS_NOTHING },
		{ "two.bank.example", "", "", false, 0, DMARC_NONE,
		    DMARC_ASKS_NOTHING }, /* and no look at bank.example */
		{ "mixed.example", "", "", false, 0, DMARC_FAIL, DMARC_REJECT },
		{ "a.co.uk", "b.co.uk", "co.uk", false, 0, DMARC_FAIL, DMARC_ASKS_NOTHING },
		{ "b.co.uk", "", "", false, 0, DMARC_FAIL, DMARC_REJECT },
		{ "x.com", "", "", false, 0, DMARC_NONE, DMARC_ASKS_NOTHING },
		{ "own.big.example", "big.example", "", false, 0, DMARC_FAIL, DMARC_REJECT },
		{ "own.big.example", "x.own.big.example", "", false, 0, DMARC_PASS,
		    DMARC_ASKS_NOTHING },
		{ "down.example", "down.example", "", false, 0, DMARC_TEMPERROR,
		    DMARC_ASKS_NOTHING },
		{ "m\xc3\xbcller.example", "", "xn--mller-kva.example", false, 0, DMARC_PASS,
		    DMARC_ASKS_NOTHING },
		{ "evil.example(bank.example", "", "", false, 0, DMARC_PERMERROR,
		    DMARC_ASKS_NOTHING },
		{ "", "", "", false, 0, DMARC_PERMERROR, DMARC_ASKS_NOTHING },
		{ "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		  "a.a.a.a.a.a.a.a.a.a.a.a.a.a"
		  ".a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a."
		  "a.a.a.a.a.a.a.a.nowhere.example",
		    "", "", false, 0, DMARC_NONE, DMARC_ASKS_NOTHING },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct heard h = judge(cases[i].from, cases[i].spf, cases[i].dkim,
		    cases[i].temporary, cases[i].sample);

		if (h.r.state != cases[i].result || h.r.disposition != cases[i].disposition)
			fail_msg("%zu %s: %s %s", i, cases[i].from, dmarc_state_name(h.r.state),
			    dmarc_policy_name(h.r.disposition));
	}
	assert_string_equal(judge("www.bank.example", "", "", false, 0).domain, "bank.example");
}

static void cancelled_searches_stay_silent(void **state)
{
	struct facts t = { .spf = "" };
	struct dmarc_find *f;

	(void)state;
	dmarc_find_cancel(NULL);
	dmarc_find_cancel(
	    dmarc_find_start(fake.loop, NULL, NULL, suffixes, SLICE("bank.example"), on_found, &t));
	f = dmarc_find_start(fake.loop, NULL, NULL, suffixes, SLICE("bank.example"), on_found, &t);
	(void)loop_later(fake.loop, (void (*)(void *))dmarc_find_cancel, f);
	loop_run(fake.loop);
	assert_int_equal(t.heard.calls, 0);
	assert_int_equal(fake.pending, 0);
}

static int setup(void **state)
{
	struct err err;

	(void)state;
	fake.loop = loop_new();
	return ((suffixes = suffixes_open(NULL, &err)) != NULL ? 0 : -1);
}

static int done(void **state)
{
	(void)state;
	suffixes_free(suffixes);
	loop_free(fake.loop);
	return (0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_ask),
		cmocka_unit_test(what_is_aligned_passes),
		cmocka_unit_test(cancelled_searches_stay_silent),
	};

	return (cmocka_run_group_tests(tests, setup, done));
}
