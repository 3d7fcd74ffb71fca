/* The order of trust: who wins between the owner's rules, a domain's policy, filters and the score; and what is refused before the
 * message comes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/mem.h"
#include "spam/filter.h"
#include "spam/owner.h"
#include "spam/verdict.h"

#define FRIEND "friend@hobby.example"

static struct arena *arena;
static const char plain[] =
    "From: <" FRIEND ">\r\nTo: me@x.example\r\nSubject: the choir sings\r\n"
    "Message-ID: <1@hobby.example>\r\nList-Id: The <choir.example>\r\n\r\nhello\r\n";
static const struct slice proved[] = { SLICE_INIT("mail.hobby.example") };
static const struct cfg_match from_friend = { .text = SLICE_INIT(FRIEND) },
			      from_domain = { .text = SLICE_INIT("@hobby.example") },
			      from_end = { .text = SLICE_INIT("@bby.example") },
			      from_two = { .text = SLICE_INIT("@x.example"),
				      .next = (struct cfg_match *)&from_friend },
			      domain = { .text = SLICE_INIT("hobby.example") },
			      other_domain = { .text = SLICE_INIT("bby.example") },
			      to_me = { .text = SLICE_INIT("me@x.example") },
			      list = { .field = SLICE_INIT("list-id"),
				      .text = SLICE_INIT("CHOIR") },
			      subject = { .text = SLICE_INIT("Choir Sings") },
			      here = { .net = { .octets = { 192, 0, 2, 0 } }, .bits = 24 },
			      there = { .net = { .octets = { 198, 51, 100, 0 } }, .bits = 24 };

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	arena_free(arena);
	return (0);
}

static struct facts base(void)
{
	return ((struct facts){ .peer = { .octets = { 192, 0, 2, 9 } },
	    .mail_from = SLICE("bounce@relay.example"),
	    .rcpt = SLICE("me@x.example"),
	    .from = SLICE(FRIEND),
	    .account = "me",
	    .dkim_pass = FACT_NO,
	    .spf_pass = FACT_NO });
}

static struct facts arrived(struct facts f)
{
	struct mime *m = arena_alloc(arena, sizeof(*m));

	mime_parse(arena, slice_of(plain), m);
	f.mime = m;
	f.header = &m->parts[0].header;
	return (f);
}

static void conditions_hold_or_not_or_are_not_known(void **state)
{
	const struct {
		struct cfg_rule rule;
		enum fact before, after; /* the message came */
		bool proved;
	} cases[] = {
		{ { .from = &from_friend }, FACT_UNKNOWN, FACT_YES, false },
		{ { .from = &from_domain }, FACT_UNKNOWN, FACT_YES, false },
		{ { .from = &from_two }, FACT_UNKNOWN, FACT_YES, false }, /* one of them is enough */
		{ { .from = &from_end }, FACT_UNKNOWN, FACT_NO, false },
		{ { .to = &to_me }, FACT_YES, FACT_YES, false },
		{ { .ip = &here }, FACT_YES, FACT_YES, false },
		{ { .ip = &there }, FACT_NO, FACT_NO, false },
		{ { .ip = &there, .from = &from_friend }, FACT_NO, FACT_NO, false },
		{ { .ip = &here, .subject = &subject }, FACT_UNKNOWN, FACT_YES, false },
		{ { .header = &list }, FACT_UNKNOWN, FACT_YES, false },
		{ { .domain = &domain }, FACT_UNKNOWN, FACT_NO, false },
		{ { .domain = &domain }, FACT_YES, FACT_YES, true },
		{ { .domain = &other_domain }, FACT_UNKNOWN, FACT_NO, true },
		{ { .to = &to_me, .account = "you" }, FACT_NO, FACT_NO, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct facts f = base(), later;

		if (cases[i].proved) {
			f.proved = proved;
			f.proved_n = 1;
		}
		later = arrived(f);
		f.from = (struct slice){ 0 }; /* is in the message */
		if (owner_holds(arena, &cases[i].rule, &f) != cases[i].before)
			fail_msg("case %zu before the message", i);
		if (owner_holds(arena, &cases[i].rule, &later) != cases[i].after)
			fail_msg("case %zu after the message", i);
	}
}

