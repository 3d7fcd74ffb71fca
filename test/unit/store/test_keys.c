/* test_keys.c: what messages sort and thread by is read as RFC 5256 says, and a pack gives back what
 * was put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/mem.h"
#include "store/keys.h"

static void header_lines_become_keys(void **state)
{
	static const char fields[] =
	    "Date: Mon, 23 Nov 2026 06:00:00 +0200\r\nSubject: Re: [x] =?utf-8?q?gr=C3=BC=C3=9Fe?= "
	    "(fwd)\r\n"
	    "From: \"Ann B\" <ann@a.example>\r\nTo: bob@b.example\r\nCc: all: c@c.example;\r\n"
	    "Message-ID: <1@a>\r\nReferences: <a@a> <b@a>\r\nIn-Reply-To: <c@a>\r\n\r\n";
	struct view_message m = { .uid = 7, .size = 5, .internal_date = 99 };
	struct arena *a = arena_new(0);
	struct sort_keys k, other;

	(void)state;
	keys_read(a, slice_of(fields), &m, &k);
	assert_int_equal(k.sent, 1795406400);
	assert_true(k.is_reply);
	assert_true(slice_eq(k.text[SORT_TEXT_FROM], SLICE("ANN")));
	assert_true(slice_eq(k.text[SORT_TEXT_DISPLAYFROM], SLICE("ANN B")));
	assert_true(slice_eq(k.text[SORT_TEXT_DISPLAYTO], SLICE("BOB@B.EXAMPLE")));
	assert_true(slice_eq(k.text[SORT_TEXT_CC], SLICE("ALL")));
	assert_int_equal(k.refs_n, 2);
	keys_read(a,
	    SLICE("Message-ID: <b@a>\r\nIn-Reply-To: <1@a>\r\nSubject: "
		  "=?utf-8?q?GR=C3=BC=C3=9Fe?=\r\n\r\n"),
	    &m, &other);
	assert_int_equal(other.sent, 99); /* it has no Date: RFC 5256 2.2 */
	assert_true(other.id == k.refs[1]);
	assert_true(other.refs_n == 1 && other.refs[0] == k.id);
	assert_true(other.subject == k.subject && k.subject != 0);
	keys_read(a, SLICE("\r\n"), &m, &other);
	assert_true(other.id == 0 && other.subject == 0 && other.refs_n == 0 && !other.is_reply);
	arena_free(a);
}

static void the_last_references_count(void **state)
{
	struct arena *a = arena_new(0);
	struct buf fields = BUF_INIT(65536);
	struct view_message m = { .uid = 1 };
	struct sort_keys k, last;

	(void)state;
	(void)buf_addz(&fields, "References:");
	for (unsigned i = 0; i < 100; i++)
		(void)buf_fmt(&fields, " <%u@a>", i);
	(void)buf_addz(&fields, "\r\n\r\n");
	keys_read(a, buf_slice(&fields), &m, &k);
	assert_int_equal(k.refs_n, L_IREFS);
	keys_read(a, SLICE("References: <36@a> <99@a>\r\n\r\n"), &m, &last);
	assert_true(k.refs[0] == last.refs[0] && k.refs[L_IREFS - 1] == last.refs[1]);
	buf_free(&fields);
	arena_free(a);
}

static void a_pack_gives_back_what_was_put_in(void **state)
{
	static const uint32_t uids[] = { 1023, 513, 700, 512 };
	const uint64_t refs[] = { 5, 6, 7 };
	struct sort_keys k = { .sent = -1,
		.id = 1,
		.subject = 2,
		.is_reply = true,
		.refs = refs,
		.refs_n = 3 },
			 got;
	struct view_message m;
	struct pack p, again;

	(void)state;
	pack_init(&p, uids[0]);
	for (size_t i = 0; i < COUNT_OF(uids); i++) {
		m = (struct view_message){
			.uid = uids[i], .size = (uint32_t)i, .internal_date = 1000 + (int64_t)i
		};
		k.refs_n = i % 4;
		k.text[SORT_TEXT_TO] = slice_head(SLICE("some text"), i);
		assert_true(pack_add(&p, &m, &k));
		assert_false(pack_add(&p, &m, &k));
	}
	m.uid = 1024;
	assert_false(pack_add(&p, &m, &k)); /* of the next pack */
	pack_init(&again, 512);
	(void)buf_add_slice(&again.numbers, buf_slice(&p.numbers));
	(void)buf_add_slice(&again.texts,
	    slice_head(buf_slice(&p.texts), p.texts.n - 1)); /* the last is cut short */
	pack_index(&again);
	for (size_t i = 0; i < COUNT_OF(uids); i++) {
		bool whole = i + 1 < COUNT_OF(uids);

		assert_true(pack_find(&again, uids[i], false, &m, &got));
		assert_true(
		    m.uid == uids[i] && m.size == i && m.internal_date == 1000 + (int64_t)i);
		assert_true(got.sent == -1 && got.id == 1 && got.subject == 2 && got.is_reply &&
		    got.refs_n == i % 4);
		assert_memory_equal(got.refs, refs, got.refs_n * sizeof(*refs));
		assert_int_equal(pack_find(&again, uids[i], true, &m, &got), whole);
		if (whole)
			assert_int_equal(got.text[SORT_TEXT_TO].n, i);
	}
	assert_false(pack_find(&again, 600, false, &m, &got));
	assert_false(pack_find(&again, 1024, false, &m, &got));
	pack_free(&p);
	pack_free(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_lines_become_keys),
		cmocka_unit_test(the_last_references_count),
		cmocka_unit_test(a_pack_gives_back_what_was_put_in),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
