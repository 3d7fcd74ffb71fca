/* cfg_set.c: is this value one that the key may have? A setter checks type and range, notes the
 * fault in words and writes the field. */
#include <math.h>

#include "core/cfg_int.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/units.h"

const char *cfg_key_name(struct cfg_load *l, const struct cfg_key *k)
{
	return (*k->table == '\0' ? k->name : arena_fmt(l->cfg->arena, "%s.%s", k->table, k->name));
}

static int wrong_type(struct cfg_load *l, const struct cfg_key *k, const struct toml *v)
{
	return (cfg_bad(l, v->line, "%s must be %s", cfg_key_name(l, k), k->type));
}

/* A string with something in it. */
static bool text_of(
    struct cfg_load *l, const struct cfg_key *k, const struct toml *v, struct slice *ret)
{
	if (v->type != TOML_STRING) {
		(void)wrong_type(l, k, v);
		return (false);
	}
	if (v->v.string.n == 0) {
		(void)cfg_bad(
		    l, v->line, "%s is empty: remove it, or give a value", cfg_key_name(l, k));
		return (false);
	}
	*ret = v->v.string;
	return (true);
}

int cfg_set_string(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct slice s;

	if (!text_of(l, k, v, &s))
		return (-1);
	*(const char **)cfg_field(k, dest) = s.p;
	return (0);
}

int cfg_set_path(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct slice s;

	if (!text_of(l, k, v, &s))
		return (-1);
	*(const char **)cfg_field(k, dest) =
	    s.p[0] == '/' ? s.p : arena_fmt(l->cfg->arena, "%s/%s", l->dir, s.p);
	return (0);
}

int cfg_set_anchor(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	if (v->type == TOML_STRING && slice_eq(v->v.string, SLICE("none")))
		return (cfg_set_string(l, k, dest, v));
	return (cfg_set_path(l, k, dest, v));
}

int cfg_set_host(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct slice s, ascii;
	struct ip ip;

	if (!text_of(l, k, v, &s))
		return (-1);
	ascii = domain_ascii(l->cfg->arena, s);
	if (ascii.n == 0 || ip_parse(s, &ip) || slice_chr(ascii, '.') == SIZE_MAX)
		return (
		    cfg_bad(l, v->line, "%s: \"%s\" is no full host name, such as mail.example.org",
			cfg_key_name(l, k), s.p));
	*(const char **)cfg_field(k, dest) = ascii.p;
	return (0);
}

int cfg_set_relay(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct slice s, ascii;
	struct ip ip;

	if (!text_of(l, k, v, &s))
		return (-1);
	ascii = ip_parse(s, &ip) ? s : domain_ascii(l->cfg->arena, s);
	if (ascii.n == 0)
		return (cfg_bad(l, v->line, "%s: \"%s\" is no host name", cfg_key_name(l, k), s.p));
	*(const char **)cfg_field(k, dest) = ascii.p;
	return (0);
}

int cfg_set_bool(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	if (v->type != TOML_BOOL)
		return (wrong_type(l, k, v));
	*(bool *)cfg_field(k, dest) = v->v.boolean;
	return (0);
}

static int number_of(
    struct cfg_load *l, const struct cfg_key *k, const struct toml *v, uint64_t *ret)
{
	if (v->type != TOML_INTEGER)
		return (wrong_type(l, k, v));
	if (v->v.integer < 0 || (uint64_t)v->v.integer < k->least ||
	    (uint64_t)v->v.integer > k->most)
		return (cfg_bad(l, v->line, "%s must be from %llu to %llu", cfg_key_name(l, k),
		    (unsigned long long)k->least, (unsigned long long)k->most));
	*ret = (uint64_t)v->v.integer;
	return (0);
}

int cfg_set_number(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	return (number_of(l, k, v, cfg_field(k, dest)));
}

int cfg_set_port(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	uint64_t port;

	if (number_of(l, k, v, &port) == -1)
		return (-1);
	*(unsigned *)cfg_field(k, dest) = (unsigned)port;
	return (0);
}

