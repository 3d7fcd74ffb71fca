/* ip.h: addresses of peers. IPv4-mapped IPv6 addresses (::ffff:0:0/96) become IPv4 at once, so no
 * limit or list is walked round by spelling. */
#ifndef CORE_IP_H
#define CORE_IP_H

#include <sys/socket.h>

#include "core/slice.h"

struct ip {
	bool is_v6;
	unsigned char octets[16]; /* network order; the first 4 for IPv4 */
};

enum { IP_TEXT = 46, IP_NAME = 80 };

bool ip_parse(struct slice s, struct ip *ret);		/* both families, no brackets, no zone */
const char *ip_text(const struct ip *ip, char ret[IP_TEXT]); /* returns ret; RFC 5952 form */
bool ip_eq(const struct ip *a, const struct ip *b);
void ip_from_sockaddr(const struct sockaddr *sa, struct ip *ret);
socklen_t ip_to_sockaddr(const struct ip *ip, unsigned port, struct sockaddr_storage *ret);
/* ip_prefix: keep the first bits, zero the rest. */
struct ip ip_prefix(const struct ip *ip, unsigned bits);
/* The unit limits count by: the IPv4 address, or the IPv6 /64. */
struct ip ip_source(const struct ip *ip);
bool ip_in(const struct ip *ip, const struct ip *net, unsigned bits); /* false across families */
bool ip_is_loopback(const struct ip *ip);
/* 127.0.0.1 and ::1: what runs beside us. The rest of 127/8 may be played by anybody in a trial. */
bool ip_is_this_host(const struct ip *ip);
bool ip_is_private(const struct ip *ip); /* loopback, RFC 1918, RFC 6598, link-local, ULA, unspecified, multicast */
/* in-addr.arpa / ip6.arpa name without final dot. */
const char *ip_reverse(const struct ip *ip, char ret[IP_NAME]);
/* "HOST:PORT", "[V6]:PORT" or, when def_port > 0, a bare address. */
bool ip_parse_port(struct slice s, unsigned def_port, struct ip *ret, unsigned *ret_port);

#endif
