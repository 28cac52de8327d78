/* Tests of what must hold for every life of a lift: order, identity, independence of ticks and of restarts.
 */
#include "../../alerts/table.h"
#include "walk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVENTS 400

static unsigned lives(void) {
    return getenv("LIFTD_SOAK") ? 20000 : 400;
}

/* ---- what a stream of transitions must look like ---- */

struct record {
    bool standing[LIFT_RULES_MAX], rung[LIFT_RULES_MAX];
    int64_t onset_ms[LIFT_RULES_MAX];
};

static bool is_utf8(const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        int more = *c < 0x80 ? 0 : *c >> 5 == 6 ? 1 : *c >> 4 == 14 ? 2 : *c >> 3 == 30 ? 3 : -1;
        if (more < 0)
            return false;
        for (; more > 0; more--)
            if (*++c >> 6 != 2)
                return false;
    }
    return true;
}

static void check_transition(struct record *record, const struct transition *t) {
    int row = rules_table_find(t->code);
    assert_true(row >= 0);
    assert_int_not_equal(rules_table[row].kind, RULE_ENDS);
    assert_int_equal(t->priority, rules_table[row].priority);
    assert_true(t->confidence >= 1 && t->confidence <= 100);
    assert_true(memchr(t->text_en, 0, sizeof t->text_en) && memchr(t->text_zh, 0, sizeof t->text_zh));
    assert_true(*t->text_en && *t->text_zh && is_utf8(t->text_en) && is_utf8(t->text_zh));
    if (t->kind == TRANSITION_RAISE) {
        assert_false(record->standing[row]);
        if (record->rung[row])
            assert_true(t->onset_ms > record->onset_ms[row]);
        assert_int_equal(t->at_ms, t->onset_ms);
        for (size_t i = 0; rules_table[row].group != GROUP_NONE && i < rules_table_count; i++)
            assert_false(rules_table[i].group == rules_table[row].group && record->standing[i]);
        record->rung[row] = record->standing[row] = true;
        record->onset_ms[row] = t->onset_ms;
        return;
    }
    assert_true(record->standing[row]);
    assert_int_equal(t->onset_ms, record->onset_ms[row]);
    assert_true(t->at_ms >= t->onset_ms);
    record->standing[row] = false;
}

/* Ticks a lift as the pipeline does: whenever its deadline has come. */
static size_t tick_deadlines(const struct rules *rules, struct lift *l, int64_t until_ms,
                             struct transition *out) {
    struct rules_input tick = {.kind = INPUT_TICK};
    size_t count = 0;
    for (int64_t due = rules_deadline_ms(rules, l); due <= until_ms; due = rules_deadline_ms(rules, l)) {
        int64_t before = due;
        count += rules_step(rules, l, &tick, due, out + count);
        assert_true(count <= RULES_TRANSITIONS_MAX);
        assert_true(rules_deadline_ms(rules, l) > before);
    }
    return count;
}

static void raises_and_clears_alternate(void **state) {
    static struct transition out[3 * RULES_TRANSITIONS_MAX];
    const struct rules *rules = rules_default(NULL);
    size_t total = 0, rung[LIFT_RULES_MAX] = {0};
    (void)state;
    for (unsigned seed = 0; seed < lives(); seed++) {
        struct record record = {0};
        struct lift lift;
        struct walk walk;
        struct walk_event event;
        lift_init(&lift);
        walk_begin(&walk, seed, seed % 2);
        for (int i = 0; i < EVENTS; i++) {
            walk_next(&walk, &event);
            size_t count = tick_deadlines(rules, &lift, event.now_ms, out);
            count += rules_step(rules, &lift, &event.input, event.now_ms, out + count);
            for (size_t k = 0; k < count; k++)
                check_transition(&record, &out[k]), rung[rules_table_find(out[k].code)]++;
            for (size_t k = 0; k < rules_table_count; k++)
                assert_int_equal(record.standing[k], lift.phase[k] >= RULE_RAISED);
            total += count;
        }
    }
    print_message("%zu transitions\n", total);
    for (size_t k = 0; k < rules_table_count; k++)
        assert_true(rules_table[k].kind == RULE_ENDS ? rung[k] == 0 : rung[k] >= 20);
}

/* ---- ticks between deadlines change nothing ---- */

struct story {
    struct transition *all;
    size_t count, room;
};

static void tell(struct story *story, const struct transition *out, size_t count) {
    if (story->count + count > story->room) {
        story->room = 2 * (story->count + count);
        story->all = realloc(story->all, story->room * sizeof *story->all);
        assert_non_null(story->all);
    }
    if (count > 0)
        memcpy(story->all + story->count, out, count * sizeof *out);
    story->count += count;
}

/* Tick manners: 0 at each deadline; 1 at each deadline and at random times; 2 once, just before the reading.
 */
static void tick(const struct rules *rules, struct lift *l, struct story *story, struct walk *dice,
                 int manner, int64_t from_ms, int64_t until_ms) {
    static struct transition out[3 * RULES_TRANSITIONS_MAX];
    struct rules_input input = {.kind = INPUT_TICK};
    if (until_ms < from_ms)
        return;
    for (int64_t now_ms = from_ms; manner == 1 && now_ms <= until_ms;
         now_ms += 1 + walk_random(dice, 1 + (uint32_t)((until_ms - from_ms) / 4))) {
        tell(story, out, tick_deadlines(rules, l, now_ms, out));
        tell(story, out, rules_step(rules, l, &input, now_ms, out));
    }
    if (manner == 2)
        tell(story, out, rules_step(rules, l, &input, until_ms, out));
    else
        tell(story, out, tick_deadlines(rules, l, until_ms, out));
}

