/* sql.h (inside store): one connection, its statements, errors mapped. A connection is used by one
 * lane at a time. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "core/err.h"
#include "core/slice.h"

struct sql;

enum sql_sync { SQL_OFF, SQL_NORMAL, SQL_FULL };
/* sql_open: WAL, NOMUTEX, given synchronous, busy_timeout; runs the migrations (numbered, all in
 * one transaction each): statements[i] leads from user_version i to i+1. A database of a newer
 * version: ERR_PERMANENT, unchanged. Corrupt: ERR_PERMANENT with number EBADMSG; caches are then
 * set aside by their owner. A database gone wrong later gives the same. Errors in use: ERR_NO_SPACE
 * (full), ERR_EXISTS (a constraint), ERR_PERMANENT with EBADMSG (corrupt), else ERR_TEMPORARY. Call
 * it before any other connection of this process has the file open. */
struct sql *sql_open(const char *path, enum sql_sync sync, const char *const *migrations,
    unsigned n, struct err *err);
struct sql *sql_open_reader(const char *path, struct err *err); /* query_only; never checkpoints */
void sql_close(struct sql *q);                                  /* accepts NULL */
int sql_exec(struct sql *q, const char *text, struct err *err);
/* Statements: prepared once per text (the text's address is the key: string literals only) and
 * reused. sql_ask binds: 'i' int64_t, 's' struct slice as text, 'b' struct slice as blob, 'd'
 * double, 'n' null (no argument). What is bound is copied. Then sql_step until 0; sql_done resets
 * (also early, also after a failed step). A sql_ask that fails has pushed nothing: no sql_done. */
int sql_ask(struct sql *q, const char *text, struct err *err, const char *binds, ...);
int sql_step(struct sql *q, struct err *err); /* 1 a row, 0 end, -1 */
int64_t sql_int(struct sql *q, int column);
double sql_real(struct sql *q, int column);
struct slice sql_text(struct sql *q, int column); /* valid until the next step; blobs too */
bool sql_is_null(struct sql *q, int column);
void sql_done(struct sql *q);
/* One whole statement without rows. */
int sql_do(struct sql *q, const char *text, struct err *err, const char *binds, ...);
int sql_begin(struct sql *q, struct err *err);  /* IMMEDIATE */
int sql_commit(struct sql *q, struct err *err); /* one that fails has rolled back */
void sql_rollback(struct sql *q);               /* harmless outside a transaction */
bool sql_in_tx(const struct sql *q); /* false also after SQLite itself rolled back, as when the disk is full */
int64_t sql_last_id(struct sql *q);
int64_t sql_changes(struct sql *q);
/* Asking inside asking is allowed to a depth of 4: sql_ask pushes, sql_done pops. */

/* Health (P9). sql_on_failed: called, in the thread that uses the connection, when a read, write or
 * sync of a file failed or what was read is damaged; once until reopened. */
void sql_on_failed(struct sql *q, void (*on_failed)(void *self, const char *what), void *self);
bool sql_is_failed(const struct sql *q);
bool sql_is_corrupt(const struct sql *q);
int sql_check(
    struct sql *q, struct err *err); /* reads all of it; ERR_PERMANENT with EBADMSG when damaged */
/* sql_shrink: all of the log into the database, and the log to nothing; as far as readers let it, which it does
 * not wait for. For a writer outside a transaction. */
void sql_shrink(struct sql *q);
/* sql_set_aside: rename a damaged database (with -wal) to <path>.damaged-<wall seconds>, or the
 * next second that is free: nothing set aside before is lost. No connection may have it open. */
int sql_set_aside(const char *path, struct err *err);
/* sql_reopen: close and open the same file again in the same struct sql, and check it. ${fresh}:
 * set the old one aside first. On failure the connection is shut: all that is asked of it fails
 * until a later sql_reopen succeeds. Only for connections of sql_open, outside statements. */
int sql_reopen(struct sql *q, bool fresh, struct err *err);

#endif
