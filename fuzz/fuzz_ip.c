/* The law: the text of a parsed address parses to the same address; each address lies in all its
 * prefixes; no IPv6 address is an IPv4 one in disguise; with a port likewise. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct slice in = { (const char *)data, n };
	char text[IP_TEXT], name[IP_NAME], both[IP_TEXT + 10];
	struct ip ip, again;
	unsigned port, port_again;

	if (ip_parse(in, &ip)) {
		if (!ip_parse(slice_of(ip_text(&ip, text)), &again) || !ip_eq(&ip, &again))
			abort();
		if (ip.is_v6 && memcmp(ip.octets, mapped, sizeof(mapped)) == 0)
			abort();
		for (unsigned bits = 0; bits <= (ip.is_v6 ? 128 : 32); bits++) {
			again = ip_prefix(&ip, bits);
			if (!ip_in(&ip, &again, bits))
				abort();
		}
		if (strlen(ip_reverse(&ip, name)) >= IP_NAME ||
		    (ip_is_loopback(&ip) && !ip_is_private(&ip)))
			abort();
	}
	if (ip_parse_port(in, 53, &ip, &port)) {
		(void)snprintf(
		    both, sizeof(both), ip.is_v6 ? "[%s]:%u" : "%s:%u", ip_text(&ip, text), port);
		if (port < 1 || port > 65535 ||
		    !ip_parse_port(slice_of(both), 0, &again, &port_again) || port != port_again ||
		    !ip_eq(&ip, &again))
			abort();
	}
	return (0);
}
