/* ledger.c: what happened to mail, and why? Rows are copied on the loop and written on their
 * own lane; when that is full a row is counted as dropped, never waited for. What a row says is
 * its writer's business, how a question reads ledger_query.c's. Rows go after 90 days, or when
 * all take more room than ledger_bound allows. */
#include "store/ledger.h"

#include <stdlib.h>

#include "core/buf.h"
#include "core/mem.h"
#include "msg/addr.h"
#include "store/ledger_query.h"
#include "store/store_int.h"

enum {
	TEXTS = 17,
	TEXT_MAX = 1024,	/* octets of one value; facts may have more */
	FACTS_MAX = 16384,
	LOOK_AT_SIZE = 1000,	/* rows between two looks at the size */
	LEDGER_OCTETS = 200 * 1048576,
	DROP_AT_ONCE = 2000,
	DROP_ROUNDS = 1000,
	FIND_MAX = 10000,
};

#define COLUMNS                                                                                    \
	"at,session,message,act,peer,rdns,helo,mail_from,rcpt,account,folder,message_id,subject,"  \
	"header_from,content,reply,facts,points,score"

/* The slices of a row in the order of COLUMNS. */
static void texts_of(struct ledger_row *r, struct slice *ret[TEXTS])
{
	struct slice *const all[TEXTS] = { &r->session, &r->message, &r->act, &r->peer, &r->rdns,
		&r->helo, &r->mail_from, &r->rcpt, &r->account, &r->folder, &r->message_id,
		&r->subject, &r->header_from, &r->content_id, &r->reply, &r->facts, &r->points };

	memcpy(ret, all, sizeof(all));
}

/* --- writing --- */

struct add_job {
	struct job job;
	struct store *store;
	struct ledger_row row; /* its slices lie in ${octets} */
	bool look_at_size, failed;
	char octets[];
};

/* The first address of a From field's text, folded. */
static struct slice address_of(struct arena *a, struct slice header_from)
{
	struct addr_list list;

	addr_parse(a, header_from, &list);
	for (size_t i = 0; i < list.n; i++)
		if (list.v[i].kind == ADDR_MAILBOX)
			return (addr_fold(a, list.v[i].local, list.v[i].domain));
	return ((struct slice){ "", 0 });
}

static int write_row(struct store *s, const struct ledger_row *r, struct err *err)
{
	static const char with[] = "INSERT INTO row(" COLUMNS ",peer_key,from_address)"
				   " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
	static const char without[] = "INSERT INTO row(" COLUMNS ",peer_key,from_address)"
				      " VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,?,?)";
	struct arena *a = arena_new(0);
	struct slice from = address_of(a, r->header_from), peer = { "", 0 };
	unsigned char key[16];
	struct ip ip;
	int rc;

	if (ip_parse(r->peer, &ip)) {
		ledger_peer_key(&ip, key);
		peer = (struct slice){ (const char *)key, sizeof(key) };
	}
	if (r->has_score)
		rc = sql_do(s->ledger, with, err, "isssssssssssssbsssdbs", r->at, r->session,
		    r->message, r->act, r->peer, r->rdns, r->helo, r->mail_from, r->rcpt,
		    r->account, r->folder, r->message_id, r->subject, r->header_from,
		    r->content_id, r->reply, r->facts, r->points, r->score, peer, from);
	else
		rc = sql_do(s->ledger, without, err, "isssssssssssssbsssbs", r->at, r->session,
		    r->message, r->act, r->peer, r->rdns, r->helo, r->mail_from, r->rcpt,
		    r->account, r->folder, r->message_id, r->subject, r->header_from,
		    r->content_id, r->reply, r->facts, r->points, peer, from);
	arena_free(a);
	return (rc);
}

static void add_run(struct job *j)
{
	struct add_job *a = LIST_OWNER(j, struct add_job, job);
	struct err err;

	a->failed = write_row(a->store, &a->row, &err) == -1;
	if (a->look_at_size)
		(void)ledger_bound(a->store, LEDGER_OCTETS, &err);
}

static void add_done(struct job *j)
{
	struct add_job *a = LIST_OWNER(j, struct add_job, job);

	if (a->failed)
		a->store->ledger_dropped++;
	free(a);
}

