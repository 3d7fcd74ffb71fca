/* Acts to lessons, with a store made of a few arrays behind the real lanes and loop: which act teaches what, that nobody is answered
 * before the lesson is durable, and that any order of moves equals training from scratch. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/list.h"
#include "store/senders.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "spam/classifier_int.h"
#include "store/ledger.h"
#include "store/reputation.h"

#include "plain.h"

/* --- the store ------------------------------------------------------------------------------------------------------------------ */

enum { MESSAGES = 60, SLICE_MESSAGES = 7, TABLE = 1024 };

struct folder {
	enum folder_role role;
};
struct account {
	int unused;
};
struct event_hold {
	int unused;
};
struct fact {
	unsigned char id[16];
	struct lesson_mark is;
};
static struct fake {
	struct loop *loop;
	struct work *work;
	struct lane *lanes[STORE_LANES];
	struct store_watch *watch;
	struct fact lessons[TABLE], applied[TABLE];
	size_t lessons_n, applied_n;
	struct plain
	    kept; /* what spam.sqlite would hold, of ann's model and so of the shared one */
	unsigned writes, written, holds, released, released_bad;
	unsigned told; /* lessons that say something of a sender */
	bool fail_lessons, fail_read;
	char text[MESSAGES][400];
	struct event_hold hold;
} fake;
static struct account someone;
static struct cfg config = { .hostname = "mx.example" };

static struct lesson_mark *fact_of(struct fact *v, size_t *n, const unsigned char id[16])
{
	for (size_t i = 0; i < *n; i++)
		if (memcmp(v[i].id, id, 16) == 0)
			return (&v[i].is);
	assert_true(*n < TABLE);
	memcpy(v[*n].id, id, 16);
	return (&v[(*n)++].is);
}

struct lane *store_lane(struct store *s, enum store_lane which)
{
	(void)s;
	return (fake.lanes[which]);
}
struct work *store_work(struct store *s)
{
	(void)s;
	return (fake.work);
}
const struct cfg *store_cfg(const struct store *s)
{
	(void)s;
	return (&config);
}
struct account *store_account_next(struct store *s, struct account *after)
{
	(void)s;
	return (after == NULL ? &someone : NULL);
}
struct loop *store_loop(struct store *s)
{
	(void)s;
	return (fake.loop);
}
struct account *store_account(struct store *s, struct slice name)
{
	(void)s;
	return (slice_eq(name, SLICE("ann")) ? &someone : NULL);
}
bool account_is_gone(const struct account *a)
{
	(void)a;
	return (false);
}
const char *folder_name(const struct folder *f)
{
	(void)f;
	return ("INBOX");
}
/* The walk over what nobody moved begins a minute after the start: here never. Its rule is tested in test_unmoved.c, all of it
 * with a server in test_unmoved.py. */
