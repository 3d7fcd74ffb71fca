/* looking.c: what does a search hold while it looks, in one mailbox? Its program, what its keys
 * answer, what was found and with which score. It is the visit's while a worker looks, and the
 * session's between. RFC 6203 4 (scores). */
#include "imap/searching.h"

#include <stdlib.h>

#include "core/mem.h"

void look_free(void *data)
{
	struct looking *l = data;

	if (l == NULL)
		return;
	search_free(l->q);
	free(l->values);
	order_free(l->order);
	free(l->numbers);
	free(l->sure);
	uid_list_free(&l->found);
	scores_free(&l->scores[LOOK_VIEW]);
	scores_free(&l->scores[LOOK_VISIT]);
	free(l);
}

unsigned look_rate(struct looking *l, enum look_by by, uint32_t uid)
{
	unsigned score;

	if (!l->q->wants_score)
		return (0);
	score = relevancy_of(l->q, l->values);
	scores_add(&l->scores[by], uid, score);
	return (score);
}

unsigned look_score(const struct looking *l, uint32_t uid)
{
	unsigned score = scores_of(&l->scores[LOOK_VIEW], uid);

	return (score != 0 ? score : scores_of(&l->scores[LOOK_VISIT], uid));
}
