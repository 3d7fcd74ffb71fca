/* repute.c: whose reputation counts for a message, and what does its verdict say of whoever sent it?
 * What a score leads to is filter.c's. Poisoning: a domain is blamed only for mail that proved to be
 * its own, a network only for what it sent, one message counts once however many it is for, and mass
 * does not count beyond a cap (store/standing.h). Unknown recipients and greylisted mail that did not
 * return are no evidence: anybody behind a shared address can make them, and honest pools of hosts do. */
#include "spam/repute.h"

#include "spam/gather.h"

bool repute_counts(const struct cfg *cfg, const struct ip *peer)
{
	return (!ip_is_this_host(peer) && gather_may_ask(cfg, peer));
}

struct slice repute_domain(const struct suffixes *s, struct arena *a, const struct facts *f)
{
	size_t at = slice_rchr(f->from, '@');

	if (s == NULL || f->aligned != FACT_YES || at == SIZE_MAX)
		return ((struct slice){ 0 });
	return (suffixes_org(s, a, slice_from(f->from, at + 1)));
}

static bool set(
    const struct store *store, struct arena *a, struct slice name, struct facts *f)
{
	unsigned score;

	if (!reputation_score(store, name, &score))
		return (false);
	f->has_reputation = true;
	f->reputation = score;
	f->reputation_of = arena_dup(a, name);
	return (true);
}

static void set_net(const struct store *store, struct arena *a, struct facts *f)
{
	char net[REPUTATION_NET];

	(void)set(store, a, slice_of(reputation_net(&f->peer, net)), f);
}

void repute_look_early(const struct store *store, const struct cfg *cfg, const struct suffixes *s,
    struct arena *a, struct slice domain, struct facts *f)
{
	unsigned net, better;

	f->has_reputation = false;
	if (!repute_counts(cfg, &f->peer))
		return;
	set_net(store, a, f);
	net = f->reputation;
	if (f->has_reputation && s != NULL && domain.n > 0 &&
	    reputation_score(store, suffixes_org(s, a, domain), &better) && better > net)
		f->has_reputation = false;
}

void repute_look(const struct store *store, const struct cfg *cfg, const struct suffixes *s,
    struct arena *a, struct facts *f)
{
	size_t at = slice_rchr(f->from, '@');

	f->has_reputation = false;
	/* DNS-01: a better name is not taken from him because it could not be asked about. */
	if (f->proof_undecided && f->aligned == FACT_UNKNOWN && at != SIZE_MAX)
		repute_look_early(store, cfg, s, a, slice_from(f->from, at + 1), f);
	else if (repute_counts(cfg, &f->peer) && !set(store, a, repute_domain(s, a, f), f))
		set_net(store, a, f);
}

enum lesson_class repute_of_verdict(const struct cfg *cfg, const struct verdict *v)
{
	const struct cfg_score *n = &cfg->score;

	if (v->by_owner)
		return (LESSON_NONE);
	if (v->score >= n->junk || v->score >= n->reject)
		return (LESSON_SPAM);
	return (v->score < n->greylist ? LESSON_HAM : LESSON_NONE);
}