int progress_get(struct store *s, const char *name, int64_t *ret, struct err *err)
{
	(void)s;
	(void)name;
	(void)err;
	*ret = 0;
	return (0);
}
int progress_put(struct store *s, const char *name, int64_t value, struct err *err)
{
	(void)s;
	(void)name;
	(void)value;
	(void)err;
	return (0);
}
int ledger_delivered(struct store *s, struct arena *a, int64_t after, int64_t before, size_t max,
    struct ledger_row **ret, size_t *ret_n, struct err *err)
{
	(void)s;
	(void)a;
	(void)after;
	(void)before;
	(void)max;
	(void)err;
	*ret = NULL;
	*ret_n = 0;
	return (0);
}
struct store_op *message_where(struct account *a, const unsigned char (*ids)[16], size_t n,
    void (*on_where)(void *self, const struct message_place *v, size_t n, const struct err *err),
    void *self)
{
	(void)a;
	(void)ids;
	(void)n;
	(void)on_where;
	(void)self;
	return (NULL);
}
const char *account_name(const struct account *a)
{
	(void)a;
	return ("ann");
}
enum folder_role folder_role(const struct folder *f)
{
	return (f->role);
}
void store_watch_add(struct store *s, struct store_watch *w)
{
	(void)s;
	fake.watch = w;
}
void store_watch_drop(struct store_watch *w)
{
	(void)w;
	fake.watch = NULL;
}
struct event_hold *store_event_hold(const struct store_event *ev)
{
	if (ev->hold != NULL)
		fake.holds++;
	return (ev->hold);
}
void store_event_release(struct event_hold *h, const struct err *err)
{
	if (h == NULL)
		return;
	fake.released++;
	fake.released_bad += err != NULL;
}
int lesson_get(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson *ret, struct err *err)
{
	(void)s;
	assert_true(slice_eq(account, SLICE("ann")));
	if (fake.fail_lessons)
		return (err_set(err, ERR_NO_SPACE, "disk full"));
	*ret = (struct lesson){ .mark = *fact_of(fake.lessons, &fake.lessons_n, content_id) };
	return (0);
}
int lesson_put(struct store *s, const struct lesson *l, struct err *err)
{
	(void)s;
	(void)err;
	assert_int_equal(l->version, WORDS_VERSION);
	*fact_of(fake.lessons, &fake.lessons_n, l->content_id) = l->mark;
	fake.writes++;
	return (0);
}
void reputation_taught(
    struct store *s, struct slice account, const struct reputation_lesson *v, size_t n)
{
	(void)s;
	(void)v;
	assert_true(slice_eq(account, SLICE("ann")));
	fake.told += (unsigned)n;
}
int tokens_key(struct store *s, unsigned char ret_key[16], struct err *err)
{
	(void)s;
	(void)err;
	memset(ret_key, 7, 16);
	return (0);
}
int tokens_load(struct store *s, struct slice model, struct model_totals *ret_totals,
    void (*on_change)(void *self, const struct feature_change *c), void *self, size_t *ret_fresh,
    struct err *err)
{
	(void)s;
	(void)err;
	assert_true(slice_eq(model, SLICE("ann")));
	*ret_totals = fake.kept.totals;
	*ret_fresh = 0;
	for (size_t i = 0; i < fake.kept.n; i++)
		on_change(self,
		    &(struct feature_change){
			fake.kept.v[i].feature, fake.kept.v[i].ham, fake.kept.v[i].spam });
	return (0);
}
int tokens_each_model(
    struct store *s, void (*on_model)(void *self, struct slice name), void *self, struct err *err)
{
	(void)s;
	(void)err;
	on_model(self, SLICE("ann"));
	return (0);
}
int tokens_write(struct store *s, struct slice model, unsigned parts, size_t largest,
    size_t (*list)(const void *self, unsigned part, struct feature_count *v), const void *self,
    struct err *err)
{
	struct feature_count *v = mem_new_array(largest + 1, sizeof(*v));

	(void)s;
	(void)err;
	assert_true(slice_eq(model, SLICE("ann")));
	fake.kept.n = 0; /* the whole is what it is from now on */
	for (unsigned part = 0; part < parts; part++) {
		size_t n = list(self, part, v);

		for (size_t i = 0; i < n; i++)
			*plain_row(&fake.kept, v[i].feature) = v[i];
	}
	free(v);
	fake.written++;
	return (0);
}
int tokens_applied(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark *ret, struct err *err)
{
	(void)s;
	(void)account;
	(void)err;
	*ret = *fact_of(fake.applied, &fake.applied_n, content_id);
	return (0);
}
int tokens_stale(struct store *s, unsigned version, bool *ret, struct err *err)
{
	(void)s;
	(void)version;
	(void)err;
	*ret = false;
	return (0);
}
int tokens_forget_account(struct store *s, struct slice account, struct err *err)
{
	(void)s;
	(void)account;
	(void)err;
	fake.kept = (struct plain){ 0 };
	memset(fake.applied, 0, sizeof(fake.applied));
	fake.applied_n = 0;
	return (0);
}
int tokens_forget(struct store *s, struct err *err)
{
	(void)s;
	(void)err;
	fail();
	return (0);
}
int tokens_apply(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark is, unsigned version, const uint32_t *features, size_t n, struct err *err)
{
	struct lesson_mark *now = fact_of(fake.applied, &fake.applied_n, content_id);

	(void)s;
	(void)account;
	(void)version;
	(void)err;
	/* a lesson is durable before it counts */
	assert_memory_equal(fact_of(fake.lessons, &fake.lessons_n, content_id), &is, sizeof(is));
	plain_count(&fake.kept, features, n, *now, true);
	plain_count(&fake.kept, features, n, is, false);
	*now = is;
	return (0);
}

