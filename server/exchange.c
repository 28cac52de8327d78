/* SHELL: one HTTP request from its head to its response: checks, body, route, answer. */
#include "exchange.h"

#include "../ingest/require.h"
#include "answer.h"
#include "body.h"
#include "events.h"
#include "files.h"
#include "gateway.h"
#include "log.h"
#include "metrics.h"
#include "problem.h"
#include "request.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SESSION_COOKIE "liftd_session"
#define API_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
#define READ_METHODS "GET, HEAD, OPTIONS"

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_WAITING, STAGE_ANSWERED };

struct exchange {
    struct conn *conn;
    struct host *host;
    enum stage stage;
    char *raw;         /* the target as sent; NULL: longer than allowed */
    uintptr_t raw_end; /* where it ended in the library's memory; only to be compared */
    struct request_target *target;
    enum request_method method;
    enum request_route route;
    /* A refusal that waits until the body has been drained; status 0: none. */
    int refusal;
    const char *refusal_code, *refusal_detail;
    char *body;
    size_t body_bytes, body_room;
    uint64_t drained;
    bool counted; /* in host->bodies */
    bool suspended;
    struct gateway_ticket *ticket;
    struct gateway_answer answer;
};

/* What the head says about the body, and what it must not say. */
struct head {
    unsigned lengths, encodings, hosts, credentials;
    bool bad_length, bad_text, chunked, expects;
    uint64_t length;
    uintptr_t end; /* of the last piece, in the library's memory; only to be compared */
    bool gap;      /* something lies between two pieces */
};

/* --- responding ----------------------------------------------------------------------------------------- */

static void count_status(unsigned status) {
    metrics_add(status < 300   ? METRIC_HTTP_2XX
                : status < 400 ? METRIC_HTTP_3XX
                : status < 500 ? METRIC_HTTP_4XX
                               : METRIC_HTTP_5XX,
                1);
}

/* Queues a response that is not destroyed here. */
static enum MHD_Result queue(struct exchange *x, unsigned status, struct MHD_Response *r) {
    count_status(status);
    return MHD_queue_response(x->conn->mhd, status, r);
}

/* Queues a response made for this request; NULL: none could be made, the connection ends. */
static enum MHD_Result respond(struct exchange *x, unsigned status, struct MHD_Response *r) {
    if (!r)
        return MHD_NO;
    if (x->host->closing)
        MHD_add_response_header(r, "Connection", "close");
    enum MHD_Result result = queue(x, status, r);
    MHD_destroy_response(r);
    return result;
}

/* A response of our own making; text is malloc'ed and taken over, NULL for none. */
static struct MHD_Response *make(char *text, size_t bytes, const char *type) {
    enum MHD_ResponseMemoryMode mode = text ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT;
    struct MHD_Response *r = MHD_create_response_from_buffer(text ? bytes : 0, text ? text : "", mode);
    if (!r) {
        free(text);
        return NULL;
    }
    files_secure(r, false);
    if (type)
        MHD_add_response_header(r, "Content-Type", type);
    MHD_add_response_header(r, "Cache-Control", "no-store");
    return r;
}

static enum MHD_Result respond_text(struct exchange *x, unsigned status, const char *text) {
    char *copy = strdup(text);
    return respond(x, status, copy ? make(copy, strlen(copy), "text/plain; charset=utf-8") : NULL);
}

static const char *allowed(const struct exchange *x) {
    return x->route == REQUEST_ROUTE_API ? API_METHODS : READ_METHODS;
}

static enum MHD_Result respond_problem(struct exchange *x, int status, const char *code, const char *detail,
                                       bool last) {
    size_t bytes;
    char *text = problem_json(status, code, detail, NULL, &bytes);
    struct MHD_Response *r = text ? make(text, bytes, PROBLEM_CONTENT_TYPE) : NULL;
    if (r && last)
        MHD_add_response_header(r, "Connection", "close");
    if (r && status == 405)
        MHD_add_response_header(r, "Allow", allowed(x));
    if (r && (status == 503 || status == 429))
        MHD_add_response_header(r, "Retry-After", "1");
    return respond(x, (unsigned)status, r);
}

