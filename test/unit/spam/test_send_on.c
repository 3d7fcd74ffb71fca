/* What a [[rule]] with action "forward" sends on, and what not, and in which words. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/mem.h"
#include "spam/send_on.h"
#include "spam/verdict.h"

static const char text[] =
    "hostname = \"mx.here.example\"\ndata = \"/tmp\"\n[tls]\ncertificate = \"c\"\nkey = \"k\"\n"
    "[domain.\"here.example\"]\n[account.ann]\naddresses = [\"ann@here.example\", \"a@here.example\"]\n"
    "[account.bob]\naddresses = [\"bob@here.example\"]\n[limits]\nhop = 5\n"
    "[[rule]]\nfrom = \"@far.example\"\naction = \"forward\"\nforward = [\"x@there.example\", \"bob@here.example\"]\n"
    "flag = \"$On\"\n";
static struct arena *arena;
static struct cfg *cfg;

static void on_fault(void *self, const char *fault)
{
	(void)self;
	fail_msg("%s", fault);
}

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	cfg = cfg_load_text("/etc/pennypost.toml", slice_of(text), on_fault, NULL);
	return (cfg == NULL);
}

static int teardown(void **state)
{
	(void)state;
	cfg_free(cfg);
	arena_free(arena);
	return (0);
}

static struct facts facts_of(const char *fields)
{
	struct mime *m = arena_alloc(arena, sizeof(*m));

	mime_parse(arena,
	    slice_of(arena_fmt(arena, "%sFrom: <z@far.example>\r\nSubject: x\r\n\r\nhello\r\n", fields)), m);
	return ((struct facts){ .arrived = 1795392000,
	    .peer = { .octets = { 192, 0, 2, 9 } },
	    .mail_from = SLICE("z@far.example"),
	    .from = SLICE("z@far.example"),
	    .rcpt = SLICE("ann@here.example"),
	    .account = "ann",
	    .mime = m,
	    .header = &m->parts[0].header });
}

static void what_speaks_against_it(void **state)
{
	static const char before[] = "it was in this account's mailbox before";
#define OURS "Received: from a (b [192.0.2.1])\r\n\tby mx.here.example with ESMTPS (TLS 1.3)\r\n\tid m-1\r\n\t"
#define HOP "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n"
	static const struct {
		const char *fields, *why;
	} cases[] = {
		{ "", NULL },
		{ "Delivered-To: ann@here.example\r\n", before },
		{ "Delivered-To: A+tag@HERE.example\r\n", before }, /* another address of the same account */
		{ "Delivered-To: bob@other.example\r\nDelivered-To: a@here.example\r\n", before },
		{ "Delivered-To: ann@else.example\r\n", NULL },
		{ "Delivered-To: nobody\r\n", NULL },
		{ "Delivered-To: X@there.example\r\n", "it comes from there" },
		{ OURS "for <ann@here.example>;\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\n", before },
		{ HOP OURS "for <a@here.example>; Mon, 1 Jan 2024 00:00:00 +0000\r\n", before },
		{ OURS "for <bob@here.example>;\r\n\tMon, 1 Jan 2024 00:00:00 +0000\r\n", NULL },
		{ "Received: by mx.here.example with ESMTPSA; Mon, 1 Jan 2024 00:00:00 +0000\r\n", NULL }, /* submitted here */
		{ "Received: by mx.else.example for <ann@here.example>;\r\n", NULL },
		{ "Received: by\r\nReceived: for\r\nReceived: by mx.here.example for <>;\r\n", NULL },
		{ HOP HOP HOP HOP, NULL },
		{ HOP HOP HOP HOP HOP, "it went through as many hosts as a message may" },
		{ "Auto-Submitted: auto-replied\r\n", "it is an automatic answer" },
		{ "Auto-Submitted: auto-generated\r\n", NULL }, /* an invoice */
		{ "Auto-Submitted: no\r\n", NULL },
		{ "Content-Type: multipart/report; boundary=x\r\n", "it is a report" },
		{ "Content-Type: multipart/mixed; boundary=x\r\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct facts f = facts_of(cases[i].fields);
		const char *why = send_on_against(arena, &f, cfg, cfg->rules);

		if (why == NULL || cases[i].why == NULL ? why != cases[i].why : strcmp(why, cases[i].why) != 0)
			fail_msg("%s: %s", cases[i].fields, why != NULL ? why : "goes on");
	}
}

static void what_was_found_out_speaks_against_it(void **state)
{
	struct facts f = facts_of("");

	(void)state;
	f.mail_from = SLICE("");
	assert_string_equal(send_on_against(arena, &f, cfg, cfg->rules), "it is a report");
	f = facts_of("");
	f.dmarc_fail = true; /* p=none too */
	assert_string_equal(send_on_against(arena, &f, cfg, cfg->rules), "it failed DMARC");
	f = facts_of("");
	f.dmarc_undecided = true;
	assert_string_equal(send_on_against(arena, &f, cfg, cfg->rules), "DMARC is not known");
	f = facts_of("");
	f.account = "bob"; /* one of the addresses is his */
	assert_string_equal(
	    send_on_against(arena, &f, cfg, cfg->rules), "the address is this account's own");
	f = facts_of("Delivered-To: ann@here.example\r\n");
	f.header = NULL;
	assert_null(send_on_against(arena, &f, cfg, cfg->rules)); /* not known: not against */
}

static void only_what_is_accepted_goes_on(void **state)
{
	struct cfg other = *cfg;
	struct facts f = facts_of("");
	struct verdict v;

	(void)state;
	verdict_judge(arena, &f, cfg, &v);
	assert_int_equal(v.act, VERDICT_ACCEPT);
	assert_ptr_equal(v.forward, cfg->rules);
	assert_string_equal(verdict_forward(&v), "x@there.example, bob@here.example");
	assert_string_equal(v.flag, "$On");
	assert_true(slice_find(v.why, SLICE("not forwarded")) == SIZE_MAX);
	other.score = (struct cfg_score){ -100, -50, 1000 };
	verdict_judge(arena, &f, &other, &v);
	assert_int_equal(v.act, VERDICT_JUNK);
	assert_null(v.forward);
	assert_true(slice_find(v.why, SLICE("not forwarded: the verdict is junk")) != SIZE_MAX);
	other.score = (struct cfg_score){ -100, 500, 1000 };
	verdict_judge(arena, &f, &other, &v); /* put off: also when it comes again */
	assert_int_equal(v.act, VERDICT_GREYLIST);
	assert_null(v.forward);
	other.score = (struct cfg_score){ -100, -100, -100 };
	verdict_judge(arena, &f, &other, &v);
	assert_int_equal(v.act, VERDICT_REJECT);
	assert_null(v.forward);
	f.dmarc_fail = true;
	verdict_judge(arena, &f, cfg, &v);
	assert_int_equal(v.act, VERDICT_ACCEPT);
	assert_null(v.forward);
	assert_null(verdict_forward(&v));
	assert_true(slice_find(v.why, SLICE("not forwarded: it failed DMARC")) != SIZE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_speaks_against_it),
		cmocka_unit_test(what_was_found_out_speaks_against_it),
		cmocka_unit_test(only_what_is_accepted_goes_on),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