int lesson_each(struct store *s, void (*on_lesson)(void *self, const struct lesson *l), void *self,
    struct err *err)
{
	(void)s;
	(void)err;
	for (size_t i = 0; i < fake.lessons_n; i++) {
		struct lesson l = { .account = SLICE("ann"), .mark = fake.lessons[i].is };

		memcpy(l.content_id, fake.lessons[i].id, 16);
		if (l.mark.is != LESSON_NONE)
			on_lesson(self, &l);
	}
	return (0);
}
int tokens_each_applied(struct store *s,
    void (*on_applied)(void *self, struct slice account, const unsigned char content_id[16],
	struct lesson_mark is),
    void *self, struct err *err)
{
	(void)s;
	(void)err;
	for (size_t i = 0; i < fake.applied_n; i++)
		if (fake.applied[i].is.is != LESSON_NONE)
			on_applied(self, SLICE("ann"), fake.applied[i].id, fake.applied[i].is);
	return (0);
}
/* One folder with every message. */
static struct folder everything;
struct folder *folder_next(struct account *a, struct folder *after)
{
	(void)a;
	return (after == NULL ? &everything : NULL);
}
static struct opening {
	void (*on_open)(void *self, struct view *v, const struct err *err); /* NULL: none */
	void *self;
} opening;
static void open_turn(void *self)
{
	struct opening o = opening;

	(void)self;
	opening.on_open = NULL;
	o.on_open(o.self, (struct view *)&everything, NULL);
}
struct store_op *view_open(struct folder *f,
    void (*on_open)(void *self, struct view *v, const struct err *err), void *self)
{
	(void)f;
	opening = (struct opening){ on_open, self };
	return ((struct store_op *)loop_later(fake.loop, open_turn, NULL));
}
void store_op_cancel(struct store_op *op)
{
	later_cancel((struct later *)op);
	if (op != NULL)
		opening.on_open = NULL;
}
void view_close(struct view *v, struct view_watch *w)
{
	(void)v;
	(void)w;
}
size_t view_count(const struct view *v)
{
	(void)v;
	return (MESSAGES);
}
const struct view_message *view_at(const struct view *v, size_t index)
{
	static struct view_message m;

	(void)v;
	m.uid = (uint32_t)index;
	return (&m);
}

/* --- visits ---------------------------------------------------------------------------------------------------------------------- */

struct visit {
	uint32_t *uids;
	size_t n, at;
	struct visitor visitor;
	void *self, *ctx;
	void (*free_ctx)(void *ctx);
	struct later *later;
	bool stopped;
	uint32_t now;
};

static void content_id_of(uint32_t uid, unsigned char ret[16])
{
	memset(ret, 0, 16);
	memcpy(ret, &uid, sizeof(uid));
}
int visit_whole(struct visit *v, struct slice *ret, struct err *err)
{
	if (fake.fail_read)
		return (err_set(err, ERR_TEMPORARY, "cannot read"));
	*ret = slice_of(fake.text[v->now % MESSAGES]);
	return (0);
}
static void visit_drop(struct visit *v)
{
	free(v->uids);
	free(v);
}
static void visit_turn(void *self)
{
	struct visit *v = self;
	enum visit_next next = VISIT_DONE;

	v->later = NULL;
	if (v->at == v->n || v->stopped) {
		v->visitor.on_end(v->self, NULL);
		visit_drop(v);
		return;
	}
	for (int i = 0; i < SLICE_MESSAGES && v->at < v->n && next == VISIT_DONE; i++) {
		unsigned char id[16];
		struct visit_message m = { .visit = v, .content_id = id };

		v->now = v->uids[v->at++];
		content_id_of(v->now, id);
		next = v->visitor.on_message(v->ctx, &m);
	}
	v->stopped = next == VISIT_STOP;
	v->visitor.on_slice(v->self);
}
void visit_go_on(struct visit *v)
{
	v->later = loop_later(fake.loop, visit_turn, v);
}
struct visit *visit_start(struct folder *f, const uint32_t *uids, size_t n, unsigned want,
    const struct visitor *vr, void *self, void *ctx, void (*free_ctx)(void *ctx))
{
	struct visit *v = NEW(struct visit);

	(void)f;
	assert_int_equal(want, VISIT_FILE);
	v->uids = mem_new_array(n, sizeof(*uids));
	memcpy(v->uids, uids, n * sizeof(*uids));
	v->n = n;
	v->visitor = *vr;
	v->self = self;
	v->ctx = ctx;
	v->free_ctx = free_ctx;
	visit_go_on(v);
	return (v);
}
void visit_cancel(struct visit *v)
{
	if (v == NULL)
		return;
	later_cancel(v->later);
	v->free_ctx(v->ctx);
	visit_drop(v);
}

/* --- tests ------------------------------------------------------------------------------------------------------------------------ */

