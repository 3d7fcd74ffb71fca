/* visit.c: how are messages read without blocking the loop? In slices on the read lane: 64
 * messages or 5 ms, then back to the loop. Rendered items come from the index by a reading
 * connection of their own; what is missing there is rendered now and written back through the
 * account's lane. Files are read in pieces and served as CRLF; where the last read of a large
 * message stopped is remembered, so that a client that fetches it in ranges does not read it
 * over and over. Failures: a file that is gone is looked for once more under its base name; then
 * the message is unreadable (STO-09). */
#include "store/visit_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/loop.h"
#include "msg/header.h"

enum {
	SLICE_MESSAGES = 64,
	SLICE_ROWS = 4096, /* without files */
	SLICE_MS = 5,
	KEEP_MESSAGES = 2048, /* rendered ones are kept so many at a time, or */
	KEEP_OCTETS = 8388608, /* of them, strips and keys: what is not kept yet is memory */
	WHOLE_STAYS = 1048576, /* room for a message that is used for the next */
};

/* --- readers --- */

struct sql *mail_reader_take(struct mail *m, unsigned *epoch, struct err *err)
{
	struct sql *q = NULL;
	char path[512];

	(void)pthread_mutex_lock(&m->lock);
	if (m->readers_n > 0)
		q = m->readers[--m->readers_n];
	*epoch = m->epoch;
	(void)pthread_mutex_unlock(&m->lock);
	if (q != NULL)
		return (q);
	(void)snprintf(path, sizeof(path), "%s/index.sqlite", m->root);
	return (sql_open_reader(path, err));
}

void mail_reader_give(struct mail *m, struct sql *q, unsigned epoch)
{
	bool keeps;

	if (q == NULL)
		return;
	(void)pthread_mutex_lock(&m->lock);
	keeps = epoch == m->epoch && m->readers_n < MAIL_READERS && !sql_is_failed(q) &&
	    !sql_is_corrupt(q);
	if (keeps)
		m->readers[m->readers_n++] = q;
	(void)pthread_mutex_unlock(&m->lock);
	if (!keeps)
		sql_close(q);
}

/* --- one message, on the worker --- */

/* A column of the row at hand, when it is wanted: those it does not ask for are never loaded. */
static struct slice blob(struct visit *v, unsigned want, int column)
{
	if ((v->want & want) == 0)
		return ((struct slice){ NULL, 0 });
	return (arena_dup(v->arena, sql_text(v->reader, column)));
}

/* RFC 8474 5.2; a message that names none is a conversation of its own. */
static void set_thread(struct visit *v, struct slice root)
{
	memcpy(v->thread, root.n == 16 ? (const unsigned char *)root.p : v->cid, 16);
}

static bool row_read(struct visit *v, uint32_t uid, struct visit_message *vm)
{
	struct sql *q = v->reader;
	bool found;

	if (sql_ask(q,
		"SELECT m.uid, m.flags, m.modseq, m.size, m.internal, m.saved, m.place, m.base, "
		"m.info, m.cid, i.envelope, i.structure,"
		" i.body, i.map, i.fields, m.disk, i.preview, i.thread FROM msg m "
		"LEFT JOIN item i ON i.cid = m.cid WHERE m.folder = ?1 AND m.uid = ?2",
		NULL, "ii", v->folder_id, (int64_t)uid) != 0)
		return (false);
	found = sql_step(q, NULL) == 1;
	if (found) {
		vm->m = (struct view_message){
			.uid = (uint32_t)sql_int(q, 0),
			.flags = (uint32_t)sql_int(q, 1),
			.modseq = (uint64_t)sql_int(q, 2),
			.size = (uint32_t)sql_int(q, 3),
			.internal_date = sql_int(q, 4),
			.save_date = sql_int(q, 5),
		};
		v->where = sql_int(q, 6) != 0;
		v->base = arena_dup(v->arena, sql_text(q, 7));
		v->info = arena_dup(v->arena, sql_text(q, 8));
		if (sql_text(q, 9).n == 16)
			memcpy(v->cid, sql_text(q, 9).p, 16);
		v->has_items = !sql_is_null(q, 10) &&
		    ((v->want & VISIT_PREVIEW) == 0 || !sql_is_null(q, 16)) &&
		    ((v->want & VISIT_THREAD) == 0 || !sql_is_null(q, 17));
		v->is_wire = sql_int(q, 15) == sql_int(q, 3);
		if (v->has_items) {
			vm->envelope = blob(v, VISIT_ENVELOPE, 10);
			vm->structure = blob(v, VISIT_STRUCTURE, 11);
			vm->body_structure = blob(v, VISIT_BODY, 12);
			v->map = blob(v, VISIT_MAP, 13);
			vm->fields = blob(v, VISIT_FIELDS, 14);
			vm->preview = blob(v, VISIT_PREVIEW, 16);
			set_thread(v, blob(v, VISIT_THREAD, 17));
		}
	}
	sql_done(q);
	return (found);
}

