/* cfg.h: the configuration, as read from the one TOML file (DESIGN section 6). cfg_load lists every
 * fault at once, each with file, line and the nearest valid key. A struct cfg never changes once
 * loaded: a reload makes a new one, and holders swap pointers between two events. cfg_free frees
 * all of it. */
#ifndef CORE_CFG_H
#define CORE_CFG_H

#include "core/arena.h"
#include "core/err.h"
#include "core/ip.h"
#include "core/log.h"

struct map;
struct regex;

enum cfg_service {
	SERVICE_SMTP,
	SERVICE_SUBMISSION,
	SERVICE_SUBMISSIONS,
	SERVICE_IMAP,
	SERVICE_IMAPS,
	SERVICE_COUNT,
};

struct cfg_listen {
	struct cfg_listen *next;
	enum cfg_service service;
	bool any; /* no address given: both families, all addresses */
	struct ip address;
	unsigned port; /* always filled in: the service's own when none was given */
	unsigned line;
};

struct cfg_account {
	struct cfg_account *next;
	const char *name;              /* lower case */
	struct cfg_address *addresses; /* in file order; the first is the main one */
	bool search;                   /* full-text index */
	uint64_t quota;                /* octets; 0: none was given, no quota */
	uint64_t quota_messages;       /* the same, in messages */
	uint64_t send_delay_ms;
	uint64_t expire_junk_ms, expire_trash_ms; /* 0: as [expire] says */
	unsigned line;
};

struct cfg_address {
	struct cfg_address *next;
	struct slice local;  /* lower case; empty: catch-all "@domain" */
	struct slice domain; /* A-label, lower case */
	unsigned line;
};

struct cfg_domain {
	struct cfg_domain *next;
	struct slice name;         /* A-label, lower case */
	const char *dkim_selector; /* NULL: all keys found in DATA/dkim/<domain>/ */
	unsigned line;
};

struct cfg_alias {
	struct cfg_alias *next;
	struct slice local,
	    domain; /* lower case; local empty: catch-all; domain empty: in every local domain */
	const char **targets; /* addresses or account names; checked: no loops, all local here */
	size_t targets_n;
	unsigned line;
};

struct cfg_limits { /* [limits], defaults from limits.h */
	uint64_t cmd, err, junk, rcpt, rcpt_submission, size, hop, conn, conn_per_source,
	    conn_guests, conn_rate, watches, free, queue;
};

#define CFG_OFF UINT64_MAX /* of a period: "off" */

struct cfg_score { /* [score]; INFINITY when "off" */
	double greylist, junk, reject;
};

/* What becomes of mail that a connect filter caught; in the order of harm. */
enum cfg_action {
	ACTION_OFF,
	ACTION_TAG,
	ACTION_GREYLIST,
	ACTION_JUNK,
	ACTION_REJECT,
	ACTION_SCORE /* of a list: points alone */
};

enum cfg_list_kind { LIST_ADDRESS, LIST_NAME, LIST_URI }; /* what is asked about */

struct cfg_code {           /* answers of a list that are believed */
	uint32_t low, high; /* from this address to that, within 127/8 */
	unsigned bits;      /* not 0: and one of these of the last octet is set */
	double points;
};

struct cfg_dnsbl { /* [[filter.dnsbl]] */
	struct cfg_dnsbl *next;
	struct slice zone; /* A-labels, lower case */
	enum cfg_list_kind kind;
	enum cfg_action action;
	double points;
	const struct cfg_code *codes;
	size_t codes_n;
	unsigned line;
};

struct cfg_match;

struct cfg_filters { /* [filter.*] */
	enum cfg_action rdns_pattern, no_rdns, no_fcrdns, early_talker, reputation;
	uint64_t block_below, junk_below; /* of a reputation from 0 to 100 */
	uint64_t slow_factor;             /* ms before each reply at a reputation of 0 */
	const struct regex **patterns; /* of names of peers, from the file too */
	size_t patterns_n;
	const char *patterns_file; /* NULL: none */
	const struct cfg_match
	    *sealers;	       /* domains whose ARC seals are believed; texts only */
	struct cfg_dnsbl *dnsbls;  /* in file order, at most L_LISTS */
};

/* One value of a condition. Texts are compared without regard to case. */
struct cfg_match {
	struct cfg_match *next;
	struct slice field;        /* header: name of the field, else empty */
	struct slice text;         /* part of a subject or field; address; "@domain"; domain */
	const struct regex *regex; /* instead of text: it was written /.../ */
	struct ip net;             /* ip: the network and its bits */
	unsigned bits;
};

enum cfg_rule_kind { RULE_ALLOW, RULE_DENY, RULE_RULE };
enum cfg_rule_act { ACT_JUNK, ACT_INBOX, ACT_FOLDER, ACT_FLAG, ACT_REJECT, ACT_FORWARD };

