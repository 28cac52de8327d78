/* From a message to rows: who sent it, what lands, what is refused, what a restart continues from; and the
 * second reading that looks for trapped people while the database is away. */
#include "../../server/overflow.h"
#include "../../server/provisional.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <msgpack.h>

#define NOW_MS 1795400000000LL
#define DAY_MS 86400000LL

static struct decoded scratch;

struct world {
    struct fleet fleet;
    struct batch batch;
    struct intake intake;
    int raised, cleared, online;
    struct transition last;
};

static void on_transition(void *ctx, int64_t lift_id, const struct transition *t) {
    struct world *w = ctx;
    (void)lift_id;
    w->last = *t;
    *(t->kind == TRANSITION_RAISE ? &w->raised : &w->cleared) += 1;
}

static void on_online(void *ctx, struct device *device) {
    struct world *w = ctx;
    w->online++;
    fleet_want_resume(&w->fleet, device);
}

static void route(struct world *w, int32_t epoch) {
    fleet_route_begin(&w->fleet);
    assert_true(fleet_route(&w->fleet, "g1", "solo", 0, 100, epoch));
    assert_true(fleet_route(&w->fleet, "g1", "gate", 0, 200, 11));
    assert_true(fleet_route(&w->fleet, "g1", "gate", 3, 203, 12));
    fleet_route_end(&w->fleet);
}

static void begin(struct world *w) {
    *w = (struct world){0};
    fleet_init(&w->fleet);
    batch_init(&w->batch);
    w->intake = (struct intake){.fleet = &w->fleet,
                                .rules = rules_default(&(struct rules_settings){0}),
                                .batch = &w->batch,
                                .serial = 1,
                                .scratch = &scratch,
                                .clock_ahead_max_ms = 600000,
                                .retention_ms = 90 * DAY_MS,
                                .first_day_ms = NOW_MS - 90 * DAY_MS,
                                .end_day_ms = NOW_MS + 7 * DAY_MS,
                                .listening = true,
                                .transition = on_transition,
                                .online = on_online,
                                .ctx = w};
    route(w, 10);
}

static void end(struct world *w) {
    assert_false(w->intake.failed);
    assert_false(batch_has_failed(&w->batch));
    free(w->intake.touched);
    batch_fini(&w->batch);
    fleet_fini(&w->fleet);
}

/* {0: seq, 1: boot, 2: ts, 3: unit, 8: [code]} */
static size_t pack(char *out, uint64_t seq, uint32_t boot, int64_t ts_ms, uint8_t unit, int code) {
    msgpack_sbuffer buffer;
    msgpack_packer p;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&p, &buffer, msgpack_sbuffer_write);
    msgpack_pack_map(&p, code ? 5 : 4);
    uint64_t pairs[][2] = {{0, seq}, {1, boot}, {2, (uint64_t)ts_ms}, {3, unit}};
    for (size_t i = 0; i < 4; i++) {
        msgpack_pack_uint64(&p, pairs[i][0]);
        msgpack_pack_uint64(&p, pairs[i][1]);
    }
    if (code) {
        msgpack_pack_uint64(&p, 8);
        msgpack_pack_array(&p, 1);
        msgpack_pack_uint64(&p, (uint64_t)code);
    }
    size_t bytes = buffer.size;
    memcpy(out, buffer.data, bytes);
    msgpack_sbuffer_destroy(&buffer);
    return bytes;
}

static struct intake_result send_to(struct world *w, const char *topic, uint64_t seq, uint32_t boot,
                                    int64_t ts_ms, uint8_t unit, int code) {
    char payload[64];
    size_t bytes = pack(payload, seq, boot, ts_ms, unit, code);
    return intake_message(&w->intake, topic, payload, bytes, NOW_MS, NOW_MS, 0);
}

#define SOLO "lift/v1/g1/solo/up"

static void test_live_late_and_gap(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    assert_int_equal(send_to(&w, SOLO, 1, 1, NOW_MS, 0, 0).live, 1);
    assert_int_equal(send_to(&w, SOLO, 4, 1, NOW_MS + 3, 0, 0).live, 1);
    assert_int_equal(send_to(&w, SOLO, 2, 1, NOW_MS + 1, 0, 0).late, 1);
    assert_int_equal(w.batch.tables[BATCH_READING].rows, 2);
    assert_int_equal(w.batch.tables[BATCH_LATE].rows, 1);
    assert_int_equal(w.batch.tables[BATCH_GAP].rows, 2); /* before the first, and the jump */
    assert_int_equal(w.intake.touched_count, 1);         /* once, however many readings */
    end(&w);
}

