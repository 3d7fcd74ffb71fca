/* What was found about a sender, as facts: what a DNS that is silent leaves open, and what it does not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/cfg.h"
#include "core/limits.h"
#include "core/mem.h"
#include "spam/gather.h"

/* A policy that could not be looked up: DNS-01. Who proved the very domain of From is aligned under any; of others it is not known,
 * and nobody is refused for good who might be trusted. */
static void a_policy_that_is_not_found_leaves_open_what_turns_on_it(void **state)
{
	static const struct {
		const char *signer;
		enum dkim_result result;
		enum fact aligned;
		bool undecided;
	} cases[] = {
		{ "friend.example", DKIM_PASS, FACT_YES, false },
		{ "mail.friend.example", DKIM_PASS, FACT_UNKNOWN, true },
		{ "other.example", DKIM_PASS, FACT_UNKNOWN, true },
		{ "friend.example", DKIM_FAIL, FACT_UNKNOWN, true },
	};
	struct arena *a = arena_new(0);
	const struct cfg_filters none = { .sealers = NULL };
	struct header h;

	(void)state;
	header_parse(a, SLICE("From: <a@friend.example>\r\n\r\n"), &h);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dkim_signature s = { .result = cases[i].result, .domain = slice_of(cases[i].signer) };
		struct dkim_auth_result r = { .signatures = &s,
			.signatures_n = 1,
			.mail_from.result = SPF_NONE,
			.arc = ARC_NONE,
			.dmarc = { .state = DMARC_TEMPERROR, .from = SLICE("friend.example") } };
		struct facts f = { 0 };

		gather_proof(&r, a, &h, &none, &f);
		assert_int_equal(f.aligned, cases[i].aligned);
		assert_int_equal(f.proof_undecided, cases[i].undecided);
		assert_false(f.dmarc_undecided);
	}
	arena_free(a);
}

#define SHOP "From: <a@shop.example>\r\n"
#define LISTED SHOP "List-Id: The <choir.list.example>\r\n"
#define CHOIR LISTED "List-Post: <mailto:c@choir.example>\r\n"

