/* Where does mail for a domain go? Answered from a DNS of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/mem.h"
#include "core/secret.h"
#include "smtp/out_int.h"

/* --- a DNS: "name TYPE answer" --- */

struct fact {
	const char *name;
	enum dns_type type;
	enum dns_status status;
	unsigned preference;
	const char *value;
};

static const struct fact facts[] = {
	{ "two.test", DNS_MX, DNS_OK, 20, "b.test" },
	{ "two.test", DNS_MX, DNS_OK, 10, "a.test" },
	{ "a.test", DNS_A, DNS_OK, 0, "192.0.2.1" },
	{ "b.test", DNS_A, DNS_OK, 0, "192.0.2.2" },
	{ "b.test", DNS_AAAA, DNS_OK, 0, "2001:db8::2" },
	{ "null.test", DNS_MX, DNS_OK, 0, "" },
	{ "none.test", DNS_MX, DNS_NO_NAME, 0, "" },
	{ "servfail.test", DNS_MX, DNS_TEMPORARY, 0, "" },
	{ "implicit.test", DNS_A, DNS_OK, 0, "192.0.2.3" },
	{ "only6.test", DNS_AAAA, DNS_OK, 0, "2001:db8::3" },
	{ "private.test", DNS_A, DNS_OK, 0, "10.0.0.1" },
	{ "loop.test", DNS_A, DNS_OK, 0, "127.0.0.1" },
	{ "us.test", DNS_MX, DNS_OK, 10, "me.test" },
	{ "us.test", DNS_MX, DNS_OK, 5, "a.test" },
	{ "us.test", DNS_MX, DNS_OK, 20, "b.test" },
	{ "only-us.test", DNS_MX, DNS_OK, 10, "ME.test" },
	{ "listen.test", DNS_A, DNS_OK, 0, "192.0.2.99" },
	{ "void.test", DNS_MX, DNS_OK, 10, "nowhere.test" },
	{ "half.test", DNS_MX, DNS_OK, 10, "broken.test" },
	{ "broken.test", DNS_A, DNS_TEMPORARY, 0, "" },
	{ "many.test", DNS_MX, DNS_OK, 1, "m.test" },
	{ "many.test", DNS_MX, DNS_OK, 2, "a.test" },
	{ "m.test", DNS_A, DNS_OK, 0, "192.0.2.11" },
	{ "m.test", DNS_A, DNS_OK, 0, "192.0.2.12" },
	{ "m.test", DNS_A, DNS_OK, 0, "192.0.2.13" },
	{ "m.test", DNS_A, DNS_OK, 0, "192.0.2.14" },
};

struct dns_query {
	struct timer *timer;
	char name[64];
	enum dns_type type;
	void (*on_answer)(void *self, const struct dns_answer *a);
	void *self;
};

static struct loop *the_loop;

static int by_preference(const void *a, const void *b)
{
	return ((int)((const struct dns_record *)a)->u.mx.preference -
	    (int)((const struct dns_record *)b)->u.mx.preference);
}

static void answer(void *self)
{
	struct dns_query *q = self;
	struct dns_record records[8] = { { { { 0 } } } };
	struct dns_answer a = { .status = DNS_NO_DATA, .records = records };

	for (size_t i = 0; i < COUNT_OF(facts); i++) {
		const struct fact *f = &facts[i];

		if (f->type != q->type || !slice_ieq(slice_of(f->name), slice_of(q->name)))
			continue;
		a.status = f->status;
		if (f->status != DNS_OK)
			continue;
		if (f->type == DNS_MX) {
			records[a.n].u.mx.preference = f->preference;
			records[a.n++].u.mx.host = slice_of(f->value);
		} else {
			assert_true(ip_parse(slice_of(f->value), &records[a.n++].u.ip));
		}
	}
	if (q->type == DNS_MX)
		qsort(records, a.n, sizeof(records[0]), by_preference);
	q->on_answer(q->self, &a);
	free(q);
}

struct dns_query *dns_ask(struct dns *d, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a), void *self)
{
	struct dns_query *q = NEW(struct dns_query);

	(void)d;
	memcpy(q->name, name.p, name.n < sizeof(q->name) ? name.n : sizeof(q->name) - 1);
	q->type = type;
	q->on_answer = on_answer;
	q->self = self;
	q->timer = timer_start(the_loop, 0, answer, q);
	return (q);
}

void dns_cancel(struct dns_query *q)
{
	if (q == NULL)
		return;
	timer_cancel(q->timer);
	free(q);
}

/* --- */

