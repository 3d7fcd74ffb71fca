/* lists_int.h: between lists.c (which lists there are, and asking them) and lists_test.c (are they well?). */
#ifndef SPAM_LISTS_INT_H
#define SPAM_LISTS_INT_H

#include "core/limits.h"
#include "core/list.h"
#include "spam/lists.h"

enum list_state { LIST_WAITING, LIST_WELL, LIST_OFF };
enum { LIST_PROBES = 4, LIST_WHY = 160 };

struct list_one; /* a list and how it is */

struct list_probe { /* one question of a self-test */
	struct list_one *one;
	struct dns_query *query;
	enum listing said;
	struct ip code;
};

struct list_one {
	struct list node; /* of its lists */
	struct lists *all;
	const struct cfg_dnsbl *list; /* as it is configured now; the last of it when ${gone} */
	bool gone;                    /* not in the configuration any more */
	enum list_state state;
	char why[LIST_WHY];
	bool takes_v4, takes_v6, takes_names; /* what its test entries showed */
	uint64_t asked, listed, unknown;
	unsigned run;        /* answers in a row that said "listed" */
	struct timer *timer; /* to the next test */
	unsigned open;       /* probes without an answer */
	struct list_probe probes[LIST_PROBES];
};

struct lists {
	struct lists_deps deps;
	const struct cfg *cfg;
	struct list ones;
};

/* lists_test.c */
void list_test_start(struct list_one *o); /* unless one is under way */
void list_test_stop(struct list_one *o);
/* It answered as a list that does not want us, or lists all: off, and tested again later. */
void list_turn_off(struct list_one *o, const char *why);
void list_refused(struct list_one *o, const struct ip *code);

#endif
