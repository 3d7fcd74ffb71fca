/* A match as a set of states: bit i of the set says that the first i elements of the pattern
 * account for the octets of the name read so far. One step an octet; no backtracking, so no
 * pattern is slow. */
#include "imap/pattern.h"

enum {
	PATTERN_MAX =
	    511, /* 255 octets of a name and a wildcard around each: longer ones match nothing */
	WORDS = (PATTERN_MAX + 1) / 64,
};

struct pattern {
	size_t n, words;
	uint64_t star[WORDS], percent[WORDS]; /* which elements are wildcards */
	uint64_t *octet;                      /* [256][words]: which elements are this octet */
	bool never;
};

static void set_bit(uint64_t *v, size_t i)
{
	v[i / 64] |= (uint64_t)1 << (i % 64);
}

struct pattern *pattern_new(struct arena *a, struct slice text)
{
	struct pattern *p = arena_alloc(a, sizeof(*p));
	unsigned char kinds[PATTERN_MAX]; /* 1 percent, 2 star, 0 an octet */
	char octets[PATTERN_MAX];

	for (size_t i = 0; i < text.n && !p->never; i++) {
		unsigned char kind = text.p[i] == '*' ? 2 : text.p[i] == '%' ? 1 : 0;

		if (kind != 0 && p->n > 0 && kinds[p->n - 1] != 0) {
			if (kind == 2) /* "%*" is "*" */
				kinds[p->n - 1] = 2;
			continue;
		}
		if (p->n == PATTERN_MAX) {
			p->never = true;
			break;
		}
		kinds[p->n] = kind;
		octets[p->n++] = text.p[i];
	}
	p->words = p->n / 64 + 1;
	p->octet = arena_array(a, 256 * p->words, sizeof(*p->octet));
	for (size_t i = 0; i < p->n; i++) {
		if (kinds[i] == 2)
			set_bit(p->star, i);
		else if (kinds[i] == 1)
			set_bit(p->percent, i);
		else
			set_bit(p->octet + (unsigned char)octets[i] * p->words, i);
	}
	return (p);
}

/* A wildcard may account for nothing: what stands in front of it stands behind it too. There are
 * never two in a row. */
static void skip_wildcards(const struct pattern *p, uint64_t *at)
{
	uint64_t carry = 0;

	for (size_t w = 0; w < p->words; w++) {
		uint64_t wild = at[w] & (p->star[w] | p->percent[w]);

		at[w] |= wild << 1 | carry;
		carry = wild >> 63;
	}
}

bool pattern_match(const struct pattern *p, struct slice name)
{
	uint64_t at[WORDS] = { 1 };
	bool is_inbox = slice_istarts(name, SLICE("INBOX")) && (name.n == 5 || name.p[5] == '/');

	if (p->never || name.n > 4096)
		return (false);
	skip_wildcards(p, at);
	for (size_t i = 0; i < name.n; i++) {
		const uint64_t *is = p->octet + (unsigned char)name.p[i] * p->words;
		const uint64_t * or = is;
		uint64_t carry = 0;

		if (is_inbox && i < 5) {
			is = p->octet + (unsigned char)ascii_lower(name.p[i]) * p->words;
			or = p->octet + (unsigned char)ascii_upper(name.p[i]) * p->words;
		}
		for (size_t w = 0; w < p->words; w++) {
			uint64_t taken = at[w] & (is[w] | or [w]);
			uint64_t stay =
			    at[w] & (p->star[w] | (name.p[i] == '/' ? 0 : p->percent[w]));

			at[w] = taken << 1 | carry | stay;
			carry = taken >> 63;
		}
		skip_wildcards(p, at);
	}
	return ((at[p->n / 64] >> (p->n % 64)) & 1);
}

bool pattern_ends_with_percent(const struct pattern *p)
{
	return (p->n > 0 && (p->percent[(p->n - 1) / 64] >> ((p->n - 1) % 64) & 1) != 0);
}
