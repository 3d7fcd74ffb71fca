/* cfg_tables.c: what is read into what? Walks the tree of the file table by table; which keys a
 * table has is said by cfg_keys.c. What must hold between tables is cfg.c's and cfg_who.c's. */
#include <string.h>

#include "core/cfg_int.h"
#include "core/domain.h"
#include "core/mem.h"

bool cfg_is_unbuilt(struct cfg_load *l, const char *table, const struct toml *t)
{
	const char *name = *table == '\0' ? t->key.p
					  : arena_fmt(l->cfg->arena, "%s.%s", table, t->key.p),
		   *instead;

	if ((instead = cfg_unbuilt(name)) == NULL)
		return (false);
	(void)cfg_bad(l, t->key_line, "this version cannot do \"%s\" yet: %s", name, instead);
	return (true);
}

void cfg_unknown_key(struct cfg_load *l, const char *table, const struct toml *t,
    const char *const *more, size_t more_n)
{
	const char *names[CFG_NAMES];
	size_t n = 0;

	for (size_t i = 0; i < cfg_keys_n; i++)
		if (strcmp(cfg_keys[i].table, table) == 0 && n < CFG_NAMES)
			names[n++] = cfg_keys[i].name;
	for (size_t i = 0; i < more_n && n < CFG_NAMES; i++)
		names[n++] = more[i];
	(void)cfg_bad(l, t->key_line, "unknown key \"%s\"%s%s%s%s", t->key.p,
	    *table != '\0' ? " in [" : "", table, *table != '\0' ? "]" : "",
	    cfg_nearest(l, t->key, names, n));
}

/* The default of a key, as if it stood in the file. */
static void set_default(struct cfg_load *l, const struct cfg_key *k, void *dest)
{
	struct slice text = slice_of(arena_fmt(l->cfg->arena, "x = %s", k->def));
	const struct toml *t = toml_parse(l->cfg->arena, text, NULL);

	if (t != NULL)
		(void)k->set(l, k, dest, t->first);
}

static const struct cfg_key *key_of(const char *table, struct slice name)
{
	for (size_t i = 0; i < cfg_keys_n; i++)
		if (strcmp(cfg_keys[i].table, table) == 0 &&
		    slice_eq(slice_of(cfg_keys[i].name), name))
			return (&cfg_keys[i]);
	return (NULL);
}

void cfg_read_table(struct cfg_load *l, const char *table, void *dest, const struct toml *t)
{
	static const struct toml empty = { .type = TOML_TABLE };
	const struct cfg_key *k;

	if (t == NULL)
		t = &empty;
	for (const struct toml *v = t->first; v != NULL; v = v->next) {
		if ((k = key_of(table, v->key)) != NULL)
			(void)k->set(l, k, dest, v);
		else if (*table != '\0' && !cfg_is_unbuilt(l, table, v))
			cfg_unknown_key(l, table, v, NULL, 0);
	}
	for (size_t i = 0; i < cfg_keys_n; i++) {
		k = &cfg_keys[i];
		if (strcmp(k->table, table) != 0 || toml_get(t, slice_of(k->name)) != NULL)
			continue;
		if (k->def != NULL)
			set_default(l, k, dest);
		else if (k->missing != NULL)
			(void)cfg_bad(l, *table == '\0' ? 0 : t->key_line, "%s is missing: %s",
			    cfg_key_name(l, k), k->missing);
	}
}

bool cfg_is_table(struct cfg_load *l, const char *prefix, const struct toml *t)
{
	if (t->type == TOML_TABLE)
		return (true);
	(void)cfg_bad(l, t->key_line, "\"%s\" must be a table: [%s%s]", t->key.p, prefix, t->key.p);
	return (false);
}

const struct toml *cfg_rows_of(struct cfg_load *l, const char *name, const struct toml *t)
{
	if (t->type != TOML_ARRAY) {
		(void)cfg_bad(l, t->key_line, "%s is a list of tables: write [[%s]]", name, name);
		return (NULL);
	}
	for (const struct toml *e = t->first; e != NULL; e = e->next)
		if (e->type != TOML_TABLE) {
			(void)cfg_bad(
			    l, e->line, "%s is a list of tables: write [[%s]]", name, name);
			return (NULL);
		}
	return (t->first);
}

static void read_listens(struct cfg_load *l, const struct toml *t)
{
	struct cfg_listen **at = &l->cfg->listens;

	for (const struct toml *e = cfg_rows_of(l, "listen", t); e != NULL; e = e->next) {
		struct cfg_listen *li = arena_alloc(l->cfg->arena, sizeof(*li));

		li->line = e->key_line;
		li->any = true;
		cfg_read_table(l, "listen", li, e);
		if (li->port == 0)
			li->port = cfg_service_port(li->service);
		*at = li;
		at = &li->next;
	}
}

static void read_domains(struct cfg_load *l, const struct toml *t)
{
	struct cfg_domain **at = &l->cfg->domains;

	for (const struct toml *e = t->first; e != NULL; e = e->next) {
		struct cfg_domain *d = arena_alloc(l->cfg->arena, sizeof(*d));

		if (!cfg_is_table(l, "domain.", e))
			continue;
		d->line = e->key_line;
		d->name = domain_ascii(l->cfg->arena, e->key);
		if (d->name.n == 0) {
			(void)cfg_bad(l, e->key_line,
			    "\"%s\" is no domain name: write [domain.\"example.org\"]", e->key.p);
			continue;
		}
		cfg_read_table(l, "domain.*", d, e);
		*at = d;
		at = &d->next;
	}
}

