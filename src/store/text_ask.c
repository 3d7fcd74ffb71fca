/* text_ask.c: how is the full-text index asked without blocking the loop? One job on a read lane, with a
 * reading connection that is kept for the next; its answer is one transaction's state, so places
 * and words belong together. Leaves finding to text_find.c. Failures: none; what cannot be read is
 * unknown, and a damaged database is told to text_feed.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/loop.h"
#include "store/text_find.h"

struct text_found {
	struct text_places places;
	struct text_find find;
	struct arena *arena; /* of the needles */
	bool is_known;
};

struct asking {
	struct job job; /* first */
	struct store_op op;
	struct mail *m;
	int64_t folder;
	struct text_found *found;
	bool is_abandoned; /* atomic */
	void (*on_found)(void *self, struct text_found *found);
	void *self;
};

/* --- readers --- */

struct sql *text_reader_take(struct text *t, unsigned *ret_epoch)
{
	struct sql *q;
	char path[512];

	(void)pthread_mutex_lock(&t->lock);
	q = t->reader;
	t->reader = NULL;
	*ret_epoch = t->epoch;
	(void)pthread_mutex_unlock(&t->lock);
	if (q != NULL)
		return (q);
	(void)snprintf(path, sizeof(path), "%s/search.sqlite", t->m->root);
	return (sql_open_reader(path, NULL));
}

void text_reader_give(struct text *t, struct sql *q, unsigned epoch)
{
	if (q == NULL)
		return;
	(void)pthread_mutex_lock(&t->lock);
	if (epoch == t->epoch && t->reader == NULL && !sql_is_failed(q) && !sql_is_corrupt(q)) {
		t->reader = q;
		q = NULL;
	}
	(void)pthread_mutex_unlock(&t->lock);
	sql_close(q);
}

/* --- on the worker --- */

static bool folder_of(struct asking *k, struct arena *a, struct slice *ret_leaf, uint32_t *ret)
{
	unsigned epoch;
	struct sql *q = mail_reader_take(k->m, &epoch, NULL);
	bool found = false;

	if (q == NULL)
		return (false);
	if (sql_ask(q, "SELECT leaf, uidvalidity FROM folder WHERE id = ?1", NULL, "i",
		k->folder) == 0) {
		found = sql_step(q, NULL) == 1;
		if (found) {
			*ret_leaf = arena_dup(a, sql_text(q, 0));
			*ret = (uint32_t)sql_int(q, 1);
		}
		sql_done(q);
	}
	mail_reader_give(k->m, q, epoch);
	return (found);
}

static void ask_run(struct job *job)
{
	struct asking *k = (struct asking *)job;
	struct text_found *f = k->found;
	struct text *t = k->m->text;
	uint32_t uidvalidity = 0;
	struct err err = { 0 };
	struct slice leaf;
	unsigned epoch;
	struct sql *q;

	if (__atomic_load_n(&k->is_abandoned, __ATOMIC_RELAXED) || !folder_of(k, f->arena, &leaf, &uidvalidity) ||
	    (q = text_reader_take(t, &epoch)) == NULL)
		return;
	f->find.q = q;
	f->find.is_abandoned = &k->is_abandoned;
	if (sql_do(q, "BEGIN", NULL, "") == 0) {
		f->is_known = text_places_read(q, leaf, uidvalidity, &f->places, &err) == 0 &&
		    f->places.n > 0 && text_find(&f->find);
		if (sql_do(q, "COMMIT", NULL, "") != 0)
			sql_rollback(q);
	}
	if (err.number == EBADMSG || f->find.is_damaged || sql_is_corrupt(q)) {
		(void)pthread_mutex_lock(&t->lock);
		t->damaged |= epoch == t->epoch;
		(void)pthread_mutex_unlock(&t->lock);
	}
	f->find.q = NULL;
	text_reader_give(t, q, epoch);
}

/* --- on the loop --- */

static void ask_done(struct job *job)
{
	struct asking *k = (struct asking *)job;

	k->m->ops--;
	if (k->is_abandoned)
		text_found_free(k->found);
	else
		k->on_found(k->self, k->found);
	free(k);
}

static void ask_cancel(struct store_op *op)
{
	__atomic_store_n(&LIST_OWNER(op, struct asking, op)->is_abandoned, true, __ATOMIC_RELAXED);
}

struct store_op *text_ask(struct folder *f, const struct text_key *keys, size_t n,
    void (*on_found)(void *self, struct text_found *found), void *self)
{
	struct mail *m = folder_mail(f);
	struct asking *k;
	struct text_found *found;

	if (m->text == NULL || !m->text->is_on || n == 0)
		return (NULL);
	if (n > TEXT_KEYS)
		n = TEXT_KEYS;
	k = NEW(struct asking);
	found = k->found = NEW(struct text_found);
	found->arena = arena_new(0);
	found->find.keys = mem_new_array(n, sizeof(*found->find.keys));
	found->find.keys_n = n;
	for (size_t i = 0; i < n; i++) {
		found->find.keys[i] = (struct text_find_key){ .field = keys[i].field,
			.needle = arena_dup(found->arena, keys[i].needle),
			.is_fuzzy = keys[i].fuzzy != NULL };
		if (keys[i].fuzzy != NULL)
			text_plan_fuzzy(keys[i].fuzzy, &found->find.keys[i].plan);
	}
	k->job.run = ask_run;
	k->job.done = ask_done;
	k->op.cancel = ask_cancel;
	k->m = m;
	k->folder = f->lane.id; /* fixed while the process lives */
	k->on_found = on_found;
	k->self = self;
	m->ops++;
	lane_force(m->store->read, &k->job);
	return (&k->op);
}

enum text_answer text_found_get(const struct text_found *f, size_t key, uint32_t uid)
{
	const struct text_find_key *k;
	uint32_t document;

	if (!f->is_known || key >= f->find.keys_n)
		return (TEXT_UNKNOWN);
	k = &f->find.keys[key];
	document = k->is_used ? text_places_find(&f->places, uid) : 0;
	if (document == 0 || document >= f->find.documents_end || text_bit(f->find.scan, document))
		return (TEXT_UNKNOWN);
	if (!text_bit(k->bits, document))
		return (TEXT_NO);
	if (k->is_exact || k->verifies || (k->verifies_some && text_bit(k->sure, document)))
		return (TEXT_YES);
	return (TEXT_UNKNOWN);
}

void text_found_free(struct text_found *f)
{
	if (f == NULL)
		return;
	free(f->places.v);
	text_find_free(&f->find);
	arena_free(f->arena);
	free(f);
}
