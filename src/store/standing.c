/* standing.c: how does evidence add up, fade, and become a score? A clock that was set back makes nothing
 * fade and nothing grow. */
#include "store/standing.h"

#include <math.h>

/* Twenty messages of one hour are twenty, although the first has faded by a hair. */
static const double enough = STANDING_MAILS - 0.5;
static const double worthless = 1.0 / 16; /* of a message */

static double faded(int64_t age)
{
	return (age <= 0 ? 1 : exp2(-(double)age / STANDING_HALF_LIFE));
}

static double positive(double v)
{
	return (v > 1e-9 ? v : 0);
}

static void bring_to(struct standing *s, int64_t now)
{
	double left = faded(now - s->at);

	s->ham *= left;
	s->spam *= left;
	s->mails *= left;
	s->at = now;
}

void standing_add(
    struct standing *s, bool spam, double weight, double mails, int64_t made, int64_t now)
{
	double left = faded(now - made), too_many;

	bring_to(s, now);
	if (spam)
		s->spam = positive(s->spam + weight * left);
	else
		s->ham = positive(s->ham + weight * left);
	s->mails = positive(s->mails + mails * left);
	if ((too_many = s->mails / STANDING_MOST) > 1) {
		s->ham /= too_many;
		s->spam /= too_many;
		s->mails = STANDING_MOST;
	}
}

double standing_mails(const struct standing *s, int64_t now)
{
	return (s->mails * faded(now - s->at));
}

bool standing_has_enough(const struct standing *s, int64_t now)
{
	return (standing_mails(s, now) >= enough && s->ham + s->spam > 0);
}

bool standing_speaks(const struct standing *s, int64_t now)
{
	bool is_friend = s->friend_at != 0 && now - s->friend_at < STANDING_FRIEND;

	return (standing_has_enough(s, now) && !is_friend);
}

unsigned standing_score(const struct standing *s)
{
	double all = s->ham + s->spam, share = all > 0 ? s->spam / all : 0;

	return ((unsigned)lround(100 * (1 - share * share)));
}

int64_t standing_until(const struct standing *s)
{
	int64_t until = s->at;

	if (s->mails > worthless)
		until += (int64_t)(STANDING_HALF_LIFE * log2(s->mails / worthless));
	if (s->friend_at != 0 && s->friend_at + STANDING_FRIEND > until)
		until = s->friend_at + STANDING_FRIEND;
	return (until);
}
