/* quarantine.c: how does a copy of refused mail come to lie in the account's Quarantine, and how does it
 * find room there? The folder is made when first needed; room is made on the account's lane by letting the
 * oldest go. Leaves the commit itself to deliver.c, age to expire.c. Failures: no copy, told to who asked;
 * what was refused stays refused. */
#include "store/quarantine.h"

#include <stdlib.h>

#include "core/arena.h"
#include "core/loop.h"
#include "store/mail_int.h"

/* The second one where the owner has an ordinary folder of the first name. */
static const char *const names[] = { "Quarantine", "Refused mail" };

int quarantine_takes(const struct folder *f, struct err *err)
{
	if (folder_role(f) != ROLE_QUARANTINE)
		return (0);
	return (err_set(err, ERR_CANNOT,
	    "only refused mail comes here; move mail out of it, or expunge it"));
}

/* --- room; on the lane --- */

/* 1 one went, 0 there is none, -1 */
static int drop_oldest(struct mail_job *j, struct lane_folder *lf, struct delta **d)
{
	struct arena *a = arena_new(0);
	struct index_row r;
	uint64_t modseq;
	uint32_t uid = 0;
	int got = sql_ask(j->m->index, "SELECT min(uid) FROM msg WHERE folder = ?1", &j->err, "i",
	    lf->id);

	if (got == 0) {
		if ((got = sql_step(j->m->index, &j->err)) == 1)
			uid = (uint32_t)sql_int(j->m->index, 0);
		sql_done(j->m->index);
	}
	if (got == 1)
		got = uid == 0 ? 0 : index_get(j->m, lf, uid, a, &r, &j->err);
	if (got == 1 && (got = modseq_take(j->m, lf, &modseq, &j->err)) == 0) {
		if (*d == NULL) /* told whatever becomes of the copy: they went */
			*d = delta_add(j, lf, DELTA_EXPUNGED, CAUSE_EXTERNAL, NULL);
		got = lane_expunge(j, lf, &r, 1, modseq, false, *d, NULL) != 0 ? -1 : 1;
	}
	arena_free(a);
	return (got);
}

int quarantine_room(struct mail_job *j, struct lane_folder *lf, uint64_t octets)
{
	struct delta *d = NULL;
	bool looked = false;

	if (octets > L_QUARANTINE)
		return (err_set(&j->err, ERR_LIMIT, "larger than all that Quarantine may hold"));
	if (index_count(j->m, lf, &j->err) != 0)
		return (-1);
	/* Each round one goes, of L_QUARANTINE_MESSAGES or a few more that others put there. */
	while (lf->counts.messages > 0 &&
	    (lf->counts.size + octets > L_QUARANTINE ||
		lf->counts.messages >= L_QUARANTINE_MESSAGES)) {
		int got = !looked ? scan_look(j, lf, true, &j->err) : drop_oldest(j, lf, &d);

		if (got < 0 || (looked && got == 0))
			return (got);
		looked = true; /* files that others removed take no room */
	}
	return (0);
}

/* --- keeping; on the loop --- */

struct keeping {
	struct account *account;
	struct draft *draft;
	char *prefix; /* owned */
	size_t prefix_n;
	struct span *drop; /* owned */
	size_t drop_n;
	unsigned name; /* the next of ${names} to try */
	struct later *later;
	struct err err;
	void (*on_kept)(void *self, const struct quarantined *q);
	void *self;
};

static void end(
    struct keeping *k, const struct err *err, uint32_t uid, const unsigned char *content_id)
{
	k->on_kept(k->self,
	    &(struct quarantined){ .err = err,
		.folder = folder_by_role(k->account, ROLE_QUARANTINE),
		.uid = uid,
		.content_id = content_id });
	free(k->prefix);
	free(k->drop);
	free(k);
}

static void on_committed(void *self, const struct commit_result *r)
{
	if (r->err != NULL)
		end(self, r->err, 0, NULL);
	else
		end(self, NULL, r->uids[0], r->content_ids[0]);
}

static void on_refused(void *self)
{
	struct keeping *k = self;

	end(k, &k->err, 0, NULL);
}

static void commit(struct keeping *k)
{
	struct commit_target target = { .account = k->account,
		.role = ROLE_QUARANTINE,
		.prefix = { k->prefix, k->prefix_n },
		.date = clock_wall() };

	(void)store_commit(k->account->store,
	    &(struct commit){ .draft = k->draft,
		.drop = k->drop,
		.drop_n = k->drop_n,
		.targets = &target,
		.targets_n = 1 },
	    on_committed, k);
}

static void make(struct keeping *k);

static void on_made(void *self, const struct err *err)
{
	struct keeping *k = self;

	if (folder_by_role(k->account, ROLE_QUARANTINE) != NULL) /* by us, or by another copy */
		commit(k);
	else if (err != NULL && err->kind == ERR_EXISTS && k->name < COUNT_OF(names))
		make(k);
	else
		end(k, err, 0, NULL);
}

static void make(struct keeping *k)
{
	(void)folder_create(
	    k->account, slice_of(names[k->name++]), ROLE_QUARANTINE, on_made, k);
}

void quarantine_keep(struct account *a, struct draft *draft, struct slice prefix,
    const struct span *drop, size_t drop_n,
    void (*on_kept)(void *self, const struct quarantined *q), void *self)
{
	struct keeping *k = NEW(struct keeping);

	k->account = a;
	k->draft = draft;
	k->prefix = mem_strndup(prefix.p, prefix.n);
	k->prefix_n = prefix.n;
	k->drop = mem_new_array(drop_n + 1, sizeof(*k->drop));
	if (drop_n > 0)
		memcpy(k->drop, drop, drop_n * sizeof(*k->drop));
	k->drop_n = drop_n;
	k->on_kept = on_kept;
	k->self = self;
	if (!store_accepts(a->store, &k->err)) /* no folder is made for what is not kept */
		k->later = loop_later(a->store->loop, on_refused, k);
	else if (folder_by_role(a, ROLE_QUARANTINE) != NULL)
		commit(k);
	else
		make(k);
}
