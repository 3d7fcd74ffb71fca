/* smtp.h: what main.c and admin/ see of SMTP: a server that receives and takes submissions, and the
 * sender that empties the queue. */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "core/cfg.h"
#include "core/conn.h"
#include "core/dns.h"
#include "core/tls.h"
#include "spam/classifier.h"
#include "store/store.h"

struct smtp_server;
struct smtp_sender;
struct suffixes;
struct list_status; /* spam/lists.h */

struct smtp_deps { /* all borrowed; outlive the server */
	struct loop *loop;
	struct work *work;
	struct store *store;
	struct dns *dns;               /* NULL: none (tests): facts stay unknown */
	struct classifier *classifier; /* NULL: none */
	struct tls *tls;               /* server side */
	struct tls *tls_client;
	const struct cfg *cfg;
	const struct suffixes *suffixes; /* NULL: senders are not authenticated (tests) */
};
/* smtp_server_new: loads the DKIM keys of every domain. A domain without keys that work is told to
 * the log and shows as degraded; what is submitted from it is answered 451 4.7.5, for nothing leaves
 * unsigned (AUT-26). */
struct smtp_server *smtp_server_new(const struct smtp_deps *deps, struct err *err);
void smtp_server_reload(struct smtp_server *s, const struct cfg *cfg);
/* These fit listen_bind's on_conn; self is the server. */
void smtp_accept_mx(void *server, struct conn *c);
void smtp_accept_submission(void *server, struct conn *c);
void smtp_accept_submissions(void *server, struct conn *c); /* implicit TLS */
/* smtp_server_drain: 421 4.3.2 to sessions between commands, others at their next; on_idle once
 * none is left. */
void smtp_server_drain(struct smtp_server *s, void (*on_idle)(void *self), void *self);
void smtp_server_free(struct smtp_server *s); /* after on_idle */
struct smtp_server_counts {
	uint64_t slowed; /* kept waiting now */
	uint64_t sessions, live, accepted, junked, rejected, refused_rcpt, deferred, submitted;
};
void smtp_server_counts(const struct smtp_server *s, struct smtp_server_counts *ret);
const char *smtp_server_degraded(const struct smtp_server *s); /* NULL: well */
struct lists *smtp_server_lists(struct smtp_server *s); /* NULL: no DNS */
/* The lists in the DNS that are asked, and how they are. */
void smtp_server_each_list(const struct smtp_server *s,
    void (*on_list)(void *arg, const struct list_status *l), void *arg);

struct smtp_sender *smtp_sender_new(const struct smtp_deps
	*deps); /* starts on the next turn; wakes by queue_on_added and by time */
void smtp_sender_reload(struct smtp_sender *s, const struct cfg *cfg);
void smtp_sender_wake(struct smtp_sender *s); /* after queue_act: look again */
/* No new attempts; those under way are finished or, after 8 s, dropped before their end of data. */
void smtp_sender_drain(struct smtp_sender *s, void (*on_idle)(void *self), void *self);
void smtp_sender_free(struct smtp_sender *s);
struct smtp_sender_counts {
	uint64_t live, delivered, failed, deferred, reports, dropped_reports;
};
void smtp_sender_counts(const struct smtp_sender *s, struct smtp_sender_counts *ret);

#endif
