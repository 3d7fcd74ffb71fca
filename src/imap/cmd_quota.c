/* GETQUOTA GETQUOTAROOT: how much may be kept, and how much is? One root, "", for all mailboxes of
 * the account; without a quota it has no resources. RFC 9208. */
#include "imap/command.h"

#include "core/mem.h"

static void on_usage(void *self, const struct account_usage *u, const struct err *err)
{
	struct imap *s = self;
	const struct cfg_account *cfg = account_cfg(s->account);
	uint64_t quota = cfg == NULL ? 0 : cfg->quota;

	s->call.op = NULL;
	if (err != NULL) {
		imap_end_err(s, err);
		return;
	}
	if (quota == 0)
		(void)buf_addz(&s->out, "* QUOTA \"\" ()\r\n");
	else /* in units of 1024 octets: RFC 9208 5.1 */
		(void)buf_fmt(&s->out, "* QUOTA \"\" (STORAGE %llu %llu)\r\n",
		    (unsigned long long)((u->octets + 1023) / 1024),
		    (unsigned long long)(quota / 1024));
	imap_flush(s);
	imap_end(s, "OK Done");
}

static void ask(struct imap *s)
{
	if ((s->call.op = account_usage(s->account, on_usage, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

void cmd_getquota(struct imap *s)
{
	struct slice root;

	if (!args_astring(&s->call.args, &root) || !args_end(&s->call.args))
		imap_bad(s, "GETQUOTA takes a quota root");
	else if (root.n > 0)
		imap_end(s, "NO [NONEXISTENT] No such quota root");
	else
		ask(s);
}

void cmd_getquotaroot(struct imap *s)
{
	struct slice name;
	const struct folder *f;

	if (!imap_take_mailbox(s, &name) || !args_end(&s->call.args)) {
		imap_bad(s, "GETQUOTAROOT takes a mailbox name");
		return;
	}
	if ((f = folder_find(s->account, name)) == NULL) {
		imap_end(s, "NO [NONEXISTENT] No such mailbox");
		return;
	}
	(void)buf_addz(&s->out, "* QUOTAROOT ");
	(void)write_mailbox(&s->out, slice_of(folder_name(f)), s->utf8);
	(void)buf_addz(&s->out, " \"\"\r\n");
	imap_flush(s);
	ask(s);
}
