/* ops_quarantine.c: which refused mail waits in Quarantine, and one of it is to come out? Letting it out is
 * a MOVE into INBOX like one over IMAP: the same watcher learns from it and allows the sender. Each message's
 * header is read on a read lane. Failures: a message that is gone meanwhile is passed over. */
#include "admin/ops_int.h"

#include <stdlib.h>

#include "core/limits.h"
#include "core/mem.h"
#include "msg/header.h"
#include "msg/text.h"
#include "store/quarantine.h"

enum { LIST_MAX = 1000, HEAD = 65536, TEXT = 1000 };

struct found { /* made on the worker; ours between slices */
	struct buf json; /* messages, with commas */
	const char *account;
	size_t n;
};

struct walk { /* in the call's arena */
	struct ops_call *c;
	struct account *account;
	bool only; /* this account and no other */
	struct view *view;
	struct visit *visit;
	struct found *found;
	size_t left;  /* how many more may be listed */
	uint32_t uid; /* to be released; 0: a list is wanted */
	bool cut;
	struct err err;
};

static void put_field(
    struct json *j, struct arena *a, const struct header *h, const char *key, const char *name)
{
	const struct field *f = header_first(h, slice_of(name));

	if (f != NULL)
		json_put_string(j, key,
		    slice_head(slice_trim(text_words(a, slice_head(f->body, HEAD))), TEXT));
	else
		json_put_stringz(j, key, NULL);
}

static enum visit_next on_message(void *ctx, const struct visit_message *m) /* worker */
{
	struct found *found = ctx;
	struct buf head = BUF_INIT(HEAD + 1);
	struct arena *a = arena_new(0);
	struct header h;
	struct err err;
	struct json j;

	if (!m->unreadable && visit_read(m->visit, 0, HEAD, &head, &err) == 0) {
		header_parse(a, buf_slice(&head), &h);
		if (found->n++ > 0)
			(void)buf_addc(&found->json, ',');
		json_begin(&j, &found->json);
		json_open(&j, NULL, '{');
		json_put_stringz(&j, "id", arena_fmt(a, "%s/%u", found->account, m->m.uid));
		json_put_int(&j, "refused", m->m.save_date);
		put_field(&j, a, &h, "from", "From");
		put_field(&j, a, &h, "subject", "Subject");
		put_field(&j, a, &h, "message_id", "Message-ID");
		put_field(&j, a, &h, "why", "X-Pennypost");
		put_field(&j, a, &h, "sender_proved", QUARANTINE_SENDER);
		json_put_uint(&j, "size", m->m.size);
		json_close(&j, '}');
	}
	arena_free(a);
	buf_free(&head);
	return (found->json.n > OPS_OUT_MAX / 2 ? VISIT_STOP : VISIT_DONE);
}

static void found_free(void *ctx)
{
	struct found *f = ctx;

	buf_free(&f->json);
	free(f);
}

static void next_account(struct walk *w);

static void finish(struct walk *w)
{
	struct ops_call *c = w->c;

	(void)buf_fmt(&c->out, "],\"complete\":%s}", w->cut ? "false" : "true");
	found_free(w->found);
	ops_reply_json(c);
}

static void fail(struct walk *w)
{
	found_free(w->found);
	ops_fail(w->c, &w->err);
}

static void on_moved(void *self, const struct message_result *r)
{
	struct walk *w = self;

	view_close(w->view, NULL);
	if (r->err != NULL)
		w->err = *r->err;
	else if (r->n == 0)
		(void)err_set(&w->err, ERR_NOT_FOUND, "it is no longer in Quarantine");
	if (w->err.kind != ERR_NONE) {
		fail(w);
		return;
	}
	(void)buf_fmt(&w->c->out, "{\"released\":[" SLICE_FMT, SLICE_ARG(buf_slice(&w->found->json)));
	finish(w);
}

static void on_slice(void *self)
{
	visit_go_on(((struct walk *)self)->visit);
}