static const struct {
	const char *domain;
	bool private;
	enum route_status status;
	const char *enhanced;
	const char *ips; /* in order, first octets after "192.0.2." or the whole */
} cases[] = {
	{ "two.test", false, ROUTE_OK, NULL, "192.0.2.1 2001:db8::2 192.0.2.2" },
	{ "null.test", false, ROUTE_PERMANENT, "5.1.10", "" },
	{ "none.test", false, ROUTE_PERMANENT, "5.1.2", "" },
	{ "nothing.test", false, ROUTE_PERMANENT, "5.1.2", "" },
	{ "servfail.test", false, ROUTE_TEMPORARY, "4.4.3", "" },
	{ "implicit.test", false, ROUTE_OK, NULL, "192.0.2.3" },
	{ "only6.test", false, ROUTE_OK, NULL, "2001:db8::3" },
	{ "private.test", false, ROUTE_PERMANENT, "5.4.4", "" },
	{ "private.test", true, ROUTE_OK, NULL, "10.0.0.1" },
	{ "loop.test", false, ROUTE_PERMANENT, "5.4.4", "" },
	{ "us.test", false, ROUTE_OK, NULL, "192.0.2.1" },
	{ "only-us.test", false, ROUTE_PERMANENT, "5.4.6", "" },
	{ "listen.test", false, ROUTE_PERMANENT, "5.4.6", "" },
	{ "void.test", false, ROUTE_PERMANENT, "5.4.4", "" },
	{ "half.test", false, ROUTE_TEMPORARY, "4.4.3", "" },
	{ "[192.0.2.7]", false, ROUTE_OK, NULL, "192.0.2.7" },
	{ "[IPv6:2001:db8::7]", false, ROUTE_OK, NULL, "2001:db8::7" },
	{ "[127.0.0.1]", false, ROUTE_PERMANENT, "5.4.4", "" },
	{ "[nonsense]", false, ROUTE_PERMANENT, "5.1.2", "" },
};

static struct out_hosts found;

static void on_routed(void *self, const struct out_hosts *h)
{
	(void)self;
	found = *h;
	loop_stop(the_loop);
}

static void ask(const char *domain, bool private, struct arena *a)
{
	struct cfg_listen listen = { .service = SERVICE_SMTP };
	struct cfg cfg = { .hostname = "me.test", .listens = &listen };

	cfg.outbound.port = 25;
	cfg.outbound.allow_private = private;
	assert_true(ip_parse(SLICE("192.0.2.99"), &listen.address));
	assert_non_null(out_route_start(
	    the_loop, (struct dns *)&cfg, &cfg, a, slice_of(domain), false, on_routed, NULL));
	loop_run(the_loop);
}

static void mail_goes_where_the_dns_says(void **state)
{
	char text[IP_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct buf ips = BUF_INIT(1024);

		ask(cases[i].domain, cases[i].private, a);
		for (size_t k = 0; k < found.n; k++) {
			buf_addz(&ips, k > 0 ? " " : "");
			buf_addz(&ips, ip_text(&found.v[k].ip, text));
		}
		if (found.status != cases[i].status ||
		    !slice_eq(buf_slice(&ips), slice_of(cases[i].ips)))
			print_message(
			    "%s: %d %s\n", cases[i].domain, (int)found.status, buf_z(&ips));
		assert_int_equal(found.status, cases[i].status);
		assert_true(slice_eq(buf_slice(&ips), slice_of(cases[i].ips)));
		if (cases[i].enhanced != NULL)
			assert_string_equal(found.enhanced, cases[i].enhanced);
		buf_free(&ips);
		arena_free(a);
	}
}

static void one_host_does_not_hide_the_others(void **state)
{
	struct arena *a = arena_new(0);
	char text[IP_TEXT];

	(void)state;
	ask("many.test", false, a);
	assert_int_equal(found.n, 3);
	assert_true(found.cut);
	assert_string_equal(ip_text(&found.v[2].ip, text), "192.0.2.1");
	arena_free(a);
}

static void a_cancelled_question_is_silent(void **state)
{
	struct cfg cfg = { .hostname = "me.test" };
	struct arena *a = arena_new(0);

	(void)state;
	found.n = 77;
	out_route_cancel(out_route_start(
	    the_loop, (struct dns *)&cfg, &cfg, a, SLICE("two.test"), false, on_routed, NULL));
	out_route_cancel(NULL);
	loop_run(the_loop); /* nothing is left to wait for */
	assert_int_equal(found.n, 77);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mail_goes_where_the_dns_says),
		cmocka_unit_test(one_host_does_not_hide_the_others),
		cmocka_unit_test(a_cancelled_question_is_silent),
	};
	int ret;

	if (secret_init() == -1)
		return (1);
	the_loop = loop_new();
	ret = cmocka_run_group_tests(tests, NULL, NULL);
	loop_free(the_loop);
	return (ret);
}
