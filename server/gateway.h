/* SHELL: an API request becomes one prepared call of api.handle on one of a few database connections. */
#ifndef LIFTD_GATEWAY_H
#define LIFTD_GATEWAY_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* Requests that may wait for a free connection; one more is answered 503 with Retry-After. */
#define GATEWAY_WAITING_MAX 1000
/* Longest wait for a free connection, ms; then 503. */
#define GATEWAY_WAITING_MS 5000
/* Passwords worked on at once (each takes 19 MiB and about 20 ms of a processor on libuv's thread pool). */
#define GATEWAY_PASSWORDS_AT_ONCE 2
/* Passwords that may wait for that; one more is answered 503 with Retry-After. */
#define GATEWAY_PASSWORDS_WAITING_MAX 32
/* Longest response body, bytes. */
#define GATEWAY_ANSWER_MAX_BYTES ((size_t)64 << 20)
/* Most response headers of one answer. */
#define GATEWAY_HEADERS_MAX 16
/* gateway_answer.status of a request that opens the event stream; body is its scope, JSON. */
#define GATEWAY_OPEN_STREAM 3

struct gateway;
struct gateway_ticket; /* one request under way */

struct gateway_options {
    uv_loop_t *loop;
    const char *conninfo;          /* libpq connection string or URI; copied */
    const char *user;              /* the role that may execute api.handle; copied */
    int connections;               /* 1 to 32 */
    unsigned statement_timeout_ms; /* PostgreSQL cancels a call after this; a second later liftd drops the
                                      connection */
    void (*changed)(void *ctx, bool up); /* the first connection came up, or the last one went; may be NULL */
    void *ctx;
};

/* Everything is copied by gateway_send except body, which it takes over. */
struct gateway_call {
    const char *method; /* "GET", .. (HEAD is sent as GET) */
    const char *path;   /* decoded, well-formed UTF-8 without NUL */
    const char *query;  /* JSON object of strings (repeated names: arrays) */
    char *body;         /* malloc'ed JSON text, NULL none; wiped and freed by the gateway, always */
    size_t body_bytes;
    const char *token; /* the session's or integration's token as the client sent it; NULL none */
    bool secure;       /* the client came by TLS: cookies are marked Secure */
    /* What the context tells SQL; NULL: absent. Texts that are not well-formed UTF-8 are left out. */
    const char *remote, *user_agent, *idempotency_key, *if_none_match, *accept_language;
};

struct gateway_header {
    char *name, *value;
};

/* The gateway frees it after the callback; a receiver that keeps body sets it to NULL. */
struct gateway_answer {
    int status; /* 200..599, or GATEWAY_OPEN_STREAM */
    size_t header_count;
    struct gateway_header
        headers[GATEWAY_HEADERS_MAX]; /* checked: names are tokens, values without controls */
    char *body;                       /* malloc'ed, ends in NUL; NULL when empty */
    size_t body_bytes;
};

/* Starts the connections. 0, or a negative libuv error. */
int gateway_open(const struct gateway_options *options, struct gateway **out);

/* True when at least one connection can take a request. */
bool gateway_is_up(const struct gateway *gateway);
/* Why it is not, libpq's sentence; "" when up. Valid until the next loop turn. */
const char *gateway_why(const struct gateway *gateway);

/* Sends one request. `answered` is called exactly once, possibly before gateway_send returns (body malformed,
 * database away, queue full), unless gateway_cancel was called before. Nothing is ever sent twice: when a
 * connection breaks under a request the answer is 503 and says that the outcome is unknown. Returns the
 * ticket, NULL when `answered` was already called. */
struct gateway_ticket *gateway_send(struct gateway *gateway, struct gateway_call *call,
                                    void (*answered)(void *ctx, struct gateway_answer *answer), void *ctx);

/* The client left: no answer wanted. A call that waits is dropped, one that runs in PostgreSQL is left to
 * end. */
void gateway_cancel(struct gateway_ticket *ticket);

/* Requests waiting for, and running on, a connection: for metrics. */
size_t gateway_waiting(const struct gateway *gateway);
size_t gateway_running(const struct gateway *gateway);

/* Answers what waits or runs with 503, closes the connections; `done` (may be NULL) when the memory is
 * freed. Passwords being worked on are waited for. */
void gateway_close(struct gateway *gateway, void (*done)(void *ctx), void *ctx);

#endif
