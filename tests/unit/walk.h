/* Random lives of a lift for the tests of the rules: a seeded generator of readings that are often
 * consistent, sometimes not, and move in time as live readings, pauses, backlogs and wrong clocks do. */
#ifndef LIFTD_WALK_H
#define LIFTD_WALK_H

#include "../../alerts/rules.h"

struct walk {
    uint64_t random;
    int64_t device_ms, server_ms;
    bool steps_back; /* the server's clock may be set back */
    struct reading r;
};

struct walk_event {
    struct rules_input input;
    struct reading reading;
    int64_t now_ms;
};

static inline uint32_t walk_random(struct walk *w, uint32_t below) {
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 16) % below);
}

static inline void walk_begin(struct walk *w, uint64_t seed, bool steps_back) {
    *w = (struct walk){.random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1, .steps_back = steps_back};
    w->device_ms = w->server_ms = INT64_C(1790000000000);
    w->r.at.boot = 1;
}

/* Most steps are seconds; some are about the rules' own times, where mistakes would show. */
static inline void walk_time(struct walk *w) {
    static const int32_t steps_ms[] = {0,     1,     100,   1000,  2000,   5000,   5000,   10000,  10000,
                                       29999, 30000, 60000, 90000, 110000, 299999, 300000, 700000, 4000000};
    int64_t step_ms = steps_ms[walk_random(w, walk_random(w, 2) ? 10 : 18)];
    uint32_t odd = walk_random(w, 60);
    w->server_ms += odd == 0 ? 0 : step_ms; /* a backlog: device time passes, none for the server */
    w->device_ms += odd == 1 ? -(int64_t)walk_random(w, 5000000) : step_ms;
    if (w->steps_back && odd == 2)
        w->server_ms -= walk_random(w, 5000000);
}

static inline void walk_codes(struct walk *w) {
    static const uint16_t codes[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  40,  41,  42,
                                     43, 44, 45, 46, 47, 90, 91, 92, 93, 100, 101, 999};
    uint32_t density = 1 + walk_random(w, 12);
    w->r.codes_count = 0;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (walk_random(w, 12) % 12 + 1 < density && walk_random(w, 6) == 0)
            w->r.codes[w->r.codes_count++] = codes[i];
}

static inline void walk_values(struct walk *w) {
    static const uint8_t modes[] = {1, 1, 1, 1, 1, 0, 2, 3, 4, 5, 6, 7};
    struct reading *r = &w->r;
    r->present = 1u << KEY_SEQ | 1u << KEY_BOOT | 1u << KEY_TS;
    if (walk_random(w, 4) == 0)
        r->present |= 1u << KEY_MODE, r->mode = modes[walk_random(w, sizeof modes)];
    if (walk_random(w, 3) == 0)
        r->present |= 1u << KEY_MOTION, r->motion = (uint8_t)(walk_random(w, 5) % 3);
    if (walk_random(w, 5) == 0)
        r->present |= 1u << KEY_FLOOR, r->floor = (int16_t)((int)walk_random(w, 12) - 2);
    if (walk_random(w, 3) == 0) {
        r->present |= 1u << KEY_FLAGS;
        r->flags ^= (uint16_t)(1u << walk_random(w, 5));
        r->flags |= (uint16_t)(walk_random(w, 8) ? 0x1f00u : (walk_random(w, 32) << 8));
    }
    if (walk_random(w, 5) == 0)
        r->present |= 1u << KEY_CODES, walk_codes(w);
    if (walk_random(w, 10) == 0)
        r->present |= 1u << KEY_DOOR_CYCLES, r->door_cycles += walk_random(w, 2);
    if (walk_random(w, 10) == 0)
        r->present |= 1u << KEY_SPEED, r->speed_mm_s = (int32_t)walk_random(w, 4000) - 2000;
    if (walk_random(w, 10) == 0)
        r->present |= 1u << KEY_ENERGY | 1u << KEY_HEARD, r->energy_wh += 1000, r->heard++;
}

/* The next thing that comes from the device. */
static inline void walk_next(struct walk *w, struct walk_event *e) {
    walk_time(w);
    walk_values(w);
    w->r.at.seq++;
    w->r.ts_ms = w->device_ms;
    e->reading = w->r;
    e->now_ms = w->server_ms;
    e->input = (struct rules_input){.kind = INPUT_READING, .reading = &e->reading, .at_ms = w->device_ms};
    uint32_t odd = walk_random(w, 30);
    if (odd == 0)
        e->input = (struct rules_input){.kind = INPUT_BOOT_FELL};
    else if (odd == 1) {
        e->input.clock_suspect = true;
        e->input.at_ms = w->server_ms;
    }
}

#endif
