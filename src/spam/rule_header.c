/* rule_header.c: what does the header tell about how a message was made? Each test is small; RFC 5322 3.6 says what an honest program
 * writes. Failures: none: what is missing or unreadable is what is asked about. */
#include "core/domain.h"
#include "core/mem.h"
#include "msg/addr.h"
#include "msg/date.h"
#include "msg/text.h"
#include "spam/rules.h"

enum { DAY = 86400, SUBJECT_HEAD = 1000 };

static const struct field *field_of(const struct rule_case *c, const char *name)
{
	return (header_first(c->f->header, slice_of(name)));
}

static struct slice text_of(const struct rule_case *c, const char *name)
{
	const struct field *f = field_of(c, name);

	if (f == NULL)
		return ((struct slice){ "", 0 });
	return (slice_trim(text_words(c->arena, slice_head(f->body, SUBJECT_HEAD))));
}

double rule_no_date(const struct rule_case *c)
{
	return (field_of(c, "Date") == NULL);
}

/* Two days in the future, or a month in the past: late mail exists, mail from tomorrow's tomorrow does not. */
double rule_date_off(const struct rule_case *c)
{
	const struct field *f = field_of(c, "Date");
	int64_t t;
	int zone;

	if (f == NULL)
		return (0);
	if (!date_parse(header_unfold(c->arena, f->body), &t, &zone))
		return (1);
	return (t > c->now + 2 * DAY || t < c->now - 30 * DAY);
}

double rule_no_message_id(const struct rule_case *c)
{
	return (field_of(c, "Message-ID") == NULL);
}

double rule_bad_message_id(
    const struct rule_case *c) /* RFC 5322 3.6.4: "<" id-left "@" id-right ">" */
{
	const struct field *f = field_of(c, "Message-ID");
	struct slice s;
	size_t at;

	if (f == NULL)
		return (0);
	s = slice_trim(f->body);
	at = slice_chr(s, '@');
	return (!(s.n > 4 && s.p[0] == '<' && s.p[s.n - 1] == '>' && at != SIZE_MAX && at > 1 &&
	    at + 2 < s.n));
}

double rule_no_to(const struct rule_case *c)
{
	return (
	    field_of(c, "To") == NULL && field_of(c, "Cc") == NULL && field_of(c, "Bcc") == NULL);
}

double rule_caps_subject(const struct rule_case *c)
{
	struct slice s = text_of(c, "Subject");
	size_t upper = 0, lower = 0, words = 0;

	for (size_t i = 0; i < s.n; i++) {
		upper += s.p[i] >= 'A' && s.p[i] <= 'Z';
		lower += s.p[i] >= 'a' && s.p[i] <= 'z';
		words += s.p[i] == ' ';
	}
	return (upper >= 10 && lower == 0 && words >= 2);
}

/* "Cheap stuff          x7kq": a tail pushed out of sight, to make each copy different. */
double rule_subject_gap(const struct rule_case *c)
{
	struct slice s = text_of(c, "Subject");

	return (slice_find(s, SLICE("          ")) != SIZE_MAX);
}

/* From: "service@bank.example" <x@elsewhere.example>: a name that is another's address. */
double rule_name_is_address(const struct rule_case *c)
{
	const struct field *f = field_of(c, "From");
	struct slice name, domain;
	struct addr_list list;
	size_t at, end;

	if (f == NULL)
		return (0);
	addr_parse(c->arena, f->body, &list);
	if (list.n == 0)
		return (0);
	name = text_words(c->arena, list.v[0].name);
	if ((at = slice_chr(name, '@')) == SIZE_MAX || at == 0)
		return (0);
	domain = slice_from(name, at + 1);
	for (end = 0;
	     end < domain.n && (ascii_alnum(domain.p[end]) || strchr(".-", domain.p[end]) != NULL);
	     end++)
		;
	domain = slice_head(domain, end);
	return (slice_chr(domain, '.') != SIZE_MAX && !domain_is_within(list.v[0].domain, domain) &&
	    !domain_is_within(domain, list.v[0].domain));
}

double rule_raw_8bit(
    const struct rule_case *c) /* 8-bit that is no UTF-8 was never allowed in a header */
{
	static const char *const names[] = { "Subject", "From", "To" };

	for (size_t k = 0; k < COUNT_OF(names); k++) {
		const struct field *f = field_of(c, names[k]);

		for (size_t i = 0; f != NULL && i + 1 < f->body.n; i++) {
			unsigned char a = (unsigned char)f->body.p[i],
				      b = (unsigned char)f->body.p[i + 1];

			if (a < 0x80)
				continue;
			if (a < 0xc2 || (b & 0xc0) != 0x80)
				return (1);
			while (
			    i + 1 < f->body.n && ((unsigned char)f->body.p[i + 1] & 0xc0) == 0x80)
				i++;
		}
	}
	return (0);
}
