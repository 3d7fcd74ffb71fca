/* cfg_judge.c: what do the tables of judging say: connect filters, the owner's rules? Lists
 * in the DNS are cfg_lists.c's, what all mean for a message is spam/'s. Patterns are compiled here once; a pattern that is none is a fault
 * of the file like any other. */
#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/cfg_int.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/regex.h"

static void free_regex(void *self)
{
	regex_free(self);
}

/* NULL when it is no pattern: noted. */
static const struct regex *compile(
    struct cfg_load *l, const char *what, unsigned line, struct slice pattern)
{
	struct err err = { 0 };
	struct regex *r = regex_new(pattern, true, &err);

	if (r == NULL)
		(void)cfg_bad(l, line, "%s: %s", what, err.text);
	else
		arena_on_free(l->cfg->arena, free_regex, r);
	return (r);
}

/* --- [filter.rdns-pattern] --- */

int cfg_set_patterns(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg_filters *f = &((struct cfg *)dest)->filter;
	size_t n = 0, at = 0;

	if (cfg_list_of(l, k, v, &n) == -1)
		return (-1);
	f->patterns = arena_array(l->cfg->arena, n, sizeof(*f->patterns));
	for (const struct toml *e = v->first; e != NULL; e = e->next, at++)
		if ((f->patterns[at] = compile(l, cfg_key_name(l, k), e->line, e->v.string)) ==
		    NULL)
			return (-1);
	f->patterns_n = n;
	return (0);
}

/* The patterns of the file behind those of the table. */
static int add_patterns(struct cfg_load *l, struct slice text, const char *path, unsigned line)
{
	struct cfg_filters *f = &l->cfg->filter;
	const struct regex **all;
	struct slice row, rest = text;
	size_t n = 0, number = 0;
	bool more = true;

	all = arena_array(l->cfg->arena, f->patterns_n + L_PATTERNS, sizeof(*all));
	for (; n < f->patterns_n; n++)
		all[n] = f->patterns[n];
	while (more) {
		more = slice_cut(rest, '\n', &row, &rest);
		number++;
		row = slice_trim(row);
		if (row.n == 0 || row.p[0] == '#')
			continue;
		if (n == f->patterns_n + L_PATTERNS)
			return (
			    cfg_bad(l, line, "%s holds more than %d patterns", path, L_PATTERNS));
		if ((all[n++] = compile(l, arena_fmt(l->cfg->arena, "%s, line %zu", path, number),
			 line, row)) == NULL)
			return (-1);
	}
	f->patterns = all;
	f->patterns_n = n;
	l->cfg->text_hash ^= map_hash(text); /* a reload must see that this file changed too */
	return (0);
}

int cfg_set_patterns_file(
    struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	struct cfg *c = dest;
	struct buf text = BUF_INIT((size_t)L_PATTERNS * L_REGEX);
	FILE *f;
	int bad;

	if (cfg_set_path(l, k, dest, v) == -1)
		return (-1);
	if ((f = fopen(c->filter.patterns_file, "re")) == NULL)
		return (cfg_bad(l, v->line, "%s: %s cannot be read: %m", cfg_key_name(l, k),
		    c->filter.patterns_file));
	for (char *room; (room = buf_room(&text, 4096)) != NULL;) {
		size_t got = fread(room, 1, 4096, f);

		if (got == 0)
			break;
		buf_grew(&text, got);
	}
	bad = ferror(f) || text.failed
	    ? cfg_bad(l, v->line, "%s: %s cannot be read, or is too large", cfg_key_name(l, k),
		  c->filter.patterns_file)
	    : 0;
	(void)fclose(f);
	/* The table's own patterns, or their default, are set by now or later: the text is kept. */
	if (bad == 0)
		l->patterns = arena_dup(l->cfg->arena, buf_slice(&text));
	l->patterns_line = v->line;
	buf_free(&text);
	return (bad);
}

/* --- conditions --- */

