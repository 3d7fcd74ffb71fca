/* ops_senders.c: whom do we know of those who write to us, and may strangers come in at once for a
 * while? */
#include "admin/ops_int.h"
#include "core/clock.h"
#include "store/senders.h"

enum { EXPECT_MAX_MS = 86400000 };

/* --- POST /expect?for=MS --- */

static void expect_work(struct ops_call *c)
{
	int64_t until = c->number == 0 ? 0 : clock_wall() + (int64_t)(c->number / 1000);
	struct json j;

	if (greylist_open_until(c->ops->store, until, &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_int(&j, "until", until);
	json_close(&j, '}');
}

void ops_expect(struct ops_call *c)
{
	if (slice_u64(ops_param(c, "for"), EXPECT_MAX_MS, &c->number)) {
		ops_work(c, STORE_STATE, expect_work, NULL);
		return;
	}
	(void)err_set(&c->err, ERR_PEER,
	    "ask /expect?for=MS, how long strangers are not asked to come again: at most a day, 0 "
	    "ends it");
	ops_fail(c, &c->err);
}

/* --- GET /correspondents/ACCOUNT, POST /correspondents/ACCOUNT/forget?address=A --- */

static void list_work(struct ops_call *c)
{
	struct correspondent *v;
	struct json j;
	size_t n;

	if (correspondent_list(c->ops->store, c->arena, c->arg[0], &v, &n, &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		json_open(&j, NULL, '{');
		json_put_string(&j, "address", v[i].address);
		json_put_int(&j, "first", v[i].first);
		json_put_int(&j, "last", v[i].last);
		json_put_uint(&j, "letters", v[i].letters);
		json_close(&j, '}');
	}
	json_close(&j, ']');
}

static void forget_work(struct ops_call *c)
{
	struct json j;

	if (correspondent_forget(c->ops->store, c->arg[0], c->arg[1], &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_string(&j, "forgotten", c->arg[1]);
	json_close(&j, '}');
}

static void on_account(struct ops_call *c, void (*work)(struct ops_call *c))
{
	if (store_account(c->ops->store, c->arg[0]) != NULL) {
		ops_work(c, STORE_STATE, work, NULL);
		return;
	}
	(void)err_set(&c->err, ERR_NOT_FOUND, "no account \"" SLICE_FMT "\" in the configuration",
	    SLICE_ARG(c->arg[0]));
	ops_fail(c, &c->err);
}

void ops_correspondents(struct ops_call *c)
{
	on_account(c, list_work);
}

void ops_correspondent_forget(struct ops_call *c)
{
	c->arg[1] = ops_param(c, "address");
	on_account(c, forget_work);
}
