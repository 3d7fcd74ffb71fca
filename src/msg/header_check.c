/* header_check.c: may a message with this header be taken from a stranger?
 *
 * Refused is only what lets two programs see two different senders or subjects (P15, SIN-21,
 * SIN-22, AUT-05 to AUT-08) or what is over a limit (MIM-04, SIN-18). Oddities that change nobody's
 * view are let through: real mail is full of them. The text goes to the peer after 554 5.6.0. RFC
 * 5322 3.6, RFC 7489 6.6.1. */
#include "core/domain.h"
#include "core/limits.h"
#include "msg/addr.h"
#include "msg/header.h"

static const struct slice guarded[] = { /* SIN-21 */
	SLICE_INIT("From"), SLICE_INIT("Sender"), SLICE_INIT("To"), SLICE_INIT("Cc"),
	SLICE_INIT("Date"), SLICE_INIT("Subject"), SLICE_INIT("Message-ID")
};

static bool is_guarded(struct slice name)
{
	for (size_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++)
		if (slice_ieq(name, guarded[i]))
			return (true);
	return (slice_istarts(name, SLICE("Content-")));
}

/* Would a laxer program take this line for a guarded field? Its name is read as such a program
 * might: leading blanks and octets that no name may hold are skipped. */
static bool junk_is_guarded(struct slice line)
{
	char name[16];
	size_t n = 0, i = 0;

	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	for (; i < line.n && line.p[i] != ':' && line.p[i] != ' ' && line.p[i] != '\t'; i++) {
		if (!(line.p[i] > 32 && line.p[i] < 127)) /* controls and 8-bit */
			continue;
		if (n == sizeof(name))
			break;
		name[n++] = line.p[i];
	}
	return (is_guarded((struct slice){ name, n }));
}

static int check_shape(const struct header *h, struct err *err)
{
	if (h->cut)
		return (err_set(err, ERR_PEER,
		    "header too large: at most %d octets a field, %d in all, %d fields", L_HDR1,
		    L_HDR, L_HDRN));
	for (size_t i = 0; i < h->n; i++) {
		const struct field *f = &h->fields[i];

		/* RFC 5322 4.5 allows it to readers; not every reader sees such a field */
		if (f->raw.p[f->name.n] != ':' && is_guarded(f->name))
			return (err_set(err, ERR_PEER,
			    "no blank may stand before the colon of the " SLICE_FMT " field",
			    SLICE_ARG(slice_head(f->name, 40))));
	}
	if (h->ended_by_junk && junk_is_guarded(h->junk))
		return (err_set(err, ERR_PEER,
		    "a header line that should be a From, Sender, To, Cc, Date, Subject, "
		    "Message-ID "
		    "or Content field is malformed"));
	return (0);
}

/* An address literal and nothing else: no policy can exist for it. */
static bool is_literal(struct slice domain)
{
	return (domain.n > 2 && domain.p[0] == '[' && slice_chr(domain, ']') == domain.n - 1 &&
	    slice_rchr(domain, '[') == 0);
}

/* AUT-08: one form of the domain for every lookup, or none at all. */
static int check_domain(struct arena *a, struct slice domain, struct slice *seen, struct err *err)
{
	struct slice ascii;

	if (is_literal(domain)) {
		ascii = domain;
	} else {
		if (slice_ends(domain, SLICE(".")))
			domain.n--;
		ascii = domain_ascii(a, domain);
		if (ascii.n == 0)
			return (err_set(
			    err, ERR_PEER, "the domain of the From address is not a valid name"));
	}
	if (seen->n > 0 && !slice_ieq(*seen, ascii)) /* AUT-07 */
		return (err_set(err, ERR_PEER, "the From addresses must all be in one domain"));
	*seen = ascii;
	return (0);
}

/* A From that names nobody is let through (a judge may weigh it); one that could name two is not.
 */
static int check_from(struct arena *a, const struct header *h, struct err *err)
{
	size_t count = header_count(h, SLICE("From"));
	struct addr_list from;
	struct slice seen = SLICE("");

	if (count != 1) /* AUT-05, AUT-06; RFC 5322 3.6 */
		return (err_set(err, ERR_PEER,
		    "exactly one From field is needed, this message has %zu%s", count,
		    h->ended_by_junk ? " before the header ends at a line that is no field" : ""));
	addr_parse(a, header_first(h, SLICE("From"))->body, &from);
	if (from.cut)
		return (err_set(err, ERR_PEER, "more than %d addresses in the From field", L_ADDR));
	for (size_t i = 0; i < from.n; i++)
		if (from.v[i].domain.n > 0 && check_domain(a, from.v[i].domain, &seen, err) == -1)
			return (-1);
	/* Programs that forgive more than we do show an address here, of whom we do not know. */
	if (seen.n == 0 && slice_chr(header_first(h, SLICE("From"))->body, '@') != SIZE_MAX)
		return (err_set(
		    err, ERR_PEER, "the From field holds no address that can be read"));
	return (0);
}

int header_check(struct arena *a, const struct header *h, uint64_t hops, struct err *err)
{
	if (check_shape(h, err) == -1 || check_from(a, h, err) == -1)
		return (-1);
	if (header_count(h, SLICE("Received")) > hops) /* RFC 5321 6.3 */
		return (err_set(err, ERR_LIMIT,
		    "too many hops: over %llu Received fields, this looks like a loop",
		    (unsigned long long)hops));
	return (0);
}