static void which_act_teaches_what(void **state)
{
	enum { H = LESSON_HAM, S = LESSON_SPAM, N = LESSON_NONE };
	static const char *const junk[] = { "$junk" }, *const not_junk[] = { "$NotJunk" },
				 *const both[] = { "$Junk", "$NotJunk" },
				 *const other[] = { "Junk", "work" };
	static const struct {
		enum store_event_kind kind;
		enum store_cause cause;
		bool known;
		enum folder_role from, to;
		const char *const *keywords;
		size_t keywords_n;
		int as;
	} cases[] = {
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_INBOX, ROLE_JUNK, NULL, 0, S },
		{ EVENT_ADDED, CAUSE_COPY, true, ROLE_ARCHIVE, ROLE_JUNK, NULL, 0, S },
		{ EVENT_ADDED, CAUSE_EXTERNAL, true, ROLE_INBOX, ROLE_JUNK, NULL, 0, S },
		{ EVENT_ADDED, CAUSE_APPEND, true, ROLE_INBOX, ROLE_JUNK, NULL, 0, S },
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_TRASH, ROLE_JUNK, NULL, 0, S },
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_QUARANTINE, ROLE_JUNK, NULL, 0, S },
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_JUNK, ROLE_INBOX, NULL, 0, H },
		{ EVENT_ADDED, CAUSE_COPY, true, ROLE_JUNK, ROLE_NONE, NULL, 0, H },
		{ EVENT_ADDED, CAUSE_EXTERNAL, true, ROLE_JUNK, ROLE_ARCHIVE, NULL, 0, H },
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_QUARANTINE, ROLE_INBOX, NULL, 0, H },
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_JUNK, ROLE_TRASH, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_QUARANTINE, ROLE_TRASH, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_COPY, true, ROLE_JUNK, ROLE_JUNK, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_INBOX, ROLE_ARCHIVE, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_MOVE, true, ROLE_TRASH, ROLE_INBOX, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_DELIVERY, true, ROLE_INBOX, ROLE_JUNK, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_DELIVERY, false, ROLE_NONE, ROLE_JUNK, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_REBUILD, true, ROLE_INBOX, ROLE_JUNK, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_APPEND, false, ROLE_NONE, ROLE_JUNK, NULL, 0, N },
		{ EVENT_ADDED, CAUSE_EXTERNAL, false, ROLE_NONE, ROLE_JUNK, NULL, 0, N },
		{ EVENT_EXPUNGED, CAUSE_STORE, true, ROLE_JUNK, ROLE_JUNK, NULL, 0, N },
		{ EVENT_FLAGS, CAUSE_STORE, true, ROLE_NONE, ROLE_INBOX, junk, 1, S },
		{ EVENT_FLAGS, CAUSE_EXTERNAL, true, ROLE_NONE, ROLE_TRASH, junk, 1, S },
		{ EVENT_FLAGS, CAUSE_STORE, true, ROLE_NONE, ROLE_JUNK, not_junk, 1, H },
		{ EVENT_FLAGS, CAUSE_STORE, true, ROLE_NONE, ROLE_TRASH, not_junk, 1, N },
		{ EVENT_FLAGS, CAUSE_STORE, true, ROLE_NONE, ROLE_INBOX, both, 2, N },
		{ EVENT_FLAGS, CAUSE_STORE, true, ROLE_NONE, ROLE_INBOX, other, 2, N },
		{ EVENT_FLAGS, CAUSE_REBUILD, true, ROLE_NONE, ROLE_INBOX, junk, 1, N },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct event_message m = { .known = cases[i].known, .from = cases[i].from };
		struct store_event ev = { .kind = cases[i].kind,
			.cause = cases[i].cause,
			.messages = &m,
			.n = 1,
			.keywords_added = cases[i].keywords,
			.keywords_added_n = cases[i].keywords_n };

		if ((int)train_lesson(&ev, &m, cases[i].to) != cases[i].as)
			fail_msg("case %zu", i);
	}
}

static void on_ready(void *self, const struct err *err)
{
	assert_null(err);
	*(bool *)self = true;
}

static void idle_check(void *self)
{
	(void)self;
	if (work_idle(fake.work) && fake.released == fake.holds)
		loop_stop(fake.loop);
	else
		(void)loop_later(fake.loop, idle_check, NULL);
}

static void run_until_idle(void)
{
	(void)loop_later(fake.loop, idle_check, NULL);
	loop_run(fake.loop);
}

