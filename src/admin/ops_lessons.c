/* ops_lessons.c: what was the filter taught, as a file, and such a file taught again. */
#include "admin/ops_int.h"

#include "core/limits.h"
#include "spam/exported.h"

/* --- GET /spam/lessons?account=A --- */

static void on_lesson(void *self, const struct lesson *l)
{
	struct ops_call *c = self;

	if (c->arg[0].n == 0 || slice_eq(l->account, c->arg[0]))
		exported_write(&c->out, l);
}

static void export_run(struct job *j) /* lane STORE_STATE */
{
	struct ops_call *c = (struct ops_call *)j;

	exported_begin(&c->out);
	(void)lesson_each(c->ops->store, on_lesson, c, &c->err);
}

static void export_done(struct job *j)
{
	struct ops_call *c = (struct ops_call *)j;

	if (c->err.kind == ERR_NONE && c->out.failed)
		(void)err_set(&c->err, ERR_LIMIT,
		    "the lessons are larger than %d octets; export account by account", OPS_OUT_MAX);
	if (c->err.kind != ERR_NONE)
		ops_fail(c, &c->err);
	else
		ops_reply(c, 200, "application/x-ndjson", buf_slice(&c->out));
}

void ops_lessons(struct ops_call *c)
{
	const char *account;

	if (!ops_account(c, &account))
		return;
	c->arg[0] = slice_of(account);
	c->job = (struct job){ .run = export_run, .done = export_done };
	if (lane_put(store_lane(c->ops->store, STORE_STATE), &c->job) == 0)
		return;
	(void)err_set(&c->err, ERR_BUSY,
	    "the server is busy with other requests; try again in a moment");
	ops_fail(c, &c->err);
}

/* --- POST /spam/lessons --- */

struct lessons {
	struct lesson *v; /* in the call's arena */
	size_t n;
};

static void on_imported(void *self, size_t lessons, size_t found, const struct err *err)
{
	ops_taught(self, lessons, "found", found, err);
}

static void import_run(struct job *j) /* lane STORE_SPAM */
{
	struct ops_call *c = (struct ops_call *)j;
	struct lessons *l = c->under_way;

	(void)exported_read(c->arena, c->q.body, &l->v, &l->n, &c->err);
}

static void import_done(struct job *j)
{
	struct ops_call *c = (struct ops_call *)j;
	struct classifier *classifier = c->ops->classifier;
	struct lessons *l = c->under_way;

	if (c->err.kind != ERR_NONE ||
	    classifier_import(classifier, l->v, l->n, on_imported, c, &c->err) == -1)
		ops_fail(c, &c->err);
	classifier_release(classifier);
}

void ops_lessons_import(struct ops_call *c)
{
	c->under_way = arena_alloc(c->arena, sizeof(struct lessons));
	c->job = (struct job){ .run = import_run, .done = import_done };
	if (lane_put(store_lane(c->ops->store, STORE_SPAM), &c->job) == 0) {
		classifier_hold(c->ops->classifier); /* a stop may come meanwhile */
		return;
	}
	(void)err_set(&c->err, ERR_BUSY, "the filter is busy; try again in a moment");
	ops_fail(c, &c->err);
}
