/* What is a message's preview, and what are it and its conversation called everywhere? PREVIEW
 * (RFC 8970) is kept beside the envelope, so LAZY or not it is at hand and a list opens no file, and so
 * is THREADID. EMAILID and THREADID (RFC 8474 5) are made of the content, so they stay the same in
 * every folder, after a move, and with an index made anew. */
#include "imap/fetch.h"

static void say_objectid(struct fetch *f, char kind, const unsigned char id[16])
{
	(void)buf_addc(&f->out, '(');
	write_objectid(&f->out, kind, id);
	(void)buf_addc(&f->out, ')');
}

void fetch_extra(struct fetch *f, const struct visit_message *m, const struct fetch_item *item)
{
	(void)buf_addz(&f->out, f->place.begun ? " " : "");
	(void)buf_add_slice(&f->out, item->label);
	(void)buf_addc(&f->out, ' ');
	f->place.begun = true;
	if (item->what == FETCH_PREVIEW)
		(void)write_string(&f->out, m->preview, f->utf8);
	else if (item->what == FETCH_EMAILID)
		say_objectid(f, OBJECT_EMAIL, m->content_id);
	else
		say_objectid(f, OBJECT_THREAD, m->thread_id);
}