static void live(unsigned seed, int manner, struct story *story) {
    static struct transition out[RULES_TRANSITIONS_MAX];
    const struct rules *rules = rules_default(NULL);
    struct lift lift;
    struct walk walk, dice;
    struct walk_event event;
    lift_init(&lift);
    walk_begin(&walk, seed, false);
    walk_begin(&dice, seed + 1000003, false);
    for (int i = 0; i < EVENTS; i++) {
        int64_t from_ms = walk.server_ms;
        walk_next(&walk, &event);
        tick(rules, &lift, story, &dice, manner, from_ms, event.now_ms);
        tell(story, out, rules_step(rules, &lift, &event.input, event.now_ms, out));
    }
}

static void assert_same_story(const struct story *a, const struct story *b) {
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->all[i].kind, b->all[i].kind);
        assert_int_equal(a->all[i].code, b->all[i].code);
        assert_int_equal(a->all[i].confidence, b->all[i].confidence);
        assert_int_equal(a->all[i].onset_ms, b->all[i].onset_ms);
        assert_int_equal(a->all[i].at_ms, b->all[i].at_ms);
        assert_string_equal(a->all[i].text_en, b->all[i].text_en);
        assert_string_equal(a->all[i].text_zh, b->all[i].text_zh);
    }
}

static void ticks_in_between_change_nothing(void **state) {
    (void)state;
    for (unsigned seed = 0; seed < lives() / 2; seed++) {
        struct story story[3] = {{NULL, 0, 0}, {NULL, 0, 0}, {NULL, 0, 0}};
        for (int manner = 0; manner < 3; manner++)
            live(seed, manner, &story[manner]);
        assert_same_story(&story[0], &story[1]);
        assert_same_story(&story[0], &story[2]);
        for (int manner = 0; manner < 3; manner++)
            free(story[manner].all);
    }
}

/* ---- a restart at any point changes nothing ---- */

static void restarts_change_nothing(void **state) {
    static struct transition out[3 * RULES_TRANSITIONS_MAX], again[3 * RULES_TRANSITIONS_MAX];
    static uint8_t saved[LIFT_SAVED_MAX_BYTES], saved_again[LIFT_SAVED_MAX_BYTES];
    const struct rules *rules = rules_default(NULL);
    size_t longest = 0;
    (void)state;
    for (unsigned seed = 0; seed < lives(); seed++) {
        struct lift lift, restarted;
        struct walk walk;
        struct walk_event event;
        lift_init(&lift);
        lift_init(&restarted);
        walk_begin(&walk, seed, seed % 2);
        for (int i = 0; i < EVENTS; i++) {
            walk_next(&walk, &event);
            size_t bytes = lift_save(&restarted, saved);
            longest = bytes > longest ? bytes : longest;
            assert_true(lift_load(&restarted, saved, bytes));
            assert_int_equal(lift_save(&lift, saved_again), bytes);
            assert_memory_equal(saved, saved_again, bytes);
            assert_int_equal(rules_deadline_ms(rules, &lift), rules_deadline_ms(rules, &restarted));
            size_t count = tick_deadlines(rules, &lift, event.now_ms, out);
            count += rules_step(rules, &lift, &event.input, event.now_ms, out + count);
            size_t same = tick_deadlines(rules, &restarted, event.now_ms, again);
            same += rules_step(rules, &restarted, &event.input, event.now_ms, again + same);
            struct story one = {out, count, 0}, two = {again, same, 0};
            assert_same_story(&one, &two);
        }
    }
    print_message("longest memory %zu bytes\n", longest);
}

/* ---- people trapped are never missed ---- */

/* Whatever happened before: occupied, stopped between landings, known for hold and a bit more, must stand. */
static void trapped_between_landings_always_rings(void **state) {
    static struct transition out[RULES_TRANSITIONS_MAX];
    const struct rules *rules = rules_default(NULL);
    int row = rules_table_find(CODE_PEOPLE_TRAPPED);
    (void)state;
    for (unsigned seed = 0; seed < lives(); seed++) {
        struct lift lift;
        struct walk walk;
        struct walk_event event;
        lift_init(&lift);
        walk_begin(&walk, seed, seed % 2);
        for (unsigned i = 0; i < seed % 50; i++) {
            walk_next(&walk, &event);
            rules_step(rules, &lift, &event.input, event.now_ms, out);
        }
        struct reading r = walk.r;
        r.present = 1u << KEY_MODE | 1u << KEY_MOTION | 1u << KEY_FLAGS;
        r.mode = seed % 8 == MODE_INSPECTION ? MODE_NORMAL : seed % 8;
        r.motion = MOTION_STOPPED;
        r.flags = (FLAG_IN_DOOR_ZONE | FLAG_CAR_OCCUPIED) << FLAG_KNOWN_SHIFT | FLAG_CAR_OCCUPIED;
        int64_t device_ms = walk.device_ms, server_ms = walk.server_ms;
        for (int second = 0; second <= 90; second += 1 + (int)walk_random(&walk, 5)) {
            struct rules_input input = {
                .kind = INPUT_READING, .reading = &r, .at_ms = device_ms + second * 1000};
            rules_step(rules, &lift, &input, server_ms + second * 1000, out);
        }
        struct rules_input late = {.kind = INPUT_TICK};
        rules_step(rules, &lift, &late, server_ms + 90000, out);
        assert_int_equal(lift.phase[row], RULE_RAISED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raises_and_clears_alternate),
        cmocka_unit_test(ticks_in_between_change_nothing),
        cmocka_unit_test(restarts_change_nothing),
        cmocka_unit_test(trapped_between_landings_always_rings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
