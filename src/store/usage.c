/* usage.c: how much does an account keep? As the quota counts it: octets on disk of the messages of
 * all folders but Quarantine, which has bounds of its own and nobody asked for. RFC 9208 leaves what counts to the server. Failures: the index cannot be read. */
#include <stdlib.h>

#include "core/loop.h"
#include "core/mem.h"
#include "store/mail_int.h"
#include "store/op.h"
#include "store/sql.h"

void usage_add(struct mail *m, const struct lane_folder *lf, uint64_t octets)
{
	if (lf->role == ROLE_QUARANTINE)
		return;
	m->usage.octets += octets;
	m->usage.messages++;
}

void usage_sub(struct mail *m, const struct lane_folder *lf, uint64_t octets)
{
	if (lf->role == ROLE_QUARANTINE)
		return;
	m->usage.octets -= octets <= m->usage.octets ? octets : m->usage.octets;
	m->usage.messages -= m->usage.messages > 0;
}

struct account_usage quota_of(const struct account *a)
{
	if (a->cfg == NULL)
		return ((struct account_usage){ 0 });
	return ((struct account_usage){ a->cfg->quota, a->cfg->quota_messages });
}

int usage_fits(const struct mail *m, const struct account_usage *quota, uint64_t octets,
    uint64_t messages, struct err *err)
{
	if (quota->octets != 0 && m->usage.octets + octets > quota->octets)
		return (err_set(err, ERR_OVER_QUOTA, "the mailbox is full"));
	if (messages > 0 && quota->messages != 0 && m->usage.messages + messages > quota->messages)
		return (err_set(err, ERR_OVER_QUOTA, "the mailbox holds as many messages as it may"));
	return (0);
}

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

	o->u = j->m->usage;
	if (j->m->index == NULL)
		return (err_set(&j->err, ERR_TEMPORARY, "the index cannot be read"));
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
