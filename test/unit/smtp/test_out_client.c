/* Does the client say the right thing next, and believe only what may be believed? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "smtp/out_client.h"
#include "store/queue.h"

#define HI "220 hi\r\n"
#define EHLO                                                                                       \
	"250-x\r\n250-PIPELINING\r\n250-SIZE 5000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n"
#define PLAIN "250 x\r\n"

enum { BODY8 = 1, UTF8 = 2, TLS = 4, MUST_TLS = 8, AUTH = 16, TWO = 32 };

static const struct {
	const char *name;
	unsigned with;
	const char *host, *we; /* all that is said */
	enum client_end end;
	bool permanent;
	enum out_fate fate[2];
	const char *enhanced; /* of the first */
} cases[] = {
	{ "pipelined", TWO, HI EHLO "250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.6.0 taken\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me> SIZE=4000 RET=HDRS\r\nRCPT TO:<a@x>\r\nRCPT "
	    "TO:<b@x>\r\nDATA\r\n[body]QUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_SENT, OUT_SENT }, "2.6.0" },
	{ "one by one", TWO, HI PLAIN "250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n250 taken\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me>\r\nRCPT TO:<a@x>\r\nRCPT "
	    "TO:<b@x>\r\nDATA\r\n[body]QUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_FAILED, OUT_SENT }, "5.1.1" },
	{ "HELO", 0, HI "502 no\r\n250 old\r\n250 ok\r\n250 ok\r\n354 go\r\n451 4.3.1 full\r\n",
	    "EHLO me\r\nHELO me\r\nMAIL FROM:<s@me>\r\nRCPT TO:<a@x>\r\nDATA\r\n[body]QUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_RETRY }, "4.3.1" },
	{ "all refused: no DATA", TWO, HI EHLO "250 ok\r\n550 no\r\n450 later\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me> SIZE=4000 RET=HDRS\r\nRCPT TO:<a@x>\r\nRCPT "
	    "TO:<b@x>\r\nQUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_FAILED, OUT_RETRY }, "5.0.0" },
	{ "552 is too many", 0, HI PLAIN "250 ok\r\n552 x\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me>\r\nRCPT TO:<a@x>\r\nQUIT\r\n", CLIENT_SETTLED, false,
	    { OUT_RETRY }, "4.5.3" },
	{ "sender refused", TWO, HI PLAIN "550 5.7.1 no\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me>\r\nQUIT\r\n", CLIENT_SETTLED, false,
	    { OUT_FAILED, OUT_FAILED }, "5.7.1" },
	{ "TLS is demanded of us", 0, HI PLAIN "530 5.7.0 STARTTLS first\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me>\r\nQUIT\r\n", CLIENT_SETTLED, false, { OUT_RETRY },
	    "4.7.0" },
	{ "TLS is demanded at RCPT", TWO, HI PLAIN "250 ok\r\n530 5.7.0 TLS\r\n250 ok\r\n530 x\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me>\r\nRCPT TO:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nQUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_RETRY, OUT_RETRY }, "4.7.0" },
	{ "552 with a class of its own", 0, HI PLAIN "250 ok\r\n552 5.2.2 full\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me>\r\nRCPT TO:<a@x>\r\nQUIT\r\n", CLIENT_SETTLED, false,
	    { OUT_RETRY }, "4.2.2" },
	{ "banner 554", 0, "554 no\r\n", "QUIT\r\n", CLIENT_NEXT, true, { OUT_OPEN }, NULL },
	{ "banner 421", 0, "421 no\r\n", "QUIT\r\n", CLIENT_NEXT, false, { OUT_OPEN }, NULL },
	{ "banner 354", 0, "354 no\r\n", "", CLIENT_NEXT, false, { OUT_OPEN }, NULL },
	{ "code 2a0", 0, "2a0 x\r\n", "", CLIENT_NEXT, false, { OUT_OPEN }, NULL },
	{ "silent EHLO", 0, HI "250\r\n", "EHLO me\r\n", CLIENT_NEXT, false, { OUT_OPEN }, NULL },
	{ "354 to MAIL", 0, HI PLAIN "354 x\r\n", "EHLO me\r\nMAIL FROM:<s@me>\r\n", CLIENT_SETTLED,
	    false, { OUT_RETRY }, "4.4.2" },
	{ "334 to MAIL", 0, HI PLAIN "334 x\r\n", "EHLO me\r\nMAIL FROM:<s@me>\r\n", CLIENT_SETTLED,
	    false, { OUT_RETRY }, "4.4.2" },
	{ "250 to DATA", 0, HI PLAIN "250 ok\r\n250 ok\r\n250 x\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me>\r\nRCPT TO:<a@x>\r\nDATA\r\n", CLIENT_SETTLED, false,
	    { OUT_RETRY }, "4.4.2" },
	{ "554 to DATA", 0, HI PLAIN "250 ok\r\n250 ok\r\n554 5.6.0 x\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me>\r\nRCPT TO:<a@x>\r\nDATA\r\nQUIT\r\n", CLIENT_SETTLED,
	    false, { OUT_FAILED }, "5.6.0" },
	{ "too big", BODY8, HI "250-x\r\n250 SIZE 1000\r\n", "EHLO me\r\nQUIT\r\n", CLIENT_SETTLED,
	    false, { OUT_FAILED }, "5.3.4" },
	{ "no 8BITMIME", BODY8, HI PLAIN, "EHLO me\r\nQUIT\r\n", CLIENT_SETTLED, false,
	    { OUT_FAILED }, "5.6.3" },
	{ "8BITMIME", BODY8, HI EHLO "451 x\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me> SIZE=4000 BODY=8BITMIME RET=HDRS\r\nRCPT "
	    "TO:<a@x>\r\nQUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_RETRY }, "4.0.0" },
	{ "no SMTPUTF8", UTF8, HI "250-x\r\n250 8BITMIME\r\n", "EHLO me\r\nQUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_FAILED }, "5.6.7" },
	{ "SMTPUTF8", UTF8, HI EHLO "451 x\r\n",
	    "EHLO me\r\nMAIL FROM:<s@me> SIZE=4000 BODY=8BITMIME SMTPUTF8 RET=HDRS\r\nRCPT "
	    "TO:<a@x>\r\nQUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_RETRY }, "4.0.0" },
	{ "TLS, then all anew", TLS,
	    HI "250-x\r\n250-DSN\r\n250 STARTTLS\r\n"
	       "220 go\r\n" PLAIN "250 ok\r\n421 x\r\n",
	    "EHLO me\r\nSTARTTLS\r\n[tls]EHLO me\r\nMAIL FROM:<s@me>\r\nRCPT TO:<a@x>\r\nQUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_RETRY }, "4.0.0" },
	{ "TLS refused", TLS, HI "250-x\r\n250 STARTTLS\r\n454 no\r\n",
	    "EHLO me\r\nSTARTTLS\r\nQUIT\r\n", CLIENT_NO_TLS, false, { OUT_OPEN }, NULL },
	{ "TLS demanded", TLS | MUST_TLS, HI PLAIN, "EHLO me\r\nQUIT\r\n", CLIENT_NEXT, false,
	    { OUT_OPEN }, NULL },
	{ "password without TLS", AUTH, HI "250-x\r\n250 AUTH PLAIN\r\n", "EHLO me\r\nQUIT\r\n",
	    CLIENT_NEXT, false, { OUT_OPEN }, NULL },
	{ "AUTH LOGIN", AUTH | TLS,
	    HI "250-x\r\n250 STARTTLS\r\n220 go\r\n250-x\r\n250 AUTH LOGIN\r\n334 x\r\n334 "
	       "x\r\n235 in\r\n450 x\r\n",
	    "EHLO me\r\nSTARTTLS\r\n[tls]EHLO me\r\nAUTH LOGIN\r\ndQ==\r\ncA==\r\nMAIL "
	    "FROM:<s@me>\r\nQUIT\r\n",
	    CLIENT_SETTLED, false, { OUT_RETRY }, "4.0.0" },
	{ "AUTH refused", AUTH | TLS,
	    HI "250-x\r\n250 STARTTLS\r\n220 go\r\n250-x\r\n250 AUTH PLAIN\r\n535 5.7.8 no\r\n",
	    "EHLO me\r\nSTARTTLS\r\n[tls]EHLO me\r\nAUTH PLAIN AHUAcA==\r\nQUIT\r\n", CLIENT_NEXT,
	    false, { OUT_OPEN }, NULL },
};

struct talk {
	struct out_client *c;
	struct buf said;
};

static void flush(struct talk *t)
{
	buf_add_slice(&t->said, buf_slice(out_client_output(t->c)));
	buf_reset(out_client_output(t->c));
}

/* The host answers line by line, as it would. */
static void converse(struct talk *t, struct slice host)
{
	enum client_wants wants = CLIENT_READS;
	struct slice line;
	size_t used;

	while (wants != CLIENT_OVER && host.n > 0) {
		size_t at = slice_chr(host, '\n') + 1;

		line = slice_head(host, at);
		host = slice_from(host, at);
		wants = out_client_take(t->c, line, &used);
		assert_true(wants == CLIENT_OVER || used == line.n);
		flush(t);
		if (wants == CLIENT_TLS) {
			buf_addz(&t->said, "[tls]");
			wants = out_client_secured(t->c);
		} else if (wants == CLIENT_BODY) {
			buf_addz(&t->said, "[body]");
			out_client_sent(t->c);
		}
		flush(t);
	}
	if (wants != CLIENT_OVER)
		out_client_lost(t->c, "closed");
}

static void says_and_believes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct queue_envelope env = { .from = SLICE("s@me"),
			.smtputf8 = (cases[i].with & UTF8) != 0 };
		struct out_rcpt rcpts[2] = { { .address = SLICE("a@x") },
			{ .address = SLICE("b@x") } };
		struct client_job job = { .arena = arena_new(0),
			.helo = "me",
			.env = &env,
			.size = 4000,
			.rcpts = rcpts };
		struct talk t = { .said = BUF_INIT(65536) };

		job.n = (cases[i].with & TWO) != 0 ? 2 : 1;
		job.body_8bit = (cases[i].with & BODY8) != 0;
		job.header_8bit = (cases[i].with & UTF8) != 0;
		job.tls_wanted = (cases[i].with & TLS) != 0;
		job.tls_required = (cases[i].with & MUST_TLS) != 0;
		job.user = (cases[i].with & AUTH) != 0 ? "u" : NULL;
		job.password = "p";
		t.c = out_client_new(&job, false);
		converse(&t, slice_of(cases[i].host));
		if (!slice_eq(buf_slice(&t.said), slice_of(cases[i].we)) ||
		    out_client_end(t.c) != cases[i].end || rcpts[0].fate != cases[i].fate[0])
			print_message("%s: said %s\n", cases[i].name, buf_z(&t.said));
		assert_true(slice_eq(buf_slice(&t.said), slice_of(cases[i].we)));
		assert_int_equal(out_client_end(t.c), cases[i].end);
		assert_int_equal(out_client_permanent(t.c), cases[i].permanent);
		for (size_t k = 0; k < job.n; k++)
			assert_int_equal(rcpts[k].fate, cases[i].fate[k]);
		if (cases[i].enhanced != NULL)
			assert_string_equal(rcpts[0].enhanced, cases[i].enhanced);
		out_client_free(t.c);
		buf_free(&t.said);
		arena_free(job.arena);
	}
}

/* 530 behind TLS: a mail exchanger wants logins, so this is not its mail; a smarthost wants a login
 * that the owner forgot, and then it is the owner's to correct. */
static void a_login_demanded_is_final_but_of_the_smarthost(void **state)
{
	(void)state;
	for (int smarthost = 0; smarthost < 2; smarthost++) {
		struct queue_envelope env = { .from = SLICE("s@me") };
		struct out_rcpt rcpt = { .address = SLICE("a@x") };
		struct client_job job = { .arena = arena_new(0),
			.helo = "me",
			.env = &env,
			.rcpts = &rcpt,
			.n = 1,
			.smarthost = smarthost == 1 };
		struct talk t = { .said = BUF_INIT(65536), .c = out_client_new(&job, true) };

		converse(&t, SLICE("220 hi\r\n250 x\r\n530 5.7.0 log in\r\n"));
		assert_int_equal(out_client_end(t.c), CLIENT_SETTLED);
		assert_int_equal(rcpt.fate, smarthost == 1 ? OUT_RETRY : OUT_FAILED);
		assert_string_equal(rcpt.enhanced, smarthost == 1 ? "4.7.0" : "5.7.0");
		out_client_free(t.c);
		buf_free(&t.said);
		arena_free(job.arena);
	}
}

static void what_follows_220_before_the_handshake_is_not_believed(void **state)
{
	struct queue_envelope env = { .from = SLICE("s@me") };
	struct out_rcpt rcpt = { .address = SLICE("a@x") };
	struct client_job job = { .arena = arena_new(0),
		.helo = "me",
		.env = &env,
		.rcpts = &rcpt,
		.n = 1,
		.tls_wanted = true };
	struct out_client *c = out_client_new(&job, false);
	size_t used;

	(void)state;
	assert_int_equal(
	    out_client_take(c, SLICE(HI "250-x\r\n250 STARTTLS\r\n"), &used), CLIENT_READS);
	assert_int_equal(out_client_take(c, SLICE("220 go\r\n250 evil\r\n"), &used), CLIENT_OVER);
	assert_int_equal(out_client_end(c), CLIENT_NO_TLS);
	out_client_free(c);
	arena_free(job.arena);
}

static void an_early_acceptance_is_none_and_an_early_refusal_is_one(void **state)
{
	static const struct {
		struct slice host;
		enum out_fate fate;
	} early[] = { { SLICE_INIT("250 taken\r\n"), OUT_RETRY },
		{ SLICE_INIT("552 5.3.4 big\r\n"), OUT_FAILED },
		{ SLICE_INIT("421 x\r\n"), OUT_RETRY } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(early); i++) {
		struct queue_envelope env = { .from = SLICE("s@me") };
		struct out_rcpt rcpt = { .address = SLICE("a@x") };
		struct client_job job = {
			.arena = arena_new(0), .helo = "me", .env = &env, .rcpts = &rcpt, .n = 1
		};
		struct out_client *c = out_client_new(&job, false);
		size_t used;

		assert_int_equal(
		    out_client_take(c, SLICE(HI PLAIN "250 ok\r\n250 ok\r\n354 go\r\n"), &used),
		    CLIENT_BODY);
		buf_reset(out_client_output(c));
		assert_int_equal(out_client_take(c, early[i].host, &used), CLIENT_OVER);
		assert_int_equal(rcpt.fate, early[i].fate);
		assert_int_equal(out_client_output(c)->n, 0); /* it would be content */
		out_client_free(c);
		arena_free(job.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_and_believes),
		cmocka_unit_test(a_login_demanded_is_final_but_of_the_smarthost),
		cmocka_unit_test(what_follows_220_before_the_handshake_is_not_believed),
		cmocka_unit_test(an_early_acceptance_is_none_and_an_early_refusal_is_one),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
