/* spf.c: may this address send for this domain? The check_host() of RFC 7208 4: from a record to a result, over include and
 * redirect, without recursion. Leaves the record's text to spf_record.c, macros to spf_macro.c, each look-up to spf_lookup.c.
 * Failures are results: temperror (the DNS, or L_SPF_SECONDS), permerror (the record). */
#include "dkim/spf.h"

#include "core/clock.h"
#include "core/domain.h"
#include "core/loop.h"
#include "core/mem.h"
#include "dkim/spf_int.h"

enum { EXPANDED_MAX = 4096 };

static void go_on(struct spf_check *c);

const char *spf_result_name(enum spf_result r)
{
	static const char *const names[] = {
		[SPF_NONE] = "none",
		[SPF_NEUTRAL] = "neutral",
		[SPF_PASS] = "pass",
		[SPF_FAIL] = "fail",
		[SPF_SOFTFAIL] = "softfail",
		[SPF_TEMPERROR] = "temperror",
		[SPF_PERMERROR] = "permerror",
	};

	return (names[r]);
}

/* --- the end --- */

static void tell(struct spf_check *c)
{
	timer_cancel(c->deadline);
	later_cancel(c->begin);
	c->on_result(c->self, &c->answer);
	arena_free(c->arena);
}

static struct spf_macro_facts facts_of(const struct spf_check *c)
{
	const struct spf_level *l = &c->levels[c->depth];

	return ((struct spf_macro_facts){ .local = c->local,
	    .sender_domain = c->sender_domain,
	    .domain = l->domain,
	    .validated = spf_validated_for(c, l->domain),
	    .helo = c->ask.helo,
	    .receiver = slice_of(c->ask.receiver),
	    .ip = &c->ask.ip,
	    .now = clock_wall() });
}

static bool expand(struct spf_check *c, struct slice s, struct slice *ret)
{
	struct spf_macro_facts f = facts_of(c);
	struct buf out = BUF_INIT(EXPANDED_MAX);
	bool good = spf_macro_expand(&f, s, &out) == 0;

	if (good)
		*ret = arena_dup(c->arena, buf_slice(&out));
	buf_free(&out);
	return (good);
}

/* A name too long to expand is no name: the empty one cannot be asked, and nothing matches. */
struct slice spf_target(struct spf_check *c, struct slice spec)
{
	struct slice name = { "", 0 };

	if (spec.n == 0)
		return (c->levels[c->depth].domain);
	(void)expand(c, spec, &name);
	return (spf_macro_name(name));
}

static bool is_printable(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~')
			return (false);
	return (true);
}

/* RFC 7208 6.2: exactly one record, in ASCII and well-formed, else there is no explanation. */
static void explain(struct spf_check *c)
{
	struct slice text = c->answer.explanation;

	if (!expand(c, text, &c->answer.explanation) || !is_printable(c->answer.explanation))
		c->answer.explanation = (struct slice){ "", 0 };
	c->answer.explanation = slice_head(c->answer.explanation, L_SPF_TEXT);
	tell(c);
}

static void on_explanation(void *self, const struct dns_answer *a)
{
	struct spf_check *c = self;
	struct slice text;

	c->query = NULL;
	if (a->status != DNS_OK || a->n != 1 ||
	    !spf_macro_ok(a->records[0].u.text, SPF_MACRO_TEXT)) {
		tell(c);
		return;
	}
	text = arena_dup(c->arena, a->records[0].u.text);
	c->answer.explanation = text;
	if (spf_macro_asks(text, 'p'))
		spf_validate(c, explain);
	else
		explain(c);
}

static void ask_explanation(struct spf_check *c)
{
	c->query = dns_ask_odd(
	    c->dns, spf_target(c, c->levels[c->depth].record.exp), DNS_TXT, on_explanation, c);
	if (c->query == NULL)
		tell(c);
}

