/* cfg_who.c: whose mail is it, and who may write as whom? One map holds what the configuration
 * names, by kind:
 *   A local@domain  account with this address        L local@domain, local@  alias
 *   N name          account                          D domain                domain of ours
 * with an empty local part for the catch-all. Clashes, unknown targets and loops are refused when
 * it is built, so that looking up can neither fail half-way nor run long. */
#include "core/cfg.h"

#include <stdlib.h>

#include "core/cfg_int.h"
#include "core/domain.h"
#include "core/limits.h"
#include "core/mem.h"

struct alias_node { /* what L leads to */
	struct cfg_alias *alias;
	unsigned height; /* aliases on the longest way to an account; 0: not known yet */
};

struct found { /* one of the two, or none */
	const struct cfg_account *account;
	struct alias_node *alias;
};

enum { WHO_KEY = 1 + L_LOCAL + 1 + L_DOMAIN };

/* The key of the map, or an empty slice when it is longer than any that could be in it. */
static struct slice who_key(char kind, struct slice local, struct slice domain, char ret[WHO_KEY])
{
	size_t n = 1;

	if (local.n > L_LOCAL || domain.n > L_DOMAIN)
		return ((struct slice){ "", 0 });
	ret[0] = kind;
	if (local.n > 0)
		memcpy(ret + n, local.p, local.n);
	n += local.n;
	ret[n++] = '@';
	if (domain.n > 0)
		memcpy(ret + n, domain.p, domain.n);
	return ((struct slice){ ret, n + domain.n });
}

static void *who_get(const struct cfg *c, char kind, struct slice local, struct slice domain)
{
	char key[WHO_KEY];
	struct slice k = who_key(kind, local, domain, key);

	return (k.n > 0 ? map_get(c->who, k) : NULL);
}

/* What was there before. */
static void *who_put(
    const struct cfg *c, char kind, struct slice local, struct slice domain, void *value)
{
	char key[WHO_KEY];
	struct slice k = who_key(kind, local, domain, key);
	void *was = map_get(c->who, k);

	if (was == NULL)
		(void)map_put(c->who, k, value);
	return (was);
}

static const struct slice no_domain = SLICE_INIT("");

static bool is_local_char(unsigned char c) /* atext of RFC 5322 3.2.3, RFC 6531 3.3, and the dot */
{
	return (c >= 0x80 || ascii_alnum((char)c) ||
	    (c > ' ' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL));
}

static const char *check_local(struct slice s)
{
	if (s.n > L_LOCAL)
		return ("the part before the @ is longer than 64 octets");
	for (size_t i = 0; i < s.n; i++)
		if (!is_local_char((unsigned char)s.p[i]))
			return (
			    "the part before the @ holds a character that mail addresses do not");
	if (s.p[0] == '.' || s.p[s.n - 1] == '.' || slice_find(s, SLICE("..")) != SIZE_MAX)
		return ("a dot stands at an end or beside another dot");
	return (NULL);
}

const char *cfg_read_address(struct arena *a, struct slice text, bool is_alias,
    struct slice *ret_local, struct slice *ret_domain)
{
	size_t at = slice_rchr(text, '@');

	*ret_local = slice_head(text, at);
	*ret_domain = no_domain;
	if (at == SIZE_MAX) {
		*ret_local = text;
		if (!is_alias)
			return ("an address looks like name@example.org, or @example.org for all "
				"others");
		if (text.n == 0)
			return ("the name is empty");
	} else {
		*ret_domain = domain_ascii(a, slice_from(text, at + 1));
		if (ret_domain->n == 0)
			return ("the part behind the @ is no domain name");
	}
	*ret_local = cfg_lower(a, *ret_local);
	return (ret_local->n > 0 ? check_local(*ret_local) : NULL);
}

static bool find_exact(
    const struct cfg *c, struct slice local, struct slice domain, struct found *ret)
{
	ret->account = who_get(c, 'A', local, domain);
	ret->alias = ret->account != NULL ? NULL : who_get(c, 'L', local, domain);
	if (ret->account == NULL && ret->alias == NULL && local.n > 0)
		ret->alias = who_get(c, 'L', local, no_domain);
	return (ret->account != NULL || ret->alias != NULL);
}

