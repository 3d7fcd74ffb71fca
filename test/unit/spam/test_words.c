/* Features of a message: what counts, what does not, and how much at most. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "spam/words.h"

static const unsigned char key[16] = "0123456789abcde";

static void of(struct slice message, const unsigned char *k, struct features *ret)
{
	struct arena *a = arena_new(0);
	struct mime m;

	mime_parse(a, message, &m);
	words_of(k, "mx.here.example", &m, ret);
	arena_free(a);
}

static bool same(struct slice a, struct slice b)
{
	struct features x, y;
	bool r;

	of(a, key, &x);
	of(b, key, &y);
	r = x.n == y.n && memcmp(x.v, y.v, x.n * sizeof(uint64_t)) == 0;
	features_free(&x);
	features_free(&y);
	return (r);
}

static void what_we_stamp_says_nothing(void **state)
{
	static const struct slice plain =
	    SLICE_INIT("From: a@b.example\r\nSubject: hello you\r\n\r\ntext\r\n");

	(void)state;
	assert_true(same(plain,
	    SLICE("Return-Path: <x@y.example>\r\nDelivered-To: me@here.example\r\n"
		  "X-Pennypost: junk; score 7\r\nX-Pennypost-Id: 1\r\n"
		  "Received: from z (z [192.0.2.1])\r\n\tby mx.here.example with ESMTP; now\r\n"
		  "Authentication-Results: mx.here.example; none\r\n"
		  "From: a@b.example\r\nSubject: hello you\r\n\r\ntext\r\n")));
	assert_false(same(plain,
	    SLICE("Received: from z (z [192.0.2.1])\r\n\tby mx.there.example with ESMTP; now\r\n"
		  "From: a@b.example\r\nSubject: hello you\r\n\r\ntext\r\n")));
}

static void case_and_coding_make_no_difference(void **state)
{
	(void)state;
	assert_true(same(SLICE("Subject: =?utf-8?B?aGVsbG8geW91?=\r\n\r\nx\r\n"),
	    SLICE("Subject: HELLO you\r\n\r\nX\r\n")));
	assert_false(same(
	    SLICE("Subject: hello you\r\n\r\nx\r\n"), SLICE("Subject: you hello\r\n\r\nx\r\n")));
	assert_false(
	    same(SLICE("Subject: hello\r\n\r\nx\r\n"), SLICE("Comments: hello\r\n\r\nx\r\n")));
}

static void another_key_gives_other_features(void **state)
{
	static const unsigned char other[16] = "another key here";
	struct slice m = SLICE("Subject: one two three\r\n\r\nfour five\r\n");
	struct features x, y;

	(void)state;
	of(m, key, &x);
	of(m, other, &y);
	assert_int_equal(x.n, y.n);
	for (size_t i = 0; i < x.n; i++)
		for (size_t k = 0; k < y.n; k++)
			assert_true(x.v[i] != y.v[k]);
	features_free(&x);
	features_free(&y);
}

static void features_are_distinct_sorted_and_bounded(void **state) /* MIM-14 */
{
	struct buf b = BUF_INIT(1 << 24);
	struct features f;

	(void)state;
	(void)buf_addz(&b, "Subject: x\r\n\r\n");
	for (int i = 0; i < 300000; i++)
		(void)buf_fmt(&b, "w%d%s", i, i % 10 == 9 ? "\r\n" : " ");
	of(buf_slice(&b), key, &f);
	assert_int_equal(f.n, L_TOKENS);
	for (size_t i = 0; i < f.n; i++)
		assert_true(f.v[i] != 0 && (f.v[i] & WORDS_CLASS) <= WORDS_WINDOW &&
		    (i == 0 || f.v[i - 1] < f.v[i]));
	features_free(&f);
	buf_reset(&b);
	(void)buf_addz(&b, "Subject: x\r\n\r\n");
	for (int i = 0; i < 1 << 20; i++)
		(void)buf_addc(&b, 'a'); /* a word of 1 MiB */
	of(buf_slice(&b), key, &f);
	assert_true(f.n < 20);
	features_free(&f);
	buf_free(&b);
}

static void siphash_is_siphash(void **state)
{
	unsigned char k[16];

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		k[i] = (unsigned char)i;
	/* the reference vector for the one octet 00: the NUL between two empty strings */
	assert_true(words_hash(k, SLICE(""), SLICE("")) == 0x74f839c593dc67fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_we_stamp_says_nothing),
		cmocka_unit_test(case_and_coding_make_no_difference),
		cmocka_unit_test(another_key_gives_other_features),
		cmocka_unit_test(features_are_distinct_sorted_and_bounded),
		cmocka_unit_test(siphash_is_siphash),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
