/* facts_text.c: facts as JSON and back. One table for both ways, so that what is kept can be judged again
 * (replay.c). What facts mean is facts.h's. */
#include "spam/facts_text.h"

#include <stddef.h>
#include <string.h>

#include "core/limits.h"
#include "core/mem.h"

enum { PROVED_MAX = 16 };

enum kind { KIND_FACT, KIND_BOOL };

static const struct row {
	const char *name;
	enum kind kind;
	size_t at;
	bool is_late; /* rows that were written before it was known have none: false */
} rows[] = {
	{ "tls", KIND_BOOL, offsetof(struct facts, tls) },
	{ "early_talker", KIND_FACT, offsetof(struct facts, early_talker) },
	{ "rdns", KIND_FACT, offsetof(struct facts, has_rdns) },
	{ "fcrdns", KIND_FACT, offsetof(struct facts, fcrdns) },
	{ "spf", KIND_FACT, offsetof(struct facts, spf_pass) },
	{ "spf_fail", KIND_BOOL, offsetof(struct facts, spf_fail) },
	{ "dkim", KIND_FACT, offsetof(struct facts, dkim_pass) },
	{ "dmarc", KIND_FACT, offsetof(struct facts, dmarc_pass) },
	{ "dmarc_undecided", KIND_BOOL, offsetof(struct facts, dmarc_undecided) },
	{ "dmarc_fail", KIND_BOOL, offsetof(struct facts, dmarc_fail), true },
	{ "aligned", KIND_FACT, offsetof(struct facts, aligned) },
	{ "undecided", KIND_BOOL, offsetof(struct facts, proof_undecided) },
	{ "indirect", KIND_BOOL, offsetof(struct facts, indirect) },
	{ "correspondent", KIND_FACT, offsetof(struct facts, known_correspondent) },
};

static const enum dmarc_policy wishes[] = { DMARC_ASKS_NOTHING, DMARC_QUARANTINE, DMARC_REJECT };

static void write_listed(struct json *j, const struct listed *l)
{
	char code[IP_TEXT];

	json_open(j, NULL, '{');
	json_put_string(j, "zone", l->list->zone);
	json_put_stringz(j, "kind", cfg_list_kind_name(l->list->kind));
	json_put_string(j, "what", l->what);
	json_put_stringz(j, "code", ip_text(&l->code, code));
	json_put_real(j, "points", l->points);
	json_close(j, '}');
}

void facts_write(struct json *j, const struct facts *f)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const void *field = (const char *)f + rows[i].at;
		enum fact is;

		if (rows[i].kind == KIND_BOOL)
			is = *(const bool *)field ? FACT_YES : FACT_NO;
		else
			is = *(const enum fact *)field;
		if (is == FACT_UNKNOWN)
			json_put_stringz(j, rows[i].name, NULL);
		else
			json_put_bool(j, rows[i].name, is == FACT_YES);
	}
	json_put_stringz(j, "wish", dmarc_policy_name(f->dmarc_wish));
	json_put_string(j, "from", f->from);
	json_open(j, "proved", '[');
	for (size_t i = 0; i < f->proved_n && i < PROVED_MAX; i++)
		json_put_string(j, NULL, f->proved[i]);
	json_close(j, ']');
	if (f->listed_n > 0) {
		json_open(j, "listed", '[');
		for (size_t i = 0; i < f->listed_n && i < L_LISTS; i++)
			write_listed(j, &f->listed[i]);
		json_close(j, ']');
	}
	if (f->has_reputation) {
		json_put_uint(j, "reputation", f->reputation);
		json_put_string(j, "reputation_of", f->reputation_of);
	}
	if (!f->has_bayes)
		return;
	json_put_real(j, "bayes", f->bayes);
	json_put_real(j, "confidence", f->bayes_confidence);
}

static struct slice text(struct arena *a, const struct json_value *v)
{
	return (arena_dup(a, json_text(v)));
}

bool facts_read(struct arena *a, const struct json_value *v, struct facts *ret)
{
	const struct json_value *proved = json_get(v, "proved");
	struct slice wish = json_text(json_get(v, "wish")), *domains;
	bool known = false;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct json_value *one = json_get(v, rows[i].name);
		void *field = (char *)ret + rows[i].at;
		bool yes = json_as_true(one);

		if (one == NULL && rows[i].is_late)
			continue;
		if (one == NULL)
			return (false);
		if (rows[i].kind == KIND_BOOL)
			*(bool *)field = yes;
		else
			*(enum fact *)field = yes ? FACT_YES
			    : json_as_null(one)   ? FACT_UNKNOWN
						  : FACT_NO;
	}
	for (size_t i = 0; i < COUNT_OF(wishes); i++)
		if (slice_eq(wish, slice_of(dmarc_policy_name(wishes[i])))) {
			ret->dmarc_wish = wishes[i];
			known = true;
		}
	if (!known || proved == NULL)
		return (false);
	ret->from = text(a, json_get(v, "from"));
	domains = arena_array(a, PROVED_MAX, sizeof(*domains));
	for (size_t i = 0; i < json_count(proved) && i < PROVED_MAX; i++)
		domains[ret->proved_n++] = text(a, json_at(proved, i));
	ret->proved = domains;
	ret->has_reputation = json_get(v, "reputation") != NULL;
	ret->reputation = (unsigned)json_as_integer(json_get(v, "reputation"));
	ret->reputation_of = text(a, json_get(v, "reputation_of"));
	ret->has_bayes = json_get(v, "bayes") != NULL;
	ret->bayes = json_as_number(json_get(v, "bayes"));
	ret->bayes_confidence = json_as_number(json_get(v, "confidence"));
	return (true);
}

static const struct cfg_dnsbl *find_list(const struct cfg *cfg, const struct json_value *v)
{
	const struct cfg_dnsbl *d = cfg->filter.dnsbls;

	while (d != NULL &&
	    (d->action == ACTION_OFF || !slice_eq(d->zone, json_text(json_get(v, "zone"))) ||
		!slice_eq(slice_of(cfg_list_kind_name(d->kind)), json_text(json_get(v, "kind")))))
		d = d->next;
	return (d);
}

void facts_read_listed(
    struct arena *a, const struct json_value *v, const struct cfg *cfg, struct facts *ret)
{
	const struct json_value *all = json_get(v, "listed");
	struct listed *listed = arena_array(a, L_LISTS, sizeof(*listed));

	ret->listed = listed;
	ret->listed_n = 0;
	for (size_t i = 0; i < json_count(all) && i < L_LISTS; i++) {
		const struct json_value *one = json_at(all, i);
		struct listed l = { .list = find_list(cfg, one),
			.what = text(a, json_get(one, "what")),
			.points = json_as_number(json_get(one, "points")) };

		if (l.list != NULL && ip_parse(json_text(json_get(one, "code")), &l.code))
			listed[ret->listed_n++] = l;
	}
}
