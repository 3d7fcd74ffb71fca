/* init.c: from nothing to a server that can start: configuration, keys, certificate, accounts. An
 * existing folder is fine, an existing configuration is refused; the configuration appears last, so
 * a failed init can be run again. */
#include "admin/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "admin/client.h"
#include "admin/records.h"
#include "core/clock.h"
#include "core/domain.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/secret.h"
#include "core/tls.h"
#include "dkim/sign.h"

enum { ACCOUNTS_MAX = 1000, ACCOUNTS_TEXT = 1 << 20 };

struct init_account {
	struct slice address, name, password; /* name: lower-case local part */
};

struct init {
	struct arena *arena;
	const char *dir, *domain, *hostname, *listen, *dns;
	bool self_signed;
	unsigned port_base;
	struct init_account *accounts;
	size_t accounts_n;
};

static int complain(const char *what)
{
	(void)fprintf(stderr, "pennypost: %s\n", what);
	return (EXIT_USAGE);
}

/* --- what was asked for --- */

static const char *ask(struct arena *a, const char *question)
{
	char line[512];

	if (!isatty(STDIN_FILENO))
		return (NULL);
	(void)fputs(question, stderr);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return (NULL);
	return (arena_strdup(a, slice_trim(slice_of(line))));
}

/* A TOML basic string holds these as they are. */
static bool plain_text(const char *z)
{
	for (; *z != '\0'; z++)
		if ((unsigned char)*z < ' ' || *z == '"' || *z == '\\' || *z == 0x7f)
			return (false);
	return (true);
}

static int take_options(struct command_line *cl, struct init *in)
{
	const char *base = command_option(cl, "--port-base"), *want;
	uint64_t n;

	in->dir = command_option(cl, "--dir");
	in->domain = command_option(cl, "--domain");
	in->hostname = command_option(cl, "--hostname");
	in->listen = command_option(cl, "--listen");
	in->dns = command_option(cl, "--dns");
	in->self_signed = command_flag(cl, "--self-signed");
	if (in->domain == NULL)
		in->domain = ask(in->arena, "Your domain (the part behind the @): ");
	if (in->dir == NULL)
		in->dir = ask(in->arena, "Folder for configuration and mail: ");
	if (in->dir == NULL || in->dir[0] == '\0' || in->domain == NULL)
		return (command_usage(cl, "init needs --dir DIR and --domain D"));
	want = domain_ascii(in->arena, slice_of(in->domain)).p;
	if (want == NULL || want[0] == '\0' || slice_chr(slice_of(want), '.') == SIZE_MAX)
		return (command_usage(cl, "\"%s\" is not a domain name", in->domain));
	in->domain = want;
	if (in->hostname == NULL)
		in->hostname = arena_fmt(in->arena, "mail.%s", in->domain);
	want = domain_ascii(in->arena, slice_of(in->hostname)).p;
	if (want == NULL || want[0] == '\0')
		return (command_usage(cl, "\"%s\" is not a host name", in->hostname));
	in->hostname = want;
	if (base != NULL) {
		if (!slice_u64(slice_of(base), 65535 - 993, &n) || n == 0)
			return (
			    command_usage(cl, "--port-base is a number from 1 to %d", 65535 - 993));
		in->port_base = (unsigned)n;
	}
	if (in->listen != NULL) {
		struct ip ip;

		if (!ip_parse(slice_of(in->listen), &ip))
			return (command_usage(cl,
			    "--listen takes an address like 192.0.2.1, not \"%s\"", in->listen));
	}
	if (in->dns != NULL) {
		struct ip ip;
		unsigned port;

		if (!ip_parse_port(slice_of(in->dns), 53, &ip, &port))
			return (command_usage(cl, "--dns takes ADDRESS:PORT, not \"%s\"", in->dns));
	}
	if (!plain_text(in->dir))
		return (command_usage(cl, "the folder's name holds quotes or control characters"));
	return (EXIT_OK);
}

/* --- accounts: lines "address password" --- */

