/* Does every text that holds a needle hold the words that are looked for in its place? And when the plan says
 * that is exact, does no other? Texts and needles at random, of few characters of every kind, so that
 * they meet often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "msg/fold.h"
#include "store/text_int.h"

static const char *const characters[] = { "A", "B", "1", " ", ".", "\n", "\xc3\x9f", "\xd0\x96",
	"\xe6\xbc\xa2", "\xe5\xad\x97", "\xe3\x81\x8b", "\xe3\x80\x82", "\xf0\x9f\x8e\x89",
	"\xf0\xa0\x80\x8b", "\xe0\xb8\x82", "\xe2\x80\x94", "\xcc\x81", "\xe3\x82\x99" };

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

/* RFC 6203 by reading, and by the words: the same; how often it was so, by 2 * whole + yes. */
static void is_fuzzy_alike(struct slice needle, struct slice text, struct slice words, unsigned *n)
{
	struct buf bare = BUF_INIT(1 << 20);

	(void)fold_bare(words, &bare);
	for (int whole = 0; whole < 2; whole++) {
		struct arena *a = arena_new(0);
		struct fuzzy *f = fuzzy_of(a, needle, whole != 0);
		struct text_plan plan;

		if (f != NULL) {
			bool has = fuzzy_all(f, fuzzy_in(f, text, 0));

			text_plan_fuzzy(f, &plan);
			if (plan.is_exact)
				assert_int_equal(has, has_all(buf_slice(&bare), &plan));
			else if (has)
				assert_true(has_all(buf_slice(&bare), &plan));
			n[2 * whole + has]++;
		}
		arena_free(a);
	}
	buf_free(&bare);
}

static void needles_are_found(void **state)
{
	unsigned exact = 0, narrowed = 0, fuzzy[4] = { 0 };

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
			is_fuzzy_alike(needle, buf_slice(&text), buf_slice(&words), fuzzy);
			exact += plan.is_exact;
			narrowed += !has && !plan.is_exact && !has_all(buf_slice(&words), &plan);
		}
		buf_free(&text);
		buf_free(&words);
		buf_free(&other);
	}
	assert_true(exact > 2000);
	assert_true(narrowed > 100);
	for (size_t i = 0; i < 4; i++)
		assert_true(fuzzy[i] > 500);
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

static void what_is_fuzzy(void **state)
{
	static const struct {
		const char *needle, *text;
		char want; /* N, B: beginnings, W: whole words; -: no words */
	} rows[] = {
		{ "meet", "a meeting", 'B' },
		{ "MEETING", "a meeting!", 'W' },
		{ "eeting", "a meeting", 'N' },
		{ "budget meet", "meeting.budget", 'B' },
		{ "meeting budget", "budget, meeting", 'W' },
		{ "meeting budget", "meeting", 'N' },
		{ "deja", "D\xc3\xa9j\xc3\xa0 vu", 'W' },
		{ "d\xc3\xa9j\xc3\xa0", "DEJAVU", 'B' },
		{ "o", "\xc3\xb6l", 'B' },
		{ "e\xcc\x81", "etude", 'B' },
		{ "\xcc\x81", "a \xcc\x81", '-' },
		{ "@ - !", "@ - !", '-' },
		{ "", "a", '-' },
		{ "a@b.c", "c b a", 'W' },
		{ "\xd8\xb4\xd9\x83\xd8\xb1\xd8\xa7", /* Arabic: vowels may be left out */
		    "\xd8\xb4\xd9\x8f\xd9\x83\xd8\xb1\xd9\x8b\xd8\xa7", 'W' },
		{ "\xe0\xb8\x81", "\xe0\xb8\x81\xe0\xb8\xb8", 'B' }, /* Thai: its vowels not */
		{ "\xe3\x81\x8c", "\xe3\x81\x8b", 'N' },             /* ga is not ka */
		{ "\xe6\xbc\xa2\xe5\xad\x97", "x \xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe3\x81\x8b",
		    'W' },
		{ "\xe6\xbc\xa2\xe5\xad\x97", "\xe6\xbc\xa2 \xe5\xad\x97", 'N' },
		{ "\xe5\xad\x97", "\xe6\xbc\xa2\xe5\xad\x97", 'W' },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(0);
		struct buf needle = BUF_INIT(1000), text = BUF_INIT(1000);
		char got = '-';

		(void)fold_text(slice_of(rows[i].needle), &needle);
		(void)fold_text(slice_of(rows[i].text), &text);
		for (int whole = 0; whole < 2; whole++) {
			struct fuzzy *f = fuzzy_of(a, buf_slice(&needle), whole != 0);

			if (f != NULL && fuzzy_all(f, fuzzy_in(f, buf_slice(&text), 0)))
				got = whole ? 'W' : 'B';
			else if (f != NULL && !whole)
				got = 'N';
		}
		if (got != rows[i].want)
			fail_msg("%s in %s: %c", rows[i].needle, rows[i].text, got);
		buf_free(&needle);
		buf_free(&text);
		arena_free(a);
	}
}

/* Of the words of a needle and of the octets of one, the first count. */
static void much_is_cut(void **state)
{
	struct arena *a = arena_new(0);
	struct buf needle = BUF_INIT(4096), text = BUF_INIT(4096);
	struct fuzzy *f;

	(void)state;
	for (unsigned i = 0; i < 200; i++)
		(void)buf_fmt(&needle, "W%uX ", i);
	f = fuzzy_of(a, buf_slice(&needle), false);
	assert_int_equal(f->n, FUZZY_WORDS);
	assert_true(fuzzy_all(f, fuzzy_in(f, buf_slice(&needle), 0)));
	assert_false(fuzzy_all(f, fuzzy_in(f, SLICE("W0X W1X"), 0)));
	for (unsigned i = 0; i < FUZZY_OCTETS; i++)
		(void)buf_addc(&text, 'A');
	f = fuzzy_of(a, buf_slice(&text), true);
	assert_int_equal(f->words[0].fit, FUZZY_WHOLE);
	buf_reset(&needle);
	for (unsigned i = 0; i < 1000; i++)
		(void)buf_addz(&needle, i == 999 ? "B" : "A");
	f = fuzzy_of(a, buf_slice(&needle), true);
	assert_int_equal(f->n, 1);
	assert_int_equal(f->words[0].text.n, FUZZY_OCTETS);
	assert_int_equal(f->words[0].fit, FUZZY_BEGIN);
	assert_true(fuzzy_all(f, fuzzy_in(f, buf_slice(&needle), 0)));
	buf_free(&needle);
	buf_free(&text);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needles_are_found),
		cmocka_unit_test(long_words_are_cut),
		cmocka_unit_test(what_is_exact),
		cmocka_unit_test(what_is_fuzzy),
		cmocka_unit_test(much_is_cut),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
