/* rule_client.c: what do the connection, and what the sender proved or did not, tell? And the classifier's answer in points. */
#include "core/cfg.h"
#include "core/domain.h"
#include "spam/bayes.h"
#include "spam/rules.h"

double rule_helo_bare(
    const struct rule_case *c) /* RFC 5321 4.1.1.1 wants a full name or an address literal */
{
	struct slice helo = c->f->helo;

	return (helo.n > 0 && helo.p[0] != '[' && slice_chr(helo, '.') == SIZE_MAX &&
	    slice_chr(helo, ':') == SIZE_MAX);
}

double rule_helo_address(const struct rule_case *c) /* an address without its brackets */
{
	struct slice helo = c->f->helo;
	size_t dots = 0;

	for (size_t i = 0; i < helo.n; i++) {
		if (!ascii_digit(helo.p[i]) && helo.p[i] != '.')
			return (0);
		dots += helo.p[i] == '.';
	}
	return (dots == 3);
}

/* The name of whom it writes to: nobody but his own server is called so. */
double rule_helo_ours(const struct rule_case *c)
{
	size_t at = slice_rchr(c->f->rcpt, '@');

	return (at != SIZE_MAX && slice_ieq(c->f->helo, slice_from(c->f->rcpt, at + 1)) && c->f->spf_pass == FACT_NO &&
	    c->f->aligned == FACT_NO);
}

double rule_early_talker(const struct rule_case *c)
{
	return (c->f->early_talker == FACT_YES);
}

double rule_known_correspondent(const struct rule_case *c)
{
	/* Anybody can write a friend's address: it counts for the one who proved it (DESIGN 5). */
	return (c->f->known_correspondent == FACT_YES && c->f->aligned == FACT_YES);
}

/* The envelope's domain says that this peer is none of its own; a forwarder breaks that too, so a
 * signature that still speaks for the From makes up for it. */
double rule_spf_fail(const struct rule_case *c)
{
	return (c->f->spf_fail && c->f->aligned == FACT_NO && !c->f->indirect);
}

double rule_proved(const struct rule_case *c)
{
	return (c->f->aligned == FACT_YES);
}

double rule_bayes(const struct rule_case *c)
{
	return (c->f->has_bayes ? bayes_points(c->f->bayes, c->f->bayes_confidence) : 0);
}

/* The sum over lists of this kind; a list that is only to be told of counts nothing. */
static double listed(const struct facts *f, enum cfg_list_kind kind)
{
	double sum = 0;

	for (size_t i = 0; i < f->listed_n; i++)
		if (f->listed[i].list->kind == kind && f->listed[i].list->action != ACTION_TAG)
			sum += f->listed[i].points;
	return (sum);
}

double rule_listed_address(const struct rule_case *c)
{
	return (listed(c->f, LIST_ADDRESS));
}

double rule_listed_name(const struct rule_case *c)
{
	return (listed(c->f, LIST_NAME));
}

double rule_listed_uri(const struct rule_case *c)
{
	return (listed(c->f, LIST_URI));
}
