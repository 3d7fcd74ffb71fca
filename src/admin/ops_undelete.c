/* ops_undelete.c: what was expunged lately, and what shall come back? The store searches and renames
 * on its own lanes; here the question is read and the answer written. */
#include "admin/ops_int.h"

#include "core/clock.h"
#include "core/mem.h"
#include "store/undelete.h"

enum { LIST_MAX = 1000, NAME_MAX_OCTETS = 1020 };

static const struct {
	unsigned flag;
	const char *name;
} flag_names[] = {
	{ FLAG_SEEN, "seen" },
	{ FLAG_ANSWERED, "answered" },
	{ FLAG_FLAGGED, "flagged" },
	{ FLAG_DRAFT, "draft" },
	{ FLAG_PASSED, "forwarded" },
};

static void add_message(struct json *j, const struct undelete_message *m, bool restores)
{
	json_open(j, NULL, '{');
	json_put_int(j, "expunged", m->expunged);
	if (m->folder.n > 0)
		json_put_string(j, "folder", m->folder);
	json_put_string(j, "from", m->from);
	json_put_string(j, "subject", m->subject);
	json_put_string(j, "date", m->date);
	json_put_string(j, "message_id", m->message_id);
	json_put_int(j, "internal_date", m->internal_date);
	json_put_uint(j, "size", m->size);
	json_open(j, "flags", '[');
	for (size_t i = 0; i < COUNT_OF(flag_names); i++)
		if (m->flags & flag_names[i].flag)
			json_put_stringz(j, NULL, flag_names[i].name);
	json_close(j, ']');
	if (restores && m->into != NULL) {
		json_put_stringz(j, "into", m->into);
		json_put_uint(j, "uid", m->uid);
	}
	json_close(j, '}');
}

static void write_answer(struct ops_call *c, const struct undelete_result *r, bool restores)
{
	uint64_t back = 0;
	struct json j;

	for (size_t i = 0; i < r->n; i++)
		back += r->messages[i].into != NULL;
	json_begin(&j, &c->out);
	json_open(&j, NULL, '{');
	json_open(&j, "messages", '[');
	for (size_t i = 0; i < r->n; i++)
		if (!restores || r->messages[i].into != NULL)
			add_message(&j, &r->messages[i], restores);
	json_close(&j, ']');
	if (restores) {
		json_put_uint(&j, "restored", back);
		json_put_uint(&j, "left", r->n - back);
	}
	if (r->err != NULL)
		json_put_stringz(&j, "error", r->err->text);
	json_put_bool(&j, "complete", !r->is_cut);
	json_close(&j, '}');
}

static void on_listed(void *self, const struct undelete_result *r)
{
	struct ops_call *c = self;

	if (r->err != NULL) {
		ops_fail(c, r->err);
		return;
	}
	write_answer(c, r, false);
	ops_reply_json(c);
}

static void on_restored(void *self, const struct undelete_result *r)
{
	struct ops_call *c = self;
	bool any = false;

	for (size_t i = 0; i < r->n; i++)
		any |= r->messages[i].into != NULL;
	if (r->err != NULL && !any) {
		ops_fail(c, r->err);
		return;
	}
	write_answer(c, r, true);
	ops_reply_json(c);
}

/* The account and the filter of a request; false when it was answered. */
static bool read_question(struct ops_call *c, struct account **ret, struct undelete_filter *f)
{
	struct slice name = ops_param(c, "account"), since = ops_param(c, "since"),
		     max = ops_param(c, "max");
	uint64_t seconds = 0, most = LIST_MAX;

	*ret = store_account(c->ops->store, name);
	f->folder = ops_param(c, "folder");
	f->from = ops_param(c, "from");
	f->subject = ops_param(c, "subject");
	if (*ret == NULL || account_is_gone(*ret))
		(void)err_set(&c->err, ERR_NOT_FOUND, "no account \"%.*s\" in the configuration",
		    SLICE_ARG(name));
	else if (since.n > 0 && !slice_u64(since, INT64_MAX, &seconds))
		(void)err_set(&c->err, ERR_PEER, "since is a time in seconds since 1970");
	else if (max.n > 0 && (!slice_u64(max, UNDELETE_LOOKED_AT, &most) || most == 0))
		(void)err_set(&c->err, ERR_PEER, "max is a number from 1 to %d", UNDELETE_LOOKED_AT);
	else if (f->folder.n > NAME_MAX_OCTETS || f->from.n > NAME_MAX_OCTETS ||
	    f->subject.n > NAME_MAX_OCTETS)
		(void)err_set(&c->err, ERR_PEER, "folder, from and subject have at most %d octets",
		    NAME_MAX_OCTETS);
	f->since = (int64_t)seconds;
	f->max = (size_t)most;
	if (c->err.kind == ERR_NONE)
		return (true);
	ops_fail(c, &c->err);
	return (false);
}

void ops_undelete_list(struct ops_call *c)
{
	struct undelete_filter f = { 0 };
	struct account *a;

	if (read_question(c, &a, &f))
		(void)undelete_list(a, &f, on_listed, c);
}

void ops_undelete(struct ops_call *c)
{
	struct undelete_filter f = { 0 };
	struct slice into = ops_param(c, "into");
	struct account *a;

	if (!read_question(c, &a, &f))
		return;
	if (ops_param(c, "max").n == 0)
		f.max = UNDELETE_LOOKED_AT;
	if (f.folder.n == 0 && f.from.n == 0 && f.subject.n == 0 && f.since == 0 &&
	    ops_param(c, "all").n == 0) {
		(void)err_set(&c->err, ERR_PEER,
		    "say which: folder, since, from, subject; or all=1 for everything");
		ops_fail(c, &c->err);
		return;
	}
	if (into.n > 0 && folder_name_check(into, &c->err) == -1) {
		ops_fail(c, &c->err);
		return;
	}
	(void)undelete_start(a, &f, into, on_restored, c);
}
