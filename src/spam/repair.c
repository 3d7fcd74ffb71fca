/* repair.c: do the counts still say what the lessons say? A stop between a lesson and its counting, or a
 * spam.sqlite that is gone or older, leaves them apart. At start the log of lessons is compared with the marks
 * of what was counted, and what differs is read again from the account's folders and counted as the log says
 * by then. Relearning an account is the same with its counts forgotten before. Importing is the walk alone,
 * for lessons that a file says and the log takes. One walk at a time, and one that waits for its end. Leaves
 * reading and counting to train.c and teach.c. Failures: a lesson whose message is gone stays uncounted; the
 * next start looks again. */
#include <stdlib.h>

#include "core/mem.h"
#include "spam/classifier_int.h"

struct entry {
	char *account; /* owned */
	bool found;    /* its message is there and was read */
	unsigned char content_id[16];
	struct lesson_mark is;
	int64_t at; /* of an import */
};

struct entries {
	struct entry *v;
	size_t n, room;
};

struct repair {
	struct job job;
	struct classifier *c; /* its train is asked for each folder */
	struct entries lessons, counted, wants;
	struct err err;
	struct store_op *op;
	struct account *account;
	struct folder *folder;
	unsigned readings; /* under way */
	bool walked, ended;
	struct repair *next; /* owned; begins when this has ended; NULL: none waits */
	bool imports; /* ${wants} came from a file */
	char *forgets; /* owned; the account to begin anew; NULL: none */
	void (*on_relearned)(void *self, size_t lessons, size_t counted, const struct err *err);
	void *self;
};

static int cmp_entry(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = strcmp(x->account, y->account);

	return (c != 0 ? c : memcmp(x->content_id, y->content_id, sizeof(x->content_id)));
}

static struct entry *add(
    struct entries *e, struct slice account, const unsigned char id[16], struct lesson_mark is)
{
	if (e->n == e->room)
		e->v = mem_grow(e->v, e->room = e->room * 2 + 64, sizeof(*e->v));
	e->v[e->n] = (struct entry){ .account = mem_strndup(account.p, account.n), .is = is };
	memcpy(e->v[e->n].content_id, id, 16);
	return (&e->v[e->n++]);
}

static void empty(struct entries *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->v[i].account);
	free(e->v);
	*e = (struct entries){ 0 };
}

static void on_lesson(void *self, const struct lesson *l)
{
	(void)add(self, l->account, l->content_id, l->mark);
}

static void on_counted(
    void *self, struct slice account, const unsigned char content_id[16], struct lesson_mark is)
{
	(void)add(self, account, content_id, is);
}

static void lessons_run(struct job *j) /* lane STORE_STATE */
{
	struct repair *r = (struct repair *)j;

	(void)lesson_each(r->c->store, on_lesson, &r->lessons, &r->err);
}

static void compare(const struct entries *a, const struct entries *b, struct entries *ret)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct entry *e = &a->v[i];
		const struct entry *other =
		    b->n == 0 ? NULL : bsearch(e, b->v, b->n, sizeof(*e), cmp_entry);

		if (other == NULL || other->is.is != e->is.is || other->is.weight != e->is.weight)
			(void)add(ret, slice_of(e->account), e->content_id, e->is);
	}
}

static void counts_run(struct job *j) /* lane STORE_SPAM */
{
	struct repair *r = (struct repair *)j;

	if (r->forgets != NULL) { /* here, where nothing else counts at the same time */
		if (tokens_forget_account(r->c->store, slice_of(r->forgets), &r->err) == -1)
			return;
		(void)pthread_rwlock_wrlock(&r->c->lock);
		model_free(classifier_model(r->c, slice_of(r->forgets)));
		model_init(classifier_model(r->c, slice_of(r->forgets)));
		(void)pthread_rwlock_unlock(&r->c->lock);
	}
	if (tokens_each_applied(r->c->store, on_counted, &r->counted, &r->err) == -1)
		return;
	if (r->lessons.n > 0)
		qsort(r->lessons.v, r->lessons.n, sizeof(struct entry), cmp_entry);
	if (r->counted.n > 0)
		qsort(r->counted.v, r->counted.n, sizeof(struct entry), cmp_entry);
	compare(&r->lessons, &r->counted, &r->wants);
	compare(&r->counted, &r->lessons, &r->wants);
	if (r->wants.n > 0)
		qsort(r->wants.v, r->wants.n, sizeof(struct entry), cmp_entry);
}

static struct entry *find(
    const struct repair *r, const char *account, const unsigned char content_id[16])
{
	struct entry e = { .account = (char *)(uintptr_t)account };

	memcpy(e.content_id, content_id, sizeof(e.content_id));
	return (bsearch(&e, r->wants.v, r->wants.n, sizeof(e), cmp_entry));
}

static bool wants(const void *reader, const char *account, const unsigned char content_id[16])
{
	return (find(reader, account, content_id) != NULL);
}

static bool weighs(void *reader, const char *account, struct lesson_item *l)
{
	const struct repair *r = reader;
	struct entry *e = find(r, account, l->content_id);

	if (e == NULL)
		return (false);
	e->found = true;
	l->recount = !r->imports;
	if (r->imports) {
		l->as = e->is;
		l->at = e->at;
	}
	return (true);
}

static bool wants_of(const struct repair *r, const char *account)
{
	for (size_t i = 0; i < r->wants.n; i++)
		if (strcmp(r->wants.v[i].account, account) == 0)
			return (true);
	return (false);
}

static void next_folder(struct repair *r);
static void begin(struct repair *r);