/* Names that somebody must read: RFC 5321 4.5.1, RFC 2142 2 and 4. */
static bool is_role(struct slice local)
{
	return (slice_eq(local, SLICE("postmaster")) || slice_eq(local, SLICE("abuse")) ||
	    slice_eq(local, SLICE("root")));
}

/* ${local} lower case, ${domain} an A-label of ours. */
static bool find(const struct cfg *c, struct slice local, struct slice domain, struct found *ret)
{
	size_t plus = slice_chr(local, '+');

	if (local.n == 0)
		return (false);
	if (find_exact(c, local, domain, ret))
		return (true);
	if (plus != SIZE_MAX && plus > 0) {
		local = slice_head(local, plus);
		if (find_exact(c, local, domain, ret))
			return (true);
	}
	if (is_role(local) && c->accounts != NULL) {
		ret->account = c->accounts; /* before a catch-all: these are not strays */
		return (true);
	}
	return (find_exact(c, (struct slice){ "", 0 }, domain, ret));
}

/* A target of an alias: an account's name or an address. */
static bool find_target(const struct cfg *c, const char *target, struct found *ret)
{
	struct slice t = slice_of(target);
	size_t at = slice_rchr(t, '@');

	if (at != SIZE_MAX)
		return (find(c, slice_head(t, at), slice_from(t, at + 1), ret));
	*ret = (struct found){ .account = who_get(c, 'N', t, no_domain) };
	return (ret->account != NULL);
}

static void add_pointer(struct arena *a, const void ***items, size_t *n, const void *item)
{
	for (size_t i = 0; i < *n; i++)
		if ((*items)[i] == item)
			return;
	if ((*n & (*n - 1)) == 0) { /* full at each power of two */
		const void **more = arena_array(a, *n == 0 ? 1 : *n * 2, sizeof(*more));

		if (*n > 0)
			memcpy(more, *items, *n * sizeof(*more));
		*items = more;
	}
	(*items)[(*n)++] = item;
}

int cfg_resolve(const struct cfg *c, struct arena *a, struct slice local, struct slice domain,
    struct cfg_targets *ret, struct err *err)
{
	const void **accounts = NULL, **aliases = NULL;
	size_t accounts_n = 0, aliases_n = 0;
	struct found f;

	domain = domain_ascii(a, domain);
	if (domain.n == 0 || who_get(c, 'D', (struct slice){ "", 0 }, domain) == NULL)
		return (err_set(err, ERR_CANNOT, "not a domain of ours"));
	if (local.n > L_LOCAL || !find(c, cfg_lower(a, local), domain, &f))
		return (err_set(err, ERR_NOT_FOUND, "nobody has this address"));
	if (f.account != NULL)
		add_pointer(a, &accounts, &accounts_n, f.account);
	else
		add_pointer(a, &aliases, &aliases_n, f.alias);
	for (size_t i = 0; i < aliases_n; i++) { /* each alias once, so this ends */
		const struct cfg_alias *alias = ((const struct alias_node *)aliases[i])->alias;

		for (size_t k = 0; k < alias->targets_n; k++) {
			if (!find_target(c, alias->targets[k], &f))
				continue; /* refused at load */
			if (f.account != NULL)
				add_pointer(a, &accounts, &accounts_n, f.account);
			else
				add_pointer(a, &aliases, &aliases_n, f.alias);
		}
	}
	ret->accounts = (const struct cfg_account **)accounts;
	ret->n = accounts_n;
	return (0);
}

/* May write as an address who gets the mail for it; a catch-all gives no right to others'
 * addresses. */
bool cfg_owns(
    const struct cfg *c, const struct cfg_account *acc, struct slice local, struct slice domain)
{
	struct arena *a = arena_new(1024);
	struct cfg_targets t = { .n = 0 };
	bool owns = false;

	if (cfg_resolve(c, a, local, domain, &t, NULL) == 0)
		for (size_t i = 0; i < t.n && !owns;
		     i++) /* acc may be of the former configuration */
			owns = slice_eq(slice_of(t.accounts[i]->name), slice_of(acc->name));
	arena_free(a);
	return (owns);
}

