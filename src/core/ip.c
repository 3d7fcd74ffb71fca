/* ip.c: which address is this, what is it part of, how is it written? RFC 4291, 5952; reverse
 * names RFC 1035 3.5 and RFC 3596 2.5. */
#include "core/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff }; /* RFC 4291 2.5.5.2 */
static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };       /* RFC 6052 2.1 */

static size_t octets_of(const struct ip *ip)
{
	return (ip->is_v6 ? 16 : 4);
}

static void from_v6(const unsigned char *octets, struct ip *ret)
{
	*ret = (struct ip){ .is_v6 = memcmp(octets, mapped, sizeof(mapped)) != 0 };
	if (ret->is_v6)
		memcpy(ret->octets, octets, 16);
	else
		memcpy(ret->octets, octets + 12, 4);
}

static void from_v4(const void *octets, struct ip *ret)
{
	*ret = (struct ip){ .is_v6 = false };
	memcpy(ret->octets, octets, 4);
}

bool ip_parse(struct slice s, struct ip *ret)
{
	unsigned char octets[16];
	char z[IP_TEXT];

	if (s.n == 0 || s.n >= sizeof(z) || slice_chr(s, '\0') != SIZE_MAX)
		return (false);
	memcpy(z, s.p, s.n);
	z[s.n] = '\0';
	if (inet_pton(AF_INET, z, octets) == 1) {
		from_v4(octets, ret);
		return (true);
	}
	if (inet_pton(AF_INET6, z, octets) == 1) {
		from_v6(octets, ret);
		return (true);
	}
	return (false);
}

const char *ip_text(const struct ip *ip, char ret[IP_TEXT])
{
	/* inet_ntop writes RFC 5952: lower case, the first longest run of zero groups as "::". */
	if (inet_ntop(ip->is_v6 ? AF_INET6 : AF_INET, ip->octets, ret, IP_TEXT) == NULL)
		ret[0] = '\0';
	return (ret);
}

bool ip_eq(const struct ip *a, const struct ip *b)
{
	return (a->is_v6 == b->is_v6 && memcmp(a->octets, b->octets, octets_of(a)) == 0);
}

