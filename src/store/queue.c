/* queue.c: how does a recipient come into the queue, and how does it leave? Only by an outcome
 * recorded together with the notice it owes (P5, P6), or by an operator's act. Each change is
 * one transaction; bodies are durable before the row that names them and removed after the row
 * is gone. Questions are queue_read.c's, files queue_body.c's. */
#include "store/queue.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/log.h"
#include "store/queue_int.h"

/* --- coming in --- */

static int64_t sending_time(const struct queue_envelope *env, int64_t now)
{
	return (env->not_before > now ? env->not_before : now);
}

/* Inside a transaction. */
static int insert(struct store *s, const char *id, const struct queue_envelope *env, uint64_t size,
    int64_t now, struct err *err)
{
	struct sql *q = s->queue;
	int64_t stored = body_size(id), seq, first = sending_time(env, now);

	if (stored == -1)
		return (err_set(err, ERR_TEMPORARY, "queue a message: its body queue/%s is not "
			"there", id));
	if (sql_do(q, "INSERT INTO entry(id,sender,account,envid,ret_full,smtputf8,eightbit,"
		      "not_before,arrived,expires,size,stored) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
		err, "ssssiiiiiiii", slice_of(id), env->from, env->account, env->envid,
		(int64_t)env->ret_full, (int64_t)env->smtputf8, (int64_t)env->eightbit,
		env->not_before, now, first + L_QUEUE_SECONDS, (int64_t)size, stored) == -1)
		return (-1);
	seq = sql_last_id(q);
	for (size_t i = 0; i < env->rcpts_n; i++) {
		const struct queue_rcpt *r = &env->rcpts[i];

		if (sql_do(q, "INSERT INTO rcpt(entry,address,orcpt,notify,next_try)"
			      " VALUES(?,?,?,?,?)", err, "issii", seq, r->address, r->orcpt,
			(int64_t)r->notify, first) == -1)
			return (-1);
	}
	return (0);
}

static int is_full(struct store *s, struct err *err)
{
	int64_t n;

	if (sql_ask(s->queue, "SELECT count(*) FROM entry", err, "") == -1)
		return (-1);
	if (sql_step(s->queue, err) != 1) {
		sql_done(s->queue);
		return (-1);
	}
	n = sql_int(s->queue, 0);
	sql_done(s->queue);
	if ((uint64_t)n >= __atomic_load_n(&s->queue_max, __ATOMIC_RELAXED))
		return (err_set(err, ERR_LIMIT, "the queue holds %lld messages", (long long)n));
	return (0);
}

int queue_insert(struct store *s, const char *id, const struct queue_envelope *env, uint64_t size,
    int64_t now, int64_t intent, struct err *err)
{
	struct sql *q = s->queue;

	if (sql_begin(q, err) == -1)
		return (-1);
	/* Only people can fill the queue; a notice we owe is never refused. */
	if ((env->account.n > 0 && is_full(s, err) == -1) ||
	    insert(s, id, env, size, now, err) == -1 ||
	    (intent != 0 && sql_do(q, "DELETE FROM intent WHERE id=?", err, "i", intent) == -1)) {
		sql_rollback(q);
		return (-1);
	}
	return (sql_commit(q, err));
}

int queue_add_blocking(struct store *s, const struct queue_envelope *env, struct slice content,
    char ret_id[QUEUE_ID + 1], struct err *err)
{
	queue_new_id(ret_id);
	if (body_write(ret_id, content, err) == -1)
		return (-1);
	if (sql_begin(s->queue, err) == -1)
		goto err_body;
	if (insert(s, ret_id, env, content.n, clock_wall(), err) == -1) {
		sql_rollback(s->queue);
		goto err_body;
	}
	return (sql_commit(s->queue, err)); /* failed: see settle() on the body */
err_body:
	body_remove(ret_id);
	return (-1);
}

void queue_on_added(struct store *s, void (*on_added)(void *self), void *self)
{
	s->on_queue_added = on_added;
	s->queue_self = self;
}

void queue_tell_added(struct store *s)
{
	if (s->on_queue_added != NULL)
		s->on_queue_added(s->queue_self);
}

/* --- going out --- */

static int seq_of(struct store *s, const char *id, int64_t *ret, struct err *err)
{
	int got;

	if (sql_ask(s->queue, "SELECT seq FROM entry WHERE id=?", err, "s", slice_of(id)) == -1)
		return (-1);
	if ((got = sql_step(s->queue, err)) == 1)
		*ret = sql_int(s->queue, 0);
	sql_done(s->queue);
	if (got == 0)
		return (err_set(err, ERR_NOT_FOUND, "no queue entry %.*s", QUEUE_ID, id));
	return (got == 1 ? 0 : -1);
}

