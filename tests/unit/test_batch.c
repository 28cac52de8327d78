/* The bounded batch, its binary rows, and the bisection that finds refused rows. */
#include "../../ingest/batch.h"
#include "../../ingest/probe.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct batch_unit UNIT = {.lift_id = 7, .device = "dev-7", .epoch = 3};

static struct reading sample(uint64_t seq) {
    struct reading r = {.at = {1, seq}, .ts_ms = 1700000000000, .floor = -1, .mode = 1};
    r.present = 1u << KEY_SEQ | 1u << KEY_BOOT | 1u << KEY_TS | 1u << KEY_MODE | 1u << KEY_FLOOR;
    return r;
}

static void put_reading(struct batch *b, uint64_t seq) {
    struct reading r = sample(seq);
    struct batch_time time = {.received_ms = 1700000000500, .filed_ms = 1700000000000};
    uint32_t origin = batch_message(b, "lift/v1/a/dev-7/up", "abc", 3, 1700000000500);
    batch_reading(b, origin, &UNIT, &r, &time);
}

static uint64_t number_at(const uint8_t *at, int bytes) {
    uint64_t value = 0;
    while (bytes--)
        value = value << 8 | *at++;
    return value;
}

/* The number of fields found in a row's bytes, -1 when they don't fit. */
static int fields_in(const uint8_t *row, size_t bytes) {
    int fields = 0;
    size_t at = 2;
    while (at + 4 <= bytes) {
        uint64_t length = number_at(row + at, 4);
        at += 4 + (length == UINT32_MAX ? 0 : length);
        fields++;
    }
    return at == bytes ? fields : -1;
}

static void test_rows_have_the_columns_they_say(void **state) {
    (void)state;
    struct batch b;
    batch_init(&b);
    assert_true(batch_is_empty(&b));
    put_reading(&b, 1);
    struct reading full = sample(2);
    full.present = 0x3ffff;
    full.codes_count = 2;
    full.codes[0] = 42;
    full.codes[1] = 90;
    struct batch_time time = {.received_ms = 5, .filed_ms = 5, .suspect = true};
    batch_late(&b, 0, &UNIT, &full, &time);
    batch_now(&b, &UNIT, &full, &time, true);
    batch_state(&b, 1, &UNIT, full.at, 9, (const uint8_t *)"xyz", 3);
    struct gap gap = {{1, 2}, {1, 5}};
    batch_gap(&b, &UNIT, &gap, BATCH_NO_INSTANT, 77);
    struct marker held = {.count = 2, .held = {{1, 1, 2}, {2, 1, 1}}}, nothing = {.count = 0};
    batch_marker(&b, &UNIT, &held);
    batch_marker(&b, &UNIT, &nothing);
    batch_alarm(&b, &(struct batch_alarm){.lift_id = 7, .text_zh = "困人", .text_en = "trapped"});
    batch_refusal(&b, "t", "p", 1, "truncated", NULL, NULL, NULL, 5);
    batch_relanded(&b, 12, "landed");
    batch_presence(&b, "a", "dev-7", true, 5);
    static const int columns[BATCH_TABLES] = {24, 7, 8, 5, 24, 7, 2, 10, 4, 25};
    static const size_t rows[BATCH_TABLES] = {1, 1, 1, 3, 1, 1, 1, 1, 1, 1};
    for (int t = 0; t < BATCH_TABLES; t++) {
        assert_int_equal(b.tables[t].rows, rows[t]);
        for (size_t i = 0; i < b.tables[t].rows; i++) {
            size_t bytes;
            const uint8_t *row = copy_row_bytes(&b.tables[t], i, &bytes);
            assert_int_equal(number_at(row, 2), columns[t]);
            assert_int_equal(fields_in(row, bytes), columns[t]);
        }
    }
    assert_false(batch_is_empty(&b));
    assert_false(batch_has_failed(&b));
    batch_clear(&b);
    assert_true(batch_is_empty(&b));
    batch_fini(&b);
}

static void test_instants_count_from_2000(void **state) {
    (void)state;
    struct copy c = {0};
    copy_row(&c, 1, COPY_NO_ORIGIN);
    copy_instant(&c, 946684800000LL + 1500); /* 2000-01-01 00:00:01.5 UTC */
    assert_int_equal(number_at(c.bytes + 6, 8), 1500000);
    copy_fini(&c);
}

