/* index.c: what does the index remember of a folder? Rows of the account's index.sqlite, asked
 * on the account's lane by its one writing connection. A cache: every failure is noted in
 * mail->index_failed, upon which the lane has the folders read again. Leaves rendering to
 * items.c. */
#include "store/mail_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/log.h"

static int trouble(struct mail *m)
{
	m->index_failed = true;
	return (-1);
}

void index_trouble(struct mail *m, struct lane_folder *lf)
{
	m->index_failed = true;
	lf->believe = true;
	lf->trust_note = false;
	lf->note_ns[0] = lf->note_ns[1] = 0;
}

int index_open(struct mail *m, struct err *err)
{
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/index.sqlite", m->root);
	m->index = sql_open(path, SQL_NORMAL, index_schema, index_schema_n, err);
	if (m->index == NULL && err->kind == ERR_PERMANENT) {
		/* Damaged, or of a newer version: a cache is made anew. */
		log_event(LOG_WARN, NULL, "index set aside", "account", m->account->name, "why",
		    err->text, NULL);
		if (sql_set_aside(path, err) != 0)
			return (-1);
		m->index = sql_open(path, SQL_NORMAL, index_schema, index_schema_n, err);
	}
	/* Content ids come in no order: what is written in one go should stay at hand. */
	if (m->index != NULL)
		(void)sql_exec(m->index, "PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000", NULL);
	return (m->index == NULL ? -1 : 0);
}

int index_folder_load(struct mail *m, struct lane_folder *lf)
{
	int got;
	uint32_t validity;

	if (sql_ask(m->index,
		"SELECT id, uidvalidity, floor, uidnext, modseq, new_ns, cur_ns, noted_ns FROM "
		"folder WHERE leaf = ?1",
		NULL, "s", slice_of(lf->leaf)) != 0)
		return (trouble(m));
	got = sql_step(m->index, NULL);
	validity = got == 1 ? (uint32_t)sql_int(m->index, 1) : 0;
	if (got == 1 && lf->uidvalidity == 0)
		lf->uidvalidity = validity; /* its file is lost and no name tells */
	if (got == 1 && validity == lf->uidvalidity) {
		lf->id = sql_int(m->index, 0);
		lf->floor = (uint64_t)sql_int(m->index, 2);
		if (lf->is_lost && (uint32_t)sql_int(m->index, 3) > lf->uidnext)
			lf->uidnext = (uint32_t)sql_int(m->index, 3);
		if (lf->is_lost)
			lf->modseq = (uint64_t)sql_int(m->index, 4);
		lf->note_ns[0] = sql_int(m->index, 5);
		lf->note_ns[1] = sql_int(m->index, 6);
		lf->noted_ns = sql_int(m->index, 7);
	}
	sql_done(m->index);
	if (got < 0)
		return (trouble(m));
	lf->believe = true; /* a crash may have lost the last rows */
	if (lf->id == 0) {
		lf->is_new_index = true;
		return (0);
	}
	if (sql_ask(m->index,
		"SELECT count(*), (SELECT max(uid) FROM msg WHERE folder = ?1) FROM gone WHERE "
		"folder = ?1",
		NULL, "i", lf->id) != 0)
		return (trouble(m));
	if (sql_step(m->index, NULL) == 1) {
		lf->gone_n = (uint64_t)sql_int(m->index, 0);
		lf->uid_told = (uint32_t)sql_int(m->index, 1);
	}
	sql_done(m->index);
	return (0);
}

/* Everything of a folder whose row is of another UIDVALIDITY, or that was deleted. */
int index_folder_drop(struct mail *m, const struct lane_folder *lf)
{
	int64_t id = 0;

	if (sql_ask(m->index, "SELECT id FROM folder WHERE leaf = ?1", NULL, "s",
		slice_of(lf->leaf)) != 0)
		return (trouble(m));
	if (sql_step(m->index, NULL) == 1)
		id = sql_int(m->index, 0);
	sql_done(m->index);
	if (id == 0)
		return (0);
	/* The contents go into no history: they did not leave one by one. */
	if (sql_do(m->index, "DELETE FROM msg WHERE folder = ?1", NULL, "i", id) != 0 ||
	    sql_do(m->index, "DELETE FROM gone WHERE folder = ?1", NULL, "i", id) != 0 ||
	    sql_do(m->index, "DELETE FROM pack WHERE folder = ?1", NULL, "i", id) != 0 ||
	    sql_do(m->index, "DELETE FROM folder WHERE id = ?1", NULL, "i", id) != 0)
		return (trouble(m));
	return (0);
}

