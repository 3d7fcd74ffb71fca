/* test_mail_format.c: names, folder files, line ends: what is written is what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/crlf.h"
#include "store/mail_int.h"

static void names_say_what_they_hold(void **state)
{
	static const struct {
		const char *file;
		bool is_message, has_p, has_i;
		uint64_t s, w;
		uint32_t uid, uidvalidity, flags;
		int64_t time;
	} cases[] = {
		{ "1700000000.M1P2Q3.abcdefgh,S=10,W=12,P=7.9,I=000102030405060708090a0b0c0d0e0f:2,"
		  "DFPRSTaz",
		    true, true, true, 10, 12, 7, 9,
		    FLAG_SYSTEM | FLAG_KEYWORD0 | (uint32_t)FLAG_KEYWORD0 << 25, 1700000000 },
		{ "1700000000.1.host,S=10:2,S", true, false, false, 10, 0, 0, 0, FLAG_SEEN,
		    1700000000 },
		{ "x,P=0.1,I=00", true, false, false, 0, 0, 0, 0, 0, 0 },
		{ "x,P=4294967295.1", true, false, false, 0, 0, 0, 0, 0, 0 },
		{ "x,P=1.2.3", true, false, false, 0, 0, 0, 0, 0, 0 },
		{ "x:1,S", true, false, false, 0, 0, 0, 0, 0, 0 },
		{ ".x", false, false, false, 0, 0, 0, 0, 0, 0 },
		{ "", false, false, false, 0, 0, 0, 0, 0, 0 },
		{ "a/b", false, false, false, 0, 0, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct name n;

		assert_int_equal(name_parse(slice_of(cases[i].file), &n), cases[i].is_message);
		assert_int_equal(n.has_p, cases[i].has_p);
		assert_int_equal(n.has_i, cases[i].has_i);
		assert_int_equal(n.s, cases[i].s);
		assert_int_equal(n.w, cases[i].w);
		assert_int_equal(n.uid, cases[i].uid);
		assert_int_equal(n.uidvalidity, cases[i].uidvalidity);
		assert_int_equal(n.flags, cases[i].flags);
		assert_int_equal(n.time, cases[i].time);
	}
}

static void names_come_back(void **state)
{
	unsigned char cid[16] = { 1, 2, 255, 16 };
	struct buf base = BUF_INIT(NAME_MAX_FILE);
	char unique[NAME_UNIQUE_MAX + 1], info[NAME_INFO_MAX];
	struct name n;

	(void)state;
	name_unique(unique, 1700000000123456, 42, "abcd2345");
	assert_true(name_unique_ok(slice_of(unique)));
	assert_int_equal(name_base(&base, slice_of(unique), 5, 6, 7, 8, cid), 0);
	name_info(info, FLAG_SYSTEM | (uint32_t)MAIL_KEYWORD_MASK);
	assert_string_equal(info, ":2,DFPRSTabcdefghijklmnopqrstuvwxyz");
	(void)buf_addz(&base, info);
	assert_true(base.n < NAME_MAX_FILE);
	assert_true(name_parse(buf_slice(&base), &n));
	assert_true(
	    n.time == 1700000000 && n.s == 5 && n.w == 6 && n.uid == 7 && n.uidvalidity == 8);
	assert_memory_equal(n.cid, cid, 16);
	assert_int_equal(n.flags, UINT32_MAX);
	buf_free(&base);
}

static void folder_file_comes_back_with_lines_of_others(void **state)
{
	static const char text[] = "pennypost-folder 1\nuidvalidity 5\nuidnext 1001\nmodseq "
				   "1048577\ncounter 9\nrole junk\nclean\n"
				   "metadata /private/comment x\n";
	static const char *const bad[] = { "", "uidvalidity 5\n", "pennypost-folder 2\n",
		"pennypost-folder 1\nuidvalidity 5\nuidnext 1\n",
		"pennypost-folder 1\nuidvalidity 0\nuidnext 1\nmodseq 1\n",
		"pennypost-folder 1\nuidvalidity 5\nuidnext x\nmodseq 1\n",
		"pennypost-folder 1\nuidvalidity 5\nmodseq 1\nuidnext 10" };
	struct folder_file f;
	struct buf out = BUF_INIT(MAIL_FILE);

	(void)state;
	assert_int_equal(folder_file_parse(slice_of(text), &f), 0);
	assert_true(f.uidvalidity == 5 && f.uidnext == 1001 && f.modseq == 1048577 &&
	    f.counter == 9 && f.role == ROLE_JUNK && f.clean);
	assert_int_equal(folder_file_print(&f, &out), 0);
	assert_true(slice_eq(buf_slice(&out), slice_of(text)));
	buf_free(&out);
	buf_free(&f.rest);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_equal(folder_file_parse(slice_of(bad[i]), &f), -1);
		buf_free(&f.rest);
	}
}

static void line_ends_go_both_ways_in_any_pieces(void **state)
{
	static const struct {
		struct slice disk, wire;
	} cases[] = {
		{ SLICE_INIT("a\nb\n"), SLICE_INIT("a\r\nb\r\n") },
		{ SLICE_INIT("a\r\nb\n"), SLICE_INIT("a\r\nb\r\n") },
		{ SLICE_INIT("a\rb\n"), SLICE_INIT("a\rb\r\n") },
		{ SLICE_INIT("\n\n"), SLICE_INIT("\r\n\r\n") },
		{ SLICE_INIT("a\r"), SLICE_INIT("a\r") },
		{ SLICE_INIT(""), SLICE_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t piece = 1; piece < 5; piece++) {
			struct buf wire = BUF_INIT(100), disk = BUF_INIT(100);
			bool after = false, count = false, held = false;
			uint64_t size = 0;

			for (size_t at = 0; at < cases[i].disk.n; at += piece) {
				struct slice part =
				    slice_head(slice_from(cases[i].disk, at), piece);

				assert_int_equal(crlf_wire(part, &after, &wire), 0);
				size += crlf_wire_size(part, &count);
			}
			assert_true(slice_eq(buf_slice(&wire), cases[i].wire));
			assert_int_equal(size, wire.n);
			for (size_t at = 0; at < wire.n; at += piece)
				(void)crlf_strip(
				    slice_head(slice_from(buf_slice(&wire), at), piece), &held,
				    &disk);
			(void)crlf_strip_end(&held, &disk);
			buf_reset(&wire);
			after = false;
			(void)crlf_wire(buf_slice(&disk), &after, &wire);
			assert_true(slice_eq(buf_slice(&wire), cases[i].wire));
			buf_free(&wire);
			buf_free(&disk);
		}
}

static void what_cannot_be_found_again_is_not_stripped(void **state)
{
	unsigned a = 0, b = 0, c = 0;

	(void)state;
	assert_true(crlf_can_strip(SLICE("a\r\nb\rc\r\n"), &a));
	assert_false(crlf_can_strip(SLICE("a\r\r\n"), &b));
	assert_true(crlf_can_strip(SLICE("a\r\r"), &c));
	assert_false(crlf_can_strip(SLICE("\n"), &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_say_what_they_hold),
		cmocka_unit_test(names_come_back),
		cmocka_unit_test(folder_file_comes_back_with_lines_of_others),
		cmocka_unit_test(line_ends_go_both_ways_in_any_pieces),
		cmocka_unit_test(what_cannot_be_found_again_is_not_stripped),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
