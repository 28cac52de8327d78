/* Tests of a lift's memory as bytes: every field there and back, every broken string refused, other tables.
 */
#include "../../alerts/rules.h"
#include "../../alerts/table.h"
#include "walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void empty_is_short_and_empty_again(void **state) {
    uint8_t bytes[LIFT_SAVED_MAX_BYTES];
    struct lift l, again;
    (void)state;
    lift_init(&l);
    size_t count = lift_save(&l, bytes);
    assert_true(count < 16);
    assert_true(lift_load(&again, bytes, count));
    assert_memory_equal(&l, &again, sizeof l);
}

/* The largest values everywhere, every rule clearing. */
static void fill(struct lift *l) {
    lift_init(l);
    struct reading *r = &l->now;
    r->present = 0x3ffffu;
    r->unit = 255;
    r->at = (struct position){UINT32_MAX, UINT64_MAX};
    r->ts_ms = INT64_C(253402300799999);
    r->mode = MODE_UNKNOWN;
    r->motion = MOTION_DOWN;
    r->floor = INT16_MIN;
    r->flags = 0x1f1f;
    r->codes_count = READING_CODES_MAX;
    for (size_t i = 0; i < READING_CODES_MAX; i++)
        r->codes[i] = (uint16_t)(UINT16_MAX - READING_CODES_MAX + 1 + i);
    r->energy_wh = r->trips = r->run_time_s = r->door_cycles = r->heard = INT64_MAX;
    r->load_kg = r->vibration_mm_s2 = INT32_MAX;
    r->speed_mm_s = r->temperature_deci_c = INT32_MIN;
    l->at_ms = l->arrival_ms = (INT64_C(1) << 47) - 1;
    l->stopped_since_ms = -((INT64_C(1) << 47) - 1);
    l->occupied_at_ms = 1;
    l->clock_suspect = l->boot_fell = true;
    for (size_t i = 0; i < rules_table_count; i++) {
        l->phase[i] = RULE_CLEARING;
        lift_set_onset(l, i, 1);
        lift_set_since(l, i, -((INT64_C(1) << 47) - 1));
    }
}

static void fullest_fits_and_comes_back(void **state) {
    uint8_t bytes[LIFT_SAVED_MAX_BYTES];
    static struct lift l, again;
    (void)state;
    fill(&l);
    size_t count = lift_save(&l, bytes);
    print_message("fullest memory %zu bytes\n", count);
    assert_true(lift_load(&again, bytes, count));
    assert_memory_equal(&l, &again, sizeof l);
}

static void a_well_lift_is_short(void **state) {
    uint8_t bytes[LIFT_SAVED_MAX_BYTES];
    struct transition out[RULES_TRANSITIONS_MAX];
    struct lift l;
    struct reading r = {.present = 0x3ffffu, .at = {12, 345678}, .ts_ms = INT64_C(1790000000000)};
    struct rules_input input = {.kind = INPUT_READING, .reading = &r, .at_ms = r.ts_ms};
    (void)state;
    r.mode = MODE_NORMAL;
    r.floor = 4;
    r.flags = 0x1f07;
    r.energy_wh = 12345678;
    r.trips = r.door_cycles = 345678;
    r.run_time_s = 2345678;
    r.load_kg = 70;
    r.speed_mm_s = 1000;
    r.temperature_deci_c = 253;
    lift_init(&l);
    assert_int_equal(rules_step(rules_default(NULL), &l, &input, r.ts_ms + 80, out), 0);
    size_t count = lift_save(&l, bytes);
    print_message("well lift %zu bytes, in memory %zu\n", count, sizeof l);
    assert_true(count <= 64);
}

/* After any load the memory is either a valid one or an empty one; sanitizers watch. */
static void check_loaded(const struct lift *l, bool good) {
    struct lift empty;
    lift_init(&empty);
    if (!good) {
        assert_memory_equal(l, &empty, sizeof empty);
        return;
    }
    assert_true(l->now.codes_count <= READING_CODES_MAX);
    for (size_t i = 0; i < rules_table_count; i++)
        assert_true(l->phase[i] <= RULE_CLEARING);
}

