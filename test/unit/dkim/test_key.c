/* Keys on disk: made once, private, and nothing but a whole set of good keys is used. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dkim/sign.h"

#define RSA_FILE "dkim/example.org/20261123r.rsa.pem"
#define ED_FILE "dkim/example.org/20261123e.ed25519.pem"

static int into_a_new_folder(void **state)
{
	char dir[] = "/tmp/pennypost-dkim-XXXXXX";

	(void)state;
	return (mkdtemp(dir) == NULL || chdir(dir) == -1 ? -1 : 0);
}

static void count(void *self, const char *name, const char *value)
{
	int *n = self;

	if (strcmp(name, "20261123r._domainkey.example.org") == 0) {
		assert_int_equal(strncmp(value, "v=DKIM1; k=rsa; p=MIIB", 22), 0);
		*n += 1;
	}
	if (strcmp(name, "20261123e._domainkey.example.org") == 0) {
		assert_int_equal(strlen(value), strlen("v=DKIM1; k=ed25519; p=") + 44);
		*n += 10;
	}
}

static void keys_are_made_once_and_private(void **state)
{
	struct err err = { 0 };
	struct dkim_keys *ks;
	struct stat st;
	int n = 0;

	(void)state;
	assert_null(dkim_keys_load("example.org", NULL, &err));
	assert_int_equal(err.kind, ERR_TEMPORARY);
	assert_int_equal(dkim_keys_make("example.org", "20261123", &err), 0);
	assert_int_equal(stat(RSA_FILE, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(ED_FILE, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(dkim_keys_make("example.org", "20261123", &err), -1);
	assert_int_equal(err.kind, ERR_EXISTS);
	assert_int_equal(dkim_keys_make("../x", "20261123", &err), -1);
	assert_non_null(ks = dkim_keys_load("example.org", NULL, &err));
	dkim_keys_each(ks, count, &n);
	assert_int_equal(n, 11);
	dkim_keys_free(ks);
	assert_non_null(ks = dkim_keys_load("example.org", "20261123e", &err));
	n = 0;
	dkim_keys_each(ks, count, &n);
	assert_int_equal(n, 10);
	dkim_keys_free(ks);
	assert_null(dkim_keys_load("example.org", "other", &err));
	dkim_keys_free(NULL);
}

static void refused(const char *what)
{
	struct err err = { 0 };

	assert_null(dkim_keys_load("example.org", NULL, &err));
	if (err.kind != ERR_TEMPORARY)
		fail_msg("%s", what);
}

static void a_bad_key_stops_signing(void **state) /* AUT-26 */
{
	FILE *f;

	(void)state;
	assert_int_equal(chmod(RSA_FILE, 0640), 0);
	refused("readable by the group");
	assert_int_equal(chmod(RSA_FILE, 0600), 0);
	assert_int_equal(rename(ED_FILE, "dkim/example.org/x.rsa.pem"), 0);
	refused("wrong type");
	assert_int_equal(rename("dkim/example.org/x.rsa.pem", ED_FILE), 0);
	assert_non_null(f = fopen("dkim/example.org/z.rsa.pem", "w"));
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	(void)fputs("rubbish\n", f);
	(void)fclose(f);
	refused("rubbish");
	assert_int_equal(unlink("dkim/example.org/z.rsa.pem"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_made_once_and_private),
		cmocka_unit_test(a_bad_key_stops_signing),
	};

	return (cmocka_run_group_tests(tests, into_a_new_folder, NULL));
}
