/* crlf.c: how do line ends differ between disk and wire? Streaming, both ways, for any octets.
 * Pure. Failures: only a full buffer. */
#include "store/crlf.h"

int crlf_wire(struct slice disk, bool *after_cr, struct buf *out)
{
	size_t from = 0;

	while (from < disk.n) {
		const char *lf = memchr(disk.p + from, '\n', disk.n - from);
		size_t at = lf == NULL ? disk.n : (size_t)(lf - disk.p);
		bool cr = at > from ? disk.p[at - 1] == '\r' : *after_cr;

		if (buf_add(out, disk.p + from, at - from) != 0)
			return (-1);
		if (lf == NULL) {
			*after_cr = cr;
			return (0);
		}
		if (buf_add(out, cr ? "\n" : "\r\n", cr ? 1 : 2) != 0)
			return (-1);
		*after_cr = false;
		from = at + 1;
	}
	return (0);
}

uint64_t crlf_wire_size(struct slice disk, bool *after_cr)
{
	uint64_t n = disk.n;
	size_t from = 0;

	while (from < disk.n) {
		const char *lf = memchr(disk.p + from, '\n', disk.n - from);
		size_t at = lf == NULL ? disk.n : (size_t)(lf - disk.p);
		bool cr = at > from ? disk.p[at - 1] == '\r' : *after_cr;

		if (lf == NULL) {
			*after_cr = cr;
			break;
		}
		if (!cr)
			n++;
		*after_cr = false;
		from = at + 1;
	}
	return (n);
}

bool crlf_can_strip(struct slice wire, unsigned *state)
{
	for (size_t i = 0; i < wire.n; i++) {
		if (*state == 0) {
			const char *cr = memchr(wire.p + i, '\r', wire.n - i);

			if (cr == NULL)
				return (true);
			i = (size_t)(cr - wire.p);
			*state = 1;
		} else if (wire.p[i] == '\r') {
			*state = 2;
		} else if (wire.p[i] == '\n' && *state == 2) {
			return (false);
		} else {
			*state = 0;
		}
	}
	return (true);
}

int crlf_strip(struct slice wire, bool *held, struct buf *out)
{
	size_t i = 0;

	while (i < wire.n) {
		const char *cr;
		size_t at;

		if (*held) {
			*held = false;
			if (wire.p[i] != '\n' && buf_addc(out, '\r') != 0)
				return (-1);
		}
		cr = memchr(wire.p + i, '\r', wire.n - i);
		at = cr == NULL ? wire.n : (size_t)(cr - wire.p);
		if (buf_add(out, wire.p + i, at - i) != 0)
			return (-1);
		*held = cr != NULL;
		i = at + 1;
	}
	return (0);
}

int crlf_strip_end(bool *held, struct buf *out)
{
	bool was = *held;

	*held = false;
	return (was ? buf_addc(out, '\r') : 0);
}