static void cut_strings_are_refused(void **state) {
    uint8_t bytes[LIFT_SAVED_MAX_BYTES + 1] = {0};
    static struct lift l, again;
    (void)state;
    fill(&l);
    size_t count = lift_save(&l, bytes);
    for (size_t length = 0; length < count; length++) {
        uint8_t *exact = malloc(length ? length : 1); /* so that a read past the end is seen */
        assert_non_null(exact);
        memcpy(exact, bytes, length);
        assert_false(lift_load(&again, exact, length));
        check_loaded(&again, false);
        free(exact);
    }
    assert_false(lift_load(&again, bytes, count + 1));
    bytes[0]++;
    assert_false(lift_load(&again, bytes, count));
    check_loaded(&again, false);
}

static void broken_strings_do_no_harm(void **state) {
    uint8_t bytes[LIFT_SAVED_MAX_BYTES], broken[LIFT_SAVED_MAX_BYTES], saved[LIFT_SAVED_MAX_BYTES];
    struct transition out[RULES_TRANSITIONS_MAX];
    static struct lift l, again;
    struct walk walk;
    struct walk_event event;
    const struct rules *rules = rules_default(NULL);
    size_t accepted = 0;
    (void)state;
    lift_init(&l);
    walk_begin(&walk, 7, true);
    for (int i = 0; i < 40000; i++) {
        if (i % 100 == 0) {
            walk_next(&walk, &event);
            rules_step(rules, &l, &event.input, event.now_ms, out);
        }
        size_t count = lift_save(&l, bytes);
        memcpy(broken, bytes, count);
        for (uint32_t k = 0; k <= walk_random(&walk, 3); k++)
            broken[walk_random(&walk, (uint32_t)count)] ^= (uint8_t)(1u << walk_random(&walk, 8));
        bool good = lift_load(&again, broken, count);
        check_loaded(&again, good);
        if (!good)
            continue;
        accepted++;
        lift_save(&again, saved);
        struct rules_input tick = {.kind = INPUT_TICK};
        rules_deadline_ms(rules, &again);
        rules_step(rules, &again, &tick, event.now_ms, out);
        rules_step(rules, &again, &event.input, event.now_ms, out);
    }
    print_message("%zu broken strings were still memories\n", accepted);
}

/* A table that lost a row, or has a new one: what still exists is kept. */
static void a_code_that_is_gone_is_dropped(void **state) {
    uint8_t bytes[LIFT_SAVED_MAX_BYTES];
    struct lift l, again;
    (void)state;
    lift_init(&l);
    l.at_ms = l.arrival_ms = 5000;
    l.phase[0] = l.phase[1] = RULE_RAISED;
    lift_set_onset(&l, 0, 4000);
    lift_set_onset(&l, 1, 4000);
    size_t count = lift_save(&l, bytes), found = 0;
    for (size_t i = count; i-- > 0 && !found;)
        if (bytes[i] == 2 && bytes[i + 1] == (RULE_RAISED | 4)) /* code 2 */
            bytes[i] = 39, found = i;
    assert_true(found > 0);
    assert_true(lift_load(&again, bytes, count));
    assert_int_equal(again.phase[0], RULE_RAISED);
    assert_int_equal(lift_onset_ms(&again, 0), 4000);
    assert_int_equal(again.phase[1], RULE_QUIET);
    assert_int_equal(lift_onset_ms(&again, 1), 0);
}

static void table_is_in_order(void **state) {
    (void)state;
    assert_true(rules_table_count <= LIFT_RULES_MAX);
    for (size_t i = 0; i < rules_table_count; i++) {
        assert_int_equal(rules_table_find(rules_table[i].code), i);
        assert_true(i == 0 || rules_table[i].code > rules_table[i - 1].code);
        assert_true(rules_table[i].priority >= 1 && rules_table[i].priority <= 4);
    }
    assert_int_equal(rules_table_find(0), -1);
    assert_int_equal(rules_table_find(9), -1);
    assert_int_equal(rules_table_find(65535), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_is_short_and_empty_again),
        cmocka_unit_test(fullest_fits_and_comes_back),
        cmocka_unit_test(a_well_lift_is_short),
        cmocka_unit_test(cut_strings_are_refused),
        cmocka_unit_test(broken_strings_do_no_harm),
        cmocka_unit_test(a_code_that_is_gone_is_dropped),
        cmocka_unit_test(table_is_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