static void on_end(void *self, const struct err *err)
{
	struct walk *w = self;

	if (err != NULL)
		w->err = *err;
	else if (w->uid != 0 && w->found->n == 0)
		(void)err_set(&w->err, ERR_NOT_FOUND,
		    "no such message in Quarantine; pennypost quarantine lists what is there");
	if (w->err.kind == ERR_NONE && w->uid != 0) {
		(void)message_copy(w->view, &w->uid, 1,
		    folder_find(w->account, SLICE("INBOX")), true, NULL, on_moved, w);
		return;
	}
	view_close(w->view, NULL);
	if (w->err.kind != ERR_NONE)
		fail(w);
	else
		next_account(w);
}

/* The newest of them, oldest first; or the one that is wanted. */
static void visit(struct walk *w)
{
	static const struct visitor visitor = { on_message, on_slice, on_end };
	size_t all = view_count(w->view), n = all < w->left ? all : w->left;
	uint32_t *uids = arena_array(w->c->arena, n + 1, sizeof(*uids));

	w->cut = w->cut || n < all;
	for (size_t i = 0; i < n; i++)
		uids[i] = view_at(w->view, all - n + i)->uid;
	if (w->uid != 0) {
		uids[0] = w->uid;
		n = 1;
	}
	w->left -= n;
	w->found->account = account_name(w->account);
	w->visit = visit_start(folder_by_role(w->account, ROLE_QUARANTINE), uids, n, VISIT_FILE,
	    &visitor, w, w->found, NULL);
	if (w->visit != NULL)
		return;
	view_close(w->view, NULL);
	(void)err_set(&w->err, ERR_BUSY, "messages cannot be read now; try again in a moment");
	fail(w);
}

static void on_open(void *self, struct view *v, const struct err *err)
{
	struct walk *w = self;

	if (err == NULL) {
		w->view = v;
		visit(w);
		return;
	}
	w->err = *err;
	fail(w);
}

static void open_folder(struct walk *w)
{
	while (w->account != NULL) {
		struct folder *f = folder_by_role(w->account, ROLE_QUARANTINE);

		if (f != NULL && !account_is_gone(w->account)) {
			(void)view_open(f, on_open, w);
			return;
		}
		w->account = w->only ? NULL : store_account_next(w->c->ops->store, w->account);
	}
	if (w->uid != 0) {
		(void)err_set(&w->err, ERR_NOT_FOUND, "nothing waits in that account's Quarantine");
		fail(w);
		return;
	}
	(void)buf_addz(&w->c->out, "{\"messages\":[");
	(void)buf_add_slice(&w->c->out, buf_slice(&w->found->json));
	finish(w);
}

static void next_account(struct walk *w)
{
	w->account = w->only ? NULL : store_account_next(w->c->ops->store, w->account);
	open_folder(w);
}

/* ${name} empty: all accounts. */
static void begin(struct ops_call *c, struct slice name, uint32_t uid)
{
	struct walk *w = arena_alloc(c->arena, sizeof(*w));

	w->c = c;
	w->only = name.n > 0;
	w->uid = uid;
	w->left = LIST_MAX;
	w->account = w->only ? store_account(c->ops->store, name)
			     : store_account_next(c->ops->store, NULL);
	if (w->only && (w->account == NULL || account_is_gone(w->account))) {
		(void)err_set(&c->err, ERR_NOT_FOUND,
		    "no account \"" SLICE_FMT "\" in the configuration", SLICE_ARG(name));
		ops_fail(c, &c->err);
		return;
	}
	w->found = NEW(struct found);
	buf_init(&w->found->json, OPS_OUT_MAX);
	open_folder(w);
}

void ops_quarantine(struct ops_call *c)
{
	begin(c, ops_param(c, "account"), 0);
}

void ops_quarantine_release(struct ops_call *c)
{
	uint64_t uid;

	if (slice_u64(c->arg[1], UINT32_MAX, &uid) && uid != 0) {
		begin(c, c->arg[0], (uint32_t)uid);
		return;
	}
	(void)err_set(&c->err, ERR_PEER, "ask /quarantine/ACCOUNT/NUMBER/release");
	ops_fail(c, &c->err);
}