static void act(enum folder_role from, enum folder_role to, const uint32_t *uids, size_t n)
{
	struct event_message *m = mem_new_array(n, sizeof(*m));
	struct folder *f = NEW(struct folder); /* a folder outlives the act, as the store's do */
	struct store_event ev = { .kind = EVENT_ADDED,
		.cause = CAUSE_MOVE,
		.account = &someone,
		.folder = f,
		.messages = m,
		.n = n,
		.hold = &fake.hold };

	f->role = to;
	for (size_t i = 0; i < n; i++)
		m[i] = (struct event_message){ .uid = uids[i], .known = true, .from = from };
	fake.watch->on_event(fake.watch->self, &ev);
	free(m);
	run_until_idle();
	free(f);
}

static unsigned logged[3];
static char allowed[256]; /* "account address\n" each */

int correspondent_allow(
    struct store *s, struct slice account, struct slice address, int64_t now, struct err *err)
{
	size_t n = strlen(allowed);

	(void)s;
	(void)err;
	assert_true(now > 0);
	(void)snprintf(allowed + n, sizeof(allowed) - n, SLICE_FMT " " SLICE_FMT "\n",
	    SLICE_ARG(account), SLICE_ARG(address));
	return (0);
}

static void on_log(void *self, struct slice line)
{
	(void)self;
	logged[LESSON_HAM] += slice_find(line, SLICE("learned message as ham: <")) != SIZE_MAX;
	logged[LESSON_SPAM] += slice_find(line, SLICE("learned message as spam: <")) != SIZE_MAX;
}

static struct classifier *begin(void)
{
	struct classifier *c;
	bool ready = false;

	c = classifier_start((struct store *)&fake, on_ready, &ready);
	run_until_idle();
	assert_true(ready && fake.watch != NULL);
	return (c);
}

static int setup(void **state)
{
	(void)state;
	work_setup();
	fake.loop = loop_new();
	fake.work = work_new(fake.loop);
	for (int i = 0; i < STORE_LANES; i++)
		fake.lanes[i] = lane_new(fake.work, WORK_ACCOUNT, 1, 256);
	for (int i = 0; i < MESSAGES; i++)
		(void)snprintf(fake.text[i], sizeof(fake.text[i]),
		    "Message-ID: <%d@x>\r\nSubject: word%d other%d\r\n\r\ntext %s %d here\r\n", i,
		    i % 9, i % 4, i % 2 ? "winner casino" : "meeting notes", i % 13);
	log_setup(LOG_INFO, false);
	log_sink(on_log, NULL);
	return (0);
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < STORE_LANES; i++)
		lane_free(fake.lanes[i]);
	work_free(fake.work);
	loop_free(fake.loop);
	return (0);
}

static const struct model *model_of_ann(struct classifier *c)
{
	/* What was taught for an account is in its own model, and nowhere else. */
	assert_int_equal(model_count(&c->rest), 0);
	assert_int_equal(c->rest.totals.ham + c->rest.totals.spam, 0);
	return (map_get(c->models, SLICE("ann")));
}

static void assert_same_counts(struct plain *a, const struct plain *b)
{
	for (size_t i = 0; i < b->n; i++) {
		assert_int_equal(plain_row(a, b->v[i].feature)->ham, b->v[i].ham);
		assert_int_equal(plain_row(a, b->v[i].feature)->spam, b->v[i].spam);
	}
}

/* As if spam.sqlite had lost its newest transactions, and one lesson its log. */
static void lose_some_counts(void)
{
	for (size_t i = 0; i < fake.applied_n; i += 3) {
		struct lesson_item l;
		struct classifier plain = { .hostname = NULL };
		uint32_t uid;

		memcpy(&uid, fake.applied[i].id, sizeof(uid));
		memset(plain.key, 7, sizeof(plain.key));
		lesson_item_fill(&plain, slice_of(fake.text[uid]), NULL, &l);
		plain_learn(&fake.kept, &l.features, fake.applied[i].is, true);
		fake.applied[i].is.is = LESSON_NONE;
		features_free(&l.features);
		free(l.message_id);
	}
}

static void turn(void *self)
{
	unsigned *left = self;

	if (--*left == 0)
		loop_stop(fake.loop);
	else
		(void)loop_later(fake.loop, turn, left);
}

static void settle(const struct classifier *c) /* until what runs in the background is done */
{
	unsigned turns;

	do {
		turns = 200;
		(void)loop_later(fake.loop, turn, &turns);
		loop_run(fake.loop);
	} while (c->jobs > 0 || c->pending > 0 || opening.on_open != NULL || !work_idle(fake.work));
}

static void on_relearned(void *self, size_t lessons, size_t counted, const struct err *err)
{
	assert_null(err);
	assert_int_equal(lessons, counted);
	*(size_t *)self += counted;
}

