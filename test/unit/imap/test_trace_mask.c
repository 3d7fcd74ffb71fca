/* Is what both sides say written down without its secrets, however it is cut into pieces? */
#include "check.h"

#include "core/mem.h"
#include "imap/trace_mask.h"

struct said {
	const char *client, *server; /* one of them */
};

static void add(void *self, enum mask_who who, struct slice line)
{
	(void)buf_addz(self, who == MASK_CLIENT ? "C " : "S ");
	(void)buf_add_slice(self, line);
	(void)buf_addc(self, '|');
}

static const struct {
	const char *name;
	struct said said[8];
	const char *shown;
} cases[] = {
	{ "plain", { { "a NOOP\r\n", 0 }, { 0, "a OK done\r\n" } }, "C a NOOP|S a OK done|" },
	{ "login", { { "a login ann \"SECRET\"\r\nb NOOP\r\n", 0 } },
	    "C a login ***|C b NOOP|" },
	{ "login, blanks", { { " a   LOGIN\tann SECRET\r\n", 0 } }, "C  a   LOGIN ***|" },
	{ "login without a tag", { { "LOGIN ann SECRET\r\n", 0 } }, "C LOGIN ***|" },
	{ "login by literals",
	    { { "a LOGIN {3}\r\n", 0 }, { 0, "+ Go\r\n" }, { "ANN {6+}\r\nSECRET\r\nb NOOP\r\n", 0 } },
	    "C a LOGIN ***|S + Go|C ***|C ***|C b NOOP|" },
	{ "authenticate",
	    { { "a AUTHENTICATE PLAIN\r\n", 0 }, { 0, "+ \r\n" }, { "SECRET\r\n", 0 },
		{ 0, "+ \r\n" }, { "SECRET\r\n", 0 }, { 0, "a BAD no\r\n" }, { "b NOOP\r\n", 0 } },
	    "C a AUTHENTICATE ***|S + |C ***|S + |C ***|S a BAD no|C b NOOP|" },
	{ "authenticate with a response", { { "a AUTHENTICATE PLAIN SECRET\r\n", 0 } },
	    "C a AUTHENTICATE ***|" },
	{ "idle", { { "a IDLE\r\n", 0 }, { 0, "+ Idling\r\n* 1 EXISTS\r\n" }, { "DONE\r\n", 0 },
		{ 0, "a OK\r\n" } },
	    "C a IDLE|S + Idling|S * 1 EXISTS|C DONE|S a OK|" },
	{ "append, leave given",
	    { { "a APPEND x {6}\r\n", 0 }, { 0, "+ Go\r\n" }, { "SECRET\r\nb NOOP\r\n", 0 } },
	    "C a APPEND x {6 octets}|S + Go|C |C b NOOP|" },
	{ "append, refused",
	    { { "a APPEND x {6}\r\n", 0 }, { 0, "* OK wait\r\na NO\r\n" }, { "b NOOP\r\n", 0 } },
	    "C a APPEND x {6 octets}|S * OK wait|S a NO|C b NOOP|" },
	{ "append at once", { { "a APPEND x ~{06+}\r\nSECRET {3+}\r\nSEC)\r\nb NOOP\r\n", 0 } },
	    "C a APPEND x ~{6+ octets}|C  {3+ octets}|C )|C b NOOP|" },
	{ "empty literal", { { "a X {0+}\r\n y\r\nb LOGIN SECRET\r\n", 0 } },
	    "C a X {0+ octets}|C  y|C b LOGIN ***|" },
	{ "a name by literal", { { "a {5+}\r\nLOGIN ann SECRET\r\nb NOOP\r\n", 0 } },
	    "C a ***|C ***|C b NOOP|" },
	{ "fetch", { { 0, "* 1 FETCH (BODY[] {6}\r\nSECRET X {6}\r\nSECRET)\r\na OK\r\n" } },
	    "S * 1 FETCH (BODY[] {6 octets}|S  X {6 octets}|S )|S a OK|" },
	{ "text that looks like a literal",
	    { { 0, "* NO what {9}\r\n* 1 FETCH (BODY[] {6}\r\nSECRET)\r\n" } },
	    "S * NO what {9}|S * 1 FETCH (BODY[] {6 octets}|S )|" },
	{ "octets", { { "a X \x1b[1m\xc3\xa4\n", 0 } }, "C a X \\x1b[1m\\xc3\\xa4|" },
};

static void shows_no_secret_at_any_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t cut = 1; cut < 32; cut++) {
			struct buf out = BUF_INIT(4096);
			struct mask m;

			mask_init(&m, false, add, &out);
			for (size_t k = 0; k < COUNT_OF(cases[i].said); k++) {
				const struct said *s = &cases[i].said[k];
				struct slice all = slice_of(s->client != NULL ? s->client : s->server);

				for (; all.n > 0; all = slice_from(all, cut))
					mask_take(&m, s->client != NULL ? MASK_CLIENT : MASK_SERVER,
					    slice_head(all, cut));
			}
			assert_string_equal(buf_z(&out), cases[i].shown);
			assert_null(strstr(buf_z(&out), "SEC"));
			mask_done(&m);
			buf_free(&out);
		}
	}
}

static void a_long_line_is_cut(void **state)
{
	struct buf out = BUF_INIT(65536), line = BUF_INIT(65536);
	struct mask m;

	(void)state;
	mask_init(&m, true, add, &out);
	mask_take(&m, MASK_CLIENT, SLICE("DONE\r\na X "));
	for (unsigned i = 0; i < 10000; i++)
		(void)buf_addc(&line, 'x');
	mask_take(&m, MASK_CLIENT, buf_slice(&line));
	mask_take(&m, MASK_CLIENT, SLICE(" {6+}\r\nSECRET\r\n"));
	assert_true(slice_starts(buf_slice(&out), SLICE("C DONE|C a X xxx")));
	assert_true(slice_ends(buf_slice(&out), SLICE(" octets more]{6+ octets}|C |")));
	assert_true(out.n < 4300);
	mask_done(&m);
	buf_free(&line);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_no_secret_at_any_cut),
		cmocka_unit_test(a_long_line_is_cut),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
