/* sql.c: how do the files of this folder ask SQLite, and what is said when it fails? The one
 * door to sqlite3. What is asked is the business of the file that owns the noun; which lane
 * asks, of its caller. Failures: every result code becomes a struct err; trouble with the files
 * themselves is also told to sql_on_failed's callback (P9). */
#include "store/sql.h"

#include <sqlite3.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"

enum {
	SLOTS = 512,	     /* statements kept; a power of two, far more than a database has */
	DEPTH = 4,	     /* asking inside asking */
	BUSY_MS = 5000,	     /* another program looks at the file: wait this long */
	HEADER_VERSION = 60, /* of user_version in the file: 4 octets, big-endian */
};

struct slot {
	const char *text; /* borrowed: a literal; NULL: free */
	sqlite3_stmt *stmt;
	bool busy;
};

struct asked {
	sqlite3_stmt *stmt;
	struct slot *slot; /* NULL: this one is not kept */
};

struct sql {
	sqlite3 *db; /* NULL: shut after a failed sql_reopen */
	char *path;
	enum sql_sync sync;
	const char *const *migrations;
	unsigned migrations_n;
	struct slot slots[SLOTS];
	unsigned slots_used;
	struct asked stack[DEPTH];
	unsigned depth;
	bool failed, corrupt;
	void (*on_failed)(void *self, const char *what);
	void *failed_self;
};

static const char *name_of(const struct sql *q)
{
	const char *slash = strrchr(q->path, '/');

	return (slash == NULL ? q->path : slash + 1);
}

/* The file let us down: whoever counts on it must know, once. */
static void tell_failed(struct sql *q, int code)
{
	char what[160];

	if (q->failed)
		return;
	q->failed = true;
	if (q->on_failed == NULL)
		return;
	(void)snprintf(what, sizeof(what), "%s: %s", name_of(q), sqlite3_errstr(code));
	q->on_failed(q->failed_self, what);
}

static int fail(struct sql *q, int code, const char *doing, struct err *err)
{
	const char *words = q->db == NULL ? sqlite3_errstr(code) : sqlite3_errmsg(q->db);
	int number = q->db == NULL ? 0 : sqlite3_system_errno(q->db);
	int extended = q->db == NULL ? code : sqlite3_extended_errcode(q->db);

	switch (code & 0xff) {
	case SQLITE_FULL:
		return (err_set(err, ERR_NO_SPACE, "%s %s: the disk is full", doing, name_of(q)));
	case SQLITE_CONSTRAINT:
		return (err_set(err, ERR_EXISTS, "%s %s: %s", doing, name_of(q), words));
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		q->corrupt = true;
		tell_failed(q, code);
		(void)err_set(err, ERR_PERMANENT, "%s %s: the database is damaged (%s)", doing,
		    name_of(q), words);
		if (err != NULL)
			err->number = EBADMSG;
		return (-1);
	case SQLITE_IOERR:
		/* A full disk found while growing a file is weather (P10), not a failed sync. */
		if (number == ENOSPC || number == EDQUOT)
			return (err_set(err, ERR_NO_SPACE, "%s %s: the disk is full", doing,
			    name_of(q)));
		if (extended != SQLITE_IOERR_NOMEM)
			tell_failed(q, extended);
		return (err_set(err, ERR_TEMPORARY, "%s %s: %s (%d)", doing, name_of(q), words,
		    extended));
	default:
		return (err_set(err, ERR_TEMPORARY, "%s %s: %s", doing, name_of(q), words));
	}
}

/* --- statements --- */

static struct slot *slot_of(struct sql *q, const char *text)
{
	size_t at = ((uintptr_t)text >> 3) * 0x9e3779b97f4a7c15u >> 32;

	for (size_t i = 0; i < SLOTS; i++) {
		struct slot *s = &q->slots[(at + i) % SLOTS];

		if (s->text == text || s->text == NULL)
			return (s);
	}
	return (NULL);
}

static void forget_statements(struct sql *q)
{
	while (q->depth > 0)
		sql_done(q);
	for (size_t i = 0; i < SLOTS; i++)
		(void)sqlite3_finalize(q->slots[i].stmt);
	memset(q->slots, 0, sizeof(q->slots));
	q->slots_used = 0;
}

