/* text_batch.c: which messages does the full-text index lack, and how are they put in? Each folder is looked
 * through in the order of its UIDs, as the index of messages has them: from its beginning once a
 * process, then from where it stopped. A content that is known needs its place noted, no more. Failures: a
 * file that is not where the index says is left out, and looked for again a minute later; the others are its
 * caller's. */
#include "store/text_batch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "store/crlf.h"
#include "store/fault.h"

enum {
	BATCH_DOCUMENTS = 2048,
	BATCH_OCTETS = 8388608, /* of text */
	BATCH_MS = 1000,
	ROWS = 256, /* messages read from the index at once */
	MISSED_MS = 60000,
};

struct batch_folder {
	char *leaf;
	int64_t id;
	uint32_t uidvalidity, cursor; /* cursor: the last uid looked at */
	uint64_t looked;              /* messages */
};

struct batch {
	struct batch_folder *folders;
	size_t folders_n;
	struct text_builder *builder;
	bool has_pruned;
	uint64_t missed;    /* messages whose files were not there */
	uint64_t missed_ms; /* when they are looked for again */
	size_t gone;        /* atomic */
	bool has_checked;   /* for the dead, since the start */
	/* the step at hand */
	struct sql *db, *index;
	const struct mail *m;
	const bool *stops;
	struct arena *arena;
	struct buf disk, wire, head;
	struct text_place *places; /* to be noted, of one folder */
	size_t places_n, places_cap;
	int64_t next, first; /* documents: the next, and the first of this step */
	size_t documents;
	uint64_t until;
};

struct row {
	uint32_t uid;
	bool in_cur;
	struct slice cid, base, info;
};

struct batch *batch_new(void)
{
	struct batch *b = NEW(struct batch);

	buf_init(&b->disk, (size_t)L_SIZE * 2);
	buf_init(&b->wire, (size_t)L_SIZE * 4);
	buf_init(&b->head, (size_t)TEXT_HEAD_MAX);
	return (b);
}

static void forget_folders(struct batch *b)
{
	for (size_t i = 0; i < b->folders_n; i++)
		free(b->folders[i].leaf);
	free(b->folders);
	b->folders = NULL;
	b->folders_n = 0;
}

void batch_forget(struct batch *b)
{
	forget_folders(b);
	b->missed = 0;
	b->has_pruned = false;
}

/* Between two runs that have nothing to do it keeps no memory to speak of. */
static void rest(struct batch *b)
{
	text_builder_free(b->builder);
	b->builder = NULL;
	buf_free(&b->disk);
	buf_free(&b->wire);
	buf_free(&b->head);
	free(b->places);
	b->places = NULL;
	b->places_cap = 0;
}

void batch_free(struct batch *b)
{
	forget_folders(b);
	rest(b);
	free(b);
}

void batch_count_gone(struct batch *b, size_t n)
{
	(void)__atomic_add_fetch(&b->gone, n, __ATOMIC_RELAXED);
}

static bool is_over(const struct batch *b)
{
	return (b->documents >= BATCH_DOCUMENTS ||
	    text_builder_octets(b->builder) >= BATCH_OCTETS || clock_ms() >= b->until ||
	    __atomic_load_n(b->stops, __ATOMIC_RELAXED));
}

/* --- folders --- */

static int read_folders(struct batch *b, struct err *err)
{
	struct batch_folder *v = NULL, *old = b->folders;
	size_t n = 0, cap = 0;
	int got;

	if (sql_ask(b->index, "SELECT id, leaf, uidvalidity FROM folder ORDER BY id", err, "") != 0)
		return (-1);
	while ((got = sql_step(b->index, err)) == 1) {
		struct slice leaf = sql_text(b->index, 1);

		if (n == cap) {
			cap = cap * 2 + 16;
			v = mem_grow(v, cap, sizeof(*v));
		}
		v[n] = (struct batch_folder){ .leaf = mem_strndup(leaf.p, leaf.n),
			.id = sql_int(b->index, 0),
			.uidvalidity = (uint32_t)sql_int(b->index, 2) };
		for (size_t i = 0; i < b->folders_n; i++)
			if (old[i].id == v[n].id && old[i].uidvalidity == v[n].uidvalidity &&
			    strcmp(old[i].leaf, v[n].leaf) == 0) {
				v[n].cursor = old[i].cursor;
				v[n].looked = old[i].looked;
			}
		n++;
	}
	sql_done(b->index);
	forget_folders(b);
	b->folders = v;
	b->folders_n = n;
	return (got);
}

