/* tokens.c: how often was each feature seen in wanted and in unwanted mail? Counts per model in
 * spam.sqlite, with the mark of what they were made of changed in the same transaction, so that
 * nothing is ever counted twice or taken back twice. A cache: made again from the lessons
 * (lessons.c). What a feature is, and what the counts mean, is the business of spam/. */
#include "core/secret.h"
#include "store/learn.h"
#include "store/store_int.h"

static struct slice content_slice(const unsigned char content_id[16])
{
	return ((struct slice){ (const char *)content_id, 16 });
}

static struct lesson_mark mark_of(int64_t class, int64_t weight)
{
	struct lesson_mark m = { class == LESSON_HAM ? LESSON_HAM
		    : class == LESSON_SPAM           ? LESSON_SPAM
						     : LESSON_NONE,
		(unsigned)weight };

	return (m);
}

/* What a mark adds to the counts of a class. */
static int64_t units(struct lesson_mark m, enum lesson_class class)
{
	return (m.is == class ? (int64_t)m.weight : 0);
}

int tokens_key(struct store *s, unsigned char ret_key[16], struct err *err)
{
	unsigned char fresh[16];
	struct slice have;
	int got;

	secret_random(fresh, sizeof(fresh));
	if (sql_do(s->spam, "INSERT OR IGNORE INTO setting VALUES('key',?)", err, "b",
		content_slice(fresh)) == -1 ||
	    sql_ask(s->spam, "SELECT value FROM setting WHERE name='key'", err, "") == -1)
		return (-1);
	if ((got = sql_step(s->spam, err)) == 1) {
		have = sql_text(s->spam, 0);
		if (have.n == 16)
			memcpy(ret_key, have.p, 16);
		else
			got = err_set(err, ERR_PERMANENT, "the key in spam.sqlite is damaged");
	}
	sql_done(s->spam);
	return (got == 1 ? 0 : -1);
}

static int applied(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark *ret, unsigned *ret_version, struct err *err)
{
	int got;

	*ret = (struct lesson_mark){ .is = LESSON_NONE };
	*ret_version = 0;
	if (sql_ask(s->spam,
		"SELECT class,weight,version FROM applied WHERE account=? AND content=?", err, "sb",
		account, content_slice(content_id)) == -1)
		return (-1);
	if ((got = sql_step(s->spam, err)) == 1) {
		*ret = mark_of(sql_int(s->spam, 0), sql_int(s->spam, 1));
		*ret_version = (unsigned)sql_int(s->spam, 2);
	}
	sql_done(s->spam);
	return (got == -1 ? -1 : 0);
}

int tokens_applied(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark *ret, struct err *err)
{
	unsigned version;

	return (applied(s, account, content_id, ret, &version, err));
}

/* ${ham}, ${spam}: the units to add to each count of one model; below 0: to take away. */
static int change_model(struct store *s, struct slice model, int64_t ham, int64_t spam,
    const uint64_t *features, size_t n, struct err *err)
{
	int64_t id;

	if (sql_do(s->spam,
		"INSERT INTO model(name,ham,spam) VALUES(?1,max(?2,0),max(?3,0))"
		" ON CONFLICT(name) DO UPDATE SET ham=max(ham+?2,0),"
		"spam=max(spam+?3,0)",
		err, "sii", model, ham, spam) == -1 ||
	    sql_ask(s->spam, "SELECT id FROM model WHERE name=?", err, "s", model) == -1)
		return (-1);
	if (sql_step(s->spam, err) != 1) {
		sql_done(s->spam);
		return (-1);
	}
	id = sql_int(s->spam, 0);
	sql_done(s->spam);
	for (size_t i = 0; i < n; i++) {
		if (sql_do(s->spam,
			"INSERT INTO feature VALUES(?1,?2,max(?3,0),max(?4,0))"
			" ON CONFLICT(model,feature) DO UPDATE SET ham=max(ham+?3,0),"
			"spam=max(spam+?4,0)",
			err, "iiii", id, (int64_t)features[i], ham, spam) == -1)
			return (-1);
		/* A feature nobody has any more would only take room. */
		if ((ham < 0 || spam < 0) &&
		    sql_do(s->spam,
			"DELETE FROM feature WHERE model=? AND feature=?"
			" AND ham=0 AND spam=0",
			err, "ii", id, (int64_t)features[i]) == -1)
			return (-1);
	}
	return (0);
}

