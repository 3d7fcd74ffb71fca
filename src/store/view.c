/* view.c: what do the sessions of an open folder share? One compact array, changed in one place,
 * on the loop, by what the lane tells. It is loaded by a job that looks at the directory first,
 * so it is true as of its opening; since the lane tells in order, nothing between is lost.
 * Watches (or a 60 s poll) bring what other programs do. Leaves who is told to watch.c.
 * Failures: the folder cannot be read. */
#include "store/view_int.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/loop.h"
#include "core/sorted.h"

/* --- looking --- */

struct look_op {
	struct mail_job job;
	struct store_op op;
	struct folder *folder;
	bool abandoned, hard, load;
	folder_done *on_done;
	void (*on_open)(void *self, struct view *v, const struct err *err);
	void *self;
	/* loaded */
	struct view_message *msgs;
	size_t n;
	char *keywords[L_KW];
	uint32_t uidvalidity, uidnext;
	uint64_t modseq;
};

static void look_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct look_op, op)->abandoned = true;
}

static void look_free(struct look_op *o)
{
	for (unsigned k = 0; k < L_KW; k++)
		free(o->keywords[k]);
	free(o->msgs);
	free(o);
}

static int look_act(struct mail_job *j)
{
	struct look_op *o = (struct look_op *)j;
	struct lane_folder *lf = &o->folder->lane;
	int rc = o->load ? scan_load(j, lf, o->hard, &o->msgs, &o->n, &j->err)
			 : scan_look(j, lf, o->hard, &j->err);

	if (rc != 0)
		return (-1);
	o->uidvalidity = lf->uidvalidity;
	o->uidnext = lf->uidnext;
	o->modseq = lf->modseq;
	if (!o->load)
		return (0);
	for (unsigned k = 0; k < L_KW; k++)
		o->keywords[k] = lf->keywords[k] == NULL ? NULL : mem_strdup(lf->keywords[k]);
	return (0);
}

static struct look_op *look_new(
    struct folder *f, bool hard, void (*end)(struct mail_job *), void *self)
{
	struct look_op *o = NEW(struct look_op);

	mail_job_init(&o->job, folder_mail(f), look_act, end);
	o->op.cancel = look_cancel;
	o->folder = f;
	o->hard = hard;
	o->self = self;
	return (o);
}

static void on_refused(void *self)
{
	struct look_op *o = self;

	o->job.m->ops--;
	o->job.end(&o->job);
}

static struct store_op *look_start(struct look_op *o)
{
	if (mail_job_put(&o->job, &o->job.err) != 0) {
		o->job.failed = true;
		o->job.m->ops++;
		(void)loop_later(o->job.m->store->loop, on_refused, o);
	}
	return (&o->op);
}

static void look_end(struct mail_job *j)
{
	struct look_op *o = (struct look_op *)j;

	if (!o->abandoned && o->on_done != NULL)
		o->on_done(o->self, j->failed ? &j->err : NULL);
	look_free(o);
}

struct store_op *view_look(struct view *v, folder_done *on_done, void *self)
{
	struct look_op *o = look_new(v->folder, true, look_end, self);

	o->on_done = on_done;
	return (look_start(o));
}

/* --- what the next opening reads --- */

static int fill_act(struct mail_job *j)
{
	struct lane_folder *lf = &((struct look_op *)j)->folder->lane;

	if (!lf->gone)
		snap_fill(j->m, lf);
	return (0);
}

void view_keep(struct folder *f)
{
	struct look_op *o = look_new(f, false, look_end, NULL);

	o->job.act = fill_act;
	(void)look_start(o);
}

/* --- watching the directories --- */

static void ask_look(struct folder *f, bool hard)
{
	if (!folder_mail(f)->stopping)
		(void)look_start(look_new(f, hard, look_end, NULL));
}

void folder_look_soon(struct folder *f)
{
	ask_look(f, false);
}

void view_doubt(struct folder *f)
{
	ask_look(f, true);
}

static void on_poll(void *self)
{
	struct view *v = self;

	v->poll = timer_start(folder_mail(v->folder)->store->loop, MAIL_POLL_MS, on_poll, v);
	ask_look(v->folder, true);
}

static void watch_start(struct view *v)
{
	struct mail *m = folder_mail(v->folder);

	patrol_drop(v->folder);
	if (patrol_room(m->store))
		(void)folder_watch_start(&v->watch, v->folder, true);
	/* Also beside watches, now and then: a network file system tells nobody. */
	v->poll = timer_start(m->store->loop, MAIL_POLL_MS, on_poll, v);
}

static void watch_stop(struct view *v)
{
	folder_watch_stop(&v->watch);
	timer_cancel(v->poll);
	v->poll = NULL;
}

/* --- opening and closing --- */

void *view_note(const struct view *v)
{
	return (v->note);
}

void view_set_note(struct view *v, void *note, void (*free_note)(void *note))
{
	if (v->note != NULL)
		v->free_note(v->note);
	v->note = note;
	v->free_note = free_note;
}

