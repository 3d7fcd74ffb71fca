/* cli_explain.c: "pennypost explain FILE": what would become of this message, and why? In words. */
#include "admin/cli_ask.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/client.h"
#include "core/limits.h"

static void print_pair(const char *what, struct slice s)
{
	if (s.n > 0)
		(void)printf("    %-14s %.*s\n", what, SLICE_ARG(s));
}

static void print_key(const struct json_value *v, const char *key, const char *what)
{
	print_pair(what, json_text(json_get(v, key)));
}

static void print_delivered(const struct json_value *v)
{
	time_t at = (time_t)json_as_integer(json_get(v, "at"));
	char when[40];
	struct tm tm;

	if (json_get(v, "told") == NULL)
		return;
	(void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", localtime_r(&at, &tm));
	(void)printf(
	    "delivered here %s, and said then:\n    %s\n", when, json_textz(json_get(v, "told")));
}

static void print_proofs(const struct json_value *v)
{
	const struct json_value *dkim = json_get(v, "dkim");

	(void)puts("what the sender proved");
	if (json_get(v, "spf") == NULL) {
		(void)puts("    nobody was asked");
		return;
	}
	(void)printf("    %-14s %s for %s%s%s\n", "SPF", json_textz(json_get(v, "spf")),
	    json_text(json_get(v, "spf_domain")).n > 0 ? json_textz(json_get(v, "spf_domain"))
						       : "no domain",
	    json_text(json_get(v, "spf_why")).n > 0 ? ": " : "",
	    json_textz(json_get(v, "spf_why")));
	for (size_t i = 0; i < json_count(dkim); i++) {
		const struct json_value *one = json_at(dkim, i);
		const char *why = json_textz(json_get(one, "why"));

		(void)printf("    %-14s %s for %s%s%s\n", "DKIM",
		    json_textz(json_get(one, "result")), json_textz(json_get(one, "domain")),
		    *why != '\0' ? ": " : "", why);
	}
	(void)printf("    %-14s %s for %s, which asks for %s\n", "DMARC",
	    json_textz(json_get(v, "dmarc")), json_textz(json_get(v, "dmarc_from")),
	    json_textz(json_get(v, "dmarc_policy")));
	print_key(v, "arc", "ARC");
}

/* "yes", "no" or "not known", a fact a line. */
static void print_facts(const struct json_value *v)
{
	const struct json_value *value;
	const char *name;
	void *at = NULL;

	(void)puts("facts");
	while (v != NULL && json_next(v, &at, &name, &value)) {
		if (json_text(value).n > 0)
			print_pair(name, json_text(value));
		else if (strcmp(name, "bayes") == 0 || strcmp(name, "confidence") == 0)
			(void)printf("    %-14s %.4f\n", name, json_as_number(value));
		else if (strcmp(name, "reputation") == 0)
			(void)printf(
			    "    %-14s %lld\n", name, (long long)json_as_integer(value));
		else if (json_count(value) > 0)
			for (size_t i = 0; i < json_count(value); i++)
				print_pair(name, json_text(json_at(value, i)));
		else if (strcmp(name, "proved") != 0 && strcmp(name, "from") != 0)
			print_pair(name,
			    json_as_true(value)       ? SLICE("yes")
				: json_as_null(value) ? SLICE("not known")
						      : SLICE("no"));
	}
}

static void print_words(const struct json_value *v, const char *title)
{
	if (json_count(v) == 0)
		return;
	(void)printf("%s (pull; messages of ham and of spam that had it)\n", title);
	for (size_t i = 0; i < json_count(v); i++) {
		const struct json_value *w = json_at(v, i);

		(void)printf("    %+6.2f %7.1f %7.1f  %s\n", json_as_number(json_get(w, "pull")),
		    json_as_number(json_get(w, "ham")), json_as_number(json_get(w, "spam")),
		    json_textz(json_get(w, "word")));
	}
}

static void print_verdict(const struct json_value *root)
{
	const struct json_value *points = json_get(root, "points"),
				*notes = json_get(root, "notes");

	(void)puts("points");
	for (size_t i = 0; i < json_count(points); i++)
		(void)printf("    %+6.1f %s\n",
		    json_as_number(json_get(json_at(points, i), "points")),
		    json_textz(json_get(json_at(points, i), "rule")));
	for (size_t i = 0; i < json_count(notes); i++)
		(void)printf("           %s\n", json_textz(json_at(notes, i)));
	(void)printf("verdict: %s, score %.1f\n", json_textz(json_get(root, "verdict")),
	    json_as_number(json_get(root, "score")));
	print_key(root, "refused", "because");
	print_key(root, "folder", "folder");
	print_key(root, "flag", "flag");
	print_key(root, "forward", "forward a copy to");
	print_key(root, "reply", "the peer hears");
}

static int show(void *self, const struct json_value *root, bool print)
{
	(void)self;
	if (!print)
		return (EXIT_OK);
	print_delivered(json_get(root, "delivered"));
	(void)puts("envelope");
	print_key(root, "account", "account");
	print_key(root, "peer", "peer");
	print_key(root, "reverse_name", "reverse name");
	print_key(root, "helo", "HELO");
	print_key(root, "mail_from", "sender");
	print_key(root, "rcpt", "recipient");
	print_proofs(json_get(root, "proofs"));
	print_facts(json_get(root, "facts"));
	print_words(json_get(root, "words_for_spam"), "words that speak for spam");
	print_words(json_get(root, "words_for_ham"), "words that speak for ham");
	print_verdict(root);
	return (EXIT_OK);
}

static void add_param(struct buf *path, const char *name, const char *value)
{
	if (value == NULL)
		return;
	(void)buf_fmt(path, "%s=", name);
	(void)client_escape(path, slice_of(value));
	(void)buf_addc(path, '&');
}

int cli_explain_file(const struct command_line *given, const char *account)
{
	static const char *const options[][2] = { { "--ip", "ip" }, { "--helo", "helo" },
		{ "--from", "from" } };
	struct command_line cl = *given;
	struct buf path = BUF_INIT(16384), message = BUF_INIT((size_t)L_HTTP_MESSAGE);
	struct cfg *cfg = NULL;
	struct err err;
	int rc;

	(void)buf_addz(&path, "/explain?");
	add_param(&path, "account", account);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		add_param(&path, options[i][1], command_option(&cl, options[i][0]));
	add_param(&path, "offline", command_flag(&cl, "--offline") ? "1" : NULL);
	if (cl.argc != 1) {
		rc = command_usage(&cl, "say which file; - reads standard input");
	} else if (cli_read_file(cl.argv[0], &message, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		rc = EXIT_TEMPORARY;
	} else if ((cfg = command_cfg(&cl)) == NULL) {
		rc = EXIT_CONFIG;
	} else {
		rc = cli_ask(&cl, cfg,
		    &(struct cli_request){ .method = "POST",
			.path = buf_z(&path),
			.body = buf_slice(&message),
			.show = show });
	}
	buf_free(&path);
	buf_free(&message);
	cfg_free(cfg);
	return (rc);
}

int cli_explain(const struct command_line *given)
{
	struct command_line cl = *given;
	const char *account = command_option(&cl, "--account");

	return (cli_explain_file(&cl, account));
}
