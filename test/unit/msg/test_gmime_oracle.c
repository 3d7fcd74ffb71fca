/* test_gmime_oracle.c: do we see the same parts as GMime in every message named on standard input?
 *
 * Compared: the number of parts, their nesting, kind and type. Prints each message that differs,
 * with both trees; gmime_drive.py knows which are meant to. Fails when a named message cannot be
 * read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gmime/gmime.h>

#include "msg/mime.h"

struct seen {
	unsigned depth;
	const char *type; /* "text/plain", lower case */
	char kind;
};

struct listing {
	struct seen v[4096];
	size_t n;
};

static void listing_add(struct listing *l, unsigned depth, const char *type, char kind)
{
	if (l->n < 4096)
		l->v[l->n++] = (struct seen){ depth, type, kind };
}

static char *type_of(GMimeObject *o)
{
	GMimeContentType *t = g_mime_object_get_content_type(o);
	char *mime = g_mime_content_type_get_mime_type(t), *low = g_ascii_strdown(mime, -1);

	g_free(mime);
	return (low);
}

/* A stack of what is still to be listed, so that nesting costs no stack here either. */
static void list_gmime(GMimeMessage *message, struct listing *ret)
{
	struct todo {
		GMimeObject *o;
		unsigned depth;
	} *todo = calloc(8192, sizeof(*todo));
	size_t n = 0;

	todo[n++] = (struct todo){ g_mime_message_get_mime_part(message), 0 };
	while (n > 0) {
		struct todo t = todo[--n];

		if (t.o == NULL)
			continue;
		if (GMIME_IS_MULTIPART(t.o)) {
			int count = g_mime_multipart_get_count(GMIME_MULTIPART(t.o));

			listing_add(ret, t.depth, count > 0 ? type_of(t.o) : "text/plain",
			    count > 0 ? 'M' : 'L');
			for (int i = count; i-- > 0 && n < 8000;)
				todo[n++] = (struct todo){ g_mime_multipart_get_part(
							       GMIME_MULTIPART(t.o), i),
					t.depth + 1 };
		} else if (GMIME_IS_MESSAGE_PART(t.o)) {
			GMimeMessage *inner =
			    g_mime_message_part_get_message(GMIME_MESSAGE_PART(t.o));

			listing_add(ret, t.depth, type_of(t.o), 'R');
			if (inner != NULL)
				todo[n++] = (struct todo){ g_mime_message_get_mime_part(inner),
					t.depth + 1 };
		} else {
			listing_add(ret, t.depth, type_of(t.o), 'L');
		}
	}
	free(todo);
}

static void list_ours(struct arena *a, struct slice in, struct listing *ret)
{
	struct mime m;

	mime_parse(a, in, &m);
	for (size_t i = 0; i < m.n; i++) {
		const struct mime_part *p = &m.parts[i];
		char *type = arena_fmt(a, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(p->type.type),
		    SLICE_ARG(p->type.subtype));

		for (char *c = type; *c != '\0'; c++)
			*c = ascii_lower(*c);
		listing_add(ret, p->depth, type, "LMR"[p->kind]);
	}
}

static bool is_same(const struct listing *a, const struct listing *b)
{
	if (a->n != b->n)
		return (false);
	for (size_t i = 0; i < a->n; i++)
		if (a->v[i].depth != b->v[i].depth || a->v[i].kind != b->v[i].kind ||
		    strcmp(a->v[i].type, b->v[i].type) != 0)
			return (false);
	return (true);
}

static void show(const char *who, const struct listing *l)
{
	for (size_t i = 0; i < l->n && i < 30; i++)
		(void)printf("    %s %*s%s %c\n", who, (int)l->v[i].depth * 2, "", l->v[i].type,
		    l->v[i].kind);
}

static void compare(const char *path)
{
	static struct listing ours, theirs;
	struct arena *a = arena_new(0);
	GMimeStream *stream;
	GMimeParser *parser;
	GMimeMessage *message;
	gchar *bytes;
	struct slice whole;
	gsize n;

	ours.n = theirs.n = 0;
	if (!g_file_get_contents(path, &bytes, &n, NULL)) {
		(void)fprintf(stderr, "%s: cannot be read\n", path);
		exit(1);
	}
	whole = (struct slice){ bytes, n };
	if (slice_starts(whole, SLICE("From ")) && slice_chr(whole, '\n') != SIZE_MAX) /* mbox */
		whole = slice_from(whole, slice_chr(whole, '\n') + 1);
	list_ours(a, whole, &ours);
	stream = g_mime_stream_mem_new_with_buffer(whole.p, whole.n);
	parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_set_format(parser, GMIME_FORMAT_MESSAGE);
	message = g_mime_parser_construct_message(parser, NULL);
	if (message != NULL) {
		list_gmime(message, &theirs);
		if (!is_same(&ours, &theirs)) {
			(void)printf("%s\n", path);
			show("ours ", &ours);
			show("gmime", &theirs);
		}
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	g_free(bytes);
	arena_free(a);
}

int main(void)
{
	char path[4096];

	g_mime_init();
	while (fgets(path, sizeof(path), stdin) != NULL) {
		path[strcspn(path, "\n")] = '\0';
		compare(path);
	}
	g_mime_shutdown();
	return (0);
}