static void view_free(struct view *v)
{
	watch_stop(v);
	timer_cancel(v->expiry);
	list_drop(&v->lingering);
	for (unsigned k = 0; k < L_KW; k++)
		free(v->keywords[k]);
	view_set_note(v, NULL, NULL);
	v->folder->view = NULL;
	patrol_heard(v->folder);
	free(v->msgs);
	free(v);
}

static struct view *view_make(struct look_op *o)
{
	struct view *v = NEW(struct view);

	v->folder = o->folder;
	v->msgs = o->msgs;
	v->n = v->cap = o->n;
	o->msgs = NULL;
	memcpy(v->keywords, o->keywords, sizeof(v->keywords));
	memset(o->keywords, 0, sizeof(o->keywords));
	v->uidvalidity = o->uidvalidity;
	v->uidnext = o->uidnext;
	v->modseq = o->modseq;
	list_init(&v->watchers);
	list_init(&v->lingering);
	o->folder->view = v;
	return (v);
}

/* Those who come back find the view as the lane kept it; without watches meanwhile, for each
 * opening looks at the directories. */

static void on_expired(void *self)
{
	struct view *v = self;

	v->expiry = NULL;
	view_keep(v->folder);
	view_free(v);
}

static void drop_oldest(struct store *s)
{
	size_t views = 0, messages = 0;

	for (struct list *at = s->lingering.prev, *before; at != &s->lingering; at = before) {
		struct view *v = LIST_OWNER(at, struct view, lingering);

		before = at->prev;
		messages += v->cap;
		if (++views > L_LINGER_VIEWS || messages > L_LINGER_MESSAGES) {
			view_keep(v->folder);
			view_free(v);
		}
	}
}

static void linger(struct view *v)
{
	struct store *s = folder_mail(v->folder)->store;

	watch_stop(v);
	list_push(&s->lingering, &v->lingering);
	v->expiry = timer_start(s->loop, (uint64_t)L_LINGER_SECONDS * 1000, on_expired, v);
	patrol_heard(v->folder);
	drop_oldest(s);
}

bool view_is_held(const struct folder *f)
{
	return (f->view != NULL && f->view->holders > 0);
}

static void hold(struct view *v)
{
	if (v->holders++ > 0)
		return;
	list_drop(&v->lingering);
	timer_cancel(v->expiry);
	v->expiry = NULL;
	watch_start(v);
}

void view_stop(struct view *v)
{
	watch_stop(v);
	if (v->holders == 0)
		view_free(v);
}

static void open_end(struct mail_job *j)
{
	struct look_op *o = (struct look_op *)j;
	struct view *v = o->folder->view;

	if (o->abandoned) {
		look_free(o);
		return;
	}
	if (!j->failed && v == NULL && !o->folder->exists) {
		j->failed = true;
		(void)err_set(&j->err, ERR_NOT_FOUND, "the folder was deleted");
	}
	if (!j->failed && v == NULL &&
	    !o->load) { /* the last holder left meanwhile: again, from the start */
		o->load = true;
		if (!j->m->stopping) {
			mail_job_force(j);
			return;
		}
		j->failed = true;
		(void)err_set(&j->err, ERR_TEMPORARY, "the store is closing");
	}
	if (j->failed) {
		o->on_open(o->self, NULL, &j->err);
	} else {
		if (v == NULL)
			v = view_make(o);
		hold(v);
		if (o->modseq > v->modseq)
			v->modseq = o->modseq;
		if (o->uidnext > v->uidnext)
			v->uidnext = o->uidnext;
		o->on_open(o->self, v, NULL);
	}
	look_free(o);
}

struct store_op *view_open(struct folder *f,
    void (*on_open)(void *self, struct view *v, const struct err *err), void *self)
{
	struct look_op *o = look_new(f, true, open_end, self);

	o->on_open = on_open;
	o->load = f->view == NULL;
	return (look_start(o));
}

void view_watch(struct view *v, struct view_watch *w)
{
	list_push(&v->watchers, &w->node);
}

void view_close(struct view *v, struct view_watch *w)
{
	if (v == NULL)
		return;
	if (w != NULL)
		list_drop(&w->node);
	if (--v->holders > 0)
		return;
	if (v->folder->exists && !folder_mail(v->folder)->stopping)
		linger(v);
	else
		view_free(v);
}

/* --- reading it --- */

struct folder *view_folder(const struct view *v)
{
	return (v->folder);
}

size_t view_count(const struct view *v)
{
	return (v->n);
}

const struct view_message *view_at(const struct view *v, size_t index)
{
	return (&v->msgs[index]);
}

size_t view_lower(const struct view *v, uint32_t uid)
{
	return (sorted_lower(
	    v->msgs, v->n, sizeof(*v->msgs), offsetof(struct view_message, uid), uid));
}

uint32_t view_uidvalidity(const struct view *v)
{
	return (v->uidvalidity);
}

uint32_t view_uidnext(const struct view *v)
{
	return (v->uidnext);
}

uint64_t view_highestmodseq(const struct view *v)
{
	return (v->modseq);
}

