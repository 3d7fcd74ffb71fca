/* cli_replay.c: "pennypost replay -c NEW.toml": which verdicts a changed configuration would flip. The
 * running server judges, for it knows the configuration in force, what happened, and the mail. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <time.h>

#include "admin/client.h"
#include "core/limits.h"

static void print_text(const struct json_value *v, const char *key, const char *before)
{
	struct slice s = json_text(json_get(v, key));

	if (s.n > 0)
		(void)printf("%s%.*s", before, SLICE_ARG(s));
}

static void print_verdict(const struct json_value *v)
{
	print_text(v, "act", "");
	print_text(v, "folder", " in ");
	print_text(v, "flag", " flagged ");
	print_text(v, "forward", " forwarded to ");
}

static void print_row(const struct json_value *row)
{
	time_t at = (time_t)json_as_integer(json_get(row, "at"));
	char when[40];
	struct tm tm;

	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime_r(&at, &tm));
	(void)printf("%s  ", when);
	print_verdict(json_get(row, "was"));
	(void)printf(" -> ");
	print_verdict(json_get(row, "would"));
	print_text(row, "rcpt", "  for ");
	print_text(row, "header_from", "  from ");
	print_text(row, "subject", "  \"");
	(void)printf("%s  (", json_text(json_get(row, "subject")).n > 0 ? "\"" : "");
	print_text(json_get(row, "would"), "why", "");
	(void)puts(")");
}

static int show(void *self, const struct json_value *root, bool print)
{
	const struct json_value *rows = json_get(root, "rows"),
				*changes = json_get(root, "changes");
	long long flips = (long long)json_as_integer(json_get(root, "flips"));

	(void)self;
	for (size_t i = 0; print && i < json_count(rows); i++)
		print_row(json_at(rows, i));
	for (size_t i = 0; print && i < json_count(changes); i++)
		(void)printf("%lld from %s to %s\n",
		    (long long)json_as_integer(json_get(json_at(changes, i), "messages")),
		    json_textz(json_get(json_at(changes, i), "was")),
		    json_textz(json_get(json_at(changes, i), "would")));
	if (print)
		(void)printf(
		    "%lld of %lld judged messages would be decided otherwise; of %lld it cannot be "
		    "told\n",
		    flips, (long long)json_as_integer(json_get(root, "judged")),
		    (long long)json_as_integer(json_get(root, "unknown")));
	return (flips > 0 ? EXIT_FOUND : EXIT_OK);
}

int cli_replay(const struct command_line *given)
{
	struct command_line cl = *given;
	const char *days = command_option(&cl, "--days");
	struct buf path = BUF_INIT(16384), text = BUF_INIT(L_TOML);
	struct cfg *cfg = NULL;
	struct err err;
	int rc;

	if (cl.argc != 0) {
		rc = command_usage(&cl, "what is \"%s\"?", cl.argv[0]);
	} else if ((cfg = command_cfg(&cl)) == NULL) {
		rc = EXIT_CONFIG;
	} else if (cli_read_file(cfg->path, &text, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		rc = EXIT_TEMPORARY;
	} else {
		(void)buf_fmt(&path, "/replay?path=");
		(void)client_escape(&path, slice_of(cfg->path));
		(void)buf_addz(&path, "&days=");
		(void)client_escape(&path, slice_of(days != NULL ? days : "30"));
		rc = cli_ask(&cl, cfg,
		    &(struct cli_request){ .method = "POST",
			.path = buf_z(&path),
			.body = buf_slice(&text),
			.needs_server = ", and replay compares with what it has",
			.show = show });
	}
	buf_free(&path);
	buf_free(&text);
	cfg_free(cfg);
	return (rc);
}
