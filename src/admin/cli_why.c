/* cli_why.c: "pennypost why WHAT": the ledger in words. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <time.h>

#include "admin/client.h"

static void print_text(
    const struct json_value *row, const char *key, const char *before, const char *after)
{
	struct slice s = json_text(json_get(row, key));

	if (s.n > 0)
		(void)printf("%s%.*s%s", before, SLICE_ARG(s), after);
}

/* Of mail that was refused, and of what a rule sends on. */
static void print_copies(const struct json_value *row)
{
	struct json_doc *facts = json_read(json_text(json_get(row, "facts")), NULL);

	if (facts != NULL) {
		print_text(json_root(facts), "quarantine", "    copy in Quarantine: ", "\n");
		print_text(json_root(facts), "no_copy", "    no copy was kept: ", "\n");
		print_text(json_root(facts), "forwarded", "    forwarded to ", "\n");
		print_text(json_root(facts), "not_forwarded", "    not forwarded: ", "\n");
	}
	json_doc_free(facts);
}

static void print_row(const struct json_value *row)
{
	time_t at = (time_t)json_as_integer(json_get(row, "at"));
	char when[40];
	struct tm tm;

	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&at, &tm));
	(void)printf("%s  %s", when, json_textz(json_get(row, "act")));
	print_text(row, "rcpt", " for <", ">");
	print_text(row, "folder", " in ", "");
	print_text(row, "mail_from", ", from <", ">");
	(void)putchar('\n');
	print_text(row, "header_from", "    From: ", "\n");
	print_text(row, "subject", "    Subject: ", "\n");
	print_text(row, "message_id", "    Message-ID: ", "\n");
	print_text(row, "email_id", "    EMAILID: ", "\n");
	print_text(row, "peer", "    peer ", "");
	print_text(row, "helo", " calling itself ", "");
	print_text(row, "rdns", ", reverse name ", "");
	print_text(row, "session", " (session ", ")");
	if (json_text(json_get(row, "peer")).n > 0)
		(void)putchar('\n');
	if (json_get(row, "score") != NULL) {
		(void)printf("    score %.1f", json_as_number(json_get(row, "score")));
		print_text(row, "points", ": ", "");
		(void)putchar('\n');
	}
	print_text(row, "reply", "    told: ", "\n");
	print_copies(row);
}

static int show_rows(void *self, const struct json_value *root, bool print)
{
	(void)self;
	for (size_t i = 0; print && i < json_count(root); i++)
		print_row(json_at(root, i));
	if (json_count(root) > 0)
		return (EXIT_OK);
	(void)fprintf(stderr, "pennypost: nothing is known of that in the last 90 days\n");
	return (EXIT_FOUND);
}

int cli_why(const struct command_line *given)
{
	static const char *const options[][2] = { { "--since", "since" }, { "--until", "until" },
		{ "--at", "at" }, { "--max", "max" } };
	struct command_line cl = *given;
	struct buf path = BUF_INIT(16384);
	struct cfg *cfg = NULL;
	bool bounded = false;
	int rc;

	(void)buf_addz(&path, "/ledger?");
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const char *value = command_option(&cl, options[i][0]);

		if (value == NULL)
			continue;
		bounded = bounded || i < 3;
		(void)buf_fmt(&path, "%s=", options[i][1]);
		(void)client_escape(&path, slice_of(value));
		(void)buf_addc(&path, '&');
	}
	(void)buf_addz(&path, "what=");
	if (cl.argc == 1)
		(void)client_escape(&path, slice_of(cl.argv[0]));
	if (cl.argc > 1 || (cl.argc == 0 && !bounded))
		rc = command_usage(&cl,
		    "say which mail: its Message-ID or EMAILID, an id from the log, an address, an "
		    "IP or a network, or a time");
	else if ((cfg = command_cfg(&cl)) == NULL)
		rc = EXIT_CONFIG;
	else
		rc = cli_ask(&cl, cfg,
		    &(struct cli_request){
			.method = "GET", .path = buf_z(&path), .show = show_rows });
	buf_free(&path);
	cfg_free(cfg);
	return (rc);
}
