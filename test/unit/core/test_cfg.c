/* cfg: what one file means; every fault of another, each with its line; who gets mail for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/cfg.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/regex.h"

#define MINIMAL                                                                                    \
	"hostname = \"mail.hypno.cat\"\ndata = \"/var/lib/pennypost\"\n"                           \
	"[tls]\ncertificate = \"tls/cert.pem\"\nkey = \"/etc/key.pem\"\n"                          \
	"[domain.\"hypno.cat\"]\n"                                                                 \
	"[account.gilles]\naddresses = [\"gilles@hypno.cat\", \"@hypno.cat\"]\n"
enum { MINIMAL_LINES = 8 };

static void keep_fault(void *self, const char *text)
{
	const char *colon = strchr(text, ':'); /* without the path */

	assert_int_equal(buf_fmt(self, "%s\n", colon + 1), 0);
}

static struct cfg *load_bytes(struct slice text, struct buf *faults)
{
	char path[] = "/tmp/pennypost-cfg-XXXXXX";
	int fd = mkstemp(path);
	struct cfg *c;

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text.p, text.n), (ssize_t)text.n);
	(void)close(fd);
	c = cfg_load(path, keep_fault, faults);
	(void)unlink(path);
	return (c);
}

static struct cfg *load(const char *text)
{
	struct buf faults = BUF_INIT(65536);
	struct cfg *c = load_bytes(slice_of(text), &faults);

	if (c == NULL)
		fail_msg("%s", buf_z(&faults));
	buf_free(&faults);
	return (c);
}

static void a_short_file_is_complete(void **state)
{
	struct cfg *c = load(MINIMAL);
	int services = 0;

	(void)state;
	assert_string_equal(c->hostname, "mail.hypno.cat");
	assert_string_equal(c->data, "/var/lib/pennypost");
	assert_string_equal(c->tls.certificate, "/tmp/tls/cert.pem"); /* from the file's folder */
	assert_string_equal(c->tls.key, "/etc/key.pem");
	for (const struct cfg_listen *l = c->listens; l != NULL; l = l->next, services++) {
		assert_true(l->any);
		assert_int_equal(l->port, cfg_service_port(l->service));
	}
	assert_int_equal(services, SERVICE_COUNT);
	assert_int_equal(c->limits.rcpt, L_RCPT);
	assert_int_equal(c->limits.rcpt_submission, L_RCPT_SUBMISSION);
	assert_int_equal(c->limits.cmd, L_CMD);
	assert_int_equal(c->limits.err, L_ERR);
	assert_int_equal(c->limits.junk, L_JUNK);
	assert_int_equal(c->limits.size, L_SIZE);
	assert_int_equal(c->limits.hop, L_HOP);
	assert_int_equal(c->limits.conn, L_CONN);
	assert_int_equal(c->limits.conn_per_source, L_CONN_SOURCE);
	assert_int_equal(c->limits.conn_guests, L_CONN_GUEST);
	assert_int_equal(c->limits.conn_rate, L_CONN_RATE);
	assert_int_equal(c->limits.watches, L_WATCHES);
	assert_int_equal(c->limits.free, L_FREE);
	assert_int_equal(c->limits.queue, L_QUEUE);
	assert_int_equal(c->dns.timeout_ms, L_DNS_SECONDS * 1000);
	assert_true(c->score.greylist > 3.9 && c->score.greylist < 4.1);
	assert_true(c->score.junk > 5.9 && c->score.junk < 6.1);
	assert_true(c->score.reject > 14.9 && c->score.reject < 15.1);
	assert_int_equal(c->outbound.port, 25);
	assert_false(c->outbound.allow_private);
	assert_null(c->smarthost.host);
	assert_int_equal(c->filter.early_talker, ACTION_REJECT);
	assert_false(c->status.has);
	assert_int_equal(c->log_level, LOG_INFO);
	assert_false(c->log_json);
	assert_int_equal(c->accounts->quota, 0);
	cfg_free(c);
	cfg_free(NULL);
}