static bool has_folder(const struct batch *b, struct slice leaf, int64_t uidvalidity)
{
	for (size_t i = 0; i < b->folders_n; i++)
		if (b->folders[i].uidvalidity == uidvalidity &&
		    slice_eq(slice_of(b->folders[i].leaf), leaf))
			return (true);
	return (false);
}

/* Places of folders that are no more. */
static int prune_places(struct batch *b, struct err *err)
{
	struct arena *a = arena_new(0);
	struct slice leaf = { NULL, 0 };
	int64_t uidvalidity = 0;
	int got, rc = 0;
	bool found;

	do {
		found = false;
		rc = sql_ask(b->db, "SELECT DISTINCT leaf, uidvalidity FROM place", err, "");
		if (rc != 0)
			break;
		while (!found && (got = sql_step(b->db, err)) == 1) {
			leaf = sql_text(b->db, 0);
			uidvalidity = sql_int(b->db, 1);
			found = !has_folder(b, leaf, uidvalidity);
			if (found)
				leaf = arena_dup(a, leaf);
		}
		sql_done(b->db);
		rc = got < 0 ? -1 : 0;
		if (found)
			rc = sql_do(b->db, "DELETE FROM place WHERE leaf = ?1 AND uidvalidity = ?2",
			    err, "si", leaf, uidvalidity);
	} while (found && rc == 0);
	arena_free(a);
	b->has_pruned = rc == 0;
	return (rc);
}

/* --- one message --- */

static int document_find(struct batch *b, struct slice cid, int64_t *ret, struct err *err)
{
	int got;

	*ret = 0;
	if (sql_ask(b->db, "SELECT id FROM document WHERE cid = ?1", err, "b", cid) != 0)
		return (-1);
	if ((got = sql_step(b->db, err)) == 1)
		*ret = sql_int(b->db, 0);
	sql_done(b->db);
	return (got < 0 ? -1 : 0);
}

/* -1: it is not there, or not readable now */
static int message_read(struct batch *b, const struct batch_folder *f, const struct row *r)
{
	char path[1200];
	bool after_cr = false;

	(void)snprintf(path, sizeof(path), "%s%s%s/%s/" SLICE_FMT SLICE_FMT, b->m->root,
	    *f->leaf == '\0' ? "" : "/", f->leaf, r->in_cur ? "cur" : "new", SLICE_ARG(r->base),
	    SLICE_ARG(r->info));
	buf_reset(&b->disk);
	buf_reset(&b->wire);
	if (small_read(path, &b->disk) != 0)
		return (-1);
	return (crlf_wire(buf_slice(&b->disk), &after_cr, &b->wire));
}

static int document_make(struct batch *b, struct slice cid, int64_t *ret, struct err *err)
{
	bool scans;

	buf_reset(&b->head);
	*ret = b->next++;
	scans = !text_builder_add(b->builder, *ret, buf_slice(&b->wire), &b->head) ||
	    b->head.failed;
	b->documents++;
	return (sql_do(b->db, "INSERT INTO document(id, cid, scan, head) VALUES(?1, ?2, ?3, ?4)",
	    err, "ibib", *ret, cid, (int64_t)scans,
	    scans ? (struct slice){ "", 0 } : buf_slice(&b->head)));
}

static int message_add(
    struct batch *b, struct batch_folder *f, const struct row *r, struct err *err)
{
	int64_t document;

	if (document_find(b, r->cid, &document, err) != 0)
		return (-1);
	if (document == 0) {
		if (message_read(b, f, r) != 0) {
			b->missed++;
			return (0);
		}
		if (document_make(b, r->cid, &document, err) != 0)
			return (-1);
	}
	if (b->places_n == b->places_cap) {
		b->places_cap = b->places_cap * 2 + 1024;
		b->places = mem_grow(b->places, b->places_cap, sizeof(*b->places));
	}
	b->places[b->places_n++] = (struct text_place){ r->uid, (uint32_t)document };
	return (0);
}

