/* regex.c: does this pattern occur in that subject? PCRE2's interpreter, since the sandbox refuses
 * memory that is written and run. */
#include "core/regex.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/limits.h"
#include "core/mem.h"

struct regex {
	pcre2_code *code;
};

static void say_compile_error(struct err *err, struct slice pattern, int number, size_t at)
{
	PCRE2_UCHAR words[120] = "";

	(void)pcre2_get_error_message(number, words, sizeof(words));
	(void)err_set(err, ERR_PEER, "\"%.*s\" is no pattern: %s, at character %zu",
	    (int)(pattern.n > 80 ? 80 : pattern.n), pattern.p, (const char *)words, at + 1);
}

struct regex *regex_new(struct slice pattern, bool fold, struct err *err)
{
	uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	struct regex *r = NEW(struct regex);
	PCRE2_SIZE at = 0;
	int number = 0;

	if (context == NULL)
		abort(); /* out of memory, as mem.h does */
	(void)pcre2_set_max_pattern_length(context, L_REGEX);
	(void)pcre2_set_parens_nest_limit(context, L_REGEX_PARENS);
	if (fold)
		options |= PCRE2_CASELESS;
	r->code = pcre2_compile((PCRE2_SPTR)pattern.p, pattern.n, options, &number, &at, context);
	pcre2_compile_context_free(context);
	if (r->code != NULL)
		return (r);
	say_compile_error(err, pattern, number, at);
	free(r);
	return (NULL);
}

void regex_free(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_code_free(r->code);
	free(r);
}

bool regex_match(const struct regex *r, struct slice subject)
{
	pcre2_match_context *context = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	int found;

	if (context == NULL || data == NULL)
		abort(); /* out of memory, as mem.h does */
	/* The limit is for each place a match may begin at: the length of the subject counts too. */
	(void)pcre2_set_match_limit(context, L_REGEX_STEPS);
	(void)pcre2_set_heap_limit(context, L_REGEX_KIB);
	subject = slice_head(subject, L_REGEX_SUBJECT);
	found = pcre2_match(
	    r->code, (PCRE2_SPTR)(subject.n > 0 ? subject.p : ""), subject.n, 0, 0, data, context);
	pcre2_match_data_free(data);
	pcre2_match_context_free(context);
	return (found >= 0); /* -1 no match; the rest: over a limit, which is none either */
}
