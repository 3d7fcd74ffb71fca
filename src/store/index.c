/* index.c: what does the index remember of a folder? Rows of the account's index.sqlite, asked
 * on the account's lane by its one writing connection. A cache: every failure is noted in
 * mail->index_failed, upon which the lane has the folders read again. Leaves rendering to
 * items.c, what went to index_gone.c, what a view reads of a folder to index_view.c. */
#include "store/mail_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/clock.h"
#include "core/log.h"

int index_no(struct mail *m)
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

/* Content ids come in no order: the pages that an act on 10,000 messages of a large folder changes stay
 * in memory until its commit. What it took is given back after one (index_relax). */
void index_set_up(struct mail *m)
{
	(void)sql_exec(m->index, "PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 4000", NULL);
}

void index_relax(struct mail *m)
{
	if (m->index_rows >= MAIL_INDEX_MANY && m->index != NULL)
		(void)sql_exec(m->index, "PRAGMA shrink_memory", NULL);
	m->index_rows = 0;
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
	if (m->index != NULL)
		index_set_up(m);
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
		return (index_no(m));
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
		return (index_no(m));
	lf->believe = true; /* a crash may have lost the last rows */
	if (lf->id == 0) {
		lf->is_new_index = true;
		return (0);
	}
	if (sql_ask(m->index,
		"SELECT total(last - first + 1), (SELECT max(uid) FROM msg WHERE folder = ?1) FROM "
		"vanished WHERE folder = ?1",
		NULL, "i", lf->id) != 0)
		return (index_no(m));
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
		return (index_no(m));
	if (sql_step(m->index, NULL) == 1)
		id = sql_int(m->index, 0);
	sql_done(m->index);
	if (id == 0)
		return (0);
	/* The contents go into no history: they did not leave one by one. */
	if (sql_do(m->index, "DELETE FROM snap WHERE folder = ?1", NULL, "i", id) != 0 ||
	    sql_do(m->index, "DELETE FROM msg WHERE folder = ?1", NULL, "i", id) != 0 ||
	    sql_do(m->index, "DELETE FROM vanished WHERE folder = ?1", NULL, "i", id) != 0 ||
	    sql_do(m->index, "DELETE FROM pack WHERE folder = ?1", NULL, "i", id) != 0 ||
	    sql_do(m->index, "DELETE FROM folder WHERE id = ?1", NULL, "i", id) != 0)
		return (index_no(m));
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
		return (index_no(m));
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
		return (index_no(m));
	got = sql_step(m->index, err);
	if (got == 1)
		row_take(m->index, a, ret, 0);
	sql_done(m->index);
	return (got < 0 ? index_no(m) : got);
}

/* A question each where few of the UIDs between are wanted. */
static int get_each(struct mail *m, const struct lane_folder *lf, const uint32_t *uids, size_t n,
    struct arena *a, struct index_row *ret, size_t *ret_n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		int got = index_get(m, lf, uids[i], a, &ret[*ret_n], err);

		if (got < 0)
			return (-1);
		*ret_n += (size_t)got;
	}
	return (0);
}

int index_some(struct mail *m, const struct lane_folder *lf, const uint32_t *uids, size_t n,
    struct arena *a, struct index_row *ret, size_t *ret_n, struct err *err)
{
	size_t at = 0;
	int got;

	*ret_n = 0;
	if (n == 0 || uids[n - 1] - uids[0] > 4 * n)
		return (get_each(m, lf, uids, n, a, ret, ret_n, err));
	if (m->index == NULL)
		return (err_set(err, ERR_TEMPORARY, "the index cannot be read"));
	if (sql_ask(m->index,
		"SELECT uid, flags, modseq, size, disk, internal, saved, place, base, info, cid "
		"FROM msg WHERE folder = ?1 AND uid BETWEEN ?2 AND ?3 ORDER BY uid",
		err, "iii", lf->id, (int64_t)uids[0], (int64_t)uids[n - 1]) != 0)
		return (index_no(m));
	while ((got = sql_step(m->index, err)) == 1) {
		while (at < n && uids[at] < sql_int(m->index, 0))
			at++;
		if (at < n && uids[at] == sql_int(m->index, 0))
			row_take(m->index, a, &ret[(*ret_n)++], 0);
	}
	sql_done(m->index);
	return (got < 0 ? index_no(m) : 0);
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
		return (index_no(m));
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
		return (index_no(m));
	}
	arena_on_free(a, free, rows);
	m->index_rows += n;
	*ret = rows;
	*ret_n = n;
	return (0);
}

