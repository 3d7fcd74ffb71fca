/* op.h (inside store): what every asynchronous operation begins with. An operation that is
 * cancelled forgets its callback and frees itself when the work under way comes back. */
#ifndef STORE_OP_H
#define STORE_OP_H

#include "store/store.h"

struct store_op {                            /* first member of an operation's own struct */
	void (*cancel)(struct store_op *op); /* on the loop; no callback follows */
};

#endif
