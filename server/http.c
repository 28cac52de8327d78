/* SHELL: libmicrohttpd in the loop: routes, limits and deadlines of every HTTP request, and the console's
 * files. */
#include "http.h"

#include "../ingest/require.h"
#include "events.h"
#include "exchange.h"
#include "files.h"
#include "log.h"
#include "metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Open connections are looked at this often: deadlines, beats, clients that left. */
#define TICK_MS 1000
/* A peer that acknowledges nothing for this long is gone, ms. */
#define PEER_SILENT_MS 30000
/* Files beyond HTTP connections that liftd may have open. */
#define OTHER_FILES 256

struct http {
    struct host host;
    struct MHD_Daemon *daemon;
    int listen_fd, port;
    uv_poll_t poll;   /* libmicrohttpd's epoll descriptor */
    uv_timer_t again; /* when libmicrohttpd wants to be run without an event */
    uv_timer_t tick;  /* runs while connections are open */
    bool running;     /* inside MHD_run */
    struct conn *conns;
    size_t count;
    uint64_t close_by_ms;
    unsigned open_handles;
    void (*done)(void *ctx);
    void *done_ctx;
};

static void run(struct http *h);

/* --- connections ---------------------------------------------------------------------------------------- */

static void conn_shut(struct conn *c) {
    if (c->shut)
        return;
    c->shut = true;
    shutdown(c->fd, SHUT_RDWR);
    if (c->exchange)
        exchange_abort(c->exchange);
}

static void on_tick(uv_timer_t *timer) {
    struct http *h = timer->data;
    uint64_t now = uv_now(h->host.options.loop);
    for (struct conn *c = h->conns; c; c = c->next) {
        if (now < c->deadline_ms || c->shut)
            continue;
        if (c->exchange)
            metrics_add(METRIC_HTTP_DEADLINES, 1);
        conn_shut(c);
    }
    events_tick(h->host.events, now);
    run(h);
}

static void conn_open(struct http *h, struct MHD_Connection *connection, void **context) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct conn *c = calloc(1, sizeof *c);
    REQUIRE(info && c);
    c->host = &h->host;
    c->mhd = connection;
    c->fd = info->connect_fd;
    c->deadline_ms = uv_now(h->host.options.loop) + 1000ull * h->host.options.request_deadline_s;
    unsigned silent = PEER_SILENT_MS;
    int yes = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silent, sizeof silent);
    setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    c->next = h->conns;
    c->link = &h->conns;
    if (c->next)
        c->next->link = &c->next;
    h->conns = c;
    h->count++;
    *context = c;
    if (!uv_is_active((uv_handle_t *)&h->tick))
        uv_timer_start(&h->tick, on_tick, TICK_MS, TICK_MS);
    metrics_set(METRIC_HTTP_CONNECTIONS, (double)h->count);
}

static void conn_close(struct http *h, struct conn *c) {
    REQUIRE(!c->exchange);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    h->count--;
    free(c);
    metrics_set(METRIC_HTTP_CONNECTIONS, (double)h->count);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
                          enum MHD_ConnectionNotificationCode what) {
    struct http *h = cls;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        conn_open(h, connection, context);
    } else if (*context) {
        conn_close(h, *context);
        *context = NULL;
    }
}

/* --- libmicrohttpd in the loop -------------------------------------------------------------------------- */

static void finish_closing(struct http *h);

static void on_again(uv_timer_t *timer) {
    run(timer->data);
}

/* Lets libmicrohttpd do what there is to do, and learns when it wants to be called next. */
static void run(struct http *h) {
    unsigned MHD_LONG_LONG wait_ms;
    if (h->running || !h->daemon)
        return;
    h->running = true;
    h->host.run_needed = false;
    MHD_run(h->daemon);
    h->running = false;
    if (!h->count && h->host.closing) {
        finish_closing(h);
        return;
    }
    if (!h->count)
        uv_timer_stop(&h->tick);
    if (h->host.run_needed)
        uv_timer_start(&h->again, on_again, 0, 0);
    else if (MHD_get_timeout(h->daemon, &wait_ms) == MHD_YES)
        uv_timer_start(&h->again, on_again, wait_ms, 0);
    else
        uv_timer_stop(&h->again);
}

static void wake(void *ctx) {
    struct http *h = ctx;
    h->host.run_needed = true;
    if (!h->running)
        uv_timer_start(&h->again, on_again, 0, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    run(poll->data);
}

static void on_log(void *cls, const char *format, va_list arguments) {
    char words[300], quoted[400];
    (void)cls;
    vsnprintf(words, sizeof words, format, arguments);
    size_t n = strlen(words);
    if (n && words[n - 1] == '\n')
        words[n - 1] = 0;
    log_debug("http %s", log_quote(words, quoted, sizeof quoted));
}

/* --- opening -------------------------------------------------------------------------------------------- */

static int explain(int error, const struct http_options *o, char *why, size_t why_bytes) {
    const char *reason = error == EADDRINUSE      ? "is taken by another program"
                         : error == EACCES        ? "may not be used by this user"
                         : error == EADDRNOTAVAIL ? "is not this machine's"
                                                  : strerror(error);
    if (error == EADDRNOTAVAIL)
        snprintf(why, why_bytes, "http.address %s %s", o->address, reason);
    else
        snprintf(why, why_bytes, "port %d of %s %s", o->port, o->address, reason);
    return uv_translate_sys_error(error);
}

static int listen_on(struct http *h, const struct http_options *o, char *why, size_t why_bytes) {
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    int yes = 1;
    if (uv_ip4_addr(o->address, o->port, (struct sockaddr_in *)&address) &&
        uv_ip6_addr(o->address, o->port, (struct sockaddr_in6 *)&address)) {
        snprintf(why, why_bytes, "http.address \"%s\" is not an IPv4 or IPv6 address", o->address);
        return UV_EINVAL;
    }
    socklen_t size = address.ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    h->listen_fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (h->listen_fd < 0)
        return explain(errno, o, why, why_bytes);
    setsockopt(h->listen_fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(h->listen_fd, (struct sockaddr *)&address, size) || listen(h->listen_fd, SOMAXCONN) ||
        getsockname(h->listen_fd, (struct sockaddr *)&address, &length))
        return explain(errno, o, why, why_bytes);
    h->port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                 : ((struct sockaddr_in6 *)&address)->sin6_port);
    return 0;
}