static int prepare(struct sql *q, const char *text, struct asked *ret, struct err *err)
{
	struct slot *slot = slot_of(q, text);
	bool keep = slot != NULL && !slot->busy &&
	    (slot->text != NULL || q->slots_used < SLOTS / 2);
	int code;

	ret->slot = keep ? slot : NULL;
	if (keep && slot->text != NULL) {
		ret->stmt = slot->stmt;
		slot->busy = true;
		return (0);
	}
	code = sqlite3_prepare_v3(q->db, text, -1, keep ? SQLITE_PREPARE_PERSISTENT : 0, &ret->stmt,
	    NULL);
	if (code != SQLITE_OK)
		return (fail(q, code, "ask", err));
	if (keep) {
		slot->text = text;
		slot->stmt = ret->stmt;
		slot->busy = true;
		q->slots_used++;
	}
	return (0);
}

/* ${life}: SQLITE_STATIC where the octets outlive the statement's run. */
static int bind(sqlite3_stmt *stmt, const char *binds, sqlite3_destructor_type life, va_list ap)
{
	int code = SQLITE_OK;

	for (int i = 1; *binds != '\0' && code == SQLITE_OK; binds++, i++) {
		struct slice s;

		switch (*binds) {
		case 'i': code = sqlite3_bind_int64(stmt, i, va_arg(ap, int64_t)); break;
		case 'd': code = sqlite3_bind_double(stmt, i, va_arg(ap, double)); break;
		case 'n': code = sqlite3_bind_null(stmt, i); break;
		case 's':
			s = va_arg(ap, struct slice);
			code = sqlite3_bind_text64(stmt, i, s.n == 0 ? "" : s.p, s.n, life,
			    SQLITE_UTF8);
			break;
		case 'b':
			s = va_arg(ap, struct slice);
			/* A NULL pointer would bind NULL, and an empty blob is not that. */
			code = sqlite3_bind_blob64(stmt, i, s.n == 0 ? "" : s.p, s.n, life);
			break;
		default: return (SQLITE_MISUSE);
		}
	}
	return (code);
}

static int ask(struct sql *q, const char *text, struct err *err, const char *binds,
    sqlite3_destructor_type life, va_list ap)
{
	struct asked *a = &q->stack[q->depth];
	int code;

	if (q->db == NULL)
		return (err_set(err, ERR_TEMPORARY, "ask %s: it could not be reopened yet",
		    name_of(q)));
	if (q->depth == DEPTH)
		return (err_set(err, ERR_PERMANENT, "ask %s: too many questions inside questions",
		    name_of(q)));
	if (prepare(q, text, a, err) == -1)
		return (-1);
	q->depth++;
	if ((code = bind(a->stmt, binds, life, ap)) != SQLITE_OK) {
		(void)fail(q, code, "bind for", err);
		sql_done(q);
		return (-1);
	}
	return (0);
}

int sql_ask(struct sql *q, const char *text, struct err *err, const char *binds, ...)
{
	va_list ap;
	int ret;

	va_start(ap, binds);
	ret = ask(q, text, err, binds, SQLITE_TRANSIENT, ap);
	va_end(ap);
	return (ret);
}

int sql_step(struct sql *q, struct err *err)
{
	int code;

	if (q->depth == 0)
		return (err_set(err, ERR_PERMANENT, "step %s: nothing was asked", name_of(q)));
	code = sqlite3_step(q->stack[q->depth - 1].stmt);
	if (code == SQLITE_ROW)
		return (1);
	if (code == SQLITE_DONE)
		return (0);
	return (fail(q, code, "use", err));
}

int64_t sql_int(struct sql *q, int column)
{
	return (sqlite3_column_int64(q->stack[q->depth - 1].stmt, column));
}

double sql_real(struct sql *q, int column)
{
	return (sqlite3_column_double(q->stack[q->depth - 1].stmt, column));
}

struct slice sql_text(struct sql *q, int column)
{
	sqlite3_stmt *stmt = q->stack[q->depth - 1].stmt;
	struct slice ret;

	/* column_blob gives text unconverted; the length must be asked after it. */
	ret.p = sqlite3_column_blob(stmt, column);
	ret.n = (size_t)sqlite3_column_bytes(stmt, column);
	if (ret.p == NULL)
		ret = (struct slice){ "", 0 };
	return (ret);
}

bool sql_is_null(struct sql *q, int column)
{
	return (sqlite3_column_type(q->stack[q->depth - 1].stmt, column) == SQLITE_NULL);
}

void sql_done(struct sql *q)
{
	struct asked *a;

	if (q->depth == 0)
		return;
	a = &q->stack[--q->depth];
	if (a->slot == NULL) {
		(void)sqlite3_finalize(a->stmt);
	} else {
		(void)sqlite3_reset(a->stmt); /* repeats the step's error, which was told */
		(void)sqlite3_clear_bindings(a->stmt);
		a->slot->busy = false;
	}
	a->stmt = NULL;
	a->slot = NULL;
}

