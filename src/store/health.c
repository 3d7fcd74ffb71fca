/* health.c: may new mail be taken, and what is done so that it may again? A failed sync is
 * final for what it concerned (P9): nothing new is accepted until the databases were opened
 * again and checked and a fresh probe file was written and synced. A full disk is weather
 * (P10): new mail waits below limits.free, and a reserve file is given up so that what frees
 * space still works. Also the hourly upkeep: the ledger's age and size, old traces of sessions; what goes because of its age
 * is expire.c's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "store/ledger.h"
#include "store/reputation.h"
#include "store/senders.h"
#include "store/store_int.h"

enum {
	TICK_MS = 1000,
	FREE_KNOWN_MS = 1000,		/* so long is the free space believed */
	RESERVE = 2097152,		/* octets kept for the day the disk is full */
	RESERVE_GIVEN_UP = 1048576,	/* free octets below which it goes */
	HOUR_MS = 3600000,
	FIRST_UPKEEP_MS = 60000,
	PURGED_MS = 10000,		/* between purges once nothing may stay */
	LEDGER_OCTETS = 200 * 1048576,
};

struct mend_job {
	struct job job;
	struct mend *mend;
	struct sql *sql; /* used by its lane's job only */
	bool cache, ok;
};

struct mend {
	struct store *store;
	struct mend_job jobs[STORE_LANES];
	struct job probe;
	unsigned left, serial;
	bool ok;
};

/* --- a failed sync --- */

void store_sync_failed(struct store *s, const char *what)
{
	(void)pthread_mutex_lock(&s->health);
	if (s->failed_sync[0] == '\0')
		(void)snprintf(s->failed_sync, sizeof(s->failed_sync), "%s", what);
	s->failed_serial++;
	(void)pthread_mutex_unlock(&s->health);
}

static unsigned failed_serial(struct store *s, bool *ret_failed)
{
	unsigned serial;

	(void)pthread_mutex_lock(&s->health);
	serial = s->failed_serial;
	*ret_failed = s->failed_sync[0] != '\0';
	(void)pthread_mutex_unlock(&s->health);
	return (serial);
}

static void mend_end(struct mend *m)
{
	struct store *s = m->store;

	(void)pthread_mutex_lock(&s->health);
	/* A report that came meanwhile is not covered by what was just proved. */
	if (m->ok && s->failed_serial == m->serial)
		s->failed_sync[0] = '\0';
	else
		m->ok = false;
	(void)pthread_mutex_unlock(&s->health);
	if (m->ok)
		log_event(LOG_INFO, NULL, "store takes mail again", "reason",
		    "a probe file was written and synced", NULL);
	s->mend = NULL;
	free(m);
}

