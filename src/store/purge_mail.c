/* purge_mail.c: what may go from an account's tree? Undelete copies and deleted folders past their
 * window, folders half made, files in tmp/ that nobody will finish (over 36 hours old and not this
 * process's own), rendered items of no message. On the account's lane, folders on the sync lane. Failures: left for the
 * next time. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "store/keys.h"
#include "store/mail_int.h"
#include "store/strip.h"

enum { TMP_SECONDS = 36 * 3600 };

static void sweep_tmp(const char *dir, const char *own, int64_t now)
{
	char path[600];
	DIR *d;
	const struct dirent *e;

	(void)snprintf(path, sizeof(path), "%s/tmp", dir);
	d = opendir(path);
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		struct stat st;

		if (strstr(e->d_name, own) != NULL ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode))
			continue;
		/* Our files carry their message's date as mtime: their age is that of the inode. */
		if (st.st_ctim.tv_sec < now - TMP_SECONDS)
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	(void)closedir(d);
}

void sweep_dead(struct mail *m, int64_t now)
{
	char own[64], path[600];
	DIR *d;
	const struct dirent *e;

	(void)snprintf(own, sizeof(own), "P%dQ", (int)getpid());
	for (size_t i = 0; i < m->lanes_n; i++)
		if (!m->lanes[i]->gone)
			sweep_tmp(m->lanes[i]->dir, own, now);
	(void)snprintf(path, sizeof(path), "%s/deleted", m->root);
	d = opendir(path);
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		char sub[900], cur[910];
		int64_t at;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		(void)snprintf(cur, sizeof(cur), "%s/cur", sub);
		/* Half made, or a folder that was to go at once. */
		if (!deleted_time(e->d_name, &at) || access(cur, F_OK) == 0)
			deleted_remove(sub);
	}
	(void)closedir(d);
}

/* --- deleted folders: deleted/<microseconds>.<n>/<folder>/ --- */

bool deleted_time(const char *name, int64_t *ret)
{
	struct slice us, n;
	uint64_t at, serial;

	if (!slice_cut(slice_of(name), '.', &us, &n) || !slice_u64(us, INT64_MAX, &at) ||
	    !slice_u64(n, UINT32_MAX, &serial))
		return (false);
	*ret = (int64_t)(at / 1000000);
	return (true);
}

void deleted_remove(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		char sub[1200];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    unlinkat(dirfd(d), e->d_name, 0) == 0)
			continue;
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		(void)tree_remove(sub);
	}
	(void)closedir(d);
	(void)rmdir(path);
}

struct purge_folders { /* on the sync lane: there may be much in them */
	struct job job;
	struct mail *m;
	int64_t older_than;
};

static void purge_folders_run(struct job *j)
{
	const struct purge_folders *p = LIST_OWNER(j, struct purge_folders, job);
	char path[600], sub[900];
	const struct dirent *e;
	int64_t at;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/deleted", p->m->root);
	if ((d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (deleted_time(e->d_name, &at) && at < p->older_than)
			deleted_remove(sub);
	}
	(void)closedir(d);
}

static void purge_folders_done(struct job *j)
{
	struct purge_folders *p = LIST_OWNER(j, struct purge_folders, job);

	p->m->ops--;
	free(p);
}

void items_sweep(struct mail *m)
{
	if (m->index == NULL)
		return;
	(void)sql_do(m->index,
	    "DELETE FROM item WHERE NOT EXISTS(SELECT 1 FROM msg WHERE msg.cid = item.cid)", NULL,
	    "");
	(void)sql_do(m->index,
	    "DELETE FROM pack WHERE NOT EXISTS(SELECT 1 FROM msg WHERE msg.folder = pack.folder "
	    "AND msg.uid >= pack.uid AND msg.uid < pack.uid + CASE WHEN pack.kind < ?1 THEN ?2 ELSE "
	    "?3 END)",
	    NULL, "iii", (int64_t)STRIP_KIND, (int64_t)PACK_UIDS, (int64_t)STRIP_UIDS);
	index_gone_sweep(m);
}

struct purge {
	struct mail_job job;
	int64_t older_than;
};

static int purge_act(struct mail_job *j)
{
	const struct purge *p = (const struct purge *)j;
	char path[600];
	DIR *d;
	const struct dirent *e;

	(void)snprintf(path, sizeof(path), "%s/expunged", j->m->root);
	d = opendir(path);
	if (d != NULL) {
		while ((e = readdir(d)) != NULL) {
			struct slice time, rest;
			uint64_t at;

			if (slice_cut(slice_of(e->d_name), '_', &time, &rest) &&
			    slice_u64(time, INT64_MAX, &at) && (int64_t)at < p->older_than)
				(void)unlinkat(dirfd(d), e->d_name, 0);
		}
		(void)closedir(d);
	}
	sweep_dead(j->m, clock_wall());
	items_sweep(j->m);
	return (0);
}

static void purge_end(struct mail_job *j)
{
	struct purge_folders *p = NEW(struct purge_folders);

	p->m = j->m;
	p->older_than = ((struct purge *)j)->older_than;
	p->job = (struct job){ .run = purge_folders_run, .done = purge_folders_done };
	j->m->ops++;
	lane_force(j->m->store->sync, &p->job);
	free(j);
}

void mail_purge_expunged(struct account *a, int64_t older_than)
{
	struct purge *p;

	if (a->mail == NULL || a->mail->stopping)
		return;
	p = NEW(struct purge);
	mail_job_init(&p->job, a->mail, purge_act, purge_end);
	p->older_than = older_than;
	if (mail_job_put(&p->job, &p->job.err) != 0)
		free(p);
}
