/* senders.c: whom do we know of those who write to us? What it is worth to be known is spam/'s; when
 * somebody becomes known is smtp/'s (he was written to, he came again) and spam/wrote.c's (his address stands in sent mail). */
#include "store/senders.h"

#include <string.h>

#include "core/limits.h"
#include "store/store_int.h"

enum { NET_V4_BITS = 24, NET_V6_BITS = 64, LIST_FIRST = 64, DOMAIN_STEPS = 8 };

/* --- correspondents --- */

int correspondent_knows(
    struct store *s, struct slice account, struct slice address, bool *ret, struct err *err)
{
	int got;

	*ret = false;
	if (sql_ask(s->state, "SELECT 1 FROM correspondent WHERE account=? AND address=?", err,
		"ss", account, address) == -1)
		return (-1);
	got = sql_step(s->state, err);
	sql_done(s->state);
	*ret = got == 1;
	return (got == -1 ? -1 : 0);
}

int correspondent_of_domain(struct store *s, struct slice domain, bool *ret, struct err *err)
{
	int got = 0;

	*ret = false;
	/* A host that sends for a domain stands under it; nobody has mail under a single label. */
	for (unsigned i = 0; i < DOMAIN_STEPS && got == 0; i++) {
		size_t dot = slice_chr(domain, '.');

		if (dot == SIZE_MAX)
			break;
		if (sql_ask(s->state,
			"SELECT 1 FROM correspondent WHERE substr(address, instr(address, '@') + 1)=?"
			" LIMIT 1",
			err, "s", domain) == -1)
			return (-1);
		got = sql_step(s->state, err);
		sql_done(s->state);
		domain = slice_from(domain, dot + 1);
	}
	*ret = got == 1;
	return (got == -1 ? -1 : 0);
}

static int note_letter(struct store *s, struct slice account, struct slice address, int64_t now,
    struct err *err)
{
	return (sql_do(s->state,
	    "INSERT INTO correspondent VALUES(?1,?2,?3,?3,1)"
	    " ON CONFLICT(account,address) DO UPDATE SET last=?3,letters=letters+1",
	    err, "ssi", account, address, now));
}

static int forget_oldest(struct store *s, struct slice account, struct err *err)
{
	return (sql_do(s->state,
	    "DELETE FROM correspondent WHERE account=?1 AND address IN (SELECT address FROM"
	    " correspondent WHERE account=?1 ORDER BY last DESC LIMIT -1 OFFSET ?2)",
	    err, "si", account, (int64_t)L_CORRESPONDENTS));
}

int correspondent_wrote(struct store *s, struct slice account, const struct slice *addresses,
    size_t n, int64_t now, struct err *err)
{
	int bad = 0;

	if (sql_begin(s->state, err) == -1)
		return (-1);
	for (size_t i = 0; i < n && bad == 0; i++)
		bad = note_letter(s, account, addresses[i], now, err);
	if (bad == 0)
		bad = forget_oldest(s, account, err);
	if (bad == -1) {
		sql_rollback(s->state);
		return (-1);
	}
	return (sql_commit(s->state, err));
}

static int note_import(
    struct store *s, struct slice account, const struct correspondent *k, struct err *err)
{
	return (sql_do(s->state,
	    "INSERT INTO correspondent VALUES(?1,?2,?3,?4,1)"
	    " ON CONFLICT(account,address) DO UPDATE SET first=min(first,?3),last=max(last,?4),"
	    "letters=max(letters,1)",
	    err, "ssii", account, k->address, k->first, k->last));
}

int correspondent_import(struct store *s, struct slice account, const struct correspondent *v,
    size_t n, struct err *err)
{
	int bad = 0;

	if (n == 0)
		return (0);
	if (sql_begin(s->state, err) == -1)
		return (-1);
	for (size_t i = 0; i < n && bad == 0; i++)
		bad = note_import(s, account, &v[i], err);
	if (bad == 0)
		bad = forget_oldest(s, account, err);
	if (bad == -1) {
		sql_rollback(s->state);
		return (-1);
	}
	return (sql_commit(s->state, err));
}

int correspondent_allow(
    struct store *s, struct slice account, struct slice address, int64_t now, struct err *err)
{
	if (sql_do(s->state, "INSERT OR IGNORE INTO correspondent VALUES(?1,?2,?3,?3,0)", err,
		"ssi", account, address, now) == -1)
		return (-1);
	return (forget_oldest(s, account, err));
}

int correspondent_forget(
    struct store *s, struct slice account, struct slice address, struct err *err)
{
	if (sql_do(s->state, "DELETE FROM correspondent WHERE account=? AND address=?", err, "ss",
		account, address) == -1)
		return (-1);
	if (sql_changes(s->state) == 0)
		return (err_set(err, ERR_NOT_FOUND, SLICE_FMT " is no correspondent of " SLICE_FMT,
		    SLICE_ARG(address), SLICE_ARG(account)));
	return (0);
}

