/* html_entity.c: which character does "&name;" or "&#number;" stand for?
 *
 * The names of HTML 4 and those HTML 5 added that mail uses; an unknown name stays as it is
 * written. The semicolon may be missing after a number and after the oldest names only ("&amp=1").
 * NUL, surrogates and what is no character become U+FFFD; 0x80 to 0x9f are windows-1252. WHATWG
 * HTML 13.2.5.72 onwards. */
#include "msg/html_int.h"

static const struct {
	struct slice name;
	unsigned short code;
} entities[] = {
	/* sorted by octets: found by halving */
	{ SLICE_INIT("AElig"), 198 },
	{ SLICE_INIT("AMP"), 38 },
	{ SLICE_INIT("Aacute"), 193 },
	{ SLICE_INIT("Acirc"), 194 },
	{ SLICE_INIT("Agrave"), 192 },
	{ SLICE_INIT("Alpha"), 913 },
	{ SLICE_INIT("Aring"), 197 },
	{ SLICE_INIT("Atilde"), 195 },
	{ SLICE_INIT("Auml"), 196 },
	{ SLICE_INIT("Beta"), 914 },
	{ SLICE_INIT("Ccaron"), 268 },
	{ SLICE_INIT("Ccedil"), 199 },
	{ SLICE_INIT("Chi"), 935 },
	{ SLICE_INIT("Dagger"), 8225 },
	{ SLICE_INIT("Delta"), 916 },
	{ SLICE_INIT("ETH"), 208 },
	{ SLICE_INIT("Eacute"), 201 },
	{ SLICE_INIT("Ecirc"), 202 },
	{ SLICE_INIT("Egrave"), 200 },
	{ SLICE_INIT("Epsilon"), 917 },
	{ SLICE_INIT("Eta"), 919 },
	{ SLICE_INIT("Euml"), 203 },
	{ SLICE_INIT("GT"), 62 },
	{ SLICE_INIT("Gamma"), 915 },
	{ SLICE_INIT("Iacute"), 205 },
	{ SLICE_INIT("Icirc"), 206 },
	{ SLICE_INIT("Idot"), 304 },
	{ SLICE_INIT("Igrave"), 204 },
	{ SLICE_INIT("Iota"), 921 },
	{ SLICE_INIT("Iuml"), 207 },
	{ SLICE_INIT("Kappa"), 922 },
	{ SLICE_INIT("LT"), 60 },
	{ SLICE_INIT("Lambda"), 923 },
	{ SLICE_INIT("Lstrok"), 321 },
	{ SLICE_INIT("Mu"), 924 },
	{ SLICE_INIT("NewLine"), 10 },
	{ SLICE_INIT("Ntilde"), 209 },
	{ SLICE_INIT("Nu"), 925 },
	{ SLICE_INIT("OElig"), 338 },
	{ SLICE_INIT("Oacute"), 211 },
	{ SLICE_INIT("Ocirc"), 212 },
	{ SLICE_INIT("Ograve"), 210 },
	{ SLICE_INIT("Omega"), 937 },
	{ SLICE_INIT("Omicron"), 927 },
	{ SLICE_INIT("Oslash"), 216 },
	{ SLICE_INIT("Otilde"), 213 },
	{ SLICE_INIT("Ouml"), 214 },
	{ SLICE_INIT("Phi"), 934 },
	{ SLICE_INIT("Pi"), 928 },
	{ SLICE_INIT("Prime"), 8243 },
	{ SLICE_INIT("Psi"), 936 },
	{ SLICE_INIT("QUOT"), 34 },
	{ SLICE_INIT("Rho"), 929 },
	{ SLICE_INIT("Scaron"), 352 },
	{ SLICE_INIT("Sigma"), 931 },
	{ SLICE_INIT("THORN"), 222 },
	{ SLICE_INIT("Tab"), 9 },
	{ SLICE_INIT("Tau"), 932 },
	{ SLICE_INIT("Theta"), 920 },
	{ SLICE_INIT("Uacute"), 218 },
	{ SLICE_INIT("Ucirc"), 219 },
	{ SLICE_INIT("Ugrave"), 217 },
	{ SLICE_INIT("Upsilon"), 933 },
	{ SLICE_INIT("Uuml"), 220 },
	{ SLICE_INIT("Xi"), 926 },
	{ SLICE_INIT("Yacute"), 221 },
	{ SLICE_INIT("Yuml"), 376 },
	{ SLICE_INIT("Zcaron"), 381 },
	{ SLICE_INIT("ZeroWidthSpace"), 8203 },
	{ SLICE_INIT("Zeta"), 918 },
	{ SLICE_INIT("aacute"), 225 },
	{ SLICE_INIT("abreve"), 259 },
	{ SLICE_INIT("acirc"), 226 },
	{ SLICE_INIT("acute"), 180 },
	{ SLICE_INIT("aelig"), 230 },
	{ SLICE_INIT("agrave"), 224 },
	{ SLICE_INIT("alefsym"), 8501 },
	{ SLICE_INIT("alpha"), 945 },
	{ SLICE_INIT("amp"), 38 },
	{ SLICE_INIT("and"), 8743 },
	{ SLICE_INIT("ang"), 8736 },
	{ SLICE_INIT("aogon"), 261 },
	{ SLICE_INIT("apos"), 39 },
	{ SLICE_INIT("aring"), 229 },
	{ SLICE_INIT("ast"), 42 },
	{ SLICE_INIT("asymp"), 8776 },
	{ SLICE_INIT("atilde"), 227 },
	{ SLICE_INIT("auml"), 228 },
	{ SLICE_INIT("bdquo"), 8222 },
	{ SLICE_INIT("beta"), 946 },
	{ SLICE_INIT("brvbar"), 166 },
	{ SLICE_INIT("bsol"), 92 },
	{ SLICE_INIT("bull"), 8226 },
	{ SLICE_INIT("cacute"), 263 },
	{ SLICE_INIT("cap"), 8745 },
	{ SLICE_INIT("ccaron"), 269 },
	{ SLICE_INIT("ccedil"), 231 },
	{ SLICE_INIT("cedil"), 184 },
	{ SLICE_INIT("cent"), 162 },
	{ SLICE_INIT("chi"), 967 },
	{ SLICE_INIT("circ"), 710 },
	{ SLICE_INIT("clubs"), 9827 },
	{ SLICE_INIT("colon"), 58 },
	{ SLICE_INIT("comma"), 44 },
	{ SLICE_INIT("commat"), 64 },
	{ SLICE_INIT("cong"), 8773 },
	{ SLICE_INIT("copy"), 169 },
	{ SLICE_INIT("crarr"), 8629 },
	{ SLICE_INIT("cup"), 8746 },
	{ SLICE_INIT("curren"), 164 },
	{ SLICE_INIT("dArr"), 8659 },
	{ SLICE_INIT("dagger"), 8224 },
	{ SLICE_INIT("darr"), 8595 },
	{ SLICE_INIT("dcaron"), 271 },
	{ SLICE_INIT("deg"), 176 },
	{ SLICE_INIT("delta"), 948 },
	{ SLICE_INIT("diams"), 9830 },
	{ SLICE_INIT("divide"), 247 },
	{ SLICE_INIT("dollar"), 36 },
	{ SLICE_INIT("eacute"), 233 },
	{ SLICE_INIT("ecaron"), 283 },
	{ SLICE_INIT("ecirc"), 234 },
	{ SLICE_INIT("egrave"), 232 },
	{ SLICE_INIT("empty"), 8709 },
	{ SLICE_INIT("emsp"), 8195 },
	{ SLICE_INIT("ensp"), 8194 },
	{ SLICE_INIT("eogon"), 281 },
	{ SLICE_INIT("epsilon"), 949 },
	{ SLICE_INIT("equals"), 61 },
	{ SLICE_INIT("equiv"), 8801 },
	{ SLICE_INIT("eta"), 951 },
	{ SLICE_INIT("eth"), 240 },
	{ SLICE_INIT("euml"), 235 },
	{ SLICE_INIT("euro"), 8364 },
	{ SLICE_INIT("excl"), 33 },
	{ SLICE_INIT("exist"), 8707 },
	{ SLICE_INIT("fnof"), 402 },
	{ SLICE_INIT("forall"), 8704 },
	{ SLICE_INIT("frac12"), 189 },
	{ SLICE_INIT("frac14"), 188 },
	{ SLICE_INIT("frac34"), 190 },
	{ SLICE_INIT("frasl"), 8260 },
	{ SLICE_INIT("gamma"), 947 },
	{ SLICE_INIT("gbreve"), 287 },
	{ SLICE_INIT("ge"), 8805 },
	{ SLICE_INIT("grave"), 96 },
	{ SLICE_INIT("gt"), 62 },
	{ SLICE_INIT("hArr"), 8660 },
	{ SLICE_INIT("harr"), 8596 },
	{ SLICE_INIT("hearts"), 9829 },
	{ SLICE_INIT("hellip"), 8230 },
	{ SLICE_INIT("hyphen"), 8208 },
	{ SLICE_INIT("iacute"), 237 },
	{ SLICE_INIT("icirc"), 238 },
	{ SLICE_INIT("iexcl"), 161 },
	{ SLICE_INIT("igrave"), 236 },
	{ SLICE_INIT("image"), 8465 },
	{ SLICE_INIT("infin"), 8734 },
	{ SLICE_INIT("inodot"), 305 },
	{ SLICE_INIT("int"), 8747 },
	{ SLICE_INIT("iota"), 953 },
	{ SLICE_INIT("iquest"), 191 },
	{ SLICE_INIT("isin"), 8712 },
	{ SLICE_INIT("iuml"), 239 },
	{ SLICE_INIT("kappa"), 954 },
	{ SLICE_INIT("lArr"), 8656 },
	{ SLICE_INIT("lambda"), 955 },
	{ SLICE_INIT("lang"), 9001 },
	{ SLICE_INIT("laquo"), 171 },
	{ SLICE_INIT("larr"), 8592 },
	{ SLICE_INIT("lceil"), 8968 },
	{ SLICE_INIT("lcub"), 123 },
	{ SLICE_INIT("ldquo"), 8220 },
	{ SLICE_INIT("le"), 8804 },
	{ SLICE_INIT("lfloor"), 8970 },
	{ SLICE_INIT("lowast"), 8727 },
	{ SLICE_INIT("lowbar"), 95 },
	{ SLICE_INIT("loz"), 9674 },
	{ SLICE_INIT("lpar"), 40 },
	{ SLICE_INIT("lrm"), 8206 },
	{ SLICE_INIT("lsaquo"), 8249 },
	{ SLICE_INIT("lsqb"), 91 },
	{ SLICE_INIT("lsquo"), 8216 },
	{ SLICE_INIT("lstrok"), 322 },
	{ SLICE_INIT("lt"), 60 },
	{ SLICE_INIT("macr"), 175 },
	{ SLICE_INIT("mdash"), 8212 },
	{ SLICE_INIT("micro"), 181 },
	{ SLICE_INIT("middot"), 183 },
	{ SLICE_INIT("minus"), 8722 },
	{ SLICE_INIT("mu"), 956 },
	{ SLICE_INIT("nabla"), 8711 },
	{ SLICE_INIT("nacute"), 324 },
	{ SLICE_INIT("nbsp"), 160 },
	{ SLICE_INIT("ncaron"), 328 },
	{ SLICE_INIT("ndash"), 8211 },
	{ SLICE_INIT("ne"), 8800 },
	{ SLICE_INIT("ni"), 8715 },
	{ SLICE_INIT("not"), 172 },
	{ SLICE_INIT("notin"), 8713 },
	{ SLICE_INIT("nsub"), 8836 },
	{ SLICE_INIT("ntilde"), 241 },
	{ SLICE_INIT("nu"), 957 },
	{ SLICE_INIT("num"), 35 },
	{ SLICE_INIT("oacute"), 243 },
	{ SLICE_INIT("ocirc"), 244 },
	{ SLICE_INIT("odblac"), 337 },
	{ SLICE_INIT("oelig"), 339 },
	{ SLICE_INIT("ograve"), 242 },
	{ SLICE_INIT("oline"), 8254 },
	{ SLICE_INIT("omega"), 969 },
	{ SLICE_INIT("omicron"), 959 },
	{ SLICE_INIT("oplus"), 8853 },
	{ SLICE_INIT("or"), 8744 },
	{ SLICE_INIT("ordf"), 170 },
	{ SLICE_INIT("ordm"), 186 },
	{ SLICE_INIT("oslash"), 248 },
	{ SLICE_INIT("otilde"), 245 },
	{ SLICE_INIT("otimes"), 8855 },
	{ SLICE_INIT("ouml"), 246 },
	{ SLICE_INIT("para"), 182 },
	{ SLICE_INIT("part"), 8706 },
	{ SLICE_INIT("percnt"), 37 },
	{ SLICE_INIT("period"), 46 },
	{ SLICE_INIT("permil"), 8240 },
	{ SLICE_INIT("perp"), 8869 },
	{ SLICE_INIT("phi"), 966 },
	{ SLICE_INIT("pi"), 960 },
	{ SLICE_INIT("piv"), 982 },
	{ SLICE_INIT("plus"), 43 },
	{ SLICE_INIT("plusmn"), 177 },
	{ SLICE_INIT("pound"), 163 },
	{ SLICE_INIT("prime"), 8242 },
	{ SLICE_INIT("prod"), 8719 },
	{ SLICE_INIT("prop"), 8733 },
	{ SLICE_INIT("psi"), 968 },
	{ SLICE_INIT("quest"), 63 },
	{ SLICE_INIT("quot"), 34 },
	{ SLICE_INIT("rArr"), 8658 },
	{ SLICE_INIT("radic"), 8730 },
	{ SLICE_INIT("rang"), 9002 },
	{ SLICE_INIT("raquo"), 187 },
	{ SLICE_INIT("rarr"), 8594 },
	{ SLICE_INIT("rcaron"), 345 },
	{ SLICE_INIT("rceil"), 8969 },
	{ SLICE_INIT("rcub"), 125 },
	{ SLICE_INIT("rdquo"), 8221 },
	{ SLICE_INIT("real"), 8476 },
	{ SLICE_INIT("reg"), 174 },
	{ SLICE_INIT("rfloor"), 8971 },
	{ SLICE_INIT("rho"), 961 },
	{ SLICE_INIT("rlm"), 8207 },
	{ SLICE_INIT("rpar"), 41 },
	{ SLICE_INIT("rsaquo"), 8250 },
	{ SLICE_INIT("rsqb"), 93 },
	{ SLICE_INIT("rsquo"), 8217 },
	{ SLICE_INIT("sacute"), 347 },
	{ SLICE_INIT("sbquo"), 8218 },
	{ SLICE_INIT("scaron"), 353 },
	{ SLICE_INIT("scedil"), 351 },
	{ SLICE_INIT("sdot"), 8901 },
	{ SLICE_INIT("sect"), 167 },
	{ SLICE_INIT("semi"), 59 },
	{ SLICE_INIT("shy"), 173 },
	{ SLICE_INIT("sigma"), 963 },
	{ SLICE_INIT("sigmaf"), 962 },
	{ SLICE_INIT("sim"), 8764 },
	{ SLICE_INIT("sol"), 47 },
	{ SLICE_INIT("spades"), 9824 },
	{ SLICE_INIT("sub"), 8834 },
	{ SLICE_INIT("sube"), 8838 },
	{ SLICE_INIT("sum"), 8721 },
	{ SLICE_INIT("sup"), 8835 },
	{ SLICE_INIT("sup1"), 185 },
	{ SLICE_INIT("sup2"), 178 },
	{ SLICE_INIT("sup3"), 179 },
	{ SLICE_INIT("supe"), 8839 },
	{ SLICE_INIT("szlig"), 223 },
	{ SLICE_INIT("tau"), 964 },
	{ SLICE_INIT("tcaron"), 357 },
	{ SLICE_INIT("there4"), 8756 },
	{ SLICE_INIT("theta"), 952 },
	{ SLICE_INIT("thetasym"), 977 },
	{ SLICE_INIT("thinsp"), 8201 },
	{ SLICE_INIT("thorn"), 254 },
	{ SLICE_INIT("tilde"), 732 },
	{ SLICE_INIT("times"), 215 },
	{ SLICE_INIT("trade"), 8482 },
	{ SLICE_INIT("uArr"), 8657 },
	{ SLICE_INIT("uacute"), 250 },
	{ SLICE_INIT("uarr"), 8593 },
	{ SLICE_INIT("ucirc"), 251 },
	{ SLICE_INIT("udblac"), 369 },
	{ SLICE_INIT("ugrave"), 249 },
	{ SLICE_INIT("uml"), 168 },
	{ SLICE_INIT("upsih"), 978 },
	{ SLICE_INIT("upsilon"), 965 },
	{ SLICE_INIT("uring"), 367 },
	{ SLICE_INIT("uuml"), 252 },
	{ SLICE_INIT("verbar"), 124 },
	{ SLICE_INIT("vert"), 124 },
	{ SLICE_INIT("weierp"), 8472 },
	{ SLICE_INIT("xi"), 958 },
	{ SLICE_INIT("yacute"), 253 },
	{ SLICE_INIT("yen"), 165 },
	{ SLICE_INIT("yuml"), 255 },
	{ SLICE_INIT("zacute"), 378 },
	{ SLICE_INIT("zcaron"), 382 },
	{ SLICE_INIT("zdot"), 380 },
	{ SLICE_INIT("zeta"), 950 },
	{ SLICE_INIT("zwj"), 8205 },
	{ SLICE_INIT("zwnj"), 8204 },
};

