/* secret: hashes that verify, and none that surprises at login. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/secret.h"

static void a_hash_knows_its_password_only(void **state)
{
	char hash[SECRET_HASH_MAX], again[SECRET_HASH_MAX], large[1025] = { 0 };

	(void)state;
	assert_int_equal(secret_hash(SLICE("correct \0 horse"), hash), 0);
	assert_int_equal(secret_hash(SLICE("correct \0 horse"), again), 0);
	assert_string_not_equal(hash, again);
	assert_true(secret_hash_ok(hash));
	assert_true(secret_verify(hash, SLICE("correct \0 horse")));
	assert_false(secret_verify(hash, SLICE("correct \0 horsf")));
	assert_false(secret_verify(hash, SLICE("correct ")));
	assert_false(secret_verify(hash, SLICE("")));
	assert_int_equal(secret_hash((struct slice){ large, 1025 }, again), -1);
	assert_false(secret_verify(hash, (struct slice){ large, 1025 }));
	assert_true(secret_hash_ok(secret_dummy_hash()));
	assert_false(secret_verify(secret_dummy_hash(), SLICE("")));
}

static void hashes_that_would_hurt_are_refused(void **state) /* SUB-10 */
{
#define SALT "$AAAAAAAAAAAAAAAAAAAAAA"
#define SUM "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	static const struct {
		const char *hash;
		bool ok;
	} cases[] = {
		{ "$argon2id$v=19$m=19456,t=2,p=1" SALT SUM, true },
		{ "$argon2id$v=19$m=8,t=1,p=1" SALT SUM, true },
		{ "$argon2id$v=19$m=4194304,t=2,p=1" SALT SUM, false },
		{ "$argon2id$v=19$m=19457,t=2,p=1" SALT SUM, false },
		{ "$argon2id$v=19$m=19456,t=1000000,p=1" SALT SUM, false },
		{ "$argon2id$v=19$m=19456,t=0,p=1" SALT SUM, false },
		{ "$argon2id$v=19$m=0,t=2,p=1" SALT SUM, false },
		{ "$argon2id$v=19$m=19456,t=2,p=0" SALT SUM, false },
		{ "$argon2id$v=19$m=19456,t=2,p=1$" SUM, false },
		{ "$argon2id$v=19$m=19456,t=2,p=1" SALT, false },
		{ "$argon2id$v=19$m=19456,t=2,p=1" SALT "$AAAA", false },
		{ "$argon2id$v=19$m=19456,t=2,p=1" SALT SUM "A", false },
		{ "$argon2i$v=19$m=19456,t=2,p=1" SALT SUM, false },
		{ "$argon2id$v=16$m=19456,t=2,p=1" SALT SUM, false },
		{ "$2b$12$abcdefghijklmnopqrstuv", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (secret_hash_ok(cases[i].hash) != cases[i].ok)
			fail_msg("%s", cases[i].hash);
}

static void ids_are_of_their_alphabet(void **state)
{
	char a[21], b[21];

	(void)state;
	secret_id(a, 20);
	secret_id(b, 20);
	assert_string_not_equal(a, b);
	assert_int_equal(strspn(a, "abcdefghijklmnopqrstuvwxyz234567"), 20);
}

static void comparing_and_wiping_work(void **state)
{
	char text[] = "secret";

	(void)state;
	assert_true(secret_equal(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(secret_equal(SLICE("a\0b"), SLICE("a\0c")));
	assert_false(secret_equal(SLICE("a"), SLICE("ab")));
	assert_true(secret_equal(SLICE(""), (struct slice){ NULL, 0 }));
	secret_wipe(text, sizeof(text));
	for (size_t i = 0; i < sizeof(text); i++)
		assert_int_equal(text[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_knows_its_password_only),
		cmocka_unit_test(hashes_that_would_hurt_are_refused),
		cmocka_unit_test(ids_are_of_their_alphabet),
		cmocka_unit_test(comparing_and_wiping_work),
	};

	if (secret_init() == -1)
		return (1);
	return (cmocka_run_group_tests(tests, NULL, NULL));
}
