/* folder_file.c: what does a folder's own file pennypost-folder say, both ways, and how is a
 * small file replaced so that a crash leaves the old or the new one? Lines "name value"; lines
 * we do not know are kept. Failures: not ours (no first line), a value out of range. */
#include "store/mail_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/fault.h"

static const char *const roles[] = {
	[ROLE_NONE] = "none",
	[ROLE_INBOX] = "inbox",
	[ROLE_SENT] = "sent",
	[ROLE_DRAFTS] = "drafts",
	[ROLE_JUNK] = "junk",
	[ROLE_TRASH] = "trash",
	[ROLE_ARCHIVE] = "archive",
	[ROLE_QUARANTINE] = "quarantine",
};

const char *role_name(enum folder_role r)
{
	return (roles[r]);
}

enum folder_role role_by_name(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(roles); i++)
		if (slice_ieq(name, slice_of(roles[i])))
			return ((enum folder_role)i);
	return (ROLE_NONE);
}

static int take_line(struct slice line, struct folder_file *f)
{
	struct slice name, value;
	uint64_t v;

	(void)slice_cut(line, ' ', &name, &value);
	if (slice_eq(name, SLICE("uidvalidity"))) {
		if (!slice_u64(value, UINT32_MAX, &v) || v == 0)
			return (-1);
		f->uidvalidity = (uint32_t)v;
	} else if (slice_eq(name, SLICE("uidnext"))) {
		if (!slice_u64(value, UINT32_MAX, &v) || v == 0)
			return (-1);
		f->uidnext = (uint32_t)v;
	} else if (slice_eq(name, SLICE("modseq"))) {
		if (!slice_u64(value, INT64_MAX, &f->modseq) || f->modseq == 0)
			return (-1);
	} else if (slice_eq(name, SLICE("counter"))) {
		if (!slice_u64(value, UINT32_MAX, &v))
			return (-1);
		f->counter = (uint32_t)v;
	} else if (slice_eq(name, SLICE("clean"))) {
		f->clean = true;
	} else if (slice_eq(name, SLICE("role"))) {
		f->has_role = true;
		f->role = role_by_name(value);
	} else if (line.n > 0) {
		(void)buf_add_slice(&f->rest, line);
		return (buf_addc(&f->rest, '\n'));
	}
	return (0);
}

int folder_file_parse(struct slice text, struct folder_file *ret)
{
	struct slice line;

	*ret = (struct folder_file){ .rest = BUF_INIT(MAIL_FILE) };
	if (!slice_cut(text, '\n', &line, &text) || !slice_eq(line, SLICE("pennypost-folder 1")))
		return (-1);
	while (text.n > 0) {
		/* A last line without its end was cut off, with who knows what of its value. */
		if (!slice_cut(text, '\n', &line, &text) || take_line(line, ret) != 0)
			return (-1);
	}
	return (ret->uidvalidity == 0 || ret->uidnext == 0 || ret->modseq == 0 ? -1 : 0);
}

int folder_file_print(const struct folder_file *f, struct buf *out)
{
	(void)buf_fmt(out, "pennypost-folder 1\nuidvalidity %u\nuidnext %u\nmodseq %llu\n",
	    f->uidvalidity, f->uidnext, (unsigned long long)f->modseq);
	if (f->counter != 0)
		(void)buf_fmt(out, "counter %u\n", f->counter);
	if (f->has_role)
		(void)buf_fmt(out, "role %s\n", roles[f->role]);
	if (f->clean)
		(void)buf_addz(out, "clean\n");
	(void)buf_add_slice(out, buf_slice(&f->rest));
	return (out->failed ? -1 : 0);
}

int small_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), number;
	ssize_t n = 0;

	if (fd == -1)
		return (-1);
	for (;;) {
		char *room = buf_room(out, 4096);

		if (room == NULL) {
			n = -1;
			errno = EFBIG;
			break;
		}
		n = read(fd, room, 4096);
		if (n <= 0)
			break;
		buf_grew(out, (size_t)n);
	}
	number = errno;
	(void)close(fd);
	errno = number;
	return (n < 0 ? -1 : 0);
}

int small_write(const char *dir, const char *leaf, struct slice text, struct err *err)
{
	char tmp[512], final[512];
	int fd = -1, number;

	if (snprintf(tmp, sizeof(tmp), "%s/tmp/%s.new", dir, leaf) >= (int)sizeof(tmp) ||
	    snprintf(final, sizeof(final), "%s/%s", dir, leaf) >= (int)sizeof(final))
		return (err_set(err, ERR_LIMIT, "write %s: the path is too long", leaf));
	(void)unlink(tmp); /* what a crash left */
	fd = disk_create(AT_FDCWD, tmp, 0600);
	if (fd == -1)
		return (err_errno(err, "create %s", tmp));
	if (disk_write_all(fd, text.p, text.n) != 0 || disk_fsync(fd) != 0)
		goto fail;
	if (close(fd) != 0) {
		fd = -1;
		goto fail;
	}
	fd = -1;
	if (disk_rename(AT_FDCWD, tmp, AT_FDCWD, final) != 0 || disk_sync_dir(dir) != 0)
		goto fail;
	return (0);
fail:
	number = errno;
	if (fd != -1)
		(void)close(fd);
	(void)unlink(tmp);
	errno = number;
	return (err_errno(err, "write %s", final));
}
