/* unmoved.c: mail that nobody moved is a lesson too. A walk over the ledger's deliveries in the order they came: what is old enough
 * ([learn] unmoved, or read and six hours) is looked for by its content, read where it lies now, weighed against what is known by then
 * and taught as train.c teaches acts, in turn with them. How far the walk came is kept in state.sqlite after the lessons, so
 * each message is considered once, after a kill at most twice, which changes nothing. At most BATCH messages at a time with a rest between.
 * Mail that was not judged here when it came has no row and never teaches. Leaves what a message teaches to unmoved_mark.c. Failures: a
 * batch is tried again later, PATIENCE times; then it is passed over. */
#include "spam/unmoved.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/log.h"
#include "core/mem.h"
#include "spam/bayes.h"
#include "spam/classifier_int.h"
#include "spam/facts_text.h"
#include "store/ledger.h"

enum {
	BATCH = 64,
	FIRST_MS = 60000,
	PERIOD_MS = 600000,
	REST_MS = 1000,
	READ_S = 6 * 3600, /* what was read and kept for so long counts */
	PATIENCE = 3,
};

struct left { /* a delivery; settled while a reading is under way */
	const struct ledger_row *row;
	unsigned char content_id[16];
	double others, junk;
	struct folder *folder; /* where it is now; NULL: nowhere, or read already */
	enum folder_role role;
	bool refiled;
	uint32_t uid;
	unsigned flags;
};

struct unmoved {
	struct job job;
	struct classifier *c;
	struct timer *timer;
	struct store_op *op;
	bool early; /* this walk: what was read; else all */
	int64_t before, after;
	struct arena *arena; /* of the batch */
	struct ledger_row *rows;
	struct left *v; /* by account */
	size_t n;
	size_t at, end; /* those of one account */
	struct account *account;
	unsigned tries; /* of this batch */
	unsigned count[3]; /* of it, by enum lesson_class; a worker's while a reading is under way */
	struct err err;
};

static const char *walk_name(const struct unmoved *u)
{
	return (u->early ? "unmoved, read" : "unmoved");
}

static void rest(struct unmoved *u, uint64_t ms);

/* --- reading --- */

static const struct left *find(const struct unmoved *u, const unsigned char content_id[16])
{
	for (size_t i = u->at; i < u->end; i++)
		if (memcmp(u->v[i].content_id, content_id, 16) == 0)
			return (&u->v[i]);
	return (NULL);
}

static bool wants(const void *reader, const char *account, const unsigned char content_id[16])
{
	(void)account;
	return (find(reader, content_id) != NULL);
}

static struct model_totals known(struct classifier *c, const char *account)
{
	struct model_totals t = { 0 };
	const struct model *m;

	(void)pthread_rwlock_rdlock(&c->lock);
	if ((m = map_get(c->models, slice_of(account))) != NULL)
		t = m->totals;
	(void)pthread_rwlock_unlock(&c->lock);
	return (t);
}

static bool weighs(void *reader, const char *account, struct lesson_item *l)
{
	struct unmoved *u = reader;
	const struct left *left = find(u, l->content_id);
	struct spam_score s;
	struct unmoved_case m;

	if (left == NULL)
		return (false);
	classifier_score(u->c, account, &l->features, &s);
	m = (struct unmoved_case){ .junked = slice_eq(left->row->act, SLICE("junk")),
		.score = left->row->score,
		.junk = left->junk,
		.others = left->others,
		.role = left->role,
		.refiled = left->refiled,
		.flags = left->flags,
		.early = u->early,
		.points = s.known ? bayes_points(s.probability, s.confidence) : 0,
		.known = known(u->c, account) };
	l->as = unmoved_mark(&m);
	u->count[l->as.is]++;
	return (l->as.is != LESSON_NONE);
}

static void next_folder(struct unmoved *u);

static void on_read(void *reader, const struct err *err)
{
	struct unmoved *u = reader;

	if (err != NULL)
		u->err = *err;
	next_folder(u);
}

static void next_account(struct unmoved *u);

