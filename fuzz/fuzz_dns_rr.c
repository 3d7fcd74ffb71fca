/* Law: what is read from record data is no longer than the data, names are LDH and underscore in lower case without empty
 * labels, and reading twice gives the same. The first octet chooses the type. */
#include "core/arena.h"
#include "core/dns.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_name(struct slice name, size_t most)
{
	struct slice label, rest = name;
	bool more = name.n > 0;

	if (name.n > most || name.n > 253)
		abort();
	for (size_t i = 0; i < name.n; i++)
		if (!(ascii_digit(name.p[i]) || (name.p[i] >= 'a' && name.p[i] <= 'z') || name.p[i] == '-' ||
		      name.p[i] == '_' || name.p[i] == '.'))
			abort();
	while (more) {
		more = slice_cut(rest, '.', &label, &rest);
		if (label.n == 0 || label.n > 63)
			abort();
	}
}

static void check(enum dns_type type, const struct dns_record *r, const struct dns_record *again, size_t n)
{
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		if (r->u.ip.is_v6 != (type == DNS_AAAA) || !ip_eq(&r->u.ip, &again->u.ip))
			abort();
		break;
	case DNS_PTR:
	case DNS_CNAME:
		check_name(r->u.name, n);
		if (r->u.name.n == 0 || !slice_eq(r->u.name, again->u.name))
			abort();
		break;
	case DNS_MX:
		check_name(r->u.mx.host, n);
		if (r->u.mx.preference > 65535 || !slice_eq(r->u.mx.host, again->u.mx.host))
			abort();
		break;
	case DNS_TXT:
		if (r->u.text.n >= n || !slice_eq(r->u.text, again->u.text))
			abort();
		break;
	case DNS_TLSA:
		if (r->u.tlsa.data.n != n - 3 || !slice_eq(r->u.tlsa.data, again->u.tlsa.data))
			abort();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const enum dns_type types[] = { DNS_A, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA, DNS_CNAME };
	struct dns_record r, again;
	struct arena *a;
	struct slice rdata;
	enum dns_type type;

	if (n == 0)
		return (0);
	type = types[data[0] % (sizeof(types) / sizeof(types[0]))];
	rdata = (struct slice){ (const char *)data + 1, n - 1 };
	a = arena_new(0);
	if (dns_rr_decode(a, type, rdata, &r)) {
		if (!dns_rr_decode(a, type, rdata, &again))
			abort();
		check(type, &r, &again, rdata.n);
	}
	arena_free(a);
	return (0);
}
