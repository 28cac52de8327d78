/* SHELL: libmicrohttpd in the loop: routes, limits and deadlines of every HTTP request, and the console's
 * files. */
#ifndef LIFTD_HTTP_H
#define LIFTD_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct gateway;
struct http;

/* Requests whose bodies may be in memory at once; with body_max_bytes this bounds their memory. */
#define HTTP_BODIES_MAX 32
/* A connection must have sent the head of its next request this long after it was opened or answered, s. */
#define HTTP_IDLE_S 60
/* Memory libmicrohttpd may use for one connection: request head, one piece of body, response head. */
#define HTTP_CONNECTION_MEMORY_BYTES ((size_t)12 << 10)
/* After http_close, requests under way have this long to end, ms. */
#define HTTP_CLOSE_MS 3000

struct http_options {
    uv_loop_t *loop;
    const char *address; /* numeric IPv4 or IPv6 address */
    int port;            /* 0: the system chooses; see http_port() */
    const char *console_dir;
    size_t body_max_bytes;       /* longer request bodies are answered 413 */
    unsigned connections_max;    /* more wait in the listen backlog */
    unsigned streams_max;        /* open event streams; below connections_max */
    unsigned request_deadline_s; /* from the request's head to the end of its response, absolute: then the
                                    socket is shut, however busily the client trickles */
    bool public_metrics;         /* /metrics answers anybody; else only clients on this machine that did not
                                    come through a proxy */
    bool behind_proxy;       /* a proxy on this machine forwards: the last address of X-Forwarded-For is the
                                client's, and cookies for X-Forwarded-Proto https are marked Secure */
    struct gateway *gateway; /* where /api/ goes; closed after http */
    /* Whether liftd can do its work now; when not, a sentence why. For /readyz. */
    bool (*ready)(void *ctx, char *sentence, size_t sentence_bytes);
    void *ctx;
};

/* Listens and serves. 0, or a negative libuv error with a sentence in why ("port 8080 of 127.0.0.1 is taken
 * by another program"). The process must ignore SIGPIPE; http_open sees to it. Raises the soft limit of open
 * files when connections_max needs it. */
int http_open(const struct http_options *options, struct http **out, char *why, size_t why_bytes);

/* The port it listens on. */
int http_port(const struct http *http);

/* Sends an event to the open streams. lift_id != 0: only to streams whose scope has that lift, with `json` as
 * data; lift_id 0: to every stream, but streams limited to some lifts get {"topic":event} instead of `json`,
 * for it isn't known to concern them. "lifts" is sent at most once a second. json: one JSON value, UTF-8.
 * Never blocks. A stream whose client doesn't keep up is closed; the console connects again and reads anew.
 */
void http_publish(struct http *http, const char *event, const char *json, int64_t lift_id);

/* What the console's status line shows; sent to every stream when it opens and when it changes. */
void http_status(struct http *http, bool database, bool broker, bool recording);

/* Closes the streams of a session (hex of its hash). */
void http_session_revoked(struct http *http, const char *hash_hex);

/* Events may have been missed, or who may see what has changed: closes all streams, or (within a beat) those
 * limited to some lifts; the consoles come back by themselves within seconds, spread, and read anew with
 * today's scope. */
void http_streams_renew(struct http *http, bool only_limited);

/* The one setting that changes without a restart (SIGHUP). */
void http_set_public_metrics(struct http *http, bool public_metrics);

/* Stops listening, ends the streams, lets requests under way end within HTTP_CLOSE_MS, then frees; `done`
 * (may be NULL) is called when the memory is freed. No http_ function may be called after it. */
void http_close(struct http *http, void (*done)(void *ctx), void *ctx);

#endif