static int record(struct store *s, int64_t seq, const struct queue_outcome *o, struct err *err)
{
	struct sql *q = s->queue;

	switch (o->kind) {
	case OUTCOME_DELIVERED:
	case OUTCOME_FAILED:
		return (sql_do(q, "UPDATE rcpt SET state=?,last=?,tries=tries+1"
				  " WHERE id=? AND entry=? AND state IN (0,1)", err, "isii",
		    (int64_t)(o->kind == OUTCOME_DELIVERED ? RCPT_DONE : RCPT_FAILED), o->reply,
		    o->rcpt, seq));
	case OUTCOME_RETRY:
	case OUTCOME_WARNED:
		return (sql_do(q, "UPDATE rcpt SET next_try=?,last=?,tries=tries+1,"
				  "warned=max(warned,?) WHERE id=? AND entry=? AND state IN (0,1)",
		    err, "isiii", o->next_try, o->reply, (int64_t)(o->kind == OUTCOME_WARNED),
		    o->rcpt, seq));
	}
	return (err_set(err, ERR_PERMANENT, "settle a queue entry: unknown outcome"));
}

/* Is all settled? Then the row goes; 1 it went, 0 it stays, -1. */
static int drop_if_settled(struct store *s, int64_t seq, struct err *err)
{
	struct sql *q = s->queue;

	if (sql_do(q, "DELETE FROM entry WHERE seq=?1 AND NOT EXISTS"
		      " (SELECT 1 FROM rcpt WHERE entry=?1 AND state IN (0,1))", err, "i",
		seq) == -1)
		return (-1);
	return (sql_changes(q) > 0 ? 1 : 0);
}

/* The one transaction: outcomes, the report's entry, and the end of the entry. 1 it went, 0 it
 * stays, -1 nothing was done, -2 its commit failed: after a crash it may yet be found done, so the
 * report's body must stay. */
static int settle(struct store *s, const char *id, const struct queue_outcome *o, size_t n,
    const struct queue_report *report, const char *report_id, struct err *err)
{
	int64_t seq;
	int went;

	if (sql_begin(s->queue, err) == -1)
		return (-1);
	if (seq_of(s, id, &seq, err) == -1)
		goto err_rollback;
	for (size_t i = 0; i < n; i++) {
		if (record(s, seq, &o[i], err) == -1)
			goto err_rollback;
	}
	if (report != NULL && insert(s, report_id, &report->env, report->content.n, clock_wall(),
				  err) == -1)
		goto err_rollback;
	if ((went = drop_if_settled(s, seq, err)) == -1)
		goto err_rollback;
	return (sql_commit(s->queue, err) == -1 ? -2 : went);
err_rollback:
	sql_rollback(s->queue);
	return (-1);
}

int queue_settle(struct store *s, const char *id, const struct queue_outcome *o, size_t n,
    const struct queue_report *report, char ret_report_id[QUEUE_ID + 1], struct err *err)
{
	char report_id[QUEUE_ID + 1] = "";
	int went;

	if (report != NULL) {
		queue_new_id(report_id);
		if (body_write(report_id, report->content, err) == -1)
			return (-1);
	}
	if ((went = settle(s, id, o, n, report, report_id, err)) < 0) {
		if (report != NULL && went == -1)
			body_remove(report_id);
		return (-1);
	}
	if (went == 1)
		body_remove(id);
	if (ret_report_id != NULL)
		memcpy(ret_report_id, report_id, sizeof(report_id));
	return (0);
}

/* --- an operator's acts --- */

/* A body that came back, from a backup say, may be sent again. */
static int look_again(struct store *s, const char *id, struct err *err)
{
	int64_t stored = -1;
	int got;

	if (sql_ask(s->queue, "SELECT stored FROM entry WHERE id=? AND broken<>0", err, "s",
		slice_of(id)) == -1)
		return (-1);
	if ((got = sql_step(s->queue, err)) == 1)
		stored = sql_int(s->queue, 0);
	sql_done(s->queue);
	if (got != 1)
		return (got);
	if (!body_is_whole(id, stored))
		return (0);
	return (sql_do(s->queue, "UPDATE entry SET broken=0 WHERE id=?", err, "s", slice_of(id)));
}

