/* SHELL: the open event streams: who may hear what, bounded queues, and the beat that shows they live. */
#ifndef LIFTD_EVENTS_H
#define LIFTD_EVENTS_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that may wait in one stream; more, and it is closed. */
#define EVENTS_QUEUE_MAX_BYTES ((size_t)256 << 10)
/* What the kernel may hold for one stream beyond that, bytes. */
#define EVENTS_SOCKET_BYTES (32 << 10)
/* A stream whose client takes nothing for this long while something waits is closed, ms. */
#define EVENTS_STALL_MS 20000
/* Every stream hears "beat" this often, ms; a console that misses two knows that the feed is dead. */
#define EVENTS_BEAT_MS 5000
/* A stream is closed after this time plus up to a tenth, ms, so that session and scope are looked at again.
 */
#define EVENTS_LIFE_MS 3600000
/* Open streams of one session: no one account may take the places of all others. */
#define EVENTS_PER_SESSION_MAX 64
/* Most lifts a limited scope may list. */
#define EVENTS_SCOPE_MAX 400000

struct events;

/* wake(ctx): a suspended connection was resumed; libmicrohttpd must be run soon. */
struct events *events_open(unsigned streams_max, void (*wake)(void *ctx), void *ctx);

size_t events_count(const struct events *events);
enum events_verdict {
    EVENTS_OPENED,
    EVENTS_FULL, /* streams_max are open; those whose client has left were looked for, and a try in a
                    second may succeed */
    EVENTS_MANY, /* this session has EVENTS_PER_SESSION_MAX open already */
    EVENTS_NOT_UNDERSTOOD, /* the scope is malformed, or out of memory */
};

/* Makes the response of a new stream on this connection. scope: {"lifts":"all"} or {"lifts":[id,..]}, with
 * "session":hex of the session's hash. The stream lives until libmicrohttpd destroys the response. */
enum events_verdict events_stream(struct events *events, struct MHD_Connection *connection, int fd,
                                  const char *scope, uint64_t now_ms, struct MHD_Response **out);

/* As http_publish, http_status, http_session_revoked and http_streams_renew. */
void events_publish(struct events *events, const char *event, const char *json, int64_t lift_id);
void events_status(struct events *events, bool database, bool broker, bool recording);
void events_revoked(struct events *events, const char *hash_hex);
void events_renew(struct events *events, bool only_limited);

/* To be called about once a second while streams are open. */
void events_tick(struct events *events, uint64_t now_ms);

/* Cuts every stream whose end was announced but whose client has not let go; all of them when `all`. */
void events_cut(struct events *events, bool all);

/* All responses must have been destroyed. */
void events_close(struct events *events);

#endif
