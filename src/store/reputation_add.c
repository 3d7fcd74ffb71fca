/* reputation_add.c: what does a message, or what its owner says of it, add to what is known of its sender?
 * One transaction a message, on the ledger's lane; what an owner says takes the verdict's place, and can
 * be taken back exactly as far as it has not faded. Failures: evidence that cannot be written is lost and
 * counted; mail waits for nothing here. */
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/mem.h"
#include "store/reputation.h"
#include "store/store_int.h"

struct changed { /* a row as it is now, for the loop */
	char name[REPUTATION_NAME];
	struct standing standing;
};

struct said { /* by a verdict, or by an owner */
	enum lesson_class is;
	double weight, mails;
	int64_t at;
};

static int save(struct store *s, struct slice name, const struct standing *st, struct err *err)
{
	return (sql_do(s->ledger,
	    "INSERT OR REPLACE INTO standing(name,ham,spam,mails,at,friend_at,until) VALUES(?,?,?,?,?,?,?)", err,
	    "sdddiii", name, st->ham, st->spam, st->mails, st->at, st->friend_at,
	    standing_until(st)));
}

static void add(struct standing *st, const struct said *what, double sign, int64_t now)
{
	if (what->is != LESSON_NONE)
		standing_add(st, what->is == LESSON_SPAM, sign * what->weight, sign * what->mails,
		    what->at, now);
}

/* ${was} no longer holds for this name, ${is} does. */
static int change(struct store *s, struct slice name, const struct said *was,
    const struct said *is, bool is_friend, int64_t now, struct changed *ret, struct err *err)
{
	if (reputation_load(s, name, &ret->standing, err) == -1)
		return (-1);
	add(&ret->standing, was, -1, now);
	add(&ret->standing, is, 1, now);
	if (is_friend)
		ret->standing.friend_at = now;
	(void)snprintf(ret->name, sizeof(ret->name), SLICE_FMT, SLICE_ARG(name));
	return (save(s, name, &ret->standing, err));
}

/* Loop: the lane's work is durable. */
static void publish(struct store *s, const struct changed *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].name[0] != '\0')
			reputation_publish(s, slice_of(v[i].name), &v[i].standing);
}

/* --- a message came --- */

struct note_job {
	struct job job;
	struct store *store;
	struct evidence e; /* slices lie in ${octets} */
	bool failed;
	struct changed changed[2];
	unsigned char content_id[16];
	char octets[];
};

static int write_evidence(struct store *s, const struct evidence *e, int64_t now, struct err *err)
{
	return (sql_do(s->ledger,
	    "INSERT OR REPLACE INTO evidence(account,content,net,domain,judged,lesson,share,at,"
	    "lesson_at) VALUES(?,?,?,?,?,0,?,?,0)",
	    err, "sbssidi", e->account, (struct slice){ (const char *)e->content_id, 16 }, e->net,
	    e->domain, (int64_t)e->judged, e->share, now));
}

static int note(struct note_job *k, struct err *err)
{
	const struct evidence *e = &k->e;
	int64_t now = clock_wall();
	struct said none = { 0 }, is = { e->judged, e->share, e->share, now };
	struct store *s = k->store;

	if (sql_begin(s->ledger, err) == -1)
		return (-1);
	if ((e->net.n > 0 &&
		change(s, e->net, &none, &is, e->is_friend, now, &k->changed[0], err) == -1) ||
	    (e->domain.n > 0 &&
		change(s, e->domain, &none, &is, false, now, &k->changed[1], err) == -1) ||
	    (e->content_id != NULL && write_evidence(s, e, now, err) == -1)) {
		sql_rollback(s->ledger);
		return (-1);
	}
	return (sql_commit(s->ledger, err));
}

static void note_run(struct job *j)
{
	struct note_job *k = LIST_OWNER(j, struct note_job, job);
	struct err err = { 0 };

	k->failed = note(k, &err) == -1;
}

static void note_done(struct job *j)
{
	struct note_job *k = LIST_OWNER(j, struct note_job, job);

	if (k->failed)
		k->store->ledger_dropped++;
	else
		publish(k->store, k->changed, COUNT_OF(k->changed));
	free(k);
}

static struct slice keep(char **at, struct slice s)
{
	struct slice kept = { *at, s.n };

	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return (kept);
}

