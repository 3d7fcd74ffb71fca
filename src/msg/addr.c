/* addr.c: which mailboxes and groups does an address field name?
 *
 * One pass over tokens with a small state, no recursion. What is malformed is skipped with
 * ${faulty} set; the addresses after it are still found, since hiding one is worse than showing a
 * strange one (AUT-07). Strings are resolved afterwards from their stretch of the field, each read
 * once more at most: linear. RFC 5322 3.4, 4.4; RFC 6532 (octets above 127 are atom text). */
#include "msg/addr_int.h"

#include "core/domain.h"
#include "core/limits.h"

struct stretch { /* of the field, in octets; empty when from == to */
	size_t from, to;
};

enum place { IN_PHRASE, IN_DOMAIN, IN_ROUTE };

struct reader {
	struct arena *arena;
	struct lexer x;
	struct addr *v;
	size_t n, cap;
	bool cut, in_group, in_angle, faulty;
	enum place place;
	/* the element being read */
	struct stretch phrase, run; /* all words; the last dot-connected ones */
	bool after_dot;
	struct stretch name, local, domain, route, comment;
	struct stretch shadow_local,
	    shadow_domain; /* of an address that stands where a name should */
	bool has_address;  /* local, domain complete; a '>' or the end of a domain was seen */
	char *text; /* room for every resolved string: no octet of the field is used twice but for
		       names */
	size_t text_n, text_max;
};

static void element_clear(struct reader *r)
{
	r->phrase = r->run = r->name = r->local = r->domain = r->route = r->comment =
	    r->shadow_local = r->shadow_domain = (struct stretch){ 0, 0 };
	r->after_dot = r->has_address = r->in_angle = false;
	r->place = IN_PHRASE;
}

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '"' || s.p[i] == '(' || s.p[i] == ')' || s.p[i] == '\\' ||
		    s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n')
			return (false);
	return (true);
}

static void put(struct reader *r, char c)
{
	if (c != '\r' && c != '\n' && r->text_n < r->text_max) /* RFC 5322 2.2.3: unfolded */
		r->text[r->text_n++] = c;
}

static void put_unescaped(struct reader *r, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		put(r, s.p[i]);
	}
}

static struct slice unquoted(struct slice s, char close)
{
	s = slice_from(s, 1);
	if (s.n > 0 && s.p[s.n - 1] == close) {
		size_t back = 0; /* a close that is itself escaped closes nothing */

		while (back + 1 < s.n && s.p[s.n - 2 - back] == '\\')
			back++;
		if (back % 2 == 0)
			s.n--;
	}
	return (s);
}

enum join {          /* what stands between two words that had blanks between them */
	JOIN_NAME,   /* a blank */
	JOIN_LOCAL,  /* a blank, but none at a dot */
	JOIN_DOMAIN, /* nothing; literals stay as they are */
};

static void put_room(struct reader *r)
{
	if (r->text != NULL)
		return;
	r->text_max = r->x.s.n * 3 + 16;
	r->text = arena_alloc(r->arena, r->text_max);
}

/* What a domain holds never needs quoting, so that it can be written as it is. */
static void put_domain_token(struct reader *r, struct slice t, enum token token)
{
	bool literal = token == T_LITERAL;

	if (literal)
		put(r, '[');
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] == '\\') {
			if (++i < t.n && addr_is_atom(t.p[i]) && t.p[i] != '[' && t.p[i] != ']')
				put(r, t.p[i]);
		} else if (t.p[i] != '[' &&
		    t.p[i] != ']') { /* within a word they would open a literal */
			put(r, t.p[i]);
		}
	}
	if (literal)
		put(r, ']');
}

/* The stretch with quotes and comments resolved. */
static struct slice resolve(struct reader *r, struct stretch st, enum join join)
{
	struct slice s = { r->x.s.p + st.from, st.to - st.from };
	struct lexer x = { .s = s };
	size_t from, last = 0;
	bool dot = false;