static int act_on(struct store *s, const char *id, int act, struct err *err)
{
	struct sql *q = s->queue;
	int64_t seq;

	if (seq_of(s, id, &seq, err) == -1)
		return (-1);
	switch (act) {
	case 'r':
		if (look_again(s, id, err) == -1)
			return (-1);
		return (sql_do(q, "UPDATE rcpt SET next_try=? WHERE entry=? AND state=0", err, "ii",
		    clock_wall(), seq));
	case 'h':
		return (sql_do(q, "UPDATE rcpt SET state=1 WHERE entry=? AND state=0", err, "i",
		    seq));
	case 'R':
		if (look_again(s, id, err) == -1 ||
		    sql_do(q, "UPDATE entry SET work=0,crashes=0 WHERE seq=?", err, "i", seq) == -1)
			return (-1);
		return (sql_do(q, "UPDATE rcpt SET state=0,next_try=? WHERE entry=? AND state=1",
		    err, "ii", clock_wall(), seq));
	case 'd':
		if (sql_do(q, "DELETE FROM entry WHERE seq=?", err, "i", seq) == -1)
			return (-1);
		body_remove(id);
		return (0);
	}
	return (err_set(err, ERR_CANNOT, "the queue knows no act '%c'", act));
}

/* All ids there are now, one after the other; L_QUEUE and the notices bound them. */
static int all_ids(struct store *s, struct buf *out, struct err *err)
{
	int got;

	if (sql_ask(s->queue, "SELECT id FROM entry ORDER BY seq", err, "") == -1)
		return (-1);
	while ((got = sql_step(s->queue, err)) == 1) {
		if (sql_text(s->queue, 0).n == QUEUE_ID)
			(void)buf_add_slice(out, sql_text(s->queue, 0));
	}
	sql_done(s->queue);
	if (got == 0 && out->failed)
		return (err_set(err, ERR_LIMIT, "too many queue entries at once"));
	return (got);
}

int queue_act(struct store *s, const char *id, int act, size_t *ret_n, struct err *err)
{
	struct buf ids = BUF_INIT(QUEUE_ID * 10 * L_QUEUE);
	char one[QUEUE_ID + 1] = "";
	int ret = 0;

	*ret_n = 0;
	if (id != NULL) {
		if (act_on(s, id, act, err) == -1)
			return (-1);
		*ret_n = 1;
		return (0);
	}
	if (all_ids(s, &ids, err) == -1)
		ret = -1;
	for (size_t at = 0; ret == 0 && at < ids.n; at += QUEUE_ID) {
		memcpy(one, ids.p + at, QUEUE_ID);
		if ((ret = act_on(s, one, act, err)) == 0)
			(*ret_n)++;
	}
	buf_free(&ids);
	return (ret);
}

/* --- crashes (P22) --- */

int queue_work_begin(struct store *s, const char *id, struct err *err)
{
	return (sql_do(s->queue, "UPDATE entry SET work=work+1 WHERE id=?", err, "s",
	    slice_of(id)));
}

int queue_work_end(struct store *s, const char *id, struct err *err)
{
	/* Whoever came through an attempt alive is not what kills us. */
	return (sql_do(s->queue, "UPDATE entry SET work=max(work-1,0),"
				 "crashes=CASE WHEN work<=1 THEN 0 ELSE crashes END WHERE id=?",
	    err, "s", slice_of(id)));
}

static int mark_crashes(struct store *s, struct err *err)
{
	struct sql *q = s->queue;
	int64_t held;

	if (sql_begin(q, err) == -1)
		return (-1);
	if (sql_do(q, "UPDATE entry SET crashes=crashes+1,work=0 WHERE work>0", err, "") == -1 ||
	    sql_do(q, "UPDATE rcpt SET state=1,last='set aside after two crashes' WHERE state=0"
		      " AND entry IN (SELECT seq FROM entry WHERE crashes>=2)", err, "") == -1) {
		sql_rollback(q);
		return (-1);
	}
	held = sql_changes(q);
	if (sql_commit(q, err) == -1)
		return (-1);
	if (held > 0)
		log_event(LOG_WARN, NULL, "queue set messages aside after two crashes", "next",
		    "held until released or deleted", NULL);
	return (0);
}

static int is_named(void *self, const char *id, struct err *err)
{
	struct store *s = self;
	int got = queue_has(s, id, err);

	if (got != 0)
		return (got);
	if (sql_ask(s->queue, "SELECT 1 FROM intent WHERE instr(names,?)>0 LIMIT 1", err, "s",
		slice_of(id)) == -1)
		return (-1);
	got = sql_step(s->queue, err);
	sql_done(s->queue);
	return (got);
}

int queue_recover(struct store *s, struct err *err)
{
	if (mark_crashes(s, err) == -1)
		return (-1);
	return (body_sweep(is_named, s, err));
}
