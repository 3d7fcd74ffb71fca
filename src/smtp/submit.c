/* submit.c: the spine of submission: examine, own address?, complete, sign, room, commit, answer.
 * What leaves is complete, signed and durably queued before the 250; local recipients get theirs in
 * the same commit. Delivery is the sender's business. RFC 6409, RFC 5322 3.6, RFC 6376. Ends: 250;
 * 550 5.7.1 (From is not theirs); 554 (form); 451 4.7.5 (no key that works), 452 4.3.1 (queue
 * full), 451 and 452 (our trouble). */
#include "smtp/in_int.h"
#include "store/senders.h"

#include <stdlib.h>

#include "core/log.h"
#include "core/domain.h"
#include "msg/addr.h"
#include "msg/date.h"
#include "msg/write.h"

struct copy { /* a local account's */
	struct account *account;
	struct slice rcpt;
	struct slice prefix;
};

struct submit {
	struct smtp_end end; /* in the transaction's arena, as all of this */
	struct account *account;
	struct addr_list from;
	struct span *drop; /* Bcc in all its forms (RFC 5322 3.6.3), and what only we may write */
	size_t drop_n;
	struct slice added;           /* fields the message lacked */
	const struct dkim_keys *keys; /* borrowed from ring */
	struct keyring *ring;         /* held while it signs */
	struct slice signatures;
	struct copy *copies;
	size_t copies_n;
	struct queue_rcpt *out;
	size_t out_n;
	uint64_t queue_limit;
	struct job count_job; /* on the queue's lane */
	struct queue_count count;
	struct err count_err;
	int64_t not_before;
	bool by_program; /* a receipt or an automatic answer: nobody wrote it */
};

static void arrive(void *self);
static void examine(void *self);
static void own(void *self);
static void sign(void *self);
static void room(void *self);
static void commit(void *self);
static void on_ended(void *self);

static const struct flow_step submit_steps[] = {
	{ "arrive", arrive },   /* the draft becomes readable */
	{ "examine", examine }, /* msg/header.h; what is missing, what must go: on a worker */
	{ "own", own },         /* core/cfg.h: is every From address theirs? which keys sign? */
	{ "sign", sign },       /* dkim/sign.h: on a worker */
	{ "room", room },       /* store/queue.h: L_QUEUE */
	{ "commit", commit },   /* store/draft.h: INBOXes and queue entry together, or nothing */
	{ NULL, NULL },         /* on_ended answers */
};

/* Who gets a copy here, and who out there? */
static void divide(struct submit *sub)
{
	struct smtp_tx *tx = sub->end.tx;
	size_t local = 1, out = 1, i;

	for (const struct smtp_rcpt *r = tx->rcpts; r != NULL; r = r->next) {
		local += r->accounts_n;
		out += r->accounts_n == 0;
	}
	sub->copies = arena_array(tx->arena, local, sizeof(*sub->copies));
	sub->out = arena_array(tx->arena, out, sizeof(*sub->out));
	for (const struct smtp_rcpt *r = tx->rcpts; r != NULL; r = r->next) {
		if (r->accounts_n == 0) {
			sub->out[sub->out_n++] = (struct queue_rcpt){
				.address = r->address, .orcpt = r->orcpt, .notify = r->notify
			};
			continue;
		}
		for (size_t k = 0; k < r->accounts_n; k++) {
			for (i = 0; i < sub->copies_n && sub->copies[i].account != r->accounts[k];
			     i++)
				;
			if (i == sub->copies_n)
				sub->copies[sub->copies_n++] =
				    (struct copy){ .account = r->accounts[k], .rcpt = r->address };
		}
	}
}

void submit_start(struct smtp_in *s)
{
	struct submit *sub = arena_alloc(s->tx->arena, sizeof(*sub));

	sub->account = s->account;
	sub->queue_limit = smtp_in_cfg(s)->limits.queue;
	smtp_end_begin(&sub->end, s, submit_steps, on_ended, sub);
}

static void arrive(void *self)
{
	struct submit *sub = self;

	divide(sub);
	smtp_end_arrive(&sub->end);
}

static int cmp_span(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->at < y->at ? -1 : x->at > y->at);
}

/* RFC 3834 5, RFC 8098 3: an automatic answer, a receipt. */
static bool is_by_program(const struct smtp_end *e)
{
	const struct field *automatic = header_first(&e->header, SLICE("Auto-Submitted")),
			   *type = header_first(&e->header, SLICE("Content-Type"));

	return (e->tx->from.text.n == 0 ||
	    (automatic != NULL && !slice_istarts(slice_trim(automatic->body), SLICE("no"))) ||
	    (type != NULL && slice_istarts(slice_trim(type->body), SLICE("multipart/report"))));
}

