/* filter.c: which connect filters does this peer meet? A table; the texts are those that people who
 * run such filters have used for years. RFC 7372 3 for the codes. */
#include "spam/filter.h"

#include "core/mem.h"
#include "core/regex.h"

bool filter_is_residential(const struct cfg_filters *c, struct slice rdns)
{
	for (size_t i = 0; i < c->patterns_n; i++)
		if (regex_match(c->patterns[i], rdns))
			return (true);
	return (false);
}

static bool is_residential(const struct facts *f)
{
	return (f->residential == FACT_YES);
}

static bool has_no_rdns(const struct facts *f)
{
	return (f->has_rdns == FACT_NO);
}

static bool has_no_fcrdns(const struct facts *f)
{
	return (f->fcrdns == FACT_NO);
}

static bool talked_early(const struct facts *f)
{
	return (f->early_talker == FACT_YES);
}

static const struct filter {
	const char *name;
	size_t action; /* offset of its enum cfg_action */
	bool (*meets)(const struct facts *f);
	const char *enhanced, *reply;
} filters[] = {
	{ "rdns-pattern", offsetof(struct cfg_filters, rdns_pattern), is_residential, "5.7.1",
	    "no residential connections" },
	{ "no-rdns", offsetof(struct cfg_filters, no_rdns), has_no_rdns, "5.7.25",
	    "no rDNS is so 80s" },
	{ "no-fcrdns", offsetof(struct cfg_filters, no_fcrdns), has_no_fcrdns, "5.7.25",
	    "no FCrDNS is so 80s" },
	{ "early-talker", offsetof(struct cfg_filters, early_talker), talked_early, "5.5.0",
	    "you spoke before the greeting" },
};

/* [filter.reputation] has two marks: below the lower one mail is refused, unless it is only told. */
static enum cfg_action by_reputation(const struct cfg_filters *c, const struct facts *f)
{
	if (!f->has_reputation)
		return (ACTION_OFF);
	if (f->reputation < c->block_below && c->reputation > ACTION_TAG)
		return (ACTION_REJECT);
	return (f->reputation < c->junk_below ? c->reputation : ACTION_OFF);
}

size_t filter_look(
    const struct cfg_filters *c, const struct facts *f, struct filter_hit ret[FILTER_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(filters); i++) {
		const struct filter *row = &filters[i];
		enum cfg_action action = *(const enum cfg_action *)((const char *)c + row->action);

		if (action == ACTION_OFF || !row->meets(f))
			continue;
		ret[n++] = (struct filter_hit){ row->name, action, row->enhanced, row->reply };
	}
	if (by_reputation(c, f) != ACTION_OFF)
		ret[n++] = (struct filter_hit){ "reputation", by_reputation(c, f), "5.7.1",
			"nearly all recent mail from your network or domain was unwanted here: send "
			"through another mail host, or ask the recipient another way to let you in" };
	return (n);
}
