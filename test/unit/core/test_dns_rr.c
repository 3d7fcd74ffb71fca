/* Is each octet of record data accounted for? */
#include "check.h"

#include "core/arena.h"
#include "core/dns.h"
#include "core/mem.h"

#include <string.h>

static const struct {
	enum dns_type type;
	struct slice rdata;
	bool good;
} cases[] = {
	{ DNS_A, SLICE_INIT("\1\2\3\4"), true },
	{ DNS_A, SLICE_INIT("\1\2\3"), false },
	{ DNS_A, SLICE_INIT("\1\2\3\4\5"), false },
	{ DNS_AAAA, SLICE_INIT("\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7"), true },
	{ DNS_AAAA, SLICE_INIT("\1\2\3\4"), false },
	{ DNS_PTR, SLICE_INIT("\4Mail\7example\3org\0"), true },
	{ DNS_PTR, SLICE_INIT("\0"), false },
	{ DNS_PTR, SLICE_INIT(""), false },
	{ DNS_PTR, SLICE_INIT("\4mail"), false },	 /* no end */
	{ DNS_PTR, SLICE_INIT("\5mail\0"), false },	 /* label past the end */
	{ DNS_PTR, SLICE_INIT("\4mail\0x"), false },	 /* octets left over */
	{ DNS_PTR, SLICE_INIT("\xc0\x0c"), false },	 /* a pointer */
	{ DNS_PTR, SLICE_INIT("\4ma.l\0"), false },	 /* a dot inside a label */
	{ DNS_PTR, SLICE_INIT("\4ma\0l\0"), false },
	{ DNS_MX, SLICE_INIT("\0\0\0"), true },		 /* RFC 7505 */
	{ DNS_MX, SLICE_INIT("\0\1\1a\0"), true },
	{ DNS_MX, SLICE_INIT("\0\1"), false },
	{ DNS_TXT, SLICE_INIT(""), false },
	{ DNS_TXT, SLICE_INIT("\0"), true },
	{ DNS_TXT, SLICE_INIT("\2ab\0\1c"), true },
	{ DNS_TXT, SLICE_INIT("\3ab"), false },
	{ DNS_TLSA, SLICE_INIT("\3\1\1\xab"), true },
	{ DNS_TLSA, SLICE_INIT("\3\1\1"), false },
};

static void records_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct dns_record r;
		bool good = dns_rr_decode(a, cases[i].type, cases[i].rdata, &r);

		if (good != cases[i].good)
			print_message("case %zu\n", i);
		assert_int_equal(good, cases[i].good);
		arena_free(a);
	}
}

static void values_come_out_right(void **state)
{
	struct arena *a = arena_new(0);
	struct dns_record r;

	(void)state;
	assert_true(dns_rr_decode(a, DNS_PTR, SLICE("\4Mail\7example\3org\0"), &r));
	assert_true(slice_eq(r.u.name, SLICE("mail.example.org")));
	assert_true(dns_rr_decode(a, DNS_MX, SLICE("\1\2\1a\0"), &r));
	assert_int_equal(r.u.mx.preference, 258);
	assert_true(slice_eq(r.u.mx.host, SLICE("a")));
	assert_true(dns_rr_decode(a, DNS_TXT, SLICE("\2ab\0\1c"), &r));
	assert_true(slice_eq(r.u.text, SLICE("abc")));
	assert_true(dns_rr_decode(a, DNS_TLSA, SLICE("\3\1\2\xab\xcd"), &r));
	assert_int_equal(r.u.tlsa.usage * 100 + r.u.tlsa.selector * 10 + r.u.tlsa.matching, 312);
	assert_true(slice_eq(r.u.tlsa.data, SLICE("\xab\xcd")));
	arena_free(a);
}

static void longest_names_fit_and_longer_do_not(void **state)
{
	struct arena *a = arena_new(0);
	struct dns_record r;
	char name[260];

	(void)state;
	memset(name, 'x', sizeof(name));
	for (size_t at = 0; at < sizeof(name); at += 64)
		name[at] = 63;
	name[192] = 61;
	name[254] = 0;
	assert_true(dns_rr_decode(a, DNS_PTR, (struct slice){ name, 255 }, &r));
	assert_int_equal(r.u.name.n, 253);
	name[192] = 62;
	name[255] = 0;
	assert_false(dns_rr_decode(a, DNS_PTR, (struct slice){ name, 256 }, &r));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read_strictly),
		cmocka_unit_test(values_come_out_right),
		cmocka_unit_test(longest_names_fit_and_longer_do_not),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
