/* index_gone.c: what does the index remember of messages that went? Their UIDs as runs, for QRESYNC (RFC
 * 7162 3.2) and so that no name takes one of them again; and which folder each content left last. On
 * the account's lane, many messages an act. Failures as in index.c. */
#include "store/mail_int.h"

#include <stdio.h>
#include <unistd.h>

/* Those that went first go first, to half of the most that is kept; the floor says since when all are
 * known. */
static int prune(struct mail *m, struct lane_folder *lf)
{
	uint64_t sum = 0;
	int64_t at = 0;

	if (sql_ask(m->index,
		"SELECT modseq, last - first + 1 FROM vanished WHERE folder = ?1 ORDER BY modseq", NULL,
		"i", lf->id) != 0)
		return (index_no(m));
	while (sum <= MAIL_GONE_MAX / 2 && sql_step(m->index, NULL) == 1) {
		at = sql_int(m->index, 0);
		sum += (uint64_t)sql_int(m->index, 1);
	}
	sql_done(m->index);
	if (sql_do(m->index, "DELETE FROM vanished WHERE folder = ?1 AND modseq <= ?2", NULL, "ii",
		lf->id, at) != 0 ||
	    sql_ask(m->index, "SELECT total(last - first + 1) FROM vanished WHERE folder = ?1", NULL,
		"i", lf->id) != 0)
		return (index_no(m));
	if (sql_step(m->index, NULL) == 1)
		lf->gone_n = (uint64_t)sql_int(m->index, 0);
	sql_done(m->index);
	lf->floor = (uint64_t)at;
	return (index_folder_note(m, lf));
}

/* UIDs first to last, all of them messages of the folder. */
static int drop_run(
    struct mail *m, struct lane_folder *lf, uint32_t first, uint32_t last, uint64_t modseq)
{
	if (snap_drop(m, lf, first, last) != 0 ||
	    sql_do(m->index, "DELETE FROM msg WHERE folder = ?1 AND uid BETWEEN ?2 AND ?3", NULL,
		"iii", lf->id, (int64_t)first, (int64_t)last) != 0 ||
	    sql_do(m->index,
		"INSERT OR REPLACE INTO vanished(folder, first, last, modseq) VALUES(?1, ?2, ?3, ?4)",
		NULL, "iiii", lf->id, (int64_t)first, (int64_t)last, (int64_t)modseq) != 0)
		return (-1);
	return (0);
}

int index_drop(struct mail *m, struct lane_folder *lf, const struct index_row *rows, size_t n,
    uint64_t modseq)
{
	for (size_t i = 0; i < n; i++)
		index_tally(lf, rows[i].m.flags, rows[i].m.size, -1);
	m->index_rows += n;
	if (m->index == NULL || m->no_tx)
		return (index_no(m));
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && rows[end].m.uid == rows[end - 1].m.uid + 1;)
			end++;
		if (drop_run(m, lf, rows[i].m.uid, rows[end - 1].m.uid, modseq) != 0)
			return (index_no(m));
	}
	for (size_t i = 0; i < n; i++)
		if (sql_do(m->index,
			"INSERT OR REPLACE INTO departed(cid, folder, modseq) VALUES(?1, ?2, ?3)", NULL,
			"bii", (struct slice){ (const char *)rows[i].cid, 16 }, lf->id,
			(int64_t)modseq) != 0)
			return (index_no(m));
	lf->gone_n += n;
	return (lf->gone_n > MAIL_GONE_MAX ? prune(m, lf) : 0);
}

int index_was_gone(struct mail *m, const struct lane_folder *lf, uint32_t uid)
{
	int got;

	if (lf->gone_n == 0)
		return (0);
	if (m->index == NULL ||
	    sql_ask(m->index,
		"SELECT last FROM vanished WHERE folder = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1",
		NULL, "ii", lf->id, (int64_t)uid) != 0)
		return (index_no(m));
	got = sql_step(m->index, NULL);
	if (got == 1)
		got = sql_int(m->index, 0) >= (int64_t)uid;
	sql_done(m->index);
	return (got < 0 ? index_no(m) : got);
}

void index_gone_sweep(struct mail *m)
{
	(void)sql_do(m->index,
	    "DELETE FROM departed WHERE NOT EXISTS(SELECT 1 FROM folder f WHERE f.id = departed.folder "
	    "AND f.floor < departed.modseq)",
	    NULL, "");
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
		return (index_no(m), k);
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
		"SELECT f.role FROM departed d JOIN folder f ON f.id = d.folder WHERE d.cid = ?1",
		NULL, "b", id) != 0)
		return (index_no(m), k);
	if (sql_step(m->index, NULL) == 1)
		k = (struct known){ true, (enum folder_role)sql_int(m->index, 0) };
	sql_done(m->index);
	return (k);
}
