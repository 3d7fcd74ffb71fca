/* op.c: how is any operation of the store abandoned? Each knows itself how; this only asks it. */
#include "store/op.h"

void store_op_cancel(struct store_op *op)
{
	if (op != NULL)
		op->cancel(op);
}
