/* records.c: what has to stand in DNS? MX, SPF (RFC 7208), DKIM (RFC 6376 3.6.2: one record, several strings of at most 255 octets), DMARC. */
#include "admin/records.h"

#include "dkim/sign.h"

enum { TXT_STRING = 255 };

static void add_txt(struct buf *out, const char *name, struct slice value)
{
	(void)buf_fmt(out, "%s. IN TXT ( ", name);
	for (size_t at = 0; at < value.n; at += TXT_STRING) {
		struct slice part = slice_head(slice_from(value, at), TXT_STRING);

		(void)buf_fmt(out, "\"%.*s\" ", SLICE_ARG(part));
	}
	(void)buf_addz(out, ")\n");
}

static void add_key(void *self, const char *name, const char *value)
{
	add_txt(self, name, slice_of(value));
}

int records_write(struct buf *out, const struct cfg *cfg, const char *domain, struct err *err)
{
	const char *selector = NULL;
	struct dkim_keys *keys;

	for (const struct cfg_domain *d = cfg->domains; d != NULL; d = d->next)
		if (slice_eq(d->name, slice_of(domain)))
			selector = d->dkim_selector;
	(void)buf_fmt(out, "; %s: addresses of this machine (and AAAA if it has IPv6); its reverse DNS must say %s\n", domain, cfg->hostname);
	(void)buf_fmt(out, "%s. IN A <your IPv4 address>\n", cfg->hostname);
	(void)buf_fmt(out, "%s. IN MX 10 %s.\n", domain, cfg->hostname);
	(void)buf_fmt(out, "%s. IN TXT \"v=spf1 mx -all\"\n", domain);
	(void)buf_fmt(out, "_dmarc.%s. IN TXT \"v=DMARC1; p=none; rua=mailto:postmaster@%s\"\n", domain, domain);
	if ((keys = dkim_keys_load(domain, selector, err)) == NULL)
		return (-1);
	dkim_keys_each(keys, add_key, out);
	dkim_keys_free(keys);
	return (out->failed ? err_set(err, ERR_LIMIT, "the records of %s are too long", domain) : 0);
}
