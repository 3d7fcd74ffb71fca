/* Are names and passwords taken exactly, and everything malformed refused? */
#include "check.h"

#include "core/base64.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/sasl.h"

static enum sasl_step plain_of(struct sasl **ret, struct slice message)
{
	struct buf wire = BUF_INIT(65536);
	struct slice line;
	enum sasl_step step;

	assert_int_equal(base64_encode(message, &wire), 0);
	line = buf_slice(&wire);
	*ret = sasl_new(SASL_PLAIN);
	step = sasl_start(*ret, &line);
	buf_free(&wire);
	return (step);
}

static void plain_messages(void **state)
{
	static const struct {
		struct slice message;
		enum sasl_step step;
		struct slice name, password;
	} cases[] = {
		{ SLICE_INIT("\0tim\0tanstaaftanstaaf"), SASL_VERIFY, SLICE_INIT("tim"), SLICE_INIT("tanstaaftanstaaf") },
		{ SLICE_INIT("tim\0tim\0x"), SASL_VERIFY, SLICE_INIT("tim"), SLICE_INIT("x") },
		{ SLICE_INIT("Ursel\0Kurt\0xipj3plmq"), SASL_BAD, SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT(""), SASL_BAD, SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT("tim"), SASL_BAD, SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT("\0tim"), SASL_BAD, SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT("\0\0x"), SASL_BAD, SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT("\0tim\0"), SASL_BAD, SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT("\0tim\0x\0y"), SASL_BAD, SLICE_INIT(""), SLICE_INIT("") },
		{ SLICE_INIT("\0t\nm\0x"), SASL_BAD, SLICE_INIT(""), SLICE_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl *s;

		assert_int_equal(plain_of(&s, cases[i].message), cases[i].step);
		if (cases[i].step == SASL_VERIFY) {
			assert_true(slice_eq(sasl_name(s), cases[i].name));
			assert_true(slice_eq(sasl_password(s), cases[i].password));
		}
		sasl_free(s);
	}
}

static void lengths_are_bounded_exactly(void **state)
{
	static const struct {
		size_t name, password;
		enum sasl_step step;
	} cases[] = {
		{ 320, L_PASSWORD, SASL_VERIFY },
		{ 321, 1, SASL_BAD },
		{ 1, L_PASSWORD + 1, SASL_BAD },
		{ 1, 20000, SASL_BAD },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf message = BUF_INIT(65536);
		struct sasl *s;

		(void)buf_addc(&message, '\0');
		for (size_t k = 0; k < cases[i].name; k++)
			(void)buf_addc(&message, 'n');
		(void)buf_addc(&message, '\0');
		for (size_t k = 0; k < cases[i].password; k++)
			(void)buf_addc(&message, 'p');
		assert_int_equal(plain_of(&s, buf_slice(&message)), cases[i].step);
		sasl_free(s);
		buf_free(&message);
	}
}

static void login_asks_twice(void **state)
{
	struct sasl *s = sasl_new(SASL_LOGIN);
	struct slice name = SLICE("dGlt");

	(void)state;
	assert_int_equal(sasl_start(s, NULL), SASL_CHALLENGE);
	assert_string_equal(sasl_challenge(s), "VXNlcm5hbWU6");
	assert_int_equal(sasl_respond(s, SLICE("dGlt")), SASL_CHALLENGE);
	assert_string_equal(sasl_challenge(s), "UGFzc3dvcmQ6");
	assert_int_equal(sasl_respond(s, SLICE("c2VjcmV0")), SASL_VERIFY);
	assert_true(slice_eq(sasl_name(s), SLICE("tim")));
	assert_true(slice_eq(sasl_password(s), SLICE("secret")));
	assert_int_equal(sasl_respond(s, SLICE("c2VjcmV0")), SASL_BAD); /* it is over */
	sasl_free(s);
	s = sasl_new(SASL_LOGIN);
	assert_int_equal(sasl_start(s, &name), SASL_CHALLENGE); /* the name came at once */
	assert_string_equal(sasl_challenge(s), "UGFzc3dvcmQ6");
	assert_int_equal(sasl_respond(s, SLICE("")), SASL_BAD);
	sasl_free(s);
}

static void cancelled_and_malformed_end_it(void **state)
{
	static const struct {
		struct slice line;
		enum sasl_step step;
	} cases[] = {
		{ SLICE_INIT("*"), SASL_CANCELLED }, { SLICE_INIT("**"), SASL_BAD }, { SLICE_INIT("AHRpbQB4"), SASL_VERIFY },
		{ SLICE_INIT("AHRpbQB4=="), SASL_BAD }, { SLICE_INIT("AHRp bQB4"), SASL_BAD }, { SLICE_INIT("AHRpbQB"), SASL_BAD },
	};
	struct slice empty = SLICE("=");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sasl *s = sasl_new(SASL_PLAIN);

		assert_int_equal(sasl_start(s, NULL), SASL_CHALLENGE);
		assert_string_equal(sasl_challenge(s), "");
		assert_int_equal(sasl_respond(s, cases[i].line), cases[i].step);
		assert_int_equal(sasl_respond(s, SLICE("AHRpbQB4")), SASL_BAD);
		sasl_free(s);
	}
	{
		struct sasl *s = sasl_new(SASL_PLAIN);

		assert_int_equal(sasl_start(s, &empty), SASL_BAD);
		sasl_free(s);
		sasl_free(NULL);
	}
}

static void mechanisms_by_name(void **state)
{
	enum sasl_mechanism m;

	(void)state;
	assert_true(sasl_mechanism_of(SLICE("plain"), &m) && m == SASL_PLAIN);
	assert_true(sasl_mechanism_of(SLICE("LOGIN"), &m) && m == SASL_LOGIN);
	assert_false(sasl_mechanism_of(SLICE("CRAM-MD5"), &m));
	assert_false(sasl_mechanism_of(SLICE(""), &m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_messages),
		cmocka_unit_test(lengths_are_bounded_exactly),
		cmocka_unit_test(login_asks_twice),
		cmocka_unit_test(cancelled_and_malformed_end_it),
		cmocka_unit_test(mechanisms_by_name),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
