/* Bench of the rules: readings judged a second on one core, against the copying of the same readings, and
 * what a lift's memory takes. Prints ratios, because machines differ. */
#include "../../alerts/deadlines.h"
#include "../unit/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LIFTS 20000u
#define ROUNDS 50

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A lift that rides: what most readings look like. */
static void ride(struct reading *r, uint32_t lift, unsigned round) {
    unsigned moment = (lift + round) % 10;
    r->present = 0x3ffffu & ~(1u << KEY_HEARD);
    r->at = (struct position){1, round + 1};
    r->ts_ms = INT64_C(1790000000000) + (int64_t)round * 5000;
    r->mode = MODE_NORMAL;
    r->motion = moment < 4 ? MOTION_UP : MOTION_STOPPED;
    r->floor = (int16_t)(1 + moment);
    r->flags = (uint16_t)(0x1b00u | (moment < 4 ? FLAG_FRONT_DOOR_CLOSED : FLAG_IN_DOOR_ZONE) |
                          (moment < 6 ? FLAG_CAR_OCCUPIED : 0u));
    r->codes_count = 0;
    r->energy_wh = r->trips = r->run_time_s = r->door_cycles = round;
}

struct fleet {
    struct lift *lifts;
    struct deadlines deadlines;
    size_t transitions;
    uint64_t touched;
};

/* One reading of each lift; with_rules false: only merges it by copying, the floor of what can be done. */
static double play(struct fleet *f, const struct rules *rules, bool with_rules) {
    static struct transition out[RULES_TRANSITIONS_MAX];
    struct reading r;
    memset(&r, 0, sizeof r);
    double from = seconds();
    for (unsigned round = 0; round < ROUNDS; round++)
        for (uint32_t i = 0; i < LIFTS; i++) {
            ride(&r, i, round);
            if (!with_rules) {
                f->lifts[i].now = r;
                f->touched += f->lifts[i].now.flags;
                continue;
            }
            struct rules_input input = {.kind = INPUT_READING, .reading = &r, .at_ms = r.ts_ms};
            f->transitions += rules_step(rules, &f->lifts[i], &input, r.ts_ms + 50, out);
            deadlines_set(&f->deadlines, i, rules_deadline_ms(rules, &f->lifts[i]));
        }
    return seconds() - from;
}

static void begin(struct fleet *f) {
    for (uint32_t i = 0; i < LIFTS; i++)
        lift_init(&f->lifts[i]);
}

/* Saving and loading every lift once, and the bytes saved. */
static double save_all(struct fleet *f, size_t *bytes) {
    uint8_t saved[LIFT_SAVED_MAX_BYTES];
    struct lift again;
    *bytes = 0;
    double from = seconds();
    for (uint32_t i = 0; i < LIFTS; i++) {
        size_t count = lift_save(&f->lifts[i], saved);
        *bytes += count;
        if (!lift_load(&again, saved, count))
            abort();
    }
    return seconds() - from;
}

int main(void) {
    const struct rules *rules = rules_default(NULL);
    struct fleet f = {.lifts = malloc(LIFTS * sizeof *f.lifts)};
    size_t saved_bytes;
    deadlines_init(&f.deadlines);
    if (!f.lifts || !deadlines_reserve(&f.deadlines, LIFTS)) {
        fputs("bench_rules: out of memory\n", stderr);
        return 1;
    }
    begin(&f);
    double copied_s = play(&f, rules, false);
    begin(&f);
    double judged_s = play(&f, rules, true);
    double saved_s = save_all(&f, &saved_bytes);
    double readings = (double)LIFTS * ROUNDS;
    double per_lift = (double)(sizeof(struct lift) + sizeof(int64_t) * 2 + sizeof(uint32_t) * 2);
    if (f.transitions != 0 || f.touched == 0) {
        fprintf(stderr, "bench_rules: %zu transitions of lifts that are well\n", f.transitions);
        return 1;
    }
    printf("rules      %8.0f thousand readings/s judged on one core, %.0f ns each; %.1f times the time of "
           "copying\n",
           readings / judged_s / 1e3, judged_s / readings * 1e9, judged_s / copied_s);
    printf("rules      %8.0f thousand lifts/s saved and loaded, %.0f bytes each\n", LIFTS / saved_s / 1e3,
           (double)saved_bytes / LIFTS);
    printf("rules      %8.0f bytes of memory per lift with its deadline, %.2f KiB (at most 1)\n", per_lift,
           per_lift / 1024);
    deadlines_fini(&f.deadlines);
    free(f.lifts);
    return 0;
}
