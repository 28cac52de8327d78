/* SHELL: a terminal's MQTT connection on the loop; see link.h. */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../../ingest/require.h"

#define BACKOFF_FIRST_MS 250
#define KEEPALIVE_S 30

static void topic(const struct terminal *t, const char *leaf, char out[128]) {
    snprintf(out, 128, "lift/v1/%s/%s/%s", t->area, t->name, leaf);
}

static void poll_closed(uv_handle_t *handle) {
    free(handle);
}

/* Stops watching the socket; called before its number can be given to another connection. */
static void unwatch(struct terminal *t) {
    if (!t->poll)
        return;
    uv_poll_stop(t->poll);
    uv_close((uv_handle_t *)t->poll, poll_closed);
    t->poll = NULL;
    t->events = 0;
}

static void on_poll(uv_poll_t *handle, int status, int events);

/* Watches for reading, and for writing while something waits to be written. */
static void watch(struct terminal *t) {
    int fd = t->client ? mosquitto_socket(t->client) : -1;
    if (fd < 0)
        return;
    if (!t->poll) {
        t->poll = malloc(sizeof *t->poll);
        REQUIRE(t->poll != NULL);
        t->poll->data = t;
        int status = uv_poll_init(t->loop, t->poll, fd);
        REQUIRE(status == 0);
        t->events = 0;
    }
    int events = UV_READABLE | (mosquitto_want_write(t->client) ? UV_WRITABLE : 0);
    if (events != t->events) {
        t->events = events;
        uv_poll_start(t->poll, events, on_poll);
    }
}

static void on_poll(uv_poll_t *handle, int status, int events) {
    struct terminal *t = handle->data;
    if (status < 0 || (events & UV_READABLE))
        mosquitto_loop_read(t->client, 1);
    if (t->poll == handle && (events & UV_WRITABLE))
        mosquitto_loop_write(t->client, 1);
    watch(t);
}

static void retry_later(struct terminal *t) {
    t->backoff_ms = t->backoff_ms ? t->backoff_ms * 2 : BACKOFF_FIRST_MS;
    if (t->backoff_ms > t->options->reconnect_max_ms)
        t->backoff_ms = t->options->reconnect_max_ms;
    t->connect_ms = terminal_now_ms() + dice_range(&t->dice, t->backoff_ms / 2, t->backoff_ms);
}

static void on_disconnect(struct mosquitto *client, void *object, int status) {
    (void)client, (void)status;
    struct terminal *t = object;
    unwatch(t);
    if (t->link == LINK_UP)
        t->totals->cut++;
    t->link = LINK_DOWN;
    retry_later(t);
}

static void on_connect(struct mosquitto *client, void *object, int status) {
    struct terminal *t = object;
    if (status != 0) {
        if (t->totals->refused++ == 0)
            fprintf(stderr, "liftsim: %s was refused by the broker: %s\n", t->name,
                    mosquitto_connack_string(status));
        return; /* the broker closes the connection now */
    }
    char down[128];
    topic(t, "down", down);
    mosquitto_subscribe(client, NULL, down, 1);
}

/* Subscribed to `down`: only now it says that it is present, so that the answer can't be missed. */
static void on_subscribe(struct mosquitto *client, void *object, int mid, int count, const int *granted) {
    (void)client, (void)mid, (void)count, (void)granted;
    struct terminal *t = object;
    msgpack_sbuffer bytes;
    msgpack_sbuffer_init(&bytes);
    wire_presence(&bytes, true);
    t->link = LINK_UP;
    t->backoff_ms = 0;
    link_publish(t, "presence", bytes.data, bytes.size, true);
    msgpack_sbuffer_destroy(&bytes);
    terminal_up(t);
}

static void on_publish(struct mosquitto *client, void *object, int mid) {
    (void)client, (void)mid;
    struct terminal *t = object;
    t->unacked--;
    t->totals->acked++;
}

static void on_message(struct mosquitto *client, void *object, const struct mosquitto_message *message) {
    (void)client;
    struct down down;
    if (wire_down(message->payload, (size_t)message->payloadlen, &down))
        terminal_heard(object, &down);
}

static struct mosquitto *new_client(struct terminal *t) {
    struct mosquitto *client = mosquitto_new(t->name, true, t);
    REQUIRE(client != NULL);
    char presence[128];
    msgpack_sbuffer will;
    msgpack_sbuffer_init(&will);
    wire_presence(&will, false);
    topic(t, "presence", presence);
    mosquitto_will_set(client, presence, (int)will.size, will.data, 1, true);
    msgpack_sbuffer_destroy(&will);
    mosquitto_username_pw_set(client, t->name, t->password);
    mosquitto_max_inflight_messages_set(client, 65535);
    mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
    mosquitto_connect_callback_set(client, on_connect);
    mosquitto_disconnect_callback_set(client, on_disconnect);
    mosquitto_subscribe_callback_set(client, on_subscribe);
    mosquitto_publish_callback_set(client, on_publish);
    mosquitto_message_callback_set(client, on_message);
    return client;
}

void link_connect(struct terminal *t, int64_t now_ms) {
    if (!t->client)
        t->client = new_client(t);
    t->link = LINK_CONNECTING;
    t->misc_ms = now_ms + 1000;
    if (mosquitto_connect(t->client, t->options->host, t->options->port, KEEPALIVE_S) != MOSQ_ERR_SUCCESS) {
        t->link = LINK_DOWN;
        retry_later(t);
        return;
    }
    watch(t);
}

void link_misc(struct terminal *t) {
    if (t->client && t->poll) {
        mosquitto_loop_misc(t->client);
        watch(t);
    }
}

void link_cut(struct terminal *t, bool forget) {
    if (t->client && mosquitto_socket(t->client) >= 0) {
        shutdown(mosquitto_socket(t->client), SHUT_RDWR);
        mosquitto_loop_read(t->client, 1); /* finds the end of file or what arrived before it */
    }
    unwatch(t);
    if (t->link == LINK_UP)
        t->totals->cut++;
    t->link = LINK_DOWN;
    if (forget && t->client) {
        mosquitto_destroy(t->client);
        t->client = NULL;
        t->unacked = 0;
    }
    retry_later(t);
}

bool link_publish(struct terminal *t, const char *leaf, const void *bytes, size_t count, bool retain) {
    char where[128];
    if (t->link != LINK_UP)
        return false;
    topic(t, leaf, where);
    int status = mosquitto_publish(t->client, NULL, where, (int)count, bytes, 1, retain);
    if (status == MOSQ_ERR_INVAL || status == MOSQ_ERR_NOMEM || status == MOSQ_ERR_PAYLOAD_SIZE)
        return false;
    /* Any other error is of the socket: the library keeps the message and sends it again when connected. */
    t->unacked++;
    t->totals->messages++;
    watch(t);
    return true;
}
