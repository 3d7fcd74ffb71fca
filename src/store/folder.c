/* folder.c: what numbers has a folder to give, and what are its keywords called? Lane side.
 * UIDs, MODSEQs and UIDVALIDITYs are used only below a ceiling that is durable in
 * pennypost-folder; after a stop without a clean mark they resume at the ceiling, so none is
 * ever given twice and none goes back. dovecot-keywords is Dovecot's own format: "<number>
 * <name>" a line. Failures: the disk; no UID left (ERR_LIMIT). */
#include "store/mail_int.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"

static void keywords_load(struct lane_folder *lf)
{
	struct buf text = BUF_INIT(MAIL_FILE);
	char path[512];
	struct slice rest, line, number, name;
	uint64_t k;

	(void)snprintf(path, sizeof(path), "%s/dovecot-keywords", lf->dir);
	if (small_read(path, &text) == 0) {
		rest = buf_slice(&text);
		while (rest.n > 0) {
			(void)slice_cut(rest, '\n', &line, &rest);
			if (!slice_cut(line, ' ', &number, &name) ||
			    !slice_u64(number, L_KW - 1, &k) || name.n == 0 || name.n > L_KW_NAME ||
			    lf->keywords[k] != NULL)
				continue;
			lf->keywords[k] = mem_strndup(name.p, name.n);
		}
	}
	buf_free(&text);
}

static int keywords_save(struct lane_folder *lf, struct err *err)
{
	struct buf text = BUF_INIT(MAIL_FILE);
	int rc;

	for (unsigned k = 0; k < L_KW; k++)
		if (lf->keywords[k] != NULL)
			(void)buf_fmt(&text, "%u %s\n", k, lf->keywords[k]);
	rc = small_write(lf->dir, "dovecot-keywords", buf_slice(&text), err);
	buf_free(&text);
	return (rc);
}

int keyword_bit(struct mail_job *j, struct lane_folder *lf, struct slice name, bool make,
    uint32_t *ret, struct err *err)
{
	unsigned room = L_KW;

	for (unsigned k = 0; k < L_KW; k++) {
		if (lf->keywords[k] == NULL) {
			if (room == L_KW)
				room = k;
		} else if (slice_ieq(slice_of(lf->keywords[k]), name)) {
			*ret = (uint32_t)FLAG_KEYWORD0 << k;
			return (0);
		}
	}
	if (!make) {
		*ret = 0;
		return (0);
	}
	if (name.n == 0 || name.n > L_KW_NAME)
		return (err_set(err, ERR_LIMIT, "keywords have at most %d characters", L_KW_NAME));
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] == 0x7f)
			return (err_set(err, ERR_CANNOT, "no such keyword can be kept"));
	if (room == L_KW)
		return (err_set(err, ERR_LIMIT, "all %d keywords of this folder are taken", L_KW));
	lf->keywords[room] = mem_strndup(name.p, name.n);
	if (keywords_save(lf, err) != 0) {
		free(lf->keywords[room]);
		lf->keywords[room] = NULL;
		return (-1);
	}
	*ret = (uint32_t)FLAG_KEYWORD0 << room;
	delta_keywords(j, lf);
	return (0);
}

int lane_folder_save(struct mail *m, struct lane_folder *lf, bool clean, struct err *err)
{
	struct folder_file f = {
		.uidvalidity = lf->uidvalidity,
		.uidnext = clean ? lf->uidnext : lf->uid_ceiling,
		.modseq = clean ? lf->modseq : lf->modseq_ceiling,
		.clean = clean,
		.has_role = true,
		.role = lf->role,
		.rest = lf->rest,
	};
	struct buf text = BUF_INIT(MAIL_FILE);
	int rc;

	if (lf->leaf[0] == '\0')
		f.counter = m->counter;
	rc = folder_file_print(&f, &text);
	rc = rc != 0 ? err_set(err, ERR_LIMIT, "%s/pennypost-folder is too large", lf->dir)
		     : small_write(lf->dir, "pennypost-folder", buf_slice(&text), err);
	buf_free(&text);
	if (rc == 0)
		lf->is_clean = clean;
	return (rc);
}

int uid_take(
    struct mail *m, struct lane_folder *lf, uint32_t n, uint32_t *ret_first, struct err *err)
{
	uint32_t before = lf->uid_ceiling;

	if ((uint64_t)lf->uidnext + n > UINT32_MAX - 2 - L_UID_BLOCK)
		return (err_set(err, ERR_LIMIT, "no message number is left in this folder"));
	if (lf->uidnext + n > lf->uid_ceiling) {
		lf->uid_ceiling = lf->uidnext + n + L_UID_BLOCK;
		if (lane_folder_save(m, lf, false, err) != 0) {
			lf->uid_ceiling = before;
			return (-1);
		}
	}
	*ret_first = lf->uidnext;
	lf->uidnext += n;
	return (0);
}

int modseq_take(struct mail *m, struct lane_folder *lf, uint64_t *ret, struct err *err)
{
	uint64_t before = lf->modseq_ceiling;

	if (lf->modseq + 1 > lf->modseq_ceiling) {
		lf->modseq_ceiling = lf->modseq + L_MODSEQ_BLOCK;
		if (lane_folder_save(m, lf, false, err) != 0) {
			lf->modseq_ceiling = before;
			return (-1);
		}
	}
	*ret = ++lf->modseq;
	return (0);
}

