/* How is it said so that nothing a peer chose can start a new line, close a quote or a list? RFC
 * 9051 4.3, 7, 9. */
#include "imap/write.h"

#include "core/mem.h"
#include "imap/args.h"
#include "msg/charset.h"
#include "msg/mutf7.h"

void keyword_names_of(const struct view *v, struct keyword_names *ret)
{
	for (unsigned k = 0; k < L_KW; k++) {
		const char *name = view_keyword(v, k);
		size_t n = name == NULL ? 0 : strlen(name);

		if (n > L_KW_NAME || !args_is_keyword((struct slice){ name, n }))
			n = 0; /* another program's keyword that is no atom cannot be shown */
		if (n > 0)
			memcpy(ret->name[k], name, n);
		ret->name[k][n] = '\0';
	}
}

int write_string(struct buf *out, struct slice s, bool utf8)
{
	bool quote = s.n <= 1000, high = false;

	for (size_t i = 0; i < s.n && quote; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\0' || c == '\r' || c == '\n')
			quote = false;
		high |= c >= 0x80;
	}
	if (high && quote)
		quote = utf8 && charset_is_utf8(s);
	if (quote) {
		(void)buf_addc(out, '"');
		for (size_t i = 0; i < s.n; i++) {
			if (s.p[i] == '"' || s.p[i] == '\\')
				(void)buf_addc(out, '\\');
			(void)buf_addc(out, s.p[i]);
		}
		return (buf_addc(out, '"'));
	}
	(void)buf_fmt(out, "{%zu}\r\n", s.n);
	if (memchr(s.p, '\0', s.n) == NULL)
		return (buf_add_slice(out, s));
	for (size_t i = 0; i < s.n; i++) /* CHAR8 has no NUL */
		(void)buf_addc(out, s.p[i] == '\0' ? '?' : s.p[i]);
	return (out->failed ? -1 : 0);
}

int write_astring(struct buf *out, struct slice s)
{
	bool atom = s.n > 0 && !slice_ieq(s, SLICE("NIL"));

	for (size_t i = 0; i < s.n && atom; i++)
		atom = args_is_atom_char(s.p[i]);
	return (atom ? buf_add_slice(out, s) : write_string(out, s, false));
}

int write_mailbox(struct buf *out, struct slice name, bool utf8)
{
	struct buf old = BUF_INIT(8192);

	if (utf8)
		return (write_string(out, name, true));
	if (mutf7_from_utf8(name, &old) == 0)
		(void)write_string(out, buf_slice(&old), false);
	else
		(void)write_string(out, name, false);
	buf_free(&old);
	return (out->failed ? -1 : 0);
}

int write_text(struct buf *out, const char *text)
{
	size_t n = 0;

	/* text = 1*TEXT-CHAR: always there, RFC 9051 7.1 */
	for (; text != NULL && text[n] != '\0' && n < 200; n++)
		(void)buf_addc(out, text[n] >= ' ' && text[n] < 0x7f ? text[n] : '?');
	return (n == 0 ? buf_addz(out, "Sorry") : 0);
}

int write_flags(struct buf *out, unsigned flags, bool recent, const struct keyword_names *names)
{
	static const struct {
		unsigned flag;
		const char *name;
	} system[] = {
		{ FLAG_ANSWERED, "\\Answered" },
		{ FLAG_FLAGGED, "\\Flagged" },
		{ FLAG_DELETED, "\\Deleted" },
		{ FLAG_SEEN, "\\Seen" },
		{ FLAG_DRAFT, "\\Draft" },
		{ FLAG_PASSED, "$Forwarded" },
	};
	const char *gap = "(";

	for (size_t i = 0; i < COUNT_OF(system); i++)
		if (flags & system[i].flag) {
			(void)buf_addz(out, gap);
			(void)buf_addz(out, system[i].name);
			gap = " ";
		}
	for (unsigned k = 0; k < L_KW && names != NULL; k++)
		if ((flags & ((unsigned)FLAG_KEYWORD0 << k)) != 0 && names->name[k][0] != '\0') {
			(void)buf_addz(out, gap);
			(void)buf_addz(out, names->name[k]);
			gap = " ";
		}
	if (recent) {
		(void)buf_addz(out, gap);
		(void)buf_addz(out, "\\Recent");
		gap = " ";
	}
	return (buf_addz(out, *gap == '(' ? "()" : ")"));
}

const char *role_attribute(enum folder_role role)
{
	switch (role) {
	case ROLE_SENT: return ("\\Sent");
	case ROLE_DRAFTS: return ("\\Drafts");
	case ROLE_JUNK: return ("\\Junk");
	case ROLE_TRASH: return ("\\Trash");
	case ROLE_ARCHIVE: return ("\\Archive");
	case ROLE_NONE:
	case ROLE_INBOX:
	case ROLE_QUARANTINE: break;
	}
	return (NULL);
}

void write_objectid(struct buf *out, char kind, const unsigned char id[16])
{
	(void)buf_addc(out, kind);
	for (unsigned i = 0; i < 16; i++)
		(void)buf_fmt(out, "%02x", id[i]);
}

int write_special_use(struct buf *out, enum folder_role role, const char *before)
{
	const char *name = role_attribute(role);

	if (name == NULL)
		return (0);
	(void)buf_addz(out, before);
	return (buf_addz(out, name));
}

const char *code_of(const struct err *err)
{
	switch (err->kind) {
	case ERR_NOT_FOUND: return ("[NONEXISTENT]");
	case ERR_EXISTS: return ("[ALREADYEXISTS]");
	case ERR_LIMIT: return ("[LIMIT]");
	case ERR_OVER_QUOTA: return ("[OVERQUOTA]");
	case ERR_CANNOT:
	case ERR_PEER: return ("[CANNOT]");
	case ERR_PERMANENT: return ("[SERVERBUG]");
	case ERR_NONE:
	case ERR_TEMPORARY:
	case ERR_NO_SPACE:
	case ERR_BUSY: break;
	}
	return ("[UNAVAILABLE]");
}
