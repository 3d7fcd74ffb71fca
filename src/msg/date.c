/* date.c: which moment does a date name, and how is a moment written?
 *
 * Reading mail is generous (obsolete zones and years, asctime order, missing weekday, comments);
 * reading IMAP is strict (IMP-17). Days are counted with the civil calendar, without the C
 * library's zones except for writing local time. RFC 5322 3.3, 4.3; RFC 9051 9 (date, date-time).
 */
#include "msg/date.h"

#include <time.h>

#include "core/cursor.h"
#include "msg/cfws.h"

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "SunMonTueWedThuFriSat";

/* Days since 1970-01-01 of a date of the civil calendar; month 1 to 12. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2 ? 1 : 0), era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return (era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468);
}

static int days_in(int64_t year, int month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return (days[month - 1] + (month == 2 && leap ? 1 : 0));
}

struct civil {
	int64_t year;
	int month, day, hour, minute, second, weekday;
};

static struct civil civil_of(int64_t t)
{
	int64_t day = t >= 0 ? t / 86400 : -((-t + 86399) / 86400), second = t - day * 86400;
	int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097,
		of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
	struct civil c = { .year = y + era * 400 + (m >= 10 ? 1 : 0) };

	c.month = (int)(m < 10 ? m + 3 : m - 9);
	c.day = (int)(of_year - (153 * m + 2) / 5 + 1);
	c.hour = (int)(second / 3600);
	c.minute = (int)(second / 60 % 60);
	c.second = (int)(second % 60);
	c.weekday = (int)(((day + 4) % 7 + 7) % 7);
	return (c);
}

static int month_of(struct slice s) /* 1 to 12, else 0; "June" and "Sept" too */
{
	if (s.n < 3)
		return (0);
	for (int i = 0; i < 12; i++)
		if (slice_ieq(slice_head(s, 3), (struct slice){ month_names + i * 3, 3 }))
			return (i + 1);
	return (0);
}

/* Zones with a letter. RFC 5322 4.3: military and unknown ones mean nothing sure, so UTC. */
static int zone_named(struct slice s)
{
	static const struct {
		struct slice name;
		int minutes;
	} zones[] = {
		{ SLICE_INIT("EST"), -300 },
		{ SLICE_INIT("EDT"), -240 },
		{ SLICE_INIT("CST"), -360 },
		{ SLICE_INIT("CDT"), -300 },
		{ SLICE_INIT("MST"), -420 },
		{ SLICE_INIT("MDT"), -360 },
		{ SLICE_INIT("PST"), -480 },
		{ SLICE_INIT("PDT"), -420 },
	};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (slice_ieq(s, zones[i].name))
			return (zones[i].minutes);
	return (0);
}

static bool is_digit(char c)
{
	return (ascii_digit(c));
}

static bool is_letter(char c)
{
	return (ascii_alpha(c));
}

/* "+hhmm" behind its sign. Out of a day's range it means nothing: UTC (MIM-13). */
static int zone_numeric(struct slice digits, bool west)
{
	uint64_t v;
	int minutes;

	if (digits.n == 2 && slice_u64(digits, 99, &v))
		v *= 100;
	else if ((digits.n != 4 && digits.n != 3) || !slice_u64(digits, 9999, &v))
		return (0);
	if (v % 100 > 59 || v / 100 > 23)
		return (0);
	minutes = (int)(v / 100 * 60 + v % 100);
	return (west ? -minutes : minutes);
}

struct reading { /* what was found so far; -1: not yet */
	int64_t year;
	int month, day, hour, minute, second, zone;
	bool has_time, has_zone;
};

static bool take_number(struct cursor *c, struct slice *digits, uint64_t *v)
{
	return (take_run(c, is_digit, digits) && slice_u64(*digits, 99999999, v));
}

/* hh:mm[:ss], the hour already taken. "." as mark is seen too. Blanks and comments may stand on both
 * sides of the marks (RFC 5322 4.3). */