/* --- the head ------------------------------------------------------------------------------------------- */

void *exchange_begin(void *cls, const char *uri, struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct conn *conn = info ? info->socket_context : NULL;
    struct exchange *x = calloc(1, sizeof *x);
    REQUIRE(conn && x && !conn->exchange);
    x->host = cls;
    x->conn = conn;
    x->raw_end = (uintptr_t)uri + strlen(uri);
    x->raw = strlen(uri) <= REQUEST_TARGET_MAX ? strdup(uri) : NULL;
    conn->exchange = x;
    return x;
}

static bool is_number(const char *value, uint64_t *out) {
    size_t n = strlen(value);
    if (!n || n > 18 || strspn(value, "0123456789") != n)
        return false;
    *out = strtoull(value, NULL, 10);
    return true;
}

/* A name that is a token, and a value without control characters: the library lets others pass, such as
 * "Content-Length : 2" and values cut short by a NUL. */
static bool is_field(const char *name, size_t name_bytes, const char *value, size_t value_bytes) {
    static const char token[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!name_bytes || strspn(name, token) != name_bytes)
        return false;
    for (size_t i = 0; i < value_bytes; i++)
        if (((unsigned char)value[i] < 0x20 && value[i] != '\t') || value[i] == 0x7f)
            return false;
    return true;
}

static enum MHD_Result look_at(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_bytes,
                               const char *value, size_t value_bytes) {
    struct head *h = cls;
    (void)kind;
    h->gap |= (uintptr_t)name != h->end + strlen("\r\n");
    h->end = (uintptr_t)value + value_bytes;
    if (!value || !is_field(name, name_bytes, value, value_bytes)) {
        h->bad_text = true;
        return MHD_YES;
    }
    if (!strcasecmp(name, "Content-Length")) {
        h->lengths++;
        h->bad_length |= !is_number(value, &h->length);
    } else if (!strcasecmp(name, "Transfer-Encoding")) {
        h->encodings++;
        h->chunked = !strcasecmp(value, "chunked");
    } else if (!strcasecmp(name, "Host")) {
        h->hosts++;
    } else if (!strcasecmp(name, "Authorization")) {
        h->credentials++;
    } else if (!strcasecmp(name, "Expect")) {
        h->expects = true;
    }
    return MHD_YES;
}

/* Whether the head is exactly what the library gave us, piece after piece with one CRLF between. Its parser
 * up to 0.9.76 loses what stands behind a NUL or in a folded line, a folded Content-Length included, and
 * takes a bare CR for a line end; a proxy may see more. Its texts lie in one buffer, so what was lost leaves
 * a gap. Later versions refuse such heads themselves. */
static bool is_torn(const struct exchange *x, const struct head *h, const char *method, const char *version) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->conn->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (strcmp(MHD_get_version(), "0.9.76") > 0)
        return false;
    return h->gap || x->raw_end + 1 != (uintptr_t)version ||
           (uintptr_t)method + (info ? info->header_size : 0) != h->end + strlen("\r\n\r\n");
}

/* Heads whose end another server might see elsewhere than we do: the way requests are smuggled past a proxy.
 * NULL: nothing wrong. */
static const char *ambiguity(const struct head *h, const char *version) {
    if (h->bad_text)
        return "The head has a control character, a folded line, or a name that is none.";
    if (h->lengths > 1)
        return "The request has more than one Content-Length.";
    if (h->lengths && h->encodings)
        return "The request has both Content-Length and Transfer-Encoding.";
    if (h->encodings > 1 || (h->encodings && !h->chunked))
        return "The only transfer coding understood is 'chunked', once.";
    if (h->encodings && strcmp(version, "HTTP/1.1"))
        return "Transfer-Encoding belongs to HTTP/1.1.";
    if (h->bad_length)
        return "Content-Length is not a number.";
    if (h->hosts > 1)
        return "The request has more than one Host.";
    if (h->credentials > 1)
        return "The request has more than one Authorization.";
    return NULL;
}

static void refuse(struct exchange *x, int status, const char *code, const char *detail) {
    if (x->refusal)
        return;
    x->refusal = status;
    x->refusal_code = code;
    x->refusal_detail = detail;
}