/* One message more (1) or less (-1) with these flags. */
void index_tally(struct lane_folder *lf, uint32_t flags, uint32_t size, int by)
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
		return (index_no(m));
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
	return (got < 0 ? index_no(m) : 0);
}

int index_put(struct mail *m, struct lane_folder *lf, const struct index_row *r)
{
	index_tally(lf, r->m.flags, r->m.size, 1);
	m->index_rows++;
	if (m->index == NULL || m->no_tx || snap_drop(m, lf, r->m.uid, r->m.uid) != 0 ||
	    sql_do(m->index,
		"INSERT OR REPLACE INTO msg(folder, uid, flags, modseq, size, disk, internal, "
		"saved, place, base, info, cid)"
		" VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
		NULL, "iiiiiiiiissb", lf->id, (int64_t)r->m.uid, (int64_t)r->m.flags,
		(int64_t)r->m.modseq, (int64_t)r->m.size, (int64_t)r->disk, r->m.internal_date,
		r->m.save_date, (int64_t)r->where, slice_of(r->base), slice_of(r->info),
		(struct slice){ (const char *)r->cid, 16 }) != 0)
		return (index_no(m));
	return (0);
}

int index_flags(struct mail *m, struct lane_folder *lf, const struct index_row *r, uint32_t was)
{
	struct index_flagged run = { 0 };

	index_flags_add(m, lf, &run, r, was);
	return (index_flags_end(m, lf, &run));
}

void index_flags_add(struct mail *m, struct lane_folder *lf, struct index_flagged *run,
    const struct index_row *r, uint32_t was)
{
	index_tally(lf, was, r->m.size, -1);
	index_tally(lf, r->m.flags, r->m.size, 1);
	m->index_rows++;
	if (run->last != 0 && r->m.uid == run->last + 1 && r->m.flags == run->flags &&
	    r->m.modseq == run->modseq && r->where == run->where && strcmp(r->info, run->info) == 0) {
		run->last++;
		return;
	}
	(void)index_flags_end(m, lf, run);
	run->first = run->last = r->m.uid;
	run->flags = r->m.flags;
	run->modseq = r->m.modseq;
	run->where = r->where;
	(void)snprintf(run->info, sizeof(run->info), "%s", r->info);
}

int index_flags_end(struct mail *m, const struct lane_folder *lf, struct index_flagged *run)
{
	uint32_t last = run->last;

	run->last = 0;
	if (last == 0)
		return (0);
	if (m->index == NULL || m->no_tx || snap_drop(m, lf, run->first, last) != 0 ||
	    sql_do(m->index,
		"UPDATE msg SET flags = ?4, modseq = ?5, place = ?6, info = ?7 WHERE folder = ?1 "
		"AND uid BETWEEN ?2 AND ?3",
		NULL, "iiiiiis", lf->id, (int64_t)run->first, (int64_t)last, (int64_t)run->flags,
		(int64_t)run->modseq, (int64_t)run->where, slice_of(run->info)) != 0)
		return (index_no(m));
	return (0);
}

int index_usage(struct mail *m, struct account_usage *ret)
{
	if (m->index == NULL ||
	    sql_ask(m->index,
		"SELECT sum(disk), count(*) FROM msg WHERE folder NOT IN"
		" (SELECT id FROM folder WHERE role = ?1)",
		NULL, "i", (int64_t)ROLE_QUARANTINE) != 0)
		return (index_no(m));
	if (sql_step(m->index, NULL) == 1)
		*ret = (struct account_usage){ .octets = (uint64_t)sql_int(m->index, 0),
			.messages = (uint64_t)sql_int(m->index, 1) };
	sql_done(m->index);
	return (0);
}
