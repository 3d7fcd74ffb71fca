/* sorted.h: where does a number stand in an ascending array of numbers, or of records that hold one? */
#ifndef CORE_SORTED_H
#define CORE_SORTED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The index of the first of ${n} records of ${size} octets whose uint32_t at ${offset} is not below
 * ${x}; ${n} when all are. ${base} may be NULL when there are none. */
static inline size_t sorted_lower(const void *base, size_t n, size_t size, size_t offset, uint32_t x)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		uint32_t at;

		memcpy(&at, (const char *)base + mid * size + offset, sizeof(at));
		if (at < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

#endif