static const char *header(const struct exchange *x, const char *name) {
    return MHD_lookup_connection_value(x->conn->mhd, MHD_HEADER_KIND, name);
}

/* Target, route and method; sets x->refusal where they don't do. */
static void check_target(struct exchange *x, const char *method) {
    x->method = request_method(method);
    x->route = REQUEST_ROUTE_API;
    if (x->method == REQUEST_METHOD_OTHER) {
        refuse(x, 501, "method_unknown", "The server does not know this method.");
        return;
    }
    x->target = malloc(sizeof *x->target);
    if (!x->target) {
        refuse(x, 503, "busy", "Out of memory.");
        return;
    }
    enum request_target_status status =
        x->raw ? request_target_decode(x->raw, x->target) : REQUEST_TARGET_TOO_LONG;
    if (status) {
        refuse(x, status == REQUEST_TARGET_TOO_LONG ? 414 : 400, "bad_target", request_target_text(status));
        return;
    }
    const char *key = header(x, "Idempotency-Key");
    if (key && !request_is_utf8(key, strlen(key)))
        refuse(x, 400, "bad_key", "The Idempotency-Key is not UTF-8.");
    x->route = request_route(x->target->path);
    bool reads = x->method == REQUEST_GET || x->method == REQUEST_HEAD || x->method == REQUEST_OPTIONS;
    if (x->route != REQUEST_ROUTE_API && !reads)
        refuse(x, 405, "method_not_allowed", "This address can only be read.");
}

/* Whether and how much body may come; sets x->refusal where it may not. */
static void check_body(struct exchange *x, const struct head *h) {
    bool reads = x->method == REQUEST_GET || x->method == REQUEST_HEAD || x->method == REQUEST_OPTIONS;
    size_t limit = x->route == REQUEST_ROUTE_API && !reads ? x->host->options.body_max_bytes : 0;
    const char *type = header(x, "Content-Type");
    if (!h->length && !h->encodings)
        return;
    if (h->length > limit)
        refuse(x, 413, "too_large",
               limit ? "The body is larger than the server takes." : "No body belongs here.");
    else if (!limit)
        refuse(x, 413, "too_large", "No body belongs here.");
    if (!type || !request_is_json(type))
        refuse(x, 415, "not_json", "The body has to be application/json.");
    const char *encoding = header(x, "Content-Encoding");
    if (encoding && strcasecmp(encoding, "identity"))
        refuse(x, 415, "encoded", "The body must not be compressed.");
    if (!x->refusal && x->host->bodies >= HTTP_BODIES_MAX)
        refuse(x, 503, "busy", "The server is taking in too many requests; try again in a second.");
    if (!x->refusal) {
        x->counted = true;
        x->host->bodies++;
    }
}

/* The head is complete: MHD_YES to go on with the body, or with the response queued. */
static enum MHD_Result take_head(struct exchange *x, const char *method, const char *version) {
    struct head h = {.end = (uintptr_t)version + strlen(version)};
    MHD_get_connection_values_n(x->conn->mhd, MHD_HEADER_KIND, look_at, &h);
    x->stage = STAGE_BODY;
    x->conn->deadline_ms = uv_now(x->host->options.loop) + 1000ull * x->host->options.request_deadline_s;
    h.bad_text |= is_torn(x, &h, method, version);
    const char *wrong = ambiguity(&h, version);
    if (wrong)
        return respond_problem(x, 400, "ambiguous", wrong, true);
    check_target(x, method);
    check_body(x, &h);
    bool body_comes = h.length || h.encodings;
    if (x->refusal && body_comes && (h.expects || h.length > EXCHANGE_DRAIN_BYTES))
        return respond_problem(x, x->refusal, x->refusal_code, x->refusal_detail, true);
    return MHD_YES;
}

/* --- the body ------------------------------------------------------------------------------------------- */

static bool make_room(struct exchange *x, size_t bytes) {
    size_t room = x->body_room ? x->body_room : 512;
    if (x->body_bytes + bytes <= x->body_room)
        return true;
    while (room < x->body_bytes + bytes)
        room *= 2;
    char *body = malloc(room); /* not realloc, which would leave a copy of a password behind */
    if (!body)
        return false;
    if (x->body_bytes)
        memcpy(body, x->body, x->body_bytes);
    body_wipe(x->body);
    x->body = body;
    x->body_room = room;
    return true;
}

