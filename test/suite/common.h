/* common.h: what the drivers of the public suites share: a loop, a resolver that asks one name server on loopback. */
#ifndef TEST_SUITE_COMMON_H
#define TEST_SUITE_COMMON_H

#include <stdio.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/dns.h"
#include "core/err.h"
#include "core/loop.h"

struct suite {
	struct loop *loop;
	struct dns *dns;
};

/* ARGV: HOST:PORT of the name server and a folder for the resolver's files. Ends the program when that fails. */
static inline struct suite suite_open(int argc, char **argv)
{
	struct err err = { .kind = ERR_NONE };
	const char *forward[] = { argc > 1 ? argv[1] : "" };
	struct dns_config cfg = { .forward = forward,
		.forward_n = 1,
		.trust_anchor = "none",
		.run_dir = argc > 2 ? argv[2] : "." };
	struct suite s = { .loop = loop_new() };

	if ((s.dns = dns_new(s.loop, &cfg, &err)) == NULL) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return (s);
}

static inline void suite_close(struct suite *s)
{
	dns_free(s->dns);
	loop_free(s->loop);
}

static inline void suite_read(struct buf *in)
{
	char *room;
	size_t got;

	while ((room = buf_room(in, 65536)) != NULL && (got = fread(room, 1, 65536, stdin)) > 0)
		buf_grew(in, got);
}

#endif