/* The messages of one folder, then those of the next. */
static void next_folder(struct unmoved *u)
{
	static const struct reading reading = { wants, weighs, on_read };
	struct folder *f = NULL;
	uint32_t *uids;
	size_t n = 0;

	for (size_t i = u->at; i < u->end && f == NULL; i++)
		f = u->v[i].folder;
	if (f == NULL) {
		next_account(u);
		return;
	}
	uids = mem_new_array(u->end - u->at, sizeof(*uids));
	for (size_t i = u->at; i < u->end; i++)
		if (u->v[i].folder == f) {
			uids[n++] = u->v[i].uid;
			u->v[i].folder = NULL;
		}
	train_read(u->c->train, u->account, f, uids, n, &reading, u);
}

static bool is_aside(enum folder_role r)
{
	return (r == ROLE_TRASH || r == ROLE_SENT || r == ROLE_DRAFTS || r == ROLE_QUARANTINE);
}

static void on_where(void *self, const struct message_place *v, size_t n, const struct err *err)
{
	struct unmoved *u = self;

	u->op = NULL;
	if (err != NULL)
		u->err = *err;
	for (size_t i = 0; i < n; i++) {
		struct left *left = &u->v[u->at + v[i].which];
		enum folder_role role = folder_role(v[i].folder);

		/* Of several copies one that was put somewhere on purpose. */
		if (left->folder != NULL && is_aside(role))
			continue;
		left->folder = v[i].folder;
		left->role = role;
		left->uid = v[i].uid;
		left->flags = v[i].flags;
		left->refiled =
		    !slice_ieq(slice_of(folder_name(v[i].folder)), left->row->folder);
	}
	next_folder(u);
}

/* --- a batch --- */

static void put_run(struct job *j) /* lane STORE_STATE */
{
	struct unmoved *u = (struct unmoved *)j;

	(void)progress_put(u->c->store, walk_name(u), u->after, &u->err);
}

static void batch_end(struct unmoved *u, bool more)
{
	arena_free(u->arena);
	u->arena = NULL;
	u->n = u->at = u->end = 0;
	memset(u->count, 0, sizeof(u->count));
	if (!more)
		u->early = !u->early; /* the other walk; after both a long rest */
	rest(u, more || !u->early ? REST_MS : PERIOD_MS);
}

static void tell(const struct unmoved *u)
{
	char seen[24], ham[24], spam[24];

	(void)snprintf(seen, sizeof(seen), "%zu", u->n);
	(void)snprintf(ham, sizeof(ham), "%u", u->count[LESSON_HAM]);
	(void)snprintf(spam, sizeof(spam), "%u", u->count[LESSON_SPAM]);
	log_event(LOG_INFO, NULL, "unmoved mail", "after", u->early ? "6 h, if read" : "a while",
	    "delivered", seen, "ham", ham, "spam", spam, "why",
	    u->err.kind == ERR_NONE ? NULL : u->err.text, NULL);
}

static void put_done(struct job *j)
{
	struct unmoved *u = (struct unmoved *)j;
	struct classifier *c = u->c;

	u->tries = 0;
	tell(u);
	if (!c->stopped)
		batch_end(u, u->err.kind == ERR_NONE);
	classifier_release(c);
}

static void on_lane(struct unmoved *u, enum store_lane which, void (*run)(struct job *j),
    void (*done)(struct job *j))
{
	u->err = (struct err){ .kind = ERR_NONE };
	u->job = (struct job){ .run = run, .done = done };
	u->c->jobs++;
	lane_force(store_lane(u->c->store, which), &u->job);
}

static void all_read(struct unmoved *u)
{
	if (u->err.kind != ERR_NONE && ++u->tries < PATIENCE) {
		batch_end(u, false);
		return;
	}
	u->after = u->rows[u->n - 1].id;
	on_lane(u, STORE_STATE, put_run, put_done);
}

