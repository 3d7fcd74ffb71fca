/* What is offered, and to whom? One table: a row says in which state. What a client is known to
 * break on (quirks.c) is left out for it once it said who it is. RFC 9051 6.1.1, 7.2.2. */
#include "imap/capability.h"

#include "core/mem.h"
#include "imap/quirks.h"

enum when {
	ALWAYS,
	IN_CLEAR,     /* before login, without TLS */
	MAY_STARTTLS, /* ... where there is TLS to start */
	MAY_LOGIN,    /* before login, under TLS */
	LOGGED_IN,
	UNCOMPRESSED, /* logged in, no compression yet */
};

static const struct {
	struct slice name;
	enum when when;
} capabilities[] = {
	{ SLICE_INIT("IMAP4rev1"), ALWAYS },
	{ SLICE_INIT("IMAP4rev2"), ALWAYS },
	{ SLICE_INIT("LITERAL+"), ALWAYS }, /* and so never LITERAL-: RFC 7888 5 */
	{ SLICE_INIT("SASL-IR"), ALWAYS },
	{ SLICE_INIT("ID"), ALWAYS },
	{ SLICE_INIT("ENABLE"), ALWAYS },
	{ SLICE_INIT("IDLE"), ALWAYS },
	{ SLICE_INIT("STARTTLS"), MAY_STARTTLS },
	{ SLICE_INIT("LOGINDISABLED"), IN_CLEAR }, /* RFC 9051 6.2.3: no password in clear */
	{ SLICE_INIT("AUTH=PLAIN"), MAY_LOGIN },
	{ SLICE_INIT("AUTH=LOGIN"), MAY_LOGIN },
	{ SLICE_INIT("NAMESPACE"), LOGGED_IN },
	{ SLICE_INIT("UIDPLUS"), LOGGED_IN },
	{ SLICE_INIT("MOVE"), LOGGED_IN },
	{ SLICE_INIT("UNSELECT"), LOGGED_IN },
	{ SLICE_INIT("CHILDREN"), LOGGED_IN },
	{ SLICE_INIT("LIST-EXTENDED"), LOGGED_IN },
	{ SLICE_INIT("LIST-STATUS"), LOGGED_IN },
	{ SLICE_INIT("SPECIAL-USE"), LOGGED_IN },
	{ SLICE_INIT("CREATE-SPECIAL-USE"), LOGGED_IN },
	{ SLICE_INIT("ESEARCH"), LOGGED_IN },
	{ SLICE_INIT("SEARCHRES"), LOGGED_IN },
	{ SLICE_INIT("STATUS=SIZE"), LOGGED_IN },
	{ SLICE_INIT("CONDSTORE"), LOGGED_IN },
	{ SLICE_INIT("QRESYNC"), LOGGED_IN },
	{ SLICE_INIT("MULTIAPPEND"), LOGGED_IN },
	{ SLICE_INIT("REPLACE"), LOGGED_IN },
	{ SLICE_INIT("BINARY"), LOGGED_IN },
	{ SLICE_INIT("CATENATE"), LOGGED_IN },
	{ SLICE_INIT("URL-PARTIAL"), LOGGED_IN },
	{ SLICE_INIT("UTF8=ACCEPT"), LOGGED_IN },
	{ SLICE_INIT("UNAUTHENTICATE"), LOGGED_IN },
	{ SLICE_INIT("ACL"), LOGGED_IN },
	{ SLICE_INIT("RIGHTS=kxte"), LOGGED_IN },
	{ SLICE_INIT("QUOTA"), LOGGED_IN },
	{ SLICE_INIT("QUOTA=RES-STORAGE"), LOGGED_IN },
	{ SLICE_INIT("QUOTA=RES-MESSAGE"), LOGGED_IN },
	{ SLICE_INIT("METADATA"), LOGGED_IN },
	{ SLICE_INIT("METADATA-SERVER"), LOGGED_IN },
	{ SLICE_INIT("LIST-METADATA"), LOGGED_IN },
	{ SLICE_INIT("UIDONLY"), LOGGED_IN },
	{ SLICE_INIT("NOTIFY"), LOGGED_IN },
	{ SLICE_INIT("COMPRESS=DEFLATE"), UNCOMPRESSED }, /* RFC 4978 3 */
	/* finding: cmd_search.c, order.c */
	{ SLICE_INIT("SORT"), LOGGED_IN },
	{ SLICE_INIT("SORT=DISPLAY"), LOGGED_IN },
	{ SLICE_INIT("ESORT"), LOGGED_IN },
	{ SLICE_INIT("THREAD=ORDEREDSUBJECT"), LOGGED_IN },
	{ SLICE_INIT("THREAD=REFERENCES"), LOGGED_IN },
	{ SLICE_INIT("THREAD=REFS"), LOGGED_IN },
	{ SLICE_INIT("I18NLEVEL=1"), LOGGED_IN },
	{ SLICE_INIT("WITHIN"), LOGGED_IN },
	{ SLICE_INIT("PARTIAL"), LOGGED_IN },
	{ SLICE_INIT("SAVEDATE"), LOGGED_IN },
	{ SLICE_INIT("OBJECTID"), LOGGED_IN },
	{ SLICE_INIT("PREVIEW"), LOGGED_IN },
	{ SLICE_INIT("INPROGRESS"), LOGGED_IN },
	{ SLICE_INIT("MULTISEARCH"), LOGGED_IN },
	{ SLICE_INIT("CONTEXT=SEARCH"), LOGGED_IN },
	{ SLICE_INIT("CONTEXT=SORT"), LOGGED_IN },
	{ SLICE_INIT("SEARCH=FUZZY"), LOGGED_IN },
};
_Static_assert(COUNT_OF(capabilities) <= 64, "one bit each in imap.masked");

static bool is_due(const struct imap *s, enum when when)
{
	bool greeted = s->state == IMAP_GREETED, tls = conn_is_tls(s->conn);

	switch (when) {
	case ALWAYS: return (true);
	case IN_CLEAR: return (greeted && !tls);
	case MAY_STARTTLS: return (greeted && !tls && s->server->tls != NULL);
	case MAY_LOGIN: return (greeted && tls);
	case LOGGED_IN: return (!greeted);
	case UNCOMPRESSED: return (!greeted && !conn_is_deflated(s->conn));
	}
	return (false);
}

void imap_write_capability(struct imap *s, struct buf *out)
{
	const char *gap = "";

	for (size_t i = 0; i < COUNT_OF(capabilities); i++) {
		if (!is_due(s, capabilities[i].when) || (s->masked >> i & 1) != 0)
			continue;
		(void)buf_addz(out, gap);
		(void)buf_add_slice(out, capabilities[i].name);
		gap = " ";
	}
	if (s->state != IMAP_GREETED)
		(void)buf_fmt(out, " APPENDLIMIT=%llu",
		    (unsigned long long)s->server->cfg->limits.size); /* RFC 7889 */
}

bool capability_mask(struct imap *s, struct slice name, struct slice version)
{
	uint64_t was = s->masked;

	s->masked = 0;
	for (size_t i = 0; i < COUNT_OF(capabilities); i++)
		if (quirk_masks(quirks, quirks_n, name, version, capabilities[i].name))
			s->masked |= UINT64_C(1) << i;
	return (s->masked != was);
}

bool capability_is_masked(const struct imap *s, struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(capabilities); i++)
		if (slice_ieq(capabilities[i].name, name))
			return ((s->masked >> i & 1) != 0);
	return (false);
}