/* One value of a condition into ${m}: NULL when it is fine, else what it must be. */
typedef const char *read_match(
    struct cfg_load *l, const struct cfg_key *k, const struct toml *v, struct cfg_match *m);

static int set_matches(
    struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v, read_match *read)
{
	const struct toml *e = v->type == TOML_ARRAY ? v->first : v;
	struct cfg_match **at = cfg_field(k, dest);
	const char *why;
	size_t n = 1;

	if (v->type == TOML_ARRAY && cfg_list_of(l, k, v, &n) == -1)
		return (-1);
	if (n > L_MATCHES)
		return (cfg_bad(
		    l, v->line, "%s holds more than %d values", cfg_key_name(l, k), L_MATCHES));
	for (; n > 0; n--, e = e->next) {
		struct cfg_match *m = arena_alloc(l->cfg->arena, sizeof(*m));

		if (e->type != TOML_STRING || e->v.string.n == 0)
			return (cfg_bad(l, v->line, "%s must be %s", cfg_key_name(l, k), k->type));
		if ((why = read(l, k, e, m)) != NULL)
			return (cfg_bad(
			    l, e->line, "%s: \"%s\" %s", cfg_key_name(l, k), e->v.string.p, why));
		*at = m;
		at = &m->next;
	}
	return (0);
}

static const char *read_address(
    struct cfg_load *l, const struct cfg_key *k, const struct toml *v, struct cfg_match *m)
{
	struct slice local, domain;
	const char *why = cfg_read_address(l->cfg->arena, v->v.string, false, &local, &domain);

	(void)k;
	if (why != NULL)
		return (why);
	m->text = slice_of(
	    arena_fmt(l->cfg->arena, SLICE_FMT "@" SLICE_FMT, SLICE_ARG(local), SLICE_ARG(domain)));
	return (NULL);
}

int cfg_set_match_address(
    struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	return (set_matches(l, k, dest, v, read_address));
}

/* Elsewhere the case of a local part may matter (RFC 5321 2.4): it is kept. */
int cfg_set_send_on(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	const struct toml *e = v->type == TOML_ARRAY ? v->first : v;
	struct arena *a = l->cfg->arena;
	struct cfg_rule *r = dest;
	struct slice *out, local, domain;
	const char *why;
	size_t n = 1;

	if (v->type == TOML_ARRAY && cfg_list_of(l, k, v, &n) == -1)
		return (-1);
	if (n > L_FORWARDS)
		return (cfg_bad(
		    l, v->line, "%s holds more than %d addresses", cfg_key_name(l, k), L_FORWARDS));
	r->forward = out = arena_array(a, n, sizeof(*out));
	for (; n > 0; n--, e = e->next) {
		if (e->type != TOML_STRING)
			return (cfg_bad(l, v->line, "%s must be %s", cfg_key_name(l, k), k->type));
		why = cfg_read_address(a, e->v.string, false, &local, &domain);
		if (why == NULL && local.n == 0)
			why = "names nobody: give the part before the @ too";
		if (why != NULL)
			return (cfg_bad(
			    l, e->line, "%s: \"%s\" %s", cfg_key_name(l, k), e->v.string.p, why));
		out[r->forward_n] = slice_of(arena_fmt(a, SLICE_FMT "@" SLICE_FMT,
		    SLICE_ARG(slice_head(e->v.string, local.n)), SLICE_ARG(domain)));
		for (size_t i = 0; i < r->forward_n; i++)
			if (slice_ieq(out[i], out[r->forward_n]))
				return (cfg_bad(l, e->line, "%s: \"%s\" stands there twice",
				    cfg_key_name(l, k), e->v.string.p));
		r->forward_text = r->forward_n == 0
		    ? out[0].p
		    : arena_fmt(a, "%s, %s", r->forward_text, out[r->forward_n].p);
		r->forward_n++;
	}
	return (0);
}

