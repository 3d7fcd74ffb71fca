/* CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE: the names. RFC 9051 6.3.4 to 6.3.8, RFC 6154
 * (CREATE ... USE). Which names can be is the store's (folder_name_check). */
#include "imap/command.h"

#include "core/limits.h"
#include "core/mem.h"
#include "msg/charset.h"
#include "msg/mutf7.h"

bool imap_mailbox_name(struct imap *s, struct slice given, struct slice *ret)
{
	struct buf out = BUF_INIT(4096);
	bool high = false, ok = true;

	for (size_t i = 0; i < given.n; i++) {
		if (given.p[i] == '\0' || given.p[i] == '\r' || given.p[i] == '\n')
			return (false);
		high |= (unsigned char)given.p[i] >= 0x80;
	}
	if (high) { /* raw UTF-8 is taken as such even before ENABLE IMAP4rev2 */
		*ret = given;
		return (charset_is_utf8(given));
	}
	if (s->utf8 || slice_chr(given, '&') == SIZE_MAX) {
		*ret = given;
		return (true);
	}
	ok = mutf7_to_utf8(given, &out) == 0; /* RFC 3501 5.1.3 */
	if (ok)
		*ret = arena_dup(s->call.arena, buf_slice(&out));
	buf_free(&out);
	return (ok);
}

/* "inbox/x" is below INBOX, which is so in any case (RFC 9051 5.1): else a client would see two of
 * it. Unless another program made such a folder, which must be reachable as it is listed. */
static struct slice below_inbox(struct imap *s, struct slice name)
{
	if (!slice_istarts(name, SLICE("INBOX/")) || folder_find(s->account, name) != NULL)
		return (name);
	return (slice_of(
	    arena_fmt(s->call.arena, "INBOX" SLICE_FMT, SLICE_ARG(slice_from(name, 5)))));
}

bool imap_take_mailbox(struct imap *s, struct slice *ret)
{
	struct slice given;

	if (!args_astring(&s->call.args, &given) || !imap_mailbox_name(s, given, ret))
		return (false);
	*ret = below_inbox(s, *ret);
	return (true);
}

static void on_done(void *self, const struct err *err)
{
	struct imap *s = self;

	s->call.op = NULL;
	if (err != NULL)
		imap_end_err(s, err);
	else
		imap_end(s, "OK Done");
}