const struct cfg_account *cfg_login(const struct cfg *c, struct slice name)
{
	struct arena *a = arena_new(1024);
	size_t at = slice_rchr(name, '@');
	const struct cfg_account *acc = NULL;

	if (name.n > L_PATH)
		acc = NULL;
	else if (at == SIZE_MAX)
		acc = who_get(c, 'N', cfg_lower(a, name), no_domain);
	else if (at > 0)
		acc = who_get(c, 'A', cfg_lower(a, slice_head(name, at)),
		    domain_ascii(a, slice_from(name, at + 1)));
	arena_free(a);
	return (acc);
}

bool cfg_domain_is_local(const struct cfg *c, struct slice domain)
{
	struct arena *a = arena_new(512);
	struct slice ascii = domain_ascii(a, domain);
	bool is_ours = ascii.n > 0 && who_get(c, 'D', (struct slice){ "", 0 }, ascii) != NULL;

	arena_free(a);
	return (is_ours);
}

static void free_who(void *self)
{
	map_free(self);
}

static bool is_our_domain(struct cfg_load *l, struct slice domain, unsigned line)
{
	if (who_get(l->cfg, 'D', (struct slice){ "", 0 }, domain) != NULL)
		return (true);
	(void)cfg_bad(
	    l, line, "domain \"%s\" is not configured: add [domain.\"%s\"]", domain.p, domain.p);
	return (false);
}

static void index_domains(struct cfg_load *l)
{
	for (struct cfg_domain *d = l->cfg->domains; d != NULL; d = d->next) {
		struct cfg_domain *was = who_put(l->cfg, 'D', (struct slice){ "", 0 }, d->name, d);

		if (was != NULL)
			(void)cfg_bad(l, d->line, "domain \"%s\" is configured already, on line %u",
			    d->name.p, was->line);
	}
}

/* Without "addresses": the account's name in every domain. */
static void default_addresses(struct cfg *c, struct cfg_account *acc)
{
	struct cfg_address **at = &acc->addresses;

	for (const struct cfg_domain *d = c->domains; d != NULL; d = d->next, at = &(*at)->next) {
		*at = arena_alloc(c->arena, sizeof(**at));
		**at = (struct cfg_address){
			.local = slice_of(acc->name), .domain = d->name, .line = acc->line
		};
	}
}

static void index_account(struct cfg_load *l, struct cfg_account *acc)
{
	struct cfg_account *was = who_put(l->cfg, 'N', slice_of(acc->name), no_domain, acc);

	if (was != NULL)
		(void)cfg_bad(l, acc->line, "account \"%s\" exists already, on line %u", acc->name,
		    was->line);
	if (acc->addresses == NULL && l->faults_n == 0)
		default_addresses(l->cfg, acc);
	for (struct cfg_address *ad = acc->addresses; ad != NULL; ad = ad->next) {
		if (!is_our_domain(l, ad->domain, ad->line))
			continue;
		was = who_put(l->cfg, 'A', ad->local, ad->domain, acc);
		if (was == acc)
			(void)cfg_bad(l, ad->line, "address \"%s@%s\" stands here twice",
			    ad->local.p, ad->domain.p);
		else if (was != NULL)
			(void)cfg_bad(l, ad->line,
			    "address \"%s@%s\" belongs to account \"%s\" already", ad->local.p,
			    ad->domain.p, was->name);
	}
}

static const char *alias_text(const struct cfg_load *l, const struct cfg_alias *al)
{
	return (arena_fmt(
	    l->cfg->arena, "%s%s%s", al->local.p, al->domain.n > 0 ? "@" : "", al->domain.p));
}

static void index_alias(struct cfg_load *l, struct cfg_alias *al)
{
	struct alias_node *node = arena_alloc(l->cfg->arena, sizeof(*node)), *was;
	const struct cfg_account *acc;

	node->alias = al;
	if (al->domain.n > 0 && !is_our_domain(l, al->domain, al->line))
		return;
	if (al->domain.n > 0 && (acc = who_get(l->cfg, 'A', al->local, al->domain)) != NULL) {
		(void)cfg_bad(l, al->line, "\"%s\" is an address of account \"%s\" already",
		    alias_text(l, al), acc->name);
		return;
	}
	if ((was = who_put(l->cfg, 'L', al->local, al->domain, node)) != NULL)
		(void)cfg_bad(l, al->line, "alias \"%s\" exists already, on line %u",
		    alias_text(l, al), was->alias->line);
}

