/* mail.c: what is an account's tree, and which folders are in it? Opening at start (blocking),
 * making a folder, closing. Maildir++: INBOX is the account's own directory. Leaves names and
 * the list to folder_list.c, numbers to folder.c, changes to folder_ops.c. Failures: a tree that
 * cannot be made or read refuses the start, with the path. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "store/fault.h"
#include "store/mail_int.h"
#include "store/patrol.h"
#include "store/text_int.h"

static const struct {
	const char *name;
	enum folder_role role;
} first_folders[] = {
	{ "Sent", ROLE_SENT },
	{ "Drafts", ROLE_DRAFTS },
	{ "Junk", ROLE_JUNK },
	{ "Trash", ROLE_TRASH },
	{ "Archive", ROLE_ARCHIVE },
};

static void lane_list(struct mail *m, struct folder *f)
{
	m->lanes = mem_grow(m->lanes, m->lanes_n + 1, sizeof(struct lane_folder *));
	m->lanes[m->lanes_n++] = &f->lane;
}

/* --- the tree --- */

static int make_dir(const char *path, struct err *err)
{
	return (disk_mkdir(AT_FDCWD, path) != 0 && errno != EEXIST ? err_errno(err, "make %s", path)
								   : 0);
}

int maildir_make(const char *path, struct err *err)
{
	static const char *const parts[] = { "cur", "new", "tmp" };
	char sub[600];

	if (make_dir(path, err) != 0)
		return (-1);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, parts[i]);
		if (make_dir(sub, err) != 0)
			return (-1);
	}
	return (0);
}

/* A folder has two levels: nothing deeper is ours to remove. */
int tree_remove(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;

	if (d == NULL)
		return (errno == ENOENT ? 0 : -1);
	while ((e = readdir(d)) != NULL) {
		int fd;
		DIR *sub;
		const struct dirent *f;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    unlinkat(dirfd(d), e->d_name, 0) == 0)
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		sub = fd == -1 ? NULL : fdopendir(fd);
		if (sub == NULL)
			continue;
		while ((f = readdir(sub)) != NULL)
			(void)unlinkat(dirfd(sub), f->d_name, 0);
		(void)closedir(sub);
		(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);
	}
	(void)closedir(d);
	return (rmdir(path) != 0 && errno != ENOENT ? -1 : 0);
}

int folder_remove_empty(const char *path)
{
	static const char *const parts[] = { "new", "cur" };
	char sub[700];

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, parts[i]);
		if (rmdir(sub) == 0 || errno == ENOENT)
			continue;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return (-1);
		(void)snprintf(sub, sizeof(sub), "%s/new", path);
		return (mkdir(sub, 0700) != 0 && errno != EEXIST ? -1 : 0);
	}
	return (tree_remove(path) != 0 ? -1 : 1);
}

int folder_build(
    struct mail *m, const char *name, enum folder_role role, struct folder **ret, struct err *err)
{
	struct buf leaf = BUF_INIT(L_MBX_NAME);
	char aside[512], *final;
	struct folder *f;

	if (leaf_of_name(slice_of(name), &leaf, err) != 0) {
		buf_free(&leaf);
		return (-1);
	}
	f = folder_make(m->account, name, buf_z(&leaf));
	buf_free(&leaf);
	final = f->lane.dir;
	f->role = f->lane.role = role;
	f->lane.uidnext = f->lane.uid_ceiling = 1;
	f->lane.modseq = f->lane.modseq_ceiling = 1;
	(void)snprintf(aside, sizeof(aside), "%s/deleted/new.%d.%u", m->root, (int)getpid(),
	    __atomic_fetch_add(&m->store->name_serial, 1, __ATOMIC_RELAXED));
	/* Built aside, so that what appears under its name is whole. */
	f->lane.dir = aside;
	if (access(final, F_OK) == 0)
		(void)err_set(err, ERR_EXISTS, "the folder exists already");
	else if (uidvalidity_take(m, &f->lane.uidvalidity, err) == 0 &&
	    maildir_make(aside, err) == 0 && lane_folder_save(m, &f->lane, true, err) == 0) {
		f->lane.dir = final;
		if (disk_rename(AT_FDCWD, aside, AT_FDCWD, final) != 0)
			(void)err_errno(err, "make %s", final);
		else if (disk_sync_dir(m->root) != 0)
			(void)err_errno(err, "sync %s", m->root);
		else if (lane_folder_settle(m, &f->lane, err) == 0)
			goto made;
		(void)tree_remove(final);
	}
	f->lane.dir = final;
	(void)tree_remove(aside);
	folder_free(f);
	return (-1);
made:
	f->recent_from = 1;
	lane_list(m, f);
	*ret = f;
	return (0);
}

