/* The one place where rooms meet: broker, rules, database, gateway and consoles, one turn per loop iteration.
 */
#include "pipeline.h"

#include "../ingest/publisher.h"
#include "../ingest/require.h"
#include "../ingest/subscriber.h"
#include "clock.h"
#include "gateway.h"
#include "history.h"
#include "http.h"
#include "landing.h"
#include "listen.h"
#include "log.h"
#include "metrics.h"
#include "overflow.h"
#include "provisional.h"
#include "questions.h"
#include "store.h"
#include "timetable.h"

#include <mosquitto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The loop wakes at least this often: gauges, resume answers that wait for the broker, clock steps. One
 * wake-up a second is not measurable as load. */
#define TICK_MAX_MS 1000
/* At SIGTERM what was read is committed within this time, or left unacknowledged, ms. */
#define STOP_DEADLINE_MS 10000
/* Late readings are judged one lift at a time, looked for this often, ms: nobody waits for history. */
#define HISTORY_EVERY_MS 2000
#define DAY_MS 86400000LL
/* Shanghai is eight hours ahead of UTC, without daylight saving since 1991: days of partitions are its days.
 */
#define SHANGHAI_MS (8 * 3600000LL)

struct pipeline {
    uv_loop_t loop;
    struct config config;
    const char *config_path;
    int status;
    bool loaded, stopping, closing;
    bool broker_up, database_up;
    char broker_why[160], database_why[256];
    char password[CONFIG_TEXT_BYTES], client_down[CONFIG_TEXT_BYTES + 16],
        client_overflow[CONFIG_TEXT_BYTES + 16];
    char holder[128];
    char *rules_json;

    struct store *store;
    struct subscriber *subscriber, *overflow_subscriber;
    struct publisher *publisher;
    struct gateway *gateway;
    struct http *http;
    struct listen *listen;
    struct timetable *timetable;

    struct fleet fleet;
    struct intake intake;
    struct landing landing;
    struct overflow overflow;
    struct questions questions;
    struct provisional provisional;
    struct history history;
    uint64_t history_due_ms; /* loop time */
    struct decoded *scratch;

    uv_timer_t tick, stop_deadline;
    uv_signal_t sigterm, sigint, sighup;
};

static const char *const TOPICS[] = {"lift/v1/+/+/up", "lift/v1/+/+/presence", NULL};
static const char *const OVERFLOW_TOPICS[] = {"lift/v1/+/+/up", NULL};

static void stop(struct pipeline *p, int status);
static void close_all(struct pipeline *p);
static void arm_tick(struct pipeline *p);

/* ---- what consoles are told ---- */

static bool is_recording(const struct pipeline *p) {
    return p->database_up && !landing_window_is_full(&p->landing);
}

static void tell_status(struct pipeline *p) {
    metrics_set(METRIC_BROKER_UP, p->broker_up);
    metrics_set(METRIC_DATABASE_UP, p->database_up);
    if (p->http)
        http_status(p->http, p->database_up, p->broker_up, is_recording(p));
}

static bool is_ready(void *ctx, char *sentence, size_t bytes) {
    struct pipeline *p = ctx;
    const char *what = NULL, *why = "";
    if (p->stopping)
        what = "stopping";
    else if (!p->database_up)
        what = "the database is away: ", why = p->database_why;
    else if (!p->loaded)
        what = "the state of the lifts is being loaded";
    else if (!p->broker_up)
        what = "the broker is away: ", why = p->broker_why;
    if (what)
        snprintf(sentence, bytes, "%s%s", what, why);
    return what == NULL;
}

static void publish_provisional(void *ctx, int64_t lift_id, const char *json) {
    struct pipeline *p = ctx;
    if (p->http)
        http_publish(p->http, "provisional", json, lift_id);
}

/* ---- intake ---- */

static void fail_if_out_of_memory(struct pipeline *p) {
    if (!p->intake.failed || p->closing)
        return;
    log_error("out of memory: ending, nothing uncommitted was acknowledged");
    p->status = 1;
    close_all(p);
}

static void on_transition(void *ctx, int64_t lift_id, const struct transition *t) {
    struct pipeline *p = ctx;
    metrics_add(t->kind == TRANSITION_RAISE ? METRIC_ALARMS_RAISED : METRIC_ALARMS_CLEARED, 1);
    if (t->kind == TRANSITION_RAISE && t->priority <= OVERFLOW_PRIORITY)
        provisional_raised(&p->provisional, lift_id, t, p->intake.serial, p->database_up);
}

