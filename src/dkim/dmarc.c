/* dmarc.c: does an authenticated domain speak for the one that people see? RFC 7489 3.1, 4.2, 6.6.2, 6.6.4. Leaves finding the
 * record to dmarc_find.c and the consequence to whoever judges the message. Pure. */
#include "dkim/dmarc.h"

#include "core/domain.h"
#include "core/mem.h"

const char *dmarc_state_name(enum dmarc_state s)
{
	static const char *const names[] = {
		[DMARC_NONE] = "none",
		[DMARC_PASS] = "pass",
		[DMARC_FAIL] = "fail",
		[DMARC_TEMPERROR] = "temperror",
		[DMARC_PERMERROR] = "permerror",
	};

	return (names[s]);
}

/* RFC 7489 3.1.1, 3.1.2: strict is the same domain, relaxed the same organisation. */
static bool is_aligned(
    const struct dmarc_found *f, const struct suffixes *s, struct slice domain, bool strict)
{
	struct arena *a;
	struct slice ours, theirs;
	bool same;

	if (domain.n == 0 || slice_eq(domain, f->from))
		return (domain.n > 0);
	if (strict)
		return (false);
	if (f->record.psd == DMARC_PSD_NO && slice_eq(f->domain, f->from))
		return (domain_is_within(domain,
		    f->from)); /* RFC 9989 4.10: it says that the organisation begins here */
	a = arena_new(0);
	ours = suffixes_org(s, a, f->from);
	theirs = suffixes_org(s, a, domain);
	same = ours.n > 0 && slice_eq(ours, theirs);
	arena_free(a);
	return (same);
}

static enum dmarc_policy one_less(enum dmarc_policy p)
{
	return (p == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_ASKS_NOTHING);
}

struct dmarc_result dmarc_judge(const struct dmarc_found *f, const struct suffixes *s,
    const struct dmarc_fact *spf, const struct dmarc_fact *dkim, size_t dkim_n, unsigned sample)
{
	struct dmarc_result r = {
		.state = f->state, .policy = f->policy, .from = f->from, .domain = f->domain
	};
	bool undecided = false;

	if (f->state != DMARC_FAIL)
		return (r);
	if (is_aligned(f, s, spf->domain, f->record.strict_spf)) {
		r.spf_aligned = spf->passed;
		undecided = spf->temporary;
	}
	for (size_t i = 0; i < dkim_n; i++)
		if ((dkim[i].passed || dkim[i].temporary) &&
		    is_aligned(f, s, dkim[i].domain, f->record.strict_dkim)) {
			r.dkim_aligned = r.dkim_aligned || dkim[i].passed;
			undecided = undecided || dkim[i].temporary;
		}
	if (r.spf_aligned || r.dkim_aligned) {
		r.state = DMARC_PASS;
		return (r);
	}
	if (undecided) { /* DNS-01: what may yet be aligned is not held against anybody */
		r.state = DMARC_TEMPERROR;
		return (r);
	}
	r.disposition = r.policy;
	if (sample >= f->record.pct ||
	    f->record.testing) /* RFC 7489 6.6.4, RFC 9989 4.7: the next lower one */
		r.disposition = one_less(r.policy);
	return (r);
}
