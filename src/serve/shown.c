/* shown.c: what do the parts of the running server tell to whoever asks for its status? What is not
 * well, in words with the remedy, and counts. Failures: none. */
#include "serve/server.h"

#include <stdio.h>
#include <string.h>

#include "core/clock.h"

enum { CERTIFICATE_WARN = 14 * 86400 };

struct lists_off {
	void (*on_reason)(void *arg, const char *why);
	void *arg;
};

static void list_reason(void *self, const struct list_status *l)
{
	const struct lists_off *to = self;
	char text[512];

	if (strcmp(l->state, "off") != 0)
		return;
	(void)snprintf(text, sizeof(text),
	    "the list " SLICE_FMT " is not asked: %s; see what its operator says, or remove its "
	    "[[filter.dnsbl]]",
	    SLICE_ARG(l->list->zone), l->why);
	to->on_reason(to->arg, text);
}

void server_each_list(
    void *server, void (*on_list)(void *arg, const struct list_status *l), void *arg)
{
	smtp_server_each_list(((struct server *)server)->smtp, on_list, arg);
}

void server_each_degraded(void *server, void (*on_reason)(void *arg, const char *why), void *arg)
{
	struct server *s = server;
	const char *why;
	char text[384];
	long long left = tls_expires(s->tls_smtp) - (long long)clock_wall();

	if ((why = store_degraded(s->store)) != NULL)
		on_reason(arg, why);
	if ((why = smtp_server_degraded(s->smtp)) != NULL)
		on_reason(arg, why);
	smtp_server_each_list(s->smtp, list_reason, &(struct lists_off){ on_reason, arg });
	if (s->root_degraded != NULL)
		on_reason(arg, s->root_degraded);
	if (left < CERTIFICATE_WARN) {
		(void)snprintf(text, sizeof(text),
		    "the certificate %s %s; renew it and run: pennypost reload",
		    s->cfg->tls.certificate, left < 0 ? "has expired" : "expires within 14 days");
		on_reason(arg, text);
	}
	if (s->reload_fault.kind != ERR_NONE) {
		(void)snprintf(text, sizeof(text),
		    "the changed configuration was refused, the old one is in force: %s",
		    s->reload_fault.text);
		on_reason(arg, text);
	}
	if (!s->ops.sandbox.seccomp)
		on_reason(arg,
		    "the call filter (seccomp) is not on: this kernel or build does not have it");
}

void server_each_trace(void *server,
    void (*on_trace)(void *arg, const char *account, int64_t until, unsigned files), void *arg)
{
	imap_server_each_trace(((struct server *)server)->imap, on_trace, arg);
}

void server_each_count(void *server,
    void (*on_count)(void *arg, const char *group, const char *name, uint64_t value, bool counter),
    void *arg)
{
	struct server *s = server;
	struct smtp_server_counts in;
	struct smtp_sender_counts out;
	struct imap_server_counts imap;

	smtp_server_counts(s->smtp, &in);
	on_count(arg, "smtp", "sessions", in.sessions, true);
	on_count(arg, "smtp", "live", in.live, false);
	on_count(arg, "smtp", "slowed", in.slowed, false);
	on_count(arg, "smtp", "accepted", in.accepted, true);
	on_count(arg, "smtp", "junked", in.junked, true);
	on_count(arg, "smtp", "rejected", in.rejected, true);
	on_count(arg, "smtp", "refused_rcpt", in.refused_rcpt, true);
	on_count(arg, "smtp", "deferred", in.deferred, true);
	on_count(arg, "smtp", "submitted", in.submitted, true);
	smtp_sender_counts(s->sender, &out);
	on_count(arg, "sender", "live", out.live, false);
	on_count(arg, "sender", "delivered", out.delivered, true);
	on_count(arg, "sender", "failed", out.failed, true);
	on_count(arg, "sender", "deferred", out.deferred, true);
	on_count(arg, "sender", "reports", out.reports, true);
	on_count(arg, "sender", "dropped_reports", out.dropped_reports, true);
	imap_server_counts(s->imap, &imap);
	on_count(arg, "imap", "sessions", imap.sessions, true);
	on_count(arg, "imap", "live", imap.live, false);
	on_count(arg, "imap", "logged_in", imap.logged_in, false);
	on_count(arg, "imap", "idle", imap.idle, false);
	on_count(arg, "connections", "live", listeners_count(s->listeners), false);
}
