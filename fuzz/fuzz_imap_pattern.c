/* LIST patterns: pattern, LF, name. The laws: the bit-parallel match is the plain
 * dynamic-programming one; "*" matches all. */
#include <stdint.h>
#include <stdlib.h>

#include "imap/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool plain(struct slice p, struct slice s)
{
	static bool row[2][300];

	memset(row, 0, sizeof(row));
	row[0][0] = true;
	for (size_t i = 0; i < p.n; i++) {
		bool *was = row[i % 2], *is = row[(i + 1) % 2];

		is[0] = was[0] && (p.p[i] == '*' || p.p[i] == '%');
		for (size_t k = 0; k < s.n; k++)
			is[k + 1] = p.p[i] == '*' ? was[k + 1] || is[k]
			    : p.p[i] == '%'       ? was[k + 1] || (is[k] && s.p[k] != '/')
						  : was[k] && p.p[i] == s.p[k];
	}
	return (row[p.n % 2][s.n]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(0);
	struct slice p, s;

	(void)slice_cut((struct slice){ (const char *)data, n }, '\n', &p, &s);
	if (s.n < 256 && p.n <= 511) {
		bool is = pattern_match(pattern_new(a, p), s);

		if (!slice_istarts(s, SLICE("INBOX")) && is != plain(p, s))
			abort();
		if (slice_istarts(s, SLICE("INBOX")) && plain(p, s) && !is)
			abort();
		if (!pattern_match(pattern_new(a, SLICE("*")), s))
			abort();
	}
	arena_free(a);
	return (0);
}
