/* watch.c: who hears of a change? First the view and the sessions that share it, then the
 * watchers of the whole store, who may hold the act's answer until what they learned is durable.
 * On the loop, in the order of the lane. Failures: a hold released with one turns the answer
 * into NO, though the act happened. */
#include <assert.h>
#include <stdlib.h>

#include "core/loop.h"
#include "store/mail_int.h"
#include "store/patrol.h"
#include "store/text_int.h"

struct event_hold {
	struct mail_job *job;
	unsigned n;
	bool is_told; /* all events are out */
	bool failed;
	struct err err;
};

static void emit(struct store *s, struct store_event *ev)
{
	LIST_EACH(&s->watches, node)
	{
		struct store_watch *w = LIST_OWNER(node, struct store_watch, node);

		w->on_event(w->self, ev);
	}
}

static struct event_message event_of(const struct delta_message *dm)
{
	struct event_message em = {
		.uid = dm->m.uid, .flags = dm->m.flags, .known = dm->known, .from = dm->from
	};

	memcpy(em.content_id, dm->cid, sizeof(em.content_id));
	return (em);
}

static uint32_t fresh_keywords(const struct delta_message *dm)
{
	return (dm->m.flags & ~dm->was & (uint32_t)MAIL_KEYWORD_MASK);
}

/* One event for each set of keywords that was newly set on some. */
static void emit_flags(
    struct store *s, struct store_event *ev, const struct delta *d, struct event_message *all)
{
	bool *told = mem_new_array(d->n, sizeof(*told));

	for (size_t i = 0; i < d->n; i++) {
		uint32_t fresh = fresh_keywords(&d->msgs[i]);
		const char *names[L_KW];
		size_t n = 0;

		if (told[i])
			continue;
		ev->keywords_added = names;
		ev->keywords_added_n = 0;
		for (unsigned k = 0; k < L_KW; k++)
			if ((fresh & ((uint32_t)FLAG_KEYWORD0 << k)) != 0 && d->keywords[k] != NULL)
				names[ev->keywords_added_n++] = d->keywords[k];
		for (size_t k = i; k < d->n; k++) {
			if (told[k] || fresh_keywords(&d->msgs[k]) != fresh)
				continue;
			told[k] = true;
			ev->seen_changed |= ((d->msgs[k].m.flags ^ d->msgs[k].was) & FLAG_SEEN) != 0;
			all[n++] = event_of(&d->msgs[k]);
		}
		ev->n = n;
		emit(s, ev);
		ev->seen_changed = false;
	}
	free(told);
}

void watch_begin(struct mail_job *j)
{
	if (j->waits && !list_empty(&j->deltas)) {
		j->hold = NEW(struct event_hold);
		j->hold->job = j;
	}
}

void watch_tell(struct mail_job *j, struct delta *d)
{
	struct store *s = j->m->store;
	struct event_message *all;
	struct store_event ev = {
		.cause = d->cause,
		.account = j->m->account,
		.folder = d->folder,
		.by = d->by,
		.n = d->n,
		.hold = j->hold,
	};

	view_apply(d->folder, d);
	patrol_heard(d->folder);
	if (d->kind == DELTA_ADDED || d->kind == DELTA_EXPUNGED)
		text_news(j->m, d->kind == DELTA_ADDED ? d->n : 0,
		    d->kind == DELTA_EXPUNGED ? d->n : 0);
	if (d->kind == DELTA_KEYWORDS || d->n == 0 || list_empty(&s->watches))
		return;
	all = mem_new_array(d->n, sizeof(*all));
	ev.messages = all;
	for (size_t i = 0; i < d->n; i++)
		all[i] = event_of(&d->msgs[i]);
	ev.kind = d->kind == DELTA_ADDED ? EVENT_ADDED
	    : d->kind == DELTA_FLAGS     ? EVENT_FLAGS
					 : EVENT_EXPUNGED;
	if (d->kind == DELTA_FLAGS)
		emit_flags(s, &ev, d, all);
	else
		emit(s, &ev);
	free(all);
}

static void conclude(struct mail_job *j)
{
	struct event_hold *h = j->hold;

	if (h != NULL && h->failed) {
		j->failed = true;
		j->err = h->err;
	}
	j->hold = NULL;
	free(h);
	j->end(j);
}

static void hold_ended(void *self)
{
	struct mail_job *j = ((struct event_hold *)self)->job;

	j->m->ops--;
	conclude(j);
}

void watch_end(struct mail_job *j)
{
	struct event_hold *h = j->hold;

	if (h != NULL && h->n > 0) {
		h->is_told = true;
		j->m->ops++;
		return;
	}
	conclude(j);
}

struct event_hold *store_event_hold(const struct store_event *ev)
{
	if (ev->hold != NULL)
		ev->hold->n++;
	return (ev->hold);
}

void store_event_release(struct event_hold *h, const struct err *err)
{
	if (h == NULL)
		return;
	assert(h->n > 0);
	if (err != NULL && !h->failed) {
		h->failed = true;
		h->err = *err;
	}
	if (--h->n == 0 && h->is_told)
		(void)loop_later(h->job->m->store->loop, hold_ended, h);
}

void watch_name(struct account *a, enum folder_act act, const char *name, const char *old_name,
    const void *by)
{
	struct store_event ev = { .kind = EVENT_FOLDERS,
		.cause = CAUSE_STORE,
		.account = a,
		.act = act,
		.name = name,
		.old_name = old_name,
		.by = by };

	emit(a->store, &ev);
}

void watch_metadata(
    struct account *a, struct folder *f, const struct metadata *v, size_t n, const void *by)
{
	struct slice *entries = mem_new_array(n + 1, sizeof(*entries));
	struct store_event ev = { .kind = EVENT_METADATA,
		.cause = CAUSE_STORE,
		.account = a,
		.folder = f,
		.entries = entries,
		.entries_n = n,
		.by = by };

	for (size_t i = 0; i < n; i++)
		entries[i] = v[i].entry;
	emit(a->store, &ev);
	free(entries);
}

void store_watch_add(struct store *s, struct store_watch *w)
{
	list_push(&s->watches, &w->node);
}

void store_watch_drop(struct store_watch *w)
{
	list_drop(&w->node);
}
