/* expire.c: how long is mail kept in Junk, Trash and Quarantine, and is the clock to be believed? Once an hour, one
 * folder after the other, in small batches with a rest between them, and only while nothing else waits
 * for the account. The time in the folder counts (SAVEDATE), not the message's date. Before that the
 * clock is compared with the hour before, also over a restart: what jumped is not believed for as long
 * as it jumped, a week at most, and until then nothing goes because of its age. On the loop. Leaves
 * the expunging to expire_mail.c. Failures: tried again in an hour. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/units.h"
#include "store/ledger.h"
#include "store/mailbox.h"
#include "store/store_int.h"

enum { DAY = 86400, REST_MS = 200, CLOCK_FILE = 200 };

struct expire {
	struct store *store;
	struct job job;
	bool reads, walks; /* a run is under way */
	int64_t held;      /* seconds: so long nothing goes yet */
	struct timer *rest;
	/* the walk */
	struct account *account;
	struct folder *folder;
	uint32_t after; /* uid */
	uint64_t gone;  /* from this folder */
};

int64_t clock_hold(int64_t last, int64_t held, int64_t now)
{
	int64_t moved = now - last, jump = moved < 0 ? -moved : moved;

	if (last <= 0)
		return (DAY); /* nothing to compare with: a day shows whether it runs evenly */
	if (jump > DAY) {
		jump = jump < 7 * DAY ? jump : 7 * DAY;
		return (jump > held ? jump : held);
	}
	return (moved > 0 ? (held > moved ? held - moved : 0) : held);
}

/* --- the clock: DATA/clock holds the last look, "<wall seconds> <seconds held>" --- */

static void clock_read(int64_t *ret_last, int64_t *ret_held)
{
	char text[CLOCK_FILE];
	int fd = open("clock", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, text, sizeof(text));
	struct slice last, held, rest;
	uint64_t a = 0, b = 0;

	*ret_last = *ret_held = 0;
	if (fd != -1)
		(void)close(fd);
	if (n <= 0)
		return;
	(void)slice_cut((struct slice){ text, (size_t)n }, '\n', &last, &rest);
	(void)slice_cut(last, ' ', &last, &held);
	if (!slice_u64(last, INT64_MAX, &a) || !slice_u64(held, INT64_MAX, &b))
		return;
	*ret_last = (int64_t)a;
	*ret_held = (int64_t)b;
}

static int clock_write(int64_t now, int64_t held)
{
	char text[CLOCK_FILE];
	int n = snprintf(text, sizeof(text), "%lld %lld\n", (long long)now, (long long)held);
	int fd = open("clock.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc;

	if (fd == -1)
		return (-1);
	rc = write(fd, text, (size_t)n) == n && fsync(fd) == 0 ? 0 : -1;
	if (close(fd) != 0 || rc != 0 || rename("clock.tmp", "clock") != 0) {
		(void)unlink("clock.tmp");
		return (-1);
	}
	return (0);
}

static void clock_run(struct job *j)
{
	struct expire *e = LIST_OWNER(j, struct expire, job);
	int64_t last, held, now = clock_wall();

	clock_read(&last, &held);
	e->held = clock_hold(last, held, now);
	/* What cannot be written down cannot be compared with next time. */
	if (clock_write(now, e->held) != 0 && e->held == 0)
		e->held = DAY;
}

/* --- the walk --- */

uint64_t expire_period(const struct cfg *cfg, const struct cfg_account *a, enum folder_role role)
{
	uint64_t own = a == NULL ? CFG_OFF
	    : role == ROLE_JUNK  ? a->expire_junk_ms
	    : role == ROLE_TRASH ? a->expire_trash_ms
				 : CFG_OFF;

	if (role == ROLE_QUARANTINE)
		return ((uint64_t)L_QUARANTINE_DAYS * DAY * 1000);
	if (own == 0)
		own = role == ROLE_JUNK ? cfg->expire.junk_ms : cfg->expire.trash_ms;
	return (own == 0 ? CFG_OFF : own);
}

static void step(void *self);

static void rest(struct expire *e)
{
	e->rest = timer_start(e->store->loop, REST_MS, step, e);
}

static void report(struct expire *e)
{
	const char *folder = folder_name(e->folder);
	char number[24], facts[64];
	struct buf period = BUF_INIT(64);

	(void)units_add_duration(
	    &period, expire_period(e->store->cfg, e->account->cfg, folder_role(e->folder)));
	(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)e->gone);
	(void)snprintf(facts, sizeof(facts), "{\"messages\":%s}", number);
	log_event(LOG_INFO, NULL, "expired", "account", e->account->name, "folder", folder,
	    "messages", number, "kept", buf_z(&period), "next",
	    folder_role(e->folder) == ROLE_QUARANTINE ? "they are gone for good"
						      : "pennypost undelete can bring them back",
	    NULL);
	ledger_add(e->store,
	    &(struct ledger_row){ .act = SLICE("expired"),
		.account = slice_of(e->account->name),
		.folder = slice_of(folder),
		.facts = slice_of(facts) });
	buf_free(&period);
}

