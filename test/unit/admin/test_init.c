/* init: what is refused before anything is written? What it makes when all is well is tested end to end, with the server it makes. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/commands.h"
#include "core/mem.h"

static char dir[] = "/tmp/pennypost-init-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return (mkdtemp(dir) == NULL || chdir(dir) == -1);
}

static int remove_dir(void **state)
{
	(void)state;
	return (chdir("/") == -1 || rmdir(dir) == -1);
}

static int never(const struct command_line *cl)
{
	(void)cl;
	fail();
	return (0);
}

static int init(const char *const *words, size_t n)
{
	char *argv[24] = { (char *)(uintptr_t) "pennypost", (char *)(uintptr_t) "init" };
	int argc = 2;

	for (size_t i = 0; i < n && words[i] != NULL; i++)
		argv[argc++] = (char *)(uintptr_t)words[i];
	return (command_main(argc, argv, never));
}

static void options_that_cannot_be_meant_are_refused(void **state)
{
	static const char *const cases[][9] = {
		{ "--domain", "example.org", "--dir", "" },
		{ "--domain", "example", "--dir", "trial" },
		{ "--domain", "exa mple.org", "--dir", "trial" },
		{ "--domain", "", "--dir", "trial" },
		{ "--domain", "example.org", "--dir", "a\"b" },
		{ "--domain", "example.org", "--dir", "a\\b" },
		{ "--domain", "example.org", "--dir", "a\nb" },
		{ "--domain", "example.org", "--dir", "trial", "--hostname", "not a name" },
		{ "--domain", "example.org", "--dir", "trial", "--port-base", "0" },
		{ "--domain", "example.org", "--dir", "trial", "--port-base", "64543" },
		{ "--domain", "example.org", "--dir", "trial", "--port-base", "-1" },
		{ "--domain", "example.org", "--dir", "trial", "--port-base", "many" },
		{ "--domain", "example.org", "--dir", "trial", "--listen", "localhost" },
		{ "--domain", "example.org", "--dir", "trial", "--dns", "resolver.example" },
		{ "--domain", "example.org", "--dir", "trial", "--selfsigned" },
		{ "--domain", "example.org", "--dir", "trial", "more" },
		{ "--domain", "example.org", "--dir", "trial", "--accounts", "not-there" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (init(cases[i], COUNT_OF(cases[i])) != EXIT_USAGE)
			fail_msg("case %zu", i);
		assert_int_equal(access("trial", F_OK), -1);
	}
}

static void accounts_that_cannot_be_meant_are_refused(void **state)
{
	static const struct slice cases[] = {
		SLICE_INIT(""),
		SLICE_INIT("# only a remark\n\n  \n"),
		SLICE_INIT("ann@example.org\n"),
		SLICE_INIT("ann@example.org \n"),
		SLICE_INIT("ann secret\n"),
		SLICE_INIT("@example.org secret\n"),
		SLICE_INIT("ann@example.net secret\n"),
		SLICE_INIT("ann@sub.example.org secret\n"),
		SLICE_INIT("../ann@example.org secret\n"),
		SLICE_INIT(".ann@example.org secret\n"),
		SLICE_INIT("a/b@example.org secret\n"),
		SLICE_INIT("a\"b@example.org secret\n"),
		SLICE_INIT("ann+tag@example.org secret\n"),
		SLICE_INIT("ann@example.org secret\nANN@Example.ORG other\n"),
	};
	static const char *const words[] = { "--domain", "example.org", "--dir", "trial",
		"--accounts", "accounts" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		FILE *f = fopen("accounts", "wb");

		assert_non_null(f);
		(void)fwrite(cases[i].p, 1, cases[i].n, f);
		assert_int_equal(fclose(f), 0);
		if (init(words, COUNT_OF(words)) != EXIT_USAGE)
			fail_msg("case %zu", i);
		assert_int_equal(access("trial", F_OK), -1);
	}
	assert_int_equal(unlink("accounts"), 0);
}

static void a_configuration_that_exists_is_left_alone(void **state)
{
	static const char *const words[] = { "--domain", "example.org", "--dir", "there" };
	char text[16] = "";
	FILE *f;

	(void)state;
	assert_int_equal(mkdir("there", 0700), 0);
	assert_non_null(f = fopen("there/pennypost.toml", "w"));
	(void)fputs("mine", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(init(words, COUNT_OF(words)), EXIT_USAGE);
	assert_non_null(f = fopen("there/pennypost.toml", "r"));
	assert_non_null(fgets(text, sizeof(text), f));
	(void)fclose(f);
	assert_string_equal(text, "mine");
	assert_int_equal(unlink("there/pennypost.toml"), 0);
	assert_int_equal(rmdir("there"), 0); /* and nothing else was made */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_that_cannot_be_meant_are_refused),
		cmocka_unit_test(accounts_that_cannot_be_meant_are_refused),
		cmocka_unit_test(a_configuration_that_exists_is_left_alone),
	};

	return (cmocka_run_group_tests(tests, make_dir, remove_dir));
}
