/* explain.c: the way of a message through the filter, for one that lies in a file: read, ask, acquaint,
 * weigh. The facts and the verdict are made by the same functions as for mail that arrives (gather.h,
 * verdict.h); this is only their order without a connection. A greylist is not asked, since asking notes
 * the try. Failures: a full lane; then the message is judged on what is known. */
#include "spam/explain.h"

#include "core/clock.h"
#include "core/domain.h"
#include "core/flow.h"
#include "core/limits.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/work.h"
#include "msg/addr.h"
#include "spam/gather.h"
#include "spam/lists.h"
#include "spam/repute.h"
#include "store/senders.h"

enum { PIECE = 262144 }; /* of a body hashed in one turn of the loop */

struct explain {
	struct arena *arena; /* owned; holds this */
	struct explain_deps deps;
	struct explain_ask ask;
	struct flow flow;
	struct job job;
	bool job_runs, cancelled;
	void (*on_freed)(void *self);
	void (*on_explained)(void *self, const struct explained *e);
	void *self;
	struct slice message; /* CRLF form, as it came */
	struct header header;
	struct mime mime;
	struct features features; /* owned */
	struct iprev *iprev;
	struct dkim_auth *auth;
	struct dns_budget budget;
	bool wants_uris;
	struct uri_hosts uris;                 /* where its links lead */
	struct list_asks *of_peer, *of_message; /* owned; NULL: no list is asked */
	struct later *feed;
	size_t fed; /* octets of the message given to ${auth} */
	struct err err;
	struct explained e;
};

static void read_file(void *self);
static void ask_dns(void *self);
static void look_up(void *self);
static void acquaint(void *self);
static void weigh(void *self);
static void on_ended(void *self);

static const struct flow_step steps[] = {
	{ "read", read_file }, /* worker: form, parts, words; what we stamped */
	{ "ask", ask_dns },    /* the peer's name, SPF, DKIM, DMARC, ARC, lists */
	{ "look up", look_up }, /* names that were proved; all answers come home */
	{ "acquaint", acquaint },
	{ "weigh", weigh },
	{ NULL, NULL },
};

static void explain_free(struct explain *x)
{
	if (x->deps.classifier != NULL)
		classifier_release(x->deps.classifier);
	features_free(&x->features);
	list_asks_free(x->of_peer);
	list_asks_free(x->of_message);
	arena_free(x->arena);
}

static void job_done(struct job *j)
{
	struct explain *x = LIST_OWNER(j, struct explain, job);

	x->job_runs = false;
	if (x->cancelled) {
		void (*on_freed)(void *) = x->on_freed;
		void *self = x->self;

		explain_free(x);
		on_freed(self);
		return;
	}
	flow_release(&x->flow);
}

static int put_job(struct explain *x, enum store_lane lane, void (*run)(struct job *j))
{
	x->job = (struct job){ .run = run, .done = job_done };
	if (lane_put(store_lane(x->deps.store, lane), &x->job) == -1)
		return (-1);
	x->job_runs = true;
	flow_hold(&x->flow);
	return (0);
}

/* --- read --- */

static void take_stamped(struct explain *x)
{
	struct facts *f = &x->e.facts;
	const struct delivered *d = &x->e.delivered;

	f->arrived = d->at;
	f->rcpt = d->rcpt;
	if (!x->ask.has_from)
		f->mail_from = d->mail_from;
	if (!x->ask.has_ip) {
		f->peer = d->peer;
		x->e.has_peer = true;
	}
	if (x->ask.helo.n == 0)
		f->helo = d->helo;
	x->message = slice_from(x->message, d->size);
}

static void run_read(struct job *j) /* worker */
{
	struct explain *x = LIST_OWNER(j, struct explain, job);
	struct facts *f = &x->e.facts;
	struct err err = { 0 };

	x->message = message_form(x->arena, x->ask.file);
	f->peer = x->ask.ip;
	f->helo = x->ask.helo;
	f->mail_from = x->ask.mail_from;
	x->e.has_peer = x->ask.has_ip;
	x->e.was_delivered =
	    delivered_read(x->arena, x->message, x->deps.cfg->hostname, &x->e.delivered);
	if (x->e.was_delivered)
		take_stamped(x);
	header_parse(x->arena, x->message, &x->header);
	if (header_check(x->arena, &x->header, x->deps.cfg->limits.hop, &err) == -1)
		x->e.refused = arena_strdup(x->arena, slice_of(err.text));
	mime_parse(x->arena, x->message, &x->mime);
	if (x->deps.classifier != NULL)
		features_of(x->deps.classifier, &x->mime, &x->features);
	if (x->wants_uris)
		uri_find(x->arena, &x->mime, &x->uris);
	f->from = gather_from(x->arena, &x->header);
	f->header = &x->header;
	f->mime = &x->mime;
}

