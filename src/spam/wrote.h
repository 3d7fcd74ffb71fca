/* wrote.h: whom did an account write to, as far as its sent mail tells? What lies in the folder with special use \Sent, whoever put it
 * there and when, makes its addressees correspondents of the account, as submitting it here does. In the background, all on the loop. */
#ifndef SPAM_WROTE_H
#define SPAM_WROTE_H

#include "store/store.h"

struct wrote;

/* Looks at every account's folder a moment from now, then at each that gets mail. */
struct wrote *wrote_start(struct store *s);
void wrote_stop(struct wrote *w); /* before store_close; accepts NULL */

#endif
