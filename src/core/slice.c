/* slice.c: how are borrowed bytes compared, cut and searched? */
#include "core/slice.h"

struct slice slice_of(const char *z)
{
	return ((struct slice){ z != NULL ? z : "", z != NULL ? strlen(z) : 0 });
}

struct slice slice_between(const char *from, const char *to)
{
	return ((struct slice){ from, to > from ? (size_t)(to - from) : 0 });
}

bool slice_eq(struct slice a, struct slice b)
{
	return (a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0));
}

static bool same_folded(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return (false);
	return (true);
}

bool slice_ieq(struct slice a, struct slice b)
{
	return (a.n == b.n && same_folded(a.p, b.p, a.n));
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	if (order != 0)
		return (order);
	return (a.n < b.n ? -1 : a.n > b.n);
}

int slice_icmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		int order = (unsigned char)ascii_lower(a.p[i]) - (unsigned char)ascii_lower(b.p[i]);

		if (order != 0)
			return (order);
	}
	return (a.n < b.n ? -1 : a.n > b.n);
}

bool slice_starts(struct slice s, struct slice prefix)
{
	return (s.n >= prefix.n && slice_eq(slice_head(s, prefix.n), prefix));
}

bool slice_istarts(struct slice s, struct slice prefix)
{
	return (s.n >= prefix.n && same_folded(s.p, prefix.p, prefix.n));
}

bool slice_ends(struct slice s, struct slice suffix)
{
	return (s.n >= suffix.n && slice_eq(slice_from(s, s.n - suffix.n), suffix));
}

bool slice_iends(struct slice s, struct slice suffix)
{
	return (s.n >= suffix.n && slice_ieq(slice_from(s, s.n - suffix.n), suffix));
}

struct slice slice_from(struct slice s, size_t at)
{
	if (at > s.n)
		at = s.n;
	if (at == 0)
		return (s);
	return ((struct slice){ s.p + at, s.n - at });
}

struct slice slice_head(struct slice s, size_t n)
{
	return ((struct slice){ s.p, n < s.n ? n : s.n });
}

struct slice slice_trim(struct slice s)
{
	while (s.n > 0 && ascii_white(s.p[0]))
		s = slice_from(s, 1);
	while (s.n > 0 && ascii_white(s.p[s.n - 1]))
		s.n--;
	return (s);
}

size_t slice_chr(struct slice s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return (at != NULL ? (size_t)(at - s.p) : SIZE_MAX);
}

size_t slice_rchr(struct slice s, char c)
{
	for (size_t i = s.n; i-- > 0;)
		if (s.p[i] == c)
			return (i);
	return (SIZE_MAX);
}

size_t slice_find(struct slice s, struct slice needle)
{
	const char *at;

	if (needle.n == 0)
		return (0);
	if (s.n < needle.n)
		return (SIZE_MAX);
	at = memmem(s.p, s.n, needle.p, needle.n);
	return (at != NULL ? (size_t)(at - s.p) : SIZE_MAX);
}

size_t slice_ifind(struct slice s, struct slice needle)
{
	if (needle.n == 0)
		return (0);
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (same_folded(s.p + i, needle.p, needle.n))
			return (i);
	return (SIZE_MAX);
}

bool slice_cut(struct slice s, char c, struct slice *ret_head, struct slice *ret_tail)
{
	size_t at = slice_chr(s, c);

	if (at == SIZE_MAX) {
		*ret_head = s;
		*ret_tail = SLICE("");
		return (false);
	}
	*ret_tail = slice_from(s, at + 1);
	*ret_head = slice_head(s, at);
	return (true);
}

bool slice_word(struct slice *rest, struct slice *ret_word)
{
	size_t from = 0, to;

	while (from < rest->n && (rest->p[from] == ' ' || rest->p[from] == '\t'))
		from++;
	for (to = from; to < rest->n && rest->p[to] != ' ' && rest->p[to] != '\t'; to++)
		;
	if (from == to)
		return (false);
	*ret_word = slice_head(slice_from(*rest, from), to - from);
	*rest = slice_from(*rest, to);
	return (true);
}

bool slice_u64(struct slice s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return (false);
	for (size_t i = 0; i < s.n; i++) {
		uint64_t digit = (uint64_t)(s.p[i] - '0');

		if (!ascii_digit(s.p[i]) || v > (max - digit) / 10 || digit > max)
			return (false);
		v = v * 10 + digit;
	}
	*ret = v;
	return (true);
}
