/* Our own fields in front of a message, read back; and facts as the ledger keeps them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "core/mem.h"
#include "msg/write.h"
#include "spam/delivered.h"
#include "spam/facts_text.h"

#define TOP "Return-Path: <a@x.example>\r\nDelivered-To: me@example.org\r\n"
#define RESULTS "Authentication-Results: mx.example.org; none\r\n"
#define TOLD "X-Pennypost: junk; score 7.1; html-only 0.5\r\n"
#define FROM(ip) "Received: from h.example (unknown [" ip "])\r\n\tby mx.example.org with ESMTP\r\n\tid m-1;\r\n\tMon, 23 Nov 2026 00:00:00 +0000\r\n"
#define REST "Subject: x\r\n\r\ntext\r\n"

static void ours_are_read_and_others_are_not(void **state)
{
	static const struct {
		const char *text, *peer; /* NULL: not ours */
	} cases[] = {
		{ TOP RESULTS TOLD FROM("192.0.2.1") REST, "192.0.2.1" },
		{ TOP RESULTS "Received-SPF: pass\r\n" TOLD FROM("IPv6:2001:db8::1") REST, "2001:db8::1" },
		{ TOP TOLD FROM("192.0.2.1") REST, "192.0.2.1" },
		{ TOP RESULTS TOLD "Received: from h.example (unknown [192.0.2.1]) by mx.example.org with ESMTP id m; x\r\n" REST,
		    "192.0.2.1" },
		{ TOP RESULTS TOLD "X-Pennypost-Sender: a@x.example\r\n" FROM("192.0.2.1") REST, "192.0.2.1" }, /* refused */
		{ TOP RESULTS TOLD "X-Pennypost-Sender: a@x.example\r\n" REST, NULL },
		{ REST, NULL },
		{ "", NULL },
		{ TOP RESULTS FROM("192.0.2.1") REST, NULL }, /* nobody judged it */
		{ TOP RESULTS TOLD REST, NULL },
		{ TOP RESULTS "X-Other: 1\r\n" TOLD FROM("192.0.2.1") REST, NULL },
		{ TOP "Authentication-Results: other.example; none\r\n" TOLD FROM("192.0.2.1") REST, NULL },
		{ TOP RESULTS TOLD FROM("nowhere") REST, NULL },
		{ TOP RESULTS TOLD "Received: from h.example (unknown [192.0.2.1]) by mx.example.organ with ESMTP id m; x\r\n" REST, NULL },
		{ TOP RESULTS TOLD "Received: by mx.example.org with ESMTP id m; x\r\n" REST, NULL },
		{ "X-First: 1\r\n" TOP RESULTS TOLD FROM("192.0.2.1") REST, NULL },
		{ TOP RESULTS TOLD "Received: from h.example (unknown [192.0.2.1]) by mx.example.org with ESMTP id m; x", NULL }, /* cut off */
	};
	struct arena *a = arena_new(0);
	char text[IP_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct slice message = slice_of(cases[i].text);
		struct delivered d;

		assert_int_equal(delivered_read(a, message, "mx.example.org", &d), cases[i].peer != NULL);
		if (cases[i].peer == NULL)
			continue;
		assert_string_equal(ip_text(&d.peer, text), cases[i].peer);
		assert_true(slice_eq(slice_from(message, d.size), SLICE(REST)));
		assert_true(slice_eq(d.mail_from, SLICE("a@x.example")));
		assert_true(slice_eq(d.rcpt, SLICE("me@example.org")));
		assert_true(slice_eq(d.helo, SLICE("h.example")));
		assert_true(slice_istarts(slice_trim(d.told), SLICE("junk; score 7.1")));
		assert_true(d.at == 0 || d.at == 1795392000);
	}
	arena_free(a);
}

static void what_we_stamp_is_what_we_read(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT(4096);
	struct delivered d;
	struct ip peer;
	struct trace t = { .helo = SLICE("[192.0.2.7]"), .peer = &peer, .by = "mx.example.org", .with = "ESMTPS", .tls = "TLSv1.3",
		.id = "m-1", .rcpt = SLICE("me@example.org"), .when = 1795392000 };

	(void)state;
	assert_true(ip_parse(SLICE("192.0.2.7"), &peer));
	(void)buf_addz(&b, TOP TOLD);
	(void)write_received(&b, &t);
	(void)buf_addz(&b, REST);
	assert_true(delivered_read(a, buf_slice(&b), "mx.example.org", &d));
	assert_true(ip_eq(&d.peer, &peer) && d.at == t.when);
	buf_free(&b);
	arena_free(a);
}

