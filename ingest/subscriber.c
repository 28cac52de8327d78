/* SHELL: one MQTT subscription on the loop, whose acknowledgements leave only when its owner says so. */
#include "subscriber.h"

#include "require.h"

#include <errno.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* TCP probes after the idle time: one every 5 s, three unanswered end the connection. */
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_COUNT 3
/* No CONNACK within this time: start over, ms. */
#define CONNACK_TIMEOUT_MS 10000

struct subscriber_watch {
    uv_poll_t poll;
    struct subscriber *subscriber;
};

/* How acknowledgements are held: with mosquitto_threaded_set(true) and no thread of its own, libmosquitto
 * only queues what it has to send, and mosquitto_loop_write() alone writes it. So nothing here may call that
 * function except to send CONNECT and SUBSCRIBE (when no acknowledgement of this connection can be queued
 * yet) and in subscriber_release. */
struct subscriber {
    struct subscriber_options options;
    struct mosquitto *mosq;
    struct subscriber_watch *watch;
    uv_timer_t retry; /* until when to wait before the next attempt, or for a CONNACK */
    uv_work_t connecting;
    int connect_result;
    int refusal;        /* what the last CONNACK said; 0: nothing wrong */
    bool is_connecting; /* the thread pool has the client: don't touch it */
    bool linked;        /* a socket is open */
    bool connected;     /* CONNACK came and SUBSCRIBE was sent */
    bool paused;
    bool releasing; /* acknowledgements are still leaving: nothing may be read until they have left, since the
                       acknowledgement of what is read would leave with them */
    bool closing;
    unsigned backoff_ms;
    unsigned turn_messages;
    void (*done)(void *ctx);
    void *done_ctx;
};

static void attempt(struct subscriber *s);
static void on_readable(uv_poll_t *poll, int status, int events);
static void finish_close(struct subscriber *s);

static void watch_closed(uv_handle_t *handle) {
    free(handle->data);
}

static void unwatch(struct subscriber *s) {
    if (!s->watch)
        return;
    uv_poll_stop(&s->watch->poll);
    s->watch->subscriber = NULL;
    uv_close((uv_handle_t *)&s->watch->poll, watch_closed);
    s->watch = NULL;
}

static bool watch(struct subscriber *s) {
    if (!s->watch) {
        struct subscriber_watch *w = calloc(1, sizeof *w);
        if (!w || uv_poll_init(s->options.loop, &w->poll, mosquitto_socket(s->mosq))) {
            free(w);
            return false;
        }
        w->poll.data = w;
        w->subscriber = s;
        s->watch = w;
    }
    /* CONNACK is read even when paused. */
    int events = s->releasing ? UV_WRITABLE : s->paused && s->connected ? 0 : UV_READABLE;
    return (events ? uv_poll_start(&s->watch->poll, events, on_readable) : uv_poll_stop(&s->watch->poll)) ==
           0;
}

static void on_retry(uv_timer_t *timer);

/* The connection is gone, or an attempt failed: say so and try again later. */
static void lost(struct subscriber *s, const char *why) {
    if (s->closing)
        return;
    unwatch(s);
    /* No mosquitto_disconnect: it would let queued acknowledgements out. The next mosquitto_connect closes
     * the old socket and drops what was queued; the broker sends unacknowledged messages again. */
    s->linked = s->connected = s->releasing = false;
    s->backoff_ms = s->backoff_ms ? s->backoff_ms * 2 : s->options.reconnect_min_ms;
    if (s->backoff_ms > s->options.reconnect_max_ms)
        s->backoff_ms = s->options.reconnect_max_ms;
    unsigned jitter = 0;
    uv_random(NULL, NULL, &jitter, sizeof jitter, 0, NULL);
    uv_timer_start(&s->retry, on_retry, s->backoff_ms + jitter % (s->backoff_ms / 4 + 1), 0);
    s->options.handlers->state(s->options.ctx, false, why);
}

static void on_retry(uv_timer_t *timer) {
    struct subscriber *s = timer->data;
    if (s->linked)
        lost(s, "the broker did not answer CONNECT");
    else
        attempt(s);
}

/* On the thread pool: resolves, connects, queues CONNECT. */
static void connect_work(uv_work_t *work) {
    struct subscriber *s = work->data;
    s->connect_result = mosquitto_connect(s->mosq, s->options.host, s->options.port, 0);
    if (s->connect_result == MOSQ_ERR_ERRNO)
        s->connect_result = -errno;
}

