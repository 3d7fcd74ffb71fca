/* owner.c: does a rule of the owner hold for this message? Addresses are compared folded, domains as
 * A-labels, texts as people see them. What a sender has not proved holds for from, but never for domain. */
#include "spam/owner.h"

#include "core/domain.h"
#include "core/mem.h"
#include "core/regex.h"
#include "msg/text.h"

static struct slice domain_of(struct slice address)
{
	return (slice_from(address, slice_rchr(address, '@') + 1));
}

/* "local@domain", or "@domain" for all of it. */
static bool is_address(struct slice address, struct slice wanted)
{
	if (address.n == 0)
		return (false);
	if (wanted.p[0] == '@')
		return (slice_rchr(address, '@') != SIZE_MAX &&
		    slice_ieq(domain_of(address), slice_from(wanted, 1)));
	return (slice_ieq(address, wanted));
}

static enum fact from_holds(struct arena *a, const struct cfg_match *m, const struct facts *f)
{
	(void)a;
	if (is_address(f->from, m->text) || is_address(f->mail_from, m->text))
		return (FACT_YES);
	return (f->header == NULL ? FACT_UNKNOWN : FACT_NO); /* From is still to come */
}

static enum fact to_holds(struct arena *a, const struct cfg_match *m, const struct facts *f)
{
	(void)a;
	return (is_address(f->rcpt, m->text) ? FACT_YES : FACT_NO);
}

static enum fact ip_holds(struct arena *a, const struct cfg_match *m, const struct facts *f)
{
	(void)a;
	return (ip_in(&f->peer, &m->net, m->bits) ? FACT_YES : FACT_NO);
}

static enum fact domain_holds(struct arena *a, const struct cfg_match *m, const struct facts *f)
{
	(void)a;
	for (size_t i = 0; i < f->proved_n; i++)
		if (domain_is_within(f->proved[i], m->text))
			return (FACT_YES);
	/* A lookup that failed proves nothing, and is no proof of the contrary. */
	if (f->header == NULL || f->proof_undecided || f->dkim_pass == FACT_UNKNOWN ||
	    f->spf_pass == FACT_UNKNOWN)
		return (FACT_UNKNOWN);
	return (FACT_NO);
}

static bool is_in(const struct cfg_match *m, struct slice text)
{
	return (m->regex != NULL ? regex_match(m->regex, text)
				 : slice_ifind(text, m->text) != SIZE_MAX);
}

static enum fact header_holds(struct arena *a, const struct cfg_match *m, const struct facts *f)
{
	const struct field *field;

	if (f->header == NULL)
		return (FACT_UNKNOWN);
	for (size_t n = 0; (field = header_nth(f->header, m->field, n)) != NULL; n++)
		if (is_in(m, text_words(a, field->body)))
			return (FACT_YES);
	return (f->header_partly && !slice_ieq(m->field, SLICE("Subject")) &&
			!slice_ieq(m->field, SLICE("From"))
		? FACT_UNKNOWN
		: FACT_NO);
}

static enum fact subject_holds(struct arena *a, const struct cfg_match *m, const struct facts *f)
{
	struct cfg_match subject = *m;

	subject.field = SLICE("Subject");
	return (header_holds(a, &subject, f));
}

static const struct condition {
	size_t matches; /* offset of its struct cfg_match * */
	enum fact (*holds)(struct arena *a, const struct cfg_match *m, const struct facts *f);
} conditions[] = {
	{ offsetof(struct cfg_rule, ip), ip_holds },
	{ offsetof(struct cfg_rule, to), to_holds },
	{ offsetof(struct cfg_rule, from), from_holds },
	{ offsetof(struct cfg_rule, domain), domain_holds },
	{ offsetof(struct cfg_rule, subject), subject_holds },
	{ offsetof(struct cfg_rule, header), header_holds },
};

/* One of the values is enough. */
static enum fact any_holds(
    struct arena *a, const struct condition *c, const struct cfg_match *m, const struct facts *f)
{
	enum fact best = FACT_NO;

	for (; m != NULL && best != FACT_YES; m = m->next) {
		enum fact one = c->holds(a, m, f);

		if (one != FACT_NO)
			best = one;
	}
	return (best);
}

enum fact owner_holds(struct arena *a, const struct cfg_rule *r, const struct facts *f)
{
	enum fact all = FACT_YES;

	if (r->account != NULL && f->account != NULL && strcmp(r->account, f->account) != 0)
		return (FACT_NO);
	for (size_t i = 0; i < COUNT_OF(conditions); i++) {
		const struct cfg_match *m =
		    *(const struct cfg_match *const *)((const char *)r + conditions[i].matches);
		enum fact one;

		if (m == NULL)
			continue;
		if ((one = any_holds(a, &conditions[i], m, f)) == FACT_NO)
			return (FACT_NO);
		if (one == FACT_UNKNOWN)
			all = FACT_UNKNOWN;
	}
	return (all);
}

const struct cfg_rule *owner_first(
    struct arena *a, const struct cfg_rule *list, const struct facts *f, bool *ret_unsure)
{
	bool unsure = false;

	for (; list != NULL; list = list->next) {
		enum fact holds = owner_holds(a, list, f);

		unsure = unsure || holds == FACT_UNKNOWN;
		if (holds == FACT_YES)
			break;
	}
	if (ret_unsure != NULL)
		*ret_unsure = unsure;
	return (list);
}
