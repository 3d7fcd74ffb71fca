/* dmarc_find.c: where is the policy for this domain? RFC 7489 6.6.3, RFC 9091 3.5. The organisational domain is that of the Public
 * Suffix List; the walk of RFC 9989 4.10 ends at the same record unless somebody publishes psd=, which is obeyed at the two places
 * where it counts. Failures: temperror when the DNS does not answer. */
#include "core/dns.h"
#include "core/domain.h"
#include "core/loop.h"
#include "core/mem.h"
#include "dkim/dmarc.h"

enum step { AT_FROM, AT_ORGANISATION, AT_SUFFIX, STEPS };

struct dmarc_find {
	struct arena *arena; /* owned; holds this struct too */
	struct dns *dns;
	struct dns_budget *budget;
	struct later *later;
	struct dns_query *query;
	struct slice places[STEPS]; /* empty: not to be asked */
	enum step step;
	struct dmarc_found found;
	void (*on_found)(void *self, const struct dmarc_found *f);
	void *self;
};

static void next(struct dmarc_find *f);

/* NULL: it could not be put. */
static struct dns_query *ask(struct dmarc_find *f, struct slice name, enum dns_type type,
    void (*on_answer)(void *self, const struct dns_answer *a))
{
	return (dns_budget_take(f->budget, 0) ? dns_ask(f->dns, name, type, on_answer, f) : NULL);
}

static void tell(struct dmarc_find *f)
{
	f->on_found(f->self, &f->found);
	arena_free(f->arena);
}

static void on_existence(void *self, const struct dns_answer *a)
{
	struct dmarc_find *f = self;

	f->query = NULL;
	if (a->status == DNS_NO_NAME) /* RFC 9091 2.6 */
		f->found.policy = f->found.record.np;
	tell(f);
}

static void take_record(struct dmarc_find *f, struct slice domain)
{
	f->found.state = DMARC_FAIL;
	f->found.domain = domain;
	f->found.policy = f->step == AT_FROM ? f->found.record.p : f->found.record.sp;
	if (f->step == AT_FROM || !f->found.record.has_np ||
	    (f->query = ask(f, f->found.from, DNS_A, on_existence)) == NULL)
		tell(f);
}

static void on_record(void *self, const struct dns_answer *a)
{
	struct dmarc_find *f = self;
	struct slice text = { "", 0 }, domain = f->places[f->step];
	size_t n = 0;

	f->query = NULL;
	if (a->status == DNS_TEMPORARY) {
		f->found.state = DMARC_TEMPERROR;
		tell(f);
		return;
	}
	for (size_t i = 0; a->status == DNS_OK && i < a->n; i++)
		if (dmarc_record_is(a->records[i].u.text)) {
			text = a->records[i].u.text;
			n++;
		}
	if (n > 1) { /* RFC 7489 6.6.3 step 5: as if there were none, and no look further */
		tell(f);
		return;
	}
	if (n == 1 && dmarc_record_parse(f->arena, arena_dup(f->arena, text), &f->found.record) &&
	    (f->step != AT_SUFFIX || f->found.record.psd == DMARC_PSD_YES)) {
		take_record(f, domain);
		return;
	}
	f->found.record = (struct dmarc_record){ .pct = 100 };
	f->step++;
	next(f);
}

static void next(struct dmarc_find *f)
{
	while (f->step < STEPS && f->places[f->step].n == 0)
		f->step++;
	if (f->step == STEPS) {
		tell(f);
		return;
	}
	f->query = ask(f,
	    slice_of(arena_fmt(f->arena, "_dmarc." SLICE_FMT, SLICE_ARG(f->places[f->step]))),
	    DNS_TXT, on_record);
	if (f->query == NULL) {
		f->found.state = DMARC_TEMPERROR;
		tell(f);
	}
}

static void on_later(void *self)
{
	struct dmarc_find *f = self;

	f->later = NULL;
	if (f->found.from.n > 0) {
		next(f);
		return;
	}
	f->found.state = DMARC_PERMERROR;
	tell(f);
}

struct dmarc_find *dmarc_find_start(struct loop *l, struct dns *d, struct dns_budget *b,
    const struct suffixes *s, struct slice from,
    void (*on_found)(void *self, const struct dmarc_found *f), void *self)
{
	struct arena *arena = arena_new(0);
	struct dmarc_find *f = arena_alloc(arena, sizeof(*f));
	struct slice name = domain_ascii(arena, from);

	f->arena = arena;
	f->dns = d;
	f->budget = b;
	f->on_found = on_found;
	f->self = self;
	f->found.from = name;
	f->places[AT_FROM] = name;
	f->places[AT_ORGANISATION] = suffixes_org(s, arena, name);
	f->places[AT_SUFFIX] = suffixes_public(s, arena, name);
	for (int i = AT_ORGANISATION; i < STEPS; i++)
		if (slice_eq(f->places[i], name))
			f->places[i].n = 0;
	f->later = loop_later(l, on_later, f);
	return (f);
}

void dmarc_find_cancel(struct dmarc_find *f)
{
	if (f == NULL)
		return;
	later_cancel(f->later);
	dns_cancel(f->query);
	arena_free(f->arena);
}
