/* reputation.c: what is known of those who send mail here? Rows lie in ledger.sqlite; those with enough
 * behind them for a score stand in memory too, where the loop reads them. How they add up is
 * reputation_add.c's, what they mean standing.c's. Failures: what cannot be read is not known. */
#include "store/reputation.h"

#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "store/store_int.h"

enum { LIST_FIRST = 64 };

#define STANDING "ham,spam,mails,at,friend_at"

/* --- in memory, on the loop --- */

bool reputation_score(const struct store *s, struct slice name, unsigned *ret)
{
	const struct standing *known = name.n > 0 ? map_get(s->standings, name) : NULL;

	if (known == NULL || !standing_speaks(known, clock_wall()))
		return (false);
	*ret = standing_score(known);
	return (true);
}

void reputation_forgot(struct store *s, struct slice name)
{
	free(map_drop(s->standings, name));
}

/* Only who has enough behind him is kept here. */
void reputation_publish(struct store *s, struct slice name, const struct standing *now)
{
	struct standing *kept = map_get(s->standings, name);

	if (!standing_has_enough(now, clock_wall())) {
		reputation_forgot(s, name);
		return;
	}
	if (kept == NULL) {
		if (map_count(s->standings) >= L_REPUTATION)
			return;
		kept = NEW(struct standing);
		(void)map_put(s->standings, name, kept);
	}
	*kept = *now;
}

static struct standing read_standing(struct sql *q, int first)
{
	return ((struct standing){
	    .ham = sql_real(q, first),
	    .spam = sql_real(q, first + 1),
	    .mails = sql_real(q, first + 2),
	    .at = sql_int(q, first + 3),
	    .friend_at = sql_int(q, first + 4),
	});
}

void reputation_open(struct store *s)
{
	struct err err = { 0 };
	int got = -1;

	s->standings = map_new();
	if (sql_ask(s->ledger, "SELECT name," STANDING " FROM standing WHERE mails>=?"
			       " ORDER BY until DESC LIMIT ?", &err, "ii",
		(int64_t)STANDING_MAILS / 2, (int64_t)L_REPUTATION) == 0) {
		while ((got = sql_step(s->ledger, &err)) == 1) {
			struct standing known = read_standing(s->ledger, 1);

			reputation_publish(s, sql_text(s->ledger, 0), &known);
		}
		sql_done(s->ledger);
	}
	if (got == -1)
		log_event(LOG_WARN, NULL, "store could not read what it knows of senders", "reason",
		    err.text, "now", "everybody is unknown", NULL);
}

/* Loop, now and then: what has faded, so that there is room. */
void reputation_hourly(struct store *s)
{
	struct standing *known;
	struct slice name;
	size_t at = 0;
	void *value;

	while (map_next(s->standings, &at, &name, &value)) {
		known = value;
		if (!standing_has_enough(known, clock_wall()))
			reputation_forgot(s, name);
	}
}

void reputation_close(struct store *s)
{
	struct slice name;
	size_t at = 0;
	void *value;

	while (s->standings != NULL && map_next(s->standings, &at, &name, &value))
		free(value);
	map_free(s->standings);
}

/* --- on the lane --- */

int reputation_load(
    struct store *s, struct slice name, struct standing *ret, struct err *err)
{
	int got;

	*ret = (struct standing){ 0 };
	if (sql_ask(
		s->ledger, "SELECT " STANDING " FROM standing WHERE name=?", err, "s", name) == -1)
		return (-1);
	if ((got = sql_step(s->ledger, err)) == 1)
		*ret = read_standing(s->ledger, 0);
	sql_done(s->ledger);
	return (got == -1 ? -1 : 0);
}

int reputation_list(struct store *s, struct arena *a, struct slice name, size_t max,
    struct reputation_row **ret, size_t *ret_n, struct err *err)
{
	struct sql *q = s->ledger;
	size_t n = 0, room = 0;
	int got;

	*ret = NULL;
	*ret_n = 0;
	if ((name.n > 0
		    ? sql_ask(q, "SELECT name," STANDING " FROM standing WHERE name=?1", err, "s",
			  name)
		    : sql_ask(q, "SELECT name," STANDING " FROM standing ORDER BY until DESC LIMIT ?",
			  err, "i", (int64_t)max)) == -1)
		return (-1);
	while ((got = sql_step(q, err)) == 1) {
		if (n == room) {
			struct reputation_row *more;

			room = room == 0 ? LIST_FIRST : room * 2;
			more = arena_array(a, room, sizeof(*more));
			if (n > 0)
				memcpy(more, *ret, n * sizeof(*more));
			*ret = more;
		}
		(*ret)[n++] = (struct reputation_row){
			arena_dup(a, sql_text(q, 0)),
			read_standing(q, 1),
		};
	}
	sql_done(q);
	*ret_n = n;
	return (got);
}

int reputation_forget(struct store *s, struct slice name, struct err *err)
{
	if (sql_begin(s->ledger, err) == -1)
		return (-1);
	if (sql_do(s->ledger, "DELETE FROM standing WHERE name=?", err, "s", name) == -1)
		goto err_rolled;
	if (sql_changes(s->ledger) == 0) {
		(void)err_set(
		    err, ERR_NOT_FOUND, "nothing is known of " SLICE_FMT, SLICE_ARG(name));
		goto err_rolled;
	}
	/* Or a later lesson would take back what is no longer counted. */
	if (sql_do(s->ledger, "UPDATE evidence SET net='' WHERE net=?", err, "s", name) == -1 ||
	    sql_do(s->ledger, "UPDATE evidence SET domain='' WHERE domain=?", err, "s", name) == -1)
		goto err_rolled;
	return (sql_commit(s->ledger, err));
err_rolled:
	sql_rollback(s->ledger);
	return (-1);
}

int reputation_expire(struct store *s, int64_t now, struct err *err)
{
	int64_t before = now - (int64_t)L_LEDGER_DAYS * 86400;

	/* Who shows up under many names pushes out those of whom as little is known. */
	if (sql_do(s->ledger, "DELETE FROM standing WHERE until<?1 OR name IN (SELECT name FROM"
			      " standing ORDER BY until DESC LIMIT -1 OFFSET ?2)", err, "ii", now,
		(int64_t)L_REPUTATION) == -1)
		return (-1);
	return (sql_do(s->ledger,
	    "DELETE FROM evidence WHERE at<?1 OR (account,content) IN (SELECT account,content FROM"
	    " evidence ORDER BY at DESC LIMIT -1 OFFSET ?2)",
	    err, "ii", before, (int64_t)L_EVIDENCE));
}
