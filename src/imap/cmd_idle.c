/* IDLE: tell what happens as it happens, until DONE. RFC 2177, RFC 9051 6.3.13. A silent client
 * is let go after L_IDLE_SECONDS, as any other (RFC 9051 5.4): clients begin IDLE anew before. */
#include "imap/command.h"

#include "core/limits.h"
#include "imap/announce.h"

static void on_line(struct imap *s, struct slice line)
{
	s->idling = false;
	if (slice_ieq(line, SLICE("DONE")))
		imap_end(s, "OK Idle is over");
	else
		imap_bad(s, "IDLE ends with DONE");
}

void cmd_idle(struct imap *s)
{
	conn_sendz(s->conn, "+ Idling\r\n");
	conn_rest(s->conn);
	s->idling = true;
	conn_deadline(s->conn, L_IDLE_SECONDS, "idle");
	imap_read_lines(s, on_line);
	announce_now(s);
}
