/* intent.c: how are several names made all or none? Before the first is made, a durable row of
 * queue.sqlite says where they will be and how they begin; when all are made and synced the row
 * goes away durably, and that is the commit. A start that finds a row takes everything back it
 * names. So an intent is only ever undone: nothing acknowledged depends on it. Kinds:
 *   names   lines "<account> TAB <leaf> TAB <time.MusecPpid> TAB <first Q> TAB <count>":
 *     messages in new/ cur/ tmp/ of that account's folders, whatever these are called by now;
 *     and "queue TAB <id>"
 *   folders lines "<account> TAB <leaf>": empty folders made together
 *   rename  lines "<account> TAB <leaf> TAB <leaf it is to have>", and folders made for it
 *   inbox   a line "<account> TAB <leaf> TAB <time.MusecPpid>": messages moved from INBOX to that
 *     folder, and folders made for it
 * A row that cannot be dropped when all is done would take back on the next start what people
 * see by then: it is tried again until it goes.
 * Failures: a tree that cannot be read keeps the row, and the store closed: half an act must not
 * be shown as a whole one. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "store/fault.h"
#include "store/mail_int.h"
#include "store/queue.h"

enum { INTENT_MAX = 4 * 1024 * 1024 };

int intent_put(struct store *s, const char *kind, struct slice names, int64_t *ret, struct err *err)
{
	if (sql_do(s->queue, "INSERT INTO intent(kind, names) VALUES(?1, ?2)", err, "ss",
		slice_of(kind), names) != 0)
		return (-1);
	*ret = sql_last_id(s->queue);
	return (0);
}

int intent_drop(struct store *s, int64_t id, struct err *err)
{
	return (sql_do(s->queue, "DELETE FROM intent WHERE id = ?1", err, "i", id));
}

static void intent_run(struct job *job)
{
	struct intent_job *j = (struct intent_job *)job;

	j->failed =
	    (j->kind != NULL ? intent_put(j->s, j->kind, buf_slice(&j->names), &j->id, &j->err)
			     : intent_drop(j->s, j->id, &j->err)) != 0;
}

/* --- rows that could not be dropped --- */

struct stale {
	struct job job;
	struct store *s;
	int64_t id;
	bool dropped;
};

static void retry_run(struct job *job)
{
	struct stale *r = (struct stale *)job;

	r->dropped = intent_drop(r->s, r->id, NULL) == 0;
}

static void retry_done(struct job *job)
{
	struct stale *r = (struct stale *)job;
	struct store *s = r->s;

	s->intent_busy = false;
	if (r->dropped)
		s->stale_intents[0] = s->stale_intents[--s->stale_intents_n];
	free(r);
}

void intent_retry(struct store *s)
{
	struct stale *r;

	if (s->stale_intents_n == 0 || s->intent_busy)
		return;
	r = NEW(struct stale);
	r->s = s;
	r->id = s->stale_intents[0];
	r->job.run = retry_run;
	r->job.done = retry_done;
	s->intent_busy = true;
	lane_force(s->lanes[STORE_QUEUE], &r->job);
}

static void intent_done(struct job *job)
{
	struct intent_job *j = (struct intent_job *)job;
	struct store *s = j->s;

	if (j->failed && j->kind == NULL) {
		s->stale_intents =
		    mem_grow(s->stale_intents, s->stale_intents_n + 1, sizeof(int64_t));
		s->stale_intents[s->stale_intents_n++] = j->id;
	}
	j->end(j);
}

void intent_name(
    struct buf *names, const struct folder *f, const char *stamp, uint32_t first, uint32_t n)
{
	struct buf leaf = BUF_INIT(L_MBX_NAME + 1);

	/* From the loop's name: the lane's own may change this moment. */
	(void)leaf_of_name(slice_of(f->name), &leaf, NULL);
	(void)buf_fmt(
	    names, "%s\t%s\t%s\t%u\t%u\n", f->account->name, buf_z(&leaf), stamp, first, n);
	buf_free(&leaf);
}

void intent_start(struct intent_job *j)
{
	j->job.run = intent_run;
	j->job.done = intent_done;
	lane_force(j->s->lanes[STORE_QUEUE], &j->job);
}

/* --- at start: undo --- */

static bool word(struct slice *line, struct slice *ret)
{
	if (line->p == NULL)
		return (false);
	if (!slice_cut(*line, '\t', ret, line))
		line->p = NULL;
	return (true);
}

