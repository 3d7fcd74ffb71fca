/* records.c: what has to stand in DNS? MX, SPF (RFC 7208), DKIM (RFC 6376 3.6.2: one record,
 * several strings of at most 255 octets), DMARC. */
#include "admin/records.h"

#include <string.h>

#include "dkim/sign.h"

enum { TXT_STRING = 255, RECORD_MAX = 2048 };

static void zone_line(void *self, const char *name, const char *type, const char *value)
{
	struct slice text = slice_of(value != NULL ? value : "<your IPv4 address>");
	bool is_text = strcmp(type, "TXT") == 0, is_long = text.n > TXT_STRING;

	(void)buf_fmt(self, "%s. IN %s %s", name, type, is_long ? "( " : "");
	if (!is_text)
		(void)buf_add_slice(self, text);
	for (size_t at = 0; is_text && at < text.n; at += TXT_STRING) {
		struct slice part = slice_head(slice_from(text, at), TXT_STRING);

		(void)buf_fmt(self, "\"%.*s\"%s", SLICE_ARG(part), is_long ? " " : "");
	}
	(void)buf_addz(self, is_long ? ")\n" : "\n");
}

struct key_adder {
	records_add *add;
	void *self;
};

static void add_key(void *self, const char *name, const char *value)
{
	struct key_adder *k = self;

	k->add(k->self, name, "TXT", value);
}

int records_each(
    const struct cfg *cfg, const char *domain, records_add *add, void *self, struct err *err)
{
	struct key_adder adder = { add, self };
	struct buf text = BUF_INIT(RECORD_MAX), name = BUF_INIT(RECORD_MAX);
	const char *selector = NULL;
	struct dkim_keys *keys;

	for (const struct cfg_domain *d = cfg->domains; d != NULL; d = d->next)
		if (slice_eq(d->name, slice_of(domain)))
			selector = d->dkim_selector;
	add(self, cfg->hostname, "A", NULL);
	(void)buf_fmt(&text, "10 %s.", cfg->hostname);
	add(self, domain, "MX", buf_z(&text));
	add(self, domain, "TXT", "v=spf1 mx -all");
	buf_reset(&text);
	(void)buf_fmt(&text, "v=DMARC1; p=none; rua=mailto:postmaster@%s", domain);
	(void)buf_fmt(&name, "_dmarc.%s", domain);
	add(self, buf_z(&name), "TXT", buf_z(&text));
	buf_free(&text);
	buf_free(&name);
	if ((keys = dkim_keys_load(domain, selector, err)) == NULL)
		return (-1);
	dkim_keys_each(keys, add_key, &adder);
	dkim_keys_free(keys);
	return (0);
}

int records_write(struct buf *out, const struct cfg *cfg, const char *domain, struct err *err)
{
	(void)buf_fmt(out,
	    "; %s: addresses of this machine (and AAAA if it has IPv6); its reverse DNS must say "
	    "%s\n",
	    domain, cfg->hostname);
	if (records_each(cfg, domain, zone_line, out, err) == -1)
		return (-1);
	return (
	    out->failed ? err_set(err, ERR_LIMIT, "the records of %s are too long", domain) : 0);
}
