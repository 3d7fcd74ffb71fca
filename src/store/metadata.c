/* metadata.c: what did clients note about a folder, or about the account? Lines "meta VALUE ENTRY" of
 * pennypost-folder, the value in base64; the account's are lines "servermeta" of INBOX's file. RFC
 * 5464. So they move and go with the folder, and a backup has them. Failures: over the limits,
 * nothing is changed; the file cannot be written. */
#include <stdlib.h>

#include "core/arena.h"
#include "core/base64.h"
#include "core/loop.h"
#include "store/mail_int.h"
#include "store/op.h"

struct metadata_op {
	struct mail_job job; /* first */
	struct store_op op;
	bool abandoned, is_server;
	struct arena *arena; /* holds what was given, or what was read */
	struct lane_folder *lf;
	struct metadata *v;
	size_t n;
	void (*on_read)(void *self, const struct metadata *v, size_t n, const struct err *err);
	folder_done *on_done;
	void *self;
};

static struct slice mark_of(const struct metadata_op *o)
{
	return (o->is_server ? SLICE("servermeta ") : SLICE("meta "));
}

/* --- on the lane --- */

static int take_line(struct metadata_op *o, struct slice line)
{
	struct buf value = BUF_INIT(L_METADATA);
	struct slice coded, entry;

	if (!slice_starts(line, mark_of(o)) || o->n == L_METADATA_ENTRIES)
		return (0);
	if (slice_cut(slice_from(line, mark_of(o).n), ' ', &coded, &entry) &&
	    base64_decode(coded, &value) == 0)
		o->v[o->n++] = (struct metadata){ entry, arena_dup(o->arena, buf_slice(&value)) };
	buf_free(&value);
	return (0);
}

static int read_act(struct mail_job *j)
{
	struct metadata_op *o = (struct metadata_op *)j;
	struct slice text = arena_dup(o->arena, buf_slice(&o->lf->rest)), line;

	if (o->lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "no such folder"));
	o->v = arena_array(o->arena, L_METADATA_ENTRIES, sizeof(*o->v));
	while (text.n > 0) {
		(void)slice_cut(text, '\n', &line, &text);
		(void)take_line(o, line);
	}
	return (0);
}

static bool is_set(const struct metadata_op *o, struct slice line)
{
	struct slice coded, entry;

	if (!slice_starts(line, mark_of(o)) ||
	    !slice_cut(slice_from(line, mark_of(o).n), ' ', &coded, &entry))
		return (false);
	for (size_t i = 0; i < o->n; i++)
		if (slice_eq(o->v[i].entry, entry))
			return (true);
	return (false);
}

/* The lines that stay, then the new ones; how many entries there are then. */
static size_t print(const struct metadata_op *o, struct buf *out)
{
	struct slice text = buf_slice(&o->lf->rest), line;
	size_t n = 0;

	while (text.n > 0) {
		(void)slice_cut(text, '\n', &line, &text);
		if (is_set(o, line))
			continue;
		n += slice_starts(line, mark_of(o));
		(void)buf_add_slice(out, line);
		(void)buf_addc(out, '\n');
	}
	for (size_t i = 0; i < o->n; i++) {
		if (o->v[i].value.p == NULL)
			continue;
		n++;
		(void)buf_add_slice(out, mark_of(o));
		(void)base64_encode(o->v[i].value, out);
		(void)buf_addc(out, ' ');
		(void)buf_add_slice(out, o->v[i].entry);
		(void)buf_addc(out, '\n');
	}
	return (n);
}

static int write_act(struct mail_job *j)
{
	struct metadata_op *o = (struct metadata_op *)j;
	struct buf text = BUF_INIT(L_METADATA), was;

	if (o->lf->gone)
		return (err_set(&j->err, ERR_NOT_FOUND, "no such folder"));
	if (print(o, &text) > L_METADATA_ENTRIES || text.failed) {
		buf_free(&text);
		return (err_set(&j->err, ERR_LIMIT, "too many annotations"));
	}
	was = o->lf->rest;
	buf_init(&o->lf->rest, MAIL_FILE);
	(void)buf_add_slice(&o->lf->rest, buf_slice(&text));
	buf_free(&text);
	if (lane_folder_save(j->m, o->lf, false, &j->err) != 0) {
		buf_free(&o->lf->rest);
		o->lf->rest = was;
		return (-1);
	}
	buf_free(&was);
	return (0);
}

/* --- on the loop --- */

static void op_end(struct mail_job *j)
{
	struct metadata_op *o = (struct metadata_op *)j;
	const struct err *err = j->failed ? &j->err : NULL;

	if (o->on_done != NULL && err == NULL)
		watch_metadata(j->m->account, o->is_server ? NULL : o->lf->owner, o->v, o->n,
		    o->abandoned ? NULL : o->self);
	if (o->abandoned)
		;
	else if (o->on_read != NULL)
		o->on_read(o->self, o->v, err == NULL ? o->n : 0, err);
	else
		o->on_done(o->self, err);
	arena_free(o->arena);
	free(o);
}

static void op_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct metadata_op, op)->abandoned = true;
}

static void on_refused(void *self)
{
	struct metadata_op *o = self;

	o->job.m->ops--;
	op_end(&o->job);
}

static struct metadata_op *op_new(
    struct account *a, struct folder *f, int (*act)(struct mail_job *), void *self)
{
	struct metadata_op *o = NEW(struct metadata_op);

	mail_job_init(&o->job, a->mail, act, op_end);
	o->op.cancel = op_cancel;
	o->arena = arena_new(0);
	o->is_server = f == NULL;
	o->lf = f == NULL ? &a->mail->folders[0]->lane : &f->lane;
	o->self = self;
	return (o);
}

static struct store_op *op_start(struct metadata_op *o)
{
	if (mail_job_put(&o->job, &o->job.err) != 0) {
		o->job.failed = true;
		o->job.m->ops++;
		(void)loop_later(o->job.m->store->loop, on_refused, o);
	}
	return (&o->op);
}

struct store_op *metadata_read(struct account *a, struct folder *f,
    void (*on_read)(void *self, const struct metadata *v, size_t n, const struct err *err),
    void *self)
{
	struct metadata_op *o = op_new(a, f, read_act, self);

	o->on_read = on_read;
	return (op_start(o));
}

struct store_op *metadata_write(struct account *a, struct folder *f, const struct metadata *v,
    size_t n, folder_done *on_done, void *self)
{
	struct metadata_op *o = op_new(a, f, write_act, self);

	o->job.is_durable = true;
	o->on_done = on_done;
	o->v = arena_array(o->arena, n + 1, sizeof(*o->v));
	o->n = n;
	for (size_t i = 0; i < n; i++) {
		o->v[i].entry = arena_dup(o->arena, v[i].entry);
		if (v[i].value.p != NULL)
			o->v[i].value = arena_dup(o->arena, v[i].value);
	}
	return (op_start(o));
}
