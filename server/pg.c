/* SHELL: one non-blocking libpq connection on the loop: it connects, reconnects, and hands results to its
 * owner. */
#include "pg.h"

#include "../ingest/require.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

enum pg_state { PG_WAITING, PG_CONNECTING, PG_SETTING_UP, PG_UP, PG_CLOSED };

/* One watched socket; a handle of its own because libpq may change sockets while connecting. */
struct pg_watch {
    uv_poll_t poll;
    struct pg *pg;
    int fd;
};

struct pg {
    struct pg_options options;
    enum pg_state state;
    bool busy;
    bool told_down;
    unsigned generation; /* raised at each drop, so that a loop over results notices */
    PGconn *conn;
    struct pg_watch *watch;
    int watched_events;
    uv_timer_t retry; /* PG_WAITING: when to connect; PG_CONNECTING, PG_SETTING_UP: when to give up */
    uv_timer_t deadline;
    unsigned backoff_ms;
    unsigned handles_open;
    bool copying; /* rows are being fed: nothing is read from libpq until they are out */
    size_t copy_part;
    struct pg_bytes copy[PG_COPY_PARTS];
    char why[256];
    void (*done)(void *ctx);
    void *done_ctx;
};

static void connect_now(struct pg *pg);
static void on_poll(uv_poll_t *poll, int status, int events);
static void feed(struct pg *pg);

static char *copy_text(const char *text) {
    return text && *text ? strdup(text) : NULL;
}

static void watch_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void unwatch(struct pg *pg) {
    if (!pg->watch)
        return;
    uv_poll_stop(&pg->watch->poll);
    pg->watch->pg = NULL;
    uv_close((uv_handle_t *)&pg->watch->poll, watch_closed);
    pg->watch = NULL;
}

/* Watches the connection's socket for `events`; false: out of memory or the socket is gone. */
static bool watch(struct pg *pg, int events) {
    int fd = PQsocket(pg->conn);
    if (fd < 0)
        return false;
    if (pg->watch && pg->watch->fd != fd)
        unwatch(pg);
    if (!pg->watch) {
        struct pg_watch *w = calloc(1, sizeof *w);
        if (!w)
            return false;
        if (uv_poll_init(pg->options.loop, &w->poll, fd)) {
            free(w);
            return false;
        }
        w->poll.data = w;
        w->pg = pg;
        w->fd = fd;
        pg->watch = w;
        pg->watched_events = 0;
    }
    if (pg->watched_events == events)
        return true;
    pg->watched_events = events;
    return uv_poll_start(&pg->watch->poll, events, on_poll) == 0;
}

static void remember(struct pg *pg, const char *why) {
    snprintf(pg->why, sizeof pg->why, "%s", why && *why ? why : "connection lost");
    size_t n = strlen(pg->why);
    while (n && (pg->why[n - 1] == '\n' || pg->why[n - 1] == ' '))
        pg->why[--n] = 0;
}

static void on_retry(uv_timer_t *timer) {
    struct pg *pg = timer->data;
    if (pg->state == PG_WAITING)
        connect_now(pg);
    else
        pg_drop(pg, "no answer from the database while connecting");
}

void pg_drop(struct pg *pg, const char *why) {
    if (pg->state == PG_CLOSED || pg->state == PG_WAITING)
        return;
    remember(pg, why);
    unwatch(pg);
    uv_timer_stop(&pg->deadline);
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->busy = pg->copying = false;
    pg->generation++;
    pg->state = PG_WAITING;
    pg->backoff_ms = pg->backoff_ms ? pg->backoff_ms * 2 : PG_RECONNECT_MIN_MS;
    if (pg->backoff_ms > PG_RECONNECT_MAX_MS)
        pg->backoff_ms = PG_RECONNECT_MAX_MS;
    unsigned jitter = 0;
    uv_random(NULL, NULL, &jitter, sizeof jitter, 0, NULL);
    uv_timer_start(&pg->retry, on_retry, pg->backoff_ms + jitter % (pg->backoff_ms / 4 + 1), 0);
    if (!pg->told_down) {
        pg->told_down = true;
        pg->options.handlers->down(pg, pg->options.ctx, pg->why);
    }
}

static void drop_with_libpq_words(struct pg *pg) {
    char words[sizeof pg->why];
    snprintf(words, sizeof words, "%s", PQerrorMessage(pg->conn));
    pg_drop(pg, words);
}

static void is_up(struct pg *pg) {
    uv_timer_stop(&pg->retry);
    pg->state = PG_UP;
    pg->backoff_ms = 0;
    pg->told_down = false;
    pg->why[0] = 0;
    pg->options.handlers->up(pg, pg->options.ctx);
}

