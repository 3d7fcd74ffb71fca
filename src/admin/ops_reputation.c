/* ops_reputation.c: what is known of the networks and domains that mail comes from, and what is not to be
 * known any more? */
#include "admin/ops_int.h"
#include "core/clock.h"
#include "store/reputation.h"

enum { LIST_MAX = 1000 };

/* --- GET /reputation?of=NAME --- */

static void put_row(struct json *j, const struct reputation_row *row, int64_t now)
{
	const struct standing *s = &row->standing;

	json_open(j, NULL, '{');
	json_put_string(j, "of", row->name);
	if (standing_speaks(s, now))
		json_put_uint(j, "score", standing_score(s));
	else
		json_put_stringz(j, "score", NULL);
	json_put_real(j, "messages", standing_mails(s, now));
	json_put_real(j, "spam", s->ham + s->spam > 0 ? s->spam / (s->ham + s->spam) : 0);
	json_put_int(j, "at", s->at);
	json_put_bool(j, "friend",
	    s->friend_at != 0 && now - s->friend_at < STANDING_FRIEND);
	json_close(j, '}');
}

static void list_work(struct ops_call *c)
{
	struct reputation_row *v;
	struct json j;
	size_t n;

	if (reputation_list(c->ops->store, c->arena, c->arg[0], LIST_MAX, &v, &n, &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '[');
	for (size_t i = 0; i < n; i++)
		put_row(&j, &v[i], clock_wall());
	json_close(&j, ']');
}

/* Into c->arg[0]; false: answered. */
static bool take_name(struct ops_call *c)
{
	struct slice of = ops_param(c, "of");

	c->arg[0] = reputation_name(c->arena, of);
	if (c->arg[0].n > 0)
		return (true);
	(void)err_set(&c->err, ERR_PEER,
	    "\"" SLICE_FMT "\" is no address, network or domain, such as 192.0.2.1 or example.org",
	    SLICE_ARG(of));
	ops_fail(c, &c->err);
	return (false);
}

void ops_reputation(struct ops_call *c)
{
	c->arg[0] = (struct slice){ 0 };
	if (ops_param(c, "of").n == 0 || take_name(c))
		ops_work(c, STORE_LEDGER, list_work, NULL);
}

/* --- POST /reputation/forget?of=NAME --- */

static void forget_work(struct ops_call *c)
{
	struct json j;

	if (reputation_forget(c->ops->store, c->arg[0], &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_string(&j, "forgotten", c->arg[0]);
	json_close(&j, '}');
}

static void forgot(struct ops_call *c)
{
	reputation_forgot(c->ops->store, c->arg[0]);
}

void ops_reputation_forget(struct ops_call *c)
{
	if (take_name(c))
		ops_work(c, STORE_LEDGER, forget_work, forgot);
}
