/* exported.c: what does a file of lessons say? All of it or, with the first line that is wrong, nothing. Leaves teaching to repair.c. A
 * line may hold members that we do not know; a file of a later version is refused by its first line. RFC 8259. */
#include "spam/exported.h"

#include <stdlib.h>
#include <string.h>

#include "core/json.h"
#include "core/json_read.h"
#include "core/limits.h"
#include "spam/words.h"

#define KIND "pennypost-lessons"

struct line { /* a lesson and where it stands */
	struct lesson l;
	size_t number;
};

void exported_begin(struct buf *out)
{
	struct json j;

	json_begin(&j, out);
	json_open(&j, NULL, '{');
	json_put_uint(&j, KIND, EXPORTED_VERSION);
	json_put_uint(&j, "tokeniser", WORDS_VERSION);
	json_close(&j, '}');
	(void)buf_addc(out, '\n');
}

void exported_write(struct buf *out, const struct lesson *l)
{
	static const char digits[] = "0123456789abcdef";
	char id[2 * sizeof(l->content_id)];
	struct json j;

	for (size_t i = 0; i < sizeof(id); i++)
		id[i] = digits[(unsigned)l->content_id[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
	json_begin(&j, out);
	json_open(&j, NULL, '{');
	json_put_string(&j, "account", l->account);
	json_put_string(&j, "content", (struct slice){ id, sizeof(id) });
	json_put_stringz(&j, "class", l->mark.is == LESSON_HAM ? "ham" : "spam");
	json_put_uint(&j, "weight", l->mark.weight);
	json_put_uint(&j, "tokeniser", l->version);
	json_put_int(&j, "time", l->at);
	json_close(&j, '}');
	(void)buf_addc(out, '\n');
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

static bool read_id(struct slice s, unsigned char ret[16])
{
	if (s.n != 32)
		return (false);
	for (size_t i = 0; i < 16; i++) {
		int high = digit(s.p[2 * i]), low = digit(s.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return (false);
		ret[i] = (unsigned char)(high * 16 + low);
	}
	return (true);
}

/* What is wrong with it; NULL: nothing. */
static const char *read_lesson(struct arena *a, const struct json_value *v, struct lesson *ret)
{
	struct slice class = json_text(json_get(v, "class"));
	int64_t weight = json_as_integer(json_get(v, "weight"));
	int64_t version = json_as_integer(json_get(v, "tokeniser"));

	if (!read_id(json_text(json_get(v, "content")), ret->content_id))
		return ("\"content\" is not 32 hexadecimal digits in lower case");
	if (slice_eq(class, SLICE("ham")))
		ret->mark.is = LESSON_HAM;
	else if (slice_eq(class, SLICE("spam")))
		ret->mark.is = LESSON_SPAM;
	else
		return ("\"class\" is neither ham nor spam");
	if (weight < 1 || weight > LESSON_EXPLICIT)
		return ("\"weight\" is not from 1 to 4");
	if (version < 1 || version > INT32_MAX)
		return ("\"tokeniser\" is no version");
	if (json_get(v, "account") == NULL)
		return ("\"account\" is missing");
	ret->mark.weight = (unsigned)weight;
	ret->version = (unsigned)version;
	ret->at = json_as_integer(json_get(v, "time"));
	ret->account = arena_dup(a, json_text(json_get(v, "account")));
	return (ret->at <= 0 ? "\"time\" is not in seconds since 1970" : NULL);
}

/* 1: a lesson, 0: another line that is right. */
static int read_line(
    struct arena *a, struct slice text, size_t number, struct lesson *ret, struct err *err)
{
	const char *wrong = NULL;
	struct json_doc *doc;
	struct err why = { 0 };

	if (number > 1 && slice_trim(text).n == 0)
		return (0);
	if ((doc = json_read(text, &why)) == NULL)
		wrong = number > 1 ? why.text : "this is no export of lessons";
	else if (number > 1)
		wrong = read_lesson(a, json_root(doc), ret);
	else if (json_as_integer(json_get(json_root(doc), KIND)) != EXPORTED_VERSION)
		wrong = "this is no export of lessons, or one of another version of pennypost";
	if (wrong != NULL)
		(void)err_set(err, ERR_PEER, "line %zu: %s; nothing was learned", number, wrong);
	json_doc_free(doc);
	return (wrong != NULL ? -1 : number > 1);
}

static int cmp_line(const void *x, const void *y)
{
	const struct line *a = x, *b = y;
	int c = slice_cmp(a->l.account, b->l.account);

	if (c == 0)
		c = memcmp(a->l.content_id, b->l.content_id, sizeof(a->l.content_id));
	return (c != 0 ? c : (a->number > b->number) - (a->number < b->number));
}

/* One content is one lesson of an account: twice in a file, which of them is meant? */
static int settle(struct arena *a, struct line *v, size_t n, struct lesson **ret, struct err *err)
{
	if (n > 0)
		qsort(v, n, sizeof(*v), cmp_line);
	*ret = arena_array(a, n + 1, sizeof(**ret));
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && slice_eq(v[i].l.account, v[i - 1].l.account) &&
		    memcmp(v[i].l.content_id, v[i - 1].l.content_id, 16) == 0)
			return (err_set(err, ERR_PEER,
			    "line %zu: the same lesson stands in line %zu; nothing was learned",
			    v[i].number, v[i - 1].number));
		(*ret)[i] = v[i].l;
	}
	return (0);
}

int exported_read(
    struct arena *a, struct slice text, struct lesson **ret, size_t *ret_n, struct err *err)
{
	size_t n = 0, room = 64, number = 0;
	struct line *v = arena_array(a, room, sizeof(*v));

	*ret_n = 0;
	do {
		size_t end = slice_chr(text, '\n');
		struct slice line = slice_head(text, end == SIZE_MAX ? text.n : end);
		struct line one = { .number = ++number };
		int got = read_line(a, line, number, &one.l, err);

		if (got == -1)
			return (-1);
		if (got == 1 && n == L_LESSONS_IMPORT)
			return (err_set(err, ERR_LIMIT,
			    "more than %d lessons; import them account by account", L_LESSONS_IMPORT));
		if (got == 1 && n == room) {
			struct line *more = arena_array(a, room *= 2, sizeof(*more));

			memcpy(more, v, n * sizeof(*v));
			v = more;
		}
		if (got == 1)
			v[n++] = one;
		text = end == SIZE_MAX ? (struct slice){ 0 } : slice_from(text, end + 1);
	} while (text.n > 0);
	if (settle(a, v, n, ret, err) == -1)
		return (-1);
	*ret_n = n;
	return (0);
}