static void every_table_is_read(void **state)
{
	struct cfg *c =
	    load(MINIMAL "quota = \"2 GiB\"\nquota_messages = 700\nsend_delay = \"10s\"\n"
			 "[domain.\"B\xc3\xbc"
			 "cher.example\"]\ndkim_selector = \"s1\"\n"
			 "[account.Anna]\n"
			 "[[listen]]\nservice = \"smtp\"\naddress = \"127.0.0.1\"\nport = 2525\n"
			 "[[listen]]\nservice = \"imaps\"\naddress = \"::1\"\n"
			 "[dns]\nforward = [\"127.0.0.1\", \"[::1]:5353\"]\ntrust_anchor = "
			 "\"none\"\ntimeout = \"500ms\"\n"
			 "[outbound]\nport = 26\nallow_private = true\nsource_v4 = "
			 "\"192.0.2.1\"\nsource_v6 = \"2001:db8::1\"\n"
			 "[smarthost]\nhost = \"relay.example\"\ntls = \"implicit\"\nport = "
			 "465\nusername = \"u\"\npassword = \"p\"\n"
			 "[score]\ngreylist = \"off\"\njunk = 5.5\nreject = 20\n"
			 "[limits]\nrcpt = 3\nsize = \"64 KiB\"\n"
			 "[status]\naddress = \"127.0.0.1:8025\"\n"
			 "[log]\nlevel = \"debug\"\nformat = \"json\"\n"
			 "[filter.early-talker]\naction = \"off\"\n");

	(void)state;
	assert_int_equal(c->accounts->quota, UINT64_C(2) << 30);
	assert_int_equal(c->accounts->quota_messages, 700);
	assert_int_equal(c->accounts->send_delay_ms, 10000);
	assert_string_equal(c->domains->next->name.p, "xn--bcher-kva.example");
	assert_string_equal(c->domains->next->dkim_selector, "s1");
	assert_string_equal(c->accounts->next->name, "anna");
	assert_string_equal(c->accounts->next->addresses->next->local.p, "anna");
	assert_string_equal(c->accounts->next->addresses->next->domain.p, "xn--bcher-kva.example");
	assert_int_equal(c->listens->port, 2525);
	assert_false(c->listens->any);
	assert_int_equal(c->listens->next->service, SERVICE_IMAPS);
	assert_int_equal(c->listens->next->port, 993);
	assert_null(c->listens->next->next);
	assert_string_equal(c->dns.forward[0], "127.0.0.1:53");
	assert_string_equal(c->dns.forward[1], "[::1]:5353");
	assert_int_equal(c->dns.forward_n, 2);
	assert_string_equal(c->dns.trust_anchor, "none");
	assert_int_equal(c->dns.timeout_ms, 500);
	assert_true(c->outbound.allow_private && c->outbound.has_source_v4 &&
	    c->outbound.has_source_v6 && c->outbound.source_v6.is_v6);
	assert_true(c->smarthost.tls_required && c->smarthost.tls_implicit);
	assert_string_equal(c->smarthost.password, "p");
	assert_true(isinf(c->score.greylist));
	assert_true(c->score.junk > 5.4 && c->score.junk < 5.6);
	assert_int_equal(c->limits.rcpt, 3);
	assert_int_equal(c->limits.size, 65536);
	assert_true(c->status.has);
	assert_int_equal(c->status.port, 8025);
	assert_int_equal(c->log_level, LOG_DEBUG);
	assert_true(c->log_json);
	assert_int_equal(c->filter.early_talker, ACTION_OFF);
	cfg_free(c);
}

static void filters_and_rules_are_read(void **state)
{
	static const char tables[] =
	    "[filter.no-rdns]\naction = \"reject\"\n"
	    "[[allow]]\nfrom = [\"A@Friend.example\", \"@b.example\"]\nip = \"192.0.2.77/24\"\n"
	    "[[allow]]\nsubject = \"second\"\n"
	    "[[rule]]\nheader = \"List-Id: /^<choir\\\\./\"\naction = \"folder\"\n"
	    "folder = \"Choir\"\nflag = \"\\\\Flagged\"\naccount = \"gilles\"\n"
	    "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = [\"A.b@B\xc3\xbc" "cher.example\", "
	    "\"gilles@hypno.cat\"]\n";
	static const char lines[] = "# homes\n\npool-\\d+\n  ^a-[0-9-]+[.]pool\\. \r\n";
	char path[] = "/tmp/pennypost-patterns-XXXXXX", text[4096];
	int fd = mkstemp(path);
	const struct cfg_rule *r;
	struct cfg *c;

	(void)state;
	assert_int_equal(write(fd, lines, sizeof(lines) - 1), sizeof(lines) - 1);
	(void)close(fd);
	(void)snprintf(text, sizeof(text), "%s%s[filter.rdns-pattern]\nfile = \"%s\"\n", MINIMAL,
	    tables, path);
	c = load(text);
	(void)unlink(path);
	r = c->allows;
	assert_int_equal(c->filter.no_rdns, ACTION_REJECT);
	assert_int_equal(c->filter.no_fcrdns, ACTION_JUNK);
	assert_int_equal(c->filter.patterns_n, 4); /* two of the default, two of the file */
	assert_true(regex_match(c->filter.patterns[0], SLICE("x.DYN.example.net")));
	assert_false(regex_match(c->filter.patterns[0], SLICE("dyn.example.net")));
	assert_true(regex_match(c->filter.patterns[3], SLICE("a-1-2-3-4.pool.example")));
	assert_string_equal(r->from->text.p, "a@friend.example");
	assert_string_equal(r->from->next->text.p, "@b.example");
	assert_int_equal(r->ip->bits, 24);
	assert_int_equal(r->ip->net.octets[3], 0);
	assert_string_equal(r->next->subject->text.p, "second");
	assert_null(c->denies);
	assert_int_equal(c->rules->act, ACT_FOLDER);
	assert_true(slice_eq(c->rules->header->field, SLICE("List-Id")));
	assert_true(regex_match(c->rules->header->regex, SLICE("<choir.example>")));
	assert_string_equal(c->rules->flag, "\\Flagged");
	assert_int_equal(c->rules->forward_n, 0);
	assert_int_equal(c->rules->next->act, ACT_FORWARD);
	assert_int_equal(c->rules->next->forward_n, 2);
	assert_string_equal(c->rules->next->forward_text,
	    "A.b@xn--bcher-kva.example, gilles@hypno.cat"); /* the case may matter there */
	cfg_free(c);
}

