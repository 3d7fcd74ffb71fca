/* status.c: how is the server? /status.json for programs, / for people, /metrics for Prometheus,
 * /health for one bit (P20). */
#include "admin/ops_int.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/units.h"
#include "store/ledger.h"
#include "store/mailbox.h"
#include "store/queue.h"
#include "store/text_index.h"

/* --- what is not well --- */

static void add_reason(void *arg, const char *why)
{
	json_put_stringz(arg, NULL, why);
}

static void count_reason(void *arg, const char *why)
{
	(void)why;
	++*(unsigned *)arg;
}

/* What the queue was when this answer was begun (status_work). */
static const struct queue_count *queue_of(const struct ops_call *c)
{
	return ((const struct queue_count *)(const void *)c->arg[0].p);
}

/* Calls back for each thing that is not well. Mail that waits longer than its sender is told about
 * it is one (P20). */
static void each_degraded(
    struct ops_call *c, void (*on_reason)(void *arg, const char *why), void *arg)
{
	int64_t oldest = queue_of(c)->oldest, now = clock_wall();
	char text[160];

	if (c->ops->each_degraded != NULL)
		c->ops->each_degraded(c->ops->self, on_reason, arg);
	if (oldest == 0 || now - oldest <= L_QUEUE_WARN_SECONDS)
		return;
	(void)snprintf(text, sizeof(text),
	    "mail has waited in the queue for %lld hours; see why with: pennypost queue list",
	    (long long)(now - oldest) / 3600);
	on_reason(arg, text);
}

static unsigned degraded_count(struct ops_call *c)
{
	unsigned n = 0;

	each_degraded(c, count_reason, &n);
	return (n);
}

/* --- counters, grouped --- */

struct group_writer {
	struct json *j;
	const char *open; /* the group under way */
};

static void add_count(void *arg, const char *group, const char *name, uint64_t value, bool counter)
{
	struct group_writer *w = arg;

	(void)counter;
	if (w->open == NULL || strcmp(w->open, group) != 0) {
		if (w->open != NULL)
			json_close(w->j, '}');
		json_open(w->j, group, '{');
		w->open = group;
	}
	json_put_uint(w->j, name, value);
}

/* --- status.json --- */

static void status_work(struct ops_call *c) /* on the queue lane: the counts of the queue */
{
	struct queue_count *q = arena_alloc(c->arena, sizeof(*q));

	if (queue_count(c->ops->store, q, &c->err) == -1)
		return;
	c->arg[0] = (struct slice){ (const char *)q, sizeof(*q) };
}

/* By account: the full-text index. */
static void search_write(struct ops_call *c, struct json *j)
{
	json_open(j, "search", '{');
	for (struct account *a = store_account_next(c->ops->store, NULL); a != NULL;
	     a = store_account_next(c->ops->store, a)) {
		struct text_status s;

		if (account_is_gone(a))
			continue;
		text_status(a, &s);
		json_open(j, account_name(a), '{');
		json_put_stringz(j, "state", text_state_name(s.state));
		json_put_uint(j, "octets", s.octets);
		json_put_uint(j, "documents", s.documents);
		json_put_uint(j, "messages", s.messages);
		json_put_uint(j, "messages_done", s.messages_done);
		json_put_uint(j, "missed", s.missed);
		if (s.state == TEXT_HELD)
			json_put_stringz(j, "why", s.why);
		json_close(j, '}');
	}
	json_close(j, '}');
}

static void put_period(struct json *j, const char *key, uint64_t ms)
{
	if (ms == CFG_OFF)
		json_put_stringz(j, key, NULL);
	else
		json_put_uint(j, key, ms / 1000);
}

/* In seconds; null: off. Accounts that differ have their own. */
static void write_expire(struct json *j, const struct ops *o)
{
	json_open(j, "expire", '{');
	put_period(j, "junk", o->cfg->expire.junk_ms);
	put_period(j, "trash", o->cfg->expire.trash_ms);
	put_period(j, "undelete", o->cfg->expire.undelete_ms);
	json_put_int(j, "held", store_expire_held(o->store));
	json_open(j, "accounts", '{');
	for (const struct cfg_account *a = o->cfg->accounts; a != NULL; a = a->next) {
		if (a->expire_junk_ms == 0 && a->expire_trash_ms == 0)
			continue;
		json_open(j, a->name, '{');
		put_period(j, "junk", expire_period(o->cfg, a, ROLE_JUNK));
		put_period(j, "trash", expire_period(o->cfg, a, ROLE_TRASH));
		json_close(j, '}');
	}
	json_close(j, '}');
	json_close(j, '}');
}

