/* out_policy.c: what is demanded of the connection to a destination before any mail is said on
 * it? Today: nothing of a mail exchanger (TLS where it is offered, its certificate unproven: RFC
 * 7435), all of it of the smarthost, as configured. This is the place of policies that others
 * publish (DANE, RFC 7672; MTA-STS, RFC 8461): a step that waits for their answers and fills the
 * same struct. */
#include "smtp/out_int.h"

struct out_policy out_policy_of(const struct cfg *cfg, bool smarthost)
{
	if (!smarthost)
		return ((struct out_policy){ .required = false });
	return ((struct out_policy){
	    .required = cfg->smarthost.tls_required || cfg->smarthost.username != NULL,
	    .verify = cfg->smarthost.tls_required || cfg->smarthost.tls_implicit ||
		cfg->smarthost.username != NULL,
	    .implicit = cfg->smarthost.tls_implicit,
	    .user = cfg->smarthost.username,
	    .password = cfg->smarthost.password,
	});
}
