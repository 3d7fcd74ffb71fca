/* classifier.c: the models in memory, and how likely is this spam? Loads counts at start, keeps one model an account over the shared one,
 * scores on any thread under a read lock. Leaves arithmetic to bayes.c, changing counts to teach.c, hearing of acts to train.c. Failures:
 * counts that cannot be read leave the classifier knowing nothing, told once through on_ready. */
#include "spam/classifier_int.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "spam/bayes.h"

struct load { /* the first job, and every reload */
	struct job job;
	struct classifier *c;
	char **accounts; /* owned; the shared model is loaded besides when ${first} */
	size_t n;
	bool first;
	struct model shared, *models;
	unsigned char key[16];
	struct err err;
};

static void on_count(void *self, const struct feature_count *count)
{
	model_set(self, count);
}

static int load_model(struct load *l, struct slice name, struct model *ret)
{
	model_init(ret);
	return (tokens_load(l->c->store, name, &ret->totals, on_count, ret, &l->err));
}

struct model *classifier_model(struct classifier *c, struct slice account)
{
	struct model *m;

	if (account.n == 0)
		return (&c->shared);
	if ((m = map_get(c->models, account)) == NULL) {
		m = NEW(struct model);
		(void)map_put(c->models, account, m);
	}
	return (m);
}

static void take_over(struct load *l)
{
	struct classifier *c = l->c;

	(void)pthread_rwlock_wrlock(&c->lock);
	if (l->first) {
		memcpy(c->key, l->key, sizeof(c->key));
		c->shared = l->shared;
		model_init(&l->shared);
	}
	for (size_t i = 0; i < l->n; i++) {
		struct model *m = classifier_model(c, slice_of(l->accounts[i]));

		model_free(m);
		*m = l->models[i];
		model_init(&l->models[i]);
	}
	(void)pthread_rwlock_unlock(&c->lock);
}

static void load_run(struct job *j) /* lane STORE_SPAM */
{
	struct load *l = (struct load *)j;

	if (l->first &&
	    (tokens_key(l->c->store, l->key, &l->err) == -1 ||
		load_model(l, SLICE(""), &l->shared) == -1))
		return;
	for (size_t i = 0; i < l->n; i++)
		if (load_model(l, slice_of(l->accounts[i]), &l->models[i]) == -1)
			return;
	take_over(l); /* here, where nothing else can count at the same time */
}

static void load_done(struct job *j)
{
	struct load *l = (struct load *)j;
	struct classifier *c = l->c;
	bool good = l->err.kind == ERR_NONE;

	if (l->first && !c->stopped) {
		if (good) {
			c->ready = true;
			c->train = train_start(c);
			c->repair = repair_start(c);
		}
		c->on_ready(c->self, good ? NULL : &l->err);
	}
	for (size_t i = 0; i < l->n; i++) {
		model_free(&l->models[i]);
		free(l->accounts[i]);
	}
	model_free(&l->shared);
	free(l->models);
	free(l->accounts);
	free(l);
	classifier_unref(c);
}

static void load_start(struct classifier *c, bool first)
{
	struct load *l = NEW(struct load);
	size_t room = 0;

	l->c = c;
	l->first = first;
	l->job = (struct job){ .run = load_run, .done = load_done };
	(void)pthread_rwlock_rdlock(&c->lock);
	for (struct account *a = NULL; (a = store_account_next(c->store, a)) != NULL;) {
		struct slice name = slice_of(account_name(a));

		if (map_get(c->models, name) != NULL)
			continue; /* in memory and up to date already */
		if (l->n == room)
			l->accounts =
			    mem_grow(l->accounts, room = room * 2 + 8, sizeof(*l->accounts));
		l->accounts[l->n++] = mem_strdup(account_name(a));
	}
	l->models = mem_new_array(l->n + 1, sizeof(*l->models));
	(void)pthread_rwlock_unlock(&c->lock);
	c->jobs++;
	lane_force(store_lane(c->store, STORE_SPAM), &l->job);
}