static void test_a_full_batch_says_so(void **state) {
    (void)state;
    struct batch b;
    batch_init(&b);
    size_t bytes = 1 << 20;
    char *payload = calloc(1, bytes);
    for (size_t i = 0; i < BATCH_BYTES_MAX / bytes; i++) {
        assert_false(batch_is_full(&b));
        batch_message(&b, "t", payload, bytes, 1);
    }
    assert_true(batch_is_full(&b));
    free(payload);
    batch_fini(&b);
}

/* A database that refuses the readings with these numbers, as a range of a table. */
static bool refuses(const struct probe_range *range, const bool *bad) {
    for (size_t i = 0; range->table == BATCH_READING && i < range->count; i++)
        if (bad[range->first + i])
            return true;
    return false;
}

static void test_bisection_finds_exactly_the_bad_rows(void **state) {
    (void)state;
    srand(7);
    for (int round = 0; round < 200; round++) {
        struct batch b;
        struct probe p = {0};
        bool bad[64] = {false};
        size_t rows = 1 + (size_t)(rand() % 64), expected = 0, questions = 0;
        batch_init(&b);
        for (size_t i = 0; i < rows; i++) {
            put_reading(&b, i + 1);
            bad[i] = rand() % 8 == 0;
            expected += bad[i];
        }
        struct gap gap = {{1, 2}, {1, 5}};
        batch_gap(&b, &UNIT, &gap, 1, 2);
        assert_true(probe_begin(&p, &b));
        for (const struct probe_range *range; (range = probe_next(&p)); questions++) {
            size_t bytes;
            assert_non_null(probe_bytes(&p, &b, &bytes));
            assert_true(bytes > 0);
            bool refused = refuses(range, bad);
            assert_true(probe_said(&p, refused ? "23514" : "", "check"));
        }
        assert_int_equal(probe_apply(&p, &b), expected);
        assert_int_equal(b.tables[BATCH_READING].rows, rows - expected);
        assert_int_equal(b.tables[BATCH_REFUSAL].rows, expected);
        assert_int_equal(b.tables[BATCH_GAP].rows, 1);
        for (size_t i = 0, kept = 0; i < rows; i++) {
            if (bad[i])
                continue;
            size_t bytes;
            const uint8_t *row = copy_row_bytes(&b.tables[BATCH_READING], kept++, &bytes);
            /* lift_id 2+4+8, device 4+5, unit 4+2, boot 4+8, then seq */
            assert_int_equal(number_at(row + 2 + 12 + 9 + 6 + 12 + 4, 8), i + 1);
            assert_int_equal(fields_in(row, bytes), 24);
        }
        probe_fini(&p);
        batch_fini(&b);
    }
}

static void test_two_bad_rows_of_one_message_are_one_refusal(void **state) {
    (void)state;
    struct batch b;
    struct probe p = {0};
    batch_init(&b);
    struct batch_time time = {.received_ms = 5, .filed_ms = 5};
    uint32_t origin = batch_message(&b, "lift/v1/a/dev-7/up", "whole message", 13, 5);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        struct reading r = sample(seq);
        batch_reading(&b, origin, &UNIT, &r, &time);
    }
    assert_true(probe_begin(&p, &b));
    for (const struct probe_range *range; (range = probe_next(&p));)
        assert_true(probe_said(&p, range->first + range->count > 1 ? "22003" : "", "out of range"));
    assert_int_equal(probe_apply(&p, &b), 2);
    assert_int_equal(b.tables[BATCH_REFUSAL].rows, 1);
    size_t bytes;
    const uint8_t *row = copy_row_bytes(&b.tables[BATCH_REFUSAL], 0, &bytes);
    assert_int_equal(number_at(row + 2, 4), strlen("lift/v1/a/dev-7/up"));
    assert_memory_equal(row + 6 + strlen("lift/v1/a/dev-7/up") + 4, "whole message", 13);
    probe_fini(&p);
    batch_fini(&b);
}

static void test_probing_gives_up_after_some_rounds(void **state) {
    (void)state;
    struct batch b;
    struct probe p = {0};
    batch_init(&b);
    put_reading(&b, 1);
    for (int i = 0; i < PROBE_ROUNDS_MAX; i++)
        assert_true(probe_begin(&p, &b));
    assert_false(probe_begin(&p, &b));
    probe_fini(&p);
    batch_fini(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_have_the_columns_they_say),
        cmocka_unit_test(test_instants_count_from_2000),
        cmocka_unit_test(test_a_full_batch_says_so),
        cmocka_unit_test(test_bisection_finds_exactly_the_bad_rows),
        cmocka_unit_test(test_two_bad_rows_of_one_message_are_one_refusal),
        cmocka_unit_test(test_probing_gives_up_after_some_rounds),
    };
    return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
