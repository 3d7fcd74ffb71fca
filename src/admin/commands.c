/* commands.c: which sub-command is it? One table; common options are taken out here. */
#include "admin/commands.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"

#define DEFAULT_CONFIG "/etc/pennypost/pennypost.toml"

static int cli_help(const struct command_line *cl);
static int cli_version(const struct command_line *cl);

static const struct command rows[] = {
	{ "init",
	    "--dir DIR --domain D [--hostname H] [--accounts FILE] [--listen ADDR] [--port-base N] "
	    "[--self-signed] [--dns HOST:PORT]",
	    "make a configuration, keys and folders, and say what to do next",
	    "  --dir DIR          where configuration and mail will live (made if need be)\n"
	    "  --domain D         the part of your addresses behind the @\n"
	    "  --hostname H       this machine's mail name; default mail.<domain>\n"
	    "  --accounts FILE    lines \"address password\" (the password is the rest of the "
	    "line); - reads standard input\n"
	    "  --listen ADDR      listen on this address only\n"
	    "  --port-base N      ports N+25, N+143, N+465, N+587 and N+993 instead of the "
	    "standard ones, for a trial without root\n"
	    "  --self-signed      a self-signed certificate is what you want (a trial)\n"
	    "  --dns HOST:PORT    ask this resolver, believe it, and allow private addresses (a "
	    "trial)\n",
	    cli_init },
	{ "serve", "", "run the server in the foreground; prints \"ready\" once it listens", NULL,
	    NULL },
	{ "check", "", "check configuration and data; changes nothing", NULL, cli_check },
	{ "dns", "", "print the DNS records to publish", NULL, cli_dns },
	{ "passwd", "ACCOUNT", "set a password: asked for twice, or one line of standard input",
	    NULL, cli_passwd },
	{ "queue", "list | show ID | retry ID|all | hold ID|all | release ID|all | delete ID|all",
	    "what waits to go out, and what to do with it", NULL, cli_queue },
	{ "why", "[WHAT] [--since T] [--until T] [--at T] [--max N]",
	    "what happened to mail, and why: a Message-ID, an EMAILID, an id from the log, an address, "
	    "an IP or network, or a time (\"2h\", \"2026-11-23\")",
	    "  --since T          not before: how long ago, a day, or a minute "
	    "(\"2026-11-23T10:15\", UTC)\n"
	    "  --until T          not after\n"
	    "  --at T             about then: five minutes around it; of a day all of it\n"
	    "  --max N            so many, the newest, 1000 at most; default 100\n",
	    cli_why },
	{ "explain",
	    "FILE [--account A] [--ip IP] [--helo H] [--from MAILFROM] [--offline]",
	    "what would become of this message now, and why: facts, points, verdict",
	    "  --account A        judged for this account; default the one it was delivered to\n"
	    "  --ip IP            as if this host had brought it\n"
	    "  --helo H           and called itself so\n"
	    "  --from MAILFROM    with this sender in its envelope\n"
	    "  --offline          DNS is not asked; what it would say stays unknown\n"
	    "  Without these a message that was delivered here says them itself.\n",
	    cli_explain },
	{ "replay", "[--days N]",
	    "which verdicts of the last days the configuration of -c would flip, before you apply it",
	    "  --days N           so far back, 90 at most; default 30\n"
	    "  -c is the changed file; it is compared with what the running server has.\n",
	    cli_replay },
	{ "spam",
	    "classify [FILE...] | explain FILE | train ham|spam [FILE...] | untrain [FILE...] | relearn [ACCOUNT] | export [ACCOUNT] | import FILE | stats | rules "
	    "--index FILE | eval --index FILE [--policy P]",
	    "the spam filter: ask it, teach it, measure it",
	    "  --account NAME     this account's model (default: the shared one)\n"
	    "  explain FILE       as \"pennypost explain\", with its options\n"
	    "  rules --index FILE lines \"label<TAB>path\": on how much of it each rule fires; needs no "
	    "configuration\n"
	    "  eval --index FILE  lines \"label<TAB>path\"; - reads standard input; needs no "
	    "configuration\n"
	    "  eval --policy P    toe (default), err, lazy50, lazy80 or own\n",
	    cli_spam },
	{ "quarantine", "[ACCOUNT] | release ID",
	    "mail that was refused lately, and why; release moves one to the inbox, teaches the "
	    "filter and allows its sender",
	    NULL, cli_quarantine },
	{ "expect", "DURATION | off",
	    "for that long no stranger is asked to come again: when you wait for a code", NULL,
	    cli_expect },
	{ "correspondents", "ACCOUNT [forget ADDRESS]",
	    "whom an account wrote to, and so trusts once they prove themselves", NULL,
	    cli_correspondents },
	{ "reputation", "[NET|DOMAIN] | forget NET|DOMAIN",
	    "what the mail of a network or domain was like here, from 0 (spam) to 100", NULL,
	    cli_reputation },
	{ "undelete",
	    "ACCOUNT [--folder F] [--since T] [--from X] [--subject Y] [--all] [--into FOLDER] "
	    "[--dry-run]",
	    "bring back expunged mail; with only an account: list what can come back",
	    "  --folder F         what was in this folder, a deleted one too\n"
	    "  --since T          what went within this time, such as 2d\n"
	    "  --from X           what has this in its From field\n"
	    "  --subject Y        what has this in its Subject field\n"
	    "  --all              everything\n"
	    "  --into FOLDER      into this folder; default the one it was in\n"
	    "  --dry-run          list what would come back\n",
	    cli_undelete },
	{ "trace", "ACCOUNT [--minutes N] [--off]",
	    "write down what an account's mail programs and the server say, for a while",
	    "  --minutes N        so long, 60 at most; default 10\n"
	    "  --off              no longer\n",
	    cli_trace },
	{ "status", "", "is it well? exit code 1 when something needs you", NULL, cli_status },
	{ "reload", "", "apply a changed configuration, whole or not at all", NULL, cli_reload },
	{ "version", "", "print the version", NULL, cli_version },
	{ "help", "", "print this", NULL, cli_help },
	{ .name = NULL },
};

