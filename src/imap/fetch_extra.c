/* What is a message's preview, and what is it called everywhere? PREVIEW (RFC 8970) reads the
 * beginning of the message when it is asked for, LAZY or not: that is bounded, and quick. EMAILID
 * (RFC 8474 5) is made of the content, so it stays the same in every folder and after a move.
 * THREADID is NIL: no thread is known across folders. */
#include "imap/fetch.h"

#include "msg/preview.h"

static void say_preview(struct fetch *f, const struct visit_message *m)
{
	struct buf head = BUF_INIT(L_HDR + 2 * PREVIEW_READ), text = BUF_INIT(4096);
	uint64_t size = (m->map_n > 0 ? m->map[0].header_size : 0) + (uint64_t)PREVIEW_READ;
	struct err err;

	if (visit_read(m->visit, 0, size, &head, &err) == 0 &&
	    preview_write(buf_slice(&head), &text) == 0)
		(void)write_string(&f->out, buf_slice(&text), f->utf8);
	else
		(void)buf_addz(&f->out, "NIL"); /* RFC 8970 3.1: not at hand */
	buf_free(&head);
	buf_free(&text);
}

void fetch_extra(struct fetch *f, const struct visit_message *m, const struct fetch_item *item)
{
	(void)buf_addz(&f->out, f->place.begun ? " " : "");
	(void)buf_add_slice(&f->out, item->label);
	(void)buf_addc(&f->out, ' ');
	f->place.begun = true;
	if (item->what == FETCH_PREVIEW)
		say_preview(f, m);
	else if (item->what == FETCH_EMAILID) {
		(void)buf_addc(&f->out, '(');
		write_emailid(&f->out, m->content_id);
		(void)buf_addc(&f->out, ')');
	} else
		(void)buf_addz(&f->out, "NIL");
}
