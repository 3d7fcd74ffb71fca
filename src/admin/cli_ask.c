/* cli_ask.c: how does a command ask and show? One request to the server, or to the store when none
 * runs, and then the answer: its words when refused, as it is with --json, else as the command
 * prints it. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <string.h>

#include "admin/client.h"

int cli_ask(const struct command_line *cl, const struct cfg *cfg, const struct cli_request *q)
{
	struct client_answer answer;
	struct json_doc *doc;
	struct err err;
	int rc;

	if (client_ask_or_do(cfg, q->method, q->path, q->body, &answer, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		return (EXIT_TEMPORARY);
	}
	if (answer.status != 200) {
		rc = client_complain(&answer);
	} else {
		doc = json_read(buf_slice(&answer.body), NULL);
		if (cl->json)
			(void)fwrite(answer.body.p, 1, answer.body.n, stdout);
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
