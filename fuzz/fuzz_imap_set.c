/* Number sets. The laws: after fixing, ranges are sorted and apart; a number is in the set
 * exactly when one of the elements as written holds it; what is written of the set parses to the
 * same set. */
#include <stdint.h>
#include <stdlib.h>

#include "imap/seqset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool written(const struct range *v, size_t n, uint32_t last, uint32_t x)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t from = v[i].from == SEQ_STAR ? last : v[i].from,
			 to = v[i].to == SEQ_STAR ? last : v[i].to;

		if ((x >= from && x <= to) || (x >= to && x <= from))
			return (true);
	}
	return (false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(0);
	struct buf out = BUF_INIT(1 << 20);
	struct seqset s, again;
	struct range *as_written;
	size_t written_n;
	bool over, first = true;

	if (n > 4096 || !seqset_parse(a, (struct slice){ (const char *)data, n }, &s, &over) ||
	    s.is_saved)
		goto out;
	as_written = arena_array(a, s.n, sizeof(*as_written));
	memcpy(as_written, s.v, s.n * sizeof(*as_written));
	written_n = s.n;
	seqset_fix(&s, 40);
	for (size_t i = 0; i < s.n; i++) {
		if (s.v[i].from > s.v[i].to || (i > 0 && s.v[i].from <= s.v[i - 1].to + 1))
			abort();
		(void)seqset_write_range(&out, s.v[i].from, s.v[i].to, &first);
	}
	for (uint32_t x = 1; x < 80; x++)
		if (seqset_has(&s, x) != written(as_written, written_n, 40, x))
			abort();
	if (!seqset_parse(a, buf_slice(&out), &again, &over))
		abort();
	seqset_fix(&again, 40);
	if (again.n != s.n || memcmp(again.v, s.v, s.n * sizeof(*s.v)) != 0)
		abort();
out:
	buf_free(&out);
	arena_free(a);
	return (0);
}
