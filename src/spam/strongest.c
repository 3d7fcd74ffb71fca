/* strongest.c: which words of a message said most, for spam and against it? The same features, counts and arithmetic as the score, with
 * each feature's name and its share of the sum. For a person who asks, never on the way of mail. Leaves naming to words.c, weights to
 * bayes.c. Failures: none. */
#include <math.h>

#include "core/mem.h"
#include "spam/bayes.h"
#include "spam/classifier_int.h"

struct search {
	struct classifier *c;
	const struct model *own;
	double share;
	struct arena *arena;
	struct bayes bayes;
	struct strongest *ret;
};

/* Into its place among the strongest of its side, if it has one. */
static void place(struct search *s, struct strong_word *v, size_t *n, struct strong_word w)
{
	size_t at = *n;

	while (at > 0 && fabs(v[at - 1].pull) < fabs(w.pull))
		at--;
	if (at == STRONGEST)
		return;
	w.text = slice_of(arena_strdup(s->arena, w.text));
	*n += *n < STRONGEST;
	memmove(v + at + 1, v + at, (*n - at - 1) * sizeof(*v));
	v[at] = w;
}

static void on_feature(void *self, uint64_t feature, struct slice text)
{
	struct search *s = self;
	struct bayes_counts counts = classifier_counts(s->c, s->own, feature, s->share);
	struct strong_word w = { .text = text, .ham = counts.ham, .spam = counts.spam };

	w.pull = bayes_add(&s->bayes, (unsigned)(feature & WORDS_CLASS), counts);
	if (w.pull > 0)
		place(s, s->ret->spam, &s->ret->spam_n, w);
	else if (w.pull < 0)
		place(s, s->ret->ham, &s->ret->ham_n, w);
}

static void scale(struct strong_word *v, size_t n, double by)
{
	for (size_t i = 0; i < n; i++)
		v[i].pull *= by;
}

void classifier_strongest(struct classifier *c, const char *account, const struct mime *m,
    struct arena *a, struct strongest *ret)
{
	struct search s = { .c = c, .arena = a, .ret = ret };
	struct words_trace trace = { .on_feature = on_feature, .self = &s };
	struct spam_score score;
	struct features f;
	double raw;

	*ret = (struct strongest){ 0 };
	(void)pthread_rwlock_rdlock(&c->lock);
	s.own = classifier_own(c, account);
	s.share = bayes_share(&s.own->totals);
	bayes_start(&s.bayes, classifier_totals(c, s.own, s.share));
	words_of(c->key, c->hostname, m, &trace, &f);
	(void)pthread_rwlock_unlock(&c->lock);
	features_free(&f);
	bayes_end(&s.bayes, &score, &raw);
	/* what was added up is shared out of what came of it */
	scale(ret->spam, ret->spam_n, s.bayes.evidence != 0 ? raw / s.bayes.evidence : 0);
	scale(ret->ham, ret->ham_n, s.bayes.evidence != 0 ? raw / s.bayes.evidence : 0);
}
