/* sasl.c: which name and password does the peer claim? PLAIN (RFC 4616) and LOGIN (two prompts, never standardised), decoded
 * strictly. Verifies nothing itself. Passwords live in this one allocation and are wiped with it. Failures: SASL_BAD. */
#include "core/sasl.h"

#include <stdlib.h>

#include "core/base64.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/secret.h"

enum {
	NAME_OCTETS = L_LOCAL + 1 + L_DOMAIN,
	MESSAGE_MAX = 2 * NAME_OCTETS + 2 + L_PASSWORD, /* authzid NUL authcid NUL passwd */
};

enum state { AWAIT_PLAIN, AWAIT_NAME, AWAIT_PASSWORD, ENDED };

struct sasl {
	enum sasl_mechanism mechanism;
	enum state state;
	const char *challenge;
	char name[NAME_OCTETS], password[L_PASSWORD];
	size_t name_n, password_n;
};

bool sasl_mechanism_of(struct slice name, enum sasl_mechanism *ret)
{
	if (slice_ieq(name, SLICE("PLAIN")))
		*ret = SASL_PLAIN;
	else if (slice_ieq(name, SLICE("LOGIN")))
		*ret = SASL_LOGIN;
	else
		return (false);
	return (true);
}

struct sasl *sasl_new(enum sasl_mechanism m)
{
	struct sasl *s = NEW(struct sasl);

	s->mechanism = m;
	s->state = m == SASL_PLAIN ? AWAIT_PLAIN : AWAIT_NAME;
	s->challenge = "";
	return (s);
}

void sasl_free(struct sasl *s)
{
	if (s == NULL)
		return;
	secret_wipe(s, sizeof(*s));
	free(s);
}

static bool take_name(struct sasl *s, struct slice v)
{
	if (v.n == 0 || v.n > sizeof(s->name))
		return (false);
	for (size_t i = 0; i < v.n; i++) /* no control octets in what is logged and looked up */
		if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f)
			return (false);
	memcpy(s->name, v.p, v.n);
	s->name_n = v.n;
	return (true);
}

static bool take_password(struct sasl *s, struct slice v)
{
	if (v.n == 0 || v.n > sizeof(s->password) || slice_chr(v, '\0') != SIZE_MAX)
		return (false);
	memcpy(s->password, v.p, v.n);
	s->password_n = v.n;
	return (true);
}

/* RFC 4616 2: message = [authzid] UTF8NUL authcid UTF8NUL passwd. Acting for another is not offered. */
static enum sasl_step plain(struct sasl *s, struct slice message)
{
	struct slice authzid, authcid, passwd, rest;

	s->state = ENDED;
	if (!slice_cut(message, '\0', &authzid, &rest) || !slice_cut(rest, '\0', &authcid, &passwd))
		return (SASL_BAD);
	if (authzid.n > 0 && !slice_eq(authzid, authcid))
		return (SASL_BAD);
	return (take_name(s, authcid) && take_password(s, passwd) ? SASL_VERIFY : SASL_BAD);
}

static enum sasl_step step(struct sasl *s, struct slice message)
{
	switch (s->state) {
	case AWAIT_PLAIN:
		return (plain(s, message));
	case AWAIT_NAME:
		if (!take_name(s, message))
			break;
		s->state = AWAIT_PASSWORD;
		s->challenge = "UGFzc3dvcmQ6"; /* "Password:" */
		return (SASL_CHALLENGE);
	case AWAIT_PASSWORD:
		s->state = ENDED;
		return (take_password(s, message) ? SASL_VERIFY : SASL_BAD);
	case ENDED:
		break;
	}
	s->state = ENDED;
	return (SASL_BAD);
}

enum sasl_step sasl_respond(struct sasl *s, struct slice line)
{
	struct buf message = BUF_INIT(MESSAGE_MAX);
	enum sasl_step ret = SASL_BAD;

	if (slice_eq(line, SLICE("*"))) { /* RFC 4954 4 */
		s->state = ENDED;
		return (SASL_CANCELLED);
	}
	/* One allocation, so that no grown-out-of copy of a password is left behind. */
	if (line.n <= (MESSAGE_MAX + 2) / 3 * 4 && buf_room(&message, MESSAGE_MAX) != NULL &&
	    base64_decode(line, &message) == 0)
		ret = step(s, buf_slice(&message));
	else
		s->state = ENDED;
	if (message.p != NULL)
		secret_wipe(message.p, message.cap);
	buf_free(&message);
	return (ret);
}

enum sasl_step sasl_start(struct sasl *s, const struct slice *initial)
{
	if (initial == NULL) {
		s->challenge = s->mechanism == SASL_LOGIN ? "VXNlcm5hbWU6" : ""; /* "Username:" */
		return (SASL_CHALLENGE);
	}
	/* RFC 4954 4: "=" is an initial response of no octets. Neither mechanism has a use for one. */
	if (slice_eq(*initial, SLICE("=")) || slice_eq(*initial, SLICE("*"))) {
		s->state = ENDED;
		return (SASL_BAD);
	}
	return (sasl_respond(s, *initial));
}

const char *sasl_challenge(const struct sasl *s)
{
	return (s->challenge);
}

struct slice sasl_name(const struct sasl *s)
{
	return ((struct slice){ s->name, s->name_n });
}

struct slice sasl_password(const struct sasl *s)
{
	return ((struct slice){ s->password, s->password_n });
}
