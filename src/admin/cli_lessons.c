/* cli_lessons.c: "pennypost spam export", to standard output as it is kept, and "pennypost spam import". */
#include "admin/cli_lessons.h"

#include <stdio.h>

#include "admin/cli_ask.h"
#include "admin/client.h"
#include "core/limits.h"

static int fetch(const struct cfg *cfg, const char *path)
{
	struct client_answer answer;
	struct err err;
	int rc = EXIT_OK;

	if (client_ask_or_do(cfg, "GET", path, (struct slice){ 0 }, &answer, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		return (EXIT_TEMPORARY);
	}
	if (answer.status != 200) {
		rc = client_complain(&answer);
	} else if (fwrite(answer.body.p, 1, answer.body.n, stdout) != answer.body.n ||
	    fflush(stdout) != 0) {
		perror("pennypost: write the lessons");
		rc = EXIT_TEMPORARY;
	}
	buf_free(&answer.body);
	return (rc);
}

int cli_lessons_export(const struct command_line *cl, const char *account)
{
	struct buf path = BUF_INIT(1024);
	struct cfg *cfg = command_cfg(cl);
	const struct cfg_account *a = NULL;
	int rc = EXIT_USAGE;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	(void)buf_addz(&path, "/spam/lessons");
	if (account == NULL || (a = command_account(cl, cfg, account)) != NULL) {
		if (a != NULL) {
			(void)buf_addz(&path, "?account=");
			(void)client_escape(&path, slice_of(a->name));
		}
		rc = fetch(cfg, buf_z(&path));
	}
	buf_free(&path);
	cfg_free(cfg);
	return (rc);
}

static int show_imported(void *self, const struct json_value *root, bool print)
{
	long long lessons = (long long)json_as_integer(json_get(root, "lessons"));
	long long found = (long long)json_as_integer(json_get(root, "found"));

	(void)self;
	if (!print)
		return (EXIT_OK);
	(void)printf("learned %lld of %lld lessons", found, lessons);
	if (found < lessons)
		(void)printf("; the messages of the other %lld are not in these accounts",
		    lessons - found);
	(void)putchar('\n');
	return (EXIT_OK);
}

int cli_lessons_import(const struct command_line *cl, const char *file)
{
	struct buf text = BUF_INIT((size_t)L_HTTP_MESSAGE);
	struct cfg *cfg;
	struct err err;
	int rc = EXIT_TEMPORARY;

	if (cli_read_file(file, &text, &err) == -1) { /* before asking enters the data folder */
		(void)fprintf(stderr, "pennypost: %s\n",
		    err.kind == ERR_LIMIT ? "the file is too large: import account by account" : err.text);
	} else if ((cfg = command_cfg(cl)) == NULL) {
		rc = EXIT_CONFIG;
	} else {
		rc = cli_ask(cl, cfg,
		    &(struct cli_request){ .method = "POST",
			.path = "/spam/lessons",
			.body = buf_slice(&text),
			.needs_server = "; start it, and import again",
			.show = show_imported });
		cfg_free(cfg);
	}
	buf_free(&text);
	return (rc);
}