static int apply(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark is, unsigned version, const uint64_t *features, size_t n, struct err *err)
{
	struct lesson_mark was;
	unsigned was_version;
	int64_t ham, spam;

	if (applied(s, account, content_id, &was, &was_version, err) == -1)
		return (-1);
	ham = units(is, LESSON_HAM) - units(was, LESSON_HAM);
	spam = units(is, LESSON_SPAM) - units(was, LESSON_SPAM);
	if (was.is == is.is && ham == 0 && spam == 0)
		return (0);
	/* Other features were counted then than are given now: they cannot be taken back. */
	if (was.is != LESSON_NONE && was_version != version)
		return (err_set(err, ERR_CANNOT,
		    "count a message: it was counted under version %u"
		    " of the tokeniser, this is %u",
		    was_version, version));
	if (change_model(s, account, ham, spam, features, n, err) == -1)
		return (-1);
	if (account.n > 0 && change_model(s, SLICE(""), ham, spam, features, n, err) == -1)
		return (-1);
	if (is.is == LESSON_NONE)
		return (sql_do(s->spam, "DELETE FROM applied WHERE account=? AND content=?", err,
		    "sb", account, content_slice(content_id)));
	return (sql_do(s->spam, "INSERT OR REPLACE INTO applied VALUES(?,?,?,?,?)", err, "sbiii",
	    account, content_slice(content_id), (int64_t)is.is, (int64_t)is.weight,
	    (int64_t)version));
}

int tokens_apply(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark is, unsigned version, const uint64_t *features, size_t n, struct err *err)
{
	if (sql_begin(s->spam, err) == -1)
		return (-1);
	if (apply(s, account, content_id, is, version, features, n, err) == -1) {
		sql_rollback(s->spam);
		return (-1);
	}
	return (sql_commit(s->spam, err));
}

int tokens_each_applied(struct store *s,
    void (*on_applied)(void *self, struct slice account, const unsigned char content_id[16],
	struct lesson_mark is),
    void *self, struct err *err)
{
	struct slice id;
	int got;

	if (sql_ask(s->spam,
		"SELECT account,content,class,weight FROM applied ORDER BY account,content", err,
		"") == -1)
		return (-1);
	while ((got = sql_step(s->spam, err)) == 1) {
		id = sql_text(s->spam, 1);
		if (id.n == 16)
			on_applied(self, sql_text(s->spam, 0), (const unsigned char *)id.p,
			    mark_of(sql_int(s->spam, 2), sql_int(s->spam, 3)));
	}
	sql_done(s->spam);
	return (got);
}

int tokens_load(struct store *s, struct slice model, struct model_totals *ret_totals,
    void (*on_count)(void *self, const struct feature_count *c), void *self, struct err *err)
{
	struct feature_count c;
	int64_t id = 0;
	int got;

	*ret_totals = (struct model_totals){ 0 };
	if (sql_ask(s->spam, "SELECT id,ham,spam FROM model WHERE name=?", err, "s", model) == -1)
		return (-1);
	if ((got = sql_step(s->spam, err)) == 1) {
		id = sql_int(s->spam, 0);
		ret_totals->ham = (uint64_t)sql_int(s->spam, 1);
		ret_totals->spam = (uint64_t)sql_int(s->spam, 2);
	}
	sql_done(s->spam);
	if (got != 1)
		return (got);
	if (sql_ask(s->spam, "SELECT feature,ham,spam FROM feature WHERE model=?", err, "i", id) ==
	    -1)
		return (-1);
	while ((got = sql_step(s->spam, err)) == 1) {
		c.feature = (uint64_t)sql_int(s->spam, 0);
		c.ham = (uint32_t)sql_int(s->spam, 1);
		c.spam = (uint32_t)sql_int(s->spam, 2);
		on_count(self, &c);
	}
	sql_done(s->spam);
	return (got);
}

int tokens_stale(struct store *s, unsigned version, bool *ret, struct err *err)
{
	int got;

	if (sql_ask(s->spam, "SELECT 1 FROM applied WHERE version<>? LIMIT 1", err, "i",
		(int64_t)version) == -1)
		return (-1);
	got = sql_step(s->spam, err);
	sql_done(s->spam);
	*ret = got == 1;
	return (got == -1 ? -1 : 0);
}

int tokens_forget(struct store *s, struct err *err)
{
	if (sql_begin(s->spam, err) == -1)
		return (-1);
	if (sql_do(s->spam, "DELETE FROM feature", err, "") == -1 ||
	    sql_do(s->spam, "DELETE FROM applied", err, "") == -1 ||
	    sql_do(s->spam, "DELETE FROM model", err, "") == -1) {
		sql_rollback(s->spam);
		return (-1);
	}
	return (sql_commit(s->spam, err));
}
