/* GETMETADATA SETMETADATA: notes of clients about a mailbox, or with "" about the account. RFC 5464.
 * Entries begin with /private or /shared; there is one owner, so both are his. Kept by the store. */
#include "imap/metadata.h"

#include "core/limits.h"
#include "core/mem.h"
#include "imap/command.h"

/* --- names and values --- */

/* RFC 5464 3.2: components behind slashes, no wildcards, printable ASCII. */
static bool take_entry(struct args *a, struct slice *ret)
{
	struct slice given;
	char *name;

	if (!args_astring(a, &given) || given.n < 2 || given.n > L_METADATA_NAME ||
	    given.p[0] != '/' || given.p[given.n - 1] == '/')
		return (false);
	name = arena_alloc(a->arena, given.n + 1);
	for (size_t i = 0; i < given.n; i++) {
		char c = given.p[i];

		if ((unsigned char)c < ' ' || (unsigned char)c >= 0x7f || c == '*' || c == '%' ||
		    (c == '/' && i > 0 && given.p[i - 1] == '/'))
			return (false);
		name[i] = ascii_lower(c);
	}
	*ret = (struct slice){ name, given.n };
	return (slice_eq(*ret, SLICE("/private")) || slice_starts(*ret, SLICE("/private/")) ||
	    slice_eq(*ret, SLICE("/shared")) || slice_starts(*ret, SLICE("/shared/")));
}

bool metadata_take_entries(struct args *a, struct metadata_ask *ask)
{
	bool many = args_char(a, '(');

	ask->entries = arena_array(a->arena, L_METADATA_ASKED, sizeof(*ask->entries));
	do {
		if (ask->n == L_METADATA_ASKED || !take_entry(a, &ask->entries[ask->n++]))
			return (false);
	} while (many && args_sp(a));
	return (!many || args_char(a, ')'));
}

/* Is it the entry asked for, or as far below as was asked? */
static bool is_within(struct slice asked, struct slice entry, unsigned depth)
{
	struct slice below;

	if (slice_eq(asked, entry))
		return (true);
	if (depth == 0 || !slice_starts(entry, asked) || entry.p[asked.n] != '/')
		return (false);
	below = slice_from(entry, asked.n + 1);
	return (depth == METADATA_ALL || slice_chr(below, '/') == SIZE_MAX);
}

static void say_pair(struct buf *out, struct slice entry, const struct slice *value, bool first)
{
	(void)buf_addc(out, first ? '(' : ' ');
	(void)write_astring(out, entry);
	(void)buf_addc(out, ' ');
	if (value == NULL)
		(void)buf_addz(out, "NIL");
	else if (memchr(value->p, '\0', value->n) != NULL) { /* value = nstring / literal8 */
		(void)buf_fmt(out, "~{%zu}\r\n", value->n);
		(void)buf_add_slice(out, *value);
	} else
		(void)write_string(out, *value, false);
}

void metadata_say(
    struct imap *s, struct slice name, struct metadata_ask *ask, const struct metadata *v, size_t n)
{
	struct buf pairs = BUF_INIT(L_IOUT / 2);

	for (size_t i = 0; i < ask->n; i++) {
		bool found = false;

		for (size_t k = 0; k < n; k++) {
			if (!is_within(ask->entries[i], v[k].entry, ask->depth))
				continue;
			found = true;
			if (v[k].value.n > ask->maxsize) {
				if (v[k].value.n > ask->longest)
					ask->longest = v[k].value.n;
			} else {
				say_pair(&pairs, v[k].entry, &v[k].value, pairs.n == 0);
			}
		}
		if (!found && ask->depth == 0)
			say_pair(&pairs, ask->entries[i], NULL, pairs.n == 0);
	}
	if (pairs.n > 0) {
		(void)buf_addz(&s->out, "* METADATA ");
		(void)write_mailbox(&s->out, name, s->utf8);
		(void)buf_addc(&s->out, ' ');
		(void)buf_add_slice(&s->out, buf_slice(&pairs));
		(void)buf_addz(&s->out, ")\r\n");
		imap_flush(s);
	}
	buf_free(&pairs);
}

/* --- GETMETADATA --- */

struct asking {
	struct metadata_ask ask;
	struct slice name;
};

