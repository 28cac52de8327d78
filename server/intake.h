/* What becomes of one message: decode, place in the sequence, rules, rows in the batch; no I/O. */
#ifndef LIFTD_INTAKE_H
#define LIFTD_INTAKE_H

#include "fleet.h"

/* What the intake works on; the pipeline owns everything behind the pointers. */
struct intake {
    struct fleet *fleet;
    const struct rules *rules;
    struct batch *batch; /* the one being filled */
    uint64_t serial;     /* of that batch: marks units already in `touched` */
    struct decoded *scratch;
    uint32_t *touched; /* units whose state goes with the batch */
    size_t touched_count, touched_capacity;
    int64_t clock_ahead_max_ms;
    int64_t retention_ms;
    int64_t first_day_ms, end_day_ms; /* instants for which telemetry.reading has partitions: [first, end) */
    bool listening;                   /* the broker's connection is up */
    bool failed;                      /* out of memory: the process must end, nothing may be acknowledged */
    /* Called for each raise and clear as it enters the batch. */
    void (*transition)(void *ctx, int64_t lift_id, const struct transition *t);
    /* Called for a presence `true`. */
    void (*online)(void *ctx, struct device *device);
    void *ctx;
};

/* What one message came to. */
enum intake_outcome { INTAKE_LANDED, INTAKE_REFUSED };
struct intake_result {
    enum intake_outcome outcome;
    const char *reason; /* static; "landed", or why it was refused (wholly or in part) */
    size_t live, late;
};

/* Takes one message. refusal_id 0: from the broker, a refusal is kept; otherwise a kept refusal that is fed
 * through again, and its outcome is noted in the batch instead. */
struct intake_result intake_message(struct intake *in, const char *topic, const void *payload, size_t bytes,
                                    int64_t received_ms, int64_t now_ms, int64_t refusal_id);

/* Lets time pass for one unit, and sets its next deadline. */
void intake_tick(struct intake *in, uint32_t unit, int64_t now_ms);

/* Sets every unit's deadline anew, after routing, thresholds or the broker's state changed. */
void intake_rearm(struct intake *in);

/* The broker came or went: silence is counted only while liftd can hear. */
void intake_listening(struct intake *in, bool listening, int64_t now_ms);

/* Judges a device's clock: what time a reading is filed under and the rules count with. */
struct batch_time intake_time(const struct intake *in, int64_t ts_ms, int64_t received_ms);

#endif
