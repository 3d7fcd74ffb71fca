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

static void from_is_one_address_that_could_be(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
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
		cmocka_unit_test(from_is_one_address_that_could_be),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
