/* cli_check.c: "pennypost check" (changes nothing, CFG-10) and "pennypost dns". */
#include "admin/commands.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/records.h"
#include "core/clock.h"
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
		(void)fprintf(stderr, "pennypost: the certificate %s %s; renew it\n", cfg->tls.certificate,
		    days < 0 ? "has expired" : "expires within 14 days");
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

int cli_check(const struct command_line *cl)
{
	struct cfg *cfg = command_cfg(cl);
	struct stat st;
	int rc;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	rc = check_tls(cfg);
	if (chdir(cfg->data) == -1 || stat("mail", &st) == -1)
		rc = fault("there is no data yet: \"pennypost serve\" makes it, or \"pennypost init\" made another folder");
	else if (st.st_uid != geteuid() && geteuid() != 0)
		rc = fault("the data folder belongs to another user; run as that user");
	else if (check_keys(cfg) != EXIT_OK)
		rc = EXIT_FOUND;
	if (rc == EXIT_OK)
		(void)printf("%s is well: %s\n", cl->config, cfg->hostname);
	cfg_free(cfg);
	return (rc);
}

int cli_dns(const struct command_line *cl)
{
	struct cfg *cfg = command_cfg(cl);
	struct buf out = BUF_INIT(1 << 20);
	struct err err;
	int rc = EXIT_OK;

	if (cfg == NULL)
		return (EXIT_CONFIG);
	if (chdir(cfg->data) == -1)
		rc = fault("the data folder cannot be entered; run as its owner");
	for (const struct cfg_domain *d = cfg->domains; rc == EXIT_OK && d != NULL; d = d->next)
		if (records_write(&out, cfg, d->name.p, &err) == -1)
			rc = fault(err.text);
	if (out.n > 0)
		(void)fputs(buf_z(&out), stdout);
	buf_free(&out);
	cfg_free(cfg);
	return (rc);
}