static void list_write(void *arg, const struct list_status *l)
{
	struct json *j = arg;

	json_open(j, NULL, '{');
	json_put_string(j, "zone", l->list->zone);
	json_put_stringz(j, "kind", cfg_list_kind_name(l->list->kind));
	json_put_stringz(j, "state", l->state);
	json_put_stringz(j, "why", l->why[0] != '\0' ? l->why : NULL);
	json_put_uint(j, "asked", l->asked);
	json_put_uint(j, "listed", l->listed);
	json_put_uint(j, "unknown", l->unknown);
	json_close(j, '}');
}

static void status_write(struct ops_call *c)
{
	const struct queue_count *q = queue_of(c);
	struct ops *o = c->ops;
	struct loop_delay delay = loop_delay_get(o->loop);
	struct group_writer groups = { 0 };
	struct json j;

	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_stringz(&j, "version", PENNYPOST_VERSION);
	json_put_bool(&j, "ready", o->ready);
	json_put_int(&j, "started", o->started);
	json_open(&j, "degraded", '[');
	each_degraded(c, add_reason, &j);
	json_close(&j, ']');
	json_open(&j, "loop_delay_ms", '{');
	json_put_real(&j, "max", (double)delay.max_us / 1000.0);
	json_put_real(&j, "p999", (double)delay.p999_us / 1000.0);
	json_close(&j, '}');
	json_open(&j, "queue", '{');
	json_put_uint(&j, "entries", q->entries);
	json_put_uint(&j, "recipients", q->recipients);
	json_put_uint(&j, "held", q->held);
	json_put_uint(&j, "octets", q->octets);
	json_put_int(&j, "oldest", q->oldest);
	json_close(&j, '}');
	json_open(&j, "sandbox", '{');
	json_put_int(&j, "landlock", o->sandbox.landlock);
	json_put_bool(&j, "seccomp", o->sandbox.seccomp);
	json_put_bool(&j, "root", o->sandbox.root);
	json_close(&j, '}');
	json_open(&j, "accounts", '[');
	for (struct account *a = store_account_next(o->store, NULL); a != NULL;
	     a = store_account_next(o->store, a))
		if (!account_is_gone(a))
			json_put_stringz(&j, NULL, account_name(a));
	json_close(&j, ']');
	search_write(c, &j);
	write_expire(&j, o);
	ops_trace_write(o, &j);
	json_open(&j, "lists", '[');
	if (o->each_list != NULL)
		o->each_list(o->self, list_write, &j);
	json_close(&j, ']');
	json_put_uint(&j, "ledger_dropped", ledger_dropped(o->store));
	groups.j = &j;
	if (o->each_count != NULL)
		o->each_count(o->self, add_count, &groups);
	if (groups.open != NULL)
		json_close(&j, '}');
	json_close(&j, '}');
}

void ops_status(struct ops_call *c)
{
	ops_work(c, STORE_QUEUE, status_work, status_write);
}

static void on_reloaded(void *self, const struct err *err)
{
	struct ops_call *c = self;

	if (err != NULL) {
		ops_fail(c, err);
		return;
	}
	(void)buf_addz(&c->out, "{\"reloaded\":true}");
	ops_reply_json(c);
}

void ops_reload(struct ops_call *c)
{
	if (c->ops->reload != NULL) {
		c->ops->reload(c->ops->self, on_reloaded, c);
		return;
	}
	(void)err_set(&c->err, ERR_CANNOT, "no server is running");
	ops_fail(c, &c->err);
}

/* --- metrics (Prometheus text format 0.0.4) --- */

static void metric_count(
    void *arg, const char *group, const char *name, uint64_t value, bool counter)
{
	struct buf *out = arg;
	const char *suffix = counter ? "_total" : "";

	(void)buf_fmt(out, "# TYPE pennypost_%s_%s%s %s\npennypost_%s_%s%s %llu\n", group, name,
	    suffix, counter ? "counter" : "gauge", group, name, suffix, (unsigned long long)value);
}

/* Zones are names in the DNS, so they need no escapes. */
static void metric_list(void *arg, const struct list_status *l)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "well", strcmp(l->state, "well") == 0 },
		{ "asked_total", l->asked },
		{ "listed_total", l->listed },
		{ "unknown_total", l->unknown },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		(void)buf_fmt(arg, "pennypost_list_%s{zone=\"" SLICE_FMT "\",kind=\"%s\"} %llu\n",
		    rows[i].name, SLICE_ARG(l->list->zone), cfg_list_kind_name(l->list->kind),
		    (unsigned long long)rows[i].value);
}

