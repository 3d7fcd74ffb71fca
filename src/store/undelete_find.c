/* undelete_find.c: what can come back, and where was it? Reads expunged/, whose names begin with the
 * time a message went, and deleted/<time>.<n>/<folder>/, where a deleted folder lies whole. Which
 * folder a name came from is said by its UIDVALIDITY, which no two folders of an account share. In
 * slices on a read lane. Leaves bringing back to undelete_put.c. Failures: what cannot be read is
 * passed over. */
#include "store/undelete_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msg/fold.h"
#include "msg/header.h"
#include "msg/text.h"

enum { SLICE_FILES = 256, HEAD_READ = 65536, TEXT_MAX = 4 * HEAD_READ };

static size_t origin_of(const struct undelete *u, uint32_t uidvalidity)
{
	for (size_t i = 0; i < u->origins_n; i++)
		if (u->origins[i].uidvalidity == uidvalidity)
			return (i);
	return (SIZE_MAX);
}

/* --- names --- */

static bool is_wanted(const struct undelete *u, size_t origin)
{
	struct slice want = u->filter.folder;

	if (want.n == 0)
		return (true);
	if (origin == SIZE_MAX)
		return (false);
	return (slice_ieq(want, SLICE("INBOX")) ? slice_eq(u->origins[origin].name, SLICE("INBOX"))
						: slice_eq(u->origins[origin].name, want));
}

static void take_file(
    struct undelete *u, int64_t at, const char *dir, const char *file, size_t skip, size_t origin)
{
	struct found *f;
	struct name name;

	if (!name_parse(slice_of(file + skip), &name) || at < u->filter.since)
		return;
	if (origin == SIZE_MAX && name.has_p)
		origin = origin_of(u, name.uidvalidity);
	if (!is_wanted(u, origin))
		return;
	if (u->found_n == UNDELETE_LOOKED_AT) {
		u->is_cut = true;
		return;
	}
	f = arena_alloc(u->arena, sizeof(*f));
	f->at = at;
	f->path = arena_fmt(u->arena, "%s/%s", dir, file);
	(void)name_parse(slice_of(f->path + strlen(dir) + 1 + skip), &f->name);
	f->origin = origin;
	if (u->found_n == u->found_cap) {
		u->found_cap = u->found_cap == 0 ? 256 : u->found_cap * 2;
		u->found = mem_grow(u->found, u->found_cap, sizeof(struct found *));
	}
	u->found[u->found_n++] = f;
}

static void read_expunged(struct undelete *u)
{
	const char *dir = arena_fmt(u->arena, "%s/expunged", u->m->root);
	DIR *d = opendir(dir);
	const struct dirent *e;
	struct slice time, rest;
	uint64_t at;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (slice_cut(slice_of(e->d_name), '_', &time, &rest) &&
		    slice_u64(time, INT64_MAX, &at))
			take_file(u, (int64_t)at, dir, e->d_name, time.n + 1, SIZE_MAX);
	(void)closedir(d);
}

/* --- deleted folders --- */

static void read_keywords(struct undelete *u, const char *dir, struct origin *o)
{
	struct buf text = BUF_INIT(MAIL_FILE);
	struct slice rest, line, number, name;
	uint64_t k;

	if (small_read(arena_fmt(u->arena, "%s/dovecot-keywords", dir), &text) == 0)
		for (rest = buf_slice(&text); rest.n > 0;) {
			(void)slice_cut(rest, '\n', &line, &rest);
			if (slice_cut(line, ' ', &number, &name) &&
			    slice_u64(number, L_KW - 1, &k) && name.n > 0 && name.n <= L_KW_NAME)
				o->keywords[k] = arena_strdup(u->arena, name);
		}
	buf_free(&text);
}

/* Its place among the origins. */
static size_t add_origin(struct undelete *u, const char *dir, const char *leaf)
{
	struct folder_file file = { .rest = BUF_INIT(MAIL_FILE) };
	struct buf text = BUF_INIT(MAIL_FILE), name = BUF_INIT((size_t)L_MBX_NAME * 4);
	struct origin *o;

	if (u->origins_n == u->origins_cap) {
		u->origins_cap = u->origins_cap * 2 + 16;
		u->origins = mem_grow(u->origins, u->origins_cap, sizeof(*u->origins));
	}
	o = &u->origins[u->origins_n];
	*o = (struct origin){ .name = SLICE("") };
	if (name_of_leaf(slice_of(leaf), &name) == 0)
		o->name = arena_dup(u->arena, buf_slice(&name));
	if (small_read(arena_fmt(u->arena, "%s/pennypost-folder", dir), &text) == 0 &&
	    folder_file_parse(buf_slice(&text), &file) == 0) {
		o->uidvalidity = file.uidvalidity;
		o->role = file.has_role ? file.role : ROLE_NONE;
	}
	read_keywords(u, dir, o);
	buf_free(&file.rest);
	buf_free(&text);
	buf_free(&name);
	return (u->origins_n++);
}

