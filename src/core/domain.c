/* domain.c: is this a domain name, and which one? libidn2 maps and checks U-labels; what it lets
 * through (empty labels, stray characters, lengths) is refused here. RFC 1035 2.3.4, RFC 5321
 * 4.1.2, RFC 5890, UTS #46. */
#include "core/domain.h"

#include <idn2.h>
#include <stdlib.h>

#include "core/limits.h"

enum { DOMAIN_LABEL = 63, DOMAIN_WHOLE = 253, DOMAIN_INPUT = 4 * L_DOMAIN };

static bool label_ok(struct slice label)
{
	bool is_a_label = slice_istarts(label, SLICE("xn--"));

	if (label.n == 0 || label.n > DOMAIN_LABEL)
		return (false);
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_alnum(label.p[i]) && label.p[i] != '-' &&
		    (label.p[i] != '_' || is_a_label)) /* RFC 5891 5.4 */
			return (false);
	/* Let-dig [Ldh-str], RFC 5321 4.1.2; the underscore is for names such as _dmarc. */
	return (label.p[0] != '-' && label.p[label.n - 1] != '-');
}

bool domain_ok(struct slice s)
{
	struct slice label, rest = s;
	bool more = true;

	if (s.n == 0 || s.n > DOMAIN_WHOLE)
		return (false);
	while (more) {
		more = slice_cut(rest, '.', &label, &rest);
		if (!label_ok(label))
			return (false);
	}
	return (true);
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return (false);
	return (true);
}

/* The A-label form, lower case, at ret (DOMAIN_WHOLE + 1 octets); 0 when the name is invalid. */
static size_t to_ascii(struct slice s, char *ret)
{
	char in[DOMAIN_INPUT + 1];
	uint8_t *mapped = NULL;
	struct slice out;

	if (is_ascii(s)) { /* a name in the DNS already: no label of it is looked into */
		if (!domain_ok(s))
			return (0);
		for (size_t i = 0; i < s.n; i++)
			ret[i] = ascii_lower(s.p[i]);
		return (s.n);
	}
	if (s.n > DOMAIN_INPUT || slice_chr(s, '\0') != SIZE_MAX)
		return (0);
	memcpy(in, s.p, s.n);
	in[s.n] = '\0';
	if (idn2_lookup_u8((const uint8_t *)in, &mapped, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return (0);
	out = slice_of((const char *)mapped);
	if (!domain_ok(out))
		out.n = 0;
	for (size_t i = 0; i < out.n; i++)
		ret[i] = ascii_lower(out.p[i]);
	idn2_free(mapped);
	return (out.n);
}

struct slice domain_ascii(struct arena *a, struct slice s)
{
	char ascii[DOMAIN_WHOLE + 1];
	size_t n = to_ascii(s, ascii);

	return (n > 0 ? arena_dup(a, (struct slice){ ascii, n }) : (struct slice){ "", 0 });
}

bool domain_same(struct slice a, struct slice b)
{
	char left[DOMAIN_WHOLE + 1], right[DOMAIN_WHOLE + 1];
	size_t n = to_ascii(a, left);

	return (n > 0 && to_ascii(b, right) == n && memcmp(left, right, n) == 0);
}

bool domain_is_within(struct slice name, struct slice domain)
{
	return (domain.n > 0 && slice_iends(name, domain) &&
	    (name.n == domain.n || name.p[name.n - domain.n - 1] == '.'));
}
