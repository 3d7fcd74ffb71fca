/* html_style.h: for html.c alone: does this tag hide what it holds? */
#ifndef MSG_HTML_STYLE_H
#define MSG_HTML_STYLE_H

#include "core/slice.h"

/* From a style attribute: display:none, visibility:hidden, opacity or font-size or height of
 * nothing, or text in the colour of its own ground. */
bool html_style_hides(struct slice style);
/* <font size=... color=...> */
bool html_font_hides(struct slice size, struct slice color);

#endif
