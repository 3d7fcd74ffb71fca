/* open.c: when is the store open, and when is it gone? Takes the lock, marks the data set,
 * makes the tree, opens the four databases and the lanes, then the accounts; undoes all of it
 * in the opposite order. Leaves what a mailbox is to mail.c, unfinished acts to intent.c,
 * health to health.c. Failures at start name the file and the way out. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/secret.h"
#include "core/watch_dir.h"
#include "store/store_int.h"

enum { CLOSE_POLL_MS = 5 };

static struct sql **database(struct store *s, enum store_lane which)
{
	switch (which) {
	case STORE_STATE: return (&s->state);
	case STORE_QUEUE: return (&s->queue);
	case STORE_LEDGER: return (&s->ledger);
	case STORE_SPAM:
	case STORE_LANES: break;
	}
	return (&s->spam);
}

/* --- the folder --- */

static int take_lock(struct store *s, struct err *err)
{
	char pid[24];
	int n;

	if ((s->lock_fd = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
		return (err_errno(err, "open the lock file of the data folder"));
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		if (errno != EWOULDBLOCK)
			return (err_errno(err, "lock the data folder"));
		return (err_set(err, ERR_BUSY,
		    "another process has this data folder open: stop it first"));
	}
	/* For people who look; nothing reads it. */
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(s->lock_fd, 0) == -1 || pwrite(s->lock_fd, pid, (size_t)n, 0) != n)
		return (err_errno(err, "write the lock file of the data folder"));
	return (0);
}

static int sync_folder(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = fd == -1 ? -1 : fsync(fd);

	if (ret == -1)
		(void)err_errno(err, "sync the folder %s", path);
	if (fd != -1)
		(void)close(fd);
	return (ret);
}

static int make_folders(struct err *err)
{
	static const char *const folders[] = { "mail", "queue", "queue/tmp", "tls", "dkim",
		"backup",
		"run" };

	for (size_t i = 0; i < COUNT_OF(folders); i++) {
		if (mkdir(folders[i], 0700) == -1 && errno != EEXIST)
			return (err_errno(err, "make the folder %s", folders[i]));
	}
	return (sync_folder("queue", err));
}

static bool is_marker(const char *p, size_t n)
{
	if (n != 8)
		return (false);
	for (size_t i = 0; i < n; i++) {
		if (!(p[i] >= 'a' && p[i] <= 'z') && !(p[i] >= '2' && p[i] <= '7'))
			return (false);
	}
	return (true);
}

/* Made once in the life of the data: names written here can be told from those of another set
 * restored beside it. */
