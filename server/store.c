/* SHELL: the writer's connection: takes the lease, lands one batch at a time in ONE transaction, and knows
 * after every failure whether it landed. */
#include "store.h"

#include "../ingest/probe.h"
#include "../ingest/require.h"
#include "log.h"
#include "pg.h"

#include <stdlib.h>
#include <string.h>

#define SQL_MAX_BYTES 4096
#define QUESTION_VALUES_MAX 4
#define QUESTION_DEADLINE_MS 30000

enum phase {
    PHASE_OFFLINE, /* no connection */
    PHASE_LEASING, /* asking for the lease, or waiting for another session to let go of it */
    PHASE_RULES,   /* loading the rules table */
    PHASE_DAYS,    /* partitions */
    PHASE_ROUTING, /* loading which unit is which lift */
    PHASE_STATES,  /* loading the lifts' states */
    PHASE_IDLE,
    PHASE_COMMITTING,
    PHASE_PROBING, /* finding the rows that the database refuses */
    PHASE_ASKING,
};

struct question {
    const char *sql; /* static */
    int count;
    char *values[QUESTION_VALUES_MAX];
    void (*answer)(void *ctx, const PGresult *result);
    void *ctx;
};

struct store {
    struct store_options options;
    struct pg *pg;
    enum phase phase;
    bool loaded;
    int64_t epoch;
    int64_t number; /* last batch known to be in the database */
    PGresult *routing;
    int32_t first_day, last_day;

    struct batch *batch; /* in flight, NULL none */
    int truncate_generation;
    int next_table; /* COMMITTING: the next table whose COPY the server will ask for */
    bool saw_commit;
    bool in_failed_transaction;
    char sqlstate[6];
    char error[256];
    struct store_counts counts;
    struct probe probe;

    struct question questions[STORE_QUESTIONS_MAX];
    size_t questions_first, questions_count;
    PGresult *answer;

    uv_timer_t lease_retry;
    bool told_standby;
    void (*done)(void *ctx);
    void *done_ctx;
    int closing_parts;
};

static const char *const TABLES[BATCH_TABLES] = {
    [BATCH_READING] = "telemetry.reading",    [BATCH_STATE] = "telemetry.state_log",
    [BATCH_GAP] = "pg_temp.gap_in",           [BATCH_MARKER] = "pg_temp.marker_in",
    [BATCH_LATE] = "pg_temp.late_in",         [BATCH_REFUSAL] = "pg_temp.refusal_in",
    [BATCH_RELANDED] = "pg_temp.relanded_in", [BATCH_ALARM] = "pg_temp.alarm_in",
    [BATCH_PRESENCE] = "pg_temp.presence_in", [BATCH_NOW] = "pg_temp.now_in",
};

static bool needs_land(int table) {
    return table != BATCH_READING && table != BATCH_STATE;
}

static void ask_lease(struct store *s) {
    const char *values[] = {STORE_LEASE, s->options.holder};
    s->phase = PHASE_LEASING;
    pg_query_params(s->pg, "SELECT epoch, batch FROM meta.take_lease($1, $2)", 2, values, NULL, NULL,
                    QUESTION_DEADLINE_MS);
}

static void on_lease_retry(uv_timer_t *timer) {
    struct store *s = timer->data;
    if (s->phase == PHASE_LEASING && pg_is_up(s->pg) && !pg_is_busy(s->pg))
        ask_lease(s);
}

static void fenced(struct store *s, const char *why) {
    s->options.handlers->fenced(s->options.ctx, why);
}

/* ---- committing ---- */

static void append(char *sql, size_t *used, const char *text) {
    size_t n = strlen(text);
    REQUIRE(*used + n < SQL_MAX_BYTES);
    memcpy(sql + *used, text, n + 1);
    *used += n;
}

static void append_copy(char *sql, size_t *used, const char *table) {
    append(sql, used, "COPY ");
    append(sql, used, table);
    append(sql, used, " FROM STDIN (FORMAT binary);");
}

/* The whole transaction as one simple query: the server asks for each COPY's rows in turn, so a batch costs a
 * few round trips and not one per statement. */
