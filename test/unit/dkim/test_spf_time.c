/* A DNS that never answers: SPF ends at L_SPF_SECONDS, without a verdict. With PENNYPOST_CLOCK_SCALE (meson sets it) these are short. */
#include "check.h"

#include "fake_dns.h"

#include "dkim/spf.h"

static void on_result(void *self, const struct spf_answer *a)
{
	*(int *)self = (int)a->result;
}

static void what_is_not_done_in_time_is_no_verdict(void **state)
{
	struct spf_ask ask = { .helo = SLICE("mail.example"), .receiver = "mx.example" };
	int result = -1;

	(void)state;
	fake.loop = loop_new();
	fake.silent = true;
	(void)spf_start(fake.loop, NULL, &ask, on_result, &result);
	loop_run(fake.loop);
	assert_int_equal(result, SPF_TEMPERROR);
	assert_int_equal(fake.asked, 1);
	assert_int_equal(fake.pending, 0);
	loop_free(fake.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_done_in_time_is_no_verdict),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
