/* where.c: where does an account have these contents now? From the index, on the account's lane, so as the last look at each folder left
 * it: what another program moved since is found where it was, and reading it fails softly. Failures: told to on_where. */
#include <stdlib.h>

#include "store/mail_int.h"
#include "store/op.h"

struct where_op {
	struct store_op op; /* first */
	struct mail_job job;
	unsigned char *ids; /* owned; 16 octets each */
	size_t n;
	struct message_place *found; /* owned */
	size_t found_n;
	bool abandoned;
	void (*on_where)(
	    void *self, const struct message_place *v, size_t n, const struct err *err);
	void *self;
};

static struct folder *folder_of_row(const struct mail *m, int64_t id)
{
	for (size_t i = 0; i < m->lanes_n; i++)
		if (m->lanes[i]->id == id)
			return (m->lanes[i]->gone ? NULL : m->lanes[i]->owner);
	return (NULL);
}

static int find_one(struct where_op *o, size_t which)
{
	struct mail *m = o->job.m;
	struct slice id = { (const char *)o->ids + which * 16, 16 };
	int got;

	if (sql_ask(m->index, "SELECT folder, uid, flags FROM msg WHERE cid = ?1 LIMIT ?2",
		&o->job.err, "bi", id, (int64_t)WHERE_COPIES) != 0)
		return (-1);
	while ((got = sql_step(m->index, &o->job.err)) == 1) {
		struct message_place *p = &o->found[o->found_n];

		*p = (struct message_place){ .which = which,
			.folder = folder_of_row(m, sql_int(m->index, 0)),
			.uid = (uint32_t)sql_int(m->index, 1),
			.flags = (unsigned)sql_int(m->index, 2) };
		o->found_n += p->folder != NULL;
	}
	sql_done(m->index);
	return (got);
}

static int where_act(struct mail_job *j)
{
	struct where_op *o = LIST_OWNER(j, struct where_op, job);

	if (j->m->index == NULL)
		return (err_set(&j->err, ERR_TEMPORARY, "the index cannot be read"));
	o->found = mem_new_array(o->n * WHERE_COPIES + 1, sizeof(*o->found));
	for (size_t i = 0; i < o->n; i++)
		if (find_one(o, i) == -1)
			return (-1);
	return (0);
}

static void where_end(struct mail_job *j)
{
	struct where_op *o = LIST_OWNER(j, struct where_op, job);

	if (!o->abandoned)
		o->on_where(o->self, o->found, j->failed ? 0 : o->found_n,
		    j->failed ? &j->err : NULL);
	free(o->found);
	free(o->ids);
	free(o);
}

static void where_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct where_op, op)->abandoned = true;
}

struct store_op *message_where(struct account *a, const unsigned char (*ids)[16], size_t n,
    void (*on_where)(void *self, const struct message_place *v, size_t n, const struct err *err),
    void *self)
{
	struct where_op *o = NEW(struct where_op);

	mail_job_init(&o->job, a->mail, where_act, where_end);
	o->op.cancel = where_cancel;
	o->ids = mem_new_array(n + 1, 16);
	memcpy(o->ids, ids, n * 16);
	o->n = n;
	o->on_where = on_where;
	o->self = self;
	mail_job_force(&o->job); /* callers ask for few at a time, and seldom */
	return (&o->op);
}
