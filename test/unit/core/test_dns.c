/* Does asking give the five kinds of answers, never from inside dns_ask, never after dns_cancel, and never a verdict when the
 * resolver fails? Against a small name server in a thread. */
#include "check.h"

#include "core/buf.h"
#include "core/dns.h"
#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the name server --- */

struct row {
	const char *name;
	unsigned type, rcode, copies;
	struct slice rdata;
};

static const struct row rows[] = {
	{ "a.test", DNS_A, 0, 1, SLICE_INIT("\x7f\0\0\5") },
	{ "mx.test", DNS_MX, 0, 1, SLICE_INIT("\0\x14\1b\4test\0") },
	{ "mx.test", DNS_MX, 0, 1, SLICE_INIT("\0\x0a\1A\4test\0") },
	{ "f:o/%.test", DNS_MX, 0, 1, SLICE_INIT("\0\1\3b:c\4test\0") },
	{ "null.test", DNS_MX, 0, 1, SLICE_INIT("\0\0\0") },
	{ "txt.test", DNS_TXT, 0, 1, SLICE_INIT("\7v=spf1 \4-all\0") },
	{ "5.0.0.127.in-addr.arpa", DNS_PTR, 0, 1, SLICE_INIT("\1a\4test\0") },
	{ "6.0.0.127.in-addr.arpa", DNS_PTR, 0, 1, SLICE_INIT("\3a b\4test\0") },
	{ "many.test", DNS_A, 0, L_DNS_RECORDS + 1, SLICE_INIT("\x0a\0\0\0") },
	{ "most.test", DNS_A, 0, L_DNS_RECORDS, SLICE_INIT("\x0a\0\0\0") },
	{ "gone.test", DNS_A, 3, 0, SLICE_INIT("") },
	{ "fail.test", DNS_A, 2, 0, SLICE_INIT("") },
	{ "refused.test", DNS_A, 5, 0, SLICE_INIT("") },
};

static struct {
	pthread_t thread;
	int fd;
	unsigned port;
	atomic_bool stop;
	atomic_uint asked;
} server;

static size_t put_answers(unsigned char *out, size_t n, const char *name, unsigned type, unsigned *ret_rcode)
{
	size_t at = n;
	unsigned count = 0;

	*ret_rcode = 0;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strcasecmp(rows[i].name, name) != 0)
			continue;
		*ret_rcode = rows[i].rcode;
		for (unsigned k = 0; rows[i].type == type && k < rows[i].copies; k++, count++) {
			static const unsigned char head[] = { 0xc0, 12, 0, 0, 0, 1, 0, 0, 0, 60, 0, 0 };

			memcpy(out + at, head, sizeof(head));
			out[at + 3] = (unsigned char)type;
			out[at + 11] = (unsigned char)rows[i].rdata.n;
			memcpy(out + at + 12, rows[i].rdata.p, rows[i].rdata.n);
			if (rows[i].copies > 1)
				out[at + 15] = (unsigned char)k;
			at += 12 + rows[i].rdata.n;
		}
	}
	out[6] = 0;
	out[7] = (unsigned char)count;
	return (at);
}

static void answer(int fd)
{
	unsigned char in[1500], out[8192];
	struct sockaddr_in from;
	socklen_t from_n = sizeof(from);
	ssize_t got = recvfrom(fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_n);
	char name[256] = "";
	size_t at = 12, n = 0;
	unsigned type, rcode;

	if (got < 17)
		return;
	while (at < (size_t)got && in[at] != 0 && n + in[at] + 2 < sizeof(name)) {
		memcpy(name + n, in + at + 1, in[at]);
		n += in[at];
		at += 1u + in[at];
		name[n++] = '.';
	}
	name[n > 0 ? n - 1 : 0] = '\0';
	type = in[at + 2];
	at += 5;
	(void)atomic_fetch_add(&server.asked, 1);
	if (strstr(name, "slow") != NULL)
		return;
	memcpy(out, in, at);
	at = put_answers(out, at, name, type, &rcode);
	out[2] = 0x85; /* QR AA RD */
	out[3] = (unsigned char)(0x80 | rcode);
	memset(out + 8, 0, 4);
	(void)sendto(fd, out, at, 0, (struct sockaddr *)&from, from_n);
}

static void *serve(void *arg)
{
	(void)arg;
	while (!atomic_load(&server.stop)) {
		struct pollfd p = { .fd = server.fd, .events = POLLIN };

		if (poll(&p, 1, 20) == 1)
			answer(server.fd);
	}
	return (NULL);
}

