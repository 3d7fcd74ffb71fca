/* client.h: ask the running server, or, when none runs, the store itself: the same request either
 * way. Blocking; for commands. */
#ifndef ADMIN_CLIENT_H
#define ADMIN_CLIENT_H

#include "admin/ops.h"
#include "core/cfg.h"

struct client_answer {
	int status;      /* HTTP */
	struct buf body; /* owned: buf_free */
};

/* client_ask: over DATA/run/status.sock. -1 with ERR_NOT_FOUND: no server is running there. Enters
 * the data folder (the socket is reached by its relative path). */
int client_ask(const struct cfg *cfg, const char *method, const char *path, struct slice body,
    struct client_answer *ret, struct err *err);
/* client_ask_or_do: the same, and without a server the store is opened here. */
int client_ask_or_do(const struct cfg *cfg, const char *method, const char *path, struct slice body,
    struct client_answer *ret, struct err *err);
/* local.c: opens the store (ERR_BUSY: somebody has it), the classifier when ${path} needs it, does
 * the request, closes. */
int local_do(const struct cfg *cfg, const char *method, const char *path, struct slice body,
    struct client_answer *ret, struct err *err);
/* Percent-encodes for a path segment or query value. */
int client_escape(struct buf *out, struct slice s);
/* What a command does with an answer that is not 200: prints {"error": ...}'s words to standard
 * error, returns the exit code. */
int client_complain(const struct client_answer *answer);

#endif
