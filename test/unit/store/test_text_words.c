/* Does every text that holds a needle hold the words that are looked for in its place? And when the plan says
 * that is exact, does no other? Texts and needles at random, of few characters of every kind, so that
 * they meet often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/text_int.h"

static const char *const characters[] = { "A", "B", "1", " ", ".", "\n", "\xc3\x9f", "\xd0\x96",
	"\xe6\xbc\xa2", "\xe5\xad\x97", "\xe3\x81\x8b", "\xe3\x80\x82", "\xf0\x9f\x8e\x89",
	"\xf0\xa0\x80\x8b", "\xe0\xb8\x82", "\xe2\x80\x94" };

static uint64_t dice;

static unsigned roll(unsigned n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return ((unsigned)(dice >> 11) % n);
}

static void on_word(void *self, struct slice word)
{
	struct buf *words = self;

	assert_true(word.n > 0 && word.n <= TEXT_WORD_MAX + 2);
	assert_true(slice_chr(word, '\n') == SIZE_MAX);
	(void)buf_add_slice(words, word);
	(void)buf_addc(words, '\n');
}

/* Some texts hold few kinds, so that runs grow long. */
static void make_text(struct buf *out, unsigned n)
{
	unsigned kinds = 1 + roll(COUNT_OF(characters)), first = roll(COUNT_OF(characters));

	for (unsigned i = 0; i < n; i++)
		(void)buf_addz(out, characters[(first + roll(kinds)) % COUNT_OF(characters)]);
}

static size_t begin_of(struct slice s, size_t at)
{
	while (at > 0 && ((unsigned char)s.p[at] & 0xc0) == 0x80)
		at--;
	return (at);
}

static bool has_all(struct slice words, const struct text_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (slice_find(words, (struct slice){ p->terms[i].pattern, p->terms[i].n }) ==
		    SIZE_MAX)
			return (false);
	return (true);
}

static void needles_are_found(void **state)
{
	unsigned exact = 0, narrowed = 0;

	(void)state;
	dice = 88172645463325252u;
	for (unsigned n = 0; n < 20000; n++) {
		struct buf text = BUF_INIT(1 << 20), words = BUF_INIT(1 << 20),
			   other = BUF_INIT(1 << 20);
		struct slice in, needle;
		struct text_plan plan;
		bool has;

		make_text(&text, 1 + roll(roll(8) == 0 ? 400 : 40));
		(void)buf_addc(&words, '\n');
		text_words_of(buf_slice(&text), on_word, &words);
		if (roll(3) == 0)
			make_text(&other, 1 + roll(6));
		in = other.n > 0 ? buf_slice(&other) : buf_slice(&text);
		needle = slice_from(in, other.n > 0 ? 0 : begin_of(in, roll((unsigned)in.n)));
		if (other.n == 0 && roll(4) != 0) {
			size_t cut = 1 + roll(120);

			if (cut < needle.n)
				needle = slice_head(needle, begin_of(needle, cut));
		}
		if (needle.n > 0) {
			text_plan_of(needle, &plan);
			has = slice_find(buf_slice(&text), needle) != SIZE_MAX;
			if (has)
				assert_true(has_all(buf_slice(&words), &plan));
			else if (plan.is_exact)
				assert_false(has_all(buf_slice(&words), &plan));
			exact += plan.is_exact;
			narrowed += !has && !plan.is_exact && !has_all(buf_slice(&words), &plan);
		}
		buf_free(&text);
		buf_free(&words);
		buf_free(&other);
	}
	assert_true(exact > 2000);
	assert_true(narrowed > 100);
}

static void long_words_are_cut(void **state)
{
	struct buf text = BUF_INIT(4096), words = BUF_INIT(8192);
	struct text_plan plan;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		(void)buf_addc(&text, (char)('A' + i % 26));
	(void)buf_addc(&words, '\n');
	text_words_of(buf_slice(&text), on_word, &words);
	assert_true(words.n < 2 * text.n);
	for (size_t at = 0; at + TEXT_WORD_SURE <= text.n; at++) {
		text_plan_of(slice_head(slice_from(buf_slice(&text), at), TEXT_WORD_SURE), &plan);
		assert_true(plan.is_exact && has_all(buf_slice(&words), &plan));
	}
	text_plan_of(buf_slice(&text), &plan);
	assert_false(plan.is_exact);
	assert_int_equal(plan.n, 2);
	assert_true(has_all(buf_slice(&words), &plan));
	buf_free(&text);
	buf_free(&words);
}

static void what_is_exact(void **state)
{
	static const struct {
		const char *needle;
		size_t terms;
		bool is_exact;
	} rows[] = {
		{ "MEETING", 1, true },
		{ "A", 1, true },
		{ "\xe6\xbc\xa2", 1, true },
		{ "\xe6\xbc\xa2\xe5\xad\x97", 1, true },
		{ "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", 2, false },
		{ "ANN@EXAMPLE.ORG", 3, false },
		{ "MEETING ", 1, false },
		{ "@", 0, false },
		{ "", 0, false },
	};
	struct text_plan plan;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		text_plan_of(slice_of(rows[i].needle), &plan);
		assert_int_equal(plan.n, rows[i].terms);
		assert_int_equal(plan.is_exact, rows[i].is_exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needles_are_found),
		cmocka_unit_test(long_words_are_cut),
		cmocka_unit_test(what_is_exact),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
