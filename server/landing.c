/* The turn of the house: fills one batch while the other is in flight, and says when to read and when the
 * acknowledgements may leave. */
#include "landing.h"

#include "../ingest/require.h"

#include <stdlib.h>

void landing_init(struct landing *l, uv_loop_t *loop) {
    *l = (struct landing){.filling = &l->batches[0]};
    batch_init(&l->batches[0]);
    batch_init(&l->batches[1]);
    uv_timer_init(loop, &l->slow_timer);
    l->slow_timer.data = l;
}

void landing_begin(struct landing *l, int generation) {
    l->intake->batch = l->filling;
    l->intake->serial = 1;
    l->generation = generation;
    l->carrying = true;
    l->carry_next = 0;
}

size_t landing_window(const struct landing *l) {
    return l->filling_messages + l->flying_messages;
}

bool landing_window_is_full(const struct landing *l) {
    return landing_window(l) >= l->window_max_messages || batch_is_full(l->filling);
}

bool landing_window_is_half_full(const struct landing *l) {
    return landing_window(l) >= l->window_max_messages / 2 || batch_is_full(l->filling);
}

/* While a commit is in flight the socket waits, so that its acknowledgements can leave as soon as it is in;
 * only when the answer is slow does reading resume, within the window. */
static bool should_read(const struct landing *l) {
    if (l->stopping || landing_window_is_full(l))
        return false;
    if (store_is_committing(l->store))
        return l->is_slow || !store_is_up(l->store);
    return !store_is_idle(l->store) || l->filling_messages < l->batch_max_messages;
}

static void update_reading(struct landing *l) {
    bool on = should_read(l);
    if (on == l->reading)
        return;
    l->reading = on;
    l->handlers->read(l->ctx, on);
}

void landing_message(struct landing *l) {
    if (l->filling_messages++ == 0)
        l->filling_oldest_ms = (int64_t)(uv_hrtime() / 1000000);
    update_reading(l);
}

static void on_slow(uv_timer_t *timer) {
    struct landing *l = timer->data;
    l->is_slow = true;
    update_reading(l);
    l->handlers->slow(l->ctx);
}

/* ---- closing a batch ---- */

static void put_state(struct landing *l, const struct unit *u, int64_t number) {
    uint8_t state[UNIT_STATE_MAX_BYTES];
    size_t bytes = fleet_save(u, state);
    struct batch_unit unit = {.lift_id = u->lift_id, .device = u->device, .epoch = u->epoch};
    batch_state(l->filling, (int16_t)l->generation, &unit, u->track.last, number, state, bytes);
    l->generation_rows++;
}

static void put_touched(struct landing *l, int64_t number) {
    struct intake *in = l->intake;
    if (in->touched_count > l->flying_capacity) {
        struct landing_unit *flying = realloc(l->flying, in->touched_count * sizeof *flying);
        if (!flying) {
            in->failed = true;
            return;
        }
        l->flying = flying;
        l->flying_capacity = in->touched_count;
    }
    l->flying_count = in->touched_count;
    for (size_t i = 0; i < in->touched_count; i++) {
        const struct unit *u = in->fleet->units[in->touched[i]];
        put_state(l, u, number);
        l->flying[i] = (struct landing_unit){u->place, u->track.last};
    }
    in->touched_count = 0;
}

/* Carries a share of the other lifts into the generation being written; returns the generation that can be
 * emptied with this batch, or -1. */
static int put_carried(struct landing *l, int64_t number) {
    const struct fleet *f = l->intake->fleet;
    size_t enough = 4 * f->units_count;
    if (enough < LANDING_GENERATION_ROWS_MIN)
        enough = LANDING_GENERATION_ROWS_MIN;
    if (!l->carrying && l->generation_rows >= enough) {
        l->generation = 1 - l->generation;
        l->generation_rows = 0;
        l->carrying = true;
        l->carry_next = 0;
    }
    if (!l->carrying)
        return -1;
    for (size_t n = 0; n < LANDING_CARRY_MAX && l->carry_next < f->units_count; l->carry_next++) {
        const struct unit *u = f->units[l->carry_next];
        if (u->touched_serial == l->intake->serial || (!u->track.known && !u->lift))
            continue;
        put_state(l, u, number);
        n++;
    }
    if (l->carry_next < f->units_count)
        return -1;
    l->carrying = false;
    return 1 - l->generation;
}

