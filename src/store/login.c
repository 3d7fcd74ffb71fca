/* login.c: may this person in? A guess costs time: by source, and by source and account, never
 * by account alone, so that no stranger can lock anyone out (L_AUTH_...). Then the hash, on its
 * own lane, the same for names nobody has. What was verified is remembered ten minutes as a
 * keyed hash, in memory. Leaves the log to the session. */
#include <stdlib.h>

#include "core/ip.h"
#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/secret.h"
#include "store/store_int.h"

enum {
	GUESSERS = 8192,	/* counters kept; the one unused for longest goes first */
	REMEMBERED = 256,
	REMEMBER_MS = 600000,
	WINDOW_MS = L_AUTH_WINDOW * 1000,
	SOURCE_PENDING = 8,	/* attempts at once of a source over its free failures */
	NAME_MAX_OCTETS = L_LOCAL + 1 + L_DOMAIN,
	KEY_MAX = 18 + NAME_MAX_OCTETS,
};

struct guesser { /* failures of one source, or of one source at one account */
	struct list node; /* oldest use first */
	unsigned failures, pending;
	uint64_t first_ms, refused_until_ms;
	size_t key_n;
	char key[];
};

struct remembered {
	uint64_t hash[2];
	uint64_t until_ms;
	struct account *account; /* NULL: free */
};

struct logins {
	struct store *store;
	struct map *guessers;
	struct list by_use;
	struct list delayed; /* struct login.node */
	struct remembered remembered[REMEMBERED];
	unsigned generation; /* counts login_forget: older verifications are not remembered */
	unsigned running;    /* between the end of the delay and the answer */
};

struct login {
	struct store_op op;
	struct list node;
	struct job job;
	struct store *store;
	struct timer *timer;
	struct later *later;
	void (*on_login)(void *self, enum login_result r, struct account *a); /* NULL: abandoned */
	void *self;
	struct guesser *source, *pair; /* pending counts keep them */
	struct account *account; /* NULL: nobody */
	enum login_result result;
	uint64_t hash[2];
	unsigned generation;
	bool trouble, found, ok;
	char stored[SECRET_HASH_MAX];
	size_t password_n;
	char password[L_PASSWORD];
};

/* --- counting --- */

static void guesser_free(struct logins *l, struct guesser *g)
{
	(void)map_drop(l->guessers, (struct slice){ g->key, g->key_n });
	list_drop(&g->node);
	free(g);
}

static struct guesser *guesser_of(struct logins *l, struct slice key)
{
	struct guesser *g = map_get(l->guessers, key);

	if (g != NULL) {
		list_drop(&g->node);
		list_push(&l->by_use, &g->node);
		return (g);
	}
	if (map_count(l->guessers) >= GUESSERS) {
		LIST_EACH(&l->by_use, node) {
			g = LIST_OWNER(node, struct guesser, node);
			if (g->pending > 0)
				continue;
			guesser_free(l, g);
			break;
		}
	}
	g = mem_new(sizeof(*g) + key.n);
	g->key_n = key.n;
	memcpy(g->key, key.p, key.n);
	list_push(&l->by_use, &g->node);
	(void)map_put(l->guessers, key, g);
	return (g);
}

/* Failures that still count. */
static unsigned failures_of(struct guesser *g)
{
	uint64_t now = clock_ms();

	if (g->failures > 0 && now >= g->refused_until_ms && now - g->first_ms >= WINDOW_MS)
		g->failures = 0;
	return (g->failures);
}

static bool is_refused(struct guesser *g)
{
	return (failures_of(g) >= L_AUTH_HARD && clock_ms() < g->refused_until_ms);
}

static void count_failure(struct guesser *g)
{
	uint64_t now = clock_ms();

	if (failures_of(g) == 0)
		g->first_ms = now;
	g->failures++;
	if (g->failures >= L_AUTH_HARD) {
		g->refused_until_ms = now + WINDOW_MS;
		g->first_ms = now;
	}
}

static uint64_t delay_of(struct guesser *g)
{
	static const uint64_t delays[] = { 2000, 4000, 8000, 15000 };
	unsigned n = failures_of(g);

	if (n < L_AUTH_FREE)
		return (0);
	n -= L_AUTH_FREE;
	return (delays[n < COUNT_OF(delays) ? n : COUNT_OF(delays) - 1]);
}

/* --- remembering --- */

/* 128 bits under the key of this process: whoever reads a core dump later finds no password. */
static void hash_of(const struct account *a, struct slice password, uint64_t ret[2])
{
	char text[1 + sizeof(a) + L_PASSWORD];

	memcpy(text + 1, &a, sizeof(a));
	memcpy(text + 1 + sizeof(a), password.p, password.n);
	for (int i = 0; i < 2; i++) {
		text[0] = (char)i;
		ret[i] = map_hash((struct slice){ text, 1 + sizeof(a) + password.n });
	}
	secret_wipe(text, sizeof(text));
}

