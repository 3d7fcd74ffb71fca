/* IDLE: tell what happens as it happens, until DONE. RFC 2177, RFC 9051 6.3.13. A silent client
 * is let go after L_IDLE_SECONDS, as any other (RFC 9051 5.4): clients begin IDLE anew before. */
#include "imap/command.h"

#include "core/limits.h"

static void on_line(struct imap *s, struct slice line)
{
	s->idling = false;
	if (slice_ieq(line, SLICE("DONE")))
		imap_end(s, "OK Idle is over");
	else
		imap_bad(s, "IDLE ends with DONE");
}

/* What there is to tell, while there is room; the rest when output drains. */
void idle_news(struct imap *s)
{
	struct news_style style;

	imap_news_style(s, true, &style);
	while (s->news.view != NULL && !s->view_gone && !conn_congested(s->conn) &&
	    news_any(&s->news, true)) {
		(void)news_write(&s->news, &style, &s->out);
		imap_flush(s);
	}
}

void cmd_idle(struct imap *s)
{
	conn_sendz(s->conn, "+ Idling\r\n");
	s->idling = true;
	conn_deadline(s->conn, L_IDLE_SECONDS, "idle");
	idle_news(s);
	imap_read_lines(s, on_line);
}
