/* folder_list.c: which folders has an account, and what are they called here and on disk? The
 * list and the subscriptions, on the loop; names are UTF-8 with "/", on disk modified UTF-7 with
 * "." (Maildir++). Leaves the tree itself to mail.c. Failures: names that cannot be kept
 * (IMP-11). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "msg/mutf7.h"
#include "store/mail_int.h"

/* --- the list --- */

static int compare_names(const char *a, const char *b)
{
	bool x = strcmp(a, "INBOX") == 0, y = strcmp(b, "INBOX") == 0;

	return (x != y ? (x ? -1 : 1) : strcmp(a, b));
}

static int by_name(const void *a, const void *b)
{
	return (
	    compare_names((*(struct folder *const *)a)->name, (*(struct folder *const *)b)->name));
}

/* Where the name stands or would stand. */
static size_t place_of(const struct mail *m, const char *name)
{
	size_t lo = 0, hi = m->folders_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (compare_names(m->folders[mid]->name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

void folder_list(struct mail *m, struct folder *f)
{
	size_t at = place_of(m, f->name);

	m->folders = mem_grow(m->folders, m->folders_n + 1, sizeof(struct folder *));
	memmove(
	    m->folders + at + 1, m->folders + at, (m->folders_n - at) * sizeof(struct folder *));
	m->folders[at] = f;
	m->folders_n++;
	f->exists = true;
}

void folder_unlist(struct mail *m, struct folder *f)
{
	size_t at = place_of(m, f->name);

	if (at == m->folders_n || m->folders[at] != f)
		return;
	memmove(m->folders + at, m->folders + at + 1,
	    (m->folders_n - at - 1) * sizeof(struct folder *));
	m->folders_n--;
	f->exists = false;
	m->dead = mem_grow(m->dead, m->dead_n + 1, sizeof(struct folder *));
	m->dead[m->dead_n++] = f;
}

void folder_relist(struct mail *m)
{
	qsort(m->folders, m->folders_n, sizeof(struct folder *), by_name);
}

struct folder *folder_make(struct account *a, const char *name, const char *leaf)
{
	struct folder *f = NEW(struct folder);
	struct buf dir = BUF_INIT(1024);

	f->account = a;
	f->name = mem_strdup(name);
	(void)buf_fmt(&dir, "%s%s%s", a->mail->root, leaf[0] != '\0' ? "/" : "", leaf);
	f->lane.owner = f;
	f->lane.dir = mem_strdup(buf_z(&dir));
	f->lane.leaf = mem_strdup(leaf);
	f->lane.rest = (struct buf)BUF_INIT(MAIL_FILE);
	buf_free(&dir);
	return (f);
}

void folder_free(struct folder *f)
{
	if (f == NULL)
		return;
	lane_folder_free(&f->lane);
	free(f->name);
	free(f);
}

/* "inbox/x" in any case is "INBOX/x". */
static void canonical(struct slice name, struct buf *out)
{
	struct slice head, rest;
	bool more = slice_cut(name, '/', &head, &rest);

	if (!slice_ieq(head, SLICE("INBOX"))) {
		(void)buf_add_slice(out, name);
		return;
	}
	(void)buf_addz(out, "INBOX");
	if (more) {
		(void)buf_addc(out, '/');
		(void)buf_add_slice(out, rest);
	}
}

struct folder *folder_find(struct account *a, struct slice name)
{
	struct mail *m = a->mail;
	struct buf z = BUF_INIT(L_MBX_NAME * 4);
	struct folder *f = NULL;
	size_t at;

	canonical(name, &z);
	if (!z.failed && slice_chr(buf_slice(&z), '\0') == SIZE_MAX) {
		at = place_of(m, buf_z(&z));
		if (at < m->folders_n && strcmp(m->folders[at]->name, buf_z(&z)) == 0)
			f = m->folders[at];
	}
	buf_free(&z);
	return (f);
}

bool folder_has_children(struct account *a, struct slice name)
{
	const struct mail *m = a->mail;
	struct buf z = BUF_INIT(L_MBX_NAME * 4 + 2);
	bool has = false;
	size_t at;

	canonical(name, &z);
	(void)buf_addc(&z, '/');
	if (!z.failed && slice_chr(buf_slice(&z), '\0') == SIZE_MAX) {
		at = place_of(m, buf_z(&z));
		has = at < m->folders_n && slice_starts(slice_of(m->folders[at]->name), buf_slice(&z));
	}
	buf_free(&z);
	return (has);
}

struct folder *folder_by_role(struct account *a, enum folder_role r)
{
	for (size_t i = 0; i < a->mail->folders_n; i++)
		if (a->mail->folders[i]->role == r)
			return (a->mail->folders[i]);
	return (NULL);
}

struct folder *folder_next(struct account *a, struct folder *after)
{
	const struct mail *m = a->mail;
	size_t at;

	if (after == NULL)
		return (m->folders_n == 0 ? NULL : m->folders[0]);
	at = place_of(m, after->name);
	if (at < m->folders_n && m->folders[at] == after)
		at++;
	return (at < m->folders_n ? m->folders[at] : NULL);
}

const char *folder_name(const struct folder *f)
{
	return (f->name);
}

enum folder_role folder_role(const struct folder *f)
{
	return (f->role);
}

bool folder_exists(const struct folder *f)
{
	return (f->exists);
}

struct account *folder_account(const struct folder *f)
{
	return (f->account);
}

/* --- names --- */

int leaf_of_name(struct slice name, struct buf *out, struct err *err)
{
	struct buf z = BUF_INIT(L_MBX_NAME * 4);
	int rc = 0;

	canonical(name, &z);
	if (!slice_eq(buf_slice(&z), SLICE("INBOX"))) {
		(void)buf_addc(out, '.');
		rc = mutf7_from_utf8(buf_slice(&z), out);
		for (size_t i = 0; rc == 0 && i < out->n; i++)
			if (out->p[i] == '/')
				out->p[i] = '.';
	}
	if (z.failed || rc != 0)
		rc = err_set(err, ERR_CANNOT,
		    "a folder's name must be UTF-8, of at most %d octets when encoded", L_MBX_NAME);
	buf_free(&z);
	return (rc);
}

int name_of_leaf(struct slice leaf, struct buf *out)
{
	if (leaf.n == 0)
		return (buf_addz(out, "INBOX"));
	if (leaf.p[0] != '.' || mutf7_to_utf8(slice_from(leaf, 1), out) != 0 ||
	    slice_chr(buf_slice(out), '/') != SIZE_MAX)
		return (-1);
	for (size_t i = 0; i < out->n; i++)
		if (out->p[i] == '.')
			out->p[i] = '/';
	return (folder_name_check(buf_slice(out), NULL));
}

static int check_level(struct slice level, struct err *err)
{
	if (level.n == 0)
		return (err_set(err, ERR_CANNOT, "a folder's name has an empty level"));
	if (level.p[0] == '~')
		return (err_set(err, ERR_CANNOT, "a folder's name cannot begin with \"~\""));
	for (size_t i = 0; i < level.n; i++) {
		unsigned char c = (unsigned char)level.p[i];

		if (c < 0x20 || c == 0x7f ||
		    (c == 0xc2 && i + 1 < level.n && (unsigned char)level.p[i + 1] < 0xa0))
			return (err_set(
			    err, ERR_CANNOT, "a folder's name cannot hold control characters"));
		if (c == '.')
			return (err_set(err, ERR_CANNOT, "a folder's name cannot hold \".\""));
	}
	return (0);
}

int folder_name_check(struct slice name, struct err *err)
{
	struct slice rest = name, level;
	struct buf leaf = BUF_INIT(L_MBX_NAME);
	unsigned depth = 0;
	bool more = true;
	int rc;

	while (more) {
		more = slice_cut(rest, '/', &level, &rest);
		if (++depth > L_MBX_DEPTH)
			return (err_set(
			    err, ERR_LIMIT, "folders are at most %d levels deep", L_MBX_DEPTH));
		if (check_level(level, err) != 0)
			return (-1);
	}
	rc = leaf_of_name(name, &leaf, err);
	buf_free(&leaf);
	return (rc);
}

/* --- subscriptions: one name a line as on disk, without the leading dot --- */

static size_t sub_place(const struct mail *m, const char *name)
{
	size_t lo = 0, hi = m->subs_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(m->subs[mid], name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (lo);
}

bool subs_set(struct mail *m, struct slice name, bool on)
{
	struct buf z = BUF_INIT(L_MBX_NAME * 4);
	size_t at;
	bool has;

	canonical(name, &z);
	at = sub_place(m, buf_z(&z));
	has = at < m->subs_n && strcmp(m->subs[at], buf_z(&z)) == 0;
	if (on && !has && !z.failed && m->subs_n < L_MBX) {
		m->subs = mem_grow(m->subs, m->subs_n + 1, sizeof(char *));
		memmove(m->subs + at + 1, m->subs + at, (m->subs_n - at) * sizeof(char *));
		m->subs[at] = mem_strdup(buf_z(&z));
		m->subs_n++;
	} else if (!on && has) {
		free(m->subs[at]);
		memmove(m->subs + at, m->subs + at + 1, (m->subs_n - at - 1) * sizeof(char *));
		m->subs_n--;
	}
	buf_free(&z);
	return (on != has);
}

int subs_load(struct mail *m, struct err *err)
{
	struct buf text = BUF_INIT((size_t)L_MBX * (L_MBX_NAME + 1));
	char path[512];
	struct slice rest, line;

	(void)snprintf(path, sizeof(path), "%s/subscriptions", m->root);
	if (small_read(path, &text) != 0 && errno != ENOENT) {
		buf_free(&text);
		return (err_errno(err, "read %s", path));
	}
	rest = buf_slice(&text);
	while (rest.n > 0) {
		struct buf leaf = BUF_INIT(L_MBX_NAME + 1), name = BUF_INIT(L_MBX_NAME * 4);

		(void)slice_cut(rest, '\n', &line, &rest);
		if (!slice_eq(line, SLICE("INBOX")))
			(void)buf_addc(&leaf, '.');
		if (line.n > 0 &&
		    (slice_eq(line, SLICE("INBOX")) || buf_add_slice(&leaf, line) == 0) &&
		    name_of_leaf(buf_slice(&leaf), &name) == 0)
			(void)subs_set(m, buf_slice(&name), true);
		buf_free(&leaf);
		buf_free(&name);
	}
	buf_free(&text);
	return (0);
}

int subs_print(struct mail *m, struct buf *out)
{
	for (size_t i = 0; i < m->subs_n; i++) {
		struct buf leaf = BUF_INIT(L_MBX_NAME + 1);

		if (leaf_of_name(slice_of(m->subs[i]), &leaf, NULL) == 0) {
			(void)(leaf.n > 0 ? buf_add_slice(out, slice_from(buf_slice(&leaf), 1))
					  : buf_addz(out, "INBOX"));
			(void)buf_addc(out, '\n');
		}
		buf_free(&leaf);
	}
	return (out->failed ? -1 : 0);
}

bool folder_name_subscribed(struct account *a, struct slice name)
{
	struct buf z = BUF_INIT(L_MBX_NAME * 4);
	const struct mail *m = a->mail;
	size_t at;
	bool has;

	canonical(name, &z);
	at = sub_place(m, buf_z(&z));
	has = at < m->subs_n && strcmp(m->subs[at], buf_z(&z)) == 0;
	buf_free(&z);
	return (has);
}

const char *subscription_next(struct account *a, const char *after)
{
	const struct mail *m = a->mail;
	size_t at = after == NULL ? 0 : sub_place(m, after);

	if (after != NULL && at < m->subs_n && strcmp(m->subs[at], after) == 0)
		at++;
	return (at < m->subs_n ? m->subs[at] : NULL);
}