static void wait_for(struct imap *s, struct store_op *op)
{
	if (s->call.is_ending)
		return;
	if (op == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
	else
		s->call.op = op;
}

/* Trailing "/" says that children are to come: RFC 9051 6.3.4. They always can. */
static struct slice without_slash(struct slice name)
{
	if (name.n > 1 && name.p[name.n - 1] == '/')
		name.n--;
	return (name);
}

/* create-param = "USE" SP "(" [use-attr *(SP use-attr)] ")" */
static bool take_use(struct args *a, enum folder_role *ret, unsigned *ret_n, bool *ret_known)
{
	static const enum folder_role roles[] = { ROLE_SENT, ROLE_DRAFTS, ROLE_JUNK, ROLE_TRASH,
		ROLE_ARCHIVE };
	struct slice name;

	if (!args_char(a, '(') || !args_word(a, "USE") || !args_sp(a) || !args_char(a, '('))
		return (false);
	for (*ret_n = 0; !args_char(a, ')'); ++*ret_n) {
		bool known = false;

		if ((*ret_n > 0 && !args_sp(a)) || !args_char(a, '\\') || !args_atom(a, &name))
			return (false);
		for (size_t i = 0; i < COUNT_OF(roles); i++)
			if (slice_ieq(name, slice_of(role_attribute(roles[i]) + 1))) {
				*ret = roles[i];
				known = true;
			}
		*ret_known &= known;
	}
	return (args_char(a, ')'));
}

static void on_made_status(void *self, const struct folder_status *st, const struct err *err)
{
	struct imap *s = self;

	s->call.op = NULL;
	if (err != NULL)
		imap_end(s, "OK Created");
	else /* RFC 8474 4.1 */
		imap_endf(s, "OK [MAILBOXID (F%u)] Created", st->uidvalidity);
}

static void on_made(void *self, const struct err *err)
{
	struct imap *s = self;
	const struct slice *name = s->call.data;
	struct folder *f;

	s->call.op = NULL;
	if (err != NULL) {
		imap_end_err(s, err);
		return;
	}
	f = folder_find(s->account, *name);
	if (f == NULL || (s->call.op = folder_status(f, on_made_status, s)) == NULL)
		imap_end(s, "OK Created");
}

void cmd_create(struct imap *s)
{
	struct slice *kept = arena_alloc(s->call.arena, sizeof(*kept));
	struct args *a = &s->call.args;
	enum folder_role role = ROLE_NONE;
	struct slice name;
	unsigned uses = 0;
	bool known = true;
	struct err err;

	if (!imap_take_mailbox(s, &name) || (args_sp(a) && !take_use(a, &role, &uses, &known)) ||
	    !args_end(a)) {
		imap_bad(s, "CREATE takes a mailbox name");
		return;
	}
	name = without_slash(name);
	if (!known || uses > 1 ||
	    (role != ROLE_NONE &&
		folder_by_role(s->account, role) != NULL)) { /* RFC 6154 3: one each here */
		imap_end(
		    s, "NO [USEATTR] That special use cannot be given, or another mailbox has it");
		return;
	}
	if (folder_name_check(name, &err) == -1) {
		imap_end_err(s, &err);
		return;
	}
	if (folder_find(s->account, name) != NULL) {
		imap_end(s, "NO [ALREADYEXISTS] There is such a mailbox");
		return;
	}
	*kept = name;
	s->call.data = kept;
	wait_for(s, folder_create(s->account, name, role, on_made, s));
}

void cmd_delete(struct imap *s)
{
	struct slice name;

	if (!imap_take_mailbox(s, &name) || !args_end(&s->call.args)) {
		imap_bad(s, "DELETE takes a mailbox name");
		return;
	}
	if (folder_find(s->account, name) == NULL)
		imap_end(s, "NO [NONEXISTENT] No such mailbox");
	else if (slice_ieq(name, SLICE("INBOX")))
		imap_end(s, "NO [CANNOT] INBOX stays");
	else
		wait_for(s, folder_delete(s->account, name, on_done, s));
}

void cmd_rename(struct imap *s)
{
	struct args *a = &s->call.args;
	struct slice from, to;
	struct err err;

	if (!imap_take_mailbox(s, &from) || !args_sp(a) || !imap_take_mailbox(s, &to) ||
	    !args_end(a)) {
		imap_bad(s, "RENAME takes two mailbox names");
		return;
	}
	to = without_slash(to);
	if (folder_find(s->account, from) == NULL)
		imap_end(s, "NO [NONEXISTENT] No such mailbox");
	else if (folder_name_check(to, &err) == -1)
		imap_end_err(s, &err);
	else if (folder_find(s->account, to) != NULL)
		imap_end(s, "NO [ALREADYEXISTS] There is a mailbox of the new name");
	else
		wait_for(s, folder_rename(s->account, from, to, on_done, s));
}

static void subscribe(struct imap *s, bool on)
{
	struct slice name;
	struct err err;

	if (!imap_take_mailbox(s, &name) || !args_end(&s->call.args)) {
		imap_bad(s, "A mailbox name is needed");
		return;
	}
	name = without_slash(name);
	if (on && folder_find(s->account, name) == NULL) {
		/* allowed by RFC 9051 6.3.7 to be refused: a name typed wrong helps nobody */
		if (folder_name_check(name, &err) == -1)
			imap_end_err(s, &err);
		else
			imap_end(s, "NO [NONEXISTENT] No such mailbox");
		return;
	}
	wait_for(s, folder_subscribe(s->account, name, on, on_done, s));
}

void cmd_subscribe(struct imap *s)
{
	subscribe(s, true);
}

void cmd_unsubscribe(struct imap *s)
{
	subscribe(s, false);
}
