/* SHELL: an API request becomes one prepared call of api.handle on one of a few database connections. */
#include "gateway.h"

#include "../ingest/require.h"
#include "answer.h"
#include "body.h"
#include "log.h"
#include "metrics.h"
#include "password.h"
#include "pg.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls of api.handle that one request may take: the question, the verified password, the hashed one. */
#define ROUNDS_MAX 4
/* The client-side watchdog fires this long after statement_timeout should have, ms. */
#define WATCHDOG_EXTRA_MS 1000

enum step { STEP_WAITING, STEP_RUNNING, STEP_PASSWORD_WAITING, STEP_PASSWORD };

struct worker {
    struct gateway *gateway;
    struct pg *pg;
    struct gateway_ticket *ticket;
    uint64_t since_ns;
    bool renew; /* make the connection anew when the call is complete */
};

struct gateway_ticket {
    struct gateway_ticket *next;
    struct gateway *gateway;
    enum step step;
    bool cancelled;
    bool *gone; /* set when freed, while gateway_send still has it */
    int rounds;
    uint64_t expires_ms; /* STEP_WAITING: when to give up */
    char *method, *path, *query, *context;
    struct body body;
    bool has_session, secure;
    char session[3 + crypto_hash_sha256_BYTES * 2],
        fresh[3 + crypto_hash_sha256_BYTES * 2]; /* "\x..": bytea */
    char token[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
    int verified;                  /* -1: not asked */
    char hash[PASSWORD_HASH_SIZE]; /* to verify against, or the one just made */
    bool hashed;
    uv_work_t work;
    int work_kind; /* ANSWER_VERIFY_PASSWORD or ANSWER_HASH_PASSWORD */
    enum password_status work_status;
    struct gateway_answer answer;
    void (*answered)(void *ctx, struct gateway_answer *answer);
    void *ctx;
};

struct queue {
    struct gateway_ticket *head, **tail;
    size_t count;
};

struct gateway {
    uv_loop_t *loop;
    struct worker *workers;
    int worker_count, up_count;
    unsigned timeout_ms;
    struct queue waiting, passwords;
    size_t running, passwords_running;
    uv_timer_t expiry;
    char why[256];
    void (*changed)(void *ctx, bool up);
    void *ctx;
    bool closing;
    unsigned open_parts; /* while closing: connections, the timer, passwords under way */
    void (*done)(void *ctx);
    void *done_ctx;
};

static void dispatch(struct gateway *g);
static void enqueue(struct gateway *g, struct gateway_ticket *t);

/* --- queues and tickets --------------------------------------------------------------------------------- */

static void queue_init(struct queue *q) {
    q->head = NULL;
    q->tail = &q->head;
    q->count = 0;
}

static void queue_push(struct queue *q, struct gateway_ticket *t) {
    t->next = NULL;
    *q->tail = t;
    q->tail = &t->next;
    q->count++;
}

static struct gateway_ticket *queue_pop(struct queue *q) {
    struct gateway_ticket *t = q->head;
    if (!t)
        return NULL;
    q->head = t->next;
    if (!q->head)
        q->tail = &q->head;
    q->count--;
    return t;
}

static void queue_remove(struct queue *q, struct gateway_ticket *t) {
    struct gateway_ticket **at = &q->head;
    while (*at && *at != t)
        at = &(*at)->next;
    REQUIRE(*at);
    *at = t->next;
    if (q->tail == &t->next)
        q->tail = at;
    q->count--;
}

static void ticket_free(struct gateway_ticket *t) {
    if (t->gone)
        *t->gone = true;
    free(t->method);
    free(t->path);
    free(t->query);
    free(t->context);
    body_fini(&t->body);
    answer_fini(&t->answer);
    sodium_memzero(t->token, sizeof t->token);
    sodium_memzero(t->hash, sizeof t->hash);
    free(t);
}

/* The ticket's last moment: its answer is handed over, unless nobody waits for it any more. */
static void finish(struct gateway_ticket *t) {
    if (!t->cancelled)
        t->answered(t->ctx, &t->answer);
    ticket_free(t);
}

static void finish_problem(struct gateway_ticket *t, int status, const char *code, const char *detail,
                           const char *field) {
    if (status == 503)
        metrics_add(METRIC_GATEWAY_REFUSED, 1);
    answer_problem(&t->answer, status, code, detail, field);
    finish(t);
}

static void finish_away(struct gateway_ticket *t) {
    finish_problem(t, 503, "database_away", "The database is away. Nothing was changed; try again later.",
                   NULL);
}

/* --- passwords, on the thread pool ---------------------------------------------------------------------- */

static const char *secret_to_hash(const struct gateway_ticket *t) {
    return t->body.new_password ? t->body.new_password : t->body.password;
}

/* On a thread of the pool: touches nothing but this ticket's own texts. */
static void password_work(uv_work_t *work) {
    struct gateway_ticket *t = work->data;
    if (t->work_kind == ANSWER_VERIFY_PASSWORD) {
        t->work_status = password_verify(t->hash, t->body.password, strlen(t->body.password));
    } else {
        const char *secret = secret_to_hash(t);
        t->work_status = password_hash(secret, strlen(secret), t->hash);
    }
}

static void password_next(struct gateway *g);

static void password_judged(struct gateway_ticket *t) {
    const char *field = t->body.new_password ? "new_password" : "password";
    if (t->work_status == PASSWORD_NO_MEMORY) {
        finish_problem(t, 503, "busy", "The server has no memory to check a password just now.", NULL);
    } else if (t->work_kind == ANSWER_VERIFY_PASSWORD) {
        if (t->work_status == PASSWORD_BAD_HASH)
            log_error("a stored password hash cannot be used");
        t->verified = t->work_status == PASSWORD_OK;
        enqueue(t->gateway, t);
    } else if (t->work_status != PASSWORD_OK) {
        finish_problem(t, 422, "invalid", password_status_text(t->work_status), field);
    } else {
        t->hashed = true;
        enqueue(t->gateway, t);
    }
}

static void part_closed(struct gateway *g);

static void password_done(uv_work_t *work, int status) {
    struct gateway_ticket *t = work->data;
    struct gateway *g = t->gateway;
    (void)status; /* never cancelled */
    g->passwords_running--;
    metrics_add(METRIC_GATEWAY_PASSWORDS, 1);
    if (g->closing) {
        finish_away(t);
        part_closed(g);
        return;
    }
    if (t->cancelled)
        ticket_free(t);
    else
        password_judged(t);
    password_next(g);
}

static void password_next(struct gateway *g) {
    while (g->passwords_running < GATEWAY_PASSWORDS_AT_ONCE && g->passwords.head) {
        struct gateway_ticket *t = queue_pop(&g->passwords);
        t->step = STEP_PASSWORD;
        t->work.data = t;
        g->passwords_running++;
        REQUIRE(!uv_queue_work(g->loop, &t->work, password_work, password_done));
    }
}

/* SQL asked for a password to be verified or hashed. */
static void password_begin(struct gateway_ticket *t) {
    struct gateway *g = t->gateway;
    const char *hash = answer_find(&t->answer, "argon2id");
    t->work_kind = t->answer.status;
    bool verify = t->work_kind == ANSWER_VERIFY_PASSWORD;
    if (verify ? !t->body.password || !hash || strlen(hash) >= sizeof t->hash : !secret_to_hash(t)) {
        log_error("api.handle asked for a password that the request does not have path=%s", t->path);
        finish_problem(t, 500, "internal", "The server failed at this request; its log says why.", NULL);
        return;
    }
    if (g->passwords.count >= GATEWAY_PASSWORDS_WAITING_MAX) {
        finish_problem(t, 503, "busy", "Too many people sign in at this moment; try again in a second.",
                       NULL);
        return;
    }
    if (verify)
        memcpy(t->hash, hash, strlen(hash) + 1);
    t->step = STEP_PASSWORD_WAITING;
    queue_push(&g->passwords, t);
    password_next(g);
}

/* --- the connections ------------------------------------------------------------------------------------ */

/* The call is complete, its answer is in the ticket. */
static void call_complete(struct gateway_ticket *t) {
    int status = t->answer.status;
    if (t->cancelled)
        ticket_free(t);
    else if (status != ANSWER_VERIFY_PASSWORD && status != ANSWER_HASH_PASSWORD)
        finish(t);
    else if (t->rounds >= ROUNDS_MAX)
        finish_problem(t, 500, "internal", "The server asked itself too often about this request.", NULL);
    else
        password_begin(t);
}

static void worker_result(struct pg *pg, void *ctx, const PGresult *result) {
    struct worker *w = ctx;
    struct gateway *g = w->gateway;
    struct gateway_ticket *t = w->ticket;
    REQUIRE(t);
    if (result) {
        struct answer_cookie cookie = {.token = t->token, .secure = t->secure};
        if (PQresultStatus(result) == PGRES_TUPLES_OK)
            answer_take(&t->answer, result, &cookie);
        else
            w->renew = answer_failure(&t->answer, result);
        return;
    }
    metrics_observe(METRIC_GATEWAY_SECONDS, (double)(uv_hrtime() - w->since_ns) / 1e9);
    w->ticket = NULL;
    g->running--;
    bool renew = w->renew;
    w->renew = false;
    if (renew)
        pg_drop(pg, "the prepared call is out of date");
    call_complete(t);
    dispatch(g);
}

static void worker_up(struct pg *pg, void *ctx) {
    struct worker *w = ctx;
    struct gateway *g = w->gateway;
    (void)pg;
    if (!g->up_count++) {
        g->why[0] = 0;
        log_info("gateway connected to the database");
        if (g->changed)
            g->changed(g->ctx, true);
    }
    metrics_set(METRIC_DATABASE_WEB_UP, 1);
    dispatch(g);
}

static void all_down(struct gateway *g) {
    struct gateway_ticket *t;
    char why[300];
    log_warn("gateway lost the database why=%s", log_quote(g->why, why, sizeof why));
    metrics_set(METRIC_DATABASE_WEB_UP, 0);
    while ((t = queue_pop(&g->waiting)))
        finish_away(t);
    if (g->changed)
        g->changed(g->ctx, false);
}

static void worker_down(struct pg *pg, void *ctx, const char *why) {
    struct worker *w = ctx;
    struct gateway *g = w->gateway;
    struct gateway_ticket *t = w->ticket;
    (void)pg;
    snprintf(g->why, sizeof g->why, "%s", why);
    w->ticket = NULL;
    w->renew = false;
    if (t)
        g->running--;
    bool was_up = g->up_count > 0;
    g->up_count = 0;
    for (int i = 0; i < g->worker_count; i++)
        g->up_count += g->workers[i].pg && pg_is_up(g->workers[i].pg);
    if (was_up && !g->up_count)
        all_down(g);
    if (t)
        finish_problem(
            t, 503, "outcome_unknown",
            "The connection to the database broke during this request; whether it took effect is not "
            "known.",
            NULL);
}

static const struct pg_handlers worker_handlers = {worker_up, worker_down, worker_result, NULL};

/* What SQL may know of the secrets: NULL when it has not asked. Into out. */
static const char *secret_json(const struct gateway_ticket *t, char *out, size_t out_bytes) {
    if (t->verified < 0 && !t->hashed)
        return NULL;
    const char *verified = t->verified < 0 ? "" : t->verified ? "\"verified\":true" : "\"verified\":false";
    if (t->hashed)
        snprintf(out, out_bytes, "{%s%s\"hash\":\"%s\"}", verified, *verified ? "," : "", t->hash);
    else
        snprintf(out, out_bytes, "{%s}", verified);
    return out;
}

static void send_call(struct worker *w, struct gateway_ticket *t) {
    struct gateway *g = w->gateway;
    char secret[PASSWORD_HASH_SIZE + 64];
    const char *values[8] = {t->method,  t->path,
                             t->query,   t->body.json,
                             t->context, t->has_session ? t->session : NULL,
                             t->fresh,   secret_json(t, secret, sizeof secret)};
    t->step = STEP_RUNNING;
    t->rounds++;
    w->ticket = t;
    w->renew = false;
    w->since_ns = uv_hrtime();
    g->running++;
    /* When the connection is gone worker_down has answered. */
    pg_query_prepared(w->pg, "handle", 8, values, NULL, NULL, g->timeout_ms + WATCHDOG_EXTRA_MS);
    sodium_memzero(secret, sizeof secret);
}

static void dispatch(struct gateway *g) {
    for (int i = 0; i < g->worker_count && g->waiting.head && !g->closing; i++) {
        struct worker *w = &g->workers[i];
        if (pg_is_up(w->pg) && !pg_is_busy(w->pg) && !w->ticket)
            send_call(w, queue_pop(&g->waiting));
    }
    metrics_set(METRIC_GATEWAY_WAITING, (double)g->waiting.count);
}

static void on_expiry(uv_timer_t *timer) {
    struct gateway *g = timer->data;
    uint64_t now = uv_now(g->loop);
    while (g->waiting.head && g->waiting.head->expires_ms <= now)
        finish_problem(queue_pop(&g->waiting), 503, "busy", "The server is too busy; nothing was changed.",
                       NULL);
    if (g->waiting.head)
        uv_timer_start(timer, on_expiry, g->waiting.head->expires_ms - now, 0);
}

static void enqueue(struct gateway *g, struct gateway_ticket *t) {
    if (!g->up_count || g->closing) {
        finish_away(t);
        return;
    }
    t->step = STEP_WAITING;
    t->expires_ms = uv_now(g->loop) + GATEWAY_WAITING_MS;
    queue_push(&g->waiting, t);
    if (!uv_is_active((uv_handle_t *)&g->expiry))
        uv_timer_start(&g->expiry, on_expiry, GATEWAY_WAITING_MS, 0);
    dispatch(g);
}

/* --- sending -------------------------------------------------------------------------------------------- */

static char *context_json(const struct gateway_call *call) {
    const char *const names[] = {"remote", "user_agent", "idempotency_key", "if_none_match",
                                 "accept_language"};
    const char *const values[] = {call->remote, call->user_agent, call->idempotency_key, call->if_none_match,
                                  call->accept_language};
    json_t *root = json_object();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (values[i])
            json_object_set_new(root, names[i], json_string(values[i])); /* not UTF-8: NULL, left out */
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static void hash_token(const char *token, char out[3 + crypto_hash_sha256_BYTES * 2]) {
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)token, strlen(token));
    memcpy(out, "\\x", 2);
    sodium_bin2hex(out + 2, sizeof digest * 2 + 1, digest, sizeof digest);
}