static void render(struct visit *v, struct visit_message *vm)
{
	struct rendered *r;
	struct slice whole;
	struct err err;

	if (visit_whole(v, &whole, &err) != 0) {
		vm->unreadable = true;
		return;
	}
	r = NEW(struct rendered);
	items_render(&r->items, whole, (v->want & VISIT_PREVIEW) != 0);
	memcpy(r->cid, v->cid, 16);
	list_push(&v->rendered, &r->node);
	v->rendered_n++;
	v->rendered_octets += items_octets(&r->items);
	vm->envelope = buf_slice(&r->items.envelope);
	vm->structure = buf_slice(&r->items.structure);
	vm->body_structure = buf_slice(&r->items.body);
	v->map = buf_slice(&r->items.map);
	vm->fields = buf_slice(&r->items.fields);
	vm->preview = buf_slice(&r->items.preview);
	set_thread(v, buf_slice(&r->items.thread));
}

/* Keys are made of the header alone, and kept by themselves: nothing is rendered for them. False:
 * it is longer than a piece. */
static bool read_fields(struct visit *v, struct visit_message *vm)
{
	struct buf head = BUF_INIT(VISIT_CHUNK), fields = BUF_INIT(4 * L_HDR);
	struct header h;
	struct err err;
	bool ok;

	if (visit_read(v, 0, VISIT_CHUNK, &head, &err) != 0) {
		buf_free(&head);
		vm->unreadable = true;
		return (true);
	}
	header_parse(v->arena, buf_slice(&head), &h);
	ok = h.has_blank || h.ended_by_junk || head.n < VISIT_CHUNK;
	if (ok) {
		items_fields(&h, &fields);
		vm->fields = arena_dup(v->arena, buf_slice(&fields));
		ok = !fields.failed;
	}
	buf_free(&fields);
	buf_free(&head);
	return (ok);
}

static enum visit_next one(struct visit *v, uint32_t uid)
{
	struct visit_message vm = {
		.m = { .uid = uid }, .content_id = v->cid, .thread_id = v->thread, .visit = v
	};
	enum visit_next next;
	struct mime_map_part *parts;
	struct err err;

	if (visit_strips_kept(v, uid, &vm) || visit_keys_kept(v, uid, &vm))
		return (v->visitor.on_message(v->ctx, &vm));
	v->arena = arena_new(0);
	v->has_items = false;
	v->map = (struct slice){ NULL, 0 };
	if (!row_read(v, uid, &vm)) {
		vm.unreadable = true;
	} else {
		if (v->file_uid != uid)
			visit_file_close(v);
		v->file_uid = uid;
		if (!v->has_items &&
		    (v->want &
			(VISIT_ENVELOPE | VISIT_STRUCTURE | VISIT_BODY | VISIT_MAP |
			    VISIT_FIELDS | VISIT_PREVIEW | VISIT_THREAD)) != 0 &&
		    (!v->keys_only || !read_fields(v, &vm)))
			render(v, &vm);
		if ((v->want & VISIT_KEYS) != 0 && !vm.unreadable)
			visit_keys_read(v, &vm);
		visit_strips_read(v, &vm);
		if ((v->want & VISIT_MAP) != 0 && v->map.p != NULL &&
		    mime_map_unpack(v->arena, v->map, &parts, &vm.map_n))
			vm.map = parts;
		if ((v->want & VISIT_FILE) != 0 && !vm.unreadable && visit_file_open(v, &err) != 0)
			vm.unreadable = true;
	}
	v->doubtful |= vm.unreadable;
	next = v->visitor.on_message(v->ctx, &vm);
	if (next != VISIT_AGAIN)
		visit_file_close(v);
	if (v->whole.cap > WHOLE_STAYS)
		buf_free(&v->whole);
	else
		buf_reset(&v->whole);
	arena_free(v->arena);
	v->arena = NULL;
	return (next);
}

