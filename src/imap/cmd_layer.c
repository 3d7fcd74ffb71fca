/* COMPRESS UNAUTHENTICATE: what lies under the session, and who is behind it, change. RFC 4978,
 * RFC 8437. */
#include "imap/command.h"

#include "core/limits.h"
#include "core/log.h"
#include "imap/notify.h"
#include "imap/trace.h"

void cmd_compress(struct imap *s)
{
	struct args *a = &s->call.args;

	if (!args_word(a, "DEFLATE") || !args_end(a)) {
		imap_bad(s, "COMPRESS knows DEFLATE only");
		return;
	}
	if (conn_is_deflated(s->conn)) {
		imap_end(s, "NO [COMPRESSIONACTIVE] DEFLATE is on already");
		return;
	}
	/* RFC 4978 3: nothing may come between the command and its answer. */
	if (conn_input(s->conn).n > 0) {
		imap_end(s, "NO Nothing may follow COMPRESS before it is answered");
		return;
	}
	imap_end(s, "OK DEFLATE from now on");
	if (!s->closing && conn_start_deflate(s->conn) == -1)
		conn_abort(s->conn, "octets behind COMPRESS");
}

void cmd_unauthenticate(struct imap *s)
{
	trace_gone(s, "UNAUTHENTICATE"); /* whose session it is now is not said yet */
	log_event(LOG_INFO, s->id, "imap unauthenticate", "user", account_name(s->account), NULL);
	notify_free(s);
	imap_unselect(s);
	/* RFC 8437 4: nothing is enabled, nothing saved; TLS and DEFLATE stay. */
	s->account = NULL;
	s->state = IMAP_GREETED;
	s->condstore = s->qresync = s->rev2 = s->utf8 = s->utf8_accept = s->uid_only = false;
	s->noops = 0;
	s->server->counts.logged_in--;
	reader_limit(&s->reader, &reader_before_login);
	imap_end(s, "OK Who is next?");
	if (!s->closing)
		conn_deadline(s->conn, L_IPRE_SECONDS, "login");
}
