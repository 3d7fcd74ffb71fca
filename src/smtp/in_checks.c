/* in_checks.c: what is known of the peer before its message comes, and is a recipient refused for it?
 * Address, HELO, haste and TLS are known at once; the reverse name comes from in_peer.c, who is known from in_known.c. DESIGN 5: judged
 * after RCPT, so that the owner's [[allow]] can name sender and recipient. */
#include "smtp/in_peer.h"

#include <stdlib.h>

#include "core/mem.h"
#include "spam/repute.h"
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

static void rcpt_again(struct smtp_in *s)
{
	char *args = s->held_rcpt;

	s->held_rcpt = NULL;
	smtp_cmd_rcpt(s, slice_of(args));
	free(args);
	if (s->held_rcpt == NULL) /* else it waits for the next answer */
		smtp_in_resume(s);
}

static void on_peer_known(void *self)
{
	rcpt_again(self);
}

static void early_facts(const struct smtp_in *s, struct arena *a, struct facts *ret)
{
	smtp_in_facts(s, ret);
	repute_look_early(s->server->deps.store, smtp_in_cfg(s), s->server->deps.suffixes, a,
	    s->tx->from.domain, ret);
}

/* Does the answer turn on whether the sender's domain is one that somebody here wrote to? */
static bool turns_on_sender(struct smtp_in *s)
{
	struct smtp_tx *tx = s->tx;
	struct arena *a;
	struct facts f;
	bool filtered;

	if (tx->sender_asked)
		return (false);
	a = arena_new(0);
	early_facts(s, a, &f);
	filtered = verdict_filtered(&f, smtp_in_cfg(s));
	arena_free(a);
	if (!filtered)
		return (false);
	if (!tx->from.null && !tx->from.literal)
		return (true);
	tx->sender_asked = true;
	tx->sender_known = FACT_NO; /* nobody writes to the null sender, nor to an address literal */
	return (false);
}

bool smtp_in_hold_rcpt(struct smtp_in *s, struct slice args)
{
	if (s->role != ROLE_MX)
		return (false);
	if (verdict_may_refuse(smtp_in_cfg(s)) && !smtp_peer_known(s->peer))
		smtp_peer_await(s->peer, on_peer_known, s);
	else if (!turns_on_sender(s) || !smtp_in_ask_known(s, rcpt_again))
		return (false);
	s->held_rcpt = mem_strndup(args.p, args.n);
	smtp_in_wait(s);
	return (true);
}

void smtp_in_unhold(struct smtp_in *s)
{
	smtp_in_forget_known(s);
	if (s->held_rcpt == NULL)
		return;
	if (s->peer != NULL)
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

	if (s->role != ROLE_MX)
		return (NULL);
	early_facts(s, a, &f);
	if (!verdict_may_refuse(smtp_in_cfg(s)) && !verdict_filtered(&f, smtp_in_cfg(s)))
		return (NULL);
	f.mail_from = s->tx->from.text;
	f.sender_known = s->tx->sender_known;
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
