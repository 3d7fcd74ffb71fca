/* learn.h: what the classifier keeps: the log of lessons (state.sqlite, FULL: the truth) and the
 * counts (spam.sqlite, NORMAL: rebuildable). Every function says its lane. A lesson is one content
 * of one account taught as one class under one tokeniser version: idempotent, and undone exactly
 * (DESIGN section 5). */
#ifndef STORE_LEARN_H
#define STORE_LEARN_H

#include "core/arena.h"
#include "store/store.h"

enum lesson_class { LESSON_NONE, LESSON_HAM, LESSON_SPAM };
/* What a lesson weighs, in units; every count below is a sum of units. An act of a person weighs
 * LESSON_EXPLICIT, what was merely left where we put it LESSON_IMPLICIT, with a sign besides that it was
 * right (an answer, a folder of its own) LESSON_LIKELY. Any weight from 1 to LESSON_EXPLICIT is a weight. */
enum { LESSON_IMPLICIT = 1, LESSON_LIKELY = 2, LESSON_EXPLICIT = 4 };
struct lesson_mark { /* what one content counts as; LESSON_NONE: nothing, whatever the weight */
	enum lesson_class is;
	unsigned weight;
};
struct lesson {
	struct slice account; /* empty: the shared model alone */
	unsigned char content_id[16];
	struct lesson_mark mark;
	unsigned version; /* of the tokeniser */
	int64_t at;
};
/* lane: STORE_STATE. put replaces; a mark of LESSON_NONE removes. Durable on return.
 * Whether a lesson may replace another is the business of spam/ (teach.c). */
int lesson_get(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson *ret, struct err *err); /* mark.is = LESSON_NONE when none */
int lesson_put(struct store *s, const struct lesson *l, struct err *err);
int lesson_each(struct store *s, void (*on_lesson)(void *self, const struct lesson *l), void *self,
    struct err *err);

/* lane: STORE_STATE. How far a walk that teaches unasked has come, by its name; durable on return. 0: it never began. */
int progress_get(struct store *s, const char *name, int64_t *ret, struct err *err);
int progress_put(struct store *s, const char *name, int64_t value, struct err *err);

/* Counts. A model is what was taught to one account (its name) or to nobody in particular (""). A
 * feature is a number, cut from a keyed hash by spam/model.c; the key is kept in spam.sqlite. lane:
 * STORE_SPAM. */
struct feature_count {
	uint32_t feature;
	uint32_t ham, spam; /* units */
};
struct feature_change {
	uint32_t feature;
	int64_t ham, spam; /* units to add, or below 0 to take away */
};
struct model_totals {
	uint64_t ham, spam;   /* units learned */
	uint64_t hams, spams; /* lessons */
};
int tokens_key(struct store *s, unsigned char ret_key[16], struct err *err); /* made on first use */
/* tokens_apply: count one message's features as ${is} and no longer as what is recorded, and record
 * in the same transaction that this content is applied so for this account. Costs one row, however
 * many features. A repetition changes nothing. Applied under another tokeniser version: ERR_CANNOT
 * (forget and replay). */
int tokens_apply(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark is, unsigned version, const uint32_t *features, size_t n, struct err *err);
int tokens_applied(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark *ret, struct err *err);
int tokens_each_applied(struct store *s,
    void (*on_applied)(
	void *self, struct slice account, const unsigned char content_id[16], struct lesson_mark is),
    void *self, struct err *err);
int tokens_each_model(struct store *s, void (*on_model)(void *self, struct slice name), void *self,
    struct err *err);
/* tokens_load: all that makes a model, in the order it came: added up, with no count below zero on
 * the way, it is the model. ret_fresh: how many of these changes are not yet part of the whole. */
int tokens_load(struct store *s, struct slice model, struct model_totals *ret_totals,
    void (*on_change)(void *self, const struct feature_change *c), void *self, size_t *ret_fresh,
    struct err *err);
/* tokens_write: the counts as they are now replace all changes so far. list gives those of one part
 * by rising feature, at most ${largest}. */
int tokens_write(struct store *s, struct slice model, unsigned parts, size_t largest,
    size_t (*list)(const void *self, unsigned part, struct feature_count *v), const void *self,
    struct err *err);
/* tokens_stale: is anything applied under another version than this one? */
int tokens_stale(struct store *s, unsigned version, bool *ret, struct err *err);
/* The same of one account. */
int tokens_forget_account(struct store *s, struct slice account, struct err *err);
int tokens_forget(
    struct store *s, struct err *err); /* all counts and applied marks; then lessons are replayed */

#endif