	if (st.to <= st.from)
		return (SLICE(""));
	if (is_plain(s) && (join != JOIN_DOMAIN || slice_chr(s, '[') == SIZE_MAX))
		return (s);
	put_room(r);
	from = r->text_n;
	while (addr_lex(&x, join == JOIN_DOMAIN) != T_END) {
		struct slice t = slice_between(s.p + x.from, s.p + x.to);
		bool gap = r->text_n > from && x.from > last;

		if (x.token == T_COMMENT)
			continue;
		if (gap && (join == JOIN_NAME || (join == JOIN_LOCAL && !dot && x.token != T_DOT)))
			put(r, ' ');
		dot = x.token == T_DOT;
		last = x.to;
		if (join == JOIN_DOMAIN)
			put_domain_token(r, t, x.token);
		else
			put_unescaped(r, x.token == T_QUOTED ? unquoted(t, '"') : t);
	}
	return ((struct slice){ r->text + from, r->text_n - from });
}

static struct slice resolve_comment(struct reader *r, struct stretch st)
{
	struct slice s = { r->x.s.p + st.from, st.to - st.from };
	size_t from;

	s = slice_trim(unquoted(s, ')'));
	if (slice_chr(s, '\\') == SIZE_MAX && slice_chr(s, '\n') == SIZE_MAX &&
	    slice_chr(s, '\r') == SIZE_MAX)
		return (s);
	put_room(r);
	from = r->text_n;
	put_unescaped(r, s);
	return ((struct slice){ r->text + from, r->text_n - from });
}

static void emit(struct reader *r, struct addr one)
{
	if (r->n >= L_ADDR && one.kind != ADDR_GROUP_END) {
		r->cut = true;
		return;
	}
	if (r->n == r->cap) {
		size_t cap = r->cap > 0 ? r->cap * 2 : 2;
		struct addr *v = arena_array(r->arena, cap, sizeof(*v));

		if (r->n > 0)
			memcpy(v, r->v, r->n * sizeof(*v));
		r->v = v;
		r->cap = cap;
	}
	r->v[r->n++] = one;
}

/* An element is over: what did it name? */
static void element_close(struct reader *r)
{
	struct addr one = { .kind = ADDR_MAILBOX,
		.name = SLICE(""),
		.local = SLICE(""),
		.domain = SLICE(""),
		.route = SLICE("") };

	if (r->cut) {
		element_clear(r);
		return;
	}
	if (r->has_address) {
		one.local = resolve(r, r->local, JOIN_LOCAL);
		one.domain = resolve(r, r->domain, JOIN_DOMAIN);
		one.route = resolve(r, r->route, JOIN_DOMAIN);
		if (r->name.to > r->name.from)
			one.name = resolve(r, r->name, JOIN_NAME);
		else if (r->comment.to > r->comment.from)
			one.name = resolve_comment(r, r->comment);
		if (r->phrase.to > r->phrase.from)
			r->faulty = true; /* words after the address */
		if (r->shadow_domain.to > r->shadow_domain.from) {
			struct addr shadow = {
				.kind = ADDR_MAILBOX, .name = SLICE(""), .route = SLICE("")
			};

			shadow.local = resolve(r, r->shadow_local, JOIN_LOCAL);
			shadow.domain = resolve(r, r->shadow_domain, JOIN_DOMAIN);
			if (!slice_ieq(shadow.domain,
				one.domain)) { /* AUT-07: shown, so that it is judged */
				r->faulty = true;
				emit(r, shadow);
			}
		}
		emit(r, one);
	} else if (r->phrase.to > r->phrase.from) { /* no domain: the words are all there is */
		one.local = resolve(r, r->phrase, JOIN_NAME);
		emit(r, one);
	}
	element_clear(r);
}

static void word(struct reader *r)
{
	struct lexer *x = &r->x;

	if (r->phrase.to == r->phrase.from)
		r->phrase = (struct stretch){ x->from, x->to };
	r->phrase.to = x->to;
	/* a run goes on over a dot on either side, and, in what is broken, where nothing stands
	 * between */
	if (r->run.to > r->run.from && (r->after_dot || x->token == T_DOT || r->run.to == x->from))
		r->run.to = x->to;
	else
		r->run = (struct stretch){ x->from, x->to };
	r->after_dot = x->token == T_DOT;
}

