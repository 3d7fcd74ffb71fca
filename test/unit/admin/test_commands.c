/* commands: which command is it, which options were given, and what is the exit code? */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "admin/commands.h"
#include "core/mem.h"

static char *arguments[16];

static struct command_line line_of(const char *const *words)
{
	struct command_line cl = { .argv = arguments };

	while (words[cl.argc] != NULL) {
		arguments[cl.argc] =
		    (char *)(uintptr_t)words[cl.argc]; /* argv is never written through */
		cl.argc++;
	}
	arguments[cl.argc] = NULL;
	return (cl);
}

static void an_option_is_taken_out_with_its_value(void **state)
{
	static const struct {
		const char *in[6], *value, *left[6];
	} cases[] = {
		{ { "--dir", "x" }, "x", { NULL } },
		{ { "--dir=x" }, "x", { NULL } },
		{ { "--dir=" }, "", { NULL } },
		{ { "--dir=a=b" }, "a=b", { NULL } },
		{ { "a", "--dir", "x", "b" }, "x", { "a", "b" } },
		{ { "--dir", "--self-signed" }, "--self-signed", { NULL } },
		{ { "--dir" }, NULL,
		    { "--dir" } }, /* no value: left for the command to complain about */
		{ { "--directory", "x" }, NULL, { "--directory", "x" } },
		{ { "--di", "x" }, NULL, { "--di", "x" } },
		{ { "-dir", "x" }, NULL, { "-dir", "x" } },
		{ { "--dir", "1", "--dir", "2" }, "1", { "--dir", "2" } },
		{ { NULL }, NULL, { NULL } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct command_line cl = line_of(cases[i].in);
		const char *value = command_option(&cl, "--dir");
		int n = 0;

		if (cases[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
		for (; cases[i].left[n] != NULL; n++)
			assert_string_equal(cl.argv[n], cases[i].left[n]);
		assert_int_equal(cl.argc, n);
	}
}

static void a_flag_is_taken_out_alone(void **state)
{
	static const struct {
		const char *in[6];
		bool there;
		int left;
	} cases[] = {
		{ { "--json" }, true, 0 },
		{ { "a", "--json", "b" }, true, 2 },
		{ { "--json=yes" }, false, 1 },
		{ { "--jso" }, false, 1 },
		{ { NULL }, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct command_line cl = line_of(cases[i].in);

		assert_int_equal(command_flag(&cl, "--json"), cases[i].there);
		assert_int_equal(cl.argc, cases[i].left);
	}
}

static int served;

static int serve(const struct command_line *cl)
{
	served++;
	assert_string_equal(cl->config, "other.toml");
	assert_int_equal(cl->argc, 0);
	return (7);
}

static int run(const char *const *words)
{
	struct command_line cl = line_of(words);

	return (command_main(cl.argc, cl.argv, serve));
}

static void the_common_options_are_everywhere(void **state)
{
	static const char *const with[] = { "pennypost", "serve", "-c", "other.toml", NULL };
	static const char *const json[] = { "pennypost", "serve", "--json", "-c=other.toml", NULL };

	(void)state;
	served = 0;
	assert_int_equal(run(with), 7);
	assert_int_equal(run(json), 7);
	assert_int_equal(served, 2);
}

static void every_command_explains_itself_and_does_nothing_else(void **state)
{
	(void)state;
	served = 0;
	for (const struct command *c = command_rows(); c->name != NULL; c++) {
		const char *const words[] = { "pennypost", c->name, "-c", "not-there.toml",
			"--help", NULL };

		assert_int_equal(run(words), EXIT_OK);
	}
	assert_int_equal(served, 0);
}

static void what_cannot_be_understood_is_a_usage_fault(void **state)
{
	static const char *const cases[][6] = {
		{ "pennypost", "sevre" },
		{ "pennypost", "" },
		{ "pennypost", "why" },
		{ "pennypost", "why", "a", "b" },
		{ "pennypost", "passwd" },
		{ "pennypost", "queue", "burn", "all" },
		{ "pennypost", "queue", "delete" },
		{ "pennypost", "queue", "list", "all" },
		{ "pennypost", "spam" },
		{ "pennypost", "spam", "train", "maybe" },
		{ "pennypost", "spam", "eval" },
		{ "pennypost", "spam", "stats", "x" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(run(cases[i]), EXIT_USAGE);
}

static void a_configuration_that_is_not_there_is_told_apart(void **state)
{
	static const char *const names[] = { "check", "dns", "status", "reload", "why", "queue" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		const char *const words[] = { "pennypost", names[i], "-c",
			"/nonexistent/pennypost.toml", strcmp(names[i], "why") == 0 ? "2h" : NULL,
			NULL };

		assert_int_equal(run(words), EXIT_CONFIG);
	}
}

static void help_and_version_need_nothing(void **state)
{
	static const char *const cases[][3] = { { "pennypost" }, { "pennypost", "help" },
		{ "pennypost", "--help" }, { "pennypost", "-h" }, { "pennypost", "version" },
		{ "pennypost", "--version" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(run(cases[i]), EXIT_OK);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_is_taken_out_with_its_value),
		cmocka_unit_test(a_flag_is_taken_out_alone),
		cmocka_unit_test(the_common_options_are_everywhere),
		cmocka_unit_test(every_command_explains_itself_and_does_nothing_else),
		cmocka_unit_test(what_cannot_be_understood_is_a_usage_fault),
		cmocka_unit_test(a_configuration_that_is_not_there_is_told_apart),
		cmocka_unit_test(help_and_version_need_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
