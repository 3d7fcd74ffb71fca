/* cfg_lists.c: what does a [[filter.dnsbl]] say: a list in the DNS, and which of its answers are believed?
 * Only documented answers are (RFC 5782 2.1); what one of them means for mail is spam/'s. */
#include <math.h>

#include "core/cfg_int.h"
#include "core/domain.h"

#define LOOPBACK UINT32_C(0x7f000000)    /* 127.0.0.0 */
#define LAST_ANSWER UINT32_C(0x7ffffeff) /* behind it lists tell what is wrong with the question */

static bool read_v4(struct slice s, uint32_t *ret)
{
	struct ip ip;

	if (!ip_parse(s, &ip) || ip.is_v6)
		return (false);
	*ret = (uint32_t)ip.octets[0] << 24 | (uint32_t)ip.octets[1] << 16 |
	    (uint32_t)ip.octets[2] << 8 | ip.octets[3];
	return (true);
}

/* "127.0.0.2", "127.0.0.2-11", "127.0.0.2-127.0.1.9", "127.0.0.0/24", "127.0.0.&8": any of these bits. */
static bool read_code(struct arena *a, struct slice s, struct cfg_code *ret)
{
	struct slice head, tail;
	uint32_t host;
	uint64_t n;

	if (slice_cut(s, '&', &head, &tail)) {
		if (!slice_u64(tail, 255, &n) || n == 0 || !slice_ends(head, SLICE(".")) ||
		    !read_v4(slice_of(arena_fmt(a, SLICE_FMT "0", SLICE_ARG(head))), &ret->low))
			return (false);
		ret->bits = (unsigned)n;
		ret->high = ret->low | 255;
	} else if (slice_cut(s, '-', &head, &tail)) {
		if (!read_v4(head, &ret->low))
			return (false);
		if (slice_u64(tail, 255, &n))
			ret->high = (ret->low & ~UINT32_C(255)) | (uint32_t)n;
		else if (!read_v4(tail, &ret->high))
			return (false);
	} else if (slice_cut(s, '/', &head, &tail)) {
		if (!read_v4(head, &ret->low) || !slice_u64(tail, 32, &n) || n < 8)
			return (false);
		host = (uint32_t)((UINT64_C(1) << (32 - n)) - 1);
		ret->low &= ~host;
		ret->high = ret->low | host;
	} else if (read_v4(s, &ret->low)) {
		ret->high = ret->low;
	} else {
		return (false);
	}
	return (ret->low <= ret->high && ret->low >= LOOPBACK && ret->high <= LAST_ANSWER);
}

static bool read_points(const struct toml *v, double *ret)
{
	if (v->type == TOML_INTEGER)
		*ret = (double)v->v.integer;
	else if (v->type == TOML_FLOAT)
		*ret = v->v.real;
	else
		return (false);
	return (*ret >= 0 && *ret <= L_LIST_POINTS); /* not a number fails both */
}

/* A list of answers, or a table of answers with points of their own. */
int cfg_set_codes(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg_dnsbl *d = dest;
	struct cfg_code *codes;
	bool table = v->type == TOML_TABLE;
	size_t n = 0;

	if ((v->type != TOML_ARRAY && !table) || v->first == NULL)
		return (cfg_bad(l, v->line, "%s must be %s", cfg_key_name(l, k), k->type));
	for (const struct toml *e = v->first; e != NULL; e = e->next)
		n++;
	if (n > L_LIST_CODES)
		return (cfg_bad(
		    l, v->line, "%s holds more than %d answers", cfg_key_name(l, k), L_LIST_CODES));
	d->codes = codes = arena_array(l->cfg->arena, n, sizeof(*codes));
	for (const struct toml *e = v->first; e != NULL; e = e->next) {
		struct cfg_code *c = &codes[d->codes_n++];

		c->points = (double)NAN; /* the list's */
		if (!table && e->type != TOML_STRING)
			return (cfg_bad(l, e->line, "%s must be %s", cfg_key_name(l, k), k->type));
		if (!read_code(l->cfg->arena, table ? e->key : e->v.string, c))
			return (cfg_bad(l, e->line,
			    "%s: \"" SLICE_FMT "\" is no answer of a list, such as \"127.0.0.2\", "
			    "\"127.0.0.2-11\" or \"127.0.0.&8\", below 127.255.255.0",
			    cfg_key_name(l, k), SLICE_ARG(table ? e->key : e->v.string)));
		if (table && !read_points(e, &c->points))
			return (cfg_bad(l, e->line, "%s: points must be from 0 to %d",
			    cfg_key_name(l, k), L_LIST_POINTS));
	}
	return (0);
}

int cfg_set_list_points(
    struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	if (!read_points(v, cfg_field(k, dest)))
		return (cfg_bad(l, v->line, "%s must be a number from 0 to %d", cfg_key_name(l, k),
		    L_LIST_POINTS));
	return (0);
}

int cfg_set_zone(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct slice *zone = cfg_field(k, dest), s;

	if (v->type != TOML_STRING)
		return (cfg_bad(l, v->line, "%s must be %s", cfg_key_name(l, k), k->type));
	s = v->v.string;
	if (slice_ends(s, SLICE(".")))
		s.n--;
	*zone = domain_ascii(l->cfg->arena, s);
	if (zone->n == 0 || zone->n > L_LIST_ZONE)
		return (cfg_bad(l, v->line, "%s: \"%s\" is no domain name of at most %d octets",
		    cfg_key_name(l, k), v->v.string.p, L_LIST_ZONE));
	return (0);
}

void cfg_read_lists(struct cfg_load *l, const struct toml *t)
{
	struct cfg_dnsbl **at = &l->cfg->filter.dnsbls;
	size_t n = 0;

	for (const struct toml *e = cfg_rows_of(l, "filter.dnsbl", t); e != NULL; e = e->next) {
		struct cfg_dnsbl *d = arena_alloc(l->cfg->arena, sizeof(*d));
		struct cfg_code *codes;

		d->line = e->key_line;
		cfg_read_table(l, "filter.dnsbl", d, e);
		codes = (struct cfg_code *)(uintptr_t)d->codes;
		for (size_t i = 0; i < d->codes_n; i++)
			if (isnan(codes[i].points))
				codes[i].points = d->points;
		for (const struct cfg_dnsbl *o = l->cfg->filter.dnsbls; o != NULL; o = o->next)
			if (d->zone.n > 0 && slice_eq(o->zone, d->zone) && o->kind == d->kind)
				(void)cfg_bad(l, d->line,
				    "the list %s is here twice, first in line %u: give all its "
				    "answers in one table",
				    d->zone.p, o->line);
		if (n++ == L_LISTS)
			(void)cfg_bad(l, d->line, "more than %d lists", L_LISTS);
		*at = d;
		at = &d->next;
	}
}

const char *cfg_list_kind_name(enum cfg_list_kind kind)
{
	static const char *const names[] = { "address", "name", "uri" };

	return (names[kind]);
}
