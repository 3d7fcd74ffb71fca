/* ops_people.c: passwords. Only hashes pass through here: the command hashes what a person typed
 * (P13). */
#include "admin/ops_int.h"
#include "core/json_read.h"
#include "core/secret.h"

static void passwd_work(struct ops_call *c)
{
	struct json j;

	if (password_set(c->ops->store, c->arg[0].p, c->arg[1].p, &c->err) == -1)
		return;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_put_string(&j, "account", c->arg[0]);
	json_close(&j, '}');
}

static void passwd_settled(struct ops_call *c)
{
	login_forget(c->ops->store);
}

/* Body: {"account": "gilles", "hash": "$argon2id$..."} */
void ops_passwd(struct ops_call *c)
{
	struct json_doc *doc = json_read(c->q.body, &c->err);

	if (doc == NULL) {
		ops_fail(c, &c->err);
		return;
	}
	c->arg[0] = arena_dup(c->arena, json_text(json_get(json_root(doc), "account")));
	c->arg[1] = arena_dup(c->arena, json_text(json_get(json_root(doc), "hash")));
	json_doc_free(doc);
	if (store_account(c->ops->store, c->arg[0]) == NULL)
		(void)err_set(
		    &c->err, ERR_NOT_FOUND, "no account \"%s\" in the configuration", c->arg[0].p);
	else if (!secret_hash_ok(c->arg[1].p))
		(void)err_set(&c->err, ERR_PEER, "not an argon2id hash within the allowed cost");
	else {
		ops_work(c, STORE_STATE, passwd_work, passwd_settled);
		return;
	}
	ops_fail(c, &c->err);
}