static int add_account(struct command_line *cl, struct init *in, struct slice line)
{
	struct init_account *acc = &in->accounts[in->accounts_n];
	struct slice address, password, local, domain;
	char *name;

	/* At the first blank, of either kind: the password may hold more of both. */
	if (!slice_cut(line, slice_chr(line, '\t') < slice_chr(line, ' ') ? '\t' : ' ', &address,
		&password))
		return (command_usage(
		    cl, "--accounts: \"%.*s\" has no password behind it", SLICE_ARG(line)));
	if (!slice_cut(address, '@', &local, &domain) || local.n == 0)
		return (command_usage(
		    cl, "--accounts: \"%.*s\" is not an address", SLICE_ARG(address)));
	if (!domain_same(domain, slice_of(in->domain)))
		return (command_usage(
		    cl, "--accounts: %.*s is not in %s", SLICE_ARG(address), in->domain));
	if (password.n == 0 || password.n > L_PASSWORD)
		return (command_usage(cl,
		    "--accounts: the password of %.*s is empty or longer than %d octets",
		    SLICE_ARG(address), L_PASSWORD));
	name = arena_strdup(in->arena, local);
	for (char *p = name; *p != '\0'; p++) {
		*p = ascii_lower(*p);
		if (!ascii_alnum(*p) && *p != '.' && *p != '-' && *p != '_')
			return (command_usage(cl,
			    "--accounts: the local part of %.*s holds more than letters, digits "
			    "and . - _",
			    SLICE_ARG(address)));
	}
	if (name[0] == '.')
		return (command_usage(cl, "--accounts: \"%s\" begins with a dot", name));
	for (size_t i = 0; i < in->accounts_n; i++)
		if (slice_eq(in->accounts[i].name, slice_of(name)))
			return (command_usage(cl, "--accounts: \"%s\" is there twice", name));
	*acc = (struct init_account){ slice_of(arena_fmt(in->arena, "%s@%s", name, in->domain)),
		slice_of(name), arena_dup(in->arena, password) };
	in->accounts_n++;
	return (EXIT_OK);
}

static int take_accounts(struct command_line *cl, struct init *in)
{
	const char *path = command_option(cl, "--accounts");
	struct buf text = BUF_INIT(ACCOUNTS_TEXT);
	struct slice rest, line;
	int rc = EXIT_OK;
	FILE *f;
	size_t n;

	in->accounts = arena_array(in->arena, ACCOUNTS_MAX, sizeof(*in->accounts));
	if (path == NULL) {
		/* one account is made, so that postmaster has somewhere to go; its password comes
		 * by passwd */
		in->accounts[0] = (struct init_account){
			slice_of(arena_fmt(in->arena, "postmaster@%s", in->domain)),
			SLICE("postmaster"), SLICE("")
		};
		in->accounts_n = 1;
		return (EXIT_OK);
	}
	if ((f = slice_eq(slice_of(path), SLICE("-")) ? stdin : fopen(path, "rb")) == NULL)
		return (command_usage(cl, "the accounts file %s cannot be read: %m", path));
	do {
		char *at = buf_room(&text, 4096);

		n = at != NULL ? fread(at, 1, 4096, f) : 0;
		buf_grew(&text, n);
	} while (n > 0);
	rest = buf_slice(&text);
	while (rc == EXIT_OK && rest.n > 0) {
		(void)slice_cut(rest, '\n', &line, &rest);
		if (slice_ends(line, SLICE("\r")))
			line.n--;
		if (slice_trim(line).n == 0 || line.p[0] == '#')
			continue;
		if (in->accounts_n == ACCOUNTS_MAX)
			rc = command_usage(cl, "--accounts: more than %d", ACCOUNTS_MAX);
		else
			rc = add_account(cl, in, line);
	}
	if (rc == EXIT_OK && (in->accounts_n == 0 || text.failed))
		rc = command_usage(cl, "the accounts file holds no account, or is too large");
	if (f != stdin)
		(void)fclose(f);
	if (text.p != NULL)
		secret_wipe(text.p, text.n);
	buf_free(&text);
	return (rc);
}

/* --- the file --- */

static void write_listens(const struct init *in, struct buf *out)
{
	for (int s = 0; s < SERVICE_COUNT; s++) {
		if (in->listen == NULL && in->port_base == 0)
			continue;
		(void)buf_fmt(
		    out, "[[listen]]\nservice = \"%s\"\n", cfg_service_name((enum cfg_service)s));
		if (in->listen != NULL)
			(void)buf_fmt(out, "address = \"%s\"\n", in->listen);
		if (in->port_base > 0)
			(void)buf_fmt(out, "port = %u\n",
			    in->port_base + cfg_service_port((enum cfg_service)s));
		(void)buf_addc(out, '\n');
	}
}

