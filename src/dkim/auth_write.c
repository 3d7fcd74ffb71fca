/* auth_write.c: what do we say, in fields, of what was found out about a sender? RFC 8601 2.7, RFC 7208 9.1, RFC 8617 10.2. Leaves the
 * writing of values to results.c and msg/write.h: what a stranger chose stays inside its quotes. */
#include "core/limits.h"
#include "core/mem.h"
#include "dkim/auth.h"
#include "dkim/results.h"
#include "msg/write.h"

enum { VALUE_MAX = 320, METHODS_MAX = L_DKIM + 5 };

/* The envelope's sender, empty for the null one. */
static void add_sender(struct buf *out, const struct dkim_auth_ask *ask)
{
	if (ask->domain.n == 0)
		return;
	(void)buf_add_slice(out, ask->local);
	(void)buf_addc(out, '@');
	(void)buf_add_slice(out, ask->domain);
}

static void add_spf(
    const struct dkim_auth_result *r, struct buf *from, struct results_method *m, size_t *n)
{
	m[(*n)++] = (struct results_method){ .method = "spf",
		.result = spf_result_name(r->helo.result),
		.property = "smtp.helo",
		.value = r->ask.helo,
		.reason = slice_of(r->helo.why) };
	if (r->ask.domain.n == 0)
		return;
	add_sender(from, &r->ask);
	m[(*n)++] = (struct results_method){ .method = "spf",
		.result = spf_result_name(r->mail_from.result),
		.property = "smtp.mailfrom",
		.value = buf_slice(from),
		.reason = slice_of(r->mail_from.why) };
}

static void add_dkim(const struct dkim_signature *s, struct results_method *m, size_t *n)
{
	struct results_method *to = &m[(*n)++];

	*to = (struct results_method){
		.method = "dkim", .result = dkim_result_name(s->result), .reason = slice_of(s->why)
	};
	if (s->domain.n > 0) {
		to->property = "header.d";
		to->value = s->domain;
	}
	if (s->identity.n > 0)
		to->more[to->more_n++] = (struct results_property){ "header.i", s->identity };
	if (s->selector.n > 0)
		to->more[to->more_n++] = (struct results_property){ "header.s", s->selector };
	if (s->algorithm != NULL)
		to->more[to->more_n++] =
		    (struct results_property){ "header.a", slice_of(s->algorithm) };
	if (s->b.n > 0)
		to->more[to->more_n++] =
		    (struct results_property){ "header.b", s->b }; /* RFC 6008 */
}

static void add_dmarc(const struct dmarc_result *d, struct results_method *m, size_t *n)
{
	struct results_method *to = &m[(*n)++];

	*to = (struct results_method){ .method = "dmarc", .result = dmarc_state_name(d->state) };
	if (d->from.n > 0) {
		to->property = "header.from";
		to->value = d->from;
	}
	if (d->domain.n > 0)
		to->more[to->more_n++] = (struct results_property){ "policy.dmarc",
			slice_of(dmarc_policy_name(d->policy)) };
}

static void add_arc(const struct dkim_auth_result *r, struct results_method *m, size_t *n)
{
	struct results_method *to = &m[(*n)++];

	*to = (struct results_method){
		.method = "arc", .result = arc_state_name(r->arc), .reason = slice_of(r->arc_why)
	};
	if (r->arc_n > 0) {
		to->property = "header.d"; /* who sealed last */
		to->value = r->arc_sets[r->arc_n - 1].domain;
	}
}

int dkim_auth_write(struct buf *out, const struct dkim_auth_result *r)
{
	struct results_method m[METHODS_MAX];
	struct buf from = BUF_INIT(L_LOCAL + L_DOMAIN * 4);
	size_t n = 0;
	int ret;

	add_spf(r, &from, m, &n);
	for (size_t i = 0; i < r->signatures_n && i < L_DKIM; i++)
		add_dkim(&r->signatures[i], m, &n);
	if (r->signatures_n == 0)
		m[n++] = (struct results_method){ .method = "dkim",
			.result = dkim_result_name(DKIM_NONE) };
	if (r->signatures_ignored > 0)
		m[n++] = (struct results_method){ .method = "dkim",
			.result = dkim_result_name(DKIM_POLICY),
			.reason = SLICE("more signatures than are looked at") };
	add_dmarc(&r->dmarc, m, &n);
	if (r->arc != ARC_NONE)
		add_arc(r, m, &n);
	ret = results_write(out, r->ask.hostname, m, n);
	buf_free(&from);
	return (ret);
}

/* key-value-pair = key [CFWS] "=" ( dot-atom / quoted-string ); all quoted, as most of it is a stranger's */
static void add_pair(struct buf *out, const char *key, struct slice value)
{
	if (value.n == 0)
		return;
	(void)buf_fmt(out, ";\r\n\t%s=", key);
	(void)write_quoted(out, slice_head(value, VALUE_MAX));
}

int dkim_auth_write_received_spf(struct buf *out, const struct dkim_auth_result *r)
{
	bool null_sender = r->ask.domain.n == 0;
	const struct spf_answer *s = null_sender ? &r->helo : &r->mail_from;
	struct buf from = BUF_INIT(L_LOCAL + L_DOMAIN * 4);
	char ip[IP_TEXT];

	add_sender(&from, &r->ask);
	(void)buf_fmt(out, "Received-SPF: %s receiver=%s;\r\n\tidentity=%s;\r\n\tclient-ip=\"%s\"",
	    spf_result_name(s->result), r->ask.hostname, null_sender ? "helo" : "mailfrom",
	    ip_text(&r->ask.ip, ip));
	add_pair(out, "helo", r->ask.helo);
	add_pair(out, "envelope-from", buf_slice(&from));
	add_pair(out, "mechanism", s->mechanism);
	add_pair(out, "problem", slice_of(s->why));
	buf_free(&from);
	return (buf_addz(out, "\r\n"));
}
