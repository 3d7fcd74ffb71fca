/* out_settle.c: what becomes of each recipient after an attempt, and who is told? Sent, tried
 * again later, or given up; failures, a delay of L_QUEUE_WARN_SECONDS and asked-for successes go
 * into one report, which enters the queue in the very transaction in which its recipients leave
 * it (P5, P6). Until the queue has taken the outcome it is offered again: forgetting a 2xx would
 * send twice. A message without a sender begets no report (RFC 5321 6.1; OUT-15). RFC 3461 5,
 * RFC 5321 4.5.4.1. Leaves wording to out_dsn.c, transactions to store/queue.c. */
#include "smtp/out_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/domain.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "msg/header.h"
#include "store/ledger.h"

struct out_verdict {
	struct queue_outcome *outcomes;
	struct dsn_rcpt *notices;
	size_t n, sent, retried, failed, dropped;
	bool wants_report;
	int64_t now, next;
	char report_id[QUEUE_ID + 1];
};

/* --- deciding: on the loop, nothing but arithmetic --- */

/* RFC 3461 4.1: NEVER silences all; without the parameter failures are reported, and delays as
 * we please. */
static bool asked_for(const struct out_rcpt *r, unsigned what)
{
	if (r->notify == 0)
		return ((what & (NOTIFY_FAILURE | NOTIFY_DELAY)) != 0);
	return ((r->notify & what) != 0);
}

static int64_t since(const struct outbound *o)
{
	const struct queue_entry *e = o->entry;

	return (e->env.not_before > e->arrived ? e->env.not_before : e->arrived);
}

static void decide_retry(
    struct outbound *o, struct out_rcpt *r, struct queue_outcome *q, enum dsn_action *ret)
{
	struct out_verdict *v = o->verdict;
	uint16_t spread;

	if (v->now >= o->entry->expires) { /* RFC 5321 4.5.4.1: given up */
		r->fate = OUT_FAILED;
		r->enhanced = "4.4.7"; /* RFC 3463 3.5: delivery time expired */
		q->kind = OUTCOME_FAILED;
		*ret = asked_for(r, NOTIFY_FAILURE) ? DSN_FAILED : DSN_NONE;
		return;
	}
	secret_random(&spread, sizeof(spread));
	q->kind = OUTCOME_RETRY;
	q->next_try = v->now + out_backoff(r->tries, spread);
	if (q->next_try > o->entry->expires)
		q->next_try = o->entry->expires; /* one last time then */
	if (v->next == 0 || q->next_try < v->next)
		v->next = q->next_try;
	if (!r->warned && v->now - since(o) >= L_QUEUE_WARN_SECONDS && asked_for(r, NOTIFY_DELAY) &&
	    o->entry->env.from.n > 0) {
		q->kind = OUTCOME_WARNED;
		*ret = DSN_DELAYED;
	}
}

static void decide_one(struct outbound *o, struct out_rcpt *r)
{
	struct out_verdict *v = o->verdict;
	struct queue_outcome *q = &v->outcomes[v->n];
	struct dsn_rcpt *d = &v->notices[v->n];
	enum dsn_action action = DSN_NONE;

	if (r->fate == OUT_OPEN)
		return; /* dropped: nothing was tried with it */
	v->n++;
	q->rcpt = r->row;
	q->reply = r->reply;
	switch (r->fate) {
	case OUT_SENT:
		q->kind = OUTCOME_DELIVERED;
		if (r->notify != 0 && asked_for(r, NOTIFY_SUCCESS))
			action = o->local            ? DSN_DELIVERED
			    : o->talk_result.has_dsn ? DSN_NONE
						     : DSN_RELAYED; /* RFC 3461 5.2.3 */
		break;
	case OUT_FAILED:
		q->kind = OUTCOME_FAILED;
		action = asked_for(r, NOTIFY_FAILURE) ? DSN_FAILED : DSN_NONE;
		break;
	case OUT_RETRY: decide_retry(o, r, q, &action); break;
	case OUT_OPEN: break;
	}
	v->sent += r->fate == OUT_SENT;
	v->failed += r->fate == OUT_FAILED;
	v->retried += r->fate == OUT_RETRY;
	if (o->entry->env.from.n == 0) { /* DSNs never beget DSNs */
		v->dropped += r->fate == OUT_FAILED;
		action = DSN_NONE;
	}
	d->action = action;
	d->address = r->address;
	d->orcpt = r->orcpt;
	d->status = r->enhanced;
	d->reply = r->reply;
	d->until = o->entry->expires;
	if (r->peer_said && o->host < o->hosts.n)
		d->remote = o->hosts.v[o->host].name;
	v->wants_report = v->wants_report || action != DSN_NONE;
}

