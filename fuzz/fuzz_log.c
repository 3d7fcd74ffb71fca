/* The law: whatever a peer puts into a value, the line stays one line of printable UTF-8 within
 * its length, nothing of the value leaves its pair, and the JSON form is JSON. */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/buf.h"
#include "core/limits.h"
#include "core/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void keep(void *self, struct slice line)
{
	buf_reset(self);
	if (buf_add_slice(self, line) == -1)
		abort();
}

static void check_line(const struct buf *line)
{
	json_t *text;

	if (line->n > 3 * L_LOG + 200)
		abort();
	for (size_t i = 0; i < line->n; i++)
		if ((unsigned char)line->p[i] < 0x20 || line->p[i] == 0x7f)
			abort();
	if ((text = json_stringn(line->p, line->n)) == NULL) /* checks UTF-8 */
		abort();
	json_decref(text);
}

/* Behind the value, in quotes or not, the last pair stands alone: v=... end=1 */
static void check_pairs(const struct buf *line)
{
	struct slice rest =
	    slice_from(buf_slice(line), slice_find(buf_slice(line), SLICE(" v=")) + 3);
	size_t i = 0;

	if (slice_starts(rest, SLICE("\""))) {
		for (i = 1; i < rest.n && rest.p[i] != '"'; i++)
			i += rest.p[i] == '\\';
		i++;
	} else {
		while (i < rest.n && rest.p[i] != ' ')
			i++;
	}
	if (!slice_eq(slice_from(rest, i), SLICE(" end=1")))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf line = BUF_INIT(1 << 20);
	char *value = malloc(n + 1);
	json_t *parsed;

	if (value == NULL)
		abort();
	if (n > 0)
		memcpy(value, data, n);
	value[n] = '\0';
	log_sink(keep, &line);
	log_setup(LOG_INFO, false);
	log_event(LOG_INFO, value, "e", "end", "1", NULL);
	check_line(&line);
	log_text(LOG_INFO, NULL, "said %s", value);
	check_line(&line);
	log_event(LOG_INFO, "s-1", "e", "v", value, "end", "1", NULL);
	check_line(&line);
	check_pairs(&line);
	log_setup(LOG_INFO, true);
	log_event(LOG_INFO, "s-1", "e", "v", value, "end", "1", NULL);
	check_line(&line);
	if ((parsed = json_loadb(line.p, line.n, JSON_REJECT_DUPLICATES, NULL)) == NULL)
		abort();
	json_decref(parsed);
	log_sink(NULL, NULL);
	buf_free(&line);
	free(value);
	return (0);
}