int sql_do(struct sql *q, const char *text, struct err *err, const char *binds, ...)
{
	va_list ap;
	int ret;

	va_start(ap, binds);
	ret = ask(q, text, err, binds, SQLITE_STATIC, ap); /* it ends before we return */
	va_end(ap);
	if (ret == -1)
		return (-1);
	while ((ret = sql_step(q, err)) == 1)
		continue;
	sql_done(q);
	return (ret);
}

int sql_exec(struct sql *q, const char *text, struct err *err)
{
	int code;

	if (q->db == NULL)
		return (err_set(err, ERR_TEMPORARY, "ask %s: it could not be reopened yet",
		    name_of(q)));
	if ((code = sqlite3_exec(q->db, text, NULL, NULL, NULL)) != SQLITE_OK)
		return (fail(q, code, "use", err));
	return (0);
}

int sql_begin(struct sql *q, struct err *err)
{
	return (sql_do(q, "BEGIN IMMEDIATE", err, ""));
}

int sql_commit(struct sql *q, struct err *err)
{
	if (sql_do(q, "COMMIT", err, "") == 0)
		return (0);
	sql_rollback(q);
	return (-1);
}

bool sql_in_tx(const struct sql *q)
{
	return (q->db != NULL && sqlite3_get_autocommit(q->db) == 0);
}

void sql_rollback(struct sql *q)
{
	if (sql_in_tx(q))
		(void)sqlite3_exec(q->db, "ROLLBACK", NULL, NULL, NULL);
}

int64_t sql_last_id(struct sql *q)
{
	return (q->db == NULL ? 0 : sqlite3_last_insert_rowid(q->db));
}

int64_t sql_changes(struct sql *q)
{
	return (q->db == NULL ? 0 : sqlite3_changes64(q->db));
}

/* --- opening --- */

/* The version in the file's header, read before SQLite may touch the file: a newer database must
 * stay octet for octet (OPS-03). 0 when there is no file, or nothing that looks like one. */
static uint32_t version_in_file(const char *path)
{
	unsigned char head[HEADER_VERSION + 4];
	ssize_t n;
	int fd;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (0);
	n = pread(fd, head, sizeof(head), 0);
	(void)close(fd);
	if (n != (ssize_t)sizeof(head) || memcmp(head, "SQLite format 3", 16) != 0)
		return (0);
	return ((uint32_t)head[60] << 24 | (uint32_t)head[61] << 16 | (uint32_t)head[62] << 8 |
	    head[63]);
}

static int too_new(const struct sql *q, int64_t version, struct err *err)
{
	return (err_set(err, ERR_PERMANENT,
	    "%s was written by a newer version of this program (format %lld, this one knows %u): "
	    "install that version again, or restore a backup", q->path, (long long)version,
	    q->migrations_n));
}

static int read_version(struct sql *q, int64_t *ret, struct err *err)
{
	if (sql_ask(q, "PRAGMA user_version", err, "") == -1)
		return (-1);
	if (sql_step(q, err) != 1) {
		sql_done(q);
		return (-1);
	}
	*ret = sql_int(q, 0);
	sql_done(q);
	return (0);
}

static int migrate(struct sql *q, struct err *err)
{
	int64_t version;
	char mark[64];

	if (read_version(q, &version, err) == -1)
		return (-1);
	if (version > q->migrations_n)
		return (too_new(q, version, err));
	for (; version < q->migrations_n; version++) {
		(void)snprintf(mark, sizeof(mark), "PRAGMA user_version = %lld",
		    (long long)version + 1);
		if (sql_begin(q, err) == -1)
			return (-1);
		if (sql_exec(q, q->migrations[version], err) == -1 ||
		    sql_exec(q, mark, err) == -1) {
			sql_rollback(q);
			return (-1);
		}
		if (sql_commit(q, err) == -1)
			return (-1);
	}
	return (0);
}

static void shut(struct sql *q)
{
	forget_statements(q);
	if (q->db != NULL)
		(void)sqlite3_close_v2(q->db);
	q->db = NULL;
}

static int open_handle(struct sql *q, int flags, struct err *err)
{
	int code = sqlite3_open_v2(q->path, &q->db,
	    flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL);

	if (code != SQLITE_OK)
		return (fail(q, code, "open", err));
	(void)sqlite3_busy_timeout(q->db, BUSY_MS);
	return (0);
}

