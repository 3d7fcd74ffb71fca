/* spf_record.c: what does an SPF record say? RFC 7208 4.5, 4.6.1, 12. Leaves evaluation to spf.c and the inside of domain-specs
 * to spf_macro.c. Failures: any fault makes all of it void (AUT-19), so no half of a record is ever acted on. */
#include "dkim/spf_record.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "core/cursor.h"
#include "core/limits.h"
#include "core/mem.h"
#include "dkim/spf_macro.h"

static const struct mechanism_name {
	struct slice name;
	enum spf_mechanism mechanism;
} mechanism_names[] = {
	{ SLICE_INIT("all"), SPF_ALL },
	{ SLICE_INIT("include"), SPF_INCLUDE },
	{ SLICE_INIT("a"), SPF_A },
	{ SLICE_INIT("mx"), SPF_MX },
	{ SLICE_INIT("ptr"), SPF_PTR },
	{ SLICE_INIT("ip4"), SPF_IP4 },
	{ SLICE_INIT("ip6"), SPF_IP6 },
	{ SLICE_INIT("exists"), SPF_EXISTS },
};

/* version = "v=spf1", then blank or end (RFC 7208 4.5) */
bool spf_record_is(struct slice text)
{
	return (slice_istarts(text, SLICE("v=spf1")) && (text.n == 6 || text.p[6] == ' '));
}

/* ip4-cidr-length = "/" ("0" / %x31-39 0*1DIGIT), ip6-cidr-length the same up to 128: no leading zero */
static bool take_bits(struct slice digits, unsigned most, unsigned *ret)
{
	uint64_t v;

	if ((digits.n > 1 && digits.p[0] == '0') || !slice_u64(digits, most, &v))
		return (false);
	*ret = (unsigned)v;
	return (true);
}

/* Takes "/digits" off the end of *s; false when it does not end so. */
static bool cut_digits(struct slice *s, struct slice *ret_digits)
{
	size_t at = s->n;

	while (at > 0 && ascii_digit(s->p[at - 1]))
		at--;
	if (at == s->n || at == 0 || s->p[at - 1] != '/')
		return (false);
	*ret_digits = slice_from(*s, at);
	s->n = at - 1;
	return (true);
}

/* dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ], at the end of what follows the mechanism's name */
static bool take_dual(struct slice *s, struct spf_directive *d)
{
	struct slice digits;

	if (!cut_digits(s, &digits))
		return (true);
	if (slice_ends(*s, SLICE("/"))) {
		s->n--;
		if (!take_bits(digits, 128, &d->bits6))
			return (false);
		if (!cut_digits(s, &digits))
			return (true);
	}
	return (take_bits(digits, 32, &d->bits4));
}

static bool take_network(struct slice value, struct spf_directive *d)
{
	struct slice address, bits;
	char text[INET6_ADDRSTRLEN + 1];
	bool is_v6 = d->mechanism == SPF_IP6, has_bits = slice_cut(value, '/', &address, &bits);

	if (address.n == 0 || address.n >= sizeof(text))
		return (false);
	(void)snprintf(text, sizeof(text), SLICE_FMT, SLICE_ARG(address));
	/* not ip_parse: a mapped address is a network of its own here, which no IPv4 peer is in (RFC 7208 5) */
	d->net.is_v6 = is_v6;
	if (strlen(text) != address.n ||
	    inet_pton(is_v6 ? AF_INET6 : AF_INET, text, d->net.octets) != 1)
		return (false);
	return (!has_bits || take_bits(bits, is_v6 ? 128 : 32, is_v6 ? &d->bits6 : &d->bits4));
}

