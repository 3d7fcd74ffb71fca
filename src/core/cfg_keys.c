/* cfg_keys.c: which keys are there, what may they be, and what are they when nobody says? One
 * table; a default is read from it as if the file said so, so documents and behaviour cannot
 * differ. Keys of a later version are named here too, to be refused in words. */
#include <stdio.h>
#include <string.h>

#include "core/cfg_int.h"
#include "core/mem.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define DAY_MS UINT64_C(86400000)

static const char *const services[CFG_CHOICES] = { "smtp", "submission", "submissions", "imap",
	"imaps" }; /* the order of enum cfg_service */
static const char *const levels[CFG_CHOICES] = { "debug", "info", "warn", "error" };
static const char *const formats[CFG_CHOICES] = { "text", "json" };
static const char *const actions[CFG_CHOICES] = { "off", "tag", "greylist", "junk",
	"reject" }; /* the order of enum cfg_action */
static const char *const list_actions[CFG_CHOICES] = { "off", "tag", "greylist", "junk", "reject",
	"score" }; /* the order of enum cfg_action */
static const char *const list_kinds[CFG_CHOICES] = { "address", "name",
	"uri" }; /* the order of enum cfg_list_kind */
static const char *const rule_acts[CFG_CHOICES] = { "junk", "inbox", "folder", "flag",
	"reject", "forward" }; /* the order of enum cfg_rule_act */
static const char *const relay_tls[CFG_CHOICES] = { "required", "implicit", "opportunistic" };

#define IN_CFG(member) .offset = offsetof(struct cfg, member)
#define LIMIT(key, parse, kind, written, low, high, words)                                         \
	{                                                                                          \
		"limits", #key, parse, kind, written, words, IN_CFG(limits.key), low, high         \
	}
#define A_SIZE "a size with its unit, such as \"50 MiB\""
#define A_TIME "a duration with its unit, such as \"30s\" or \"5d\""
#define A_PERIOD "a duration with its unit, such as \"30d\", or \"off\""
#define A_NUMBER "a whole number"
#define A_STRING "a string"
#define AN_ACTION "\"off\", \"tag\", \"greylist\", \"junk\" or \"reject\""
#define A_REGEXES "a list of regular expressions, such as ['.*\\.dyn\\..*']"
#define A_MATCH_ADDRESS "an address, \"@domain\" for all of a domain, or a list of them"
#define A_PATH "a path; a relative one starts at the folder of this file"

