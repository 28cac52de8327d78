/* SHELL: hears what transactions say on the channel 'liftd', on a connection of its own. */
#include "listen.h"

#include "log.h"
#include "metrics.h"
#include "pg.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct listen {
    struct listen_options options;
    struct pg *pg;
    bool heard_before; /* was listening once: after the next `up` something was missed */
    uv_timer_t ping;
    unsigned open_parts;
    void (*done)(void *ctx);
    void *done_ctx;
};

static void on_ping(uv_timer_t *timer) {
    struct listen *l = timer->data;
    if (pg_is_up(l->pg) && !pg_is_busy(l->pg))
        pg_query(l->pg, "select 1", LISTEN_PING_DEADLINE_MS);
}

static void on_up(struct pg *pg, void *ctx) {
    struct listen *l = ctx;
    (void)pg;
    bool missed = l->heard_before;
    l->heard_before = true;
    metrics_set(METRIC_DATABASE_LISTEN_UP, 1);
    uv_timer_start(&l->ping, on_ping, LISTEN_PING_MS, LISTEN_PING_MS);
    log_info("listening to the database missed=%s", missed ? "maybe" : "no");
    if (l->options.up)
        l->options.up(l->options.ctx, missed);
}

static void on_down(struct pg *pg, void *ctx, const char *why) {
    struct listen *l = ctx;
    char words[300];
    (void)pg;
    metrics_set(METRIC_DATABASE_LISTEN_UP, 0);
    uv_timer_stop(&l->ping);
    log_warn("not listening to the database why=%s", log_quote(why, words, sizeof words));
    if (l->options.down)
        l->options.down(l->options.ctx, why);
}

/* Only pings have results, and nobody needs them. */
static void on_result(struct pg *pg, void *ctx, const PGresult *result) {
    (void)pg;
    (void)ctx;
    (void)result;
}

static const char *text_of(const json_t *root, const char *name) {
    const char *text = json_string_value(json_object_get(root, name));
    return text ? text : "";
}

static void on_notify(struct pg *pg, void *ctx, const char *channel, const char *payload) {
    struct listen *l = ctx;
    (void)pg;
    (void)channel; /* there is one */
    json_t *root = json_loads(payload, JSON_REJECT_DUPLICATES, NULL);
    struct listen_event event = {.topic = text_of(root, "topic"),
                                 .json = payload,
                                 .lift_id = json_integer_value(json_object_get(root, "lift_id")),
                                 .hash = text_of(root, "hash")};
    if (*event.topic) {
        l->options.event(l->options.ctx, &event);
    } else {
        char words[200];
        log_warn("a notification without topic payload=%s", log_quote(payload, words, sizeof words));
    }
    json_decref(root);
}

static const struct pg_handlers handlers = {on_up, on_down, on_result, on_notify};

int listen_open(const struct listen_options *options, struct listen **out) {
    struct listen *l = calloc(1, sizeof *l);
    if (!l)
        return UV_ENOMEM;
    l->options = *options;
    struct pg_options pg = {.loop = options->loop,
                            .conninfo = options->conninfo,
                            .user = options->user,
                            .application_name = "liftd listen",
                            .session_sql = "set client_encoding = 'UTF8'; listen liftd",
                            .handlers = &handlers,
                            .ctx = l};
    int status = pg_open(&pg, &l->pg);
    if (status) {
        free(l);
        return status;
    }
    uv_timer_init(options->loop, &l->ping);
    l->ping.data = l;
    *out = l;
    return 0;
}

static void part_closed(struct listen *l) {
    if (--l->open_parts)
        return;
    void (*done)(void *) = l->done;
    void *ctx = l->done_ctx;
    free(l);
    if (done)
        done(ctx);
}

static void pg_closed(void *ctx) {
    part_closed(ctx);
}

static void ping_closed(uv_handle_t *handle) {
    part_closed(handle->data);
}

void listen_close(struct listen *l, void (*done)(void *ctx), void *ctx) {
    l->done = done;
    l->done_ctx = ctx;
    l->open_parts = 2;
    pg_close(l->pg, pg_closed, l);
    uv_close((uv_handle_t *)&l->ping, ping_closed);
}