static int read_marker(struct store *s, struct err *err)
{
	char text[16] = "";
	ssize_t n;
	int fd;

	if ((fd = open("data-set", O_RDONLY | O_CLOEXEC)) == -1) {
		if (errno != ENOENT)
			return (err_errno(err, "open the file data-set"));
		secret_id(text, 8);
		text[8] = '\n';
		if ((fd = open("data-set.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			 0600)) == -1)
			return (err_errno(err, "make the file data-set"));
		if (write(fd, text, 9) != 9 || fsync(fd) == -1) {
			(void)err_errno(err, "write the file data-set");
			(void)close(fd);
			return (-1);
		}
		(void)close(fd);
		if (rename("data-set.tmp", "data-set") == -1)
			return (err_errno(err, "name the file data-set"));
		memcpy(s->data_set, text, 8);
		return (0);
	}
	n = read(fd, text, sizeof(text));
	(void)close(fd);
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n < 0 || !is_marker(text, (size_t)n))
		return (err_set(err, ERR_PERMANENT, "the file data-set is damaged: it should hold "
			"8 characters of a-z and 2-7; restore it, or remove it to have a new "
			"one made"));
	memcpy(s->data_set, text, 8);
	return (0);
}

static int take_folder(struct store *s, struct err *err)
{
	if (take_lock(s, err) == -1 || make_folders(err) == -1 || read_marker(s, err) == -1)
		return (-1);
	if ((s->reserve_fd = open("reserve", O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
		return (err_errno(err, "open the reserve file"));
	/* A full disk is no reason not to start: people must be able to delete (P10). */
	(void)reserve_make(s->reserve_fd);
	return (sync_folder(".", err));
}

/* --- databases and lanes --- */

static void on_sql_failed(void *self, const char *what)
{
	store_sync_failed(self, what);
}

static struct sql *open_checked(const struct schema *d, bool unclean, struct err *err)
{
	struct sql *q = sql_open(d->path, d->sync, d->steps, d->steps_n, err);

	if (q == NULL || !(unclean || !d->cache) || sql_check(q, err) == 0)
		return (q);
	sql_close(q);
	return (NULL);
}

static int open_database(struct store *s, enum store_lane which, struct err *err)
{
	const struct schema *d = schema_of(which);
	struct sql **q = database(s, which);
	char wal[64], why[sizeof(err->text)];
	bool unclean;

	(void)snprintf(wal, sizeof(wal), "%s-wal", d->path);
	unclean = access(wal, F_OK) == 0;
	*q = open_checked(d, unclean, err);
	if (*q == NULL && err->number == EBADMSG && d->cache) {
		/* Nothing acknowledged lives there: learned counts are made again from the
		 * lessons. */
		(void)snprintf(why, sizeof(why), "%s", err->text);
		if (sql_set_aside(d->path, err) == -1)
			return (-1);
		log_event(LOG_WARN, NULL, "store set a damaged database aside", "database", d->path,
		    "reason", why, NULL);
		*q = open_checked(d, false, err);
	} else if (*q == NULL && err->number == EBADMSG) {
		(void)snprintf(why, sizeof(why), "%.180s", err->text);
		(void)err_set(err, ERR_PERMANENT, "%s: restore it from a backup, or recover it "
			"with sqlite3's .recover", why);
	}
	if (*q == NULL)
		return (-1);
	sql_on_failed(*q, on_sql_failed, s);
	return (0);
}

static int open_databases(struct store *s, struct err *err)
{
	for (unsigned i = 0; i < STORE_LANES; i++) {
		if (open_database(s, (enum store_lane)i, err) == -1)
			return (-1);
	}
	return (sync_folder(".", err));
}

static void make_lanes(struct store *s)
{
	static const enum work_share shares[STORE_LANES] = {
		[STORE_STATE] = WORK_ACCOUNT,
		[STORE_QUEUE] = WORK_ACCOUNT,
		[STORE_LEDGER] = WORK_ACCOUNT,
		[STORE_SPAM] = WORK_CRYPTO,
	};

	for (unsigned i = 0; i < STORE_LANES; i++)
		s->lanes[i] = lane_new(s->work, shares[i], 1, L_JOBS);
	s->sync = lane_new(s->work, WORK_SYNC, L_SHARE_SYNC, L_JOBS);
	s->read = lane_new(s->work, WORK_READ, L_SHARE_READ, L_JOBS);
	s->passwords = lane_new(s->work, WORK_PASSWORD, L_AUTH_RUNNING, L_AUTH_WAITING);
}

static bool lanes_idle(const struct store *s)
{
	for (unsigned i = 0; i < STORE_LANES; i++) {
		if (!lane_idle(s->lanes[i]))
			return (false);
	}
	return (lane_idle(s->sync) && lane_idle(s->read) && lane_idle(s->passwords));
}

/* --- open, reload, close --- */

static void account_free(struct account *a)
{
	if (a->mail != NULL)
		mail_close(a);
	list_drop(&a->node);
	free(a->name);
	free(a);
}

/* Any thread. NULL, or an account that nobody knows yet. */
static struct account *account_open(struct store *s, const char *name, struct err *err)
{
	struct account *a = NEW(struct account);

	a->store = s;
	a->name = mem_strdup(name);
	list_init(&a->node);
	if (mail_open(a, err) == -1) {
		account_free(a);
		return (NULL);
	}
	return (a);
}

static void account_join(struct account *a) /* on the loop */
{
	mail_start(a);
	list_push(&a->store->accounts, &a->node);
}

/* All that is idle goes, half-made or whole. */
static void let_go(struct store *s)
{
	while (!list_empty(&s->accounts))
		account_free(LIST_OWNER(s->accounts.next, struct account, node));
	logins_free(s->logins);
	reputation_close(s);
	if (s->dirs != NULL)
		watch_dirs_free(s->dirs);
	if (s->sync != NULL) {
		for (unsigned i = 0; i < STORE_LANES; i++)
			lane_free(s->lanes[i]);
		lane_free(s->sync);
		lane_free(s->read);
		lane_free(s->passwords);
	}
	for (unsigned i = 0; i < STORE_LANES; i++)
		sql_close(*database(s, (enum store_lane)i));
	if (s->reserve_fd != -1)
		(void)close(s->reserve_fd);
	if (s->lock_fd != -1)
		(void)close(s->lock_fd); /* and so unlocked */
	(void)pthread_mutex_destroy(&s->health);
	free(s->expire);
	free(s->stale_intents);
	free(s);
}

struct store *store_open(struct loop *l, struct work *w, const struct cfg *cfg, struct err *err)
{
	struct store *s = NEW(struct store);
	struct err own;

	if (err == NULL)
		err = &own;
	s->loop = l;
	s->work = w;
	s->cfg = cfg;
	s->queue_max = cfg->limits.queue;
	s->lock_fd = s->reserve_fd = -1;
	list_init(&s->accounts);
	list_init(&s->patrols);
	list_init(&s->watches);
	list_init(&s->lingering);
	(void)pthread_mutex_init(&s->health, NULL);
	if (take_folder(s, err) == -1 || open_databases(s, err) == -1)
		goto err_store;
	reputation_open(s);
	make_lanes(s);
	s->dirs = watch_dirs_new(l);
	s->logins = logins_new(s);
	if (intent_recover(s, err) == -1 || queue_recover(s, err) == -1)
		goto err_store;
	for (const struct cfg_account *c = cfg->accounts; c != NULL; c = c->next) {
		struct account *a = account_open(s, c->name, err);

		if (a == NULL)
			goto err_store;
		a->cfg = c;
		account_join(a);
	}
	health_start(s);
	return (s);
err_store:
	LIST_EACH(&s->accounts, node)
		mail_stop(LIST_OWNER(node, struct account, node));
	let_go(s);
	return (NULL);
}

struct prepare {
	struct job job;
	struct store *store;
	char **names; /* owned, of accounts to be opened */
	struct account **opened;
	size_t names_n, opened_n;
	bool failed;
	struct err err;
	void (*on_ready)(void *self, const struct err *err);
	void *self;
};

static void prepare_run(struct job *j)
{
	struct prepare *p = LIST_OWNER(j, struct prepare, job);

	for (size_t i = 0; i < p->names_n && !p->failed; i++) {
		struct account *a = account_open(p->store, p->names[i], &p->err);

		if (a == NULL)
			p->failed = true;
		else
			p->opened[p->opened_n++] = a;
	}
}

static void prepare_done(struct job *j)
{
	struct prepare *p = LIST_OWNER(j, struct prepare, job);

	for (size_t i = 0; i < p->opened_n; i++) {
		account_join(p->opened[i]);
		if (p->store->closing)
			mail_stop(p->opened[i]);
	}
	p->on_ready(p->self, p->failed ? &p->err : NULL);
	for (size_t i = 0; i < p->names_n; i++)
		free(p->names[i]);
	free(p->names);
	free(p->opened);
	free(p);
}

void store_prepare(struct store *s, const struct cfg *cfg,
    void (*on_ready)(void *self, const struct err *err), void *self)
{
	struct prepare *p = NEW(struct prepare);
	size_t n = 0;

	for (const struct cfg_account *c = cfg->accounts; c != NULL; c = c->next)
		n++;
	p->store = s;
	p->names = mem_new_array(n + 1, sizeof(*p->names));
	p->opened = mem_new_array(n + 1, sizeof(struct account *));
	for (const struct cfg_account *c = cfg->accounts; c != NULL; c = c->next)
		if (store_account(s, slice_of(c->name)) == NULL)
			p->names[p->names_n++] = mem_strdup(c->name);
	p->on_ready = on_ready;
	p->self = self;
	p->job.run = prepare_run;
	p->job.done = prepare_done;
	lane_force(s->sync, &p->job);
}

int store_reload(struct store *s, const struct cfg *cfg, struct err *err)
{
	int ret = 0;

	s->cfg = cfg;
	__atomic_store_n(&s->queue_max, cfg->limits.queue, __ATOMIC_RELAXED);
	LIST_EACH(&s->accounts, node)
		LIST_OWNER(node, struct account, node)->cfg = NULL;
	for (const struct cfg_account *c = cfg->accounts; c != NULL; c = c->next) {
		struct account *a = store_account(s, slice_of(c->name));

		if (a != NULL)
			a->cfg = c;
		else
			ret = err_set(err, ERR_TEMPORARY, "the account %s is not open", c->name);
	}
	LIST_EACH(&s->accounts, node)
		mail_configure(LIST_OWNER(node, struct account, node));
	login_forget(s);
	s->free_checked_ms = 0;
	return (ret);
}

static void on_close_poll(void *self)
{
	struct store *s = self;
	void (*on_closed)(void *) = s->on_closed;
	void *closed_self = s->closed_self;
	bool idle = lanes_idle(s) && health_idle(s);

	s->close_timer = NULL;
	LIST_EACH(&s->accounts, node)
		idle = mail_idle(LIST_OWNER(node, struct account, node)) && idle;
	if (!idle) {
		s->close_timer = timer_start(s->loop, CLOSE_POLL_MS, on_close_poll, s);
		return;
	}
	let_go(s);
	if (on_closed != NULL)
		on_closed(closed_self);
}

void store_close(struct store *s, void (*on_closed)(void *self), void *self)
{
	if (s->closing)
		return;
	s->closing = true;
	s->on_closed = on_closed;
	s->closed_self = self;
	health_stop(s);
	logins_stop(s->logins);
	LIST_EACH(&s->accounts, node)
		mail_stop(LIST_OWNER(node, struct account, node));
	s->close_timer = timer_start(s->loop, 0, on_close_poll, s);
}

struct lane *store_lane(struct store *s, enum store_lane which)
{
	return (s->lanes[which]);
}

struct work *store_work(struct store *s)
{
	return (s->work);
}

struct loop *store_loop(struct store *s)
{
	return (s->loop);
}

const struct cfg *store_cfg(const struct store *s)
{
	return (s->cfg);
}
