/* slice.h: borrowed bytes. A slice owns nothing and is not NUL-terminated; it is valid until the
 * buffer, arena or file it points into changes. All comparisons marked "i" fold ASCII only. */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p;
	size_t n;
};

#define SLICE_INIT(lit) { "" lit, sizeof(lit) - 1 } /* in static tables; literals only */
#define SLICE(lit) ((struct slice)SLICE_INIT(lit))  /* in expressions; literals only */
#define SLICE_FMT "%.*s"                            /* printf of a slice: SLICE_ARG(s) */
#define SLICE_ARG(s) (int)(s).n, (s).p

struct slice slice_of(const char *z);		    /* a NUL-terminated string; NULL gives empty */
struct slice slice_between(const char *from, const char *to);
bool slice_eq(struct slice a, struct slice b);
bool slice_ieq(struct slice a, struct slice b);
int slice_cmp(struct slice a, struct slice b);	    /* by octets, shorter first */
int slice_icmp(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_istarts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
bool slice_iends(struct slice s, struct slice suffix);
struct slice slice_from(struct slice s, size_t at); /* the rest from at; empty past the end */
struct slice slice_head(struct slice s, size_t n);  /* the first n octets at most */
struct slice slice_trim(struct slice s);	    /* without SP HT CR LF at both ends */
/* Offset of c, of needle; SIZE_MAX where there is none. */
size_t slice_chr(struct slice s, char c);
size_t slice_rchr(struct slice s, char c);
size_t slice_find(struct slice s, struct slice needle);
size_t slice_ifind(struct slice s, struct slice needle);
/* slice_cut: split at the first c. Without c: head = s, tail = empty, false. */
bool slice_cut(struct slice s, char c, struct slice *ret_head, struct slice *ret_tail);
/* slice_word: take the next run without SP and HT from *rest; false at the end. */
bool slice_word(struct slice *rest, struct slice *ret_word);
/* slice_u64: all of s is decimal digits and the value at most max. Nothing written on failure. */
bool slice_u64(struct slice s, uint64_t max, uint64_t *ret);

static inline char ascii_lower(char c)
{
	return (c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
}

static inline char ascii_upper(char c)
{
	return (c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
}

static inline bool ascii_digit(char c)
{
	return (c >= '0' && c <= '9');
}

static inline bool ascii_white(char c) /* SP HT CR LF */
{
	return (c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

static inline bool ascii_alpha(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
}

static inline bool ascii_alnum(char c)
{
	return (ascii_digit(c) || ascii_alpha(c));
}

#endif
