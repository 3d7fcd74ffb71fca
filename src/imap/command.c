/* Which command is it, and is it allowed now? RFC 9051 6, RFC 3501 6. What it does is in the cmd_
 * files. */
#include "imap/command.h"

#include "core/mem.h"

enum {
	ANY = IMAP_GREETED | IMAP_AUTHENTICATED | IMAP_SELECTED,
	IN = IMAP_AUTHENTICATED | IMAP_SELECTED,
};

static const struct imap_command commands[] = {
	{ SLICE_INIT("CAPABILITY"), ANY, CMD_NO_ARGS | CMD_NEWS,
	    cmd_capability }, /* RFC 9051 6.1.1 */
	{ SLICE_INIT("NOOP"), ANY, CMD_NO_ARGS | CMD_NEWS, cmd_noop },
	{ SLICE_INIT("LOGOUT"), ANY, CMD_NO_ARGS, cmd_logout },
	{ SLICE_INIT("ID"), ANY, CMD_NEWS, cmd_id },                         /* RFC 2971 */
	{ SLICE_INIT("STARTTLS"), IMAP_GREETED, CMD_NO_ARGS, cmd_starttls }, /* RFC 9051 6.2.1 */
	{ SLICE_INIT("LOGIN"), IMAP_GREETED, CMD_PRIVATE, cmd_login },
	{ SLICE_INIT("AUTHENTICATE"), IMAP_GREETED, CMD_PRIVATE, cmd_authenticate },
	{ SLICE_INIT("ENABLE"), IN, CMD_NEWS, cmd_enable }, /* RFC 9051 6.3.1 */
	{ SLICE_INIT("SELECT"), IN, CMD_NEWS, cmd_select },
	{ SLICE_INIT("EXAMINE"), IN, CMD_NEWS, cmd_examine },
	{ SLICE_INIT("CREATE"), IN, CMD_NEWS, cmd_create }, /* RFC 9051 6.3.4, RFC 6154 */
	{ SLICE_INIT("DELETE"), IN, CMD_NEWS, cmd_delete },
	{ SLICE_INIT("RENAME"), IN, CMD_NEWS, cmd_rename },
	{ SLICE_INIT("SUBSCRIBE"), IN, CMD_NEWS, cmd_subscribe },
	{ SLICE_INIT("UNSUBSCRIBE"), IN, CMD_NEWS, cmd_unsubscribe },
	{ SLICE_INIT("LIST"), IN, CMD_NEWS, cmd_list }, /* RFC 9051 6.3.9 */
	{ SLICE_INIT("LSUB"), IN, CMD_NEWS, cmd_lsub }, /* RFC 3501 6.3.9 */
	{ SLICE_INIT("NAMESPACE"), IN, CMD_NO_ARGS | CMD_NEWS, cmd_namespace },
	{ SLICE_INIT("STATUS"), IN, CMD_NEWS, cmd_status },
	{ SLICE_INIT("APPEND"), IN, CMD_NEWS, cmd_append },
	/* Its message may be on its way already: it refuses for itself. RFC 8508 */
	{ SLICE_INIT("REPLACE"), IN, CMD_NEWS | CMD_UID, cmd_replace },
	{ SLICE_INIT("COMPRESS"), IN, 0, cmd_compress },
	{ SLICE_INIT("UNAUTHENTICATE"), IN, CMD_NO_ARGS, cmd_unauthenticate },
	{ SLICE_INIT("GETQUOTA"), IN, CMD_NEWS, cmd_getquota }, /* RFC 9208 4.1 */
	{ SLICE_INIT("GETQUOTAROOT"), IN, CMD_NEWS, cmd_getquotaroot },
	{ SLICE_INIT("SETQUOTA"), IN, CMD_NEWS, cmd_not_yours },
	{ SLICE_INIT("GETMETADATA"), IN, CMD_NEWS, cmd_getmetadata }, /* RFC 5464 4 */
	{ SLICE_INIT("SETMETADATA"), IN, CMD_NEWS, cmd_setmetadata },
	{ SLICE_INIT("GETACL"), IN, CMD_NEWS, cmd_getacl }, /* RFC 4314 3 */
	{ SLICE_INIT("MYRIGHTS"), IN, CMD_NEWS, cmd_myrights },
	{ SLICE_INIT("LISTRIGHTS"), IN, CMD_NEWS, cmd_listrights },
	{ SLICE_INIT("SETACL"), IN, CMD_NEWS, cmd_not_yours },
	{ SLICE_INIT("DELETEACL"), IN, CMD_NEWS, cmd_not_yours },
	{ SLICE_INIT("NOTIFY"), IN, CMD_NEWS, cmd_notify }, /* RFC 5465 3.1 */
	{ SLICE_INIT("IDLE"), IN, CMD_NO_ARGS | CMD_NEWS, cmd_idle }, /* RFC 2177 */
	{ SLICE_INIT("CHECK"), IMAP_SELECTED, CMD_NO_ARGS | CMD_NEWS,
	    cmd_check }, /* RFC 3501 6.4.1 */
	{ SLICE_INIT("CLOSE"), IMAP_SELECTED, CMD_NO_ARGS, cmd_close },
	{ SLICE_INIT("UNSELECT"), IMAP_SELECTED, CMD_NO_ARGS, cmd_unselect },
	/* EXPUNGE takes an argument only behind UID: RFC 9051 6.4.9 */
	{ SLICE_INIT("EXPUNGE"), IMAP_SELECTED, CMD_NEWS | CMD_UID | CMD_WRITES, cmd_expunge },
	{ SLICE_INIT("SEARCH"), IMAP_SELECTED, CMD_NEWS_NO_EXPUNGE | CMD_UID, cmd_search },
	{ SLICE_INIT("CANCELUPDATE"), IMAP_SELECTED, CMD_NEWS, cmd_cancelupdate }, /* RFC 5267 */
	{ SLICE_INIT("ESEARCH"), IN, CMD_NEWS, cmd_esearch }, /* RFC 7377 */
	{ SLICE_INIT("SORT"), IMAP_SELECTED, CMD_NEWS_NO_EXPUNGE | CMD_UID, cmd_sort }, /* RFC 5256 */
	{ SLICE_INIT("THREAD"), IMAP_SELECTED, CMD_NEWS_NO_EXPUNGE | CMD_UID, cmd_thread },
	{ SLICE_INIT("FETCH"), IMAP_SELECTED, CMD_NEWS_NO_EXPUNGE | CMD_UID, cmd_fetch },
	{ SLICE_INIT("STORE"), IMAP_SELECTED, CMD_NEWS_NO_EXPUNGE | CMD_UID | CMD_WRITES,
	    cmd_store },
	{ SLICE_INIT("COPY"), IMAP_SELECTED, CMD_NEWS | CMD_UID, cmd_copy },
	{ SLICE_INIT("MOVE"), IMAP_SELECTED, CMD_NEWS | CMD_UID | CMD_WRITES,
	    cmd_move }, /* RFC 6851 */
};

