/* visit_int.h (visit.c, visit_file.c, visit_keys.c, visit_strips.c): a visit under way. While a slice runs the
 * worker has it to itself. */
#ifndef STORE_VISIT_INT_H
#define STORE_VISIT_INT_H

#include "core/arena.h"
#include "store/keys.h"
#include "store/mail_int.h"
#include "store/strip.h"

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

struct strips { /* likewise */
	struct list node;
	int64_t folder_id;
	struct strip strip[STRIP_ITEMS];
	unsigned grown; /* a bit for each item that is more than is kept */
	unsigned added; /* messages */
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
	size_t rendered_n, rendered_octets;
	struct list packs;   /* of grown */
	struct grown *grown; /* the pack at hand; NULL: none yet */
	bool keys_only;
	bool has_numbers, has_texts; /* of it: what was loaded */
	bool has_grown;              /* it is more than is kept */
	struct sort_keys keys;
	bool by_strips;              /* all that is wanted may stand in strips */
	struct strips *strips;       /* of the run at hand; NULL: none */
	struct list grown_strips;    /* of strips */
	struct view_message *known;  /* what the view says of ${known_n} from ${known_at}; uid 0: gone */
	size_t known_at, known_n, known_cap;
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

/* visit_strips.c. */
bool visit_strips_serve(unsigned want); /* may what is wanted be answered from strips? */
void visit_strips_know(struct visit *v); /* loop, before a slice: what the view says now */
/* All that is wanted of the message at hand was there. */
bool visit_strips_kept(struct visit *v, uint32_t uid, struct visit_message *vm);
/* It was read, or rendered: it is kept from now on. */
void visit_strips_read(struct visit *v, struct visit_message *vm);
void visit_strips_end(struct visit *v);
void strips_free(struct strips *s);
int index_strips_put(struct mail *m, const struct strips *s);

int visit_file_open(struct visit *v, struct err *err); /* harmless when open */
void visit_file_close(struct visit *v);

#endif