/* Each connection is an open file. */
static int allow_files(const struct http_options *o, char *why, size_t why_bytes) {
    struct rlimit files;
    rlim_t need = (rlim_t)o->connections_max + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur >= need)
        return 0;
    files.rlim_cur = need < files.rlim_max ? need : files.rlim_max;
    if (!setrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur >= need)
        return 0;
    snprintf(why, why_bytes, "http.connections_max %u needs %llu open files, and the system allows %llu",
             o->connections_max, (unsigned long long)need, (unsigned long long)files.rlim_max);
    return UV_EMFILE;
}

static int start_daemon(struct http *h, const struct http_options *o, char *why, size_t why_bytes) {
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    h->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_access, &h->host, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, h->listen_fd, MHD_OPTION_CONNECTION_LIMIT, o->connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, 0u,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_URI_LOG_CALLBACK,
        exchange_begin, &h->host, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, &h->host,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        h->daemon ? MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info) {
        snprintf(why, why_bytes, "the HTTP library cannot start");
        return UV_EIO;
    }
    h->listen_fd = -1; /* the library's now */
    uv_loop_t *loop = o->loop;
    int status = uv_poll_init(loop, &h->poll, info->epoll_fd);
    if (status) {
        snprintf(why, why_bytes, "the HTTP library's sockets cannot be watched: %s", uv_strerror(status));
        return status;
    }
    uv_timer_init(loop, &h->again);
    uv_timer_init(loop, &h->tick);
    h->poll.data = h->again.data = h->tick.data = h;
    uv_poll_start(&h->poll, UV_READABLE, on_poll);
    return 0;
}

static void free_all(struct http *h) {
    if (h->daemon)
        MHD_stop_daemon(h->daemon);
    if (h->listen_fd >= 0)
        close(h->listen_fd);
    if (h->host.events)
        events_close(h->host.events);
    files_close(h->host.files);
    free(h);
}

int http_open(const struct http_options *options, struct http **out, char *why, size_t why_bytes) {
    struct http *h = calloc(1, sizeof *h);
    char no_console[1200];
    REQUIRE(h && options->gateway && options->ready);
    signal(SIGPIPE, SIG_IGN);
    h->listen_fd = -1;
    h->host.options = *options;
    h->host.wake = wake;
    h->host.ctx = h;
    h->host.events = events_open(options->streams_max, wake, h);
    REQUIRE(h->host.events);
    h->host.files = files_open(options->console_dir, no_console, sizeof no_console);
    if (!h->host.files)
        log_warn("no console: %s", no_console);
    int status = allow_files(options, why, why_bytes);
    if (!status)
        status = listen_on(h, options, why, why_bytes);
    if (!status)
        status = start_daemon(h, options, why, why_bytes);
    if (status) {
        free_all(h);
        return status;
    }
    *out = h;
    run(h);
    return 0;
}

int http_port(const struct http *h) {
    return h->port;
}

/* --- what the pipeline tells -----------------------------------------------------------------------------*/

void http_publish(struct http *h, const char *event, const char *json, int64_t lift_id) {
    events_publish(h->host.events, event, json, lift_id);
}

void http_status(struct http *h, bool database, bool broker, bool recording) {
    events_status(h->host.events, database, broker, recording);
}

void http_session_revoked(struct http *h, const char *hash_hex) {
    events_revoked(h->host.events, hash_hex);
}

void http_streams_renew(struct http *h, bool only_limited) {
    events_renew(h->host.events, only_limited);
}

void http_set_public_metrics(struct http *h, bool public_metrics) {
    h->host.options.public_metrics = public_metrics;
}

/* --- closing -------------------------------------------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle) {
    struct http *h = handle->data;
    if (--h->open_handles)
        return;
    void (*done)(void *) = h->done;
    void *ctx = h->done_ctx;
    free_all(h);
    if (done)
        done(ctx);
}

/* No connection is left. */
static void finish_closing(struct http *h) {
    if (h->open_handles)
        return;
    h->open_handles = 3;
    uv_close((uv_handle_t *)&h->poll, on_handle_closed);
    uv_close((uv_handle_t *)&h->again, on_handle_closed);
    uv_close((uv_handle_t *)&h->tick, on_handle_closed);
}

/* First those that do nothing, at once; when the time is over, everybody. */
static void on_closing(uv_timer_t *timer) {
    struct http *h = timer->data;
    bool over = uv_now(h->host.options.loop) >= h->close_by_ms;
    events_renew(h->host.events, false);
    events_cut(h->host.events, over);
    for (struct conn *c = h->conns; c; c = c->next)
        if (!c->exchange || over)
            conn_shut(c);
    run(h);
}

void http_close(struct http *h, void (*done)(void *ctx), void *ctx) {
    REQUIRE(!h->host.closing);
    h->host.closing = true;
    h->done = done;
    h->done_ctx = ctx;
    h->close_by_ms = uv_now(h->host.options.loop) + HTTP_CLOSE_MS;
    int fd = MHD_quiesce_daemon(h->daemon);
    if (fd >= 0)
        close(fd);
    uv_timer_start(&h->tick, on_closing, 0, 100);
}