/* [[allow]], [[deny]], [[rule]]: all conditions given must hold, each by one of its values. */
struct cfg_rule {
	struct cfg_rule *next; /* of its kind, in file order: the first that holds decides */
	enum cfg_rule_kind kind;
	const struct cfg_match *from, *to, *ip, *domain, *header, *subject;
	enum cfg_rule_act act; /* of a RULE_RULE */
	const char *folder;    /* where ACT_FOLDER files it */
	const struct slice *forward; /* where ACT_FORWARD sends a copy: local@domain, A-labels */
	size_t forward_n;
	const char *forward_text; /* the same for people, with commas; NULL: none */
	const char *flag;         /* set on it, whatever the act; NULL: none */
	const char *account;   /* only mail of this account; NULL: everybody's */
	unsigned line;
};

struct cfg {
	struct arena *arena; /* owned; holds all of this */
	const char *path;
	uint64_t text_hash; /* of the file as it was read, and of what it names: is it the same
			       again? */
	const char *hostname, *data;
	struct {
		const char *certificate, *key; /* NULL: none */
	} tls;
	struct {
		const char **forward; /* HOST:PORT */
		size_t forward_n;
		const char *trust_anchor; /* file; NULL: the packaged one; "none" */
		uint64_t timeout_ms;
	} dns;
	struct {
		unsigned port;
		bool allow_private;
		struct ip source_v4, source_v6;
		bool has_source_v4, has_source_v6;
	} outbound;
	struct {
		const char *host; /* NULL: no smarthost */
		unsigned port;
		const char *username, *password;
		bool tls_required, tls_implicit;
	} smarthost;
	struct cfg_score score;
	struct {
		uint64_t junk_ms, trash_ms, undelete_ms; /* CFG_OFF: never; undelete: at once */
	} expire;
	struct {
		uint64_t unmoved_ms; /* CFG_OFF: never */
	} learn;
	struct cfg_limits limits;
	struct cfg_listen *listens;
	struct cfg_domain *domains;
	struct cfg_account *accounts; /* in file order: the first gets postmaster@ and so on */
	struct cfg_alias *aliases;
	struct {
		bool has;
		struct ip address;
		unsigned port;
	} status;
	enum log_level log_level;
	bool log_json;
	struct cfg_filters filter;
	struct cfg_rule *allows, *denies, *rules;
	struct map
	    *who; /* owned; names, addresses, domains and aliases by their text; cfg_who.c's own */
};

/* cfg_load: NULL when anything is wrong; then on_fault was called once per fault (text without line
 * end: "pennypost.toml:12: unknown key \"lisen\" (did you mean \"listen\"?)"), at most L_CFG_ERRORS
 * times. */
struct cfg *cfg_load(const char *path, void (*on_fault)(void *self, const char *text), void *self);
/* cfg_load_text: the same of a text that stands in the file of that absolute path, which is not read. */
struct cfg *cfg_load_text(const char *path, struct slice text,
    void (*on_fault)(void *self, const char *text), void *self);
void cfg_free(struct cfg *c);
unsigned cfg_service_port(enum cfg_service s);
const char *cfg_service_name(enum cfg_service s);
const char *cfg_list_kind_name(enum cfg_list_kind kind);            /* "uri" */
bool cfg_domain_is_local(const struct cfg *c, struct slice domain); /* A-label or U-label */
/* For documents and their test: calls back for every key: "limits.rcpt", its type, its default as
 * written in TOML, one line of explanation. */
void cfg_each_key(void (*on_key)(void *self, const char *name, const char *type, const char *def,
		      const char *help),
    void *self);

/* Who gets mail for an address: local part and domain compared by the rules of DESIGN (case folded,
 * "+tag" removed when the whole does not match, aliases expanded, catch-all, postmaster abuse root
 * of each domain). Appends each account once. */
struct cfg_targets {
	const struct cfg_account **accounts; /* in the arena given */
	size_t n;
};
/* 0 found; -1 with ERR_NOT_FOUND (domain is ours, nobody there) or ERR_CANNOT (not a domain of
 * ours). */
int cfg_resolve(const struct cfg *c, struct arena *a, struct slice local, struct slice domain,
    struct cfg_targets *ret, struct err *err);
/* May this account write From: this address? Its own addresses, their +tags, its catch-all domains,
 * aliases to it. */
bool cfg_owns(
    const struct cfg *c, const struct cfg_account *acc, struct slice local, struct slice domain);
/* By login name: account name or any of its addresses, case folded; NULL when none. */
const struct cfg_account *cfg_login(const struct cfg *c, struct slice name);

#endif
