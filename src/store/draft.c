/* draft.c: where is a message while it arrives? In memory up to L_MEMORY_DRAFT octets; beyond
 * that in an unlinked temporary file, written on the sync lane while more arrives, never
 * synced, and mapped at the end. Leaves the commit to deliver.c. Failures: the lane is full,
 * the disk is full: draft_end says so, and the sender is asked to try later. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "store/store_int.h"

enum {
	CHUNK = 65536,			/* worth a job of its own */
	PENDING = L_MEMORY_DRAFT / 2,	/* waiting octets at which the sender is asked to wait */
};

struct draft {
	struct job job;
	struct store *store;
	uint64_t max, size;
	struct buf waiting; /* not yet given to the file; the whole message when there is none */
	char *chunk;	    /* with the job while ${writing} */
	size_t chunk_n;
	int fd; /* -1: none yet */
	uint64_t written;
	char *map; /* all ${written} octets, once ended */
	bool spilled, writing, ending, abandoned, failed;
	bool wants_room; /* an addition was answered false */
	bool job_failed; /* the job's own, until its done() */
	unsigned kept;	 /* jobs of a commit that read it */
	struct err err, job_err;
	struct later *later;
	void (*on_room)(void *self);
	void *room_self;
	void (*on_ended)(void *self, const struct err *err);
	void *ended_self;
};

struct draft *draft_new(struct store *s, uint64_t max)
{
	struct draft *d = NEW(struct draft);

	d->store = s;
	d->max = max;
	d->fd = -1;
	/* One addition over ${max} is never made, so the message bounds this. */
	buf_init(&d->waiting, max > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)max);
	return (d);
}

static void destroy(struct draft *d)
{
	if (d->map != NULL)
		(void)munmap(d->map, (size_t)d->written);
	if (d->fd != -1)
		(void)close(d->fd);
	free(d->chunk);
	buf_free(&d->waiting);
	free(d);
}

void draft_free(struct draft *d)
{
	if (d == NULL)
		return;
	later_cancel(d->later);
	d->later = NULL;
	if (d->writing || d->kept > 0)
		d->abandoned = true; /* its done(), or the last that keeps it, frees */
	else
		destroy(d);
}

void draft_keep(struct draft *d)
{
	d->kept++;
}

void draft_unkeep(struct draft *d)
{
	if (--d->kept == 0 && d->abandoned)
		destroy(d);
}

/* --- the file --- */

static int open_unlinked(struct err *err)
{
	char name[] = "queue/tmp/draft-XXXXXX";
	int fd = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd != -1)
		return (fd);
	/* Not every file system has nameless files; what a crash leaves here is swept at open. */
	if ((fd = mkostemp(name, O_CLOEXEC)) == -1)
		return (err_errno(err, "make a temporary file for a message"));
	(void)unlink(name);
	return (fd);
}

static int write_chunk(struct draft *d)
{
	for (size_t at = 0; at < d->chunk_n;) {
		ssize_t n = pwrite(d->fd, d->chunk + at, d->chunk_n - at,
		    (off_t)(d->written + at));

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return (err_errno(&d->job_err, "write the temporary file of a message"));
		at += (size_t)n;
	}
	d->written += d->chunk_n;
	return (0);
}

static void write_run(struct job *j) /* sync lane: touches fd, chunk, written, job_... */
{
	struct draft *d = LIST_OWNER(j, struct draft, job);

	if ((d->fd == -1 && (d->fd = open_unlinked(&d->job_err)) == -1) || write_chunk(d) == -1)
		d->job_failed = true;
}

static void next(struct draft *d);

static void write_done(struct job *j)
{
	struct draft *d = LIST_OWNER(j, struct draft, job);

	d->writing = false;
	free(d->chunk);
	d->chunk = NULL;
	if (d->job_failed && !d->failed) {
		d->failed = true;
		d->err = d->job_err;
	}
	if (d->failed && d->err.kind == ERR_NO_SPACE)
		store_no_space(d->store);
	if (d->abandoned) {
		destroy(d);
		return;
	}
	next(d);
	if (!d->wants_room || d->waiting.n >= PENDING || d->on_room == NULL)
		return;
	d->wants_room = false;
	d->on_room(d->room_self); /* last act: it may free the draft */
}

static void start_writing(struct draft *d, bool first)
{
	d->chunk = buf_steal(&d->waiting, &d->chunk_n);
	d->job.run = write_run;
	d->job.done = write_done;
	d->writing = true;
	if (!first) {
		/* One job a draft at a time, and what was begun is finished. */
		lane_force(d->store->sync, &d->job);
	} else if (lane_put(d->store->sync, &d->job) == -1) {
		d->writing = false;
		free(d->chunk);
		d->chunk = NULL;
		d->failed = true;
		(void)err_set(&d->err, ERR_BUSY, "keep a message: too many wait for the disk");
	}
}

/* --- the end --- */

static void on_end_later(void *self)
{
	struct draft *d = self;

	d->later = NULL;
	if (!d->failed && d->spilled && !draft_is_over(d)) {
		void *map = mmap(NULL, (size_t)d->written, PROT_READ, MAP_PRIVATE, d->fd, 0);

		if (map == MAP_FAILED) {
			d->failed = true;
			(void)err_errno(&d->err, "read back the temporary file of a message");
		} else {
			d->map = map;
		}
	}
	d->on_ended(d->ended_self, d->failed ? &d->err : NULL);
}

static void next(struct draft *d)
{
	if (d->writing || d->later != NULL)
		return;
	if (d->failed || draft_is_over(d))
		buf_free(&d->waiting);
	if (d->spilled && d->waiting.n > 0 && (d->waiting.n >= CHUNK || d->ending)) {
		start_writing(d, d->fd == -1);
		if (d->writing)
			return;
	}
	if (d->ending)
		d->later = loop_later(d->store->loop, on_end_later, d);
}

bool draft_add(struct draft *d, struct slice octets)
{
	d->size += octets.n;
	if (draft_is_over(d) || d->failed) {
		buf_free(&d->waiting);
		return (true);
	}
	if (buf_add_slice(&d->waiting, octets) == -1) {
		d->failed = true;
		(void)err_set(&d->err, ERR_TEMPORARY, "keep a message: out of memory");
		return (true);
	}
	if (!d->spilled && d->size <= L_MEMORY_DRAFT)
		return (true);
	d->spilled = true;
	next(d);
	d->wants_room = d->writing && d->waiting.n >= PENDING;
	return (!d->wants_room);
}

void draft_on_room(struct draft *d, void (*on_room)(void *self), void *self)
{
	d->on_room = on_room;
	d->room_self = self;
}

uint64_t draft_size(const struct draft *d)
{
	return (d->size);
}

bool draft_is_over(const struct draft *d)
{
	return (d->size > d->max);
}

void draft_end(struct draft *d, void (*on_ended)(void *self, const struct err *err), void *self)
{
	d->ending = true;
	d->on_ended = on_ended;
	d->ended_self = self;
	next(d);
}

struct slice draft_bytes(const struct draft *d)
{
	if (d->failed || draft_is_over(d))
		return ((struct slice){ "", 0 });
	if (d->map != NULL)
		return ((struct slice){ d->map, (size_t)d->written });
	return (buf_slice(&d->waiting));
}