static void on_online(void *ctx, struct device *device) {
    struct pipeline *p = ctx;
    fleet_want_resume(&p->fleet, device);
}

static void turn(struct pipeline *p) {
    if (p->closing)
        return;
    landing_turn(&p->landing, clock_ms());
    fail_if_out_of_memory(p);
    if (p->stopping && !p->closing && landing_is_done(&p->landing))
        close_all(p);
}

static void on_message(void *ctx, const char *topic, const void *payload, size_t bytes) {
    struct pipeline *p = ctx;
    int64_t now_ms = clock_ms();
    struct intake_result result = intake_message(&p->intake, topic, payload, bytes, now_ms, now_ms, 0);
    landing_message(&p->landing);
    metrics_add(METRIC_INGEST_MESSAGES, 1);
    metrics_add(METRIC_INGEST_BYTES, bytes);
    metrics_add(METRIC_INGEST_LIVE, result.live);
    metrics_add(METRIC_INGEST_REFUSALS, result.outcome == INTAKE_REFUSED);
}

static void mind_overflow(struct pipeline *p);

static void on_dry(void *ctx) {
    struct pipeline *p = ctx;
    turn(p);
    mind_overflow(p);
    questions_resume(&p->questions);
    arm_tick(p);
}

static void on_broker_state(void *ctx, bool connected, const char *why) {
    struct pipeline *p = ctx;
    char quoted[160];
    snprintf(p->broker_why, sizeof p->broker_why, "%s", why);
    if (connected != p->broker_up || !connected)
        log_info("broker connected=%d why=%s", connected, log_quote(why, quoted, sizeof quoted));
    if (connected != p->broker_up)
        intake_listening(&p->intake, connected, clock_ms());
    p->broker_up = connected;
    tell_status(p);
    arm_tick(p);
}

static const struct subscriber_handlers SUBSCRIBER = {on_message, on_dry, on_broker_state};

/* ---- the second reading, past the window ---- */

static void on_overflow_message(void *ctx, const char *topic, const void *payload, size_t bytes) {
    struct pipeline *p = ctx;
    overflow_message(&p->overflow, topic, payload, bytes, clock_ms());
}

static void on_overflow_dry(void *ctx) {
    (void)ctx;
}

static void on_overflow_state(void *ctx, bool connected, const char *why) {
    (void)ctx;
    char quoted[160];
    log_info("second reading connected=%d why=%s", connected, log_quote(why, quoted, sizeof quoted));
}

static const struct subscriber_handlers OVERFLOW = {on_overflow_message, on_overflow_dry, on_overflow_state};

static void on_overflow_raised(void *ctx, int64_t lift_id, const struct transition *t) {
    struct pipeline *p = ctx;
    provisional_raised(&p->provisional, lift_id, t, UINT64_MAX, false);
}

static int open_subscriber(struct pipeline *p, bool overflow, struct subscriber **out) {
    const struct config_broker *b = &p->config.broker;
    struct subscriber_options options = {.loop = &p->loop,
                                         .host = b->host,
                                         .port = b->port,
                                         .username = b->username,
                                         .password = p->password,
                                         .client_id = overflow ? p->client_overflow : b->client_id,
                                         .hold_acks = !overflow,
                                         .tcp_keepalive_s = b->tcp_keepalive_s,
                                         .reconnect_min_ms = (unsigned)b->reconnect_min_ms,
                                         .reconnect_max_ms = (unsigned)b->reconnect_max_ms,
                                         .topics = overflow ? OVERFLOW_TOPICS : TOPICS,
                                         .handlers = overflow ? &OVERFLOW : &SUBSCRIBER,
                                         .ctx = p};
    return subscriber_open(&options, out);
}

/* Opens the second reading when the window fills and the database is away, and ends it when it is back. It
 * opens at half of the window: what arrives between the first reading's end and the second one's subscription
 * would be seen by neither. What both see is told once, by the alarm's identity. */
static void mind_overflow(struct pipeline *p) {
    bool wanted = p->loaded && !p->stopping && landing_window_is_half_full(&p->landing) && !p->database_up;
    if (wanted && !p->overflow_subscriber) {
        log_warn(
            "window half full while the database is away messages=%zu: people trapped are still looked for "
            "when it is full",
            landing_window(&p->landing));
        if (open_subscriber(p, true, &p->overflow_subscriber))
            p->overflow_subscriber = NULL;
        tell_status(p);
    } else if (!wanted && p->overflow_subscriber) {
        subscriber_close(p->overflow_subscriber, NULL, NULL);
        p->overflow_subscriber = NULL;
        overflow_clear(&p->overflow);
        tell_status(p);
    }
}