/* "@" after words: the last run of them is a local part. */
static void at_sign(struct reader *r)
{
	if (r->has_address && !r->in_angle) { /* "a@b c@d": the comma is missing */
		struct stretch phrase = r->phrase, run = r->run;

		r->faulty = true;
		r->phrase = (struct stretch){ 0, 0 };
		element_close(r);
		r->phrase = phrase;
		r->run = run;
	}
	if (r->in_angle)
		r->run = r->phrase; /* "<a b@c>": all of it */
	else if (r->run.from >
	    r->phrase.from) /* "x y@z": the words before it are a name of sorts */
		r->name = (struct stretch){ r->phrase.from, r->run.from };
	if (r->run.to == r->run.from || r->name.to > r->name.from)
		r->faulty = r->faulty || !r->in_angle || r->run.to == r->run.from;
	r->local = r->run.to > r->run.from ? r->run : (struct stretch){ r->x.from, r->x.from };
	r->phrase = r->run = (struct stretch){ 0, 0 };
	r->domain = (struct stretch){ r->x.to, r->x.to };
	r->has_address = true;
	r->after_dot = false;
	r->place = IN_DOMAIN;
}

static void angle_open(struct reader *r)
{
	static const struct stretch none = { 0, 0 };

	if (r->in_angle) { /* "<<a@b>>" */
		r->faulty = true;
		r->place = IN_PHRASE;
		return;
	}
	if (r->has_address &&
	    r->place == IN_DOMAIN) { /* "a@b <c@d>": an address for a name, unquoted */
		r->shadow_local = r->local;
		r->shadow_domain = r->domain;
		if (r->name.to == r->name.from)
			r->name.from = r->local.from;
		r->name.to = r->domain.to;
	} else {
		struct stretch phrase = r->phrase;

		if (r->has_address) { /* "<a@b> name <c@d>": the comma is missing */
			r->faulty = true;
			r->phrase = none;
			element_close(r);
		}
		r->name = phrase;
	}
	r->phrase = r->run = r->local = r->domain = none;
	r->has_address = r->after_dot = false;
	r->in_angle = true;
	r->place = IN_PHRASE;
}

static void angle_close(struct reader *r)
{
	if (!r->in_angle) {
		r->faulty = true;
		r->place = IN_PHRASE; /* a domain ends here */
		return;
	}
	if (!r->has_address) /* "<>" or "<local>" */
		r->local = r->phrase;
	r->has_address = true;
	r->phrase = r->run = (struct stretch){ 0, 0 };
	r->in_angle = false;
	r->place = IN_PHRASE;
}

static void colon(struct reader *r)
{
	struct addr group = { .kind = ADDR_GROUP,
		.name = SLICE(""),
		.local = SLICE(""),
		.domain = SLICE(""),
		.route = SLICE("") };

	if (r->in_angle && (r->place == IN_DOMAIN || r->place == IN_ROUTE) &&
	    r->local.to == r->local.from && r->route.to > r->route.from) { /* "<@a,@b:local@c>" */
		r->has_address = false;
		r->domain = r->phrase = r->run = (struct stretch){ 0, 0 };
		r->place = IN_PHRASE;
		return;
	}
	if (r->in_group || r->in_angle || r->has_address) { /* groups do not nest */
		r->faulty = true;
		r->place = IN_PHRASE; /* a domain ends here */
		if (!r->has_address)
			r->phrase = r->run = (struct stretch){ 0, 0 };
		return;
	}
	group.name = r->cut ? SLICE("") : resolve(r, r->phrase, JOIN_NAME);
	element_clear(r);
	emit(r, group);
	r->in_group = !r->cut;
}

static void group_close(struct reader *r)
{
	struct addr end = { .kind = ADDR_GROUP_END,
		.name = SLICE(""),
		.local = SLICE(""),
		.domain = SLICE(""),
		.route = SLICE("") };

	element_close(r);
	if (!r->in_group) { /* a semicolon as comma */
		r->faulty = true;
		return;
	}
	r->in_group = false;
	emit(r, end);
}

/* In a domain: atoms joined by dots, or a literal. Anything else ends it. */
static bool domain_token(struct reader *r)
{
	struct lexer *x = &r->x;
	bool first = r->domain.to == r->domain.from;

	if (x->token != T_WORD && x->token != T_DOT && x->token != T_LITERAL)
		return (false);
	if (!first && !r->after_dot && x->token != T_DOT && r->domain.to != x->from)
		return (false); /* a word of its own */
	if (first)
		r->domain.from = x->from;
	r->domain.to = x->to;
	r->after_dot = x->token == T_DOT;
	return (true);
}

