/* Positions: what is live, late, refused, and which gaps open; against a model that remembers every position.
 */
#include "../../ingest/position.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct arrive_case {
    const char *what;
    struct track track;
    struct position at;
    int64_t ts_ms;
    bool trusted;
    enum arrival arrival;
    bool has_gap;
    struct gap gap;
};

#define KNOWN(b, s, ts)                                                                                      \
    { .last = {b, s}, .last_ts_ms = ts, .last_ts_trusted = true, .known = true }

static const struct arrive_case CASES[] = {
    {"the first reading of all", {.known = false}, {1, 1}, 10, true, ARRIVAL_LIVE, true, {{0, 1}, {1, 0}}},
    {"a first reading in the middle",
     {.known = false},
     {7, 41},
     10,
     true,
     ARRIVAL_LIVE,
     true,
     {{0, 1}, {7, 40}}},
    {"boot 0, seq 1 has nothing before it",
     {.known = false},
     {0, 1},
     10,
     true,
     ARRIVAL_LIVE,
     false,
     {{0, 0}, {0, 0}}},
    {"the next one", KNOWN(3, 50, 100), {3, 51}, 101, true, ARRIVAL_LIVE, false, {{0, 0}, {0, 0}}},
    {"a jump", KNOWN(3, 50, 100), {3, 60}, 101, true, ARRIVAL_LIVE, true, {{3, 51}, {3, 59}}},
    {"a restart: the old boot's end is unknown",
     KNOWN(3, 50, 100),
     {4, 1},
     101,
     true,
     ARRIVAL_LIVE,
     true,
     {{3, 51}, {4, 0}}},
    {"a restart that skips a boot",
     KNOWN(3, 50, 100),
     {5, 9},
     101,
     true,
     ARRIVAL_LIVE,
     true,
     {{3, 51}, {5, 8}}},
    {"the same again", KNOWN(3, 50, 100), {3, 50}, 100, true, ARRIVAL_LATE, false, {{0, 0}, {0, 0}}},
    {"an earlier one", KNOWN(3, 50, 100), {3, 12}, 40, true, ARRIVAL_LATE, false, {{0, 0}, {0, 0}}},
    {"an earlier one of the same boot with a later clock",
     KNOWN(3, 50, 100),
     {3, 12},
     400,
     true,
     ARRIVAL_LATE,
     false,
     {{0, 0}, {0, 0}}},
    {"an earlier boot's backlog",
     KNOWN(3, 50, 100),
     {2, 12},
     40,
     true,
     ARRIVAL_LATE,
     false,
     {{0, 0}, {0, 0}}},
    {"a boot counter that fell",
     KNOWN(3, 50, 100),
     {1, 1},
     101,
     true,
     ARRIVAL_BOOT_FELL,
     false,
     {{0, 0}, {0, 0}}},
    {"a boot that fell with an incredible clock",
     KNOWN(3, 50, 100),
     {1, 1},
     101,
     false,
     ARRIVAL_LATE,
     false,
     {{0, 0}, {0, 0}}},
    {"a boot that fell after an incredible clock",
     {.last = {3, 50}, .last_ts_ms = 1, .known = true},
     {1, 1},
     101,
     true,
     ARRIVAL_LATE,
     false,
     {{0, 0}, {0, 0}}},
};

static void test_cases(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct arrive_case *c = &CASES[i];
        struct track track = c->track;
        struct gap gap;
        bool has_gap;
        enum arrival got = position_arrive(&track, c->at, c->ts_ms, c->trusted, &gap, &has_gap);
        if (got != c->arrival || has_gap != c->has_gap)
            fail_msg("%s: arrival %d, gap %d", c->what, got, has_gap);
        if (has_gap && (position_compare(gap.from, c->gap.from) || position_compare(gap.to, c->gap.to)))
            fail_msg("%s: another gap", c->what);
        bool moved = position_compare(track.last, c->track.last) != 0 || track.known != c->track.known;
        if (moved != (got == ARRIVAL_LIVE))
            fail_msg("%s: the track moved though it should not, or did not", c->what);
    }
}

static void test_marker_moves_the_track(void **state) {
    (void)state;
    struct track track = KNOWN(5, 100, 1000);
    struct gap gap;
    struct marker backlog = {.count = 1, .held = {{5, 1, 500}}};
    assert_true(position_mark(&track, &backlog, &gap));
    assert_int_equal(position_compare(gap.from, (struct position){5, 101}), 0);
    assert_int_equal(position_compare(gap.to, (struct position){5, 500}), 0);
    assert_int_equal(position_compare(track.last, (struct position){5, 500}), 0);
    bool has_gap;
    assert_int_equal(position_arrive(&track, (struct position){5, 101}, 1001, true, &gap, &has_gap),
                     ARRIVAL_LATE);
    assert_int_equal(position_arrive(&track, (struct position){5, 501}, 9000, true, &gap, &has_gap),
                     ARRIVAL_LIVE);
    assert_false(has_gap);
}