static void test_refusals_name_their_reason(void **state) {
    (void)state;
    static const struct {
        const char *topic, *reason;
        uint8_t unit;
        uint32_t boot;
    } cases[] = {{"lift/v1/g1/nobody/up", "unknown_device", 0, 1},
                 {"lift/v1/g2/solo/up", "unknown_device", 0, 1},
                 {"lift/v1/g1/gate/up", "unknown_unit", 1, 1},
                 {"lift/v1/g1/solo/upp", "topic", 0, 1},
                 {SOLO, "boot_fell", 0, 1}};
    struct world w;
    begin(&w);
    send_to(&w, SOLO, 1, 5, NOW_MS - 1000, 0, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct intake_result r = send_to(&w, cases[i].topic, 1, cases[i].boot, NOW_MS, cases[i].unit, 0);
        assert_int_equal(r.outcome, INTAKE_REFUSED);
        assert_string_equal(r.reason, cases[i].reason);
        assert_int_equal(w.batch.tables[BATCH_REFUSAL].rows, i + 1);
    }
    struct intake_result r = intake_message(&w.intake, SOLO, "\x81", 1, NOW_MS, NOW_MS, 0);
    assert_string_equal(r.reason, "truncated");
    assert_int_equal(w.batch.tables[BATCH_READING].rows, 1);
    assert_int_equal(w.raised, 1); /* the fallen boot counter rings */
    assert_int_equal(w.last.code, CODE_BOOT_FELL);
    end(&w);
}

static void test_a_refusal_fed_again_is_not_refused_twice(void **state) {
    (void)state;
    struct world w;
    char payload[64];
    begin(&w);
    size_t bytes = pack(payload, 1, 1, NOW_MS, 0, 0);
    intake_message(&w.intake, "lift/v1/g1/nobody/up", payload, bytes, NOW_MS, NOW_MS, 77);
    intake_message(&w.intake, SOLO, payload, bytes, NOW_MS, NOW_MS, 78);
    assert_int_equal(w.batch.tables[BATCH_REFUSAL].rows, 0);
    assert_int_equal(w.batch.tables[BATCH_RELANDED].rows, 2);
    assert_int_equal(w.batch.tables[BATCH_READING].rows, 1);
    end(&w);
}

static void test_clocks_that_cannot_be_believed(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    assert_false(intake_time(&w.intake, NOW_MS, NOW_MS).suspect);
    assert_false(intake_time(&w.intake, NOW_MS + 600000, NOW_MS).suspect);
    assert_false(intake_time(&w.intake, NOW_MS - 90 * DAY_MS, NOW_MS).suspect);
    int64_t incredible[] = {NOW_MS + 600001, NOW_MS - 90 * DAY_MS - 1, 0, 253402300799999};
    for (size_t i = 0; i < 4; i++) {
        struct batch_time time = intake_time(&w.intake, incredible[i], NOW_MS);
        assert_true(time.suspect);
        assert_int_equal(time.filed_ms, NOW_MS);
    }
    w.intake.end_day_ms = NOW_MS - 1; /* no partition for today: filed by arrival, into the net */
    assert_true(intake_time(&w.intake, NOW_MS, NOW_MS).suspect);
    end(&w);
}

static void test_a_restart_continues_from_what_was_saved(void **state) {
    (void)state;
    struct world w, again;
    uint8_t saved[UNIT_STATE_MAX_BYTES];
    begin(&w);
    send_to(&w, SOLO, 9, 2, NOW_MS, 0, 42);
    assert_int_equal(w.raised, 1);
    struct unit *u = w.fleet.units[fleet_lift(&w.fleet, 100)];
    size_t bytes = fleet_save(u, saved);
    begin(&again);
    struct unit *restored = again.fleet.units[fleet_lift(&again.fleet, 100)];
    assert_true(fleet_load(restored, 10, u->track.last, saved, bytes));
    assert_int_equal(send_to(&again, SOLO, 9, 2, NOW_MS, 0, 42).late, 1); /* redelivered */
    assert_int_equal(send_to(&again, SOLO, 10, 2, NOW_MS + 1000, 0, 42).live, 1);
    assert_int_equal(again.raised, 0); /* its alarm stands already */
    assert_int_equal(again.batch.tables[BATCH_GAP].rows, 0);
    assert_int_equal(send_to(&again, SOLO, 11, 2, NOW_MS + 2000, 0, 1).live, 1);
    assert_int_equal(again.cleared, 1);
    end(&w);
    end(&again);
}

static void test_states_of_another_terminal_or_version(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    struct unit *u = w.fleet.units[fleet_lift(&w.fleet, 100)];
    uint8_t unreadable[] = {99, 1, 2};
    assert_false(fleet_load(u, 10, (struct position){4, 5}, unreadable, sizeof unreadable));
    assert_int_equal(position_compare(u->track.last, (struct position){4, 5}), 0);
    u->track = (struct track){0};
    assert_false(fleet_load(u, 9, (struct position){4, 5}, unreadable, sizeof unreadable));
    assert_false(u->track.known); /* an old terminal's positions mean nothing */
    end(&w);
}

static void test_a_replaced_terminal_starts_a_new_sequence(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    send_to(&w, SOLO, 500, 9, NOW_MS, 0, 42);
    route(&w, 20);
    assert_int_equal(send_to(&w, SOLO, 1, 1, NOW_MS + 1000, 0, 42).live, 1);
    assert_int_equal(w.raised, 1); /* the same lift, the same condition: the same alarm */
    fleet_route_begin(&w.fleet);
    fleet_route_end(&w.fleet);
    assert_string_equal(send_to(&w, SOLO, 2, 1, NOW_MS + 2000, 0, 0).reason, "unknown_device");
    end(&w);
}