static void next_account(struct unmoved *u)
{
	unsigned char ids[BATCH][16];

	for (;;) {
		u->at = u->end;
		if (u->at == u->n) {
			all_read(u);
			return;
		}
		while (u->end < u->n && slice_eq(u->v[u->end].row->account, u->v[u->at].row->account))
			u->end++;
		u->account = store_account(u->c->store, u->v[u->at].row->account);
		if (u->account != NULL && !account_is_gone(u->account))
			break;
	}
	for (size_t i = u->at; i < u->end; i++)
		memcpy(ids[i - u->at], u->v[i].content_id, 16);
	u->op = message_where(
	    u->account, (const unsigned char(*)[16])ids, u->end - u->at, on_where, u);
}

/* --- which --- */

static int cmp_left(const void *a, const void *b)
{
	const struct left *x = a, *y = b;
	int c = slice_cmp(x->row->account, y->row->account);

	return (c != 0 ? c : (x->row->id > y->row->id) - (x->row->id < y->row->id));
}

static struct left left_of(struct arena *a, const struct ledger_row *row, double junk)
{
	struct left l = { .row = row, .others = row->score, .junk = junk };
	struct json_doc *doc = json_read(row->facts, NULL);
	struct facts f = { 0 };

	memcpy(l.content_id, row->content_id.p, sizeof(l.content_id));
	if (!facts_read(a, json_root(doc), &f))
		l.others = 0; /* how much of it the classifier said is not known */
	else if (f.has_bayes)
		l.others -= bayes_points(f.bayes, f.bayes_confidence);
	json_doc_free(doc);
	return (l);
}

static void rows_run(struct job *j) /* lane STORE_LEDGER */
{
	struct unmoved *u = (struct unmoved *)j;
	double junk = store_cfg(u->c->store)->score.junk;

	if (ledger_delivered(u->c->store, u->arena, u->after, u->before, BATCH, &u->rows, &u->n,
		&u->err) == -1)
		u->n = 0;
	if (u->n == 0)
		return;
	u->v = arena_array(u->arena, u->n, sizeof(*u->v));
	for (size_t i = 0; i < u->n; i++)
		u->v[i] = left_of(u->arena, &u->rows[i], junk);
	qsort(u->v, u->n, sizeof(*u->v), cmp_left);
}

static void rows_done(struct job *j)
{
	struct unmoved *u = (struct unmoved *)j;
	struct classifier *c = u->c;

	if (!c->stopped) {
		u->at = u->end = 0;
		if (u->n > 0)
			next_account(u);
		else
			batch_end(u, false);
	}
	classifier_release(c);
}

static void get_run(struct job *j) /* lane STORE_STATE */
{
	struct unmoved *u = (struct unmoved *)j;

	(void)progress_get(u->c->store, walk_name(u), &u->after, &u->err);
}

static void get_done(struct job *j)
{
	struct unmoved *u = (struct unmoved *)j;
	struct classifier *c = u->c;

	if (!c->stopped && u->err.kind == ERR_NONE)
		on_lane(u, STORE_LEDGER, rows_run, rows_done);
	else if (!c->stopped)
		batch_end(u, false);
	classifier_release(c);
}

static void walk(void *self)
{
	struct unmoved *u = self;
	uint64_t ms = store_cfg(u->c->store)->learn.unmoved_ms;

	u->timer = NULL;
	if (ms == CFG_OFF) {
		rest(u, PERIOD_MS);
		return;
	}
	u->before = clock_wall() - (u->early ? READ_S : (int64_t)(ms / 1000));
	u->arena = arena_new(0);
	on_lane(u, STORE_STATE, get_run, get_done);
}

static void rest(struct unmoved *u, uint64_t ms)
{
	u->timer = timer_start(store_loop(u->c->store), ms, walk, u);
}

struct unmoved *unmoved_start(struct classifier *c)
{
	struct unmoved *u = NEW(struct unmoved);

	u->c = c;
	u->early = true;
	rest(u, FIRST_MS);
	return (u);
}

void unmoved_stop(struct unmoved *u)
{
	if (u == NULL)
		return;
	timer_cancel(u->timer);
	u->timer = NULL;
	store_op_cancel(u->op);
	u->op = NULL;
}

void unmoved_free(struct unmoved *u)
{
	if (u == NULL)
		return;
	arena_free(u->arena);
	free(u);
}