static struct slice hash_slice(const uint64_t hash[2])
{
	return ((struct slice){ (const char *)hash, 2 * sizeof(hash[0]) });
}

static bool is_remembered(const struct logins *l, const struct login *g)
{
	uint64_t now = clock_ms();
	bool ret = false;

	for (size_t i = 0; i < REMEMBERED; i++) {
		const struct remembered *r = &l->remembered[i];

		if (r->account == g->account && now < r->until_ms &&
		    secret_equal(hash_slice(r->hash), hash_slice(g->hash)))
			ret = true;
	}
	return (ret);
}

static void remember(struct logins *l, const struct login *g)
{
	struct remembered *oldest = &l->remembered[0];

	for (size_t i = 0; i < REMEMBERED; i++) {
		struct remembered *r = &l->remembered[i];

		if (r->account == g->account &&
		    secret_equal(hash_slice(r->hash), hash_slice(g->hash))) {
			oldest = r;
			break;
		}
		if (r->until_ms < oldest->until_ms)
			oldest = r;
	}
	oldest->account = g->account;
	oldest->until_ms = clock_ms() + REMEMBER_MS;
	memcpy(oldest->hash, g->hash, sizeof(oldest->hash));
}

void login_forget(struct store *s)
{
	secret_wipe(s->logins->remembered, sizeof(s->logins->remembered));
	s->logins->generation++;
}

/* --- one attempt --- */

static void login_free(struct login *g)
{
	if (g->source != NULL)
		g->source->pending--;
	if (g->pair != NULL)
		g->pair->pending--;
	list_drop(&g->node);
	secret_wipe(g, sizeof(*g));
	free(g);
}

static void answer(struct login *g, enum login_result r)
{
	void (*on_login)(void *, enum login_result, struct account *) = g->on_login;
	void *self = g->self;
	/* Removed from the configuration while we looked: nobody is let in. */
	struct account *a = r == LOGIN_OK && account_is_gone(g->account) ? NULL : g->account;

	if (r == LOGIN_OK && a == NULL)
		r = LOGIN_WRONG;
	login_free(g);
	if (on_login != NULL)
		on_login(self, r, r == LOGIN_OK ? a : NULL);
}

static void on_answer_later(void *self)
{
	struct login *g = self;

	g->later = NULL;
	answer(g, g->result);
}

static void answer_later(struct login *g, enum login_result r)
{
	g->result = r;
	g->later = loop_later(g->store->loop, on_answer_later, g);
}

static void verify_run(struct job *j)
{
	struct login *g = LIST_OWNER(j, struct login, job);
	struct slice password = { g->password, g->password_n };

	/* A name nobody has costs the same as a wrong password (SUB-05). */
	g->ok = secret_verify(g->found ? g->stored : secret_dummy_hash(), password) && g->found;
	secret_wipe(g->password, sizeof(g->password));
}

static void verify_done(struct job *j)
{
	struct login *g = LIST_OWNER(j, struct login, job);
	struct logins *l = g->store->logins;

	l->running--;
	if (g->trouble) {
		answer(g, LOGIN_BUSY);
		return;
	}
	if (!g->ok) {
		count_failure(g->source);
		count_failure(g->pair);
		answer(g, LOGIN_WRONG);
		return;
	}
	g->pair->failures = 0;
	if (g->generation == l->generation)
		remember(l, g);
	answer(g, LOGIN_OK);
}

static void look_up_run(struct job *j)
{
	struct login *g = LIST_OWNER(j, struct login, job);
	struct err err = { 0 };

	g->found = g->account != NULL &&
	    password_get(g->store, g->account->name, g->stored, &err) == 0;
	/* For nobody the same question is asked, about a name nobody can have. */
	if (g->account == NULL)
		(void)password_get(g->store, "", g->stored, &err);
	g->trouble = !g->found && err.kind != ERR_NOT_FOUND;
}

static void look_up_done(struct job *j)
{
	struct login *g = LIST_OWNER(j, struct login, job);

	j->run = verify_run;
	j->done = verify_done;
	/* ${running} keeps to the lane's bounds; what was begun is finished. */
	lane_force(g->store->passwords, j);
}

static enum login_result go(struct login *g) /* LOGIN_OK: under way */
{
	struct logins *l = g->store->logins;

	if (is_refused(g->pair) || is_refused(g->source))
		return (LOGIN_THROTTLED);
	if (l->running >= L_AUTH_RUNNING + L_AUTH_WAITING)
		return (LOGIN_BUSY);
	g->generation = l->generation;
	g->job.run = look_up_run;
	g->job.done = look_up_done;
	if (lane_put(g->store->lanes[STORE_STATE], &g->job) == -1)
		return (LOGIN_BUSY);
	l->running++;
	return (LOGIN_OK);
}

