/* tokens.c: how often was each feature seen in wanted and in unwanted mail? For each model the counts as a whole, packed, as they were
 * when last written, and the lessons since; both in spam.sqlite, with the mark of what they were made of changed in the same
 * transaction, so that nothing is ever counted twice or taken back twice. A cache: made again from the lessons (lessons.c). What a
 * feature is, and what the counts mean, is the business of spam/. */
#include <stdlib.h>

#include "core/mem.h"
#include "core/secret.h"
#include "store/learn.h"
#include "store/store_int.h"

enum { PACKED_MAX = 3 * 5 }; /* octets of a feature at most */

static struct slice content_slice(const unsigned char content_id[16])
{
	return ((struct slice){ (const char *)content_id, 16 });
}

static struct lesson_mark mark_of(int64_t class, int64_t weight)
{
	return ((struct lesson_mark){ class == LESSON_HAM ? LESSON_HAM
		: class == LESSON_SPAM                    ? LESSON_SPAM
							  : LESSON_NONE,
	    (unsigned)weight });
}

/* What a mark adds to the units of a class, and to its lessons. */
static int64_t units(struct lesson_mark m, enum lesson_class class)
{
	return (m.is == class ? (int64_t)m.weight : 0);
}

static int64_t lessons(struct lesson_mark m, enum lesson_class class)
{
	return (m.is == class);
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

/* --- marks --- */

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

int tokens_each_applied(struct store *s,
    void (*on_applied)(void *self, struct slice account, const unsigned char content_id[16],
	struct lesson_mark is),
    void *self, struct err *err)
{
	struct slice id;
	int got;

	if (sql_ask(s->spam,
		"SELECT account,content,class,weight FROM applied"
		" ORDER BY account,content",
		err, "") == -1)
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
	if (sql_do(s->spam, "DELETE FROM counts", err, "") == -1 ||
	    sql_do(s->spam, "DELETE FROM fresh", err, "") == -1 ||
	    sql_do(s->spam, "DELETE FROM applied", err, "") == -1 ||
	    sql_do(s->spam, "DELETE FROM model", err, "") == -1) {
		sql_rollback(s->spam);
		return (-1);
	}
	return (sql_commit(s->spam, err));
}

int tokens_forget_account(struct store *s, struct slice account, struct err *err)
{
	if (sql_begin(s->spam, err) == -1)
		return (-1);
	if (sql_do(s->spam,
		"DELETE FROM counts WHERE model=(SELECT id FROM model WHERE name=?)", err, "s",
		account) == -1 ||
	    sql_do(s->spam, "DELETE FROM fresh WHERE model=(SELECT id FROM model WHERE name=?)",
		err, "s", account) == -1 ||
	    sql_do(s->spam, "DELETE FROM applied WHERE account=?", err, "s", account) == -1 ||
	    sql_do(s->spam, "DELETE FROM model WHERE name=?", err, "s", account) == -1) {
		sql_rollback(s->spam);
		return (-1);
	}
	return (sql_commit(s->spam, err));
}

/* --- packed counts: numbers of seven bits an octet, the lowest first, the eighth bit says more follows --- */

static unsigned char *pack_number(unsigned char *p, uint32_t n)
{
	for (; n >= 0x80; n >>= 7)
		*p++ = (unsigned char)(n | 0x80);
	*p++ = (unsigned char)n;
	return (p);
}

static bool take_number(struct slice *s, uint32_t *ret)
{
	unsigned char c;

	*ret = 0;
	for (unsigned shift = 0; shift < 32 && s->n > 0; shift += 7) {
		c = (unsigned char)s->p[0];
		*s = slice_from(*s, 1);
		*ret |= (uint32_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return (true);
	}
	return (false);
}

/* How far each feature is from the one before, and its counts. */
static struct slice pack(const struct feature_count *v, size_t n, unsigned char *room)
{
	unsigned char *p = room;
	uint32_t last = 0;

	for (size_t i = 0; i < n; i++) {
		p = pack_number(p, v[i].feature - last);
		p = pack_number(p, v[i].ham);
		p = pack_number(p, v[i].spam);
		last = v[i].feature;
	}
	return ((struct slice){ (const char *)room, (size_t)(p - room) });
}

static int unpack(struct slice packed,
    void (*on_change)(void *self, const struct feature_change *c), void *self, struct err *err)
{
	uint32_t feature = 0, step, ham, spam;

	while (packed.n > 0) {
		if (!take_number(&packed, &step) || !take_number(&packed, &ham) ||
		    !take_number(&packed, &spam))
			return (err_set(err, ERR_PERMANENT,
			    "counts in spam.sqlite are damaged:"
			    " stop, remove spam.sqlite, start; lessons are counted again"));
		feature += step;
		on_change(self, &(struct feature_change){ feature, ham, spam });
	}
	return (0);
}

/* --- counting --- */

/* ${ham}, ${spam}: the units to add to each count of one model; below 0: to take away. */
static int change_model(struct store *s, struct slice model, struct lesson_mark was,
    struct lesson_mark is, const uint32_t *features, size_t n, struct err *err)
{
	int64_t ham = units(is, LESSON_HAM) - units(was, LESSON_HAM);
	int64_t spam = units(is, LESSON_SPAM) - units(was, LESSON_SPAM);

	if (sql_do(s->spam, "INSERT OR IGNORE INTO model(name) VALUES(?)", err, "s", model) == -1 ||
	    sql_do(s->spam,
		"UPDATE model SET ham=max(ham+?1,0),spam=max(spam+?2,0),"
		"hams=max(hams+?3,0),spams=max(spams+?4,0) WHERE name=?5",
		err, "iiiis", ham, spam, lessons(is, LESSON_HAM) - lessons(was, LESSON_HAM),
		lessons(is, LESSON_SPAM) - lessons(was, LESSON_SPAM), model) == -1)
		return (-1);
	return (sql_do(s->spam,
	    "INSERT INTO fresh(model,ham,spam,features) SELECT id,?,?,? FROM model"
	    " WHERE name=?",
	    err, "iibs", ham, spam, (struct slice){ (const char *)features, n * sizeof(*features) },
	    model));
}

static int apply(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark is, unsigned version, const uint32_t *features, size_t n, struct err *err)
{
	struct lesson_mark was;
	unsigned was_version;

	if (applied(s, account, content_id, &was, &was_version, err) == -1)
		return (-1);
	if (was.is == is.is && (is.is == LESSON_NONE || was.weight == is.weight))
		return (0);
	/* Other features were counted then than are given now: they cannot be taken back. */
	if (was.is != LESSON_NONE && was_version != version)
		return (err_set(err, ERR_CANNOT,
		    "count a message: it was counted under version %u"
		    " of the tokeniser, this is %u",
		    was_version, version));
	if (change_model(s, account, was, is, features, n, err) == -1)
		return (-1);
	if (is.is == LESSON_NONE)
		return (sql_do(s->spam, "DELETE FROM applied WHERE account=? AND content=?", err,
		    "sb", account, content_slice(content_id)));
	return (sql_do(s->spam, "INSERT OR REPLACE INTO applied VALUES(?,?,?,?,?)", err, "sbiii",
	    account, content_slice(content_id), (int64_t)is.is, (int64_t)is.weight,
	    (int64_t)version));
}

int tokens_apply(struct store *s, struct slice account, const unsigned char content_id[16],
    struct lesson_mark is, unsigned version, const uint32_t *features, size_t n, struct err *err)
{
	if (sql_begin(s->spam, err) == -1)
		return (-1);
	if (apply(s, account, content_id, is, version, features, n, err) == -1) {
		sql_rollback(s->spam);
		return (-1);
	}
	return (sql_commit(s->spam, err));
}

static int write_parts(struct store *s, struct slice model, unsigned parts,
    size_t (*list)(const void *self, unsigned part, struct feature_count *v), const void *self,
    size_t largest, struct err *err)
{
	struct feature_count *v = mem_new_array(largest + 1, sizeof(*v));
	unsigned char *room = mem_new_array(largest + 1, PACKED_MAX);
	int r = 0;

	for (unsigned part = 0; part < parts && r == 0; part++) {
		size_t n = list(self, part, v);

		if (n > 0)
			r = sql_do(s->spam,
			    "INSERT INTO counts SELECT id,?,? FROM model WHERE name=?", err, "ibs",
			    (int64_t)part, pack(v, n, room), model);
	}
	free(v);
	free(room);
	return (r);
}

int tokens_write(struct store *s, struct slice model, unsigned parts, size_t largest,
    size_t (*list)(const void *self, unsigned part, struct feature_count *v), const void *self,
    struct err *err)
{
	if (sql_begin(s->spam, err) == -1)
		return (-1);
	if (sql_do(s->spam, "DELETE FROM counts WHERE model=(SELECT id FROM model WHERE name=?)",
		err, "s", model) == -1 ||
	    sql_do(s->spam, "DELETE FROM fresh WHERE model=(SELECT id FROM model WHERE name=?)",
		err, "s", model) == -1 ||
	    write_parts(s, model, parts, list, self, largest, err) == -1) {
		sql_rollback(s->spam);
		return (-1);
	}
	return (sql_commit(s->spam, err));
}

/* --- loading --- */

static int load_whole(struct store *s, int64_t id,
    void (*on_change)(void *self, const struct feature_change *c), void *self, struct err *err)
{
	int got;

	if (sql_ask(s->spam, "SELECT octets FROM counts WHERE model=? ORDER BY part", err, "i",
		id) == -1)
		return (-1);
	while ((got = sql_step(s->spam, err)) == 1)
		if (unpack(sql_text(s->spam, 0), on_change, self, err) == -1) {
			got = -1;
			break;
		}
	sql_done(s->spam);
	return (got);
}

static int load_fresh(struct store *s, int64_t id,
    void (*on_change)(void *self, const struct feature_change *c), void *self, size_t *ret_fresh,
    struct err *err)
{
	int got;

	if (sql_ask(s->spam, "SELECT ham,spam,features FROM fresh WHERE model=? ORDER BY id", err,
		"i", id) == -1)
		return (-1);
	while ((got = sql_step(s->spam, err)) == 1) {
		struct feature_change c = { 0, sql_int(s->spam, 0), sql_int(s->spam, 1) };
		struct slice v = sql_text(s->spam, 2);

		for (; v.n >= sizeof(c.feature); v = slice_from(v, sizeof(c.feature))) {
			memcpy(&c.feature, v.p, sizeof(c.feature));
			on_change(self, &c);
			(*ret_fresh)++;
		}
	}
	sql_done(s->spam);
	return (got);
}

int tokens_load(struct store *s, struct slice model, struct model_totals *ret_totals,
    void (*on_change)(void *self, const struct feature_change *c), void *self, size_t *ret_fresh,
    struct err *err)
{
	int64_t id = 0;
	int got;

	*ret_totals = (struct model_totals){ 0 };
	*ret_fresh = 0;
	if (sql_ask(s->spam, "SELECT id,ham,spam,hams,spams FROM model WHERE name=?", err, "s",
		model) == -1)
		return (-1);
	if ((got = sql_step(s->spam, err)) == 1) {
		id = sql_int(s->spam, 0);
		*ret_totals = (struct model_totals){ (uint64_t)sql_int(s->spam, 1),
			(uint64_t)sql_int(s->spam, 2), (uint64_t)sql_int(s->spam, 3),
			(uint64_t)sql_int(s->spam, 4) };
	}
	sql_done(s->spam);
	if (got != 1)
		return (got);
	if (load_whole(s, id, on_change, self, err) == -1)
		return (-1);
	return (load_fresh(s, id, on_change, self, ret_fresh, err));
}

int tokens_each_model(
    struct store *s, void (*on_model)(void *self, struct slice name), void *self, struct err *err)
{
	int got;

	if (sql_ask(s->spam, "SELECT name FROM model ORDER BY id", err, "") == -1)
		return (-1);
	while ((got = sql_step(s->spam, err)) == 1)
		on_model(self, sql_text(s->spam, 0));
	sql_done(s->spam);
	return (got);
}