/* An account's name is a folder's too. */
static bool name_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_alnum(s.p[i]) && (i == 0 || memchr("._-", s.p[i], 3) == NULL))
			return (false);
	return (s.n > 0 && s.n <= L_LOCAL);
}

static void read_accounts(struct cfg_load *l, const struct toml *t)
{
	struct cfg_account **at = &l->cfg->accounts;

	for (const struct toml *e = t->first; e != NULL; e = e->next) {
		struct cfg_account *acc = arena_alloc(l->cfg->arena, sizeof(*acc));

		if (!cfg_is_table(l, "account.", e))
			continue;
		acc->line = e->key_line;
		acc->search = true;
		acc->name = cfg_lower(l->cfg->arena, e->key).p;
		if (!name_ok(e->key))
			(void)cfg_bad(l, e->key_line,
			    "account name \"%s\": letters, digits, \".\", \"_\" "
			    "and \"-\", a letter or digit first, at most %d",
			    e->key.p, L_LOCAL);
		cfg_read_table(l, "account.*", acc, e);
		*at = acc;
		at = &acc->next;
	}
}

/* Targets are kept folded: an account's name, or local@domain. */
static void read_target(struct cfg_load *l, struct cfg_alias *al, const struct toml *e)
{
	struct slice local, domain;
	const char *why;

	why = cfg_read_address(l->cfg->arena, e->v.string, true, &local, &domain);
	if (why == NULL && local.n == 0)
		why = "a target is one account or address";
	if (why != NULL)
		(void)cfg_bad(l, e->line, "alias target \"%s\": %s", e->v.string.p, why);
	else
		al->targets[al->targets_n++] =
		    domain.n == 0 ? local.p : arena_fmt(l->cfg->arena, "%s@%s", local.p, domain.p);
}

static void read_aliases(struct cfg_load *l, const struct toml *t)
{
	struct cfg_alias **at = &l->cfg->aliases;

	for (const struct toml *v = t->first; v != NULL; v = v->next) {
		const struct cfg_key k = { "alias", .name = v->key.p,
			.type = "a list of accounts or addresses" };
		struct cfg_alias *al = arena_alloc(l->cfg->arena, sizeof(*al));
		const char *why;
		size_t n;

		al->line = v->key_line;
		why = cfg_read_address(l->cfg->arena, v->key, true, &al->local, &al->domain);
		if (why != NULL) {
			(void)cfg_bad(l, v->key_line, "alias \"%s\": %s", v->key.p, why);
			continue;
		}
		if (cfg_list_of(l, &k, v, &n) == -1)
			continue;
		al->targets = arena_array(l->cfg->arena, n, sizeof(*al->targets));
		for (const struct toml *e = v->first; e != NULL; e = e->next)
			read_target(l, al, e);
		*at = al;
		at = &al->next;
	}
}

void cfg_read_tree(struct cfg_load *l, const struct toml *root)
{
	static const char *const plain[] = { "tls", "dns", "outbound", "smarthost", "score",
		"expire", "learn", "limits", "status", "log" };
	static const char *const tables[] = { "tls", "dns", "outbound", "smarthost", "score",
		"expire", "learn", "limits", "status", "log", "listen", "domain", "account", "alias",
		"filter", "allow", "deny", "rule" };
	const struct toml *found[COUNT_OF(tables)] = { NULL };
	const size_t listen = COUNT_OF(plain), domain = listen + 1, account = listen + 2,
		     alias = listen + 3, filter = listen + 4,
		     rules = listen + 5; /* of each enum cfg_rule_kind, from here on */

	cfg_read_table(l, "", l->cfg, root);
	for (const struct toml *t = root->first; t != NULL; t = t->next) {
		size_t i = 0;

		while (i < COUNT_OF(tables) && !slice_eq(t->key, slice_of(tables[i])))
			i++;
		if (i < COUNT_OF(tables)) {
			if (i == listen || i >= rules || cfg_is_table(l, "", t))
				found[i] = t;
		} else if (key_of("", t->key) == NULL && !cfg_is_unbuilt(l, "", t)) {
			cfg_unknown_key(l, "", t, tables, COUNT_OF(tables));
		}
	}
	for (size_t i = 0; i < COUNT_OF(plain); i++)
		cfg_read_table(l, plain[i], l->cfg, found[i]);
	if (found[listen] != NULL)
		read_listens(l, found[listen]);
	if (found[domain] != NULL)
		read_domains(l, found[domain]);
	else
		(void)cfg_bad(l, 0, "no domain: add [domain.\"example.org\"] with your own");
	if (found[account] != NULL)
		read_accounts(l, found[account]);
	else
		(void)cfg_bad(l, 0, "no account: add [account.NAME], NAME being yours");
	if (found[alias] != NULL)
		read_aliases(l, found[alias]);
	cfg_read_filters(l, found[filter]);
	for (int kind = RULE_ALLOW; kind <= RULE_RULE; kind++)
		cfg_read_rules(l, (enum cfg_rule_kind)kind, found[rules + (size_t)kind]);
}