static void slice_run(struct job *job)
{
	struct visit *v = (struct visit *)job;
	uint64_t until = clock_ms() + SLICE_MS;
	unsigned epoch, done = 0, most = (v->want & VISIT_FILE) != 0 ? SLICE_MESSAGES : SLICE_ROWS;
	bool is_begun;

	v->failed = false;
	v->reader = mail_reader_take(v->m, &epoch, &v->err);
	if (v->reader == NULL) {
		v->failed = true;
		return;
	}
	if (v->by_strips && v->known_n > 0 && v->known_n < most)
		most = (unsigned)v->known_n;
	/* Locks are taken once for the slice, not for each message; but not while files are read,
	 * which may take long and move. */
	is_begun = (v->want & VISIT_FILE) == 0 && sql_do(v->reader, "BEGIN", NULL, "") == 0;
	while (v->at < v->n) {
		enum visit_next next = one(v, v->uids[v->at]);

		if (next != VISIT_AGAIN)
			v->at++;
		if (next == VISIT_STOP)
			v->at = v->n;
		if (next != VISIT_DONE || ++done >= most || clock_ms() >= until)
			break;
	}
	if (v->at >= v->n)
		visit_keys_end(v);
	if (v->at >= v->n)
		visit_strips_end(v);
	if (is_begun && sql_do(v->reader, "COMMIT", NULL, "") != 0)
		sql_rollback(v->reader); /* or it would see the past for ever */
	mail_reader_give(v->m, v->reader, epoch);
	v->reader = NULL;
}

/* --- back on the loop --- */

struct keep_job {
	struct mail_job job;
	struct list rendered, packs, strips;
};

static void drop_rendered(struct list *head)
{
	struct list *node;

	while ((node = list_shift(head)) != NULL) {
		struct rendered *r = LIST_OWNER(node, struct rendered, node);

		items_free(&r->items);
		free(r);
	}
}

static void drop_packs(struct list *head)
{
	struct list *node;

	while ((node = list_shift(head)) != NULL)
		grown_free(LIST_OWNER(node, struct grown, node));
}

static void drop_strips(struct list *head)
{
	struct list *node;

	while ((node = list_shift(head)) != NULL)
		strips_free(LIST_OWNER(node, struct strips, node));
}

static int keep_act(struct mail_job *j)
{
	struct keep_job *k = (struct keep_job *)j;

	LIST_EACH(&k->rendered, node)
	{
		struct rendered *r = LIST_OWNER(node, struct rendered, node);

		(void)index_items_put(j->m, r->cid, &r->items);
	}
	LIST_EACH(&k->packs, node)
	{
		(void)index_pack_put(j->m, LIST_OWNER(node, struct grown, node));
	}
	LIST_EACH(&k->strips, node)
	{
		(void)index_strips_put(j->m, LIST_OWNER(node, struct strips, node));
	}
	return (0);
}

static void keep_end(struct mail_job *j)
{
	drop_rendered(&((struct keep_job *)j)->rendered);
	drop_packs(&((struct keep_job *)j)->packs);
	drop_strips(&((struct keep_job *)j)->strips);
	free(j);
}

static void keep_rendered(struct visit *v)
{
	struct keep_job *k;
	struct list *node;
	struct err err;

	if (list_empty(&v->rendered) && list_empty(&v->packs) && list_empty(&v->grown_strips))
		return;
	/* Few transactions, or the index is written over and over: ids come in no order. */
	if (v->at < v->n && !v->cancelled && !v->failed && v->rendered_n < KEEP_MESSAGES &&
	    v->rendered_octets < KEEP_OCTETS)
		return;
	v->rendered_n = v->rendered_octets = 0;
	k = NEW(struct keep_job);
	mail_job_init(&k->job, v->m, keep_act, keep_end);
	list_init(&k->rendered);
	list_init(&k->packs);
	list_init(&k->strips);
	while ((node = list_shift(&v->rendered)) != NULL)
		list_push(&k->rendered, node);
	while ((node = list_shift(&v->packs)) != NULL)
		list_push(&k->packs, node);
	while ((node = list_shift(&v->grown_strips)) != NULL)
		list_push(&k->strips, node);
	if (mail_job_put(&k->job, &err) != 0) /* a cache: next time */
		keep_end(&k->job);
}

