/* Tag lists: what is one, what is none, and what a lenient reader still finds. */
#include "check.h"

#include "core/limits.h"
#include "core/mem.h"
#include "dkim/taglist.h"

static void strict_lists_have_no_fault(void **state)
{
	static const struct {
		struct slice in;
		int n; /* -1: none */
	} cases[] = {
		{ SLICE_INIT("v=1"), 1 },
		{ SLICE_INIT("v=1;"), 1 },
		{ SLICE_INIT(" v = 1 ; a = b ; "), 2 },
		{ SLICE_INIT("v\r\n =\r\n\t1\r\n ;\r\n a=b\r\n "), 2 },
		{ SLICE_INIT("a=;b="), 2 },
		{ SLICE_INIT("a=b=c"), 1 },
		{ SLICE_INIT("a_1=x"), 1 },
		{ SLICE_INIT("a=\xc3\xbc"), 1 },
		{ SLICE_INIT("a=x;A=y"), 2 },
		{ SLICE_INIT(""), -1 },
		{ SLICE_INIT(";"), -1 },
		{ SLICE_INIT("v=1;;a=b"), -1 },
		{ SLICE_INIT("v=1;a=b;;"), -1 },
		{ SLICE_INIT("v"), -1 },
		{ SLICE_INIT("=1"), -1 },
		{ SLICE_INIT("1v=1"), -1 },
		{ SLICE_INIT("_v=1"), -1 },
		{ SLICE_INIT("v-x=1"), -1 },
		{ SLICE_INIT("v w=1"), -1 },
		{ SLICE_INIT("v=1;v=1"), -1 },
		{ SLICE_INIT("v=\x01"), -1 },
		{ SLICE_INIT("v=\x7f"), -1 },
		{ SLICE_INIT("v=a\nb"), -1 },
		{ SLICE_INIT("v=a\r\nb"), -1 },
		{ SLICE_INIT("v=a\r b"), -1 },
		{ SLICE_INIT("v=a\r\n"), -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct taglist l;
		bool good = taglist_parse(a, cases[i].in, TAGLIST_STRICT, &l);

		if (good != (cases[i].n >= 0) || (good && l.n != (size_t)cases[i].n))
			fail_msg("case %zu: %s", i, cases[i].in.p);
		arena_free(a);
	}
}

static void values_are_trimmed_and_raw_is_all(void **state)
{
	struct arena *a = arena_new(0);
	struct taglist l;

	(void)state;
	assert_true(taglist_parse(a, SLICE("a=1; b=\r\n\tx y\r\n\tz ;c=3"), TAGLIST_STRICT, &l));
	assert_true(slice_eq(taglist_get(&l, "b")->value, SLICE("x y\r\n\tz")));
	assert_true(slice_eq(taglist_get(&l, "b")->raw, SLICE("\r\n\tx y\r\n\tz ")));
	assert_null(taglist_get(&l, "B"));
	assert_null(taglist_get(&l, "d"));
	arena_free(a);
}

static void lenient_lists_lose_only_the_faulty_part(void **state)
{
	struct arena *a = arena_new(0);
	struct taglist l;

	(void)state;
	assert_true(taglist_parse(
	    a, SLICE("v=DMARC1; p; =x; p=none; p=reject;; 1=2;rua=x"), TAGLIST_LENIENT, &l));
	assert_int_equal(l.n, 3);
	assert_true(slice_eq(taglist_get(&l, "p")->value, SLICE("none")));
	assert_true(slice_eq(l.v[0].name, SLICE("v")));
	arena_free(a);
}

static void tags_have_a_limit(void **state)
{
	(void)state;
	for (int n = L_TAGS; n <= L_TAGS + 1; n++) {
		struct buf b = BUF_INIT(65536);
		struct arena *a = arena_new(0);
		struct taglist l;

		for (int i = 0; i < n; i++)
			(void)buf_fmt(&b, "t%d=x;", i);
		assert_int_equal(taglist_parse(a, buf_slice(&b), TAGLIST_STRICT, &l), n == L_TAGS);
		assert_int_equal(taglist_parse(a, buf_slice(&b), TAGLIST_LENIENT, &l), n == L_TAGS);
		arena_free(a);
		buf_free(&b);
	}
}

static void base64_may_be_folded(void **state)
{
	struct buf out = BUF_INIT(100);

	(void)state;
	assert_int_equal(taglist_base64(SLICE("Zm\r\n 9v\tY g= ="), &out), 0);
	assert_string_equal(buf_z(&out), "foob");
	buf_reset(&out);
	assert_int_equal(taglist_base64(SLICE("Zm9vYg="), &out), -1);
	assert_int_equal(taglist_base64(SLICE(""), &out), -1);
	assert_int_equal(taglist_base64(SLICE(" \r\n "), &out), -1);
	assert_int_equal(taglist_base64(SLICE("Zm9v!"), &out), -1);
	buf_free(&out);
}

static void items_are_all_told(void **state)
{
	struct slice rest = SLICE(" from : to\r\n :: x "), item;
	const char *want[] = { "from", "to", "", "x" };
	bool more = true;
	size_t n = 0;

	(void)state;
	for (; taglist_item(&rest, &more, &item); n++)
		assert_true(slice_eq(item, slice_of(want[n])));
	assert_int_equal(n, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_lists_have_no_fault),
		cmocka_unit_test(values_are_trimmed_and_raw_is_all),
		cmocka_unit_test(lenient_lists_lose_only_the_faulty_part),
		cmocka_unit_test(tags_have_a_limit),
		cmocka_unit_test(base64_may_be_folded),
		cmocka_unit_test(items_are_all_told),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
