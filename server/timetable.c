/* SHELL: the periodic SQL jobs, one table of them, run one at a time on a connection of their own. */
#include "timetable.h"

#include "../ingest/require.h"
#include "log.h"
#include "pg.h"

#include <stdlib.h>
#include <string.h>

#define SQL_BYTES 512
#define MESSAGE_BYTES 512
/* The server cancels a job at its timeout; a connection that is silent for this much longer is dropped. */
#define DEADLINE_SLACK_MS 10000
#define BOOKKEEPING_MS 30000

/* Which settings a job's function takes, in this order. */
enum arguments { NO_ARGUMENTS, RETENTION, RETENTION_AND_AHEAD };

struct job {
    const char *name;
    const char *function;
    enum arguments arguments;
    const char *columns; /* what of its result is reported */
    int every_s, first_delay_s, timeout_s;
};

#define HOUR_S 3600

/* The writer makes partitions itself when it starts, so the first run here only catches what changed since.
 */
static const struct job jobs[] = {
    {"partitions", "telemetry.ensure_partitions", RETENTION_AND_AHEAD,
     "first_day - date '1970-01-01' as first_day, last_day - date '1970-01-01' as last_day", HOUR_S, 5, 600},
    {"expired_days", "telemetry.drop_expired", RETENTION, "drop_expired as dropped", HOUR_S, 8, 300},
    {"old_gaps", "telemetry.age_gaps", RETENTION, "given_up, forgotten", HOUR_S, 11, 300},
    {"old_refusals", "telemetry.trim_refusals", RETENTION, "trim_refusals as trimmed", HOUR_S, 14, 300},
    {"sessions", "auth.sweep", NO_ARGUMENTS, "sweep as swept", HOUR_S, 17, 300},
};
#define JOBS_COUNT (sizeof jobs / sizeof jobs[0])

enum phase { PHASE_RESTING, PHASE_NOTING, PHASE_RUNNING, PHASE_REPORTING };

struct timetable {
    struct timetable_options options;
    struct pg *pg;
    uv_timer_t timer;
    uint64_t due_ms[JOBS_COUNT]; /* on the loop's clock */
    enum phase phase;
    size_t running; /* index of the job under way, unless resting */
    bool failed;
    char message[MESSAGE_BYTES];
    int handles_open;
    void (*done)(void *ctx);
    void *done_ctx;
};

static void run_due(struct timetable *t);

static void on_timer(uv_timer_t *timer) {
    run_due(timer->data);
}

/* The job that is due for longest, or the one due next. */
static size_t next_job(const struct timetable *t) {
    size_t next = 0;
    for (size_t i = 1; i < JOBS_COUNT; i++)
        if (t->due_ms[i] < t->due_ms[next])
            next = i;
    return next;
}

static void put_off(struct timetable *t, bool failed) {
    const struct job *job = &jobs[t->running];
    int seconds = failed && job->every_s > TIMETABLE_RETRY_S ? TIMETABLE_RETRY_S : job->every_s;
    t->due_ms[t->running] = uv_now(t->options.loop) + (uint64_t)seconds * 1000;
    t->phase = PHASE_RESTING;
}

/* Begins the job that is due, or sleeps until one is. */
static void run_due(struct timetable *t) {
    if (t->phase != PHASE_RESTING || !pg_is_up(t->pg) || pg_is_busy(t->pg))
        return;
    uint64_t now = uv_now(t->options.loop);
    size_t i = next_job(t);
    if (t->due_ms[i] > now) {
        uv_timer_start(&t->timer, on_timer, t->due_ms[i] - now, 0);
        return;
    }
    char sql[SQL_BYTES];
    snprintf(sql, sizeof sql, "SELECT meta.job_started('%s'); SET statement_timeout = %d", jobs[i].name,
             jobs[i].timeout_s * 1000);
    t->running = i;
    t->phase = PHASE_NOTING;
    t->failed = false;
    t->message[0] = '\0';
    pg_query(t->pg, sql, BOOKKEEPING_MS);
}

static void run_job(struct timetable *t) {
    const struct job *job = &jobs[t->running];
    const struct config_ingest *settings = &t->options.config->ingest;
    char arguments[64] = "", sql[SQL_BYTES];
    if (job->arguments == RETENTION)
        snprintf(arguments, sizeof arguments, "%d", settings->retention_days);
    else if (job->arguments == RETENTION_AND_AHEAD)
        snprintf(arguments, sizeof arguments, "%d, %d", settings->retention_days,
                 settings->partitions_ahead_days);
    snprintf(sql, sizeof sql, "SELECT %s FROM %s(%s)", job->columns, job->function, arguments);
    t->phase = PHASE_RUNNING;
    pg_query(t->pg, sql, (unsigned)job->timeout_s * 1000 + DEADLINE_SLACK_MS);
}

