/* reputation_name.c: by what name is a sender known? Networks as large as what one owner usually has. */
#include <stdio.h>

#include "core/domain.h"
#include "store/reputation.h"

enum { NET_V4_BITS = 24, NET_V6_BITS = 48 };

const char *reputation_net(const struct ip *ip, char ret[REPUTATION_NET])
{
	unsigned bits = ip->is_v6 ? NET_V6_BITS : NET_V4_BITS;
	struct ip net = ip_prefix(ip, bits);
	char text[IP_TEXT];

	(void)snprintf(ret, REPUTATION_NET, "%s/%u", ip_text(&net, text), bits);
	return (ret);
}

struct slice reputation_name(struct arena *a, struct slice text)
{
	struct slice address, bits;
	char net[REPUTATION_NET];
	struct ip ip;

	(void)slice_cut(text, '/', &address, &bits);
	if (ip_parse(address, &ip))
		return (arena_dup(a, slice_of(reputation_net(&ip, net))));
	return (domain_ascii(a, text));
}
