/* watch_dir.c: which directories changed behind our back? One inotify descriptor for all watches; bursts are told once, 50 ms
 * after they end and at least every second. Decides nothing: a callback means "look again". Failures: no watch (NULL), and
 * the owner polls; an overflow of the kernel's queue calls every watch. */
#include "core/watch_dir.h"

#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/loop_int.h"
#include "core/map.h"
#include "core/mem.h"

enum {
	QUIET_MS = 50,
	MOST_MS = 1000,
	READ_OCTETS = 16384,
	READS_A_TURN = 16, /* then the loop's other work comes first */
	REST_MS = 20,	   /* and what comes meanwhile waits: 10,000 renames of ours are not 10,000 wakings */
	EVENTS = IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
	    IN_ONLYDIR,
};

struct inode { /* the kernel counts watches by inode: two paths may share one */
	int wd;
	struct list watches;
};

struct watch_dir {
	struct list node; /* on its inode's list; on none once the directory is gone */
	struct list every;
	struct watch_dirs *all;
	struct inode *inode;
	struct timer *quiet;
	uint64_t since; /* clock_ms of the burst's first event */
	void (*on_change)(void *self);
	void *self;
};

struct watch_dirs {
	struct owned owned;
	uv_poll_t poll;
	struct loop *loop;
	struct timer *rest;
	int fd;
	struct map *inodes;
	struct list every;
};

static struct slice key_of(const int *wd)
{
	return ((struct slice){ (const char *)wd, sizeof(*wd) });
}

static void on_quiet(void *self)
{
	struct watch_dir *d = self;

	d->quiet = NULL;
	d->since = 0;
	d->on_change(d->self); /* may drop d */
}

static void note(struct watch_dir *d)
{
	uint64_t now = clock_ms();

	if (d->since == 0)
		d->since = now;
	else if (now - d->since >= MOST_MS - QUIET_MS)
		return; /* the timer that runs is the last one */
	timer_cancel(d->quiet);
	d->quiet = timer_start(d->all->loop, QUIET_MS, on_quiet, d);
}

static void forget_inode(struct watch_dirs *w, struct inode *inode)
{
	(void)map_drop(w->inodes, key_of(&inode->wd));
	LIST_EACH(&inode->watches, node) {
		list_drop(node);
		LIST_OWNER(node, struct watch_dir, node)->inode = NULL;
	}
	free(inode);
}

static void take_event(struct watch_dirs *w, const struct inotify_event *e)
{
	struct inode *inode;

	if ((e->mask & IN_Q_OVERFLOW) != 0) {
		LIST_EACH(&w->every, node)
			note(LIST_OWNER(node, struct watch_dir, every));
		return;
	}
	if ((inode = map_get(w->inodes, key_of(&e->wd))) == NULL)
		return;
	LIST_EACH(&inode->watches, node)
		note(LIST_OWNER(node, struct watch_dir, node));
	if ((e->mask & IN_IGNORED) != 0) /* the kernel has dropped it: directory gone */
		forget_inode(w, inode);
}

static void on_readable(uv_poll_t *h, int status, int events);

static void on_rested(void *self)
{
	struct watch_dirs *w = self;

	w->rest = NULL;
	(void)uv_poll_start(&w->poll, UV_READABLE, on_readable);
}

static void read_events(struct watch_dirs *w)
{
	_Alignas(struct inotify_event) char octets[READ_OCTETS];

	for (unsigned i = 0; i < READS_A_TURN; i++) {
		ssize_t n = read(w->fd, octets, sizeof(octets));
		size_t at = 0;

		if (n <= 0)
			return;
		while (at + sizeof(struct inotify_event) <= (size_t)n) {
			const struct inotify_event *e = (const void *)(octets + at);

			take_event(w, e);
			at += sizeof(*e) + e->len;
		}
	}
}

static void on_readable(uv_poll_t *h, int status, int events)
{
	struct watch_dirs *w = h->data;

	(void)status;
	(void)events;
	read_events(w);
	(void)uv_poll_stop(&w->poll);
	w->rest = timer_start(w->loop, REST_MS, on_rested, w);
}

static void on_poll_closed(uv_handle_t *h)
{
	free(h->data);
}

struct watch_dirs *watch_dirs_new(struct loop *l)
{
	struct watch_dirs *w;
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	if (fd == -1)
		return (NULL);
	w = NEW(struct watch_dirs);
	w->owned.on_close = on_poll_closed;
	w->loop = l;
	w->fd = fd;
	w->inodes = map_new();
	list_init(&w->every);
	(void)uv_poll_init(&l->uv, &w->poll, fd);
	w->poll.data = w;
	(void)uv_poll_start(&w->poll, UV_READABLE, on_readable);
	uv_unref((uv_handle_t *)&w->poll);
	return (w);
}

void watch_dirs_free(struct watch_dirs *w)
{
	if (w == NULL)
		return;
	while (!list_empty(&w->every))
		watch_dir_drop(LIST_OWNER(w->every.next, struct watch_dir, every));
	map_free(w->inodes);
	timer_cancel(w->rest);
	(void)uv_poll_stop(&w->poll);
	(void)close(w->fd);
	uv_close((uv_handle_t *)&w->poll, on_poll_closed);
}

struct watch_dir *watch_dir_add(struct watch_dirs *w, const char *path, void (*on_change)(void *self), void *self)
{
	struct watch_dir *d;
	struct inode *inode;
	int wd = inotify_add_watch(w->fd, path, EVENTS);

	if (wd == -1)
		return (NULL);
	if ((inode = map_get(w->inodes, key_of(&wd))) == NULL) {
		inode = NEW(struct inode);
		inode->wd = wd;
		list_init(&inode->watches);
		(void)map_put(w->inodes, key_of(&wd), inode);
	}
	d = NEW(struct watch_dir);
	d->all = w;
	d->inode = inode;
	d->on_change = on_change;
	d->self = self;
	list_push(&inode->watches, &d->node);
	list_push(&w->every, &d->every);
	return (d);
}

void watch_dir_drop(struct watch_dir *d)
{
	struct inode *inode;

	if (d == NULL)
		return;
	inode = d->inode;
	list_drop(&d->node);
	list_drop(&d->every);
	timer_cancel(d->quiet);
	if (inode != NULL && list_empty(&inode->watches)) {
		(void)inotify_rm_watch(d->all->fd, inode->wd);
		forget_inode(d->all, inode);
	}
	free(d);
}

unsigned watch_dirs_count(const struct watch_dirs *w)
{
	return ((unsigned)map_count(w->inodes));
}