static void unknown_account(struct cfg_load *l, const struct cfg_alias *al, const char *target)
{
	const char **names;
	size_t n = 0;

	for (const struct cfg_account *acc = l->cfg->accounts; acc != NULL; acc = acc->next)
		n++;
	names = arena_array(l->cfg->arena, n + 1, sizeof(*names));
	n = 0;
	for (const struct cfg_account *acc = l->cfg->accounts; acc != NULL; acc = acc->next)
		names[n++] = acc->name;
	(void)cfg_bad(l, al->line, "alias \"%s\" leads to \"%s\", which is no account%s",
	    alias_text(l, al), target, cfg_nearest(l, slice_of(target), names, n));
}

static void check_targets(struct cfg_load *l, struct cfg_alias *al)
{
	struct found f;

	for (size_t i = 0; i < al->targets_n; i++) {
		struct slice t = slice_of(al->targets[i]);
		size_t at = slice_rchr(t, '@');

		if (at == SIZE_MAX) {
			if (!find_target(l->cfg, al->targets[i], &f))
				unknown_account(l, al, al->targets[i]);
		} else if (who_get(l->cfg, 'D', (struct slice){ "", 0 }, slice_from(t, at + 1)) ==
		    NULL) {
			(void)cfg_bad(l, al->line,
			    "alias \"%s\" leads to \"%s\", which is not here; this version cannot "
			    "forward mail to other hosts yet: name an account or an address here",
			    alias_text(l, al), al->targets[i]);
		} else if (!find_target(l->cfg, al->targets[i], &f)) {
			(void)cfg_bad(l, al->line, "alias \"%s\" leads to \"%s\", which nobody has",
			    alias_text(l, al), al->targets[i]);
		}
	}
}

/* The first alias behind this one whose height is not known; NULL when all are. Sets the height
 * then. */
static struct alias_node *settle(const struct cfg *c, struct alias_node *node)
{
	unsigned height = 0;
	struct found f;

	for (size_t i = 0; i < node->alias->targets_n; i++) {
		if (!find_target(c, node->alias->targets[i], &f) || f.alias == NULL)
			continue;
		if (f.alias->height == 0)
			return (f.alias);
		height = f.alias->height > height ? f.alias->height : height;
	}
	node->height = height + 1;
	return (NULL);
}

static void say_loop(struct cfg_load *l, struct alias_node *start)
{
	struct alias_node *node = start;
	const char *way = alias_text(l, start->alias);

	for (int i = 0; i <= L_ALIAS_DEPTH && node != NULL; i++) {
		if ((node = settle(l->cfg, node)) == NULL)
			break;
		way = arena_fmt(l->cfg->arena, "%s -> %s", way, alias_text(l, node->alias));
		if (node != start)
			continue;
		(void)cfg_bad(l, start->alias->line, "alias leads back to itself: %s", way);
		return;
	}
	(void)cfg_bad(l, start->alias->line,
	    "alias \"%s\" goes through more than %d aliases, or into a loop",
	    alias_text(l, start->alias), L_ALIAS_DEPTH);
}

/* An alias of height h is settled in round h at the latest: what is left is deeper, or goes in a
 * circle. */
static void check_loops(struct cfg_load *l)
{
	struct alias_node *node;

	for (int round = 0; round < L_ALIAS_DEPTH; round++)
		for (struct cfg_alias *al = l->cfg->aliases; al != NULL; al = al->next) {
			node = who_get(l->cfg, 'L', al->local, al->domain);
			if (node != NULL && node->height == 0)
				(void)settle(l->cfg, node);
		}
	for (struct cfg_alias *al = l->cfg->aliases; al != NULL; al = al->next) {
		node = who_get(l->cfg, 'L', al->local, al->domain);
		if (node != NULL && (node->height == 0 || node->height > L_ALIAS_DEPTH))
			say_loop(l, node);
	}
}

void cfg_index(struct cfg_load *l)
{
	struct cfg *c = l->cfg;

	c->who = map_new();
	arena_on_free(c->arena, free_who, c->who);
	index_domains(l);
	for (struct cfg_account *acc = c->accounts; acc != NULL; acc = acc->next)
		index_account(l, acc);
	for (struct cfg_alias *al = c->aliases; al != NULL; al = al->next)
		index_alias(l, al);
	for (struct cfg_alias *al = c->aliases; al != NULL; al = al->next)
		check_targets(l, al);
	check_loops(l);
}