static void on_read(void *self, const struct metadata *v, size_t n, const struct err *err)
{
	struct imap *s = self;
	struct asking *x = s->call.data;

	s->call.op = NULL;
	if (err != NULL) {
		imap_end_err(s, err);
		return;
	}
	metadata_say(s, x->name, &x->ask, v, n);
	if (x->ask.longest > 0) /* RFC 5464 4.2.1 */
		imap_endf(
		    s, "OK [METADATA LONGENTRIES %llu] Done", (unsigned long long)x->ask.longest);
	else
		imap_end(s, "OK Done");
}

/* "(" option *(SP option) ")", option = "MAXSIZE" SP number / "DEPTH" SP ("0" / "1" / "infinity") */
static bool take_options(struct args *a, struct metadata_ask *ask)
{
	if (!args_char(a, '('))
		return (true);
	do {
		if (args_word(a, "MAXSIZE")) {
			if (!args_sp(a) || !args_u64(a, UINT32_MAX, &ask->maxsize))
				return (false);
		} else if (args_word(a, "DEPTH")) {
			if (!args_sp(a))
				return (false);
			if (args_word(a, "0"))
				ask->depth = 0;
			else if (args_word(a, "1"))
				ask->depth = 1;
			else if (args_word(a, "infinity"))
				ask->depth = METADATA_ALL;
			else
				return (false);
		} else {
			return (false);
		}
	} while (args_sp(a));
	return (args_char(a, ')') && args_sp(a));
}

/* "" is the account itself. False: answered. */
static bool find(struct imap *s, struct slice *name, struct folder **ret)
{
	*ret = NULL;
	if (name->n == 0)
		return (true);
	if ((*ret = folder_find(s->account, *name)) == NULL) {
		imap_end(s, "NO [NONEXISTENT] No such mailbox");
		return (false);
	}
	*name = slice_of(folder_name(*ret));
	return (true);
}

void cmd_getmetadata(struct imap *s)
{
	struct asking *x = arena_alloc(s->call.arena, sizeof(*x));
	struct args *a = &s->call.args;
	struct folder *f;

	s->call.data = x;
	x->ask.maxsize = UINT64_MAX;
	if (!take_options(a, &x->ask) || !imap_take_mailbox(s, &x->name) || !args_sp(a) ||
	    !metadata_take_entries(a, &x->ask) || !args_end(a)) {
		imap_bad(s, "GETMETADATA takes a mailbox and names of entries");
		return;
	}
	if (find(s, &x->name, &f) &&
	    (s->call.op = metadata_read(s->account, f, on_read, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}

/* --- SETMETADATA --- */

static void on_written(void *self, const struct err *err)
{
	struct imap *s = self;

	s->call.op = NULL;
	if (err == NULL)
		imap_end(s, "OK Done");
	else if (err->kind == ERR_LIMIT)
		imap_end(s, "NO [METADATA TOOMANY] No room for more annotations here");
	else
		imap_end_err(s, err);
}

/* entry-values = "(" entry SP value *(SP entry SP value) ")"; of one entry twice the last counts */
static bool take_values(struct args *a, struct metadata *v, size_t *ret_n)
{
	*ret_n = 0;
	if (!args_char(a, '('))
		return (false);
	do {
		struct metadata m;
		size_t i = 0;

		if (!take_entry(a, &m.entry) ||
		    slice_chr(slice_from(m.entry, 1), '/') == SIZE_MAX || !args_sp(a) ||
		    !args_nstring(a, &m.value))
			return (false);
		while (i < *ret_n && !slice_eq(v[i].entry, m.entry))
			i++;
		if (i == L_METADATA_ASKED)
			return (false);
		v[i] = m;
		*ret_n += i == *ret_n;
	} while (args_sp(a));
	return (args_char(a, ')') && args_end(a));
}

void cmd_setmetadata(struct imap *s)
{
	struct metadata *v = arena_array(s->call.arena, L_METADATA_ASKED, sizeof(*v));
	struct args *a = &s->call.args;
	struct slice name;
	struct folder *f;
	size_t n;

	if (!imap_take_mailbox(s, &name) || !args_sp(a) || !take_values(a, v, &n)) {
		imap_bad(s, "SETMETADATA takes a mailbox and a list of entries with values");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (v[i].value.n > L_METADATA_VALUE) {
			imap_endf(s, "NO [METADATA MAXSIZE %d] A value is too large",
			    (int)L_METADATA_VALUE);
			return;
		}
	if (find(s, &name, &f) &&
	    (s->call.op = metadata_write(s->account, f, v, n, on_written, s)) == NULL)
		imap_end(s, "NO [UNAVAILABLE] Too busy; try again");
}