static void write_config(const struct init *in, const char *data, struct buf *out)
{
	(void)buf_fmt(out,
	    "# Pennypost. Every key is explained in pennypost.toml(5).\n\n"
	    "hostname = \"%s\"  # the reverse DNS of this machine must say the same\n"
	    "data     = \"%s\"\n\n"
	    "[tls]\ncertificate = \"%s/tls/certificate.pem\"  # self-signed; put a real one here "
	    "before going live\n"
	    "key         = \"%s/tls/key.pem\"\n\n",
	    in->hostname, data, data, data);
	if (in->dns != NULL)
		(void)buf_fmt(out,
		    "[dns]\nforward = [\"%s\"]\ntrust_anchor = "
		    "\"none\"\n\n[outbound]\nallow_private = true\n\n",
		    in->dns);
	write_listens(in, out);
	(void)buf_fmt(out, "[domain.\"%s\"]\n", in->domain);
	for (size_t i = 0; i < in->accounts_n; i++)
		(void)buf_fmt(out, "\n[account.\"%.*s\"]\naddresses = [\"%.*s\"]\n",
		    SLICE_ARG(in->accounts[i].name), SLICE_ARG(in->accounts[i].address));
}

static int write_file(const char *path, struct slice text, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd == -1)
		return (err_errno(err, "create %s", path));
	if (write(fd, text.p, text.n) != (ssize_t)text.n || fsync(fd) == -1) {
		(void)err_errno(err, "write %s", path);
		(void)close(fd);
		return (-1);
	}
	return (close(fd) == -1 ? err_errno(err, "close %s", path) : 0);
}

static int sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = fd == -1 ? -1 : fsync(fd);

	if (fd != -1)
		(void)close(fd);
	return (rc);
}

static int set_password(const struct cfg *cfg, const struct init_account *acc, struct err *err)
{
	char hash[SECRET_HASH_MAX];
	struct buf body = BUF_INIT(4096);
	struct client_answer answer;
	struct json j;
	int rc;

	if (secret_hash(acc->password, hash) == -1)
		return (err_set(err, ERR_TEMPORARY, "not enough memory to hash a password"));
	json_begin(&j, &body);
	json_open(&j, NULL, '{');
	json_put_string(&j, "account", acc->name);
	json_put_stringz(&j, "hash", hash);
	json_close(&j, '}');
	rc = local_do(cfg, "POST", "/passwd", buf_slice(&body), &answer, err);
	buf_free(&body);
	if (rc == -1)
		return (-1);
	if (answer.status != 200)
		rc = err_set(err, ERR_TEMPORARY, "set the password of %.*s: %.*s",
		    SLICE_ARG(acc->name), SLICE_ARG(buf_slice(&answer.body)));
	buf_free(&answer.body);
	return (rc);
}

/* Opening the store once makes the accounts' folders. */
static int make_folders(const struct cfg *cfg, struct err *err)
{
	struct client_answer answer;

	if (local_do(cfg, "GET", "/health", SLICE(""), &answer, err) == -1)
		return (-1);
	buf_free(&answer.body);
	return (0);
}

static void print_fault(void *self, const char *text)
{
	(void)self;
	(void)fprintf(stderr, "%s\n", text);
}

/* Everything but the configuration's final name. The process stands in the data folder afterwards.
 */
static struct cfg *make_all(const struct init *in, const char *data, struct err *err)
{
	const char *config = arena_fmt(in->arena, "%s/pennypost.toml.new", data);
	struct buf text = BUF_INIT(1 << 20);
	struct cfg *cfg = NULL;
	char date[9];
	time_t now = (time_t)clock_wall();
	struct tm tm;
	int rc;

