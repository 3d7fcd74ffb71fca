/* verdict.c: facts to accept, junk or reject: adds up what rules.c lists and compares with the owner's numbers. Leaves carrying it
 * out, and greylisting, to smtp/. Failures: none. */
#include "spam/verdict.h"

#include <math.h>

#include "core/buf.h"
#include "core/clock.h"
#include "core/mem.h"
#include "spam/rules.h"

enum { WHY_MAX = 2000 };

static const char reply_reject[] =
    "this message looks like unsolicited mail and was not delivered; if it is not, please send a "
    "short plain note first, or ask the recipient another way";

static struct slice put_why(struct arena *a, const struct verdict *v)
{
	struct buf b = BUF_INIT(WHY_MAX);
	struct slice s;

	(void)buf_fmt(&b, "score %.1f", v->score);
	for (size_t i = 0; i < v->n; i++)
		(void)buf_fmt(&b, "; %s %.1f", v->points[i].rule, v->points[i].points);
	s = arena_dup(a, buf_slice(&b));
	buf_free(&b);
	return (s);
}

void verdict_judge(
    struct arena *a, const struct facts *f, const struct cfg_score *numbers, struct verdict *ret)
{
	struct rule_case c = { .f = f, .arena = a, .now = clock_wall() };
	struct verdict_point *points = arena_array(a, rules_n, sizeof(*points));

	*ret = (struct verdict){ .points = points };
	rule_body_look(&c);
	for (size_t i = 0; i < rules_n; i++) {
		double p = rules[i].points * rules[i].test(&c);

		if (fabs(p) < 0.05)
			continue; /* would be shown as 0.0 */
		points[ret->n++] = (struct verdict_point){ rules[i].name, p };
		ret->score += p;
	}
	ret->act = ret->score >= numbers->reject ? VERDICT_REJECT
	    : ret->score >= numbers->junk        ? VERDICT_JUNK
						 : VERDICT_ACCEPT;
	ret->why = put_why(a, ret);
	ret->reply = ret->act == VERDICT_REJECT ? reply_reject : NULL;
}
