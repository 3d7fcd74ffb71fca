/* ops_queue.c: what waits to go out, and what does the owner want done with it? */
#include "admin/ops_int.h"
#include "core/mem.h"
#include "store/queue.h"

enum { LIST_MAX = 10000 };

static const char *const state_names[] = { [RCPT_WAITING] = "waiting",
	[RCPT_HELD] = "held",
	[RCPT_DONE] = "delivered",
	[RCPT_FAILED] = "failed" };

static void add_entry(struct json *j, const struct queue_entry *e)
{
	json_open(j, NULL, '{');
	json_put_stringz(j, "id", e->id);
	json_put_string(j, "from", e->env.from);
	json_put_string(j, "account", e->env.account);
	json_put_int(j, "arrived", e->arrived);
	json_put_int(j, "expires", e->expires);
	json_put_uint(j, "size", e->size);
	json_put_bool(j, "broken", e->broken);
	json_open(j, "recipients", '[');
	for (size_t i = 0; i < e->rcpts_n; i++) {
		const struct queue_rcpt *r = &e->rcpts[i];

		json_open(j, NULL, '{');
		json_put_string(j, "address", r->address);
		json_put_stringz(j, "state", state_names[r->state]);
		json_put_uint(j, "tries", r->tries);
		json_put_int(j, "next_try", r->next_try);
		json_put_string(j, "last", r->last);
		json_close(j, '}');
	}
	json_close(j, ']');
	json_close(j, '}');
}

static void list_work(struct ops_call *c)
{
	struct queue_entry **entries;
	struct json j;
	size_t n;

	if (queue_list(c->ops->store, c->arena, LIST_MAX, &entries, &n, &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '[');
	for (size_t i = 0; i < n; i++)
		add_entry(&j, entries[i]);
	json_close(&j, ']');
}

void ops_queue_list(struct ops_call *c)
{
	ops_work(c, STORE_QUEUE, list_work, NULL);
}

static void show_work(struct ops_call *c)
{
	struct queue_entry *entry;
	struct json j;

	if (queue_get(c->ops->store, c->arena, c->arg[0].p, &entry, &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	add_entry(&j, entry);
}

void ops_queue_show(struct ops_call *c)
{
	c->arg[0] = ops_unescape(c->arena, c->arg[0]);
	ops_work(c, STORE_QUEUE, show_work, NULL);
}

static const struct {
	struct slice name;
	int act;
} acts[] = {
	{ SLICE_INIT("retry"), 'r' },
	{ SLICE_INIT("hold"), 'h' },
	{ SLICE_INIT("release"), 'R' },
	{ SLICE_INIT("delete"), 'd' },
};

static void act_work(struct ops_call *c)
{
	const char *id = slice_eq(c->arg[0], SLICE("all")) ? NULL : c->arg[0].p;
	struct json j;
	size_t n;

	if (queue_act(c->ops->store, id, (int)c->number, &n, &c->err) == -1)
		return;
	if (n == 0 && id != NULL) {
		(void)err_set(&c->err, ERR_NOT_FOUND, "no message %s is in the queue", id);
		return;
	}
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_uint(&j, "recipients", n);
	json_close(&j, '}');
}

static void act_settled(struct ops_call *c)
{
	if (c->ops->queue_changed != NULL)
		c->ops->queue_changed(c->ops->self);
}

void ops_queue_act(struct ops_call *c)
{
	c->arg[0] = ops_unescape(c->arena, c->arg[0]);
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		if (slice_eq(c->arg[1], acts[i].name)) {
			c->number = (uint64_t)acts[i].act;
			ops_work(c, STORE_QUEUE, act_work, act_settled);
			return;
		}
	}
	(void)err_set(
	    &c->err, ERR_PEER, "a queued message can be given retry, hold, release or delete");
	ops_fail(c, &c->err);
}
