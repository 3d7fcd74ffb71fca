/* cli_spam.c: "pennypost spam ...": the filter from the command line. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/cli_lessons.h"
#include "admin/client.h"
#include "core/limits.h"

/* self: the file's name as given */
static int show_classified(void *self, const struct json_value *v, bool print)
{
	const struct json_value *points = json_get(v, "points");

	if (!print)
		return (EXIT_OK);
	(void)printf("%s: %s, score %.1f, probability %.4f%s\n", (const char *)self,
	    json_textz(json_get(v, "verdict")), json_as_number(json_get(v, "score")),
	    json_as_number(json_get(v, "probability")),
	    json_as_true(json_get(v, "learned")) ? "" : " (nothing learned yet)");
	for (size_t i = 0; i < json_count(points); i++)
		(void)printf("    %+5.1f %s\n",
		    json_as_number(json_get(json_at(points, i), "points")),
		    json_textz(json_get(json_at(points, i), "rule")));
	return (EXIT_OK);
}

static int show_learned(void *self, const struct json_value *v, bool print)
{
	if (print)
		(void)printf("%s: %s\n", (const char *)self,
		    json_as_true(json_get(v, "changed")) ? "learned" : "known already");
	return (EXIT_OK);
}

static int show_stats(void *self, const struct json_value *v, bool print)
{
	(void)self;
	if (print)
		(void)printf("%lld ham and %lld spam learned, %lld features\n",
		    (long long)json_as_integer(json_get(v, "ham")),
		    (long long)json_as_integer(json_get(v, "spam")),
		    (long long)json_as_integer(json_get(v, "features")));
	return (EXIT_OK);
}

/* self: the account's name */
static int show_relearned(void *self, const struct json_value *v, bool print)
{
	long long lessons = json_as_integer(json_get(v, "lessons"));
	long long counted = json_as_integer(json_get(v, "counted"));

	if (!print)
		return (EXIT_OK);
	(void)printf("%s: learned again from %lld of %lld lessons%s\n", (const char *)self, counted,
	    lessons, counted < lessons ? "; the messages of the others are gone" : "");
	return (EXIT_OK);
}

static int spam_relearn(const struct command_line *cl, const char *only)
{
	struct cfg *cfg = command_cfg(cl);
	int rc = EXIT_OK;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	for (const struct cfg_account *a = cfg->accounts; a != NULL && rc == EXIT_OK; a = a->next) {
		struct buf path = BUF_INIT(1024);
		struct cli_request q = {
			.method = "POST", .show = show_relearned, .self = (void *)(uintptr_t)a->name
		};

		if (only != NULL && strcmp(only, a->name) != 0)
			continue;
		(void)buf_addz(&path, "/spam/relearn?account=");
		(void)client_escape(&path, slice_of(a->name));
		q.path = buf_z(&path);
		rc = cli_ask(cl, cfg, &q);
		buf_free(&path);
		if (only != NULL)
			only = "";
	}
	cfg_free(cfg);
	if (only != NULL && only[0] != '\0')
		return (command_usage(cl, "there is no such account in the configuration"));
	return (rc);
}

/* One request per file; the body is the message. Relative names start at ${origin}: asking enters
 * the data folder. */
