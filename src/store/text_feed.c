/* text_feed.c: when is what put into the full-text index? On the loop: a while after mail came or went, one
 * job at a time on a lane of low priority, so that nobody waits for it, and not while somebody reads
 * the same mail, for three seconds a batch at most; it is fed by text_batch.c, batch by batch,
 * until all is in. A batch is one transaction, so a crash costs one batch. Failures: a full disk or
 * an error holds it back for a minute, and the status says why; a damaged database, or one of a newer version,
 * is set aside and made anew. Nothing else in the store depends on it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/loop.h"
#include "store/text_batch.h"

enum {
	SETTLE_MS = 1000,
	HELD_MS = 60000,
	YIELD_MS = 250, /* somebody reads the account's mail: again then, this many times at most */
	YIELDS = 12,
};

struct feed_job {
	struct job job; /* first */
	struct text *t;
	bool removes; /* the index was switched off */
	bool more;
	struct text_status status;
};

static const char *const file_ends[] = { "", "-wal", "-shm" };

static void file_of(const struct text *t, const char *end, char *path, size_t n)
{
	(void)snprintf(path, n, "%s/search.sqlite%s", t->m->root, end);
}

/* --- lane --- */

static void forget_readers(struct text *t)
{
	(void)pthread_mutex_lock(&t->lock);
	sql_close(t->reader);
	t->reader = NULL;
	t->epoch++;
	t->damaged = false;
	(void)pthread_mutex_unlock(&t->lock);
}

static void remove_files(struct text *t)
{
	sql_close(t->db);
	t->db = NULL;
	forget_readers(t);
	for (size_t i = 0; i < COUNT_OF(file_ends); i++) {
		char path[512];

		file_of(t, file_ends[i], path, sizeof(path));
		(void)unlink(path);
	}
}

static void set_aside(struct text *t, const char *why)
{
	char path[512];

	log_event(LOG_WARN, NULL, "full-text index set aside", "account", t->m->account->name,
	    "why", why, NULL);
	sql_close(t->db);
	t->db = NULL;
	forget_readers(t);
	batch_forget(t->batch);
	file_of(t, "", path, sizeof(path));
	(void)sql_set_aside(path, NULL);
}

static int open_file(struct text *t, struct err *err)
{
	char path[512];
	bool damaged;

	(void)pthread_mutex_lock(&t->lock);
	damaged = t->damaged;
	(void)pthread_mutex_unlock(&t->lock);
	if (t->db != NULL && (damaged || sql_is_corrupt(t->db)))
		set_aside(t, "a search found it damaged");
	if (t->db != NULL && !sql_is_failed(t->db))
		return (0);
	file_of(t, "", path, sizeof(path));
	sql_close(t->db);
	t->db = sql_open(path, SQL_NORMAL, text_schema, text_schema_n, err);
	if (t->db != NULL || err->kind != ERR_PERMANENT)
		return (t->db == NULL ? -1 : 0);
	set_aside(t, err->text);
	t->db = sql_open(path, SQL_NORMAL, text_schema, text_schema_n, err);
	return (t->db == NULL ? -1 : 0);
}

static uint64_t octets_on_disk(const struct text *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNT_OF(file_ends); i++) {
		char path[512];
		struct stat st;

		file_of(t, file_ends[i], path, sizeof(path));
		if (stat(path, &st) == 0)
			sum += (uint64_t)st.st_blocks * 512;
	}
	return (sum);
}

static void feed_run(struct job *job)
{
	struct feed_job *f = (struct feed_job *)job;
	struct text *t = f->t;
	struct err err = { 0 };

	if (f->removes) {
		remove_files(t);
		batch_forget(t->batch);
		f->status = (struct text_status){ .state = TEXT_OFF };
		return;
	}
	if (open_file(t, &err) != 0 || batch_run(t, &f->more, &f->status, &err) != 0) {
		f->more = false;
		if (t->db != NULL)
			sql_rollback(t->db);
		batch_forget(t->batch);
		/* Only we write it: what contradicts itself there is damaged too. */
		if (err.number == EBADMSG || err.kind == ERR_EXISTS) {
			set_aside(t, err.text);
			f->more = true;
		}
		f->status.state = TEXT_HELD;
		(void)snprintf(f->status.why, sizeof(f->status.why), "%.150s", err.text);
	} else {
		f->status.state = f->more ? TEXT_BUILDING : TEXT_COMPLETE;
		if (!f->more) /* merging leaves as much as it wrote in the log */
			sql_shrink(t->db);
	}
	f->status.octets = octets_on_disk(t);
}