static bool take_clock(struct cursor *c, uint64_t hour, struct reading *r)
{
	struct slice digits;
	uint64_t minute, second = 0;
	char mark = *c->p++;

	cfws_skip(c);
	if (!take_number(c, &digits, &minute) || digits.n != 2)
		return (false);
	cfws_skip(c);
	if (take_char(c, mark)) {
		cfws_skip(c);
		if (!take_number(c, &digits, &second) || digits.n != 2)
			return (false);
	}
	if (hour > 23 || minute > 59 || second > 60)
		return (false);
	r->hour = (int)hour;
	r->minute = (int)minute;
	r->second = second == 60 ? 59 : (int)second; /* a leap second is the one before it */
	r->has_time = true;
	return (true);
}

static bool set_year(struct reading *r, struct slice digits, uint64_t v)
{
	r->year = (int64_t)v;
	if (digits.n == 2)
		r->year += v < 50 ? 2000 : 1900; /* RFC 5322 4.3 */
	else if (digits.n == 3)
		r->year += 1900;
	return (r->year >= 1900 && r->year <= 9999);
}

static bool take_numeric(struct cursor *c, struct reading *r)
{
	struct slice digits;
	struct cursor behind;
	uint64_t v;

	if (!take_number(c, &digits, &v))
		return (false);
	behind = *c;
	cfws_skip(&behind);
	if (!r->has_time && digits.n <= 2 &&
	    (cursor_peek(&behind) == ':' || (cursor_peek(c) == '.' && r->year >= 0))) {
		if (cursor_peek(&behind) == ':')
			*c = behind;
		return (take_clock(c, v, r));
	}
	if (r->day < 0 && digits.n <= 2) {
		r->day = (int)v;
		return (true);
	}
	if (r->month < 0 && digits.n <= 2 && v >= 1 && v <= 12) { /* 17-6-2008 */
		r->month = (int)v;
		return (true);
	}
	return (r->year < 0 && r->month >= 0 && set_year(r, digits, v));
}

static bool take_item(struct cursor *c, struct reading *r)
{
	struct slice s;
	char sign = *c->p;

	if (ascii_digit(sign))
		return (take_numeric(c, r));
	if (take_run(c, is_letter, &s)) {
		if (r->month < 0 && month_of(s) > 0) {
			r->month = month_of(s);
		} else if (r->has_time && !r->has_zone) {
			r->zone = zone_named(s);
			r->has_zone = true;
		}
		return (true); /* day names and AM/PM say nothing that counts */
	}
	c->p++;
	if ((sign == '+' || sign == '-') && r->has_time && take_run(c, is_digit, &s)) {
		r->zone = zone_numeric(s, sign == '-');
		r->has_zone = true;
	}
	return (true);
}

bool date_parse(struct slice s, int64_t *ret_time, int *ret_zone)
{
	struct reading r = { .year = -1, .month = -1, .day = -1 };
	struct cursor c =
	    cursor_of(slice_head(slice_trim(s), 256)); /* no date is longer, comments included */

	cfws_skip(&c);
	while (!cursor_at_end(&c)) {
		if (!take_item(&c, &r))
			return (false);
		cfws_skip(&c);
	}
	if (r.year < 0 || r.month < 0 || r.day < 1 || r.day > days_in(r.year, r.month) ||
	    !r.has_time)
		return (false);
	*ret_time = days_of(r.year, r.month, r.day) * 86400 + r.hour * 3600 + r.minute * 60 +
	    r.second - (int64_t)r.zone * 60;
	*ret_zone = r.zone;
	return (true);
}

int date_write(struct buf *out, int64_t t)
{
	time_t when = (time_t)t;
	struct tm local;
	long offset = 0;
	struct civil c;
	char sign;

	if (localtime_r(&when, &local) != NULL)
		offset = local.tm_gmtoff / 60;
	c = civil_of(t + offset * 60);
	sign = offset < 0 ? '-' : '+';
	offset = offset < 0 ? -offset : offset;
	return (buf_fmt(out, "%.3s, %d %.3s %04d %02d:%02d:%02d %c%02ld%02ld",
	    day_names + c.weekday * 3, c.day, month_names + (c.month - 1) * 3, (int)c.year, c.hour,
	    c.minute, c.second, sign, offset / 60, offset % 60));
}

