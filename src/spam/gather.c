/* gather.c: what was found about a message, as facts: what DNS says of the peer (dkim/iprev.h), what the
 * sender proved (dkim/auth.h), who wrote it, what the classifier says. Mail that arrives (smtp/) and mail
 * that is explained (explain.c) come through here alike. What facts are worth is the rules' and verdict.c's.
 * RFC 7208, 6376, 7489, 8617, 2369, 2919. */
#include "spam/gather.h"

#include "core/domain.h"
#include "core/limits.h"
#include "dkim/results.h"
#include "msg/addr.h"
#include "spam/filter.h"
#include "spam/lists.h"

bool gather_may_ask(const struct cfg *cfg, const struct ip *address)
{
	return (cfg->outbound.allow_private || !ip_is_private(address));
}

/* This very host has no name to be judged by, in a trial neither. */
bool gather_has_name(const struct cfg *cfg, const struct ip *address)
{
	return (!ip_is_this_host(address) && gather_may_ask(cfg, address));
}

void gather_peer(const struct iprev_result *r, const struct cfg_filters *c, struct facts *ret)
{
	if (r->has_name)
		ret->has_rdns = FACT_YES;
	switch (r->state) {
	case IPREV_PASS: ret->fcrdns = FACT_YES; break;
	case IPREV_FAIL: ret->fcrdns = FACT_NO; break;
	case IPREV_NONE: ret->has_rdns = FACT_NO; break;
	case IPREV_TEMPERROR: break;
	}
	if (r->name.n == 0 || r->name.n > L_DOMAIN)
		return;
	ret->rdns = r->name;
	ret->residential = filter_is_residential(c, r->name) ? FACT_YES : FACT_NO;
}

static enum fact spf_fact(const struct spf_answer *spf)
{
	switch (spf->result) {
	case SPF_PASS: return (spf->wide ? FACT_NO : FACT_YES); /* AUT-21 */
	case SPF_TEMPERROR: return (FACT_UNKNOWN);
	case SPF_NONE:
	case SPF_NEUTRAL:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
	case SPF_PERMERROR: break;
	}
	return (FACT_NO);
}

/* Domains that were proved, and whether any signature passed. */
static void prove(const struct dkim_auth_result *r, struct arena *a, struct facts *ret)
{
	struct slice *proved = arena_array(a, r->signatures_n + 1, sizeof(*proved));
	bool unsure = false; /* of a signature */

	for (size_t i = 0; i < r->signatures_n; i++) {
		if (r->signatures[i].result == DKIM_PASS)
			proved[ret->proved_n++] = r->signatures[i].domain;
		unsure = unsure || r->signatures[i].result == DKIM_TEMPERROR;
	}
	ret->dkim_pass = ret->proved_n > 0 ? FACT_YES : unsure ? FACT_UNKNOWN : FACT_NO;
	ret->spf_pass = spf_fact(&r->mail_from);
	ret->spf_fail = r->mail_from.result == SPF_FAIL;
	ret->proof_undecided = unsure || r->mail_from.result == SPF_TEMPERROR;
	if (ret->spf_pass == FACT_YES && r->mail_from.domain.n > 0)
		proved[ret->proved_n++] = r->mail_from.domain;
	ret->proved = proved;
}

/* A From whose domain has no policy: does something that was proved speak for it? */
static bool speaks_for(const struct facts *f, struct slice from)
{
	for (size_t i = 0; i < f->proved_n; i++)
		if (domain_is_within(from, f->proved[i]))
			return (true);
	return (false);
}

/* Aligned, whatever the policy may turn out to be. */
static bool is_proved(const struct facts *f, struct slice from)
{
	for (size_t i = 0; i < f->proved_n; i++)
		if (slice_eq(from, f->proved[i]))
			return (true);
	return (false);
}

static void say_dmarc(const struct dmarc_result *d, struct facts *ret)
{
	ret->aligned = ret->proof_undecided ? FACT_UNKNOWN : FACT_NO;
	switch (d->state) {
	case DMARC_PASS:
		ret->dmarc_pass = FACT_YES;
		/* An SPF record that lets half the internet in passes, and earns no trust (AUT-21). */
		if (d->dkim_aligned || ret->spf_pass == FACT_YES)
			ret->aligned = FACT_YES;
		break;
	case DMARC_FAIL:
		ret->dmarc_pass = ret->aligned = FACT_NO;
		ret->dmarc_fail = true;
		ret->dmarc_wish = d->disposition;
		break;
	case DMARC_TEMPERROR:
		if (is_proved(ret, d->from)) {
			ret->dmarc_pass = ret->aligned = FACT_YES;
			break;
		}
		ret->dmarc_undecided = d->policy != DMARC_ASKS_NOTHING;
		ret->proof_undecided = true;
		ret->aligned = FACT_UNKNOWN;
		break;
	case DMARC_NONE:
		ret->dmarc_pass = FACT_NO;
		if (speaks_for(ret, d->from))
			ret->aligned = FACT_YES;
		break;
	case DMARC_PERMERROR: ret->dmarc_pass = ret->aligned = FACT_NO; break;
	}
}

