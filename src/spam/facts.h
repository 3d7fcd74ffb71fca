/* facts.h: all that is known about a message when it is judged, in one plain struct. Filled by
 * smtp/inbound.c and the files beside it; read by the rules, the connect filters and the owner's rules.
 * An unknown fact costs no points and triggers no filter (P14). */
#ifndef SPAM_FACTS_H
#define SPAM_FACTS_H

#include "core/ip.h"
#include "dkim/dmarc_record.h"
#include "msg/mime.h"

enum fact { FACT_UNKNOWN, FACT_NO, FACT_YES };

struct cfg_dnsbl;

struct listed { /* one list in the DNS knows something about this mail */
	const struct cfg_dnsbl *list;
	struct slice what; /* the address, or the name, that it lists */
	struct ip code;    /* its answer */
	double points;     /* of that answer */
};

struct facts {
	int64_t arrived; /* wall seconds; 0: now */
	/* connection */
	struct ip peer;
	struct slice helo;
	enum fact has_rdns, fcrdns, early_talker;
	enum fact residential; /* rdns is like one of [filter.rdns-pattern] */
	struct slice rdns; /* the name that leads back, else the first; empty: none, or unknown */
	bool tls;
	/* envelope */
	struct slice mail_from; /* text between < and >; empty: the null sender */
	enum fact sender_known; /* somebody here wrote to the domain of mail_from, or to one above it;
				   asked only before the message comes */
	struct slice rcpt;      /* the recipient's address; empty outside of one share */
	const struct listed
	    *listed; /* by whom, each list once; the connection's alone before the message came */
	size_t listed_n;
	/* sender authentication */
	struct slice from; /* the one address of From, folded local@domain; empty: several, or not
			      read yet */
	enum fact spf_pass, dkim_pass, dmarc_pass;
	enum fact
	    aligned;   /* what was proved is the domain of From, whether that has a policy or not */
	bool spf_fail; /* the envelope's domain says that this peer is not one of its own */
	const struct slice *proved; /* domains that passed by DKIM or SPF, A-labels, lower case */
	size_t proved_n;
	bool
	    proof_undecided; /* a temporary error alone kept SPF or a signature from being checked, or
				a policy from being found that would say what they prove */
	enum dmarc_policy
	    dmarc_wish;       /* of a From that failed: what its domain asks for this message */
	bool dmarc_undecided; /* a policy was found, and a temporary error alone leaves it open */
	bool dmarc_fail; /* its From's domain has a policy, if only "none", and the check failed */
	bool indirect;   /* came through a list or forwarder that broke what the sender had proved:
			  lowers the consequence, never raises trust */
	/* of the domain that was proved, else of the peer's network; false: too little is known */
	bool has_reputation;
	unsigned reputation;        /* 0..100; the least has sent nothing but spam */
	struct slice reputation_of; /* "192.0.2.0/24", "example.org" */
	/* content; NULL before the end of the data */
	const struct header *header;
	bool header_partly; /* fields beside From and Subject are not there to be looked at any more
			       (replay.h); what is not found among them is unknown */
	const struct mime *mime;
	/* per recipient account */
	const char *account;
	enum fact known_correspondent;
	/* the classifier's answer for this account; has_bayes false: it knows nothing yet */
	bool has_bayes;
	double bayes;            /* probability of spam, 0..1 */
	double bayes_confidence; /* 0..1: how much evidence stands behind it */
};

#endif
