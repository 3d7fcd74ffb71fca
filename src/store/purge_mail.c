/* purge_mail.c: what may go from an account's tree? Undelete copies past their window, folders
 * on their way out, files in tmp/ that nobody will finish (over 36 hours old and not this
 * process's own), rendered items of no message. On the account's lane. Failures: left for the
 * next time. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "store/mail_int.h"

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
		char sub[900];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		(void)tree_remove(sub);
	}
	(void)closedir(d);
}

void items_sweep(struct mail *m)
{
	if (m->index != NULL)
		(void)sql_do(m->index,
		    "DELETE FROM item WHERE NOT EXISTS(SELECT 1 FROM msg WHERE msg.cid = item.cid)",
		    NULL, "");
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
