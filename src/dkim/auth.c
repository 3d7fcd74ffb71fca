/* auth.c: who really sent this message? Starts SPF, DKIM, DMARC and ARC when what they need is there, and gathers what they say.
 * Leaves every judgement but DMARC's alignment to others. Failures are in the results. */
#include "dkim/auth.h"

#include "core/loop.h"
#include "core/mem.h"
#include "core/secret.h"
#include "msg/addr.h"

struct dkim_auth {
	struct arena *arena; /* borrowed; holds this struct too */
	struct loop *loop;
	struct dns *dns;
	const struct suffixes *suffixes;
	int64_t now;
	struct bodyhash *body; /* owned; NULL: no header came */
	/* each NULL when it is not under way */
	struct spf_check *helo, *mail_from;
	struct dkim_verify *verify;
	struct arc_verify *arc;
	struct dmarc_find *find;
	bool ended;
	struct later *later;
	struct dmarc_found found;
	struct dkim_auth_result result;
	void (*on_result)(void *self, const struct dkim_auth_result *r);
	void *self;
};

static void judge(struct dkim_auth *a)
{
	struct dkim_auth_result *r = &a->result;
	struct dmarc_fact spf = { .domain = r->mail_from.domain,
		.passed = r->mail_from.result == SPF_PASS,
		.temporary = r->mail_from.result == SPF_TEMPERROR };
	struct dmarc_fact *dkim = arena_array(a->arena, r->signatures_n + 1, sizeof(*dkim));
	unsigned char random[2];

	for (size_t i = 0; i < r->signatures_n; i++)
		dkim[i] = (struct dmarc_fact){ .domain = r->signatures[i].domain,
			.passed = r->signatures[i].result == DKIM_PASS,
			.temporary = r->signatures[i].result == DKIM_TEMPERROR };
	secret_random(random, sizeof(random));
	r->dmarc = dmarc_judge(&a->found, a->suffixes, &spf, dkim, r->signatures_n,
	    (unsigned)(random[0] << 8 | random[1]) % 100);
}

/* The last act of every callback: when nothing is under way any more, tell. */
static void maybe_tell(struct dkim_auth *a)
{
	if (!a->ended || a->later != NULL || a->helo != NULL || a->mail_from != NULL ||
	    a->verify != NULL || a->arc != NULL || a->find != NULL)
		return;
	judge(a);
	bodyhash_free(a->body);
	a->on_result(a->self, &a->result);
}

static void on_later(void *self)
{
	struct dkim_auth *a = self;

	a->later = NULL;
	maybe_tell(a);
}

static struct spf_answer keep(struct dkim_auth *a, const struct spf_answer *s)
{
	struct spf_answer own = *s;

	own.domain = arena_dup(a->arena, s->domain);
	own.mechanism = arena_dup(a->arena, s->mechanism);
	own.explanation = arena_dup(a->arena, s->explanation);
	own.why = s->why != NULL ? arena_strdup(a->arena, slice_of(s->why)) : NULL;
	return (own);
}

static void on_helo(void *self, const struct spf_answer *s)
{
	struct dkim_auth *a = self;

	a->helo = NULL;
	a->result.helo = keep(a, s);
	if (a->result.ask.domain.n == 0) /* RFC 7208 2.4: the null sender is postmaster at HELO */
		a->result.mail_from = a->result.helo;
	maybe_tell(a);
}

static void on_mail_from(void *self, const struct spf_answer *s)
{
	struct dkim_auth *a = self;

	a->mail_from = NULL;
	a->result.mail_from = keep(a, s);
	maybe_tell(a);
}

struct dkim_auth *dkim_auth_start(struct arena *arena, struct loop *l, struct dns *d,
    const struct suffixes *s, const struct dkim_auth_ask *ask, int64_t now)
{
	struct dkim_auth *a = arena_alloc(arena, sizeof(*a));
	struct dkim_auth_ask *own = &a->result.ask;
	struct spf_ask spf = { .ip = ask->ip,
		.helo = ask->helo,
		.receiver = ask->hostname,
		.explain = ask->explain,
		.budget = ask->budget };

	a->arena = arena;
	a->loop = l;
	a->dns = d;
	a->suffixes = s;
	a->now = now;
	*own = *ask;
	own->helo = arena_dup(arena, ask->helo);
	own->local = arena_dup(arena, ask->local);
	own->domain = arena_dup(arena, ask->domain);
	own->hostname = arena_strdup(arena, slice_of(ask->hostname));
	a->helo = spf_start(l, d, &spf, on_helo, a);
	if (ask->domain.n > 0) {
		spf.local = ask->local;
		spf.domain = ask->domain;
		a->mail_from = spf_start(l, d, &spf, on_mail_from, a);
	}
	return (a);
}

