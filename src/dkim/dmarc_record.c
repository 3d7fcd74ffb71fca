/* dmarc_record.c: what does a DMARC record ask? RFC 7489 6.3, 6.4, 6.6.3; np=, psd= and t= of RFC 9091 and RFC 9989. Leaves finding
 * it to dmarc_find.c. Failures: unknown and broken tags are as if they were not there; a broken policy makes the record ask nothing,
 * or be none when it names nobody to report to. */
#include "dkim/dmarc_record.h"

#include "core/mem.h"
#include "dkim/taglist.h"

const char *dmarc_policy_name(enum dmarc_policy p)
{
	static const char *const names[] = {
		[DMARC_ASKS_NOTHING] = "none",
		[DMARC_QUARANTINE] = "quarantine",
		[DMARC_REJECT] = "reject",
	};

	return (names[p]);
}

/* dmarc-version = "v" *WSP "=" *WSP %x44 %x4d %x41 %x52 %x43 %x31, first of all */
bool dmarc_record_is(struct slice text)
{
	struct slice first, name, value, rest;

	(void)slice_cut(text, ';', &first, &rest);
	return (slice_cut(first, '=', &name, &value) && slice_eq(slice_trim(name), SLICE("v")) &&
	    slice_eq(slice_trim(value), SLICE("DMARC1")));
}

/* True: a policy, or not said. */
static bool take_policy(
    const struct taglist *l, const char *name, enum dmarc_policy unsaid, enum dmarc_policy *ret)
{
	const struct tag *t = taglist_get(l, name);

	*ret = unsaid;
	if (t == NULL)
		return (true);
	for (int p = DMARC_ASKS_NOTHING; p <= DMARC_REJECT; p++)
		if (slice_ieq(t->value, slice_of(dmarc_policy_name((enum dmarc_policy)p)))) {
			*ret = (enum dmarc_policy)p;
			return (true);
		}
	return (false);
}

static bool says(const struct taglist *l, const char *name, const char *value)
{
	const struct tag *t = taglist_get(l, name);

	return (t != NULL && slice_ieq(t->value, slice_of(value)));
}

/* At least one "scheme:something" among the comma-separated. */
static bool names_a_reader(const struct tag *t)
{
	struct slice rua = t != NULL ? t->value : SLICE(""), one, scheme, rest;
	bool more = true;

	while (more) {
		more = slice_cut(rua, ',', &one, &rua);
		if (slice_cut(slice_trim(one), ':', &scheme, &rest) && scheme.n > 0 && rest.n > 0)
			return (true);
	}
	return (false);
}

bool dmarc_record_parse(struct arena *a, struct slice text, struct dmarc_record *r)
{
	const struct tag *t;
	struct taglist l;
	uint64_t pct = 100;
	bool good;

	*r = (struct dmarc_record){ .pct = 100 };
	if (!dmarc_record_is(text) || !taglist_parse(a, text, TAGLIST_LENIENT, &l))
		return (false);
	good = taglist_get(&l, "p") != NULL && take_policy(&l, "p", DMARC_ASKS_NOTHING, &r->p);
	good = take_policy(&l, "sp", r->p, &r->sp) && good;
	good = take_policy(&l, "np", r->sp, &r->np) && good;
	r->has_np = taglist_get(&l, "np") != NULL;
	if (!good) { /* RFC 7489 6.6.3 step 6: asks nothing, if it names somebody to report to */
		r->p = r->sp = r->np = DMARC_ASKS_NOTHING;
		if (!names_a_reader(taglist_get(&l, "rua")))
			return (false);
	}
	r->strict_dkim = says(&l, "adkim", "s");
	r->strict_spf = says(&l, "aspf", "s");
	if ((t = taglist_get(&l, "pct")) != NULL && slice_u64(t->value, 100, &pct))
		r->pct = (unsigned)pct;
	r->testing = says(&l, "t", "y");
	r->psd = says(&l, "psd", "y") ? DMARC_PSD_YES
	    : says(&l, "psd", "n")    ? DMARC_PSD_NO
				      : DMARC_PSD_UNSAID;
	return (true);
}
