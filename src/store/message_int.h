/* message_int.h (message.c, expunge.c, copy.c): an operation on messages of an open folder. */
#ifndef STORE_MESSAGE_INT_H
#define STORE_MESSAGE_INT_H

#include "store/mail_int.h"

enum { MESSAGE_SOME = 256 }; /* rows asked for at once */

struct message_op {
	struct mail_job job;
	struct store_op op;
	struct folder *folder;
	message_done *on_done;
	void *self;
	bool abandoned;
	const void *by;
	uint32_t *uids; /* asked for */
	size_t n;
	bool has_err; /* what was done before it stays done */
	struct err err;
	uint32_t *ret, *ret_to; /* for the answer */
	size_t ret_n;
	uint64_t modseq;
	uint32_t to_uidvalidity;
	/* flags */
	enum flags_mode mode;
	unsigned flags;
	char **keywords;
	size_t keywords_n;
	uint64_t unchanged_since;
	/* copy */
	struct folder *to;
	bool is_move;
	uint32_t first; /* Q of the first name */
	int64_t saved;
	struct account_usage quota;
	char stamp[64];
	struct intent_job intent;
	bool has_intent;
};

struct message_op *message_op_new(struct view *v, const uint32_t *uids, size_t n, const void *by,
    message_done *on_done, void *self, int (*act)(struct mail_job *),
    void (*end)(struct mail_job *));
struct store_op *message_op_start(struct message_op *o);
void message_op_answer(struct message_op *o); /* calls back and frees */
/* lane: the row of a UID whose file is there: looks at the directory again when it is not. 1, 0,
 * -1. */
int message_retry(struct message_op *o, struct lane_folder *lf, uint32_t uid, struct arena *a,
    struct index_row *ret);
/* The same, when what the look finds is to be told after what this act did so far. */
int message_retry_later(struct message_op *o, struct lane_folder *lf, uint32_t uid, struct arena *a,
    struct index_row *ret, struct delta **d);
size_t message_behind(const struct message_op *o, size_t at, uint32_t uid); /* o->uids from there on */
/* "<time>.M<usec>P<pid>": how the names made by one act begin. */
void message_stamp(char ret[64], int64_t wall_us);
/* MOVE whose new names begin with a stamp that an intent knows; NULL: one of its own. */
struct store_op *message_move_as(struct view *v, const uint32_t *uids, size_t n, struct folder *to,
    const char *stamp, message_done *on_done, void *self);
int message_fail(struct message_op *o, const struct err *err);

#endif
