/* commands.h: the command line (DESIGN section 7): one table of sub-commands. Exit codes: 0 ok, 1
 * degraded or found something, 64 usage, 69 not running, 75 temporary, 78 configuration. */
#ifndef ADMIN_COMMANDS_H
#define ADMIN_COMMANDS_H

#include <stdbool.h>

#include "core/cfg.h"

enum {
	EXIT_OK = 0,
	EXIT_FOUND = 1,
	EXIT_USAGE = 64,
	EXIT_NOT_RUNNING = 69,
	EXIT_TEMPORARY = 75,
	EXIT_CONFIG = 78
};

struct command_line {       /* what is left after the common options */
	const char *config; /* -c FILE, or the default */
	bool json;          /* --json */
	int argc;           /* positional and own arguments, the sub-command not counted */
	char **argv;
	const struct command *command;
};

struct command {
	const char *name;
	const char *arguments; /* "[--dir DIR] ..." for the help line */
	const char *summary;   /* one line */
	const char *help;      /* the rest of --help; may be NULL */
	int (*run)(const struct command_line *cl);
};

/* command_main: finds the row and runs it. ${serve} is main.c's. */
int command_main(int argc, char **argv, int (*serve)(const struct command_line *cl));
/* For documents and their test. */
const struct command *command_rows(void); /* ends with a NULL name */

/* Helpers for the rows. */
int command_usage(const struct command_line *cl, const char *fmt, ...)
    __attribute__((format(printf, 2, 3))); /* says it on stderr, EXIT_USAGE */
/* Loads the configuration, faults to standard error; NULL: exit with EXIT_CONFIG. */
struct cfg *command_cfg(const struct command_line *cl);
/* The account of that name or address; NULL, said on standard error: exit with EXIT_USAGE. */
const struct cfg_account *command_account(
    const struct command_line *cl, const struct cfg *cfg, const char *who);
/* Takes "--name VALUE" or "--name=VALUE" out of the arguments; NULL when absent. A flag: "--name".
 */
const char *command_option(struct command_line *cl, const char *name);
bool command_flag(struct command_line *cl, const char *name);

int cli_init(const struct command_line *cl);   /* init.c */
int cli_check(const struct command_line *cl);  /* cli_check.c */
int cli_dns(const struct command_line *cl);    /* cli_check.c: the records to publish */
int cli_passwd(const struct command_line *cl); /* cli_people.c */
int cli_queue(const struct command_line *cl);  /* cli_queue.c */
int cli_why(const struct command_line *cl);    /* cli_why.c */
int cli_explain(const struct command_line *cl);
int cli_replay(const struct command_line *cl);
int cli_spam(const struct command_line *cl);   /* cli_spam.c */
int cli_status(const struct command_line *cl); /* cli_status.c */
int cli_reload(const struct command_line *cl); /* cli_status.c */
int cli_trace(const struct command_line *cl);
int cli_expect(const struct command_line *cl); /* cli_senders.c */
int cli_quarantine(const struct command_line *cl);
int cli_correspondents(const struct command_line *cl);
int cli_reputation(const struct command_line *cl);
int cli_undelete(const struct command_line *cl);

#endif