static void mark(struct reader *r)
{
	struct lexer *x = &r->x;

	switch (x->mark) {
	case '<': angle_open(r); return;
	case '>': angle_close(r); return;
	case '@':
		if (r->in_angle && r->phrase.to == r->phrase.from && !r->has_address &&
		    r->route.to == r->route.from) { /* "<@a": a route, or a local part left out */
			r->route = (struct stretch){ x->from, x->to };
			r->local = (struct stretch){ 0, 0 };
			r->has_address = true;
			r->place = IN_ROUTE;
			r->domain = (struct stretch){ x->to, x->to };
			return;
		}
		if (r->in_angle && r->has_address) { /* "<a@b@c>": the first domain stands */
			r->faulty = true;
			r->place = IN_PHRASE;
			return;
		}
		at_sign(r);
		return;
	case ':': colon(r); return;
	case ';': group_close(r); return;
	default: /* ',' */
		if (r->in_angle)
			r->faulty = true; /* "<a@b, c@d" */
		element_close(r);
		return;
	}
}

/* It was no route: go back to the first domain in it and read on from there. What follows cannot
 * begin a route again before its own "<", so nothing is read a third time. */
static bool route_fails(struct reader *r)
{
	r->faulty = true;
	r->x.at = r->route.from + 1;
	r->route = (struct stretch){ 0, 0 };
	r->place = IN_DOMAIN;
	r->after_dot = false;
	return (true);
}

/* Inside "<@a,@b:" everything up to the colon is route. A route that never ends in one was
 * "<@domain>". */
static bool route_token(struct reader *r)
{
	struct lexer *x = &r->x;

	if (x->token == T_MARK && (x->mark == ',' || x->mark == '@')) {
		r->route.to = x->to;
		return (true);
	}
	if (x->token == T_WORD || x->token == T_DOT || x->token == T_LITERAL) {
		r->route.to = x->to;
		return (true);
	}
	if (x->token == T_MARK && x->mark == ':')
		return (false);
	return (route_fails(r));
}

void addr_parse(struct arena *a, struct slice field_body, struct addr_list *ret)
{
	struct reader r = { .arena = a, .x = { .s = field_body } };

	element_clear(&r);
	while (!r.cut) {
		if (addr_lex(&r.x, r.place != IN_PHRASE) == T_END) {
			if (r.place != IN_ROUTE)
				break;
			(void)route_fails(&r);
			continue;
		}
		if (r.x.token == T_COMMENT) {
			/* "a@b (Name)": only behind an address is it a name */
			if (r.x.to > r.x.from + 1 && r.has_address &&
			    (r.place != IN_DOMAIN || r.domain.to > r.domain.from))
				r.comment = (struct stretch){ r.x.from, r.x.to };
			continue;
		}
		if (r.place == IN_ROUTE && route_token(&r))
			continue;
		if (r.place == IN_DOMAIN && domain_token(&r))
			continue;
		if (r.x.token == T_MARK) {
			mark(&r);
			continue;
		}
		if (r.place == IN_DOMAIN)
			r.place = IN_PHRASE;
		if (r.in_angle && r.has_address)
			r.faulty = true; /* "<a@b c>": left out */
		else
			word(&r);
	}
	if (r.in_angle)
		r.faulty = true;
	if (r.in_group) {
		r.faulty = true; /* the semicolon is missing */
		group_close(&r);
	} else {
		element_close(&r);
	}
	*ret = (struct addr_list){
		.v = r.v, .n = r.n, .faulty = r.faulty || r.x.faulty, .cut = r.cut
	};
}

bool addr_single_domain(const struct addr_list *l, struct slice *ret_domain)
{
	struct slice domain = SLICE("");

	if (l->cut)
		return (false);
	for (size_t i = 0; i < l->n; i++) {
		struct slice d = l->v[i].domain;

		if (slice_ends(d, SLICE(".")))
			d.n--;
		if (l->v[i].kind != ADDR_MAILBOX || d.n == 0)
			continue;
		if (domain.n > 0 && !slice_ieq(domain, d) && !domain_same(domain, d))
			return (false);
		domain = d;
	}
	if (domain.n == 0)
		return (false);
	*ret_domain = domain;
	return (true);
}

struct slice addr_fold(struct arena *a, struct slice local, struct slice domain)
{
	struct slice ascii = domain_ascii(a, domain);
	char *text;

	if (local.n == 0 || ascii.n == 0)
		return ((struct slice){ 0 });
	text = arena_fmt(a, SLICE_FMT "@" SLICE_FMT, SLICE_ARG(local), SLICE_ARG(ascii));
	for (char *p = text; *p != '\0'; p++)
		*p = ascii_lower(*p);
	return (slice_of(text));
}