int index_folder_note(struct mail *m, const struct lane_folder *lf)
{
	if (m->index == NULL || m->no_tx ||
	    sql_do(m->index,
		"INSERT INTO folder(id, leaf, role, uidvalidity, floor, uidnext, modseq, new_ns, "
		"cur_ns, noted_ns)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
		" ON CONFLICT(id) DO UPDATE SET leaf = ?2, role = ?3, uidvalidity = ?4, floor = "
		"?5, uidnext = ?6, modseq = ?7,"
		" new_ns = ?8, cur_ns = ?9, noted_ns = ?10",
		NULL, "isiiiiiiii", lf->id, slice_of(lf->leaf), (int64_t)lf->role,
		(int64_t)lf->uidvalidity, (int64_t)lf->floor, (int64_t)lf->uidnext,
		(int64_t)lf->modseq, lf->note_ns[0], lf->note_ns[1], lf->noted_ns) != 0)
		return (trouble(m));
	return (0);
}

int index_folder_rename(struct mail *m, const struct lane_folder *lf)
{
	return (index_folder_note(m, lf));
}

static void row_take(struct sql *q, struct arena *a, struct index_row *r, int c)
{
	*r = (struct index_row){
		.m = {
			.uid = (uint32_t)sql_int(q, c),
			.flags = (uint32_t)sql_int(q, c + 1),
			.modseq = (uint64_t)sql_int(q, c + 2),
			.size = (uint32_t)sql_int(q, c + 3),
			.internal_date = sql_int(q, c + 5),
			.save_date = sql_int(q, c + 6),
		},
		.disk = (uint64_t)sql_int(q, c + 4),
		.where = sql_int(q, c + 7) != 0,
	};
	r->base = arena_strdup(a, sql_text(q, c + 8));
	r->info = arena_strdup(a, sql_text(q, c + 9));
	if (sql_text(q, c + 10).n == 16)
		memcpy(r->cid, sql_text(q, c + 10).p, 16);
}

int index_get(struct mail *m, const struct lane_folder *lf, uint32_t uid, struct arena *a,
    struct index_row *ret, struct err *err)
{
	int got;

	if (m->index == NULL)
		return (err_set(err, ERR_TEMPORARY, "the index cannot be read"));
	if (sql_ask(m->index,
		"SELECT uid, flags, modseq, size, disk, internal, saved, place, base, info, cid "
		"FROM msg WHERE folder = ?1 AND uid = ?2",
		err, "ii", lf->id, (int64_t)uid) != 0)
		return (trouble(m));
	got = sql_step(m->index, err);
	if (got == 1)
		row_take(m->index, a, ret, 0);
	sql_done(m->index);
	return (got < 0 ? trouble(m) : got);
}

int index_all(struct mail *m, const struct lane_folder *lf, struct arena *a, struct index_row **ret,
    size_t *ret_n, struct err *err)
{
	struct index_row *rows = NULL;
	size_t n = 0, cap = 0;
	int got;

	*ret = NULL;
	*ret_n = 0;
	if (m->index == NULL)
		return (err_set(err, ERR_TEMPORARY, "the index cannot be read"));
	if (sql_ask(m->index,
		"SELECT uid, flags, modseq, size, disk, internal, saved, place, base, info, cid "
		"FROM msg WHERE folder = ?1 ORDER BY uid",
		err, "i", lf->id) != 0)
		return (trouble(m));
	while ((got = sql_step(m->index, err)) == 1) {
		if (n == cap) {
			cap = cap == 0 ? 256 : cap * 2;
			rows = mem_grow(rows, cap, sizeof(*rows));
		}
		row_take(m->index, a, &rows[n++], 0);
	}
	sql_done(m->index);
	if (got < 0) {
		free(rows);
		return (trouble(m));
	}
	arena_on_free(a, free, rows);
	*ret = rows;
	*ret_n = n;
	return (0);
}

int index_view(struct mail *m, const struct lane_folder *lf, struct view_message **ret,
    size_t *ret_n, struct err *err)
{
	size_t n = 0, cap = lf->counted ? lf->counts.messages + 1 : 256;
	struct view_message *msgs;
	int got;

	*ret = NULL;
	*ret_n = 0;
	if (m->index == NULL)
		return (err_set(err, ERR_TEMPORARY, "the index cannot be read"));
	/* These columns stand before the long ones: the names are never touched. */
	if (sql_ask(m->index,
		"SELECT uid, flags, modseq, size, internal, saved FROM msg WHERE folder = ?1 ORDER "
		"BY uid",
		err, "i", lf->id) != 0)
		return (trouble(m));
	msgs = mem_new_array(cap, sizeof(*msgs));
	while ((got = sql_step(m->index, err)) == 1) {
		if (n == cap) {
			cap *= 2;
			msgs = mem_grow(msgs, cap, sizeof(*msgs));
		}
		msgs[n++] = (struct view_message){
			.uid = (uint32_t)sql_int(m->index, 0),
			.flags = (uint32_t)sql_int(m->index, 1),
			.modseq = (uint64_t)sql_int(m->index, 2),
			.size = (uint32_t)sql_int(m->index, 3),
			.internal_date = sql_int(m->index, 4),
			.save_date = sql_int(m->index, 5),
		};
	}
	sql_done(m->index);
	if (got < 0) {
		free(msgs);
		return (trouble(m));
	}
	*ret = msgs;
	*ret_n = n;
	return (0);
}

