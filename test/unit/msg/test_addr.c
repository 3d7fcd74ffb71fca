/* test_addr.c: is each address of a field found, hidden by nothing, and written so that it reads
 * back? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"
#include "msg/addr.h"

/* "name|local|domain|route" of mailboxes, "name:" and ";" of groups, "!" at the end when faulty. */
static const char *shown(struct arena *a, const char *in)
{
	struct buf out = BUF_INIT(4096);
	struct addr_list l;
	const char *z;

	addr_parse(a, slice_of(in), &l);
	for (size_t i = 0; i < l.n; i++) {
		const struct addr *v = &l.v[i];

		switch (v->kind) {
		case ADDR_GROUP: (void)buf_fmt(&out, SLICE_FMT ": ", SLICE_ARG(v->name)); break;
		case ADDR_GROUP_END: (void)buf_addz(&out, "; "); break;
		case ADDR_MAILBOX:
			(void)buf_fmt(&out, SLICE_FMT "|" SLICE_FMT "|" SLICE_FMT "|" SLICE_FMT " ",
			    SLICE_ARG(v->name), SLICE_ARG(v->local), SLICE_ARG(v->domain),
			    SLICE_ARG(v->route));
			break;
		}
	}
	(void)buf_addz(&out, l.faulty ? "!" : "");
	z = arena_strdup(a, buf_slice(&out));
	buf_free(&out);
	return (z);
}

struct reading {
	const char *in, *out;
};

static void read_all(const struct reading *cases, size_t n)
{
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < n; i++)
		assert_string_equal(shown(a, cases[i].in), cases[i].out);
	arena_free(a);
}

static void well_formed_fields_are_read(void **state) /* RFC 5322 A.1, A.5, A.6 */
{
	static const struct reading cases[] = {
		{ "a@b.example", "|a|b.example| " },
		{ "Joe Q. Public <john.q.public@example.com>",
		    "Joe Q. Public|john.q.public|example.com| " },
		{ "\"Joe \\\"Q\\\" \\\\ P\" <a@b>", "Joe \"Q\" \\ P|a|b| " },
		{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
		    "Pete|pete|silly.test| " },
		{ "a@b (Anna  B)", "Anna  B|a|b| " },
		{ "\"a b\"@c, \"d\".e@f", "|a b|c| |d.e|f| " },
		{ "a@[192.0.2.1], b@[IPv6:::1]", "|a|[192.0.2.1]| |b|[IPv6:::1]| " },
		{ "A Group(x): Ed <joe@w>, joe@w (J);, <a@b>",
		    "A Group: Ed|joe|w| J|joe|w| ; |a|b| " },
		{ "Undisclosed recipients:(nobody(that I know))  ;", "Undisclosed recipients: ; " },
		{ "Mary <@node.test,@b.test:mary@c.test>", "Mary|mary|c.test|@node.test,@b.test " },
		{ "john . doe@ example . com", "|john.doe|example.com| " },
		{ "a@b,\r\n c@d,, ,", "|a|b| |c|d| " },
		{ "=?utf-8?q?a,b?= <c@d>", "=?utf-8?q?a,b?=|c|d| " },
		{ "<>", "||| " },
		{ "root", "|root|| " },
		{ "j\xc3\xb6rg@b\xc3\xbc.example", "|j\xc3\xb6rg|b\xc3\xbc.example| " },
		{ "", "" },
	};

	(void)state;
	read_all(cases, COUNT_OF(cases));
}

static void what_is_broken_hides_no_address(void **state) /* AUT-07, MIM-05 */
{
	static const struct reading cases[] = {
		{ "a@b <c@d>", "|a|b| a@b|c|d| !" },
		{ "a@b <c@B>", "a@b|c|B| " },
		{ "<a@b> <c@d>", "|a|b| |c|d| !" },
		{ "a@b c@d", "|a|b| |c|d| !" },
		{ "\"x <a@b>, c@d", "x|a|b| |c|d| !" },
		{ "(x <a@b>", "x|a|b| !" },
		{ "<a@b", "|a|b| !" },
		{ "<a@b@c>", "|a|b| !" },
		{ "<@a>", "||a| !" },
		{ "g: h: a@b;;", "g: |a|b| ; !" },
		{ "g: a@b", "g: |a|b| ; !" },
		{ "a@b; c@d", "|a|b| |c|d| !" },
		{ "x@[y, a@b", "|x|y| |a|b| !" },
		{ "z, @@c <d@e>", "|z|| ||| ||c| @c|d|e| !" },
		{ "x@=?a?b?c,d?= <e@f>", "|x|=?a?b?c| d?=|e|f| " },
	};

	(void)state;
	read_all(cases, COUNT_OF(cases));
}

