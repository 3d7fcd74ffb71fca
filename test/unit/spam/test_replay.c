/* Rows of the ledger under two configurations: what flips, what stays, what cannot be told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "core/map.h"
#include "core/mem.h"
#include "core/regex.h"
#include "msg/header.h"
#include "spam/replay.h"

#define FACTS(more)                                                                                \
	"{\"tls\":false,\"early_talker\":false,\"rdns\":true,\"fcrdns\":false,\"spf\":false,"          \
	"\"spf_fail\":false,\"dkim\":false,\"dmarc\":false,\"dmarc_undecided\":false,\"aligned\":"     \
	"false,\"undecided\":false,\"indirect\":false,\"correspondent\":false,\"wish\":\"none\","      \
	"\"from\":\"a@shop.example\",\"proved\":[\"host.example\"]" more ",\"judged\":true}"

#define LISTED FACTS(",\"listed\":[{\"zone\":\"bl.example\",\"kind\":\"address\",\"what\":\"192.0.2.1\",\"code\":\"127.0.0.2\",\"points\":2}]")

static const struct slice away[] = { SLICE_INIT("copy@else.example") };
static const struct cfg_score numbers = { 4, 6, 15 };
static struct cfg_match from_shop = { .text = SLICE_INIT("@shop.example") },
			host_example = { .text = SLICE_INIT("host.example") },
			field_x = { .field = SLICE_INIT("X-Sale"), .text = SLICE_INIT("autumn") },
			subject_sale = { .text = SLICE_INIT("sale") };
static struct cfg_rule by_from = { .kind = RULE_DENY, .from = &from_shop },
		       by_domain = { .kind = RULE_ALLOW, .domain = &host_example },
		       by_field = { .kind = RULE_DENY, .header = &field_x },
		       by_both = { .kind = RULE_DENY, .header = &field_x, .subject = &subject_sale },
		       by_flag = { .kind = RULE_RULE, .subject = &subject_sale, .act = ACT_FLAG, .flag = "$Shop" },
		       by_forward = { .kind = RULE_RULE, .subject = &subject_sale, .act = ACT_FORWARD, .forward = away, .forward_n = 1, .forward_text = "copy@else.example" },
		       of_another = { .kind = RULE_DENY, .from = &from_shop, .account = "you" },
		       by_subject = { .kind = RULE_RULE, .subject = &subject_sale, .act = ACT_FOLDER, .folder = "Shops" };

static struct ledger_row row_of(double score, const char *facts)
{
	return ((struct ledger_row){ .at = 1795392000, .score = score, .has_score = true, .facts = slice_of(facts),
	    .peer = SLICE("192.0.2.1"), .rdns = SLICE("h1.dyn.host.example"), .mail_from = SLICE("b@shop.example"),
	    .rcpt = SLICE("me@example.org"), .account = SLICE("me"), .subject = SLICE("autumn sale"), .header_from = SLICE("<a@shop.example>") });
}

static void what_flips(void **state)
{
	struct map *nobody = map_new();
	struct err err = { 0 };
	const struct regex *dyn[] = { regex_new(SLICE("\\.dyn\\."), false, &err) };
	struct cfg same = { .score = numbers }, strict = { .score = { 2, 3, 5 } }, deny = { .score = numbers, .denies = &by_from },
		   allow = { .score = numbers, .allows = &by_domain }, field = { .score = numbers, .denies = &by_field },
		   both = { .score = numbers, .denies = &by_both }, file = { .score = numbers, .rules = &by_subject },
		   flags = { .score = numbers, .rules = &by_flag }, sends = { .score = numbers, .rules = &by_forward, .who = nobody },
		   yours = { .score = numbers, .denies = &of_another },
		   dialup = { .score = numbers, .filter = { .rdns_pattern = ACTION_REJECT, .patterns = dyn, .patterns_n = 1 } },
		   names = { .score = numbers, .filter = { .no_fcrdns = ACTION_REJECT } };
	static struct cfg_dnsbl told = { .zone = SLICE_INIT("bl.example"), .action = ACTION_TAG },
				refuses = { .zone = SLICE_INIT("bl.example"), .action = ACTION_REJECT },
				of_names = { .zone = SLICE_INIT("bl.example"), .kind = LIST_NAME, .action = ACTION_REJECT };
	struct cfg tells = { .score = numbers, .filter.dnsbls = &told }, bars = { .score = numbers, .filter.dnsbls = &refuses },
		   names_only = { .score = numbers, .filter.dnsbls = &of_names };
	const struct {
		double score;
		const char *facts, *header; /* NULL: the message is gone */
		const struct cfg *next;
		enum replay_answer answer;
		enum verdict_act was, would;
	} cases[] = {
		{ 3, FACTS(""), NULL, &same, REPLAY_SAME, 0, 0 },
		{ 3.5, FACTS(""), NULL, &strict, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_JUNK },
		{ 6, FACTS(""), NULL, &strict, REPLAY_FLIPS, VERDICT_JUNK, VERDICT_REJECT },
		{ 1, FACTS(""), NULL, &strict, REPLAY_SAME, 0, 0 },
		{ 1, FACTS(""), NULL, &deny, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_REJECT },
		{ 16, FACTS(""), NULL, &deny, REPLAY_SAME, 0, 0 },
		{ 16, FACTS(""), NULL, &allow, REPLAY_FLIPS, VERDICT_REJECT, VERDICT_ACCEPT },
		{ 1, FACTS(""), NULL, &names, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_REJECT },
		{ 1, FACTS(""), NULL, &file, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_ACCEPT },
		{ 1, FACTS(""), NULL, &flags, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_ACCEPT },
		{ 1, FACTS(""), NULL, &sends, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_ACCEPT },
		{ 1, FACTS(""), NULL, &yours, REPLAY_SAME, 0, 0 },
		{ 1, FACTS(""), NULL, &dialup, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_REJECT },
		{ 1, FACTS(""), NULL, &field, REPLAY_NEEDS_MESSAGE, 0, 0 },
		{ 1, FACTS(""), NULL, &both, REPLAY_NEEDS_MESSAGE, 0, 0 },
		{ 1, FACTS(""), "X-Sale: autumn\r\n\r\n", &field, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_REJECT },
		{ 1, FACTS(""), "X-Sale: spring\r\n\r\n", &field, REPLAY_SAME, 0, 0 },
		{ 1, LISTED, NULL, &bars, REPLAY_FLIPS, VERDICT_ACCEPT, VERDICT_REJECT },
		{ 1, LISTED, NULL, &tells, REPLAY_SAME, 0, 0 },
		{ 1, LISTED, NULL, &names_only, REPLAY_SAME, 0, 0 },
		{ 1, FACTS(""), NULL, &bars, REPLAY_SAME, 0, 0 },
		{ 1, "{\"judged\":true}", NULL, &strict, REPLAY_UNKNOWN, 0, 0 },
		{ 1, "", NULL, &strict, REPLAY_UNKNOWN, 0, 0 },
		{ 1, "[1]", NULL, &strict, REPLAY_UNKNOWN, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct ledger_row row = row_of(cases[i].score, cases[i].facts);
		struct header h;
		struct replay r;

		if (cases[i].header != NULL)
			header_parse(a, slice_of(cases[i].header), &h);
		assert_int_equal(replay_row(a, &row, cases[i].header != NULL ? &h : NULL, &same, cases[i].next, &r), cases[i].answer);
		if (cases[i].answer == REPLAY_FLIPS) {
			assert_int_equal(r.was.act, cases[i].was);
			assert_int_equal(r.would.act, cases[i].would);
		}
		arena_free(a);
	}
	map_free(nobody);
	regex_free((struct regex *)(uintptr_t)dyn[0]);
}

/* A rule that cannot hold for other reasons needs no message, nor does one behind a rule that decides. */
static void a_message_is_asked_for_only_when_it_decides(void **state)
{
	static struct cfg_match other = { .text = SLICE_INIT("@other.example") };
	struct cfg_rule elsewhere = { .kind = RULE_DENY, .from = &other, .header = &field_x }, behind = by_field, first = by_from;
	struct cfg same = { .score = numbers }, vain = { .score = numbers, .denies = &elsewhere }, late = { .score = numbers, .denies = &first };
	struct arena *a = arena_new(0);
	struct ledger_row row = row_of(1, FACTS(""));
	struct replay r;

	(void)state;
	first.next = &behind;
	assert_int_equal(replay_row(a, &row, NULL, &same, &vain, &r), REPLAY_SAME);
	assert_int_equal(replay_row(a, &row, NULL, &same, &late, &r), REPLAY_FLIPS);
	row.has_score = false; /* refused before it was judged */
	assert_int_equal(replay_row(a, &row, NULL, &same, &late, &r), REPLAY_UNKNOWN);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_flips),
		cmocka_unit_test(a_message_is_asked_for_only_when_it_decides),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