static void send_batch(struct store *s) {
    char sql[SQL_MAX_BYTES], number[128];
    size_t used = 0;
    bool land = false;
    if (s->in_failed_transaction)
        append(sql, &used, "ROLLBACK;");
    snprintf(number, sizeof number, "BEGIN;SELECT meta.advance('" STORE_LEASE "',%lld,%lld);",
             (long long)s->epoch, (long long)(s->number + 1));
    append(sql, &used, number);
    for (int t = 0; t < BATCH_TABLES; t++) {
        if (!s->batch->tables[t].rows)
            continue;
        append_copy(sql, &used, TABLES[t]);
        land = land || needs_land(t);
    }
    if (land)
        append(sql, &used,
               "SELECT late_landed, late_duplicate, alarms_raised, alarms_cleared FROM telemetry.land();");
    if (s->truncate_generation >= 0) {
        snprintf(number, sizeof number, "SELECT telemetry.truncate_generation(%d::smallint);",
                 s->truncate_generation);
        append(sql, &used, number);
    }
    append(sql, &used, "COMMIT");
    s->phase = PHASE_COMMITTING;
    s->next_table = 0;
    s->saw_commit = s->in_failed_transaction = false;
    s->sqlstate[0] = 0;
    pg_query(s->pg, sql, STORE_COMMIT_DEADLINE_MS);
}

static void copy_rows(struct store *s, const void *bytes, size_t count) {
    const struct pg_bytes parts[PG_COPY_PARTS] = {
        {COPY_HEADER, COPY_HEADER_BYTES}, {bytes, count}, {COPY_TRAILER, COPY_TRAILER_BYTES}};
    pg_copy(s->pg, parts);
}

static void copy_next_table(struct store *s) {
    while (s->next_table < BATCH_TABLES && !s->batch->tables[s->next_table].rows)
        s->next_table++;
    REQUIRE(s->next_table < BATCH_TABLES);
    const struct copy *c = &s->batch->tables[s->next_table++];
    copy_rows(s, c->bytes, c->used);
}

static uint64_t cell(const PGresult *r, int column) {
    return strtoull(PQgetvalue(r, 0, column), NULL, 10);
}

static void keep_error(struct store *s, const PGresult *r) {
    if (s->sqlstate[0])
        return;
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *words = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    snprintf(s->sqlstate, sizeof s->sqlstate, "%s", state ? state : "08006");
    snprintf(s->error, sizeof s->error, "%s", words ? words : "connection lost");
}

static void batch_landed(struct store *s) {
    s->number++;
    s->batch = NULL;
    s->probe.rounds = 0;
    s->phase = PHASE_IDLE;
    struct store_counts counts = s->counts;
    s->counts = (struct store_counts){0};
    s->options.handlers->committed(s->options.ctx, &counts);
}

/* Data that PostgreSQL will never take (data exceptions, broken constraints), as against an outage. */
static bool is_data_error(const char *sqlstate) {
    return !strncmp(sqlstate, "22", 2) || !strncmp(sqlstate, "23", 2);
}

static void send_probe(struct store *s);
static void became_idle(struct store *s);

static void commit_ended(struct store *s) {
    if (s->saw_commit) {
        batch_landed(s);
        became_idle(s);
        return;
    }
    char text[512];
    log_error("batch refused sqlstate=%s error=%s", s->sqlstate, log_quote(s->error, text, sizeof text));
    s->in_failed_transaction = true;
    if (!strcmp(s->sqlstate, "LF001"))
        fenced(s, "another liftd took the lease");
    else if (is_data_error(s->sqlstate) && probe_begin(&s->probe, s->batch))
        send_probe(s);
    else
        pg_drop(s->pg, s->error); /* after the back-off: looked up, and sent again */
}

static void commit_result(struct store *s, const PGresult *r) {
    if (!r) {
        commit_ended(s);
        return;
    }
    switch (PQresultStatus(r)) {
    case PGRES_COPY_IN:
        copy_next_table(s);
        break;
    case PGRES_TUPLES_OK:
        if (PQnfields(r) == 4 && PQntuples(r) == 1) {
            s->counts.late_landed += cell(r, 0);
            s->counts.late_duplicate += cell(r, 1);
            s->counts.alarms_raised += cell(r, 2);
            s->counts.alarms_cleared += cell(r, 3);
        }
        break;
    case PGRES_COMMAND_OK:
        s->saw_commit = !strcmp(PQcmdStatus((PGresult *)r), "COMMIT");
        break;
    default:
        keep_error(s, r);
    }
}

