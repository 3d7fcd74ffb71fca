/* outbound.c: one attempt to hand one message to one destination, as a table of steps: take it
 * from the queue, find the hosts, know what they must prove, connect and talk to one after the
 * other until one has an answer for every recipient, settle. A message for our own people (a
 * report) takes the same table and is delivered where the others talk. Nothing is retried in
 * here: what failed for now gets a later time (out_settle.c) and comes back through
 * out_schedule.c.
 * RFC 5321 3.6, 5.1; RFC 7505. Ends: every recipient sent, deferred or failed, durably; or, when
 * the sender drains, untouched. */
#include "smtp/outbound.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/mem.h"
#include "smtp/path.h"

static void take(void *self);
static void route(void *self);
static void policy(void *self);
static void open_body(void *self);
static void talk(void *self);
static void settle(void *self);
static void on_ended(void *self);

enum { TAKE_AGAIN = 60 }; /* seconds, when the queue would not give the message */

static const struct flow_step outbound_steps[] = {
	{ "take", take }, /* store/queue.h: the message as it is now; the mark of work under way */
	{ "route", route },    /* out_route.c -> o->hosts */
	{ "policy", policy },  /* out_policy.c -> o->policy */
	{ "body", open_body }, /* out_body.c: there, and what it holds */
	{ "talk", talk },      /* core/dial.h, out_talk.c, out_client.c; out_local.c -> fates */
	{ "settle", settle },  /* out_settle.c: durable, reports included */
	{ NULL, NULL },        /* on_ended tells log, ledger and schedule */
};

static void decide_all(
    struct outbound *o, enum out_fate fate, const char *enhanced, struct slice why)
{
	for (size_t i = 0; i < o->n; i++) {
		struct out_rcpt *r = &o->rcpts[i];

		if (r->fate != OUT_OPEN)
			continue;
		r->fate = fate;
		r->enhanced = enhanced;
		r->reply = why;
	}
	o->over = true;
}

/* Nobody could be asked: the destination is left alone for a while, and what waits for it is
 * told the same. */
static void unreachable(struct outbound *o, const char *why)
{
	struct out_dest *d = o->item->dest;

	d->down_until = clock_ms() + OUT_DOWN_MS;
	(void)snprintf(d->why, sizeof(d->why), "%s", why);
}

/* --- take --- */

static void run_take(struct job *j) /* queue lane */
{
	struct outbound *o = LIST_OWNER(j, struct outbound, job);
	struct store *s = o->sender->deps.store;

	if (queue_get(s, o->arena, o->item->id, &o->entry, &o->err) == -1)
		return;
	if (!o->entry->broken && queue_work_begin(s, o->item->id, &o->err) == 0)
		o->marked = true;
}

static void split(struct outbound *o, const struct queue_rcpt *from, struct out_rcpt *r)
{
	struct cursor c =
	    cursor_of(slice_of(arena_fmt(o->arena, "<" SLICE_FMT ">", SLICE_ARG(from->address))));
	size_t at = slice_rchr(from->address, '@');
	struct smtp_path path;

	r->row = from->id;
	r->address = from->address;
	r->orcpt = from->orcpt;
	r->notify = from->notify;
	r->tries = from->tries;
	r->warned = from->warned;
	r->enhanced = "4.0.0";
	if (smtp_path_take(o->arena, &c, &path) == SMTP_PATH_OK) {
		r->local = path.local;
		r->domain = path.domain;
	} else {
		r->local = slice_head(from->address, at);
		r->domain =
		    at == SIZE_MAX ? (struct slice){ "", 0 } : slice_from(from->address, at + 1);
	}
}

static void choose(struct outbound *o)
{
	const struct queue_entry *e = o->entry;
	struct slice dest = slice_of(o->item->dest->name);
	int64_t now = clock_wall();

	o->rcpts = arena_array(o->arena, OUT_BATCH, sizeof(*o->rcpts));
	for (size_t i = 0; i < e->rcpts_n; i++) {
		const struct queue_rcpt *r = &e->rcpts[i];

		if (r->state != RCPT_WAITING || r->next_try > now ||
		    !slice_ieq(out_dest_of(o->cfg, r->address), dest))
			continue;
		if (o->n == OUT_BATCH) {
			o->more = true;
			break;
		}
		split(o, r, &o->rcpts[o->n++]);
	}
	o->local = slice_eq(dest, SLICE("."));
	o->smarthost = slice_eq(dest, SLICE("="));
}

static void on_taken(struct job *j)
{
	struct outbound *o = LIST_OWNER(j, struct outbound, job);

	if (o->err.kind == ERR_NOT_FOUND) {
		o->over = true; /* deleted meanwhile */
	} else if (o->err.kind != ERR_NONE || o->entry == NULL) {
		log_event(LOG_ERROR, o->item->id, "out take", "why", o->err.text, "next",
		    "when the queue is read again", NULL);
		o->over = true;
	} else if (o->entry->broken) {
		log_event(LOG_ERROR, arena_fmt(o->arena, "m-%s", o->item->id), "out set aside",
		    "why", "its body is missing, short or unreadable", "next",
		    "queue retry or delete", NULL);
		o->over = true;
	} else {
		choose(o);
		o->over = o->n == 0;
	}
	flow_release(&o->flow);
}