static void set_socket_options(struct subscriber *s) {
    int fd = mosquitto_socket(s->mosq), on = 1, idle = s->options.tcp_keepalive_s;
    int interval = KEEPALIVE_INTERVAL_S, count = KEEPALIVE_COUNT;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

static void connect_done(uv_work_t *work, int status) {
    struct subscriber *s = work->data;
    s->is_connecting = false;
    if (s->closing) {
        finish_close(s);
        return;
    }
    int rc = s->connect_result;
    if (status || rc) {
        lost(s, status ? uv_strerror(status) : rc < 0 ? strerror(-rc) : mosquitto_strerror(rc));
        return;
    }
    s->linked = true;
    s->refusal = 0;
    set_socket_options(s);
    uv_timer_start(&s->retry, on_retry, CONNACK_TIMEOUT_MS, 0);
    if (mosquitto_loop_write(s->mosq, 1) || !watch(s))
        lost(s, "the broker closed the connection");
}

static void attempt(struct subscriber *s) {
    s->is_connecting = true;
    s->connecting.data = s;
    if (uv_queue_work(s->options.loop, &s->connecting, connect_work, connect_done)) {
        s->is_connecting = false;
        lost(s, "out of memory");
    }
}

/* CONNACK. Sessions can be lost at the broker, so it subscribes at every one. */
static void on_connack(struct mosquitto *mosq, void *ctx, int code) {
    struct subscriber *s = ctx;
    s->refusal = code;
    if (code) /* mosquitto_loop_read reports the refusal too, in fewer words */
        return;
    for (const char *const *topic = s->options.topics; *topic; topic++)
        mosquitto_subscribe(mosq, NULL, *topic, s->options.hold_acks ? 1 : 0);
    mosquitto_loop_write(mosq, 1);
    s->connected = true;
    s->backoff_ms = 0;
    uv_timer_stop(&s->retry);
    s->options.handlers->state(s->options.ctx, true, "");
}

static void on_message(struct mosquitto *mosq, void *ctx, const struct mosquitto_message *message) {
    (void)mosq;
    struct subscriber *s = ctx;
    s->turn_messages++;
    s->options.handlers->message(s->options.ctx, message->topic, message->payload,
                                 (size_t)message->payloadlen);
}

/* Writes what is queued; what the socket does not take yet goes on when it can. */
static void write_out(struct subscriber *s) {
    int rc = mosquitto_loop_write(s->mosq, 1);
    if (rc) {
        lost(s, mosquitto_strerror(rc));
        return;
    }
    bool was_releasing = s->releasing;
    s->releasing = mosquitto_want_write(s->mosq);
    if (s->releasing != was_releasing && !watch(s))
        lost(s, "cannot watch the broker's socket");
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    struct subscriber *s = ((struct subscriber_watch *)poll->data)->subscriber;
    (void)events;
    if (!s)
        return;
    if (status < 0) {
        lost(s, uv_strerror(status));
        return;
    }
    if (s->releasing) {
        write_out(s);
        return;
    }
    s->turn_messages = 0;
    while ((!s->paused || !s->connected) && s->turn_messages < SUBSCRIBER_TURN_MESSAGES) {
        unsigned before = s->turn_messages;
        errno = 0;
        int rc = mosquitto_loop_read(s->mosq, 1); /* one packet a call */
        bool would_block = errno == EAGAIN || errno == EWOULDBLOCK;
        if (s->closing)
            return;
        if (rc) {
            lost(s, s->refusal ? mosquitto_connack_string(s->refusal) : mosquitto_strerror(rc));
            break;
        }
        /* EAGAIN may also come from libmosquitto's wake-up pipe when it queued an acknowledgement: then there
         * was a message, and the socket may hold more. */
        if (would_block && s->turn_messages == before)
            break;
    }
    if (!s->options.hold_acks && s->connected)
        mosquitto_loop_write(s->mosq, 1);
    if (s->watch && s->paused && !watch(s)) /* CONNACK came while paused */
        lost(s, "cannot watch the broker's socket");
    s->options.handlers->dry(s->options.ctx);
}

static bool set_up_client(struct subscriber *s) {
    const struct subscriber_options *o = &s->options;
    s->mosq = mosquitto_new(o->client_id, !o->hold_acks, s);
    if (!s->mosq)
        return false;
    mosquitto_threaded_set(s->mosq, true);
    mosquitto_connect_callback_set(s->mosq, on_connack);
    mosquitto_message_callback_set(s->mosq, on_message);
    mosquitto_int_option(s->mosq, MOSQ_OPT_TCP_NODELAY, 1);
    return !o->username || !*o->username ||
           mosquitto_username_pw_set(s->mosq, o->username, o->password) == MOSQ_ERR_SUCCESS;
}

int subscriber_open(const struct subscriber_options *options, struct subscriber **out) {
    struct subscriber *s = calloc(1, sizeof *s);
    if (!s)
        return UV_ENOMEM;
    s->options = *options;
    if (!set_up_client(s)) {
        mosquitto_destroy(s->mosq);
        free(s);
        return UV_ENOMEM;
    }
    uv_timer_init(options->loop, &s->retry);
    s->retry.data = s;
    attempt(s);
    *out = s;
    return 0;
}

void subscriber_pause(struct subscriber *s, bool paused) {
    if (s->paused == paused)
        return;
    s->paused = paused;
    if (s->watch && !watch(s))
        lost(s, "cannot watch the broker's socket");
}

void subscriber_release(struct subscriber *s) {
    if (s->connected)
        write_out(s);
}

bool subscriber_is_connected(const struct subscriber *s) {
    return s->connected;
}

static void retry_closed(uv_handle_t *handle) {
    struct subscriber *s = handle->data;
    void (*done)(void *) = s->done;
    void *ctx = s->done_ctx;
    mosquitto_destroy(s->mosq);
    free(s);
    if (done)
        done(ctx);
}

static void finish_close(struct subscriber *s) {
    /* The socket is closed by mosquitto_destroy without DISCONNECT, see lost(). */
    unwatch(s);
    uv_close((uv_handle_t *)&s->retry, retry_closed);
}

void subscriber_close(struct subscriber *s, void (*done)(void *ctx), void *ctx) {
    REQUIRE(!s->closing);
    s->closing = true;
    s->done = done;
    s->done_ctx = ctx;
    if (!s->is_connecting)
        finish_close(s);
}