static const char *read_net(
    struct cfg_load *l, const struct cfg_key *k, const struct toml *v, struct cfg_match *m)
{
	struct slice address, bits;
	uint64_t n;
	bool has_bits = slice_cut(v->v.string, '/', &address, &bits);

	(void)l;
	(void)k;
	if (!ip_parse(address, &m->net))
		return ("is no address or network, such as 192.0.2.0/24");
	n = m->net.is_v6 ? 128 : 32;
	if (has_bits && !slice_u64(bits, n, &n))
		return ("has too many bits behind its slash");
	m->bits = (unsigned)n;
	m->net = ip_prefix(&m->net, m->bits);
	return (NULL);
}

int cfg_set_match_net(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	return (set_matches(l, k, dest, v, read_net));
}

static const char *read_domain(
    struct cfg_load *l, const struct cfg_key *k, const struct toml *v, struct cfg_match *m)
{
	(void)k;
	m->text = domain_ascii(l->cfg->arena, v->v.string);
	return (m->text.n == 0 ? "is no domain name" : NULL);
}

int cfg_set_match_domain(
    struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	return (set_matches(l, k, dest, v, read_domain));
}

/* A plain text, or /pattern/. */
static const char *read_wanted(struct cfg_load *l, const struct cfg_key *k, unsigned line,
    struct slice wanted, struct cfg_match *m)
{
	if (wanted.n == 0)
		return ("has nothing to look for");
	if (wanted.n < 2 || wanted.p[0] != '/' || wanted.p[wanted.n - 1] != '/') {
		m->text = arena_dup(l->cfg->arena, wanted);
		return (NULL);
	}
	m->regex =
	    compile(l, cfg_key_name(l, k), line, slice_head(slice_from(wanted, 1), wanted.n - 2));
	return (m->regex == NULL ? "cannot be used" : NULL);
}

static const char *read_text(
    struct cfg_load *l, const struct cfg_key *k, const struct toml *v, struct cfg_match *m)
{
	return (read_wanted(l, k, v->line, v->v.string, m));
}

int cfg_set_match_text(
    struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	return (set_matches(l, k, dest, v, read_text));
}

static const char *read_header(
    struct cfg_load *l, const struct cfg_key *k, const struct toml *v, struct cfg_match *m)
{
	struct slice wanted;

	if (!slice_cut(v->v.string, ':', &m->field, &wanted) || m->field.n == 0)
		return ("must be \"Field: text\"");
	for (size_t i = 0; i < m->field.n; i++) /* RFC 5322 2.2: printable, no blank */
		if (m->field.p[i] <= ' ' || m->field.p[i] > '~')
			return ("must be \"Field: text\", without blanks in the field's name");
	return (read_wanted(l, k, v->line, slice_trim(wanted), m));
}