const struct cfg_key cfg_keys[] = {
	{ "", "hostname", cfg_set_host, "a host name", NULL,
	    "Name of this host in HELO; its reverse DNS must say the same.", IN_CFG(hostname),
	    .missing = "give the full name of this host" },
	{ "", "data", cfg_set_path, A_PATH, NULL, "Folder of mail, queue and everything learned.",
	    IN_CFG(data), .missing = "give the folder that holds the mail" },
	{ "tls", "certificate", cfg_set_path, A_PATH, NULL,
	    "Certificate chain in PEM, own one first.", IN_CFG(tls.certificate),
	    .missing = "give the file of the certificate chain" },
	{ "tls", "key", cfg_set_path, A_PATH, NULL, "Private key of the certificate in PEM.",
	    IN_CFG(tls.key), .missing = "give the file of the private key" },
	{ "listen", "service", cfg_set_service,
	    "\"smtp\", \"submission\", \"submissions\", \"imap\" or \"imaps\"", NULL,
	    "What is served here. Without any [[listen]]: all five, on every address.", 0,
	    .choices = services, .missing = "say what is served here" },
	{ "listen", "address", cfg_set_listen_address, "an IP address", NULL,
	    "Where; without it every address of both families." },
	{ "listen", "port", cfg_set_port, A_NUMBER, NULL, "Without it the service's own.",
	    offsetof(struct cfg_listen, port), 1, 65535 },
	{ "dns", "forward", cfg_set_forward, "a list of addresses, such as [\"127.0.0.1:53\"]",
	    NULL, "Resolvers to ask; without it names are resolved from the root." },
	{ "dns", "trust_anchor", cfg_set_anchor, "a path, or \"none\"", NULL,
	    "File of the DNSSEC root key; \"none\": nothing is ever secure.",
	    IN_CFG(dns.trust_anchor) },
	{ "dns", "timeout", cfg_set_duration, A_TIME, "\"10s\"", "How long one answer may take.",
	    IN_CFG(dns.timeout_ms), 100, 60000 },
	{ "outbound", "port", cfg_set_port, A_NUMBER, "25", "Port of other mail hosts.",
	    IN_CFG(outbound.port), 1, 65535 },
	{ "outbound", "allow_private", cfg_set_bool, "true or false", "false",
	    "Deliver to loopback and private addresses too, for trials.",
	    IN_CFG(outbound.allow_private) },
	{ "outbound", "source_v4", cfg_set_source, "an IPv4 address", NULL,
	    "Address to send from over IPv4.", 0, 4 },
	{ "outbound", "source_v6", cfg_set_source, "an IPv6 address", NULL,
	    "Address to send from over IPv6.", 0, 6 },
	{ "smarthost", "host", cfg_set_relay, "a host name", NULL,
	    "Host that takes all outgoing mail; without it mail goes to its destination directly.",
	    IN_CFG(smarthost.host) },
	{ "smarthost", "port", cfg_set_port, A_NUMBER, "587", "Its port.", IN_CFG(smarthost.port),
	    1, 65535 },
	{ "smarthost", "username", cfg_set_string, A_STRING, NULL, "Login there, with password.",
	    IN_CFG(smarthost.username) },
	{ "smarthost", "password", cfg_set_string, A_STRING, NULL,
	    "Password there; then only the owner may read this file.", IN_CFG(smarthost.password) },
	{ "smarthost", "tls", cfg_set_relay_tls, "\"required\", \"implicit\" or \"opportunistic\"",
	    "\"required\"", "STARTTLS demanded, TLS from the first octet, or STARTTLS if offered.",
	    0, .choices = relay_tls },
	{ "score", "greylist", cfg_set_score, "a number or \"off\"", "4",
	    "From here strangers are asked to come again.", IN_CFG(score.greylist) },
	{ "score", "junk", cfg_set_score, "a number or \"off\"", "6",
	    "From here mail goes to Junk.", IN_CFG(score.junk) },
	{ "score", "reject", cfg_set_score, "a number or \"off\"", "15",
	    "From here mail is refused.", IN_CFG(score.reject) },
	{ "filter.early-talker", "action", cfg_set_choice, AN_ACTION, "\"reject\"",
	    "What becomes of clients that speak before the greeting.", IN_CFG(filter.early_talker),
	    .choices = actions },
	{ "filter.rdns-pattern", "action", cfg_set_choice, AN_ACTION, "\"junk\"",
	    "What becomes of mail from hosts whose reverse name looks like a home connection.",
	    IN_CFG(filter.rdns_pattern), .choices = actions },
	{ "filter.rdns-pattern", "patterns", cfg_set_patterns, A_REGEXES,
	    "['.*\\.dyn\\..*', '.*\\.dsl\\..*']", "Regular expressions for such names.",
	    IN_CFG(filter.patterns) },
	{ "filter.rdns-pattern", "file", cfg_set_patterns_file, A_PATH, NULL,
	    "File with one more pattern a line; \"#\" begins a remark.",
	    IN_CFG(filter.patterns_file) },
	{ "filter.no-rdns", "action", cfg_set_choice, AN_ACTION, "\"junk\"",
	    "What becomes of mail from hosts without a reverse name.", IN_CFG(filter.no_rdns),
	    .choices = actions },
	{ "filter.no-fcrdns", "action", cfg_set_choice, AN_ACTION, "\"junk\"",
	    "What becomes of mail from hosts whose reverse name does not lead back to them.",
	    IN_CFG(filter.no_fcrdns), .choices = actions },
	{ "filter.reputation", "action", cfg_set_choice, AN_ACTION, "\"junk\"",
	    "What becomes of mail from networks and domains whose mail here was mostly spam.",
	    IN_CFG(filter.reputation), .choices = actions },
	{ "filter.reputation", "block_below", cfg_set_number, A_NUMBER, "10",
	    "Score below which mail is refused, unless the action is off or tag.",
	    IN_CFG(filter.block_below), 0, 100 },
	{ "filter.reputation", "junk_below", cfg_set_number, A_NUMBER, "70",
	    "Score below which the action is taken.", IN_CFG(filter.junk_below), 0, 100 },
	{ "filter.reputation", "slow_factor", cfg_set_number, A_NUMBER, "5000",
	    "Milliseconds that a host of score 0 waits for each reply, others by their score; 0: "
	    "nobody waits.",
	    IN_CFG(filter.slow_factor), 0, 60000 },
	{ "filter.arc", "trusted_sealers", cfg_set_match_domain,
	    "a domain name, or a list of them", NULL,
	    "Forwarders and lists who are believed when they seal that a sender had proved himself.",
	    IN_CFG(filter.sealers) },
	{ "filter.dnsbl", "zone", cfg_set_zone, "a domain name", NULL,
	    "The list's name in the DNS.", offsetof(struct cfg_dnsbl, zone),
	    .missing = "give the list's name in the DNS" },
	{ "filter.dnsbl", "codes", cfg_set_codes,
	    "a list of answers, or a table with points for each", NULL,
	    "Answers that mean listed, as the list documents them; no other is believed.", 0,
	    .missing = "give the answers that the list documents, such as [\"127.0.0.2-11\"]" },
	{ "filter.dnsbl", "points", cfg_set_list_points, "a number", "3",
	    "What being listed counts, for answers without points of their own.",
	    offsetof(struct cfg_dnsbl, points) },
	{ "filter.dnsbl", "kind", cfg_set_choice, "\"address\", \"name\" or \"uri\"", "\"address\"",
	    "What it lists: peers, senders' domains, or what links lead to.",
	    offsetof(struct cfg_dnsbl, kind), .choices = list_kinds },
	{ "filter.dnsbl", "action", cfg_set_choice,
	    "\"off\", \"tag\", \"greylist\", \"junk\", \"reject\" or \"score\"", "\"score\"",
	    "What becomes of mail it lists, beside the points; \"tag\": told, and no points.",
	    offsetof(struct cfg_dnsbl, action), .choices = list_actions },
#define CONDITIONS(table)                                                                          \
	{ table, "from", cfg_set_match_address, A_MATCH_ADDRESS, NULL,                             \
		"Sender: in From and in the envelope.", offsetof(struct cfg_rule, from) },         \
	    { table, "to", cfg_set_match_address, A_MATCH_ADDRESS, NULL, "Recipient's address.",   \
		    offsetof(struct cfg_rule, to) },                                               \
	    { table, "ip", cfg_set_match_net, "an address or network, or a list of them", NULL,    \
		    "Address of the peer, or a network such as 192.0.2.0/24.",                     \
		    offsetof(struct cfg_rule, ip) },                                               \
	    { table, "domain", cfg_set_match_domain, "a domain name, or a list of them", NULL,     \
		    "Domain that the sender has proved, by DKIM or SPF.",                          \
		    offsetof(struct cfg_rule, domain) },                                           \
	    { table, "header", cfg_set_match_header, "\"Field: text\", or a list of them", NULL,   \
		    "Part of a field's value; \"Field: /pattern/\" for a regular expression.",     \
		    offsetof(struct cfg_rule, header) },                                           \
	    { table, "subject", cfg_set_match_text, "a text, or a list of them", NULL,             \
		    "Part of the subject; \"/pattern/\" for a regular expression.",                \
		    offsetof(struct cfg_rule, subject) },                                          \
	{                                                                                          \
		table, "account", cfg_set_string, A_STRING, NULL,                                  \
		    "Only mail of this account; without it everybody's.",                          \
		    offsetof(struct cfg_rule, account)                                             \
	}
	CONDITIONS("allow"),
	CONDITIONS("deny"),
	CONDITIONS("rule"),
	{ "rule", "action", cfg_set_choice,
	    "\"junk\", \"inbox\", \"folder\", \"flag\", \"reject\" or \"forward\"", NULL,
	    "What becomes of it.", offsetof(struct cfg_rule, act), .choices = rule_acts,
	    .missing = "say what becomes of such mail" },
	{ "rule", "folder", cfg_set_string, A_STRING, NULL,
	    "The folder it goes to; with action \"folder\" needed.",
	    offsetof(struct cfg_rule, folder) },
	{ "rule", "forward", cfg_set_send_on, "an address, or a list of them", NULL,
	    "Where a copy goes once it is safe here; with action \"forward\" needed.",
	    offsetof(struct cfg_rule, forward) },
	{ "rule", "flag", cfg_set_string, A_STRING, NULL,
	    "Set on it: \"\\\\Flagged\", \"\\\\Seen\" or a keyword; goes with any action.",
	    offsetof(struct cfg_rule, flag) },
	LIMIT(cmd, cfg_set_size, A_SIZE, "\"2 KiB\"", 512, 64 * KIB, "Longest SMTP command line."),
	LIMIT(err, cfg_set_number, A_NUMBER, "10", 1, 1000, "Failing commands a session."),
	LIMIT(junk, cfg_set_number, A_NUMBER, "100", 1, 100000,
	    "Commands a session that do nothing."),
	LIMIT(rcpt, cfg_set_number, A_NUMBER, "100", 1, 10000, "Recipients of an inbound message."),
	LIMIT(rcpt_submission, cfg_set_number, A_NUMBER, "500", 1, 10000,
	    "Recipients of a submitted message."),
	LIMIT(size, cfg_set_size, A_SIZE, "\"50 MiB\"", KIB, 2048 * MIB - 1, "Largest message."),
	LIMIT(hop, cfg_set_number, A_NUMBER, "50", 5, 1000,
	    "Received fields, beyond which it is a loop."),
	LIMIT(conn, cfg_set_number, A_NUMBER, "12000", 1, 1000000, "Connections in all."),
	LIMIT(conn_per_source, cfg_set_number, A_NUMBER, "100", 1, 1000000,
	    "Connections of one IPv4 address or IPv6 /64."),
	LIMIT(conn_guests, cfg_set_number, A_NUMBER, "20", 1, 1000000,
	    "Of these, connections that are not logged in."),
	LIMIT(conn_rate, cfg_set_number, A_NUMBER, "120", 1, 1000000,
	    "New connections of one source a minute."),
	LIMIT(watches, cfg_set_number, A_NUMBER, "4096", 0, 1000000,
	    "Watches on folders that other programs may change, two a folder."),
	LIMIT(free, cfg_set_size, A_SIZE, "\"214 MiB\"", MIB, UINT64_MAX >> 1,
	    "Free disk space below which mail is deferred."),
	LIMIT(
	    queue, cfg_set_number, A_NUMBER, "10000", 1, 10000000, "Messages waiting to be sent."),
	{ "expire", "junk", cfg_set_period, A_PERIOD, "\"30d\"", "How long mail stays in Junk.",
	    IN_CFG(expire.junk_ms), DAY_MS, 3650 * DAY_MS },
	{ "expire", "trash", cfg_set_period, A_PERIOD, "\"off\"", "How long mail stays in Trash.",
	    IN_CFG(expire.trash_ms), DAY_MS, 3650 * DAY_MS },
	{ "expire", "undelete", cfg_set_period, A_PERIOD, "\"14d\"",
	    "How long expunged mail and deleted folders can come back.", IN_CFG(expire.undelete_ms),
	    DAY_MS, 3650 * DAY_MS },
	{ "learn", "unmoved", cfg_set_period, A_PERIOD, "\"1d\"",
	    "After how long mail that nobody moved counts as filed rightly.",
	    IN_CFG(learn.unmoved_ms), DAY_MS, 30 * DAY_MS },
	{ "status", "address", cfg_set_status,
	    "a loopback address with a port, such as \"127.0.0.1:8025\"", NULL,
	    "Status pages over TCP, beside the socket DATA/run/status.sock." },
	{ "log", "level", cfg_set_level, "\"debug\", \"info\", \"warn\" or \"error\"", "\"info\"",
	    "Least level that is logged.", .choices = levels },
	{ "log", "format", cfg_set_second, "\"text\" or \"json\"", "\"text\"", "Form of a line.",
	    IN_CFG(log_json), .choices = formats },
	{ "domain.*", "dkim_selector", cfg_set_string, A_STRING, NULL,
	    "The one DKIM key to sign with; without it all in DATA/dkim/DOMAIN.",
	    offsetof(struct cfg_domain, dkim_selector) },
	{ "account.*", "addresses", cfg_set_addresses, "a list of addresses", NULL,
	    "Addresses; the first is the main one, \"@domain\" takes all others of a domain. "
	    "Without it the account's name in every domain." },
	{ "account.*", "quota", cfg_set_size, A_SIZE, NULL,
	    "Most mail it may keep; without it no quota.", offsetof(struct cfg_account, quota), KIB,
	    UINT64_MAX >> 1 },
	{ "account.*", "quota_messages", cfg_set_number, A_NUMBER, NULL,
	    "Most messages it may keep; without it no limit.",
	    offsetof(struct cfg_account, quota_messages), 1, INT32_MAX },
	{ "account.*", "search", cfg_set_bool, "true or false", "true",
	    "A full-text index, so that a search reads no mail.",
	    offsetof(struct cfg_account, search) },
	{ "account.*", "send_delay", cfg_set_duration, A_TIME, "\"0s\"",
	    "How long sent mail can still be called back.",
	    offsetof(struct cfg_account, send_delay_ms), 0, DAY_MS },
	{ "account.*", "expire_junk", cfg_set_period, A_PERIOD, NULL,
	    "How long mail stays in its Junk; without it as [expire] says.",
	    offsetof(struct cfg_account, expire_junk_ms), DAY_MS, 3650 * DAY_MS },
	{ "account.*", "expire_trash", cfg_set_period, A_PERIOD, NULL,
	    "How long mail stays in its Trash; without it as [expire] says.",
	    offsetof(struct cfg_account, expire_trash_ms), DAY_MS, 3650 * DAY_MS },
};