static void take(void *self)
{
	struct outbound *o = self;

	o->job.run = run_take;
	o->job.done = on_taken;
	flow_hold(&o->flow);
	lane_force(
	    store_lane(o->sender->deps.store, STORE_QUEUE), &o->job); /* L_OUT_CONNS bounds them */
}

/* The sender drains: what has not begun to speak does not. */
static bool is_dropped(struct outbound *o)
{
	if (!o->over && o->sender->draining)
		o->over = o->dropped = true;
	return (o->over);
}

/* --- route, policy, body --- */

static void on_routed(void *self, const struct out_hosts *h)
{
	struct outbound *o = self;

	o->route = NULL;
	o->hosts = *h;
	if (h->status != ROUTE_OK)
		decide_all(o, h->status == ROUTE_PERMANENT ? OUT_FAILED : OUT_RETRY, h->enhanced,
		    slice_of(h->why));
	flow_release(&o->flow);
}

static void route(void *self)
{
	struct outbound *o = self;
	const struct out_dest *d = o->item->dest;

	if (is_dropped(o) || o->local)
		return;
	/* OUT-18: one of ten thousand tries, the others wait with it. */
	if (d->down_until > clock_ms()) {
		decide_all(o, OUT_RETRY, "4.4.1", arena_dup(o->arena, slice_of(d->why)));
		return;
	}
	o->route = out_route_start(o->sender->deps.loop, o->sender->deps.dns, o->cfg, o->arena,
	    o->rcpts[0].domain, o->smarthost, on_routed, o);
	flow_hold(&o->flow);
}

static void policy(void *self)
{
	struct outbound *o = self;

	if (!o->over)
		o->policy = out_policy_of(o->cfg, o->smarthost);
}

static void on_open(void *self, const struct body_facts *f, const struct err *err)
{
	struct outbound *o = self;

	o->facts = *f;
	if (err != NULL)
		decide_all(o, OUT_RETRY, "4.3.0", arena_dup(o->arena, slice_of(err->text)));
	flow_release(&o->flow);
}

static void open_body(void *self)
{
	struct outbound *o = self;

	if (o->over)
		return;
	o->body = out_body_open(o->sender->read, o->entry->id, on_open, o);
	flow_hold(&o->flow);
}

/* --- talk: one address after the other --- */

static void try_host(struct outbound *o);

/* All addresses are used up, or the time is. A refusal is final only when everybody refused
 * (OUT-05). */
static void give_up(struct outbound *o)
{
	bool final = !o->soft && !o->hosts.cut;

	if (!o->reached && !final)
		unreachable(o, arena_strdup(o->arena, o->why));
	decide_all(o, final ? OUT_FAILED : OUT_RETRY, final ? "5.0.0" : "4.4.1", o->why);
	if (o->host >= o->hosts.n && o->hosts.n > 0)
		o->host = o->hosts.n - 1; /* it spoke last: for log and report */
	flow_release(&o->flow);
}

static void try_next(struct outbound *o)
{
	o->host++;
	o->plain = false;
	if (o->host >= o->hosts.n || clock_ms() - o->began > OUT_BUDGET_MS) {
		o->soft = o->soft || o->host < o->hosts.n;
		give_up(o);
	} else {
		try_host(o);
	}
}

static void on_talked(void *self, const struct talk_result *r)
{
	struct outbound *o = self;

	o->talk = NULL;
	o->talk_result = *r;
	o->why = r->why;
	o->reached = o->reached || r->greeted;
	switch (r->end) {
	case CLIENT_SETTLED:
		o->over = true;
		o->item->dest->down_until = 0;
		flow_release(&o->flow);
		return;
	case CLIENT_NO_TLS:
		if (o->policy.required || o->plain) {
			o->soft = true;
			break;
		}
		o->plain = true; /* OUT-02: a new connection, once */
		try_host(o);
		return;
	case CLIENT_NEXT: o->soft = o->soft || !r->permanent; break;
	}
	try_next(o);
}

static void on_dialled(void *self, struct conn *c, size_t index, const struct err *err)
{
	struct outbound *o = self;

	(void)index;
	o->dial = NULL;
	if (c == NULL) {
		o->soft = true;
		o->why = arena_dup(o->arena, slice_of(err->text));
		try_next(o);
		return;
	}
	o->client = (struct client_job){
		.arena = o->arena,
		.helo = o->cfg->hostname,
		.env = &o->entry->env,
		.size = o->entry->size,
		.header_8bit = o->facts.header_8bit,
		.body_8bit = o->facts.body_8bit,
		.rcpts = o->rcpts,
		.n = o->n,
		.tls_wanted = !o->plain && o->sender->deps.tls_client != NULL,
		.tls_required = o->policy.required,
		.user = o->policy.user,
		.password = o->policy.password,
		.smarthost = o->smarthost,
	};
	o->talk = out_talk_start(o->sender->deps.loop, c, &o->client, &o->policy,
	    o->hosts.v[o->host].name, o->sender->deps.tls_client, o->body, on_talked, o);
}