static void on_expired(void *self, uint32_t n, uint32_t last_uid, bool more)
{
	struct expire *e = self;

	e->gone += n;
	e->after = last_uid;
	if (!more) {
		if (e->gone > 0)
			report(e);
		e->gone = e->after = 0;
		e->folder = folder_next(e->account, e->folder);
	}
	if (e->store->closing)
		e->walks = false;
	else
		rest(e);
}

/* The next folder that has a period; false: that was all. */
static bool find_folder(struct expire *e, uint64_t *ret_period)
{
	while (e->account != NULL) {
		while (e->folder != NULL) {
			*ret_period = expire_period(
			    e->store->cfg, e->account->cfg, folder_role(e->folder));
			if ((folder_role(e->folder) == ROLE_JUNK ||
				folder_role(e->folder) == ROLE_TRASH ||
				folder_role(e->folder) == ROLE_QUARANTINE) &&
			    *ret_period != CFG_OFF)
				return (true);
			e->folder = folder_next(e->account, e->folder);
			e->after = 0;
		}
		e->account = store_account_next(e->store, e->account);
		if (e->account != NULL)
			e->folder = folder_next(e->account, NULL);
	}
	return (false);
}

static void step(void *self)
{
	struct expire *e = self;
	uint64_t period;

	e->rest = NULL;
	if (e->store->closing || !find_folder(e, &period))
		e->walks = false;
	else if (!mail_is_quiet(e->account))
		rest(e); /* others first */
	else
		mail_expire(e->account, e->folder, clock_wall() - (int64_t)(period / 1000),
		    e->after, on_expired, e);
}

static void clock_done(struct job *j)
{
	struct expire *e = LIST_OWNER(j, struct expire, job);
	char seconds[24];

	e->reads = false;
	if (e->store->closing)
		return;
	if (e->held > 0) {
		(void)snprintf(seconds, sizeof(seconds), "%lld", (long long)e->held);
		log_event(LOG_WARN, NULL, "nothing expires", "why",
		    "the clock moved since the last look, or there was none before", "seconds",
		    seconds, NULL);
		return;
	}
	health_purge(e->store);
	if (e->walks)
		return; /* the one an hour ago is not through */
	e->walks = true;
	e->account = store_account_next(e->store, NULL);
	e->folder = e->account == NULL ? NULL : folder_next(e->account, NULL);
	e->after = 0;
	e->gone = 0;
	rest(e);
}

void expire_start(struct store *s)
{
	s->expire = NEW(struct expire);
	s->expire->store = s;
	s->expire->held = DAY;
}

void expire_hourly(struct store *s)
{
	struct expire *e = s->expire;

	if (e->reads)
		return;
	e->reads = true;
	e->job = (struct job){ .run = clock_run, .done = clock_done };
	lane_force(s->sync, &e->job);
}

void expire_stop(struct store *s)
{
	struct expire *e = s->expire;

	if (e == NULL || e->rest == NULL)
		return;
	timer_cancel(e->rest);
	e->rest = NULL;
	e->walks = false;
}

bool expire_idle(const struct store *s)
{
	return (s->expire == NULL || (!s->expire->reads && !s->expire->walks));
}

int64_t store_expire_held(const struct store *s)
{
	return (s->expire == NULL ? 0 : s->expire->held);
}
