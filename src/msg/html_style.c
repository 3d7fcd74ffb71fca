/* html_style.c: does a style make text invisible?
 *
 * Only what stands on the tag itself is looked at, without cascade or inheritance of colours:
 * enough for the tricks of spam, which must work in mail clients that drop style sheets. Takes
 * white as the ground unless the same style names one. */
#include "msg/html_style.h"

struct decl {
	struct slice name, value;
};

static bool decl_take(struct slice *style, struct decl *ret)
{
	while (style->n > 0) {
		struct slice one;

		(void)slice_cut(*style, ';', &one, style);
		if (slice_cut(one, ':', &ret->name, &ret->value)) {
			ret->name = slice_trim(ret->name);
			ret->value = slice_trim(ret->value);
			return (true);
		}
	}
	return (false);
}

/* "0", "0px", "0.0em", "1px": nothing a person could read */
static bool is_tiny(struct slice v, bool allow_one)
{
	size_t i = 0;
	unsigned whole = 0;
	bool fraction = false;

	if (v.n == 0 || (!ascii_digit(v.p[0]) && v.p[0] != '.'))
		return (false);
	while (i < v.n && ascii_digit(v.p[i]) && whole < 1000)
		whole = whole * 10 + (unsigned)(v.p[i++] - '0');
	if (i < v.n && v.p[i] == '.')
		for (i++; i < v.n && ascii_digit(v.p[i]); i++)
			fraction |= v.p[i] != '0';
	v = slice_from(v, i);
	if (whole == 0 && !fraction)
		return (true);
	return (allow_one && whole <= 1 &&
	    (slice_istarts(v, SLICE("px")) || slice_istarts(v, SLICE("pt"))));
}

/* RGB of "#fff", "#ffffff", "white", "rgb(255,255,255)"; false: some other way to say it */
static bool color_of(struct slice v, unsigned *ret)
{
	unsigned rgb = 0;

	if (slice_ieq(v, SLICE("white"))) {
		*ret = 0xffffff;
		return (true);
	}
	if (slice_istarts(v, SLICE("rgb("))) {
		unsigned part = 0, parts = 0;

		for (size_t i = 4; i < v.n; i++) {
			if (ascii_digit(v.p[i]) && part < 256) {
				part = part * 10 + (unsigned)(v.p[i] - '0');
			} else if (v.p[i] == ',' || v.p[i] == ')') {
				rgb = rgb << 8 | (part & 255);
				part = 0;
				parts++;
			}
		}
		*ret = rgb;
		return (parts == 3);
	}
	if (v.n > 0 && v.p[0] == '#')
		v = slice_from(v, 1);
	if (v.n != 3 && v.n != 6)
		return (false);
	for (size_t i = 0; i < v.n; i++) {
		char c = ascii_lower(v.p[i]);
		unsigned digit;

		if (ascii_digit(c))
			digit = (unsigned)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a' + 10);
		else
			return (false);
		rgb = rgb << 4 | digit;
		if (v.n == 3)
			rgb = rgb << 4 | digit;
	}
	*ret = rgb;
	return (true);
}

static bool is_near(unsigned a, unsigned b)
{
	for (unsigned shift = 0; shift < 24; shift += 8) {
		int d = (int)(a >> shift & 255) - (int)(b >> shift & 255);

		if (d < -12 || d > 12)
			return (false);
	}
	return (true);
}

bool html_style_hides(struct slice style)
{
	unsigned color = 0, ground = 0xffffff;
	bool has_color = false;
	struct decl d;

	while (decl_take(&style, &d)) {
		if ((slice_ieq(d.name, SLICE("display")) &&
			slice_istarts(d.value, SLICE("none"))) ||
		    (slice_ieq(d.name, SLICE("visibility")) &&
			slice_istarts(d.value, SLICE("hidden"))) ||
		    (slice_ieq(d.name, SLICE("font-size")) && is_tiny(d.value, true)) ||
		    ((slice_ieq(d.name, SLICE("opacity")) ||
			 slice_ieq(d.name, SLICE("max-height"))) &&
			is_tiny(d.value, false)) ||
		    (slice_ieq(d.name, SLICE("mso-hide")) && slice_ieq(d.value, SLICE("all"))))
			return (true);
		if (slice_ieq(d.name, SLICE("color")))
			has_color = color_of(d.value, &color);
		else if (slice_istarts(d.name, SLICE("background")))
			(void)color_of(d.value, &ground);
	}
	return (has_color && is_near(color, ground));
}

bool html_font_hides(struct slice size, struct slice color)
{
	unsigned rgb;

	if (slice_eq(slice_trim(size), SLICE("0")))
		return (true);
	return (color_of(slice_trim(color), &rgb) && is_near(rgb, 0xffffff));
}
