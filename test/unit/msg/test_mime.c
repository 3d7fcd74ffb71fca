/* test_mime.c: are parts found where they are, and does the map bring them back? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limits.h"
#include "core/mem.h"
#include "msg/mime.h"
#include "msg/envelope.h"

static const char nested[] = "Content-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n"
			     "--b\r\n\r\none\r\n"
			     "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: "
			     "in\r\nContent-Type: multipart/x; boundary=c\r\n\r\n"
			     "--c\r\n\r\ntwo\r\nlines\r\n--c\r\n\r\nthree"
			     "\r\n--b--\r\nepilogue\r\n";

static struct slice body_at_path(
    const struct mime *m, struct arena *a, const unsigned *path, size_t n)
{
	struct buf b = BUF_INIT(4096);
	struct mime_map_part *parts;
	const struct mime_map_part *p;
	size_t parts_n;

	assert_int_equal(mime_map_pack(m, &b), 0);
	assert_true(mime_map_unpack(a, buf_slice(&b), &parts, &parts_n));
	p = mime_map_find(parts, parts_n, path, n);
	buf_free(&b);
	if (p == NULL)
		return ((struct slice){ NULL, 0 });
	return (slice_head(slice_from(m->whole, p->body_at), p->body_size));
}

static void sections_are_found_by_path(void **state)
{
	static const struct {
		unsigned path[3];
		size_t n;
		const char *body; /* NULL: no such part */
	} cases[] = {
		{ { 1 }, 1, "one" },
		{ { 2, 1 }, 2, "two\r\nlines" },
		{ { 2, 2 }, 2, "three" },
		{ { 3 }, 1, NULL },
		{ { 1, 1 }, 2, NULL },
		{ { 2, 3 }, 2, NULL },
		{ { 2, 1, 1 }, 3, NULL },
	};
	struct arena *a = arena_new(0);
	struct mime m;

	(void)state;
	mime_parse(a, slice_of(nested), &m);
	assert_int_equal(m.n, 6);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice body = body_at_path(&m, a, cases[i].path, cases[i].n);

		assert_int_equal(body.p == NULL, cases[i].body == NULL);
		assert_true(cases[i].body == NULL || slice_eq(body, slice_of(cases[i].body)));
	}
	assert_int_equal(m.parts[4].body_lines, 2);
	assert_int_equal(m.parts[5].body_lines, 1);
	arena_free(a);
}

static void the_first_of_doubled_fields_counts(void **state) /* MIM-08 */
{
	static const char in[] =
	    "Content-Type: text/html; charset=a; charset=b\nContent-Type: text/plain\n"
	    "Content-Transfer-Encoding: base64;x\nContent-Transfer-Encoding: 7bit\n\nx";
	struct arena *a = arena_new(0);
	struct mime m;

	(void)state;
	mime_parse(a, slice_of(in), &m);
	assert_true(m.ambiguous && mime_is(&m.parts[0], "TEXT", "html"));
	assert_int_equal(m.parts[0].encoding, MIME_BASE64);
	assert_true(slice_eq(mime_param(&m.parts[0].type, SLICE("Charset")), SLICE("a")));
	arena_free(a);
}

