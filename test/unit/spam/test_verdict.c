/* Facts to verdict: the numbers decide, rules give small points, what is unknown gives none. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "core/mem.h"
#include "msg/date.h"
#include "core/clock.h"
#include "spam/verdict.h"

static const struct cfg_score numbers = { 4, 6, 15 };
static struct arena *arena;
static char good[512];

static int setup(void **state)
{
	struct buf b = BUF_INIT(sizeof(good) - 1);

	(void)state;
	arena = arena_new(0);
	(void)buf_addz(&b,
	    "From: Ann <ann@example.org>\r\nTo: me@example.net\r\nSubject: lunch\r\n"
	    "Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nDate: ");
	(void)date_write(&b, clock_wall());
	(void)buf_addz(&b, "\r\n");
	memcpy(good, b.p, b.n);
	good[b.n] = '\0';
	buf_free(&b);
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return (0);
}

static struct verdict judge(const char *message, struct facts f, const struct cfg_score *n)
{
	struct mime *m = arena_alloc(arena, sizeof(*m));
	struct verdict v;

	mime_parse(arena, slice_of(message), m);
	f.mime = m;
	f.header = &m->parts[0].header;
	verdict_judge(arena, &f, &(struct cfg){ .score = *n }, &v);
	return (v);
}

static bool fired(const struct verdict *v, const char *rule)
{
	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->points[i].rule, rule) == 0)
			return (true);
	return (false);
}

static void an_honest_message_has_no_points(void **state)
{
	struct verdict v =
	    judge(arena_fmt(arena, "%s\r\nShall we eat?\r\n", good), (struct facts){ 0 }, &numbers);

	(void)state;
	assert_int_equal(v.act, VERDICT_ACCEPT);
	assert_int_equal(v.n, 0);
	assert_true(v.score == 0);
	assert_null(v.reply);
	assert_true(slice_eq(v.why, SLICE("score 0.0")));
}

static void each_rule_sees_its_sign(void **state)
{
	static const struct {
		const char *rule, *head, *body;
	} cases[] = {
		{ "gtube", "",
		    "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X" },
		{ "html-only", "Content-Type: text/html\r\n",
		    "<p>hello, a text of some length</p>" },
		{ "false-link", "Content-Type: text/html\r\n",
		    "<a href=\"http://evil.example/x\">http://www.bank.example/</a>" },
		{ "bad-attachment",
		    "Content-Type: application/octet-stream; name=\"bill.pdf.exe\"\r\n", "MZ" },
		{ "text-in-base64",
		    "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n",
		    "aGVsbG8=" },
		{ "ambiguous-mime", "Content-Type: text/plain\r\nContent-Type: text/html\r\n",
		    "x" },
	};
	static const struct {
		const char *rule, *message;
	} headers[] = {
		{ "no-date", "From: a@b.example\r\n\r\n" },
		{ "date-off", "Date: Mon, 1 Jan 1990 00:00:00 +0000\r\n\r\n" },
		{ "date-off", "Date: soon\r\n\r\n" },
		{ "no-message-id", "From: a@b.example\r\n\r\n" },
		{ "bad-message-id", "Message-ID: 12345\r\n\r\n" },
		{ "bad-message-id", "Message-ID: <@x>\r\n\r\n" },
		{ "no-to", "From: a@b.example\r\n\r\n" },
		{ "caps-subject", "Subject: EARN MONEY FAST TODAY\r\n\r\n" },
		{ "subject-gap", "Subject: cheap loans               xq7\r\n\r\n" },
		{ "mixed-words", "Subject: p\xd0\xb0ypal\r\n\r\n" },
		{ "name-is-address", "From: \"service@bank.example\" <x@evil.example>\r\n\r\n" },
		{ "name-is-address", "From: \"service@bank.example\" <x@evilbank.example>\r\n\r\n" },
		{ "raw-8bit", "Subject: \xe4\xe4 hello\r\n\r\n" },
	};
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		v = judge(arena_fmt(arena, "%s%s\r\n%s\r\n", good, cases[i].head, cases[i].body),
		    (struct facts){ 0 }, &numbers);
		if (!fired(&v, cases[i].rule))
			fail_msg("%s: %.*s", cases[i].rule, SLICE_ARG(v.why));
	}
	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		v = judge(headers[i].message, (struct facts){ 0 }, &numbers);
		if (!fired(&v, headers[i].rule))
			fail_msg("%s: %.*s", headers[i].rule, SLICE_ARG(v.why));
	}
}

static void what_is_honest_is_left_alone(void **state)
{
	static const struct {
		const char *rule, *message;
	} cases[] = {
		{ "name-is-address", "From: \"a@bank.example\" <a@mail.bank.example>\r\n\r\n" },
		{ "name-is-address", "From: \"Ann @ work\" <a@b.example>\r\n\r\n" },
		{ "caps-subject", "Subject: RE: NASA\r\n\r\n" },
		{ "mixed-words",
		    "Subject: hello \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\r\n\r\n" },
		{ "raw-8bit",
		    "Subject: gr\xc3\xbc\xc3\x9f"
		    "e\r\n\r\n" },
		{ "no-to", "Cc: x@y.example\r\n\r\n" },
		{ "helo-bare", "X: y\r\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct verdict v = judge(
		    cases[i].message, (struct facts){ .helo = SLICE("[192.0.2.1]") }, &numbers);

		if (fired(&v, cases[i].rule))
			fail_msg("%s: %.*s", cases[i].rule, SLICE_ARG(v.why));
	}
}

static void the_numbers_decide(void **state)
{
	struct cfg_score off = { INFINITY, INFINITY, INFINITY };
	struct facts sure = { .has_bayes = true, .bayes = 1, .bayes_confidence = 1 };
	const char *gtube =
	    "Subject: "
	    "x\r\n\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n";
	const char *plain = arena_fmt(arena, "%s\r\nhi\r\n", good);
	struct verdict v;

	(void)state;
	v = judge(gtube, (struct facts){ 0 }, &numbers);
	assert_int_equal(v.act, VERDICT_REJECT);
	assert_non_null(v.reply);
	assert_int_equal(judge(gtube, (struct facts){ 0 }, &off).act, VERDICT_ACCEPT);
	v = judge(plain, sure, &numbers);
	assert_int_equal(
	    v.act, VERDICT_JUNK); /* 6.5: the classifier alone may junk, never reject */
	sure.bayes_confidence = 0.5;
	assert_int_equal(judge(plain, sure, &numbers).act, VERDICT_ACCEPT);
	sure = (struct facts){ .has_bayes = true, .bayes = 0, .bayes_confidence = 1 };
	assert_true(judge(plain, sure, &numbers).score == -3);
	sure.has_bayes = false;
	assert_int_equal(judge(plain, sure, &numbers).n, 0);
	assert_int_equal(judge(plain, (struct facts){ .early_talker = FACT_YES }, &numbers).n, 1);
	/* a friend's address is worth something only when it was proved */
	assert_int_equal(
	    judge(plain, (struct facts){ .known_correspondent = FACT_YES }, &numbers).n, 0);
	assert_true(
	    judge(plain, (struct facts){ .known_correspondent = FACT_YES, .aligned = FACT_YES },
		&numbers)
		.score < 0);
}