/* ---- landing ---- */

static void on_read(void *ctx, bool on) {
    struct pipeline *p = ctx;
    if (p->subscriber)
        subscriber_pause(p->subscriber, !on);
}

static void on_release(void *ctx) {
    struct pipeline *p = ctx;
    if (p->subscriber)
        subscriber_release(p->subscriber);
}

static void on_landed(void *ctx, uint64_t serial, const struct store_counts *counts, double commit_seconds,
                      double oldest_seconds) {
    struct pipeline *p = ctx;
    metrics_add(METRIC_INGEST_COMMITS, 1);
    metrics_add(METRIC_INGEST_LATE, counts->late_landed);
    metrics_add(METRIC_INGEST_DUPLICATE, counts->late_duplicate);
    metrics_add(METRIC_INGEST_REFUSALS, counts->rows_refused);
    metrics_observe(METRIC_INGEST_COMMIT_SECONDS, commit_seconds);
    metrics_observe(METRIC_INGEST_LATENCY_SECONDS, oldest_seconds);
    provisional_landed(&p->provisional, serial);
    questions_landed(&p->questions, serial);
}

static void on_slow(void *ctx) {
    struct pipeline *p = ctx;
    provisional_publish(&p->provisional);
}

static const struct landing_handlers LANDING = {on_read, on_release, on_landed, on_slow};

/* ---- store ---- */

static void set_days(struct pipeline *p, int32_t first_day, int32_t last_day) {
    p->intake.first_day_ms = first_day * DAY_MS - SHANGHAI_MS;
    p->intake.end_day_ms = (last_day + 1) * DAY_MS - SHANGHAI_MS;
}

static void on_loaded(void *ctx, const PGresult *routing, const PGresult *states, int32_t first_day,
                      int32_t last_day) {
    struct pipeline *p = ctx;
    set_days(p, first_day, last_day);
    if (!questions_take_routing(&p->questions, routing))
        p->intake.failed = true;
    questions_take_states(&p->questions, states);
    intake_listening(&p->intake, false, clock_ms());
    landing_begin(&p->landing, (int)(store_epoch(p->store) & 1));
    p->loaded = true;
    log_info("loaded lifts=%zu states=%d", p->fleet.units_count, PQntuples(states));
    const struct config_broker *b = &p->config.broker;
    p->publisher = publisher_open(b->host, b->port, b->username, p->password, p->client_down,
                                  (unsigned)b->reconnect_min_ms, (unsigned)b->reconnect_max_ms);
    p->questions.publisher = p->publisher;
    if (!p->publisher || open_subscriber(p, false, &p->subscriber)) {
        p->intake.failed = true;
        return;
    }
    subscriber_pause(p->subscriber, true); /* until landing_turn says otherwise */
    questions_relanding(&p->questions);
}

static void on_committed(void *ctx, const struct store_counts *counts) {
    struct pipeline *p = ctx;
    landing_committed(&p->landing, counts);
}

static void on_idle(void *ctx) {
    struct pipeline *p = ctx;
    turn(p);
    mind_overflow(p);
    questions_resume(&p->questions);
    arm_tick(p);
}

static void on_store_state(void *ctx, bool up, const char *why) {
    struct pipeline *p = ctx;
    char quoted[256];
    snprintf(p->database_why, sizeof p->database_why, "%s", why);
    log_info("database connected=%d why=%s", up, log_quote(why, quoted, sizeof quoted));
    p->database_up = up;
    if (!up) {
        metrics_add(METRIC_INGEST_COMMIT_FAILURES, store_is_committing(p->store));
        provisional_publish(&p->provisional);
        turn(p); /* reading goes on within the window */
    }
    tell_status(p);
}

static void on_fenced(void *ctx, const char *why) {
    struct pipeline *p = ctx;
    log_error("ending without acknowledging: %s", why);
    p->status = 1;
    close_all(p);
}

static const struct store_handlers STORE = {on_loaded, on_committed, on_idle, on_store_state, on_fenced};

/* ---- time ---- */

