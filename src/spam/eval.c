/* eval.c: how good is the classifier on a stream of labelled mail? No configuration, no store: an empty model, and for each line
 * the verdict is printed before the label is used. Policies say how an owner labels: toe every message by an act, err only what was
 * judged wrongly. The others leave the rest where it was filed, which teaches a day of mail later what it teaches on a server
 * (unmoved_mark.c): own corrects all mistakes at once, lazy80 and lazy50 that share of them. */
#include <stdio.h>
#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "spam/bayes.h"
#include "spam/model.h"
#include "spam/unmoved.h"
#include "spam/words.h"

enum { EXIT_GOOD = 0, EXIT_USAGE_ = 64, EXIT_TEMPORARY = 75, LINE_MAX_ = 8192 };
enum { DAY = 50 }; /* messages */
#define JUNK_POINTS 6.0 /* the classifier alone reaches the default [score] junk */
#define UNSURE_POINTS 2.0

enum policy { POLICY_TOE, POLICY_ERR, POLICY_LAZY50, POLICY_LAZY80, POLICY_OWN };
static const char *const policies[] = { "toe", "err", "lazy50", "lazy80", "own" };
static const char *const verdicts[] = { "unsure", "ham", "spam" }; /* by enum lesson_class */

struct eval {
	enum policy policy;
	struct model model;
	struct left { /* where it was put, in the last DAY */
		struct features features;
		double points;
		enum lesson_class verdict;
	} left[DAY];
	size_t left_at;
	uint64_t dice; /* which mistakes a lazy owner corrects: the same in every run */
};

static int read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	size_t n = 1;

	while (f != NULL && n > 0) {
		char *at = buf_room(out, 65536);

		n = at != NULL ? fread(at, 1, 65536, f) : 0;
		buf_grew(out, n);
	}
	if (f == NULL || ferror(f))
		out->failed = true;
	if (f != NULL)
		(void)fclose(f);
	return (out->failed ? -1 : 0);
}

static double judge(const struct eval *e, const struct features *f, double *ret_raw)
{
	struct bayes b;
	struct spam_score s;

	bayes_start(&b, bayes_messages((double)e->model.totals.ham, (double)e->model.totals.spam));
	for (size_t i = 0; i < f->n; i++) {
		struct feature_count c = model_get(&e->model, model_feature(f->v[i]));

		(void)bayes_add(
		    &b, (unsigned)(f->v[i] & WORDS_CLASS), bayes_messages(c.ham, c.spam));
	}
	bayes_end(&b, &s, ret_raw);
	return (bayes_points(s.probability, s.confidence));
}

static enum lesson_class verdict_of(double points)
{
	return (points >= JUNK_POINTS     ? LESSON_SPAM
		: points >= UNSURE_POINTS ? LESSON_NONE
					  : LESSON_HAM);
}

/* Does the owner of this policy act after this verdict? */
static bool acts(struct eval *e, enum lesson_class truth, enum lesson_class verdict)
{
	bool wrong = (truth == LESSON_SPAM) != (verdict == LESSON_SPAM);
	unsigned share = e->policy == POLICY_LAZY50 ? 50 : e->policy == POLICY_LAZY80 ? 80 : 100;

	if (e->policy == POLICY_TOE || e->policy == POLICY_ERR)
		return (e->policy == POLICY_TOE || wrong);
	e->dice = e->dice * 6364136223846793005 + 1442695040888963407;
	return (wrong && (e->dice >> 33) % 100 < share);
}

/* Nobody moved it for a day: what does that teach by now? */
static void learn_left(struct eval *e, const struct left *l)
{
	struct unmoved_case m = { .junked = l->verdict == LESSON_SPAM,
		.score = l->points,
		.junk = JUNK_POINTS,
		.role = l->verdict == LESSON_SPAM ? ROLE_JUNK : ROLE_INBOX,
		.points = judge(e, &l->features, NULL),
		.known = e->model.totals };

	model_learn(&e->model, &l->features, unmoved_mark(&m), false);
}

/* Takes the features over. */
static void leave(struct eval *e, struct features f, double points)
{
	struct left *l = &e->left[e->left_at++ % DAY];

	if (e->left_at > DAY)
		learn_left(e, l);
	features_free(&l->features);
	*l = (struct left){ f, points, verdict_of(points) };
}

static int one_line(struct eval *e, struct slice line)
{
	static const unsigned char key[16] = "pennypost's eval"; /* any: nobody attacks this run */
	struct slice label, rest, path, more;
	struct buf in = BUF_INIT(2 * (size_t)L_SIZE);
	enum lesson_class verdict, truth;
	struct features f;
	struct arena *a;
	struct mime m;
	char *name;
	double raw, points;

	(void)slice_cut(line, '\t', &label, &rest);
	(void)slice_cut(rest, '\t', &path, &more);
	name = mem_strndup(path.p, path.n);
	if (read_file(name, &in) == -1) {
		(void)fprintf(stderr, "pennypost: cannot read %s\n", name);
		free(name);
		buf_free(&in);
		return (-1);
	}
	a = arena_new(0);
	mime_parse(a, message_form(a, buf_slice(&in)), &m);
	words_of(key, NULL, &m, NULL, &f);
	points = judge(e, &f, &raw);
	verdict = verdict_of(points);
	(void)printf("%.*s\t%.6f\t%s\t%s\n", (int)label.n, label.p, raw, verdicts[verdict], name);
	(void)fflush(stdout); /* out before the label is looked at */
	truth = slice_eq(label, SLICE("spam")) ? LESSON_SPAM
	    : slice_eq(label, SLICE("ham"))    ? LESSON_HAM
					       : LESSON_NONE;
	if (truth != LESSON_NONE && acts(e, truth, verdict)) {
		model_learn(&e->model, &f, (struct lesson_mark){ truth, LESSON_EXPLICIT }, false);
		features_free(&f);
	} else if (truth != LESSON_NONE && e->policy != POLICY_ERR) {
		leave(e, f, points);
	} else {
		features_free(&f);
	}
	arena_free(a);
	buf_free(&in);
	free(name);
	return (0);
}

int spam_eval(const struct eval_options *o)
{
	struct eval e = { .policy = POLICY_TOE, .dice = 20261123 };
	char line[LINE_MAX_];
	int r = EXIT_GOOD;
	size_t p = 0;
	FILE *f;

	while (o->policy != NULL && p < COUNT_OF(policies) && strcmp(o->policy, policies[p]) != 0)
		p++;
	if (p == COUNT_OF(policies)) {
		(void)fprintf(
		    stderr, "pennypost: policy is one of toe, err, lazy50, lazy80, own\n");
		return (EXIT_USAGE_);
	}
	e.policy = (enum policy)p;
	f = strcmp(o->index, "-") == 0 ? stdin : fopen(o->index, "r");
	if (f == NULL) {
		(void)fprintf(stderr, "pennypost: cannot open %s\n", o->index);
		return (EXIT_TEMPORARY);
	}
	model_init(&e.model);
	while (r == EXIT_GOOD && fgets(line, sizeof(line), f) != NULL) {
		struct slice s = slice_trim(slice_of(line));

		if (s.n > 0 && one_line(&e, s) == -1)
			r = EXIT_TEMPORARY;
	}
	for (size_t i = 0; i < DAY; i++)
		features_free(&e.left[i].features);
	model_free(&e.model);
	if (f != stdin)
		(void)fclose(f);
	return (r);
}