/* A folder within deleted/<time>.<n>/: NULL at the end. */
static const char *leaf_in(DIR *d)
{
	const struct dirent *e;

	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] == '.' && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0)
			return (e->d_name);
	return (NULL);
}

/* All in it was the folder's, whatever the name of a file says. */
static void read_folder(struct undelete *u, int64_t at, const char *dir, const char *leaf)
{
	static const char *const places[] = { "new", "cur" };
	size_t origin = add_origin(u, dir, leaf);

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		const char *sub = arena_fmt(u->arena, "%s/%s", dir, places[i]);
		DIR *d = opendir(sub);
		const struct dirent *e;

		if (d == NULL)
			continue;
		while ((e = readdir(d)) != NULL)
			if (e->d_type == DT_REG || e->d_type == DT_UNKNOWN)
				take_file(u, at, sub, e->d_name, 0, origin);
		(void)closedir(d);
	}
}

static void read_deleted(struct undelete *u)
{
	const char *top = arena_fmt(u->arena, "%s/deleted", u->m->root), *leaf;
	DIR *d = opendir(top), *sub;
	const struct dirent *e;
	int64_t at;

	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		const char *dir = arena_fmt(u->arena, "%s/%s", top, e->d_name);

		if (!deleted_time(e->d_name, &at) || (sub = opendir(dir)) == NULL)
			continue;
		if ((leaf = leaf_in(sub)) != NULL)
			read_folder(u, at, arena_fmt(u->arena, "%s/%s", dir, leaf), leaf);
		(void)closedir(sub);
	}
	(void)closedir(d);
}

static int by_time(const void *a, const void *b)
{
	const struct found *x = *(struct found *const *)a, *y = *(struct found *const *)b;

	if (x->at != y->at)
		return (x->at > y->at ? -1 : 1);
	return (strcmp(x->path, y->path));
}

/* --- messages --- */

static bool holds(struct slice text, struct slice folded)
{
	struct buf own = BUF_INIT(TEXT_MAX);
	bool found;

	if (folded.n == 0)
		return (true);
	(void)fold_text(text, &own);
	found = slice_find(buf_slice(&own), folded) != SIZE_MAX;
	buf_free(&own);
	return (found);
}

static struct slice value_of(
    struct undelete *u, struct arena *a, const struct header *h, const char *name)
{
	const struct field *f = header_first(h, slice_of(name));

	return (f == NULL ? (struct slice){ "", 0 }
			  : arena_dup(u->arena, text_words(a, f->body)));
}

/* Fills what the message says of itself; false when it does not fit, or is gone. */
static bool read_one(struct undelete *u, struct found *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct arena *a;
	struct header h;
	struct stat st;
	char *head;
	ssize_t n;

	if (fd == -1)
		return (false);
	a = arena_new(0);
	head = arena_alloc(a, HEAD_READ);
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, head, HEAD_READ) : -1;
	(void)close(fd);
	if (n >= 0) {
		header_parse(a, (struct slice){ head, (size_t)n }, &h);
		f->m = (struct undelete_message){ .expunged = f->at,
			.internal_date = st.st_mtim.tv_sec,
			.size = (uint64_t)st.st_size,
			.flags = f->name.flags & (unsigned)(FLAG_SYSTEM & ~FLAG_DELETED),
			.from = value_of(u, a, &h, "From"),
			.subject = value_of(u, a, &h, "Subject"),
			.date = value_of(u, a, &h, "Date"),
			.message_id = value_of(u, a, &h, "Message-ID") };
		if (f->origin != SIZE_MAX)
			f->m.folder = u->origins[f->origin].name;
	}
	arena_free(a);
	return (n >= 0 && holds(f->m.from, u->filter.from) &&
	    holds(f->m.subject, u->filter.subject));
}

bool undelete_is_found(const struct undelete *u)
{
	return (u->is_listed && (u->at == u->found_n || u->kept == u->filter.max));
}

void undelete_find(struct undelete *u)
{
	if (!u->is_listed) {
		read_deleted(u);
		read_expunged(u);
		if (u->found_n > 1)
			qsort(u->found, u->found_n, sizeof(struct found *), by_time);
		u->is_listed = true;
	}
	for (size_t i = 0; i < SLICE_FILES && !undelete_is_found(u); i++) {
		struct found *f = u->found[u->at++];

		if (read_one(u, f))
			u->found[u->kept++] = f;
	}
}
