/* teach.c: how does a lesson become knowledge? First durable in the log of lessons (STORE_STATE), then in the counts (STORE_SPAM) and, in
 * the same job, in the models in memory, so both always tell the same. A lesson known already changes nothing; another class or
 * a greater weight for the same content undoes the first exactly and takes its place; a lesson that weighs less than what is known changes
 * nothing, so what lies unmoved never outvotes an act. A stop between the two leaves a lesson without counts: the marks of what was counted say so. Failures:
 * told to on_taught; what a batch did before its failure stays, and trying again is harmless. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "spam/classifier_int.h"

/* Changes of so many features, and of this share of all known, may lie beside the whole on disk. */
enum { FRESH_MIN = 65536, FRESH_SHARE = 8 };
#include "store/reputation.h"
#include "store/senders.h"

static void teach_free(struct teach *t)
{
	struct classifier *c = t->c;

	lesson_items_free(t->v, t->n);
	free(t->account);
	free(t->owned);
	free(t);
	classifier_release(c);
}

void lesson_item_empty(struct lesson_item *l)
{
	features_free(&l->features);
	free(l->message_id);
	free(l->allow);
	*l = (struct lesson_item){ 0 };
}

void lesson_items_free(struct lesson_item *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lesson_item_empty(&v[i]);
	free(v);
}

void lesson_item_fill(const struct classifier *c, struct slice message,
    const unsigned char *content_id, struct lesson_item *ret)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	struct arena *a = arena_new(0);
	struct slice id;
	struct mime m;

	if (content_id == NULL) { /* 128 bits of the SHA-256 of the CRLF form (DESIGN 3) */
		if (EVP_Digest(message.p, message.n, digest, NULL, EVP_sha256(), NULL) != 1)
			abort();
		content_id = digest;
	}
	memcpy(ret->content_id, content_id, sizeof(ret->content_id));
	mime_parse(a, message, &m);
	features_of(c, &m, &ret->features);
	id = slice_head(header_value(a, &m.parts[0].header, SLICE("Message-ID")), L_LOG / 2);
	ret->message_id = mem_strndup(id.p != NULL ? id.p : "", id.n);
	arena_free(a);
}

/* The loop's, but told on any thread. */
static void pending_add(struct classifier *c, int64_t n)
{
	(void)__atomic_fetch_add(&c->pending, (uint64_t)n, __ATOMIC_RELAXED);
}

static void log_lesson(const struct lesson_item *l)
{
	const char *id = l->message_id[0] != '\0' ? l->message_id : "<>";

	if (l->as.weight < LESSON_EXPLICIT)
		return; /* nobody did anything that a line could answer */
	if (l->as.is == LESSON_HAM)
		log_text(LOG_INFO, NULL, "learned message as ham: %s", id);
	else if (l->as.is == LESSON_SPAM)
		log_text(LOG_INFO, NULL, "learned message as spam: %s", id);
	else
		log_text(LOG_INFO, NULL, "forgot message: %s", id);
}

/* What an owner says of a message also says something of whoever sent it. */
static void tell_reputation(const struct teach *t)
{
	struct reputation_lesson *v = mem_new_array(t->n, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct lesson_mark *as = &t->v[i].as;

		/* That nobody moved it adds nothing to what was thought of it. */
		if (!t->v[i].changed || as->weight < LESSON_EXPLICIT)
			continue;
		memcpy(v[n].content_id, t->v[i].content_id, sizeof(v[n].content_id));
		v[n++].is = as->is;
	}
	reputation_taught(t->c->store, slice_of(t->account), v, n);
	free(v);
}

static void taught(struct teach *t) /* loop */
{
	struct classifier *c = t->c;

	tell_reputation(t);
	for (size_t i = 0; i < t->n && t->err.kind == ERR_NONE; i++) {
		if (t->v[i].changed)
			log_lesson(&t->v[i]);
		if (t->v[i].allow != NULL)
			log_event(LOG_INFO, NULL, "sender allowed", "account", t->account, "sender",
			    t->v[i].allow, "why", "the owner took mail out of Quarantine", "undo",
			    "pennypost correspondents ACCOUNT forget ADDRESS", NULL);
	}
	pending_add(c, -(int64_t)t->n);
	if (!c->stopped || t->by_hand)
		t->on_taught(t->self, t);
	teach_free(t);
}

static bool same_mark(struct lesson_mark a, struct lesson_mark b)
{
	return (a.is == b.is && (a.is == LESSON_NONE || a.weight == b.weight));
}

static int apply(
    struct classifier *c, struct slice account, const struct lesson_item *l, struct err *err)
{
	uint32_t *v = mem_new_array(l->features.n + 1, sizeof(*v));
	int r;

	for (size_t i = 0; i < l->features.n; i++)
		v[i] = model_feature(l->features.v[i]);
	r = tokens_apply(
	    c->store, account, l->content_id, l->as, WORDS_VERSION, v, l->features.n, err);
	free(v);
	return (r);
}

static size_t list_part(const void *self, unsigned part, struct feature_count *v)
{
	return (model_list(self, part, v));
}

/* Only this lane changes models, so no lock is needed to read one. A failure costs nothing: the
 * changes stay as they are, and the next lesson tries again. */
static void write_whole(struct classifier *c, struct slice account, struct model *m)
{
	size_t largest = 0;
	struct err err = { 0 };

	for (size_t i = 0; i < MODEL_PARTS; i++)
		largest = m->parts[i].live > largest ? m->parts[i].live : largest;
	if (tokens_write(c->store, account, MODEL_PARTS, largest, list_part, m, &err) == 0)
		m->fresh = 0;
}