/* RFC 2919 3: what stands between < and > at the end of List-Id. */
static struct slice list_id(const struct header *h)
{
	const struct field *f = header_first(h, SLICE("List-Id"));
	struct slice text = f != NULL ? slice_trim(f->body) : (struct slice){ 0 };
	size_t at = slice_rchr(text, '<');

	if (at == SIZE_MAX || text.p[text.n - 1] != '>')
		return ((struct slice){ 0 });
	text = slice_from(text, at + 1);
	return (slice_trim(slice_head(text, text.n - 1)));
}

/* What lists write beside their name. RFC 2369 3; Precedence is older than any RFC on lists. */
static bool looks_like_list(const struct header *h)
{
	const struct field *f = header_first(h, SLICE("Precedence"));

	return (header_first(h, SLICE("List-Post")) != NULL ||
	    header_first(h, SLICE("List-Unsubscribe")) != NULL ||
	    (f != NULL &&
		(slice_ieq(slice_trim(f->body), SLICE("list")) ||
		    slice_ieq(slice_trim(f->body), SLICE("bulk")))));
}

/* A list that says which it is, looks like one, and proved that the name is under its own domain: it
 * may have broken what the writer had proved. Who merely writes List-Id proves nothing by it. */
static bool is_list(const struct header *h, const struct facts *f)
{
	struct slice id = list_id(h);

	if (id.n == 0 || !looks_like_list(h))
		return (false);
	for (size_t i = 0; i < f->proved_n; i++)
		if (domain_is_within(id, f->proved[i]))
			return (true);
	return (false);
}

static bool is_trusted_sealer(const struct cfg_filters *c, struct slice sealer)
{
	const struct cfg_match *m = c->sealers;

	while (m != NULL && !domain_is_within(sealer, m->text))
		m = m->next;
	return (m != NULL);
}

/* Did somebody the owner trusts see that the From was proved? Whoever handled the message after him could
 * have put another in its place and sealed that, so they are to be trusted too. RFC 8617 7.2 */
static bool is_vouched_for(const struct dkim_auth_result *r, const struct cfg_filters *c)
{
	if (r->arc != ARC_PASS)
		return (false);
	for (size_t i = r->arc_n; i > 0 && is_trusted_sealer(c, r->arc_sets[i - 1].domain); i--)
		if (results_say_pass(r->arc_sets[i - 1].results, SLICE("dmarc"),
			SLICE("header.from"), r->dmarc.from))
			return (true);
	return (false);
}

void gather_proof(const struct dkim_auth_result *r, struct arena *a, const struct header *h,
    const struct cfg_filters *c, struct facts *ret)
{
	prove(r, a, ret);
	say_dmarc(&r->dmarc, ret);
	/* A list, or a forwarder who is trusted: lowers what a failure costs by one step, and raises nobody's
	 * trust. Whoever makes a list of his own to forge with gets from the refusal into Junk, no further.
	 * RFC 7489 10.3. */
	ret->indirect = is_list(h, ret) || is_vouched_for(r, c);
}

static struct slice domain_of(struct slice address)
{
	size_t at = slice_rchr(address, '@');

	return (at == SIZE_MAX ? (struct slice){ "", 0 } : slice_from(address, at + 1));
}

void gather_ask_lists(struct list_asks *q, const struct facts *f, const struct uri_hosts *uris)
{
	list_asks_name(q, domain_of(f->from));
	list_asks_name(q, domain_of(f->mail_from));
	list_asks_name(q, f->helo);
	list_asks_uris(q, uris);
}

void gather_ask_proved(struct list_asks *q, const struct facts *f)
{
	for (size_t i = 0; q != NULL && i < f->proved_n; i++)
		list_asks_name(q, f->proved[i]);
}

void gather_listed(const struct list_asks *q, struct arena *a, struct facts *ret)
{
	const struct listed *more;
	size_t n = list_asks_hits(q, &more);
	struct listed *all = arena_array(a, ret->listed_n + n + 1, sizeof(*all));

	for (size_t i = 0; i < ret->listed_n; i++)
		all[i] = ret->listed[i];
	for (size_t i = 0; i < n; i++)
		all[ret->listed_n + i] = more[i];
	ret->listed = all;
	ret->listed_n += n;
}

/* Several in one domain are allowed (AUT-07), but are nobody's address; nor is one that no envelope could
 * have (RFC 5321 4.5.3.1): it would only fill the ledger. */
struct slice gather_from(struct arena *a, const struct header *h)
{
	const struct field *f = header_first(h, SLICE("From"));
	struct addr_list list = { 0 };
	const struct addr *one = NULL;

	if (f == NULL)
		return ((struct slice){ 0 });
	addr_parse(a, f->body, &list);
	for (size_t i = 0; i < list.n; i++) {
		if (list.v[i].kind != ADDR_MAILBOX)
			continue;
		if (one != NULL)
			return ((struct slice){ 0 });
		one = &list.v[i];
	}
	if (one == NULL || one->local.n + one->domain.n >= L_PATH)
		return ((struct slice){ 0 });
	return (addr_fold(a, one->local, one->domain));
}

void gather_classify(struct classifier *c, const struct features *words, struct facts *ret)
{
	struct spam_score score = { 0 };

	if (c != NULL)
		classifier_score(c, ret->account, words, &score);
	ret->has_bayes = score.known;
	ret->bayes = score.probability;
	ret->bayes_confidence = score.confidence;
}