static void the_order_of_trust_is_kept(void **state)
{
	static const struct cfg_rule
	    allow_from = { .kind = RULE_ALLOW, .from = &from_friend, .line = 1 },
	    allow_ip = { .kind = RULE_ALLOW, .ip = &here, .line = 2 },
	    allow_from_or_ip = { .kind = RULE_ALLOW,
		    .from = &from_friend,
		    .line = 5,
		    .next = (struct cfg_rule *)&allow_ip },
	    allow_domain = { .kind = RULE_ALLOW, .domain = &domain, .line = 4 },
	    deny = { .kind = RULE_DENY, .from = &from_domain, .line = 3 },
	    to_junk = { .kind = RULE_RULE, .header = &list, .act = ACT_JUNK },
	    to_folder = { .kind = RULE_RULE,
		    .header = &list,
		    .act = ACT_FOLDER,
		    .folder = "Choir",
		    .flag = "$Choir" };
	const struct {
		const char *what;
		const struct cfg_rule *allow, *deny, *rule;
		struct facts f; /* set on top */
		enum verdict_act act;
		unsigned code;
		bool filed;
	} cases[] = {
		{ .what = "nothing known", .act = VERDICT_ACCEPT },
		{ .what = "no rDNS", .f = { .has_rdns = FACT_NO }, .act = VERDICT_JUNK },
		{ .what = "no FCrDNS, reject",
		    .f = { .fcrdns = FACT_NO },
		    .act = VERDICT_REJECT,
		    .code = 550 },
		{ .what = "a friend from a bad host",
		    .allow = &allow_from,
		    .f = { .fcrdns = FACT_NO },
		    .act = VERDICT_ACCEPT },
		{ .what = "forged, reject",
		    .f = { .dmarc_pass = FACT_NO, .dmarc_wish = DMARC_REJECT },
		    .act = VERDICT_REJECT,
		    .code = 550 },
		{ .what = "forged friend",
		    .allow = &allow_from,
		    .f = { .dmarc_pass = FACT_NO, .dmarc_wish = DMARC_REJECT },
		    .act = VERDICT_REJECT,
		    .code = 550 },
		{ .what = "forged, but from where the owner says",
		    .allow = &allow_ip,
		    .f = { .dmarc_pass = FACT_NO, .dmarc_wish = DMARC_REJECT },
		    .act = VERDICT_ACCEPT },
		{ .what = "forged friend by who calls himself a list",
		    .allow = &allow_from,
		    .f = { .dmarc_pass = FACT_NO, .dmarc_wish = DMARC_REJECT, .indirect = true },
		    .act = VERDICT_JUNK },
		{ .what = "an allowed domain that DNS cannot prove now, refused",
		    .allow = &allow_domain,
		    .f = { .fcrdns = FACT_NO, .proof_undecided = true },
		    .act = VERDICT_DEFER,
		    .code = 451 },
		{ .what = "an allowed domain that DNS cannot prove now, denied",
		    .allow = &allow_domain,
		    .deny = &deny,
		    .f = { .proof_undecided = true },
		    .act = VERDICT_DEFER,
		    .code = 451 },
		{ .what = "an allowed domain that DNS cannot prove now, liked",
		    .allow = &allow_domain,
		    .f = { .proof_undecided = true },
		    .act = VERDICT_ACCEPT },
		{ .what = "an allowed domain that was not proved",
		    .allow = &allow_domain,
		    .f = { .fcrdns = FACT_NO },
		    .act = VERDICT_REJECT,
		    .code = 550 },
		{ .what = "correspondent whom DNS cannot prove now, refused",
		    .f = { .known_correspondent = FACT_YES,
			.fcrdns = FACT_NO,
			.proof_undecided = true },
		    .act = VERDICT_DEFER,
		    .code = 451 },
		{ .what = "correspondent whom DNS cannot prove now, denied",
		    .deny = &deny,
		    .f = { .known_correspondent = FACT_YES, .proof_undecided = true },
		    .act = VERDICT_REJECT,
		    .code = 550 },
		{ .what = "an allow that proves nothing does not hide the one that does",
		    .allow = &allow_from_or_ip,
		    .f = { .dmarc_pass = FACT_NO, .dmarc_wish = DMARC_REJECT },
		    .act = VERDICT_ACCEPT },
		{ .what = "stranger whom DNS cannot prove now, refused",
		    .f = { .fcrdns = FACT_NO, .proof_undecided = true },
		    .act = VERDICT_REJECT,
		    .code = 550 },
		{ .what = "forged, quarantine",
		    .f = { .dmarc_pass = FACT_NO, .dmarc_wish = DMARC_QUARANTINE },
		    .act = VERDICT_JUNK },
		{ .what = "broken by a list, reject",
		    .f = { .dmarc_pass = FACT_NO, .dmarc_wish = DMARC_REJECT, .indirect = true },
		    .act = VERDICT_JUNK },
		{ .what = "broken by a list, quarantine",
		    .f = { .dmarc_pass = FACT_NO,
			.dmarc_wish = DMARC_QUARANTINE,
			.indirect = true },
		    .act = VERDICT_ACCEPT },
		{ .what = "policy open",
		    .f = { .dmarc_undecided = true },
		    .act = VERDICT_DEFER,
		    .code = 451 },
		{ .what = "correspondent, proved",
		    .f = { .known_correspondent = FACT_YES,
			.aligned = FACT_YES,
			.dmarc_pass = FACT_YES,
			.has_rdns = FACT_NO },
		    .act = VERDICT_ACCEPT },
		{ .what = "correspondent, not proved",
		    .f = { .known_correspondent = FACT_YES, .has_rdns = FACT_NO },
		    .act = VERDICT_JUNK },
		{ .what = "denied", .deny = &deny, .act = VERDICT_REJECT, .code = 550 },
		{ .what = "allow before deny",
		    .allow = &allow_from,
		    .deny = &deny,
		    .act = VERDICT_ACCEPT },
		{ .what = "rule to Junk", .rule = &to_junk, .act = VERDICT_JUNK },
		{ .what = "rule to a folder",
		    .rule = &to_folder,
		    .act = VERDICT_ACCEPT,
		    .filed = true },
		{ .what = "rule to a folder, junk all the same",
		    .rule = &to_folder,
		    .f = { .has_rdns = FACT_NO },
		    .act = VERDICT_JUNK },
		{ .what = "allowed and filed",
		    .allow = &allow_from,
		    .rule = &to_folder,
		    .f = { .has_rdns = FACT_NO },
		    .act = VERDICT_ACCEPT,
		    .filed = true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct cfg cfg = { .score = { 4, 6, 15 },
			.filter = { .no_rdns = ACTION_JUNK, .no_fcrdns = ACTION_REJECT },
			.allows = (struct cfg_rule *)cases[i].allow,
			.denies = (struct cfg_rule *)cases[i].deny,
			.rules = (struct cfg_rule *)cases[i].rule };
		const struct facts *more = &cases[i].f;
		struct facts f = arrived(base());
		struct verdict v;

		f.has_rdns = more->has_rdns;
		f.fcrdns = more->fcrdns;
		f.dmarc_pass = more->dmarc_pass;
		f.dmarc_wish = more->dmarc_wish;
		f.dmarc_undecided = more->dmarc_undecided;
		f.indirect = more->indirect;
		f.known_correspondent = more->known_correspondent;
		f.aligned = more->aligned;
		f.proof_undecided = more->proof_undecided;
		verdict_judge(arena, &f, &cfg, &v);
		if (v.act != cases[i].act || v.code != cases[i].code ||
		    (v.reply != NULL) != (v.code != 0) || (v.folder != NULL) != cases[i].filed)
			fail_msg("%s: %s %u, %.*s", cases[i].what, verdict_act_name(v.act), v.code,
			    SLICE_ARG(v.why));
	}
}

static void what_is_not_known_of_a_list_is_told(void **state)
{
	struct cfg_rule there_only = { .ip = &there }, friend = { .from = &from_friend, .next = &there_only };
	struct facts f = base();
	bool unsure = false;

	(void)state;
	f.from = (struct slice){ 0 };
	assert_null(owner_first(arena, &friend, &f, &unsure));
	assert_true(unsure);
	assert_null(owner_first(arena, &there_only, &f, &unsure));
	assert_false(unsure);
}

static void who_decided_is_told(void **state)
{
	struct cfg_rule allow = { .kind = RULE_ALLOW, .from = &from_friend },
			deny = { .kind = RULE_DENY, .from = &from_friend },
			junk = { .kind = RULE_RULE, .from = &from_friend, .act = ACT_JUNK },
			file = { .kind = RULE_RULE, .from = &from_friend, .act = ACT_FOLDER, .folder = "F" };
	const struct {
		struct cfg cfg;
		bool forged, by_owner;
	} cases[] = {
		{ { .allows = &allow }, false, true },
		{ { .allows = &allow }, true, false }, /* in vain */
		{ { .denies = &deny }, false, true },
		{ { .rules = &junk }, false, true },
		{ { .rules = &file }, false, false },
		{ { .rules = NULL }, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct facts f = arrived(base());
		struct cfg cfg = cases[i].cfg;
		struct verdict v;

		cfg.score = (struct cfg_score){ 4, 6, 15 };
		f.dmarc_wish = cases[i].forged ? DMARC_REJECT : DMARC_ASKS_NOTHING;
		verdict_again(arena, &f, 20, &cfg, &v);
		if (v.by_owner != cases[i].by_owner)
			fail_msg("case %zu", i);
	}
}

static void plain_spam_of_a_correspondent_is_junk(void **state)
{
	const struct cfg cfg = { .score = { 4, 6, 15 } };
	struct facts f = arrived(base());
	struct verdict v;

	(void)state;
	verdict_again(arena, &f, 15, &cfg, &v);
	assert_int_equal(v.act, VERDICT_REJECT);
	f.known_correspondent = f.aligned = FACT_YES;
	verdict_again(arena, &f, 15, &cfg, &v);
	assert_int_equal(v.act, VERDICT_JUNK);
	verdict_again(arena, &f, 14.9, &cfg, &v);
	assert_int_equal(v.act, VERDICT_ACCEPT);
}

static void strangers_from_elsewhere_are_put_off(void **state)
{
	static struct cfg_rule file = {
		.kind = RULE_RULE, .header = &list, .act = ACT_FOLDER, .folder = "Choir"
	};
	const struct cfg cfg = {
		.score = { 4, 6, 15 }, .filter = { .no_rdns = ACTION_GREYLIST }, .rules = &file
	};
	struct facts f = arrived(base());
	struct verdict v;

	(void)state;
	f.has_rdns = FACT_NO;
	verdict_judge(arena, &f, &cfg, &v);
	assert_int_equal(v.act, VERDICT_GREYLIST);
	assert_int_equal(v.code, 451);
	assert_string_equal(v.folder, "Choir");             /* should he come again */
	f.peer = (struct ip){ .octets = { 127, 0, 0, 1 } }; /* a program beside us */
	verdict_judge(arena, &f, &cfg, &v);
	assert_int_equal(v.act, VERDICT_ACCEPT);
	f = arrived(base());
	f.has_rdns = FACT_NO;
	f.proved = proved;
	f.proved_n = 1;
	verdict_judge(arena, &f, &cfg, &v);
	assert_int_equal(v.act, VERDICT_ACCEPT);
}

static void recipients_are_refused_only_when_nothing_may_allow_them(void **state)
{
	static const struct cfg_rule allow_from = { .kind = RULE_ALLOW, .from = &from_friend },
				     deny_relay = { .kind = RULE_DENY, .ip = &here };
	struct cfg cfg = { .filter = { .no_rdns = ACTION_REJECT } };
	struct facts f = base();
	struct verdict v;

	(void)state;
	f.from = (struct slice){ 0 };
	assert_true(verdict_may_refuse(&cfg));
	assert_false(verdict_refuses(arena, &f, &cfg, &v)); /* the name is not known */
	f.has_rdns = FACT_NO;
	assert_true(verdict_filtered(&f, &cfg));
	for (enum fact known = FACT_UNKNOWN; known <= FACT_YES; known++) {
		f.sender_known = known; /* who may be known is judged when his message is here */
		assert_int_equal(verdict_refuses(arena, &f, &cfg, &v), known == FACT_NO);
	}
	f.sender_known = FACT_NO;
	assert_true(verdict_refuses(arena, &f, &cfg, &v));
	assert_int_equal(v.code, 550);
	assert_string_equal(v.reply, "no rDNS is so 80s");
	cfg.allows = (struct cfg_rule *)&allow_from;
	assert_false(verdict_refuses(arena, &f, &cfg, &v)); /* From is still to come */
	cfg = (struct cfg){ .filter = { .no_rdns = ACTION_JUNK } };
	assert_false(verdict_may_refuse(&cfg));
	assert_false(verdict_refuses(arena, &f, &cfg, &v));
	cfg.denies = (struct cfg_rule *)&deny_relay;
	f.sender_known = FACT_YES; /* but the owner's word stands */
	assert_true(verdict_may_refuse(&cfg));
	assert_true(verdict_refuses(arena, &f, &cfg, &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_hold_or_not_or_are_not_known),
		cmocka_unit_test(the_order_of_trust_is_kept),
		cmocka_unit_test(what_is_not_known_of_a_list_is_told),
		cmocka_unit_test(who_decided_is_told),
		cmocka_unit_test(plain_spam_of_a_correspondent_is_junk),
		cmocka_unit_test(strangers_from_elsewhere_are_put_off),
		cmocka_unit_test(recipients_are_refused_only_when_nothing_may_allow_them),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