	(void)strftime(date, sizeof(date), "%Y%m%d", gmtime_r(&now, &tm));
	write_config(in, data, &text);
	if (chdir(data) == -1 || (mkdir("tls", 0700) == -1 && errno != EEXIST) ||
	    (mkdir("dkim", 0700) == -1 && errno != EEXIST)) {
		(void)err_errno(err, "make the folders in %s", data);
		goto out;
	}
	if (access("tls/key.pem", F_OK) == -1 &&
	    tls_self_signed(in->hostname, "tls/certificate.pem", "tls/key.pem", err) == -1)
		goto out;
	if (access(arena_fmt(in->arena, "dkim/%s", in->domain), F_OK) == -1 &&
	    dkim_keys_make(in->domain, date, err) == -1)
		goto out;
	if (write_file(config, buf_slice(&text), err) == -1)
		goto out;
	if ((cfg = cfg_load(config, print_fault, NULL)) == NULL) {
		(void)err_set(err, ERR_PERMANENT,
		    "the configuration just written is not accepted; please report this");
		goto out;
	}
	rc = make_folders(cfg, err);
	for (size_t i = 0; rc == 0 && i < in->accounts_n; i++)
		if (in->accounts[i].password.n > 0)
			rc = set_password(cfg, &in->accounts[i], err);
	if (rc == 0 && rename(config, "pennypost.toml") == -1)
		rc = err_errno(err, "name the configuration");
	if (rc == 0 && sync_folder(data) == -1)
		rc = err_errno(err, "sync the folder %s", data);
	if (rc == -1) {
		cfg_free(cfg);
		cfg = NULL;
	}
out:
	buf_free(&text);
	return (cfg);
}

static void print_next(const struct init *in, const struct cfg *cfg, const char *data)
{
	struct buf records = BUF_INIT(1 << 20);
	struct err err;

	(void)printf("%s/pennypost.toml is written, with keys and %zu account%s.\n\n", data,
	    in->accounts_n, in->accounts_n == 1 ? "" : "s");
	(void)printf("Next:\n  pennypost check -c %s/pennypost.toml\n  pennypost serve -c "
		     "%s/pennypost.toml\n",
	    data, data);
	for (size_t i = 0; i < in->accounts_n; i++)
		if (in->accounts[i].password.n == 0)
			(void)printf("  pennypost passwd -c %s/pennypost.toml %.*s   # it has no "
				     "password yet\n",
			    data, SLICE_ARG(in->accounts[i].name));
	if (!in->self_signed)
		(void)printf(
		    "\nThe certificate is self-signed, which phones and senders will not like. "
		    "Before going live put a real one for\n"
		    "%s where [tls] in the configuration says, and run: pennypost reload\n",
		    in->hostname);
	if (records_write(&records, cfg, in->domain, &err) == 0)
		(void)printf("\nPublish in DNS (again with: pennypost dns):\n%s", buf_z(&records));
	buf_free(&records);
}

int cli_init(const struct command_line *given)
{
	struct command_line cl = *given;
	struct init in = { .arena = arena_new(0) };
	struct cfg *cfg = NULL;
	char *data = NULL;
	struct err err = { 0 };
	int rc;

	if (secret_init() == -1)
		return (EXIT_TEMPORARY);
	if ((rc = take_options(&cl, &in)) != EXIT_OK || (rc = take_accounts(&cl, &in)) != EXIT_OK)
		goto out;
	if (cl.argc > 0) {
		rc = command_usage(&cl, "what is \"%s\"?", cl.argv[0]);
		goto out;
	}
	(void)umask(077);
	if (mkdir(in.dir, 0700) == -1 && errno != EEXIST) {
		rc = complain(arena_fmt(in.arena, "make the folder %s: %m", in.dir));
		goto out;
	}
	if ((data = realpath(in.dir, NULL)) == NULL || !plain_text(data)) {
		rc = complain(arena_fmt(in.arena, "the folder %s cannot be used: %m", in.dir));
		goto out;
	}
	if (access(arena_fmt(in.arena, "%s/pennypost.toml", data), F_OK) == 0) {
		rc = complain(arena_fmt(in.arena,
		    "%s/pennypost.toml exists already; move it away first if you mean to start "
		    "over",
		    data));
		goto out;
	}
	if ((cfg = make_all(&in, data, &err)) == NULL) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		rc = EXIT_TEMPORARY;
		goto out;
	}
	print_next(&in, cfg, data);
out:
	cfg_free(cfg);
	free(data);
	arena_free(in.arena);
	return (rc);
}
