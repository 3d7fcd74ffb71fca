/* facts.h: all that is known about a message when it is judged, in one plain struct. Filled by smtp/inbound.c and smtp/in_checks.c; read by the rules. An unknown
 * fact costs no points (P14). Facts that need DNS or cryptography have their place here and their UNKNOWN. */
#ifndef SPAM_FACTS_H
#define SPAM_FACTS_H

#include "core/ip.h"
#include "msg/mime.h"

enum fact { FACT_UNKNOWN, FACT_NO, FACT_YES };

struct facts {
	/* connection */
	struct ip peer;
	struct slice helo;
	enum fact has_rdns, fcrdns, early_talker; /* rdns: a later layer fills them */
	struct slice rdns;
	bool tls;
	/* envelope */
	struct slice mail_from;
	/* sender authentication: unknown until the checks exist */
	enum fact spf_pass, dkim_pass, dmarc_pass;
	/* content */
	const struct header *header;
	const struct mime *mime;
	/* per recipient account */
	const char *account;
	enum fact known_correspondent;
	/* the classifier's answer for this account; has_bayes false: it knows nothing yet */
	bool has_bayes;
	double bayes; /* probability of spam, 0..1 */
	double bayes_confidence; /* 0..1: how much evidence stands behind it */
};

#endif
