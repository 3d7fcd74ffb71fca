/* facts_text.c: facts as JSON and back. One table for both ways, so that what is kept can be judged again
 * (replay.c). What facts mean is facts.h's. */
#include "spam/facts_text.h"

#include <stddef.h>
#include <string.h>

#include "core/mem.h"

enum { PROVED_MAX = 16 };

enum kind { KIND_FACT, KIND_BOOL };

static const struct row {
	const char *name;
	enum kind kind;
	size_t at;
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
	{ "aligned", KIND_FACT, offsetof(struct facts, aligned) },
	{ "undecided", KIND_BOOL, offsetof(struct facts, proof_undecided) },
	{ "indirect", KIND_BOOL, offsetof(struct facts, indirect) },
	{ "correspondent", KIND_FACT, offsetof(struct facts, known_correspondent) },
};

static const enum dmarc_policy wishes[] = { DMARC_ASKS_NOTHING, DMARC_QUARANTINE, DMARC_REJECT };

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
