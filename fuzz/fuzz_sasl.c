/* Laws: a name and password that are asked to be verified are within their limits, hold no NUL, and for PLAIN are what the
 * message says when it is written again; after the end nothing is verified. First octet: mechanism and whether an initial
 * response comes; then lines, one each. */
#include "core/base64.h"
#include "core/limits.h"
#include "core/sasl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_verify(const struct sasl *s, enum sasl_mechanism m, struct slice line)
{
	struct slice name = sasl_name(s), password = sasl_password(s);
	struct buf message = BUF_INIT(65536);

	if (name.n == 0 || name.n > L_LOCAL + 1 + L_DOMAIN || password.n == 0 || password.n > L_PASSWORD)
		abort();
	if (slice_chr(name, '\0') != SIZE_MAX || slice_chr(password, '\0') != SIZE_MAX)
		abort();
	if (base64_decode(line, &message) != 0)
		abort();
	if (m == SASL_PLAIN) { /* ends in NUL name NUL password */
		size_t tail = name.n + password.n + 2;

		if (message.n < tail || message.p[message.n - tail] != '\0' ||
		    !slice_ends(buf_slice(&message), password) ||
		    memcmp(message.p + message.n - tail + 1, name.p, name.n) != 0)
			abort();
	} else if (!slice_eq(buf_slice(&message), password)) {
		abort();
	}
	buf_free(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in, line;
	enum sasl_mechanism m;
	enum sasl_step step = SASL_CHALLENGE;
	struct sasl *s;
	bool first = true, ended = false, more = true;

	if (n == 0)
		return (0);
	m = (data[0] & 1) != 0 ? SASL_LOGIN : SASL_PLAIN;
	s = sasl_new(m);
	in = (struct slice){ (const char *)data + 1, n - 1 };
	if ((data[0] & 2) != 0 && sasl_start(s, NULL) != SASL_CHALLENGE)
		abort();
	for (unsigned lines = 0; more && lines < 8; lines++) {
		more = slice_cut(in, '\n', &line, &in);
		step = first && (data[0] & 2) == 0 ? sasl_start(s, &line) : sasl_respond(s, line);
		first = false;
		if (ended && step != SASL_BAD && step != SASL_CANCELLED)
			abort();
		if (step == SASL_VERIFY)
			check_verify(s, m, line);
		ended = ended || step != SASL_CHALLENGE;
	}
	sasl_free(s);
	return (0);
}
