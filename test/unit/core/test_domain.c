/* domain: what is a name, and which two are the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/domain.h"
#include "core/mem.h"

static void names_are_checked(void **state)
{
	static const struct {
		struct slice name;
		bool ok;
	} cases[] = {
		{ SLICE_INIT("example.org"), true },
		{ SLICE_INIT("_dmarc.example.org"), true },
		{ SLICE_INIT("localhost"), true },
		{ SLICE_INIT("1.2.3.4"), true },
		{ SLICE_INIT("x--y.z"), true },
		{ SLICE_INIT("_a.xn--tda"), true },
		{ SLICE_INIT("xn--_x-wka"), false },
		{ SLICE_INIT(""), false },
		{ SLICE_INIT("."), false },
		{ SLICE_INIT("example.org."), false },
		{ SLICE_INIT(".example.org"), false },
		{ SLICE_INIT("example..org"), false },
		{ SLICE_INIT("-a.org"), false },
		{ SLICE_INIT("a-.org"), false },
		{ SLICE_INIT("a b.org"), false },
		{ SLICE_INIT("a\0b.org"), false },
		{ SLICE_INIT("f\xc3\xa4.org"), false },
		{ SLICE_INIT("a/../b"), false },
	};
	char label[64 + 1 + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(domain_ok(cases[i].name), cases[i].ok);
	for (size_t i = 0; i < 64; i++)
		label[i] = 'a';
	assert_true(domain_ok((struct slice){ label, 63 }));
	assert_false(domain_ok((struct slice){ label, 64 }));
}

static void the_whole_is_at_most_253(void **state)
{
	char name[254];

	(void)state;
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	assert_true(domain_ok((struct slice){ name, 253 }));
	name[253] = 'a';
	name[252] = 'a';
	assert_false(domain_ok((struct slice){ name, 254 }));
}

static void unicode_names_get_their_a_label(void **state)
{
	static const struct {
		struct slice name, ascii;
	} cases[] = {
		{ SLICE_INIT("EXAMPLE.Org"), SLICE_INIT("example.org") },
		{ SLICE_INIT("B\xc3\xbc"
			     "cher.example"),
		    SLICE_INIT("xn--bcher-kva.example") },
		{ SLICE_INIT("XN--Bcher-KVA.example"), SLICE_INIT("xn--bcher-kva.example") },
		{ SLICE_INIT("fa\xc3\x9f.de"), SLICE_INIT("xn--fa-hia.de") },
		/* u and a combining diaeresis: the same name as with one character */
		{ SLICE_INIT("bu\xcc\x88"
			     "cher.example"),
		    SLICE_INIT("xn--bcher-kva.example") },
		{ SLICE_INIT("\xc3\xbc..example"), SLICE_INIT("") },
		{ SLICE_INIT("\xc3\xbc_x.example"), SLICE_INIT("") },
		{ SLICE_INIT("\xc3\xbc .example"), SLICE_INIT("") },
		{ SLICE_INIT("\xff.example"), SLICE_INIT("") },
		{ SLICE_INIT("\xe2\x80\xae"
			     "x.example"),
		    SLICE_INIT("") },
		{ SLICE_INIT("\xc3\xbc.example."), SLICE_INIT("") },
		{ SLICE_INIT(""), SLICE_INIT("") },
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice got = domain_ascii(a, cases[i].name);

		if (!slice_eq(got, cases[i].ascii))
			fail_msg("case %zu: " SLICE_FMT, i, SLICE_ARG(got));
	}
	arena_free(a);
}

static void sameness_ignores_case_and_spelling(void **state)
{
	(void)state;
	assert_true(domain_same(SLICE("A.org"), SLICE("a.ORG")));
	assert_true(domain_same(SLICE("\xc3\x9c.example"), SLICE("xn--tda.example")));
	assert_false(domain_same(SLICE("a.org"), SLICE("b.org")));
	assert_false(domain_same(SLICE(""), SLICE("")));
	assert_true(domain_is_within(SLICE("Bank.example"), SLICE("bank.EXAMPLE")));
	assert_true(domain_is_within(SLICE("a.b.bank.example"), SLICE("bank.example")));
	assert_false(domain_is_within(SLICE("evilbank.example"), SLICE("bank.example")));
	assert_false(domain_is_within(SLICE("bank.example"), SLICE("a.bank.example")));
	assert_false(domain_is_within(SLICE("bank.example"), SLICE("")));
	assert_false(domain_is_within(SLICE(""), SLICE("bank.example")));
	assert_false(domain_same(SLICE("a..b"), SLICE("a..b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(the_whole_is_at_most_253),
		cmocka_unit_test(unicode_names_get_their_a_label),
		cmocka_unit_test(sameness_ignores_case_and_spelling),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
