/* patrol.c: who looks at folders that nobody has open, when somebody wants to hear of them all? The
 * kernel gives a user few watches, so folders that matter have them: INBOX and those with a use,
 * then the first of the list, then whichever changed last, in place of the one that has been quiet
 * for longest. Open folders come before all of these. Every other folder is looked at in turn, all
 * of them within a minute, a bounded number a second; what is unchanged costs two stat. Our own
 * changes need neither. Failures: a folder that cannot be read is passed over. */
#include "store/patrol.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/cfg.h"
#include "core/clock.h"
#include "core/watch_dir.h"

enum {
	PATROL_ROUND_S = 60,  /* once around an account */
	PATROL_LEAST = 16,    /* folders a second while some have no watch */
	PATROL_MOST = 256,    /* and at most */
	PATROL_FIRST = 128,   /* folders of an account that have watches from the start */
	SETTLE_MS = 2500,
};

struct patrol_watch {
	struct list node; /* of the store: the longest quiet first */
	struct folder_watch watch;
};

struct patrol_job {
	struct mail_job job;
	size_t n;
	struct folder *folders[PATROL_MOST];
};

/* --- watches --- */

void patrol_drop(struct folder *f)
{
	struct patrol_watch *w = f->patrol;

	if (w == NULL)
		return;
	f->patrol = NULL;
	list_drop(&w->node);
	folder_watch_stop(&w->watch);
	free(w);
}

static bool has_room(const struct store *s)
{
	return (s->dirs != NULL && watch_dirs_count(s->dirs) + 2 <= s->cfg->limits.watches);
}

/* The longest quiet one gives up its watches; false: none has any. */
static bool yield(struct store *s)
{
	if (list_empty(&s->patrols))
		return (false);
	patrol_drop(LIST_OWNER(s->patrols.next, struct patrol_watch, node)->watch.folder);
	return (true);
}

bool patrol_room(struct store *s)
{
	while (!has_room(s) && yield(s))
		;
	return (has_room(s));
}

static void on_settled(void *self)
{
	struct folder_watch *w = self;

	w->settle = NULL;
	view_doubt(w->folder);
}

static void on_change(void *self)
{
	struct folder_watch *w = self;

	folder_look_soon(w->folder);
	/* Our own changes wake us too and are told apart by the directory's time, which two
	 * changes within a tick share: once quiet, look for sure. */
	timer_cancel(w->settle);
	w->settle = timer_start(folder_mail(w->folder)->store->loop, SETTLE_MS, on_settled, w);
}

bool folder_watch_start(struct folder_watch *w, struct folder *f, bool yields)
{
	static const char *const places[] = { "new", "cur" };
	struct mail *m = folder_mail(f);
	struct buf leaf = BUF_INIT(L_MBX_NAME * 2);
	char path[512];

	(void)leaf_of_name(slice_of(f->name), &leaf, NULL);
	w->folder = f;
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s%s%s/%s", m->root, leaf.n > 0 ? "/" : "",
		    buf_z(&leaf), places[i]);
		do
			w->dirs[i] = watch_dir_add(m->store->dirs, path, on_change, w);
		while (w->dirs[i] == NULL && yields && yield(m->store));
	}
	buf_free(&leaf);
	return (w->dirs[0] != NULL && w->dirs[1] != NULL);
}

void folder_watch_stop(struct folder_watch *w)
{
	for (unsigned i = 0; i < 2; i++) {
		watch_dir_drop(w->dirs[i]);
		w->dirs[i] = NULL;
	}
	timer_cancel(w->settle);
	w->settle = NULL;
}

static void add(struct folder *f)
{
	struct patrol_watch *w = NEW(struct patrol_watch);

	f->patrol = w;
	list_push(&folder_mail(f)->store->patrols, &w->node);
	if (!folder_watch_start(&w->watch, f, false)) /* half a watch is none */
		patrol_drop(f);
}

void patrol_heard(struct folder *f)
{
	struct mail *m = folder_mail(f);

	if (m->patrolled == 0 || m->stopping || view_is_held(f) || !f->exists)
		return;
	if (f->patrol != NULL) {
		list_drop(&f->patrol->node);
		list_push(&m->store->patrols, &f->patrol->node);
	} else if (patrol_room(m->store)) {
		add(f);
	}
}

/* --- looking in turn --- */

static int look_act(struct mail_job *j)
{
	struct patrol_job *p = (struct patrol_job *)j;
	struct err err;

	for (size_t i = 0; i < p->n; i++)
		if (!p->folders[i]->lane.gone)
			(void)scan_look(j, &p->folders[i]->lane, true, &err);
	return (0);
}

static void look_end(struct mail_job *j)
{
	j->m->patrol_busy = false;
	free(j);
}

static void plan_turn(struct mail *m);

static void on_turn(void *self)
{
	struct mail *m = self;
	struct patrol_job *p;
	size_t most = m->folders_n / PATROL_ROUND_S + 1, tried = 0;

	m->patrol_timer = NULL;
	plan_turn(m);
	if (m->patrol_busy)
		return;
	if (m->patrol_unwatched && most < PATROL_LEAST)
		most = PATROL_LEAST;
	if (most > PATROL_MOST)
		most = PATROL_MOST;
	p = NEW(struct patrol_job);
	mail_job_init(&p->job, m, look_act, look_end);
	for (; p->n < most && tried < m->folders_n; tried++) {
		struct folder *f = m->folders[m->patrol_at++ % m->folders_n];

		if (m->patrol_at >= m->folders_n)
			m->patrol_at = 0;
		if (!view_is_held(f)) /* an open one is looked after by its view */
			p->folders[p->n++] = f;
	}
	m->patrol_busy = true;
	if (p->n == 0 || mail_job_put(&p->job, &p->job.err) != 0)
		look_end(&p->job);
}

/* An account whose folders all have watches is looked at as a safety net only. */
static void plan_turn(struct mail *m)
{
	uint64_t ms = (uint64_t)PATROL_ROUND_S * 1000 / (m->folders_n + 1);

	m->patrol_unwatched = false;
	for (size_t i = 0; i < m->folders_n && !m->patrol_unwatched; i++)
		m->patrol_unwatched =
		    m->folders[i]->patrol == NULL && !view_is_held(m->folders[i]);
	if (m->patrol_unwatched || ms < 1000)
		ms = 1000;
	m->patrol_timer = timer_start(m->store->loop, ms, on_turn, m);
}

static void first_watches(struct mail *m)
{
	size_t n = 0;

	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < m->folders_n && n < PATROL_FIRST; i++) {
			struct folder *f = m->folders[i];

			if ((pass == 0) == (f->role == ROLE_NONE && i > 0) || view_is_held(f) ||
			    f->patrol != NULL || !has_room(m->store))
				continue;
			add(f);
			n++;
		}
}

void account_patrol(struct account *a, bool on)
{
	struct mail *m = a->mail;

	if (m == NULL)
		return;
	if (on) {
		if (m->patrolled++ > 0 || m->stopping)
			return;
		first_watches(m);
		plan_turn(m);
	} else if (m->patrolled > 0 && --m->patrolled == 0) {
		patrol_stop(m);
	}
}

void patrol_stop(struct mail *m)
{
	timer_cancel(m->patrol_timer);
	m->patrol_timer = NULL;
	for (size_t i = 0; i < m->folders_n; i++)
		patrol_drop(m->folders[i]);
}
