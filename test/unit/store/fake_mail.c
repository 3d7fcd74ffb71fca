/* fake_mail.c: see fake_mail.h. */
#include "fake_mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "core/secret.h"
#include "core/watch_dir.h"
#include "store/mailbox.h"

static struct bench *told; /* the mailboxes' only way to the test */

int mail_open(struct account *a, struct err *err)
{
	(void)err;
	a->mail = mem_new(1);
	return (0);
}

void mail_start(struct account *a)
{
	(void)a;
}

bool mail_idle(const struct account *a)
{
	(void)a;
	return (true);
}

void mail_stop(struct account *a)
{
	(void)a;
	if (told != NULL)
		told->stopped++;
}

void mail_close(struct account *a)
{
	free(a->mail);
	a->mail = NULL;
}

void mail_configure(struct account *a)
{
	(void)a;
}

void mail_purge_expunged(struct account *a, int64_t older_than)
{
	(void)a;
	(void)older_than;
	if (told != NULL)
		told->purged++;
}

bool mail_is_quiet(const struct account *a)
{
	(void)a;
	return (true);
}

struct folder *folder_next(struct account *a, struct folder *after)
{
	(void)a;
	(void)after;
	return (NULL);
}

const char *folder_name(const struct folder *f)
{
	(void)f;
	return ("");
}

enum folder_role folder_role(const struct folder *f)
{
	(void)f;
	return (ROLE_NONE);
}

void mail_expire(struct account *a, struct folder *f, int64_t before, uint32_t after,
    void (*on_done)(void *self, uint32_t n, uint32_t last_uid, bool more), void *self)
{
	(void)a;
	(void)f;
	(void)before;
	(void)after;
	(void)on_done;
	(void)self;
}

void intent_retry(struct store *s)
{
	(void)s;
}

int intent_recover(struct store *s, struct err *err)
{
	(void)s;
	(void)err;
	return (0);
}

struct watch_dirs *watch_dirs_new(struct loop *l)
{
	(void)l;
	return (NULL);
}

void watch_dirs_free(struct watch_dirs *w)
{
	(void)w;
}

void bench_open(struct bench *b)
{
	struct err err = { 0 };

	b->store = store_open(b->loop, b->work, &b->cfg, &err);
	if (b->store == NULL)
		print_error("%s\n", err.text);
	assert_non_null(b->store);
}

static void ring(void *self)
{
	*(bool *)self = true;
}

void bench_close(struct bench *b)
{
	bool closed = false;

	if (b->store == NULL)
		return;
	store_close(b->store, ring, &closed);
	b->store = NULL;
	bench_until(b, &closed);
}

struct bench *bench_new(void)
{
	struct bench *b = NEW(struct bench);

	assert_int_equal(secret_init(), 0);
	(void)snprintf(b->top, sizeof(b->top), "/tmp/pennypost-store-XXXXXX");
	assert_non_null(mkdtemp(b->top));
	assert_int_equal(chdir(b->top), 0);
	b->ann.name = "ann";
	b->ann.next = &b->bob;
	b->ann.addresses = &b->ann_address;
	b->ann_address.local = SLICE("ann");
	b->ann_address.domain = SLICE("example.org");
	b->bob.name = "bob";
	b->cfg.accounts = &b->ann;
	b->cfg.limits.queue = 100;
	told = b;
	work_setup();
	b->loop = loop_new();
	b->work = work_new(b->loop);
	bench_open(b);
	return (b);
}

void bench_free(struct bench *b)
{
	char command[128];

	bench_close(b);
	work_free(b->work);
	loop_free(b->loop);
	told = NULL;
	assert_int_equal(chdir("/"), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", b->top);
	assert_int_equal(system(command), 0);
	free(b);
}

int bench_start(void **state)
{
	*state = bench_new();
	return (0);
}

int bench_end(void **state)
{
	bench_free(*state);
	return (0);
}

struct until {
	struct bench *bench;
	const bool *flag;
	unsigned turns;
	bool late;
};

static void on_look(void *self)
{
	struct until *u = self;

	if (*u->flag || ++u->turns > 60000) {
		u->late = !*u->flag;
		loop_stop(u->bench->loop);
		return;
	}
	(void)timer_start(u->bench->loop, 1, on_look, u);
}

void bench_until(struct bench *b, const bool *flag)
{
	struct until u = { .bench = b, .flag = flag };

	(void)timer_start(b->loop, 0, on_look, &u);
	loop_run(b->loop);
	assert_false(u.late);
}

void bench_on_lane(struct bench *b, enum store_lane which, void (*f)(void *self), void *self)
{
	while (!lane_idle(store_lane(b->store, which))) {
		bool now = true;

		bench_until(b, &now);
	}
	f(self);
}