static void run_examine(struct job *j) /* worker */
{
	struct smtp_end *e = smtp_end_of(j);
	struct submit *sub = (struct submit *)e;
	struct arena *a = e->tx->arena;
	const struct header *h = &e->header;
	struct buf added = BUF_INIT(L_REPLY_OCTETS);

	if (smtp_end_examine(e) == -1)
		return;
	sub->by_program = is_by_program(e);
	addr_parse(a, header_first(h, SLICE("From"))->body, &sub->from);
	sub->drop = arena_array(a, h->n > 0 ? h->n : 1, sizeof(*sub->drop));
	sub->drop_n = smtp_end_forgeries(e, sub->drop);
	for (size_t i = 0; i < h->n; i++)
		if (slice_ieq(h->fields[i].name, SLICE("Bcc")) ||
		    slice_ieq(h->fields[i].name, SLICE("Resent-Bcc")))
			sub->drop[sub->drop_n++] =
			    (struct span){ h->fields[i].offset, h->fields[i].raw.n };
	if (sub->drop_n > 1) /* in the order of the message */
		qsort(sub->drop, sub->drop_n, sizeof(*sub->drop), cmp_span);
	if (header_first(h, SLICE("Date")) == NULL) { /* RFC 6409 8.2 */
		buf_addz(&added, "Date: ");
		(void)date_write(&added, clock_wall());
		buf_addz(&added, "\r\n");
	}
	if (header_first(h, SLICE("Message-ID")) == NULL) { /* RFC 6409 8.3 */
		struct buf id = BUF_INIT(L_REPLY_TEXT);

		(void)write_message_id(&id, e->hostname);
		e->message_id = arena_dup(a, buf_slice(&id));
		buf_fmt(&added, "Message-ID: %s\r\n", buf_z(&id));
		buf_free(&id);
	}
	sub->added = arena_dup(a, buf_slice(&added));
	if (added.failed)
		err_set(&e->err, ERR_TEMPORARY, "complete the header: out of room");
	buf_free(&added);
}

static void examine(void *self)
{
	struct submit *sub = self;

	smtp_end_work(&sub->end, run_examine);
}

static bool from_is_theirs(
    const struct submit *sub, const struct cfg *cfg, struct slice *ret_domain)
{
	size_t mailboxes = 0;

	for (size_t i = 0; i < sub->from.n; i++) {
		const struct addr *ad = &sub->from.v[i];

		if (ad->kind != ADDR_MAILBOX)
			continue;
		if (!cfg_owns(cfg, account_cfg(sub->account), ad->local, ad->domain))
			return (false);
		if (mailboxes++ == 0)
			*ret_domain = ad->domain;
	}
	return (mailboxes > 0 && !sub->from.faulty);
}

static void own(void *self)
{
	struct submit *sub = self;
	struct smtp_end *e = &sub->end;
	struct slice domain = { 0 };

	if (account_is_gone(sub->account))
		smtp_end_stop(
		    e, 451, "4.7.0", "this account is no more", "defer", "account removed");
	else if (!from_is_theirs(sub, e->server->cfg, &domain))
		smtp_end_stop(e, 550, "5.7.1", "the From address is not yours", "reject",
		    "From is not owned");
	else if (sub->out_n > 0) {
		domain = domain_ascii(e->tx->arena, domain);
		if ((sub->keys = smtp_server_keys(e->server, domain, &sub->ring)) == NULL)
			smtp_end_stop(e, 451, "4.7.5",
			    "the signing key of this domain is out of order", "defer",
			    "no signing key");
		else if (account_cfg(sub->account)->send_delay_ms > 0)
			sub->not_before = clock_wall() +
			    (int64_t)(account_cfg(sub->account)->send_delay_ms / 1000);
	}
}

/* The message as it will leave, in one piece; only where something is added or left out. */
static int rebuild(const struct submit *sub, struct slice message, struct buf *out)
{
	uint64_t at = 0;

	buf_add_slice(out, sub->added);
	for (size_t i = 0; i < sub->drop_n; i++) {
		buf_add(out, message.p + at, (size_t)(sub->drop[i].at - at));
		at = sub->drop[i].at + sub->drop[i].n;
	}
	buf_add(out, message.p + at, message.n - (size_t)at);
	return (out->failed ? -1 : 0);
}