static void metrics_write(struct ops_call *c)
{
	const struct queue_count *q = queue_of(c);
	struct loop_delay delay = loop_delay_get(c->ops->loop);
	struct buf *out = &c->out;

	(void)buf_fmt(
	    out, "# TYPE pennypost_up gauge\npennypost_up{version=\"" PENNYPOST_VERSION "\"} 1\n");
	metric_count(out, "degraded", "reasons", degraded_count(c), false);
	(void)buf_fmt(out,
	    "# TYPE pennypost_loop_delay_max_seconds gauge\npennypost_loop_delay_max_seconds "
	    "%.6f\n",
	    (double)delay.max_us / 1e6);
	(void)buf_fmt(out,
	    "# TYPE pennypost_loop_delay_p999_seconds gauge\npennypost_loop_delay_p999_seconds "
	    "%.6f\n",
	    (double)delay.p999_us / 1e6);
	metric_count(out, "queue", "entries", q->entries, false);
	metric_count(out, "queue", "recipients", q->recipients, false);
	metric_count(out, "queue", "held", q->held, false);
	metric_count(out, "queue", "octets", q->octets, false);
	if (c->ops->each_list != NULL)
		c->ops->each_list(c->ops->self, metric_list, out);
	metric_count(out, "ledger", "dropped", ledger_dropped(c->ops->store), true);
	if (c->ops->each_count != NULL)
		c->ops->each_count(c->ops->self, metric_count, out);
}

static void text_done(struct job *job)
{
	struct ops_call *c = (struct ops_call *)job;

	if (c->err.kind != ERR_NONE) {
		ops_fail(c, &c->err);
		return;
	}
	c->settled(c);
	ops_reply(c, 200, c->arg[1].p, buf_slice(&c->out));
}

static void ops_text(struct ops_call *c, const char *type, void (*write)(struct ops_call *c))
{
	c->arg[1] = slice_of(type);
	ops_work_as(c, STORE_QUEUE, status_work, write, text_done);
}

static void health_write(struct ops_call *c)
{
	(void)buf_addz(&c->out, degraded_count(c) > 0 ? "degraded\n" : "ok\n");
}

void ops_health(struct ops_call *c)
{
	if (!c->ops->ready)
		ops_reply(c, 503, "text/plain", SLICE("starting\n"));
	else
		ops_text(c, "text/plain", health_write);
}

void ops_metrics(struct ops_call *c)
{
	ops_text(c, "text/plain; version=0.0.4", metrics_write);
}

/* --- a page for people --- */

static void html_add(struct buf *out, const char *z)
{
	for (; *z != '\0'; z++) {
		switch (*z) {
		case '<': (void)buf_addz(out, "&lt;"); break;
		case '>': (void)buf_addz(out, "&gt;"); break;
		case '&': (void)buf_addz(out, "&amp;"); break;
		case '"': (void)buf_addz(out, "&quot;"); break;
		default: (void)buf_addc(out, *z);
		}
	}
}

static void html_reason(void *arg, const char *why)
{
	(void)buf_addz(arg, "<li>");
	html_add(arg, why);
	(void)buf_addz(arg, "</li>\n");
}

static void html_count(void *arg, const char *group, const char *name, uint64_t value, bool counter)
{
	(void)counter;
	(void)buf_fmt(
	    arg, "<tr><td>%s %s</td><td>%llu</td></tr>\n", group, name, (unsigned long long)value);
}

static void home_write(struct ops_call *c)
{
	const struct queue_count *q = queue_of(c);
	struct buf *out = &c->out;
	unsigned reasons = degraded_count(c);

	(void)buf_addz(out,
	    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Pennypost</title>"
	    "<style>body{font:16px/1.5 sans-serif;max-width:44em;margin:2em auto;padding:0 1em}"
	    "td{padding:0 1em 0 0}</style>\n<h1>Pennypost on ");
	html_add(out, c->ops->cfg->hostname);
	(void)buf_fmt(out, "</h1>\n<p>%s</p>\n",
	    !c->ops->ready     ? "Starting."
		: reasons == 0 ? "All is well."
			       : "Something needs you:");
	if (reasons > 0) {
		(void)buf_addz(out, "<ul>\n");
		each_degraded(c, html_reason, out);
		(void)buf_addz(out, "</ul>\n");
	}
	(void)buf_fmt(out,
	    "<p>%llu messages wait to go out, to %llu recipients (%llu held).</p>\n<table>\n",
	    (unsigned long long)q->entries, (unsigned long long)q->recipients,
	    (unsigned long long)q->held);
	if (c->ops->each_count != NULL)
		c->ops->each_count(c->ops->self, html_count, out);
	(void)buf_addz(out,
	    "</table>\n<p>More: <a href=\"/status.json\">status.json</a>, <a "
	    "href=\"/metrics\">metrics</a>, "
	    "<a href=\"/queue\">queue</a>; on the command line, <code>pennypost why "
	    "WHAT</code>.</p></html>\n");
}

void ops_home(struct ops_call *c)
{
	ops_text(c, "text/html; charset=utf-8", home_write);
}
