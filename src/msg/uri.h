/* uri.h: which hosts does a message lead to, as a browser would read its links? For lists of bad hosts.
 * RFC 3986, read as the WHATWG URL Standard reads it, since that is what a click obeys. Nothing fails:
 * what leads nowhere is left out. */
#ifndef MSG_URI_H
#define MSG_URI_H

#include "core/ip.h"
#include "msg/mime.h"

struct uri_host {
	struct slice name; /* A-labels, lower case, no final dot; of an address its text */
	bool is_address;
	bool bare; /* seen only as text without a scheme: mail programs make links of many such */
	struct ip ip; /* of an address */
};

/* The host that an http, https or ftp URI, or one that begins with "//", leads to. False: another scheme,
 * no host, or no name that the DNS could know. */
bool uri_host(struct arena *a, struct slice uri, struct uri_host *ret);

struct slice uri_unescape(struct arena *a, struct slice s); /* "%2e" to "."; RFC 3986 2.1 */

struct uri_hosts {
	struct uri_host *v; /* in the arena; distinct by name */
	size_t n;           /* at most L_URI_FOUND; of more, the first half and the last of them */
	size_t next;        /* of ${v}, where one more would go */
};
/* ${i} below n, in the order of the message. */
const struct uri_host *uri_hosts_at(const struct uri_hosts *hosts, size_t i);

/* Those of a text and of an HTML text, both UTF-8: links, forms, images, what stands in a query, and visible
 * text. Added to ${ret}, which is all zero at first. */
void uri_find_text(struct arena *a, struct slice utf8, struct uri_hosts *ret);
void uri_find_html(struct arena *a, struct slice utf8, struct uri_hosts *ret);
/* Those of all text parts that are not attached, decoded; at most L_URI_TEXT octets of each, L_URI_PARTS parts. */
void uri_find(struct arena *a, const struct mime *m, struct uri_hosts *ret);

#endif