int correspondent_list(struct store *s, struct arena *a, struct slice account,
    struct correspondent **ret, size_t *ret_n, struct err *err)
{
	size_t n = 0, room = 0;
	int got;

	*ret = NULL;
	*ret_n = 0;
	if (sql_ask(s->state,
		"SELECT address,first,last,letters FROM correspondent WHERE account=?"
		" ORDER BY last DESC,address",
		err, "s", account) == -1)
		return (-1);
	while ((got = sql_step(s->state, err)) == 1) {
		if (n == room) {
			struct correspondent *more;

			room = room == 0 ? LIST_FIRST : room * 2;
			more = arena_array(a, room, sizeof(*more));
			if (n > 0)
				memcpy(more, *ret, n * sizeof(*more));
			*ret = more;
		}
		(*ret)[n++] = (struct correspondent){
			.address = arena_dup(a, sql_text(s->state, 0)),
			.first = sql_int(s->state, 1),
			.last = sql_int(s->state, 2),
			.letters = (uint64_t)sql_int(s->state, 3),
		};
	}
	sql_done(s->state);
	*ret_n = n;
	return (got);
}

/* --- greylist --- */

static struct slice net_of(const struct ip *peer, struct ip *keep)
{
	*keep = ip_prefix(peer, peer->is_v6 ? NET_V6_BITS : NET_V4_BITS);
	return ((struct slice){
	    (const char *)keep->octets, peer->is_v6 ? NET_V6_BITS / 8 : NET_V4_BITS / 8 });
}

static int door_is_open(struct store *s, int64_t now, bool *ret, struct err *err)
{
	int got;

	if (sql_ask(s->state, "SELECT 1 FROM greylist_door WHERE until>?", err, "i", now) == -1)
		return (-1);
	got = sql_step(s->state, err);
	sql_done(s->state);
	*ret = got == 1;
	return (got == -1 ? -1 : 0);
}

/* ${*ret_first}: 0 when this pair never came. */
static int look(struct store *s, struct slice net, struct slice domain, int64_t *ret_first,
    int64_t *ret_last, bool *ret_passed, struct err *err)
{
	int got;

	*ret_first = *ret_last = 0;
	*ret_passed = false;
	if (sql_ask(s->state, "SELECT first,last,passed FROM greylist WHERE net=? AND domain=?",
		err, "bs", net, domain) == -1)
		return (-1);
	if ((got = sql_step(s->state, err)) == 1) {
		*ret_first = sql_int(s->state, 0);
		*ret_last = sql_int(s->state, 1);
		*ret_passed = sql_int(s->state, 2) != 0;
	}
	sql_done(s->state);
	return (got == -1 ? -1 : 0);
}

static int keep(struct store *s, struct slice net, struct slice domain, int64_t first, int64_t last,
    bool passed, struct err *err)
{
	return (sql_do(s->state, "INSERT OR REPLACE INTO greylist VALUES(?,?,?,?,?)", err, "bsiii",
	    net, domain, first, last, (int64_t)passed));
}

int greylist_try(struct store *s, const struct ip *peer, struct slice domain, int64_t now,
    enum greylist_state *ret, struct err *err)
{
	struct ip keep_net;
	struct slice net = net_of(peer, &keep_net);
	int64_t first, last;
	bool open, passed;

	if (door_is_open(s, now, &open, err) == -1 ||
	    look(s, net, domain, &first, &last, &passed, err) == -1)
		return (-1);
	/* A clock that was set back must not make anybody wait for ever. */
	if (first > now || (!passed && now - first > L_GREY_RETRY_SECONDS) ||
	    (passed && now - last > L_GREY_KEEP_SECONDS)) {
		first = 0;
		passed = false;
	}
	passed = passed || open || (first != 0 && now - first >= L_GREY_SECONDS);
	*ret = passed ? GREYLIST_PASS : GREYLIST_WAIT;
	return (keep(s, net, domain, first == 0 ? now : first, now, passed, err));
}

int greylist_open_until(struct store *s, int64_t until, struct err *err)
{
	return (sql_do(
	    s->state, "INSERT OR REPLACE INTO greylist_door VALUES(1,?)", err, "i", until));
}

int greylist_expire(struct store *s, int64_t now, struct err *err)
{
	if (sql_do(s->state, "DELETE FROM greylist WHERE last<? OR (passed=0 AND last<?)", err,
		"ii", now - L_GREY_KEEP_SECONDS, now - L_GREY_RETRY_SECONDS) == -1)
		return (-1);
	/* Who tries many names from many networks pushes out the oldest, nothing else. */
	return (sql_do(s->state,
	    "DELETE FROM greylist WHERE rowid IN (SELECT rowid FROM greylist ORDER BY last DESC"
	    " LIMIT -1 OFFSET ?)",
	    err, "i", (int64_t)L_GREYLIST));
}
