/* units: what people write to numbers, and back to what they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/units.h"

static void durations_are_read(void **state)
{
	static const struct {
		struct slice in;
		uint64_t ms;
		bool ok;
	} cases[] = {
		{ SLICE_INIT("5d"), 432000000, true },
		{ SLICE_INIT("4h"), 14400000, true },
		{ SLICE_INIT("10m"), 600000, true },
		{ SLICE_INIT("30s"), 30000, true },
		{ SLICE_INIT("250ms"), 250, true },
		{ SLICE_INIT("0s"), 0, true },
		{ SLICE_INIT("213503982334d"), 18446744073657600000u, true },
		{ SLICE_INIT("213503982335d"), 0, false },
		{ SLICE_INIT("18446744073709551616ms"), 0, false },
		{ SLICE_INIT("5"), 0, false },
		{ SLICE_INIT("d"), 0, false },
		{ SLICE_INIT("-5d"), 0, false },
		{ SLICE_INIT("1.5h"), 0, false },
		{ SLICE_INIT("5 d"), 0, false },
		{ SLICE_INIT("5d "), 0, false },
		{ SLICE_INIT("1h30m"), 0, false },
		{ SLICE_INIT("5D"), 0, false },
		{ SLICE_INIT(""), 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t ms = 0;

		assert_int_equal(units_duration(cases[i].in, &ms), cases[i].ok);
		assert_int_equal(ms, cases[i].ms);
	}
}

static void sizes_are_read(void **state)
{
	static const struct {
		struct slice in;
		uint64_t n;
		bool ok;
	} cases[] = {
		{ SLICE_INIT("50 MiB"), 52428800, true },
		{ SLICE_INIT("64KiB"), 65536, true },
		{ SLICE_INIT("1 GiB"), 1073741824, true },
		{ SLICE_INIT("512 B"), 512, true },
		{ SLICE_INIT("10 MB"), 10000000, true },
		{ SLICE_INIT("16777215 TiB"), 18446742974197923840u, true },
		{ SLICE_INIT("16777216 TiB"), 0, false },
		{ SLICE_INIT("50"), 0, false },
		{ SLICE_INIT("50 mib"), 0, false },
		{ SLICE_INIT("MiB"), 0, false },
		{ SLICE_INIT("5 0 MiB"), 0, false },
		{ SLICE_INIT("-1 B"), 0, false },
		{ SLICE_INIT("1e400 B"), 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t n = 0;

		assert_int_equal(units_size(cases[i].in, &n), cases[i].ok);
		assert_int_equal(n, cases[i].n);
	}
}

static void both_are_written_for_people(void **state)
{
	static const struct {
		uint64_t ms;
		const char *text;
	} durations[] = {
		{ 0, "0 s" },
		{ 250, "250 ms" },
		{ 1000, "1 s" },
		{ 14400000, "4 h" },
		{ 183600000, "2 d 3 h" },
		{ 86401000, "1 d" },
		{ 90061000, "1 d 1 h" },
		{ 61000, "1 m 1 s" },
	};
	static const struct {
		uint64_t n;
		const char *text;
	} sizes[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KiB" },
		{ 1572864, "1.5 MiB" },
		{ 1572863, "1.4 MiB" },
		{ 52428800, "50 MiB" },
		{ UINT64_MAX, "16777215.9 TiB" },
	};
	struct buf b = BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(durations); i++) {
		buf_reset(&b);
		assert_int_equal(units_add_duration(&b, durations[i].ms), 0);
		assert_string_equal(buf_z(&b), durations[i].text);
	}
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		buf_reset(&b);
		assert_int_equal(units_add_size(&b, sizes[i].n), 0);
		assert_string_equal(buf_z(&b), sizes[i].text);
	}
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(both_are_written_for_people),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
