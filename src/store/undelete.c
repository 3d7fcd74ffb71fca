/* undelete.c: what does the owner want back, and where to? The search runs on a read lane in slices;
 * then folders that are missing are made, one after the other; then messages come back in batches on
 * the account's lane, among whatever else waits there. On the loop. Leaves the search to
 * undelete_find.c and the renames to undelete_put.c. Failures: what came back stays and is told. */
#include "store/undelete_int.h"

#include <stdlib.h>

#include "core/loop.h"
#include "msg/fold.h"
#include "store/quarantine.h"

enum { PUT_BATCH = 64, FILTER_MAX = 65536 };

static void op_cancel(struct store_op *op)
{
	LIST_OWNER(op, struct undelete, op)->abandoned = true;
}

static void answer(struct undelete *u)
{
	struct undelete_message *all = arena_array(u->arena, u->kept + 1, sizeof(*all));
	struct undelete_result r = {
		.err = u->failed ? &u->err : NULL,
		.messages = all,
		.n = u->kept,
		.is_cut = u->is_cut,
	};

	for (size_t i = 0; i < u->kept; i++) {
		all[i] = u->found[i]->m;
		all[i].into = u->found[i]->back == NULL ? NULL : u->found[i]->back->name;
	}
	u->m->ops--;
	if (!u->abandoned)
		u->on_done(u->self, &r);
	free(u->found);
	free(u->origins);
	arena_free(u->arena);
}

static void fail(struct undelete *u, const struct err *err)
{
	u->failed = true;
	u->err = *err;
	answer(u);
}

/* --- bringing back --- */

static void put_next(struct undelete *u);

static void on_put(struct undelete *u, const struct err *err)
{
	u->put += u->kept - u->put < PUT_BATCH ? u->kept - u->put : PUT_BATCH;
	if (err != NULL)
		fail(u, err);
	else
		put_next(u);
}

static void put_next(struct undelete *u)
{
	struct err err = { 0 };
	size_t left = u->kept - u->put;

	if (left == 0) {
		answer(u);
	} else if (u->m->stopping) {
		(void)err_set(&err, ERR_TEMPORARY, "the store is closing");
		fail(u, &err);
	} else {
		undelete_put(u, u->put, left < PUT_BATCH ? left : PUT_BATCH, on_put);
	}
}

static void choose_folders(struct undelete *u);

static struct slice wanted_name(const struct undelete *u, const struct found *f)
{
	return (u->into.n > 0 ? u->into : f->m.folder.n > 0 ? f->m.folder : SLICE("INBOX"));
}

static struct folder *folder_for(const struct undelete *u, const struct found *f)
{
	struct folder *live =
	    f->origin == SIZE_MAX || u->into.n > 0 ? NULL : u->origins[f->origin].live;

	if (live != NULL && live->exists)
		return (live);
	return (folder_find(u->m->account, wanted_name(u, f)));
}

static void on_made(void *self, const struct err *err)
{
	struct undelete *u = self;
	struct found *f = u->found[u->at];

	/* Another has made it by now: as good. Too many folders: INBOX. */
	if (err != NULL && folder_for(u, f) == NULL) {
		if (u->into.n > 0 || (err->kind != ERR_LIMIT && err->kind != ERR_CANNOT)) {
			fail(u, err);
			return;
		}
		f->to = folder_find(u->m->account, SLICE("INBOX"));
		u->at++;
	}
	choose_folders(u);
}

/* Only what was refused lies in Quarantine: other mail would be gone for good after a while there. */
static bool may_lie_in(const struct undelete *u, const struct found *f, const struct folder *to)
{
	const struct origin *o = f->origin == SIZE_MAX ? NULL : &u->origins[f->origin];

	return (folder_role(to) != ROLE_QUARANTINE ||
	    (o != NULL && (o->live != NULL ? folder_role(o->live) : o->role) == ROLE_QUARANTINE));
}

static void choose_folders(struct undelete *u)
{
	enum folder_role role = ROLE_NONE;
	struct err err = { 0 };

	for (; u->at < u->kept; u->at++) {
		struct found *f = u->found[u->at];

		if ((f->to = folder_for(u, f)) != NULL) {
			if (may_lie_in(u, f, f->to))
				continue;
			if (u->into.n > 0) {
				(void)quarantine_takes(f->to, &err);
				fail(u, &err);
				return;
			}
			f->to = folder_find(u->m->account, SLICE("INBOX"));
			continue;
		}
		if (u->into.n == 0 && f->origin != SIZE_MAX &&
		    folder_by_role(u->m->account, u->origins[f->origin].role) == NULL)
			role = u->origins[f->origin].role;
		(void)folder_create(u->m->account, wanted_name(u, f), role, on_made, u);
		return;
	}
	put_next(u);
}

/* --- searching --- */

static void find_run(struct job *j)
{
	undelete_find(LIST_OWNER(j, struct undelete, job));
}

static void find_done(struct job *j)
{
	struct undelete *u = LIST_OWNER(j, struct undelete, job);

	if (!undelete_is_found(u) && !u->abandoned && !u->m->stopping) {
		lane_force(u->m->store->read, &u->job);
	} else if (u->restores && !u->abandoned) {
		u->at = 0;
		choose_folders(u);
	} else {
		answer(u);
	}
}

static void note_folders(struct undelete *u)
{
	u->origins_cap = u->m->folders_n + 16;
	u->origins = mem_new_array(u->origins_cap, sizeof(*u->origins));
	for (size_t i = 0; i < u->m->folders_n; i++) {
		struct folder *f = u->m->folders[i];

		/* Its UIDVALIDITY stays for as long as it is known. */
		u->origins[u->origins_n++] = (struct origin){
			.uidvalidity = f->lane.uidvalidity,
			.name = arena_dup(u->arena, slice_of(f->name)),
			.live = f,
		};
	}
}

static struct slice folded(struct arena *a, struct slice text)
{
	struct buf out = BUF_INIT(FILTER_MAX);
	struct slice ret;

	(void)fold_text(text, &out);
	ret = arena_dup(a, buf_slice(&out));
	buf_free(&out);
	return (ret);
}

static struct store_op *start(struct account *acc, const struct undelete_filter *f,
    bool restores, struct slice into, undelete_done *on_done, void *self)
{
	struct arena *a = arena_new(0);
	struct undelete *u = arena_alloc(a, sizeof(*u));

	u->arena = a;
	u->m = acc->mail;
	u->op.cancel = op_cancel;
	u->filter = (struct undelete_filter){ arena_dup(a, f->folder), f->since, folded(a, f->from),
		folded(a, f->subject), f->max };
	u->restores = restores;
	u->into = arena_dup(a, into);
	u->on_done = on_done;
	u->self = self;
	note_folders(u);
	u->job = (struct job){ .run = find_run, .done = find_done };
	u->m->ops++;
	lane_force(u->m->store->read, &u->job);
	return (&u->op);
}

struct store_op *undelete_list(
    struct account *a, const struct undelete_filter *f, undelete_done *on_done, void *self)
{
	return (start(a, f, false, SLICE(""), on_done, self));
}

struct store_op *undelete_start(struct account *a, const struct undelete_filter *f,
    struct slice into, undelete_done *on_done, void *self)
{
	return (start(a, f, true, into, on_done, self));
}
