/* usage.c: how much does an account keep? As the quota counts it: octets on disk of the messages of
 * all folders. RFC 9208 leaves what counts to the server. Failures: the index cannot be read. */
#include <stdlib.h>

#include "core/loop.h"
#include "core/mem.h"
#include "store/mail_int.h"
#include "store/op.h"
#include "store/sql.h"

struct usage_op {
	struct mail_job job; /* first */
	struct store_op op;
	bool abandoned;
	struct account_usage u;
	void (*on_usage)(void *self, const struct account_usage *u, const struct err *err);
	void *self;
};

static int usage_act(struct mail_job *j)
{
	struct usage_op *o = (struct usage_op *)j;
	struct sql *q = j->m->index;

	o->u.octets = j->m->usage;
	if (q == NULL)
		return (err_set(&j->err, ERR_TEMPORARY, "the index cannot be read"));
	if (sql_ask(q, "SELECT count(*) FROM msg", &j->err, "") != 0)
		return (-1);
	if (sql_step(q, NULL) == 1)
		o->u.messages = (uint64_t)sql_int(q, 0);
	sql_done(q);
	return (0);
}

static void usage_end(struct mail_job *j)
{
	struct usage_op *o = (struct usage_op *)j;

	if (!o->abandoned)
		o->on_usage(o->self, j->failed ? NULL : &o->u, j->failed ? &j->err : NULL);
	free(o);
}

static void usage_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct usage_op, op)->abandoned = true;
}

static void on_refused(void *self)
{
	struct usage_op *o = self;

	o->job.m->ops--;
	usage_end(&o->job);
}

struct store_op *account_usage(struct account *a,
    void (*on_usage)(void *self, const struct account_usage *u, const struct err *err), void *self)
{
	struct usage_op *o = NEW(struct usage_op);

	mail_job_init(&o->job, a->mail, usage_act, usage_end);
	o->op.cancel = usage_cancel;
	o->on_usage = on_usage;
	o->self = self;
	if (mail_job_put(&o->job, &o->job.err) != 0) {
		o->job.failed = true;
		a->mail->ops++;
		(void)loop_later(a->mail->store->loop, on_refused, o);
	}
	return (&o->op);
}
