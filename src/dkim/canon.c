/* canon.c: what is hashed of a message? RFC 6376 3.4. Leaves to sign.c and its kin which fields, in which order. Failures: only
 * a full buffer of the caller's. Linear; line ends and blanks that may turn out to be the last are counted, not kept. */
#include "dkim/canon.h"

static bool is_blank(char c)
{
	return (c == ' ' || c == '\t');
}

static void put(struct canon_body *c, struct slice s)
{
	c->any = true;
	c->sink(c->self, s);
}

/* An octet that stays follows: what waited was not the end. */
static void flush(struct canon_body *c)
{
	if (c->guessing)
		c->guessed(c->self, true);
	c->guessing = false;
	for (; c->line_ends > 0; c->line_ends--)
		put(c, SLICE("\r\n"));
	if (c->blank)
		put(c, SLICE(" ")); /* RFC 6376 3.4.4: a run of blanks is one space */
	c->blank = false;
}

/* One more that may be the last. */
static void wait_line_end(struct canon_body *c)
{
	c->blank = false; /* at the end of a line: ignored */
	if (c->guessing) {
		c->sink(c->self, SLICE("\r\n"));
		return;
	}
	c->line_ends++;
	if (c->patience == 0 || c->line_ends < c->patience)
		return;
	c->guess(c->self);
	c->guessing = true;
	for (; c->line_ends > 0; c->line_ends--)
		c->sink(c->self, SLICE("\r\n"));
}

static size_t run_length(const struct canon_body *c, struct slice s)
{
	const char *cr;
	size_t n;

	if (c->how == CANON_SIMPLE) {
		cr = *s.p == '\r' ? s.p : memchr(s.p, '\r', s.n);
		return (cr == NULL ? s.n : (size_t)(cr - s.p));
	}
	for (n = 0; n < s.n && s.p[n] != '\r' && !is_blank(s.p[n]); n++)
		;
	return (n);
}

void canon_body_add(struct canon_body *c, struct slice octets)
{
	size_t n;

	while (octets.n > 0) {
		if (c->cr) {
			c->cr = false;
			if (octets.p[0] == '\n') {
				wait_line_end(c);
				octets = slice_from(octets, 1);
				continue;
			}
			flush(c);
			put(c, SLICE("\r"));
		}
		if ((n = run_length(c, octets)) > 0) {
			flush(c);
			put(c, slice_head(octets, n));
		} else {
			n = 1;
			if (octets.p[0] == '\r')
				c->cr = true;
			else
				c->blank = true;
		}
		octets = slice_from(octets, n);
	}
}

void canon_body_end(struct canon_body *c)
{
	if (c->cr) {
		flush(c);
		put(c, SLICE("\r"));
	}
	if (c->blank)
		flush(c); /* a last line without its end: what others hash, so do we */
	if (c->guessing)
		c->guessed(c->self, false);
	c->guessing = false;
	/* RFC 6376 3.4.3, 3.4.4: empty lines at the end are ignored, what is left ends with one CRLF; of an empty body
	 * "simple" makes one CRLF, "relaxed" nothing. */
	if (c->any || c->how == CANON_SIMPLE)
		put(c, SLICE("\r\n"));
	c->line_ends = 0;
	c->cr = c->blank = false;
}

static int relax(struct slice raw, struct buf *out)
{
	struct slice name, body;
	bool blank = false, any = false;

	(void)slice_cut(raw, ':', &name, &body);
	name = slice_trim(name);
	for (size_t i = 0; i < name.n; i++)
		(void)buf_addc(out, ascii_lower(name.p[i]));
	(void)buf_addc(out, ':');
	body = slice_trim(body);
	for (size_t i = 0; i < body.n; i++) {
		if (body.p[i] == '\r' && i + 1 < body.n && body.p[i + 1] == '\n') {
			i++; /* unfolded: the line end goes, the blank after it stays */
			continue;
		}
		if (is_blank(body.p[i])) {
			blank = true;
			continue;
		}
		if (blank && any)
			(void)buf_addc(out, ' ');
		blank = false;
		any = true;
		(void)buf_addc(out, body.p[i]);
	}
	return (out->failed ? -1 : 0);
}

int canon_field(enum canon how, struct slice raw, bool with_end, struct buf *out)
{
	if (slice_ends(raw, SLICE("\r\n")))
		raw.n -= 2;
	if (how == CANON_SIMPLE)
		(void)buf_add_slice(out, raw);
	else
		(void)relax(raw, out);
	if (with_end)
		(void)buf_addz(out, "\r\n");
	return (out->failed ? -1 : 0);
}
