/* cli_check.c: "pennypost check" (changes nothing, CFG-10) and "pennypost dns". */
#include "admin/commands.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/records.h"
#include "core/clock.h"
#include "core/json.h"
#include "core/tls.h"
#include "dkim/sign.h"

static int fault(const char *what)
{
	(void)fprintf(stderr, "pennypost: %s\n", what);
	return (EXIT_FOUND);
}

static int check_tls(const struct cfg *cfg)
{
	struct err err;
	struct tls *tls = tls_server_new(cfg->tls.certificate, cfg->tls.key, NULL, &err);
	long long days;
	int rc = EXIT_OK;

	if (tls == NULL)
		return (fault(err.text));
	days = (tls_expires(tls) - (long long)clock_wall()) / 86400;
	if (days < 14) {
		(void)fprintf(stderr, "pennypost: the certificate %s %s; renew it\n",
		    cfg->tls.certificate, days < 0 ? "has expired" : "expires within 14 days");
		rc = EXIT_FOUND;
	}
	tls_free(tls);
	return (rc);
}

static int check_keys(const struct cfg *cfg)
{
	int rc = EXIT_OK;

	for (const struct cfg_domain *d = cfg->domains; d != NULL; d = d->next) {
		struct err err;
		struct dkim_keys *keys = dkim_keys_load(d->name.p, d->dkim_selector, &err);

		if (keys == NULL)
			rc = fault(err.text);
		dkim_keys_free(keys);
	}
	return (rc);
}

static void print_check(const struct command_line *cl, const struct cfg *cfg,
    bool well) /* what is not is told in words beside it */
{
	struct buf out = BUF_INIT(1 << 16);
	struct json j;

	json_begin(&j, &out);
	json_open(&j, NULL, '{');
	json_put_stringz(&j, "config", cl->config);
	json_put_stringz(&j, "hostname", cfg->hostname);
	json_put_bool(&j, "well", well);
	json_close(&j, '}');
	(void)puts(buf_z(&out));
	buf_free(&out);
}

int cli_check(const struct command_line *cl)
{
	struct cfg *cfg = command_cfg(cl);
	struct stat st;
	int rc;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	rc = check_tls(cfg);
	if (chdir(cfg->data) == -1 || stat("mail", &st) == -1)
		rc = fault("there is no data yet: \"pennypost serve\" makes it, or \"pennypost "
			   "init\" made another folder");
	else if (st.st_uid != geteuid() && geteuid() != 0)
		rc = fault("the data folder belongs to another user; run as that user");
	else if (check_keys(cfg) != EXIT_OK)
		rc = EXIT_FOUND;
	if (cl->json)
		print_check(cl, cfg, rc == EXIT_OK);
	else if (rc == EXIT_OK)
		(void)printf("%s is well: %s\n", cl->config, cfg->hostname);
	cfg_free(cfg);
	return (rc);
}

static void add_json(void *self, const char *name, const char *type, const char *value)
{
	struct json *j = self;

	json_open(j, NULL, '{');
	json_put_stringz(j, "name", name);
	json_put_stringz(j, "type", type);
	json_put_stringz(j, "value", value);
	json_close(j, '}');
}

int cli_dns(const struct command_line *cl)
{
	struct cfg *cfg = command_cfg(cl);
	struct buf out = BUF_INIT(1 << 20);
	struct err err;
	struct json j;
	int rc = EXIT_OK;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	if (chdir(cfg->data) == -1)
		rc = fault("the data folder cannot be entered; run as its owner");
	json_begin(&j, &out);
	if (cl->json)
		json_open(&j, NULL, '[');
	for (const struct cfg_domain *d = cfg->domains; rc == EXIT_OK && d != NULL; d = d->next)
		if ((cl->json ? records_each(cfg, d->name.p, add_json, &j, &err)
			      : records_write(&out, cfg, d->name.p, &err)) == -1)
			rc = fault(err.text);
	if (cl->json) {
		json_close(&j, ']');
		(void)buf_addc(&out, '\n');
	}
	if (out.n > 0)
		(void)fputs(buf_z(&out), stdout);
	buf_free(&out);
	cfg_free(cfg);
	return (rc);
}