static void finish(struct spf_check *c, enum spf_result result, const char *why)
{
	const struct spf_record *r = &c->levels[0].record;

	c->answer.result = result;
	c->answer.why = why;
	c->answer.wide = c->answer.wide && result == SPF_PASS;
	if (result != SPF_FAIL || !c->ask.explain || r->exp.n == 0) {
		tell(c);
		return;
	}
	c->depth = 0;
	c->explaining = true;
	if (spf_macro_asks(r->exp, 'p'))
		spf_validate(c, ask_explanation);
	else
		ask_explanation(c);
}

void spf_failed(struct spf_check *c, enum spf_result result, const char *why)
{
	if (!c->explaining) {
		finish(c, result, why);
		return;
	}
	c->answer.explanation = (struct slice){ "", 0 };
	tell(c);
}

static void on_deadline(void *self)
{
	struct spf_check *c = self;

	c->deadline = NULL;
	dns_cancel(c->query);
	c->query = NULL;
	spf_failed(c, SPF_TEMPERROR, "not done in time");
}

/* --- the record's way --- */

/* RFC 7208 4.6.4: true when there is one look-up left, else c has ended. */
static bool spend(struct spf_check *c)
{
	if (c->answer.lookups < L_SPF) {
		c->answer.lookups++;
		return (true);
	}
	finish(c, SPF_PERMERROR, "more than 10 terms that look something up");
	return (false);
}

static void on_record(void *self, const struct dns_answer *a)
{
	struct spf_check *c = self;
	struct spf_level *l = &c->levels[c->depth];
	const struct slice *found = NULL;
	const char *why = "no such domain";
	bool is_first = c->answer.lookups == 0;

	c->query = NULL;
	if (a->status == DNS_TEMPORARY) {
		finish(c, SPF_TEMPERROR, a->why); /* RFC 7208 4.4 */
		return;
	}
	for (size_t i = 0; a->status == DNS_OK && i < a->n; i++) {
		if (!spf_record_is(a->records[i].u.text))
			continue;
		if (found != NULL) {
			finish(c, SPF_PERMERROR, "more than one SPF record"); /* RFC 7208 4.5 */
			return;
		}
		found = &a->records[i].u.text;
	}
	if (found == NULL) {
		/* RFC 7208 4.5, 5.2, 6.1: nothing here is none, behind include and redirect permerror */
		if (is_first)
			finish(c, SPF_NONE, a->status == DNS_NO_NAME ? why : "no SPF record");
		else
			finish(c, SPF_PERMERROR,
			    "include or redirect to a domain without an SPF record");
		return;
	}
	if (!spf_record_parse(c->arena, arena_dup(c->arena, *found), &l->record, &why)) {
		finish(c, SPF_PERMERROR, why);
		return;
	}
	l->at = 0;
	go_on(c);
}

static bool is_wide(const struct spf_directive *d)
{
	switch (d->mechanism) {
	case SPF_ALL: return (true);
	case SPF_IP4:
	case SPF_A:
	case SPF_MX:
		if (d->bits4 < L_SPF_WIDE_V4)
			return (true);
		return (d->mechanism != SPF_IP4 && d->bits6 < L_SPF_WIDE_V6);
	case SPF_IP6: return (d->bits6 < L_SPF_WIDE_V6);
	case SPF_INCLUDE:
	case SPF_PTR:
	case SPF_EXISTS: break;
	}
	return (false);
}

/* The innermost record has its result: what does that mean for the one that included it? RFC 7208 5.2 */
static void leave(struct spf_check *c, enum spf_result result)
{
	while (c->depth > 0) {
		struct spf_level *l = &c->levels[--c->depth];

		if (result != SPF_PASS) {
			l->at++;
			go_on(c);
			return;
		}
		result = l->record.v[l->at].result;
		c->answer.mechanism = l->record.v[l->at].text;
	}
	finish(c, result, NULL);
}

static void match(struct spf_check *c, const struct spf_directive *d)
{
	c->answer.wide = is_wide(d);
	c->answer.mechanism = d->text;
	leave(c, d->result);
}

