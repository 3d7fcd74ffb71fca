/* log: one event, one line, whatever a peer sent; nothing waits for a slow reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"

static void keep(void *self, struct slice line)
{
	struct buf *b = self;

	buf_reset(b);
	(void)buf_add_slice(b, line);
}

/* The line behind its time: the level and the rest. */
static const char *rest(struct buf *b)
{
	const char *z = buf_z(b);

	assert_true(b->n > 25 && z[23] == 'Z' && z[24] == ' ');
	return (z + 25);
}

static void values_are_escaped(void **state)
{
	static const struct {
		const char *value, *shown;
	} cases[] = {
		{ "<a@b.example>", "<a@b.example>" }, { "two words", "\"two words\"" },
		{ "", "\"\"" }, { "a=b", "\"a=b\"" }, { "say \"x\"", "\"say \\\"x\\\"\"" },
		{ "back\\slash", "back\\\\slash" }, { "a\r\nb", "\"a\\r\\nb\"" },
		{ "\033[31m", "\"\\x1b[31m\"" }, { "\x7f", "\\x7f" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
		{ "\xc2\x85x", "\\u0085x" },     /* C1: next line */
		{ "\xe2\x80\xaex", "\\u202ex" }, /* right to left from here */
		{ "\xe2\x80\xa8x", "\\u2028x" }, /* line separator */
		{ "\xff\xfe", "\\xff\\xfe" },    /* not UTF-8 */
		{ "\xc0\xaf", "\\xc0\\xaf" },    /* overlong */
		{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },   /* surrogate */
		{ "\xe2\x82", "\\xe2\\x82" },            /* cut short */
		{ "\xf3\xa0\x80\x81x", "\\U000e0001x" }, /* tag character */
	};
	struct buf got = BUF_INIT(65536);

	(void)state;
	log_sink(keep, &got);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char want[200];

		log_event(LOG_INFO, "s-19c4", "smtp-in accept", "v", cases[i].value, "skipped",
		    NULL, "n", "1", NULL);
		(void)snprintf(
		    want, sizeof(want), "info s-19c4 smtp-in accept v=%s n=1", cases[i].shown);
		assert_string_equal(rest(&got), want);
	}
	log_sink(NULL, NULL);
	buf_free(&got);
}

static void long_values_are_cut(void **state)
{
	struct buf got = BUF_INIT(65536), value = BUF_INIT(65536);

	(void)state;
	for (size_t i = 0; i < 20000; i++)
		(void)buf_addc(&value, i % 2 == 0 ? 'x' : '\n');
	log_sink(keep, &got);
	log_event(LOG_INFO, NULL, "e", "v", buf_z(&value), "after", "1", NULL);
	assert_true(got.n < L_LOG + 60);
	assert_true(slice_ends(buf_slice(&got), SLICE("...\" after=1")));
	assert_int_equal(slice_chr(buf_slice(&got), '\n'), SIZE_MAX);
	log_sink(NULL, NULL);
	buf_free(&got);
	buf_free(&value);
}

static void sentences_stay_on_one_line(void **state)
{
	struct buf got = BUF_INIT(65536);

	(void)state;
	log_sink(keep, &got);
	log_text(LOG_INFO, "a-1", "learned message as %s: %s", "ham", "<x\r\n\"y\"@z>");
	assert_string_equal(rest(&got), "info a-1 learned message as ham: <x\\r\\n\"y\"@z>");
	log_text(LOG_DEBUG, "a-1", "not wanted");
	assert_string_equal(rest(&got), "info a-1 learned message as ham: <x\\r\\n\"y\"@z>");
	log_sink(NULL, NULL);
	buf_free(&got);
}

static void json_is_json(void **state)
{
	static const char *cases[] = { "", "a \"b\" \\ \r\n\t\033", "\xff\xc3\xbc\xf3\xa0\x80\x81",
		"\xe2\x80\xae" };
	struct buf got = BUF_INIT(65536);

	(void)state;
	log_sink(keep, &got);
	log_setup(LOG_INFO, true);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		json_t *j;

		log_event(LOG_WARN, "s-1", "imap fail", "v", cases[i], NULL);
		j = json_loadb(got.p, got.n, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(j);
		assert_string_equal(json_string_value(json_object_get(j, "level")), "warn");
		assert_string_equal(json_string_value(json_object_get(j, "event")), "imap fail");
		if (i < 2)
			assert_string_equal(json_string_value(json_object_get(j, "v")), cases[i]);
		json_decref(j);
	}
	log_setup(LOG_INFO, false);
	log_sink(NULL, NULL);
	buf_free(&got);
}

/* Standard error becomes a pipe nobody reads: far more than the ring holds is logged, and each call
 * comes back. Then the reader wakes, and sees whole lines and how many are lost. */
static void a_slow_reader_blocks_nobody(void **state)
{
	enum { LINES = 4000 };
	static char chunk[65536];
	char value[901];
	int fds[2], kept = dup(STDERR_FILENO);
	size_t lines = 0, lost = 0;
	struct buf all = BUF_INIT(16 << 20);
	const char *said;
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_not_equal(dup2(fds[1], STDERR_FILENO), -1);
	(void)close(fds[1]);
	memset(value, 'x', 900);
	value[900] = '\0';
	log_start();
	for (int i = 0; i < LINES; i++)
		log_event(LOG_INFO, NULL, "e", "v", value, NULL);
	while (all.n == 0 || slice_find(buf_slice(&all), SLICE("log lines lost")) == SIZE_MAX) {
		n = read(fds[0], chunk, sizeof(chunk));
		assert_true(n > 0);
		assert_int_equal(buf_add(&all, chunk, (size_t)n), 0);
	}
	log_stop();
	assert_int_not_equal(dup2(kept, STDERR_FILENO), -1);
	(void)close(kept);
	while ((n = read(fds[0], chunk, sizeof(chunk))) > 0)
		assert_int_equal(buf_add(&all, chunk, (size_t)n), 0);
	(void)close(fds[0]);
	for (struct slice line, left = buf_slice(&all); slice_cut(left, '\n', &line, &left);)
		lines += slice_ends(line, SLICE("xxx"));
	said = strstr(buf_z(&all), "lost count=");
	assert_non_null(said);
	for (; said != NULL; said = strstr(said + 1, "lost count="))
		lost += strtoul(said + 11, NULL, 10);
	assert_int_equal(lines + lost, LINES);
	assert_true(lost > 0);
	buf_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_escaped),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(sentences_stay_on_one_line),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(a_slow_reader_blocks_nobody),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
