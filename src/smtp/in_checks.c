/* in_checks.c: what the connection itself says about its peer, as facts. Today: address, HELO,
 * haste, TLS. Questions that need DNS (reverse name, lists, SPF) are asked from here and awaited in
 * inbound.c's first step; until they are, those facts are unknown and cost nothing. */
#include "smtp/in_int.h"

void smtp_in_facts(const struct smtp_in *s, struct facts *ret)
{
	memset(ret, 0, sizeof(*ret)); /* FACT_UNKNOWN throughout */
	ret->peer = *conn_peer(s->conn);
	ret->helo = slice_of(s->helo);
	ret->early_talker = s->early_talker;
	ret->tls = conn_is_tls(s->conn);
}
