/* cli_ask.c: how does a command ask and show? One request to the server, or to the store when none
 * runs, and then the answer: its words when refused, as it is with --json, else as the command
 * prints it, without what a terminal would obey. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <string.h>

#include "admin/client.h"

/* Most of what is shown was written by strangers, and a terminal obeys some of it: in the text of the
 * answer, where a control is an escape of JSON (RFC 8259 7) or two octets of UTF-8, each becomes a mark or
 * blanks, so that it can neither act nor begin a line of its own. */
static void defuse(struct buf *json)
{
	for (size_t i = 0; i + 1 < json->n; i++) {
		char *p = json->p + i;

		if (p[0] == '\xc2' && (unsigned char)p[1] >= 0x80 && (unsigned char)p[1] < 0xa0) {
			memcpy(p, "??", 2);
		} else if (p[0] == '\\') {
			if (p[1] == 'n' || p[1] == 'r' || p[1] == 't')
				memcpy(p, "  ", 2);
			else if (p[1] == 'u' && i + 6 <= json->n &&
			    (memcmp(p + 2, "000", 3) == 0 || memcmp(p + 2, "001", 3) == 0 ||
				memcmp(p + 2, "007f", 4) == 0))
				memcpy(p + 2, "003f", 4);
			i++; /* what is escaped is no escape */
		}
	}
}

static int ask(const struct cfg *cfg, const struct cli_request *q, struct client_answer *ret,
    struct err *err)
{
	if (q->needs_server == NULL)
		return (client_ask_or_do(cfg, q->method, q->path, q->body, ret, err));
	return (client_ask(cfg, q->method, q->path, q->body, ret, err));
}

static int complain(const struct cli_request *q, const struct err *err)
{
	bool alone = q->needs_server != NULL && err->kind == ERR_NOT_FOUND;

	(void)fprintf(stderr, "pennypost: %s%s\n", err->text, alone ? q->needs_server : "");
	return (alone ? EXIT_NOT_RUNNING : EXIT_TEMPORARY);
}

int cli_ask(const struct command_line *cl, const struct cfg *cfg, const struct cli_request *q)
{
	struct client_answer answer;
	struct json_doc *doc;
	struct err err;
	int rc;

	if (ask(cfg, q, &answer, &err) == -1)
		return (complain(q, &err));
	if (answer.status != 200) {
		rc = client_complain(&answer);
	} else {
		if (cl->json)
			(void)fwrite(answer.body.p, 1, answer.body.n, stdout);
		else
			defuse(&answer.body);
		doc = json_read(buf_slice(&answer.body), NULL);
		rc = q->show(q->self, json_root(doc), !cl->json);
		json_doc_free(doc);
	}
	buf_free(&answer.body);
	return (rc);
}

int cli_read_file(const char *path, struct buf *out, struct err *err)
{
	bool standard = path == NULL || strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "rb");
	size_t n;
	char *at;

	if (f == NULL)
		return (err_errno(err, "open %s", path));
	do {
		if ((at = buf_room(out, 65536)) == NULL)
			break;
		n = fread(at, 1, 65536, f);
		buf_grew(out, n);
	} while (n > 0);
	if (out->failed)
		(void)err_set(err, ERR_LIMIT, "%s is larger than any message may be",
		    standard ? "standard input" : path);
	else if (ferror(f))
		(void)err_errno(err, "read %s", standard ? "standard input" : path);
	else
		err->kind = ERR_NONE;
	if (!standard)
		(void)fclose(f);
	return (err->kind == ERR_NONE ? 0 : -1);
}
