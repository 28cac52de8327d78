/* SHELL: one non-blocking libpq connection on the loop: it connects, reconnects, and hands results to its
 * owner. */
#ifndef LIFTD_PG_H
#define LIFTD_PG_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/* Back-off between attempts to connect, ms: doubled from min to max, each with up to a quarter of jitter, so
 * that a restarted database isn't met by every client at once. */
#define PG_RECONNECT_MIN_MS 100
#define PG_RECONNECT_MAX_MS 5000
/* An attempt to connect (set-up statement included) that takes longer is given up, ms. */
#define PG_CONNECT_TIMEOUT_MS 10000

/* A COPY is fed in pieces of this size, bytes: about what a socket takes at once. */
#define PG_COPY_PIECE_BYTES ((size_t)128 << 10)
/* Parts of one COPY: header, rows, trailer. */
#define PG_COPY_PARTS 3

struct pg_bytes {
    const void *bytes;
    size_t count;
};

struct pg;

/* All called on the loop's thread. Inside any of them pg_query, pg_drop and pg_close may be called. */
struct pg_handlers {
    /* Connected and set up: queries may be sent. */
    void (*up)(struct pg *pg, void *ctx);
    /* The connection was lost, or an attempt failed (once per outage: not again until `up` was called). If a
     * query was under way its outcome is unknown and no more results come. `why` is libpq's sentence. */
    void (*down)(struct pg *pg, void *ctx, const char *why);
    /* A result of the query under way; NULL: the query is complete and another may be sent. The result is
     * freed after the call. For PGRES_COPY_IN the handler hands over everything with pg_copy. */
    void (*result)(struct pg *pg, void *ctx, const PGresult *result);
    /* A notification (LISTEN in session_sql). May be NULL. */
    void (*notify)(struct pg *pg, void *ctx, const char *channel, const char *payload);
};

struct pg_options {
    uv_loop_t *loop;
    const char *conninfo;         /* libpq connection string or URI; copied */
    const char *user;             /* overrides the string's user; NULL or "" keeps it; copied */
    const char *application_name; /* what pg_stat_activity shows; copied */
    const char *session_sql;      /* run after each connect, any number of statements; NULL none; copied */
    const struct pg_handlers *handlers; /* must outlive the connection */
    void *ctx;
};

/* Starts connecting. 0, or a negative libuv error (out of memory). The first outcome arrives as `up` or
 * `down`. */
int pg_open(const struct pg_options *options, struct pg **out);

/* True between `up` and `down`. */
bool pg_is_up(const struct pg *pg);

/* True while a query is under way. */
bool pg_is_busy(const struct pg *pg);

/* The last sentence said about the connection ("" when up). Valid until the next loop turn. */
const char *pg_why(const struct pg *pg);

/* Sends one simple query (any number of statements, COPY ... FROM STDIN included). Must be up and not busy.
 * deadline_ms > 0: when not complete by then the connection is dropped. false: the connection is gone, `down`
 * has been or will be called. */
bool pg_query(struct pg *pg, const char *sql, unsigned deadline_ms);

/* Executes a statement prepared in session_sql; text parameters and results. Same rules as pg_query. */
bool pg_query_prepared(struct pg *pg, const char *name, int count, const char *const *values,
                       const int *lengths, const int *formats, unsigned deadline_ms);

/* One statement with parameters, text results; formats NULL: all text. Same rules as pg_query. */
bool pg_query_params(struct pg *pg, const char *sql, int count, const char *const *values, const int *lengths,
                     const int *formats, unsigned deadline_ms);

/* Inside PGRES_COPY_IN: feeds the parts one after the other and ends the COPY. The memory must stay as it is
 * until the query is complete or `down` was called. A connection that breaks meanwhile is told by `down`. */
void pg_copy(struct pg *pg, const struct pg_bytes parts[PG_COPY_PARTS]);

/* Drops the connection now and reconnects after the back-off; calls `down`. */
void pg_drop(struct pg *pg, const char *why);

/* Closes for good; no handler is called any more. `done` (may be NULL) is called when the memory is freed. */
void pg_close(struct pg *pg, void (*done)(void *ctx), void *ctx);

#endif