static bool flush_out(struct pg *pg) {
    int rest = PQflush(pg->conn);
    if (rest < 0 || !watch(pg, rest ? UV_READABLE | UV_WRITABLE : UV_READABLE)) {
        drop_with_libpq_words(pg);
        return false;
    }
    return true;
}

static void connected(struct pg *pg) {
    if (PQsetnonblocking(pg->conn, 1)) {
        drop_with_libpq_words(pg);
        return;
    }
    pg->state = PG_SETTING_UP;
    if (!pg->options.session_sql) {
        if (watch(pg, UV_READABLE))
            is_up(pg);
        else
            pg_drop(pg, "cannot watch the database's socket");
        return;
    }
    if (!PQsendQuery(pg->conn, pg->options.session_sql)) {
        drop_with_libpq_words(pg);
        return;
    }
    pg->busy = true;
    flush_out(pg);
}

static void poll_connect(struct pg *pg) {
    /* libpq may close the socket and open another that gets the same number: watch anew after each step. */
    unwatch(pg);
    PostgresPollingStatusType status = PQconnectPoll(pg->conn);
    if (status == PGRES_POLLING_OK) {
        connected(pg);
        return;
    }
    if (status == PGRES_POLLING_FAILED) {
        drop_with_libpq_words(pg);
        return;
    }
    if (!watch(pg, status == PGRES_POLLING_READING ? UV_READABLE : UV_WRITABLE))
        pg_drop(pg, "cannot watch the database's socket");
}

/* libpq would write notices, and the server's last words, on stderr past the log. */
static void on_notice(void *ctx, const char *message) {
    char words[300];
    (void)ctx;
    log_debug("database says %s", log_quote(message, words, sizeof words));
}

static void connect_now(struct pg *pg) {
    const char *const keywords[] = {"dbname", "application_name", "user", NULL};
    const char *const values[] = {pg->options.conninfo, pg->options.application_name, pg->options.user, NULL};
    pg->conn = PQconnectStartParams(keywords, values, 1);
    REQUIRE(pg->conn);
    PQsetNoticeProcessor(pg->conn, on_notice, NULL);
    pg->state = PG_CONNECTING;
    uv_timer_start(&pg->retry, on_retry, PG_CONNECT_TIMEOUT_MS, 0);
    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        drop_with_libpq_words(pg);
        return;
    }
    if (!watch(pg, UV_WRITABLE))
        pg_drop(pg, "cannot watch the database's socket");
}

static bool is_failure(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
}

/* One result of the set-up statements, or of the owner's query. */
static void take(struct pg *pg, PGresult *result) {
    if (pg->state == PG_SETTING_UP) {
        if (result && is_failure(result)) {
            char words[sizeof pg->why];
            snprintf(words, sizeof words, "%s", PQresultErrorMessage(result));
            PQclear(result);
            pg_drop(pg, words);
            return;
        }
        PQclear(result);
        if (!result) {
            pg->busy = false;
            is_up(pg);
        }
        return;
    }
    if (!result) {
        pg->busy = false;
        uv_timer_stop(&pg->deadline);
    }
    pg->options.handlers->result(pg, pg->options.ctx, result);
    PQclear(result);
}

static void hand_notifications(struct pg *pg, unsigned generation) {
    PGnotify *n;
    while (pg->generation == generation && pg->state == PG_UP && (n = PQnotifies(pg->conn))) {
        if (pg->options.handlers->notify)
            pg->options.handlers->notify(pg, pg->options.ctx, n->relname, n->extra);
        PQfreemem(n);
    }
}

/* Hands out every result that has arrived. A handler may send the next query, drop or close meanwhile. */
static void hand_results(struct pg *pg) {
    unsigned generation = pg->generation;
    while (pg->generation == generation && pg->busy && !pg->copying && !PQisBusy(pg->conn))
        take(pg, PQgetResult(pg->conn));
    hand_notifications(pg, generation);
    if (pg->generation == generation && PQstatus(pg->conn) == CONNECTION_BAD)
        drop_with_libpq_words(pg);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    struct pg_watch *w = poll->data;
    struct pg *pg = w->pg;
    if (!pg)
        return;
    if (pg->state == PG_CONNECTING) {
        poll_connect(pg);
        return;
    }
    if (status < 0) {
        pg_drop(pg, uv_strerror(status));
        return;
    }
    if (events & UV_WRITABLE) {
        unsigned generation = pg->generation;
        if (pg->copying)
            feed(pg);
        else
            flush_out(pg);
        if (pg->generation != generation)
            return;
    }
    if ((events & UV_READABLE) && !PQconsumeInput(pg->conn)) {
        drop_with_libpq_words(pg);
        return;
    }
    /* Also when nothing is new: an error said while rows were being fed was read then and waits in libpq. */
    hand_results(pg);
}

static void on_deadline(uv_timer_t *timer) {
    pg_drop(timer->data, "the database did not answer in time");
}

