/* The law: what is read is a number times its unit, whatever follows is refused; what is written
 * for people in one exact unit is read back as the same. */
#include <stdint.h>
#include <stdlib.h>

#include "core/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(struct slice in, bool (*parse)(struct slice, uint64_t *),
    int (*say)(struct buf *, uint64_t), size_t most)
{
	struct buf text = BUF_INIT(100);
	uint64_t value = 0, again;
	struct slice said, number, unit;
	char joined[100];

	if (!parse(in, &value)) {
		if (value != 0) /* nothing is written on failure */
			abort();
		return;
	}
	if (in.n == 0 || !ascii_digit(in.p[0]) || ascii_digit(in.p[in.n - 1]))
		abort();
	if (say(&text, value) == -1 || text.n > most)
		abort();
	said = buf_slice(&text);
	/* "4 h": one number, one unit, nothing cut off? Then it says exactly what was read, or less. */
	if (slice_cut(said, ' ', &number, &unit) && slice_chr(unit, ' ') == SIZE_MAX &&
	    slice_chr(number, '.') == SIZE_MAX) {
		memcpy(joined, number.p, number.n);
		memcpy(joined + number.n, unit.p, unit.n);
		if (!parse((struct slice){ joined, number.n + unit.n }, &again) || again > value)
			abort();
	}
	buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };

	check(in, units_duration, units_add_duration, 40);
	check(in, units_size, units_add_size, 40);
	return (0);
}