static void lists_are_read(void **state)
{
	struct cfg *c = load(MINIMAL "[[filter.dnsbl]]\nzone = \"Bl.Example.\"\n"
				     "codes = [\"127.0.0.2\", \"127.0.0.4-9\", \"127.0.1.0/24\", "
				     "\"127.0.2.&10\", \"127.0.0.7-127.0.3.1\", \"127.0.4.9/24\", "
				     "\"127.0.5.1/32\"]\n"
				     "[[filter.dnsbl]]\nzone = \"bl.example\"\nkind = \"uri\"\n"
				     "codes = { \"127.0.0.2\" = 1.5, \"127.0.0.3\" = 2 }\n"
				     "action = \"junk\"\npoints = 7\n");
	static const struct {
		uint32_t low, high;
		unsigned bits;
	} want[] = { { 0x7f000002, 0x7f000002, 0 }, { 0x7f000004, 0x7f000009, 0 },
		{ 0x7f000100, 0x7f0001ff, 0 }, { 0x7f000200, 0x7f0002ff, 10 },
		{ 0x7f000007, 0x7f000301, 0 }, { 0x7f000400, 0x7f0004ff, 0 },
		{ 0x7f000501, 0x7f000501, 0 } };
	const struct cfg_dnsbl *d = c->filter.dnsbls;

	(void)state;
	assert_true(slice_eq(d->zone, SLICE("bl.example")));
	assert_int_equal(d->kind, LIST_ADDRESS);
	assert_int_equal(d->action, ACTION_SCORE);
	assert_int_equal(d->codes_n, COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_int_equal(d->codes[i].low, want[i].low);
		assert_int_equal(d->codes[i].high, want[i].high);
		assert_int_equal(d->codes[i].bits, want[i].bits);
		assert_int_equal(d->codes[i].points * 10, 30);
	}
	d = d->next;
	assert_int_equal(d->kind, LIST_URI);
	assert_int_equal(d->action, ACTION_JUNK);
	assert_int_equal(d->codes[0].points * 10, 15);
	assert_int_equal(d->codes[1].points * 10, 20);
	assert_null(d->next);
	cfg_free(c);
}

