/* dns_rr.c: what does this record say? Raw record data to a record (RFC 1035 3.3, RFC 3596, RFC 6698 2.1), each octet accounted
 * for. Names inside arrive uncompressed from libunbound. Leaves asking to dns.c. Failures: false, the record is not used. */
#include "core/arena.h"
#include "core/dns.h"

#include <string.h>

enum { LABEL_MAX = 63, NAME_WIRE_MAX = 255 };

static bool is_name_octet(char c)
{
	return (ascii_alnum(c) || c == '-' || c == '_');
}

static bool is_odd_octet(char c)
{
	return (c >= ' ' && c < 127 && c != '.' && c != '\\');
}

/* domain-name = *( length label ) 0 (RFC 1035 3.1), all of rdata. The root is the empty name. */
static bool take_name(
    struct arena *a, struct slice rdata, bool (*is_octet)(char), struct slice *ret)
{
	char *name;
	size_t at = 0, n = 0;

	if (rdata.n == 0 || rdata.n > NAME_WIRE_MAX)
		return (false);
	name = arena_alloc(a, rdata.n + 1);
	for (;;) {
		size_t label;

		if (at >= rdata.n)
			return (false);
		label = (unsigned char)rdata.p[at++];
		if (label == 0)
			break;
		if (label > LABEL_MAX || label > rdata.n - at) /* a pointer is over 63 as well */
			return (false);
		if (n > 0)
			name[n++] = '.';
		for (size_t i = 0; i < label; i++, at++) {
			if (!is_octet(rdata.p[at]))
				return (false);
			name[n++] = ascii_lower(rdata.p[at]);
		}
	}
	*ret = (struct slice){ name, n };
	return (at == rdata.n);
}

/* TXT-DATA = 1*<character-string> (RFC 1035 3.3.14), joined without anything between (RFC 7208 3.3). */
static bool take_text(struct arena *a, struct slice rdata, struct slice *ret)
{
	char *text;
	size_t at = 0, n = 0;

	if (rdata.n == 0)
		return (false);
	text = arena_alloc(a, rdata.n);
	while (at < rdata.n) {
		size_t length = (unsigned char)rdata.p[at++];

		if (length > rdata.n - at)
			return (false);
		if (length > 0)
			memcpy(text + n, rdata.p + at, length);
		n += length;
		at += length;
	}
	*ret = (struct slice){ text, n };
	return (true);
}

static unsigned octet(struct slice s, size_t i)
{
	return ((unsigned char)s.p[i]);
}

static bool take_mx(
    struct arena *a, struct slice rdata, bool (*is_octet)(char), struct dns_record *ret)
{
	if (rdata.n < 3)
		return (false);
	ret->u.mx.preference = octet(rdata, 0) << 8 | octet(rdata, 1);
	return (take_name(a, slice_from(rdata, 2), is_octet, &ret->u.mx.host));
}

bool dns_rr_decode_odd_mx(struct arena *a, struct slice rdata, struct dns_record *ret)
{
	memset(ret, 0, sizeof(*ret));
	return (take_mx(a, rdata, is_odd_octet, ret));
}

bool dns_rr_decode(struct arena *a, enum dns_type type, struct slice rdata, struct dns_record *ret)
{
	memset(ret, 0, sizeof(*ret));
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		ret->u.ip.is_v6 = type == DNS_AAAA;
		if (rdata.n != (type == DNS_AAAA ? 16 : 4))
			return (false);
		memcpy(ret->u.ip.octets, rdata.p, rdata.n);
		return (true);
	case DNS_PTR:
	case DNS_CNAME:
		return (take_name(a, rdata, is_name_octet, &ret->u.name) && ret->u.name.n > 0);
	case DNS_MX:
		return (take_mx(a, rdata, is_name_octet, ret));
	case DNS_TXT:
		return (take_text(a, rdata, &ret->u.text));
	case DNS_TLSA:
		if (rdata.n < 4)
			return (false);
		ret->u.tlsa.usage = octet(rdata, 0);
		ret->u.tlsa.selector = octet(rdata, 1);
		ret->u.tlsa.matching = octet(rdata, 2);
		ret->u.tlsa.data = arena_dup(a, slice_from(rdata, 3));
		return (true);
	}
	return (false);
}