void ip_from_sockaddr(const struct sockaddr *sa, struct ip *ret)
{
	*ret = (struct ip){ .is_v6 = false };
	if (sa->sa_family == AF_INET)
		from_v4(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, ret);
	else if (sa->sa_family == AF_INET6)
		from_v6(((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr, ret);
}

socklen_t ip_to_sockaddr(const struct ip *ip, unsigned port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)(void *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)ret;

	*ret = (struct sockaddr_storage){ 0 };
	if (ip->is_v6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		memcpy(&in6->sin6_addr, ip->octets, 16);
		return (sizeof(*in6));
	}
	in4->sin_family = AF_INET;
	in4->sin_port = htons((uint16_t)port);
	memcpy(&in4->sin_addr, ip->octets, 4);
	return (sizeof(*in4));
}

struct ip ip_prefix(const struct ip *ip, unsigned bits)
{
	struct ip net = { .is_v6 = ip->is_v6 };

	for (size_t i = 0; i < octets_of(ip) && bits > 0; i++) {
		unsigned take = bits < 8 ? bits : 8;

		net.octets[i] = (unsigned char)(ip->octets[i] & (0xff00u >> take));
		bits -= take;
	}
	return (net);
}

struct ip ip_source(const struct ip *ip)
{
	return (ip_prefix(ip, ip->is_v6 ? 64 : 32));
}

bool ip_in(const struct ip *ip, const struct ip *net, unsigned bits)
{
	struct ip a, b;

	if (ip->is_v6 != net->is_v6)
		return (false);
	a = ip_prefix(ip, bits);
	b = ip_prefix(net, bits);
	return (ip_eq(&a, &b));
}

bool ip_is_this_host(const struct ip *ip)
{
	static const struct ip self4 = { .octets = { 127, 0, 0, 1 } },
			       self6 = { .is_v6 = true, .octets = { [15] = 1 } };

	return (ip_eq(ip, &self4) || ip_eq(ip, &self6));
}

bool ip_is_loopback(const struct ip *ip)
{
	static const unsigned char one[16] = { [15] = 1 };

	return (ip->is_v6 ? memcmp(ip->octets, one, 16) == 0 : ip->octets[0] == 127);
}

struct net {
	struct ip base;
	unsigned bits;
};

static const struct net not_public[] = {
	{ { false, { 0 } }, 8 },         /* RFC 1122 3.2.1.3: this network */
	{ { false, { 10 } }, 8 },        /* RFC 1918 */
	{ { false, { 100, 64 } }, 10 },  /* RFC 6598 */
	{ { false, { 127 } }, 8 },       /* RFC 1122 3.2.1.3 */
	{ { false, { 169, 254 } }, 16 }, /* RFC 3927 */
	{ { false, { 172, 16 } }, 12 },  /* RFC 1918 */
	{ { false, { 192, 168 } }, 16 }, /* RFC 1918 */
	{ { false, { 224 } }, 3 },       /* RFC 5771 multicast; RFC 1112 4: reserved, broadcast */
	{ { true, { 0 } }, 96 },         /* RFC 4291 2.5.2, 2.5.3, 2.5.5.1 */
	{ { true, { 0xfc } }, 7 },       /* RFC 4193 */
	{ { true, { 0xfe, 0x80 } }, 9 }, /* RFC 4291 2.5.6; RFC 3879 site-local */
	{ { true, { 0xff } }, 8 },       /* RFC 4291 2.7 */
};

bool ip_is_private(const struct ip *ip)
{
	struct ip inner;

	/* An IPv4 address in a translator's prefix is as private as the address itself. */
	if (ip->is_v6 && memcmp(ip->octets, nat64, sizeof(nat64)) == 0) {
		from_v4(ip->octets + 12, &inner);
		ip = &inner;
	}
	for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++)
		if (ip_in(ip, &not_public[i].base, not_public[i].bits))
			return (true);
	return (false);
}

const char *ip_reverse(const struct ip *ip, char ret[IP_NAME])
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	if (!ip->is_v6) {
		(void)snprintf(ret, IP_NAME, "%u.%u.%u.%u.in-addr.arpa", ip->octets[3],
		    ip->octets[2], ip->octets[1], ip->octets[0]);
		return (ret);
	}
	for (size_t i = 16; i-- > 0;) {
		ret[at++] = hex[ip->octets[i] & 15];
		ret[at++] = '.';
		ret[at++] = hex[ip->octets[i] >> 4];
		ret[at++] = '.';
	}
	memcpy(ret + at, "ip6.arpa", sizeof("ip6.arpa"));
	return (ret);
}

bool ip_parse_port(struct slice s, unsigned def_port, struct ip *ret, unsigned *ret_port)
{
	struct slice host = s, port = { "", 0 };
	uint64_t n = def_port;
	bool has_port = false;
	struct ip ip;

	if (slice_starts(s, SLICE("["))) { /* RFC 3986 3.2.2 */
		if (!slice_cut(slice_from(s, 1), ']', &host, &port))
			return (false);
		if (port.n > 0 && port.p[0] != ':')
			return (false);
		has_port = port.n > 0;
		port = slice_from(port, 1);
		if (slice_chr(host, ':') == SIZE_MAX)
			return (false);
	} else if (slice_chr(s, ':') != SIZE_MAX && slice_chr(s, ':') == slice_rchr(s, ':')) {
		has_port = slice_cut(s, ':', &host, &port);
	}
	if (has_port && !slice_u64(port, 65535, &n))
		return (false);
	if (n == 0 || !ip_parse(host, &ip))
		return (false);
	*ret = ip;
	*ret_port = (unsigned)n;
	return (true);
}
