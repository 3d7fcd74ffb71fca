/* Does the reader find the ends of commands, whatever the pieces, and refuse before it keeps? */
#include "check.h"

#include "imap/token.h"

struct told {
	enum reader_event ev;
	const char *text; /* COMMAND, MESSAGE: the text; FAULT, CLOSE: how the fault begins */
};

static void play(
    const struct reader_limits *limits, struct slice in, size_t piece, const struct told *want)
{
	struct reader r;
	size_t at = 0, used;

	reader_init(&r, limits);
	while (at < in.n) {
		enum reader_event ev =
		    reader_take(&r, slice_head(slice_from(in, at), piece), &used);

		at += used;
		if (ev == READER_MORE)
			continue;
		assert_int_equal(ev, want->ev);
		if (ev == READER_COMMAND || ev == READER_MESSAGE) {
			assert_int_equal(reader_text(&r).n, strlen(want->text));
			assert_memory_equal(reader_text(&r).p, want->text, strlen(want->text));
		} else if (ev == READER_FAULT || ev == READER_CLOSE)
			assert_true(slice_starts(slice_of(r.fault), slice_of(want->text)));
		want++;
		if (ev == READER_CLOSE || ev == READER_MESSAGE)
			break;
		if (ev != READER_CONTINUE)
			reader_next(&r);
	}
	assert_null(want->text);
	reader_done(&r);
}

#define CASE(lit, ...)                                                                             \
	{                                                                                          \
		SLICE_INIT(lit),                                                                   \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
static const struct {
	struct slice in;
	struct told want[8];
} cases[] = {
	CASE("a NOOP\r\n", { READER_COMMAND, "a NOOP" }),
	CASE("a NOOP\r\nb NOOP\r\n", { READER_COMMAND, "a NOOP" }, { READER_COMMAND, "b NOOP" }),
	CASE("\r\n", { READER_COMMAND, "" }),
	CASE("a LOGIN {3}\r\nbob {2+}\r\nxy\r\n", { READER_CONTINUE, "" },
	    { READER_COMMAND, "a LOGIN {3}\r\nbob {2+}\r\nxy" }),
	CASE("a LOGIN {0}\r\n {0+}\r\n\r\n", { READER_CONTINUE, "" },
	    { READER_COMMAND, "a LOGIN {0}\r\n {0+}\r\n" }),
	CASE("a X {4}\r\n\r\n{9\r\n", { READER_CONTINUE, "" },
	    { READER_COMMAND, "a X {4}\r\n\r\n{9" }),
	/* no literal: no number, or inside quotes, or not at the end */
	CASE("a X {}\r\n", { READER_COMMAND, "a X {}" }),
	CASE("a X {1} y\r\n", { READER_COMMAND, "a X {1} y" }),
	CASE("a X \"{1}\"\r\n", { READER_COMMAND, "a X \"{1}\"" }),
	CASE("a X \"{1}\r\n", { READER_CLOSE, "BAD" }),
	CASE("a X \"x\r\nb NOOP\r\n", { READER_FAULT, "BAD" }, { READER_COMMAND, "b NOOP" }),
	/* line ends */
	CASE("a NOOP\nb NOOP\r\n", { READER_FAULT, "BAD" }, { READER_COMMAND, "b NOOP" }),
	CASE("a NO\rOP\r\nb NOOP\r\n", { READER_FAULT, "BAD" }, { READER_COMMAND, "b NOOP" }),
	CASE("a NO\0P\r\nb NOOP\r\n", { READER_FAULT, "BAD" }, { READER_COMMAND, "b NOOP" }),
	CASE("a\0{3+}\r\nabc\r\n", { READER_CLOSE, "BAD" }),
	/* parentheses count outside of quotes, and closing ones give back */
	CASE("a X ()()()()()(((())))\r\n", { READER_COMMAND, "a X ()()()()()(((())))" }),
	CASE("a X \"(((((((\"\r\n", { READER_COMMAND, "a X \"(((((((\"" }),
	CASE("a X ((((()))))\r\nb Y\r\n", { READER_FAULT, "BAD" }, { READER_COMMAND, "b Y" }),
	/* sizes */
	CASE("a X {8193}\r\nb Y\r\n", { READER_FAULT, "NO [TOOBIG]" }, { READER_COMMAND, "b Y" }),
	CASE("a X {99999999999999999999999}\r\n", { READER_FAULT, "NO [TOOBIG]" }),
	CASE("a X {8193+}\r\n", { READER_CLOSE, "NO [TOOBIG]" }),
	CASE("a X {2}\r\n\0\0\r\n", { READER_CONTINUE, "" }, { READER_CLOSE, "BAD" }),
};

static void finds_the_ends_of_commands(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece < 12; piece++)
			play(&reader_before_login, cases[i].in, piece, cases[i].want);
}

static void stops_before_the_message_of_append(void **state)
{
	static const struct told asks[] = { { READER_MESSAGE, "a APPEND INBOX (\\Seen) " },
		{ 0, NULL } };
	static const struct told eight[] = { { READER_MESSAGE, "a aPPend x " }, { 0, NULL } };
	static const struct told named[] = { { READER_CONTINUE, "" },
		{ READER_MESSAGE, "a APPEND {1}\r\nx " }, { 0, NULL } };

	(void)state;
	for (size_t piece = 1; piece < 40; piece += 3) {
		play(&reader_after_login, SLICE("a APPEND INBOX (\\Seen) {99999999}\r\nxx"), piece,
		    asks);
		play(&reader_after_login, SLICE("a aPPend x ~{5+}\r\nxx"), piece, eight);
		play(&reader_after_login, SLICE("a APPEND {1}\r\nx {5}\r\nxx"), piece, named);
	}
}

static void keeps_no_more_than_its_limit(void **state)
{
	struct reader r;
	struct slice x = SLICE("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	size_t used;

	(void)state;
	reader_init(&r, &reader_before_login);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(reader_take(&r, x, &used), READER_MORE);
		assert_int_equal(used, x.n);
	}
	assert_true(r.text.cap <= 4 * reader_before_login.total);
	assert_int_equal(reader_take(&r, SLICE("\r\n"), &used), READER_FAULT);
	reader_done(&r);
}

static void both_sides_of_the_line_limit(void **state)
{
	struct buf b = BUF_INIT(100000);
	struct reader r;
	size_t used;

	(void)state;
	for (size_t extra = 0; extra < 2; extra++) {
		buf_reset(&b);
		for (size_t i = 0; i < reader_after_login.line - 1 + extra;
		     i++) /* the CR counts, the LF does not */
			(void)buf_addc(&b, 'x');
		(void)buf_addz(&b, "\r\n");
		reader_init(&r, &reader_after_login);
		assert_int_equal(reader_take(&r, buf_slice(&b), &used),
		    extra == 0 ? READER_COMMAND : READER_FAULT);
		reader_done(&r);
	}
	buf_free(&b);
}

static void knows_tags(void **state)
{
	static const char *const good[] = { "a", "A1", "a.b-c]", "x}" };
	static const char *const bad[] = { "", "*", "+", "a+", "a(", "a{", "a\"", "a%", "a\x80",
		"a b" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(reader_is_tag(slice_of(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(reader_is_tag(slice_of(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_ends_of_commands),
		cmocka_unit_test(stops_before_the_message_of_append),
		cmocka_unit_test(keeps_no_more_than_its_limit),
		cmocka_unit_test(both_sides_of_the_line_limit),
		cmocka_unit_test(knows_tags),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
