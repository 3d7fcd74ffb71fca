/* What is a message's preview, and what is it called everywhere? PREVIEW (RFC 8970) is kept
 * beside the envelope, so LAZY or not it is at hand and a list opens no file. EMAILID
 * (RFC 8474 5) is made of the content, so it stays the same in every folder and after a move.
 * THREADID is NIL: no thread is known across folders. */
#include "imap/fetch.h"

void fetch_extra(struct fetch *f, const struct visit_message *m, const struct fetch_item *item)
{
	(void)buf_addz(&f->out, f->place.begun ? " " : "");
	(void)buf_add_slice(&f->out, item->label);
	(void)buf_addc(&f->out, ' ');
	f->place.begun = true;
	if (item->what == FETCH_PREVIEW)
		(void)write_string(&f->out, m->preview, f->utf8);
	else if (item->what == FETCH_EMAILID) {
		(void)buf_addc(&f->out, '(');
		write_emailid(&f->out, m->content_id);
		(void)buf_addc(&f->out, ')');
	} else
		(void)buf_addz(&f->out, "NIL");
}