const char *view_keyword(const struct view *v, unsigned k)
{
	return (k < L_KW ? v->keywords[k] : NULL);
}

int view_keyword_find(const struct view *v, struct slice name)
{
	for (unsigned k = 0; k < L_KW; k++)
		if (v->keywords[k] != NULL && slice_ieq(slice_of(v->keywords[k]), name))
			return ((int)k);
	return (-1);
}

uint32_t view_take_recent(struct view *v, bool keep)
{
	uint32_t from = v->folder->recent_from;

	if (!keep)
		v->folder->recent_from = v->uidnext;
	return (from);
}

/* --- changing it --- */

static void tell(
    struct view *v, enum view_change_kind kind, const uint32_t *uids, size_t n, const void *by)
{
	struct view_change ch = { kind, uids, n, by };

	if (n == 0)
		return;
	LIST_EACH(&v->watchers, node)
	{
		struct view_watch *w = LIST_OWNER(node, struct view_watch, node);

		w->on_change(w->self, &ch);
	}
}

static size_t apply_added(struct view *v, const struct delta *d, uint32_t *uids)
{
	size_t told = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct view_message *m = &d->msgs[i].m;
		size_t at = view_lower(v, m->uid);

		if (at < v->n) {
			/* Known already: its row was lost and read again. Never anything
			 * between. */
			if (v->msgs[at].uid == m->uid)
				v->msgs[at] = *m;
			continue;
		}
		if (v->n == v->cap) {
			v->cap = v->cap < 8 ? 16 : v->cap + v->cap / 4;
			v->msgs = mem_grow(v->msgs, v->cap, sizeof(*v->msgs));
		}
		v->msgs[v->n++] = *m;
		uids[told++] = m->uid;
		if (m->uid >= v->uidnext)
			v->uidnext = m->uid + 1;
	}
	return (told);
}

static size_t apply_flags(struct view *v, const struct delta *d, uint32_t *uids)
{
	size_t told = 0;

	for (size_t i = 0; i < d->n; i++) {
		size_t at = view_lower(v, d->msgs[i].m.uid);

		if (at == v->n || v->msgs[at].uid != d->msgs[i].m.uid)
			continue;
		v->msgs[at].flags = d->msgs[i].m.flags;
		v->msgs[at].modseq = d->msgs[i].m.modseq;
		uids[told++] = d->msgs[i].m.uid;
	}
	return (told);
}

static size_t apply_expunged(struct view *v, const struct delta *d, uint32_t *uids)
{
	size_t told = 0, from, to, k = 0;

	if (d->n == 0)
		return (0);
	from = to = view_lower(v, d->msgs[0].m.uid);
	for (; from < v->n; from++) {
		while (k < d->n && d->msgs[k].m.uid < v->msgs[from].uid)
			k++;
		if (k < d->n && d->msgs[k].m.uid == v->msgs[from].uid)
			uids[told++] = v->msgs[from].uid;
		else
			v->msgs[to++] = v->msgs[from];
	}
	v->n = to;
	return (told);
}

static void apply_keywords(struct view *v, const struct delta *d)
{
	for (unsigned k = 0; k < L_KW; k++)
		if (v->keywords[k] == NULL && d->keywords[k] != NULL)
			v->keywords[k] = mem_strdup(d->keywords[k]);
	LIST_EACH(&v->watchers, node)
	{
		struct view_watch *w = LIST_OWNER(node, struct view_watch, node);

		if (w->on_keywords != NULL)
			w->on_keywords(w->self);
	}
}

void view_apply(struct folder *f, const struct delta *d)
{
	struct view *v = f->view;
	uint32_t *uids;

	if (v == NULL)
		return;
	if (d->modseq > v->modseq)
		v->modseq = d->modseq;
	if (d->uidnext > v->uidnext)
		v->uidnext = d->uidnext;
	uids = mem_new_array(d->n + 1, sizeof(*uids));
	switch (d->kind) {
	case DELTA_ADDED: tell(v, VIEW_ADDED, uids, apply_added(v, d, uids), d->by); break;
	case DELTA_FLAGS: tell(v, VIEW_FLAGS, uids, apply_flags(v, d, uids), d->by); break;
	case DELTA_EXPUNGED: tell(v, VIEW_EXPUNGED, uids, apply_expunged(v, d, uids), d->by); break;
	case DELTA_KEYWORDS: apply_keywords(v, d); break;
	}
	free(uids);
}

void view_moved(struct folder *f)
{
	patrol_drop(f);
	patrol_heard(f);
	if (!view_is_held(f))
		return;
	watch_stop(f->view);
	watch_start(f->view);
}

void view_gone(struct folder *f)
{
	struct view *v = f->view;

	patrol_drop(f);
	if (v == NULL)
		return;
	if (v->holders == 0) {
		view_free(v);
		return;
	}
	watch_stop(v);
	LIST_EACH(&v->watchers, node)
	{
		struct view_watch *w = LIST_OWNER(node, struct view_watch, node);

		w->on_gone(w->self);
	}
}