/* Sizes and durations: with a unit, and within the range, which is said with units too. */
static int set_quantity(struct cfg_load *l, const struct cfg_key *k, void *dest,
    const struct toml *v, bool (*parse)(struct slice, uint64_t *),
    int (*say)(struct buf *, uint64_t))
{
	struct buf range = BUF_INIT(200);
	uint64_t n;

	if (v->type != TOML_STRING || !parse(v->v.string, &n))
		return (wrong_type(l, k, v));
	if (n >= k->least && n <= k->most) {
		*(uint64_t *)cfg_field(k, dest) = n;
		return (0);
	}
	(void)say(&range, k->least);
	(void)buf_addz(&range, " to ");
	(void)say(&range, k->most);
	(void)cfg_bad(l, v->line, "%s must be from %s", cfg_key_name(l, k), buf_z(&range));
	buf_free(&range);
	return (-1);
}

int cfg_set_size(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	return (set_quantity(l, k, dest, v, units_size, units_add_size));
}

int cfg_set_duration(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	return (set_quantity(l, k, dest, v, units_duration, units_add_duration));
}

int cfg_set_period(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	if (v->type != TOML_STRING || !slice_eq(v->v.string, SLICE("off")))
		return (cfg_set_duration(l, k, dest, v));
	*(uint64_t *)cfg_field(k, dest) = CFG_OFF;
	return (0);
}

int cfg_set_score(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	double score = v->type == TOML_INTEGER ? (double)v->v.integer : v->v.real;

	if (v->type == TOML_STRING && slice_eq(v->v.string, SLICE("off")))
		score = (double)INFINITY;
	else if (v->type != TOML_INTEGER && v->type != TOML_FLOAT)
		return (wrong_type(l, k, v));
	else if (!(score > 0 && score <= 1000)) /* not a number fails both */
		return (cfg_bad(l, v->line, "%s must be above 0 and at most 1000, or \"off\"",
		    cfg_key_name(l, k)));
	*(double *)cfg_field(k, dest) = score;
	return (0);
}

/* The place among the choices, or -1. */
static int choice_of(struct cfg_load *l, const struct cfg_key *k, const struct toml *v)
{
	size_t n = 0;

	if (v->type != TOML_STRING)
		return (wrong_type(l, k, v));
	for (; n < CFG_CHOICES && k->choices[n] != NULL; n++)
		if (slice_eq(v->v.string, slice_of(k->choices[n])))
			return ((int)n);
	return (cfg_bad(l, v->line, "%s must be %s%s", cfg_key_name(l, k), k->type,
	    cfg_nearest(l, v->v.string, k->choices, n)));
}

int cfg_set_service(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	int i;

	if (v->type == TOML_STRING &&
	    (slice_eq(v->v.string, SLICE("http")) || slice_eq(v->v.string, SLICE("https"))))
		return (cfg_bad(l, v->line,
		    "this version cannot serve \"%s\" yet: remove this "
		    "[[listen]]",
		    v->v.string.p));
	if ((i = choice_of(l, k, v)) == -1)
		return (-1);
	((struct cfg_listen *)dest)->service = (enum cfg_service)i;
	return (0);
}

int cfg_set_listen_address(
    struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg_listen *li = dest;
	struct slice s;

	if (!text_of(l, k, v, &s))
		return (-1);
	if (!ip_parse(s, &li->address))
		return (
		    cfg_bad(l, v->line, "%s: \"%s\" is no IP address", cfg_key_name(l, k), s.p));
	li->any = false;
	return (0);
}

