/* facts_text.h: facts as they are kept in the ledger and shown: a JSON object, written and read back. */
#ifndef SPAM_FACTS_TEXT_H
#define SPAM_FACTS_TEXT_H

#include "core/arena.h"
#include "core/cfg.h"
#include "core/json.h"
#include "core/json_read.h"
#include "spam/facts.h"

/* Writes the members into an open object. Address, helo and the like are not among them: whoever writes
 * has columns of their own for these. What is not known is null. */
void facts_write(struct json *j, const struct facts *f);
/* Reads them back; slices in ${a}. False: not all of what verdicts rest on is there (a row of an older
 * version): its verdict cannot be told again. */
bool facts_read(struct arena *a, const struct json_value *v, struct facts *ret);
/* Which lists knew something, of those that ${cfg} asks; facts_read leaves these out. */
void facts_read_listed(
    struct arena *a, const struct json_value *v, const struct cfg *cfg, struct facts *ret);

#endif
