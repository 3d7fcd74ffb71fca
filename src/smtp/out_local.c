/* out_local.c: how does a report reach one of our own people? Through the same commit as every
 * message, into the INBOX, and never over the network. Only when it is durable there is the
 * queue told (out_settle.c): a crash between the two repeats it, none loses it (P6). Failures:
 * ERR_NOT_FOUND (nobody has that address), otherwise the store's: tried again. */
#include "smtp/out_int.h"

#include <stdlib.h>

#include "core/mem.h"
#include "msg/write.h"

struct out_local {
	struct out_local_job job;
	struct out_body *body; /* borrowed */
	struct draft *draft;   /* owned */
	struct store_op *op;
	struct later *turn;
	struct err err;
	bool is_last;
	void (*on_done)(void *self, const struct err *err);
	void *self;
};

static void on_chunk(void *self, struct slice wire, bool is_last, const struct err *err);

void out_local_cancel(struct out_local *l)
{
	if (l == NULL)
		return;
	later_cancel(l->turn);
	store_op_cancel(l->op);
	draft_free(l->draft);
	out_body_rewind(l->body);
	free(l);
}

static void end(void *self)
{
	struct out_local *l = self;
	void (*on_done)(void *owner, const struct err *err) = l->on_done;
	struct err err = l->err;
	void *owner = l->self;

	l->turn = NULL;
	out_local_cancel(l);
	on_done(owner, err.kind != ERR_NONE ? &err : NULL);
}

static void on_committed(void *self, const struct commit_result *r)
{
	struct out_local *l = self;

	l->op = NULL;
	if (r->err != NULL)
		l->err = *r->err;
	end(l);
}

static int each_target(
    struct out_local *l, struct slice prefix, struct commit_target **ret, size_t *ret_n)
{
	struct cfg_targets t = { 0 };
	struct account *a;

	if (cfg_resolve(l->job.cfg, l->job.arena, l->job.local, l->job.domain, &t, &l->err) == -1)
		return (-1);
	*ret = arena_array(l->job.arena, t.n + 1, sizeof(**ret));
	*ret_n = 0;
	for (size_t i = 0; i < t.n; i++) {
		if ((a = store_account(l->job.store, slice_of(t.accounts[i]->name))) == NULL)
			continue;
		(*ret)[*ret_n].account = a;
		(*ret)[*ret_n].role = ROLE_INBOX;
		(*ret)[*ret_n].prefix = prefix;
		(*ret)[(*ret_n)++].date = clock_wall();
	}
	if (*ret_n == 0)
		return (err_set(&l->err, ERR_NOT_FOUND, "there is no such account"));
	return (0);
}

static void on_ended(void *self, const struct err *err)
{
	struct out_local *l = self;
	struct buf prefix = BUF_INIT(L_REPLY_OCTETS);
	struct commit c = { .draft = l->draft };
	struct commit_target *targets = NULL;
	struct slice fields;

	if (err != NULL) {
		l->err = *err;
		end(l);
		return;
	}
	(void)write_field(&prefix, "Return-Path",
	    slice_of(arena_fmt(l->job.arena, "<" SLICE_FMT ">", SLICE_ARG(l->job.from))));
	(void)write_field(&prefix, "Delivered-To", l->job.address);
	fields = arena_dup(l->job.arena, buf_slice(&prefix));
	buf_free(&prefix);
	if (each_target(l, fields, &targets, &c.targets_n) == -1) {
		end(l);
		return;
	}
	c.targets = targets;
	if ((l->op = store_commit(l->job.store, &c, on_committed, l)) == NULL) {
		(void)err_set(&l->err, ERR_BUSY, "the store takes nothing now");
		end(l);
	}
}

static void next(void *self)
{
	struct out_local *l = self;

	if (l->is_last)
		draft_end(l->draft, on_ended, l);
	else
		out_body_next(l->body, false, on_chunk, l);
}

static void on_chunk(void *self, struct slice wire, bool is_last, const struct err *err)
{
	struct out_local *l = self;

	if (err != NULL) {
		l->err = *err;
		end(l);
		return;
	}
	l->is_last = is_last;
	if (!draft_add(l->draft, wire))
		draft_on_room(l->draft, next, l);
	else
		next(l);
}

struct out_local *out_local_start(const struct out_local_job *job, struct out_body *body,
    void (*on_done)(void *self, const struct err *err), void *self)
{
	struct out_local *l = NEW(struct out_local);

	l->job = *job;
	l->body = body;
	l->draft = draft_new(job->store, job->size + L_HDR);
	l->on_done = on_done;
	l->self = self;
	out_body_rewind(body);
	out_body_next(body, false, on_chunk, l);
	return (l);
}
