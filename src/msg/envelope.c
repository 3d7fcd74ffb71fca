/* envelope.c: what does IMAP's ENVELOPE say of a header?
 *
 * Values go out as they stand in the header, unfolded, encoded words left to the client. A string
 * is quoted when it is short printable ASCII, else a literal of UTF-8 (IMP-23): raw 8-bit that is
 * no UTF-8 is read as windows-1252, NUL becomes U+FFFD. The first of doubled fields counts. RFC
 * 9051 7.5.2. */
#include "msg/envelope_int.h"

#include "core/limits.h"
#include "msg/addr.h"
#include "msg/charset.h"

enum { QUOTED_MAX = 1000 };

static bool is_quotable(struct slice s)
{
	if (s.n > QUOTED_MAX)
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if ((s.p[i] & 0x80) != 0 || s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0')
			return (false);
	return (true);
}

int envelope_nstring(struct buf *out, struct slice s, bool is_nil)
{
	struct buf clean = BUF_INIT(s.n * 3 + 4);

	if (is_nil)
		return (buf_addz(out, "NIL"));
	if (is_quotable(s)) {
		(void)buf_addc(out, '"');
		for (size_t i = 0; i < s.n; i++) {
			if (s.p[i] == '"' || s.p[i] == '\\')
				(void)buf_addc(out, '\\');
			(void)buf_addc(out, s.p[i]);
		}
		return (buf_addc(out, '"'));
	}
	if (!charset_is_utf8(s) || slice_chr(s, '\0') != SIZE_MAX) {
		(void)charset_to_utf8(SLICE(""), s, &clean);
		s = buf_slice(&clean);
	}
	(void)buf_addc(out, '{');
	(void)buf_add_u64(out, s.n);
	(void)buf_addz(out, "}\r\n");
	(void)buf_add_slice(out, s);
	buf_free(&clean);
	return (out->failed ? -1 : 0);
}

static void write_text(struct buf *out, struct arena *a, const struct header *h, struct slice name)
{
	const struct field *f = header_first(h, name);

	(void)envelope_nstring(out, f != NULL ? header_unfold(a, f->body) : SLICE(""), f == NULL);
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")". A host of NIL is what marks
 * groups, so an address without a domain has an empty host. */
static void write_address(struct buf *out, const struct addr *one)
{
	switch (one->kind) {
	case ADDR_MAILBOX:
		(void)buf_addc(out, '(');
		(void)envelope_nstring(out, one->name, one->name.n == 0);
		(void)buf_addc(out, ' ');
		(void)envelope_nstring(out, one->route, one->route.n == 0);
		(void)buf_addc(out, ' ');
		(void)envelope_nstring(out, one->local, false);
		(void)buf_addc(out, ' ');
		(void)envelope_nstring(out, one->domain, false);
		(void)buf_addc(out, ')');
		return;
	case ADDR_GROUP:
		(void)buf_addz(out, "(NIL NIL ");
		(void)envelope_nstring(out, one->name, false);
		(void)buf_addz(out, " NIL)");
		return;
	case ADDR_GROUP_END: (void)buf_addz(out, "(NIL NIL NIL NIL)"); return;
	}
}

/* False when the field is absent or names nobody. */
static bool write_addresses(
    struct buf *out, struct arena *a, const struct header *h, struct slice name)
{
	const struct field *f = header_first(h, name);
	struct addr_list list;

	if (f == NULL)
		return (false);
	addr_parse(a, f->body, &list);
	if (list.n == 0)
		return (false);
	(void)buf_addc(out, '(');
	for (size_t i = 0; i < list.n; i++)
		write_address(out, &list.v[i]);
	(void)buf_addc(out, ')');
	return (true);
}

static void write_addresses_or(
    struct buf *out, struct arena *a, const struct header *h, struct slice name, struct slice other)
{
	(void)buf_addc(out, ' ');
	if (!write_addresses(out, a, h, name) &&
	    (other.n == 0 || !write_addresses(out, a, h, other)))
		(void)buf_addz(out, "NIL");
}

void envelope_write_in(struct buf *out, struct arena *a, const struct header *h)
{
	const struct slice from = SLICE("From"), none = SLICE("");

	(void)buf_addc(out, '(');
	write_text(out, a, h, SLICE("Date"));
	(void)buf_addc(out, ' ');
	write_text(out, a, h, SLICE("Subject"));
	write_addresses_or(out, a, h, from, none);
	write_addresses_or(out, a, h, SLICE("Sender"), from); /* RFC 9051 7.5.2: absent or empty */
	write_addresses_or(out, a, h, SLICE("Reply-To"), from);
	write_addresses_or(out, a, h, SLICE("To"), none);
	write_addresses_or(out, a, h, SLICE("Cc"), none);
	write_addresses_or(out, a, h, SLICE("Bcc"), none);
	(void)buf_addc(out, ' ');
	write_text(out, a, h, SLICE("In-Reply-To"));
	(void)buf_addc(out, ' ');
	write_text(out, a, h, SLICE("Message-ID"));
	(void)buf_addc(out, ')');
}

int envelope_write(struct buf *out, const struct header *h)
{
	struct arena *a = arena_new(0);

	envelope_write_in(out, a, h);
	arena_free(a);
	return (out->failed ? -1 : 0);
}
