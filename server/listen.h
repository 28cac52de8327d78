/* SHELL: hears what transactions say on the channel 'liftd', on a connection of its own. */
#ifndef LIFTD_LISTEN_H
#define LIFTD_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* A silent connection is asked this often whether it still lives, ms, and given that long to answer. */
#define LISTEN_PING_MS 30000
#define LISTEN_PING_DEADLINE_MS 10000

struct listen;

/* One notification; valid during the call. */
struct listen_event {
    const char
        *topic; /* "alarm", "alarms", "lifts", "refusals", "registry", "land", "session", "presence", .. */
    const char *json; /* the whole payload */
    int64_t lift_id;  /* 0 when the payload has none */
    const char *hash; /* topic "session": hex of the revoked session's hash; else "" */
};

struct listen_options {
    uv_loop_t *loop;
    const char *conninfo; /* copied */
    const char *user;     /* copied */
    void (*event)(void *ctx, const struct listen_event *event);
    /* Listening; missed: it did so before, and what was said since then is lost, so whoever shows something
     * reads it anew. */
    void (*up)(void *ctx, bool missed);
    void (*down)(void *ctx, const char *why); /* may be NULL */
    void *ctx;
};

/* Starts connecting. 0, or a negative libuv error. */
int listen_open(const struct listen_options *options, struct listen **out);

/* `done` (may be NULL) is called when the memory is freed. */
void listen_close(struct listen *listen, void (*done)(void *ctx), void *ctx);

#endif
