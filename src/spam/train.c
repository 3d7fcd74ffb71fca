/* train.c: which acts of people teach the filter, and what? A watcher of the store: by SPECIAL-USE, never by name (DESIGN 5). A lesson is
 * durable before the act is answered: the event's hold is released last. Messages are read where the act put them, their features made on
 * the read lane, at most TEACH_BATCH lessons at a time; acts wait for each other in order. Leaves durability and counts to teach.c.
 * Failures: the act is answered NO with the reason, though it happened; a message that is gone again teaches nothing. */
#include <stdlib.h>

#include "core/mem.h"
#include "spam/classifier_int.h"
#include "store/quarantine.h"

struct harvest { /* what a visit makes on its worker; owned by the visit while a slice runs */
	struct classifier *c; /* held: it outlives what a worker does with its key */
	struct lesson_mark as;
	bool allows;                 /* they leave Quarantine: see lesson_item.allow */
	const struct reading *reading; /* NULL: an act */
	void *reader;
	char *account; /* owned */
	struct lesson_item *v;
	size_t n;
	struct err err;
};

struct act {
	struct list node;
	struct train *train;
	struct account *account;
	struct folder *folder;
	uint32_t *uids; /* owned */
	size_t n;
	struct lesson_mark as;
	bool allows;
	const struct reading *reading; /* NULL: an act */
	void *reader;
	struct event_hold *hold; /* NULL: nobody waits */
	struct visit *visit;
	struct harvest *harvest;
	bool ended; /* the visit is gone */
	struct err err;
};

struct train {
	struct classifier *c;
	struct store_watch watch;
	struct list acts; /* waiting; the first is under way when ${running} */
	struct act *running;
};

static bool is_junk_like(enum folder_role r)
{
	return (r == ROLE_JUNK || r == ROLE_QUARANTINE);
}

static enum lesson_class lesson_of_keywords(const struct store_event *ev, enum folder_role in)
{
	bool junk = false, not_junk = false;

	for (size_t i = 0; i < ev->keywords_added_n; i++) {
		junk |= slice_ieq(slice_of(ev->keywords_added[i]), SLICE("$Junk"));
		not_junk |= slice_ieq(slice_of(ev->keywords_added[i]), SLICE("$NotJunk"));
	}
	if (junk == not_junk)
		return (LESSON_NONE); /* neither, or both: nothing was said */
	return (junk ? LESSON_SPAM : in == ROLE_TRASH ? LESSON_NONE : LESSON_HAM);
}

enum lesson_class train_lesson(
    const struct store_event *ev, const struct event_message *m, enum folder_role to)
{
	if (ev->cause == CAUSE_DELIVERY || ev->cause == CAUSE_REBUILD ||
	    ev->cause == CAUSE_UNDELETE) /* it is back: that judges nothing */
		return (LESSON_NONE);
	switch (ev->kind) {
	case EVENT_EXPUNGED:
	case EVENT_FOLDERS:
	case EVENT_METADATA: return (LESSON_NONE);
	case EVENT_FLAGS: return (lesson_of_keywords(ev, to));
	case EVENT_ADDED:
		if (!m->known)
			return (
			    LESSON_NONE); /* mail the account never had tells nothing about a judgement */
		if (to == ROLE_JUNK)
			return (m->from == ROLE_JUNK ? LESSON_NONE : LESSON_SPAM);
		if (is_junk_like(m->from) && !is_junk_like(to) && to != ROLE_TRASH)
			return (LESSON_HAM);
		return (LESSON_NONE);
	}
	return (LESSON_NONE);
}

/* --- reading --- */

static void harvest_free(void *ctx)
{
	struct harvest *h = ctx;
	struct classifier *c = h->c;

	lesson_items_free(h->v, h->n);
	free(h->account);
	free(h);
	classifier_release(c);
}

/* Whom our own field says was proved when the message was refused; NULL: nobody. */
static char *proved_sender(struct slice message)
{
	struct arena *a = arena_new(0);
	struct header h;
	struct slice sender;
	char *ret = NULL;

	header_parse(a, message, &h);
	sender = header_value(a, &h, SLICE(QUARANTINE_SENDER));
	if (sender.n > 0)
		ret = mem_strndup(sender.p, sender.n);
	arena_free(a);
	return (ret);
}

static enum visit_next on_message(void *ctx, const struct visit_message *m) /* worker */
{
	struct harvest *h = ctx;
	struct lesson_item *l;
	struct slice whole;

	if (h->reading != NULL && !h->reading->wants(h->reader, h->account, m->content_id))
		return (VISIT_DONE);
	if (m->unreadable)
		return (VISIT_DONE); /* moved on already: that act speaks for itself */
	if (visit_whole(m->visit, &whole, &h->err) == -1)
		return (h->err.kind == ERR_NOT_FOUND ? VISIT_DONE : VISIT_STOP);
	if (h->v == NULL)
		h->v = mem_new_array(TEACH_BATCH, sizeof(*h->v));
	l = &h->v[h->n];
	lesson_item_fill(h->c, whole, m->content_id, l);
	l->allow = h->allows ? proved_sender(whole) : NULL;
	l->as = h->as;
	if (h->reading != NULL && !h->reading->weighs(h->reader, h->account, l)) {
		lesson_item_empty(l);
		return (VISIT_DONE);
	}
	h->n++;
	return (h->n == TEACH_BATCH ? VISIT_PAUSE : VISIT_DONE);
}

static void act_run(struct act *a);

static void act_free(struct act *a)
{
	visit_cancel(a->visit); /* frees the harvest, now or later */
	if (a->visit == NULL && a->harvest != NULL)
		harvest_free(a->harvest);
	free(a->uids);
	free(a);
}

