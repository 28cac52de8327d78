/* SHELL: the open event streams: who may hear what, bounded queues, and the beat that shows they live. */
#include "events.h"

#include "../ingest/require.h"
#include "files.h"
#include "log.h"
#include "metrics.h"

#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Lifts of a limited scope, sorted; shared by the streams that have the same. */
struct scope {
    size_t users, count;
    int64_t ids[];
};

struct stream {
    struct stream *next, **link;
    struct events *events;
    struct MHD_Connection *connection;
    int fd;
    struct scope *scope; /* NULL: all lifts */
    char session[65];
    bool suspended; /* libmicrohttpd waits for us to resume it */
    bool ended;     /* no more events; ends when the queue is empty */
    bool cut;       /* the socket is shut */
    char *queue;    /* bytes from taken to filled wait; NULL while empty */
    size_t taken, filled, room;
    uint64_t stalled_ms; /* since when the client took nothing; 0: nothing waits, or it takes */
    uint64_t expires_ms, ended_ms;
};

struct events {
    struct stream *streams;
    size_t count, max;
    bool database, broker, recording;
    bool lifts_due, renew_due;
    char *lifts_json;
    uint64_t now_ms, beat_ms;
    void (*wake)(void *ctx);
    void *ctx;
};

struct events *events_open(unsigned streams_max, void (*wake)(void *ctx), void *ctx) {
    struct events *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->max = streams_max;
    e->wake = wake;
    e->ctx = ctx;
    return e;
}

size_t events_count(const struct events *e) {
    return e->count;
}

/* --- one stream ----------------------------------------------------------------------------------------- */

static void resume(struct stream *s) {
    if (!s->suspended)
        return;
    s->suspended = false;
    MHD_resume_connection(s->connection);
    s->events->wake(s->events->ctx);
}

/* Hard end: the client is gone or doesn't keep up. */
static void cut(struct stream *s) {
    if (s->cut)
        return;
    s->cut = s->ended = true;
    shutdown(s->fd, SHUT_RDWR);
    resume(s);
}

/* Soft end: what waits is still sent. */
static void end(struct stream *s) {
    if (s->ended)
        return;
    s->ended = true;
    s->ended_ms = s->events->now_ms;
    resume(s);
}

static void drop(struct stream *s, const char *why) {
    if (s->cut)
        return;
    log_info("event stream closed why=\"%s\"", why);
    metrics_add(METRIC_HTTP_STREAMS_DROPPED, 1);
    cut(s);
}

static bool make_room(struct stream *s, size_t bytes) {
    if (s->taken) {
        memmove(s->queue, s->queue + s->taken, s->filled - s->taken);
        s->filled -= s->taken;
        s->taken = 0;
    }
    if (s->filled + bytes <= s->room)
        return true;
    if (s->filled + bytes > EVENTS_QUEUE_MAX_BYTES)
        return false;
    size_t room = s->room ? s->room : 512;
    while (room < s->filled + bytes)
        room *= 2;
    char *queue = realloc(s->queue, room);
    if (!queue)
        return false;
    s->queue = queue;
    s->room = room;
    return true;
}

static void push(struct stream *s, const char *bytes, size_t count) {
    if (s->ended)
        return;
    if (!make_room(s, count)) {
        drop(s, "its client does not keep up");
        return;
    }
    memcpy(s->queue + s->filled, bytes, count);
    s->filled += count;
    resume(s);
}

/* One event in the stream's format. JSON has no raw line ends inside texts, so those between are blanks. */
static char *format(const char *event, const char *json, size_t *bytes) {
    size_t room = strlen(event) + strlen(json) + sizeof "event: \ndata: \n\n";
    char *text = malloc(room);
    if (!text)
        return NULL;
    int head = snprintf(text, room, "event: %s\n", event);
    *bytes = (size_t)head + (size_t)snprintf(text + head, room - (size_t)head, "data: %s\n\n", json);
    for (char *p = text + head; p < text + *bytes - 2; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    return text;
}

static void send_event(struct stream *s, const char *event, const char *json) {
    size_t bytes;
    char *text = format(event, json, &bytes);
    if (text)
        push(s, text, bytes);
    free(text);
}

static void send_status(struct stream *s) {
    const struct events *e = s->events;
    char json[120];
    snprintf(json, sizeof json, "{\"database\":\"%s\",\"broker\":\"%s\",\"recording\":%s}",
             e->database ? "up" : "away", e->broker ? "up" : "away", e->recording ? "true" : "false");
    send_event(s, "status", json);
}

/* libmicrohttpd asks for bytes. Nothing to give: the connection sleeps until push, end or cut. */
static ssize_t on_read(void *cls, uint64_t position, char *out, size_t room) {
    struct stream *s = cls;
    (void)position;
    size_t waiting = s->filled - s->taken;
    if (s->cut || (s->ended && !waiting))
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!waiting) {
        s->suspended = true;
        MHD_suspend_connection(s->connection);
        return 0;
    }
    size_t n = waiting < room ? waiting : room;
    memcpy(out, s->queue + s->taken, n);
    s->taken += n;
    s->stalled_ms = 0;
    if (s->taken == s->filled) {
        free(s->queue);
        s->queue = NULL;
        s->taken = s->filled = s->room = 0;
    }
    return (ssize_t)n;
}

