/* fake_store.c: a store for dialogues: drafts in memory, commits as plain files in Maildir's
 * places, one password for everybody. It keeps every promise of order the real one makes (nothing
 * calls back before it returns) and none of durability. Linked instead of the real one. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/limits.h"
#include "core/loop.h"
#include "core/mem.h"
#include "spam/classifier.h"
#include "spam/verdict.h"
#include "store/mailbox.h"
#include "store/quarantine.h"
#include "store/reputation.h"
#include "store/senders.h"
#include "store/draft.h"
#include "store/ledger.h"
#include "store/queue.h"

enum { ACCOUNTS = 16 };

struct account {
	const struct cfg_account *cfg;
	struct store *store;
};

struct store {
	struct loop *loop;
	struct work *work;
	const struct cfg *cfg;
	struct lane *lanes[STORE_LANES];
	struct account accounts[ACCOUNTS];
	size_t accounts_n;
	unsigned serial, queued, in_room;
};

struct store *store_open(struct loop *l, struct work *w, const struct cfg *cfg, struct err *err)
{
	struct store *s = NEW(struct store);

	(void)err;
	s->loop = l;
	s->work = w;
	s->cfg = cfg;
	for (size_t i = 0; i < STORE_LANES; i++)
		s->lanes[i] = lane_new(w, WORK_SYNC, 1, L_JOBS);
	for (const struct cfg_account *a = cfg->accounts; a != NULL && s->accounts_n < ACCOUNTS;
	     a = a->next) {
		s->accounts[s->accounts_n].store = s;
		s->accounts[s->accounts_n++].cfg = a;
	}
	if (cfg->data != NULL) { /* else nothing is written at all */
		(void)mkdir("mail", 0700);
		(void)mkdir("queue", 0700);
	}
	return (s);
}

void store_close(struct store *s, void (*on_closed)(void *self), void *self)
{
	for (size_t i = 0; i < STORE_LANES; i++)
		lane_free(s->lanes[i]);
	free(s);
	on_closed(self);
}

struct lane *store_lane(struct store *s, enum store_lane which)
{
	return (s->lanes[which]);
}

/* Nothing is known of anybody. */
bool reputation_score(const struct store *s, struct slice name, unsigned *ret)
{
	(void)s;
	(void)name;
	(void)ret;
	return (false);
}

void reputation_note(struct store *s, const struct evidence *e)
{
	(void)s;
	(void)e;
}

void reputation_taught(
    struct store *s, struct slice account, const struct reputation_lesson *v, size_t n)
{
	(void)s;
	(void)account;
	(void)v;
	(void)n;
}

bool store_accepts(struct store *s, struct err *err)
{
	(void)s;
	(void)err;
	return (true);
}

struct account *store_account(struct store *s, struct slice name)
{
	for (size_t i = 0; i < s->accounts_n; i++)
		if (slice_eq(slice_of(s->accounts[i].cfg->name), name))
			return (&s->accounts[i]);
	return (NULL);
}

const char *account_name(const struct account *a)
{
	return (a->cfg->name);
}

const struct cfg_account *account_cfg(const struct account *a)
{
	return (a->cfg);
}

bool account_is_gone(const struct account *a)
{
	(void)a;
	return (false);
}

/* --- operations that answer on the next turn */
struct store_op {
	struct later *later;
	struct err err;
	struct store *store;
	void *self;
	void (*on_login)(void *self, enum login_result r, struct account *a);
	struct account *account;
	enum login_result login;
	void (*on_commit)(void *self, const struct commit_result *r);
	bool queued;
};

void store_op_cancel(struct store_op *op)
{
	if (op == NULL)
		return;
	later_cancel(op->later);
	free(op);
}

static void on_login_turn(void *self)
{
	struct store_op op = *(struct store_op *)self;

	free(self);
	op.on_login(op.self, op.login, op.account);
}

struct store_op *login_start(struct store *s, struct slice name, struct slice password,
    const struct ip *peer, void (*on_login)(void *self, enum login_result r, struct account *a),
    void *self)
{
	struct store_op *op = NEW(struct store_op);
	const struct cfg_account *found = cfg_login(s->cfg, name);

	(void)peer;
	op->self = self;
	op->on_login = on_login;
	op->login = LOGIN_WRONG;
	if (found != NULL && slice_eq(password, SLICE("secret"))) {
		op->login = LOGIN_OK;
		op->account = store_account(s, slice_of(found->name));
	}
	op->later = loop_later(s->loop, on_login_turn, op);
	return (op);
}