/* Who sent it, in the facts that trust is made of. */
static void what_is_proved_is_said(void **state)
{
	static const struct {
		const char *what, *header;
		enum spf_result spf;
		bool wide;
		const char *signer; /* NULL: no signature */
		enum dkim_result dkim;
		enum dmarc_state state;
		bool dkim_aligned;
		enum dmarc_policy wish;
		enum fact is_spf, is_dkim, is_dmarc, aligned;
		bool fail, indirect, undecided;
	} cases[] = {
		{ "nothing", SHOP, SPF_NONE, false, NULL, DKIM_NONE, DMARC_NONE, false, 0, FACT_NO, FACT_NO,
		    FACT_NO, FACT_NO, false, false, false },
		{ "SPF of the domain itself", SHOP, SPF_PASS, false, NULL, DKIM_NONE, DMARC_PASS, false, 0,
		    FACT_YES, FACT_NO, FACT_YES, FACT_YES, false, false, false },
		{ "SPF that lets half the internet in", SHOP, SPF_PASS, true, NULL, DKIM_NONE, DMARC_PASS,
		    false, 0, FACT_NO, FACT_NO, FACT_YES, FACT_NO, false, false, false },
		{ "the same beside an aligned signature", SHOP, SPF_PASS, true, "shop.example", DKIM_PASS,
		    DMARC_PASS, true, 0, FACT_NO, FACT_YES, FACT_YES, FACT_YES, false, false, false },
		{ "SPF not known now", SHOP, SPF_TEMPERROR, false, NULL, DKIM_NONE, DMARC_NONE, false, 0,
		    FACT_UNKNOWN, FACT_NO, FACT_NO, FACT_UNKNOWN, false, false, true },
		{ "a signature not known now", SHOP, SPF_NONE, false, "shop.example", DKIM_TEMPERROR,
		    DMARC_NONE, false, 0, FACT_NO, FACT_UNKNOWN, FACT_NO, FACT_UNKNOWN, false, false, true },
		{ "no policy, and the domain signed", SHOP, SPF_NONE, false, "shop.example", DKIM_PASS,
		    DMARC_NONE, false, 0, FACT_NO, FACT_YES, FACT_NO, FACT_YES, false, false, false },
		{ "no policy, and another signed", SHOP, SPF_NONE, false, "op.example", DKIM_PASS, DMARC_NONE,
		    false, 0, FACT_NO, FACT_YES, FACT_NO, FACT_NO, false, false, false },
		{ "forged", SHOP, SPF_PASS, false, NULL, DKIM_NONE, DMARC_FAIL, false, DMARC_REJECT, FACT_YES,
		    FACT_NO, FACT_NO, FACT_NO, true, false, false },
		{ "a policy nobody can read", SHOP, SPF_NONE, false, "shop.example", DKIM_PASS,
		    DMARC_PERMERROR, false, 0, FACT_NO, FACT_YES, FACT_NO, FACT_NO, false, false, false },
		{ "a list that proved its name", CHOIR, SPF_NONE, false, "list.example", DKIM_PASS, DMARC_FAIL,
		    false, DMARC_REJECT, FACT_NO, FACT_YES, FACT_NO, FACT_NO, true, true, false },
		{ "a list that proved another", CHOIR, SPF_NONE, false, "x.example", DKIM_PASS, DMARC_FAIL,
		    false, DMARC_REJECT, FACT_NO, FACT_YES, FACT_NO, FACT_NO, true, false, false },
		{ "a list that proved nothing", CHOIR, SPF_NONE, false, "list.example", DKIM_FAIL, DMARC_FAIL,
		    false, DMARC_REJECT, FACT_NO, FACT_NO, FACT_NO, FACT_NO, true, false, false },
		{ "a name and nothing else of a list", LISTED, SPF_NONE, false, "list.example", DKIM_PASS,
		    DMARC_FAIL, false, DMARC_REJECT, FACT_NO, FACT_YES, FACT_NO, FACT_NO, true, false, false },
		{ "everything of a list but its name", SHOP "List-Post: <mailto:c@x.example>\r\nPrecedence: list\r\n",
		    SPF_NONE, false, "list.example", DKIM_PASS, DMARC_FAIL, false, DMARC_REJECT, FACT_NO,
		    FACT_YES, FACT_NO, FACT_NO, true, false, false },
	};
	struct arena *a = arena_new(0);
	const struct cfg_filters none = { .sealers = NULL };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct dkim_signature s = { .result = cases[i].dkim,
			.domain = slice_of(cases[i].signer != NULL ? cases[i].signer : "") };
		struct dkim_auth_result r = { .signatures = &s,
			.signatures_n = cases[i].signer != NULL,
			.mail_from = { .result = cases[i].spf,
			    .domain = SLICE("bounce.example"),
			    .wide = cases[i].wide },
			.arc = ARC_NONE,
			.dmarc = { .state = cases[i].state,
			    .policy = cases[i].wish,
			    .disposition = cases[i].wish,
			    .dkim_aligned = cases[i].dkim_aligned,
			    .from = SLICE("shop.example") } };
		struct facts f = { 0 };
		struct header h;

		header_parse(a, slice_of(arena_fmt(a, "%s\r\n", cases[i].header)), &h);
		gather_proof(&r, a, &h, &none, &f);
		if (f.spf_pass != cases[i].is_spf || f.dkim_pass != cases[i].is_dkim ||
		    f.dmarc_pass != cases[i].is_dmarc || f.aligned != cases[i].aligned ||
		    f.dmarc_fail != cases[i].fail || f.dmarc_wish != cases[i].wish ||
		    f.indirect != cases[i].indirect || f.proof_undecided != cases[i].undecided ||
		    f.proved_n != (size_t)(f.spf_pass == FACT_YES) + (f.dkim_pass == FACT_YES))
			fail_msg("%s", cases[i].what);
	}
	arena_free(a);
}