/* One message more (1) or less (-1) with these flags. */
static void tally(struct lane_folder *lf, uint32_t flags, uint32_t size, int by)
{
	struct folder_status *c = &lf->counts;
	uint32_t one = (uint32_t)by;

	c->messages += one;
	c->size += (uint64_t)((int64_t)size * by);
	if ((flags & FLAG_SEEN) == 0)
		c->unseen += one;
	if ((flags & FLAG_DELETED) != 0) {
		c->deleted += one;
		c->deleted_size += (uint64_t)((int64_t)size * by);
	}
}

int index_count(struct mail *m, struct lane_folder *lf, struct err *err)
{
	int got;

	if (lf->counted)
		return (0);
	if (m->index == NULL)
		return (err_set(err, ERR_TEMPORARY, "the index cannot be read"));
	if (sql_ask(m->index,
		"SELECT count(*), sum(flags & 1 = 0), sum(flags & 8 <> 0), sum(size), sum(CASE WHEN "
		"flags & 8 THEN size ELSE 0 END) FROM msg WHERE folder = ?1",
		err, "i", lf->id) != 0)
		return (trouble(m));
	if ((got = sql_step(m->index, err)) == 1) {
		lf->counts = (struct folder_status){
			.messages = (uint32_t)sql_int(m->index, 0),
			.unseen = (uint32_t)sql_int(m->index, 1),
			.deleted = (uint32_t)sql_int(m->index, 2),
			.size = (uint64_t)sql_int(m->index, 3),
			.deleted_size = (uint64_t)sql_int(m->index, 4),
		};
		lf->counted = true;
	}
	sql_done(m->index);
	return (got < 0 ? trouble(m) : 0);
}

int index_put(struct mail *m, struct lane_folder *lf, const struct index_row *r)
{
	tally(lf, r->m.flags, r->m.size, 1);
	if (m->index == NULL || m->no_tx ||
	    sql_do(m->index,
		"INSERT OR REPLACE INTO msg(folder, uid, flags, modseq, size, disk, internal, "
		"saved, place, base, info, cid)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		NULL, "iiiiiiiiissb", lf->id, (int64_t)r->m.uid, (int64_t)r->m.flags,
		(int64_t)r->m.modseq, (int64_t)r->m.size, (int64_t)r->disk, r->m.internal_date,
		r->m.save_date, (int64_t)r->where, slice_of(r->base), slice_of(r->info),
		(struct slice){ (const char *)r->cid, 16 }) != 0)
		return (trouble(m));
	return (0);
}

int index_flags(struct mail *m, struct lane_folder *lf, const struct index_row *r, uint32_t was)
{
	tally(lf, was, r->m.size, -1);
	tally(lf, r->m.flags, r->m.size, 1);
	if (m->index == NULL || m->no_tx ||
	    sql_do(m->index,
		"UPDATE msg SET flags = ?3, modseq = ?4, place = ?5, info = ?6 WHERE folder = ?1 "
		"AND uid = ?2",
		NULL, "iiiiis", lf->id, (int64_t)r->m.uid, (int64_t)r->m.flags,
		(int64_t)r->m.modseq, (int64_t)r->where, slice_of(r->info)) != 0)
		return (trouble(m));
	return (0);
}

static int prune_gone(struct mail *m, struct lane_folder *lf)
{
	int64_t at = 0;

	if (sql_ask(m->index,
		"SELECT modseq FROM gone WHERE folder = ?1 ORDER BY modseq LIMIT 1 OFFSET ?2", NULL,
		"ii", lf->id, (int64_t)(MAIL_GONE_MAX / 2)) != 0)
		return (trouble(m));
	if (sql_step(m->index, NULL) == 1)
		at = sql_int(m->index, 0);
	sql_done(m->index);
	if (sql_do(m->index, "DELETE FROM gone WHERE folder = ?1 AND modseq <= ?2", NULL, "ii",
		lf->id, at) != 0)
		return (trouble(m));
	lf->gone_n -= (uint64_t)sql_changes(m->index);
	lf->floor = (uint64_t)at;
	return (index_folder_note(m, lf));
}