/* Message ids are kept without <>, so that a question finds them either way. */
static struct slice bare_id(struct slice id)
{
	id = slice_trim(id);
	if (id.n > 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		return (slice_head(slice_from(id, 1), id.n - 2));
	return (id);
}

void ledger_add(struct store *s, const struct ledger_row *row)
{
	struct ledger_row cut = *row;
	struct slice *texts[TEXTS];
	struct add_job *a;
	size_t n = 0;
	char *at;

	cut.message_id = bare_id(cut.message_id);
	texts_of(&cut, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		*texts[i] = slice_head(*texts[i], texts[i] == &cut.facts ? FACTS_MAX : TEXT_MAX);
		n += texts[i]->n;
	}
	a = mem_new(sizeof(*a) + n);
	a->store = s;
	a->row = cut;
	a->row.at = cut.at == 0 ? clock_wall() : cut.at;
	a->job.run = add_run;
	a->job.done = add_done;
	texts_of(&a->row, texts);
	at = a->octets;
	for (size_t i = 0; i < TEXTS; i++) {
		if (texts[i]->n > 0)
			memcpy(at, texts[i]->p, texts[i]->n);
		/* SQLite's texts end at a NUL for some who read them. */
		for (size_t k = 0; texts[i] != &a->row.content_id && k < texts[i]->n; k++)
			at[k] = at[k] == '\0' ? '?' : at[k];
		texts[i]->p = at;
		at += texts[i]->n;
	}
	if (++s->ledger_added >= LOOK_AT_SIZE) {
		s->ledger_added = 0;
		a->look_at_size = true;
	}
	if (lane_put(s->lanes[STORE_LEDGER], &a->job) == -1) {
		s->ledger_dropped++;
		free(a);
	}
}

uint64_t ledger_dropped(const struct store *s)
{
	return (s->ledger_dropped);
}

/* --- asking --- */

/* Each part of a question uses an index of its own; "<> ''" lets the partial ones be used. */
#define ROWS "SELECT id," COLUMNS " FROM row "
#define BETWEEN " AND at>=?3 AND at<?4 ORDER BY id DESC LIMIT ?2"
#define IDS "SELECT id FROM row WHERE "

static int ask(struct sql *q, const struct ledger_query *w, int64_t from, int64_t to, size_t max,
    struct err *err)
{
	const struct slice low = { (const char *)w->low, sizeof(w->low) },
			   high = { (const char *)w->high, sizeof(w->high) };
	int64_t most = (int64_t)max;