/* --- one folder --- */

static int rows_read(
    struct batch *b, const struct batch_folder *f, struct row *rows, size_t *ret_n, struct err *err)
{
	int got;

	*ret_n = 0;
	if (sql_ask(b->index,
		"SELECT uid, cid, place, base, info FROM msg WHERE folder = ?1 AND uid > ?2 ORDER "
		"BY uid LIMIT ?3",
		err, "iii", f->id, (int64_t)f->cursor, (int64_t)ROWS) != 0)
		return (-1);
	while ((got = sql_step(b->index, err)) == 1 && *ret_n < ROWS)
		rows[(*ret_n)++] = (struct row){
			.uid = (uint32_t)sql_int(b->index, 0),
			.cid = arena_dup(b->arena, sql_text(b->index, 1)),
			.in_cur = sql_int(b->index, 2) != 0,
			.base = arena_dup(b->arena, sql_text(b->index, 3)),
			.info = arena_dup(b->arena, sql_text(b->index, 4)),
		};
	sql_done(b->index);
	return (got < 0 ? -1 : 0);
}

/* What is left of it, or of the step. *ret_ended: all of the folder was looked at. */
static int folder_run(
    struct batch *b, struct batch_folder *f, bool *ret_ended, struct err *err)
{
	struct text_places known = { 0 };
	struct row rows[ROWS];
	size_t n = 0, at = 0;
	bool is_read = false;
	int rc = 0;

	*ret_ended = false;
	b->places_n = 0;
	while (rc == 0 && !is_over(b)) {
		if (at == n) {
			arena_free(b->arena);
			b->arena = arena_new(0);
			at = 0;
			rc = rows_read(b, f, rows, &n, err);
			*ret_ended = rc == 0 && n == 0;
			if (rc != 0 || n == 0)
				break;
		}
		if (!is_read) { /* only now: most folders have nothing new */
			is_read = true;
			if (text_places_read(
				b->db, slice_of(f->leaf), f->uidvalidity, &known, err) != 0) {
				rc = -1;
				break;
			}
		}
		if (text_places_find(&known, rows[at].uid) == 0)
			rc = message_add(b, f, &rows[at], err);
		f->cursor = rows[at++].uid;
		f->looked++;
	}
	free(known.v);
	if (rc == 0)
		rc = text_places_add(b->db, slice_of(f->leaf), f->uidvalidity, b->places,
		    b->places_n, err);
	return (rc);
}

/* --- the step --- */

static int next_document(struct batch *b, struct err *err)
{
	int got;

	b->next = 1;
	if (sql_ask(b->db, "SELECT value FROM note WHERE name = 'next'", err, "") != 0)
		return (-1);
	if ((got = sql_step(b->db, err)) == 1)
		b->next = sql_int(b->db, 0);
	sql_done(b->db);
	b->first = b->next;
	return (got < 0 ? -1 : 0);
}

static int segment_write(struct batch *b, struct err *err)
{
	struct text_writer w;
	int64_t id;
	int rc;

	if (sql_do(b->db,
		"INSERT INTO segment(first, last, documents, octets) VALUES(?1, ?2, ?3, 0)", err,
		"iii", b->first, b->next - 1, (int64_t)b->documents) != 0)
		return (-1);
	id = sql_last_id(b->db);
	text_writer_begin(&w, b->db, id, b->first, err);
	rc = text_builder_write(b->builder, &w);
	if (text_writer_end(&w) != 0 || rc != 0)
		return (-1);
	if (sql_do(b->db, "UPDATE segment SET octets = ?2 WHERE id = ?1", err, "ii", id,
		(int64_t)w.octets) != 0)
		return (-1);
	return (sql_do(b->db, "INSERT OR REPLACE INTO note(name, value) VALUES('next', ?1)", err,
	    "i", b->next));
}

