/* CANCELUPDATE: results of these searches are not kept up to date any more. RFC 5267 4.3.5. */
#include "imap/command.h"
#include "imap/context.h"

void cmd_cancelupdate(struct imap *s)
{
	struct args *a = &s->call.args;
	bool missing = false;
	struct slice tag;

	do {
		if (!args_string(a, &tag)) {
			imap_bad(s, "CANCELUPDATE takes quoted tags of searches");
			return;
		}
		missing |= !context_cancel(s, tag);
	} while (args_sp(a));
	if (!args_end(a))
		imap_bad(s, "CANCELUPDATE takes quoted tags of searches");
	else if (missing)
		imap_end(s, "NO [CANNOT] No search under that tag was kept up to date");
	else
		imap_end(s, "OK Done");
}
