/* send_on.c: may a copy go on to another address? Not what would go in a circle: what was in this
 * account's mailbox before (Delivered-To, or our own Received for it), what was where it should go,
 * what has as many Received fields as we take ourselves (RFC 5321 6.3). Not reports and automatic
 * answers (RFC 3834 2): they are for the account that wrote, and two that answer each other must not
 * meet through us. Not what failed DMARC, for it would go out in the account's name. Leaves junk to
 * verdict.c, rate and queue to smtp/in_forward.c. Failures: none. */
#include "spam/send_on.h"

struct asking {
	struct arena *arena;
	const struct cfg *cfg;
	const struct cfg_account *account; /* NULL: nobody's in particular */
};

static bool is_own(const struct asking *q, struct slice address)
{
	size_t at = slice_rchr(address, '@');

	return (at != SIZE_MAX && q->account != NULL &&
	    cfg_owns(q->cfg, q->account, slice_head(address, at), slice_from(address, at + 1)));
}

static bool goes_to(const struct cfg_rule *r, struct slice address)
{
	for (size_t i = 0; i < r->forward_n; i++)
		if (slice_ieq(r->forward[i], address))
			return (true);
	return (false);
}

/* "by OUR.HOST ... for <ADDRESS>;", as write_received writes it. A copy that goes on carries no other mark. */
static bool came_by_us(const struct asking *q, struct slice body)
{
	struct slice rest = header_unfold(q->arena, body), w;
	bool ours = false;

	while (slice_word(&rest, &w)) {
		bool by = slice_ieq(w, SLICE("by"));

		if (!by && !slice_ieq(w, SLICE("for")))
			continue;
		if (!slice_word(&rest, &w))
			break;
		if (slice_ends(w, SLICE(";")))
			w.n--;
		if (by)
			ours = slice_ieq(w, slice_of(q->cfg->hostname));
		else if (ours && w.n > 2 && w.p[0] == '<' && w.p[w.n - 1] == '>')
			return (is_own(q, slice_head(slice_from(w, 1), w.n - 2)));
	}
	return (false);
}

static const char *against_way(
    const struct asking *q, const struct header *h, const struct cfg_rule *r)
{
	uint64_t hops = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct field *f = &h->fields[i];

		if (slice_ieq(f->name, SLICE("Received"))) {
			hops++;
			if (came_by_us(q, f->body))
				return ("it was in this account's mailbox before");
		} else if (slice_ieq(f->name, SLICE("Delivered-To"))) {
			struct slice address = slice_trim(f->body);

			if (is_own(q, address))
				return ("it was in this account's mailbox before");
			if (goes_to(r, address))
				return ("it comes from there");
		}
	}
	return (hops >= q->cfg->limits.hop && q->cfg->limits.hop > 0
		? "it went through as many hosts as a message may"
		: NULL);
}

static const char *against_kind(struct arena *a, const struct header *h)
{
	struct slice automatic = header_value(a, h, SLICE("Auto-Submitted"));

	if (slice_istarts(automatic, SLICE("auto-replied"))) /* RFC 3834 5 */
		return ("it is an automatic answer");
	if (slice_istarts(header_value(a, h, SLICE("Content-Type")), SLICE("multipart/report")))
		return ("it is a report"); /* RFC 6522 3 */
	return (NULL);
}

const char *send_on_against(
    struct arena *a, const struct facts *f, const struct cfg *cfg, const struct cfg_rule *r)
{
	struct asking q = { a, cfg,
		f->account != NULL ? cfg_login(cfg, slice_of(f->account)) : NULL };
	const char *why = NULL;

	if (f->mail_from.n == 0)
		return ("it is a report"); /* RFC 5321 4.5.5: the null sender */
	if (f->dmarc_fail || f->dmarc_undecided)
		return (f->dmarc_fail ? "it failed DMARC" : "DMARC is not known");
	for (size_t i = 0; i < r->forward_n; i++)
		if (is_own(&q, r->forward[i]))
			return ("the address is this account's own");
	if (f->header != NULL && (why = against_kind(a, f->header)) == NULL)
		why = against_way(&q, f->header, r);
	return (why);
}
