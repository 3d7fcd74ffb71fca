/* What is told unasked, and when? Before the tagged answer of a command, in IDLE as it happens (RFC
 * 2177), and with NOTIFY SET between commands too (RFC 5465 3.1). Never inside the answer of a
 * command. What there is to tell is known to news.c and notify.c. */
#include "imap/announce.h"

#include "imap/context.h"
#include "imap/notify.h"

enum { ANNOUNCE_TURN = 16 }; /* pieces at once, then others have the loop */

bool announce_some(struct imap *s, bool expunges, bool between)
{
	struct news_style style;

	imap_news_style(s, expunges, &style);
	notify_style(s, between, &style);
	/* of expunged messages before the EXPUNGE: RFC 5267 4.3.4 */
	if (contexts_say_removed(s))
		return (true);
	if (s->news.view != NULL && !s->view_gone && news_any(&s->news, &style)) {
		(void)news_write(&s->news, &style, &s->out);
		imap_flush(s);
		return (true);
	}
	/* of others behind the EXISTS or FETCH that made them so: RFC 5267 4.3.3, RFC 5465 5.1 */
	return (contexts_say_changed(s) || notify_say_lines(s));
}

bool announce_may(const struct imap *s)
{
	return (!s->closing && (s->idling || (s->call.row == NULL && notify_listens(s))) &&
	    (s->call.row == NULL || s->reading == READING_LINE));
}

void announce_now(struct imap *s)
{
	if (!announce_may(s)) {
		announce_contexts(s);
		return;
	}
	for (int turn = 0; !conn_congested(s->conn) && announce_some(s, true, !s->idling); turn++)
		if (turn == ANNOUNCE_TURN) {
			imap_later(s);
			return;
		}
	if (!conn_congested(s->conn) && !s->closing)
		notify_go_on(s);
	announce_contexts(s);
}

void announce_contexts(struct imap *s)
{
	if (s->contexts == NULL || s->closing ||
	    !(s->call.row == NULL || (s->idling && s->reading == READING_LINE)))
		return;
	for (int turn = 0; !conn_congested(s->conn) && contexts_say_changed(s); turn++)
		if (turn == ANNOUNCE_TURN) {
			imap_later(s);
			return;
		}
	if (!conn_congested(s->conn))
		contexts_go_on(s);
}

void announce_soon(struct imap *s)
{
	if (announce_may(s))
		imap_later(s);
}
