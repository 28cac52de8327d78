/* SHELL: one MQTT subscription on the loop, whose acknowledgements leave only when its owner says so. */
#ifndef LIFTD_SUBSCRIBER_H
#define LIFTD_SUBSCRIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* Messages handed out in one turn of the loop before others get theirs. */
#define SUBSCRIBER_TURN_MESSAGES 4096

struct subscriber;

/* All called on the loop's thread. */
struct subscriber_handlers {
    /* One message; topic and payload are valid during the call only. */
    void (*message)(void *ctx, const char *topic, const void *payload, size_t bytes);
    /* The socket is dry, or the turn's share is used up: a good moment to commit. */
    void (*dry)(void *ctx);
    /* Connected and subscribed (why ""), or lost: a sentence. Called on change, and at each failed attempt.
     */
    void (*state)(void *ctx, bool connected, const char *why);
};

struct subscriber_options {
    uv_loop_t *loop;
    const char *host;
    int port;
    const char *username; /* NULL or "": anonymous */
    const char *password; /* NULL: none; copied by libmosquitto */
    const char *client_id;
    bool hold_acks;      /* true: PUBACKs leave only in subscriber_release, and the session is persistent;
                            false: clean session, QoS 0 */
    int tcp_keepalive_s; /* idle time before TCP probes; MQTT keepalive is 0, since a socket whose
                            acknowledgements are held also holds PINGREQ */
    unsigned reconnect_min_ms, reconnect_max_ms; /* doubled, with a quarter of jitter */
    const char *const *topics;                   /* NULL-terminated, static */
    const struct subscriber_handlers *handlers;
    void *ctx;
};

/* Starts connecting (on the thread pool, since libmosquitto's connect blocks). 0, or a negative libuv error.
 */
int subscriber_open(const struct subscriber_options *options, struct subscriber **out);

/* Stops or resumes reading the socket. Within `message` it takes effect before the next message. */
void subscriber_pause(struct subscriber *s, bool paused);

/* Sends every held acknowledgement: call it only when everything handed out so far is committed. */
void subscriber_release(struct subscriber *s);

bool subscriber_is_connected(const struct subscriber *s);

/* Disconnects (a persistent session stays at the broker) and frees; `done` may be NULL. No handler is called
 * any more. Held acknowledgements are dropped: release first. */
void subscriber_close(struct subscriber *s, void (*done)(void *ctx), void *ctx);

#endif
