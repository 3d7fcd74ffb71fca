/* rule_html.c: where do links lead, and what does a page hold that letters do not? Links and tags are
 * told by msg/html.c, once, from rule_body_look. Linear; failures: none. */
#include "core/domain.h"
#include "core/mem.h"
#include "spam/rules.h"

/* Who may stand in front of "@", and the host behind "scheme://"; false: it has no host. */
static bool authority_of(struct slice url, struct slice *ret_user, struct slice *ret_host)
{
	size_t at = slice_find(url, SLICE("://")), end = 0;
	struct slice s;

	if (at == SIZE_MAX || at > 10)
		return (false);
	s = slice_from(url, at + 3);
	while (end < s.n && strchr("/?#\\ \t\r\n\"'<>", s.p[end]) == NULL)
		end++;
	s = slice_head(s, end);
	at = slice_rchr(s, '@');
	*ret_user = at == SIZE_MAX ? (struct slice){ "", 0 } : slice_head(s, at);
	*ret_host = at == SIZE_MAX ? s : slice_from(s, at + 1);
	return (ret_host->n > 0);
}

/* 192.0.2.1, 3221225985, 0xc0000201: dotted, whole or in another base, as browsers take them. */
static bool is_bare_address(struct slice host)
{
	size_t colon = slice_rchr(host, ':'), digits = 0;

	if (host.p[0] == '[')
		return (true);
	if (colon != SIZE_MAX)
		host = slice_head(host, colon);
	if (slice_istarts(host, SLICE("0x")))
		host = slice_from(host, 2);
	for (size_t i = 0; i < host.n; i++) {
		if (host.p[i] != '.' && !ascii_digit(host.p[i]))
			return (false);
		digits += host.p[i] != '.';
	}
	return (digits >= 4);
}

void rule_html_link(struct rule_case *c, struct slice href)
{
	struct slice user, host;

	href = slice_trim(href);
	if (slice_istarts(href, SLICE("data:")) || slice_istarts(href, SLICE("javascript:")) ||
	    slice_istarts(href, SLICE("vbscript:")))
		c->page.code++;
	if (!authority_of(href, &user, &host) || slice_istarts(href, SLICE("mailto:")))
		return;
	c->page.addresses += is_bare_address(host);
	c->page.users += user.n > 0;
	c->page.escaped += slice_chr(host, '%') != SIZE_MAX;
}

void rule_html_tag(struct rule_case *c, struct slice name)
{
	static const struct {
		const char *name;
		size_t at;
	} tags[] = {
		{ "form", offsetof(struct rule_page, forms) },
		{ "script", offsetof(struct rule_page, scripts) },
		{ "base", offsetof(struct rule_page, bases) },
	};

	for (size_t i = 0; i < COUNT_OF(tags); i++)
		if (slice_ieq(name, slice_of(tags[i].name)))
			(*(unsigned *)((char *)&c->page + tags[i].at))++;
}

/* Links that stand in plain text. */
void rule_html_plain(struct rule_case *c)
{
	struct slice rest = c->text;
	size_t at;

	for (unsigned n = 0; n < 200 && (at = slice_ifind(rest, SLICE("http"))) != SIZE_MAX; n++) {
		rest = slice_from(rest, at);
		rule_html_link(c, slice_head(rest, 300));
		rest = slice_from(rest, 4);
	}
}

double rule_link_address(const struct rule_case *c)
{
	return (c->page.addresses > 0);
}

double rule_link_user(const struct rule_case *c) /* http://bank.example@elsewhere.example/ */
{
	return (c->page.users > 0);
}

double rule_link_escaped(const struct rule_case *c)
{
	return (c->page.escaped > 0);
}

double rule_link_code(const struct rule_case *c)
{
	return (c->page.code > 0);
}

double rule_html_form(const struct rule_case *c)
{
	return (c->page.forms > 0);
}

double rule_html_script(const struct rule_case *c)
{
	return (c->page.scripts > 0);
}

double rule_html_base(const struct rule_case *c)
{
	return (c->page.bases > 0);
}