static bool now_is_due(const struct landing *l, int64_t now_ms) {
    uint32_t first = fleet_dirty_first(l->intake->fleet);
    if (first == FLEET_NONE)
        return false;
    int64_t written_ms = l->intake->fleet->units[first]->now_written_ms;
    return now_ms >= written_ms + LANDING_NOW_EVERY_MS || now_ms < written_ms; /* the clock was set back */
}

static void put_now(struct landing *l, int64_t now_ms) {
    struct fleet *f = l->intake->fleet;
    size_t budget = LANDING_NOW_MIN + l->filling->tables[BATCH_READING].rows / 20;
    while (budget-- && now_is_due(l, now_ms)) {
        struct unit *u = f->units[fleet_dirty_first(f)];
        fleet_dirty_take(f);
        u->now_written_ms = now_ms;
        if (!u->device || !u->lift)
            continue;
        struct batch_unit unit = {.lift_id = u->lift_id, .device = u->device, .epoch = u->epoch};
        batch_now(l->filling, &unit, &u->lift->now, &u->time, u->silent);
    }
}

static void commit(struct landing *l, int64_t now_ms) {
    int64_t number = store_next_number(l->store);
    put_touched(l, number);
    int empties = put_carried(l, number);
    put_now(l, now_ms);
    if (batch_has_failed(l->filling) || l->intake->failed) {
        l->intake->failed = true;
        return;
    }
    struct batch *flying = l->filling;
    l->filling = flying == &l->batches[0] ? &l->batches[1] : &l->batches[0];
    l->intake->batch = l->filling;
    l->flying_serial = l->intake->serial++;
    l->flying_messages = l->filling_messages;
    l->flying_oldest_ms = l->filling_oldest_ms;
    l->filling_messages = 0;
    l->flying_began_ns = uv_hrtime();
    l->is_slow = false;
    uv_timer_start(&l->slow_timer, on_slow, l->slow_ms, 0);
    store_commit(l->store, flying, empties);
}

void landing_turn(struct landing *l, int64_t now_ms) {
    if (!l->intake->batch || l->intake->failed)
        return;
    if (store_is_idle(l->store)) {
        if (!batch_is_empty(l->filling) || now_is_due(l, now_ms)) {
            commit(l, now_ms);
        } else if (l->filling_messages) { /* messages that left no rows, such as a cleared presence */
            l->filling_messages = 0;
            l->handlers->release(l->ctx);
        }
    }
    update_reading(l);
}

void landing_committed(struct landing *l, const struct store_counts *counts) {
    struct batch *landed = l->filling == &l->batches[0] ? &l->batches[1] : &l->batches[0];
    uint64_t now_ns = uv_hrtime();
    uv_timer_stop(&l->slow_timer);
    batch_clear(landed);
    for (size_t i = 0; i < l->flying_count; i++)
        l->intake->fleet->units[l->flying[i].unit]->committed = l->flying[i].at;
    l->flying_count = 0;
    double oldest =
        l->flying_messages ? (double)((int64_t)(now_ns / 1000000) - l->flying_oldest_ms) / 1e3 : 0;
    l->flying_messages = 0;
    l->is_slow = false;
    /* Acknowledgements can't be let go one batch at a time: they leave when nothing read is uncommitted. */
    if (l->filling_messages == 0)
        l->handlers->release(l->ctx);
    l->handlers->landed(l->ctx, l->flying_serial, counts, (double)(now_ns - l->flying_began_ns) / 1e9,
                        oldest);
}

void landing_stop(struct landing *l) {
    l->stopping = true;
    update_reading(l);
}

bool landing_is_done(const struct landing *l) {
    return landing_window(l) == 0 && batch_is_empty(l->filling) && !store_is_committing(l->store);
}

void landing_fini(struct landing *l) {
    batch_fini(&l->batches[0]);
    batch_fini(&l->batches[1]);
    free(l->flying);
}
