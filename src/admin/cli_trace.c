/* cli_trace.c: "pennypost trace ACCOUNT". Only a running server has sessions. */
#include "admin/commands.h"

#include <stdio.h>

#include "admin/client.h"
#include "core/json.h"

static int tell(const struct command_line *cl, const struct client_answer *answer,
    const char *account, bool off)
{
	if (answer->status != 200)
		return (client_complain(answer));
	if (cl->json)
		(void)fwrite(answer->body.p, 1, answer->body.n, stdout);
	else if (off)
		(void)printf("%s is not traced any more; the files stay in run/trace for 7 days\n",
		    account);
	else
		(void)printf("sessions of %s are written to run/trace/%s-*.log; see the end of it "
			     "with: pennypost status\n",
		    account, account);
	return (EXIT_OK);
}

int cli_trace(const struct command_line *given)
{
	struct command_line cl = *given;
	const char *minutes = command_option(&cl, "--minutes");
	bool off = command_flag(&cl, "--off");
	struct buf body = BUF_INIT(4096);
	const struct cfg_account *account;
	struct client_answer answer;
	uint64_t n = 10;
	struct cfg *cfg;
	struct json j;
	struct err err;
	int rc;

	if (cl.argc != 1)
		return (command_usage(&cl, "say whose sessions"));
	if (minutes != NULL && (!slice_u64(slice_of(minutes), 60, &n) || n == 0))
		return (command_usage(&cl, "--minutes takes a number from 1 to 60"));
	if ((cfg = command_cfg(&cl)) == NULL)
		return (EXIT_CONFIG);
	if ((account = command_account(&cl, cfg, cl.argv[0])) == NULL) {
		cfg_free(cfg);
		return (EXIT_USAGE);
	}
	json_begin(&j, &body);
	json_open(&j, NULL, '{');
	json_put_stringz(&j, "account", account->name);
	json_put_uint(&j, "minutes", n);
	json_put_bool(&j, "off", off);
	json_close(&j, '}');
	if (client_ask(cfg, "POST", "/trace", buf_slice(&body), &answer, &err) == -1) {
		(void)fprintf(stderr, "pennypost: %s\n", err.text);
		rc = err.kind == ERR_NOT_FOUND ? EXIT_NOT_RUNNING : EXIT_TEMPORARY;
	} else {
		rc = tell(&cl, &answer, account->name, off);
		buf_free(&answer.body);
	}
	buf_free(&body);
	cfg_free(cfg);
	return (rc);
}
