/* PURE: what the rules remember of one lift: its merged current values and, per rule, where it stands. */
#ifndef LIFTD_LIFT_H
#define LIFTD_LIFT_H

#include "../ingest/reading.h"

/* Room for rules in one lift's memory; the table has fewer (asserted at start). */
#define LIFT_RULES_MAX 32
#define LIFT_NEVER INT64_MAX

/* Where one rule stands on one lift. */
enum rule_phase {
    RULE_QUIET = 0,   /* condition false, no alarm */
    RULE_HOLDING = 1, /* condition true, not yet for the hold time; since = when it began */
    RULE_RAISED = 2,  /* alarm standing, condition true */
    RULE_CLEARING = 3 /* alarm standing, condition false, not yet for the quiet time; since = when it ended */
};

/* Two instants of a rule, ms, 48 bits each (years up to 6429), because every lift of a city has all of them.
 * Onset: of the alarm that stands, its identity with lift and code; afterwards of the last alarm, so that the
 * next one's is later; 0 none yet. Since: HOLDING and CLEARING, see enum rule_phase. */
struct lift_rule {
    uint32_t onset_low, since_low;
    uint16_t onset_high, since_high;
};

struct lift {
    struct reading now; /* values merged over readings; present tells which are known */
    int64_t at_ms;      /* credible time of the last reading: device time, or arrival where that was suspect.
                           When a device sets its clock back this falls, and the times below that are
                           pending fall with it, so that no duration shrinks. 0: no reading yet */
    int64_t arrival_ms; /* server time of that reading's arrival */
    int64_t listening_ms; /* server time since when liftd could have heard it; LIFT_NEVER while it can't; 0
                             always could. Belongs to this process: not saved */
    int64_t settled_ms;   /* server time before which timers don't judge values heard before the last call of
                             lift_listening: what the broker kept meanwhile comes first. Not saved */
    int64_t stopped_since_ms; /* like at_ms: since when motion is stopped, LIFT_NEVER moving or unknown */
    int64_t occupied_at_ms; /* like at_ms: when somebody was last sensed in the car, if no door was seen open
                               since then without anybody sensed; 0 otherwise. Sensors lose people who stand
                               still, but nobody leaves through a closed door */
    bool clock_suspect;     /* the last reading's device time was not believed */
    bool boot_fell;         /* the last thing heard was a reading refused because its boot counter fell */
    uint8_t phase[LIFT_RULES_MAX]; /* enum rule_phase */
    struct lift_rule rule[LIFT_RULES_MAX];
};

static inline int64_t lift_time(uint32_t low, uint16_t high) {
    return ((int64_t)(int16_t)high * (INT64_C(1) << 32)) + low;
}

static inline int64_t lift_onset_ms(const struct lift *l, size_t rule) {
    return lift_time(l->rule[rule].onset_low, l->rule[rule].onset_high);
}

static inline int64_t lift_since_ms(const struct lift *l, size_t rule) {
    return lift_time(l->rule[rule].since_low, l->rule[rule].since_high);
}

static inline void lift_set_onset(struct lift *l, size_t rule, int64_t onset_ms) {
    l->rule[rule].onset_low = (uint32_t)((uint64_t)onset_ms & UINT32_MAX);
    l->rule[rule].onset_high = (uint16_t)((uint64_t)onset_ms >> 32 & UINT16_MAX);
}

static inline void lift_set_since(struct lift *l, size_t rule, int64_t since_ms) {
    l->rule[rule].since_low = (uint32_t)((uint64_t)since_ms & UINT32_MAX);
    l->rule[rule].since_high = (uint16_t)((uint64_t)since_ms >> 32 & UINT16_MAX);
}

/* An empty memory: nothing known, every rule quiet. */
void lift_init(struct lift *l);

/* So long after lift_listening may the broker's queue take to come in. */
#define LIFT_SETTLE_MS 5000

/* Tells whether liftd hears this lift at all. Call with true for every lift after lift_load at start and
 * when the broker is back, with false when the broker is lost, and ask rules_deadline_ms again: silence is
 * counted only while liftd listens, and a car that stood at a landing with closed doors when liftd went deaf
 * is judged by its next reading, not by the time liftd heard nothing. Timers that were due in between wait
 * LIFT_SETTLE_MS for what the broker kept. Saying the same again changes nothing. Without any call liftd
 * always listens. */
void lift_listening(struct lift *l, bool listening, int64_t now_ms);

/* Most bytes lift_save writes. */
#define LIFT_SAVED_MAX_BYTES 1024

/* Writes the memory as a versioned, self-delimiting byte string (only what is known; some 60 bytes for a
 * lift that is well), at most LIFT_SAVED_MAX_BYTES. Returns the bytes written. */
size_t lift_save(const struct lift *l, uint8_t out[LIFT_SAVED_MAX_BYTES]);

/* Reads what lift_save wrote. false: not such a string (or of an unknown version); *l is then as after
 * lift_init. Rules are stored by code, so a changed table keeps what still exists and drops the rest. */
bool lift_load(struct lift *l, const uint8_t *bytes, size_t count);

#endif