static void on_tick(uv_timer_t *timer) {
    struct pipeline *p = timer->data;
    int64_t now_ms = clock_ms();
    uint32_t unit;
    while (p->loaded && deadlines_pop(&p->fleet.deadlines, now_ms, &unit))
        intake_tick(&p->intake, unit, now_ms);
    overflow_tick(&p->overflow, now_ms);
    mind_overflow(p);
    metrics_set(METRIC_INGEST_WINDOW, (double)landing_window(&p->landing));
    metrics_set(METRIC_INGEST_LIFTS, (double)p->fleet.units_count);
    turn(p);
    if (p->closing)
        return;
    questions_resume(&p->questions);
    if (uv_now(&p->loop) >= p->history_due_ms) {
        p->history_due_ms = uv_now(&p->loop) + HISTORY_EVERY_MS;
        history_turn(&p->history, p->store, p->intake.rules);
    }
    arm_tick(p);
}

static void arm_tick(struct pipeline *p) {
    if (p->closing)
        return;
    int64_t now_ms = clock_ms();
    int64_t wait_ms = deadlines_next_ms(&p->fleet.deadlines);
    wait_ms = wait_ms > now_ms + TICK_MAX_MS ? TICK_MAX_MS : wait_ms > now_ms ? wait_ms - now_ms : 1;
    uint64_t due_in = uv_is_active((uv_handle_t *)&p->tick) ? uv_timer_get_due_in(&p->tick) : UINT64_MAX;
    if ((uint64_t)wait_ms < due_in)
        uv_timer_start(&p->tick, on_tick, (uint64_t)wait_ms, 0);
}

static void on_partitions(void *ctx, int32_t first_day, int32_t last_day) {
    set_days(ctx, first_day, last_day);
}

/* ---- what transactions say ---- */

static void on_event(void *ctx, const struct listen_event *event) {
    struct pipeline *p = ctx;
    if (!strcmp(event->topic, "session")) {
        http_session_revoked(p->http, event->hash);
        return;
    }
    if (!strcmp(event->topic, "help")) {
        if (!questions_help(&p->questions, event->lift_id))
            log_warn("the car could not be told that help is coming lift=%lld", (long long)event->lift_id);
        return;
    }
    if (!strcmp(event->topic, "registry")) {
        if (p->loaded)
            questions_routing(&p->questions);
        http_streams_renew(p->http, true);
    } else if (!strcmp(event->topic, "land")) {
        if (p->loaded)
            questions_relanding(&p->questions);
        return;
    }
    http_publish(p->http, event->topic, event->json, event->lift_id);
}

static void on_listening(void *ctx, bool missed) {
    struct pipeline *p = ctx;
    metrics_set(METRIC_DATABASE_LISTEN_UP, 1);
    if (!missed)
        return;
    http_streams_renew(p->http, false);
    if (p->loaded) {
        questions_routing(&p->questions);
        questions_relanding(&p->questions);
    }
}

static void on_listen_down(void *ctx, const char *why) {
    (void)ctx;
    (void)why;
    metrics_set(METRIC_DATABASE_LISTEN_UP, 0);
}

static void on_gateway(void *ctx, bool up) {
    (void)ctx;
    metrics_set(METRIC_DATABASE_WEB_UP, up);
}

static void on_changed(void *ctx) {
    /* The store says `idle` after each answer; the turn follows there. */
    arm_tick(ctx);
}

/* ---- settings ---- */

static void apply_settings(struct pipeline *p) {
    const struct config *c = &p->config;
    struct rules_settings settings = {.silent_after_ms = c->alerts.silent_after_s * 1000LL,
                                      .trapped_hold_ms = c->alerts.trapped_hold_s * 1000LL};
    log_set_level(c->log.level);
    p->intake.rules = rules_default(&settings);
    p->intake.clock_ahead_max_ms = c->ingest.clock_ahead_max_s * 1000LL;
    p->intake.retention_ms = c->ingest.retention_days * DAY_MS;
    p->landing.batch_max_messages = (size_t)c->ingest.batch_max_messages;
    p->landing.window_max_messages = (size_t)c->ingest.window_max_messages;
    p->landing.slow_ms = (unsigned)c->ingest.commit_slow_ms;
}

static void on_sighup(uv_signal_t *handle, int number) {
    (void)number;
    struct pipeline *p = handle->data;
    static struct config_errors errors;
    struct config_changes changes;
    if (!config_reload(&p->config, p->config_path, &changes, &errors)) {
        config_errors_print(&errors, stderr);
        log_error("settings not reloaded, the old ones stay in force errors=%zu", errors.count);
        return;
    }
    apply_settings(p);
    intake_rearm(&p->intake);
    http_set_public_metrics(p->http, p->config.http.public_metrics);
    for (size_t i = 0; i < changes.applied_count; i++)
        log_info("setting changed key=%s", changes.applied[i]);
    for (size_t i = 0; i < changes.waiting_count; i++)
        log_warn("setting needs a restart key=%s", changes.waiting[i]);
    log_info("settings reloaded");
    arm_tick(p);
}

