/* jail_plain.c: jail_calls for builds without libseccomp: says that there is no filter. */
#include "core/jail.h"

int jail_calls(struct err *err)
{
	return (err_set(err, ERR_CANNOT, "no system call filter: built without libseccomp"));
}
