/* ops_spam.c: what does the filter think of this message, and what shall it learn? Messages come as
 * bodies, LF or CRLF. */
#include "admin/ops_int.h"

#include <stdlib.h>

#include "core/mem.h"
#include "spam/verdict.h"

bool ops_account(struct ops_call *c, const char **ret)
{
	struct slice name = ops_param(c, "account");

	*ret = "";
	if (name.n == 0)
		return (true);
	if (store_account(c->ops->store, name) == NULL) {
		(void)err_set(&c->err, ERR_NOT_FOUND, "no account \"%.*s\" in the configuration",
		    SLICE_ARG(name));
		ops_fail(c, &c->err);
		return (false);
	}
	*ret = name.p;
	return (true);
}

static void classify_run(struct job *j)
{
	struct ops_call *c = (struct ops_call *)j;
	struct slice message = message_form(c->arena, c->q.body);
	struct spam_score score;
	struct facts facts = { 0 };
	struct verdict verdict;
	struct header header;
	struct features words;
	struct mime mime;
	struct json out;
	header_parse(c->arena, message, &header);
	mime_parse(c->arena, message, &mime);
	features_of(c->ops->classifier, &mime, &words);
	classifier_score(c->ops->classifier, c->arg[0].p, &words, &score);
	features_free(&words);
	facts.header = &header;
	facts.mime = &mime;
	facts.account = c->arg[0].p;
	facts.has_bayes = score.known;
	facts.bayes = score.probability;
	facts.bayes_confidence = score.confidence;
	verdict_judge(c->arena, &facts, c->ops->cfg, &verdict);
	json_begin(&out, &c->out);
	json_open(&out, NULL, '{');
	json_put_stringz(&out, "verdict", verdict.act < VERDICT_JUNK ? "ham" : "spam");
	json_put_bool(&out, "reject", verdict.act == VERDICT_REJECT);
	json_put_real(&out, "score", verdict.score);
	json_put_bool(&out, "learned", score.known);
	json_put_real(&out, "probability", score.probability);
	json_put_real(&out, "confidence", score.confidence);
	json_open(&out, "points", '[');
	for (size_t i = 0; i < verdict.n; i++) {
		json_open(&out, NULL, '{');
		json_put_stringz(&out, "rule", verdict.points[i].rule);
		json_put_real(&out, "points", verdict.points[i].points);
		json_close(&out, '}');
	}
	json_close(&out, ']');
	json_close(&out, '}');
}

/* Work on the filter's lane with the classifier, which must outlive it: a stop may come meanwhile.
 */
static void spam_done(struct job *j)
{
	struct ops_call *c = (struct ops_call *)j;
	struct classifier *classifier = c->ops->classifier;

	ops_reply_json(c);
	classifier_release(classifier);
}

static void spam_work(struct ops_call *c, const char *account, void (*run)(struct job *j))
{
	c->arg[0] = slice_of(account);
	c->job = (struct job){ .run = run, .done = spam_done };
	if (lane_put(store_lane(c->ops->store, STORE_SPAM), &c->job) == -1) {
		(void)err_set(&c->err, ERR_BUSY, "the filter is busy; try again in a moment");
		ops_fail(c, &c->err);
		return;
	}
	classifier_hold(c->ops->classifier);
}

static bool has_message(struct ops_call *c)
{
	if (c->q.body.n > 0)
		return (true);
	(void)err_set(&c->err, ERR_PEER, "no message was given");
	ops_fail(c, &c->err);
	return (false);
}

void ops_spam_classify(struct ops_call *c)
{
	const char *account;

	if (!has_message(c) || !ops_account(c, &account))
		return;
	spam_work(c, account, classify_run);
}

static void on_learned(void *self, bool changed, const struct err *err)
{
	struct ops_call *c = self;
	struct json j;

	if (err != NULL) {
		ops_fail(c, err);
		return;
	}
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_bool(&j, "changed", changed);
	json_close(&j, '}');
	ops_reply_json(c);
}

void ops_spam_learn(struct ops_call *c)
{
	static const struct {
		struct slice name;
		enum lesson_class as;
	} classes[] = {
		{ SLICE_INIT("ham"), LESSON_HAM },
		{ SLICE_INIT("spam"), LESSON_SPAM },
		{ SLICE_INIT("none"), LESSON_NONE },
	};
	struct slice as = ops_param(c, "class");
	const char *account;

	if (!has_message(c) || !ops_account(c, &account))
		return;
	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		if (slice_eq(as, classes[i].name)) {
			classifier_learn(
			    c->ops->classifier, account, c->q.body, classes[i].as, on_learned, c);
			return;
		}
	}
	(void)err_set(&c->err, ERR_PEER, "a message is learned as ham, spam or none");
	ops_fail(c, &c->err);
}

static void stats_run(struct job *j)
{
	struct ops_call *c = (struct ops_call *)j;
	struct classifier_stats st;
	struct json out;

	classifier_stats(c->ops->classifier, c->arg[0].p, &st);
	json_begin(&out, &c->out);
	json_open(&out, NULL, '{');
	json_put_string(&out, "account", c->arg[0]);
	json_put_uint(&out, "ham", st.ham);
	json_put_uint(&out, "spam", st.spam);
	json_put_uint(&out, "features", st.features);
	json_put_uint(&out, "lessons", st.lessons);
	json_put_uint(&out, "pending", st.pending);
	json_close(&out, '}');
}

void ops_spam_stats(struct ops_call *c)
{
	const char *account;

	if (ops_account(c, &account))
		spam_work(c, account, stats_run);
}

void ops_taught(
    struct ops_call *c, size_t lessons, const char *what, size_t n, const struct err *err)
{
	struct json j;

	if (err != NULL) {
		ops_fail(c, err);
		return;
	}
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_uint(&j, "lessons", lessons);
	json_put_uint(&j, what, n);
	json_close(&j, '}');
	ops_reply_json(c);
}

static void on_relearned(void *self, size_t lessons, size_t counted, const struct err *err)
{
	ops_taught(self, lessons, "counted", counted, err);
}

void ops_spam_relearn(struct ops_call *c)
{
	const char *account;

	if (!ops_account(c, &account))
		return;
	if (account[0] == '\0')
		(void)err_set(&c->err, ERR_PEER, "name the account that is to be learned again");
	else if (classifier_relearn(c->ops->classifier, account, on_relearned, c, &c->err) == 0)
		return;
	ops_fail(c, &c->err);
}
