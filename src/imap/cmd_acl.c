/* GETACL MYRIGHTS LISTRIGHTS, and SETACL DELETEACL SETQUOTA, which are refused: whose is a
 * mailbox? Always its owner's, with all rights, and nobody else's. RFC 4314. A mailbox that is not
 * there and one of somebody else's are answered alike: names are looked for in the own account
 * only. */
#include "imap/command.h"

/* lookup read seen write insert post create delete-mailbox delete-message expunge administer; 2.1 */
static const char all_rights[] = "lrswipkxtea", rights_in_quarantine[] = "lrswtea";

/* Nothing can be put into Quarantine, and it stays. */
static const char *rights_of(const struct folder *f)
{
	return (folder_role(f) == ROLE_QUARANTINE ? rights_in_quarantine : all_rights);
}

static bool take_folder(struct imap *s, struct folder **ret, const char *usage)
{
	struct slice name;

	if (!imap_take_mailbox(s, &name)) {
		imap_bad(s, usage);
		return (false);
	}
	*ret = folder_find(s->account, name);
	return (true);
}

static void say(struct imap *s, const char *what, const struct folder *f)
{
	(void)buf_fmt(&s->out, "* %s ", what);
	(void)write_mailbox(&s->out, slice_of(folder_name(f)), s->utf8);
}

static bool found(struct imap *s, const struct folder *f)
{
	if (f == NULL)
		imap_end(s, "NO [NONEXISTENT] No such mailbox");
	return (f != NULL);
}

/* A mailbox that is there, and nothing behind it; else the command is answered. */
static bool take_only_folder(struct imap *s, struct folder **ret, const char *usage)
{
	if (!take_folder(s, ret, usage))
		return (false);
	if (!args_end(&s->call.args)) {
		imap_bad(s, usage);
		return (false);
	}
	return (found(s, *ret));
}

void cmd_myrights(struct imap *s)
{
	struct folder *f;

	if (!take_only_folder(s, &f, "MYRIGHTS takes a mailbox name"))
		return;
	say(s, "MYRIGHTS", f);
	(void)buf_fmt(&s->out, " %s\r\n", rights_of(f));
	imap_flush(s);
	imap_end(s, "OK Done");
}

void cmd_getacl(struct imap *s)
{
	struct folder *f;

	if (!take_only_folder(s, &f, "GETACL takes a mailbox name"))
		return;
	say(s, "ACL", f);
	(void)buf_addc(&s->out, ' ');
	(void)write_astring(&s->out, slice_of(account_name(s->account)));
	(void)buf_fmt(&s->out, " %s\r\n", rights_of(f));
	imap_flush(s);
	imap_end(s, "OK Done");
}

void cmd_listrights(struct imap *s)
{
	static const char usage[] = "LISTRIGHTS takes a mailbox name and who";
	struct args *a = &s->call.args;
	struct folder *f;
	struct slice who;

	if (!take_folder(s, &f, usage))
		return;
	if (!args_sp(a) || !args_astring(a, &who) || !args_end(a)) {
		imap_bad(s, usage);
		return;
	}
	if (!found(s, f))
		return;
	say(s, "LISTRIGHTS", f);
	(void)buf_addc(&s->out, ' ');
	(void)write_astring(&s->out, who);
	/* RFC 4314 3.7: those always granted, then groups that could be: the owner has all of them,
	 * and nobody else can have any. */
	(void)buf_fmt(&s->out, " %s\r\n",
	    slice_ieq(who, slice_of(account_name(s->account))) ? rights_of(f) : "\"\"");
	imap_flush(s);
	imap_end(s, "OK Done");
}

void cmd_not_yours(struct imap *s)
{
	imap_end(s, "NO [NOPERM] Rights and quotas are the server's to set");
}