/* Account and leaf become part of a path: nothing that climbs. */
static bool path_ok(struct slice part)
{
	return (slice_chr(part, '/') == SIZE_MAX && slice_chr(part, '\0') == SIZE_MAX &&
	    !slice_eq(part, SLICE(".")) && !slice_eq(part, SLICE("..")) && part.n <= L_MBX_NAME);
}

static int folder_path(struct slice account, struct slice leaf, char *ret, size_t n)
{
	if (!path_ok(account) || account.n == 0 || !path_ok(leaf))
		return (-1);
	(void)snprintf(ret, n, "mail/" SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(account),
	    leaf.n > 0 ? "/" : "", SLICE_ARG(leaf));
	return (0);
}

static bool is_named(struct slice file, struct slice stamp, uint64_t first, uint64_t count)
{
	struct slice rest = slice_from(file, stamp.n), number, tail;
	uint64_t q;

	if (!slice_starts(file, stamp) || rest.n == 0 || rest.p[0] != 'Q')
		return (false);
	return (slice_cut(slice_from(rest, 1), '.', &number, &tail) &&
	    slice_u64(number, UINT32_MAX, &q) && q >= first && q - first < count);
}

static int undo_names_in(const char *path, struct slice stamp, uint64_t first, uint64_t count)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return (errno == ENOENT ? 0 : -1);
	while ((e = readdir(d)) != NULL)
		if (is_named(slice_of(e->d_name), stamp, first, count) &&
		    disk_unlink(dirfd(d), e->d_name) != 0 && errno != ENOENT)
			rc = -1;
	if (rc == 0)
		rc = disk_fsync(dirfd(d));
	(void)closedir(d);
	return (rc);
}

static int undo_queue(struct store *s, struct slice id)
{
	char z[QUEUE_ID + 1], file[64];

	if (!path_ok(id) || id.n != QUEUE_ID)
		return (0);
	(void)snprintf(z, sizeof(z), SLICE_FMT, SLICE_ARG(id));
	if (queue_has(s, z, NULL) != 0)
		return (0);
	queue_path(z, file);
	return (unlink(file) == 0 || errno == ENOENT ? 0 : -1);
}

static int undo_names_of(
    const char *root, const char *leaf, struct slice stamp, uint64_t first, uint64_t n)
{
	static const char *const places[] = { "tmp", "new", "cur" };
	char path[1200];

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s/%s", root, leaf, places[i]);
		if (undo_names_in(path, stamp, first, n) != 0)
			return (-1);
	}
	return (0);
}

/* The folder may have been renamed since, or the message gone to INBOX instead: the names are the
 * account's own, so all its folders are looked through. */
static int undo_name(struct store *s, struct slice line)
{
	struct slice account, leaf, stamp, first, count;
	uint64_t q, n;
	char root[600];
	const struct dirent *e;
	DIR *d;
	int rc;

	if (!word(&line, &account) || !word(&line, &leaf))
		return (0);
	if (line.p == NULL)
		return (slice_eq(account, SLICE("queue")) ? undo_queue(s, leaf) : 0);
	if (!word(&line, &stamp) || !word(&line, &first) || !word(&line, &count) || stamp.n == 0 ||
	    !slice_u64(first, UINT32_MAX, &q) || !slice_u64(count, UINT32_MAX, &n) ||
	    folder_path(account, SLICE(""), root, sizeof(root)) != 0)
		return (0);
	rc = undo_names_of(root, ".", stamp, q, n);
	d = opendir(root);
	if (d == NULL)
		return (errno == ENOENT ? rc : -1);
	while (rc == 0 && (e = readdir(d)) != NULL)
		if (e->d_name[0] == '.' && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && e->d_type != DT_REG)
			rc = undo_names_of(root, e->d_name, stamp, q, n);
	(void)closedir(d);
	return (rc);
}

/* Empty still, for nobody was told of it; should a message be there all the same, the folder
 * stays. */
static int undo_folder(struct slice line)
{
	struct slice account, leaf;
	char path[600];

	if (!word(&line, &account) || !word(&line, &leaf) || leaf.n < 2 || leaf.p[0] != '.' ||
	    folder_path(account, leaf, path, sizeof(path)) != 0)
		return (0);
	return (folder_remove_empty(path) < 0 ? -1 : 0);
}