static int write_probe(struct err *err)
{
	static const char text[] = "can this disk be trusted?\n";
	int fd = open("probe.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), dir, ret;

	if (fd == -1)
		return (err_errno(err, "make the probe file"));
	if (write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1 || fsync(fd) == -1) {
		(void)err_errno(err, "write the probe file");
		(void)close(fd);
		(void)unlink("probe.tmp");
		return (-1);
	}
	ret = close(fd);
	if (unlink("probe.tmp") == -1 || ret == -1)
		return (err_errno(err, "close the probe file"));
	if ((dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || fsync(dir) == -1) {
		(void)err_errno(err, "sync the data folder");
		if (dir != -1)
			(void)close(dir);
		return (-1);
	}
	(void)close(dir);
	return (0);
}

static void probe_run(struct job *j)
{
	struct mend *m = LIST_OWNER(j, struct mend, probe);

	struct err err;

	m->ok = write_probe(&err) == 0;
}

static void probe_done(struct job *j)
{
	mend_end(LIST_OWNER(j, struct mend, probe));
}

static void mend_run(struct job *j) /* the database's own lane */
{
	struct mend_job *mj = LIST_OWNER(j, struct mend_job, job);
	struct err err;

	mj->ok = !sql_is_failed(mj->sql) ||
	    sql_reopen(mj->sql, mj->cache && sql_is_corrupt(mj->sql), &err) == 0;
}

static void mend_done(struct job *j)
{
	struct mend *m = LIST_OWNER(j, struct mend_job, job)->mend;

	if (--m->left > 0)
		return;
	m->ok = true;
	for (unsigned i = 0; i < STORE_LANES; i++)
		m->ok = m->ok && m->jobs[i].ok;
	if (m->ok)
		lane_force(m->store->sync, &m->probe);
	else
		mend_end(m); /* the next tick tries again */
}

static void mend_start(struct store *s)
{
	struct sql *const sqls[STORE_LANES] = { s->state, s->queue, s->ledger, s->spam };
	struct mend *m = NEW(struct mend);
	bool failed;

	m->store = s;
	m->serial = failed_serial(s, &failed);
	m->left = STORE_LANES;
	m->probe.run = probe_run;
	m->probe.done = probe_done;
	s->mend = m;
	for (unsigned i = 0; i < STORE_LANES; i++) {
		struct mend_job *mj = &m->jobs[i];

		mj->mend = m;
		mj->sql = sqls[i];
		mj->cache = schema_of((enum store_lane)i)->cache;
		mj->job.run = mend_run;
		mj->job.done = mend_done;
		lane_force(s->lanes[i], &mj->job);
	}
}

/* --- free space --- */

int reserve_make(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size >= RESERVE)
		return (0);
	if ((errno = posix_fallocate(fd, 0, RESERVE)) == 0)
		return (0);
	(void)ftruncate(fd, 0);
	return (-1);
}

void store_no_space(struct store *s)
{
	if (s->reserve_fd != -1 && ftruncate(s->reserve_fd, 0) == -1)
		store_sync_failed(s, "the reserve file could not be cut");
}

struct reserve_job {
	struct job job;
	struct store *store;
};

static void reserve_run(struct job *j)
{
	(void)reserve_make(LIST_OWNER(j, struct reserve_job, job)->store->reserve_fd);
}

static void reserve_done(struct job *j)
{
	struct reserve_job *r = LIST_OWNER(j, struct reserve_job, job);

	r->store->reserve_busy = false;
	free(r);
}

static void look_at_space(struct store *s)
{
	uint64_t now = clock_ms(), free_octets;
	struct statvfs st;
	struct reserve_job *r;
	struct stat held;

	if (s->free_checked_ms != 0 && now - (uint64_t)s->free_checked_ms < FREE_KNOWN_MS)
		return;
	s->free_checked_ms = now == 0 ? 1 : (int64_t)now;
	if (statvfs(".", &st) == -1)
		return; /* what was known stays */
	free_octets = (uint64_t)st.f_bavail * st.f_frsize;
	s->free_low = free_octets < s->cfg->limits.free;
	if (fstat(s->reserve_fd, &held) == -1)
		return;
	if (free_octets < RESERVE_GIVEN_UP && held.st_size > 0)
		store_no_space(s);
	if (s->free_low || free_octets < 2 * RESERVE || held.st_size >= RESERVE ||
	    s->reserve_busy || s->closing)
		return;
	r = NEW(struct reserve_job);
	r->store = s;
	r->job.run = reserve_run;
	r->job.done = reserve_done;
	s->reserve_busy = true;
	lane_force(s->sync, &r->job);
}

bool store_accepts(struct store *s, struct err *err)
{
	const char *why;

	look_at_space(s);
	if ((why = store_degraded(s)) == NULL)
		return (true);
	(void)err_set(err, s->free_low ? ERR_NO_SPACE : ERR_TEMPORARY, "%s", why);
	return (false);
}

const char *store_degraded(const struct store *s)
{
	/* The text is ours to give: the copy lives in the store, whose owner may change it. */
	struct store *own = (struct store *)(uintptr_t)s;
	const char *ret = NULL;

	(void)pthread_mutex_lock(&own->health);
	if (s->failed_sync[0] != '\0') {
		(void)snprintf(own->degraded, sizeof(own->degraded), "a sync failed: %s",
		    s->failed_sync);
		ret = s->degraded;
	}
	(void)pthread_mutex_unlock(&own->health);
	return (ret == NULL && s->free_low ? "disk below its reserve" : ret);
}

/* --- upkeep --- */

struct shorten_job { /* one database's part of the hourly work, on its lane */
	struct job job;
	struct store *store;
	const char *what;
	struct err err;
	bool failed;
};

static void shorten_greylist(struct job *j)
{
	struct shorten_job *k = LIST_OWNER(j, struct shorten_job, job);

	k->failed = greylist_expire(k->store, clock_wall(), &k->err) == -1;
}

static void shorten_ledger(struct job *j)
{
	struct shorten_job *k = LIST_OWNER(j, struct shorten_job, job);

	k->failed = ledger_expire(k->store, clock_wall() - (int64_t)L_LEDGER_DAYS * 86400,
			&k->err) == -1 || ledger_bound(k->store, LEDGER_OCTETS, &k->err) == -1 ||
	    reputation_expire(k->store, clock_wall(), &k->err) == -1;
}

/* Files of STORE_TRACES that nobody has written to for L_TRACE_DAYS. */
static void shorten_traces(struct job *j)
{
	struct shorten_job *k = LIST_OWNER(j, struct shorten_job, job);
	int64_t since = clock_wall() - (int64_t)L_TRACE_DAYS * 86400;
	DIR *d = opendir(STORE_TRACES);
	struct dirent *e;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
		    !S_ISREG(st.st_mode) || st.st_mtime >= since)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) == -1 && errno != ENOENT) {
			k->failed = true;
			(void)err_errno(&k->err, "remove " STORE_TRACES "/%.200s", e->d_name);
		}
	}
	if (d != NULL)
		(void)closedir(d);
}