/* --- the asker --- */

static struct {
	struct loop *loop;
	struct dns *dns;
	char dir[64], conf[96];
} it;

static int setup(void **state)
{
	static char forward[32];
	static const char *list[] = { forward };
	struct sockaddr_in sin = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sin);
	struct dns_config cfg = { .forward = list, .forward_n = 1, .trust_anchor = "none",
		.timeout_ms = 2500, .run_dir = it.dir };
	struct err err = { .kind = ERR_NONE };

	(void)state;
	server.fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(server.fd, (struct sockaddr *)&sin, n) != 0 ||
	    getsockname(server.fd, (struct sockaddr *)&sin, &n) != 0)
		return (-1);
	(void)snprintf(forward, sizeof(forward), "127.0.0.1:%u", ntohs(sin.sin_port));
	if (pthread_create(&server.thread, NULL, serve, NULL) != 0)
		return (-1);
	(void)snprintf(it.dir, sizeof(it.dir), "/tmp/pennypost-test-XXXXXX");
	if (mkdtemp(it.dir) == NULL)
		return (-1);
	(void)snprintf(it.conf, sizeof(it.conf), "%s/resolver.conf", it.dir);
	it.loop = loop_new();
	it.dns = dns_new(it.loop, &cfg, &err);
	if (it.dns == NULL)
		print_message("%s\n", err.text);
	return (it.dns != NULL ? 0 : -1);
}

static int done(void **state)
{
	(void)state;
	dns_free(it.dns);
	loop_free(it.loop);
	atomic_store(&server.stop, true);
	(void)pthread_join(server.thread, NULL);
	(void)close(server.fd);
	(void)unlink(it.conf);
	return (rmdir(it.dir));
}

struct heard {
	unsigned calls;
	enum dns_status status;
	bool secure;
	size_t n;
	char text[256]; /* of the first two records */
	struct dns_query *victim;
};

static void describe(const struct dns_record *r, enum dns_type type, struct buf *out)
{
	char ip[IP_TEXT];

	if (type == DNS_A)
		(void)buf_fmt(out, "%s ", ip_text(&r->u.ip, ip));
	else if (type == DNS_MX)
		(void)buf_fmt(out, "%u:" SLICE_FMT " ", r->u.mx.preference, SLICE_ARG(r->u.mx.host));
	else
		(void)buf_fmt(out, SLICE_FMT " ", SLICE_ARG(r->u.text));
}

static enum dns_type asked_type;

static void on_answer(void *self, const struct dns_answer *a)
{
	struct heard *h = self;
	struct buf out = BUF_INIT(255);

	h->calls++;
	h->status = a->status;
	h->secure = a->secure;
	h->n = a->n;
	for (size_t i = 0; i < a->n && i < 2; i++)
		describe(&a->records[i], asked_type, &out);
	(void)snprintf(h->text, sizeof(h->text), "%s", buf_z(&out));
	buf_free(&out);
	assert_true((a->status == DNS_OK) == (a->why == NULL));
	assert_true(a->status == DNS_OK || a->n == 0);
	dns_cancel(h->victim);
}

