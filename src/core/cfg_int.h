/* cfg_int.h: between cfg.c (reading, faults, what must hold over several tables), cfg_tables.c
 * (which table is read into what), cfg_keys.c (the table of keys), cfg_set.c (values),
 * cfg_judge.c and cfg_lists.c (filters, lists, rules) and cfg_who.c (addresses, aliases, logins). */
#ifndef CORE_CFG_INT_H
#define CORE_CFG_INT_H

#include "core/cfg.h"
#include "core/limits.h"
#include "core/map.h"
#include "core/toml.h"

struct cfg_fault {
	unsigned line; /* 0: of the whole file */
	const char *text;
};

struct cfg_load {
	struct cfg *cfg;
	const char *dir;   /* the folder of the file, absolute; relative paths start here */
	unsigned bad_mode; /* permission bits that nobody but the owner should have */
	struct cfg_fault faults[L_CFG_ERRORS];
	size_t faults_n;       /* of all, beyond the array too */
	struct slice patterns; /* text of [filter.rdns-pattern] file, until the table is read */
	unsigned patterns_line;
};

/* Notes one fault; always -1. */
int cfg_bad(struct cfg_load *l, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* ' (did you mean "x"?)' for the nearest of the names, or "". In the arena of the configuration. */
const char *cfg_nearest(struct cfg_load *l, struct slice wrong, const char *const *names, size_t n);
/* Lower case, in the arena of the configuration. */
struct slice cfg_lower(struct arena *a, struct slice s);

/* One key of the file: how it is named, read and explained. */
struct cfg_key {
	const char *table, *name;
	int (*set)(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v);
	const char *type; /* in words, for people */
	const char *def;  /* as written in TOML; NULL: none */
	const char *help;
	size_t offset; /* in struct cfg, cfg_listen, cfg_account or cfg_domain */
	uint64_t least, most;
	const char *const *choices;
	const char *missing; /* required: what to do about it */
};

/* Where the value of a key goes. */
static inline void *cfg_field(const struct cfg_key *k, void *dest)
{
	return ((char *)dest + k->offset);
}

enum { CFG_CHOICES = 6, CFG_NAMES = 64 };

/* cfg_keys.c: the table. */
extern const struct cfg_key cfg_keys[];
extern const size_t cfg_keys_n;
/* What to do instead when "table.name" belongs to a later version; NULL when it does not. */
const char *cfg_unbuilt(const char *name);

/* cfg_set.c: one setter for each kind of value. All note their own fault and return -1 then. */
const char *cfg_key_name(struct cfg_load *l, const struct cfg_key *k);
/* The length of a list of strings that is not empty. */
int cfg_list_of(struct cfg_load *l, const struct cfg_key *k, const struct toml *v, size_t *ret_n);
#define CFG_SETTER(name)                                                                           \
	int name(struct cfg_load *l, const struct cfg_key *k, void *dest, const struct toml *v)
CFG_SETTER(cfg_set_addresses);
CFG_SETTER(cfg_set_anchor);
CFG_SETTER(cfg_set_bool);
CFG_SETTER(cfg_set_choice);
CFG_SETTER(cfg_set_duration);
CFG_SETTER(cfg_set_forward);
CFG_SETTER(cfg_set_host);
CFG_SETTER(cfg_set_level);
CFG_SETTER(cfg_set_listen_address);
CFG_SETTER(cfg_set_number);
CFG_SETTER(cfg_set_path);
CFG_SETTER(cfg_set_period);
CFG_SETTER(cfg_set_port);
CFG_SETTER(cfg_set_relay);
CFG_SETTER(cfg_set_relay_tls);
CFG_SETTER(cfg_set_score);
CFG_SETTER(cfg_set_second);
CFG_SETTER(cfg_set_service);
CFG_SETTER(cfg_set_size);
CFG_SETTER(cfg_set_source);
CFG_SETTER(cfg_set_status);
CFG_SETTER(cfg_set_string);

/* cfg_judge.c: what the filters, lists and owner's rules are. */
CFG_SETTER(cfg_set_match_address);
CFG_SETTER(cfg_set_match_domain);
CFG_SETTER(cfg_set_match_header);
CFG_SETTER(cfg_set_match_net);
CFG_SETTER(cfg_set_match_text);
CFG_SETTER(cfg_set_patterns);
CFG_SETTER(cfg_set_patterns_file);
CFG_SETTER(cfg_set_send_on);
/* ${t}: the value of [filter], [[allow]], ...; NULL when it is not there. */
void cfg_read_filters(struct cfg_load *l, const struct toml *t);
void cfg_read_rules(struct cfg_load *l, enum cfg_rule_kind kind, const struct toml *t);
/* Once cfg->who is there: may this rule send on to where it says? */
void cfg_check_send_on(struct cfg_load *l, const struct cfg_rule *r);

/* cfg_lists.c: [[filter.dnsbl]]. */
CFG_SETTER(cfg_set_codes);
CFG_SETTER(cfg_set_list_points);
CFG_SETTER(cfg_set_zone);
void cfg_read_lists(struct cfg_load *l, const struct toml *t);

/* cfg_tables.c: reads the whole tree into l->cfg. */
void cfg_read_tree(struct cfg_load *l, const struct toml *root);
/* All keys of one table into ${dest}; ${t} may be NULL: then defaults only. */
void cfg_read_table(struct cfg_load *l, const char *table, void *dest, const struct toml *t);
/* Is this value a table, as [prefix key] makes one? Notes it if not. */
bool cfg_is_table(struct cfg_load *l, const char *prefix, const struct toml *t);
/* The elements of [[name]]; NULL, noted, when it is not written so. */
const struct toml *cfg_rows_of(struct cfg_load *l, const char *name, const struct toml *t);
/* Notes a key or table of a later version; false when it is none. */
bool cfg_is_unbuilt(struct cfg_load *l, const char *table, const struct toml *t);
/* Notes a key nobody knows, with the nearest that is; ${more}: names beside the table's own. */
void cfg_unknown_key(struct cfg_load *l, const char *table, const struct toml *t,
    const char *const *more, size_t more_n);

/* cfg_who.c. An address of an account or alias: local part and domain checked and folded.
 * ${is_alias}: the domain may be missing. NULL when it is fine, else what is wrong with it. */
const char *cfg_read_address(struct arena *a, struct slice text, bool is_alias,
    struct slice *ret_local, struct slice *ret_domain);
/* Builds cfg->who; finds clashes, unknown domains and targets, loops. */
void cfg_index(struct cfg_load *l);

#endif