int cfg_set_match_header(
    struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
{
	return (set_matches(l, k, dest, v, read_header));
}

/* --- tables --- */

void cfg_read_filters(struct cfg_load *l, const struct toml *t)
{
	static const char *const tables[] = { "early-talker", "rdns-pattern", "no-rdns",
		"no-fcrdns", "reputation", "arc" };
	static const char *const names[] = { "early-talker", "rdns-pattern", "no-rdns", "no-fcrdns",
		"reputation", "arc", "dnsbl" };
	const struct toml *found[COUNT_OF(tables)] = { NULL };

	for (const struct toml *e = t != NULL ? t->first : NULL; e != NULL; e = e->next) {
		size_t i = 0;

		while (i < COUNT_OF(tables) && !slice_eq(e->key, slice_of(tables[i])))
			i++;
		if (slice_eq(e->key, SLICE("dnsbl"))) {
			cfg_read_lists(l, e);
		} else if (i < COUNT_OF(tables)) {
			if (cfg_is_table(l, "filter.", e))
				found[i] = e;
		} else if (!cfg_is_unbuilt(l, "filter", e))
			cfg_unknown_key(l, "filter", e, names, COUNT_OF(names));
	}
	for (size_t i = 0; i < COUNT_OF(tables); i++)
		cfg_read_table(
		    l, arena_fmt(l->cfg->arena, "filter.%s", tables[i]), l->cfg, found[i]);
	if (l->patterns.n > 0)
		(void)add_patterns(l, l->patterns, l->cfg->filter.patterns_file, l->patterns_line);
}

static void check_rule(struct cfg_load *l, const char *name, const struct cfg_rule *r)
{
	static const struct {
		enum cfg_rule_act act;
		const char *key;
		size_t offset;
	} needs[] = {
		{ ACT_FOLDER, "folder", offsetof(struct cfg_rule, folder) },
		{ ACT_FLAG, "flag", offsetof(struct cfg_rule, flag) },
		{ ACT_FORWARD, "forward", offsetof(struct cfg_rule, forward_text) },
	};

	if (r->from == NULL && r->to == NULL && r->ip == NULL && r->domain == NULL &&
	    r->header == NULL && r->subject == NULL)
		(void)cfg_bad(l, r->line,
		    "this [[%s]] would hold for all mail: give it from, to, ip, domain, header or "
		    "subject",
		    name);
	for (size_t i = 0; r->kind == RULE_RULE && i < COUNT_OF(needs); i++) {
		bool given = *(const char *const *)((const char *)r + needs[i].offset) != NULL;

		if (!given && r->act == needs[i].act)
			(void)cfg_bad(l, r->line, "action \"%s\" needs %s = \"...\" beside it",
			    needs[i].key, needs[i].key);
	}
	if (r->forward_n > 0 && r->act != ACT_FORWARD)
		(void)cfg_bad(l, r->line, "forward goes with action = \"forward\" only");
	if (r->folder != NULL && r->act == ACT_FORWARD)
		(void)cfg_bad(l, r->line,
		    "action \"forward\" keeps mail where it is: folder goes with action = "
		    "\"folder\" only");
}

void cfg_check_send_on(struct cfg_load *l, const struct cfg_rule *r)
{
	const struct cfg *c = l->cfg;
	const struct cfg_account *acc =
	    r->account != NULL ? cfg_login(c, slice_of(r->account)) : NULL;

	for (size_t i = 0; i < r->forward_n; i++) {
		size_t at = slice_rchr(r->forward[i], '@');
		struct slice local = slice_head(r->forward[i], at),
			     domain = slice_from(r->forward[i], at + 1);
		struct cfg_targets t = { 0 };
		struct err err = { 0 };

		if (!cfg_domain_is_local(c, domain))
			continue;
		if (cfg_resolve(c, c->arena, local, domain, &t, &err) == -1)
			(void)cfg_bad(l, r->line,
			    "rule.forward: \"%s\" is an address here, and nobody has it",
			    r->forward[i].p);
		else if (acc != NULL && cfg_owns(c, acc, local, domain))
			(void)cfg_bad(l, r->line,
			    "rule.forward: \"%s\" is an address of account \"%s\" itself",
			    r->forward[i].p, acc->name);
	}
}

void cfg_read_rules(struct cfg_load *l, enum cfg_rule_kind kind, const struct toml *t)
{
	static const char *const names[] = { "allow", "deny", "rule" };
	struct cfg_rule **lists[] = { &l->cfg->allows, &l->cfg->denies, &l->cfg->rules },
			**at = lists[kind];
	size_t faults;

	if (t == NULL)
		return;
	for (const struct toml *e = cfg_rows_of(l, names[kind], t); e != NULL; e = e->next) {
		struct cfg_rule *r = arena_alloc(l->cfg->arena, sizeof(*r));

		r->kind = kind;
		r->line = e->key_line;
		faults = l->faults_n;
		cfg_read_table(l, names[kind], r, e);
		if (l->faults_n == faults)
			check_rule(l, names[kind], r);
		*at = r;
		at = &r->next;
	}
}
