/* standing.h: what judged messages say of whoever sent them, as a number. Pure arithmetic. What a message
 * was judged to be is spam/'s business; who sent it, and where the numbers lie, is reputation.h's.
 *
 * What is said loses half of its weight in STANDING_HALF_LIFE, so a network that changed hands is not
 * blamed for ever. Below 20 messages there is no score at all. The score is 100 * (1 - s^2), s the
 * share of spam: 75 where half of it is spam, 10 at 95 percent; one bad message among ten costs one
 * point. */
#ifndef STORE_STANDING_H
#define STORE_STANDING_H

#include <stdbool.h>
#include <stdint.h>

enum {
	STANDING_HALF_LIFE = 14 * 86400, /* seconds */
	STANDING_MAILS = 20,             /* fewer are no evidence */
	STANDING_MOST = 200,             /* more weigh no more: old merit and old guilt both end */
	STANDING_LESSON = 5,             /* an owner's word is worth so many verdicts of ours */
	STANDING_FRIEND = 90 * 86400,    /* seconds */
};

struct standing {
	double ham, spam;  /* weight of what was said, as of ${at} */
	double mails;      /* messages behind it */
	int64_t at;        /* wall seconds */
	int64_t friend_at; /* when a correspondent who proved himself last wrote from there; 0: never */
};

/* What was said at ${made} with so much weight, by so many messages (parts of one where several have a
 * say); negative: taken back. ${now} is the standing's new time. Nothing goes below zero. */
void standing_add(
    struct standing *s, bool spam, double weight, double mails, int64_t made, int64_t now);
/* Is there enough to speak of? */
bool standing_has_enough(const struct standing *s, int64_t now);
/* And is it to be spoken of? Where a friend writes from there is no score. */
bool standing_speaks(const struct standing *s, int64_t now);
unsigned standing_score(const struct standing *s); /* 0 to 100 */
/* Messages, as they weigh now. */
double standing_mails(const struct standing *s, int64_t now);
/* When nothing of it is worth keeping any more. */
int64_t standing_until(const struct standing *s);

#endif
