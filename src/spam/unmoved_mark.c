/* unmoved_mark.c: what does a message teach that lies where it was put? An owner who moves only half of what was misfiled still leaves
 * mostly what was filed rightly; so it counts, but little, and what is doubtful counts only as far as the filter needs it. Each rule is
 * there for a way in which a wrong verdict would feed itself; README.md has the figures. */
#include <math.h>

#include "spam/unmoved.h"

#define UNSURE 2.0	/* points from which mail is no longer called ham: doubt, up to Junk */
#define SURE_HAM (-2.0) /* points up to which the classifier is sure of ham */
#define EVIDENCE 2.0	/* points of other rules that speak for themselves */
#define JUNK_DEFAULT 6.0
/* Doubtful mail is called ham while less is known of ham than this share of the spam known, and a little: without any ham nothing can
 * be told apart, with as much as comes the spam that an owner left lying would outvote the spam that was moved. */
#define HAM_SHARE 0.5
#define HAM_FIRST (2.0 * LESSON_EXPLICIT)

static struct lesson_mark mark(enum lesson_class is, unsigned weight)
{
	return ((struct lesson_mark){ is, is == LESSON_NONE ? 0 : weight });
}

static bool needs_ham(const struct model_totals *t)
{
	return ((double)t->ham < HAM_SHARE * (double)t->spam + HAM_FIRST);
}

/* It lies in Junk. What only the classifier called spam weighs least, or its own errors would be its teachers. */
static struct lesson_mark of_junk(const struct unmoved_case *m)
{
	if (m->early || m->role != ROLE_JUNK)
		return (mark(LESSON_NONE, 0));
	if (m->others >= EVIDENCE && m->points > SURE_HAM)
		return (mark(LESSON_SPAM, LESSON_LIKELY));
	return (mark(m->points >= UNSURE ? LESSON_SPAM : LESSON_NONE, LESSON_IMPLICIT));
}

static struct lesson_mark of_ham(const struct unmoved_case *m)
{
	double doubt = isinf(m->junk) ? UNSURE : m->junk / JUNK_DEFAULT * UNSURE;

	if (m->role == ROLE_JUNK)
		return (mark(LESSON_NONE, 0)); /* that was an act */
	/* Nobody answers, flags, forwards or files away what should have gone to Junk. */
	if (m->refiled || (m->flags & (FLAG_ANSWERED | FLAG_FLAGGED | FLAG_PASSED)) != 0)
		return (mark(LESSON_HAM, LESSON_LIKELY));
	if ((m->early && (m->flags & FLAG_SEEN) == 0) || m->score >= doubt || m->points >= UNSURE)
		return (mark(LESSON_NONE, 0));
	return (mark(m->points <= SURE_HAM || needs_ham(&m->known) ? LESSON_HAM : LESSON_NONE,
	    LESSON_IMPLICIT));
}

struct lesson_mark unmoved_mark(const struct unmoved_case *m)
{
	if ((m->flags & FLAG_DELETED) != 0)
		return (mark(LESSON_NONE, 0));
	switch (m->role) {
	case ROLE_TRASH:
	case ROLE_DRAFTS:
	case ROLE_SENT:
	case ROLE_QUARANTINE: return (mark(LESSON_NONE, 0)); /* nobody looks through these for what is there wrongly */
	case ROLE_NONE:
	case ROLE_INBOX:
	case ROLE_JUNK:
	case ROLE_ARCHIVE: break;
	}
	return (m->junked ? of_junk(m) : of_ham(m));
}
