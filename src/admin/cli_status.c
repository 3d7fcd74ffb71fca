/* cli_status.c: "pennypost status" and "pennypost reload". */
#include "admin/commands.h"

#include <stdio.h>
#include <time.h>

#include "admin/client.h"
#include "core/json_read.h"
#include "core/units.h"

static void print_group(const char *name, const struct json_value *group)
{
	const struct json_value *value;
	const char *key;
	void *at = NULL;

	(void)printf("%-10s", name);
	while (json_next(group, &at, &key, &value))
		(void)printf(" %s %lld", key, (long long)json_as_integer(value));
	(void)putchar('\n');
}

static void print_search(const struct json_value *accounts)
{
	const struct json_value *s;
	const char *name;
	void *at = NULL;

	while (json_next(accounts, &at, &name, &s)) {
		(void)printf("%-10s %s: %s, %lld of %lld messages, %.1f MiB", "search", name,
		    json_textz(json_get(s, "state")),
		    (long long)json_as_integer(json_get(s, "messages_done")),
		    (long long)json_as_integer(json_get(s, "messages")),
		    (double)json_as_integer(json_get(s, "octets")) / 1048576.0);
		if (json_get(s, "why") != NULL)
			(void)printf(": %s", json_textz(json_get(s, "why")));
		(void)putchar('\n');
	}
}

static void print_period(const char *name, const struct json_value *seconds)
{
	int64_t n = json_as_integer(seconds);
	struct buf text = BUF_INIT(64);

	(void)units_add_duration(&text, (uint64_t)n * 1000);
	(void)printf(" %s %s", name, n == 0 ? "off" : buf_z(&text));
	buf_free(&text);
}

static void print_expire(const struct json_value *e)
{
	const struct json_value *own;
	const char *account;
	void *at = NULL;

	(void)printf("%-10s", "expire");
	print_period("junk", json_get(e, "junk"));
	print_period("trash", json_get(e, "trash"));
	print_period("undelete", json_get(e, "undelete"));
	while (json_next(json_get(e, "accounts"), &at, &account, &own)) {
		(void)printf("; %s", account);
		print_period("junk", json_get(own, "junk"));
		print_period("trash", json_get(own, "trash"));
	}
	(void)putchar('\n');
	if (json_as_integer(json_get(e, "held")) > 0)
		(void)printf(
		    "%-10s nothing goes for %lld h yet: the clock moved, or was not looked "
		    "at before\n",
		    "", (long long)(json_as_integer(json_get(e, "held")) + 3599) / 3600);
}

static void print_trace(const struct json_value *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json_value *t = json_at(list, i);
		time_t until = (time_t)json_as_integer(json_get(t, "until"));
		char when[40];
		struct tm tm;

		(void)strftime(when, sizeof(when), "%H:%M", localtime_r(&until, &tm));
		(void)printf("%-10s %s: on until %s, %lld files in run/trace\n", "trace",
		    json_textz(json_get(t, "account")), when,
		    (long long)json_as_integer(json_get(t, "files")));
	}
}

static void print_lists(const struct json_value *list)
{
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json_value *l = json_at(list, i), *why = json_get(l, "why");

		(void)printf("%-10s %s (%s): %s, asked %lld, listed %lld, unknown %lld%s%s\n",
		    "list", json_textz(json_get(l, "zone")), json_textz(json_get(l, "kind")),
		    json_textz(json_get(l, "state")),
		    (long long)json_as_integer(json_get(l, "asked")),
		    (long long)json_as_integer(json_get(l, "listed")),
		    (long long)json_as_integer(json_get(l, "unknown")),
		    json_as_null(why) ? "" : ": ", json_as_null(why) ? "" : json_textz(why));
	}
}

static int print_status(const struct client_answer *answer)
{
	struct err err;
	struct json_doc *doc = json_read(buf_slice(&answer->body), &err);
	const struct json_value *root = json_root(doc), *degraded = json_get(root, "degraded"),
				*delay = json_get(root, "loop_delay_ms");
	static const char *const groups[] = { "queue", "smtp", "sender", "imap", "connections" };
	size_t reasons = json_count(degraded);

	if (doc == NULL) {
		(void)fprintf(
		    stderr, "pennypost: the server's status cannot be read: %s\n", err.text);
		return (EXIT_TEMPORARY);
	}
	(void)printf("%-10s %s, version %s\n", "server",
	    json_as_true(json_get(root, "ready")) ? "ready" : "starting",
	    json_textz(json_get(root, "version")));
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (json_get(root, groups[i]) != NULL)
			print_group(groups[i], json_get(root, groups[i]));
	print_search(json_get(root, "search"));
	print_expire(json_get(root, "expire"));
	print_trace(json_get(root, "trace"));
	print_lists(json_get(root, "lists"));
	(void)printf("%-10s max %.1f ms, 99.9 %% under %.1f ms\n", "loop",
	    json_as_number(json_get(delay, "max")), json_as_number(json_get(delay, "p999")));
	for (size_t i = 0; i < reasons; i++)
		(void)printf("%-10s %s\n", "degraded", json_textz(json_at(degraded, i)));
	if (reasons == 0)
		(void)puts("all is well");
	json_doc_free(doc);
	return (reasons > 0 ? EXIT_FOUND : EXIT_OK);
}

int cli_status(const struct command_line *cl)
{
	struct cfg *cfg = command_cfg(cl);
	struct client_answer answer;
	struct err err;
	int rc;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	if (client_ask(cfg, "GET", "/status.json", SLICE(""), &answer, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		rc = err.kind == ERR_NOT_FOUND ? EXIT_NOT_RUNNING : EXIT_TEMPORARY;
	} else if (answer.status != 200) {
		rc = client_complain(&answer);
		buf_free(&answer.body);
	} else {
		struct json_doc *doc = cl->json ? json_read(buf_slice(&answer.body), NULL) : NULL;

		if (cl->json)
			(void)fwrite(answer.body.p, 1, answer.body.n, stdout);
		rc = !cl->json                                             ? print_status(&answer)
		    : json_count(json_get(json_root(doc), "degraded")) > 0 ? EXIT_FOUND
									   : EXIT_OK;
		json_doc_free(doc);
		buf_free(&answer.body);
	}
	cfg_free(cfg);
	return (rc);
}

int cli_reload(const struct command_line *cl)
{
	struct cfg *cfg =
	    command_cfg(cl); /* the new file: a fault is told here, before the server is asked */
	struct client_answer answer;
	struct err err;
	int rc;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	if (client_ask(cfg, "POST", "/reload", SLICE(""), &answer, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		rc = err.kind == ERR_NOT_FOUND ? EXIT_NOT_RUNNING : EXIT_TEMPORARY;
	} else {
		rc = answer.status == 200 ? EXIT_OK : EXIT_CONFIG;
		if (rc == EXIT_OK && cl->json)
			(void)fwrite(answer.body.p, 1, answer.body.n, stdout);
		else if (rc == EXIT_OK)
			(void)puts("reloaded");
		else
			(void)client_complain(&answer);
		buf_free(&answer.body);
	}
	cfg_free(cfg);
	return (rc);
}