/* n digits exactly */
static bool take_digits(struct cursor *c, size_t n, int *ret)
{
	uint64_t v;

	if (cursor_left(c) < n || !slice_u64(slice_head(cursor_rest(c), n), 9999, &v))
		return (false);
	c->p += n;
	*ret = (int)v;
	return (true);
}

/* "-" date-month "-" date-year behind the day */
static bool take_month_year(struct cursor *c, int day, int64_t *ret_days)
{
	int month, year;

	if (!take_char(c, '-') || cursor_left(c) < 3 ||
	    (month = month_of(slice_head(cursor_rest(c), 3))) == 0)
		return (false);
	c->p += 3;
	if (!take_char(c, '-') || !take_digits(c, 4, &year) || year < 1 || day < 1 ||
	    day > days_in(year, month))
		return (false);
	*ret_days = days_of(year, month, day);
	return (true);
}

/* date-time = date-day-fixed "-" date-month "-" date-year SP time SP zone */
bool date_parse_imap(struct slice s, int64_t *ret_time)
{
	struct cursor c = cursor_of(s);
	int day, hour, minute, second, zone_hour, zone_minute;
	int64_t days;
	bool west;

	if (!(take_char(&c, ' ') ? take_digits(&c, 1, &day) : take_digits(&c, 2, &day)) ||
	    !take_month_year(&c, day, &days) || !take_char(&c, ' ') || !take_digits(&c, 2, &hour) ||
	    !take_char(&c, ':') || !take_digits(&c, 2, &minute) || !take_char(&c, ':') ||
	    !take_digits(&c, 2, &second) || !take_char(&c, ' '))
		return (false);
	west = take_char(&c, '-');
	if ((!west && !take_char(&c, '+')) || !take_digits(&c, 2, &zone_hour) ||
	    !take_digits(&c, 2, &zone_minute) || !cursor_at_end(&c))
		return (false);
	if (hour > 23 || minute > 59 || second > 60 || zone_hour > 23 || zone_minute > 59)
		return (false);
	zone_minute += zone_hour * 60;
	*ret_time = days * 86400 + hour * 3600 + minute * 60 + second -
	    (west ? -zone_minute : zone_minute) * 60;
	return (true);
}

static void two_digits(char *at, int n)
{
	at[0] = (char)('0' + n / 10 % 10);
	at[1] = (char)('0' + n % 10);
}

/* Said of every message of a list: without a format. */
int date_write_imap(struct buf *out, int64_t t)
{
	struct civil c = civil_of(t);
	char said[] = "00-Mon-0000 00:00:00 +0000";

	if (c.year < 0 || c.year > 9999)
		return (buf_fmt(out, "%02d-%.3s-%04d %02d:%02d:%02d +0000", c.day,
		    month_names + (c.month - 1) * 3, (int)c.year, c.hour, c.minute, c.second));
	two_digits(said, c.day);
	memcpy(said + 3, month_names + (c.month - 1) * 3, 3);
	two_digits(said + 7, (int)c.year / 100);
	two_digits(said + 9, (int)c.year);
	two_digits(said + 12, c.hour);
	two_digits(said + 15, c.minute);
	two_digits(said + 18, c.second);
	return (buf_add(out, said, sizeof(said) - 1));
}

/* date = date-text / DQUOTE date-text DQUOTE; date-day = 1*2DIGIT */
bool date_parse_imap_day(struct slice s, int64_t *ret_day)
{
	struct cursor c;
	uint64_t day;

	if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = slice_head(slice_from(s, 1), s.n - 2);
	c = cursor_of(s);
	if (!take_u64(&c, 31, &day) || c.p - s.p > 2 || !take_month_year(&c, (int)day, ret_day))
		return (false);
	return (cursor_at_end(&c));
}

int64_t date_day(int64_t t, int zone_minutes)
{
	t += (int64_t)zone_minutes * 60;
	return (t >= 0 ? t / 86400 : -((-t + 86399) / 86400));
}
