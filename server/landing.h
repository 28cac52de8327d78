/* The turn of the house: fills one batch while the other is in flight, and says when to read and when the
 * acknowledgements may leave. */
#ifndef LIFTD_LANDING_H
#define LIFTD_LANDING_H

#include "intake.h"
#include "store.h"

/* Lifts carried over into the new generation of the state log with one batch; 2,000 rows of some 100 bytes
 * cost a few ms. */
#define LANDING_CARRY_MAX 2000
/* Rows in a generation of the state log before the next one is begun: at least this many, and at least four
 * for each lift, so that carrying stays below a quarter of what is logged anyway. */
#define LANDING_GENERATION_ROWS_MIN 200000
/* Rows of telemetry.lift_now in one batch: this many and a twentieth of its readings. An upsert costs about
 * ten times a copied row; people don't see the difference of a second, so under load the row waits. */
#define LANDING_NOW_MIN 64
/* A lift's row for people is written again at the earliest after this long, ms. */
#define LANDING_NOW_EVERY_MS 1000

struct landing_handlers {
    /* Read the subscription, or leave the socket alone. */
    void (*read)(void *ctx, bool on);
    /* Every message read so far is committed: let the acknowledgements go. */
    void (*release)(void *ctx);
    /* The batch with this serial landed. */
    void (*landed)(void *ctx, uint64_t serial, const struct store_counts *counts, double commit_seconds,
                   double oldest_seconds);
    /* The commit under way takes longer than commit_slow_ms. */
    void (*slow)(void *ctx);
};

struct landing_unit {
    uint32_t unit;
    struct position at;
};

struct landing {
    struct store *store;
    struct intake *intake;
    size_t batch_max_messages, window_max_messages;
    unsigned slow_ms;
    const struct landing_handlers *handlers;
    void *ctx;
    struct batch batches[2];
    struct batch *filling;
    size_t filling_messages, flying_messages;
    int64_t filling_oldest_ms, flying_oldest_ms; /* loop time of the first message */
    uint64_t flying_began_ns;
    uint64_t flying_serial;
    struct landing_unit *flying; /* where the tracks stand when the batch in flight is in */
    size_t flying_count, flying_capacity;
    bool is_slow;   /* the commit under way has taken longer than slow_ms */
    bool stopping;  /* reads no more */
    bool reading;   /* what was last said to handlers->read */
    int generation; /* of telemetry.state_log that is written now: 0 or 1 */
    bool carrying;  /* lifts are still being carried into it */
    size_t carry_next;
    size_t generation_rows;
    uv_timer_t slow_timer;
};

/* The store may be given later (landing.store); until it is loaded nothing is read or committed. */
void landing_init(struct landing *l, uv_loop_t *loop);
/* After the store loaded: begins with the state log's generation of this parity, carrying every lift over. */
void landing_begin(struct landing *l, int generation);
/* One message of the broker went through the intake. */
void landing_message(struct landing *l);
/* A good moment: commits what there is if the store is idle, and tells the subscription to read or wait. */
void landing_turn(struct landing *l, int64_t now_ms);
/* From the store: the batch in flight is in. A landing_turn follows from the store's `idle`. */
void landing_committed(struct landing *l, const struct store_counts *counts);
/* No more reading. */
void landing_stop(struct landing *l);
/* Nothing uncommitted and nothing unacknowledged. */
bool landing_is_done(const struct landing *l);
/* Messages read and not acknowledged. */
size_t landing_window(const struct landing *l);
bool landing_window_is_full(const struct landing *l);
/* Half of that: time to prepare for when it is. */
bool landing_window_is_half_full(const struct landing *l);
/* Frees; the timer must have been closed by the caller (uv_close on slow_timer). */
void landing_fini(struct landing *l);

#endif
