/* test_snap.c: a blob gives back the messages it was made of, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"
#include "store/snap.h"

static size_t make(struct view_message *m, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		m[i] = (struct view_message){
			.uid = (uint32_t)(5 * SNAP_UIDS + i),
			.flags = (uint32_t)i * 3,
			.size = (uint32_t)(UINT32_MAX - i),
			.modseq = (UINT64_C(1) << 40) + i % 7,
			.internal_date = (int64_t)i % 5 - 2,
			.save_date = 1795406400 - (int64_t)i,
		};
	return (snap_write(m, n, out) ? n : 0);
}

static void messages_come_back(void **state)
{
	static const size_t counts[] = { 1, 2, SNAP_LEAST, SNAP_UIDS };
	struct view_message *m = mem_new_array(SNAP_UIDS, sizeof(*m));
	struct view_message *back = mem_new_array(SNAP_UIDS, sizeof(*back));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct buf out = BUF_INIT(SNAP_OCTETS);
		size_t n = make(m, counts[i], &out);

		assert_int_equal(n, counts[i]);
		assert_int_equal(out.n, SNAP_HEAD + n * SNAP_RECORD);
		assert_int_equal(snap_read(buf_slice(&out), 5, back), n);
		for (size_t k = 0; k < n; k++) {
			assert_true(m[k].uid == back[k].uid && m[k].flags == back[k].flags);
			assert_true(m[k].size == back[k].size && m[k].modseq == back[k].modseq);
			assert_true(m[k].internal_date == back[k].internal_date);
			assert_true(m[k].save_date == back[k].save_date);
		}
		buf_free(&out);
	}
	free(m);
	free(back);
}

static void what_is_too_far_apart_is_not_written(void **state)
{
	struct view_message m[2] = { { .uid = 1, .modseq = 1 }, { .uid = 2, .modseq = 1 } };
	struct buf out = BUF_INIT(SNAP_OCTETS);

	(void)state;
	m[1].modseq += UINT64_C(1) << 32;
	assert_false(snap_write(m, 2, &out));
	m[1].modseq--;
	assert_true(snap_write(m, 2, &out));
	buf_reset(&out);
	m[1].internal_date = INT64_MAX;
	m[0].internal_date = INT64_MIN;
	assert_false(snap_write(m, 2, &out));
	assert_int_equal(out.n, 0);
	m[1].internal_date = m[0].internal_date = 0;
	m[0].save_date = -1;
	m[1].save_date = UINT32_MAX;
	assert_false(snap_write(m, 2, &out));
	m[1].save_date--;
	assert_true(snap_write(m, 2, &out));
	buf_free(&out);
}

static void damage_is_nothing(void **state)
{
	struct view_message m[SNAP_LEAST], back[SNAP_UIDS];
	struct buf out = BUF_INIT(SNAP_OCTETS);

	(void)state;
	assert_int_equal(make(m, SNAP_LEAST, &out), SNAP_LEAST);
	assert_int_equal(snap_read(buf_slice(&out), 4, back), 0); /* of another run */
	for (size_t i = 0; i < out.n; i++) {
		assert_int_equal(snap_read((struct slice){ out.p, i }, 5, back), 0);
		out.p[i] = (char)(out.p[i] ^ 16);
		assert_int_equal(snap_read(buf_slice(&out), 5, back), 0);
		out.p[i] = (char)(out.p[i] ^ 16);
	}
	assert_int_equal(snap_read(buf_slice(&out), 5, back), SNAP_LEAST);
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_back),
		cmocka_unit_test(what_is_too_far_apart_is_not_written),
		cmocka_unit_test(damage_is_nothing),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