/* ---- the end ---- */

static void on_stop_deadline(uv_timer_t *timer) {
    struct pipeline *p = timer->data;
    log_warn("not everything could be committed in time: it stays unacknowledged messages=%zu",
             landing_window(&p->landing));
    close_all(p);
}

static void stop(struct pipeline *p, int status) {
    if (p->stopping)
        return;
    p->stopping = true;
    p->status = status;
    landing_stop(&p->landing);
    uv_timer_start(&p->stop_deadline, on_stop_deadline, STOP_DEADLINE_MS, 0);
    if (p->loaded)
        turn(p);
    else
        close_all(p);
}

static void on_signal(uv_signal_t *handle, int number) {
    struct pipeline *p = handle->data;
    log_info("signal %s: committing what was read", number == SIGTERM ? "SIGTERM" : "SIGINT");
    stop(p, 0);
}

static void close_handle(void *handle) {
    uv_close(handle, NULL);
}

static void http_closed(void *ctx) {
    struct pipeline *p = ctx;
    gateway_close(p->gateway, NULL, NULL);
}

static void close_all(struct pipeline *p) {
    if (p->closing)
        return;
    p->closing = p->stopping = true;
    if (p->http)
        http_close(p->http, http_closed, p);
    else if (p->gateway)
        gateway_close(p->gateway, NULL, NULL);
    p->http = NULL;
    if (p->listen)
        listen_close(p->listen, NULL, NULL);
    if (p->timetable)
        timetable_close(p->timetable, NULL, NULL);
    if (p->overflow_subscriber)
        subscriber_close(p->overflow_subscriber, NULL, NULL);
    if (p->subscriber)
        subscriber_close(p->subscriber, NULL, NULL);
    p->subscriber = p->overflow_subscriber = NULL;
    if (p->store)
        store_close(p->store, NULL, NULL);
    close_handle(&p->tick);
    close_handle(&p->stop_deadline);
    close_handle(&p->landing.slow_timer);
    close_handle(&p->sigterm);
    close_handle(&p->sigint);
    close_handle(&p->sighup);
}

/* ---- the beginning ---- */

static void open_handles(struct pipeline *p) {
    uv_timer_init(&p->loop, &p->tick);
    uv_timer_init(&p->loop, &p->stop_deadline);
    uv_signal_init(&p->loop, &p->sigterm);
    uv_signal_init(&p->loop, &p->sigint);
    uv_signal_init(&p->loop, &p->sighup);
    p->tick.data = p->stop_deadline.data = p->sigterm.data = p->sigint.data = p->sighup.data = p;
    uv_signal_start(&p->sigterm, on_signal, SIGTERM);
    uv_signal_start(&p->sigint, on_signal, SIGINT);
    uv_signal_start(&p->sighup, on_sighup, SIGHUP);
}

static bool open_gateway_and_http(struct pipeline *p) {
    const struct config *c = &p->config;
    char why[256];
    struct gateway_options gateway = {.loop = &p->loop,
                                      .conninfo = c->database.conninfo,
                                      .user = c->database.web_user,
                                      .connections = c->database.web_connections,
                                      .statement_timeout_ms = (unsigned)c->database.statement_timeout_ms,
                                      .changed = on_gateway,
                                      .ctx = p};
    if (gateway_open(&gateway, &p->gateway))
        return false;
    struct http_options http = {.loop = &p->loop,
                                .address = c->http.address,
                                .port = c->http.port,
                                .console_dir = c->http.console_dir,
                                .body_max_bytes = (size_t)c->http.body_max_bytes,
                                .connections_max = (unsigned)c->http.connections_max,
                                .streams_max = (unsigned)c->http.streams_max,
                                .request_deadline_s = (unsigned)c->http.request_deadline_s,
                                .public_metrics = c->http.public_metrics,
                                .behind_proxy = c->http.behind_proxy,
                                .gateway = p->gateway,
                                .ready = is_ready,
                                .ctx = p};
    if (http_open(&http, &p->http, why, sizeof why)) {
        log_error("cannot serve HTTP: %s", why);
        return false;
    }
    return true;
}