static int count_one(struct teach *t, const struct lesson_item *l)
{
	struct slice account = slice_of(t->account);
	struct classifier *c = t->c;
	struct lesson_mark was;
	struct model *m;

	if (tokens_applied(c->store, account, l->content_id, &was, &t->err) == -1)
		return (-1);
	if (same_mark(was, l->as))
		return (0);
	if (apply(c, account, l, &t->err) == -1)
		return (-1);
	(void)pthread_rwlock_wrlock(&c->lock);
	m = classifier_model(c, account);
	model_learn(m, &l->features, was, true);
	model_learn(m, &l->features, l->as, false);
	(void)pthread_rwlock_unlock(&c->lock);
	if (m->fresh > FRESH_MIN + model_count(m) / FRESH_SHARE)
		write_whole(c, account, m);
	return (0);
}

static void count_run(struct job *j) /* lane STORE_SPAM */
{
	struct teach *t = (struct teach *)j;

	for (size_t i = 0; i < t->n; i++)
		if (count_one(t, &t->v[i]) == -1)
			return;
}

static void count_done(struct job *j)
{
	taught((struct teach *)j);
}

/* One act with the lesson: who is let out of Quarantine is known from now on. */
static int allow_one(struct teach *t, const struct lesson_item *l)
{
	if (l->allow == NULL)
		return (0);
	return (correspondent_allow(t->c->store, slice_of(t->account), slice_of(l->allow),
	    clock_wall(), &t->err));
}

static int write_one(struct teach *t, struct lesson_item *l)
{
	struct lesson was,
	    now = { .account = slice_of(t->account),
		    .mark = l->as,
		    .version = WORDS_VERSION,
		    .at = l->at != 0 ? l->at : clock_wall() };

	if (lesson_get(t->c->store, now.account, l->content_id, &was, &t->err) == -1)
		return (-1);
	if (l->recount || (was.mark.is != LESSON_NONE && was.mark.weight > l->as.weight))
		l->as = was.mark;
	if (same_mark(was.mark, l->as))
		return (0); /* once is enough (MIM-15) */
	memcpy(now.content_id, l->content_id, sizeof(now.content_id));
	if (lesson_put(t->c->store, &now, &t->err) == -1)
		return (-1);
	l->changed = true;
	return (0);
}

static void lesson_run(struct job *j) /* lane STORE_STATE */
{
	struct teach *t = (struct teach *)j;

	for (size_t i = 0; i < t->n; i++)
		if (allow_one(t, &t->v[i]) == -1 || write_one(t, &t->v[i]) == -1)
			return;
}

static void lesson_done(struct job *j)
{
	struct teach *t = (struct teach *)j;

	if (t->err.kind != ERR_NONE) {
		taught(t);
		return;
	}
	t->job = (struct job){ .run = count_run, .done = count_done };
	lane_force(store_lane(t->c->store, STORE_SPAM), &t->job);
}

static struct teach *teach_new(struct classifier *c, const char *account,
    void (*on_taught)(void *self, const struct teach *t), void *self)
{
	struct teach *t = NEW(struct teach);

	t->c = c;
	t->account = mem_strdup(account);
	t->on_taught = on_taught;
	t->self = self;
	c->jobs++;
	return (t);
}

static void write_lessons(struct teach *t)
{
	t->job = (struct job){ .run = lesson_run, .done = lesson_done };
	lane_force(store_lane(t->c->store, STORE_STATE), &t->job);
}

void teach_start(struct classifier *c, const char *account, struct lesson_item *v, size_t n,
    void (*on_taught)(void *self, const struct teach *t), void *self)
{
	struct teach *t = teach_new(c, account, on_taught, self);

	t->v = v;
	t->n = n;
	pending_add(c, (int64_t)n);
	write_lessons(t);
}

/* --- by hand --- */

struct by_hand {
	void (*on_learned)(void *self, bool changed, const struct err *err);
	void *self;
};

static void on_hand_taught(void *self, const struct teach *t)
{
	struct by_hand *h = self;

	h->on_learned(h->self, t->v[0].changed, t->err.kind == ERR_NONE ? NULL : &t->err);
}

static void features_run(struct job *j) /* lane of our own */
{
	struct teach *t = (struct teach *)j;
	struct arena *a = arena_new(0);

	lesson_item_fill(t->c, message_form(a, t->message), NULL, &t->v[0]);
	arena_free(a);
}

static void features_done(struct job *j)
{
	struct teach *t = (struct teach *)j;

	write_lessons(t);
}

void classifier_learn(struct classifier *c, const char *account, struct slice message,
    enum lesson_class as, void (*on_learned)(void *self, bool changed, const struct err *err),
    void *self)
{
	struct by_hand *h = NEW(struct by_hand);
	struct teach *t = teach_new(c, account, on_hand_taught, h);

	*h = (struct by_hand){ on_learned, self };
	t->owned = h;
	t->by_hand = true; /* who asked may own what is read, and waits */
	t->v = NEW(struct lesson_item);
	t->v[0].as = (struct lesson_mark){ as, LESSON_EXPLICIT };
	t->n = 1;
	t->message = message;
	pending_add(c, 1);
	t->job = (struct job){ .run = features_run, .done = features_done };
	lane_force(c->lane, &t->job);
}
