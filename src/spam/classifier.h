/* classifier.h: the Bayesian classifier as others use it: score a message, learn from acts, and the
 * words of a message. Models are in memory (compact), counts in spam.sqlite, lessons in
 * state.sqlite (store/learn.h). Loop-side object; scoring itself is a pure function on a snapshot
 * that any thread may call. */
#ifndef SPAM_CLASSIFIER_H
#define SPAM_CLASSIFIER_H

#include "msg/mime.h"
#include "store/learn.h"
#include "store/mailbox.h"

struct classifier;

/* classifier_start: loads the models (on the STORE_SPAM lane), compares lessons with applied counts
 * and repairs, then watches the store for acts by SPECIAL-USE (train.c). on_ready once. */
struct classifier *classifier_start(
    struct store *s, void (*on_ready)(void *self, const struct err *err), void *self);
void classifier_stop(struct classifier *c);
/* A job on another thread that uses it: hold before, release after, both on the loop. It outlives a
 * stop in between. */
void classifier_hold(struct classifier *c);
void classifier_release(struct classifier *c);

struct spam_score {
	bool known;         /* false: nothing learned yet */
	double probability; /* of spam */
	double confidence;  /* 0..1 */
};
/* Features of a message, computed on a worker once and used for every account and for learning. */
struct features {
	uint64_t *v; /* distinct, sorted; owned */
	size_t n;
};
void features_of(
    const struct classifier *c, const struct mime *m, struct features *ret); /* any thread */
void features_free(struct features *f);
/* form.c: a message as it lies in a file (an mbox line in front, LF or CRLF) as it would arrive:
 * CRLF. Any thread; the answer is in the arena. */
struct slice message_form(struct arena *a, struct slice file);
/* Any thread; takes the model's read lock shortly. account "" : the shared model alone. */
void classifier_score(
    struct classifier *c, const char *account, const struct features *f, struct spam_score *ret);

/* strongest.c: the words that said most, for a person who asks. pull: their part of the logarithm of
 * the odds, above 0 for spam, the strongest first; ham, spam: messages that had it. Any thread. */
enum { STRONGEST = 12 };
struct strong_word {
	struct slice text; /* in the arena; as the message wrote it, perhaps no UTF-8 */
	double pull, ham, spam;
};
struct strongest {
	struct strong_word spam[STRONGEST], ham[STRONGEST];
	size_t spam_n, ham_n;
};
void classifier_strongest(struct classifier *c, const char *account, const struct mime *m,
    struct arena *a, struct strongest *ret);

/* Lessons by hand (commands), always LESSON_EXPLICIT: durable before on_learned. Reversal of an
 * earlier lesson is exact. class LESSON_NONE: forget. What was begun is finished: on_learned comes once, after a
 * stop too. Logs "learned message as ham: <message-id>" / "learned message as spam: <message-id>".
 */
void classifier_learn(struct classifier *c, const char *account,
    struct slice message /* as message_form takes it; borrowed until on_learned */,
    enum lesson_class as, void (*on_learned)(void *self, bool changed, const struct err *err),
    void *self);
/* The account's counts are forgotten and made again from its lessons whose messages are still there: those count as before, the others
 * no more (their lessons stay). on_relearned comes once, after a stop too. It waits while
 * counts are made again for another reason, as after a start. -1: ERR_BUSY, one waits already. */
int classifier_relearn(struct classifier *c, const char *account,
    void (*on_relearned)(void *self, size_t lessons, size_t counted, const struct err *err),
    void *self, struct err *err);
/* Lessons that were exported (spam/exported.h) are taught again, at the weight and time they say, where their accounts have the messages;
 * known ones change nothing, and a weightier one that is known stays. ${v} is borrowed until this returns. on_imported comes once, after a
 * stop too. -1: ERR_BUSY, as classifier_relearn. */
int classifier_import(struct classifier *c, const struct lesson *v, size_t n,
    void (*on_imported)(void *self, size_t lessons, size_t found, const struct err *err),
    void *self, struct err *err);
struct classifier_stats {
	uint64_t ham, spam, lessons; /* messages, whatever their weight */
	uint64_t features, pending;
};
/* Any thread. The shared model's takes long where there are several accounts. */
void classifier_stats(
    const struct classifier *c, const char *account, struct classifier_stats *ret);

/* eval.c: no store: empty model, reads "label<TAB>path[<TAB>...]" lines, prints
 * "label<TAB>score<TAB>verdict<TAB>path" before learning each. Returns an exit code. */
struct eval_options {
	const char *index;  /* "-": standard input */
	const char *policy; /* toe err lazy50 lazy80 own */
};
int spam_eval(const struct eval_options *o);
/* measure.c: how often each rule fires on the lines of such an index; an exit code. */
int spam_measure(const char *index);

#endif