/* Whoever is told may end the classifier, or ask for another walk: ${r} is gone then. */
static void end(struct repair *r)
{
	struct classifier *c = r->c;
	struct repair *next = r->next;
	struct err err = r->err;
	size_t lessons = 0, counted = 0;

	r->ended = true;
	classifier_hold(c);
	for (size_t i = 0; i < r->wants.n; i++)
		if (r->imports ||
		    (r->forgets != NULL && strcmp(r->wants.v[i].account, r->forgets) == 0)) {
			lessons += r->wants.v[i].is.is != LESSON_NONE;
			counted += r->wants.v[i].found;
		}
	if (r->on_relearned != NULL)
		r->on_relearned(
		    r->self, lessons, counted, err.kind == ERR_NONE ? NULL : &err);
	if (next != NULL)
		begin(next);
	classifier_release(c);
}

static void on_read(void *reader, const struct err *err)
{
	struct repair *r = reader;

	if (err != NULL)
		r->err = *err;
	if (--r->readings == 0 && r->walked)
		end(r);
}

static void on_view(void *self, struct view *v, const struct err *err)
{
	static const struct reading reading = { wants, weighs, on_read };
	struct repair *r = self;
	uint32_t *uids;
	size_t n;

	r->op = NULL;
	if (err == NULL && (n = view_count(v)) > 0) {
		uids = mem_new_array(n, sizeof(*uids));
		for (size_t i = 0; i < n; i++)
			uids[i] = view_at(v, i)->uid;
		r->readings++;
		train_read(r->c->train, r->account, r->folder, uids, n, &reading, r);
	}
	if (err == NULL)
		view_close(v, NULL);
	next_folder(r);
}

/* One folder after the other, of each account that lacks something. */
static void next_folder(struct repair *r)
{
	for (;;) {
		if (r->account != NULL)
			r->folder = folder_next(r->account, r->folder);
		if (r->folder != NULL)
			break;
		do
			r->account = store_account_next(r->c->store, r->account);
		while (r->account != NULL && !wants_of(r, account_name(r->account)));
		if (r->account == NULL) {
			r->walked = true;
			if (r->readings == 0)
				end(r);
			return;
		}
	}
	r->op = view_open(r->folder, on_view, r);
}

static void stopping(struct repair *r)
{
	(void)err_set(&r->err, ERR_TEMPORARY, "%s: the server is stopping",
	    r->imports ? "import" : "relearn");
}

static void counts_done(struct job *j)
{
	struct repair *r = (struct repair *)j;
	struct classifier *c = r->c;

	empty(&r->lessons);
	empty(&r->counted);
	if (c->stopped && r->err.kind == ERR_NONE)
		stopping(r);
	if (r->err.kind == ERR_NONE && r->wants.n > 0)
		next_folder(r);
	else
		end(r);
	classifier_release(c);
}

static void lessons_done(struct job *j)
{
	struct repair *r = (struct repair *)j;

	if (r->c->stopped || r->err.kind != ERR_NONE) {
		counts_done(j);
		return;
	}
	r->job = (struct job){ .run = counts_run, .done = counts_done };
	lane_force(store_lane(r->c->store, STORE_SPAM), &r->job);
}

struct repair *repair_relearn(struct classifier *c, const char *account,
    void (*on_relearned)(void *self, size_t lessons, size_t counted, const struct err *err),
    void *self)
{
	struct repair *r = NEW(struct repair);

	r->c = c;
	r->forgets = account == NULL ? NULL : mem_strdup(account);
	r->on_relearned = on_relearned;
	r->self = self;
	r->job = (struct job){ .run = lessons_run, .done = lessons_done };
	return (r);
}

static void import_run(struct job *j) /* lane STORE_STATE */
{
	struct repair *r = (struct repair *)j;

	if (r->wants.n > 0)
		qsort(r->wants.v, r->wants.n, sizeof(struct entry), cmp_entry);
}

struct repair *repair_import(struct classifier *c, const struct lesson *v, size_t n,
    void (*on_imported)(void *self, size_t lessons, size_t found, const struct err *err),
    void *self)
{
	struct repair *r = NEW(struct repair);

	r->c = c;
	r->imports = true;
	for (size_t i = 0; i < n; i++)
		add(&r->wants, v[i].account, v[i].content_id, v[i].mark)->at = v[i].at;
	r->on_relearned = on_imported;
	r->self = self;
	r->job = (struct job){ .run = import_run, .done = counts_done };
	return (r);
}

static void begin(struct repair *r)
{
	if (r->c->stopped) {
		stopping(r);
		end(r);
		return;
	}
	r->c->jobs++;
	lane_force(store_lane(r->c->store, STORE_STATE), &r->job);
}

bool repair_has_room(const struct repair *first)
{
	return (first == NULL || first->ended || first->next == NULL);
}

struct repair *repair_start(struct repair *r, struct repair *first)
{
	if (first != NULL && first->ended) {
		struct repair *next = first->next;

		first->next = NULL;
		repair_free(first); /* nothing reads its list */
		first = next;
	}
	if (first != NULL && !first->ended) {
		first->next = r;
		return (first);
	}
	repair_free(first);
	begin(r);
	return (r);
}

void repair_stop(struct repair *first)
{
	struct repair *r = first != NULL && first->ended ? first->next : first;

	if (r == NULL || r->ended)
		return;
	store_op_cancel(r->op);
	if (r->op != NULL || r->readings > 0) { /* else a job of ours is under way and ends it */
		r->op = NULL;
		stopping(r);
		end(r); /* and whoever waits for it */
	}
}

void repair_free(struct repair *first)
{
	while (first != NULL) {
		struct repair *r = first;

		first = r->next;
		empty(&r->lessons);
		empty(&r->counted);
		empty(&r->wants);
		free(r->forgets);
		free(r);
	}
}
