/* cli_people.c: "pennypost passwd ACCOUNT". */
#include "admin/commands.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "admin/client.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/secret.h"

/* One line without echo; false at the end of input. */
static bool read_secret(const char *prompt, char ret[L_PASSWORD + 2])
{
	struct termios old, quiet;
	bool tty = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &old) == 0;
	char *got;

	if (tty) {
		(void)fputs(prompt, stderr);
		quiet = old;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = fgets(ret, L_PASSWORD + 2, stdin);
	if (tty) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
		(void)fputc('\n', stderr);
	}
	if (got == NULL)
		return (false);
	ret[strcspn(ret, "\r\n")] = '\0';
	return (true);
}

static int ask_password(const struct command_line *cl, char ret[L_PASSWORD + 2])
{
	char again[L_PASSWORD + 2];
	bool same = true;

	if (!read_secret("New password: ", ret) || ret[0] == '\0')
		return (command_usage(cl, "an empty password is no password; give it as one line"));
	if (isatty(STDIN_FILENO)) {
		same = read_secret("Once more: ", again) && strcmp(ret, again) == 0;
		secret_wipe(again, sizeof(again));
	}
	if (!same)
		return (command_usage(cl, "the two were not the same; nothing was changed"));
	if (strlen(ret) > L_PASSWORD)
		return (command_usage(cl, "a password has at most %d octets", L_PASSWORD));
	return (EXIT_OK);
}

int cli_passwd(const struct command_line *cl)
{
	char password[L_PASSWORD + 2], hash[SECRET_HASH_MAX];
	const struct cfg_account *account;
	struct buf body = BUF_INIT(4096);
	struct client_answer answer;
	struct cfg *cfg;
	struct json j;
	struct err err;
	int rc;

	if (cl->argc != 1)
		return (command_usage(cl, "say whose password"));
	if ((cfg = command_cfg(cl)) == NULL)
		return (EXIT_CONFIG);
	if ((account = command_account(cl, cfg, cl->argv[0])) == NULL) {
		cfg_free(cfg);
		return (EXIT_USAGE);
	}
	if (secret_init() == -1) {
		cfg_free(cfg);
		return (EXIT_TEMPORARY);
	}
	if ((rc = ask_password(cl, password)) == EXIT_OK) {
		rc = EXIT_TEMPORARY;
		if (secret_hash(slice_of(password), hash) == -1) {
			(void)fprintf(
			    stderr, "pennypost: not enough memory to hash the password\n");
		} else {
			json_begin(&j, &body);
			json_open(&j, NULL, '{');
			json_put_stringz(&j, "account", account->name);
			json_put_stringz(&j, "hash", hash);
			json_close(&j, '}');
			if (client_ask_or_do(
				cfg, "POST", "/passwd", buf_slice(&body), &answer, &err) == -1) {
				(void)fprintf(stderr, "pennypost: %s\n", err.text);
			} else {
				rc = answer.status == 200 ? EXIT_OK : client_complain(&answer);
				buf_free(&answer.body);
			}
		}
	}
	if (rc == EXIT_OK)
		(void)printf(cl->json ? "{\"account\":\"%s\",\"changed\":true}\n"
				      : "password of %s changed\n",
		    account->name);
	secret_wipe(password, sizeof(password));
	buf_free(&body);
	cfg_free(cfg);
	return (rc);
}
