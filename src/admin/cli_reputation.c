/* cli_reputation.c: "pennypost reputation": what the mail of a network or domain was like here. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <string.h>

#include "admin/client.h"

static void print_row(const struct json_value *row)
{
	const struct json_value *score = json_get(row, "score");
	char text[24] = "-";

	if (!json_as_null(score))
		(void)snprintf(text, sizeof(text), "%lld", (long long)json_as_integer(score));
	(void)printf("%5s  %8.1f  %5.1f %%  %s%s\n", text, json_as_number(json_get(row, "messages")),
	    json_as_number(json_get(row, "spam")) * 100, json_textz(json_get(row, "of")),
	    json_as_true(json_get(row, "friend")) ? "  (a correspondent writes from there)" : "");
}

static int show_known(void *self, const struct json_value *root, bool print)
{
	(void)self;
	if (!print)
		return (EXIT_OK);
	if (json_count(root) == 0)
		(void)puts("nothing is known yet");
	else
		(void)puts("score  messages     spam  of");
	for (size_t i = 0; i < json_count(root); i++)
		print_row(json_at(root, i));
	return (EXIT_OK);
}

static int show_forgotten(void *self, const struct json_value *root, bool print)
{
	(void)self;
	if (print)
		(void)printf("%s is unknown again\n", json_textz(json_get(root, "forgotten")));
	return (EXIT_OK);
}

int cli_reputation(const struct command_line *cl)
{
	bool forget = cl->argc == 2 && strcmp(cl->argv[0], "forget") == 0;
	struct cli_request q = { .method = forget ? "POST" : "GET",
		.show = forget ? show_forgotten : show_known };
	struct buf path = BUF_INIT(4096);
	struct cfg *cfg;
	int rc;

	if (cl->argc > 1 && !forget)
		return (command_usage(cl, "say which network or domain, and whether to forget it"));
	if ((cfg = command_cfg(cl)) == NULL)
		return (EXIT_CONFIG);
	(void)buf_addz(&path, forget ? "/reputation/forget" : "/reputation");
	if (cl->argc > 0) {
		(void)buf_addz(&path, "?of=");
		(void)client_escape(&path, slice_of(cl->argv[cl->argc - 1]));
	}
	q.path = buf_z(&path);
	rc = cli_ask(cl, cfg, &q);
	buf_free(&path);
	cfg_free(cfg);
	return (rc);
}
