/* SHELL: the writer's connection: takes the lease, lands one batch at a time in ONE transaction, and knows
 * after every failure whether it landed. */
#ifndef LIFTD_STORE_H
#define LIFTD_STORE_H

#include "../ingest/batch.h"

#include <libpq-fe.h>
#include <uv.h>

/* The one lease there is while there is one liftd. */
#define STORE_LEASE "main"
/* How long to wait before asking again for a lease that another session holds, ms. */
#define STORE_LEASE_RETRY_MS 250
/* A transaction without an end after this long is abandoned and looked up, ms: far beyond a full batch on a
 * slow disk, since giving up early would send it again and again. */
#define STORE_COMMIT_DEADLINE_MS 300000
/* Questions waiting for a moment between two batches; at start there may be one per device, paced by the
 * asker. */
#define STORE_QUESTIONS_MAX 256

struct store;

/* What one landing did. */
struct store_counts {
    uint64_t late_landed, late_duplicate, alarms_raised, alarms_cleared;
    uint64_t rows_refused; /* rows that the database refused and that were moved to the refusals */
};

/* All called on the loop's thread. */
struct store_handlers {
    /* Once, when the lease is held for the first time: what to continue from. routing: (area, device, unit,
     * lift_id, epoch); states: (lift_id, epoch, boot, seq, state); first_day, last_day: days since 1970-01-01
     * for which telemetry.reading has partitions. Text format; valid during the call. */
    void (*loaded)(void *ctx, const PGresult *routing, const PGresult *states, int32_t first_day,
                   int32_t last_day);
    /* The batch given to store_commit is in the database, for certain. It may be cleared. */
    void (*committed)(void *ctx, const struct store_counts *counts);
    /* Nothing is under way: a good moment to commit. Not called inside store_commit or store_ask. */
    void (*idle)(void *ctx);
    /* The database came or went; why is a sentence. Don't commit from here: `idle` follows. */
    void (*state)(void *ctx, bool up, const char *why);
    /* Another liftd took the lease, or the database continued without this one: the memory here is worthless
     * and the process must end without acknowledging anything. */
    void (*fenced)(void *ctx, const char *why);
};

struct store_options {
    uv_loop_t *loop;
    const char *conninfo, *user;
    const char *holder;     /* host and process, for people looking at meta.writer */
    const char *rules_json; /* loaded into alert.rule at start; must outlive the store */
    int retention_days, partitions_ahead_days;
    const struct store_handlers *handlers;
    void *ctx;
};

/* 0, or a negative libuv error. */
int store_open(const struct store_options *options, struct store **out);

bool store_is_up(const struct store *s);
/* Up, loaded, nothing in flight, no question under way. */
bool store_is_idle(const struct store *s);
/* The epoch of the lease held; valid after `loaded`. */
int64_t store_epoch(const struct store *s);
/* A batch is in flight (it stays so through outages, until `committed`). */
bool store_is_committing(const struct store *s);
/* The number that the next batch will have; rows of telemetry.state_log carry it. */
int64_t store_next_number(const struct store *s);

/* Lands the batch; store_is_idle must be true. The batch must stay untouched until `committed`.
 * truncate_generation: -1, or the generation of telemetry.state_log that is emptied in the same transaction.
 */
void store_commit(struct store *s, struct batch *batch, int truncate_generation);

/* Asks a small idempotent question between batches; up to 4 text parameters, copied. `answer` gets the rows,
 * or NULL when the database refused the question; it is asked again after an outage. false: too many waiting.
 */
bool store_ask(struct store *s, const char *sql, int count, const char *const *values,
               void (*answer)(void *ctx, const PGresult *result), void *ctx);

/* Closes; a batch in flight stays in doubt (nothing of it was acknowledged). `done` may be NULL. */
void store_close(struct store *s, void (*done)(void *ctx), void *ctx);

#endif