static enum MHD_Result take_upload(struct exchange *x, const char *upload, size_t bytes) {
    if (!x->refusal && bytes > x->host->options.body_max_bytes - x->body_bytes)
        refuse(x, 413, "too_large", "The body is larger than the server takes.");
    if (!x->refusal && !make_room(x, bytes))
        refuse(x, 503, "busy", "Out of memory.");
    if (x->refusal) {
        body_wipe(x->body);
        x->body = NULL;
        x->body_bytes = x->body_room = 0;
        x->drained += bytes;
        return x->drained <= EXCHANGE_DRAIN_BYTES ? MHD_YES : MHD_NO;
    }
    memcpy(x->body + x->body_bytes, upload, bytes);
    x->body_bytes += bytes;
    return MHD_YES;
}

/* --- the API -------------------------------------------------------------------------------------------- */

/* The query as a JSON object; a name given more than once has an array of its values. */
static char *query_json(const struct request_target *target) {
    json_t *root = json_object();
    for (size_t i = 0; i < target->pair_count; i++) {
        const char *name = target->pairs[i].name;
        json_t *value = json_string(target->pairs[i].value), *before = json_object_get(root, name);
        if (json_is_array(before))
            json_array_append_new(before, value);
        else if (before)
            json_object_set_new(root, name, json_pack("[O,o]", before, value));
        else
            json_object_set_new(root, name, value);
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

/* Who is at the other end of the connection. */
static const char *peer(const struct exchange *x, char out[REQUEST_ADDRESS_SIZE]) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->conn->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    if (address && address->sa_family == AF_INET)
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, out,
                         REQUEST_ADDRESS_SIZE);
    if (address && address->sa_family == AF_INET6)
        return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, out,
                         REQUEST_ADDRESS_SIZE);
    return NULL;
}

static bool is_this_machine(const char *address) {
    return !strncmp(address, "127.", 4) || !strcmp(address, "::1") || !strncmp(address, "::ffff:127.", 11);
}

static enum MHD_Result keep_last(void *cls, enum MHD_ValueKind kind, const char *name, const char *value) {
    const char **last = cls;
    (void)kind;
    if (value && !strcasecmp(name, "X-Forwarded-For"))
        *last = value;
    return MHD_YES;
}

/* Whether our proxy forwarded this request; others may write what they like into those headers. */
static bool is_forwarded(const struct exchange *x) {
    char address[REQUEST_ADDRESS_SIZE];
    const char *who = x->host->options.behind_proxy ? peer(x, address) : NULL;
    return who && is_this_machine(who);
}

/* Who sent the request: the peer, or whom our proxy names. */
static const char *remote(const struct exchange *x, char out[REQUEST_ADDRESS_SIZE]) {
    const char *list = NULL;
    if (is_forwarded(x))
        MHD_get_connection_values(x->conn->mhd, MHD_HEADER_KIND, keep_last, &list);
    return list && request_forwarded(list, out) ? out : peer(x, out);
}

static bool came_by_tls(const struct exchange *x) {
    const char *scheme = header(x, "X-Forwarded-Proto");
    return scheme && is_forwarded(x) && !strcasecmp(scheme, "https");
}

/* The session's cookie, or an integration's bearer token; what is neither is no token. */
static const char *token_of(const struct exchange *x, char out[REQUEST_TOKEN_SIZE]) {
    const char *authorization = header(x, "Authorization"), *cookie = header(x, "Cookie");
    if (authorization)
        return request_bearer(authorization, out) ? out : NULL;
    return cookie && request_cookie(cookie, SESSION_COOKIE, out) ? out : NULL;
}

/* The gateway's answer: taken over, and the connection woken to send it. */
static void on_answer(void *ctx, struct gateway_answer *answer) {
    struct exchange *x = ctx;
    x->answer = *answer;
    memset(answer, 0, sizeof *answer);
    x->ticket = NULL;
    x->stage = STAGE_ANSWERED;
    if (!x->suspended)
        return;
    x->suspended = false;
    MHD_resume_connection(x->conn->mhd);
    x->host->wake(x->host->ctx);
}

