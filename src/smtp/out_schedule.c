/* out_schedule.c: which message is due, and may it start? The queue is read when something was
 * added, when the next recipient is due, and when somebody says so; what is due waits here, per
 * destination, oldest first, and destinations take turns, so that a dead host holds up nobody
 * but its own (OUT-18). At most L_OUT_CONNS attempts at once, L_QUEUE_PER_DEST to one
 * destination, fewer until it has answered. Leaves the attempt to outbound.c and outcomes to
 * out_settle.c. Failures: the queue cannot be read: again in a minute. */
#include <stdlib.h>

#include "core/log.h"
#include "core/map.h"
#include "core/mem.h"
#include "smtp/outbound.h"

enum { LOOK_AGAIN_MS = 60000, REST = 3, TIMER_MAX_MS = 3600000, EXTRA = 1000, KEY = 300 };

struct due { /* what a look found */
	char id[QUEUE_ID + 1];
	struct slice dest; /* in the look's arena, or a constant */
};

struct look {
	struct job job;
	struct smtp_sender *sender;
	const struct cfg *cfg;
	struct arena *arena;
	struct due *due;
	size_t n, cap;
	int64_t next;
	uint64_t took_ms;
	struct err err;
};

static void look(struct smtp_sender *s);
static void pump(struct smtp_sender *s);

/* RFC 5321 4.5.4.1: at first soon, later patiently. */
int64_t out_backoff(unsigned tries, uint32_t spread)
{
	static const int64_t delays[] = { 300, 600, 1200, 2400, 3600, 7200, 14400 };
	int64_t d = delays[tries < COUNT_OF(delays) ? tries : COUNT_OF(delays) - 1];

	return (d + d * (int64_t)(spread & 0xffff) / 655360);
}

struct slice out_dest_of(const struct cfg *cfg, struct slice address)
{
	size_t at = slice_rchr(address, '@');
	struct slice domain =
	    at == SIZE_MAX ? (struct slice){ "", 0 } : slice_from(address, at + 1);

	if (domain.n == 0 || cfg_domain_is_local(cfg, domain))
		return (SLICE("."));
	return (cfg->smarthost.host != NULL ? SLICE("=") : domain);
}

/* --- reading the queue --- */

static void note(struct look *l, const char *id, struct slice dest, size_t first)
{
	for (size_t i = first; i < l->n; i++)
		if (slice_ieq(l->due[i].dest, dest))
			return;
	if (l->n == l->cap) {
		l->cap = l->cap * 2 + 64;
		l->due = mem_grow(l->due, l->cap, sizeof(*l->due));
	}
	memcpy(l->due[l->n].id, id, sizeof(l->due[l->n].id));
	l->due[l->n++].dest = dest;
}

static void run(struct job *j) /* queue lane */
{
	struct look *l = (struct look *)j;
	struct queue_entry **entries;
	uint64_t began = clock_ms();
	int64_t now = clock_wall();
	size_t n;

	if (queue_due(l->sender->deps.store, l->arena, now, l->cfg->limits.queue + EXTRA, &entries,
		&n, &l->next, &l->err) == -1) {
		if (l->err.kind == ERR_NONE)
			l->err.kind = ERR_TEMPORARY;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		size_t first = l->n;

		for (size_t k = 0; k < entries[i]->rcpts_n; k++) {
			const struct queue_rcpt *r = &entries[i]->rcpts[k];

			if (r->state == RCPT_WAITING && r->next_try <= now)
				note(l, entries[i]->id, out_dest_of(l->cfg, r->address), first);
		}
	}
	l->took_ms = clock_ms() - began;
}

static struct out_dest *dest_get(struct smtp_sender *s, struct slice name)
{
	struct out_dest *d = map_get(s->dests, name);

	if (d != NULL)
		return (d);
	d = NEW(struct out_dest);
	d->name = mem_strndup(name.p, name.n);
	d->limit = OUT_START_CONNS;
	list_init(&d->node);
	list_init(&d->items);
	(void)map_put(s->dests, name, d);
	return (d);
}

static void dest_free(struct out_dest *d)
{
	free(d->name);
	free(d);
}

static void dest_ready(struct smtp_sender *s, struct out_dest *d)
{
	if (!list_empty(&d->items) && d->live < d->limit && list_empty(&d->node))
		list_push(&s->ready, &d->node);
}