int index_drop(struct mail *m, struct lane_folder *lf, const struct index_row *r, uint64_t modseq)
{
	struct slice cid = { (const char *)r->cid, 16 };

	tally(lf, r->m.flags, r->m.size, -1);
	if (m->index == NULL || m->no_tx ||
	    sql_do(m->index, "DELETE FROM msg WHERE folder = ?1 AND uid = ?2", NULL, "ii", lf->id,
		(int64_t)r->m.uid) != 0 ||
	    sql_do(m->index,
		"INSERT OR REPLACE INTO gone(folder, uid, modseq, at, cid) VALUES(?1, ?2, ?3, ?4, "
		"?5)",
		NULL, "iiiib", lf->id, (int64_t)r->m.uid, (int64_t)modseq, clock_wall_us(),
		cid) != 0 ||
	    sql_do(m->index,
		"DELETE FROM item WHERE cid = ?1 AND NOT EXISTS(SELECT 1 FROM msg WHERE cid = ?1)",
		NULL, "b", cid) != 0)
		return (trouble(m));
	return (++lf->gone_n > MAIL_GONE_MAX ? prune_gone(m, lf) : 0);
}

int index_was_gone(struct mail *m, const struct lane_folder *lf, uint32_t uid)
{
	int got;

	if (lf->gone_n == 0)
		return (0);
	if (m->index == NULL ||
	    sql_ask(m->index, "SELECT 1 FROM gone WHERE folder = ?1 AND uid = ?2", NULL, "ii",
		lf->id, (int64_t)uid) != 0)
		return (trouble(m));
	got = sql_step(m->index, NULL);
	sql_done(m->index);
	return (got < 0 ? trouble(m) : got);
}

/* Had the account this content before, and where? What left a folder lately says most; then a
 * row whose file is no longer there (it was moved by another program and that folder was not
 * read yet); then any. */
struct known index_known(struct mail *m, const struct lane_folder *lf, const unsigned char cid[16])
{
	struct slice id = { (const char *)cid, 16 };
	struct known k = { false, ROLE_NONE };
	char path[1200];
	bool sure = false;

	if (m->index == NULL)
		return (k);
	if (sql_ask(m->index,
		"SELECT f.role, f.id, f.leaf, m.place, m.base, m.info FROM msg m JOIN folder f ON "
		"f.id = m.folder WHERE m.cid = ?1 LIMIT 20",
		NULL, "b", id) != 0)
		return (trouble(m), k);
	while (!sure && sql_step(m->index, NULL) == 1) {
		struct slice leaf = sql_text(m->index, 2), base = sql_text(m->index, 4),
			     info = sql_text(m->index, 5);

		(void)snprintf(path, sizeof(path), "%s%s" SLICE_FMT "/%s/" SLICE_FMT SLICE_FMT,
		    m->root, leaf.n > 0 ? "/" : "", SLICE_ARG(leaf),
		    sql_int(m->index, 3) != 0 ? "cur" : "new", SLICE_ARG(base), SLICE_ARG(info));
		sure = sql_int(m->index, 1) != lf->id && access(path, F_OK) != 0;
		if (sure || !k.is_known || (enum folder_role)sql_int(m->index, 0) == ROLE_JUNK)
			k.from = (enum folder_role)sql_int(m->index, 0);
		k.is_known = true;
	}
	sql_done(m->index);
	if (sure)
		return (k);
	if (sql_ask(m->index,
		"SELECT f.role FROM gone g JOIN folder f ON f.id = g.folder WHERE g.cid = ?1 ORDER "
		"BY g.at DESC LIMIT 1",
		NULL, "b", id) != 0)
		return (trouble(m), k);
	if (sql_step(m->index, NULL) == 1)
		k = (struct known){ true, (enum folder_role)sql_int(m->index, 0) };
	sql_done(m->index);
	return (k);
}

int index_usage(struct mail *m, struct account_usage *ret)
{
	if (m->index == NULL ||
	    sql_ask(m->index,
		"SELECT sum(disk), count(*) FROM msg WHERE folder NOT IN"
		" (SELECT id FROM folder WHERE role = ?1)",
		NULL, "i", (int64_t)ROLE_QUARANTINE) != 0)
		return (trouble(m));
	if (sql_step(m->index, NULL) == 1)
		*ret = (struct account_usage){ .octets = (uint64_t)sql_int(m->index, 0),
			.messages = (uint64_t)sql_int(m->index, 1) };
	sql_done(m->index);
	return (0);
}
