/* html.h: what a person would see of an HTML part, and where its links go. A tokeniser, no tree, no
 * recursion, linear (MIM-12). */
#ifndef MSG_HTML_H
#define MSG_HTML_H

#include "core/buf.h"

struct html_events { /* any may be NULL; slices valid during the call */
	void (*on_text)(void *self, struct slice utf8,
	    bool hidden); /* entities decoded; hidden by style, size, colour */
	void (*on_link)(void *self, struct slice href,
	    struct slice shown); /* at the end of <a>; shown cut at 256 octets */
	void (*on_image)(void *self, struct slice src);
	void (*on_tag)(void *self, struct slice name);
	/* the value of each attribute of any tag that names a place: href, src, action and their like */
	void (*on_url)(void *self, struct slice url);
};
void html_read(struct slice utf8, const struct html_events *ev, void *self);
/* Visible text only, blanks folded; for search and classifier. */
int html_text(struct slice utf8, struct buf *out);

#endif