static bool open_database(struct pipeline *p) {
    const struct config *c = &p->config;
    struct store_options store = {.loop = &p->loop,
                                  .conninfo = c->database.conninfo,
                                  .user = c->database.ingest_user,
                                  .holder = p->holder,
                                  .rules_json = p->rules_json,
                                  .retention_days = c->ingest.retention_days,
                                  .partitions_ahead_days = c->ingest.partitions_ahead_days,
                                  .handlers = &STORE,
                                  .ctx = p};
    struct listen_options listen = {.loop = &p->loop,
                                    .conninfo = c->database.conninfo,
                                    .user = c->database.web_user,
                                    .event = on_event,
                                    .up = on_listening,
                                    .down = on_listen_down,
                                    .ctx = p};
    struct timetable_options timetable = {
        .loop = &p->loop, .config = &p->config, .partitions = on_partitions, .ctx = p};
    return store_open(&store, &p->store) == 0 && listen_open(&listen, &p->listen) == 0 &&
           timetable_open(&timetable, &p->timetable) == 0;
}

static bool prepare(struct pipeline *p) {
    char host[64] = "";
    size_t json_bytes;
    gethostname(host, sizeof host - 1);
    snprintf(p->holder, sizeof p->holder, "%s pid %d", host, (int)getpid());
    snprintf(p->client_down, sizeof p->client_down, "%s-down", p->config.broker.client_id);
    snprintf(p->client_overflow, sizeof p->client_overflow, "%s-overflow", p->config.broker.client_id);
    apply_settings(p);
    json_bytes = rules_json(p->intake.rules, NULL, 0) + 1;
    p->rules_json = malloc(json_bytes);
    p->scratch = malloc(sizeof *p->scratch);
    if (!p->rules_json || !p->scratch)
        return false;
    rules_json(p->intake.rules, p->rules_json, json_bytes);
    p->intake.scratch = p->scratch;
    return true;
}

static void join_rooms(struct pipeline *p) {
    fleet_init(&p->fleet);
    p->intake =
        (struct intake){.fleet = &p->fleet, .transition = on_transition, .online = on_online, .ctx = p};
    landing_init(&p->landing, &p->loop);
    p->landing.intake = &p->intake;
    p->landing.handlers = &LANDING;
    p->landing.ctx = p;
    p->overflow = (struct overflow){.intake = &p->intake, .raised = on_overflow_raised, .ctx = p};
    questions_init(&p->questions, clock_ms());
    p->questions.intake = &p->intake;
    p->questions.changed = on_changed;
    p->questions.ctx = p;
    provisional_init(&p->provisional, publish_provisional, p);
}

static void free_rooms(struct pipeline *p) {
    if (p->publisher)
        publisher_close(p->publisher);
    overflow_clear(&p->overflow);
    provisional_fini(&p->provisional);
    landing_fini(&p->landing);
    free(p->intake.touched);
    fleet_fini(&p->fleet);
    free(p->rules_json);
    free(p->scratch);
}

static bool start(struct pipeline *p) {
    const char *path = p->config.broker.password_file;
    if (*path && !config_password(path, p->password, sizeof p->password)) {
        log_error("cannot read the broker's password from broker.password_file");
        return false;
    }
    if (!prepare(p) || !open_gateway_and_http(p) || !open_database(p))
        return false;
    p->landing.store = p->store;
    p->questions.store = p->store;
    tell_status(p);
    arm_tick(p);
    return true;
}

int pipeline_serve(const struct config *config, const char *config_path) {
    static struct pipeline pipeline;
    struct pipeline *p = &pipeline;
    *p = (struct pipeline){.config = *config, .config_path = config_path};
    snprintf(p->database_why, sizeof p->database_why, "not connected yet");
    snprintf(p->broker_why, sizeof p->broker_why, "not connected yet");
    if (uv_loop_init(&p->loop) || mosquitto_lib_init())
        return 1;
    join_rooms(p);
    open_handles(p);
    if (start(p)) {
        log_info("serving address=%s port=%d", p->config.http.address, http_port(p->http));
    } else {
        p->status = 1;
        close_all(p);
    }
    uv_run(&p->loop, UV_RUN_DEFAULT);
    free_rooms(p);
    uv_library_shutdown();
    REQUIRE(uv_loop_close(&p->loop) == 0);
    mosquitto_lib_cleanup();
    log_info("ended status=%d", p->status);
    return p->status;
}