static void scope_release(struct scope *scope) {
    if (scope && !--scope->users)
        free(scope);
}

static void on_free(void *cls) {
    struct stream *s = cls;
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    s->events->count--;
    scope_release(s->scope);
    free(s->queue);
    free(s);
}

/* --- opening -------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static bool scope_has(const struct scope *scope, int64_t lift_id) {
    return !scope || bsearch(&lift_id, scope->ids, scope->count, sizeof lift_id, by_id);
}

/* Another stream's scope of the same lifts instead of this one. */
static struct scope *scope_share(struct events *e, struct scope *made) {
    for (struct stream *s = e->streams; s; s = s->next) {
        if (s->scope && s->scope->count == made->count &&
            !memcmp(s->scope->ids, made->ids, made->count * sizeof *made->ids)) {
            free(made);
            s->scope->users++;
            return s->scope;
        }
    }
    return made;
}

/* Reads "lifts"; false: neither "all" nor a list of ids. */
static bool scope_read(struct events *e, const json_t *lifts, struct scope **out) {
    size_t count = json_array_size(lifts);
    *out = NULL;
    if (json_is_string(lifts))
        return !strcmp(json_string_value(lifts), "all");
    if (!json_is_array(lifts) || count > EVENTS_SCOPE_MAX)
        return false;
    struct scope *scope = malloc(sizeof *scope + count * sizeof *scope->ids);
    if (!scope)
        return false;
    scope->users = 1;
    scope->count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *id = json_array_get(lifts, i);
        if (!json_is_integer(id)) {
            free(scope);
            return false;
        }
        scope->ids[i] = json_integer_value(id);
    }
    qsort(scope->ids, count, sizeof *scope->ids, by_id);
    *out = scope_share(e, scope);
    return true;
}

static struct stream *stream_make(struct events *e, const char *scope_json) {
    json_t *root = json_loads(scope_json, 0, NULL);
    const char *session = json_string_value(json_object_get(root, "session"));
    struct stream *s = calloc(1, sizeof *s);
    if (s && scope_read(e, json_object_get(root, "lifts"), &s->scope)) {
        snprintf(s->session, sizeof s->session, "%s", session ? session : "");
    } else {
        free(s);
        s = NULL;
    }
    json_decref(root);
    return s;
}

static void stream_join(struct events *e, struct stream *s) {
    s->events = e;
    s->next = e->streams;
    s->link = &e->streams;
    if (s->next)
        s->next->link = &s->next;
    e->streams = s;
    e->count++;
}

/* libmicrohttpd doesn't look at a sleeping connection's socket; so we do. */
static bool has_left(const struct stream *s) {
    char byte;
    ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static void sweep_left(struct events *e) {
    for (struct stream *s = e->streams; s; s = s->next)
        if (s->suspended && has_left(s))
            cut(s);
}

/* Open streams of the same session. */
static size_t count_session(const struct events *e, const char *session) {
    size_t count = 0;
    for (const struct stream *s = e->streams; s; s = s->next)
        count += !s->ended && *session && !strcmp(s->session, session);
    return count;
}

static bool begin(struct stream *s, struct MHD_Response *r) {
    int size = EVENTS_SOCKET_BYTES;
    setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    char retry[40]; /* spread, so that a restart isn't met by every console at once */
    int n = snprintf(retry, sizeof retry, "retry: %u\n\n", 500 + randombytes_uniform(2000));
    push(s, retry, (size_t)n);
    send_status(s);
    /* X-Accel-Buffering: a proxy that holds events back would delay alarms. */
    return files_secure(r, false) && MHD_add_response_header(r, "Content-Type", "text/event-stream") &&
           MHD_add_response_header(r, "Cache-Control", "no-store") &&
           MHD_add_response_header(r, "X-Accel-Buffering", "no");
}

/* Joins the stream to the others and makes its response; NULL: out of memory, the stream is gone. */
static struct MHD_Response *stream_open(struct events *e, struct stream *s) {
    if (!e->count)
        e->beat_ms = e->now_ms;
    stream_join(e, s);
    s->expires_ms = e->now_ms + EVENTS_LIFE_MS + randombytes_uniform(EVENTS_LIFE_MS / 10);
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, on_read, s, on_free);
    if (!r)
        on_free(s);
    else if (!begin(s, r)) {
        MHD_destroy_response(r);
        r = NULL;
    }
    return r;
}