static void lists_count_what_the_owner_says_and_are_named(void **state)
{
	struct cfg_dnsbl address = { .zone = SLICE("bl.example"), .action = ACTION_SCORE },
			 name = { .zone = SLICE("rhs.example"),
				 .kind = LIST_NAME,
				 .action = ACTION_SCORE },
			 link = { .zone = SLICE("uri.example"),
				 .kind = LIST_URI,
				 .action = ACTION_SCORE };
	const struct listed listed[] = {
		{ &address, SLICE("192.0.2.9"), { .octets = { 127, 0, 0, 4 } }, 3 },
		{ &name, SLICE("spam.example"), { .octets = { 127, 0, 1, 2 } }, 2 },
		{ &link, SLICE("evil.example"), { .octets = { 127, 0, 0, 8 } }, 1.5 },
	};
	const char *message = arena_fmt(arena, "%s\r\nhello\r\n", good);
	struct facts f = { .listed = listed, .listed_n = COUNT_OF(listed) };
	struct cfg cfg = { .score = numbers };
	struct verdict v = judge(message, f, &numbers);

	(void)state;
	assert_true(fired(&v, "listed-address") && fired(&v, "listed-name") &&
	    fired(&v, "listed-uri"));
	assert_int_equal(v.score * 10, 65);
	assert_int_equal(v.act, VERDICT_JUNK);
	assert_true(slice_find(v.why, SLICE("listed by bl.example (127.0.0.4): 192.0.2.9")) !=
	    SIZE_MAX);
	assert_true(slice_find(v.why, SLICE("listed by uri.example (127.0.0.8): evil.example")) !=
	    SIZE_MAX);
	/* Refused for its score: told by which list, and not how many points. */
	v = judge(message, f, &(struct cfg_score){ 4, 5, 6 });
	assert_int_equal(v.act, VERDICT_REJECT);
	assert_non_null(strstr(v.reply, "192.0.2.9 is listed by bl.example"));
	assert_null(strstr(v.reply, "score"));
	/* Only told. */
	name.action = link.action = address.action = ACTION_TAG;
	v = judge(message, f, &numbers);
	assert_true(v.score < 0.1 && v.act == VERDICT_ACCEPT);
	assert_true(slice_find(v.why, SLICE("listed by rhs.example")) != SIZE_MAX);
	/* Refused outright, whatever the score; an address already after RCPT. */
	link.action = ACTION_REJECT;
	v = judge(message, f, &numbers);
	assert_int_equal(v.act, VERDICT_REJECT);
	assert_non_null(strstr(v.reply, "evil.example is listed by uri.example"));
	link.action = ACTION_JUNK;
	v = judge(message, f, &numbers);
	assert_int_equal(v.act, VERDICT_JUNK);
	f.sender_known = FACT_NO;
	cfg.filter.dnsbls = &address;
	assert_false(verdict_may_refuse(&cfg));
	assert_false(verdict_refuses(arena, &f, &cfg, &v));
	address.action = ACTION_REJECT;
	assert_true(verdict_may_refuse(&cfg));
	assert_true(verdict_filtered(&f, &cfg));
	assert_true(verdict_refuses(arena, &f, &cfg, &v));
	assert_int_equal(v.code, 550);
	assert_non_null(strstr(v.reply, "192.0.2.9 is listed by bl.example"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_message_has_no_points),
		cmocka_unit_test(each_rule_sees_its_sign),
		cmocka_unit_test(what_is_honest_is_left_alone),
		cmocka_unit_test(the_numbers_decide),
		cmocka_unit_test(lists_count_what_the_owner_says_and_are_named),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