void spf_matched(struct spf_check *c, bool matched)
{
	struct spf_level *l = &c->levels[c->depth];

	if (matched) {
		match(c, &l->record.v[l->at]);
		return;
	}
	l->at++;
	go_on(c);
}

static void follow(struct spf_check *c, size_t depth, struct slice spec)
{
	struct slice target = spf_target(c, spec);

	if (!spend(c))
		return;
	c->depth = depth;
	c->levels[depth].domain = target;
	c->levels[depth].record = (struct spf_record){ .n = 0 };
	spf_put(c, target, DNS_TXT, on_record);
}

static void redirect(struct spf_check *c)
{
	follow(c, c->depth, c->levels[c->depth].record.redirect);
}

static void evaluate(struct spf_check *c)
{
	struct spf_level *l = &c->levels[c->depth];
	const struct spf_directive *d = &l->record.v[l->at];

	if (d->mechanism == SPF_INCLUDE)
		follow(c, c->depth + 1, d->domain);
	else if (spend(c))
		spf_look_up(c, d);
}

/* RFC 7208 4.6.2, 4.7: left to right to the first match, then redirect, then neutral. */
static void go_on(struct spf_check *c)
{
	struct spf_level *l = &c->levels[c->depth];

	for (; l->at < l->record.n; l->at++) {
		const struct spf_directive *d = &l->record.v[l->at];

		if (d->mechanism == SPF_ALL) {
			match(c, d);
			return;
		}
		if (d->mechanism != SPF_IP4 && d->mechanism != SPF_IP6) {
			if (spf_macro_asks(d->domain, 'p'))
				spf_validate(c, evaluate);
			else
				evaluate(c);
			return;
		}
		if (ip_in(&c->ask.ip, &d->net, d->mechanism == SPF_IP6 ? d->bits6 : d->bits4)) {
			match(c, d);
			return;
		}
	}
	if (l->record.redirect.n > 0) { /* RFC 7208 6.1: behind "all" nobody comes here */
		if (spf_macro_asks(l->record.redirect, 'p'))
			spf_validate(c, redirect);
		else
			redirect(c);
		return;
	}
	c->answer.mechanism = SLICE("default");
	leave(c, SPF_NEUTRAL);
}

static void on_begin(void *self)
{
	struct spf_check *c = self;

	c->begin = NULL;
	/* RFC 7208 4.3: what is no domain of several labels has no policy */
	if (slice_chr(c->answer.domain, '.') == SIZE_MAX) {
		finish(c, SPF_NONE, "not a domain name");
		return;
	}
	c->levels[0].domain = c->answer.domain;
	spf_put(c, c->answer.domain, DNS_TXT, on_record);
}

struct spf_check *spf_start(struct loop *l, struct dns *d, const struct spf_ask *ask,
    void (*on_result)(void *self, const struct spf_answer *a), void *self)
{
	struct arena *arena = arena_new(0);
	struct spf_check *c = arena_alloc(arena, sizeof(*c));

	c->arena = arena;
	c->dns = d;
	c->ask = *ask;
	c->ask.helo = arena_dup(arena, ask->helo);
	c->ask.receiver = arena_strdup(arena, slice_of(ask->receiver));
	c->local = ask->local.n > 0 ? arena_dup(arena, ask->local) : SLICE("postmaster");
	c->answer.domain = domain_ascii(arena, ask->domain.n > 0 ? ask->domain : ask->helo);
	c->sender_domain = c->answer.domain;
	c->on_result = on_result;
	c->self = self;
	c->begin = loop_later(l, on_begin, c);
	c->deadline = timer_start(l, (uint64_t)L_SPF_SECONDS * 1000, on_deadline, c);
	return (c);
}

void spf_cancel(struct spf_check *c)
{
	if (c == NULL)
		return;
	later_cancel(c->begin);
	timer_cancel(c->deadline);
	dns_cancel(c->query);
	arena_free(c->arena);
}
