/* CAPABILITY NOOP CHECK LOGOUT ID ENABLE NAMESPACE: what needs no mailbox. RFC 9051 6.1, 6.3.1,
 * 6.3.10; RFC 2971. */
#include "imap/command.h"

#include "core/log.h"
#include "core/mem.h"
#include "imap/capability.h"
#include "imap/notify.h"

static void say_capability(struct imap *s)
{
	(void)buf_addz(&s->out, "* CAPABILITY ");
	imap_write_capability(s, &s->out);
	(void)buf_addz(&s->out, "\r\n");
	imap_flush(s);
}

void cmd_capability(struct imap *s)
{
	say_capability(s);
	imap_end(s, "OK Done");
}

static void on_looked(void *self, const struct err *err)
{
	struct imap *s = self;

	s->call.op = NULL;
	if (err != NULL)
		imap_end_err(s, err);
	else
		imap_end(s, "OK Done");
}

void cmd_noop(struct imap *s)
{
	if (s->state == IMAP_GREETED && ++s->noops > 20) {
		imap_bye(s, "Log in or go");
		return;
	}
	/* A poll: what other programs did to the Maildir is looked at now. */
	if (s->news.view == NULL || s->view_gone ||
	    (s->call.op = view_look(s->news.view, on_looked, s)) == NULL)
		imap_end(s, "OK Done");
}

void cmd_check(struct imap *s)
{
	cmd_noop(s);
}

void cmd_logout(struct imap *s)
{
	/* The one tagged answer that comes with a BYE: RFC 9051 6.1.3 */
	(void)buf_addz(&s->out, "* BYE Until next time\r\n");
	(void)buf_addz(&s->out, s->call.tag);
	(void)buf_addz(&s->out, " OK Logged out\r\n");
	imap_flush(s);
	s->closing = true;
	conn_close(s->conn, "logged out");
}

enum { ID_PAIRS = 30, ID_FIELD = 30, ID_VALUE = 1024 };

/* id-params-list = "(" *(string SP nstring) ")" / nil; at most 30 pairs, names of 30 octets,
 * values of 1024 */
static bool take_id(
    struct imap *s, struct buf *log, struct slice *ret_name, struct slice *ret_version)
{
	struct args *a = &s->call.args;
	struct slice name, value;
	unsigned pairs = 0;

	if (args_word(a, "NIL"))
		return (args_end(a));
	if (!args_char(a, '('))
		return (false);
	while (!args_char(a, ')')) {
		if ((pairs > 0 && !args_sp(a)) || ++pairs > ID_PAIRS || !args_string(a, &name) ||
		    !args_sp(a) || !args_nstring(a, &value) || name.n > ID_FIELD ||
		    value.n > ID_VALUE)
			return (false);
		if (slice_ieq(name, SLICE("name")))
			*ret_name = value;
		else if (slice_ieq(name, SLICE("version")))
			*ret_version = value;
		(void)buf_fmt(log, "%s" SLICE_FMT "=" SLICE_FMT, pairs > 1 ? "; " : "",
		    SLICE_ARG(name), SLICE_ARG(slice_head(value, 100)));
	}
	return (args_end(a));
}

void cmd_id(struct imap *s)
{
	struct buf log = BUF_INIT(8192);
	struct slice name = { NULL, 0 }, version = { NULL, 0 };

	if (!take_id(s, &log, &name, &version)) {
		imap_bad(s, "ID takes at most 30 pairs of strings, or NIL");
		buf_free(&log);
		return;
	}
	log_event(LOG_INFO, s->id, "imap id", "client", buf_z(&log), NULL);
	buf_free(&log);
	/* no version: it helps nobody but who looks for old ones */
	(void)buf_addz(&s->out, "* ID (\"name\" \"Pennypost\")\r\n");
	imap_flush(s);
	if (capability_mask(s, name, version)) { /* it may have been told otherwise: RFC 9051 7.2.2 */
		log_event(LOG_INFO, s->id, "imap id", "what", "a capability is not offered", NULL);
		say_capability(s);
	}
	imap_end(s, "OK Done");
}

void imap_enable_condstore(struct imap *s)
{
	if (s->condstore)
		return;
	s->condstore = true;
	if (s->news.view != NULL) { /* RFC 7162 3.1.2: what the client may count from */
		(void)buf_fmt(&s->out, "* OK [HIGHESTMODSEQ %llu] Highest\r\n",
		    (unsigned long long)view_highestmodseq(s->news.view));
		imap_flush(s);
	}
}

void cmd_enable(struct imap *s)
{
	struct args *a = &s->call.args;
	bool rev2 = false, condstore = false, qresync = false, utf8 = false,
	     uid_only = false, metadata = false, server_metadata = false;
	struct slice name;

	do {
		if (!args_atom(a, &name)) {
			imap_bad(s, "ENABLE takes names of capabilities");
			return;
		}
		if (capability_is_masked(s, name)) /* as one we do not know */
			continue;
		rev2 |= slice_ieq(name, SLICE("IMAP4REV2"));
		uid_only |= slice_ieq(name, SLICE("UIDONLY"));
		utf8 |= slice_ieq(name, SLICE("UTF8=ACCEPT"));
		condstore |= slice_ieq(name, SLICE("CONDSTORE"));
		qresync |= slice_ieq(name, SLICE("QRESYNC"));
		metadata |= slice_ieq(name, SLICE("METADATA"));
		server_metadata |= slice_ieq(name, SLICE("METADATA-SERVER"));
	} while (args_sp(a));
	if (!args_end(a)) {
		imap_bad(s, "ENABLE takes names of capabilities");
		return;
	}
	/* Those newly enabled only, and names we do not know are passed over: RFC 9051 6.3.1 */
	(void)buf_addz(&s->out, "* ENABLED");
	if (rev2 && !s->rev2)
		(void)buf_addz(&s->out, " IMAP4rev2");
	if (uid_only && !s->uid_only)
		(void)buf_addz(&s->out, " UIDONLY");
	if (utf8 && !s->utf8_accept)
		(void)buf_addz(&s->out, " UTF8=ACCEPT");
	if (condstore && !s->condstore)
		(void)buf_addz(&s->out, " CONDSTORE");
	if (qresync && !s->qresync)
		(void)buf_addz(&s->out, " QRESYNC");
	if (metadata)
		(void)buf_addz(&s->out, " METADATA");
	if (server_metadata)
		(void)buf_addz(&s->out, " METADATA-SERVER");
	(void)buf_addz(&s->out, "\r\n");
	imap_flush(s);
	if (metadata || server_metadata) /* RFC 5464 4.4 */
		notify_enable_metadata(s, metadata, metadata || server_metadata);
	s->rev2 |= rev2;
	s->utf8_accept |= utf8;
	s->uid_only |= uid_only;
	s->news.uid_only = s->uid_only;
	s->utf8 |= utf8 || rev2; /* RFC 6855 3, RFC 9051 5.1 */
	s->qresync |= qresync;
	if (condstore || qresync) /* RFC 7162 3.2.3: QRESYNC implies CONDSTORE */
		imap_enable_condstore(s);
	imap_end(s, "OK Done");
}

void cmd_namespace(struct imap *s)
{
	(void)buf_addz(&s->out, "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	imap_flush(s);
	imap_end(s, "OK Done");
}
