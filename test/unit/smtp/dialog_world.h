/* dialog_world.h: what dialog_server.c needs from whichever store it is linked with. */
#ifndef TEST_DIALOG_WORLD_H
#define TEST_DIALOG_WORLD_H

#include "spam/classifier.h"
#include "store/store.h"

/* Everybody's password becomes "secret"; then on_ready, once. */
void dialog_world_start(struct store *s, const struct cfg *cfg,
    void (*on_ready)(void *self, struct classifier *c), void *self);
void dialog_world_stop(struct classifier *c);

#endif