/* --- the message --- */

static void on_found(void *self, const struct dmarc_found *f)
{
	struct dkim_auth *a = self;

	a->find = NULL;
	a->found = *f;
	a->found.from = arena_dup(a->arena, f->from);
	a->found.domain = arena_dup(a->arena, f->domain);
	maybe_tell(a);
}

void dkim_auth_header(struct dkim_auth *a, const struct header *h)
{
	const struct field *from = header_first(h, SLICE("From"));
	struct dns_budget *budget = a->result.ask.budget;
	struct addr_list list;
	struct slice domain;

	a->body = bodyhash_new();
	a->verify = dkim_verify_start(a->loop, a->dns, budget, h, a->body, a->now);
	a->arc = arc_verify_start(a->loop, a->dns, budget, h, a->body);
	a->found.state = DMARC_PERMERROR;
	if (from == NULL || header_count(h, SLICE("From")) != 1)
		return; /* RFC 7489 6.6.1: such a message is refused before; here it is nobody's */
	addr_parse(a->arena, from->body, &list);
	if (addr_single_domain(&list, &domain))
		a->find =
		    dmarc_find_start(a->loop, a->dns, budget, a->suffixes, domain, on_found, a);
}

void dkim_auth_body(struct dkim_auth *a, struct slice octets)
{
	if (a->body != NULL)
		bodyhash_add(a->body, octets);
}

static void on_verified(void *self, const struct dkim_verdicts *v)
{
	struct dkim_auth *a = self;
	struct dkim_signature *own = arena_array(a->arena, v->n + 1, sizeof(*own));

	a->verify = NULL;
	for (size_t i = 0; i < v->n; i++) {
		own[i] = v->v[i]; /* texts of why, algorithm and fields are constants */
		own[i].domain = arena_dup(a->arena, v->v[i].domain);
		own[i].selector = arena_dup(a->arena, v->v[i].selector);
		own[i].identity = arena_dup(a->arena, v->v[i].identity);
		own[i].b = arena_dup(a->arena, v->v[i].b);
	}
	a->result.signatures = own;
	a->result.signatures_n = v->n;
	a->result.signatures_ignored = v->ignored;
	maybe_tell(a);
}

static void on_arc(void *self, const struct arc_verdict *v)
{
	struct dkim_auth *a = self;
	struct arc_set *own = arena_array(a->arena, v->n + 1, sizeof(*own));

	a->arc = NULL;
	for (size_t i = 0; i < v->n; i++)
		own[i] = (struct arc_set){ arena_dup(a->arena, v->v[i].domain),
			arena_dup(a->arena, v->v[i].selector),
			arena_dup(a->arena, v->v[i].results) };
	a->result.arc = v->state;
	a->result.arc_why = v->why;
	a->result.arc_sets = own;
	a->result.arc_n = v->n;
	maybe_tell(a);
}

void dkim_auth_end(struct dkim_auth *a,
    void (*on_result)(void *self, const struct dkim_auth_result *r), void *self)
{
	a->on_result = on_result;
	a->self = self;
	a->ended = true;
	a->later = loop_later(a->loop, on_later, a);
	if (a->body == NULL)
		return;
	bodyhash_end(a->body);
	dkim_verify_end(a->verify, on_verified, a);
	arc_verify_end(a->arc, on_arc, a);
}

void dkim_auth_cancel(struct dkim_auth *a)
{
	if (a == NULL)
		return;
	spf_cancel(a->helo);
	spf_cancel(a->mail_from);
	dkim_verify_cancel(a->verify);
	arc_verify_cancel(a->arc);
	dmarc_find_cancel(a->find);
	later_cancel(a->later);
	bodyhash_free(a->body);
}