static void report(struct timetable *t) {
    const char *values[] = {jobs[t->running].name, t->failed ? "false" : "true", t->message};
    char quoted[MESSAGE_BYTES];
    if (t->failed)
        log_warn("job failed name=%s error=%s", jobs[t->running].name,
                 log_quote(t->message, quoted, sizeof quoted));
    else
        log_debug("job done name=%s %s", jobs[t->running].name, t->message);
    t->phase = PHASE_REPORTING;
    pg_query_params(t->pg, "SELECT meta.job_finished($1, $2::boolean, $3)", 3, values, NULL, NULL,
                    BOOKKEEPING_MS);
}

/* The first row as "name=value name=value". */
static void remember_row(struct timetable *t, const PGresult *r) {
    size_t used = 0;
    for (int column = 0; PQntuples(r) && column < PQnfields(r) && used < sizeof t->message; column++) {
        int n = snprintf(t->message + used, sizeof t->message - used, "%s%s=%s", column ? " " : "",
                         PQfname(r, column), PQgetvalue(r, 0, column));
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Days since 1970-01-01 in a cell. */
static int32_t day(const PGresult *r, int column) {
    return (int32_t)strtol(PQgetvalue(r, 0, column), NULL, 10);
}

static void job_result(struct timetable *t, const PGresult *r) {
    if (PQresultStatus(r) == PGRES_FATAL_ERROR) {
        const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
        const char *words = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
        t->failed = true;
        snprintf(t->message, sizeof t->message, "%s %s", state ? state : "08006",
                 words ? words : "connection lost");
    } else if (t->phase == PHASE_RUNNING && PQresultStatus(r) == PGRES_TUPLES_OK) {
        remember_row(t, r);
        if (jobs[t->running].arguments == RETENTION_AND_AHEAD && PQntuples(r) == 1 && t->options.partitions)
            t->options.partitions(t->options.ctx, day(r, 0), day(r, 1));
    }
}

static void on_result(struct pg *pg, void *ctx, const PGresult *r) {
    struct timetable *t = ctx;
    (void)pg;
    if (r) {
        if (t->phase != PHASE_REPORTING)
            job_result(t, r);
        return;
    }
    if (t->phase == PHASE_NOTING && !t->failed) {
        run_job(t);
    } else if (t->phase == PHASE_NOTING || t->phase == PHASE_RUNNING) {
        report(t);
    } else {
        put_off(t, t->failed);
        run_due(t);
    }
}

static void on_up(struct pg *pg, void *ctx) {
    (void)pg;
    run_due(ctx);
}

/* A job under way may have happened or not: it is idempotent and runs again, though not at once. */
static void on_down(struct pg *pg, void *ctx, const char *why) {
    struct timetable *t = ctx;
    char quoted[MESSAGE_BYTES];
    (void)pg;
    uv_timer_stop(&t->timer);
    if (t->phase != PHASE_RESTING) {
        log_warn("job interrupted name=%s why=%s", jobs[t->running].name,
                 log_quote(why, quoted, sizeof quoted));
        put_off(t, true);
    }
}

static const struct pg_handlers handlers = {.up = on_up, .down = on_down, .result = on_result};

int timetable_open(const struct timetable_options *options, struct timetable **out) {
    struct timetable *t = calloc(1, sizeof *t);
    if (!t)
        return UV_ENOMEM;
    t->options = *options;
    for (size_t i = 0; i < JOBS_COUNT; i++)
        t->due_ms[i] = uv_now(options->loop) + (uint64_t)jobs[i].first_delay_s * 1000;
    const struct pg_options pg = {.loop = options->loop,
                                  .conninfo = options->config->database.conninfo,
                                  .user = options->config->database.ingest_user,
                                  .application_name = "liftd timetable",
                                  .handlers = &handlers,
                                  .ctx = t};
    int status = pg_open(&pg, &t->pg);
    if (status) {
        free(t);
        return status;
    }
    uv_timer_init(options->loop, &t->timer);
    t->timer.data = t;
    t->handles_open = 2;
    *out = t;
    return 0;
}

static void closed(void *ctx) {
    struct timetable *t = ctx;
    if (--t->handles_open)
        return;
    void (*done)(void *) = t->done;
    void *done_ctx = t->done_ctx;
    free(t);
    if (done)
        done(done_ctx);
}

static void timer_closed(uv_handle_t *handle) {
    closed(handle->data);
}

void timetable_close(struct timetable *t, void (*done)(void *ctx), void *ctx) {
    REQUIRE(t->handles_open == 2 && !t->done);
    t->done = done;
    t->done_ctx = ctx;
    uv_close((uv_handle_t *)&t->timer, timer_closed);
    pg_close(t->pg, closed, t);
}
