/* ledger_query.c: what does a person who asks the ledger mean: a time, an address, a message, a
 * peer? Tried from the strictest form to the loosest. The asking itself is ledger.c's. */
#include "store/ledger_query.h"

#include "core/units.h"

/* date = 4DIGIT "-" 2DIGIT "-" 2DIGIT [ ("T" / " ") 2DIGIT ":" 2DIGIT ] */
static bool number(struct slice s, size_t at, size_t n, uint64_t least, uint64_t most, int64_t *ret)
{
	uint64_t v;

	if (!slice_u64(slice_head(slice_from(s, at), n), most, &v) || v < least)
		return (false);
	*ret = (int64_t)v;
	return (true);
}

static int days_in(int64_t year, int64_t month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return (days[month - 1] + (month == 2 && leap));
}

/* Days since 1970-01-01 in the Gregorian calendar, March counted as the first month. */
static int64_t day_number(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;

	return (y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468);
}

static bool date(struct slice s, struct ledger_query *ret)
{
	int64_t year, month, day, hour = 0, minute = 0;

	if ((s.n != 10 && s.n != 16) || s.p[4] != '-' || s.p[7] != '-' ||
	    !number(s, 0, 4, 1970, 9999, &year) || !number(s, 5, 2, 1, 12, &month) ||
	    !number(s, 8, 2, 1, (uint64_t)days_in(year, month), &day))
		return (false);
	if (s.n == 16 && ((s.p[10] != 'T' && s.p[10] != ' ') || s.p[13] != ':' ||
			     !number(s, 11, 2, 0, 23, &hour) || !number(s, 14, 2, 0, 59, &minute)))
		return (false);
	ret->from = day_number(year, month, day) * 86400 + hour * 3600 + minute * 60;
	ret->to = ret->from + (s.n == 10 ? 86400 : 60);
	return (true);
}

void ledger_peer_key(const struct ip *ip, unsigned char ret[16])
{
	static const unsigned char mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	if (ip->is_v6) {
		memcpy(ret, ip->octets, 16);
		return;
	}
	memcpy(ret, mapped, sizeof(mapped));
	memcpy(ret + sizeof(mapped), ip->octets, 4);
}

/* net = address "/" bits */
static bool net(struct slice s, struct ledger_query *ret)
{
	struct slice address, digits;
	struct ip ip;
	uint64_t bits;

	if (!slice_cut(s, '/', &address, &digits) || !ip_parse(address, &ip) ||
	    !slice_u64(digits, ip.is_v6 ? 128 : 32, &bits))
		return (false);
	ip = ip_prefix(&ip, (unsigned)bits);
	ledger_peer_key(&ip, ret->low);
	memcpy(ret->high, ret->low, sizeof(ret->high));
	for (unsigned at = (unsigned)bits + (ip.is_v6 ? 0 : 96); at < 128; at++)
		ret->high[at / 8] |= (unsigned char)(0x80 >> at % 8);
	return (true);
}

static int hex_digit(char c)
{
	if (ascii_digit(c))
		return (c - '0');
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1);
}

/* RFC 8474 5.1: our EMAILID is "M" and the content id. */
static bool content(struct slice s, struct ledger_query *ret)
{
	if (s.n == 33 && s.p[0] == 'M')
		s = slice_from(s, 1);
	if (s.n != 32)
		return (false);
	for (size_t i = 0; i < s.n; i++)
		if (hex_digit(s.p[i]) < 0)
			return (false);
	for (size_t i = 0; i < 16; i++)
		ret->low[i] = (unsigned char)(hex_digit(s.p[2 * i]) * 16 + hex_digit(s.p[2 * i + 1]));
	return (true);
}

bool ledger_query_parse(struct slice what, int64_t now, struct ledger_query *ret)
{
	struct ip ip;
	uint64_t ms;

	*ret = (struct ledger_query){ .kind = LEDGER_ALL };
	what = slice_trim(what);
	if (what.n == 0)
		return (true);
	if (what.n > LEDGER_KEY || memchr(what.p, '\0', what.n) != NULL)
		return (false);
	if (date(what, ret)) {
		ret->kind = LEDGER_SPAN;
		return (true);
	}
	if (units_duration(what, &ms)) {
		ret->kind = LEDGER_SPAN;
		ret->from = ms / 1000 > (uint64_t)now ? 0 : now - (int64_t)(ms / 1000);
		ret->to = INT64_MAX;
		return (true);
	}
	if (ip_parse(what, &ip)) {
		ret->kind = LEDGER_IP;
		ret->key = slice_of(ip_text(&ip, ret->ip));
		return (true);
	}
	if (net(what, ret) || content(what, ret)) {
		ret->kind = slice_chr(what, '/') != SIZE_MAX ? LEDGER_NET : LEDGER_CONTENT;
		return (true);
	}
	if (what.p[0] == '<' && what.p[what.n - 1] == '>' && what.n > 2)
		what = slice_head(slice_from(what, 1), what.n - 2);
	ret->kind = slice_chr(what, '@') != SIZE_MAX ? LEDGER_ADDRESS : LEDGER_WORD;
	ret->key = what;
	return (true);
}
