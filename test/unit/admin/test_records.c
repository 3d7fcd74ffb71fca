/* records: can the printed records be published as they are? */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/records.h"
#include "core/mem.h"
#include "dkim/sign.h"

static char dir[] = "/tmp/pennypost-records-XXXXXX";

static struct cfg_domain domain = { .name = SLICE_INIT("example.org") };
static const struct cfg cfg = { .hostname = "mail.example.org", .domains = &domain };

static void remove_key(void *self, const char *name, const char *value)
{
	char path[512];
	const char *dot = strchr(name, '.');

	(void)self;
	(void)snprintf(path, sizeof(path), "dkim/example.org/%.*s.%s.pem", (int)(dot - name), name,
	    strstr(value, "k=rsa") != NULL ? "rsa" : "ed25519");
	assert_int_equal(unlink(path), 0);
}

static int make_keys(void **state)
{
	struct err err;

	(void)state;
	return (mkdtemp(dir) == NULL || chdir(dir) == -1 || mkdir("dkim", 0700) == -1 ||
	    dkim_keys_make("example.org", "20261123", &err) == -1);
}

static int remove_keys(void **state)
{
	struct dkim_keys *keys = dkim_keys_load("example.org", NULL, NULL);

	(void)state;
	if (keys != NULL)
		dkim_keys_each(keys, remove_key, NULL);
	dkim_keys_free(keys);
	return (rmdir("dkim/example.org") == -1 || rmdir("dkim") == -1 || chdir("/") == -1 ||
	    rmdir(dir) == -1);
}

/* The strings between quotes on the line that begins with ${name}, each checked, joined. */
static void strings_of(const char *all, const char *name, struct buf *ret)
{
	const char *at = strstr(all, name), *end, *close;

	assert_non_null(at);
	end = strchr(at, '\n');
	assert_non_null(end);
	while ((at = memchr(at, '"', (size_t)(end - at))) != NULL) {
		close = memchr(at + 1, '"', (size_t)(end - at - 1));
		assert_non_null(close);
		assert_true(close - at - 1 <= 255); /* RFC 1035 3.3: a character string */
		(void)buf_add(ret, at + 1, (size_t)(close - at - 1));
		at = close + 1;
	}
}

struct wanted {
	const char *text;
	unsigned seen;
};

static void key_is_there_whole(void *self, const char *name, const char *value)
{
	struct wanted *w = self;
	struct buf joined = BUF_INIT(4096);

	strings_of(w->text, name, &joined);
	assert_string_equal(buf_z(&joined), value);
	buf_free(&joined);
	w->seen++;
}

static void every_key_is_published_in_strings_that_fit(void **state)
{
	struct buf out = BUF_INIT(65536);
	struct wanted w = { 0 };
	struct dkim_keys *keys;
	struct err err;

	(void)state;
	assert_int_equal(records_write(&out, &cfg, "example.org", &err), 0);
	w.text = buf_z(&out);
	keys = dkim_keys_load("example.org", NULL, &err);
	assert_non_null(keys);
	dkim_keys_each(keys, key_is_there_whole, &w);
	dkim_keys_free(keys);
	assert_int_equal(w.seen, 2); /* RSA and Ed25519 */
	buf_free(&out);
}

static void mail_is_sent_to_this_host(void **state)
{
	struct buf out = BUF_INIT(65536);
	struct err err;
	const char *z;

	(void)state;
	assert_int_equal(records_write(&out, &cfg, "example.org", &err), 0);
	z = buf_z(&out);
	assert_non_null(strstr(z, "\nexample.org. IN MX 10 mail.example.org.\n"));
	assert_non_null(strstr(z, "\nexample.org. IN TXT \"v=spf1 mx -all\"\n"));
	assert_non_null(strstr(z,
	    "\n_dmarc.example.org. IN TXT \"v=DMARC1; p=none; "
	    "rua=mailto:postmaster@example.org\"\n"));
	buf_free(&out);
}

static void only_the_chosen_selector_is_published(void **state)
{
	struct buf out = BUF_INIT(65536);
	struct err err;

	(void)state;
	domain.dkim_selector = "20261123e";
	assert_int_equal(records_write(&out, &cfg, "example.org", &err), 0);
	domain.dkim_selector = NULL;
	assert_non_null(strstr(buf_z(&out), "20261123e._domainkey"));
	assert_null(strstr(buf_z(&out), "20261123r._domainkey"));
	buf_free(&out);
}

static void missing_keys_are_a_fault(void **state)
{
	struct buf out = BUF_INIT(65536);
	struct err err;

	(void)state;
	assert_int_equal(records_write(&out, &cfg, "elsewhere.example", &err), -1);
	assert_true(strlen(err.text) > 0);
	buf_free(&out);
}

static void what_is_too_long_is_not_cut_silently(void **state)
{
	struct buf out = BUF_INIT(300);
	struct err err;

	(void)state;
	assert_int_equal(records_write(&out, &cfg, "example.org", &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	buf_free(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_published_in_strings_that_fit),
		cmocka_unit_test(mail_is_sent_to_this_host),
		cmocka_unit_test(only_the_chosen_selector_is_published),
		cmocka_unit_test(missing_keys_are_a_fault),
		cmocka_unit_test(what_is_too_long_is_not_cut_silently),
	};

	return (cmocka_run_group_tests(tests, make_keys, remove_keys));
}