static int one_file(const struct command_line *cl, const struct cfg *cfg, const char *origin,
    const char *file, struct cli_request *q)
{
	struct buf message = BUF_INIT((size_t)L_SIZE * 2), full = BUF_INIT(8192);
	struct err err;
	int rc = EXIT_TEMPORARY;

	if (file[0] != '/' && strcmp(file, "-") != 0)
		(void)buf_fmt(&full, "%s/%s", origin != NULL ? origin : ".", file);
	if (cli_read_file(full.n > 0 ? buf_z(&full) : file, &message, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
	} else {
		q->body = buf_slice(&message);
		q->self = (void *)(uintptr_t)file;
		rc = cli_ask(cl, cfg, q);
	}
	buf_free(&full);
	buf_free(&message);
	return (rc);
}

static int each_file(const struct command_line *cl, int first, const char *path, bool classify)
{
	struct cli_request q = {
		.method = "POST", .path = path, .show = classify ? show_classified : show_learned
	};
	struct cfg *cfg = command_cfg(cl);
	char *origin = realpath(".", NULL);
	int rc = EXIT_OK, one;

	if (cfg == NULL) {
		free(origin);
		return (EXIT_CONFIG);
	}
	for (int i = first; i < cl->argc || i == first; i++) {
		one = one_file(cl, cfg, origin, i < cl->argc ? cl->argv[i] : "-", &q);
		if (one != EXIT_OK)
			rc = one;
		if (one == EXIT_TEMPORARY)
			break;
	}
	free(origin);
	cfg_free(cfg);
	return (rc);
}

static int spam_stats(const struct command_line *cl, const char *account)
{
	struct buf path = BUF_INIT(1024);
	struct cfg *cfg = command_cfg(cl);
	int rc;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	(void)buf_addz(&path, "/spam/stats?account=");
	(void)client_escape(&path, slice_of(account));
	rc = cli_ask(cl, cfg,
	    &(struct cli_request){ .method = "GET", .path = buf_z(&path), .show = show_stats });
	buf_free(&path);
	cfg_free(cfg);
	return (rc);
}

int cli_spam(const struct command_line *given)
{
	struct command_line cl = *given;
	const char *account = command_option(&cl, "--account");
	struct eval_options eval = { .index = command_option(&cl, "--index"),
		.policy = command_option(&cl, "--policy") };
	const char *verb = cl.argc > 0 ? cl.argv[0] : "", *as = cl.argc > 1 ? cl.argv[1] : "";
	struct buf path = BUF_INIT(1024);
	int rc;

	if (strcmp(verb, "rules") == 0) {
		if (eval.index == NULL || cl.argc != 1)
			return (command_usage(&cl, "rules needs --index FILE"));
		return (spam_measure(eval.index));
	}
	if (strcmp(verb, "eval") == 0) {
		if (eval.index == NULL || cl.argc != 1)
			return (command_usage(&cl, "eval needs --index FILE"));
		return (spam_eval(&eval));
	}
	if (strcmp(verb, "stats") == 0 && cl.argc == 1)
		return (spam_stats(&cl, account != NULL ? account : ""));
	if (strcmp(verb, "export") == 0 && cl.argc <= 2)
		return (cli_lessons_export(&cl, cl.argc == 2 ? cl.argv[1] : account));
	if (strcmp(verb, "import") == 0 && cl.argc == 2)
		return (cli_lessons_import(&cl, cl.argv[1]));
	if (strcmp(verb, "relearn") == 0 && cl.argc <= 2)
		return (spam_relearn(&cl, cl.argc == 2 ? cl.argv[1] : account));
	if (strcmp(verb, "explain") == 0) {
		cl.argv++;
		cl.argc--;
		return (cli_explain_file(&cl, account));
	}
	(void)buf_addz(&path, strcmp(verb, "classify") == 0 ? "/spam/classify?" : "/spam/learn?");
	if (account != NULL) {
		(void)buf_addz(&path, "account=");
		(void)client_escape(&path, slice_of(account));
		(void)buf_addc(&path, '&');
	}
	if (strcmp(verb, "classify") == 0) {
		rc = each_file(&cl, 1, buf_z(&path), true);
	} else if (strcmp(verb, "train") == 0 &&
	    (strcmp(as, "ham") == 0 || strcmp(as, "spam") == 0)) {
		(void)buf_fmt(&path, "class=%s", as);
		rc = each_file(&cl, 2, buf_z(&path), false);
	} else if (strcmp(verb, "untrain") == 0) {
		(void)buf_addz(&path, "class=none");
		rc = each_file(&cl, 1, buf_z(&path), false);
	} else {
		rc = command_usage(
		    &cl, "say classify, explain, train ham, train spam, untrain, relearn, export, import FILE, stats, rules or eval");
	}
	buf_free(&path);
	return (rc);
}