static enum MHD_Result send_answer(struct exchange *x);

static enum MHD_Result ask_gateway(struct exchange *x, const char *method) {
    char token[REQUEST_TOKEN_SIZE], address[REQUEST_ADDRESS_SIZE];
    char *query = query_json(x->target);
    if (!query)
        return respond_problem(x, 503, "busy", "Out of memory.", false);
    struct gateway_call call = {.method = x->method == REQUEST_HEAD ? "GET" : method,
                                .path = x->target->path,
                                .query = query,
                                .body = x->body,
                                .body_bytes = x->body_bytes,
                                .token = token_of(x, token),
                                .secure = came_by_tls(x),
                                .remote = remote(x, address),
                                .user_agent = header(x, "User-Agent"),
                                .idempotency_key = header(x, "Idempotency-Key"),
                                .if_none_match = header(x, "If-None-Match"),
                                .accept_language = header(x, "Accept-Language")};
    x->body = NULL;
    x->stage = STAGE_WAITING;
    x->ticket = gateway_send(x->host->options.gateway, &call, on_answer, x);
    free(query);
    free(x->target);
    x->target = NULL;
    if (x->stage == STAGE_ANSWERED)
        return send_answer(x);
    x->suspended = true;
    MHD_suspend_connection(x->conn->mhd);
    return MHD_YES;
}

static enum MHD_Result open_stream(struct exchange *x) {
    struct host *host = x->host;
    struct MHD_Response *r = NULL;
    if (x->method == REQUEST_HEAD)
        return respond(x, 200, make(NULL, 0, "text/event-stream"));
    enum events_verdict verdict = EVENTS_FULL;
    if (!host->closing)
        verdict = events_stream(host->events, x->conn->mhd, x->conn->fd, x->answer.body ? x->answer.body : "",
                                uv_now(host->options.loop), &r);
    answer_fini(&x->answer);
    switch (verdict) {
    case EVENTS_OPENED:
        x->conn->deadline_ms = UINT64_MAX;
        return respond(x, 200, r);
    case EVENTS_FULL:
        return respond_problem(x, 503, "streams_full", "Too many consoles are open; try again in a second.",
                               false);
    case EVENTS_MANY:
        return respond_problem(x, 429, "streams_many", "This session has too many event streams open.",
                               false);
    case EVENTS_NOT_UNDERSTOOD:
        break;
    }
    return respond_problem(x, 500, "internal", "The event stream cannot be opened.", false);
}

static enum MHD_Result send_answer(struct exchange *x) {
    struct gateway_answer *a = &x->answer;
    if (a->status == GATEWAY_OPEN_STREAM)
        return open_stream(x);
    struct MHD_Response *r = make(a->body, a->body_bytes, NULL);
    a->body = NULL;
    if (!r)
        return MHD_NO;
    if (answer_find(a, "Cache-Control"))
        MHD_del_response_header(r, "Cache-Control", "no-store");
    for (size_t i = 0; i < a->header_count; i++)
        MHD_add_response_header(r, a->headers[i].name, a->headers[i].value);
    unsigned status = (unsigned)a->status;
    answer_fini(a);
    return respond(x, status, r);
}

/* --- everything else ------------------------------------------------------------------------------------ */

static enum MHD_Result send_file(struct exchange *x) {
    const struct files *files = x->host->files;
    const char *path = x->route == REQUEST_ROUTE_PAGE ? "/index.html" : x->target->path;
    const struct file *file = files ? files_find(files, path) : NULL;
    if (!file && x->route == REQUEST_ROUTE_PAGE)
        return respond_problem(x, 404, "no_console", "The console is not built on this server.", false);
    if (!file)
        return respond_problem(x, 404, "not_found", "There is nothing at this address.", false);
    const char *known = header(x, "If-None-Match"), *codings = header(x, "Accept-Encoding");
    if (known && request_etag_matches(known, file->etag))
        return queue(x, 304, file->unchanged);
    bool gzip = file->gzip && codings && request_accepts_gzip(codings);
    return queue(x, 200, gzip ? file->gzip : file->plain);
}

