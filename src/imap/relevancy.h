/* relevancy.h: how well does a message answer a FUZZY search? RFC 6203 4. */
#ifndef IMAP_RELEVANCY_H
#define IMAP_RELEVANCY_H

#include "imap/search.h"

/* relevancy_prepare: a search whose scores are asked for; once, before it is matched: adds keys to it, which
 * decide nothing but the score. */
void relevancy_prepare(struct search *q);
/* Do these answers tell the score? */
bool relevancy_is_known(const struct search *q, const unsigned char *values);
unsigned relevancy_of(const struct search *q, const unsigned char *values); /* 1 to 100 */

struct scores { /* of messages whose uids ascend */
	struct uid_list uids;
	unsigned char *v;
};
void scores_add(struct scores *s, uint32_t uid, unsigned score);
unsigned scores_of(const struct scores *s, uint32_t uid); /* 0: it has none */
void scores_free(struct scores *s);

#endif
