/* SHELL: the second MQTT client: what liftd says to devices, apart from the subscription whose writes would
 * let held acknowledgements out. */
#include "publisher.h"

#include "require.h"

#include <mosquitto.h>
#include <msgpack.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct publisher {
    struct mosquitto *mosq;
    atomic_bool connected;
    atomic_uint inflight;
};

static void on_connect(struct mosquitto *mosq, void *ctx, int code) {
    (void)mosq;
    struct publisher *p = ctx;
    if (code == 0)
        atomic_store(&p->connected, true);
}

static void on_disconnect(struct mosquitto *mosq, void *ctx, int code) {
    (void)mosq;
    (void)code;
    struct publisher *p = ctx;
    atomic_store(&p->connected, false);
}

static void on_publish(struct mosquitto *mosq, void *ctx, int id) {
    (void)mosq;
    (void)id;
    struct publisher *p = ctx;
    if (atomic_load(&p->inflight))
        atomic_fetch_sub(&p->inflight, 1);
}

static unsigned seconds_of(unsigned ms) {
    return ms < 1000 ? 1 : (ms + 999) / 1000;
}

struct publisher *publisher_open(const char *host, int port, const char *username, const char *password,
                                 const char *client_id, unsigned reconnect_min_ms,
                                 unsigned reconnect_max_ms) {
    struct publisher *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->mosq = mosquitto_new(client_id, true, p);
    bool ok = p->mosq && (!username || !*username ||
                          mosquitto_username_pw_set(p->mosq, username, password) == MOSQ_ERR_SUCCESS);
    if (ok) {
        mosquitto_connect_callback_set(p->mosq, on_connect);
        mosquitto_disconnect_callback_set(p->mosq, on_disconnect);
        mosquitto_publish_callback_set(p->mosq, on_publish);
        mosquitto_int_option(p->mosq, MOSQ_OPT_TCP_NODELAY, 1);
        mosquitto_reconnect_delay_set(p->mosq, seconds_of(reconnect_min_ms), seconds_of(reconnect_max_ms),
                                      true);
        /* A failing first connect is repeated by the thread, like any later one. */
        mosquitto_connect_async(p->mosq, host, port, 30);
        ok = mosquitto_loop_start(p->mosq) == MOSQ_ERR_SUCCESS;
    }
    if (!ok) {
        mosquitto_destroy(p->mosq);
        free(p);
        return NULL;
    }
    return p;
}

bool publisher_send(struct publisher *p, const char *topic, const void *payload, size_t bytes) {
    if (!atomic_load(&p->connected) || atomic_load(&p->inflight) >= PUBLISHER_INFLIGHT_MAX)
        return false;
    atomic_fetch_add(&p->inflight, 1);
    if (mosquitto_publish(p->mosq, NULL, topic, (int)bytes, payload, 1, false) == MOSQ_ERR_SUCCESS)
        return true;
    atomic_fetch_sub(&p->inflight, 1);
    return false;
}

bool publisher_is_connected(const struct publisher *p) {
    return atomic_load(&p->connected);
}

void publisher_close(struct publisher *p) {
    mosquitto_disconnect(p->mosq);
    mosquitto_loop_stop(p->mosq, true);
    mosquitto_destroy(p->mosq);
    free(p);
}

struct packed {
    uint8_t *out;
    size_t used;
};

static int append(void *data, const char *bytes, size_t count) {
    struct packed *packed = data;
    REQUIRE(packed->used + count <= PUBLISHER_DOWN_MAX_BYTES);
    memcpy(packed->out + packed->used, bytes, count);
    packed->used += count;
    return 0;
}

/* A map of the values under the keys 0, 1, 2, .. */
static size_t pack(uint8_t out[PUBLISHER_DOWN_MAX_BYTES], const uint64_t *values, size_t count) {
    struct packed packed = {.out = out};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &packed, append);
    msgpack_pack_map(&packer, count);
    for (size_t key = 0; key < count; key++) {
        msgpack_pack_uint64(&packer, key);
        msgpack_pack_uint64(&packer, values[key]);
    }
    return packed.used;
}

size_t publisher_resume(uint8_t out[PUBLISHER_DOWN_MAX_BYTES], struct position position, uint8_t unit,
                        uint64_t number) {
    const uint64_t values[] = {2, position.boot, position.seq, unit, number};
    return pack(out, values, 5);
}

size_t publisher_help(uint8_t out[PUBLISHER_DOWN_MAX_BYTES], struct position position, uint8_t unit,
                      uint64_t number, uint64_t minutes) {
    const uint64_t values[] = {1, position.boot, position.seq, unit, number, minutes};
    return pack(out, values, 6);
}
