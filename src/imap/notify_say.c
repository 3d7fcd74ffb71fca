/* How is a mailbox's name told that came, went or changed (RFC 5465 5.4, 5.5), and how that its
 * annotations did (RFC 5464 4.4.2)? */
#include "imap/notify.h"

static void add_attribute(struct buf *out, const char **gap, const char *name)
{
	(void)buf_addz(out, *gap);
	(void)buf_addz(out, name);
	*gap = " ";
}

void notify_say_list(struct imap *s, struct buf *out, const char *name, const char *old_name)
{
	struct slice is = slice_of(name);
	const struct folder *f = folder_find(s->account, is);
	const char *gap = "";

	(void)buf_addz(out, "* LIST (");
	if (f == NULL)
		add_attribute(out, &gap, "\\NonExistent");
	add_attribute(out, &gap,
	    folder_has_children(s->account, is) ? "\\HasChildren" : "\\HasNoChildren");
	if (folder_name_subscribed(s->account, is))
		add_attribute(out, &gap, "\\Subscribed");
	if (f != NULL && role_attribute(folder_role(f)) != NULL)
		add_attribute(out, &gap, role_attribute(folder_role(f)));
	(void)buf_addz(out, ") \"/\" ");
	(void)write_mailbox(out, is, s->utf8);
	if (old_name != NULL) {
		(void)buf_addz(out, " (\"OLDNAME\" (");
		(void)write_mailbox(out, slice_of(old_name), s->utf8);
		(void)buf_addz(out, "))");
	}
	(void)buf_addz(out, "\r\n");
}

void notify_say_metadata(
    struct imap *s, struct buf *out, const char *name, const struct slice *entries, size_t n)
{
	(void)buf_addz(out, "* METADATA ");
	(void)write_mailbox(out, slice_of(name), s->utf8);
	for (size_t i = 0; i < n; i++) {
		(void)buf_addc(out, ' ');
		(void)write_astring(out, entries[i]);
	}
	(void)buf_addz(out, "\r\n");
}
