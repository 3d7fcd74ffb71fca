/* queue_read.c: what waits to be sent, and what became of it? Questions only; changes are
 * queue.c's, when to try is the scheduler's. An entry whose body is missing, short or
 * unreadable is marked broken here and given to nobody who sends (OUT-17); the others flow. */
#include "store/queue_int.h"

enum { STATES = 4 };

#define ENTRY_COLUMNS                                                                              \
	"seq,id,sender,account,envid,ret_full,smtputf8,eightbit,not_before,arrived,expires,size,"  \
	"stored,broken"

static int read_rcpts(struct store *s, struct arena *a, struct queue_entry *e, int64_t seq,
    struct err *err)
{
	struct sql *q = s->queue;
	size_t at = 0;
	int got;

	if (sql_ask(q, "SELECT count(*) FROM rcpt WHERE entry=?", err, "i", seq) == -1)
		return (-1);
	if (sql_step(q, err) != 1) {
		sql_done(q);
		return (-1);
	}
	e->rcpts_n = (size_t)sql_int(q, 0);
	sql_done(q);
	e->rcpts = arena_array(a, e->rcpts_n + 1, sizeof(*e->rcpts));
	if (sql_ask(q, "SELECT id,address,orcpt,notify,next_try,tries,warned,last,state FROM rcpt"
		       " WHERE entry=? ORDER BY id", err, "i", seq) == -1)
		return (-1);
	while ((got = sql_step(q, err)) == 1 && at < e->rcpts_n) {
		struct queue_rcpt *r = &e->rcpts[at++];
		int64_t state = sql_int(q, 8);

		r->id = sql_int(q, 0);
		r->address = arena_dup(a, sql_text(q, 1));
		r->orcpt = arena_dup(a, sql_text(q, 2));
		r->notify = (unsigned)sql_int(q, 3);
		r->next_try = sql_int(q, 4);
		r->tries = (unsigned)sql_int(q, 5);
		r->warned = sql_int(q, 6) != 0;
		r->last = arena_dup(a, sql_text(q, 7));
		/* A state we do not know must not be sent by mistake. */
		r->state = RCPT_HELD;
		if (state >= 0 && state < STATES)
			r->state = (unsigned)state;
	}
	sql_done(q);
	e->rcpts_n = at;
	e->env.rcpts = e->rcpts;
	e->env.rcpts_n = at;
	return (got == -1 ? -1 : 0);
}

/* The row the question stands on, copied out; then its recipients. */
static int read_entry(struct store *s, struct arena *a, struct queue_entry **ret, struct err *err)
{
	struct queue_entry *e = arena_alloc(a, sizeof(*e));
	struct sql *q = s->queue;
	struct slice id = sql_text(q, 1);
	int64_t seq = sql_int(q, 0), stored;

	memcpy(e->id, id.p, id.n < QUEUE_ID ? id.n : QUEUE_ID);
	e->env.from = arena_dup(a, sql_text(q, 2));
	e->env.account = arena_dup(a, sql_text(q, 3));
	e->env.envid = arena_dup(a, sql_text(q, 4));
	e->env.ret_full = sql_int(q, 5) != 0;
	e->env.smtputf8 = sql_int(q, 6) != 0;
	e->env.eightbit = sql_int(q, 7) != 0;
	e->env.not_before = sql_int(q, 8);
	e->arrived = sql_int(q, 9);
	e->expires = sql_int(q, 10);
	e->size = (uint64_t)sql_int(q, 11);
	stored = sql_int(q, 12);
	e->broken = sql_int(q, 13) != 0;
	*ret = e;
	if (!e->broken && !body_is_whole(e->id, stored)) {
		e->broken = true;
		if (sql_do(q, "UPDATE entry SET broken=1 WHERE seq=?", err, "i", seq) == -1)
			return (-1);
	}
	return (read_rcpts(s, a, e, seq, err));
}

int queue_get(struct store *s, struct arena *a, const char *id, struct queue_entry **ret,
    struct err *err)
{
	int got;

