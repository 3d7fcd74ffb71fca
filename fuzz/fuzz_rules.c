/* fuzz_rules.c: laws: a rule holds or does not, for any message; what it says of a message it says again; and only what stands in a
 * message counts: one without parts, links and letters of its own has no points for them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spam/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct rule_case once, twice;
	struct facts f = { .arrived = 1795392000, .rcpt = SLICE("ann@example.org") };
	struct header h;
	struct mime m;

	header_parse(a, in, &h);
	mime_parse(a, in, &m);
	f.header = &h;
	f.mime = &m;
	rule_case_begin(&once, a, &f);
	rule_case_begin(&twice, a, &f);
	for (size_t i = 0; i < rules_n; i++) {
		double holds = rules[i].test(&once);

		if ((holds != 0 && holds != 1) || holds != rules[i].test(&twice))
			abort();
	}
	if (once.parts.n > m.n || (once.parts.n == 0 && (once.parts.programs || once.parts.inside || once.parts.locked)))
		abort();
	if (slice_ifind(in, SLICE("http")) == SIZE_MAX && !once.has_html && once.page.addresses > 0 &&
	    slice_ifind(in, SLICE("base64")) == SIZE_MAX && slice_chr(in, '=') == SIZE_MAX)
		abort();
	arena_free(a);
	return (0);
}
