/* classifier_int.h (inside spam): the classifier as its files see it: classifier.c (models, scoring), teach.c (lessons made durable, then
 * counted), train.c (acts of people to lessons). Everything is the loop's but what is under the lock. */
#ifndef SPAM_CLASSIFIER_INT_H
#define SPAM_CLASSIFIER_INT_H

#include <pthread.h>

#include "core/map.h"
#include "core/work.h"
#include "spam/bayes.h"
#include "spam/model.h"
#include "spam/words.h"

struct train;
struct repair;
struct unmoved;

struct classifier {
	struct store *store;
	char *hostname;        /* owned */
	unsigned char key[16]; /* fixed once ready */
	pthread_rwlock_t lock;
	/* Under the lock. The shared model is the sum of all these: what was taught to nobody in
	 * particular, and one model an account, also of accounts that are gone. */
	struct model rest;
	struct map *models;       /* account name to struct model, owned */
	const struct model **all; /* owned: rest, and each of them */
	size_t all_n;
	struct lane *lane;     /* features of messages given by hand: WORK_CRYPTO */
	struct train *train;   /* NULL until ready */
	struct repair *repair; /* the first of a line, freed with this: visits read its list */
	struct unmoved *unmoved; /* the same */
	unsigned jobs;         /* under way and holding this object */
	uint64_t pending;      /* lessons under way */
	bool ready, stopped;
	void (*on_ready)(void *self, const struct err *err);
	void *self;
};

/* One content to learn. */
struct lesson_item {
	unsigned char content_id[16];
	struct features features; /* owned */
	char *message_id;         /* owned; as written, "" when there is none */
	struct lesson_mark as;    /* an act: LESSON_EXPLICIT; less never replaces more */
	/* Out of Quarantine: this sender, whose domain was proved then, is a correspondent from now on;
	 * owned, NULL: nobody */
	char *allow;
	int64_t at;               /* when it was taught; 0: now */
	bool recount;             /* as the log of lessons says by then; teaches nothing new */
	bool changed;             /* ret: it was not known so before */
};
struct teach {
	struct job job;
	struct classifier *c;
	char *account;
	struct lesson_item *v; /* owned */
	size_t n;
	struct err err;       /* kind ERR_NONE: all durable and counted */
	struct slice message; /* by hand: borrowed until features are made */
	void (*on_taught)(void *self, const struct teach *t); /* loop */
	void *self;
	void *owned;  /* freed with this */
	bool by_hand; /* on_taught comes after a stop too */
};
enum { TEACH_BATCH = 32 };

/* teach_start: takes v over. Lessons durable on STORE_STATE, counts on STORE_SPAM, one log line for each that changed something, then
 * on_taught, after which t is gone. Never refuses: callers keep few batches under way. */
void teach_start(struct classifier *c, const char *account, struct lesson_item *v, size_t n,
    void (*on_taught)(void *self, const struct teach *t), void *self);
/* On any thread: everything of an item but its class. */
void lesson_item_fill(const struct classifier *c, struct slice message,
    const unsigned char *content_id, struct lesson_item *ret);
void lesson_item_empty(struct lesson_item *l); /* as before it was filled */
void lesson_items_free(struct lesson_item *v, size_t n);
/* Under the lock: the account's own model, never NULL; its messages, and those with a feature, blended with what others know. */
const struct model *classifier_own(struct classifier *c, const char *account);
struct bayes_counts classifier_totals(
    const struct classifier *c, const struct model *own, double share);
struct bayes_counts classifier_counts(
    const struct classifier *c, const struct model *own, uint64_t feature, double share);
/* Under the write lock. */
struct model *classifier_model(struct classifier *c, struct slice account);

/* train.c */
struct train *train_start(struct classifier *c);
void train_stop(struct train *t); /* accepts NULL */
/* Messages that are read for another reason than an act. The reader lives as long as the classifier, and what it says is
 * settled while a reading is under way. */
struct reading {
	/* Worker, before the message is read. */
	bool (*wants)(const void *reader, const char *account, const unsigned char content_id[16]);
	/* Worker: as what it is taught, by now all of ${l} but as and recount is there. False: not at all. */
	bool (*weighs)(void *reader, const char *account, struct lesson_item *l);
	/* Loop, once all is taught, but not after train_stop; NULL: nobody wants to know. */
	void (*on_read)(void *reader, const struct err *err);
};
/* Takes uids over; in turn with the acts. Never calls back before it returns. */
void train_read(struct train *t, struct account *a, struct folder *f, uint32_t *uids, size_t n,
    const struct reading *reading, void *reader);
struct store_event;
struct event_message;
/* The table of DESIGN section 5: what this act teaches about this message. Pure. */
enum lesson_class train_lesson(
    const struct store_event *ev, const struct event_message *m, enum folder_role to);

/* repair.c */
/* Walks over the lessons' messages. Made by the next two, begun by repair_start. ${account}: its counts are
 * forgotten before; NULL: nobody's are. */
struct repair *repair_relearn(struct classifier *c, const char *account,
    void (*on_relearned)(void *self, size_t lessons, size_t counted, const struct err *err),
    void *self);
/* Lessons of a file, for accounts that have their messages. */
struct repair *repair_import(struct classifier *c, const struct lesson *v, size_t n,
    void (*on_imported)(void *self, size_t lessons, size_t found, const struct err *err),
    void *self);
/* Begins ${r}, in the background, or lets it wait until ${first}, who heads the line and is taken over (NULL:
 * none), has ended. Returns who heads the line now. There is room. */
struct repair *repair_start(struct repair *r, struct repair *first);
/* May one more join the line? Accepts NULL. */
bool repair_has_room(const struct repair *first);
/* Loop, once the classifier is stopped: asks no more, and tells all who wait; accepts NULL. */
void repair_stop(struct repair *first);
/* With those who wait; when nothing reads their lists any more; accepts NULL. */
void repair_free(struct repair *first);

/* unmoved.c */
struct unmoved *unmoved_start(struct classifier *c); /* in the background */
void unmoved_stop(struct unmoved *u);                /* loop: begins nothing more; accepts NULL */
void unmoved_free(struct unmoved *u); /* when nothing reads its list any more; accepts NULL */

#endif
