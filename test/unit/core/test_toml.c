/* toml: positions, faults with their line, bounds. The language itself is proved by toml_suite.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/toml.h"

static void values_know_their_lines(void **state)
{
	struct slice text =
	    SLICE("a = 1\r\n# note\n[t]\nb = [\n 1,\n 2]\n\n[[l]]\n[[l]]\nc.d = 'x'\n");
	struct arena *a = arena_new(0);
	struct err err;
	const struct toml *root = toml_parse(a, text, &err), *t, *l;

	(void)state;
	assert_non_null(root);
	t = toml_get(root, SLICE("t"));
	l = toml_get(root, SLICE("l"));
	assert_int_equal(toml_get(root, SLICE("a"))->line, 1);
	assert_int_equal(t->key_line, 3);
	assert_int_equal(toml_get(t, SLICE("b"))->line, 4);
	assert_int_equal(toml_get(t, SLICE("b"))->first->next->line, 6);
	assert_true(l->is_table_array);
	assert_int_equal(l->first->next->key_line, 9);
	assert_string_equal(
	    toml_get(toml_get(l->first->next, SLICE("c")), SLICE("d"))->v.string.p, "x");
	assert_null(toml_get(root, SLICE("none")));
	arena_free(a);
}

static void faults_tell_their_line(void **state)
{
	static const struct {
		struct slice text;
		const char *err;
	} cases[] = {
		{ SLICE_INIT("a = 1\na = 2\n"), "line 2: \"a\" is defined already, on line 1" },
		{ SLICE_INIT("[a]\n\n[a]\n"), "line 3: \"a\" is defined already, on line 1" },
		{ SLICE_INIT("a = yes\n"), "line 1: \"yes\" is no value; text stands in quotes" },
		{ SLICE_INIT("\na = \"x\n"), "line 2: the string does not end on its line" },
		{ SLICE_INIT("a = 1 b = 2\n"), "line 1: more text where the line should end" },
		{ SLICE_INIT("\n\n\xff\n"), "line 3: not UTF-8 text" },
		{ SLICE_INIT("a = \"\\u0000\"\n"),
		    "line 1: a string cannot hold the character U+0000" },
		{ SLICE_INIT("a = \"\0\"\n"),
		    "line 1: a control character in a string; write it as \\u0000" },
		{ SLICE_INIT("a = 9223372036854775808"),
		    "line 1: the number is larger than 64 bits hold" },
		{ SLICE_INIT("a = 1e400"), "line 1: the number is larger than a float holds" },
		{ SLICE_INIT("a\n"), "line 1: \"=\" is missing after the key" },
		{ SLICE_INIT("a = [1 2]\n"), "line 1: \",\" or \"]\" is missing in the list" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct err err = { .text = "" };

		assert_null(toml_parse(a, cases[i].text, &err));
		assert_string_equal(err.text, cases[i].err);
		arena_free(a);
	}
}

static bool parses(const char *open, size_t n, const char *mid, const char *close)
{
	struct buf b = BUF_INIT(L_TOML + 1000);
	struct arena *a = arena_new(0);
	struct err err;
	bool ok;

	(void)buf_addz(&b, "a = ");
	for (size_t i = 0; i < n; i++)
		(void)buf_addz(&b, open);
	(void)buf_addz(&b, mid);
	for (size_t i = 0; i < n; i++)
		(void)buf_addz(&b, close);
	ok = toml_parse(a, buf_slice(&b), &err) != NULL;
	buf_free(&b);
	arena_free(a);
	return (ok);
}

static void nesting_and_size_are_bounded(void **state) /* CFG-03 */
{
	(void)state;
	assert_true(parses("[", L_TOML_DEPTH, "", "]"));
	assert_false(parses("[", L_TOML_DEPTH + 1, "", "]"));
	assert_false(parses("[", 100000, "", "]"));
	assert_true(parses("{b=", L_TOML_DEPTH, "1", "}"));
	assert_false(parses("{b=", L_TOML_DEPTH + 1, "1", "}"));
	assert_false(parses("[{b=", 20000, "1", "}]"));
	assert_true(parses("'", 1, "x", "'"));
	assert_false(parses(" ", L_TOML, "1", ""));
	assert_true(parses("[", 1, "1,1,1,1,1", "]"));
	assert_false(parses("[1,1,1,1],", 400000, "", ""));
}

static void many_keys_take_time_in_proportion(void **state)
{
	struct buf b = BUF_INIT(L_TOML);
	struct arena *a = arena_new(0);
	struct err err;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) /* squared this would take minutes */
		assert_int_equal(buf_fmt(&b, "k%u.x = 1\n", i), 0);
	assert_non_null(toml_parse(a, buf_slice(&b), &err));
	buf_free(&b);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_know_their_lines),
		cmocka_unit_test(faults_tell_their_line),
		cmocka_unit_test(nesting_and_size_are_bounded),
		cmocka_unit_test(many_keys_take_time_in_proportion),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