static bool asks_dns(const struct explain *x)
{
	return (x->deps.dns != NULL && !x->ask.offline);
}

static void read_file(void *self)
{
	struct explain *x = self;

	x->wants_uris = asks_dns(x) && x->deps.lists != NULL && lists_want(x->deps.lists, LIST_URI);
	if (put_job(x, STORE_SPAM, run_read) == -1)
		flow_stop(&x->flow);
}

/* --- ask --- */

static void on_iprev(void *self, const struct iprev_result *r)
{
	struct explain *x = self;

	x->iprev = NULL;
	gather_peer(r, &x->deps.cfg->filter, &x->e.facts);
	x->e.facts.rdns = arena_dup(x->arena, x->e.facts.rdns);
	flow_release(&x->flow);
}

/* Nobody knows who brought it, so SPF said nothing, and what only SPF could prove stays open. */
static void leave_spf_open(struct facts *f)
{
	f->spf_pass = FACT_UNKNOWN;
	f->spf_fail = false;
	if (f->dmarc_pass == FACT_YES || f->aligned == FACT_YES)
		return;
	f->dmarc_pass = f->aligned = FACT_UNKNOWN;
	f->dmarc_wish = DMARC_ASKS_NOTHING;
	f->dmarc_fail = false;
	f->proof_undecided = true;
}

static void on_auth(void *self, const struct dkim_auth_result *r)
{
	struct explain *x = self;

	x->auth = NULL;
	x->e.auth = r;
	gather_proof(r, x->arena, &x->header, &x->deps.cfg->filter, &x->e.facts);
	if (!x->e.has_peer)
		leave_spf_open(&x->e.facts);
	flow_release(&x->flow);
}

static void feed(void *self) /* a piece a turn: nobody waits for a large body */
{
	struct explain *x = self;
	struct slice rest = slice_from(x->message, x->fed);
	struct slice piece = slice_head(rest, rest.n < PIECE ? rest.n : PIECE);

	x->feed = NULL;
	dkim_auth_body(x->auth, piece);
	x->fed += piece.n;
	if (x->fed < x->message.n)
		x->feed = loop_later(store_loop(x->deps.store), feed, x);
	else
		dkim_auth_end(x->auth, on_auth, x);
}

static void ask_sender(struct explain *x)
{
	struct facts *f = &x->e.facts;
	struct dkim_auth_ask ask = {
		.ip = f->peer, .hostname = x->deps.cfg->hostname, .budget = &x->budget
	};
	struct addr_list list;

	if (x->e.has_peer) {
		ask.helo = f->helo;
		addr_parse(x->arena, f->mail_from, &list);
		if (f->mail_from.n > 0 && list.n == 1 && list.v[0].kind == ADDR_MAILBOX) {
			ask.local = list.v[0].local;
			ask.domain = domain_ascii(x->arena, list.v[0].domain);
		}
	}
	flow_hold(&x->flow);
	x->auth = dkim_auth_start(x->arena, store_loop(x->deps.store), x->deps.dns,
	    x->deps.suffixes, &ask, f->arrived != 0 ? f->arrived : clock_wall());
	dkim_auth_header(x->auth, &x->header);
	x->fed = x->header.size;
	feed(x);
}

static void ask_peer(struct explain *x)
{
	const struct ip *peer = &x->e.facts.peer;

	if ((x->iprev = iprev_start(x->deps.dns, peer, on_iprev, x)) != NULL)
		flow_hold(&x->flow);
	if (x->deps.lists != NULL) {
		x->of_peer = list_asks_new(x->deps.lists, NULL);
		list_asks_address(x->of_peer, peer);
	}
}

static void ask_dns(void *self)
{
	struct explain *x = self;
	const struct ip *peer = &x->e.facts.peer;

	if (!asks_dns(x))
		return;
	x->budget.left = L_DNS_MESSAGE;
	if (x->e.has_peer && gather_has_name(x->deps.cfg, peer))
		ask_peer(x);
	if (x->e.has_peer && !gather_may_ask(x->deps.cfg, peer))
		return;
	if (x->deps.lists != NULL) {
		x->of_message = list_asks_new(x->deps.lists, &x->budget);
		gather_ask_lists(x->of_message, &x->e.facts, &x->uris);
	}
	ask_sender(x);
}

