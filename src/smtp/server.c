/* server.c: the receiving server as main.c sees it: what its sessions share, reload, drain, counts.
 * Leaves connections to in_session.c. Fails: keys that cannot be read degrade, they do not stop the
 * start. */
#include "smtp/in_int.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "core/mem.h"
#include "spam/lists.h"

static void keyring_free(struct keyring *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->v[i].domain);
		dkim_keys_free(k->v[i].keys);
	}
	free(k->v);
	free(k);
}

void keyring_release(struct keyring *k)
{
	if (k != NULL && --k->users == 0 && k->retired)
		keyring_free(k);
}

static struct keyring *keyring_load(const struct cfg *cfg, char *degraded, size_t max)
{
	struct keyring *k = NEW(struct keyring);
	size_t n = 0;

	for (const struct cfg_domain *d = cfg->domains; d != NULL; d = d->next)
		n++;
	k->v = mem_new_array(n > 0 ? n : 1, sizeof(*k->v));
	degraded[0] = '\0';
	for (const struct cfg_domain *d = cfg->domains; d != NULL; d = d->next) {
		char *name = mem_strndup(d->name.p, d->name.n);
		struct err err = { 0 };

		k->v[k->n].domain = name;
		k->v[k->n].keys = dkim_keys_load(name, d->dkim_selector, &err);
		if (k->v[k->n].keys == NULL) {
			log_event(LOG_WARN, NULL, "dkim", "domain", name, "why", err.text, "now",
			    "submission from this domain is answered 451", NULL);
			(void)snprintf(degraded, max, "no DKIM key for %.200s: %s", name, err.text);
		}
		k->n++;
	}
	return (k);
}

static void keyring_retire(struct keyring *k)
{
	k->retired = true;
	if (k->users == 0)
		keyring_free(k);
}

const struct dkim_keys *smtp_server_keys(
    struct smtp_server *server, struct slice domain, struct keyring **ret_ring)
{
	struct keyring *k = server->keys;

	for (size_t i = 0; i < k->n; i++) {
		if (!slice_ieq(slice_of(k->v[i].domain), domain) || k->v[i].keys == NULL)
			continue;
		k->users++;
		*ret_ring = k;
		return (k->v[i].keys);
	}
	return (NULL);
}

/* Lists come and go at any hour: the owner is told by log, "why" and status alike. */
static void on_notice(void *self, const struct cfg_dnsbl *list, const char *why)
{
	struct smtp_server *s = self;
	char zone[L_LIST_ZONE + 1];
	struct ledger_row row = { .act = SLICE("list") };

	(void)snprintf(zone, sizeof(zone), SLICE_FMT, SLICE_ARG(list->zone));
	log_event(why != NULL ? LOG_WARN : LOG_INFO, NULL, "list", "zone", zone, "state",
	    why != NULL ? "off" : "well", "why", why != NULL ? why : "its self-test succeeded",
	    "now", why != NULL ? "it is not asked; tried again in an hour" : "it is asked again",
	    NULL);
	row.mail_from = list->zone;
	row.points = slice_of(why != NULL ? why : "well again");
	ledger_add(s->deps.store, &row);
}

struct smtp_server *smtp_server_new(const struct smtp_deps *deps, struct err *err)
{
	struct smtp_server *s = NEW(struct smtp_server);

	(void)err;
	s->deps = *deps;
	s->cfg = deps->cfg;
	list_init(&s->sessions);
	s->crypto = lane_new(deps->work, WORK_CRYPTO, L_SHARE_CRYPTO, L_JOBS);
	s->submitted = rate_new(SMTP_RCPT_HOUR, SMTP_RCPT_HOUR / 3600.0, 1024);
	s->forwarded = rate_new(L_FORWARD_HOUR, L_FORWARD_HOUR / 3600.0, 1024);
	s->guesses = rate_new(SMTP_GUESS_HOUR, SMTP_GUESS_HOUR / 3600.0, 4096);
	s->keys = keyring_load(s->cfg, s->degraded, sizeof(s->degraded));
	if (deps->dns != NULL && deps->suffixes != NULL)
		s->lists = lists_new(
		    &(struct lists_deps){ deps->loop, deps->dns, deps->suffixes, on_notice, s },
		    s->cfg);
	return (s);
}

void smtp_server_reload(struct smtp_server *s, const struct cfg *cfg)
{
	struct keyring *old = s->keys;

	s->cfg = cfg;
	s->keys = keyring_load(cfg, s->degraded, sizeof(s->degraded));
	keyring_retire(old);
	if (s->lists != NULL)
		lists_reload(s->lists, cfg);
}

void smtp_accept_mx(void *server, struct conn *c)
{
	smtp_in_open(server, c, ROLE_MX, false);
}

void smtp_accept_submission(void *server, struct conn *c)
{
	smtp_in_open(server, c, ROLE_SUBMISSION, false);
}

void smtp_accept_submissions(void *server, struct conn *c)
{
	smtp_in_open(server, c, ROLE_SUBMISSION, true);
}

static void on_idle_turn(void *self)
{
	struct smtp_server *s = self;
	void (*on_idle)(void *) = s->on_idle;

	s->idle = NULL;
	s->on_idle = NULL;
	if (on_idle != NULL)
		on_idle(s->idle_self); /* last: may free the server */
}

static void look_whether_idle(struct smtp_server *s)
{
	if (s->draining && s->on_idle != NULL && s->idle == NULL && list_empty(&s->sessions) &&
	    s->under_way == 0)
		s->idle = loop_later(s->deps.loop, on_idle_turn, s);
}

void smtp_server_spine_begun(struct smtp_server *server)
{
	server->under_way++;
}

void smtp_server_spine_ended(struct smtp_server *server)
{
	server->under_way--;
	look_whether_idle(server);
}

void smtp_server_session_ended(struct smtp_server *server)
{
	look_whether_idle(server);
}

void smtp_server_drain(struct smtp_server *s, void (*on_idle)(void *self), void *self)
{
	s->draining = true;
	s->on_idle = on_idle;
	s->idle_self = self;
	LIST_EACH(&s->sessions, node)
	smtp_in_drain(LIST_OWNER(node, struct smtp_in, node));
	look_whether_idle(s);
}

void smtp_server_free(struct smtp_server *s)
{
	if (s == NULL)
		return;
	later_cancel(s->idle);
	lists_free(s->lists);
	lane_free(s->crypto);
	keyring_retire(s->keys);
	rate_free(s->submitted);
	rate_free(s->forwarded);
	rate_free(s->guesses);
	free(s);
}

void smtp_server_counts(const struct smtp_server *s, struct smtp_server_counts *ret)
{
	*ret = s->counts;
}

struct lists *smtp_server_lists(struct smtp_server *s)
{
	return (s->lists);
}

void smtp_server_each_list(
    const struct smtp_server *s, void (*on_list)(void *arg, const struct list_status *l), void *arg)
{
	if (s->lists != NULL)
		lists_each(s->lists, on_list, arg);
}

const char *smtp_server_degraded(const struct smtp_server *s)
{
	return (s->degraded[0] != '\0' ? s->degraded : NULL);
}