/* --- drafts */
struct draft {
	struct store *store;
	struct buf bytes;
	uint64_t size, max;
	struct later *later;
	unsigned adds;
	void (*on_room)(void *self);
	void (*on_ended)(void *self, const struct err *err);
	void *room_self, *ended_self;
};

struct draft *draft_new(struct store *s, uint64_t max)
{
	struct draft *d = NEW(struct draft);

	d->store = s;
	d->max = max;
	buf_init(&d->bytes, (size_t)max);
	return (d);
}

void draft_free(struct draft *d)
{
	if (d == NULL)
		return;
	later_cancel(d->later);
	buf_free(&d->bytes);
	free(d);
}

bool draft_add(struct draft *d, struct slice octets)
{
	d->size += octets.n;
	if (!draft_is_over(d))
		(void)buf_add_slice(&d->bytes, octets);
	return (++d->adds % 3 != 0); /* every third time the session has to wait */
}

static void on_room_turn(void *self)
{
	struct draft *d = self;

	d->later = NULL;
	d->on_room(d->room_self);
}

void draft_on_room(struct draft *d, void (*on_room)(void *self), void *self)
{
	d->on_room = on_room;
	d->room_self = self;
	d->later = loop_later(d->store->loop, on_room_turn, d);
}

bool draft_is_over(const struct draft *d)
{
	return (d->size > d->max);
}

uint64_t draft_size(const struct draft *d)
{
	return (d->size);
}

static void on_ended_turn(void *self)
{
	struct draft *d = self;

	d->later = NULL;
	d->on_ended(d->ended_self, NULL);
}

void draft_end(struct draft *d, void (*on_ended)(void *self, const struct err *err), void *self)
{
	later_cancel(d->later);
	d->on_ended = on_ended;
	d->ended_self = self;
	d->later = loop_later(d->store->loop, on_ended_turn, d);
}

struct slice draft_bytes(const struct draft *d)
{
	return (buf_slice(&d->bytes));
}

static void write_lf(FILE *f, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != '\r')
			(void)fputc(s.p[i], f);
}

static void write_copy(const struct commit *c, const char *path, struct slice prefix)
{
	struct slice all = draft_bytes(c->draft);
	FILE *f = fopen(path, "w");
	uint64_t at = 0;

	if (f == NULL)
		abort();
	write_lf(f, prefix);
	for (size_t i = 0; i < c->drop_n; i++) {
		write_lf(f, slice_between(all.p + at, all.p + c->drop[i].at));
		at = c->drop[i].at + c->drop[i].n;
	}
	write_lf(f, slice_from(all, (size_t)at));
	(void)fclose(f);
}

static void on_commit_turn(void *self)
{
	struct store_op op = *(struct store_op *)self;
	static const unsigned char ids[L_RCPT + 1][16];
	struct commit_result r = { .content_ids = ids, .err = op.err.kind != ERR_NONE ? &op.err : NULL,
		.queue_id = op.queued ? "q" : NULL };

	free(self);
	op.on_commit(op.self, &r);
}

struct store_op *store_commit(struct store *s, const struct commit *c,
    void (*on_done)(void *self, const struct commit_result *r), void *self)
{
	struct store_op *op = NEW(struct store_op);
	char path[512];

	op->self = self;
	op->on_commit = on_done;
	for (size_t i = 0; i < c->targets_n; i++)
		if (strcmp(account_name(c->targets[i].account), "full") == 0)
			err_set(&op->err, ERR_OVER_QUOTA, "account full is over its quota");
	for (size_t i = 0; i < c->targets_n && op->err.kind == ERR_NONE && s->cfg->data != NULL;
	     i++) {
		const char *sub = c->targets[i].role == ROLE_JUNK ? "/.Junk" : "";

		(void)snprintf(path, sizeof(path), "mail/%s", account_name(c->targets[i].account));
		(void)mkdir(path, 0700);
		(void)snprintf(
		    path, sizeof(path), "mail/%s%s", account_name(c->targets[i].account), sub);
		(void)mkdir(path, 0700);
		(void)snprintf(
		    path, sizeof(path), "mail/%s%s/new", account_name(c->targets[i].account), sub);
		(void)mkdir(path, 0700);
		(void)snprintf(path, sizeof(path), "mail/%s%s/new/%06u",
		    account_name(c->targets[i].account), sub, ++s->serial);
		write_copy(c, path, c->targets[i].prefix);
	}
	if (c->queue != NULL && op->err.kind == ERR_NONE) {
		(void)snprintf(path, sizeof(path), "queue/%06u", ++s->serial);
		if (s->cfg->data != NULL)
			write_copy(c, path, c->queue_prefix);
		s->queued++;
		op->queued = true;
	}
	op->later = loop_later(s->loop, on_commit_turn, op);
	return (op);
}