static struct slice key_of(const char *id, struct slice dest, char to[KEY])
{
	size_t n = dest.n < KEY - QUEUE_ID - 1 ? dest.n : KEY - QUEUE_ID - 1;

	memcpy(to, id, QUEUE_ID);
	to[QUEUE_ID] = '/';
	memcpy(to + QUEUE_ID + 1, dest.p, n);
	return ((struct slice){ to, QUEUE_ID + 1 + n });
}

static void add(struct smtp_sender *s, const struct due *found)
{
	char text[KEY];
	struct slice key = key_of(found->id, found->dest, text);
	struct out_item *it;

	if (map_get(s->items, key) != NULL)
		return; /* waits already, or is under way */
	it = NEW(struct out_item);
	it->dest = dest_get(s, found->dest);
	memcpy(it->id, found->id, sizeof(it->id));
	(void)map_put(s->items, key, it);
	list_push(&it->dest->items, &it->node);
	dest_ready(s, it->dest);
}

/* Destinations nobody needs any more. */
static void sweep(struct smtp_sender *s)
{
	struct slice name;
	size_t at = 0;
	void *value;

	while (map_next(s->dests, &at, &name, &value)) {
		struct out_dest *d = value;

		if (d->live > 0 || !list_empty(&d->items) || d->down_until > clock_ms())
			continue;
		(void)map_drop(s->dests, name);
		dest_free(d);
	}
}

static void idle_perhaps(struct smtp_sender *s);

static void on_time(void *self)
{
	struct smtp_sender *s = self;

	s->timer = NULL;
	look(s);
}

static void set_timer(struct smtp_sender *s)
{
	int64_t left = s->next_due - clock_wall();
	uint64_t now = clock_ms(), ms;

	timer_cancel(s->timer);
	s->timer = NULL;
	if (s->draining || s->looking || (s->next_due == 0 && !s->look_again))
		return;
	ms = left <= 0 || s->look_again  ? 0
	    : left > TIMER_MAX_MS / 1000 ? TIMER_MAX_MS
					 : (uint64_t)left * 1000;
	if (s->look_after > now && s->look_after - now > ms)
		ms = s->look_after - now;
	s->timer = timer_start(s->deps.loop, ms, on_time, s);
}

static void done(struct job *j)
{
	struct look *l = (struct look *)j;
	struct smtp_sender *s = l->sender;

	s->looking = false;
	/* A long queue is not read without a rest: its lane has mail to take and outcomes to keep. */
	s->look_after = clock_ms() + (l->err.kind == ERR_NONE ? l->took_ms * REST : LOOK_AGAIN_MS);
	s->next_due = l->err.kind == ERR_NONE ? l->next : clock_wall();
	if (l->err.kind != ERR_NONE)
		log_event(
		    LOG_ERROR, NULL, "out queue", "why", l->err.text, "next", "again in 60s", NULL);
	for (size_t i = 0; i < l->n; i++)
		add(s, &l->due[i]);
	free(l->due);
	arena_free(l->arena);
	free(l);
	sweep(s);
	set_timer(s);
	pump(s);
	idle_perhaps(s);
}

static void look(struct smtp_sender *s)
{
	struct look *l;

	if (s->draining)
		return;
	if (s->looking || s->look_after > clock_ms()) {
		s->look_again = true;
		set_timer(s);
		return;
	}
	s->looking = true;
	s->look_again = false;
	l = NEW(struct look);
	l->job.run = run;
	l->job.done = done;
	l->sender = s;
	l->cfg = s->cfg;
	l->arena = arena_new(65536);
	lane_force(store_lane(s->deps.store, STORE_QUEUE), &l->job); /* one at a time */
}

/* --- starting and ending attempts --- */

static void pump(struct smtp_sender *s)
{
	while (!s->draining && s->live_n < L_OUT_CONNS && !list_empty(&s->ready)) {
		struct out_dest *d = LIST_OWNER(list_shift(&s->ready), struct out_dest, node);
		struct out_item *it = LIST_OWNER(list_shift(&d->items), struct out_item, node);

		d->live++;
		s->live_n++;
		dest_ready(s, d); /* behind the others */
		outbound_start(s, it);
	}
}