void reputation_note(struct store *s, const struct evidence *e)
{
	struct note_job *k;
	char *at;

	if (e->net.n >= REPUTATION_NAME || e->domain.n >= REPUTATION_NAME)
		return; /* no such name */
	k = mem_new(sizeof(*k) + e->net.n + e->domain.n + e->account.n);
	at = k->octets;
	k->store = s;
	k->e = *e;
	k->e.net = keep(&at, e->net);
	k->e.domain = keep(&at, e->domain);
	k->e.account = keep(&at, e->account);
	if (e->content_id != NULL) {
		memcpy(k->content_id, e->content_id, sizeof(k->content_id));
		k->e.content_id = k->content_id;
	}
	k->job = (struct job){ .run = note_run, .done = note_done };
	if (lane_put(s->lanes[STORE_LEDGER], &k->job) == -1) {
		s->ledger_dropped++;
		free(k);
	}
}

/* --- its owner says what it was --- */

struct taught_job {
	struct job job;
	struct store *store;
	char *account; /* owned */
	struct reputation_lesson *v;
	struct changed *changed; /* two each */
	size_t n;
	bool failed;
};

struct found { /* a row of evidence; slices in the arena */
	struct slice net, domain;
	enum lesson_class judged, lesson;
	double share;
	int64_t at, lesson_at;
};

static int find_evidence(struct store *s, struct arena *a, struct slice account,
    struct slice content, struct found *ret, struct err *err)
{
	struct sql *q = s->ledger;
	int got;

	if (sql_ask(q, "SELECT net,domain,judged,lesson,share,at,lesson_at FROM evidence"
		       " WHERE account=? AND content=?", err, "sb", account, content) == -1)
		return (-1);
	if ((got = sql_step(q, err)) == 1)
		*ret = (struct found){
			.net = arena_dup(a, sql_text(q, 0)),
			.domain = arena_dup(a, sql_text(q, 1)),
			.judged = (enum lesson_class)sql_int(q, 2),
			.lesson = (enum lesson_class)sql_int(q, 3),
			.share = sql_real(q, 4),
			.at = sql_int(q, 5),
			.lesson_at = sql_int(q, 6),
		};
	sql_done(q);
	return (got);
}

static struct said holds(const struct found *f)
{
	if (f->lesson == LESSON_NONE)
		return ((struct said){ f->judged, f->share, f->share, f->at });
	return ((struct said){ f->lesson, f->share * STANDING_LESSON, f->share, f->lesson_at });
}

static int teach_one(struct taught_job *k, struct arena *a, size_t i, struct err *err)
{
	struct slice account = slice_of(k->account),
		     content = { (const char *)k->v[i].content_id, 16 };
	struct store *s = k->store;
	int64_t now = clock_wall();
	struct said was, is;
	struct found f;
	int got = find_evidence(s, a, account, content, &f, err);

	if (got != 1)
		return (got);
	was = holds(&f);
	f.lesson = k->v[i].is;
	f.lesson_at = now;
	is = holds(&f);
	if ((f.net.n > 0 &&
		change(s, f.net, &was, &is, false, now, &k->changed[2 * i], err) == -1) ||
	    (f.domain.n > 0 &&
		change(s, f.domain, &was, &is, false, now, &k->changed[2 * i + 1], err) == -1))
		return (-1);
	return (sql_do(s->ledger,
	    "UPDATE evidence SET lesson=?3,lesson_at=?4 WHERE account=?1 AND content=?2", err,
	    "sbii", account, content, (int64_t)f.lesson, now));
}

static void taught_run(struct job *j)
{
	struct taught_job *k = LIST_OWNER(j, struct taught_job, job);
	struct arena *a = arena_new(0);
	struct err err = { 0 };
	int bad = sql_begin(k->store->ledger, &err);

	for (size_t i = 0; i < k->n && bad != -1; i++)
		bad = teach_one(k, a, i, &err);
	if (bad == -1)
		sql_rollback(k->store->ledger);
	k->failed = bad == -1 || sql_commit(k->store->ledger, &err) == -1;
	arena_free(a);
}

static void taught_done(struct job *j)
{
	struct taught_job *k = LIST_OWNER(j, struct taught_job, job);

	if (k->failed)
		k->store->ledger_dropped++;
	else
		publish(k->store, k->changed, 2 * k->n);
	free(k->account);
	free(k->changed);
	free(k->v);
	free(k);
}

void reputation_taught(
    struct store *s, struct slice account, const struct reputation_lesson *v, size_t n)
{
	struct taught_job *k;

	if (n == 0)
		return;
	k = NEW(struct taught_job);
	k->store = s;
	k->account = mem_strndup(account.p, account.n);
	k->v = mem_new_array(n, sizeof(*k->v));
	memcpy(k->v, v, n * sizeof(*v));
	k->changed = mem_new_array(2 * n, sizeof(*k->changed));
	k->n = n;
	k->job = (struct job){ .run = taught_run, .done = taught_done };
	/* Not dropped: an owner said so. There are no more than lessons in hand. */
	lane_force(s->lanes[STORE_LEDGER], &k->job);
}
