/* rule_program.c: what does the header tell about the program that wrote this? Real programs are
 * consistent; those that play them, and those made for bulk, are known by what they forget. Each test is
 * small; failures: none. RFC 5322 3.6.4, RFC 2045 4. */
#include "core/mem.h"
#include "msg/date.h"
#include "msg/text.h"
#include "spam/rules.h"

static struct slice value(const struct rule_case *c, const char *name)
{
	return (header_value(c->arena, c->f->header, slice_of(name)));
}

static bool has(const struct rule_case *c, const char *name)
{
	return (header_first(c->f->header, slice_of(name)) != NULL);
}

/* It says it is Outlook, and lacks what Outlook always writes. */
double rule_false_outlook(const struct rule_case *c)
{
	struct slice mailer = value(c, "X-Mailer");

	if (slice_istarts(mailer, SLICE("Microsoft Outlook Express")) ||
	    slice_istarts(mailer, SLICE("Microsoft Outlook IMO")) ||
	    slice_istarts(mailer, SLICE("Microsoft Outlook, Build")))
		return (!has(c, "X-MimeOLE") && !has(c, "List-Id"));
	return (0);
}

double rule_bulk_program(const struct rule_case *c)
{
	static const char *const programs[] = { "phpmailer", "bulk", "mailer pro", "massmail",
		"mass mail", "emailer", "group mail", "groupmail", "blaster", "dynamic mail",
		"dm mailer", "aristotle", "direct email", "stealth", "extractor", "sendblast",
		"turbo-mailer", "leaf", "swiftmailer", "python", "ghostmail" };
	struct slice mailer = value(c, "X-Mailer");

	for (size_t i = 0; i < COUNT_OF(programs); i++)
		if (slice_ifind(mailer, slice_of(programs[i])) != SIZE_MAX)
			return (1);
	return (0);
}

double rule_no_mime_version(
    const struct rule_case *c) /* RFC 2045 4 demands it of all that have parts */
{
	return (!has(c, "MIME-Version") &&
	    slice_istarts(value(c, "Content-Type"), SLICE("multipart/")));
}

/* RFC 5322 3.3: no place on earth is more than 14 hours away, or at odd minutes. */
double rule_odd_zone(const struct rule_case *c)
{
	struct slice date = value(c, "Date");
	int64_t t;
	int zone;

	return (
	    date_parse(date, &t, &zone) && (zone < -12 * 60 || zone > 14 * 60 || zone % 15 != 0));
}

/* Encoded words that hold nothing but ASCII: written so as not to be read by filters. RFC 2047 1. */
double rule_needless_encoding(const struct rule_case *c)
{
	const struct field *f = header_first(c->f->header, SLICE("Subject"));
	struct slice s;

	if (f == NULL || !slice_istarts(slice_trim(f->body), SLICE("=?")))
		return (0);
	s = text_words(c->arena, slice_head(f->body, 1000));
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80 || s.p[i] == '?' || s.p[i] == '=' ||
		    s.p[i] == '_')
			return (0);
	return (s.n > 0);
}

double rule_loud(const struct rule_case *c) /* a priority set by hand, as sellers do */
{
	struct slice priority = slice_trim(value(c, "X-Priority"));

	return (slice_starts(priority, SLICE("1")) ||
	    slice_istarts(slice_trim(value(c, "X-MSMail-Priority")), SLICE("high")));
}

double rule_shouting(const struct rule_case *c)
{
	struct slice s = text_words(c->arena, slice_head(value(c, "Subject"), 1000));

	return (slice_find(s, SLICE("!!")) != SIZE_MAX || slice_find(s, SLICE("$$")) != SIZE_MAX ||
	    slice_find(s, SLICE("??")) != SIZE_MAX);
}

double rule_no_subject(const struct rule_case *c)
{
	return (slice_trim(value(c, "Subject")).n == 0);
}

/* Who made it knew the address alone: "ann: cheap stuff". */
double rule_subject_names_you(const struct rule_case *c)
{
	size_t at = slice_rchr(c->f->rcpt, '@');
	struct slice local = at != SIZE_MAX ? slice_head(c->f->rcpt, at) : (struct slice){ "", 0 };
	struct slice s = text_words(c->arena, slice_head(value(c, "Subject"), 1000));

	return (local.n > 2 && slice_istarts(slice_trim(s), local) &&
	    (slice_starts(slice_from(slice_trim(s), local.n), SLICE(",")) ||
		slice_starts(slice_from(slice_trim(s), local.n), SLICE(":"))));
}