/* ---- probing: which rows does the database refuse? ---- */

static void send_probe(struct store *s) {
    const struct probe_range *range = probe_next(&s->probe);
    if (!range) {
        s->counts.rows_refused += probe_apply(&s->probe, s->batch);
        send_batch(s);
        return;
    }
    char sql[SQL_MAX_BYTES];
    size_t used = 0;
    append(sql, &used, s->in_failed_transaction ? "ROLLBACK;BEGIN;" : "BEGIN;");
    /* Late rows end in telemetry.reading too, if a gap has room for them: probe them there. */
    append_copy(sql, &used, TABLES[range->table == BATCH_LATE ? BATCH_READING : range->table]);
    if (needs_land(range->table) && range->table != BATCH_LATE)
        append(sql, &used, "SELECT FROM telemetry.land();");
    append(sql, &used, "ROLLBACK");
    s->phase = PHASE_PROBING;
    s->in_failed_transaction = false;
    s->sqlstate[0] = 0;
    pg_query(s->pg, sql, STORE_COMMIT_DEADLINE_MS);
}

static void probe_result(struct store *s, const PGresult *r) {
    if (r) {
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_COPY_IN) {
            size_t count;
            const void *bytes = probe_bytes(&s->probe, s->batch, &count);
            copy_rows(s, bytes, count);
        } else if (status == PGRES_FATAL_ERROR) {
            keep_error(s, r);
        }
        return;
    }
    s->in_failed_transaction = s->sqlstate[0] != 0;
    if (s->sqlstate[0] && !is_data_error(s->sqlstate)) {
        pg_drop(s->pg, s->error);
        return;
    }
    if (!probe_said(&s->probe, s->sqlstate, s->error))
        pg_drop(s->pg, "out of memory while looking for refused rows");
    else
        send_probe(s);
}

/* ---- questions ---- */

static void forget_question(struct store *s) {
    struct question *q = &s->questions[s->questions_first];
    for (int i = 0; i < q->count; i++)
        free(q->values[i]);
    s->questions_first = (s->questions_first + 1) % STORE_QUESTIONS_MAX;
    s->questions_count--;
}

static void became_idle(struct store *s) {
    if (s->phase != PHASE_IDLE || !pg_is_up(s->pg))
        return;
    if (s->questions_count) {
        struct question *q = &s->questions[s->questions_first];
        s->phase = PHASE_ASKING;
        pg_query_params(s->pg, q->sql, q->count, (const char *const *)q->values, NULL, NULL,
                        QUESTION_DEADLINE_MS);
        return;
    }
    s->options.handlers->idle(s->options.ctx);
}

static void question_result(struct store *s, const PGresult *r) {
    if (r) {
        struct question *q = &s->questions[s->questions_first];
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_FATAL_ERROR) {
            const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
            if (!state || !strncmp(state, "57", 2) || !strncmp(state, "08", 2))
                return; /* the connection is going: asked again */
            log_warn("question refused error=\"%s\"", PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
        }
        void (*answer)(void *, const PGresult *) = q->answer;
        void *ctx = q->ctx;
        q->answer = NULL;
        if (answer)
            answer(ctx, status == PGRES_TUPLES_OK ? r : NULL);
        return;
    }
    if (!s->questions[s->questions_first].answer)
        forget_question(s);
    s->phase = PHASE_IDLE;
    /* Batches first: the next question waits for the moment after the next batch. */
    s->options.handlers->idle(s->options.ctx);
    became_idle(s);
}

bool store_ask(struct store *s, const char *sql, int count, const char *const *values,
               void (*answer)(void *ctx, const PGresult *result), void *ctx) {
    REQUIRE(count <= QUESTION_VALUES_MAX && answer);
    if (s->questions_count == STORE_QUESTIONS_MAX)
        return false;
    struct question *q = &s->questions[(s->questions_first + s->questions_count) % STORE_QUESTIONS_MAX];
    *q = (struct question){.sql = sql, .answer = answer, .ctx = ctx};
    for (; q->count < count; q->count++)
        q->values[q->count] = strdup(values[q->count]);
    s->questions_count++;
    if (store_is_idle(s))
        became_idle(s);
    return true;
}