/* --- opening --- */

static int take_folder(struct mail *m, const char *leaf, struct err *err)
{
	struct buf name = BUF_INIT(L_MBX_NAME * 4), again = BUF_INIT(L_MBX_NAME + 1);
	struct folder *f;

	/* Not a name we could show, or not as we would write it (two might be the same): left
	 * alone. */
	if (name_of_leaf(slice_of(leaf), &name) != 0 ||
	    leaf_of_name(buf_slice(&name), &again, NULL) != 0 ||
	    !slice_eq(buf_slice(&again), slice_of(leaf))) {
		buf_free(&name);
		buf_free(&again);
		return (0);
	}
	buf_free(&again);
	f = folder_make(m->account, buf_z(&name), leaf);
	buf_free(&name);
	if (maildir_make(f->lane.dir, err) != 0 ||
	    lane_folder_load(m, &f->lane, leaf[0] == '\0' ? "inbox" : leaf + 1, err) != 0) {
		folder_free(f);
		return (-1);
	}
	f->role = f->lane.role;
	folder_list(m, f);
	lane_list(m, f);
	return (0);
}

static int take_tree(struct mail *m, struct err *err)
{
	DIR *d;
	const struct dirent *e;
	int rc;

	rc = take_folder(m, "", err);
	d = rc != 0 ? NULL : opendir(m->root);
	if (d == NULL)
		return (rc != 0 ? -1 : err_errno(err, "read %s", m->root));
	while (rc == 0 && (e = readdir(d)) != NULL) {
		char cur[600];
		struct stat st;

		if (e->d_name[0] != '.' || strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(cur, sizeof(cur), "%s/cur", e->d_name);
		if (fstatat(dirfd(d), cur, &st, 0) == 0 && S_ISDIR(st.st_mode))
			rc = take_folder(m, e->d_name, err);
	}
	(void)closedir(d);
	return (rc);
}

static int choose_numbers(struct mail *m, struct err *err)
{
	int64_t max_id = 0;

	for (size_t i = 0; i < m->lanes_n; i++)
		if (m->lanes[i]->uidvalidity >= m->counter)
			m->counter = m->lanes[i]->uidvalidity + 1;
	/* A first UIDVALIDITY that an account of this name did not have before it was removed,
	 * most likely. */
	if (m->counter == 0)
		m->counter = (uint32_t)clock_wall();
	if (sql_ask(m->index, "SELECT max((SELECT coalesce(max(id), 0) FROM folder), (SELECT coalesce(max(folder), 0) FROM "
	    "departed))", err, "") != 0)
		return (-1);
	if (sql_step(m->index, NULL) == 1)
		max_id = sql_int(m->index, 0);
	sql_done(m->index);
	m->next_id = max_id + 1;
	for (size_t i = 0; i < m->lanes_n; i++)
		if (lane_folder_settle(m, m->lanes[i], err) != 0)
			return (-1);
	return (0);
}

/* Rows of folders that are no more. */
static void drop_strangers(struct mail *m)
{
	struct buf leaf = BUF_INIT(L_MBX_NAME + 1);
	struct lane_folder gone = { 0 };
	bool found;

	do {
		found = false;
		if (sql_ask(m->index, "SELECT leaf FROM folder", NULL, "") != 0)
			return;
		while (!found && sql_step(m->index, NULL) == 1) {
			found = true;
			for (size_t i = 0; found && i < m->lanes_n; i++)
				found =
				    !slice_eq(sql_text(m->index, 0), slice_of(m->lanes[i]->leaf));
			if (found) {
				buf_reset(&leaf);
				found = buf_add_slice(&leaf, sql_text(m->index, 0)) == 0;
			}
		}
		sql_done(m->index);
		if (found) {
			gone.leaf = (char *)(uintptr_t)buf_z(&leaf);
			found = index_folder_drop(m, &gone) == 0;
		}
	} while (found);
	buf_free(&leaf);
}

static int first_start(struct mail *m, struct err *err)
{
	struct buf text = BUF_INIT(MAIL_FILE);
	int rc;

	for (size_t i = 0; i < COUNT_OF(first_folders); i++) {
		struct folder *f;

		(void)subs_set(m, slice_of(first_folders[i].name), true);
		if (folder_find(m->account, slice_of(first_folders[i].name)) != NULL)
			continue;
		if (folder_build(m, first_folders[i].name, first_folders[i].role, &f, err) != 0)
			return (-1);
		folder_list(m, f);
	}
	(void)subs_set(m, SLICE("INBOX"), true);
	rc = subs_print(m, &text) != 0
	    ? err_set(err, ERR_LIMIT, "too many subscriptions")
	    : small_write(m->root, "subscriptions", buf_slice(&text), err);
	buf_free(&text);
	return (rc);
}

static int open_tree(struct mail *m, struct err *err)
{
	char path[512];
	bool is_new;

	if (make_dir("mail", err) != 0 || maildir_make(m->root, err) != 0)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/expunged", m->root);
	if (make_dir(path, err) != 0)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/deleted", m->root);
	if (make_dir(path, err) != 0)
		return (-1);
	(void)snprintf(path, sizeof(path), "%s/subscriptions", m->root);
	is_new = access(path, F_OK) != 0;
	if (is_new && (disk_sync_dir("mail") != 0 || disk_sync_dir(m->root) != 0))
		return (err_errno(err, "sync %s", m->root));
	if (index_open(m, err) != 0 || sql_begin(m->index, err) != 0)
		return (-1);
	if (take_tree(m, err) != 0 || choose_numbers(m, err) != 0 || subs_load(m, err) != 0 ||
	    (is_new && first_start(m, err) != 0))
		return (-1);
	drop_strangers(m);
	if (sql_commit(m->index, err) != 0 || index_usage(m, &m->usage) != 0)
		return (-1);
	for (size_t i = 0; i < m->folders_n; i++)
		m->folders[i]->recent_from = m->folders[i]->lane.uidnext;
	sweep_dead(m, clock_wall());
	return (0);
}

static void mail_free(struct mail *m)
{
	sql_close(m->index);
	for (unsigned i = 0; i < m->readers_n; i++)
		sql_close(m->readers[i]);
	for (size_t i = 0; i < m->folders_n; i++)
		folder_free(m->folders[i]);
	for (size_t i = 0; i < m->dead_n; i++)
		folder_free(m->dead[i]);
	for (size_t i = 0; i < m->subs_n; i++)
		free(m->subs[i]);
	if (m->expunged_fd != -1)
		(void)close(m->expunged_fd);
	lane_free(m->lane);
	(void)pthread_mutex_destroy(&m->lock);
	free(m->folders);
	free(m->dead);
	free(m->lanes);
	free(m->subs);
	free(m->root);
	free(m);
}

int mail_open(struct account *a, struct err *err)
{
	struct mail *m = NEW(struct mail);
	struct buf root = BUF_INIT(300);

	(void)buf_fmt(&root, "mail/%s", a->name);
	m->account = a;
	m->store = a->store;
	m->root = mem_strdup(buf_z(&root));
	m->expunged_fd = -1;
	list_init(&m->batch);
	list_init(&m->tree_acts);
	(void)pthread_mutex_init(&m->lock, NULL);
	buf_free(&root);
	a->mail = m;
	if (open_tree(m, err) != 0) {
		if (m->index != NULL)
			sql_rollback(m->index);
		mail_free(m);
		a->mail = NULL;
		return (-1);
	}
	return (0);
}

void mail_start(struct account *a)
{
	a->mail->lane =
	    lane_new_batch(a->store->work, WORK_ACCOUNT, MAIL_LANE_WAITING, mail_run_all, a->mail);
	text_open(a->mail);
}

bool mail_idle(const struct account *a)
{
	return (a->mail == NULL ||
	    (a->mail->ops == 0 && lane_idle(a->mail->lane) && text_idle(a->mail)));
}

void mail_stop(struct account *a)
{
	struct mail *m = a->mail;

	if (m == NULL)
		return;
	for (size_t i = 0; i < m->folders_n; i++)
		if (m->folders[i]->view != NULL)
			view_keep(m->folders[i]);
	m->stopping = true;
	patrol_stop(m);
	text_stop(m);
	for (size_t i = 0; i < m->folders_n; i++)
		if (m->folders[i]->view != NULL)
			view_stop(m->folders[i]->view); /* frees it when nobody holds it */
}

void mail_close(struct account *a)
{
	struct mail *m = a->mail;

	if (m == NULL)
		return;
	for (size_t i = 0; i < m->lanes_n; i++) {
		struct lane_folder *lf = m->lanes[i];

		/* Without the mark the next start leaves out what was reserved: never wrong. */
		if (!lf->gone && !lf->is_clean)
			(void)lane_folder_save(m, lf, true, NULL);
	}
	a->mail = NULL;
	text_close(m);
	mail_free(m);
}

void mail_configure(struct account *a)
{
	if (a->mail != NULL)
		text_configure(a->mail);
}
