/* in_slow.c: is this peer kept waiting, and for how long? A host whose network has sent mostly spam waits before
 * each line of its is acted on ([filter.reputation] slow_factor); that costs us a timer, and it a
 * connection. Whoever is not sure to be of that kind waits for nothing: our own people, whom an [[allow]]
 * names, who proves a domain of better repute. No more than L_SLOWED wait at a time. The answer to a
 * message is never held back: who gives up waiting for it would send the message twice. */
#include "smtp/in_int.h"

#include "spam/owner.h"
#include "spam/repute.h"

static bool is_allowed(const struct smtp_in *s, const struct facts *known)
{
	const struct cfg_rule *allows = smtp_in_cfg(s)->allows;
	struct facts f = *known;
	struct arena *a;
	bool yes;

	if (allows == NULL)
		return (false);
	a = arena_new(0);
	if (s->tx != NULL)
		f.mail_from = s->tx->from.text;
	yes = owner_first(a, allows, &f, NULL) != NULL;
	arena_free(a);
	return (yes);
}

/* DESIGN 5: slow_factor * (100 - score) / 100. */
static uint64_t delay_of(const struct cfg_filters *c, const struct facts *f)
{
	if (!f->has_reputation || c->reputation <= ACTION_TAG)
		return (0);
	return (c->slow_factor * (100 - f->reputation) / 100);
}

uint64_t smtp_in_delay(struct smtp_in *s)
{
	struct arena *a;
	struct facts f;
	uint64_t ms;

	if (s->role != ROLE_MX || s->is_trusted || s->server->draining ||
	    !repute_counts(smtp_in_cfg(s), conn_peer(s->conn)))
		return (0);
	a = arena_new(0);
	smtp_in_facts(s, &f);
	repute_look(s->server->deps.store, smtp_in_cfg(s), NULL, a, &f);
	ms = delay_of(&smtp_in_cfg(s)->filter, &f);
	if (ms > 0 && is_allowed(s, &f))
		ms = 0;
	arena_free(a);
	if (ms == 0 || (!s->is_slowed && s->server->counts.slowed >= L_SLOWED))
		return (0);
	if (!s->is_slowed)
		s->server->counts.slowed++;
	s->is_slowed = true;
	return (ms);
}

static void on_slowed(void *self)
{
	struct smtp_in *s = self;

	s->slow = NULL;
	s->has_waited = true;
	smtp_in_resume(s);
}

bool smtp_in_slow(struct smtp_in *s)
{
	uint64_t ms;

	if (s->has_waited || (ms = smtp_in_delay(s)) == 0) {
		s->has_waited = false;
		return (false);
	}
	smtp_in_wait(s);
	s->slow = timer_start(s->server->deps.loop, ms, on_slowed, s);
	return (true);
}

void smtp_in_hasten(struct smtp_in *s)
{
	if (s->slow == NULL)
		return;
	timer_cancel(s->slow);
	s->slow = NULL;
	s->waiting = false;
}

void smtp_in_trust(struct smtp_in *s)
{
	s->is_trusted = true;
	smtp_in_unslow(s);
}

void smtp_in_unslow(struct smtp_in *s)
{
	smtp_in_hasten(s);
	if (s->is_slowed)
		s->server->counts.slowed--;
	s->is_slowed = false;
}