static int open_writer(struct sql *q, struct err *err)
{
	static const char *const syncs[] = {
		[SQL_OFF] = "PRAGMA synchronous = OFF",
		[SQL_NORMAL] = "PRAGMA synchronous = NORMAL",
		[SQL_FULL] = "PRAGMA synchronous = FULL",
	};
	int64_t version;

	if (open_handle(q, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err) == -1 ||
	    read_version(q, &version, err) == -1)
		return (-1);
	if (version > q->migrations_n)
		return (too_new(q, version, err));
	/* The log is cut back to 16 MiB after a checkpoint, so a burst does not stay on disk
	 * (STO-19). */
	if (sql_exec(q,
		"PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 16777216;"
		"PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
		"PRAGMA cell_size_check = ON", err) == -1 ||
	    sql_exec(q, syncs[q->sync], err) == -1)
		return (-1);
	return (migrate(q, err));
}

struct sql *sql_open(const char *path, enum sql_sync sync, const char *const *migrations,
    unsigned n, struct err *err)
{
	struct sql *q = NEW(struct sql);
	uint32_t version;

	q->path = mem_strdup(path);
	q->sync = sync;
	q->migrations = migrations;
	q->migrations_n = n;
	if ((version = version_in_file(path)) > n) {
		(void)too_new(q, version, err);
		sql_close(q);
		return (NULL);
	}
	if (open_writer(q, err) == -1) {
		sql_close(q);
		return (NULL);
	}
	return (q);
}

struct sql *sql_open_reader(const char *path, struct err *err)
{
	struct sql *q = NEW(struct sql);

	q->path = mem_strdup(path);
	/* Read-write so that it can follow the log; it neither writes nor checkpoints (STO-20). */
	if (open_handle(q, SQLITE_OPEN_READWRITE, err) == -1 ||
	    sql_exec(q, "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0;"
			"PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF", err) == -1) {
		sql_close(q);
		return (NULL);
	}
	(void)sqlite3_db_config(q->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return (q);
}

void sql_shrink(struct sql *q)
{
	(void)sqlite3_busy_timeout(q->db, 0); /* readers may stay as long as they like */
	(void)sqlite3_wal_checkpoint_v2(q->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_busy_timeout(q->db, BUSY_MS);
}

void sql_close(struct sql *q)
{
	if (q == NULL)
		return;
	shut(q);
	free(q->path);
	free(q);
}

/* --- health --- */

void sql_on_failed(struct sql *q, void (*on_failed)(void *self, const char *what), void *self)
{
	q->on_failed = on_failed;
	q->failed_self = self;
}

bool sql_is_failed(const struct sql *q)
{
	return (q->failed || q->db == NULL);
}

bool sql_is_corrupt(const struct sql *q)
{
	return (q->corrupt);
}

int sql_check(struct sql *q, struct err *err)
{
	struct slice said;
	int ret = -1;

	if (sql_ask(q, "PRAGMA quick_check(1)", err, "") == -1)
		return (-1);
	if (sql_step(q, err) == 1) {
		said = sql_text(q, 0);
		if (slice_eq(said, SLICE("ok"))) {
			ret = 0;
		} else {
			q->corrupt = true;
			tell_failed(q, SQLITE_CORRUPT);
			(void)err_set(err, ERR_PERMANENT, "check %s: the database is damaged "
			    "(%.*s)",
			    name_of(q), SLICE_ARG(slice_head(said, 100)));
			if (err != NULL)
				err->number = EBADMSG;
		}
	}
	sql_done(q);
	return (ret);
}

int sql_set_aside(const char *path, struct err *err)
{
	static const char *const ends[] = { "", "-wal" };
	char from[512], to[512];
	long long now = (long long)clock_wall();

	/* What was set aside before stays, even of this very second. */
	for (;; now++) {
		(void)snprintf(to, sizeof(to), "%s.damaged-%lld", path, now);
		if (access(to, F_OK) != 0)
			break;
	}
	/* The log goes with its database: it may hold the part that can still be read. */
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		(void)snprintf(from, sizeof(from), "%s%s", path, ends[i]);
		(void)snprintf(to, sizeof(to), "%s.damaged-%lld%s", path, now, ends[i]);
		if (rename(from, to) == -1 && errno != ENOENT)
			return (err_errno(err, "set %s aside", from));
	}
	(void)snprintf(from, sizeof(from), "%s-shm", path);
	(void)unlink(from);
	return (0);
}

int sql_reopen(struct sql *q, bool fresh, struct err *err)
{
	shut(q);
	if (fresh && sql_set_aside(q->path, err) == -1)
		return (-1);
	q->failed = q->corrupt = false;
	if (open_writer(q, err) == 0 && sql_check(q, err) == 0)
		return (0);
	shut(q);
	return (-1);
}