static void try_host(struct outbound *o)
{
	const struct out_host *h = &o->hosts.v[o->host];
	struct dial_to to = { h->ip, h->port };
	const struct cfg *cfg = o->cfg;

	if (is_dropped(o)) {
		flow_release(&o->flow);
		return;
	}
	o->dial = dial_start(o->sender->deps.loop, &to, 1,
	    cfg->outbound.has_source_v4 ? &cfg->outbound.source_v4 : NULL,
	    cfg->outbound.has_source_v6 ? &cfg->outbound.source_v6 : NULL, 30, on_dialled, o);
}

static void deliver_next(struct outbound *o);

static void on_delivered(void *self, const struct err *err)
{
	struct outbound *o = self;
	struct out_rcpt *r = &o->rcpts[o->rcpt++];

	o->delivery = NULL;
	r->fate = err == NULL                                       ? OUT_SENT
	    : err->kind == ERR_NOT_FOUND || err->kind == ERR_CANNOT ? OUT_FAILED
								    : OUT_RETRY;
	r->enhanced = err == NULL ? "2.0.0" : r->fate == OUT_FAILED ? "5.1.1" : "4.2.0";
	r->reply = err == NULL ? SLICE("delivered here") : arena_dup(o->arena, slice_of(err->text));
	deliver_next(o);
}

static void deliver_next(struct outbound *o)
{
	struct out_local_job job = { o->sender->deps.store, o->cfg, o->arena, o->entry->env.from,
		{ 0 }, { 0 }, { 0 }, o->entry->size };

	if (o->rcpt == o->n) {
		o->over = true;
		flow_release(&o->flow);
		return;
	}
	job.local = o->rcpts[o->rcpt].local;
	job.domain = o->rcpts[o->rcpt].domain;
	job.address = o->rcpts[o->rcpt].address;
	o->delivery = out_local_start(&job, o->body, on_delivered, o);
}

static void talk(void *self)
{
	struct outbound *o = self;

	if (o->over)
		return;
	flow_hold(&o->flow);
	if (o->local)
		deliver_next(o);
	else
		try_host(o);
}

/* --- settle, end --- */

static void settle(void *self)
{
	struct outbound *o = self;

	out_body_close(o->body);
	o->body = NULL;
	if (o->entry != NULL)
		out_settle(o);
}

static void on_ended(void *self)
{
	struct outbound *o = self;
	struct smtp_sender *s = o->sender;
	struct out_item *item = o->item;
	bool report = false, more = o->more;
	int64_t next = o->entry != NULL    ? out_settle_tell(o, &report)
	    : o->err.kind != ERR_NOT_FOUND ? clock_wall() + TAKE_AGAIN
					   : 0;

	list_drop(&o->node);
	arena_free(o->arena); /* frees o: last */
	out_schedule_ended(s, item, next, report || more);
}

void outbound_start(struct smtp_sender *s, struct out_item *item)
{
	struct arena *a = arena_new(0);
	struct outbound *o = arena_alloc(a, sizeof(*o));

	o->arena = a;
	o->sender = s;
	o->item = item;
	o->cfg = s->cfg;
	o->began = clock_ms();
	list_push(&s->live, &o->node);
	flow_start(&o->flow, outbound_steps, on_ended, o);
}

static void run_unmark(struct job *j) /* queue lane */
{
	struct outbound *o = LIST_OWNER(j, struct outbound, unmark);
	struct err ignored;

	(void)queue_work_end(o->sender->deps.store, o->item->id, &ignored);
}

static void on_unmarked(struct job *j)
{
	(void)j; /* the attempt goes on: settle comes behind this on the same lane */
}

/* The process may end before this attempt does. That is no crash of its message's making, and must
 * not count as one (P22): two stops while another host thinks would set the message aside. */
static void unmark(struct outbound *o)
{
	if (!o->marked || o->unmark.run != NULL)
		return;
	o->unmark.run = run_unmark;
	o->unmark.done = on_unmarked;
	lane_force(store_lane(o->sender->deps.store, STORE_QUEUE), &o->unmark);
}

/* The sender drains. What is between two hosts is let go at once, a conversation when patience
 * is over; but behind the final dot its answer is awaited as long as there is time, since an
 * unheard 2xx sends twice. */
void outbound_drain(struct outbound *o, bool patience_over)
{
	bool holds = o->route != NULL || o->dial != NULL || o->talk != NULL;

	if (o->timer != NULL) { /* waits to offer an outcome again: now or never */
		timer_cancel(o->timer);
		o->timer = NULL;
		out_settle_again(o);
		return;
	}
	if (patience_over && o->talk != NULL && out_talk_is_past_dot(o->talk))
		unmark(o);
	if (!holds || (o->talk != NULL && (!patience_over || out_talk_is_past_dot(o->talk))))
		return;
	out_route_cancel(o->route);
	dial_cancel(o->dial);
	out_talk_cancel(o->talk);
	o->route = NULL;
	o->dial = NULL;
	o->talk = NULL;
	o->over = o->dropped = true;
	flow_release(&o->flow);
}
