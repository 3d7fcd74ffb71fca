/* deliver_int.h (deliver.c, deliver_write.c): a commit under way. */
#ifndef STORE_DELIVER_INT_H
#define STORE_DELIVER_INT_H

#include "core/arena.h"
#include "store/mail_int.h"
#include "store/queue.h"

struct target {
	struct mail_job job; /* first: write job, link job, then undo job; one after the other */
	struct commit_op *op;
	struct account *account;
	struct folder *folder; /* where it is to go */
	struct draft *draft;   /* what */
	bool by_role, is_append, is_octets, written, linked;
	bool is_refused; /* a copy for Quarantine, and nowhere else */
	struct slice prefix;
	unsigned flags;
	struct slice *keywords;
	size_t keywords_n;
	int64_t date, saved;
	struct account_usage quota;
	char unique[NAME_UNIQUE_MAX + 1];
	unsigned serial;
	char *root;
	unsigned char cid[16];
	uint64_t disk, wire;
	struct items items;
	/* after the rename */
	struct lane_folder *lf;
	uint32_t uid, uidvalidity;
	char *base, *info;
	unsigned where;
};

struct body { /* what goes out */
	struct job job;
	struct commit_op *op;
	char id[QUEUE_ID + 1];
	uint64_t size;
	bool failed, made;
	struct err err;
};

struct commit_op {
	struct store_op op;
	struct store *s;
	struct arena *arena; /* owned; holds this */
	void (*on_done)(void *self, const struct commit_result *r);
	void *self;
	bool abandoned, kept, failed;
	struct draft *draft;
	const void *by;
	struct span *drop;
	size_t drop_n;
	struct target *targets;
	size_t targets_n;
	struct queue_envelope *queue; /* NULL: nothing goes out */
	struct slice queue_prefix;
	struct body body;
	char stamp[64];
	int64_t saved; /* as in the stamp */
	unsigned waiting;
	struct err err;
	struct intent_job intent;
	struct mail_job old; /* REPLACE: takes the old message away */
	struct folder *replaces;
	uint32_t replaces_uid;
	bool old_taken; /* set on the lane: a failure after that is no reason to take the new one back */
	bool has_intent, keeps_intent; /* keeps: not all could be taken back */
	struct later *later;
};

/* sync lane: write and sync tmp/<unique> (struct target), queue/<id> (struct body). */
void target_write(struct job *job);
void outgoing_write(struct job *job);
/* account's lane: commit_op.old */
int replaced_act(struct mail_job *j);

#endif