struct classifier *classifier_start(
    struct store *s, void (*on_ready)(void *self, const struct err *err), void *self)
{
	struct classifier *c = NEW(struct classifier);

	c->store = s;
	c->hostname = mem_strdup(store_cfg(s)->hostname);
	c->models = map_new();
	c->lane = lane_new(store_work(s), WORK_CRYPTO, L_SHARE_CRYPTO, L_JOBS);
	c->on_ready = on_ready;
	c->self = self;
	model_init(&c->shared);
	(void)pthread_rwlock_init(&c->lock, NULL);
	load_start(c, true);
	return (c);
}

void classifier_reload(struct classifier *c)
{
	if (c->ready)
		load_start(c, false);
}

void classifier_unref(struct classifier *c)
{
	size_t at = 0;
	struct slice name;
	void *m;

	c->jobs--;
	if (!c->stopped || c->jobs > 0)
		return;
	while (map_next(c->models, &at, &name, &m)) {
		model_free(m);
		free(m);
	}
	map_free(c->models);
	repair_free(c->repair);
	model_free(&c->shared);
	(void)pthread_rwlock_destroy(&c->lock);
	lane_free(c->lane);
	free(c->hostname);
	free(c);
}

void classifier_stop(struct classifier *c)
{
	if (c == NULL)
		return;
	repair_stop(c->repair);
	train_stop(c->train);
	c->train = NULL;
	c->stopped = true;
	c->jobs++;
	classifier_unref(c); /* frees at once when nothing is under way */
}

void features_of(const struct classifier *c, const struct mime *m, struct features *ret)
{
	words_of(c->key, c->hostname, m, ret);
}

/* A person's own counts, and of what others know the more the less this person taught. */
static struct bayes_counts blend(
    uint64_t own_ham, uint64_t own_spam, uint64_t all_ham, uint64_t all_spam, double share)
{
	return ((struct bayes_counts){
	    (double)own_ham + share * (double)(all_ham > own_ham ? all_ham - own_ham : 0),
	    (double)own_spam + share * (double)(all_spam > own_spam ? all_spam - own_spam : 0) });
}

void classifier_score(
    struct classifier *c, const char *account, const struct features *f, struct spam_score *ret)
{
	static const struct feature_count none;
	static const struct model nobody;
	const struct model *own;
	struct bayes b;
	double share;

	(void)pthread_rwlock_rdlock(&c->lock);
	if ((own = map_get(c->models, slice_of(account))) == NULL)
		own = &nobody;
	share = bayes_share(&own->totals);
	bayes_start(&b,
	    blend(own->totals.ham, own->totals.spam, c->shared.totals.ham, c->shared.totals.spam,
		share));
	for (size_t i = 0; i < f->n; i++) {
		const struct feature_count *all = model_get(&c->shared, f->v[i]);
		const struct feature_count *mine = model_get(own, f->v[i]);

		if (mine == NULL)
			mine = &none;
		if (all == NULL)
			all = mine;
		bayes_add(&b, (unsigned)(f->v[i] & WORDS_CLASS),
		    blend(mine->ham, mine->spam, all->ham, all->spam, share));
	}
	(void)pthread_rwlock_unlock(&c->lock);
	bayes_end(&b, ret, NULL);
}

void classifier_stats(const struct classifier *c, const char *account, struct classifier_stats *ret)
{
	struct classifier *mine = (struct classifier *)(uintptr_t)c; /* for its lock */
	const struct model *m;

	*ret = (struct classifier_stats){ .pending = c->pending };
	(void)pthread_rwlock_rdlock(&mine->lock);
	m = account[0] == '\0' ? &c->shared : map_get(c->models, slice_of(account));
	if (m != NULL) {
		ret->ham = m->totals.ham;
		ret->spam = m->totals.spam;
		ret->features = model_count(m);
		ret->lessons = ret->ham + ret->spam;
	}
	(void)pthread_rwlock_unlock(&mine->lock);
}
