/* rule_address.c: who do the address fields say it is from and for, and do they agree with each other and
 * with the envelope? RFC 5322 3.6.2, 3.6.3. Each test is small; failures: none. */
#include "core/domain.h"
#include "core/mem.h"
#include "msg/addr.h"
#include "msg/text.h"
#include "spam/rules.h"

/* Anybody gets an address there in a minute. */
static const char *const free_hosts[] = { "gmail.com", "googlemail.com", "yahoo.com", "ymail.com",
	"rocketmail.com", "hotmail.com", "outlook.com", "live.com", "msn.com", "aol.com", "gmx.com",
	"gmx.net", "gmx.de", "web.de", "mail.com", "mail.ru", "bk.ru", "inbox.ru", "list.ru",
	"yandex.com", "yandex.ru", "protonmail.com", "proton.me", "tutanota.com", "icloud.com",
	"zoho.com", "qq.com", "163.com", "126.com", "sina.com", "rediffmail.com", "usa.net",
	"excite.com", "lycos.com", "email.com", "fastmail.com", "hushmail.com", "naver.com",
	"daum.net", "seznam.cz", "wp.pl", "o2.pl", "libero.it", "laposte.net" };

static bool is_free(struct slice domain)
{
	for (size_t i = 0; i < COUNT_OF(free_hosts); i++)
		if (slice_ieq(domain, slice_of(free_hosts[i])))
			return (true);
	return (slice_istarts(domain, SLICE("yahoo.")) ||
	    slice_istarts(domain, SLICE("hotmail.")) || slice_istarts(domain, SLICE("live.")));
}

static void read_field(const struct rule_case *c, const char *name, struct addr_list *ret)
{
	const struct field *f = header_first(c->f->header, slice_of(name));

	*ret = (struct addr_list){ 0 };
	if (f != NULL)
		addr_parse(c->arena, f->body, ret);
}

static const struct addr *only(const struct addr_list *l)
{
	return (l->n == 1 && l->v[0].kind == ADDR_MAILBOX && l->v[0].domain.n > 0 ? l->v : NULL);
}

static bool same_house(struct slice a, struct slice b)
{
	return (domain_is_within(a, b) || domain_is_within(b, a));
}

static bool is_from_list(const struct rule_case *c)
{
	return (header_first(c->f->header, SLICE("List-Id")) != NULL ||
	    header_first(c->f->header, SLICE("List-Post")) != NULL ||
	    header_first(c->f->header, SLICE("List-Unsubscribe")) != NULL);
}

/* Written by a firm, answered to a free address: whoever wrote it does not read the firm's mail. */
double rule_reply_elsewhere(const struct rule_case *c)
{
	struct addr_list from, reply;

	read_field(c, "From", &from);
	read_field(c, "Reply-To", &reply);
	if (only(&from) == NULL || only(&reply) == NULL || is_from_list(c))
		return (0);
	return (is_free(reply.v->domain) && !is_free(from.v->domain) &&
	    !same_house(reply.v->domain, from.v->domain));
}

/* Of his domain, as far as one can see, and it did not come from there. */
double rule_own_domain(const struct rule_case *c)
{
	size_t at = slice_rchr(c->f->rcpt, '@');
	struct addr_list from;

	read_field(c, "From", &from);
	return (at != SIZE_MAX && from.n > 0 &&
	    slice_ieq(from.v[0].domain, slice_from(c->f->rcpt, at + 1)) &&
	    c->f->aligned == FACT_NO && !c->f->indirect);
}

/* "hypno.cat support" <x@elsewhere.example>, to somebody at hypno.cat */
double rule_own_name(const struct rule_case *c)
{
	size_t at = slice_rchr(c->f->rcpt, '@');
	struct slice own =
	    at != SIZE_MAX ? slice_from(c->f->rcpt, at + 1) : (struct slice){ "", 0 };
	struct addr_list from;

	read_field(c, "From", &from);
	return (own.n > 3 && from.n > 0 && !same_house(from.v[0].domain, own) &&
	    c->f->known_correspondent != FACT_YES &&
	    slice_ifind(text_words(c->arena, from.v[0].name), own) != SIZE_MAX);
}

static bool names(const struct rule_case *c, const char *field, struct slice address)
{
	struct addr_list l;

	read_field(c, field, &l);
	for (size_t i = 0; i < l.n; i++)
		if (slice_ieq(addr_fold(c->arena, l.v[i].local, l.v[i].domain), address))
			return (true);
	return (false);
}

/* Blind copies and aliases are like that too: a whisper. */
double rule_not_named(const struct rule_case *c)
{
	struct slice rcpt = c->f->rcpt;

	return (rcpt.n > 0 && !is_from_list(c) && header_first(c->f->header, SLICE("To")) != NULL &&
	    !names(c, "To", rcpt) && !names(c, "Cc", rcpt) && !names(c, "Resent-To", rcpt));
}

double rule_undisclosed(const struct rule_case *c) /* RFC 5322 3.4: an empty group */
{
	struct addr_list to;

	read_field(c, "To", &to);
	return (to.n > 0 && to.v[0].kind == ADDR_GROUP &&
	    (to.n == 1 || to.v[1].kind == ADDR_GROUP_END));
}

double rule_from_is_to(const struct rule_case *c)
{
	struct addr_list from, to;

	read_field(c, "From", &from);
	read_field(c, "To", &to);
	return (only(&from) != NULL && only(&to) != NULL && c->f->aligned == FACT_NO &&
	    slice_ieq(from.v->local, to.v->local) && slice_ieq(from.v->domain, to.v->domain));
}

double rule_no_from_domain(const struct rule_case *c) /* From: somebody, From: x@localhost */
{
	struct addr_list from;

	read_field(c, "From", &from);
	return (header_first(c->f->header, SLICE("From")) != NULL &&
	    (from.n == 0 || from.v[0].domain.n == 0 ||
		slice_chr(from.v[0].domain, '.') == SIZE_MAX));
}
