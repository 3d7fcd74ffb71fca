/* index_view.c: what does a view know of a folder's messages, read from the index? Runs of UIDs are kept as
 * blobs beside the rows (snap.h). A blob is there only while it is equal to the rows: whatever changes a row
 * takes the blob of its run away first, in the same transaction (snap_drop), and a blob is made of rows
 * alone, by the lane that changes them (snap_fill). So a crash, or a batch that rolls back, leaves both or
 * neither. On the account's lane; failures as in index.c. */
#include <stdlib.h>

#include "store/mail_int.h"
#include "store/snap.h"
#include "store/sql.h"

struct gathering {
	struct view_message *msgs;
	size_t n, cap;
};

static struct view_message *room_for(struct gathering *g, size_t n)
{
	if (g->n + n > g->cap) {
		g->cap = g->cap * 2 > g->n + n ? g->cap * 2 : g->n + n;
		g->msgs = mem_grow(g->msgs, g->cap, sizeof(*g->msgs));
	}
	return (g->msgs + g->n);
}

/* The rows of UIDs from ${first} to ${last}. */
static int read_rows(struct mail *m, const struct lane_folder *lf, int64_t first, int64_t last,
    struct gathering *g, struct err *err)
{
	int got;

	if (first > last)
		return (0);
	/* These columns stand before the long ones: the names are never touched. */
	if (sql_ask(m->index,
		"SELECT uid, flags, modseq, size, internal, saved FROM msg WHERE folder = ?1 AND uid "
		"BETWEEN ?2 AND ?3 ORDER BY uid",
		err, "iii", lf->id, first, last) != 0)
		return (-1);
	while ((got = sql_step(m->index, err)) == 1) {
		*room_for(g, 1) = (struct view_message){
			.uid = (uint32_t)sql_int(m->index, 0),
			.flags = (uint32_t)sql_int(m->index, 1),
			.modseq = (uint64_t)sql_int(m->index, 2),
			.size = (uint32_t)sql_int(m->index, 3),
			.internal_date = sql_int(m->index, 4),
			.save_date = sql_int(m->index, 5),
		};
		g->n++;
		m->index_rows++;
	}
	sql_done(m->index);
	return (got);
}

/* Blobs, and rows where there is none; or with ${rows_only} just these rows. */
static int gather(struct mail *m, const struct lane_folder *lf, bool rows_only, struct gathering *g,
    struct err *err)
{
	struct view_message *run = mem_new_array(SNAP_UIDS, sizeof(*run));
	int64_t next = 0, first;
	int got = 0, rc = 0;

	if (sql_ask(m->index, "SELECT run, data FROM snap WHERE folder = ?1 ORDER BY run", err, "i",
		lf->id) != 0) {
		free(run);
		return (-1);
	}
	while (rc == 0 && (got = sql_step(m->index, err)) != 0) {
		size_t n = got < 0 ? 0
				   : snap_read(sql_text(m->index, 1), (uint32_t)sql_int(m->index, 0), run);

		rc = got < 0 ? -1 : 0;
		if (n == 0)
			continue;
		first = sql_int(m->index, 0) << SNAP_BITS;
		rc = read_rows(m, lf, next, first - 1, g, err);
		next = first + SNAP_UIDS;
		if (rows_only || rc != 0)
			continue;
		memcpy(room_for(g, n), run, n * sizeof(*run));
		g->n += n;
	}
	sql_done(m->index);
	free(run);
	return (rc != 0 ? -1 : read_rows(m, lf, next, UINT32_MAX, g, err));
}

int index_view(struct mail *m, struct lane_folder *lf, struct view_message **ret, size_t *ret_n,
    struct err *err)
{
	struct gathering g = { .cap = lf->counted ? lf->counts.messages + 1 : 256 };

	*ret = NULL;
	*ret_n = 0;
	if (m->index == NULL)
		return (err_set(err, ERR_TEMPORARY, "the index cannot be read"));
	g.msgs = mem_new_array(g.cap, sizeof(*g.msgs));
	if (gather(m, lf, false, &g, err) != 0) {
		free(g.msgs);
		return (index_no(m));
	}
	*ret = g.msgs;
	*ret_n = g.n;
	return (0);
}

int snap_drop(struct mail *m, const struct lane_folder *lf, uint32_t first, uint32_t last)
{
	struct snap_clear *c = &m->snap_clear;
	int64_t from = first >> SNAP_BITS, to = last >> SNAP_BITS;

	/* A transaction that SQLite itself rolled back has brought them again. */
	if (c->folder == lf->id && from >= c->from && to <= c->to && sql_in_tx(m->index))
		return (0);
	if (sql_do(m->index, "DELETE FROM snap WHERE folder = ?1 AND run BETWEEN ?2 AND ?3", NULL, "iii",
		lf->id, from, to) != 0)
		return (-1);
	if (c->folder == lf->id && from <= c->to + 1 && to + 1 >= c->from && sql_in_tx(m->index)) {
		c->from = from < c->from ? from : c->from;
		c->to = to > c->to ? to : c->to;
	} else {
		*c = (struct snap_clear){ lf->id, from, to };
	}
	return (0);
}

void snap_fill(struct mail *m, const struct lane_folder *lf)
{
	struct gathering g = { .cap = 256 };
	struct buf blob = BUF_INIT(SNAP_OCTETS);
	int rc;

	m->snap_clear = (struct snap_clear){ 0 };
	if (m->index == NULL || m->index_failed || !sql_in_tx(m->index))
		return;
	g.msgs = mem_new_array(g.cap, sizeof(*g.msgs));
	rc = gather(m, lf, true, &g, NULL);
	for (size_t i = 0, end; rc == 0 && i < g.n; i = end) {
		uint32_t run = g.msgs[i].uid >> SNAP_BITS;

		for (end = i + 1; end < g.n && g.msgs[end].uid >> SNAP_BITS == run;)
			end++;
		buf_reset(&blob);
		if (end - i >= SNAP_LEAST && snap_write(g.msgs + i, end - i, &blob))
			rc = sql_do(m->index,
			    "INSERT OR REPLACE INTO snap(folder, run, data) VALUES(?1, ?2, ?3)", NULL,
			    "iib", lf->id, (int64_t)run, buf_slice(&blob));
	}
	buf_free(&blob);
	free(g.msgs);
}
