/* A file of lessons: what is written reads the same, and the first wrong line is named. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "spam/exported.h"

#define FIRST "{\"pennypost-lessons\":1,\"tokeniser\":3}\n"
#define ID "00112233445566778899aabbccddeeff"
#define LESSON(account, id, class, weight, time) \
	"{\"account\":\"" account "\",\"content\":\"" id "\",\"class\":\"" class "\",\"weight\":" weight \
	",\"tokeniser\":3,\"time\":" time "}\n"
#define GOOD LESSON("ann", ID, "ham", "4", "1700000000")

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *wrong; /* NULL: nothing */
		size_t n;
	} cases[] = {
		{ FIRST, NULL, 0 },
		{ FIRST GOOD, NULL, 1 },
		{ FIRST "\n \r\n" GOOD "\n", NULL, 1 },
		{ FIRST GOOD LESSON("bob", ID, "spam", "1", "1"), NULL, 2 },
		{ FIRST "{\"new\":[1],\"account\":\"\",\"content\":\"" ID "\",\"class\":\"spam\",\"weight\":2,\"tokeniser\":9,\"time\":7}", NULL, 1 },
		{ "", "line 1: this is no export", 0 },
		{ "\n" FIRST GOOD, "line 1: this is no export", 0 },
		{ "{\"pennypost-lessons\":2}\n" GOOD, "line 1: this is no export of lessons, or", 0 },
		{ GOOD, "line 1: this is no export of lessons, or", 0 },
		{ FIRST "[]\n", "line 2: \"content\"", 0 },
		{ FIRST GOOD "{\"account\"\n", "line 3: ", 0 },
		{ FIRST GOOD "\n" GOOD, "line 4: the same lesson stands in line 2", 0 },
		{ FIRST LESSON("ann", "00112233445566778899aabbccddeef", "ham", "4", "1"), "line 2: \"content\"", 0 },
		{ FIRST LESSON("ann", "00112233445566778899aabbccddeefF", "ham", "4", "1"), "line 2: \"content\"", 0 },
		{ FIRST LESSON("ann", ID, "Ham", "4", "1"), "line 2: \"class\"", 0 },
		{ FIRST LESSON("ann", ID, "ham", "0", "1"), "line 2: \"weight\"", 0 },
		{ FIRST LESSON("ann", ID, "ham", "5", "1"), "line 2: \"weight\"", 0 },
		{ FIRST LESSON("ann", ID, "ham", "1.5", "1"), "line 2: \"weight\"", 0 },
		{ FIRST LESSON("ann", ID, "ham", "4", "-1"), "line 2: \"time\"", 0 },
		{ FIRST LESSON("ann", ID, "ham", "4", "0"), "line 2: \"time\"", 0 },
		{ FIRST LESSON("ann", "00112233445566778899aabbccddeefg", "ham", "4", "1"), "line 2: \"content\"", 0 },
		{ FIRST "{\"content\":\"" ID "\",\"class\":\"spam\",\"weight\":2,\"tokeniser\":9,\"time\":7}", "line 2: \"account\"", 0 },
		{ FIRST "{\"account\":\"\",\"content\":\"" ID "\",\"class\":\"spam\",\"weight\":2,\"tokeniser\":0,\"time\":7}", "line 2: \"tokeniser\"", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *a = arena_new(0);
		struct err err = { 0 };
		struct lesson *v;
		size_t n = 99;
		int r = exported_read(a, slice_of(cases[i].text), &v, &n, &err);

		if (cases[i].wrong == NULL)
			assert_int_equal(r, 0);
		else {
			assert_int_equal(r, -1);
			assert_true(slice_starts(slice_of(err.text), slice_of(cases[i].wrong)));
		}
		assert_int_equal(n, cases[i].n);
		arena_free(a);
	}
}

static void what_is_written_reads_the_same(void **state)
{
	struct lesson in[] = { { .account = SLICE_INIT("ann \"x\""),
				   .mark = { LESSON_SPAM, LESSON_LIKELY },
				   .version = 3,
				   .at = 1700000000 },
		{ .account = SLICE_INIT("ann"), .mark = { LESSON_HAM, 1 }, .version = 2, .at = 5 } };
	struct arena *a = arena_new(0);
	struct buf out = BUF_INIT(4096);
	struct err err = { 0 };
	struct lesson *v;
	size_t n;

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		in[0].content_id[i] = (unsigned char)(i * 17);
	exported_begin(&out);
	exported_write(&out, &in[0]);
	exported_write(&out, &in[1]);
	assert_int_equal(exported_read(a, buf_slice(&out), &v, &n, &err), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < 2; i++) { /* sorted: ann first */
		const struct lesson *l = &in[1 - i];

		assert_true(slice_eq(v[i].account, l->account));
		assert_memory_equal(v[i].content_id, l->content_id, 16);
		assert_int_equal(v[i].mark.is, l->mark.is);
		assert_int_equal(v[i].mark.weight, l->mark.weight);
		assert_int_equal(v[i].version, l->version);
		assert_int_equal(v[i].at, l->at);
	}
	assert_true(slice_find(buf_slice(&out), SLICE("\"" ID "\"")) != SIZE_MAX);
	buf_free(&out);
	arena_free(a);
}

/* By account and content, whatever the order of the file. */
static void many_come_in_order(void **state)
{
	enum { MANY = 1000 };
	struct arena *a = arena_new(0);
	struct buf out = BUF_INIT(1 << 20);
	struct err err = { 0 };
	struct lesson *v;
	size_t n;

	(void)state;
	exported_begin(&out);
	for (unsigned i = 0; i < MANY; i++) {
		unsigned at = (i * 617 + 5) % MANY; /* each once */
		struct lesson l = { .account = at < MANY / 2 ? SLICE("ann") : SLICE("bob"),
			.mark = { LESSON_HAM, 1 },
			.version = 3,
			.at = 1 + at };

		l.content_id[0] = (unsigned char)(at % (MANY / 2) / 256);
		l.content_id[15] = (unsigned char)(at % 256);
		l.content_id[1] = (unsigned char)(at % (MANY / 2) % 256);
		exported_write(&out, &l);
	}
	assert_int_equal(exported_read(a, buf_slice(&out), &v, &n, &err), 0);
	assert_int_equal(n, MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(v[i].at, 1 + i);
	buf_free(&out);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(what_is_written_reads_the_same),
		cmocka_unit_test(many_come_in_order),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
