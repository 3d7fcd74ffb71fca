/* visit_int.h (visit.c, visit_file.c, visit_keys.c): a visit under way. While a slice runs the
 * worker has it to itself. */
#ifndef STORE_VISIT_INT_H
#define STORE_VISIT_INT_H

#include "core/arena.h"
#include "store/keys.h"
#include "store/mail_int.h"

enum { VISIT_CHUNK = 65536 };

struct rendered { /* to be kept in the index */
	struct list node;
	unsigned char cid[16];
	struct items items;
};

struct grown { /* likewise */
	struct list node;
	int64_t folder_id;
	struct pack pack;
};

struct visit {
	struct job job;
	struct mail *m;
	struct folder *folder; /* loop only */
	int64_t folder_id;
	char *dir; /* as of this slice */
	uint32_t *uids;
	size_t n, at;
	unsigned want;
	struct visitor visitor;
	void *self, *ctx;
	void (*free_ctx)(void *ctx);
	bool running, cancelled, failed, doubtful;
	struct err err;
	struct later *later;
	struct list rendered;
	struct list packs;   /* of grown */
	struct grown *grown; /* the pack at hand; NULL: none yet */
	bool keys_only;
	bool has_numbers, has_texts; /* of it: what was loaded */
	bool has_grown;              /* it is more than is kept */
	struct sort_keys keys;
	struct sql *reader;
	/* the present message */
	struct arena *arena;
	struct slice base, info, map;
	unsigned where;
	unsigned char cid[16], thread[16]; /* they stay over VISIT_AGAIN, also without a row */
	bool has_items, is_wire; /* has_items: all that is wanted; is_wire: on disk as it is served */
	struct buf whole;
	/* its file, kept open over VISIT_AGAIN */
	uint32_t file_uid;
	int fd;            /* -1: not open */
	uint64_t file_at;  /* of the next read */
	uint64_t piece_at; /* wire offset of ${piece} */
	struct buf piece;
	bool after_cr, piece_after_cr; /* before the next read; before the piece */
	uint64_t piece_file_at;
	bool at_end;
};

/* visit_keys.c. What is kept of the keys alone: true when that is all that is wanted, and it was
 * there. */
bool visit_keys_kept(struct visit *v, uint32_t uid, struct visit_message *vm);
/* The keys of a message whose fields were read. */
void visit_keys_read(struct visit *v, struct visit_message *vm);
void visit_keys_end(struct visit *v); /* the pack at hand joins ${packs} when it grew */
void grown_free(struct grown *g);
int index_pack_put(struct mail *m, const struct grown *g);

int visit_file_open(struct visit *v, struct err *err); /* harmless when open */
void visit_file_close(struct visit *v);

#endif
