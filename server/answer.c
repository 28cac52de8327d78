/* What api.handle returned, checked and turned into an answer; and what a refusal by PostgreSQL means. */
#include "answer.h"

#include "log.h"
#include "problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longest value of a response header, bytes. */
#define VALUE_MAX_BYTES 4096

void answer_fini(struct gateway_answer *answer) {
    for (size_t i = 0; i < answer->header_count; i++) {
        free(answer->headers[i].name);
        free(answer->headers[i].value);
    }
    free(answer->body);
    memset(answer, 0, sizeof *answer);
}

static bool is_name(const char *name) {
    static const char token[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char *const reserved[] = {"Content-Length", "Transfer-Encoding", "Connection",
                                           "Keep-Alive",     "Upgrade",           "Trailer"};
    size_t n = strlen(name);
    if (!n || n > 100 || name[strspn(name, token)])
        return false;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (!strcasecmp(name, reserved[i]))
            return false;
    return true;
}

static bool is_value(const char *value) {
    const char *p = value;
    for (; *p; p++)
        if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
            return false;
    return p - value <= VALUE_MAX_BYTES;
}

bool answer_header(struct gateway_answer *answer, const char *name, const char *value) {
    if (answer->header_count == GATEWAY_HEADERS_MAX || !is_name(name) || !is_value(value))
        return false;
    struct gateway_header *header = &answer->headers[answer->header_count];
    header->name = strdup(name);
    header->value = strdup(value);
    answer->header_count++; /* answer_fini frees what there is */
    return header->name && header->value;
}

const char *answer_find(const struct gateway_answer *answer, const char *name) {
    for (size_t i = 0; i < answer->header_count; i++)
        if (!strcasecmp(answer->headers[i].name, name))
            return answer->headers[i].value;
    return NULL;
}

void answer_problem(struct gateway_answer *answer, int status, const char *code, const char *detail,
                    const char *field) {
    answer_fini(answer);
    answer->status = status;
    answer->body = problem_json(status, code, detail, field, &answer->body_bytes);
    answer_header(answer, "Content-Type", PROBLEM_CONTENT_TYPE);
    if (status == 503)
        answer_header(answer, "Retry-After", "1");
}

static void answer_broken(struct gateway_answer *answer, const char *what) {
    log_error("api.handle returned something unfit what=\"%s\"", what);
    answer_problem(answer, 500, "internal", "The server made an answer that it could not send.", NULL);
}

/* {fresh} becomes the token, where a cookie is set or a wall screen's address told, and nowhere else. */
static bool add_header(struct gateway_answer *answer, const char *name, const char *value,
                       const struct answer_cookie *cookie) {
    bool set_cookie = strcasecmp(name, "Set-Cookie") == 0;
    if (!set_cookie && strcasecmp(name, "Location"))
        return answer_header(answer, name, value);
    static const char fresh[] = "{fresh}";
    char filled[VALUE_MAX_BYTES];
    const char *hole = strstr(value, fresh), *rest = hole ? hole + strlen(fresh) : "";
    int head = hole ? (int)(hole - value) : (int)strnlen(value, VALUE_MAX_BYTES);
    int n = snprintf(filled, sizeof filled, "%.*s%s%s%s", head, value, hole ? cookie->token : "", rest,
                     set_cookie && cookie->secure ? "; Secure" : "");
    return n > 0 && (size_t)n < sizeof filled && answer_header(answer, name, filled);
}

static bool take_headers(struct gateway_answer *answer, const char *json,
                         const struct answer_cookie *cookie) {
    json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    const char *name;
    json_t *value, *each;
    size_t i;
    bool ok = json_is_object(root);
    if (ok) {
        json_object_foreach(root, name, value) {
            if (json_is_string(value))
                ok = ok && add_header(answer, name, json_string_value(value), cookie);
            else if (json_is_array(value))
                json_array_foreach(value, i, each) ok =
                    ok && json_is_string(each) && add_header(answer, name, json_string_value(each), cookie);
            else
                ok = ok && json_is_null(value);
        }
    }
    json_decref(root);
    return ok;
}

static bool take_body(struct gateway_answer *answer, const PGresult *result) {
    if (PQgetisnull(result, 0, 2) || !PQgetlength(result, 0, 2))
        return true;
    size_t bytes = (size_t)PQgetlength(result, 0, 2);
    if (bytes > GATEWAY_ANSWER_MAX_BYTES || !(answer->body = malloc(bytes + 1)))
        return false;
    memcpy(answer->body, PQgetvalue(result, 0, 2), bytes + 1);
    answer->body_bytes = bytes;
    return true;
}

void answer_take(struct gateway_answer *answer, const PGresult *result, const struct answer_cookie *cookie) {
    answer_fini(answer);
    if (PQntuples(result) != 1 || PQnfields(result) != 3) {
        answer_broken(answer, "not one row of three columns");
        return;
    }
    int status = atoi(PQgetvalue(result, 0, 0));
    bool asks = status >= ANSWER_VERIFY_PASSWORD && status <= GATEWAY_OPEN_STREAM;
    if (!asks && (status < 200 || status > 599)) {
        answer_broken(answer, "a status that does not exist");
        return;
    }
    if (!PQgetisnull(result, 0, 1) && !take_headers(answer, PQgetvalue(result, 0, 1), cookie)) {
        answer_broken(answer, "headers that cannot be sent");
        return;
    }
    if (!take_body(answer, result)) {
        answer_broken(answer, "a body that is too long");
        return;
    }
    answer->status = status;
    if (answer->body && !asks && !answer_find(answer, "Content-Type"))
        answer_header(answer, "Content-Type", status >= 400 ? PROBLEM_CONTENT_TYPE : "application/json");
}

static bool starts(const char *state, const char *class) {
    return !strncmp(state, class, strlen(class));
}

bool answer_failure(struct gateway_answer *answer, const PGresult *result) {
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char words[400];
    state = state ? state : "-----";
    log_error("an API call failed sqlstate=%s message=%s", state,
              log_quote(message ? message : "", words, sizeof words));
    if (!strcmp(state, "57014"))
        answer_problem(answer, 503, "too_slow", "The database took too long for this request.", NULL);
    else if (starts(state, "57P") || starts(state, "08") || !strcmp(state, "25006"))
        answer_problem(answer, 503, "database_away", "The database cannot take requests just now.", NULL);
    else if (starts(state, "40") || starts(state, "53") || !strcmp(state, "55P03"))
        answer_problem(answer, 503, "busy",
                       "The database was too busy for this request; nothing was changed.", NULL);
    else
        answer_problem(answer, 500, "internal", "The server failed at this request; its log says why.", NULL);
    return !strcmp(state, "26000") || !strcmp(state, "0A000") || starts(state, "42883") ||
           starts(state, "57P");
}
