/* Which client breaks on which capability? RFC 2971 would have ID for people's eyes alone; but a
 * client that cannot read its mail is worse, and nothing is denied: a capability it cannot use is
 * not offered to it. A row needs a proof that others can look at, and a bound once there is a
 * version that is mended. */
#include "imap/quirks.h"

#include "core/mem.h"

const struct quirk quirks[] = {
	/* enables it, then asks FETCH by message number all the same, and shows no mail */
	{ SLICE_INIT("Microsoft Office 365"), SLICE_INIT(""), SLICE_INIT(""), SLICE_INIT("UIDONLY"),
	    "https://github.com/modern-email/defects/issues/49 (a transcript, reproduced)" },
};
const size_t quirks_n = COUNT_OF(quirks);

static uint64_t take_number(struct slice *s, bool *ret_any)
{
	uint64_t n = 0;

	for (*ret_any = false; s->n > 0 && ascii_digit(*s->p); *s = slice_from(*s, 1)) {
		*ret_any = true;
		if (n < UINT64_MAX / 10 - 10)
			n = n * 10 + (uint64_t)(*s->p - '0');
	}
	if (s->n > 0 && *s->p == '.')
		*s = slice_from(*s, 1);
	else
		s->n = 0;
	return (n);
}

int version_compare(struct slice a, struct slice b)
{
	bool any_a = true, any_b = true;

	while (any_a || any_b) {
		uint64_t x = take_number(&a, &any_a), y = take_number(&b, &any_b);

		if (x != y)
			return (x < y ? -1 : 1);
	}
	return (0);
}

bool quirk_masks(const struct quirk *rows, size_t n, struct slice name, struct slice version,
    struct slice capability)
{
	for (size_t i = 0; i < n; i++) {
		const struct quirk *q = &rows[i];

		if (slice_ieq(q->capability, capability) && slice_ieq(q->name, name) &&
		    (q->from.n == 0 || version_compare(version, q->from) >= 0) &&
		    (q->before.n == 0 || version_compare(version, q->before) < 0))
			return (true);
	}
	return (false);
}
