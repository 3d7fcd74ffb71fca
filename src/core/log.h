/* log.h: one event, one line: "2026-11-23T04:00:00.000Z info s-19c4 smtp-in accept rcpt=<a@b>".
 * Text or JSON. Lines go to standard error through a ring and a writer thread (started by
 * log_start), so a blocked reader never blocks the loop; what does not fit is counted and
 * summarised. Before log_start, and in commands, lines are written directly. Values given with %s
 * are escaped here: CR, LF, control octets, quotes, backslash and invalid UTF-8 never reach the
 * line raw, and each value is cut at L_LOG octets. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_setup(enum log_level least, bool json);
void log_start(void); /* the writer thread; once, after the sandbox allows threads */
void log_stop(void);  /* flush and end the thread */
/* log_event("s-19c4", LOG_INFO, "smtp-in accept", "rcpt", rcpt, "size", "123", NULL): pairs of
 * names (our constants) and NUL-terminated values (escaped, quoted when they hold blanks); a NULL
 * value skips its pair. ${id} is the session or message, NULL for none. ${event} is our constant.
 */
void log_event(enum log_level level, const char *id, const char *event, ...)
    __attribute__((sentinel));
/* log_text: the same with one free text, for the few fixed sentences others read, e.g.
 * "learned message as ham: <id>". */
void log_text(enum log_level level, const char *id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Replace the sink (tests). Called with whole lines, without the line end, under a lock. */
void log_sink(void (*sink)(void *self, struct slice line), void *self);

#endif