int queue_count(struct store *s, struct queue_count *ret, struct err *err)
{
	(void)err;
	*ret = (struct queue_count){ .entries = s->queued };
	return (0);
}

void ledger_add(struct store *s, const struct ledger_row *row)
{
	(void)s;
	if (row->act.n == 0 || row->rcpt.n == 0)
		abort(); /* a row says what happened, to whose mail */
}

/* --- a judge who reads the subject */
void features_of(const struct classifier *c, const struct mime *m, struct features *ret)
{
	(void)c;
	(void)m;
	*ret = (struct features){ 0 };
}

void features_free(struct features *f)
{
	free(f->v);
}

void classifier_score(
    struct classifier *c, const char *account, const struct features *f, struct spam_score *ret)
{
	(void)c;
	(void)account;
	(void)f;
	*ret = (struct spam_score){ 0 };
}

struct folder *folder_find(struct account *a, struct slice name)
{
	(void)a;
	(void)name;
	return (NULL);
}

int correspondent_knows(
    struct store *s, struct slice account, struct slice address, bool *ret, struct err *err)
{
	(void)s;
	(void)account;
	(void)address;
	(void)err;
	*ret = false;
	return (0);
}

/* No copy is ever kept here: what was refused is told all the same. */
struct no_copy {
	void (*on_kept)(void *self, const struct quarantined *q);
	void *self;
};

static void on_no_copy(void *self)
{
	struct no_copy n = *(struct no_copy *)self;
	struct err err;

	free(self);
	(void)err_set(&err, ERR_NO_SPACE, "no \"room\" for a copy");
	n.on_kept(n.self, &(struct quarantined){ .err = &err });
}

void quarantine_keep(struct account *a, struct draft *draft, struct slice prefix,
    const struct span *drop, size_t drop_n,
    void (*on_kept)(void *self, const struct quarantined *q), void *self)
{
	struct no_copy *n = NEW(struct no_copy);

	(void)draft;
	(void)prefix;
	(void)drop;
	(void)drop_n;
	*n = (struct no_copy){ on_kept, self };
	(void)loop_later(a->store->loop, on_no_copy, n);
}

const char *folder_name(const struct folder *f)
{
	(void)f;
	return ("");
}

int correspondent_of_domain(struct store *s, struct slice domain, bool *ret, struct err *err)
{
	(void)s;
	(void)domain;
	(void)err;
	*ret = false;
	return (0);
}

int correspondent_wrote(struct store *s, struct slice account, const struct slice *addresses,
    size_t n, int64_t now, struct err *err)
{
	(void)s;
	(void)account;
	(void)addresses;
	(void)n;
	(void)now;
	(void)err;
	return (0);
}

int greylist_try(struct store *s, const struct ip *peer, struct slice domain, int64_t now,
    enum greylist_state *ret, struct err *err)
{
	(void)s;
	(void)peer;
	(void)domain;
	(void)now;
	(void)err;
	*ret = GREYLIST_PASS;
	return (0);
}

bool verdict_filtered(const struct facts *f, const struct cfg *cfg)
{
	(void)f;
	(void)cfg;
	return (false);
}

bool verdict_may_refuse(const struct cfg *cfg)
{
	(void)cfg;
	return (false);
}

bool verdict_refuses(
    struct arena *a, const struct facts *f, const struct cfg *cfg, struct verdict *ret)
{
	(void)a;
	(void)f;
	(void)cfg;
	(void)ret;
	return (false);
}

const char *verdict_act_name(enum verdict_act act)
{
	return (act == VERDICT_REJECT ? "reject" : "accept");
}

void verdict_judge(
    struct arena *a, const struct facts *f, const struct cfg *cfg, struct verdict *ret)
{
	struct slice subject = header_value(a, f->header, SLICE("Subject"));

	(void)cfg;
	*ret = (struct verdict){ .act = VERDICT_ACCEPT, .why = SLICE("score 0.0") };
	if (slice_eq(subject, SLICE("junk")))
		*ret = (struct verdict){
			.act = VERDICT_JUNK, .score = 7, .why = SLICE("score 7.0; subject 7.0")
		};
	if (slice_eq(subject, SLICE("reject")) ||
	    (slice_eq(subject, SLICE("half")) && strcmp(f->account, "bob") == 0))
		*ret = (struct verdict){ .act = VERDICT_REJECT,
			.score = 16,
			.why = SLICE("score 16.0; subject 16.0"),
			.code = 550,
			.enhanced = "5.7.1",
			.reply = "this message looks like spam to us" };
}
