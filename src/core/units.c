/* units.c: how long, how large? "5d" and "50 MiB" to numbers, and numbers to what people read. */
#include "core/units.h"

#include "core/cursor.h"
#include "core/mem.h"

struct unit {
	struct slice name;
	uint64_t value;
};

static const struct unit durations[] = {
	/* milliseconds; largest first, for writing */
	{ SLICE_INIT("d"), 86400000 },
	{ SLICE_INIT("h"), 3600000 },
	{ SLICE_INIT("m"), 60000 },
	{ SLICE_INIT("s"), 1000 },
	{ SLICE_INIT("ms"), 1 },
};

static const struct unit sizes[] = {
	/* octets; those of 1024 first and largest first, for writing */
	{ SLICE_INIT("TiB"), 1099511627776 },
	{ SLICE_INIT("GiB"), 1073741824 },
	{ SLICE_INIT("MiB"), 1048576 },
	{ SLICE_INIT("KiB"), 1024 },
	{ SLICE_INIT("B"), 1 },
	{ SLICE_INIT("TB"), 1000000000000 },
	{ SLICE_INIT("GB"), 1000000000 },
	{ SLICE_INIT("MB"), 1000000 },
	{ SLICE_INIT("kB"), 1000 },
	{ SLICE_INIT("KB"), 1000 },
};

enum { BINARY_SIZES = 4 };

static bool parse(struct slice s, const struct unit *units, size_t n, bool blanks, uint64_t *ret)
{
	struct cursor c = cursor_of(s);
	uint64_t number, value;

	if (!take_u64(&c, UINT64_MAX, &number))
		return (false);
	if (blanks)
		take_blanks(&c);
	for (size_t i = 0; i < n; i++) {
		if (!slice_eq(cursor_rest(&c), units[i].name))
			continue;
		if (__builtin_mul_overflow(number, units[i].value, &value))
			return (false);
		*ret = value;
		return (true);
	}
	return (false);
}

bool units_duration(struct slice s, uint64_t *ret_ms)
{
	return (parse(s, durations, COUNT_OF(durations), false, ret_ms));
}

bool units_size(struct slice s, uint64_t *ret)
{
	return (parse(s, sizes, COUNT_OF(sizes), true, ret));
}

/* The two largest units, of which the second may be nothing: "2 d 3 h", "4 h". */
int units_add_duration(struct buf *out, uint64_t ms)
{
	size_t i = 0;

	if (ms == 0)
		return (buf_addz(out, "0 s"));
	while (durations[i].value > ms)
		i++;
	(void)buf_fmt(
	    out, "%llu %s", (unsigned long long)(ms / durations[i].value), durations[i].name.p);
	ms %= durations[i].value;
	if (i + 1 < COUNT_OF(durations) && ms / durations[i + 1].value > 0)
		(void)buf_fmt(out, " %llu %s", (unsigned long long)(ms / durations[i + 1].value),
		    durations[i + 1].name.p);
	return (out->failed ? -1 : 0);
}

int units_add_size(struct buf *out, uint64_t octets)
{
	size_t i = 0;
	uint64_t tenths;

	while (i < BINARY_SIZES && sizes[i].value > octets)
		i++;
	/* The first decimal, cut off: a size is never said to be larger than it is. */
	tenths = octets % sizes[i].value * 10 / sizes[i].value;
	(void)buf_fmt(out, "%llu", (unsigned long long)(octets / sizes[i].value));
	if (tenths > 0)
		(void)buf_fmt(out, ".%u", (unsigned)tenths);
	return (buf_fmt(out, " %s", sizes[i].name.p));
}