/* ---- connecting, leasing, loading ---- */

static void lease_held(struct store *s, int64_t epoch, int64_t number) {
    s->told_standby = false;
    if (s->loaded && epoch != s->epoch + 1) {
        fenced(s, "another liftd held the lease meanwhile");
        return;
    }
    s->epoch = epoch;
    if (!s->loaded) {
        const char *values[] = {s->options.rules_json};
        s->number = number;
        s->phase = PHASE_RULES;
        pg_query_params(s->pg, "SELECT alert.load_rules($1::jsonb)", 1, values, NULL, NULL,
                        QUESTION_DEADLINE_MS);
        return;
    }
    s->phase = PHASE_IDLE;
    s->in_failed_transaction = false;
    if (s->batch && number == s->number + 1)
        batch_landed(s); /* the COMMIT whose answer was lost had landed */
    else if (number != s->number)
        fenced(s, "the database is not where this liftd left it");
    s->options.handlers->state(s->options.ctx, true, "");
    if (s->batch)
        send_batch(s);
    else
        became_idle(s);
}

/* The lease's answer: a row, or SQLSTATE 55P03 while another session (perhaps our own old one, not yet
 * noticed dead by the server) holds it. */
static void lease_result(struct store *s, const PGresult *r) {
    if (r && PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1) {
        s->answer = PQcopyResult(r, PG_COPYRES_TUPLES | PG_COPYRES_ATTRS);
        return;
    }
    if (r) {
        keep_error(s, r);
        return;
    }
    if (s->answer) {
        int64_t epoch = strtoll(PQgetvalue(s->answer, 0, 0), NULL, 10);
        int64_t number = strtoll(PQgetvalue(s->answer, 0, 1), NULL, 10);
        PQclear(s->answer);
        s->answer = NULL;
        lease_held(s, epoch, number);
        return;
    }
    bool held = !strcmp(s->sqlstate, "55P03");
    s->sqlstate[0] = 0;
    if (!held) {
        pg_drop(s->pg, s->error);
        return;
    }
    if (!s->told_standby) {
        s->told_standby = true;
        log_info("waiting for the lease, another session holds it");
        s->options.handlers->state(s->options.ctx, false, "another liftd holds the lease; standing by");
    }
    uv_timer_start(&s->lease_retry, on_lease_retry, STORE_LEASE_RETRY_MS, 0);
}

static void send_load(struct store *s, enum phase phase) {
    char sql[256];
    s->phase = phase;
    if (phase == PHASE_DAYS)
        snprintf(sql, sizeof sql,
                 "SELECT first_day - date '1970-01-01', last_day - date '1970-01-01' FROM "
                 "telemetry.ensure_partitions(%d, %d)",
                 s->options.retention_days, s->options.partitions_ahead_days);
    else if (phase == PHASE_ROUTING)
        snprintf(sql, sizeof sql, "SELECT area, device, unit, lift_id, epoch FROM telemetry.routing()");
    else
        snprintf(sql, sizeof sql, "SELECT lift_id, epoch, boot, seq, state FROM telemetry.load_state()");
    pg_query(s->pg, sql, STORE_COMMIT_DEADLINE_MS);
}

static void loading_ended(struct store *s) {
    PGresult *r = s->answer;
    s->answer = NULL;
    if (s->sqlstate[0]) {
        PQclear(r);
        s->sqlstate[0] = 0;
        pg_drop(s->pg, s->error);
    } else if (s->phase == PHASE_RULES) {
        PQclear(r);
        send_load(s, PHASE_DAYS);
    } else if (s->phase == PHASE_DAYS) {
        s->first_day = (int32_t)strtol(PQgetvalue(r, 0, 0), NULL, 10);
        s->last_day = (int32_t)strtol(PQgetvalue(r, 0, 1), NULL, 10);
        PQclear(r);
        send_load(s, PHASE_ROUTING);
    } else if (s->phase == PHASE_ROUTING) {
        PQclear(s->routing);
        s->routing = r;
        send_load(s, PHASE_STATES);
    } else {
        s->loaded = true;
        s->phase = PHASE_IDLE;
        s->options.handlers->loaded(s->options.ctx, s->routing, r, s->first_day, s->last_day);
        PQclear(r);
        PQclear(s->routing);
        s->routing = NULL;
        s->options.handlers->state(s->options.ctx, true, "");
        became_idle(s);
    }
}

