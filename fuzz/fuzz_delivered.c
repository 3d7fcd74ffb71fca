/* fuzz_delivered.c: laws: what is taken for our own fields ends before the message does, at the end of a line, and holds no blank line;
 * what we write in front of any text is read back as we wrote it, and the text stays whole behind it. */
#include <stdlib.h>

#include "msg/write.h"
#include "spam/delivered.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char by[] = "mx.example.org";
	struct slice in = { (const char *)data, n };
	struct arena *a = arena_new(0);
	struct buf b = BUF_INIT(4 * n + 8192);
	struct delivered d;
	struct trace t = { .helo = slice_head(in, n < 255 ? n : 255), .by = by, .with = "ESMTP", .id = "m-1", .when = 1795392000 };
	struct ip peer = { .is_v6 = n % 2 };

	if (delivered_read(a, in, by, &d) &&
	    (d.size > n || in.p[d.size - 1] != '\n' || slice_find(slice_head(in, d.size), SLICE("\r\n\r\n")) != SIZE_MAX))
		abort();
	for (size_t i = 0; i < sizeof(peer.octets) && i < n && (peer.is_v6 || i < 4); i++)
		peer.octets[i] = data[i];
	t.peer = &peer;
	(void)buf_addz(&b, "Return-Path: <a@b.example>\r\nDelivered-To: c@d.example\r\nX-Pennypost: accept; score 0.0\r\n");
	(void)write_received(&b, &t);
	(void)buf_addz(&b, "Subject: ");
	(void)buf_add_slice(&b, in);
	if (!ip_parse(slice_of(ip_text(&peer, (char[IP_TEXT]){ 0 })), &peer)) /* its one form: mapped ones become IPv4 */
		abort();
	if (delivered_read(a, buf_slice(&b), by, &d) &&
	    (!ip_eq(&d.peer, &peer) || d.at != t.when || !slice_eq(d.mail_from, SLICE("a@b.example")) ||
		!slice_starts(slice_from(buf_slice(&b), d.size), SLICE("Subject: "))))
		abort();
	if (d.size == 0)
		abort();
	buf_free(&b);
	arena_free(a);
	return (0);
}
