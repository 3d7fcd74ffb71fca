/* cli_senders.c: "pennypost expect" and "pennypost correspondents": who may come in, and who is known. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/client.h"
#include "core/units.h"

static void print_time(int64_t at, const char *form)
{
	time_t t = (time_t)at;
	char when[40];
	struct tm tm;

	(void)strftime(when, sizeof(when), form, localtime_r(&t, &tm));
	(void)fputs(when, stdout);
}

static int show_door(void *self, const struct json_value *root, bool print)
{
	int64_t until = json_as_integer(json_get(root, "until"));

	(void)self;
	if (!print)
		return (EXIT_OK);
	if (until == 0)
		(void)puts("strangers are asked to come again, as the score says");
	else {
		(void)fputs("until ", stdout);
		print_time(until, "%H:%M:%S");
		(void)puts(" nobody is asked to come again");
	}
	return (EXIT_OK);
}

int cli_expect(const struct command_line *cl)
{
	struct cli_request q = { .method = "POST", .show = show_door };
	struct cfg *cfg;
	uint64_t ms = 0;
	char path[64];
	int rc;

	if (cl->argc != 1 ||
	    (strcmp(cl->argv[0], "off") != 0 && !units_duration(slice_of(cl->argv[0]), &ms)))
		return (command_usage(cl, "say for how long, such as 10m, or off"));
	if ((cfg = command_cfg(cl)) == NULL)
		return (EXIT_CONFIG);
	(void)snprintf(path, sizeof(path), "/expect?for=%llu", (unsigned long long)ms);
	q.path = path;
	rc = cli_ask(cl, cfg, &q);
	cfg_free(cfg);
	return (rc);
}

static int show_known(void *self, const struct json_value *root, bool print)
{
	(void)self;
	for (size_t i = 0; print && i < json_count(root); i++) {
		const struct json_value *k = json_at(root, i);

		print_time(json_as_integer(json_get(k, "last")), "%Y-%m-%d");
		(void)printf("  %6lld  %s\n", (long long)json_as_integer(json_get(k, "letters")),
		    json_textz(json_get(k, "address")));
	}
	if (print && json_count(root) == 0)
		(void)puts("this account has written to nobody yet");
	return (EXIT_OK);
}

static int show_forgotten(void *self, const struct json_value *root, bool print)
{
	(void)self;
	if (print)
		(void)printf("%s is a stranger again\n", json_textz(json_get(root, "forgotten")));
	return (EXIT_OK);
}

int cli_correspondents(const struct command_line *cl)
{
	bool forget = cl->argc == 3 && strcmp(cl->argv[1], "forget") == 0;
	struct cli_request q = { .method = forget ? "POST" : "GET",
		.show = forget ? show_forgotten : show_known };
	const struct cfg_account *account;
	struct buf path = BUF_INIT(4096);
	struct cfg *cfg;
	int rc;

	if (cl->argc != 1 && !forget)
		return (command_usage(cl, "say whose, and whom to forget if anybody"));
	if ((cfg = command_cfg(cl)) == NULL)
		return (EXIT_CONFIG);
	if ((account = command_account(cl, cfg, cl->argv[0])) == NULL) {
		cfg_free(cfg);
		return (EXIT_USAGE);
	}
	(void)buf_addz(&path, "/correspondents/");
	(void)client_escape(&path, slice_of(account->name));
	if (forget) {
		(void)buf_addz(&path, "/forget?address=");
		(void)client_escape(&path, slice_of(cl->argv[2]));
	}
	q.path = buf_z(&path);
	rc = cli_ask(cl, cfg, &q);
	buf_free(&path);
	cfg_free(cfg);
	return (rc);
}