static struct cfg_dnsbl list = { .zone = SLICE_INIT("bl.example"), .kind = LIST_URI, .action = ACTION_JUNK };
static const struct cfg asks = { .filter.dnsbls = &list };
static const struct listed listed = { .list = &list, .what = SLICE_INIT("evil\"<.example"), .code.octets = { 127, 0, 0, 2 }, .points = 2.5 };

static bool again(struct arena *a, const struct facts *f, const char *without, struct facts *ret)
{
	struct buf b = BUF_INIT(8192);
	struct json_doc *doc;
	struct json j;
	char *at;
	bool ok;

	json_begin(&j, &b);
	json_open(&j, NULL, '{');
	facts_write(&j, f);
	json_close(&j, '}');
	if (without != NULL && (at = strstr(buf_z(&b), without)) != NULL)
		*at = '_'; /* a row of somebody else's making */
	doc = json_read(buf_slice(&b), NULL);
	*ret = (struct facts){ 0 };
	ok = facts_read(a, json_root(doc), ret);
	facts_read_listed(a, json_root(doc), &asks, ret);
	json_doc_free(doc);
	buf_free(&b);
	return (ok);
}

static void facts_come_back_as_they_were(void **state)
{
	static const struct slice proved[] = { SLICE_INIT("a.example"), SLICE_INIT("b.example") };
	static const enum fact all[] = { FACT_UNKNOWN, FACT_NO, FACT_YES };
	struct arena *a = arena_new(0);
	struct facts r;

	(void)state;
	for (size_t i = 0; i < 27; i++) {
		struct facts f = { .has_rdns = all[i % 3], .fcrdns = all[i / 3 % 3], .aligned = all[i / 9], .dmarc_pass = all[i % 3],
			.known_correspondent = all[i / 3 % 3], .tls = i % 2, .indirect = i % 4 == 0, .spf_fail = i % 5 == 0,
			.dmarc_wish = (enum dmarc_policy)(i % 3), .proved = proved, .proved_n = i % 3, .from = SLICE("x@a.example"),
			.has_bayes = i % 2, .bayes = 0.25, .bayes_confidence = 0.5, .has_reputation = i % 2,
			.reputation = 12, .reputation_of = SLICE("192.0.2.0/24"), .proof_undecided = i % 3 == 0,
			.early_talker = all[(i + 1) % 3], .spf_pass = all[(i / 3 + 1) % 3], .dkim_pass = all[(i / 9 + 1) % 3],
			.dmarc_undecided = i % 7 == 0, .dmarc_fail = i % 6 == 0 };

		if (i % 2) {
			f.listed = &listed;
			f.listed_n = 1;
		}
		assert_true(again(a, &f, NULL, &r));
		assert_int_equal(r.listed_n, i % 2);
		assert_true(r.listed_n == 0 || (r.listed[0].list == &list && slice_eq(r.listed[0].what, listed.what) && r.listed[0].points == 2.5 &&
			ip_eq(&r.listed[0].code, &listed.code)));
		assert_true(r.has_rdns == f.has_rdns && r.fcrdns == f.fcrdns && r.aligned == f.aligned && r.dmarc_pass == f.dmarc_pass);
		assert_true(r.known_correspondent == f.known_correspondent && r.tls == f.tls && r.indirect == f.indirect);
		assert_true(r.early_talker == f.early_talker && r.spf_pass == f.spf_pass && r.dkim_pass == f.dkim_pass);
		assert_true(r.dmarc_undecided == f.dmarc_undecided && r.dmarc_fail == f.dmarc_fail);
		assert_true(r.spf_fail == f.spf_fail && r.dmarc_wish == f.dmarc_wish && r.proof_undecided == f.proof_undecided);
		assert_true(r.proved_n == f.proved_n && slice_eq(r.from, f.from) && r.has_bayes == f.has_bayes);
		for (size_t k = 0; k < r.proved_n; k++)
			assert_true(slice_eq(r.proved[k], proved[k]));
		assert_true(!f.has_bayes || (r.bayes == 0.25 && r.bayes_confidence == 0.5));
		assert_true(r.has_reputation == f.has_reputation);
		assert_true(!f.has_reputation || (r.reputation == 12 && slice_eq(r.reputation_of, f.reputation_of)));
		assert_false(again(a, &f, "aligned", &r));
		assert_false(again(a, &f, "proved", &r));
		assert_false(again(a, &f, "wish", &r));
		assert_true(again(a, &f, "dmarc_fail", &r)); /* older rows have none */
		assert_false(r.dmarc_fail);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_are_read_and_others_are_not),
		cmocka_unit_test(what_we_stamp_is_what_we_read),
		cmocka_unit_test(facts_come_back_as_they_were),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