enum { NAME_MAX_SIZE = 16, NUMBER_MAX_SIZE = 10 };

static size_t put_utf8(unsigned c, char ret[8])
{
	size_t n = 0;

	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		c = 0xfffd;
	if (c < 0x80) {
		ret[n++] = (char)c;
		return (n);
	}
	if (c < 0x800) {
		ret[n++] = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			ret[n++] = (char)(0xe0 | c >> 12);
		} else {
			ret[n++] = (char)(0xf0 | c >> 18);
			ret[n++] = (char)(0x80 | (c >> 12 & 63));
		}
		ret[n++] = (char)(0x80 | (c >> 6 & 63));
	}
	ret[n++] = (char)(0x80 | (c & 63));
	return (n);
}

static unsigned from_windows_1252(unsigned c) /* 0x80 to 0x9f */
{
	static const unsigned short codes[32] = { 0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026,
		0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f, 0x90,
		0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161,
		0x203a, 0x153, 0x9d, 0x17e, 0x178 };

	return (codes[c - 0x80]);
}

static unsigned digit_of(char c) /* 16 and more: none */
{
	if (ascii_digit(c))
		return ((unsigned)(c - '0'));
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) : 16);
}

static size_t take_number(struct slice s, char ret[8], size_t *ret_n) /* s begins with "&#" */
{
	unsigned base = s.n > 2 && ascii_lower(s.p[2]) == 'x' ? 16 : 10, c = 0;
	size_t from = base == 16 ? 3 : 2, i = from;

	while (i < s.n && digit_of(s.p[i]) < base) {
		if (c <= 0x10ffff)
			c = c * base + digit_of(s.p[i]);
		i++; /* leading zeros without end are seen in spam */
	}
	if (i == from)
		return (0);
	if (c >= 0x80 && c <= 0x9f)
		c = from_windows_1252(c);
	*ret_n = put_utf8(c, ret);
	return (i < s.n && s.p[i] == ';' ? i + 1 : i);
}