	switch (w->kind) {
	case LEDGER_SPAN:
		from = w->from > from ? w->from : from;
		to = w->to < to ? w->to : to;
		/* FALLTHROUGH */
	case LEDGER_ALL:
		return (sql_ask(q,
		    ROWS "WHERE at>=?1 AND at<?2 ORDER BY at DESC,id DESC LIMIT ?3", err, "iii",
		    from, to, most));
	case LEDGER_IP:
		return (sql_ask(q, ROWS "WHERE peer=?1 AND peer<>''" BETWEEN, err, "siii", w->key,
		    most, from, to));
	case LEDGER_NET:
		return (sql_ask(q, ROWS "WHERE peer_key<>x'' AND peer_key>=?1 AND peer_key<=?5" BETWEEN,
		    err, "biiib", low, most, from, to, high));
	case LEDGER_CONTENT:
		return (sql_ask(q, ROWS "WHERE content=?1 AND content<>x''" BETWEEN, err, "biii", low,
		    most, from, to));
	case LEDGER_ADDRESS:
		return (sql_ask(q, ROWS "WHERE id IN (" IDS "message_id=?1 AND message_id<>''"
			" UNION " IDS "mail_from=?1 AND mail_from<>''"
			" UNION " IDS "rcpt=?1 AND rcpt<>''"
			" UNION " IDS "from_address=?1 AND from_address<>''"
			" UNION " IDS "header_from=?1 AND header_from<>'')" BETWEEN, err, "siii",
		    w->key, most, from, to));
	case LEDGER_WORD:
		return (sql_ask(q, ROWS "WHERE id IN (" IDS "message=?1 AND message<>''"
			" UNION " IDS "session=?1 AND session<>''"
			" UNION " IDS "message_id=?1 AND message_id<>''"
			" UNION " IDS "account=?1 AND account<>'')" BETWEEN, err, "siii", w->key,
		    most, from, to));
	}
	return (err_set(err, ERR_PERMANENT, "ask the ledger: unknown kind"));
}

/* What was asked, to its end. */
static int take_rows(struct sql *q, struct arena *a, size_t max, struct ledger_row **ret,
    size_t *ret_n, struct err *err)
{
	size_t n = 0, cap = 0;
	int got = 0;

	while (n < max && (got = sql_step(q, err)) == 1) {
		struct slice *texts[TEXTS];
		struct ledger_row *r;

		if (n == cap) {
			struct ledger_row *more;

			cap = cap == 0 ? 16 : cap * 2;
			more = arena_array(a, cap, sizeof(*more));
			if (n > 0)
				memcpy(more, *ret, n * sizeof(*more));
			*ret = more;
		}
		r = &(*ret)[n++];
		r->id = sql_int(q, 0);
		r->at = sql_int(q, 1);
		texts_of(r, texts);
		for (int i = 0; i < TEXTS; i++)
			*texts[i] = arena_dup(a, sql_text(q, 2 + i));
		r->has_score = !sql_is_null(q, 2 + TEXTS);
		r->score = sql_real(q, 2 + TEXTS);
	}
	sql_done(q);
	*ret_n = n;
	return (got == -1 ? -1 : 0);
}

bool ledger_time(struct slice text, int64_t now, int64_t *ret_from, int64_t *ret_to)
{
	struct ledger_query w;

	if (!ledger_query_parse(text, now, &w) || w.kind != LEDGER_SPAN)
		return (false);
	*ret_from = w.from;
	*ret_to = w.to;
	return (true);
}

int ledger_find(struct store *s, struct arena *a, struct slice what, size_t max,
    struct ledger_row **ret, size_t *ret_n, struct err *err)
{
	return (ledger_find_between(s, a, what, INT64_MIN, INT64_MAX, max, ret, ret_n, err));
}

int ledger_find_between(struct store *s, struct arena *a, struct slice what, int64_t from, int64_t to,
    size_t max, struct ledger_row **ret, size_t *ret_n, struct err *err)
{
	struct ledger_query w;

	*ret = NULL;
	*ret_n = 0;
	if (max > FIND_MAX)
		max = FIND_MAX;
	if (!ledger_query_parse(what, clock_wall(), &w))
		return (err_set(err, ERR_PEER, "not a message id, an id of ours, an address, an IP "
			"address or network, or a time"));
	if (ask(s->ledger, &w, from, to, max, err) == -1)
		return (-1);
	return (take_rows(s->ledger, a, max, ret, ret_n, err));
}

int ledger_judged(struct store *s, struct arena *a, int64_t since, int64_t before, size_t max,
    struct ledger_row **ret, size_t *ret_n, struct err *err)
{
	*ret = NULL;
	*ret_n = 0;
	if (sql_ask(s->ledger, ROWS "WHERE id<?1 AND at>=?2 AND score IS NOT NULL" " ORDER BY id DESC LIMIT ?3", err,
		"iii", before, since, (int64_t)max) == -1)
		return (-1);
	return (take_rows(s->ledger, a, max, ret, ret_n, err));
}

#define DELIVERED "act IN('accept','junk') AND content<>x''"

int ledger_delivered(struct store *s, struct arena *a, int64_t after, int64_t before, size_t max,
    struct ledger_row **ret, size_t *ret_n, struct err *err)
{
	*ret = NULL;
	*ret_n = 0;
	if (sql_ask(s->ledger,
		ROWS "WHERE id>iif(?1>(SELECT ifnull(max(id),0) FROM row),0,?1) AND at<?2 AND "
		DELIVERED " ORDER BY id LIMIT ?3", err, "iii", after, before, (int64_t)max) == -1)
		return (-1);
	return (take_rows(s->ledger, a, max, ret, ret_n, err));
}

/* --- forgetting --- */

int ledger_expire(struct store *s, int64_t before, struct err *err)
{
	/* In pieces: one enormous transaction would make an enormous log (STO-19). */
	for (unsigned i = 0; i < DROP_ROUNDS; i++) {
		if (sql_do(s->ledger, "DELETE FROM row WHERE id IN (SELECT id FROM row WHERE at<?1"
				      " ORDER BY at LIMIT ?2)", err, "ii", before,
			(int64_t)DROP_AT_ONCE) == -1)
			return (-1);
		if (sql_changes(s->ledger) == 0)
			break;
	}
	return (0);
}

static int octets_used(struct store *s, uint64_t *ret, struct err *err)
{
	int got;

	if (sql_ask(s->ledger, "SELECT (page_count-freelist_count)*page_size FROM"
			       " pragma_page_count,pragma_freelist_count,pragma_page_size", err,
		"") == -1)
		return (-1);
	if ((got = sql_step(s->ledger, err)) == 1)
		*ret = (uint64_t)sql_int(s->ledger, 0);
	sql_done(s->ledger);
	return (got == 1 ? 0 : -1);
}

int ledger_bound(struct store *s, uint64_t max, struct err *err)
{
	uint64_t used, goal = max;

	for (unsigned i = 0; i < DROP_ROUNDS; i++) {
		if (octets_used(s, &used, err) == -1)
			return (-1);
		if (used <= goal)
			break;
		goal = max / 10 * 9; /* not again for every row */
		if (sql_do(s->ledger, "DELETE FROM row WHERE id IN (SELECT id FROM row"
				      " ORDER BY at LIMIT ?)", err, "i",
			(int64_t)DROP_AT_ONCE) == -1)
			return (-1);
		if (sql_changes(s->ledger) == 0)
			break;
	}
	return (0);
}