static void on_shortened(struct job *j)
{
	struct shorten_job *k = LIST_OWNER(j, struct shorten_job, job);

	if (k->failed)
		log_event(LOG_WARN, NULL, "store could not forget what is old", "in", k->what,
		    "reason", k->err.text, "next", "again in an hour", NULL);
	free(k);
}

static void shorten(struct store *s, enum store_lane which, const char *what,
    void (*run)(struct job *j))
{
	struct shorten_job *k = NEW(struct shorten_job);

	k->store = s;
	k->what = what;
	k->job.run = run;
	k->job.done = on_shortened;
	if (lane_put(s->lanes[which], &k->job) == -1)
		free(k); /* the next hour has room */
}

static void purge_expunged(struct store *s, int64_t window)
{
	LIST_EACH(&s->accounts, node)
		mail_purge_expunged(
		    LIST_OWNER(node, struct account, node), clock_wall() - window);
}

static void hourly(struct store *s)
{
	shorten(s, STORE_LEDGER, "the ledger", shorten_ledger);
	shorten(s, STORE_STATE, "the greylist", shorten_greylist);
	shorten(s, STORE_LEDGER, STORE_TRACES, shorten_traces);
	reputation_hourly(s);
	expire_hourly(s);
}

/* How long expunged mail is kept, in seconds. */
static int64_t undelete_window(const struct store *s)
{
	uint64_t ms = s->cfg->expire.undelete_ms;

	return (ms == CFG_OFF ? 0 : (int64_t)(ms / 1000));
}

void health_purge(struct store *s)
{
	purge_expunged(s, undelete_window(s));
}

/* Undelete copies are outside every quota, so they give way before the disk is full: the oldest
 * first, by a window that halves each second while space is short. */
static void make_room(struct store *s)
{
	struct statvfs st;
	uint64_t near = s->cfg->limits.free;

	near += near / 4 < RESERVE ? near / 4 : RESERVE;
	if (statvfs(".", &st) == -1 || (uint64_t)st.f_bavail * st.f_frsize >= near) {
		s->purge_window = undelete_window(s);
		return;
	}
	if ((int64_t)clock_ms() < s->purge_next_ms)
		return;
	s->purge_window /= 2;
	s->purge_next_ms = (int64_t)clock_ms() + (s->purge_window > 0 ? TICK_MS : PURGED_MS);
	purge_expunged(s, s->purge_window);
}

static void on_tick(void *self)
{
	struct store *s = self;
	bool failed;

	s->upkeep = timer_start(s->loop, TICK_MS, on_tick, s);
	(void)failed_serial(s, &failed);
	if (failed && s->mend == NULL)
		mend_start(s);
	look_at_space(s);
	make_room(s);
	intent_retry(s);
	if ((int64_t)clock_ms() >= s->upkeep_next_ms) {
		s->upkeep_next_ms = (int64_t)clock_ms() + HOUR_MS;
		hourly(s);
	}
}

void health_start(struct store *s)
{
	s->upkeep_next_ms = (int64_t)clock_ms() + FIRST_UPKEEP_MS;
	s->purge_window = undelete_window(s);
	expire_start(s);
	look_at_space(s);
	s->upkeep = timer_start(s->loop, TICK_MS, on_tick, s);
}

void health_stop(struct store *s)
{
	timer_cancel(s->upkeep);
	s->upkeep = NULL;
	expire_stop(s);
}

bool health_idle(const struct store *s)
{
	return (expire_idle(s) && s->mend == NULL && !s->reserve_busy && !s->intent_busy);
}