static void decide(struct outbound *o)
{
	struct out_verdict *v = arena_alloc(o->arena, sizeof(*v));

	o->verdict = v;
	v->now = clock_wall();
	v->outcomes = arena_array(o->arena, o->n + 1, sizeof(*v->outcomes));
	v->notices = arena_array(o->arena, o->n + 1, sizeof(*v->notices));
	for (size_t i = 0; i < o->n; i++)
		decide_one(o, &o->rcpts[i]);
}

/* --- recording: on the queue's lane --- */

/* As much of the message as a report returns; in CRLF form. A message that cannot be read is
 * reported without it. */
static struct slice read_head(const struct outbound *o, bool *ret_full, struct buf *out)
{
	char path[64], piece[16384];
	struct stuff stuff = { 0 };
	struct header h;
	ssize_t n;
	int fd;

	queue_path(o->entry->id, path);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return ((struct slice){ "", 0 });
	while ((n = read(fd, piece, sizeof(piece))) > 0 || (n == -1 && errno == EINTR))
		if (n > 0 &&
		    stuff_add(&stuff, (struct slice){ piece, (size_t)n }, false, out) == -1)
			break; /* full: what a header may need is in */
	(void)close(fd);
	*ret_full = *ret_full && n == 0 && !out->failed;
	if (*ret_full)
		return (buf_slice(out));
	header_parse(o->arena, buf_slice(out), &h);
	return (slice_head(buf_slice(out), h.size < DSN_HEADER_MAX ? h.size : DSN_HEADER_MAX));
}

/* Whole lines only: a report whose last line was cut in two would show a field that never was. */
static struct slice whole_lines(struct slice s)
{
	size_t at = slice_rchr(s, '\n');

	return (at == SIZE_MAX ? (struct slice){ "", 0 } : slice_head(s, at + 1));
}

static struct slice domain_for(const struct outbound *o)
{
	struct slice from = o->entry->env.from,
		     domain = slice_from(from, slice_rchr(from, '@') + 1);

	if (slice_rchr(from, '@') != SIZE_MAX && cfg_domain_is_local(o->cfg, domain))
		return (domain);
	return (o->cfg->domains != NULL ? o->cfg->domains->name : slice_of(o->cfg->hostname));
}

static bool is_utf8(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return (true);
	return (false);
}

static int write_report(struct outbound *o, struct buf *text)
{
	struct out_verdict *v = o->verdict;
	const struct queue_envelope *env = &o->entry->env;
	struct buf message = BUF_INIT(DSN_FULL_MAX);
	struct dsn d = {
		.hostname = o->cfg->hostname,
		.domain = domain_for(o),
		.to = env->from,
		.envid = env->envid,
		.queue_id = o->entry->id,
		.arrived = o->entry->arrived,
		.now = v->now,
		.rcpts = v->notices,
		.n = v->n,
		.utf8 = env->smtputf8 || is_utf8(env->from),
	};
	bool failed = false;
	int ret;

	for (size_t i = 0; i < v->n; i++)
		failed = failed || v->notices[i].action == DSN_FAILED;
	d.full = env->ret_full && failed; /* RFC 3461 4.3: of failures only */
	d.message = read_head(o, &d.full, &message);
	if (!d.full)
		d.message = whole_lines(d.message);
	ret = out_dsn_write(&d, text);
	buf_free(&message);
	return (ret);
}

static int record(struct outbound *o)
{
	struct out_verdict *v = o->verdict;
	struct store *s = o->sender->deps.store;
	struct buf text = BUF_INIT(DSN_MAX);
	struct queue_rcpt to = { .address = o->entry->env.from };
	struct queue_report report = { .env = { .rcpts = &to, .rcpts_n = 1 } };
	int ret = -1;

	if (v->wants_report) {
		if (write_report(o, &text) == -1) {
			err_set(&o->err, ERR_TEMPORARY, "write a delivery report: out of memory");
			goto out;
		}
		report.content = buf_slice(&text);
		report.env.smtputf8 = is_utf8(o->entry->env.from) ||
		    (o->entry->env.smtputf8 && is_utf8(report.content));
		report.env.eightbit = is_utf8(report.content);
	}
	ret = queue_settle(s, o->entry->id, v->outcomes, v->n, v->wants_report ? &report : NULL,
	    v->report_id, &o->err);
	if (ret == -1 && o->err.kind == ERR_NOT_FOUND) { /* an operator deleted it meanwhile */
		o->err = (struct err){ 0 };
		v->report_id[0] = '\0';
		ret = 0;
	}
out:
	buf_free(&text);
	return (ret);
}

static void run(struct job *j)
{
	struct outbound *o = LIST_OWNER(j, struct outbound, job);
	struct err ignored;

	o->err = (struct err){ 0 };
	if (o->verdict->n > 0 && record(o) == -1) {
		if (o->err.kind == ERR_NONE)
			o->err.kind = ERR_TEMPORARY;
		return;
	}
	if (o->marked)
		(void)queue_work_end(o->sender->deps.store, o->item->id, &ignored);
}

