/* ip: one spelling, one address; networks; who is private. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>

#include "core/ip.h"
#include "core/mem.h"

static struct ip ip(const char *z)
{
	struct ip a = { .is_v6 = false };

	assert_true(ip_parse(slice_of(z), &a));
	return (a);
}

static void text_is_read_and_written(void **state)
{
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::ffff:c000:201", "192.0.2.1" },
		{ "2001:db8::a:1:2:3", "2001:db8::a:1:2:3" },
		{ "", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.01", NULL },
		{ "0x7f.1", NULL },
		{ "192.0.2.1 ", NULL },
		{ "[::1]", NULL },
		{ "fe80::1%lo", NULL },
		{ "1:2:3:4:5:6:7:8:9", NULL },
		{ "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ip a;
		char text[IP_TEXT];
		bool ok = ip_parse(slice_of(cases[i].in), &a);

		assert_int_equal(ok, cases[i].out != NULL);
		if (ok)
			assert_string_equal(ip_text(&a, text), cases[i].out);
	}
	assert_false(ip_parse(SLICE("192.0.2.1\0"), &(struct ip){ 0 }));
}

static void limits_count_by_source(void **state)
{
	struct ip a = ip("2001:db8:1:2:3:4:5:6"), b = ip("2001:db8:1:2:ffff::1"),
		  c = ip("2001:db8:1:3::1"), s, t;

	(void)state;
	s = ip_source(&a);
	t = ip_source(&b);
	assert_true(ip_eq(&s, &t));
	t = ip_source(&c);
	assert_false(ip_eq(&s, &t));
	a = ip("192.0.2.1");
	b = ip("192.0.2.2");
	s = ip_source(&a);
	t = ip_source(&b);
	assert_false(ip_eq(&s, &t));
}

static void networks_hold_their_addresses(void **state)
{
	static const struct {
		const char *ip, *net;
		unsigned bits;
		bool in;
	} cases[] = {
		{ "192.0.2.130", "192.0.2.128", 25, true },
		{ "192.0.2.127", "192.0.2.128", 25, false },
		{ "10.1.2.3", "0.0.0.0", 0, true },
		{ "10.1.2.3", "10.1.2.3", 32, true },
		{ "10.1.2.2", "10.1.2.3", 32, false },
		{ "10.1.2.3", "::", 0, false },
		{ "2001:db8::1", "2001:db8::", 33, true },
		{ "2001:db8:8000::1", "2001:db8::", 33, false },
		{ "2001:db8::1", "2001:db8::1", 128, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ip a = ip(cases[i].ip), n = ip(cases[i].net);

		assert_int_equal(ip_in(&a, &n, cases[i].bits), cases[i].in);
	}
}

static void private_addresses_are_known(void **state)
{
	static const char *private[] = { "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.1.2.3",
		"169.254.1.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "224.0.0.1",
		"255.255.255.255", "::", "::1", "::10.0.0.1", "::8.8.8.8", "fe80::1", "fec0::1",
		"fc00::1", "fd12::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1" };
	static const char *public[] = { "1.1.1.1", "100.63.255.255", "100.128.0.0", "172.32.0.1",
		"172.15.255.255", "192.169.0.1", "223.255.255.255", "2001:db8::1", "2a00::1",
		"64:ff9b::1.1.1.1", "::ffff:1.1.1.1" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(private); i++) {
		struct ip a = ip(private[i]);

		if (!ip_is_private(&a))
			fail_msg("%s", private[i]);
	}
	for (size_t i = 0; i < COUNT_OF(public); i++) {
		struct ip a = ip(public[i]);

		if (ip_is_private(&a) || ip_is_loopback(&a))
			fail_msg("%s", public[i]);
	}
}

static void reverse_names_are_made(void **state)
{
	struct ip four = ip("192.0.2.1"), six = ip("2001:db8::567:89ab");
	char name[IP_NAME];

	(void)state;
	assert_string_equal(ip_reverse(&four, name), "1.2.0.192.in-addr.arpa");
	assert_string_equal(ip_reverse(&six, name), /* RFC 3596 2.5 */
	    "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

static void ports_are_read(void **state)
{
	static const struct {
		const char *in;
		unsigned def;
		const char *host;
		unsigned port; /* 0: refused */
	} cases[] = {
		{ "127.0.0.1:53", 0, "127.0.0.1", 53 },
		{ "[::1]:5353", 0, "::1", 5353 },
		{ "127.0.0.1", 53, "127.0.0.1", 53 },
		{ "::1", 53, "::1", 53 },
		{ "[::1]", 53, "::1", 53 },
		{ "::1:53", 0, NULL, 0 },
		{ "127.0.0.1", 0, NULL, 0 },
		{ "127.0.0.1:", 53, NULL, 0 },
		{ "127.0.0.1:0", 53, NULL, 0 },
		{ "127.0.0.1:65536", 53, NULL, 0 },
		{ "127.0.0.1:+5", 53, NULL, 0 },
		{ "[127.0.0.1]:53", 0, NULL, 0 },
		{ "[::1]53", 53, NULL, 0 },
		{ "[::1", 53, NULL, 0 },
		{ "dns.example:53", 53, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ip a;
		unsigned port = 0;
		bool ok = ip_parse_port(slice_of(cases[i].in), cases[i].def, &a, &port);

		assert_int_equal(ok, cases[i].port > 0);
		if (ok) {
			struct ip want = ip(cases[i].host);

			assert_true(ip_eq(&a, &want));
			assert_int_equal(port, cases[i].port);
		}
	}
}

static void socket_addresses_go_both_ways(void **state)
{
	static const char *cases[] = { "192.0.2.1", "2001:db8::1" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ip a = ip(cases[i]), b;
		struct sockaddr_storage sa;

		assert_int_equal(ip_to_sockaddr(&a, 25, &sa),
		    a.is_v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		ip_from_sockaddr((struct sockaddr *)&sa, &b);
		assert_true(ip_eq(&a, &b));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read_and_written),
		cmocka_unit_test(limits_count_by_source),
		cmocka_unit_test(networks_hold_their_addresses),
		cmocka_unit_test(private_addresses_are_known),
		cmocka_unit_test(reverse_names_are_made),
		cmocka_unit_test(ports_are_read),
		cmocka_unit_test(socket_addresses_go_both_ways),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