static void faults_are_told(void **state)
{
	static const struct {
		const char *more,
		    *fault;    /* behind MINIMAL; the fault begins so, line counted from there */
		unsigned line; /* 0: of the whole file */
	} cases[] = {
		{ "lisen = 1", "unknown key \"lisen\" in [account.*]", 1 },
		{ "[lisen]", "unknown key \"lisen\" (did you mean \"listen\"?)", 1 },
		{ "[limits]\nrcpts = 1",
		    "unknown key \"rcpts\" in [limits] (did you mean \"rcpt\"?)", 2 },
		{ "[filter.early-taker]", "unknown key \"early-taker\" in [filter] (did you mean",
		    1 },
		{ "[limits]\nrcpt = \"1\"", "limits.rcpt must be a whole number", 2 },
		{ "[limits]\nrcpt = 0", "limits.rcpt must be from 1 to 10000", 2 }, /* CFG-04 */
		{ "[limits]\nrcpt = -1", "limits.rcpt must be from", 2 },
		{ "[limits]\nrcpt = 9223372036854775807", "limits.rcpt must be from", 2 },
		{ "[limits]\nrcpt = 9223372036854775808", "the number is larger than 64 bits hold",
		    2 },
		{ "[limits]\nsize = \"0 B\"", "limits.size must be from 1 KiB to", 2 },
		{ "[limits]\nsize = 5", "limits.size must be a size with its unit", 2 },
		{ "[limits]\nsize = \"5 XB\"", "limits.size must be a size with its unit", 2 },
		{ "[limits]\nfree = \"0 B\"", "limits.free must be from", 2 },
		{ "quota = \"0 B\"", "account.*.quota must be from", 1 },
		{ "[score]\njunk = 1e400", "the number is larger than a float holds", 2 },
		{ "[score]\njunk = nan", "score.junk must be above 0", 2 },
		{ "[score]\njunk = 0", "score.junk must be above 0", 2 },
		{ "[score]\njunk = \"on\"", "score.junk must be a number or \"off\"", 2 },
		{ "[dns]\ntimeout = \"0s\"", "dns.timeout must be from 100 ms to 1 m", 2 },
		{ "[dns]\nforward = [\"dns.example:53\"]",
		    "dns.forward: \"dns.example:53\" is no IP", 2 },
		{ "[dns]\nforward = []", "dns.forward is empty", 2 },
		{ "[status]\naddress = \"192.0.2.1:80\"", "status.address must be a loopback", 2 },
		{ "[log]\nlevel = \"inf\"",
		    "log.level must be \"debug\", \"info\", \"warn\" or \"error\" "
		    "(did you mean \"info\"?)",
		    2 },
		{ "[log]\nlevel = \"info\"\nlevel = \"info\"",
		    "\"level\" is defined already, on line 10", 3 },
		{ "[outbound]\nsource_v4 = \"::1\"", "outbound.source_v4: \"::1\" is no IPv4", 2 },
		/* CFG-06 */
		{ "[[listen]]\nservice = \"smtp\"\naddress = \"\"", "listen.address is empty", 3 },
		{ "[[listen]]\naddress = \"127.0.0.1\"", "listen.service is missing", 1 },
		{ "[[listen]]\nservice = \"smtp\"\nport = 0", "listen.port must be from 1", 3 },
		{ "[[listen]]\nservice = \"pop3\"", "listen.service must be \"smtp\"", 2 },
		{ "[listen]\nservice = \"smtp\"", "listen is a list of tables: write [[listen]]",
		    1 },
		{ "[[listen]]\nservice = \"smtp\"\n[[listen]]\nservice = \"imap\"\naddress = "
		  "\"::1\"\nport = 25",
		    "port 25 is taken by the [[listen]] on line 9 already", 3 },
		{ "[domain.\"\"]", "\"\" is no domain name", 1 },
		{ "[domain.a..b]", "a key is missing here", 1 },
		{ "[domain.\"a b\"]", "\"a b\" is no domain name", 1 },
		{ "[domain.\"HYPNO.cat\"]", "domain \"hypno.cat\" is configured already, on line 6",
		    1 },
		{ "[domain]\nx = 1", "\"x\" must be a table: [domain.x]", 2 },
		{ "[account.b]\naddresses = [\"b@other.example\"]",
		    "domain \"other.example\" is not configured", 2 },
		{ "[account.b]\naddresses = [\"Gilles@HYPNO.cat\"]",
		    "address \"gilles@hypno.cat\" belongs to account \"gilles\" already", 2 },
		{ "[account.b]\naddresses = [\"b@hypno.cat\",\n\"B@hypno.cat\"]",
		    "address \"b@hypno.cat\" stands here twice", 3 },
		{ "[account.b]\naddresses = [\"@hypno.cat\"]",
		    "address \"@hypno.cat\" belongs to account", 2 },
		{ "[account.b]\naddresses = []", "account.*.addresses is empty", 2 },
		{ "[account.b]\naddresses = [\"b\"]",
		    "account.*.addresses: \"b\": an address looks like", 2 },
		{ "[account.b]\naddresses = [\"b..c@hypno.cat\"]",
		    "account.*.addresses: \"b..c@hypno.cat\": a dot", 2 },
		{ "[account.b]\naddresses = [\"b c@hypno.cat\"]",
		    "account.*.addresses: \"b c@hypno.cat\": the part", 2 },
		{ "[account.b]\naddresses = [\"b@\"]",
		    "account.*.addresses: \"b@\": the part behind", 2 },
		{ "[account.b]\naddresses = [1]", "account.*.addresses must be a list", 2 },
		{ "[account.GILLES]\naddresses = [\"b@hypno.cat\"]",
		    "account \"gilles\" exists already, on line 7", 1 },
		{ "[account.\"../x\"]", "account name \"../x\"", 1 },
		{ "[account.\".x\"]", "account name \".x\"", 1 },
		/* CFG-07 */
		{ "[alias]\na = [\"nobody\"]",
		    "alias \"a\" leads to \"nobody\", which is no account", 2 },
		{ "[alias]\na = [\"giles\"]",
		    "alias \"a\" leads to \"giles\", which is no account (did you mean "
		    "\"gilles\"?)",
		    2 },
		{ "[alias]\na = [\"x@out.example\"]",
		    "alias \"a\" leads to \"x@out.example\", which is not here", 2 },
		{ "[alias]\na = []", "alias.a is empty", 2 },
		{ "[alias]\na = \"gilles\"", "alias.a must be a list", 2 },
		{ "[alias]\n\"a@other.example\" = [\"gilles\"]",
		    "domain \"other.example\" is not configured", 2 },
		{ "[alias]\n\"gilles@hypno.cat\" = [\"gilles\"]",
		    "\"gilles@hypno.cat\" is an address of account", 2 },
		{ "[alias]\na = [\"a@hypno.cat\"]", "alias leads back to itself: a -> a", 2 },
		{ "[alias]\na = [\"b@hypno.cat\"]\nb = [\"gilles\", \"a+x@hypno.cat\"]",
		    "alias leads back to itself: a -> b -> a", 2 },
		{ "[alias]\nAB = [\"gilles\"]\nab = [\"gilles\"]",
		    "alias \"ab\" exists already, on line 10", 3 },
		{ "[smarthost]\npassword = \"x\"\nusername = \"y\"", "[smarthost] has no host", 0 },
		{ "[smarthost]\nhost = \"h.example\"\npassword = \"x\"",
		    "[smarthost] needs username and", 0 },
		{ "[smarthost]\nhost = \"h.example\"\nusername = \"u\"\npassword = \"x\"\ntls = "
		  "\"opportunistic\"",
		    "[smarthost] would send its password in the clear", 0 },
		/* filters, lists and rules */
		{ "[filter.no-rdns]\naction = \"jnk\"",
		    "filter.no-rdns.action must be \"off\", \"tag\", \"greylist\", \"junk\" or "
		    "\"reject\" (did you mean \"junk\"?)",
		    2 },
		{ "[filter.rdns-pattern]\npatterns = ['ok', '(']",
		    "filter.rdns-pattern.patterns: \"(\" is no pattern: missing closing "
		    "parenthesis, at character 2",
		    2 },
		{ "[filter.rdns-pattern]\nfile = \"not-there\"",
		    "filter.rdns-pattern.file: /tmp/not-there cannot be read", 2 },
		{ "[filter.rdns]", "unknown key \"rdns\" in [filter]", 1 },
		{ "[[allow]]\naccount = \"gilles\"", "this [[allow]] would hold for all mail", 1 },
		{ "[[allow]]\nfrom = \"nobody\"", "allow.from: \"nobody\" an address looks like",
		    2 },
		{ "[[deny]]\nip = \"192.0.2.0/33\"",
		    "deny.ip: \"192.0.2.0/33\" has too many bits behind its slash", 2 },
		{ "[[deny]]\nsubject = [\"a\", \"/(/\"]", "deny.subject: \"(\" is no pattern", 2 },
		{ "[[rule]]\nheader = \"no colon\"\naction = \"junk\"",
		    "rule.header: \"no colon\" must be \"Field: text\"", 2 },
		{ "[[rule]]\nsubject = \"x\"", "rule.action is missing", 1 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"folder\"",
		    "action \"folder\" needs folder = \"...\" beside it", 1 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"junk\"\naccount = \"nobody\"",
		    "there is no account \"nobody\"", 1 },
		/* not built yet, and said so */
		{ "[outbound]\ntls = \"x\"",
		    "this version cannot do \"outbound.tls\" yet: remove it", 2 },
		{ "vacation = \"x\"", "this version cannot do \"account.*.vacation\" yet", 1 },
		{ "[[listen]]\nservice = \"https\"", "this version cannot serve \"https\" yet", 2 },
		{ "[[listen]]\nservice = \"smtp\"\nproxy_protocol = true",
		    "this version cannot do \"listen.proxy_protocol\" yet", 3 },
		{ "[filter.reputation]\nblock_below = 101", "filter.reputation.block_below", 2 },
		/* lists in the DNS */
		{ "[filter.dnsbl]\nzone = \"x.example\"", "filter.dnsbl is a list of tables", 1 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"",
		    "filter.dnsbl.codes is missing: give the answers", 1 },
		{ "[[filter.dnsbl]]\ncodes = [\"127.0.0.2\"]", "filter.dnsbl.zone is missing", 1 },
		{ "[[filter.dnsbl]]\nzone = \"x y\"\ncodes = [\"127.0.0.2\"]",
		    "filter.dnsbl.zone: \"x y\" is no domain name", 2 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = [\"128.0.0.2\"]",
		    "filter.dnsbl.codes: \"128.0.0.2\" is no answer of a list", 3 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = [\"127.255.255.254\"]",
		    "filter.dnsbl.codes: \"127.255.255.254\" is no answer of a list", 3 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = [\"127.0.0.9-2\"]",
		    "filter.dnsbl.codes: \"127.0.0.9-2\" is no answer of a list", 3 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = [\"127.0.0.&0\"]",
		    "filter.dnsbl.codes: \"127.0.0.&0\" is no answer of a list", 3 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = [\"127.0.0.2/7\"]",
		    "filter.dnsbl.codes: \"127.0.0.2/7\" is no answer of a list", 3 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = [2]",
		    "filter.dnsbl.codes must be a list of answers", 3 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = []",
		    "filter.dnsbl.codes must be a list of answers", 3 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = { \"127.0.0.2\" = -1 }",
		    "filter.dnsbl.codes: points must be from 0 to 1000", 3 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = [\"127.0.0.2\"]\nkind = \"ip\"",
		    "filter.dnsbl.kind must be", 4 },
		{ "[[filter.dnsbl]]\nzone = \"x.example\"\ncodes = "
		  "[\"127.0.0.2\"]\n[[filter.dnsbl]]\nzone = \"X.example.\"\ncodes = "
		  "[\"127.0.0.3\"]",
		    "the list x.example is here twice, first in line", 4 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"junk\"\nforward = \"a@b.example\"",
		    "forward goes with action = \"forward\" only", 1 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"",
		    "action \"forward\" needs forward = \"...\" beside it", 1 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = "
		  "\"a@b.example\"\nfolder = \"X\"",
		    "action \"forward\" keeps mail where it is: folder goes with", 1 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = \"ann\"",
		    "rule.forward: \"ann\" an address looks like name@example.org", 4 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = \"@b.example\"",
		    "rule.forward: \"@b.example\" names nobody: give the part before the @ too", 4 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = \"a b@b.example\"",
		    "rule.forward: \"a b@b.example\" the part before the @ holds a character", 4 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = [\"a@b.example\", 1]",
		    "rule.forward must be an address, or a list of them", 4 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = [\"a@b.example\", "
		  "\"A@B.example\"]",
		    "rule.forward: \"A@B.example\" stands there twice", 4 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = [\"a@b.example\", "
		  "\"b@b.example\", \"c@b.example\", \"d@b.example\", \"e@b.example\", "
		  "\"f@b.example\", \"g@b.example\", \"h@b.example\", \"i@b.example\", "
		  "\"j@b.example\", \"k@b.example\"]",
		    "rule.forward holds more than 10 addresses", 4 },
		{ "[[rule]]\nsubject = \"x\"\naction = \"forward\"\nforward = "
		  "\"gilles+x@hypno.cat\"\naccount = \"gilles\"",
		    "rule.forward: \"gilles+x@hypno.cat\" is an address of account \"gilles\" itself",
		    1 },
		{ "[domain.\"empty.example\"]\n[[rule]]\nsubject = \"x\"\naction = "
		  "\"forward\"\nforward = \"a@empty.example\"",
		    "rule.forward: \"a@empty.example\" is an address here, and nobody has it", 2 },
		{ "[fallback]", "this version cannot do \"fallback\" yet", 1 },
		{ "[backup_mx]", "this version cannot do \"backup_mx\" yet", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf text = BUF_INIT(65536), faults = BUF_INIT(65536);
		char want[300];

		(void)buf_fmt(&text, "%s%s\n", MINIMAL, cases[i].more);
		assert_null(load_bytes(buf_slice(&text), &faults));
		if (cases[i].line > 0)
			(void)snprintf(want, sizeof(want), "%u: %s", MINIMAL_LINES + cases[i].line,
			    cases[i].fault);
		else
			(void)snprintf(want, sizeof(want), " %s", cases[i].fault);
		if (!slice_starts(buf_slice(&faults), slice_of(want)))
			fail_msg("%s\nwanted %s\ngot %s", cases[i].more, want, buf_z(&faults));
		buf_free(&text);
		buf_free(&faults);
	}
}

static void all_faults_come_at_once_by_line(void **state)
{
	struct buf faults = BUF_INIT(65536);

	(void)state;
	assert_null(load_bytes(SLICE("hostname = \"x\"\nbogus = 1\n[tls]\nacme = \"a@b.example\"\n"
				     "[log]\nlevel = 3\n[alias]\nx = [\"y\"]\n"),
	    &faults));
	assert_string_equal(buf_z(&faults),
	    " data is missing: give the folder that holds the mail\n"
	    " no domain: add [domain.\"example.org\"] with your own\n"
	    " no account: add [account.NAME], NAME being yours\n"
	    "1: hostname: \"x\" is no full host name, such as mail.example.org\n"
	    "2: unknown key \"bogus\"\n"
	    "3: tls.certificate is missing: give the file of the certificate chain\n"
	    "3: tls.key is missing: give the file of the private key\n"
	    "4: this version cannot do \"tls.acme\" yet: give certificate and key instead\n"
	    "6: log.level must be \"debug\", \"info\", \"warn\" or \"error\"\n"
	    "8: alias \"x\" leads to \"y\", which is no account\n");
	buf_free(&faults);
}

static void many_faults_are_counted(void **state)
{
	struct buf text = BUF_INIT(65536), faults = BUF_INIT(65536);
	size_t lines = 0;

	(void)state;
	(void)buf_addz(&text, MINIMAL "[limits]\n");
	for (int i = 0; i < 200; i++)
		(void)buf_fmt(&text, "nonsense%d = 1\n", i);
	assert_null(load_bytes(buf_slice(&text), &faults));
	for (size_t i = 0; i < faults.n; i++)
		lines += faults.p[i] == '\n';
	assert_int_equal(lines, L_CFG_ERRORS);
	assert_true(slice_ends(buf_slice(&faults), SLICE(" and 151 faults more\n")));
	buf_free(&text);
	buf_free(&faults);
}

static void alias_chains_have_a_depth(void **state)
{
	static const struct {
		int n;
		bool ok;
	} cases[] = { { L_ALIAS_DEPTH, true }, { L_ALIAS_DEPTH + 1, false }, { 1000, false } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (int backwards = 0; backwards < 2; backwards++) {
			struct buf text = BUF_INIT(1 << 20), faults = BUF_INIT(65536);
			struct cfg *c;

			(void)buf_addz(&text, MINIMAL "[alias]\n");
			for (int k = 0; k < cases[i].n; k++) {
				int at = backwards ? cases[i].n - 1 - k : k;

				if (at == 0)
					(void)buf_addz(&text, "a0 = [\"gilles\"]\n");
				else
					(void)buf_fmt(
					    &text, "a%d = [\"a%d@hypno.cat\"]\n", at, at - 1);
			}
			c = load_bytes(buf_slice(&text), &faults);
			if ((c != NULL) != cases[i].ok)
				fail_msg("%d: %s", cases[i].n, buf_z(&faults));
			cfg_free(c);
			buf_free(&text);
			buf_free(&faults);
		}
}

#define PEOPLE                                                                                     \
	MINIMAL "[domain.\"second.example\"]\n[domain.\"third.example\"]\n"                        \
		"[account.anna]\naddresses = [\"anna@hypno.cat\", \"a+b@hypno.cat\", "             \
		"\"anna@second.example\"]\n"                                                       \
		"[account.bob]\naddresses = [\"bob@hypno.cat\"]\n"                                 \
		"[alias]\nteam = [\"anna\", \"bob@hypno.cat\", \"anna\"]\n"                        \
		"\"all@second.example\" = [\"team@hypno.cat\", \"gilles\"]\n"                      \
		"\"abuse@second.example\" = [\"bob\"]\n\"@third.example\" = [\"bob\"]\n"

static void mail_finds_its_people(void **state)
{
	static const struct {
		struct slice local, domain;
		const char *who; /* NULL: not ours; "": nobody */
	} cases[] = {
		{ SLICE_INIT("gilles"), SLICE_INIT("hypno.cat"), "gilles" },
		{ SLICE_INIT("GILLES"), SLICE_INIT("Hypno.CAT"), "gilles" },
		{ SLICE_INIT("gilles+list"), SLICE_INIT("hypno.cat"), "gilles" },
		{ SLICE_INIT("anything"), SLICE_INIT("hypno.cat"), "gilles" },
		{ SLICE_INIT("anna+tag+more"), SLICE_INIT("hypno.cat"), "anna" },
		{ SLICE_INIT("a+b"), SLICE_INIT("hypno.cat"), "anna" },
		{ SLICE_INIT("a"), SLICE_INIT("hypno.cat"), "gilles" },
		{ SLICE_INIT("team"), SLICE_INIT("hypno.cat"), "anna bob" },
		{ SLICE_INIT("Team+x"), SLICE_INIT("second.example"), "anna bob" },
		{ SLICE_INIT("all"), SLICE_INIT("second.example"), "gilles anna bob" },
		{ SLICE_INIT("postmaster"), SLICE_INIT("second.example"), "gilles" },
		{ SLICE_INIT("Root+x"), SLICE_INIT("second.example"), "gilles" },
		{ SLICE_INIT("abuse"), SLICE_INIT("second.example"), "bob" },
		{ SLICE_INIT("abuse"), SLICE_INIT("third.example"), "gilles" },
		{ SLICE_INIT("stray"), SLICE_INIT("third.example"), "bob" },
		{ SLICE_INIT("stray"), SLICE_INIT("second.example"), "" },
		{ SLICE_INIT(""), SLICE_INIT("hypno.cat"), "" },
		{ SLICE_INIT("+x"), SLICE_INIT("second.example"), "" },
		{ SLICE_INIT("gilles"), SLICE_INIT("elsewhere.example"), NULL },
		{ SLICE_INIT("gilles"), SLICE_INIT(""), NULL },
		{ SLICE_INIT("gilles"), SLICE_INIT("sub.hypno.cat"), NULL },
	};
	struct cfg *c = load(PEOPLE);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena *a = arena_new(0);
		struct cfg_targets t = { .n = 0 };
		struct err err = { .kind = ERR_NONE };
		struct buf who = BUF_INIT(200);

		if (cfg_resolve(c, a, cases[i].local, cases[i].domain, &t, &err) == -1)
			assert_int_equal(
			    err.kind, cases[i].who == NULL ? ERR_CANNOT : ERR_NOT_FOUND);
		for (size_t k = 0; k < t.n; k++)
			(void)buf_fmt(&who, "%s%s", k > 0 ? " " : "", t.accounts[k]->name);
		assert_string_equal(buf_z(&who), cases[i].who != NULL ? cases[i].who : "");
		buf_free(&who);
		arena_free(a);
	}
	cfg_free(c);
}

static void people_write_as_themselves_only(void **state)
{
	static const struct {
		const char *login;
		struct slice local, domain;
		bool may;
	} cases[] = {
		{ "anna", SLICE_INIT("Anna"), SLICE_INIT("hypno.cat"), true },
		{ "anna", SLICE_INIT("anna+shop"), SLICE_INIT("second.example"), true },
		{ "anna", SLICE_INIT("team"), SLICE_INIT("hypno.cat"), true },
		{ "anna", SLICE_INIT("bob"), SLICE_INIT("hypno.cat"), false },
		{ "anna", SLICE_INIT("stray"), SLICE_INIT("hypno.cat"), false },
		{ "anna", SLICE_INIT("anna"), SLICE_INIT("elsewhere.example"), false },
		{ "gilles", SLICE_INIT("stray"), SLICE_INIT("hypno.cat"),
		    true }, /* his catch-all */
		{ "gilles", SLICE_INIT("bob"), SLICE_INIT("hypno.cat"),
		    false }, /* but not others' */
		{ "gilles", SLICE_INIT("postmaster"), SLICE_INIT("second.example"), true },
	};
	struct cfg *c = load(PEOPLE);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct cfg_account *acc = cfg_login(c, slice_of(cases[i].login));

		assert_non_null(acc);
		if (cfg_owns(c, acc, cases[i].local, cases[i].domain) != cases[i].may)
			fail_msg("case %zu", i);
	}
	cfg_free(c);
}

static void logins_are_names_or_addresses(void **state)
{
	static const struct {
		struct slice name;
		const char *account;
	} cases[] = {
		{ SLICE_INIT("Anna"), "anna" },
		{ SLICE_INIT("ANNA@Second.Example"), "anna" },
		{ SLICE_INIT("a+b@hypno.cat"), "anna" },
		{ SLICE_INIT("anna+x@hypno.cat"), NULL },
		{ SLICE_INIT("team@hypno.cat"), NULL },
		{ SLICE_INIT("stray@hypno.cat"), NULL },
		{ SLICE_INIT("@hypno.cat"), NULL }, /* the catch-all is no login */
		{ SLICE_INIT(""), NULL },
		{ SLICE_INIT("anna\0"), NULL },
		{ SLICE_INIT("carol"), NULL },
	};
	struct cfg *c = load(PEOPLE);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct cfg_account *acc = cfg_login(c, cases[i].name);

		if (cases[i].account == NULL)
			assert_null(acc);
		else
			assert_string_equal(acc->name, cases[i].account);
	}
	assert_true(cfg_domain_is_local(c, SLICE("HYPNO.cat")));
	assert_false(cfg_domain_is_local(c, SLICE("hypno.cat.")));
	cfg_free(c);
}

static void a_password_wants_a_private_file(void **state) /* CFG-08 */
{
	static const char text[] =
	    MINIMAL "[smarthost]\nhost = \"h.example\"\nusername = \"u\"\npassword = \"x\"\n";
	char path[] = "/tmp/pennypost-cfg-XXXXXX";
	int fd = mkstemp(path);
	struct buf faults = BUF_INIT(65536);
	struct cfg *c;

	(void)state;
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_null(cfg_load(path, keep_fault, &faults));
	assert_non_null(
	    strstr(buf_z(&faults), "holds a password that others can read: chmod 600 "));
	assert_int_equal(fchmod(fd, 0600), 0);
	(void)close(fd);
	c = cfg_load(path, keep_fault, &faults);
	assert_non_null(c);
	cfg_free(c);
	(void)unlink(path);
	buf_free(&faults);
}

static void what_is_no_file_is_refused(void **state)
{
	static const char *const paths[] = { "/nonexistent/x.toml", "/tmp", "/dev/null" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct buf faults = BUF_INIT(65536);

		assert_null(cfg_load(paths[i], keep_fault, &faults));
		assert_true(faults.n > 0);
		buf_free(&faults);
	}
}

static void count_key(
    void *self, const char *name, const char *type, const char *def, const char *help)
{
	assert_true(*name != '\0' && *type != '\0' && def != NULL && *help != '\0');
	++*(size_t *)self;
}

static void every_key_is_explained(void **state)
{
	size_t n = 0;

	(void)state;
	cfg_each_key(count_key, &n);
	assert_true(n > 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_file_is_complete),
		cmocka_unit_test(every_table_is_read),
		cmocka_unit_test(filters_and_rules_are_read),
		cmocka_unit_test(lists_are_read),
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(all_faults_come_at_once_by_line),
		cmocka_unit_test(many_faults_are_counted),
		cmocka_unit_test(alias_chains_have_a_depth),
		cmocka_unit_test(mail_finds_its_people),
		cmocka_unit_test(people_write_as_themselves_only),
		cmocka_unit_test(logins_are_names_or_addresses),
		cmocka_unit_test(a_password_wants_a_private_file),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(every_key_is_explained),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