static void answers_are_told_by_their_kind(void **state)
{
	static const struct {
		const char *name;
		enum dns_type type;
		enum dns_status status;
		size_t n;
		const char *text;
	} cases[] = {
		{ "a.test", DNS_A, DNS_OK, 1, "127.0.0.5 " },
		{ "A.test.", DNS_A, DNS_OK, 1, "127.0.0.5 " },
		{ "mx.test", DNS_MX, DNS_OK, 2, "10:a.test 20:b.test " },
	{ "null.test", DNS_MX, DNS_OK, 1, "0: " },
		{ "txt.test", DNS_TXT, DNS_OK, 1, "v=spf1 -all " },
		{ "5.0.0.127.in-addr.arpa", DNS_PTR, DNS_OK, 1, "a.test " },
		{ "6.0.0.127.in-addr.arpa", DNS_PTR, DNS_NO_DATA, 0, "" },
		{ "a.test", DNS_TXT, DNS_NO_DATA, 0, "" },
		{ "gone.test", DNS_A, DNS_NO_NAME, 0, "" },
		{ "fail.test", DNS_A, DNS_TEMPORARY, 0, "" },
		{ "refused.test", DNS_A, DNS_TEMPORARY, 0, "" },
		{ "slow.test", DNS_A, DNS_TEMPORARY, 0, "" },
		{ "most.test", DNS_A, DNS_OK, L_DNS_RECORDS, NULL },
		{ "many.test", DNS_A, DNS_TEMPORARY, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct heard h = { .calls = 0 };

		asked_type = cases[i].type;
		assert_non_null(dns_ask(it.dns, slice_of(cases[i].name), cases[i].type, on_answer, &h));
		assert_int_equal(h.calls, 0);
		loop_run(it.loop);
		if (h.status != cases[i].status)
			print_message("%s\n", cases[i].name);
		assert_int_equal(h.calls, 1);
		assert_int_equal(h.status, cases[i].status);
		assert_int_equal(h.n, cases[i].n);
		assert_false(h.secure); /* without a trust anchor nothing ever is */
		if (cases[i].text != NULL)
			assert_string_equal(h.text, cases[i].text);
	}
}

static void bad_names_are_never_sent(void **state)
{
	char label[80], longest[260];
	struct slice names[] = { SLICE(""), SLICE("."), SLICE("a..test"), SLICE(".a.test"), SLICE("a b.test"),
		SLICE("a.test\0.x"), SLICE("f\xc3\xbc.test"), SLICE("a.test.."), { label, 69 },
		{ longest, 254 } };
	unsigned before = atomic_load(&server.asked);

	(void)state;
	memset(label, 'x', sizeof(label));
	memcpy(label + 64, ".test", 5);
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'x';
	longest[253] = 'x';
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct heard h = { .calls = 0 };

		assert_non_null(dns_ask(it.dns, names[i], DNS_A, on_answer, &h));
		assert_int_equal(h.calls, 0);
		loop_run(it.loop);
		assert_int_equal(h.calls, 1);
		assert_int_equal(h.status, DNS_BAD_NAME);
	}
	assert_int_equal(atomic_load(&server.asked), before);
}

static void odd_names_are_asked_when_a_macro_made_them(void **state)
{
	struct slice bad[] = { SLICE("a\tb.test"), SLICE("a\\.test"), SLICE("\xc3\xbc.test"), SLICE("a..test") };
	struct heard h = { .calls = 0 };

	(void)state;
	asked_type = DNS_MX;
	(void)dns_ask_odd(it.dns, SLICE("f:o/%.test"), DNS_MX, on_answer, &h);
	loop_run(it.loop);
	assert_int_equal(h.status, DNS_OK);
	assert_string_equal(h.text, "1:b:c.test ");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		(void)dns_ask_odd(it.dns, bad[i], DNS_A, on_answer, &h);
		loop_run(it.loop);
		assert_int_equal(h.status, DNS_BAD_NAME);
	}
}

static void cancelled_questions_stay_silent(void **state)
{
	struct heard h[4] = { { .calls = 0 } };

	(void)state;
	asked_type = DNS_A;
	dns_cancel(dns_ask(it.dns, SLICE("slow2.test"), DNS_A, on_answer, &h[0]));
	dns_cancel(dns_ask(it.dns, SLICE("a b"), DNS_A, on_answer, &h[1])); /* its answer waited */
	/* Both answers are ready in the same turn; the first one's callback cancels the second. */
	(void)dns_ask(it.dns, SLICE("c d"), DNS_A, on_answer, &h[2]);
	h[2].victim = dns_ask(it.dns, SLICE("e f"), DNS_A, on_answer, &h[3]);
	dns_cancel(NULL);
	loop_run(it.loop);
	assert_int_equal(h[0].calls + h[1].calls + h[3].calls, 0);
	assert_int_equal(h[2].calls, 1);
}

static void more_than_fit_in_flight_all_get_answers(void **state)
{
	enum { N = 3 * L_DNS_FLIGHT };
	struct heard *h = calloc(N, sizeof(*h));
	char name[32];

	(void)state;
	asked_type = DNS_A;
	for (unsigned i = 0; i < N; i++) {
		(void)snprintf(name, sizeof(name), "n%u.test", i);
		assert_non_null(dns_ask(it.dns, slice_of(name), DNS_A, on_answer, &h[i]));
	}
	loop_run(it.loop);
	for (unsigned i = 0; i < N; i++) {
		assert_int_equal(h[i].calls, 1);
		assert_int_equal(h[i].status, DNS_NO_DATA);
	}
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_told_by_their_kind),
		cmocka_unit_test(bad_names_are_never_sent),
		cmocka_unit_test(odd_names_are_asked_when_a_macro_made_them),
		cmocka_unit_test(cancelled_questions_stay_silent),
		cmocka_unit_test(more_than_fit_in_flight_all_get_answers),
	};

	return (cmocka_run_group_tests(tests, setup, done));
}
