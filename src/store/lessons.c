/* lessons.c: what was the classifier taught? The log of lessons in state.sqlite is the truth;
 * the counts made of it (tokens.c) can be lost. When something is a lesson is the business of
 * spam/. */
#include "store/learn.h"

#include "store/store_int.h"

static struct slice content_slice(const unsigned char content_id[16])
{
	return ((struct slice){ (const char *)content_id, 16 });
}

static void read_lesson(struct sql *q, struct lesson *ret)
{
	struct slice id = sql_text(q, 1);
	int64_t is = sql_int(q, 2);

	*ret = (struct lesson){ .account = sql_text(q, 0) };
	if (id.n == sizeof(ret->content_id))
		memcpy(ret->content_id, id.p, id.n);
	ret->mark.is = is == LESSON_HAM ? LESSON_HAM
	    : is == LESSON_SPAM         ? LESSON_SPAM
					: LESSON_NONE;
	ret->version = (unsigned)sql_int(q, 3);
	ret->mark.weight = (unsigned)sql_int(q, 4);
	ret->at = sql_int(q, 5);
}

int lesson_get(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson *ret, struct err *err)
{
	int got;

	*ret = (struct lesson){ 0 };
	if (sql_ask(s->state,
		"SELECT account,content,class,version,weight,at FROM lesson"
		" WHERE account=? AND content=?",
		err, "sb", account, content_slice(content_id)) == -1)
		return (-1);
	if ((got = sql_step(s->state, err)) == 1)
		read_lesson(s->state, ret);
	sql_done(s->state);
	ret->account = account; /* the caller's lives on; the row's does not */
	memcpy(ret->content_id, content_id, sizeof(ret->content_id));
	return (got == -1 ? -1 : 0);
}

int lesson_put(struct store *s, const struct lesson *l, struct err *err)
{
	if (l->mark.is == LESSON_NONE)
		return (sql_do(s->state, "DELETE FROM lesson WHERE account=? AND content=?", err,
		    "sb", l->account, content_slice(l->content_id)));
	return (sql_do(s->state, "INSERT OR REPLACE INTO lesson VALUES(?,?,?,?,?,?)", err, "sbiiii",
	    l->account, content_slice(l->content_id), (int64_t)l->mark.is, (int64_t)l->version,
	    (int64_t)l->mark.weight, l->at == 0 ? clock_wall() : l->at));
}

int lesson_each(struct store *s, void (*on_lesson)(void *self, const struct lesson *l), void *self,
    struct err *err)
{
	struct lesson l;
	int got;

	if (sql_ask(s->state,
		"SELECT account,content,class,version,weight,at FROM lesson"
		" ORDER BY account,content",
		err, "") == -1)
		return (-1);
	while ((got = sql_step(s->state, err)) == 1) {
		read_lesson(s->state, &l);
		on_lesson(self, &l);
	}
	sql_done(s->state);
	return (got);
}

int progress_get(struct store *s, const char *name, int64_t *ret, struct err *err)
{
	int got;

	*ret = 0;
	if (sql_ask(s->state, "SELECT value FROM progress WHERE name=?", err, "s",
		slice_of(name)) == -1)
		return (-1);
	if ((got = sql_step(s->state, err)) == 1)
		*ret = sql_int(s->state, 0);
	sql_done(s->state);
	return (got == -1 ? -1 : 0);
}

int progress_put(struct store *s, const char *name, int64_t value, struct err *err)
{
	return (sql_do(s->state, "INSERT OR REPLACE INTO progress VALUES(?,?)", err, "si",
	    slice_of(name), value));
}
