/* Can a report be read by the same parsers that read everything, and does it hold nothing that a
 * peer injected? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/secret.h"
#include "msg/header.h"
#include "smtp/out_int.h"

static struct slice write_one(
    struct buf *out, const struct dsn_rcpt *rcpts, size_t n, struct slice message, bool utf8)
{
	struct dsn d = { .hostname = "mail.here.test",
		.domain = SLICE("here.test"),
		.to = SLICE("ann@here.test"),
		.envid = SLICE("a+2Bb+0D+0AX-Evil"),
		.queue_id = "abc",
		.arrived = 1000,
		.now = 2000,
		.rcpts = rcpts,
		.n = n,
		.message = message,
		.utf8 = utf8 };

	assert_int_equal(out_dsn_write(&d, out), 0);
	return (buf_slice(out));
}

static size_t count(struct slice s, struct slice needle)
{
	size_t n = 0, at;

	while ((at = slice_find(s, needle)) != SIZE_MAX) {
		n++;
		s = slice_from(s, at + needle.n);
	}
	return (n);
}

static void each_recipient_is_told(void **state)
{
	static const struct dsn_rcpt rcpts[] = {
		{ .action = DSN_FAILED,
		    .address = SLICE_INIT("a@x.test"),
		    .orcpt = SLICE_INIT("rfc822;o+2Bp@x.test"),
		    .status = "5.1.1",
		    .reply = SLICE_INIT("550 5.1.1 no"),
		    .remote = "mx.x.test" },
		{ .action = DSN_NONE, .address = SLICE_INIT("quiet@x.test"), .status = "2.0.0" },
		{ .action = DSN_DELAYED,
		    .address = SLICE_INIT("b@x.test"),
		    .status = "4.4.1",
		    .reply = SLICE_INIT("timeout"),
		    .until = 90000 },
		{ .action = DSN_RELAYED,
		    .address = SLICE_INIT("c@x.test"),
		    .status = "2.0.0",
		    .reply = SLICE_INIT("250 ok"),
		    .remote = "mx.x.test" },
	};
	struct buf out = BUF_INIT(DSN_MAX);
	struct arena *a = arena_new(0);
	struct slice s =
	    write_one(&out, rcpts, COUNT_OF(rcpts), SLICE("Subject: x\r\n\r\n"), false);
	struct header h;

	(void)state;
	header_parse(a, s, &h);
	assert_true(h.has_blank && !h.ended_by_junk);
	assert_int_equal(header_check(a, &h, 50, NULL), 0);
	assert_true(slice_eq(header_value(a, &h, SLICE("To")), SLICE("<ann@here.test>")));
	assert_true(slice_eq(header_value(a, &h, SLICE("Auto-Submitted")), SLICE("auto-replied")));
	assert_int_equal(count(s, SLICE("\r\nFinal-Recipient: rfc822; ")), 3);
	assert_int_equal(count(s, SLICE("\r\nOriginal-Recipient: rfc822; o+p@x.test\r\n")), 1);
	assert_int_equal(count(s, SLICE("\r\nDiagnostic-Code: smtp; 550 5.1.1 no\r\n")), 1);
	assert_int_equal(count(s, SLICE("\r\nAction: delayed\r\n")), 1);
	assert_int_equal(count(s, SLICE("\r\nWill-Retry-Until: ")), 1);
	assert_int_equal(count(s, SLICE("quiet@x.test")), 0);
	assert_int_equal(count(s, SLICE("\nX-Evil")), 0); /* what xtext hid stays in its line */
	assert_int_equal(count(s, SLICE("\r\nOriginal-Envelope-Id: a+b??X-Evil\r\n")), 1);
	buf_free(&out);
	arena_free(a);
}

static void what_the_peer_said_stays_one_line(void **state)
{
	char said[2000];
	struct dsn_rcpt r = { .action = DSN_FAILED,
		.address = SLICE("a\r\nX: y@x.test"),
		.status = "5.0.0",
		.remote = "mx\r\nX: y" };
	struct buf out = BUF_INIT(DSN_MAX);
	struct slice s, line;

	(void)state;
	for (size_t i = 0; i < sizeof(said); i++)
		said[i] = (char)(i % 256);
	r.reply = (struct slice){ said, sizeof(said) };
	s = write_one(&out, &r, 1, SLICE("Subject: gr\xc3\xbc\xc3\x9f\x65\r\n"), true);
	assert_int_equal(count(s, SLICE("\nX: y")), 0);
	assert_int_equal(count(s, SLICE("\r\nContent-Type: message/global-headers\r\n")), 1);
	while (slice_cut(s, '\n', &line, &s)) {
		assert_true(line.n < 600);
		assert_true(slice_ends(line, SLICE("\r")));
		assert_true(slice_chr(slice_head(line, line.n - 1), '\r') == SIZE_MAX &&
		    slice_chr(line, '\0') == SIZE_MAX);
	}
	buf_free(&out);
}

static void later_tries_are_patient(void **state)
{
	static const int64_t delays[] = { 300, 600, 1200, 2400, 3600, 7200, 14400, 14400, 14400 };
	int64_t total = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT_OF(delays); i++) {
		assert_int_equal(out_backoff(i, 0), delays[i]);
		assert_in_range(out_backoff(i, 0xffff), delays[i], delays[i] + delays[i] / 10);
	}
	for (unsigned i = 0; total < L_QUEUE_SECONDS; i++) {
		total += out_backoff(i, 0);
		assert_true(i < 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_recipient_is_told),
		cmocka_unit_test(what_the_peer_said_stays_one_line),
		cmocka_unit_test(later_tries_are_patient),
	};

	return (secret_init() == -1 ? 1 : cmocka_run_group_tests(tests, NULL, NULL));
}