int pg_open(const struct pg_options *options, struct pg **out) {
    struct pg *pg = calloc(1, sizeof *pg);
    if (!pg)
        return UV_ENOMEM;
    pg->options = *options;
    pg->options.conninfo = copy_text(options->conninfo);
    pg->options.user = copy_text(options->user);
    pg->options.application_name = strdup(options->application_name ? options->application_name : "liftd");
    pg->options.session_sql = copy_text(options->session_sql);
    uv_timer_init(options->loop, &pg->retry);
    uv_timer_init(options->loop, &pg->deadline);
    pg->retry.data = pg->deadline.data = pg;
    pg->handles_open = 2;
    pg->state = PG_WAITING;
    remember(pg, "not connected yet");
    uv_timer_start(&pg->retry, on_retry, 0, 0);
    *out = pg;
    return 0;
}

bool pg_is_up(const struct pg *pg) {
    return pg->state == PG_UP;
}

bool pg_is_busy(const struct pg *pg) {
    return pg->busy;
}

const char *pg_why(const struct pg *pg) {
    return pg->why;
}

static bool sent(struct pg *pg, int ok, unsigned deadline_ms) {
    if (!ok) {
        drop_with_libpq_words(pg);
        return false;
    }
    pg->busy = true;
    if (deadline_ms)
        uv_timer_start(&pg->deadline, on_deadline, deadline_ms, 0);
    return flush_out(pg);
}

bool pg_query(struct pg *pg, const char *sql, unsigned deadline_ms) {
    REQUIRE(pg->state == PG_UP && !pg->busy);
    return sent(pg, PQsendQuery(pg->conn, sql), deadline_ms);
}

bool pg_query_prepared(struct pg *pg, const char *name, int count, const char *const *values,
                       const int *lengths, const int *formats, unsigned deadline_ms) {
    REQUIRE(pg->state == PG_UP && !pg->busy);
    return sent(pg, PQsendQueryPrepared(pg->conn, name, count, values, lengths, formats, 0), deadline_ms);
}

bool pg_query_params(struct pg *pg, const char *sql, int count, const char *const *values, const int *lengths,
                     const int *formats, unsigned deadline_ms) {
    REQUIRE(pg->state == PG_UP && !pg->busy);
    return sent(pg, PQsendQueryParams(pg->conn, sql, count, NULL, values, lengths, formats, 0), deadline_ms);
}

/* Puts the next pieces while the socket takes them. libpq moves all it still holds after each partial write,
 * so handing it a large COPY at once would cost the square of its size. */
static void feed(struct pg *pg) {
    while (pg->copy_part < PG_COPY_PARTS) {
        struct pg_bytes *part = &pg->copy[pg->copy_part];
        int rest = PQflush(pg->conn);
        if (rest < 0 || (rest && !watch(pg, UV_READABLE | UV_WRITABLE))) {
            drop_with_libpq_words(pg);
            return;
        }
        if (rest)
            return; /* goes on when the socket is writable */
        size_t count = part->count < PG_COPY_PIECE_BYTES ? part->count : PG_COPY_PIECE_BYTES;
        if (count && PQputCopyData(pg->conn, part->bytes, (int)count) != 1) {
            drop_with_libpq_words(pg);
            return;
        }
        part->bytes = (const char *)part->bytes + count;
        part->count -= count;
        if (!part->count)
            pg->copy_part++;
    }
    pg->copying = false;
    if (PQputCopyEnd(pg->conn, NULL) != 1)
        drop_with_libpq_words(pg);
    else
        flush_out(pg);
}

void pg_copy(struct pg *pg, const struct pg_bytes parts[PG_COPY_PARTS]) {
    REQUIRE(pg->busy && !pg->copying);
    memcpy(pg->copy, parts, sizeof pg->copy);
    pg->copy_part = 0;
    pg->copying = true;
    feed(pg);
}

static void handle_closed(uv_handle_t *handle) {
    struct pg *pg = handle->data;
    if (--pg->handles_open)
        return;
    void (*done)(void *) = pg->done;
    void *ctx = pg->done_ctx;
    free((char *)pg->options.conninfo);
    free((char *)pg->options.user);
    free((char *)pg->options.application_name);
    free((char *)pg->options.session_sql);
    free(pg);
    if (done)
        done(ctx);
}

void pg_close(struct pg *pg, void (*done)(void *ctx), void *ctx) {
    REQUIRE(pg->state != PG_CLOSED);
    pg->done = done;
    pg->done_ctx = ctx;
    unwatch(pg);
    if (pg->conn)
        PQfinish(pg->conn);
    pg->conn = NULL;
    pg->busy = pg->copying = false;
    pg->generation++;
    pg->state = PG_CLOSED;
    uv_close((uv_handle_t *)&pg->retry, handle_closed);
    uv_close((uv_handle_t *)&pg->deadline, handle_closed);
}
