/* in_checks.c: what is known of the peer before its message comes, and is a recipient refused for it?
 * Address, HELO, haste and TLS are known at once; the reverse name comes from in_peer.c. DESIGN 5: judged
 * after RCPT, so that the owner's [[allow]] can name sender and recipient. */
#include "smtp/in_peer.h"

#include <stdlib.h>

#include "core/mem.h"
#include "spam/verdict.h"

void smtp_in_facts(const struct smtp_in *s, struct facts *ret)
{
	memset(ret, 0, sizeof(*ret)); /* FACT_UNKNOWN throughout */
	ret->peer = *conn_peer(s->conn);
	ret->helo = slice_of(s->helo);
	ret->early_talker = s->early_talker;
	ret->tls = conn_is_tls(s->conn);
	smtp_peer_facts(s->peer, ret);
}

static void on_peer_known(void *self)
{
	struct smtp_in *s = self;
	char *args = s->held_rcpt;

	s->held_rcpt = NULL;
	smtp_cmd_rcpt(s, slice_of(args));
	free(args);
	smtp_in_resume(s);
}

bool smtp_in_hold_rcpt(struct smtp_in *s, struct slice args)
{
	if (s->role != ROLE_MX || smtp_peer_known(s->peer) || !verdict_may_refuse(smtp_in_cfg(s)))
		return (false);
	s->held_rcpt = mem_strndup(args.p, args.n);
	smtp_peer_await(s->peer, on_peer_known, s);
	smtp_in_wait(s);
	return (true);
}

void smtp_in_unhold(struct smtp_in *s)
{
	if (s->held_rcpt == NULL)
		return;
	smtp_peer_await(s->peer, NULL, NULL);
	free(s->held_rcpt);
	s->held_rcpt = NULL;
}

/* Refused only if it is so for each account that would have it. */
const struct smtp_reply *smtp_in_refusal(
    struct smtp_in *s, struct arena *a, const struct smtp_rcpt *rcpt)
{
	struct verdict v = { 0 };
	struct facts f;
	struct smtp_reply *r;

	if (s->role != ROLE_MX || !verdict_may_refuse(smtp_in_cfg(s)))
		return (NULL);
	smtp_in_facts(s, &f);
	f.mail_from = s->tx->from.text;
	f.rcpt = rcpt->address;
	for (size_t i = 0; i < rcpt->accounts_n; i++) {
		f.account = account_name(rcpt->accounts[i]);
		if (!verdict_refuses(a, &f, smtp_in_cfg(s), &v))
			return (NULL);
	}
	r = arena_alloc(a, sizeof(*r));
	*r = (struct smtp_reply){ v.code, v.enhanced, v.reply };
	return (r);
}
