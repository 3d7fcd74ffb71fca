/* Law: base and info of a name add up to it; what a name says, written again, says the same. */
#include <stdlib.h>

#include "store/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice in = { (const char *)data, n };
	struct buf again = BUF_INIT(1024);
	char info[NAME_INFO_MAX];
	struct name a, b;

	if (!name_parse(in, &a))
		return (0);
	if (a.base.n + a.info.n != in.n)
		abort();
	if (a.has_s && a.has_w && a.has_p && a.has_i && name_unique_ok(a.unique)) {
		name_info(info, a.flags);
		if (name_base(&again, a.unique, a.s, a.w, a.uid, a.uidvalidity, a.cid) != 0 ||
		    buf_addz(&again, info) != 0)
			abort();
		if (again.n <= NAME_MAX_FILE &&
		    (!name_parse(buf_slice(&again), &b) || !slice_eq(a.unique, b.unique) ||
			a.s != b.s || a.w != b.w || a.uid != b.uid ||
			a.uidvalidity != b.uidvalidity || a.flags != b.flags ||
			memcmp(a.cid, b.cid, 16) != 0))
			abort();
	}
	buf_free(&again);
	return (0);
}
