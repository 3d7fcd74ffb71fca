/* APPEND REPLACE: messages come in. They are taken by append_take.c, straight into drafts; what
 * CATENATE's URLs name is fetched by catenate.c. OK is said when all of them are durable, or none
 * is kept. RFC 9051 6.3.12, RFC 3502 (MULTIAPPEND), RFC 4315 (APPENDUID), RFC 7889 (APPENDLIMIT),
 * RFC 3516 4.4 (BINARY), RFC 8508 (REPLACE). */
#include "imap/append.h"

#include "core/limits.h"
#include "core/mem.h"
#include "store/quarantine.h"

static void append_drop(void *data)
{
	struct append *x = data;

	piece_forget(x);
	buf_free(&x->line);
	buf_free(&x->url);
	for (size_t i = 0; i < x->n; i++)
		draft_free(x->v[i].draft);
}

/* --- the end: all or nothing --- */

static void on_committed(void *self, const struct commit_result *r)
{
	struct imap *s = self;
	const struct append *x = s->call.data;
	struct buf set = BUF_INIT(L_MULTIAPPEND * 12);

	s->call.op = NULL;
	if (r->err != NULL && r->err->kind == ERR_CANNOT) { /* RFC 3516 4.4 */
		imap_endf(s, "NO [UNKNOWN-CTE] %s", r->err->text);
	} else if (r->err != NULL) {
		imap_end_err(s, r->err);
	} else if (x->from != NULL) { /* RFC 8508 3.3: before the EXPUNGE */
		conn_sendf(
		    s->conn, "* OK [APPENDUID %u %u] Kept\r\n", r->uidvalidities[0], r->uids[0]);
		imap_end(s, "OK Replaced");
	} else {
		(void)seqset_write(&set, r->uids, x->n);
		imap_endf(s, "OK [APPENDUID %u %s] Kept", r->uidvalidities[0], buf_z(&set));
	}
	buf_free(&set);
}

static void commit(struct imap *s)
{
	struct append *x = s->call.data;
	struct commit_target *targets = arena_array(s->call.arena, x->n, sizeof(*targets));
	struct commit c = { .targets = targets,
		.targets_n = x->n,
		.by = s,
		.replaces = x->from,
		.replaces_uid = x->replaces };

	if (!folder_exists(x->folder)) {
		imap_end(s, "NO [TRYCREATE] No such mailbox");
		return;
	}
	for (size_t i = 0; i < x->n; i++)
		targets[i] = (struct commit_target){ .account = s->account,
			.folder = x->folder,
			.flags = x->v[i].flags.flags,
			.keywords = x->v[i].flags.keywords,
			.keywords_n = x->v[i].flags.n,
			.date = x->v[i].date,
			.is_octets = x->v[i].binary,
			.draft = x->v[i].draft };
	if ((s->call.op = store_commit(s->server->store, &c, on_committed, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

static void on_ended(void *self, const struct err *err)
{
	struct imap *s = self;
	struct append *x = s->call.data;

	if (err != NULL)
		imap_end_err(s, err);
	else if (++x->ended < x->n)
		draft_end(x->v[x->ended].draft, on_ended, s);
	else
		commit(s);
}

void append_finish(struct append *x)
{
	struct imap *s = x->s;

	for (size_t i = 0; i < x->n && x->refused == NULL; i++)
		if (draft_is_over(x->v[i].draft))
			x->refused = append_too_big;
		else if (x->v[i].has_nul || (x->v[i].old_nul && !x->v[i].binary))
			x->refused = "NO [CANNOT] The message holds a NUL octet; send it as literal8";
		else if (draft_size(x->v[i].draft) == 0) /* RFC 3502 6.3.11 */
			x->refused = "NO [CANNOT] The message is empty";
	if (x->refused != NULL) {
		imap_end(s, x->refused);
		return;
	}
	conn_hold(s->conn, true);
	conn_deadline(s->conn, 0, "command");
	draft_end(x->v[0].draft, on_ended, s);
}

/* --- the commands --- */

static struct append *append_new(struct imap *s)
{
	struct append *x = arena_alloc(s->call.arena, sizeof(*x));

	x->s = s;
	x->v = arena_array(s->call.arena, L_MULTIAPPEND, sizeof(*x->v));
	buf_init(&x->line, L_IPRE_OCTETS);
	buf_init(&x->url, L_URL);
	x->words = s->call.args;
	x->has_marker = s->reader.message_ahead;
	x->waits = !x->has_marker || s->reader.message_waits;
	x->literal8 = s->reader.literal8;
	x->marked = s->reader.message_size;
	s->call.data = x;
	s->call.drop = append_drop;
	return (x);
}

/* The reader stops in front of the first literal behind the mailbox; there may be none (CATENATE
 * of URLs alone). */
static void begin(struct append *x)
{
	struct imap *s = x->s;
	struct slice name;
	struct err err;

	if (!imap_take_mailbox(s, &name) || !args_sp(&s->call.args)) {
		append_malformed(
		    x, "A mailbox, perhaps flags and a date, and a literal are needed");
		return;
	}
	x->words = s->call.args;
	x->folder = folder_find(s->account, name);
	if (x->folder == NULL && x->refused == NULL) /* RFC 9051 6.3.12 */
		x->refused = folder_name_check(name, &err) == -1
		    ? "NO [CANNOT] No such mailbox, nor could there be"
		    : "NO [TRYCREATE] No such mailbox";
	/* REPLACE puts a message there too. */
	if (x->folder != NULL && x->refused == NULL && quarantine_takes(x->folder, &err) == -1)
		x->refused = arena_fmt(s->call.arena, "NO [CANNOT] %s", err.text);
	append_words(x);
}

void cmd_append(struct imap *s)
{
	begin(append_new(s));
}

/* The uid of the message meant; 0: none such. RFC 8508 3.1: a number, or "*". */
static uint32_t take_message(struct imap *s, struct args *a, bool *ret_ok)
{
	const struct news *news = &s->news;
	uint32_t n = 0, uid;
	bool last = args_char(a, '*');
	size_t at;

	*ret_ok = (last || (args_u32(a, &n) && n > 0)) && args_sp(a);
	if (!*ret_ok || news->view == NULL || s->view_gone)
		return (0);
	uid = last ? news_last_uid(news) : s->call.is_uid ? n : news_uid(news, n);
	at = view_lower(news->view, uid);
	return (uid != 0 && at < view_count(news->view) && view_at(news->view, at)->uid == uid ? uid
											       : 0);
}

void cmd_replace(struct imap *s)
{
	struct append *x = append_new(s);
	bool ok;

	x->is_replace = true;
	x->replaces = take_message(s, &s->call.args, &ok);
	if (!ok) {
		append_malformed(x, "REPLACE takes the number of a message first");
		return;
	}
	if (s->news.view == NULL || s->view_gone)
		x->refused = "BAD Select a mailbox first";
	else if (s->uid_only && !s->call.is_uid) /* RFC 9586 3.1 */
		x->refused = "BAD [UIDREQUIRED] Message numbers are not used any more";
	else if (s->read_only)
		x->refused = "NO [READ-ONLY] The mailbox was opened read-only";
	else if (x->replaces == 0)
		x->refused = "NO [NONEXISTENT] No such message";
	else
		x->from = view_folder(s->news.view);
	begin(x);
}
