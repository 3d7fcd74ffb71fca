/* repair.c: do the counts still say what the lessons say? A stop between a lesson and its counting, or a spam.sqlite that is gone or older,
 * leaves them apart. At start the log of lessons is compared with the marks of what was counted, and what differs is read again from the
 * account's folders and counted as the log says by then. Leaves reading and counting to train.c and teach.c. Failures: a lesson whose message
 * is gone stays uncounted; the next start looks again. */
#include <stdlib.h>

#include "core/mem.h"
#include "spam/classifier_int.h"

struct entry {
	char *account; /* owned */
	unsigned char content_id[16];
	struct lesson_mark is;
};

struct entries {
	struct entry *v;
	size_t n, room;
};

struct repair {
	struct job job;
	struct classifier *c; /* its train is asked for each folder */
	struct entries lessons, counted, wants;
	struct err err;
	struct store_op *op;
	struct account *account;
	struct folder *folder;
};

static int cmp_entry(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcmp(x->account, y->account);

	return (c != 0 ? c : memcmp(x->content_id, y->content_id, sizeof(x->content_id)));
}

static void add(
    struct entries *e, struct slice account, const unsigned char id[16], struct lesson_mark is)
{
	if (e->n == e->room)
		e->v = mem_grow(e->v, e->room = e->room * 2 + 64, sizeof(*e->v));
	e->v[e->n].account = mem_strndup(account.p, account.n);
	memcpy(e->v[e->n].content_id, id, 16);
	e->v[e->n++].is = is;
}

static void empty(struct entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i].account);
	free(e->v);
	*e = (struct entries){ 0 };
}

static void on_lesson(void *self, const struct lesson *l)
{
	add(self, l->account, l->content_id, l->mark);
}

static void on_counted(
    void *self, struct slice account, const unsigned char content_id[16], struct lesson_mark is)
{
	add(self, account, content_id, is);
}

static void lessons_run(struct job *j) /* lane STORE_STATE */
{
	struct repair *r = (struct repair *)j;

	(void)lesson_each(r->c->store, on_lesson, &r->lessons, &r->err);
}

static void compare(const struct entries *a, const struct entries *b, struct entries *ret)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct entry *e = &a->v[i];
		const struct entry *other =
		    b->n == 0 ? NULL : bsearch(e, b->v, b->n, sizeof(*e), cmp_entry);

		if (other == NULL || other->is.is != e->is.is || other->is.weight != e->is.weight)
			add(ret, slice_of(e->account), e->content_id, e->is);
	}
}

static void counts_run(struct job *j) /* lane STORE_SPAM */
{
	struct repair *r = (struct repair *)j;

	if (tokens_each_applied(r->c->store, on_counted, &r->counted, &r->err) == -1)
		return;
	if (r->lessons.n > 0)
		qsort(r->lessons.v, r->lessons.n, sizeof(struct entry), cmp_entry);
	if (r->counted.n > 0)
		qsort(r->counted.v, r->counted.n, sizeof(struct entry), cmp_entry);
	compare(&r->lessons, &r->counted, &r->wants);
	compare(&r->counted, &r->lessons, &r->wants);
	if (r->wants.n > 0)
		qsort(r->wants.v, r->wants.n, sizeof(struct entry), cmp_entry);
}

static bool wants(const void *reader, const char *account, const unsigned char content_id[16])
{
	struct entry e = { .account = (char *)(uintptr_t)account };
	const struct repair *r = reader;

	memcpy(e.content_id, content_id, sizeof(e.content_id));
	return (bsearch(&e, r->wants.v, r->wants.n, sizeof(e), cmp_entry) != NULL);
}

static bool weighs(void *reader, const char *account, struct lesson_item *l)
{
	(void)reader;
	(void)account;
	l->recount = true;
	return (true);
}

static bool wants_of(const struct repair *r, const char *account)
{
	for (size_t i = 0; i < r->wants.n; i++)
		if (strcmp(r->wants.v[i].account, account) == 0)
			return (true);
	return (false);
}

static void next_folder(struct repair *r);

static void on_view(void *self, struct view *v, const struct err *err)
{
	static const struct reading reading = { wants, weighs, NULL };
	struct repair *r = self;
	uint32_t *uids;
	size_t n;

	r->op = NULL;
	if (err == NULL && (n = view_count(v)) > 0) {
		uids = mem_new_array(n, sizeof(*uids));
		for (size_t i = 0; i < n; i++)
			uids[i] = view_at(v, i)->uid;
		train_read(r->c->train, r->account, r->folder, uids, n, &reading, r);
	}
	if (err == NULL)
		view_close(v, NULL);
	next_folder(r);
}

/* One folder after the other, of each account that lacks something. */
static void next_folder(struct repair *r)
{
	for (;;) {
		if (r->account != NULL)
			r->folder = folder_next(r->account, r->folder);
		if (r->folder != NULL)
			break;
		do
			r->account = store_account_next(r->c->store, r->account);
		while (r->account != NULL && !wants_of(r, account_name(r->account)));
		if (r->account == NULL)
			return;
	}
	r->op = view_open(r->folder, on_view, r);
}

static void counts_done(struct job *j)
{
	struct repair *r = (struct repair *)j;
	struct classifier *c = r->c;

	empty(&r->lessons);
	empty(&r->counted);
	if (!c->stopped && r->err.kind == ERR_NONE && r->wants.n > 0)
		next_folder(r);
	classifier_release(c);
}

static void lessons_done(struct job *j)
{
	struct repair *r = (struct repair *)j;

	if (r->c->stopped || r->err.kind != ERR_NONE) {
		counts_done(j);
		return;
	}
	r->job = (struct job){ .run = counts_run, .done = counts_done };
	lane_force(store_lane(r->c->store, STORE_SPAM), &r->job);
}

struct repair *repair_start(struct classifier *c)
{
	struct repair *r = NEW(struct repair);

	r->c = c;
	r->job = (struct job){ .run = lessons_run, .done = lessons_done };
	c->jobs++;
	lane_force(store_lane(c->store, STORE_STATE), &r->job);
	return (r);
}

void repair_stop(struct repair *r)
{
	if (r == NULL)
		return;
	store_op_cancel(r->op);
	r->op = NULL;
}

void repair_free(struct repair *r)
{
	if (r == NULL)
		return;
	empty(&r->lessons);
	empty(&r->counted);
	empty(&r->wants);
	free(r);
}
