/* fake_conn.h: a connection without a network, for fuzzing whole sessions: linked instead of
 * core/conn.h's own. */
#ifndef TEST_FAKE_CONN_H
#define TEST_FAKE_CONN_H

#include "core/conn.h"

struct conn *fake_conn_new(struct loop *l, bool tls);
void fake_conn_feed(struct conn *c, struct slice octets); /* as if one segment came */
void fake_conn_hang_up(struct conn *c); /* the peer is gone; on_closed on a later turn */
struct slice fake_conn_output(const struct conn *c); /* all that was sent */
bool fake_conn_is_over(const struct conn *c);        /* on_closed was called */
void fake_conn_free(struct conn *c);

#endif