static const struct imap_command unknown = { SLICE_INIT("?"), ANY, 0, NULL };

static const struct imap_command *find(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (slice_ieq(commands[i].name, name))
			return (&commands[i]);
	return (NULL);
}

static const char *refusal(const struct imap *s, const struct imap_command *row)
{
	if ((row->states & (unsigned)s->state) == 0)
		return (s->state == IMAP_GREETED      ? "BAD Log in first"
			: row->states == IMAP_GREETED ? "BAD Already logged in"
						      : "BAD Select a mailbox first");
	if ((row->flags & CMD_PRIVATE) && !conn_is_tls(s->conn)) /* RFC 9051 6.2.3 */
		return ("NO [PRIVACYREQUIRED] Start TLS first");
	if (row->states == IMAP_SELECTED && s->view_gone && row->run != cmd_unselect &&
	    row->run != cmd_close)
		return ("NO [NONEXISTENT] The mailbox was deleted; select another");
	/* RFC 9586 3.1; REPLACE, whose message may be on its way, and EXPUNGE see to it themselves */
	if (s->uid_only && (row->flags & CMD_UID) && !s->call.is_uid && row->run != cmd_expunge &&
	    row->run != cmd_replace)
		return ("BAD [UIDREQUIRED] Message numbers are not used any more");
	if ((row->flags & CMD_WRITES) && s->read_only)
		return ("NO [READ-ONLY] The mailbox was opened read-only");
	return (NULL);
}

void command_dispatch(struct imap *s, struct slice text)
{
	struct imap_call *call = &s->call;
	struct slice tag, rest, name, behind;
	const char *why;

	call->arena = arena_new(0);
	call->row = &unknown;
	(void)slice_cut(text, ' ', &tag, &rest);
	call->tag = arena_strdup(call->arena, reader_is_tag(tag) ? tag : SLICE("*"));
	if (!reader_is_tag(tag) || rest.n == 0) {
		imap_bad(s, text.n == 0 ? "Empty line" : "A command is a tag, a space and a name");
		return;
	}
	(void)slice_cut(rest, ' ', &name, &behind);
	if (slice_ieq(name, SLICE("UID"))) {
		call->is_uid = true;
		rest = behind;
		(void)slice_cut(rest, ' ', &name, &behind);
	}
	call->row = find(name);
	if (call->row == NULL || (call->is_uid && !(call->row->flags & CMD_UID))) {
		call->row = &unknown;
		imap_bad(s, "No such command");
		return;
	}
	if ((why = refusal(s, call->row)) != NULL) {
		if (*why == 'B')
			imap_bad(s, why + 4);
		else
			imap_end(s, why);
		return;
	}
	if ((call->row->flags & CMD_NO_ARGS) && rest.n > name.n) {
		imap_bad(s, "This command has no arguments");
		return;
	}
	/* "NAME" and "NAME " differ: the space is taken here, the rest must not be empty then */
	if (rest.n > name.n && behind.n == 0) {
		imap_bad(s, "Arguments are missing");
		return;
	}
	call->args = (struct args){ cursor_of(behind), call->arena };
	call->row->run(s);
}