int cfg_set_level(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	static const enum log_level values[] = { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
	int i = choice_of(l, k, v);

	if (i == -1)
		return (-1);
	((struct cfg *)dest)->log_level = values[i];
	return (0);
}

int cfg_set_choice(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	int i = choice_of(l, k, v);

	if (i == -1)
		return (-1);
	*(int *)cfg_field(k, dest) = i; /* an enum whose values stand in the order of the choices */
	return (0);
}

/* The second choice is true. */
int cfg_set_second(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	int i = choice_of(l, k, v);

	if (i == -1)
		return (-1);
	*(bool *)cfg_field(k, dest) = i == 1;
	return (0);
}

int cfg_set_relay_tls(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg *c = dest;
	int i = choice_of(l, k, v);

	if (i == -1)
		return (-1);
	c->smarthost.tls_required = i < 2;
	c->smarthost.tls_implicit = i == 1;
	return (0);
}

/* ${k->least} is 4 or 6: the family. */
int cfg_set_source(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg *c = dest;
	struct slice s;
	struct ip ip;

	if (!text_of(l, k, v, &s))
		return (-1);
	if (!ip_parse(s, &ip) || ip.is_v6 != (k->least == 6))
		return (cfg_bad(l, v->line, "%s: \"%s\" is no IPv%u address", cfg_key_name(l, k),
		    s.p, (unsigned)k->least));
	if (ip.is_v6) {
		c->outbound.source_v6 = ip;
		c->outbound.has_source_v6 = true;
	} else {
		c->outbound.source_v4 = ip;
		c->outbound.has_source_v4 = true;
	}
	return (0);
}

int cfg_set_status(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg *c = dest;
	struct slice s;

	if (!text_of(l, k, v, &s))
		return (-1);
	if (!ip_parse_port(s, 0, &c->status.address, &c->status.port) ||
	    !ip_is_loopback(&c->status.address))
		return (cfg_bad(l, v->line, "%s must be %s", cfg_key_name(l, k), k->type));
	c->status.has = true;
	return (0);
}

/* The number of strings in a list that is not empty, or -1. */
int cfg_list_of(struct cfg_load *l, const struct cfg_key *k, const struct toml *v, size_t *ret_n)
{
	*ret_n = 0;
	if (v->type != TOML_ARRAY || v->is_table_array)
		return (wrong_type(l, k, v));
	for (const struct toml *e = v->first; e != NULL; e = e->next, (*ret_n)++)
		if (e->type != TOML_STRING)
			return (wrong_type(l, k, e));
	if (*ret_n == 0)
		return (cfg_bad(
		    l, v->line, "%s is empty: remove it, or give a value", cfg_key_name(l, k)));
	return (0);
}

int cfg_set_forward(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg *c = dest;
	char text[IP_TEXT];
	const char **out;
	struct ip ip;
	unsigned port;
	size_t n;
	int bad = 0;

	if (cfg_list_of(l, k, v, &n) == -1)
		return (-1);
	c->dns.forward = out = arena_array(c->arena, n, sizeof(*out));
	for (const struct toml *e = v->first; e != NULL; e = e->next) {
		if (!ip_parse_port(e->v.string, 53, &ip, &port))
			bad = cfg_bad(l, e->line, "%s: \"%s\" is no IP address with a port",
			    cfg_key_name(l, k), e->v.string.p);
		else
			out[c->dns.forward_n++] = arena_fmt(
			    c->arena, ip.is_v6 ? "[%s]:%u" : "%s:%u", ip_text(&ip, text), port);
	}
	return (bad);
}

int cfg_set_addresses(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg_account *acc = dest;
	struct cfg_address **at = &acc->addresses;
	const char *why;
	size_t n;
	int bad = 0;

	if (cfg_list_of(l, k, v, &n) == -1)
		return (-1);
	for (const struct toml *e = v->first; e != NULL; e = e->next) {
		struct cfg_address *ad = arena_alloc(l->cfg->arena, sizeof(*ad));

		ad->line = e->line;
		why = cfg_read_address(l->cfg->arena, e->v.string, false, &ad->local, &ad->domain);
		if (why != NULL) {
			bad = cfg_bad(
			    l, e->line, "%s: \"%s\": %s", cfg_key_name(l, k), e->v.string.p, why);
			continue;
		}
		*at = ad;
		at = &ad->next;
	}
	return (bad);
}