int uidvalidity_take(struct mail *m, uint32_t *ret, struct err *err)
{
	uint32_t before = m->counter;

	m->counter++;
	if (lane_folder_save(m, inbox_lane(m), false, err) != 0) {
		m->counter = before;
		return (-1);
	}
	*ret = before;
	return (0);
}

/* --- a folder's file is lost: what do the names say? --- */

struct survey {
	struct {
		uint32_t validity, count;
	} seen[64];
	unsigned n;
	uint32_t highest;
};

static void survey_dir(const char *dir, const char *sub, struct survey *s, uint32_t only)
{
	char path[512];
	DIR *d;
	const struct dirent *e;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, sub);
	d = opendir(path);
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		struct name name;
		unsigned k = 0;

		if (!name_parse(slice_of(e->d_name), &name) || !name.has_p)
			continue;
		if (only != 0) {
			if (name.uidvalidity == only && name.uid > s->highest)
				s->highest = name.uid;
			continue;
		}
		while (k < s->n && s->seen[k].validity != name.uidvalidity)
			k++;
		if (k == s->n && s->n < COUNT_OF(s->seen))
			s->seen[s->n++].validity = name.uidvalidity;
		if (k < s->n)
			s->seen[k].count++;
	}
	(void)closedir(d);
}

static void recover(struct lane_folder *lf)
{
	struct survey s = { 0 };
	unsigned best = 0;

	survey_dir(lf->dir, "cur", &s, 0);
	survey_dir(lf->dir, "new", &s, 0);
	for (unsigned k = 1; k < s.n; k++)
		if (s.seen[k].count > s.seen[best].count)
			best = k;
	if (s.n == 0)
		return;
	lf->uidvalidity = s.seen[best].validity;
	survey_dir(lf->dir, "cur", &s, lf->uidvalidity);
	survey_dir(lf->dir, "new", &s, lf->uidvalidity);
	/* A name of somebody else's making may claim the last of all: then none is left to give,
	 * which is better than beginning anew. */
	if (s.highest >= lf->uidnext)
		lf->uidnext = s.highest + 1;
}

int lane_folder_load(
    struct mail *m, struct lane_folder *lf, const char *default_role, struct err *err)
{
	struct folder_file f = { .rest = BUF_INIT(MAIL_FILE) };
	struct buf text = BUF_INIT(MAIL_FILE);
	char path[512];
	bool is_inbox = lf->leaf[0] == '\0', has;

	(void)snprintf(path, sizeof(path), "%s/pennypost-folder", lf->dir);
	if (small_read(path, &text) != 0 && errno != ENOENT) {
		buf_free(&text);
		return (err_errno(err, "read %s", path));
	}
	has = folder_file_parse(buf_slice(&text), &f) == 0;
	buf_free(&text);
	keywords_load(lf);
	lf->role = has && f.has_role ? f.role : role_by_name(slice_of(default_role));
	if (is_inbox)
		lf->role = ROLE_INBOX;
	if (has) {
		lf->uidvalidity = f.uidvalidity;
		lf->uidnext = lf->uid_ceiling = f.uidnext;
		lf->modseq = lf->modseq_ceiling = f.modseq;
		lf->rest = f.rest;
		if (is_inbox && f.counter > m->counter)
			m->counter = f.counter;
	} else {
		buf_free(&f.rest);
		lf->rest = (struct buf)BUF_INIT(MAIL_FILE);
		lf->modseq = 0;
		lf->is_lost = true;
		recover(lf); /* uidvalidity, uidnext from the names */
	}
	if (index_folder_load(m, lf) != 0)
		return (err_set(err, ERR_TEMPORARY, "read the index of %s", lf->dir));
	lf->is_clean = has && f.clean;
	lf->trust_note = lf->is_clean && !lf->is_new_index;
	return (0);
}

int lane_folder_settle(struct mail *m, struct lane_folder *lf, struct err *err)
{
	if (lf->is_lost) {
		if (lf->uidvalidity == 0 && uidvalidity_take(m, &lf->uidvalidity, err) != 0)
			return (-1);
		/* What was given and is gone from the names cannot be known: a whole block is
		 * left out. */
		if (lf->uidnext == 0)
			lf->uidnext = 1;
		else
			lf->uidnext += lf->uidnext < UINT32_MAX - L_UID_BLOCK ? L_UID_BLOCK : 0;
		lf->uid_ceiling = lf->uidnext;
		lf->modseq = lf->modseq == 0 ? 1 : lf->modseq + L_MODSEQ_BLOCK;
		lf->modseq_ceiling = lf->modseq;
		if (lane_folder_save(m, lf, false, err) != 0)
			return (-1);
		lf->is_lost = false;
	}
	if (lf->id == 0) {
		lf->id = m->next_id++;
		lf->floor = lf->modseq;
		lf->note_ns[0] = lf->note_ns[1] = lf->noted_ns = 0;
		if (index_folder_drop(m, lf) != 0 || index_folder_note(m, lf) != 0)
			return (err_set(err, ERR_TEMPORARY, "write the index of %s", lf->dir));
	}
	return (0);
}

void lane_folder_free(struct lane_folder *lf)
{
	for (unsigned k = 0; k < L_KW; k++)
		free(lf->keywords[k]);
	buf_free(&lf->rest);
	free(lf->dir);
	free(lf->leaf);
}