static enum MHD_Result send_ready(struct exchange *x) {
    char sentence[300] = "";
    const struct http_options *o = &x->host->options;
    bool ready = !x->host->closing && o->ready(o->ctx, sentence, sizeof sentence);
    if (ready)
        return respond_text(x, 200, "ready\n");
    return respond_problem(x, 503, "not_ready", *sentence ? sentence : "liftd is stopping.", false);
}

/* On this machine, and not through a proxy on this machine. */
static bool is_local(const struct exchange *x) {
    char address[REQUEST_ADDRESS_SIZE];
    const char *who = peer(x, address);
    return who && is_this_machine(who) && !header(x, "X-Forwarded-For") && !header(x, "Forwarded") &&
           !header(x, "X-Real-IP");
}

static enum MHD_Result send_metrics(struct exchange *x) {
    size_t bytes;
    if (!x->host->options.public_metrics && !is_local(x))
        return respond_problem(x, 403, "local_only", "Metrics are for this machine only.", false);
    metrics_set(METRIC_HTTP_STREAMS, (double)events_count(x->host->events));
    char *text = metrics_text(&bytes);
    return respond(x, 200, text ? make(text, bytes, "text/plain; version=0.0.4; charset=utf-8") : NULL);
}

static enum MHD_Result send_options(struct exchange *x) {
    struct MHD_Response *r = make(NULL, 0, NULL);
    if (r)
        MHD_add_response_header(r, "Allow", allowed(x));
    return respond(x, 204, r);
}

/* Head and body are here. */
static enum MHD_Result serve(struct exchange *x, const char *method) {
    if (x->refusal)
        return respond_problem(x, x->refusal, x->refusal_code, x->refusal_detail, false);
    if (x->method == REQUEST_OPTIONS)
        return send_options(x);
    switch (x->route) {
    case REQUEST_ROUTE_API:
        return ask_gateway(x, method);
    case REQUEST_ROUTE_HEALTHZ:
        return respond_text(x, 200, "alive\n");
    case REQUEST_ROUTE_READYZ:
        return send_ready(x);
    case REQUEST_ROUTE_METRICS:
        return send_metrics(x);
    case REQUEST_ROUTE_FILE:
    case REQUEST_ROUTE_PAGE:
        return send_file(x);
    }
    return MHD_NO;
}

enum MHD_Result exchange_access(void *cls, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_bytes, void **request) {
    struct exchange *x = *request;
    (void)cls;
    (void)connection;
    (void)url; /* decoded by our own rules from what exchange_begin kept */
    REQUIRE(x);
    if (x->conn->shut)
        return MHD_NO;
    if (x->stage == STAGE_HEAD)
        return take_head(x, method, version);
    if (x->stage == STAGE_ANSWERED)
        return send_answer(x);
    REQUIRE(x->stage == STAGE_BODY);
    if (!*upload_bytes)
        return serve(x, method);
    size_t bytes = *upload_bytes;
    *upload_bytes = 0;
    return take_upload(x, upload, bytes);
}

void exchange_completed(void *cls, struct MHD_Connection *connection, void **request,
                        enum MHD_RequestTerminationCode how) {
    struct exchange *x = *request;
    (void)cls;
    (void)connection;
    if (!x)
        return;
    *request = NULL;
    if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        metrics_add(METRIC_HTTP_DROPPED, 1);
    if (x->ticket)
        gateway_cancel(x->ticket);
    if (x->counted)
        x->host->bodies--;
    x->conn->exchange = NULL;
    x->conn->deadline_ms = uv_now(x->host->options.loop) + 1000ull * HTTP_IDLE_S;
    body_wipe(x->body);
    answer_fini(&x->answer);
    free(x->target);
    free(x->raw);
    free(x);
}

void exchange_abort(struct exchange *x) {
    if (x->ticket)
        gateway_cancel(x->ticket);
    x->ticket = NULL;
    if (!x->suspended)
        return;
    x->suspended = false;
    MHD_resume_connection(x->conn->mhd);
    x->host->wake(x->host->ctx);
}