static void on_looked_up(void *self)
{
	flow_release(&((struct explain *)self)->flow);
}

static void await(struct explain *x, struct list_asks *q)
{
	if (list_asks_known(q))
		return;
	flow_hold(&x->flow);
	list_asks_await(q, on_looked_up, x);
}

static void look_up(void *self)
{
	struct explain *x = self;

	gather_ask_proved(x->of_message, &x->e.facts);
	await(x, x->of_peer);
	await(x, x->of_message);
}

/* --- acquaint, weigh --- */

static void run_acquaint(struct job *j) /* worker */
{
	struct explain *x = LIST_OWNER(j, struct explain, job);
	struct err err = { 0 };
	bool known;

	if (correspondent_knows(
		x->deps.store, slice_of(x->e.account), x->e.facts.from, &known, &err) == 0)
		x->e.facts.known_correspondent = known ? FACT_YES : FACT_NO;
}

/* Whose mail is it? Who was asked for, else whose address we stamped. */
static const char *whose(struct explain *x)
{
	struct slice rcpt = x->e.facts.rcpt;
	size_t at = slice_rchr(rcpt, '@');
	struct cfg_targets to = { 0 };
	struct err err;

	if (x->ask.account != NULL)
		return (x->ask.account);
	if (at == SIZE_MAX ||
	    cfg_resolve(x->deps.cfg, x->arena, slice_head(rcpt, at), slice_from(rcpt, at + 1), &to,
		&err) == -1 ||
	    to.n != 1)
		return ("");
	return (to.accounts[0]->name);
}

static void acquaint(void *self)
{
	struct explain *x = self;

	x->e.facts.listed_n = list_asks_hits(x->of_peer, &x->e.facts.listed);
	gather_listed(x->of_message, x->arena, &x->e.facts);
	x->e.account = whose(x);
	x->e.facts.account = x->e.account;
	if (x->e.account[0] != '\0' && x->e.facts.from.n > 0)
		(void)put_job(x, STORE_STATE, run_acquaint); /* full: not known */
}

static void run_weigh(struct job *j) /* worker */
{
	struct explain *x = LIST_OWNER(j, struct explain, job);

	gather_classify(x->deps.classifier, &x->features, &x->e.facts);
	if (x->deps.classifier != NULL)
		classifier_strongest(
		    x->deps.classifier, x->e.account, &x->mime, x->arena, &x->e.words);
	verdict_judge(x->arena, &x->e.facts, x->deps.cfg, &x->e.verdict);
}

static void weigh(void *self)
{
	struct explain *x = self;

	if (x->e.has_peer)
		repute_look(
		    x->deps.store, x->deps.cfg, x->deps.suffixes, x->arena, &x->e.facts);
	if (put_job(x, STORE_SPAM, run_weigh) == -1)
		flow_stop(&x->flow);
}

static void on_ended(void *self)
{
	struct explain *x = self;

	x->on_explained(x->self, x->e.verdict.why.n > 0 ? &x->e : NULL);
	explain_free(x);
}

static void begin(void *self)
{
	struct explain *x = self;

	x->feed = NULL;
	flow_start(&x->flow, steps, on_ended, x);
}

struct explain *explain_start(const struct explain_deps *deps, const struct explain_ask *ask,
    void (*on_explained)(void *self, const struct explained *e), void *self)
{
	struct arena *a = arena_new(0);
	struct explain *x = arena_alloc(a, sizeof(*x));

	x->arena = a;
	x->deps = *deps;
	x->ask = *ask;
	x->ask.helo = arena_dup(a, ask->helo);
	x->ask.mail_from = arena_dup(a, ask->mail_from);
	x->e.account = "";
	x->on_explained = on_explained;
	x->self = self;
	if (deps->classifier != NULL)
		classifier_hold(deps->classifier);
	x->feed = loop_later(store_loop(deps->store), begin, x);
	return (x);
}

void explain_cancel(struct explain *x, void (*on_freed)(void *self))
{
	void *self = x->self;

	flow_abandon(&x->flow);
	later_cancel(x->feed);
	iprev_cancel(x->iprev);
	dkim_auth_cancel(x->auth);
	x->cancelled = true;
	x->on_freed = on_freed;
	if (x->job_runs)
		return;
	explain_free(x);
	on_freed(self);
}