static int add_messages(struct batch *b, bool *ret_more, struct err *err)
{
	int rc = 0;

	*ret_more = false;
	if (sql_begin(b->db, err) != 0 || next_document(b, err) != 0)
		return (-1);
	if (!b->has_pruned && prune_places(b, err) != 0)
		return (-1);
	for (size_t i = 0; i < b->folders_n && rc == 0; i++) {
		bool ended;

		rc = folder_run(b, &b->folders[i], &ended, err);
		*ret_more |= !ended;
	}
	if (rc != 0 || (b->documents > 0 && segment_write(b, err) != 0))
		return (-1);
	if (disk_text() != 0)
		return (err_set(err, ERR_NO_SPACE, "write search.sqlite: the disk is full"));
	return (sql_commit(b->db, err));
}

static int merge(struct batch *b, struct err *err)
{
	bool more = true;

	while (more && !__atomic_load_n(b->stops, __ATOMIC_RELAXED)) {
		if (sql_begin(b->db, err) != 0 || text_merge(b->db, b->stops, &more, err) != 0)
			return (-1);
		if (disk_text() != 0)
			return (
			    err_set(err, ERR_NO_SPACE, "write search.sqlite: the disk is full"));
		if (sql_commit(b->db, err) != 0)
			return (-1);
	}
	return (0);
}

static int count(struct sql *q, const char *text, uint64_t *ret, struct err *err)
{
	int got;

	if (sql_ask(q, text, err, "") != 0)
		return (-1);
	if ((got = sql_step(q, err)) == 1)
		*ret = (uint64_t)sql_int(q, 0);
	sql_done(q);
	return (got < 0 ? -1 : 0);
}

/* Once a start, and when so many went that it may pay. */
static int compact(struct batch *b, uint64_t *documents, struct err *err)
{
	size_t gone = __atomic_load_n(&b->gone, __ATOMIC_RELAXED);

	if (b->has_checked && gone * 2 <= *documents)
		return (0);
	(void)__atomic_sub_fetch(&b->gone, gone, __ATOMIC_RELAXED);
	b->has_checked = true;
	if (sql_begin(b->db, err) != 0 || text_compact(b->db, b->index, b->stops, err) != 0 ||
	    sql_commit(b->db, err) != 0)
		return (-1);
	return (count(b->db, "SELECT count(*) FROM document", documents, err));
}

static int run(struct batch *b, bool *ret_more, struct text_status *status, struct err *err)
{
	uint64_t looked = 0;

	if (b->missed > 0 && clock_ms() >= b->missed_ms)
		batch_forget(b);
	if (read_folders(b, err) != 0 || add_messages(b, ret_more, err) != 0 ||
	    merge(b, err) != 0 ||
	    count(b->db, "SELECT count(*) FROM document", &status->documents, err) != 0 ||
	    count(b->index, "SELECT count(*) FROM msg", &status->messages, err) != 0)
		return (-1);
	if (!*ret_more && compact(b, &status->documents, err) != 0)
		return (-1);
	for (size_t i = 0; i < b->folders_n; i++)
		looked += b->folders[i].looked;
	/* those that went since they were looked at are in it */
	status->messages_done = *ret_more && looked < status->messages ? looked : status->messages;
	status->missed = b->missed;
	if (b->missed > 0 && b->missed_ms <= clock_ms())
		b->missed_ms = clock_ms() + MISSED_MS;
	return (0);
}

int batch_run(struct text *t, bool *ret_more, struct text_status *status, struct err *err)
{
	struct batch *b = t->batch;
	char path[512];
	int rc = -1;

	(void)snprintf(path, sizeof(path), "%s/index.sqlite", t->m->root);
	b->db = t->db;
	b->m = t->m;
	b->stops = &t->stops;
	b->documents = 0;
	b->until = clock_ms() + BATCH_MS;
	if (b->builder == NULL)
		b->builder = text_builder_new();
	text_builder_reset(b->builder);
	if ((b->index = sql_open_reader(path, err)) != NULL)
		rc = run(b, ret_more, status, err);
	sql_close(b->index);
	b->index = NULL;
	arena_free(b->arena);
	b->arena = NULL;
	if (rc != 0 || !*ret_more)
		rest(b);
	return (rc);
}