/* What follows the name, with its first ":" or "/". */
static bool take_argument(struct slice rest, struct spf_directive *d)
{
	bool needed = d->mechanism == SPF_INCLUDE || d->mechanism == SPF_EXISTS;

	if (d->mechanism == SPF_ALL)
		return (rest.n == 0);
	if (d->mechanism == SPF_IP4 || d->mechanism == SPF_IP6)
		return (slice_starts(rest, SLICE(":")) && take_network(slice_from(rest, 1), d));
	if ((d->mechanism == SPF_A || d->mechanism == SPF_MX) && !take_dual(&rest, d))
		return (false);
	if (rest.n == 0)
		return (!needed);
	d->domain = slice_from(rest, 1);
	return (rest.p[0] == ':' && spf_macro_ok(d->domain, SPF_MACRO_DOMAIN));
}

static bool take_directive(struct slice term, struct spf_directive *d)
{
	struct cursor c = cursor_of(term);
	struct slice name;

	*d = (struct spf_directive){ .result = SPF_PASS, .bits4 = 32, .bits6 = 128, .text = term };
	if (take_char(&c, '-'))
		d->result = SPF_FAIL;
	else if (take_char(&c, '~'))
		d->result = SPF_SOFTFAIL;
	else if (take_char(&c, '?'))
		d->result = SPF_NEUTRAL;
	else
		(void)take_char(&c, '+');
	name = cursor_rest(&c);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == ':' || name.p[i] == '/')
			name.n = i;
	for (size_t i = 0; i < COUNT_OF(mechanism_names); i++)
		if (slice_ieq(name, mechanism_names[i].name)) {
			d->mechanism = mechanism_names[i].mechanism;
			return (take_argument(slice_from(cursor_rest(&c), name.n), d));
		}
	return (false);
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ), up to the "=" that makes it a modifier; 0: it is none */
static size_t modifier_name(struct slice term)
{
	size_t n = 0;

	if (term.n == 0 || !ascii_alpha(term.p[0]))
		return (0);
	while (n < term.n && (ascii_alnum(term.p[n]) || strchr("-_.", term.p[n]) != NULL))
		n++;
	return (n < term.n && term.p[n] == '=' ? n : 0);
}

static const char *take_modifier(struct slice term, size_t name_n, struct spf_record *r)
{
	struct slice name = slice_head(term, name_n), value = slice_from(term, name_n + 1),
		     *place = NULL;

	if (slice_ieq(name, SLICE("redirect")))
		place = &r->redirect;
	else if (slice_ieq(name, SLICE("exp")))
		place = &r->exp;
	else
		return (spf_macro_ok(value, SPF_MACRO_VALUE) ? NULL : "bad value of a modifier");
	if (place->n > 0)
		return ("redirect= or exp= twice"); /* RFC 7208 6: at most once each */
	if (!spf_macro_ok(value, SPF_MACRO_DOMAIN))
		return ("bad domain of redirect= or exp=");
	*place = value;
	return (NULL);
}

static const char *take_terms(struct arena *a, struct slice text, struct spf_record *ret)
{
	struct spf_directive *v = arena_array(a, text.n / 2 + 1, sizeof(*v));
	struct slice term, rest = slice_from(text, 6); /* behind "v=spf1" */
	const char *why = NULL;
	bool more = true;

	ret->v = v;
	while (more && why == NULL) {
		size_t n;

		more = slice_cut(rest, ' ', &term, &rest); /* 1*SP and nothing else divides terms */
		if (term.n == 0)
			continue;
		if ((n = modifier_name(term)) > 0) {
			why = take_modifier(term, n, ret);
		} else if (take_directive(term, &v[ret->n])) {
			ret->n++;
		} else {
			why = "a term that is neither mechanism nor modifier";
		}
	}
	return (why);
}

bool spf_record_parse(struct arena *a, struct slice text, struct spf_record *ret, const char **why)
{
	*ret = (struct spf_record){ .n = 0 };
	if (text.n > L_SPF_RECORD) {
		*why = "the record is too long";
		return (false);
	}
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~') {
			*why = "an octet that no record may hold";
			return (false);
		}
	return (spf_record_is(text) && (*why = take_terms(a, text, ret)) == NULL);
}