static void loading_result(struct store *s, const PGresult *r) {
    if (!r)
        loading_ended(s);
    else if (PQresultStatus(r) == PGRES_TUPLES_OK && !s->answer)
        s->answer = PQcopyResult(r, PG_COPYRES_TUPLES | PG_COPYRES_ATTRS);
    else
        keep_error(s, r);
}

static void on_up(struct pg *pg, void *ctx) {
    (void)pg;
    ask_lease(ctx);
}

static void on_down(struct pg *pg, void *ctx, const char *why) {
    (void)pg;
    struct store *s = ctx;
    s->phase = PHASE_OFFLINE;
    s->sqlstate[0] = 0;
    s->in_failed_transaction = false;
    PQclear(s->answer);
    s->answer = NULL;
    uv_timer_stop(&s->lease_retry);
    s->options.handlers->state(s->options.ctx, false, why);
}

static void on_result(struct pg *pg, void *ctx, const PGresult *r) {
    (void)pg;
    struct store *s = ctx;
    switch (s->phase) {
    case PHASE_LEASING:
        lease_result(s, r);
        break;
    case PHASE_RULES:
    case PHASE_DAYS:
    case PHASE_ROUTING:
    case PHASE_STATES:
        loading_result(s, r);
        break;
    case PHASE_COMMITTING:
        commit_result(s, r);
        break;
    case PHASE_PROBING:
        probe_result(s, r);
        break;
    case PHASE_ASKING:
        question_result(s, r);
        break;
    case PHASE_OFFLINE:
    case PHASE_IDLE:
        /* A result that nobody asked for cannot be: pg.h hands out results of queries only. */
        REQUIRE(s->phase != PHASE_OFFLINE && s->phase != PHASE_IDLE);
    }
}

static const struct pg_handlers PG_HANDLERS = {.up = on_up, .down = on_down, .result = on_result};

int store_open(const struct store_options *options, struct store **out) {
    struct store *s = calloc(1, sizeof *s);
    if (!s)
        return UV_ENOMEM;
    s->options = *options;
    struct pg_options pg = {.loop = options->loop,
                            .conninfo = options->conninfo,
                            .user = options->user,
                            .application_name = "liftd writer",
                            .session_sql = "SET synchronous_commit = on; SELECT telemetry.begin_session()",
                            .handlers = &PG_HANDLERS,
                            .ctx = s};
    uv_timer_init(options->loop, &s->lease_retry);
    s->lease_retry.data = s;
    int rc = pg_open(&pg, &s->pg);
    REQUIRE(rc == 0 || rc == UV_ENOMEM);
    *out = s;
    return rc;
}

bool store_is_up(const struct store *s) {
    return s->loaded && s->phase >= PHASE_IDLE;
}

bool store_is_idle(const struct store *s) {
    return s->loaded && s->phase == PHASE_IDLE && !s->batch;
}

bool store_is_committing(const struct store *s) {
    return s->batch != NULL;
}

int64_t store_epoch(const struct store *s) {
    return s->epoch;
}

int64_t store_next_number(const struct store *s) {
    return s->number + 1;
}

void store_commit(struct store *s, struct batch *batch, int truncate_generation) {
    REQUIRE(store_is_idle(s) && !batch_has_failed(batch));
    s->batch = batch;
    s->truncate_generation = truncate_generation;
    send_batch(s);
}

static void part_closed(struct store *s) {
    if (--s->closing_parts)
        return;
    while (s->questions_count)
        forget_question(s);
    probe_fini(&s->probe);
    PQclear(s->routing);
    PQclear(s->answer);
    void (*done)(void *) = s->done;
    void *ctx = s->done_ctx;
    free(s);
    if (done)
        done(ctx);
}

static void timer_closed(uv_handle_t *handle) {
    part_closed(handle->data);
}

static void pg_closed(void *ctx) {
    part_closed(ctx);
}

void store_close(struct store *s, void (*done)(void *ctx), void *ctx) {
    s->done = done;
    s->done_ctx = ctx;
    s->closing_parts = 2;
    uv_close((uv_handle_t *)&s->lease_retry, timer_closed);
    pg_close(s->pg, pg_closed, s);
}
