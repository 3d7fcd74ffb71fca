/* account.c: who are the people, and which hash guards each? Names and addresses are the
 * configuration's; here is who has mail, and the password table of state.sqlite. Guessing is
 * slowed in login.c. */
#include <stdio.h>

#include "core/secret.h"
#include "store/store_int.h"

struct account *store_account(struct store *s, struct slice name)
{
	LIST_EACH(&s->accounts, node) {
		struct account *a = LIST_OWNER(node, struct account, node);

		if (slice_ieq(slice_of(a->name), name))
			return (a);
	}
	return (NULL);
}

struct account *store_account_next(struct store *s, struct account *after)
{
	struct list *next = after == NULL ? s->accounts.next : after->node.next;

	return (next == &s->accounts ? NULL : LIST_OWNER(next, struct account, node));
}

const char *account_name(const struct account *a)
{
	return (a->name);
}

const struct cfg_account *account_cfg(const struct account *a)
{
	return (a->cfg);
}

bool account_is_gone(const struct account *a)
{
	return (a->cfg == NULL);
}

int password_set(struct store *s, const char *account, const char *hash, struct err *err)
{
	/* Refused here, never at login (SUB-10): what costs more than ours could stop
	 * everybody's. */
	if (!secret_hash_ok(hash))
		return (err_set(err, ERR_CANNOT, "keep the password of %s: not an argon2id hash "
			"within our costs", account));
	return (sql_do(s->state,
	    "INSERT INTO password VALUES(?,?,?) ON CONFLICT(account)"
	    " DO UPDATE SET hash=excluded.hash, at=excluded.at", err, "ssi",
	    slice_of(account), slice_of(hash), clock_wall()));
}

int password_get(struct store *s, const char *account, char ret_hash[128], struct err *err)
{
	struct slice hash;
	int got;

	if (sql_ask(s->state, "SELECT hash FROM password WHERE account=?", err, "s",
		slice_of(account)) == -1)
		return (-1);
	if ((got = sql_step(s->state, err)) == 1) {
		hash = sql_text(s->state, 0);
		(void)snprintf(ret_hash, 128, SLICE_FMT, SLICE_ARG(hash));
	}
	sql_done(s->state);
	if (got == 0)
		return (err_set(err, ERR_NOT_FOUND, "%s has no password", account));
	return (got == 1 ? 0 : -1);
}