/* Offline, then restarted: the marker moves the track to the new boot, the old one's readings are all newer
 * than the last that was heard live, and no boot has fallen. */
static void test_marker_across_a_restart(void **state) {
    (void)state;
    struct track track = KNOWN(4, 100, 1000);
    struct gap gap;
    struct marker backlog = {.count = 2, .held = {{4, 1, 120}, {5, 1, 3}}};
    bool has_gap;
    assert_true(position_mark(&track, &backlog, &gap));
    assert_int_equal(position_arrive(&track, (struct position){4, 101}, 1001, true, &gap, &has_gap),
                     ARRIVAL_LATE);
    assert_int_equal(position_arrive(&track, (struct position){5, 4}, 3000, true, &gap, &has_gap),
                     ARRIVAL_LIVE);
    assert_int_equal(position_arrive(&track, (struct position){4, 102}, 1002, true, &gap, &has_gap),
                     ARRIVAL_LATE);
    assert_int_equal(position_arrive(&track, (struct position){4, 103}, 3001, true, &gap, &has_gap),
                     ARRIVAL_BOOT_FELL);
}

static void test_marker_that_says_nothing_new(void **state) {
    (void)state;
    struct track track = KNOWN(5, 100, 1000);
    struct gap gap;
    struct marker same = {.count = 2, .held = {{4, 1, 900}, {5, 40, 100}}};
    struct marker nothing = {.count = 0};
    assert_false(position_mark(&track, &same, &gap));
    assert_false(position_mark(&track, &nothing, &gap));
    assert_int_equal(position_compare(track.last, (struct position){5, 100}), 0);
}

static void test_marker_accounts_for_earlier_boots(void **state) {
    (void)state;
    struct track known = KNOWN(1, 50, 1000), unknown = {.known = false};
    struct marker all = {.count = 1, .held = {{1, 1, 50}}}, nothing = {.count = 0};
    struct gap gap;
    bool has_gap;
    assert_false(position_mark(&known, &all, &gap));
    assert_int_equal(position_arrive(&known, (struct position){2, 1}, 1001, true, &gap, &has_gap),
                     ARRIVAL_LIVE);
    assert_false(has_gap);
    assert_int_equal(position_arrive(&known, (struct position){3, 2}, 1002, true, &gap, &has_gap),
                     ARRIVAL_LIVE);
    assert_true(has_gap); /* the marker spoke of the one restart before it only */
    assert_false(position_mark(&unknown, &nothing, &gap));
    assert_int_equal(position_arrive(&unknown, (struct position){4, 3}, 1, true, &gap, &has_gap),
                     ARRIVAL_LIVE);
    assert_true(has_gap);
    assert_int_equal(position_compare(gap.from, (struct position){4, 1}), 0);
    assert_int_equal(position_compare(gap.to, (struct position){4, 2}), 0);
}

static void test_marker_of_a_new_device(void **state) {
    (void)state;
    struct track track = {.known = false};
    struct gap gap;
    struct marker marker = {.count = 2, .held = {{1, 3, 9}, {2, 1, 4}}};
    assert_true(position_mark(&track, &marker, &gap));
    assert_int_equal(position_compare(gap.from, (struct position){0, 1}), 0);
    assert_int_equal(position_compare(gap.to, (struct position){2, 4}), 0);
}

/* Random walks: a reading is live exactly when it is later than everything seen, and the gaps opened together
 * with the live readings cover every position up to the last one exactly once (within one boot). */
static void test_random_walk(void **state) {
    (void)state;
    srand(20261123);
    for (int walk = 0; walk < 500; walk++) {
        struct track track = {.known = false};
        bool covered[400] = {false};
        uint64_t last = 0;
        for (int i = 0; i < 60; i++) {
            uint64_t seq = 1 + (uint64_t)(rand() % 399);
            struct gap gap;
            bool has_gap;
            enum arrival got =
                position_arrive(&track, (struct position){0, seq}, (int64_t)seq, true, &gap, &has_gap);
            assert_int_equal(got, seq > last ? ARRIVAL_LIVE : ARRIVAL_LATE);
            if (got != ARRIVAL_LIVE)
                continue;
            for (uint64_t s = has_gap ? gap.from.seq : seq; s <= seq; s++) {
                assert_false(covered[s]);
                covered[s] = true;
            }
            last = seq;
            for (uint64_t s = 1; s <= last; s++)
                assert_true(covered[s]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_marker_moves_the_track),
        cmocka_unit_test(test_marker_across_a_restart),
        cmocka_unit_test(test_marker_that_says_nothing_new),
        cmocka_unit_test(test_marker_accounts_for_earlier_boots),
        cmocka_unit_test(test_marker_of_a_new_device),
        cmocka_unit_test(test_random_walk),
    };
    return cmocka_run_group_tests_name("position", tests, NULL, NULL);
}