static void visit_free(struct visit *v)
{
	visit_file_close(v);
	later_cancel(v->later);
	drop_rendered(&v->rendered);
	drop_packs(&v->packs);
	grown_free(v->grown);
	drop_strips(&v->grown_strips);
	strips_free(v->strips);
	free(v->known);
	buf_free(&v->piece);
	buf_free(&v->whole);
	free(v->uids);
	free(v->dir);
	free(v);
}

static void on_end(void *self)
{
	struct visit *v = self;
	void (*end)(void *self, const struct err *err) = v->visitor.on_end;
	void *owner = v->self;
	struct err err = v->err;
	bool failed = v->failed;

	v->later = NULL;
	visit_free(v);
	end(owner, failed ? &err : NULL);
}

static void slice_done(struct job *job)
{
	struct visit *v = (struct visit *)job;

	v->running = false;
	v->m->ops--;
	v->m->visited = clock_ms();
	keep_rendered(v);
	if (v->doubtful)
		view_doubt(v->folder);
	v->doubtful = false;
	if (v->cancelled) {
		if (v->free_ctx != NULL)
			v->free_ctx(v->ctx);
		visit_free(v);
		return;
	}
	if (v->failed)
		v->at = v->n;
	v->visitor.on_slice(v->self);
}

static void slice_start(struct visit *v)
{
	struct buf leaf = BUF_INIT(L_MBX_NAME), dir = BUF_INIT(1024);

	/* The folder may have been renamed since the last slice. */
	(void)leaf_of_name(slice_of(v->folder->name), &leaf, NULL);
	(void)buf_fmt(&dir, "%s%s%s", v->m->root, leaf.n > 0 ? "/" : "", buf_z(&leaf));
	free(v->dir);
	v->dir = mem_strdup(buf_z(&dir));
	buf_free(&leaf);
	buf_free(&dir);
	visit_strips_know(v);
	v->m->visited = clock_ms();
	v->running = true;
	v->m->ops++;
	v->job.run = slice_run;
	v->job.done = slice_done;
	lane_force(v->m->store->read, &v->job);
}

void visit_go_on(struct visit *v)
{
	if (v->at >= v->n)
		v->later = loop_later(v->m->store->loop, on_end, v);
	else
		slice_start(v);
}

struct visit *visit_start(struct folder *f, const uint32_t *uids, size_t n, unsigned want,
    const struct visitor *visitor, void *self, void *ctx, void (*free_ctx)(void *ctx))
{
	struct visit *v = NEW(struct visit);

	v->m = folder_mail(f);
	v->folder = f;
	v->folder_id = f->lane.id; /* fixed while the process lives */
	v->uids = mem_new_array(n + 1, sizeof(uint32_t));
	if (n > 0)
		memcpy(v->uids, uids, n * sizeof(uint32_t));
	v->n = n;
	v->want = want | ((want & VISIT_KEYS) != 0 ? VISIT_FIELDS : 0);
	v->by_strips = visit_strips_serve(want);
	v->keys_only = (want & ~(unsigned)VISIT_KEY_TEXTS) == VISIT_KEYS;
	v->visitor = *visitor;
	v->self = self;
	v->ctx = ctx;
	v->free_ctx = free_ctx;
	v->fd = -1;
	buf_init(&v->piece, VISIT_CHUNK * 2);
	buf_init(&v->whole, (size_t)L_SIZE * 2);
	list_init(&v->rendered);
	list_init(&v->packs);
	list_init(&v->grown_strips);
	visit_go_on(v);
	return (v);
}

void visit_cancel(struct visit *v)
{
	if (v == NULL)
		return;
	if (v->running) {
		v->cancelled = true;
		return;
	}
	if (v->free_ctx != NULL)
		v->free_ctx(v->ctx);
	visit_free(v);
}
