/* cli_undelete.c: "pennypost undelete": what can come back, and bringing it back. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <time.h>

#include "admin/client.h"
#include "core/clock.h"
#include "core/units.h"

struct wants {
	bool restores;
};

/* One line, whatever a stranger wrote into it. */
static void print_text(struct slice s, size_t most)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < most; i++, n++) {
		unsigned char ch = (unsigned char)s.p[i];

		(void)putchar(ch < 0x20 || ch == 0x7f ? ' ' : ch);
	}
	/* Not in the middle of a character. */
	for (size_t i = n; i > 0 && i < s.n && ((unsigned char)s.p[i] & 0xc0) == 0x80; i++)
		(void)putchar((unsigned char)s.p[i]);
}

static void print_message(const struct json_value *m, bool restores)
{
	time_t at = (time_t)json_as_integer(json_get(m, "expunged"));
	struct slice folder = json_text(json_get(m, restores ? "into" : "folder"));
	char when[40];
	struct tm tm;

	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime_r(&at, &tm));
	(void)printf("%s  ", when);
	print_text(folder.n > 0 ? folder : SLICE("(unknown folder)"), 200);
	(void)fputs("  ", stdout);
	print_text(json_text(json_get(m, "from")), 120);
	(void)fputs("  \"", stdout);
	print_text(json_text(json_get(m, "subject")), 200);
	(void)fputs("\"  ", stdout);
	print_text(json_text(json_get(m, "date")), 60);
	(void)putchar('\n');
}

static int show(void *self, const struct json_value *root, bool print)
{
	const struct wants *w = self;
	const struct json_value *list = json_get(root, "messages");
	const char *error = json_textz(json_get(root, "error"));
	size_t n = json_count(list);

	for (size_t i = 0; print && i < n; i++)
		print_message(json_at(list, i), w->restores);
	if (error[0] != '\0')
		(void)fprintf(stderr,
		    "pennypost: %s; %lld messages are still where they were, run it again for them\n",
		    error, (long long)json_as_integer(json_get(root, "left")));
	if (print && w->restores)
		(void)printf("%zu %s back\n", n, n == 1 ? "message came" : "messages came");
	else if (print && n == 0)
		(void)puts("nothing that can come back");
	if (!json_as_true(json_get(root, "complete")))
		(void)fputs("pennypost: there is more than one look can hold; narrow it with "
			    "--since\n",
		    stderr);
	return (error[0] != '\0' ? EXIT_TEMPORARY
		: n == 0 && w->restores ? EXIT_FOUND
					: EXIT_OK);
}

static void add_param(struct buf *path, const char *name, const char *value)
{
	if (value == NULL)
		return;
	(void)buf_fmt(path, "&%s=", name);
	(void)client_escape(path, slice_of(value));
}

int cli_undelete(const struct command_line *given)
{
	struct command_line cl = *given;
	const char *folder = command_option(&cl, "--folder"), *since = command_option(&cl, "--since"),
		   *from = command_option(&cl, "--from"), *subject = command_option(&cl, "--subject"),
		   *into = command_option(&cl, "--into");
	bool all = command_flag(&cl, "--all"), dry = command_flag(&cl, "--dry-run");
	struct wants w = { .restores =
			       !dry && (all || folder != NULL || since != NULL || from != NULL ||
					   subject != NULL) };
	struct buf path = BUF_INIT(16384);
	struct cli_request q = { .method = w.restores ? "POST" : "GET", .show = show, .self = &w };
	const struct cfg_account *account;
	char number[32];
	struct cfg *cfg;
	uint64_t ms;
	int rc;

	if (cl.argc != 1)
		return (command_usage(&cl, "say whose mail"));
	if (since != NULL && !units_duration(slice_of(since), &ms))
		return (command_usage(&cl, "--since takes a duration, such as \"2d\""));
	if (into != NULL && !w.restores)
		return (command_usage(&cl, "say which messages: --folder, --since, --from, "
					   "--subject, or --all"));
	if ((cfg = command_cfg(&cl)) == NULL)
		return (EXIT_CONFIG);
	if ((account = command_account(&cl, cfg, cl.argv[0])) == NULL) {
		cfg_free(cfg);
		return (EXIT_USAGE);
	}
	(void)buf_addz(&path, "/undelete?account=");
	(void)client_escape(&path, slice_of(account->name));
	add_param(&path, "folder", folder);
	add_param(&path, "from", from);
	add_param(&path, "subject", subject);
	if (since != NULL) {
		(void)snprintf(number, sizeof(number), "%lld",
		    (long long)(clock_wall() - (int64_t)(ms / 1000)));
		add_param(&path, "since", number);
	}
	if (w.restores) {
		add_param(&path, "into", into);
		add_param(&path, "all", all ? "1" : NULL);
	}
	q.path = buf_z(&path);
	rc = path.failed ? command_usage(&cl, "that is too much to ask at once")
			 : cli_ask(&cl, cfg, &q);
	buf_free(&path);
	cfg_free(cfg);
	return (rc);
}
