/* What late readings would have said: when a gap has been filled or given up its stretch runs through the
 * rules again, and what they find is recorded as history, not rung. */
#ifndef LIFTD_HISTORY_H
#define LIFTD_HISTORY_H

#include "../alerts/rules.h"
#include "store.h"

/* A stretch is judged when nothing has landed in it for this long, s, and no open gap lies in it .. */
#define HISTORY_QUIET_S "10"
/* .. or, when a gap stays open, after this long, s. */
#define HISTORY_PATIENCE_S "600"
/* Readings before the stretch that are read to know how the lift stood when it began, ms. */
#define HISTORY_BEFORE_MS 600000
/* Most alarms recorded of one stretch; a lift that rings more often than that in a gap says nothing new. */
#define HISTORY_FOUND_MAX 256

struct history_alarm {
    struct transition raised;
    int64_t cleared_ms; /* LIFT_NEVER: stood at the end of what was read */
};

struct history {
    struct store *store;
    const struct rules *rules;
    bool busy; /* one stretch at a time, one question at a time: never in the way of a batch */
    char lift_id[24], from_ms[24], to_ms[24], cursor[96], changed_at[64];
    int64_t begin_ms, end_ms;
    struct lift lift;
    struct history_alarm found[HISTORY_FOUND_MAX];
    size_t found_count;
    size_t judged; /* stretches, since the start */
};

/* Looks whether a stretch is due, and judges it. Call it now and then; it does nothing while one is under
 * way. The rules in force at that moment are used. */
void history_turn(struct history *h, struct store *store, const struct rules *rules);

/* PURE: runs one reading of the stretch; keeps what begins inside it. For history_turn and tests. */
void history_step(struct history *h, const struct reading *r, int64_t filed_ms, bool suspect);

#endif
