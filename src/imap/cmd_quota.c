/* GETQUOTA GETQUOTAROOT: how much may be kept, and how much is? One root, "", for all mailboxes of
 * the account; without a quota it has no resources. RFC 9208. */
#include "imap/command.h"

#include "core/mem.h"

static void on_usage(void *self, const struct account_usage *u, const struct err *err)
{
	struct imap *s = self;
	const struct cfg_account *cfg = account_cfg(s->account);
	const char *gap = "";

	s->call.op = NULL;
	if (err != NULL) {
		imap_end_err(s, err);
		return;
	}
	(void)buf_addz(&s->out, "* QUOTA \"\" (");
	if (cfg != NULL && cfg->quota != 0) { /* in units of 1024 octets: RFC 9208 5.1 */
		(void)buf_fmt(&s->out, "STORAGE %llu %llu",
		    (unsigned long long)((u->octets + 1023) / 1024),
		    (unsigned long long)(cfg->quota / 1024));
		gap = " ";
	}
	if (cfg != NULL && cfg->quota_messages != 0) /* RFC 9208 5.2 */
		(void)buf_fmt(&s->out, "%sMESSAGE %llu %llu", gap, (unsigned long long)u->messages,
		    (unsigned long long)cfg->quota_messages);
	(void)buf_addz(&s->out, ")\r\n");
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
	struct err err;

	if (!imap_take_mailbox(s, &name) || !args_end(&s->call.args)) {
		imap_bad(s, "GETQUOTAROOT takes a mailbox name");
		return;
	}
	/* One that is yet to be made has a root too: RFC 9208 4.1.2 */
	if (folder_find(s->account, name) == NULL && folder_name_check(name, &err) == -1) {
		imap_end_err(s, &err);
		return;
	}
	(void)buf_addz(&s->out, "* QUOTAROOT ");
	(void)write_mailbox(&s->out, name, s->utf8);
	(void)buf_addz(&s->out, " \"\"\r\n");
	imap_flush(s);
	ask(s);
}
