/* Features of a message: what counts, what does not, and how much at most. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "core/mem.h"
#include "spam/words.h"

static const unsigned char key[16] = "0123456789abcde";

static void of(struct slice message, const unsigned char *k, struct features *ret)
{
	struct arena *a = arena_new(0);
	struct mime m;

	mime_parse(a, message, &m);
	words_of(k, "mx.here.example", &m, NULL, ret);
	arena_free(a);
}

static int cmp_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y ? -1 : x > y);
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

static bool shares(struct slice message, struct slice with, unsigned class)
{
	struct features x, y, none; /* what every message of text has does not count */
	size_t both = 0;

	of(message, key, &x);
	of(with, key, &y);
	of(SLICE("Content-Type: text/plain; charset=utf-8\r\n\r\n"), key, &none);
	for (size_t i = 0; i < x.n; i++)
		for (size_t k = 0; k < y.n; k++)
			both += x.v[i] == y.v[k] && (x.v[i] & WORDS_CLASS) == class &&
			    (none.n == 0 ||
				bsearch(&x.v[i], none.v, none.n, sizeof(uint64_t), cmp_u64) ==
				    NULL);
	features_free(&x);
	features_free(&y);
	features_free(&none);
	return (both > 0);
}

#define BODY(text) SLICE("Content-Type: text/plain; charset=utf-8\r\n\r\n" text "\r\n")

static void a_word_is_what_a_person_sees(void **state)
{
	static const struct {
		struct slice written;
		bool seen; /* the word "paypal" is in it */
	} cases[] = {
		{ SLICE_INIT("\r\npaypal\r\n"), true }, { SLICE_INIT("\r\nPayPal\r\n"), true },
		{ SLICE_INIT("\r\npay\xe2\x80\x8bpal\r\n"), true },   /* U+200B */
		{ SLICE_INIT("\r\npay\xc2\xadpal\r\n"), true },       /* U+00AD */
		{ SLICE_INIT("\r\npay\xcd\x8fpal\r\n"), true },       /* U+034F */
		{ SLICE_INIT("\r\npay\xd8\x9cpal\r\n"), true },       /* U+061C */
		{ SLICE_INIT("\r\npay\xe1\xa0\x8epal\r\n"), true },   /* U+180E */
		{ SLICE_INIT("\r\npay\xe2\x80\x8fpal\r\n"), true },   /* U+200F */
		{ SLICE_INIT("\r\npay\xe2\x80\xaepal\r\n"), true },   /* U+202E */
		{ SLICE_INIT("\r\npay\xe2\x81\xa0pal\r\n"), true },   /* U+2060 */
		{ SLICE_INIT("\r\npay\xe2\x80\x93pal\r\n"), false },  /* a dash */
		{ SLICE_INIT("\r\n\xef\xbb\xbfpaypal\r\n"), true },   /* U+FEFF */
		{ SLICE_INIT("\r\np\xd0\xb0yp\xd0\xb0l\r\n"), true }, /* Cyrillic a */
		{ SLICE_INIT("\r\n\xcf\x81\xd0\xb0\xd1\x83pal\r\n"), true },
		{ SLICE_INIT("\r\n\xef\xbd\x90"
			     "aypal\r\n"),
		    true }, /* full width */
		{ SLICE_INIT("\r\npay pal\r\n"), false },
		{ SLICE_INIT("\r\n\xd1\x80\xd0\xb0\xd1\x83\r\n"),
		    false }, /* Russian stays Russian */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF_INIT(4096);

		(void)buf_addz(&b, "Content-Type: text/plain; charset=utf-8\r\n");
		(void)buf_add_slice(&b, cases[i].written);
		if (shares(SLICE("\r\npaypal\r\n"), buf_slice(&b), 0) != cases[i].seen)
			fail_msg("case %zu", i);
		buf_free(&b);
	}
	/* what the subject says, a text may say too */
	assert_true(shares(SLICE("Subject: refinance\r\n\r\n"), SLICE("\r\nrefinance\r\n"), 0));
	/* no blanks: signs and pairs of them are the words */
	assert_true(
	    shares(BODY("\xe4\xb8\xad\xe5\x9b\xbd"), BODY("z\xe4\xb8\xad\xe5\x9b\xbdz"), 1));
	assert_true(
	    shares(BODY("\xe0\xb8\x81\xe0\xb8\x82"), BODY("z\xe0\xb8\x81\xe0\xb8\x82z"), 1));
	assert_false(shares(BODY("\xe4\xb8\xad\xe5\x9b\xbd"), BODY("\xe5\x9b\xbd\xe4\xb8\xad"), 1));
	/* kana, Khmer and signs beyond the first plane too; an ideographic blank is a gap */
	assert_true(shares(BODY("\u3042\u304b"), BODY("z\u3042\u304bz"), 1));
	assert_true(shares(BODY("\u1780\u1781"), BODY("z\u1780\u1781z"), 1));
	assert_true(shares(BODY("\U00020bb7\U00020bb8"), BODY("z\U00020bb7\U00020bb8z"), 1));
	assert_true(same(BODY("one\u3000two"), BODY("one two")));
	/* the network of an address that is named */
	assert_true(shares(BODY("192.0.2.1"), BODY("192.0.2.77"), 0));
	assert_false(shares(BODY("192.0.2.1"), BODY("203.0.113.1"), 0));
	/* shouting is a sign of its own, and the same attachment is the same under any name */
	assert_false(same(BODY("act now"), BODY("ACT NOW")));
	assert_true(shares(SLICE("Content-Type: image/gif; name=a.gif\r\n\r\nR0lGODdh\r\n"),
	    SLICE("Content-Type: application/x; name=b.bin\r\n\r\nR0lGODdh\r\n"), 0));
}

