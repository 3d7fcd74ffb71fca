/* Hashes of a body made in pieces are those of its canonical form: of words, of many empty lines in it and at its end, of its first octets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <openssl/sha.h>
#include <stdlib.h>

#include "canon_body.h"
#include "core/mem.h"
#include "dkim/bodyhash.h"

enum { EMPTY = 100000, MOST = 2 * EMPTY + 100000 }; /* more lines than any patience */

static void check(struct slice in, size_t step)
{
	static const uint64_t lengths[] = { UINT64_MAX, 0, 1, 2047, 2048, 2049, EMPTY, 2 * EMPTY, 2 * EMPTY + 3 };
	enum { LENGTHS = COUNT_OF(lengths), HOWS = 2 };

	for (int how = CANON_SIMPLE; how <= CANON_RELAXED; how++) {
		struct buf want = BUF_INIT(MOST);
		struct bodyhash *b = bodyhash_new();
		int which[LENGTHS], other;

		body_form((enum canon)how, in, in.n, 0, &want); /* by the plain road: all that may be the end waits */
		for (size_t i = 0; i < LENGTHS; i++)
			which[i] = bodyhash_want(b, (enum canon)how, lengths[i]);
		other = bodyhash_want(b, how == CANON_SIMPLE ? CANON_RELAXED : CANON_SIMPLE, UINT64_MAX);
		assert_int_not_equal(other, BODYHASH_NONE);
		for (size_t at = 0; at < in.n; at += step)
			bodyhash_add(b, slice_head(slice_from(in, at), step));
		bodyhash_end(b);
		for (size_t i = 0; i < LENGTHS; i++) {
			struct slice part = slice_head(buf_slice(&want), (size_t)lengths[i]);
			unsigned char got[BODYHASH_OCTETS], digest[SHA256_DIGEST_LENGTH];
			uint64_t size;

			bodyhash_get(b, which[i], got, &size);
			assert_int_equal(size, want.n);
			(void)SHA256((const unsigned char *)part.p, part.n, digest);
			assert_memory_equal(got, digest, sizeof(digest));
		}
		bodyhash_free(b);
		buf_free(&want);
	}
}

static void empties(struct buf *out, size_t n)
{
	for (; n > 0; n--)
		(void)buf_addz(out, "\r\n");
}

static void hashes_are_those_of_the_form(void **state)
{
	static const struct {
		const char *first, *second, *last; /* between them empty lines */
	} cases[] = {
		{ "a few words", "and more\r\n", "" },
		{ "a few words", "", "" },
		{ "", "", "" },
		{ "", "x", " " },
		{ "a\r\n", " \t", "\r\n \r\n" },
		{ "a", " b", "\r" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf in = BUF_INIT(MOST);

		(void)buf_addz(&in, cases[i].first);
		empties(&in, EMPTY);
		(void)buf_addz(&in, cases[i].second);
		empties(&in, EMPTY / 2);
		(void)buf_addz(&in, cases[i].last);
		check(buf_slice(&in), 1000);
		check(buf_slice(&in), 65537);
		check(buf_slice(&in), in.n);
		buf_free(&in);
	}
}

static void who_leaves_in_the_middle_leaves_nothing(void **state)
{
	struct bodyhash *b = bodyhash_new();
	struct buf in = BUF_INIT(MOST);

	(void)state;
	(void)bodyhash_want(b, CANON_RELAXED, UINT64_MAX);
	(void)bodyhash_want(b, CANON_SIMPLE, 7);
	empties(&in, EMPTY);
	bodyhash_add(b, buf_slice(&in));
	bodyhash_free(b); /* in a guess */
	buf_free(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_are_those_of_the_form),
		cmocka_unit_test(who_leaves_in_the_middle_leaves_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