static void put(void *self);

static void done(struct job *j)
{
	struct outbound *o = LIST_OWNER(j, struct outbound, job);

	if (o->err.kind == ERR_NONE) {
		flow_release(&o->flow);
		return;
	}
	log_event(LOG_ERROR, arena_fmt(o->arena, "m-%s", o->item->id), "out settle", "why",
	    o->err.text, "next", "again in 10s", NULL);
	if (o->sender->draining) { /* what was not recorded is tried again after the start */
		o->verdict->n = 0;
		flow_release(&o->flow);
		return;
	}
	o->timer = timer_start(o->sender->deps.loop, OUT_SETTLE_MS, put, o);
}

static void put(void *self)
{
	struct outbound *o = self;

	o->timer = NULL;
	o->job.run = run;
	o->job.done = done;
	lane_force(store_lane(o->sender->deps.store, STORE_QUEUE), &o->job);
}

void out_settle_again(struct outbound *o)
{
	put(o);
}

void out_settle(struct outbound *o)
{
	decide(o);
	if (o->verdict->n == 0 && !o->marked)
		return;
	flow_hold(&o->flow);
	put(o);
}

/* --- telling --- */

static void ledger(struct outbound *o, const struct out_rcpt *r)
{
	char peer[IP_TEXT] = "", id[QUEUE_ID + 3];
	struct ledger_row row = { .mail_from = o->entry->env.from,
		.rcpt = r->address,
		.account = o->entry->env.account,
		.reply = r->reply };

	(void)snprintf(id, sizeof(id), "m-%s", o->entry->id);
	row.message = slice_of(id);
	row.act = r->fate == OUT_SENT ? SLICE("sent")
	    : r->fate == OUT_FAILED   ? SLICE("bounced")
				      : SLICE("deferred");
	if (!o->local && o->host < o->hosts.n)
		row.peer = slice_of(ip_text(&o->hosts.v[o->host].ip, peer));
	ledger_add(o->sender->deps.store, &row);
}

static const char *next_text(const struct outbound *o)
{
	const struct out_verdict *v = o->verdict;
	int64_t left = v->next - v->now;

	if (v->retried > 0)
		return (arena_fmt(o->arena, "%zu again in %llds", v->retried, (long long)left));
	if (v->dropped > 0)
		return ("dropped, a report begets no report");
	if (v->failed > 0)
		return (
		    v->report_id[0] != '\0' ? "reported to the sender" : "no report was asked for");
	return (NULL);
}

/* One line an attempt: the worst recipient speaks for it. */
static void say(struct outbound *o)
{
	const struct out_verdict *v = o->verdict;
	const struct out_rcpt *r = &o->rcpts[0];
	const char *host = o->local ? "here" : NULL;
	char peer[IP_TEXT];

	for (size_t i = 0; i < o->n; i++)
		if (o->rcpts[i].fate > r->fate)
			r = &o->rcpts[i];
	if (!o->local && o->host < o->hosts.n)
		host = arena_fmt(o->arena, "%s[%s]", o->hosts.v[o->host].name,
		    ip_text(&o->hosts.v[o->host].ip, peer));
	log_event(v->failed > 0 ? LOG_WARN : LOG_INFO, arena_fmt(o->arena, "m-%s", o->entry->id),
	    "out", "to",
	    o->n > 1 ? arena_fmt(o->arena, SLICE_FMT " +%zu", SLICE_ARG(r->address), o->n - 1)
		     : arena_strdup(o->arena, r->address),
	    "host", host, "tls",
	    o->talk_result.tls != NULL && o->talk_result.tls[0] != '\0' ? o->talk_result.tls
									: "none",
	    "code", arena_strdup(o->arena, r->reply), "sent", arena_fmt(o->arena, "%zu", v->sent),
	    "failed", v->failed > 0 ? arena_fmt(o->arena, "%zu", v->failed) : NULL, "report",
	    v->report_id[0] != '\0' ? v->report_id : NULL, "next", next_text(o), NULL);
}

int64_t out_settle_tell(struct outbound *o, bool *ret_report)
{
	struct smtp_sender_counts *c = &o->sender->counts;
	const struct out_verdict *v = o->verdict;

	*ret_report = false;
	if (v == NULL || v->n == 0)
		return (0);
	*ret_report = v->report_id[0] != '\0';
	c->delivered += v->sent;
	c->failed += v->failed;
	c->deferred += v->retried;
	c->dropped_reports += v->dropped;
	c->reports += *ret_report;
	for (size_t i = 0; i < o->n; i++)
		if (o->rcpts[i].fate != OUT_OPEN)
			ledger(o, &o->rcpts[i]);
	say(o);
	return (v->next);
}