/* The owner's word for one who seals is worth as much as everybody's who sealed after him. */
static void who_vouches_is_named_by_the_owner(void **state)
{
	static const struct {
		const char *first, *second; /* who sealed; NULL: nobody */
		const char *saw;            /* by the first */
		enum arc_state arc;
		bool indirect;
	} cases[] = {
		{ "fwd.example", NULL, " fwd.example; dmarc=pass header.from=shop.example", ARC_PASS, true },
		{ "mx.fwd.example", NULL, " fwd.example; dmarc=pass header.from=shop.example", ARC_PASS, true },
		{ "fwd.example", NULL, " fwd.example; dmarc=pass header.from=shop.example", ARC_FAIL, false },
		{ "fwd.example", NULL, " fwd.example; dmarc=fail header.from=shop.example", ARC_PASS, false },
		{ "fwd.example", NULL, " fwd.example; dmarc=pass header.from=other.example", ARC_PASS, false },
		{ "evil.example", NULL, " fwd.example; dmarc=pass header.from=shop.example", ARC_PASS, false },
		{ "fwd.example", "evil.example", " fwd.example; dmarc=pass header.from=shop.example", ARC_PASS,
		    false },
		{ "evil.example", "fwd.example", " fwd.example; dmarc=pass header.from=shop.example", ARC_PASS,
		    false },
		{ "fwd.example", "second.example", " fwd.example; dmarc=pass header.from=shop.example",
		    ARC_PASS, true },
	};
	static struct cfg_match second = { .text = SLICE_INIT("second.example") },
				first = { .text = SLICE_INIT("fwd.example"), .next = &second };
	const struct cfg_filters trusts = { .sealers = &first }, none = { .sealers = NULL };
	struct arena *a = arena_new(0);
	struct header h;

	(void)state;
	header_parse(a, SLICE(SHOP "\r\n"), &h);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arc_set sets[2] = { { .domain = slice_of(cases[i].first), .results = slice_of(cases[i].saw) },
			{ .results = SLICE(" second.example; dmarc=fail header.from=shop.example") } };
		struct dkim_auth_result r = { .arc = cases[i].arc,
			.arc_sets = sets,
			.arc_n = cases[i].second != NULL ? 2 : 1,
			.mail_from.result = SPF_NONE,
			.dmarc = { .state = DMARC_FAIL,
			    .disposition = DMARC_REJECT,
			    .from = SLICE("shop.example") } };
		struct facts f = { 0 }, untrusting = { 0 };

		if (cases[i].second != NULL)
			sets[1].domain = slice_of(cases[i].second);
		gather_proof(&r, a, &h, &trusts, &f);
		gather_proof(&r, a, &h, &none, &untrusting);
		if (f.indirect != cases[i].indirect || untrusting.indirect)
			fail_msg("case %zu", i);
		assert_int_equal(f.aligned, FACT_NO); /* nobody's trust is raised */
	}
	arena_free(a);
}

static void from_is_one_address_that_could_be(void **state)
{
	struct arena *a = arena_new(0);
	struct header two;

	(void)state;
	header_parse(a, SLICE("From: <a@b.example>, <c@b.example>\r\n\r\n"), &two);
	assert_int_equal(gather_from(a, &two).n, 0); /* AUT-07: several are nobody's */
	for (size_t n = 1; n < 400; n += 9) {
		struct buf b = BUF_INIT(4096);
		struct header h;
		struct slice from;

		(void)buf_addz(&b, "From: <");
		for (size_t i = 0; i < n; i++)
			(void)buf_addc(&b, 'A');
		(void)buf_addz(&b, "@b.example>\r\n\r\n");
		header_parse(a, arena_dup(a, buf_slice(&b)), &h);
		from = gather_from(a, &h);
		assert_int_equal(from.n, n + 10 <= L_PATH ? n + 10 : 0);
		assert_true(from.n == 0 || slice_starts(from, SLICE("a")));
		buf_free(&b);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_that_is_not_found_leaves_open_what_turns_on_it),
		cmocka_unit_test(what_is_proved_is_said),
		cmocka_unit_test(who_vouches_is_named_by_the_owner),
		cmocka_unit_test(from_is_one_address_that_could_be),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