static void test_presence_asks_for_an_answer_once(void **state) {
    (void)state;
    struct world w;
    begin(&w);
    for (int i = 0; i < 3; i++)
        intake_message(&w.intake, "lift/v1/g1/solo/presence", "\xc3", 1, NOW_MS, NOW_MS, 0);
    intake_message(&w.intake, "lift/v1/g1/gate/presence", "\xc2", 1, NOW_MS, NOW_MS, 0);
    intake_message(&w.intake, "lift/v1/g1/gate/presence", NULL, 0, NOW_MS, NOW_MS, 0);
    assert_int_equal(w.online, 3);
    assert_int_equal(w.batch.tables[BATCH_PRESENCE].rows, 4);
    route(&w, 10); /* the queue outlives a new routing */
    struct device *d = fleet_take_resume(&w.fleet);
    assert_non_null(d);
    assert_string_equal(d->name, "solo");
    assert_null(fleet_take_resume(&w.fleet));
    end(&w);
}

/* ---- past the window ---- */

static int overflow_raised;
static void on_overflow_raised(void *ctx, int64_t lift_id, const struct transition *t) {
    (void)ctx;
    assert_int_equal(lift_id, 100);
    assert_int_equal(t->priority, 1);
    overflow_raised++;
}

static void test_second_reading_rings_and_leaves_no_trace(void **state) {
    (void)state;
    struct world w;
    char payload[64];
    begin(&w);
    send_to(&w, SOLO, 1, 1, NOW_MS, 0, 0);
    struct unit *u = w.fleet.units[fleet_lift(&w.fleet, 100)];
    struct lift before = *u->lift;
    size_t rows = w.batch.tables[BATCH_READING].rows;
    struct overflow o = {.intake = &w.intake, .raised = on_overflow_raised};
    overflow_raised = 0;
    size_t bytes = pack(payload, 2, 1, NOW_MS + 1000, 0, 93); /* entrapment at a landing, said by the lift */
    overflow_message(&o, SOLO, payload, bytes, NOW_MS + 1000);
    overflow_message(&o, SOLO, payload, bytes, NOW_MS + 1000); /* twice is once */
    for (int i = 1; i <= 300; i++)
        overflow_tick(&o, NOW_MS + 1000 + i * 1000);
    assert_true(overflow_raised >= 1);
    assert_memory_equal(u->lift, &before, sizeof before);
    assert_int_equal(w.batch.tables[BATCH_READING].rows, rows);
    bytes = pack(payload, 3, 1, NOW_MS + 2000, 0, 42); /* not about people */
    int count = overflow_raised;
    overflow_message(&o, SOLO, payload, bytes, NOW_MS + 2000);
    overflow_message(&o, "lift/v1/g1/nobody/up", payload, bytes, NOW_MS + 2000);
    overflow_message(&o, SOLO, "\x81", 1, NOW_MS + 2000);
    assert_int_equal(overflow_raised, count);
    overflow_clear(&o);
    end(&w);
}

static int told;
static void on_publish(void *ctx, int64_t lift_id, const char *json) {
    (void)ctx;
    assert_int_equal(lift_id, 7);
    assert_non_null(strstr(json, "\"provisional\":true"));
    assert_non_null(strstr(json, "\"raised_at\":\"2026-11-23T"));
    told++;
}

static void test_provisional_alarms_are_told_once(void **state) {
    (void)state;
    static struct provisional v;
    struct transition t = {
        .code = 200, .priority = 1, .onset_ms = NOW_MS, .text_zh = "困人", .text_en = "trapped"};
    told = 0;
    provisional_init(&v, on_publish, NULL);
    provisional_raised(&v, 7, &t, 1, true);
    assert_int_equal(told, 0); /* the database is there: it will be recorded at once */
    provisional_publish(&v);   /* it went away, or is slow */
    provisional_publish(&v);
    provisional_raised(&v, 7, &t, UINT64_MAX, false); /* seen again past the window */
    assert_int_equal(told, 1);
    provisional_landed(&v, 1);
    provisional_raised(&v, 7, &t, 2, false);
    assert_int_equal(told, 2);
    for (int i = 0; i < PROVISIONAL_MAX + 10; i++) {
        t.onset_ms++;
        provisional_raised(&v, 7, &t, 3, true);
    }
    assert_int_equal(v.count, PROVISIONAL_MAX);
    provisional_fini(&v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_late_and_gap),
        cmocka_unit_test(test_refusals_name_their_reason),
        cmocka_unit_test(test_a_refusal_fed_again_is_not_refused_twice),
        cmocka_unit_test(test_clocks_that_cannot_be_believed),
        cmocka_unit_test(test_a_restart_continues_from_what_was_saved),
        cmocka_unit_test(test_states_of_another_terminal_or_version),
        cmocka_unit_test(test_a_replaced_terminal_starts_a_new_sequence),
        cmocka_unit_test(test_presence_asks_for_an_answer_once),
        cmocka_unit_test(test_second_reading_rings_and_leaves_no_trace),
        cmocka_unit_test(test_provisional_alarms_are_told_once),
    };
    return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
