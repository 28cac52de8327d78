/* SHELL: one HTTP request from its head to its response: checks, body, route, answer. */
#ifndef LIFTD_EXCHANGE_H
#define LIFTD_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "http.h"

struct events;
struct exchange;
struct files;

/* A refused body of up to this many bytes is read and thrown away, so that its sender hears why instead of
 * seeing the connection reset; beyond, the connection is closed at once. */
#define EXCHANGE_DRAIN_BYTES ((uint64_t)4 << 20)

/* What all requests share; owned by http.c. */
struct host {
    struct http_options options;
    struct files *files; /* NULL: no console */
    struct events *events;
    unsigned bodies;         /* request bodies in memory */
    bool closing;            /* every response is the last of its connection */
    bool run_needed;         /* libmicrohttpd has work that its descriptors don't show */
    void (*wake)(void *ctx); /* sets that, and sees to it soon */
    void *ctx;
};

/* One client's connection. */
struct conn {
    struct conn *next, **link;
    struct host *host;
    struct MHD_Connection *mhd;
    int fd;
    uint64_t deadline_ms; /* uv_now() after which it is shut; UINT64_MAX: an event stream */
    bool shut;
    struct exchange *exchange; /* the request under way, NULL none */
};

/* libmicrohttpd's callbacks; cls is the struct host. */
void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_bytes, void **request);
void exchange_completed(void *cls, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode how);

/* The connection's socket was shut: wakes a request that waits for the gateway, and forgets its answer. */
void exchange_abort(struct exchange *exchange);

#endif
