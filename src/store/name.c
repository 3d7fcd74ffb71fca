/* name.c: what does a file name say, and how is one written? Pure: no disk. Dovecot's S= and W=
 * are read and written alike. Leaves whether a name is believed to scan.c. Failures: a name that
 * says nothing of ours is just a name. */
#include "store/name.h"

#include <stdio.h>
#include <unistd.h>

#include "core/limits.h"
#include "store/mailbox.h"

static const struct {
	char letter;
	uint32_t flag;
} letters[] = {
	/* sorted by letter, as Maildir asks */
	{ 'D', FLAG_DRAFT },
	{ 'F', FLAG_FLAGGED },
	{ 'P', FLAG_PASSED },
	{ 'R', FLAG_ANSWERED },
	{ 'S', FLAG_SEEN },
	{ 'T', FLAG_DELETED },
};

static uint32_t flags_of(struct slice info)
{
	uint32_t flags = 0;

	for (size_t i = 0; i < info.n; i++) {
		char c = info.p[i];

		if (c >= 'a' && c <= 'z')
			flags |= (uint32_t)FLAG_KEYWORD0 << (c - 'a');
		for (size_t k = 0; k < sizeof(letters) / sizeof(letters[0]); k++)
			if (letters[k].letter == c)
				flags |= letters[k].flag;
	}
	return (flags);
}

static int hex(char c)
{
	if (ascii_digit(c))
		return (c - '0');
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

static bool parse_cid(struct slice s, unsigned char ret[16])
{
	if (s.n != 32)
		return (false);
	for (size_t i = 0; i < 16; i++) {
		int a = hex(s.p[2 * i]), b = hex(s.p[2 * i + 1]);

		if (a < 0 || b < 0)
			return (false);
		ret[i] = (unsigned char)(a * 16 + b);
	}
	return (true);
}

static void parse_field(struct slice field, struct name *ret)
{
	struct slice value = slice_from(field, 2), uid, validity;
	uint64_t a, b;

	if (slice_starts(field, SLICE("S="))) {
		ret->has_s = slice_u64(value, INT64_MAX, &ret->s);
	} else if (slice_starts(field, SLICE("W="))) {
		ret->has_w = slice_u64(value, INT64_MAX, &ret->w);
	} else if (slice_starts(field, SLICE("I="))) {
		ret->has_i = parse_cid(value, ret->cid);
	} else if (slice_starts(field, SLICE("P=")) && slice_cut(value, '.', &uid, &validity) &&
	    slice_u64(uid, UINT32_MAX - 1, &a) && slice_u64(validity, UINT32_MAX, &b) && a > 0 &&
	    b > 0) {
		ret->has_p = true;
		ret->uid = (uint32_t)a;
		ret->uidvalidity = (uint32_t)b;
	}
}

bool name_parse(struct slice file, struct name *ret)
{
	struct slice rest, field;
	size_t at, digits = 0;
	uint64_t t;

	*ret = (struct name){ .base = file };
	if (file.n == 0 || file.n > NAME_MAX_FILE || file.p[0] == '.' ||
	    slice_chr(file, '/') != SIZE_MAX || slice_chr(file, '\0') != SIZE_MAX)
		return (false);
	at = slice_chr(file, ':');
	if (at != SIZE_MAX) {
		ret->base = slice_head(file, at);
		ret->info = slice_from(file, at);
		if (slice_starts(ret->info, SLICE(":2,")))
			ret->flags = flags_of(slice_from(ret->info, 3));
	}
	(void)slice_cut(ret->base, ',', &ret->unique, &rest);
	while (rest.n > 0) {
		(void)slice_cut(rest, ',', &field, &rest);
		parse_field(field, ret);
	}
	while (digits < ret->unique.n && ascii_digit(ret->unique.p[digits]))
		digits++;
	if (slice_u64(slice_head(ret->unique, digits), 1LL << 40, &t))
		ret->time = (int64_t)t;
	return (true);
}

bool name_unique_ok(struct slice unique)
{
	if (unique.n == 0 || unique.n > NAME_UNIQUE_MAX || unique.p[0] == '.')
		return (false);
	for (size_t i = 0; i < unique.n; i++) {
		char c = unique.p[i];

		if (!ascii_alnum(c) && c != '.' && c != '_' && c != '-' && c != '+' && c != '=')
			return (false);
	}
	return (true);
}

int name_base(struct buf *out, struct slice unique, uint64_t s, uint64_t w, uint32_t uid,
    uint32_t uidvalidity, const unsigned char cid[16])
{
	static const char digits[] = "0123456789abcdef";

	(void)buf_add_slice(out, unique);
	(void)buf_addz(out, ",S=");
	(void)buf_add_u64(out, s);
	(void)buf_addz(out, ",W=");
	(void)buf_add_u64(out, w);
	(void)buf_addz(out, ",P=");
	(void)buf_add_u64(out, uid);
	(void)buf_addc(out, '.');
	(void)buf_add_u64(out, uidvalidity);
	(void)buf_addz(out, ",I=");
	for (size_t i = 0; i < 16; i++) {
		(void)buf_addc(out, digits[cid[i] >> 4]);
		(void)buf_addc(out, digits[cid[i] & 15]);
	}
	return (out->failed ? -1 : 0);
}

void name_info(char ret[NAME_INFO_MAX], uint32_t flags)
{
	size_t n = 3;

	memcpy(ret, ":2,", 3);
	for (size_t k = 0; k < sizeof(letters) / sizeof(letters[0]); k++)
		if (flags & letters[k].flag)
			ret[n++] = letters[k].letter;
	for (unsigned k = 0; k < L_KW; k++)
		if (flags & ((uint32_t)FLAG_KEYWORD0 << k))
			ret[n++] = (char)('a' + k);
	ret[n] = '\0';
}

void name_unique(
    char ret[NAME_UNIQUE_MAX + 1], int64_t wall_us, unsigned serial, const char *data_set)
{
	(void)snprintf(ret, NAME_UNIQUE_MAX + 1, "%lld.M%lldP%dQ%u.%s",
	    (long long)(wall_us / 1000000), (long long)(wall_us % 1000000), (int)getpid(), serial,
	    data_set);
}
