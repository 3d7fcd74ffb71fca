/* cli_quarantine.c: "pennypost quarantine": refused mail that waits, and letting it out. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/client.h"

static void print_text(const struct json_value *m, const char *key, size_t most)
{
	struct slice s = slice_head(json_text(json_get(m, key)), most);

	(void)printf("%.*s", SLICE_ARG(s));
}

static void print_message(const struct json_value *m)
{
	time_t at = (time_t)json_as_integer(json_get(m, "refused"));
	char when[40];
	struct tm tm;

	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime_r(&at, &tm));
	print_text(m, "id", 200);
	(void)printf("  %s  ", when);
	print_text(m, "from", 120);
	(void)fputs("  \"", stdout);
	print_text(m, "subject", 200);
	(void)fputs("\"\n    ", stdout);
	print_text(m, "why", 400);
	(void)putchar('\n');
}

static int show_list(void *self, const struct json_value *root, bool print)
{
	const struct json_value *list = json_get(root, "messages");
	size_t n = json_count(list);

	(void)self;
	for (size_t i = 0; print && i < n; i++)
		print_message(json_at(list, i));
	if (print && n == 0)
		(void)puts("nothing waits in Quarantine");
	else if (print)
		(void)puts("pennypost quarantine release ID moves one to the inbox");
	if (!json_as_true(json_get(root, "complete")))
		(void)fputs("pennypost: there is more; older mail is in the folder itself\n", stderr);
	return (EXIT_OK);
}

static int show_released(void *self, const struct json_value *root, bool print)
{
	const struct json_value *m = json_at(json_get(root, "released"), 0);

	(void)self;
	if (!print)
		return (EXIT_OK);
	print_text(m, "id", 200);
	(void)fputs(" is in INBOX, and the filter learned that such mail is wanted\n", stdout);
	if (json_text(json_get(m, "sender_proved")).n == 0) {
		(void)puts("its sender was not proved, so nobody was allowed: an [[allow]] with ip or "
			   "domain would do that");
		return (EXIT_OK);
	}
	print_text(m, "sender_proved", 400);
	(void)puts(" is a known correspondent from now on; pennypost correspondents can undo that");
	return (EXIT_OK);
}

/* "ann/17": false when it is none. */
static bool read_id(const char *id, struct slice *ret_account, uint64_t *ret_uid)
{
	struct slice number;

	return (slice_cut(slice_of(id), '/', ret_account, &number) && ret_account->n > 0 &&
	    slice_u64(number, UINT32_MAX, ret_uid) && *ret_uid != 0);
}

int cli_quarantine(const struct command_line *cl)
{
	bool release = cl->argc == 2 && strcmp(cl->argv[0], "release") == 0;
	struct cli_request q = { .method = release ? "POST" : "GET",
		.show = release ? show_released : show_list };
	const struct cfg_account *account;
	struct buf path = BUF_INIT(4096);
	struct slice whose = { 0 };
	struct cfg *cfg;
	uint64_t uid = 0;
	int rc = EXIT_USAGE;

	if (cl->argc > 1 && !release)
		return (command_usage(cl, "say whose mail, or release and which"));
	if (release && !read_id(cl->argv[1], &whose, &uid))
		return (command_usage(cl, "an id is as the list shows it, such as ann/17"));
	if ((cfg = command_cfg(cl)) == NULL)
		return (EXIT_CONFIG);
	if (release) {
		(void)buf_addz(&path, "/quarantine/");
		(void)client_escape(&path, whose);
		(void)buf_fmt(&path, "/%llu/release", (unsigned long long)uid);
	} else {
		(void)buf_addz(&path, "/quarantine");
		if (cl->argc == 1) {
			if ((account = command_account(cl, cfg, cl->argv[0])) == NULL)
				goto end;
			(void)buf_addz(&path, "?account=");
			(void)client_escape(&path, slice_of(account->name));
		}
	}
	q.path = buf_z(&path);
	rc = cli_ask(cl, cfg, &q);
end:
	buf_free(&path);
	cfg_free(cfg);
	return (rc);
}