static unsigned find_name(struct slice name)
{
	size_t low = 0, high = sizeof(entities) / sizeof(entities[0]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = slice_cmp(name, entities[middle].name);

		if (order == 0)
			return (entities[middle].code);
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return (0);
}

size_t html_entity_take(struct slice s, char ret[8], size_t *ret_n)
{
	size_t n = 1;
	unsigned c;

	if (s.n < 3)
		return (0);
	if (s.p[1] == '#')
		return (take_number(s, ret, ret_n));
	while (n < s.n && n <= NAME_MAX_SIZE && ascii_alnum(s.p[n]))
		n++;
	c = find_name(slice_head(slice_from(s, 1), n - 1));
	if (c == 0)
		return (0);
	if (n < s.n && s.p[n] == ';')
		n++;
	else if (c > 0xff)
		return (0); /* only the names of Latin-1 may go without */
	*ret_n = put_utf8(c, ret);
	return (n);
}

void html_entities(struct slice s, struct buf *out)
{
	size_t at;

	while ((at = slice_chr(s, '&')) != SIZE_MAX) {
		char utf8[8];
		size_t n = 0, taken = html_entity_take(slice_from(s, at), utf8, &n);

		(void)buf_add(out, s.p, at);
		if (taken > 0)
			(void)buf_add(out, utf8, n);
		else
			(void)buf_addc(out, '&');
		s = slice_from(s, at + (taken > 0 ? taken : 1));
	}
	(void)buf_add_slice(out, s);
}