static void act_end(struct act *a)
{
	struct train *t = a->train;
	const struct reading *reading = a->reading;
	void *reader = a->reader;
	struct err err = a->err;

	t->running = NULL;
	store_event_release(a->hold, err.kind == ERR_NONE ? NULL : &err);
	act_free(a);
	if (!list_empty(&t->acts))
		act_run(LIST_OWNER(list_shift(&t->acts), struct act, node));
	if (reading != NULL && reading->on_read != NULL)
		reading->on_read(reader, err.kind == ERR_NONE ? NULL : &err);
}

static void on_taught(void *self, const struct teach *t);

/* What was read becomes lessons; true: they are under way. */
static bool act_teach(struct act *a)
{
	struct harvest *h = a->harvest;
	struct lesson_item *v = h->v;
	size_t n = h->n;

	if (h->err.kind != ERR_NONE && h->err.kind != ERR_NOT_FOUND)
		a->err = h->err;
	h->err = (struct err){ .kind = ERR_NONE };
	if (n == 0)
		return (false);
	h->v = NULL;
	h->n = 0;
	teach_start(a->train->c, account_name(a->account), v, n, on_taught, a);
	return (true);
}

static void on_taught(void *self, const struct teach *t)
{
	struct act *a = self;

	if (t->err.kind != ERR_NONE)
		a->err = t->err;
	if (a->ended)
		act_end(a);
	else
		visit_go_on(a->visit);
}

static void on_slice(void *self)
{
	struct act *a = self;

	if (!act_teach(a))
		visit_go_on(a->visit);
}

static void on_end(void *self, const struct err *err)
{
	struct act *a = self;

	a->visit = NULL;
	a->ended = true;
	if (err != NULL && err->kind != ERR_NOT_FOUND)
		a->err = *err;
	if (!act_teach(a))
		act_end(a);
}

static void act_run(struct act *a)
{
	static const struct visitor visitor = { on_message, on_slice, on_end };

	a->train->running = a;
	a->harvest = NEW(struct harvest);
	a->harvest->c = a->train->c;
	a->harvest->c->jobs++;
	a->harvest->as = a->as;
	a->harvest->allows = a->allows;
	a->harvest->reading = a->reading;
	a->harvest->reader = a->reader;
	a->harvest->account = mem_strdup(account_name(a->account));
	a->visit = visit_start(
	    a->folder, a->uids, a->n, VISIT_FILE, &visitor, a, a->harvest, harvest_free);
	if (a->visit == NULL) {
		(void)err_set(&a->err, ERR_BUSY, "learn: messages cannot be read now");
		act_end(a);
	}
}

/* --- hearing --- */

static void act_put(struct act *a)
{
	if (a->train->running == NULL)
		act_run(a);
	else
		list_push(&a->train->acts, &a->node);
}

void train_read(struct train *t, struct account *account, struct folder *f, uint32_t *uids,
    size_t n, const struct reading *reading, void *reader)
{
	struct act *a = NEW(struct act);

	a->train = t;
	a->account = account;
	a->folder = f;
	a->uids = uids;
	a->n = n;
	a->reading = reading;
	a->reader = reader;
	act_put(a);
}

/* Out of Quarantine by the owner's hand, for good: the sender is allowed too. */
static bool lets_out(const struct store_event *ev, const struct event_message *m)
{
	return (ev->kind == EVENT_ADDED && m->from == ROLE_QUARANTINE);
}

static void hear(
    struct train *t, const struct store_event *ev, enum lesson_class as, bool allows)
{
	enum folder_role to = folder_role(ev->folder);
	struct act *a = NULL;

	for (size_t i = 0; i < ev->n; i++) {
		if (train_lesson(ev, &ev->messages[i], to) != as ||
		    lets_out(ev, &ev->messages[i]) != allows)
			continue;
		if (a == NULL) {
			a = NEW(struct act);
			a->uids = mem_new_array(ev->n, sizeof(*a->uids));
		}
		a->uids[a->n++] = ev->messages[i].uid;
	}
	if (a == NULL)
		return;
	a->train = t;
	a->account = ev->account;
	a->folder = ev->folder;
	a->as = (struct lesson_mark){ as, LESSON_EXPLICIT };
	a->allows = allows && as == LESSON_HAM;
	a->hold = store_event_hold(ev);
	act_put(a);
}

static void on_event(void *self, const struct store_event *ev)
{
	if (ev->folder == NULL || ev->n == 0)
		return;
	for (unsigned allows = 0; allows < 2; allows++) {
		hear(self, ev, LESSON_HAM, allows != 0);
		hear(self, ev, LESSON_SPAM, allows != 0);
	}
}

struct train *train_start(struct classifier *c)
{
	struct train *t = NEW(struct train);

	t->c = c;
	list_init(&t->acts);
	t->watch.on_event = on_event;
	t->watch.self = t;
	store_watch_add(c->store, &t->watch);
	return (t);
}

void train_stop(struct train *t)
{
	struct list *node;
	struct err stop;

	if (t == NULL)
		return;
	store_watch_drop(&t->watch);
	(void)err_set(&stop, ERR_TEMPORARY, "learn: the server is stopping");
	if (t->running != NULL) {
		store_event_release(t->running->hold, &stop);
		act_free(t->running);
	}
	while ((node = list_shift(&t->acts)) != NULL) {
		struct act *a = LIST_OWNER(node, struct act, node);

		store_event_release(a->hold, &stop);
		act_free(a);
	}
	free(t);
}