const struct command *command_rows(void)
{
	return (rows);
}

static int cli_help(const struct command_line *cl)
{
	(void)cl;
	(void)puts(
	    "pennypost: a whole personal mail server\n\nusage: pennypost COMMAND [OPTION...]\n");
	for (const struct command *c = rows; c->name != NULL; c++)
		(void)printf("  %-8s %s\n", c->name, c->summary);
	(void)puts(
	    "\nEvery command has --help, takes -c FILE (default " DEFAULT_CONFIG ")\n"
	    "and, where it prints facts, --json. The manual: man pennypost, man pennypost.toml.");
	return (EXIT_OK);
}

static int cli_version(const struct command_line *cl)
{
	(void)cl;
	(void)puts("pennypost " PENNYPOST_VERSION);
	return (EXIT_OK);
}

static void print_help(const struct command *c)
{
	(void)printf("pennypost %s: %s\n\nusage: pennypost %s %s\n\n%s"
		     "  -c FILE            the configuration; default " DEFAULT_CONFIG "\n"
		     "  --json             facts as JSON\n",
	    c->name, c->summary, c->name, c->arguments, c->help != NULL ? c->help : "");
}

/* Takes argv[i] and the n - 1 behind it out. */
static void take_out(struct command_line *cl, int i, int n)
{
	for (int k = i; k + n < cl->argc; k++)
		cl->argv[k] = cl->argv[k + n];
	cl->argc -= n;
}

const char *command_option(struct command_line *cl, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < cl->argc; i++) {
		const char *arg = cl->argv[i], *value;

		if (strncmp(arg, name, len) != 0)
			continue;
		if (arg[len] == '=') {
			take_out(cl, i, 1);
			return (arg + len + 1);
		}
		if (arg[len] == '\0' && i + 1 < cl->argc) {
			value = cl->argv[i + 1];
			take_out(cl, i, 2);
			return (value);
		}
	}
	return (NULL);
}

bool command_flag(struct command_line *cl, const char *name)
{
	for (int i = 0; i < cl->argc; i++) {
		if (strcmp(cl->argv[i], name) == 0) {
			take_out(cl, i, 1);
			return (true);
		}
	}
	return (false);
}

int command_usage(const struct command_line *cl, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("pennypost: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fprintf(
	    stderr, "\nusage: pennypost %s %s\n", cl->command->name, cl->command->arguments);
	return (EXIT_USAGE);
}

static void print_fault(void *self, const char *text)
{
	(void)self;
	(void)fprintf(stderr, "%s\n", text);
}

struct cfg *command_cfg(const struct command_line *cl)
{
	return (cfg_load(cl->config, print_fault, NULL));
}

const struct cfg_account *command_account(
    const struct command_line *cl, const struct cfg *cfg, const char *who)
{
	const struct cfg_account *account = cfg_login(cfg, slice_of(who));

	if (account == NULL)
		(void)fprintf(stderr, "pennypost: no account \"%s\" in %s\n", who, cl->config);
	return (account);
}

int command_main(int argc, char **argv, int (*serve)(const struct command_line *cl))
{
	struct command_line cl = { .config = DEFAULT_CONFIG, .argc = argc - 2, .argv = argv + 2 };
	const char *name = argc > 1 ? argv[1] : "help", *config;

	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0)
		name = "version";
	for (const struct command *c = rows; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			cl.command = c;
	if (cl.command == NULL) {
		(void)fprintf(stderr,
		    "pennypost: there is no command \"%s\"; \"pennypost help\" lists them\n", name);
		return (EXIT_USAGE);
	}
	if (cl.argc < 0)
		cl.argc = 0;
	if (command_flag(&cl, "--help") || command_flag(&cl, "-h")) {
		print_help(cl.command);
		return (EXIT_OK);
	}
	if ((config = command_option(&cl, "-c")) != NULL)
		cl.config = config;
	cl.json = command_flag(&cl, "--json");
	/* What is not understood is not passed over: "serve --config FILE" would run another
	 * configuration than meant. */
	if (cl.command->arguments[0] == '\0' && cl.argc > 0)
		return (command_usage(&cl, "what is \"%s\"?", cl.argv[0]));
	return (cl.command->run != NULL ? cl.command->run(&cl) : serve(&cl));
}
