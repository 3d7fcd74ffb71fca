/* uri.c: to which host does this URI lead? Read as browsers do, who forgive much: blanks inside, slashes of
 * either kind and any number, names before "@", percent signs in the host, addresses written as one
 * number. Names become A-labels by core/domain.h. Leaves finding URIs to uri_find.c. WHATWG URL 4.4, 3.5;
 * RFC 3986 3.2. */
#include "msg/uri.h"

#include "core/domain.h"
#include "core/limits.h"
#include "core/mem.h"
#include "msg/text_int.h"

enum { V4_PARTS = 4 };

static bool is_slash(char c)
{
	return (c == '/' || c == '\\');
}

/* Past "http:" and its like, or past nothing when it begins with two slashes. False: it leads elsewhere. */
static bool skip_scheme(struct slice *s)
{
	static const struct slice schemes[] = { SLICE_INIT("http:"), SLICE_INIT("https:"),
		SLICE_INIT("ftp:") };

	for (size_t i = 0; i < COUNT_OF(schemes); i++)
		if (slice_istarts(*s, schemes[i])) {
			*s = slice_from(*s, schemes[i].n);
			return (true);
		}
	return (s->n > 1 && is_slash(s->p[0]) && is_slash(s->p[1]));
}

/* Without blanks and controls around it, and without line ends and tabs in it. WHATWG URL 4.4 */
static struct slice clean(struct arena *a, struct slice s)
{
	char *out;
	size_t n = 0;

	while (s.n > 0 && (unsigned char)s.p[0] <= ' ')
		s = slice_from(s, 1);
	while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= ' ')
		s.n--;
	s = slice_head(s, L_URI);
	out = arena_alloc(a, s.n + 1);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n')
			out[n++] = s.p[i];
	return ((struct slice){ out, n });
}

struct slice uri_unescape(struct arena *a, struct slice s)
{
	char *out = arena_alloc(a, s.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int high = s.p[i] == '%' && i + 2 < s.n ? text_hex(s.p[i + 1]) : -1;
		int low = high >= 0 ? text_hex(s.p[i + 2]) : -1;

		if (low >= 0) {
			out[n++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[n++] = s.p[i];
		}
	}
	return ((struct slice){ out, n });
}

/* Decimal, 0octal or 0xhex, as WHATWG URL 3.5 has it. False: no number, or too large for any address. */
static bool read_number(struct slice s, uint64_t *ret)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (s.n == 0)
		return (false);
	if (slice_istarts(s, SLICE("0x"))) {
		base = 16;
		s = slice_from(s, 2);
	} else if (s.n > 1 && s.p[0] == '0') {
		base = 8;
		s = slice_from(s, 1);
	}
	for (size_t i = 0; i < s.n; i++) {
		int digit = text_hex(s.p[i]);

		if (digit < 0 || (unsigned)digit >= base || v > UINT32_MAX)
			return (false);
		v = v * base + (unsigned)digit;
	}
	*ret = v;
	return (v <= UINT32_MAX);
}

/* "127.1", "0x7f.0.0.1", "2130706433": one to four numbers, the last of which fills what is left. */
static bool read_v4(struct slice s, struct ip *ret)
{
	uint64_t v[V4_PARTS], all = 0;
	struct slice part, rest = s;
	bool more = true;
	size_t n = 0;

	for (; more; n++) {
		more = slice_cut(rest, '.', &part, &rest);
		if (n == V4_PARTS || !read_number(part, &v[n]))
			return (false);
	}
	for (size_t i = 0; i + 1 < n; i++) {
		if (v[i] > 255)
			return (false);
		all = all << 8 | v[i];
	}
	if (n > 1 && v[n - 1] >> 8 * (V4_PARTS + 1 - n) != 0)
		return (false);
	all = all << 8 * (V4_PARTS + 1 - n) | v[n - 1];
	*ret = (struct ip){ .is_v6 = false };
	for (unsigned i = 0; i < V4_PARTS; i++)
		ret->octets[i] = (unsigned char)(all >> 8 * (V4_PARTS - 1 - i));
	return (true);
}

static bool take_address(struct arena *a, const struct ip *ip, struct uri_host *ret)
{
	char text[IP_TEXT];

	ret->ip = *ip;
	ret->is_address = true;
	ret->name = arena_dup(a, slice_of(ip_text(ip, text)));
	return (true);
}

/* WHATWG URL 3.5: a host that ends in a number is an address or nothing. */
static bool ends_in_number(struct slice s)
{
	size_t dot = slice_rchr(s, '.');
	struct slice last = dot == SIZE_MAX ? s : slice_from(s, dot + 1);
	uint64_t v;

	for (size_t i = 0; i < last.n; i++)
		if (!ascii_digit(last.p[i]))
			return (read_number(last, &v));
	return (last.n > 0);
}

/* Without final dots, of any script (UTS #46: U+3002, U+FF0E, U+FF61 are dots too). */
static struct slice without_dots(struct slice s)
{
	static const struct slice dots[] = { SLICE_INIT("."), SLICE_INIT("\xe3\x80\x82"),
		SLICE_INIT("\xef\xbc\x8e"), SLICE_INIT("\xef\xbd\xa1") };
	size_t was;

	do {
		was = s.n;
		for (size_t i = 0; i < COUNT_OF(dots); i++)
			if (slice_ends(s, dots[i]))
				s.n -= dots[i].n;
	} while (s.n < was);
	return (s);
}

static bool take_host(struct arena *a, struct slice host, struct uri_host *ret)
{
	struct ip ip;

	if (host.n > 2 && host.p[0] == '[') {
		size_t end = slice_chr(host, ']');

		return (end != SIZE_MAX &&
		    ip_parse(slice_head(slice_from(host, 1), end - 1), &ip) &&
		    take_address(a, &ip, ret));
	}
	ret->name = domain_ascii(a, without_dots(uri_unescape(a, host)));
	if (ret->name.n == 0)
		return (false);
	if (ends_in_number(ret->name))
		return (read_v4(ret->name, &ip) && take_address(a, &ip, ret));
	return (slice_chr(ret->name, '.') != SIZE_MAX);
}

bool uri_host(struct arena *a, struct slice uri, struct uri_host *ret)
{
	struct slice s = clean(a, uri), host;
	size_t n = 0, at;

	*ret = (struct uri_host){ .is_address = false };
	if (!skip_scheme(&s))
		return (false);
	while (s.n > 0 && is_slash(s.p[0]))
		s = slice_from(s, 1);
	while (n < s.n && !is_slash(s.p[n]) && s.p[n] != '?' && s.p[n] != '#')
		n++;
	host = slice_head(s, n);
	if ((at = slice_rchr(host, '@')) != SIZE_MAX) /* "bank.example@evil.example" */
		host = slice_from(host, at + 1);
	if (host.n > 0 && host.p[0] != '[')
		host = slice_head(host, slice_chr(host, ':'));
	return (take_host(a, host, ret));
}
