/* Reverse names: what leads back, what does not, what is not known. RFC 8601 2.7.3, P14. */
#include "check.h"

#include "fake_dns.h"

#include <stdio.h>

#include "core/limits.h"
#include "dkim/iprev.h"

struct heard {
	unsigned calls;
	struct iprev_result r;
	char name[100];
};

static void on_done(void *self, const struct iprev_result *r)
{
	struct heard *h = self;

	h->calls++;
	h->r = *r;
	(void)snprintf(h->name, sizeof(h->name), SLICE_FMT, SLICE_ARG(r->name));
}

static struct heard ask(const struct fake_row *rows, const char *address)
{
	struct heard heard = { .calls = 0 };
	struct ip peer;

	assert_true(ip_parse(slice_of(address), &peer));
	fake.rows = rows;
	fake.asked = 0;
	assert_non_null(iprev_start(NULL, &peer, on_done, &heard));
	assert_int_equal(heard.calls, 0);
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 1);
	assert_int_equal(fake.pending, 0);
	return (heard);
}

#define PEER "1.2.0.192.in-addr.arpa"
#define PEER_V6 "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"

static void a_name_leads_back_or_not(void **state)
{
	static const struct {
		const char *address;
		struct fake_row rows[5];
		enum iprev_state result;
		const char *name;
	} cases[] = {
		{ "192.0.2.1", { { NULL, 0, NULL, DNS_OK } }, IPREV_NONE, "" },
		{ "192.0.2.1",
		    { { PEER, DNS_PTR, NULL, DNS_TEMPORARY }, { NULL, 0, NULL, DNS_OK } },
		    IPREV_TEMPERROR, "" },
		{ "192.0.2.1",
		    { { PEER, DNS_PTR, "a.example", DNS_OK },
			{ "a.example", DNS_A, "192.0.2.1", DNS_OK }, { NULL, 0, NULL, DNS_OK } },
		    IPREV_PASS, "a.example" },
		{ "192.0.2.1",
		    { { PEER, DNS_PTR, "a.example", DNS_OK },
			{ "a.example", DNS_A, "192.0.2.2", DNS_OK }, { NULL, 0, NULL, DNS_OK } },
		    IPREV_FAIL, "a.example" },
		{ "192.0.2.1", /* a name that does not exist leads nowhere */
		    { { PEER, DNS_PTR, "a.example", DNS_OK }, { NULL, 0, NULL, DNS_OK } },
		    IPREV_FAIL, "a.example" },
		{ "192.0.2.1", /* the second of two, and the second of its addresses */
		    { { PEER, DNS_PTR, "a.example", DNS_OK },
			{ PEER, DNS_PTR, "b.example", DNS_OK },
			{ "b.example", DNS_A, "192.0.2.9", DNS_OK },
			{ "b.example", DNS_A, "192.0.2.1", DNS_OK }, { NULL, 0, NULL, DNS_OK } },
		    IPREV_PASS, "b.example" },
		{ "192.0.2.1", /* one leads elsewhere, the other is not known: nothing is held against it */
		    { { PEER, DNS_PTR, "a.example", DNS_OK },
			{ PEER, DNS_PTR, "b.example", DNS_OK },
			{ "a.example", DNS_A, "192.0.2.9", DNS_OK },
			{ "b.example", DNS_A, NULL, DNS_TEMPORARY }, { NULL, 0, NULL, DNS_OK } },
		    IPREV_TEMPERROR, "a.example" },
		{ "2001:db8::1",
		    { { PEER_V6, DNS_PTR, "a.example", DNS_OK },
			{ "a.example", DNS_AAAA, "2001:db8::1", DNS_OK },
			{ NULL, 0, NULL, DNS_OK } },
		    IPREV_PASS, "a.example" },
		{ "2001:db8::1", /* an address of the other family is no way back */
		    { { PEER_V6, DNS_PTR, "a.example", DNS_OK },
			{ "a.example", DNS_A, "192.0.2.1", DNS_OK }, { NULL, 0, NULL, DNS_OK } },
		    IPREV_FAIL, "a.example" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct heard h = ask(cases[i].rows, cases[i].address);

		if (h.r.state != cases[i].result || strcmp(h.name, cases[i].name) != 0 ||
		    h.r.has_name != (cases[i].name[0] != '\0'))
			fail_msg("%zu: state %d, name %s", i, (int)h.r.state, h.name);
	}
}

static void so_many_names_are_followed(void **state)
{
	static const char *const names[] = { "a.example", "b.example", "c.example", "d.example",
		"e.example", "f.example", "g.example" };
	struct fake_row rows[COUNT_OF(names) + 2] = { { .name = NULL } };
	size_t n;

	(void)state;
	for (n = 0; n < COUNT_OF(names); n++)
		rows[n] = (struct fake_row){ PEER, DNS_PTR, names[n], DNS_OK };
	rows[n] = (struct fake_row){ names[L_IPREV - 1], DNS_A, "192.0.2.1", DNS_OK };
	assert_int_equal(ask(rows, "192.0.2.1").r.state, IPREV_PASS);
	assert_int_equal(fake.asked, 1 + L_IPREV);
	rows[n].name = names[L_IPREV];
	assert_int_equal(ask(rows, "192.0.2.1").r.state, IPREV_FAIL);
	assert_int_equal(fake.asked, 1 + L_IPREV);
}

static void cancelled_questions_stay_silent(void **state)
{
	static const struct fake_row rows[] = { { PEER, DNS_PTR, "a.example", DNS_OK },
		{ "a.example", DNS_A, "192.0.2.1", DNS_OK }, { NULL, 0, NULL, DNS_OK } };
	struct heard heard = { .calls = 0 };
	struct ip peer;

	(void)state;
	assert_true(ip_parse(SLICE("192.0.2.1"), &peer));
	fake.rows = rows;
	iprev_cancel(NULL);
	iprev_cancel(iprev_start(NULL, &peer, on_done, &heard));
	(void)loop_later(fake.loop, (void (*)(void *))iprev_cancel,
	    iprev_start(NULL, &peer, on_done, &heard)); /* once the names are known */
	loop_run(fake.loop);
	assert_int_equal(heard.calls, 0);
	assert_int_equal(fake.pending, 0);
	fake.full = true;
	assert_null(iprev_start(NULL, &peer, on_done, &heard));
	fake.full = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_leads_back_or_not),
		cmocka_unit_test(so_many_names_are_followed),
		cmocka_unit_test(cancelled_questions_stay_silent),
	};

	return (cmocka_run_group_tests(tests, fake_begin, fake_end));
}