const size_t cfg_keys_n = COUNT_OF(cfg_keys);

static const struct {
	const char *name, *instead;
} unbuilt[] = {
	{ "tls.acme", "give certificate and key instead" },
	{ "listen.proxy_protocol", "remove it, and let clients connect directly" },
	{ "outbound.tls", "remove it; TLS is used wherever it is offered" },
	{ "account.*.vacation", "remove it" },
	{ "account.*.group", "remove it, and run mutt as the user that owns the data" },
	{ "fallback", "remove the table, or name the host in [smarthost]" },
	{ "backup_mx", "remove the table" },
};

const char *cfg_unbuilt(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(unbuilt); i++)
		if (strcmp(unbuilt[i].name, name) == 0)
			return (unbuilt[i].instead);
	return (NULL);
}

void cfg_each_key(void (*on_key)(void *self, const char *name, const char *type, const char *def,
		      const char *help),
    void *self)
{
	char name[128];

	for (size_t i = 0; i < cfg_keys_n; i++) {
		const struct cfg_key *k = &cfg_keys[i];

		(void)snprintf(
		    name, sizeof(name), "%s%s%s", k->table, *k->table != '\0' ? "." : "", k->name);
		on_key(self, name, k->type, k->def != NULL ? k->def : "", k->help);
	}
	on_key(self, "alias.*", "a list of accounts or addresses", "",
	    "Address, or name in every domain, and who gets its mail.");
}
