/* dialog_real.c: the real store: passwords are set on its lane, then the classifier starts. */
#include "dialog_world.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/secret.h"

struct start {
	struct job job;
	struct store *store;
	const struct cfg *cfg;
	struct classifier *classifier;
	void (*on_ready)(void *self, struct classifier *c);
	void *self;
};

static void run(struct job *j)
{
	struct start *s = LIST_OWNER(j, struct start, job);
	char hash[SECRET_HASH_MAX];
	struct err err = { 0 };

	for (const struct cfg_account *a = s->cfg->accounts; a != NULL; a = a->next)
		if (secret_hash(SLICE("secret"), hash) == -1 ||
		    password_set(s->store, a->name, hash, &err) == -1) {
			(void)fprintf(stderr, "password: %s\n", err.text);
			exit(1);
		}
}

static void on_ready(void *self, const struct err *err)
{
	struct start *s = self;

	if (err != NULL) {
		(void)fprintf(stderr, "classifier: %s\n", err->text);
		exit(1);
	}
	s->on_ready(s->self, s->classifier);
	free(s);
}

static void done(struct job *j)
{
	struct start *s = LIST_OWNER(j, struct start, job);

	login_forget(s->store);
	s->classifier = classifier_start(s->store, on_ready, s);
}

void dialog_world_start(struct store *store, const struct cfg *cfg,
    void (*ready)(void *self, struct classifier *c), void *self)
{
	struct start *s = NEW(struct start);

	*s = (struct start){ .job = { .run = run, .done = done },
		.store = store,
		.cfg = cfg,
		.on_ready = ready,
		.self = self };
	lane_force(store_lane(store, STORE_STATE), &s->job);
}

void dialog_world_stop(struct classifier *c)
{
	classifier_stop(c);
}
