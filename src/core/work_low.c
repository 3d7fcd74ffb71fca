/* work_low.c: how is work done that nobody waits for, without taking a processor from those who do? By a thread of
 * its own, for a thread that made itself less important may not go back. It is less important, not idle: what it
 * locks for a moment (the allocator) others may wait for, so it must get its turn on a busy machine. */
#include "core/work_low.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/loop_int.h"
#include "core/mem.h"

enum { NICE = 10 };

struct work_low {
	struct owned owned;
	uv_async_t wake; /* of the loop */
	uv_thread_t thread;
	pthread_mutex_t lock; /* guards the next three */
	pthread_cond_t more;
	struct list waiting, ended;
	bool stops;
	size_t jobs; /* loop: put and not yet told */
};

static struct work_low_job *next_job(struct work_low *w)
{
	struct list *node;

	(void)pthread_mutex_lock(&w->lock);
	while ((node = list_shift(&w->waiting)) == NULL && !w->stops)
		(void)pthread_cond_wait(&w->more, &w->lock);
	(void)pthread_mutex_unlock(&w->lock);
	return (node == NULL ? NULL : LIST_OWNER(node, struct work_low_job, node));
}

static void run_all(void *self)
{
	struct work_low *w = self;
	struct work_low_job *j;

	/* Not allowed? Then it is as important as the others. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
	while ((j = next_job(w)) != NULL) {
		j->run(j->self);
		(void)pthread_mutex_lock(&w->lock);
		list_push(&w->ended, &j->node);
		(void)pthread_mutex_unlock(&w->lock);
		(void)uv_async_send(&w->wake);
	}
}

static void on_wake(uv_async_t *h)
{
	struct work_low *w = h->data;
	struct list *node;

	do {
		(void)pthread_mutex_lock(&w->lock);
		node = list_shift(&w->ended);
		(void)pthread_mutex_unlock(&w->lock);
		if (node == NULL)
			break;
		if (--w->jobs == 0)
			uv_unref((uv_handle_t *)&w->wake);
		LIST_OWNER(node, struct work_low_job, node)
		    ->done(LIST_OWNER(node, struct work_low_job, node)->self);
	} while (w->jobs > 0);
}

static void on_closed(uv_handle_t *h)
{
	struct work_low *w = h->data;

	(void)pthread_cond_destroy(&w->more);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

struct work_low *work_low_new(struct loop *l)
{
	struct work_low *w = NEW(struct work_low);

	w->owned.on_close = on_closed;
	list_init(&w->waiting);
	list_init(&w->ended);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->more, NULL);
	if (uv_async_init(&l->uv, &w->wake, on_wake) != 0 ||
	    uv_thread_create(&w->thread, run_all, w) != 0)
		abort();
	w->wake.data = w;
	uv_unref((uv_handle_t *)&w->wake);
	return (w);
}

void work_low_put(struct work_low *w, struct work_low_job *j)
{
	if (w->jobs++ == 0)
		uv_ref((uv_handle_t *)&w->wake);
	(void)pthread_mutex_lock(&w->lock);
	list_push(&w->waiting, &j->node);
	(void)pthread_cond_signal(&w->more);
	(void)pthread_mutex_unlock(&w->lock);
}

void work_low_free(struct work_low *w)
{
	if (w == NULL)
		return;
	(void)pthread_mutex_lock(&w->lock);
	w->stops = true;
	(void)pthread_cond_signal(&w->more);
	(void)pthread_mutex_unlock(&w->lock);
	(void)uv_thread_join(&w->thread);
	uv_close((uv_handle_t *)&w->wake, on_closed);
}
