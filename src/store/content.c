/* content.c: where in an account does the message with this content lie? Every file name holds the id of
 * its content, so one sweep over the names tells for any number of them, without an index. A message that
 * is not there, or cannot be read, is passed over. */
#include "store/content.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"
#include "store/name.h"

struct looking {
	const struct slice *ids;
	size_t n, left;
	bool *found;
	void (*on_head)(void *self, size_t i, struct slice head);
	void *self;
};

static void tell(struct looking *l, size_t i, int dir, const char *file)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct buf head = BUF_INIT(L_HDR);
	ssize_t got = 1;
	char *room;

	if (fd == -1)
		return;
	while (got > 0 && slice_find(buf_slice(&head), SLICE("\n\n")) == SIZE_MAX &&
	    (room = buf_room(&head, 8192)) != NULL)
		if ((got = read(fd, room, 8192)) > 0)
			buf_grew(&head, (size_t)got);
	(void)close(fd);
	if (head.n > 0) {
		l->found[i] = true;
		l->left--;
		l->on_head(l->self, i, buf_slice(&head));
	}
	buf_free(&head);
}

static void look_in(struct looking *l, const char *folder, const char *place)
{
	char path[1200];
	const struct dirent *e;
	struct name name;
	DIR *d;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, place);
	if ((d = opendir(path)) == NULL)
		return;
	while (l->left > 0 && (e = readdir(d)) != NULL) {
		if (!name_parse(slice_of(e->d_name), &name) || !name.has_i)
			continue;
		for (size_t i = 0; i < l->n; i++)
			if (!l->found[i] && memcmp(l->ids[i].p, name.cid, sizeof(name.cid)) == 0)
				tell(l, i, dirfd(d), e->d_name);
	}
	(void)closedir(d);
}

void content_find(const char *account, const struct slice *ids, size_t n,
    void (*on_head)(void *self, size_t i, struct slice head), void *self)
{
	struct looking l = { ids, n, n, mem_new_array(n + 1, sizeof(bool)), on_head, self };
	char root[300], folder[800];
	const struct dirent *e;
	DIR *d;

	(void)snprintf(root, sizeof(root), "mail/%s", account);
	look_in(&l, root, "new");
	look_in(&l, root, "cur");
	if ((d = opendir(root)) != NULL) {
		while (l.left > 0 && (e = readdir(d)) != NULL) {
			if (e->d_name[0] != '.' || e->d_name[1] == '.' || e->d_name[1] == '\0')
				continue; /* a folder's name begins with one dot */
			(void)snprintf(folder, sizeof(folder), "%s/%s", root, e->d_name);
			look_in(&l, folder, "new");
			look_in(&l, folder, "cur");
		}
		(void)closedir(d);
	}
	free(l.found);
}
