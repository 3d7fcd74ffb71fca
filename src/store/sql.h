/* sql.h (inside store): one connection, its statements, errors mapped. A connection is used by one lane at a time. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "core/err.h"
#include "core/slice.h"

struct sql;

enum sql_sync { SQL_OFF, SQL_NORMAL, SQL_FULL };
/* sql_open: WAL, NOMUTEX, given synchronous, busy_timeout; runs the migrations (numbered, all in one transaction each): statements[i] leads from user_version i to i+1. A database of a newer
 * version: ERR_PERMANENT, unchanged. Corrupt: ERR_PERMANENT; caches are then set aside by their owner. */
struct sql *sql_open(const char *path, enum sql_sync sync, const char *const *migrations, unsigned n, struct err *err);
struct sql *sql_open_reader(const char *path, struct err *err); /* query_only */
void sql_close(struct sql *q);
int sql_exec(struct sql *q, const char *text, struct err *err);
/* Statements: prepared once per text (the text's address is the key: string literals only) and reused. sql_ask binds: 'i' int64_t, 's' struct slice as text, 'b' struct slice as blob, 'd' double, 'n' null (no argument).
 * Then sql_step until 0; sql_done resets (also early). */
int sql_ask(struct sql *q, const char *text, struct err *err, const char *binds, ...);
int sql_step(struct sql *q, struct err *err); /* 1 a row, 0 end, -1 */
int64_t sql_int(struct sql *q, int column);
double sql_real(struct sql *q, int column);
struct slice sql_text(struct sql *q, int column); /* valid until the next step; blobs too */
bool sql_is_null(struct sql *q, int column);
void sql_done(struct sql *q);
/* One whole statement without rows. */
int sql_do(struct sql *q, const char *text, struct err *err, const char *binds, ...);
int sql_begin(struct sql *q, struct err *err); /* IMMEDIATE */
int sql_commit(struct sql *q, struct err *err);
void sql_rollback(struct sql *q);
int64_t sql_last_id(struct sql *q);
int64_t sql_changes(struct sql *q);
/* Asking inside asking is allowed to a depth of 4: sql_ask pushes, sql_done pops. */

#endif