static void on_delay_over(void *self)
{
	struct login *g = self;
	enum login_result r;

	g->timer = NULL;
	list_drop(&g->node);
	if ((r = go(g)) != LOGIN_OK)
		answer(g, r);
}

static void login_cancel(struct store_op *op)
{
	struct login *g = LIST_OWNER(op, struct login, op);

	g->on_login = NULL;
	if (g->timer == NULL && g->later == NULL)
		return; /* a job has it: it is finished, and a failure counts all the same */
	timer_cancel(g->timer);
	later_cancel(g->later);
	login_free(g);
}

static struct slice source_key(const struct ip *peer, char ret[17])
{
	struct ip source = ip_source(peer);

	ret[0] = source.is_v6 ? '6' : '4';
	memcpy(ret + 1, source.octets, 16);
	return ((struct slice){ ret, source.is_v6 ? 17 : 5 });
}

static struct slice pair_key(struct slice source, const struct login *g, struct slice name,
    char ret[KEY_MAX])
{
	size_t n = source.n;

	if (g->account != NULL)
		name = slice_of(g->account->name);
	memcpy(ret, source.p, n);
	ret[n++] = '\0'; /* never the key of the source alone */
	for (size_t i = 0; i < name.n && n < KEY_MAX; i++)
		ret[n++] = ascii_lower(name.p[i]);
	return ((struct slice){ ret, n });
}

/* What is known at once; LOGIN_OK: the hash must tell, after the delay. */
static enum login_result judge(struct logins *l, struct login *g, bool usable, bool *ret_known)
{
	struct guesser *source = g->source, *pair = g->pair;

	*ret_known = true;
	if (is_refused(pair) || (failures_of(pair) >= L_AUTH_FREE && pair->pending > 1))
		return (LOGIN_THROTTLED);
	/* Someone else behind the same address guesses: who proved himself is not made to wait. */
	if (usable && g->account != NULL && failures_of(pair) < L_AUTH_FREE &&
	    is_remembered(l, g))
		return (LOGIN_OK);
	if (is_refused(source) ||
	    (failures_of(source) >= L_AUTH_FREE && source->pending > SOURCE_PENDING))
		return (LOGIN_THROTTLED);
	if (!usable) {
		count_failure(source);
		count_failure(pair);
		return (LOGIN_WRONG);
	}
	*ret_known = false;
	return (LOGIN_OK);
}

struct store_op *login_start(struct store *s, struct slice name, struct slice password,
    const struct ip *peer, void (*on_login)(void *self, enum login_result r, struct account *a),
    void *self)
{
	struct logins *l = s->logins;
	struct login *g = NEW(struct login);
	/* SUB-09: neither is worth a hash. */
	bool usable = password.n > 0 && password.n <= L_PASSWORD && name.n <= NAME_MAX_OCTETS;
	const struct cfg_account *cfg = usable ? cfg_login(s->cfg, name) : NULL;
	char source_text[17], pair_text[KEY_MAX];
	struct slice source = source_key(peer, source_text);
	enum login_result r;
	uint64_t delay;
	bool known;

	g->op.cancel = login_cancel;
	g->store = s;
	g->on_login = on_login;
	g->self = self;
	g->account = cfg == NULL ? NULL : store_account(s, slice_of(cfg->name));
	if (usable) {
		memcpy(g->password, password.p, password.n);
		g->password_n = password.n;
		hash_of(g->account, password, g->hash);
	}
	g->source = guesser_of(l, source);
	g->source->pending++;
	g->pair = guesser_of(l, pair_key(source, g, slice_head(name, NAME_MAX_OCTETS), pair_text));
	g->pair->pending++;
	r = judge(l, g, usable, &known);
	if (known) {
		answer_later(g, r);
		return (&g->op);
	}
	delay = delay_of(g->pair) > delay_of(g->source) ? delay_of(g->pair) : delay_of(g->source);
	if (delay > 0) {
		list_push(&l->delayed, &g->node);
		g->timer = timer_start(s->loop, delay, on_delay_over, g);
	} else if ((r = go(g)) != LOGIN_OK) {
		answer_later(g, r);
	}
	return (&g->op);
}

/* --- the whole --- */

struct logins *logins_new(struct store *s)
{
	struct logins *l = NEW(struct logins);

	l->store = s;
	l->guessers = map_new();
	list_init(&l->by_use);
	list_init(&l->delayed);
	return (l);
}

void logins_stop(struct logins *l)
{
	LIST_EACH(&l->delayed, node)
		login_cancel(&LIST_OWNER(node, struct login, node)->op);
}

void logins_free(struct logins *l)
{
	if (l == NULL)
		return;
	logins_stop(l);
	while (!list_empty(&l->by_use))
		guesser_free(l, LIST_OWNER(l->by_use.next, struct guesser, node));
	map_free(l->guessers);
	secret_wipe(l, sizeof(*l));
	free(l);
}