static void moves_in_any_order_equal_training_from_scratch(void **state)
{
	enum lesson_class is[MESSAGES] = { LESSON_NONE };
	struct classifier *c = begin();
	uint64_t dice = 7;
	static struct plain fresh;
	unsigned acts = 0;
	size_t relearned = 0;
	struct err err;

	(void)state;
	while (acts < 10000) {
		bool junk = (dice = dice * 6364136223846793005 + 1442695040888963407) >> 63;
		uint32_t uids[MESSAGES], n = 0;

		for (uint32_t i = 0; i < MESSAGES; i++)
			if ((dice >> 32) % 61 >= (i * 37) % 61) {
				uids[n++] = i;
				is[i] = junk ? LESSON_SPAM : LESSON_HAM;
			}
		acts += n;
		if (n > 0)
			act(junk ? ROLE_INBOX : ROLE_JUNK, junk ? ROLE_JUNK : ROLE_INBOX, uids, n);
	}
	assert_int_equal(fake.released_bad, 0);
	assert_true(fake.written > 0); /* and written as a whole now and then */
	assert_int_equal(logged[LESSON_HAM] + logged[LESSON_SPAM],
	    fake.writes); /* a line for each that changed something */
	assert_int_equal(fake.told, fake.writes);
	for (int i = MESSAGES - 1; i >= 0; i--) {
		struct lesson_item l;

		lesson_item_fill(c, slice_of(fake.text[i]), NULL, &l);
		plain_learn(
		    &fresh, &l.features, (struct lesson_mark){ is[i], LESSON_EXPLICIT }, false);
		features_free(&l.features);
		free(l.message_id);
	}
	assert_plain(model_of_ann(c), &fresh);
	assert_same_counts(&fake.kept, &fresh);
	classifier_stop(c);
	c = begin(); /* and what was kept is what is loaded again */
	assert_plain(model_of_ann(c), &fake.kept);
	classifier_stop(c);
	run_until_idle();
	lose_some_counts();
	c = begin(); /* and what was lost is counted again */
	settle(c);
	assert_plain(model_of_ann(c), &fresh);
	assert_same_counts(&fake.kept, &fresh);
	/* and so is everything when it is asked for; one waits for another */
	assert_int_equal(classifier_relearn(c, "ann", on_relearned, &relearned, &err), 0);
	assert_int_equal(classifier_relearn(c, "ann", on_relearned, &relearned, &err), 0);
	assert_int_equal(classifier_relearn(c, "ann", on_relearned, &relearned, &err), -1);
	assert_int_equal(err.kind, ERR_BUSY);
	settle(c);
	assert_int_equal(relearned, 2 * MESSAGES);
	assert_plain(model_of_ann(c), &fresh);
	assert_same_counts(&fake.kept, &fresh);
	classifier_stop(c);
	run_until_idle();
}

struct asker { /* of relearning */
	struct classifier *c;
	unsigned again; /* so often, as soon as it is told */
	unsigned told, stopped;
};

static void on_asked(void *self, size_t lessons, size_t counted, const struct err *err)
{
	struct asker *a = self;
	struct err busy;

	(void)lessons;
	(void)counted;
	a->told++;
	a->stopped += err != NULL;
	if (a->again == 0)
		return;
	a->again--;
	assert_int_equal(classifier_relearn(a->c, "ann", on_asked, a, &busy), 0);
}

static void who_is_told_may_ask_again(void **state)
{
	struct classifier *c = begin();
	struct asker a = { .c = c, .again = 5 };
	struct err err;

	(void)state;
	assert_int_equal(classifier_relearn(c, "ann", on_asked, &a, &err), 0);
	settle(c);
	assert_int_equal(a.told, 6);
	a = (struct asker){ .c = c, .again = 5 };
	for (int i = 0; i < 2; i++)
		assert_int_equal(classifier_relearn(c, "ann", on_asked, &a, &err), 0);
	settle(c);
	assert_int_equal(a.told, 7);
	assert_int_equal(a.stopped, 0);
	classifier_stop(c);
	run_until_idle();
}

/* Wherever the first is: its job, its folder, its messages. */
static void a_stop_tells_who_waits_too(void **state)
{
	struct classifier *c;
	unsigned stopped = 0;

	(void)state;
	for (unsigned turns = 0; turns < 40; turns++) {
		struct asker a = { .told = 0 };
		unsigned left = turns;
		struct err err;

		a.c = c = begin();
		settle(c); /* what the last stop left is counted */
		for (int i = 0; i < 2; i++)
			assert_int_equal(classifier_relearn(c, "ann", on_asked, &a, &err), 0);
		if (left > 0) {
			(void)loop_later(fake.loop, turn, &left);
			loop_run(fake.loop);
		}
		classifier_stop(c);
		run_until_idle();
		assert_int_equal(a.told, 2);
		stopped += a.stopped;
	}
	assert_true(stopped >= 2);
	c = begin(); /* and all of it is made again */
	settle(c);
	classifier_stop(c);
	run_until_idle();
}