	if (sql_ask(s->queue, "SELECT " ENTRY_COLUMNS " FROM entry WHERE id=?", err, "s",
		slice_of(id)) == -1)
		return (-1);
	if ((got = sql_step(s->queue, err)) == 1)
		got = read_entry(s, a, ret, err) == -1 ? -1 : 1;
	sql_done(s->queue);
	if (got == 0)
		return (err_set(err, ERR_NOT_FOUND, "no queue entry %.*s", QUEUE_ID, id));
	return (got == 1 ? 0 : -1);
}

/* Rows of a question already asked, at most ${max}. ret_broken: so many were left out; NULL:
 * they are in. */
static int read_entries(struct store *s, struct arena *a, size_t max, struct queue_entry ***ret,
    size_t *ret_n, size_t *ret_broken, struct err *err)
{
	struct queue_entry *e, **list = arena_array(a, max + 1, sizeof(struct queue_entry *));
	size_t n = 0;
	int got = 0;

	while (n < max && (got = sql_step(s->queue, err)) == 1) {
		if (read_entry(s, a, &e, err) == -1) {
			got = -1;
			break;
		}
		if (ret_broken != NULL && e->broken)
			(*ret_broken)++;
		else
			list[n++] = e;
	}
	sql_done(s->queue);
	*ret = list;
	*ret_n = n;
	return (got == -1 ? -1 : 0);
}

int queue_due(struct store *s, struct arena *a, int64_t now, size_t max, struct queue_entry ***ret,
    size_t *ret_n, int64_t *ret_next, struct err *err)
{
	size_t broken = 0;

	*ret_next = 0;
	if (sql_ask(s->queue,
		"SELECT " ENTRY_COLUMNS " FROM entry WHERE broken=0 AND seq IN"
		" (SELECT entry FROM rcpt WHERE state=0 AND next_try<=?) ORDER BY seq LIMIT ?",
		err, "ii", now, (int64_t)max) == -1 ||
	    read_entries(s, a, max, ret, ret_n, &broken, err) == -1)
		return (-1);
	if (*ret_n + broken == max) { /* there may be more: look again at once */
		*ret_next = now;
		return (0);
	}
	if (sql_ask(s->queue,
		"SELECT next_try FROM rcpt WHERE state=0 AND next_try>?"
		" AND entry NOT IN (SELECT seq FROM entry WHERE broken<>0)"
		" ORDER BY next_try LIMIT 1", err, "i", now) == -1)
		return (-1);
	if (sql_step(s->queue, err) == 1)
		*ret_next = sql_int(s->queue, 0);
	sql_done(s->queue);
	return (0);
}

int queue_list(struct store *s, struct arena *a, size_t max, struct queue_entry ***ret,
    size_t *ret_n, struct err *err)
{
	if (sql_ask(s->queue, "SELECT " ENTRY_COLUMNS " FROM entry ORDER BY seq LIMIT ?", err, "i",
		(int64_t)max) == -1)
		return (-1);
	return (read_entries(s, a, max, ret, ret_n, NULL, err));
}

int queue_has(struct store *s, const char *id, struct err *err)
{
	int got;

	if (sql_ask(s->queue, "SELECT 1 FROM entry WHERE id=?", err, "s", slice_of(id)) == -1)
		return (-1);
	got = sql_step(s->queue, err);
	sql_done(s->queue);
	return (got);
}

int queue_count(struct store *s, struct queue_count *ret, struct err *err)
{
	struct sql *q = s->queue;
	int got;

	*ret = (struct queue_count){ 0 };
	if (sql_ask(q, "SELECT count(*),coalesce(sum(size),0),coalesce(min(arrived),0) FROM entry",
		err, "") == -1)
		return (-1);
	if ((got = sql_step(q, err)) == 1) {
		ret->entries = (uint64_t)sql_int(q, 0);
		ret->octets = (uint64_t)sql_int(q, 1);
		ret->oldest = sql_int(q, 2);
	}
	sql_done(q);
	if (got != 1 || sql_ask(q, "SELECT count(*),coalesce(sum(state=1),0) FROM rcpt"
				   " WHERE state IN (0,1)", err, "") == -1)
		return (-1);
	if ((got = sql_step(q, err)) == 1) {
		ret->recipients = (uint64_t)sql_int(q, 0);
		ret->held = (uint64_t)sql_int(q, 1);
	}
	sql_done(q);
	return (got == 1 ? 0 : -1);
}
