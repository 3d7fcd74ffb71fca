/* in_role.c: what differs between mail from strangers and mail from our own people: limits, offers,
 * names. RFC 6409, RFC 3848, RFC 6531 4.3. */
#include "smtp/in_int.h"

uint64_t smtp_role_rcpts(const struct smtp_in *s)
{
	const struct cfg_limits *l = &smtp_in_cfg(s)->limits;

	return (s->role == ROLE_SUBMISSION ? l->rcpt_submission : l->rcpt);
}

uint64_t smtp_role_line(const struct smtp_in *s)
{
	return (s->role == ROLE_SUBMISSION ? L_LINE_SUBMISSION : L_LINE);
}

bool smtp_role_offers_auth(const struct smtp_in *s)
{
	return (s->role == ROLE_SUBMISSION && conn_is_tls(s->conn));
}

const char *smtp_role_with(const struct smtp_in *s, bool smtputf8)
{
	bool tls = conn_is_tls(s->conn), auth = s->account != NULL;

	if (!s->esmtp)
		return ("SMTP");
	if (smtputf8)
		return (
		    auth ? (tls ? "UTF8SMTPSA" : "UTF8SMTPA") : (tls ? "UTF8SMTPS" : "UTF8SMTP"));
	return (auth ? (tls ? "ESMTPSA" : "ESMTPA") : (tls ? "ESMTPS" : "ESMTP"));
}

const char *smtp_role_name(const struct smtp_in *s)
{
	return (s->role == ROLE_SUBMISSION ? "submission" : "smtp-in");
}
