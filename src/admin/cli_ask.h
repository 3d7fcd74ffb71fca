/* cli_ask.h: one request of a command, asked and shown. */
#ifndef ADMIN_CLI_ASK_H
#define ADMIN_CLI_ASK_H

#include "admin/commands.h"
#include "core/buf.h"
#include "core/json_read.h"

struct cli_request {
	const char *method, *path;
	struct slice body; /* borrowed */
	/* NULL: without a server the store is opened here. Else that is EXIT_NOT_RUNNING, and how the words
	 * "no server is running in DATA" go on. */
	const char *needs_server;
	/* Prints the answer when told to, and says the exit code. */
	int (*show)(void *self, const struct json_value *root, bool print);
	void *self;
};

/* cli_ask: enters the data folder. Returns the exit code; what went wrong is told on standard
 * error. */
int cli_ask(const struct command_line *cl, const struct cfg *cfg, const struct cli_request *q);

/* What "explain" does, under whatever command; ${account} may be NULL: the one it was delivered to. */
int cli_explain_file(const struct command_line *cl, const char *account);

/* A whole file, "-" or NULL: standard input; ERR_LIMIT when it is more than ${out} takes. */
int cli_read_file(const char *path, struct buf *out, struct err *err);

#endif
