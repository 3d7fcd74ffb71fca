/* queue_body.c: where does the text of a queued message lie? In queue/<id>, as LF, made under
 * queue/tmp/ and renamed when it is synced. What a crash leaves is swept at the next open. The
 * rows that name these files are queue.c's. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/secret.h"
#include "store/fault.h"
#include "store/queue_int.h"

enum { PATH_MAX_OCTETS = 64 };

void queue_new_id(char ret[17])
{
	secret_id(ret, QUEUE_ID);
}

bool queue_id_ok(struct slice id)
{
	if (id.n != QUEUE_ID)
		return (false);
	for (size_t i = 0; i < id.n; i++) {
		if (!ascii_alnum(id.p[i]))
			return (false);
	}
	return (true);
}

void queue_path(const char *id, char ret[64])
{
	(void)snprintf(ret, PATH_MAX_OCTETS, "queue/%.*s", QUEUE_ID, id);
}

int64_t body_size(const char *id)
{
	char path[PATH_MAX_OCTETS];
	struct stat st;

	queue_path(id, path);
	if (!queue_id_ok(slice_of(id)) || stat(path, &st) == -1 || !S_ISREG(st.st_mode))
		return (-1);
	return (st.st_size);
}

bool body_is_whole(const char *id, int64_t stored)
{
	char path[PATH_MAX_OCTETS];
	int fd;

	if (body_size(id) != stored)
		return (false);
	/* Opened, not asked for with access(): other rules than modes may forbid it. */
	queue_path(id, path);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return (false);
	(void)close(fd);
	return (true);
}

/* CRLF to LF; a CR that ends no line stays. */
static int write_lf(int fd, struct slice content)
{
	struct buf out = BUF_INIT(65536);
	int ret = 0;

	while (content.n > 0 && ret == 0) {
		size_t cr = slice_find(content, SLICE("\r\n"));
		struct slice run = slice_head(content, cr == SIZE_MAX ? content.n : cr);

		run = slice_head(run, out.max - 1 - out.n);
		if (buf_add_slice(&out, run) == -1) {
			ret = -1;
			errno = ENOMEM;
			break;
		}
		content = slice_from(content, run.n);
		if (run.n == cr) {
			(void)buf_addc(&out, '\n');
			content = slice_from(content, 2);
		}
		if (content.n > 0 && out.n < out.max / 2)
			continue;
		ret = disk_write_all(fd, out.p, out.n);
		buf_reset(&out);
	}
	buf_free(&out);
	return (ret);
}

int body_write(const char *id, struct slice content, struct err *err)
{
	char tmp[PATH_MAX_OCTETS], path[PATH_MAX_OCTETS];
	int fd;

	(void)snprintf(tmp, sizeof(tmp), "queue/tmp/%s", id);
	queue_path(id, path);
	if ((fd = disk_create(AT_FDCWD, tmp, 0600)) == -1)
		return (err_errno(err, "make the body of a queued message"));
	if (write_lf(fd, content) == -1 || disk_fsync(fd) == -1) {
		(void)err_errno(err, "write the body of a queued message");
		(void)close(fd);
		goto err_tmp;
	}
	if (close(fd) == -1 || disk_rename(AT_FDCWD, tmp, AT_FDCWD, path) == -1) {
		(void)err_errno(err, "name the body of a queued message");
		goto err_tmp;
	}
	if (disk_sync_dir("queue") == -1) {
		(void)err_errno(err, "sync the folder queue");
		body_remove(id);
		return (-1);
	}
	return (0);
err_tmp:
	(void)disk_unlink(AT_FDCWD, tmp);
	return (-1);
}

void body_remove(const char *id)
{
	char path[PATH_MAX_OCTETS];

	queue_path(id, path);
	if (queue_id_ok(slice_of(id)))
		(void)disk_unlink(AT_FDCWD, path);
}

/* Leftovers of a process that died; ours is the only one here, the lock says so. */
static int empty_tmp(struct err *err)
{
	struct dirent *e;
	DIR *dir;

	if ((dir = opendir("queue/tmp")) == NULL)
		return (err_errno(err, "look into the folder queue/tmp"));
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	}
	(void)closedir(dir);
	return (0);
}

int body_sweep(int (*is_named)(void *self, const char *id, struct err *err), void *self,
    struct err *err)
{
	struct dirent *e;
	int named = 1;
	DIR *dir;

	if (empty_tmp(err) == -1)
		return (-1);
	if ((dir = opendir("queue")) == NULL)
		return (err_errno(err, "look into the folder queue"));
	while (named != -1 && (e = readdir(dir)) != NULL) {
		/* What is not named like one of ours is not ours to remove. */
		if (!queue_id_ok(slice_of(e->d_name)))
			continue;
		if ((named = is_named(self, e->d_name, err)) == 0)
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	}
	(void)closedir(dir);
	return (named == -1 ? -1 : 0);
}