/* Each letter that looks Latin, in a word that is Latin otherwise. */
static void look_alikes_are_read_as_latin(void **state)
{
	static const struct {
		const char *letters, *as;
	} cases[] = {
		{ "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
		    "abezhikmnoptyx" },
		{ "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5", "aikvopu" },
		{ "\u0405\u0406\u0408\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423"
		  "\u0425",
		    "sijabekmhopctyx" },
		{ "\u0430\u0435\u043a\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb", "aekopcyxsijh" },
		{ "\u0431\u0434", NULL }, /* these look like themselves */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		for (size_t k = 0; k < strlen(cases[i].letters) / 2; k++) {
			char written[32], latin[32];
			bool seen;

			(void)snprintf(written, sizeof(written), "\r\nqq%.2sqq\r\n",
			    cases[i].letters + 2 * k);
			(void)snprintf(latin, sizeof(latin), "\r\nqq%cqq\r\n",
			    cases[i].as != NULL ? cases[i].as[k] : 'b');
			seen = shares(slice_of(latin), slice_of(written), 0);
			if (seen != (cases[i].as != NULL))
				fail_msg("case %zu, letter %zu", i, k);
		}
	}
}

struct told {
	struct features *f;
	size_t n;
	bool pair, subject, invisible, disguised;
};

static void on_feature(void *self, uint64_t feature, struct slice text)
{
	struct told *t = self;

	assert_non_null(bsearch(&feature, t->f->v, t->f->n, sizeof(feature), cmp_u64));
	t->n++;
	t->pair |= slice_eq(text, SLICE("subject:cheap . subject:pills"));
	t->subject |= slice_eq(text, SLICE("subject:cheap"));
	t->invisible |= slice_eq(text, SLICE("text:invisible signs"));
	t->disguised |= slice_eq(text, SLICE("text:letters in disguise"));
}

static void tricks_are_features_too(void **state)
{
	static const struct {
		struct slice message;
		bool invisible, disguised;
	} cases[] = {
		{ SLICE_INIT("\r\nplain words\r\n"), false, false },
		{ SLICE_INIT("Content-Type: text/plain; charset=utf-8\r\n\r\npay\u200bpal\r\n"), true, false },
		{ SLICE_INIT("Content-Type: text/plain; charset=utf-8\r\n\r\np\u0430ypal\r\n"), false, true },
		{ SLICE_INIT("Content-Type: text/plain; charset=utf-8\r\n\r\n\u043c\u0438\u0440 peace\r\n"),
		    false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct words_trace trace = { .on_feature = on_feature };
		struct arena *a = arena_new(0);
		struct features plain, traced;
		struct told told = { .f = &plain };
		struct mime m;

		mime_parse(a, cases[i].message, &m);
		words_of(key, NULL, &m, NULL, &plain);
		trace.self = &told;
		words_of(key, NULL, &m, &trace, &traced);
		assert_int_equal(told.invisible, cases[i].invisible);
		assert_int_equal(told.disguised, cases[i].disguised);
		features_free(&plain);
		features_free(&traced);
		arena_free(a);
	}
}

static void each_feature_has_a_name(void **state)
{
	struct slice message = SLICE("Subject: Cheap good pills\r\nMessage-ID: <a.1@b.example>\r\n"
				     "\r\nSEE http://x.example/ now\r\n");
	struct words_trace trace = { .on_feature = on_feature };
	struct arena *a = arena_new(0);
	struct features plain, traced;
	struct told told = { .f = &plain };
	struct mime m;

	(void)state;
	mime_parse(a, message, &m);
	words_of(key, NULL, &m, NULL, &plain);
	trace.self = &told;
	words_of(key, NULL, &m, &trace, &traced);
	assert_int_equal(plain.n, traced.n);
	assert_memory_equal(plain.v, traced.v, plain.n * sizeof(uint64_t));
	assert_int_equal(told.n, plain.n);
	assert_true(told.pair && told.subject);
	features_free(&plain);
	features_free(&traced);
	arena_free(a);
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
	/* so much text of a message, in whatever parts: what comes behind says nothing */
	for (unsigned much = 0; much < 2; much++) {
		buf_reset(&b);
		(void)buf_addz(&b, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n");
		for (int i = 0; i < (much ? L_TOKEN_TEXT : L_TOKEN_TEXT / 2); i += 4)
			(void)buf_addz(&b, "no\r\n");
		(void)buf_addz(&b, "\r\n--b\r\n\r\nzebra\r\n--b--\r\n");
		assert_int_equal(shares(buf_slice(&b), SLICE("\r\nzebra\r\n"), 0), !much);
	}
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
		cmocka_unit_test(a_word_is_what_a_person_sees),
		cmocka_unit_test(look_alikes_are_read_as_latin),
		cmocka_unit_test(tricks_are_features_too),
		cmocka_unit_test(each_feature_has_a_name),
		cmocka_unit_test(another_key_gives_other_features),
		cmocka_unit_test(features_are_distinct_sorted_and_bounded),
		cmocka_unit_test(siphash_is_siphash),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