static void a_failure_is_the_answer(void **state)
{
	struct classifier *c = begin();
	uint32_t uids[] = { 1 };

	(void)state;
	fake.released_bad = 0;
	fake.fail_lessons = true;
	act(ROLE_INBOX, ROLE_JUNK, uids, 1);
	assert_int_equal(fake.released_bad, 1);
	fake.fail_lessons = false;
	fake.fail_read = true;
	act(ROLE_JUNK, ROLE_INBOX, uids, 1);
	assert_int_equal(fake.released_bad, 2);
	fake.fail_read = false;
	act(ROLE_JUNK, ROLE_INBOX, uids, 1);
	assert_int_equal(fake.released_bad, 2);
	classifier_stop(c);
	run_until_idle();
}

static void on_learned(void *self, bool changed, const struct err *err)
{
	assert_null(err);
	*(int *)self += changed ? 1 : 10;
}

static void by_hand_once_is_enough(void **state)
{
	struct classifier *c = begin();
	struct classifier_stats before, after;
	struct slice m = SLICE("Message-ID: <h@x>\r\nSubject: by hand\r\n\r\nnew text\r\n");
	struct slice lf = SLICE("From x Mon\nMessage-ID: <h@x>\nSubject: by hand\r\n\nnew text\n");
	int told = 0;

	(void)state;
	classifier_stats(c, "ann", &before);
	for (int i = 0; i < 3; i++) {
		classifier_learn(c, "ann", m, LESSON_SPAM, on_learned, &told);
		assert_int_equal(told, i == 0 ? 0 : 1 + 10 * (i - 1)); /* never before it returns */
		run_until_idle();
	}
	assert_int_equal(told, 21);
	classifier_stats(c, "ann", &after);
	assert_int_equal(after.spam, before.spam + 1);
	/* the same message with LF and an mbox line in front is the same message */
	classifier_learn(c, "ann", lf, LESSON_SPAM, on_learned, &told);
	run_until_idle();
	assert_int_equal(told, 31);
	classifier_learn(c, "ann", m, LESSON_NONE, on_learned, &told);
	run_until_idle();
	classifier_stats(c, "ann", &after);
	assert_int_equal(after.spam, before.spam);
	assert_int_equal(after.features, before.features);
	assert_int_equal(after.pending, 0);
	classifier_stop(c);
	run_until_idle();
}

static void on_item_taught(void *self, const struct teach *t)
{
	assert_int_equal(t->err.kind, ERR_NONE);
	*(bool *)self = t->v[0].changed;
}

/* Teaches one message of no folder; true: that changed something. */
static bool teach_one(struct classifier *c, enum lesson_class is, unsigned weight)
{
	struct lesson_item *v = NEW(struct lesson_item);
	bool changed = false;

	lesson_item_fill(c, SLICE("Message-ID: <w@x>\r\n\r\nweighed unmoved\r\n"), NULL, v);
	v->as = (struct lesson_mark){ is, weight };
	teach_start(c, "ann", v, 1, on_item_taught, &changed);
	run_until_idle();
	return (changed);
}

/* What lay unmoved counts a little; an act takes its place exactly; and never the other way round. */
static void an_act_outweighs_what_lay_unmoved(void **state)
{
	static const struct {
		enum lesson_class is;
		unsigned weight;
		bool changed;
		uint64_t ham, spam; /* afterwards, units */
	} steps[] = {
		{ LESSON_HAM, LESSON_IMPLICIT, true, 1, 0 },
		{ LESSON_HAM, LESSON_IMPLICIT, false, 1, 0 },
		{ LESSON_SPAM, LESSON_IMPLICIT, true, 0, 1 },
		{ LESSON_SPAM, LESSON_EXPLICIT, true, 0, 4 },
		{ LESSON_HAM, LESSON_IMPLICIT, false, 0, 4 },
		{ LESSON_NONE, LESSON_IMPLICIT, false, 0, 4 },
		{ LESSON_HAM, LESSON_EXPLICIT, true, 4, 0 },
		{ LESSON_NONE, LESSON_EXPLICIT, true, 0, 0 },
		{ LESSON_HAM, LESSON_IMPLICIT, true, 1, 0 },
		{ LESSON_NONE, LESSON_IMPLICIT, true, 0, 0 },
	};
	struct classifier *c = begin();
	struct model_totals before = model_of_ann(c)->totals, now;
	unsigned lines = logged[LESSON_HAM] + logged[LESSON_SPAM], told = fake.told;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		assert_int_equal(teach_one(c, steps[i].is, steps[i].weight), steps[i].changed);
		now = model_of_ann(c)->totals;
		assert_int_equal(now.ham - before.ham, steps[i].ham);
		assert_int_equal(now.spam - before.spam, steps[i].spam);
	}
	assert_int_equal(logged[LESSON_HAM] + logged[LESSON_SPAM], lines + 2); /* acts alone */
	assert_int_equal(fake.told, told + 3);
	assert_plain(model_of_ann(c), &fake.kept);
	classifier_stop(c);
	run_until_idle();
}