static void on_idle_turn(void *self)
{
	struct smtp_sender *s = self;

	s->turn = NULL;
	if (!lane_idle(s->read)) { /* a read nobody waits for */
		s->turn = loop_later(s->deps.loop, on_idle_turn, s);
		return;
	}
	s->on_idle(s->idle_self);
}

static void idle_perhaps(struct smtp_sender *s)
{
	if (!s->draining || s->live_n > 0 || s->looking || s->turn != NULL || s->on_idle == NULL)
		return;
	timer_cancel(s->drain_timer);
	s->drain_timer = NULL;
	s->turn = loop_later(s->deps.loop, on_idle_turn, s);
}

void out_schedule_ended(struct smtp_sender *s, struct out_item *item, int64_t next, bool again)
{
	struct out_dest *d = item->dest;
	char text[KEY];

	(void)map_drop(s->items, key_of(item->id, slice_of(d->name), text));
	free(item);
	d->live--;
	s->live_n--;
	if (d->down_until > 0 && d->down_until <= clock_ms())
		d->down_until = 0;
	d->limit = d->down_until > 0 ? OUT_START_CONNS : L_QUEUE_PER_DEST;
	dest_ready(s, d);
	if (next != 0 && (s->next_due == 0 || next < s->next_due)) {
		s->next_due = next;
		set_timer(s);
	}
	if (again)
		look(s);
	pump(s);
	idle_perhaps(s);
}

/* --- from outside --- */

static void on_added(void *self)
{
	look(self);
}

static void on_first(void *self)
{
	struct smtp_sender *s = self;

	s->turn = NULL;
	look(s);
}

struct smtp_sender *smtp_sender_new(const struct smtp_deps *deps)
{
	struct smtp_sender *s = NEW(struct smtp_sender);

	s->deps = *deps;
	s->cfg = deps->cfg;
	s->read = lane_new(deps->work, WORK_READ, L_SHARE_READ, L_JOBS);
	s->dests = map_new();
	s->items = map_new();
	list_init(&s->ready);
	list_init(&s->live);
	s->turn = loop_later(deps->loop, on_first, s);
	queue_on_added(deps->store, on_added, s);
	return (s);
}

void smtp_sender_reload(struct smtp_sender *s, const struct cfg *cfg)
{
	s->cfg = cfg;
	smtp_sender_wake(s);
}

void smtp_sender_wake(struct smtp_sender *s)
{
	struct slice name;
	size_t at = 0;
	void *value;

	/* Somebody has acted: what we believe of other hosts may be stale. */
	while (map_next(s->dests, &at, &name, &value))
		((struct out_dest *)value)->down_until = 0;
	look(s);
}

static void on_patience_over(void *self)
{
	struct smtp_sender *s = self;

	s->drain_timer = NULL;
	LIST_EACH(&s->live, it)
	outbound_drain(LIST_OWNER(it, struct outbound, node), true);
}

void smtp_sender_drain(struct smtp_sender *s, void (*on_idle)(void *self), void *self)
{
	s->draining = true;
	s->on_idle = on_idle;
	s->idle_self = self;
	queue_on_added(s->deps.store, NULL, NULL);
	timer_cancel(s->timer);
	s->timer = NULL;
	later_cancel(s->turn);
	s->turn = NULL;
	s->drain_timer = timer_start(s->deps.loop, OUT_DRAIN_MS, on_patience_over, s);
	LIST_EACH(&s->live, it)
	outbound_drain(LIST_OWNER(it, struct outbound, node), false);
	idle_perhaps(s);
}

void smtp_sender_free(struct smtp_sender *s)
{
	struct slice name;
	size_t at = 0;
	void *value;

	if (s == NULL)
		return;
	timer_cancel(s->timer);
	timer_cancel(s->drain_timer);
	later_cancel(s->turn);
	while (map_next(s->items, &at, &name, &value))
		free(value); /* only waiting ones are left */
	at = 0;
	while (map_next(s->dests, &at, &name, &value))
		dest_free(value);
	map_free(s->items);
	map_free(s->dests);
	lane_free(s->read);
	free(s);
}

void smtp_sender_counts(const struct smtp_sender *s, struct smtp_sender_counts *ret)
{
	*ret = s->counts;
	ret->live = s->live_n;
}
