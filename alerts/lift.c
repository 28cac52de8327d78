/* PURE: a lift's memory: how it begins, and how it becomes a short byte string and a memory again. */
#include "lift.h"

#include "../ingest/require.h"
#include "table.h"

#include <string.h>

/* No time lies further from 1970 than this (struct lift_rule). */
#define TIME_MOST_MS ((INT64_C(1) << 47) - 1)
/* First byte: the format's version. A new version reads the old ones for as long as they may be stored. */
#define VERSION 1

void lift_init(struct lift *l) {
    memset(l, 0, sizeof *l);
    l->stopped_since_ms = LIFT_NEVER;
}

void lift_listening(struct lift *l, bool listening, int64_t now_ms) {
    bool knew = l->listening_ms != 0; /* 0: nobody has told yet */
    if (knew && listening == (l->listening_ms != LIFT_NEVER))
        return;
    l->listening_ms = listening ? now_ms : LIFT_NEVER;
    l->settled_ms = now_ms + LIFT_SETTLE_MS;
}

/* ---- writing: little-endian base 128, signed numbers folded so that small ones stay short ---- */

static void put(uint8_t **to, uint64_t value) {
    while (value >= 0x80) {
        *(*to)++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *(*to)++ = (uint8_t)value;
}

static void put_signed(uint8_t **to, int64_t value) {
    put(to, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

/* Differences wrap around in both directions, so any pair of times survives. */
static void put_since(uint8_t **to, int64_t at_ms, int64_t then_ms) {
    put_signed(to, (int64_t)((uint64_t)at_ms - (uint64_t)then_ms));
}

static void put_codes(uint8_t **to, const struct reading *r) {
    REQUIRE(r->codes_count <= READING_CODES_MAX);
    put(to, r->codes_count);
    for (size_t i = 0; i < r->codes_count; i++)
        put(to, r->codes[i]);
}

/* The fields that fit one signed number, in the order in which they are stored. */
#define NUMBERS(X)                                                                                           \
    X(KEY_MODE, mode)                                                                                        \
    X(KEY_MOTION, motion)                                                                                    \
    X(KEY_FLOOR, floor)                                                                                      \
    X(KEY_FLAGS, flags)                                                                                      \
    X(KEY_ENERGY, energy_wh)                                                                                 \
    X(KEY_TRIPS, trips)                                                                                      \
    X(KEY_RUN_TIME, run_time_s)                                                                              \
    X(KEY_DOOR_CYCLES, door_cycles)                                                                          \
    X(KEY_LOAD, load_kg)                                                                                     \
    X(KEY_SPEED, speed_mm_s)                                                                                 \
    X(KEY_VIBRATION, vibration_mm_s2)                                                                        \
    X(KEY_TEMPERATURE, temperature_deci_c)                                                                   \
    X(KEY_HEARD, heard)

static void put_reading(uint8_t **to, const struct reading *r) {
    put(to, r->present);
    put(to, r->unit);
    put(to, r->at.boot);
    put(to, r->at.seq);
    put_signed(to, r->ts_ms);
#define WRITE(key, field)                                                                                    \
    if (reading_has(r, key))                                                                                 \
        put_signed(to, r->field);
    NUMBERS(WRITE)
#undef WRITE
    if (reading_has(r, KEY_CODES))
        put_codes(to, r);
}

static void put_rules(uint8_t **to, const struct lift *l) {
    uint64_t count = 0;
    for (size_t i = 0; i < rules_table_count; i++)
        count += l->phase[i] != RULE_QUIET || lift_onset_ms(l, i) != 0;
    put(to, count);
    for (size_t i = 0; i < rules_table_count; i++) {
        if (l->phase[i] == RULE_QUIET && lift_onset_ms(l, i) == 0)
            continue;
        bool timed = l->phase[i] == RULE_HOLDING || l->phase[i] == RULE_CLEARING;
        bool rung = lift_onset_ms(l, i) != 0;
        put(to, rules_table[i].code);
        put(to, (uint64_t)l->phase[i] | (rung ? 4u : 0u));
        if (rung)
            put_since(to, l->at_ms, lift_onset_ms(l, i));
        if (timed)
            put_since(to, l->at_ms, lift_since_ms(l, i));
    }
}

size_t lift_save(const struct lift *l, uint8_t out[LIFT_SAVED_MAX_BYTES]) {
    uint8_t *to = out;
    *to++ = VERSION;
    put_reading(&to, &l->now);
    put_signed(&to, l->at_ms);
    put_since(&to, l->at_ms, l->arrival_ms);
    bool stopped = l->stopped_since_ms != LIFT_NEVER, sensed = l->occupied_at_ms != 0;
    put(&to, (uint64_t)l->clock_suspect | (uint64_t)l->boot_fell << 1 | (uint64_t)stopped << 2 |
                 (uint64_t)sensed << 3);
    if (stopped)
        put_since(&to, l->at_ms, l->stopped_since_ms);
    if (sensed)
        put_since(&to, l->at_ms, l->occupied_at_ms);
    put_rules(&to, l);
    REQUIRE((size_t)(to - out) <= LIFT_SAVED_MAX_BYTES);
    return (size_t)(to - out);
}

/* ---- reading: any byte string may come; the first thing that doesn't fit ends it ---- */

struct source {
    const uint8_t *at, *end;
    bool good;
};

static uint64_t get(struct source *s) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && s->at < s->end; shift += 7) {
        uint8_t byte = *s->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    s->good = false;
    s->at = s->end;
    return 0;
}

static uint64_t get_bounded(struct source *s, uint64_t most) {
    uint64_t value = get(s);
    if (value <= most)
        return value;
    s->good = false;
    return 0;
}

static int64_t get_signed(struct source *s) {
    uint64_t value = get(s);
    return (int64_t)(value >> 1 ^ (value & 1 ? UINT64_MAX : 0));
}

static int64_t get_within(struct source *s, int64_t least, int64_t most) {
    int64_t value = get_signed(s);
    if (value >= least && value <= most)
        return value;
    s->good = false;
    return 0;
}

static int64_t get_since(struct source *s, int64_t at_ms) {
    int64_t then_ms = (int64_t)((uint64_t)at_ms - (uint64_t)get_signed(s));
    if (then_ms >= -TIME_MOST_MS && then_ms <= TIME_MOST_MS)
        return then_ms;
    s->good = false;
    return 0;
}

static void get_codes(struct source *s, struct reading *r) {
    r->codes_count = (uint8_t)get_bounded(s, READING_CODES_MAX);
    for (size_t i = 0; i < r->codes_count; i++) {
        r->codes[i] = (uint16_t)get_bounded(s, UINT16_MAX);
        if (i > 0 && r->codes[i] <= r->codes[i - 1])
            s->good = false;
    }
}

/* Range of a field by its type. */
#define LEAST(field)                                                                                         \
    _Generic((field), uint8_t : 0, uint16_t : 0, int16_t                                                     \
             : INT16_MIN, int32_t                                                                            \
             : INT32_MIN, int64_t                                                                            \
             : INT64_MIN)
#define MOST(field)                                                                                          \
    _Generic((field), uint8_t                                                                                \
             : UINT8_MAX, uint16_t                                                                           \
             : UINT16_MAX, int16_t                                                                           \
             : INT16_MAX, int32_t                                                                            \
             : INT32_MAX, int64_t                                                                            \
             : INT64_MAX)

static void get_reading(struct source *s, struct reading *r) {
    r->present = (uint32_t)get_bounded(s, UINT32_MAX);
    r->unit = (uint8_t)get_bounded(s, UINT8_MAX);
    r->at.boot = (uint32_t)get_bounded(s, UINT32_MAX);
    r->at.seq = get(s);
    r->ts_ms = get_signed(s);
#define READ(key, field)                                                                                     \
    if (reading_has(r, key)) {                                                                               \
        int64_t value = get_within(s, LEAST(r->field), MOST(r->field));                                      \
        r->field = (__typeof__(r->field))value;                                                              \
    }
    NUMBERS(READ)
#undef READ
    if (reading_has(r, KEY_MODE) && r->mode > MODE_UNKNOWN)
        s->good = false;
    if (reading_has(r, KEY_CODES))
        get_codes(s, r);
}

static void get_rules(struct source *s, struct lift *l) {
    uint64_t count = get(s);
    for (uint64_t i = 0; i < count && s->good; i++) {
        int row = rules_table_find((unsigned)get_bounded(s, UINT16_MAX));
        uint64_t how = get_bounded(s, 7);
        uint8_t phase = (uint8_t)(how & 3u);
        int64_t onset_ms = 0, since_ms = 0;
        if (how & 4u)
            onset_ms = get_since(s, l->at_ms);
        else if (phase >= RULE_RAISED)
            s->good = false;
        if (phase == RULE_HOLDING || phase == RULE_CLEARING)
            since_ms = get_since(s, l->at_ms);
        if (row < 0)
            continue;
        l->phase[row] = phase;
        lift_set_onset(l, (size_t)row, onset_ms);
        lift_set_since(l, (size_t)row, since_ms);
    }
}

bool lift_load(struct lift *l, const uint8_t *bytes, size_t count) {
    struct source s = {bytes, bytes + count, true};
    lift_init(l);
    if (count < 1 || *s.at++ != VERSION)
        return false;
    get_reading(&s, &l->now);
    l->at_ms = get_within(&s, 0, TIME_MOST_MS);
    l->arrival_ms = get_since(&s, l->at_ms);
    uint64_t how = get_bounded(&s, 15);
    l->clock_suspect = how & 1u;
    l->boot_fell = how >> 1 & 1u;
    if (how & 4u)
        l->stopped_since_ms = get_since(&s, l->at_ms);
    if (how & 8u)
        l->occupied_at_ms = get_since(&s, l->at_ms);
    get_rules(&s, l);
    if (s.good && s.at == s.end)
        return true;
    lift_init(l);
    return false;
}
