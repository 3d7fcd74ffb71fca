/* STATUS: how does a mailbox stand that is not selected? RFC 9051 6.3.11. The counting is the
 * store's. */
#include "imap/status.h"

#include "core/mem.h"
#include "imap/command.h"

static const struct {
	const char *name;
	unsigned bit;
} items[] = {
	{ "MESSAGES", ITEM_MESSAGES }, { "UIDNEXT", ITEM_UIDNEXT },
	{ "UIDVALIDITY", ITEM_UIDVALIDITY }, { "UNSEEN", ITEM_UNSEEN }, { "DELETED", ITEM_DELETED },
	{ "SIZE", ITEM_SIZE },               /* RFC 8438 */
	{ "DELETED-STORAGE", ITEM_DELETED_STORAGE }, /* RFC 9208 4.1.4: octets */
	{ "RECENT", ITEM_RECENT },           /* RFC 3501 */
	{ "HIGHESTMODSEQ", ITEM_MODSEQ },    /* RFC 7162 3.1.7 */
	{ "APPENDLIMIT", ITEM_APPENDLIMIT }, /* RFC 7889 */
	{ "MAILBOXID", ITEM_MAILBOXID },     /* RFC 8474 */
};

bool status_take_items(struct args *a, unsigned *ret)
{
	struct slice name;

	*ret = 0;
	if (!args_char(a, '('))
		return (false);
	do {
		unsigned bit = 0;

		if (!args_atom(a, &name))
			return (false);
		for (size_t i = 0; i < COUNT_OF(items); i++)
			if (slice_ieq(name, slice_of(items[i].name)))
				bit = items[i].bit;
		if (bit == 0)
			return (false);
		*ret |= bit;
	} while (args_sp(a));
	return (args_char(a, ')'));
}

bool status_wants_modseq(unsigned wanted)
{
	return ((wanted & ITEM_MODSEQ) != 0);
}

static uint64_t value_of(const struct imap *s, const struct folder_status *st, unsigned bit)
{
	switch (bit) {
	case ITEM_MESSAGES: return (st->messages);
	case ITEM_UIDNEXT: return (st->uidnext);
	case ITEM_UIDVALIDITY:
	case ITEM_MAILBOXID: return (st->uidvalidity);
	case ITEM_UNSEEN: return (st->unseen);
	case ITEM_DELETED: return (st->deleted);
	case ITEM_SIZE: return (st->size);
	case ITEM_DELETED_STORAGE: return (st->deleted_size);
	case ITEM_RECENT: return (st->recent);
	case ITEM_MODSEQ: return (st->highestmodseq);
	case ITEM_APPENDLIMIT: return (s->server->cfg->limits.size);
	}
	return (0);
}

void status_write(struct imap *s, const char *name, const struct folder_status *st, unsigned wanted)
{
	const char *gap = " (";

	(void)buf_addz(&s->out, "* STATUS ");
	(void)write_mailbox(&s->out, slice_of(name), s->utf8);
	for (size_t i = 0; i < COUNT_OF(items); i++)
		if (wanted & items[i].bit) {
			/* a uidvalidity is given to one folder only, and goes with it when it is
			 * renamed: it names the folder. RFC 8474 4 */
			(void)buf_fmt(&s->out,
			    items[i].bit == ITEM_MAILBOXID ? "%s%s (F%llu)" : "%s%s %llu", gap,
			    items[i].name, (unsigned long long)value_of(s, st, items[i].bit));
			gap = " ";
		}
	(void)buf_addz(&s->out, ")\r\n");
	imap_flush(s);
}

struct asking {
	struct folder *folder;
	unsigned wanted;
};

static void on_status(void *self, const struct folder_status *st, const struct err *err)
{
	struct imap *s = self;
	const struct asking *x = s->call.data;

	s->call.op = NULL;
	if (err != NULL) {
		imap_end_err(s, err);
		return;
	}
	status_write(s, folder_name(x->folder), st, x->wanted);
	imap_end(s, "OK Done");
}

void cmd_status(struct imap *s)
{
	struct asking *x = arena_alloc(s->call.arena, sizeof(*x));
	struct args *a = &s->call.args;
	struct slice name;

	s->call.data = x;
	if (!imap_take_mailbox(s, &name) || !args_sp(a) || !status_take_items(a, &x->wanted) ||
	    !args_end(a)) {
		imap_bad(s, "STATUS takes a mailbox name and a list of items");
		return;
	}
	x->folder = folder_find(s->account, name);
	if (x->folder == NULL) {
		imap_end(s, "NO [NONEXISTENT] No such mailbox");
		return;
	}
	if (status_wants_modseq(x->wanted))
		imap_enable_condstore(s);
	if ((s->call.op = folder_status(x->folder, on_status, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}
