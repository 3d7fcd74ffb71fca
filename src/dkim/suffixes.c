/* suffixes.c: where does an organisation's name begin? The one file that knows libpsl. Failures: a name that is none has no
 * organisation. */
#include "dkim/suffixes.h"

#include <libpsl.h>
#include <stdlib.h>

#include "core/domain.h"
#include "core/mem.h"

struct suffixes {
	psl_ctx_t *list; /* owned */
};

struct suffixes *suffixes_open(const char *file, struct err *err)
{
	psl_ctx_t *list = file != NULL ? psl_load_file(file) : psl_latest(NULL);
	struct suffixes *s;

	if (list == NULL) {
		(void)err_set(err, ERR_PERMANENT,
		    "read the list of public suffixes %s: missing or empty; install publicsuffix",
		    file != NULL ? file : "");
		return (NULL);
	}
	s = NEW(struct suffixes);
	s->list = list;
	return (s);
}

void suffixes_free(struct suffixes *s)
{
	if (s == NULL)
		return;
	psl_free(s->list);
	free(s);
}

struct slice suffixes_org(const struct suffixes *s, struct arena *a, struct slice domain)
{
	const char *name = arena_strdup(a, domain_ascii(a, domain)), *found = NULL;

	if (name[0] != '\0')
		found = psl_registrable_domain(s->list, name); /* points into name */
	return (slice_of(found));
}

struct slice suffixes_public(const struct suffixes *s, struct arena *a, struct slice domain)
{
	const char *name = arena_strdup(a, domain_ascii(a, domain)), *found = NULL;

	if (name[0] != '\0')
		found = psl_unregistrable_domain(s->list, name);
	return (slice_of(found));
}

bool suffixes_known(const struct suffixes *s, struct arena *a, struct slice domain)
{
	struct slice name = domain_ascii(a, domain);
	const char *last = arena_strdup(a, slice_from(name, slice_rchr(name, '.') + 1));

	return (name.n > 0 &&
	    psl_is_public_suffix2(s->list, last, PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) == 1);
}