static void run_sign(struct job *j) /* worker */
{
	struct smtp_end *e = smtp_end_of(j);
	struct submit *sub = (struct submit *)e;
	struct slice message = draft_bytes(e->tx->draft);
	struct buf whole, signatures = BUF_INIT(L_REPLY_OCTETS);

	buf_init(&whole, message.n + sub->added.n);
	if (sub->added.n > 0 || sub->drop_n > 0) {
		if (rebuild(sub, message, &whole) == -1) {
			err_set(&e->err, ERR_TEMPORARY, "sign: out of memory");
			goto out;
		}
		message = buf_slice(&whole);
	}
	if (dkim_sign(sub->keys, message, clock_wall(), &signatures, &e->err) == -1)
		/* A header that cannot be signed today cannot be tomorrow. */
		e->err.kind = e->err.kind == ERR_LIMIT ? ERR_PEER : ERR_TEMPORARY;
	else
		sub->signatures = arena_dup(e->tx->arena, buf_slice(&signatures));
out:
	buf_free(&whole);
	buf_free(&signatures);
}

static void sign(void *self)
{
	struct submit *sub = self;

	if (sub->out_n > 0)
		smtp_end_work(&sub->end, run_sign);
}

static void run_count(struct job *j) /* worker */
{
	struct submit *sub = LIST_OWNER(j, struct submit, count_job);

	if (queue_count(sub->end.server->deps.store, &sub->count, &sub->count_err) == -1 &&
	    sub->count_err.kind == ERR_NONE)
		sub->count_err.kind = ERR_TEMPORARY;
}

static void on_counted(struct job *j)
{
	struct submit *sub = LIST_OWNER(j, struct submit, count_job);

	if (sub->count_err.kind != ERR_NONE)
		smtp_end_stop_err(&sub->end, &sub->count_err);
	else if (sub->count.entries >= sub->queue_limit || sub->count.octets >= SMTP_QUEUE_OCTETS)
		smtp_end_stop(&sub->end, 452, "4.3.1", "the queue is full, try again later",
		    "defer", "queue at its limit");
	flow_release(&sub->end.flow);
}

static void room(void *self)
{
	struct submit *sub = self;

	if (sub->out_n == 0)
		return;
	sub->count_job.run = run_count;
	sub->count_job.done = on_counted;
	if (lane_put(store_lane(sub->end.server->deps.store, STORE_QUEUE), &sub->count_job) == -1) {
		smtp_end_stop(&sub->end, 451, "4.3.0", "too busy, try again soon", "defer",
		    "queue lane full");
		return;
	}
	flow_hold(&sub->end.flow);
}

static void on_committed(void *self, const struct commit_result *r)
{
	struct submit *sub = self;
	struct smtp_end *e = &sub->end;

	if (r->err != NULL)
		smtp_end_stop_err(e, r->err);
	else {
		e->reply = (struct smtp_reply){ 250, "2.0.0",
			arena_fmt(e->tx->arena, "%s as %s", sub->out_n > 0 ? "queued" : "accepted",
			    e->tx->id) };
		e->act = sub->out_n > 0 ? "queued" : "accept";
		e->cause =
		    r->queue_id != NULL ? arena_fmt(e->tx->arena, "queue %s", r->queue_id) : NULL;
	}
	flow_release(&e->flow);
}

/* The writer's address and host name stay private: Received tells the time and that they logged in
 * (RFC 5321 7.6). */
static void stamp_copy(const struct submit *sub, struct copy *copy, struct buf *out)
{
	const struct smtp_end *e = &sub->end;
	struct arena *a = e->tx->arena;

	buf_reset(out);
	(void)write_field(out, "Return-Path",
	    slice_of(arena_fmt(a, "<" SLICE_FMT ">", SLICE_ARG(e->tx->from.text))));
	(void)write_field(out, "Delivered-To", copy->rcpt);
	smtp_end_trace(e, copy->rcpt, false, out);
	buf_add_slice(out, sub->added);
	copy->prefix = arena_dup(a, buf_slice(out));
}