/* Back to INBOX, which knows them as new: their old UIDs are not given again. */
static int undo_moves_in(const char *inbox, const char *path, const char *place, struct slice stamp)
{
	char from[700], to[700];
	const struct dirent *e;
	DIR *d;
	int rc = 0, to_fd;

	(void)snprintf(from, sizeof(from), "%s/%s", path, place);
	(void)snprintf(to, sizeof(to), "%s/%s", inbox, place);
	if ((d = opendir(from)) == NULL)
		return (errno == ENOENT ? 0 : -1);
	to_fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to_fd == -1) {
		(void)closedir(d);
		return (-1);
	}
	while ((e = readdir(d)) != NULL)
		if (is_named(slice_of(e->d_name), stamp, 0, UINT64_MAX) &&
		    disk_rename(dirfd(d), e->d_name, to_fd, e->d_name) != 0 && errno != ENOENT)
			rc = -1;
	if (rc == 0)
		rc = disk_fsync(to_fd);
	if (rc == 0)
		rc = disk_fsync(dirfd(d));
	(void)close(to_fd);
	(void)closedir(d);
	return (rc);
}

static int undo_inbox(struct slice line)
{
	struct slice account, leaf, stamp;
	char inbox[600], path[600];

	if (!word(&line, &account) || !word(&line, &leaf) || !word(&line, &stamp) ||
	    leaf.n < 2 || stamp.n == 0 ||
	    folder_path(account, SLICE(""), inbox, sizeof(inbox)) != 0 ||
	    folder_path(account, leaf, path, sizeof(path)) != 0)
		return (0);
	return (undo_moves_in(inbox, path, "new", stamp) != 0 ||
	    undo_moves_in(inbox, path, "cur", stamp) != 0 ? -1 : 0);
}

static int undo_rename(struct slice line)
{
	struct slice account, from, to;
	char old[600], new[600];

	if (!word(&line, &account) || !word(&line, &from) || !word(&line, &to) || from.n < 2 ||
	    to.n < 2 || folder_path(account, from, old, sizeof(old)) != 0 ||
	    folder_path(account, to, new, sizeof(new)) != 0)
		return (0);
	if (access(old, F_OK) == 0 || access(new, F_OK) != 0)
		return (0);
	return (disk_rename(AT_FDCWD, new, AT_FDCWD, old));
}

static bool has_third_word(struct slice line)
{
	struct slice a, b;

	return (word(&line, &a) && word(&line, &b) && line.p != NULL);
}

static int undo(struct store *s, struct slice kind, struct slice names, struct err *err)
{
	struct slice line;
	int rc = 0;

	while (names.n > 0 && rc == 0) {
		(void)slice_cut(names, '\n', &line, &names);
		if (slice_eq(kind, SLICE("names")))
			rc = undo_name(s, line);
		else if (slice_eq(kind, SLICE("folders")))
			rc = undo_folder(line);
		else if (slice_eq(kind, SLICE("rename")))
			rc = has_third_word(line) ? undo_rename(line) : undo_folder(line);
		else if (slice_eq(kind, SLICE("inbox")))
			rc = has_third_word(line) ? undo_inbox(line) : undo_folder(line);
		else
			return (err_set(err, ERR_PERMANENT,
			    "queue.sqlite holds an unfinished act of a newer version"));
	}
	return (rc == 0 ? 0 : err_errno(err, "take back an unfinished act"));
}

int intent_recover(struct store *s, struct err *err)
{
	for (;;) {
		struct buf kind = BUF_INIT(64), names = BUF_INIT(INTENT_MAX);
		int64_t id = 0;
		int got, rc;

		if (sql_ask(s->queue, "SELECT id, kind, names FROM intent ORDER BY id LIMIT 1", err,
			"") != 0)
			return (-1);
		got = sql_step(s->queue, err);
		if (got == 1) {
			id = sql_int(s->queue, 0);
			(void)buf_add_slice(&kind, sql_text(s->queue, 1));
			(void)buf_add_slice(&names, sql_text(s->queue, 2));
		}
		sql_done(s->queue);
		rc = got == 1 ? undo(s, buf_slice(&kind), buf_slice(&names), err) : got;
		if (got == 1 && rc == 0) {
			log_event(LOG_INFO, NULL, "unfinished act taken back", "kind", buf_z(&kind),
			    NULL);
			rc = intent_drop(s, id, err);
		}
		buf_free(&kind);
		buf_free(&names);
		if (got != 1 || rc != 0)
			return (rc);
	}
}
