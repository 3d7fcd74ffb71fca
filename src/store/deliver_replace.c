/* deliver_replace.c: how does the old message of a REPLACE go (RFC 8508)? On the account's lane, once
 * the new one is durable. It is there still, or deliver.c takes the new one back. Failures: should
 * its directory not be synced, nobody knows which name a crash would leave, so the new one stays. */
#include <fcntl.h>
#include <unistd.h>

#include "store/deliver_int.h"

int replaced_act(struct mail_job *j)
{
	struct commit_op *c = LIST_OWNER(j, struct commit_op, old);
	struct lane_folder *lf = &c->replaces->lane;
	struct arena *a = arena_new(0);
	char file[NAME_MAX_FILE + 1];
	struct index_row r;
	uint64_t modseq;
	int got = lf->gone ? 0 : index_get(j->m, lf, c->replaces_uid, a, &r, &j->err);

	if (got == 1) {
		row_path(&r, file);
		/* Renamed by another program: look where it is now. */
		if (faccessat(batch_fd(j->m, lf, r.where), file, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
			lf->note_ns[0] = lf->note_ns[1] = 0;
			got = scan_look(j, lf, true, &j->err) != 0
			    ? -1
			    : index_get(j->m, lf, c->replaces_uid, a, &r, &j->err);
		}
	}
	if (got == 0)
		got = err_set(&j->err, ERR_NOT_FOUND, "the message to replace is gone");
	if (got == 1)
		got = modseq_take(j->m, lf, &modseq, &j->err) != 0
		    ? -1
		    : lane_expunge(j, lf, &r, 1, modseq, true,
			  delta_add(j, lf, DELTA_EXPUNGED, CAUSE_STORE, c->by), NULL);
	arena_free(a);
	c->old_taken = got >= 0;
	return (got < 0 ? -1 : 0);
}