enum events_verdict events_stream(struct events *e, struct MHD_Connection *connection, int fd,
                                  const char *scope, uint64_t now_ms, struct MHD_Response **out) {
    e->now_ms = now_ms;
    if (e->count >= e->max) {
        sweep_left(e); /* those cut are gone after libmicrohttpd's next run */
        return EVENTS_FULL;
    }
    struct stream *s = stream_make(e, scope);
    if (!s)
        return EVENTS_NOT_UNDERSTOOD;
    s->connection = connection;
    s->fd = fd;
    if (count_session(e, s->session) >= EVENTS_PER_SESSION_MAX) {
        sweep_left(e);
        scope_release(s->scope);
        free(s);
        return EVENTS_MANY;
    }
    *out = stream_open(e, s);
    return *out ? EVENTS_OPENED : EVENTS_NOT_UNDERSTOOD;
}

/* --- publishing ----------------------------------------------------------------------------------------- */

static void publish_now(struct events *e, const char *event, const char *json, int64_t lift_id) {
    size_t bytes = 0, bare_bytes = 0;
    char bare_json[80];
    snprintf(bare_json, sizeof bare_json, "{\"topic\":\"%.40s\"}", event);
    char *text = format(event, json, &bytes), *bare = format(event, bare_json, &bare_bytes);
    for (struct stream *s = e->streams; text && bare && s; s = s->next) {
        if (lift_id ? scope_has(s->scope, lift_id) : !s->scope)
            push(s, text, bytes);
        else if (!lift_id)
            push(s, bare, bare_bytes);
    }
    free(text);
    free(bare);
}

void events_publish(struct events *e, const char *event, const char *json, int64_t lift_id) {
    if (!e->streams)
        return;
    if (strcmp(event, "lifts") || lift_id) {
        publish_now(e, event, json, lift_id);
        return;
    }
    free(e->lifts_json);
    e->lifts_json = strdup(json);
    e->lifts_due = true;
}

void events_status(struct events *e, bool database, bool broker, bool recording) {
    if (e->database == database && e->broker == broker && e->recording == recording)
        return;
    e->database = database;
    e->broker = broker;
    e->recording = recording;
    for (struct stream *s = e->streams; s; s = s->next)
        send_status(s);
}

void events_revoked(struct events *e, const char *hash_hex) {
    for (struct stream *s = e->streams; s; s = s->next)
        if (*s->session && !strcmp(s->session, hash_hex))
            end(s);
}

void events_renew(struct events *e, bool only_limited) {
    e->renew_due |= only_limited; /* an import changes the registry many times in a row */
    for (struct stream *s = e->streams; s && !only_limited; s = s->next)
        end(s);
}

void events_cut(struct events *e, bool all) {
    for (struct stream *s = e->streams; s; s = s->next)
        if (all || s->ended)
            cut(s);
}

static void watch_stall(struct stream *s) {
    uint64_t now = s->events->now_ms;
    if (s->filled == s->taken)
        s->stalled_ms = 0;
    else if (!s->stalled_ms)
        s->stalled_ms = now;
    else if (now - s->stalled_ms >= EVENTS_STALL_MS)
        drop(s, "its client takes nothing");
}

void events_tick(struct events *e, uint64_t now_ms) {
    static const char beat[] = "event: beat\ndata: {}\n\n";
    e->now_ms = now_ms;
    if (e->lifts_due)
        publish_now(e, "lifts", e->lifts_json ? e->lifts_json : "{}", 0);
    e->lifts_due = false;
    bool beats = now_ms - e->beat_ms >= EVENTS_BEAT_MS;
    if (beats) {
        e->beat_ms = now_ms;
        sweep_left(e);
    }
    for (struct stream *s = e->streams; s; s = s->next) {
        if (beats)
            push(s, beat, sizeof beat - 1);
        watch_stall(s);
        if (now_ms >= s->expires_ms || (beats && e->renew_due && s->scope))
            end(s);
        if (s->ended && now_ms - s->ended_ms >= EVENTS_BEAT_MS)
            cut(s);
    }
    e->renew_due = e->renew_due && !beats;
}

void events_close(struct events *e) {
    REQUIRE(!e->streams);
    free(e->lifts_json);
    free(e);
}
