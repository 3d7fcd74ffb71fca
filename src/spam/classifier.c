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
	char **accounts; /* owned; what is nobody's of them is loaded besides when ${first} */
	size_t n;
	bool first;
	struct model rest, *models;
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

/* Of the shared counts what is no account's that was loaded. */
static void on_shared(void *self, const struct feature_count *count)
{
	struct load *l = self;
	struct feature_count left = *count;

	for (size_t i = 0; i < l->n; i++) {
		struct feature_count c = model_get(&l->models[i], count->feature);

		left.ham -= left.ham < c.ham ? left.ham : c.ham;
		left.spam -= left.spam < c.spam ? left.spam : c.spam;
	}
	model_set(&l->rest, &left);
}

static int load_rest(struct load *l)
{
	struct model_totals all;

	if (tokens_load(l->c->store, SLICE(""), &all, on_shared, l, &l->err) == -1)
		return (-1);
	for (size_t i = 0; i < l->n; i++) {
		const struct model_totals *own = &l->models[i].totals;

		all.ham -= all.ham < own->ham ? all.ham : own->ham;
		all.spam -= all.spam < own->spam ? all.spam : own->spam;
	}
	l->rest.totals = all;
	return (0);
}

struct model *classifier_model(struct classifier *c, struct slice account)
{
	struct model *m;

	if (account.n == 0)
		return (&c->rest);
	if ((m = map_get(c->models, account)) == NULL) {
		m = NEW(struct model);
		(void)map_put(c->models, account, m);
		c->all = mem_grow(c->all, c->all_n + 1, sizeof(*c->all));
		c->all[c->all_n++] = m;
	}
	return (m);
}

static void take_over(struct load *l)
{
	struct classifier *c = l->c;

	(void)pthread_rwlock_wrlock(&c->lock);
	if (l->first) {
		memcpy(c->key, l->key, sizeof(c->key));
		c->rest = l->rest;
		model_init(&l->rest);
	}
	for (size_t i = 0; i < l->n; i++) {
		struct model *m = classifier_model(c, slice_of(l->accounts[i]));

		if (!l->first) /* until now its counts were among those of nobody we know */
			model_take_out(&c->rest, &l->models[i]);
		model_free(m);
		*m = l->models[i];
		model_init(&l->models[i]);
	}
	(void)pthread_rwlock_unlock(&c->lock);
}

/* Counts of another tokeniser cannot be taken back: repair makes all again from the lessons. */
static int forget_stale(struct load *l)
{
	bool stale;

	if (tokens_stale(l->c->store, WORDS_VERSION, &stale, &l->err) == -1)
		return (-1);
	return (stale ? tokens_forget(l->c->store, &l->err) : 0);
}

static void load_run(struct job *j) /* lane STORE_SPAM */
{
	struct load *l = (struct load *)j;

	if (l->first && (tokens_key(l->c->store, l->key, &l->err) == -1 || forget_stale(l) == -1))
		return;
	for (size_t i = 0; i < l->n; i++)
		if (load_model(l, slice_of(l->accounts[i]), &l->models[i]) == -1)
			return;
	if (l->first && load_rest(l) == -1)
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
	model_free(&l->rest);
	free(l->models);
	free(l->accounts);
	free(l);
	classifier_release(c);
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
	model_init(&c->rest);
	c->all = mem_new_array(1, sizeof(*c->all));
	c->all[c->all_n++] = &c->rest;
	(void)pthread_rwlock_init(&c->lock, NULL);
	load_start(c, true);
	return (c);
}

void classifier_reload(struct classifier *c)
{
	if (c->ready)
		load_start(c, false);
}

void classifier_hold(struct classifier *c)
{
	c->jobs++;
}

void classifier_release(struct classifier *c)
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
	model_free(&c->rest);
	free(c->all);
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
	classifier_hold(c);
	classifier_release(c); /* frees at once when nothing is under way */
}

void features_of(const struct classifier *c, const struct mime *m, struct features *ret)
{
	words_of(c->key, c->hostname, m, NULL, ret);
}

/* A person's own counts, and of what others know the more the less this person taught. */
static struct bayes_counts blend(struct model_totals own, struct model_totals others, double share)
{
	return (bayes_messages((double)own.ham + share * (double)others.ham,
	    (double)own.spam + share * (double)others.spam));
}

static struct model_totals others_totals(const struct classifier *c, const struct model *own)
{
	struct model_totals t = { 0 };

	for (size_t i = 0; i < c->all_n; i++) {
		t.ham += c->all[i] != own ? c->all[i]->totals.ham : 0;
		t.spam += c->all[i] != own ? c->all[i]->totals.spam : 0;
	}
	return (t);
}

static struct model_totals others_counts(
    const struct classifier *c, const struct model *own, uint64_t feature)
{
	struct model_totals t = { 0 };

	for (size_t i = 0; i < c->all_n; i++) {
		struct feature_count n = { 0 };

		if (c->all[i] != own && c->all[i]->totals.ham + c->all[i]->totals.spam > 0)
			n = model_get(c->all[i], feature);
		t.ham += n.ham;
		t.spam += n.spam;
	}
	return (t);
}

void classifier_score(
    struct classifier *c, const char *account, const struct features *f, struct spam_score *ret)
{
	static const struct model nobody;
	const struct model *own;
	struct bayes b;
	double share;

	(void)pthread_rwlock_rdlock(&c->lock);
	if ((own = map_get(c->models, slice_of(account))) == NULL)
		own = &nobody;
	share = bayes_share(&own->totals);
	bayes_start(&b, blend(own->totals, others_totals(c, own), share));
	for (size_t i = 0; i < f->n; i++) {
		struct feature_count mine = model_get(own, f->v[i]);

		bayes_add(&b, (unsigned)(f->v[i] & WORDS_CLASS),
		    blend((struct model_totals){ mine.ham, mine.spam },
			others_counts(c, own, f->v[i]), share));
	}
	(void)pthread_rwlock_unlock(&c->lock);
	bayes_end(&b, ret, NULL);
}

void classifier_stats(const struct classifier *c, const char *account, struct classifier_stats *ret)
{
	struct classifier *mine = (struct classifier *)(uintptr_t)c; /* for its lock */
	const struct model *m = NULL;
	struct model_totals t = { 0 };

	*ret =
	    (struct classifier_stats){ .pending = __atomic_load_n(&c->pending, __ATOMIC_RELAXED) };
	(void)pthread_rwlock_rdlock(&mine->lock);
	if (account[0] == '\0') {
		t = others_totals(c, NULL);
		ret->features = model_count_union(c->all, c->all_n);
	} else if ((m = map_get(c->models, slice_of(account))) != NULL) {
		t = m->totals;
		ret->features = model_count(m);
	}
	ret->ham = (t.ham + LESSON_EXPLICIT - 1) / LESSON_EXPLICIT;
	ret->spam = (t.spam + LESSON_EXPLICIT - 1) / LESSON_EXPLICIT;
	ret->lessons = ret->ham + ret->spam;
	(void)pthread_rwlock_unlock(&mine->lock);
}