static bool ticket_fill(struct gateway_ticket *t, const struct gateway_call *call) {
    unsigned char random[32];
    t->method = strdup(call->method);
    t->path = strdup(call->path);
    t->query = strdup(call->query);
    t->context = context_json(call);
    t->verified = -1;
    t->secure = call->secure;
    if (call->token) {
        t->has_session = true;
        hash_token(call->token, t->session);
    }
    randombytes_buf(random, sizeof random);
    sodium_bin2base64(t->token, sizeof t->token, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    hash_token(t->token, t->fresh);
    sodium_memzero(random, sizeof random);
    return t->method && t->path && t->query && t->context;
}

/* Takes the body over; false when the ticket was answered because of it. */
static bool take_body(struct gateway_ticket *t, struct gateway_call *call) {
    struct body_refusal refusal;
    if (!call->body)
        return true;
    bool ok = body_read(call->body, call->body_bytes, &t->body, &refusal);
    body_wipe(call->body);
    call->body = NULL;
    if (!ok)
        finish_problem(t, refusal.status, refusal.code, refusal.detail, refusal.field);
    return ok;
}

struct gateway_ticket *gateway_send(struct gateway *g, struct gateway_call *call,
                                    void (*answered)(void *ctx, struct gateway_answer *answer), void *ctx) {
    struct gateway_ticket *t = calloc(1, sizeof *t);
    REQUIRE(t);
    t->gateway = g;
    t->answered = answered;
    t->ctx = ctx;
    if (!take_body(t, call))
        return NULL;
    if (!ticket_fill(t, call)) {
        finish_problem(t, 503, "busy", "Out of memory.", NULL);
        return NULL;
    }
    if (!g->up_count || g->closing) {
        finish_away(t);
        return NULL;
    }
    if (g->waiting.count >= GATEWAY_WAITING_MAX) {
        finish_problem(t, 503, "busy", "The server is too busy; nothing was changed.", NULL);
        return NULL;
    }
    bool gone = false;
    t->gone = &gone;
    enqueue(g, t);
    if (gone)
        return NULL;
    t->gone = NULL;
    return t;
}

void gateway_cancel(struct gateway_ticket *t) {
    t->cancelled = true;
    if (t->step == STEP_WAITING)
        queue_remove(&t->gateway->waiting, t);
    else if (t->step == STEP_PASSWORD_WAITING)
        queue_remove(&t->gateway->passwords, t);
    else
        return;
    ticket_free(t);
}

/* --- opening and closing -------------------------------------------------------------------------------- */

/* Timeouts and formats; then the one call, whose plan is kept for the session. */
static void session_sql(unsigned timeout_ms, char *out, size_t out_bytes) {
    snprintf(out, out_bytes,
             "set statement_timeout = %u; set idle_in_transaction_session_timeout = '10s';"
             "set timezone = 'Asia/Shanghai'; set client_encoding = 'UTF8';"
             "prepare handle (text, text, jsonb, jsonb, jsonb, bytea, bytea, jsonb) as "
             "select status, headers, body from api.handle($1, $2, $3, $4, $5, $6, $7, $8)",
             timeout_ms);
}

static int open_workers(struct gateway *g, const struct gateway_options *options) {
    char sql[600];
    int status = 0;
    session_sql(options->statement_timeout_ms, sql, sizeof sql);
    for (int i = 0; !status && i < options->connections; i++) {
        struct worker *w = &g->workers[i];
        w->gateway = g;
        struct pg_options pg = {.loop = options->loop,
                                .conninfo = options->conninfo,
                                .user = options->user,
                                .application_name = "liftd gateway",
                                .session_sql = sql,
                                .handlers = &worker_handlers,
                                .ctx = w};
        status = pg_open(&pg, &w->pg);
        g->worker_count += !status;
    }
    return status;
}

int gateway_open(const struct gateway_options *options, struct gateway **out) {
    REQUIRE(options->connections > 0 && options->connections <= 32);
    if (!password_init())
        return UV_EIO;
    body_init();
    struct gateway *g = calloc(1, sizeof *g);
    struct worker *workers = calloc((size_t)options->connections, sizeof *workers);
    if (!g || !workers) {
        free(g);
        free(workers);
        return UV_ENOMEM;
    }
    g->loop = options->loop;
    g->workers = workers;
    g->timeout_ms = options->statement_timeout_ms;
    g->changed = options->changed;
    g->ctx = options->ctx;
    snprintf(g->why, sizeof g->why, "not connected yet");
    queue_init(&g->waiting);
    queue_init(&g->passwords);
    uv_timer_init(g->loop, &g->expiry);
    g->expiry.data = g;
    int status = open_workers(g, options);
    if (status)
        gateway_close(g, NULL, NULL);
    else
        *out = g;
    return status;
}

bool gateway_is_up(const struct gateway *g) {
    return g->up_count > 0;
}

const char *gateway_why(const struct gateway *g) {
    return g->up_count ? "" : g->why;
}

size_t gateway_waiting(const struct gateway *g) {
    return g->waiting.count;
}

size_t gateway_running(const struct gateway *g) {
    return g->running;
}

static void part_closed(struct gateway *g) {
    if (--g->open_parts)
        return;
    void (*done)(void *) = g->done;
    void *ctx = g->done_ctx;
    free(g->workers);
    free(g);
    if (done)
        done(ctx);
}

static void pg_closed(void *ctx) {
    part_closed(ctx);
}

static void timer_closed(uv_handle_t *handle) {
    part_closed(handle->data);
}

void gateway_close(struct gateway *g, void (*done)(void *ctx), void *ctx) {
    struct gateway_ticket *t;
    REQUIRE(!g->closing);
    g->closing = true;
    g->done = done;
    g->done_ctx = ctx;
    g->open_parts = (unsigned)g->worker_count + 1 + (unsigned)g->passwords_running;
    while ((t = queue_pop(&g->waiting)) || (t = queue_pop(&g->passwords)))
        finish_away(t);
    for (int i = 0; i < g->worker_count; i++) {
        t = g->workers[i].ticket;
        g->workers[i].ticket = NULL;
        if (t)
            finish_problem(t, 503, "outcome_unknown",
                           "The server was stopped during this request; whether it took effect is not known.",
                           NULL);
        pg_close(g->workers[i].pg, pg_closed, g);
    }
    g->up_count = 0;
    uv_close((uv_handle_t *)&g->expiry, timer_closed);
}
