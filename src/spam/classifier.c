/* classifier.c: the models in memory, and how likely is this spam? Loads counts at start, keeps one model an account over the shared one,
 * scores on any thread under a read lock. Leaves arithmetic to bayes.c, changing counts to teach.c, hearing of acts to train.c. Failures:
 * counts that cannot be read leave the classifier knowing nothing, told once through on_ready. */
#include "spam/classifier_int.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "spam/bayes.h"

struct load { /* the first job */
	struct job job;
	struct classifier *c;
	char **names; /* owned; of models, "" among them */
	size_t n, room;
	struct err err;
};

static void on_model(void *self, struct slice name)
{
	struct load *l = self;

	if (l->n == l->room)
		l->names = mem_grow(l->names, l->room = l->room * 2 + 8, sizeof(*l->names));
	l->names[l->n++] = mem_strndup(name.p, name.n);
}

static void on_change(void *self, const struct feature_change *c)
{
	model_change(self, c);
}

/* What was taught to an account that is gone is what others know, as before. */
static int load_model(struct load *l, struct slice name)
{
	struct model *m = classifier_model(l->c, name);

	return (tokens_load(l->c->store, name, &m->totals, on_change, m, &m->fresh, &l->err));
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

/* Counts of another tokeniser cannot be taken back: repair makes all again from the lessons. */
static int forget_stale(struct load *l)
{
	bool stale;

	if (tokens_stale(l->c->store, WORDS_VERSION, &stale, &l->err) == -1)
		return (-1);
	return (stale ? tokens_forget(l->c->store, &l->err) : 0);
}

static void load_all(struct load *l)
{
	if (tokens_key(l->c->store, l->c->key, &l->err) == -1 || forget_stale(l) == -1 ||
	    tokens_each_model(l->c->store, on_model, l, &l->err) == -1)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (load_model(l, slice_of(l->names[i])) == -1)
			return;
}

static void load_run(struct job *j) /* lane STORE_SPAM */
{
	struct load *l = (struct load *)j;

	(void)pthread_rwlock_wrlock(&l->c->lock);
	load_all(l);
	(void)pthread_rwlock_unlock(&l->c->lock);
}

static void load_done(struct job *j)
{
	struct load *l = (struct load *)j;
	struct classifier *c = l->c;
	bool good = l->err.kind == ERR_NONE;

	if (!c->stopped) {
		if (good) {
			c->ready = true;
			c->train = train_start(c);
			c->repair = repair_start(repair_relearn(c, NULL, NULL, NULL), NULL);
			c->unmoved = unmoved_start(c);
		}
		c->on_ready(c->self, good ? NULL : &l->err);
	}
	for (size_t i = 0; i < l->n; i++)
		free(l->names[i]);
	free(l->names);
	free(l);
	classifier_release(c);
}

static void load_start(struct classifier *c)
{
	struct load *l = NEW(struct load);

	l->c = c;
	l->job = (struct job){ .run = load_run, .done = load_done };
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
	load_start(c);
	return (c);
}

/* One walk over the lessons' messages at a time, and one that waits for its end. */
static int repair_make_room(const struct classifier *c, const char *what, struct err *err)
{
	if (c->ready && !c->stopped && repair_has_room(c->repair))
		return (0);
	return (err_set(err, ERR_BUSY,
	    "%s: counts are being made again already, or the filter is not ready; try again in a "
	    "moment",
	    what));
}

int classifier_relearn(struct classifier *c, const char *account,
    void (*on_relearned)(void *self, size_t lessons, size_t counted, const struct err *err),
    void *self, struct err *err)
{
	if (repair_make_room(c, "relearn", err) == -1)
		return (-1);
	c->repair = repair_start(repair_relearn(c, account, on_relearned, self), c->repair);
	return (0);
}

int classifier_import(struct classifier *c, const struct lesson *v, size_t n,
    void (*on_imported)(void *self, size_t lessons, size_t found, const struct err *err),
    void *self, struct err *err)
{
	if (repair_make_room(c, "import", err) == -1)
		return (-1);
	c->repair = repair_start(repair_import(c, v, n, on_imported, self), c->repair);
	return (0);
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
	unmoved_free(c->unmoved);
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
	classifier_hold(c);
	c->stopped = true;
	repair_stop(c->repair);
	unmoved_stop(c->unmoved);
	train_stop(c->train);
	c->train = NULL;
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
		t.hams += c->all[i] != own ? c->all[i]->totals.hams : 0;
		t.spams += c->all[i] != own ? c->all[i]->totals.spams : 0;
	}
	return (t);
}

static struct model_totals others_counts(
    const struct classifier *c, const struct model *own, uint32_t feature)
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

const struct model *classifier_own(struct classifier *c, const char *account)
{
	static const struct model nobody;
	const struct model *own = map_get(c->models, slice_of(account));

	return (own != NULL ? own : &nobody);
}

struct bayes_counts classifier_totals(
    const struct classifier *c, const struct model *own, double share)
{
	return (blend(own->totals, others_totals(c, own), share));
}

struct bayes_counts classifier_counts(
    const struct classifier *c, const struct model *own, uint64_t feature, double share)
{
	uint32_t cut = model_feature(feature);
	struct feature_count mine = model_get(own, cut);

	return (blend((struct model_totals){ .ham = mine.ham, .spam = mine.spam },
	    others_counts(c, own, cut), share));
}

void classifier_score(
    struct classifier *c, const char *account, const struct features *f, struct spam_score *ret)
{
	const struct model *own;
	struct bayes b;
	double share;

	(void)pthread_rwlock_rdlock(&c->lock);
	own = classifier_own(c, account);
	share = bayes_share(&own->totals);
	bayes_start(&b, classifier_totals(c, own, share));
	for (size_t i = 0; i < f->n; i++)
		(void)bayes_add(&b, (unsigned)(f->v[i] & WORDS_CLASS),
		    classifier_counts(c, own, f->v[i], share));
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
	ret->ham = t.hams;
	ret->spam = t.spams;
	ret->lessons = t.hams + t.spams;
	(void)pthread_rwlock_unlock(&mine->lock);
}