/* --- loop --- */

static bool is_wanted(const struct text *t)
{
	return (t->m->account->cfg != NULL && t->m->account->cfg->search);
}

static void on_time(void *self);

static void wake(struct text *t, uint64_t ms)
{
	if (t->stopping)
		return;
	if (t->running)
		t->again = true;
	else if (t->timer == NULL)
		t->timer = timer_start(t->m->store->loop, ms, on_time, t);
}

static void feed_done(struct job *job);

static void start(struct text *t)
{
	struct feed_job *f = NEW(struct feed_job);

	f->job.run = feed_run;
	f->job.done = feed_done;
	f->t = t;
	f->removes = !is_wanted(t);
	t->running = true;
	t->again = false;
	if (f->removes)
		t->is_on = false; /* no more questions; those under way keep their files */
	lane_force(t->lane, &f->job);
}

static void on_time(void *self)
{
	struct text *t = self;
	struct err err;

	t->timer = NULL;
	if (t->m->ops > 0 || clock_ms() - t->m->visited < YIELD_MS) {
		if (t->yielded++ < YIELDS) {
			wake(t, YIELD_MS);
			return;
		}
	}
	t->yielded = 0;
	if (is_wanted(t) && t->is_on && !store_accepts(t->m->store, &err)) {
		t->status.state = TEXT_HELD;
		(void)snprintf(t->status.why, sizeof(t->status.why), "%.150s", err.text);
		wake(t, HELD_MS);
		return;
	}
	start(t);
}

static void feed_done(struct job *job)
{
	struct feed_job *f = (struct feed_job *)job;
	struct text *t = f->t;
	bool is_held = f->status.state == TEXT_HELD;

	t->running = false;
	t->is_on = !f->removes && t->db != NULL; /* the lane is ours now */
	t->status = f->status;
	if (f->more || f->removes != !is_wanted(t))
		wake(t, 0);
	else if (is_held || f->status.missed > 0)
		wake(t, HELD_MS);
	else if (t->again)
		wake(t, SETTLE_MS);
	free(f);
}

void text_news(struct mail *m, size_t added, size_t gone)
{
	if (m->text == NULL || !is_wanted(m->text))
		return;
	m->text->status.messages += added;
	batch_count_gone(m->text->batch, gone);
	wake(m->text, SETTLE_MS);
}

void text_configure(struct mail *m)
{
	if (m->text != NULL && is_wanted(m->text) != m->text->is_on)
		wake(m->text, 0);
}

void text_open(struct mail *m)
{
	struct text *t = NEW(struct text);

	t->m = m;
	m->text = t;
	t->lane = lane_new(m->store->work, WORK_LOW, 1, 1);
	t->batch = batch_new();
	(void)pthread_mutex_init(&t->lock, NULL);
	t->timer = timer_start(m->store->loop, 0, on_time, t);
}

void text_stop(struct mail *m)
{
	struct text *t = m->text;

	if (t == NULL)
		return;
	t->stopping = true;
	__atomic_store_n(&t->stops, true, __ATOMIC_RELAXED);
	timer_cancel(t->timer);
	t->timer = NULL;
}

bool text_idle(const struct mail *m)
{
	return (m->text == NULL || (!m->text->running && lane_idle(m->text->lane)));
}

void text_close(struct mail *m)
{
	struct text *t = m->text;

	if (t == NULL)
		return;
	timer_cancel(t->timer);
	lane_free(t->lane);
	sql_close(t->reader);
	sql_close(t->db);
	batch_free(t->batch);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
	m->text = NULL;
}

/* --- status --- */

const char *text_state_name(enum text_state s)
{
	switch (s) {
	case TEXT_OFF: return ("off");
	case TEXT_BUILDING: return ("building");
	case TEXT_COMPLETE: return ("complete");
	case TEXT_HELD: return ("held");
	}
	return ("");
}

void text_status(const struct account *a, struct text_status *ret)
{
	*ret = (struct text_status){ .state = TEXT_OFF };
	if (a->mail == NULL || a->mail->text == NULL)
		return;
	*ret = a->mail->text->status;
	if (ret->state == TEXT_COMPLETE && ret->messages_done < ret->messages)
		ret->state = TEXT_BUILDING;
	if (ret->state == TEXT_OFF && is_wanted(a->mail->text))
		ret->state = TEXT_BUILDING; /* has not begun */
}