static void a_stop_in_the_middle_is_silent(void **state)
{
	struct classifier *c = begin();
	struct folder f = { ROLE_JUNK };
	struct event_message m[2] = { { .uid = 3, .known = true, .from = ROLE_INBOX },
		{ .uid = 4, .known = true, .from = ROLE_INBOX } };
	struct store_event ev = { .kind = EVENT_ADDED,
		.cause = CAUSE_MOVE,
		.account = &someone,
		.folder = &f,
		.messages = m,
		.n = 2,
		.hold = &fake.hold };
	int told = 0;

	(void)state;
	fake.watch->on_event(fake.watch->self, &ev);
	fake.watch->on_event(fake.watch->self, &ev);
	classifier_learn(
	    c, "ann", SLICE("Subject: x\r\n\r\ny\r\n"), LESSON_SPAM, on_learned, &told);
	classifier_stop(c);
	assert_int_equal(fake.released, fake.holds);
	run_until_idle();
	assert_int_equal(told, 1); /* but a lesson by hand, whose giver owns what is read */
	classifier_stop(NULL);
}

static void who_was_proved_is_allowed_with_what_leaves_quarantine(void **state)
{
	static const uint32_t one[] = { 1 }, two[] = { 2 }, some[] = { 3, 4 };
	struct classifier *c = begin();

	(void)state;
	(void)snprintf(fake.text[1], sizeof(fake.text[1]),
	    "X-Pennypost-Sender: a@friend.example\r\nMessage-ID: <1@x>\r\n"
	    "X-Pennypost-Sender: b@later.example\r\n\r\nhello\r\n");
	(void)snprintf(fake.text[2], sizeof(fake.text[2]),
	    "Message-ID: <2@x>\r\n\r\nX-Pennypost-Sender: c@body.example\r\n");
	(void)snprintf(fake.text[4], sizeof(fake.text[4]),
	    "x-pennypost-sender: d@friend.example\r\n\r\nhello\r\n");
	allowed[0] = '\0';
	act(ROLE_QUARANTINE, ROLE_TRASH, one, 1);
	act(ROLE_QUARANTINE, ROLE_JUNK, one, 1);
	act(ROLE_JUNK, ROLE_INBOX, one, 1); /* a lesson; but it was he who had it in Junk */
	act(ROLE_INBOX, ROLE_ARCHIVE, one, 1);
	assert_string_equal(allowed, "");
	act(ROLE_QUARANTINE, ROLE_INBOX, two, 1);
	assert_string_equal(allowed, "");
	act(ROLE_QUARANTINE, ROLE_INBOX, one, 1); /* known as ham already: allowed all the same */
	assert_string_equal(allowed, "ann a@friend.example\n");
	act(ROLE_QUARANTINE, ROLE_NONE, some, 2);
	assert_string_equal(allowed, "ann a@friend.example\nann d@friend.example\n");
	classifier_stop(c);
	run_until_idle();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(which_act_teaches_what),
		cmocka_unit_test(moves_in_any_order_equal_training_from_scratch),
		cmocka_unit_test(who_is_told_may_ask_again),
		cmocka_unit_test(a_stop_tells_who_waits_too),
		cmocka_unit_test(a_failure_is_the_answer),
		cmocka_unit_test(by_hand_once_is_enough),
		cmocka_unit_test(an_act_outweighs_what_lay_unmoved),
		cmocka_unit_test(a_stop_in_the_middle_is_silent),
		cmocka_unit_test(who_was_proved_is_allowed_with_what_leaves_quarantine),
	};

	return (cmocka_run_group_tests(tests, setup, teardown));
}