static void commit(void *self)
{
	struct submit *sub = self;
	struct smtp_end *e = &sub->end;
	const struct smtp_tx *tx = e->tx;
	struct commit_target *targets;
	struct queue_envelope env = {
		.from = tx->from.text,
		.account = slice_of(account_name(sub->account)),
		.envid = tx->envid,
		.ret_full = tx->dsn_full,
		.smtputf8 = tx->smtputf8,
		.eightbit = tx->eightbit,
		.rcpts = sub->out,
		.rcpts_n = sub->out_n,
		.not_before = sub->not_before,
	};
	struct commit c = { .draft = tx->draft, .drop = sub->drop, .drop_n = sub->drop_n };
	struct buf out = BUF_INIT(L_HDR);
	bool failed = false;

	if (!smtp_end_wanted(e))
		return;
	targets = arena_array(tx->arena, sub->copies_n + 1, sizeof(*targets));
	for (size_t i = 0; i < sub->copies_n; i++) {
		stamp_copy(sub, &sub->copies[i], &out);
		targets[i].account = sub->copies[i].account;
		targets[i].role = ROLE_INBOX; /* our own people's mail is not judged */
		targets[i].prefix = sub->copies[i].prefix;
		targets[i].date = clock_wall();
		failed = failed || out.failed;
	}
	c.targets = targets;
	c.targets_n = sub->copies_n;
	if (sub->out_n > 0) {
		buf_reset(&out);
		smtp_end_trace(e, (struct slice){ 0 }, false, &out);
		buf_add_slice(&out, sub->signatures);
		buf_add_slice(&out, sub->added);
		c.queue = &env;
		c.queue_prefix = arena_dup(tx->arena, buf_slice(&out));
	}
	if (failed || out.failed)
		smtp_end_stop_err(
		    e, &(struct err){ .kind = ERR_TEMPORARY, .text = "trace fields too long" });
	else {
		flow_hold(&e->flow);
		(void)store_commit(
		    e->server->deps.store, &c, on_committed, sub); /* never cancelled */
	}
	buf_free(&out);
}

/* Whom one writes to one wants to hear from: noted beside the answer, which does not wait for it. */
struct wrote_job {
	struct job job;
	struct store *store;
	struct arena *arena; /* owned; holds this too */
	struct slice account, *to;
	size_t n;
	struct err err;
};

static void run_wrote(struct job *j)
{
	struct wrote_job *w = LIST_OWNER(j, struct wrote_job, job);

	(void)correspondent_wrote(w->store, w->account, w->to, w->n, clock_wall(), &w->err);
}

static void on_wrote(struct job *j)
{
	struct wrote_job *w = LIST_OWNER(j, struct wrote_job, job);

	if (w->err.kind != ERR_NONE)
		log_event(LOG_WARN, NULL, "correspondents", "account", w->account.p, "why",
		    w->err.text, "now", "their answers are judged as strangers' mail", NULL);
	arena_free(w->arena);
}

static void note_correspondents(const struct submit *sub)
{
	struct arena *a = arena_new(0);
	struct wrote_job *w = arena_alloc(a, sizeof(*w));
	const struct smtp_tx *tx = sub->end.tx;

	w->arena = a;
	w->store = sub->end.server->deps.store;
	w->account = arena_dup(a, slice_of(account_name(sub->account)));
	w->to = arena_array(a, tx->rcpts_n, sizeof(*w->to));
	for (const struct smtp_rcpt *r = tx->rcpts; r != NULL; r = r->next) {
		size_t at = slice_rchr(r->address, '@');

		if (at == SIZE_MAX)
			continue;
		w->to[w->n] =
		    addr_fold(a, slice_head(r->address, at), slice_from(r->address, at + 1));
		w->n += w->to[w->n].n > 0;
	}
	w->job.run = run_wrote;
	w->job.done = on_wrote;
	lane_force(
	    store_lane(w->store, STORE_STATE), &w->job); /* one a submission: bounded by these */
}

static void on_ended(void *self)
{
	struct submit *sub = self;
	struct smtp_end *e = &sub->end;
	bool ok = e->reply.code == 250;
	char peer[IP_TEXT];

	keyring_release(sub->ring);
	for (const struct smtp_rcpt *r = e->tx->rcpts; r != NULL; r = r->next) {
		struct ledger_row row = smtp_end_row(e);

		row.peer = slice_of(ip_text(&e->facts.peer, peer));
		row.rcpt = r->address;
		row.account = slice_of(account_name(sub->account));
		if (ok)
			row.act = r->accounts_n > 0 ? SLICE("accept") : SLICE("queued");
		ledger_add(e->server->deps.store, &row);
	}
	if (ok) {
		e->server->counts.submitted++;
		if (!sub->by_program)
			note_correspondents(sub);
	} else if (e->reply.code >= 500)
		e->server->counts.rejected++;
	else
		e->server->counts.deferred++;
	smtp_end_answer(e);
}