static void nesting_and_parts_stop_at_their_limits(void **state) /* MIM-01, MIM-02 */
{
	struct buf b = BUF_INIT(8u << 20), out = BUF_INIT(8u << 20);
	struct arena *a = arena_new(0);
	struct mime m;

	(void)state;
	for (int i = 0; i < 10000; i++)
		(void)buf_fmt(
		    &b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i);
	mime_parse(a, buf_slice(&b), &m);
	assert_int_equal(m.n, L_DEPTH + 1);
	assert_true(m.parts[L_DEPTH].opaque && m.parts[L_DEPTH].kind == MIME_LEAF);
	assert_int_equal(structure_write(&out, &m, true), 0);
	buf_reset(&b);
	(void)buf_addz(&b, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
	for (int i = 0; i < 100000; i++)
		(void)buf_addz(&b, "--b\r\n\r\nx\r\n");
	mime_parse(a, buf_slice(&b), &m);
	assert_int_equal(m.n, L_PARTS);
	assert_true(m.parts[L_PARTS - 1].opaque);
	assert_int_equal(m.parts[L_PARTS - 1].body_at + m.parts[L_PARTS - 1].body_size, b.n);
	buf_free(&b);
	buf_free(&out);
	arena_free(a);
}

static void parameters_are_read_as_mail_writes_them(void **state)
{
	static const struct {
		const char *in, *name, *value;
	} cases[] = {
		{ "text/plain; charset=us-ascii (Plain)", "charset", "us-ascii" },
		{ "text/plain; charset=a format=flowed", "format", "flowed" },
		{ "a/b; name=my file.txt; x=y", "name", "my file.txt" },
		{ "a/b; name=\"a\\\"b\\\\c\"", "name", "a\"b\\c" },
		{ "a/b; name*0*=utf-8''%e2%82; name*1*=%ac; name*2=x", "name", "\xe2\x82\xacx" },
		{ "a/b; name=plain; name*=utf-8''star", "name", "star" },
		{ "a/b; x=1; x=2", "x", "1" },
		{ "a/b;;; =; x = \"y\"", "x", "y" },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct mime_value v;

		mime_value_parse(a, slice_of(cases[i].in), &v);
		assert_true(
		    slice_eq(mime_param(&v, slice_of(cases[i].name)), slice_of(cases[i].value)));
	}
	arena_free(a);
}

static void structure_says_what_imap_wants(void **state)
{
	struct arena *a = arena_new(0);
	struct buf out = BUF_INIT(4096);
	struct mime m;

	(void)state;
	mime_parse(a, slice_of(nested), &m);
	assert_int_equal(structure_write(&out, &m, false), 0);
	assert_string_equal(buf_z(&out),
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 3 1)"
	    "(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 85 (NIL \"in\" NIL NIL NIL NIL NIL NIL "
	    "NIL NIL) "
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 10 2)"
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 1) \"x\") 10) "
	    "\"mixed\")");
	buf_reset(&out);
	mime_parse(a, slice_of("From: a@b (N)\nTo: g: c;\nSubject: a\"b\xe4\nCc: <>\n\n"), &m);
	assert_int_equal(envelope_write(&out, &m.parts[0].header), 0); /* MIM-05, IMP-23 */
	assert_string_equal(buf_z(&out),
	    "(NIL {5}\r\na\"b\xc3\xa4 ((\"N\" NIL \"a\" \"b\")) ((\"N\" NIL \"a\" \"b\")) ((\"N\" "
	    "NIL \"a\" \"b\")) "
	    "((NIL NIL \"g\" NIL)(NIL NIL \"c\" \"\")(NIL NIL NIL NIL)) ((NIL NIL \"\" \"\")) NIL "
	    "NIL NIL)");
	buf_free(&out);
	arena_free(a);
}

static void an_mbox_line_hides_no_header_within(void **state)
{
	static const struct {
		const char *line;
		size_t fields;
	} cases[] = {
		{ "From ann@x.example Mon Jun  1 10:00:00 2020\r\n", 2 },
		{ ">From ann@x.example\n", 2 },
		{ "From : bob@x.example\r\n", 3 }, /* a field, written the old way */
		{ "From\r\n", 0 },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct mime m;

		mime_parse(a,
		    slice_of(arena_fmt(a,
			"Content-Type: message/rfc822\r\n\r\n%sFrom: a@x.example\r\n"
			"Subject: in\r\n\r\nbody\r\n",
			cases[i].line)),
		    &m);
		assert_int_equal(m.n, 2);
		assert_int_equal(m.parts[1].header.n, cases[i].fields);
		assert_int_equal(m.parts[1].header_at, m.parts[0].body_at);
		if (cases[i].fields > 0)
			assert_true(slice_eq(mime_body(&m, &m.parts[1]), SLICE("body\r\n")));
	}
	/* of a whole message it is a line like another */
	struct mime m;

	mime_parse(a, SLICE("From x y\r\nSubject: out\r\n\r\n"), &m);
	assert_int_equal(m.parts[0].header.n, 0);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_are_found_by_path),
		cmocka_unit_test(an_mbox_line_hides_no_header_within),
		cmocka_unit_test(the_first_of_doubled_fields_counts),
		cmocka_unit_test(nesting_and_parts_stop_at_their_limits),
		cmocka_unit_test(parameters_are_read_as_mail_writes_them),
		cmocka_unit_test(structure_says_what_imap_wants),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
