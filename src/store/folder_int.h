/* folder_int.h (folder_ops.c, folder_rename.c): an act on an account's tree of folders. */
#ifndef STORE_FOLDER_INT_H
#define STORE_FOLDER_INT_H

#include "store/mail_int.h"

struct moving {
	struct folder *folder;
	char *name, *leaf;
};

struct folder_op {
	struct mail_job job;
	struct store_op op;
	folder_done *on_done;
	void *self;
	bool abandoned, has_turn;
	struct list turn;		  /* while it waits for the tree */
	int (*plan)(struct folder_op *o); /* loop, at its turn: 0, or -1 with job.err */
	char *name, *to;		  /* as asked; owned */
	char **names;			  /* to be made, parents first */
	size_t names_n;
	enum folder_role role; /* of the last */
	struct folder **made;
	size_t made_n;
	struct folder *victim;
	char gone_to[700];
	bool sweeps; /* what lies there may go at once */
	struct moving *moves;
	size_t moves_n;
	struct intent_job intent; /* kind set by the plan: NULL for one name */
	bool has_intent, keeps_intent; /* keeps: not all could be taken back here */
	/* subscribe */
	struct buf text;
	bool sub_on, sub_changed;
	/* INBOX */
	struct view *view;
	char stamp[64];
};

/* An act holds its mail (mail->ops) until it is answered. */
struct folder_op *folder_op_new(struct account *a, folder_done *on_done, void *self,
    int (*act)(struct mail_job *), void (*end)(struct mail_job *));
struct store_op *folder_op_start(struct folder_op *o, int (*plan)(struct folder_op *o));
struct store_op *folder_op_refuse(struct folder_op *o); /* answers on a later turn of the loop */
void folder_op_conclude(struct folder_op *o);		/* ends the intent, then answers */
void folder_op_answer(struct folder_op *o); /* calls back, frees, and the next has its turn */
struct slice folder_name_trim(struct slice name); /* without the last "/" */
/* plan: the name and those above it that are missing, into o->names. */
int folder_plan_names(struct folder_op *o, struct slice name, bool parents_only);
void folder_name_made(struct folder_op *o); /* plan: o->names into the intent */
/* lane: make o->names; -1: what was made is for folder_take_back. */
int folder_make_all(struct folder_op *o);
void folder_take_back(struct folder_op *o);
void folder_list_made(struct folder_op *o); /* loop */
void folder_tell_made(struct folder_op *o); /* loop: the watchers of the store */
const void *folder_op_by(const struct folder_op *o); /* who asked, while he may be told */

#endif
