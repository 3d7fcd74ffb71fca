/* charset.h: charset labels to decoders, through an allowlist over iconv; opened once, before the
 * sandbox. One descriptor per thread and charset. */
#ifndef MSG_CHARSET_H
#define MSG_CHARSET_H

#include "core/buf.h"

void charset_setup(
    void); /* open what needs module files; once, at start. Without it decoders open late. */
bool charset_known(struct slice label); /* the labels browsers use, case folded; "us-ascii" too */
/* To UTF-8: unknown label: UTF-8 if it is valid, else windows-1252. NUL becomes U+FFFD. Invalid
 * input: one octet skipped, U+FFFD. */
int charset_to_utf8(struct slice label, struct slice in, struct buf *out);
bool charset_is_utf8(struct slice in); /* valid UTF-8 without surrogates and overlongs */

#endif