static void the_one_domain_of_a_from_field_is_told(void **state)
{
	static const struct {
		const char *in, *domain; /* NULL: none, or several */
	} cases[] = {
		{ "A <a@B.example>", "B.example" },
		{ "a@b.example, c@B.EXAMPLE", "B.EXAMPLE" },
		{ "g: a@b;", "b" },
		{ "a@b, c@d", NULL },
		{ "a@b, c", "b" },
		{ "a@b <c@d>", NULL },
		{ "<a@b", "b" },
		{ "<a@b> x", "b" },
		{ "a@b;", "b" },
		{ "a@b.example.", "b.example" },
		{ "a@b.example, c@b.example.", "b.example" },
		{ "a@xn--bcher-kva.example, b@b\xc3\xbc"
		  "cher.example",
		    "b\xc3\xbc"
		    "cher.example" },
		{ "a@b c@d", NULL },
		{ "<>", NULL },
		{ "", NULL },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct addr_list l;
		struct slice domain = SLICE("");

		addr_parse(a, slice_of(cases[i].in), &l);
		if (addr_single_domain(&l, &domain) != (cases[i].domain != NULL))
			fail_msg("%s: " SLICE_FMT, cases[i].in, SLICE_ARG(domain));
		assert_true(slice_eq(domain, slice_of(cases[i].domain)));
	}
	arena_free(a);
}

static void addresses_are_quoted_where_they_must_be(void **state)
{
	static const struct {
		struct slice local, domain;
		const char *out;
	} cases[] = {
		{ SLICE_INIT("a.b"), SLICE_INIT("c"), "a.b@c" },
		{ SLICE_INIT("a b"), SLICE_INIT("c"), "\"a b\"@c" },
		{ SLICE_INIT("a..b"), SLICE_INIT("c"), "\"a..b\"@c" },
		{ SLICE_INIT(".a"), SLICE_INIT("c"), "\".a\"@c" },
		{ SLICE_INIT("a."), SLICE_INIT("c"), "\"a.\"@c" },
		{ SLICE_INIT("a\"\\"), SLICE_INIT("c"), "\"a\\\"\\\\\"@c" },
		{ SLICE_INIT("a@b"), SLICE_INIT("c"), "\"a@b\"@c" },
		{ SLICE_INIT("a>\r\n"), SLICE_INIT("c\r\n"), "\"a>\?\?\"@c\?\?" },
		{ SLICE_INIT("a\0b"), SLICE_INIT("c"), "a?b@c" },
		{ SLICE_INIT(""), SLICE_INIT("c"), "\"\"@c" },
		{ SLICE_INIT("a"), SLICE_INIT(""), "a" },
		{ SLICE_INIT(""), SLICE_INIT(""), "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf out = BUF_INIT(100);

		assert_int_equal(addr_write(&out, cases[i].local, cases[i].domain), 0);
		assert_int_equal(out.n, strlen(cases[i].out));
		assert_string_equal(buf_z(&out), cases[i].out);
		buf_free(&out);
	}
}

static void the_count_stops_at_its_limit(void **state) /* MIM-03 */
{
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT(1u << 20);
	struct addr_list l;

	(void)state;
	for (int i = 0; i < L_ADDR; i++)
		(void)buf_addz(&b, "a@b,");
	addr_parse(a, buf_slice(&b), &l);
	assert_true(l.n == L_ADDR && !l.cut);
	(void)buf_addz(&b, "c@d");
	addr_parse(a, buf_slice(&b), &l);
	assert_true(l.n == L_ADDR && l.cut);
	buf_reset(&b);
	for (int i = 0; i < L_CMT; i++)
		(void)buf_addc(&b, '(');
	for (int i = 0; i < L_CMT; i++)
		(void)buf_addc(&b, ')');
	addr_parse(a, buf_slice(&b), &l);
	assert_false(l.faulty);
	(void)buf_addz(&b, "((((((((((((((((()))))))))))))))))a@b"); /* MIM-05: 17 deep */
	addr_parse(a, buf_slice(&b), &l);
	assert_true(l.faulty && l.n == 1);
	buf_free(&b);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_fields_are_read),
		cmocka_unit_test(what_is_broken_hides_no_address),
		cmocka_unit_test(the_one_domain_of_a_from_field_is_told),
		cmocka_unit_test(addresses_are_quoted_where_they_must_be),
		cmocka_unit_test(the_count_stops_at_its_limit),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
