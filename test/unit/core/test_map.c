/* map: finds what was put, under any keys, while it grows and shrinks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "core/map.h"
#include "core/mem.h"

static struct slice key_of(unsigned i, char z[16])
{
	return ((struct slice){ z, (size_t)snprintf(z, 16, "key %u", i) });
}

static void thousands_are_put_found_and_dropped(void **state)
{
	enum { N = 5000 };
	static int values[N];
	struct map *m = map_new();
	char z[16];

	(void)state;
	assert_null(map_get(m, SLICE("nothing")));
	assert_null(map_drop(m, SLICE("nothing")));
	for (unsigned i = 0; i < N; i++)
		assert_null(map_put(m, key_of(i, z), &values[i]));
	assert_int_equal(map_count(m), N);
	for (unsigned i = 0; i < N; i++)
		assert_ptr_equal(map_get(m, key_of(i, z)), &values[i]);
	for (unsigned i = 0; i < N; i += 2)
		assert_ptr_equal(map_drop(m, key_of(i, z)), &values[i]);
	assert_int_equal(map_count(m), N / 2);
	for (unsigned i = 0; i < N; i++)
		assert_ptr_equal(map_get(m, key_of(i, z)), i % 2 == 0 ? NULL : &values[i]);
	assert_ptr_equal(map_put(m, key_of(1, z), &values[0]), &values[1]);
	assert_ptr_equal(map_get(m, key_of(1, z)), &values[0]);
	map_free(m);
	map_free(NULL);
}

static void dropped_places_are_used_again(void **state)
{
	struct map *m = map_new();
	char z[16];
	int v = 0;

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		assert_null(map_put(m, key_of(i, z), &v));
		assert_ptr_equal(map_drop(m, key_of(i, z)), &v);
	}
	assert_int_equal(map_count(m), 0);
	map_free(m);
}

static void a_walk_sees_each_once_and_may_drop(void **state)
{
	enum { N = 300 };
	static int values[N];
	int seen[N] = { 0 };
	struct map *m = map_new();
	struct slice key;
	void *value;
	char z[16];
	size_t at = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++)
		(void)map_put(m, key_of(i, z), &values[i]);
	while (map_next(m, &at, &key, &value)) {
		seen[(int *)value - values]++;
		if (((int *)value - values) % 3 == 0)
			assert_ptr_equal(map_drop(m, key), value);
	}
	for (size_t i = 0; i < N; i++)
		assert_int_equal(seen[i], 1);
	assert_int_equal(map_count(m), N - N / 3);
	map_free(m);
}

static void keys_are_octets(void **state)
{
	struct map *m = map_new();
	int a, b, c;

	(void)state;
	(void)map_put(m, SLICE("k\0a"), &a);
	(void)map_put(m, SLICE("k\0b"), &b);
	(void)map_put(m, SLICE(""), &c);
	assert_ptr_equal(map_get(m, SLICE("k\0a")), &a);
	assert_ptr_equal(map_get(m, SLICE("k\0b")), &b);
	assert_ptr_equal(map_get(m, SLICE("")), &c);
	assert_null(map_get(m, SLICE("k")));
	assert_true(map_hash(SLICE("k\0a")) != map_hash(SLICE("k\0b")));
	map_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousands_are_put_found_and_dropped),
		cmocka_unit_test(dropped_places_are_used_again),
		cmocka_unit_test(a_walk_sees_each_once_and_may_drop),
		cmocka_unit_test(keys_are_octets),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
