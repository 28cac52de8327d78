/* What api.handle returned, checked and turned into an answer; and what a refusal by PostgreSQL means. */
#ifndef LIFTD_ANSWER_H
#define LIFTD_ANSWER_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "gateway.h"

/* Statuses below 100 with which SQL asks the gateway for work it must not do itself. */
#define ANSWER_VERIFY_PASSWORD 1
#define ANSWER_HASH_PASSWORD 2

/* Makes a problem document of an answer, replacing what it held. field may be NULL. */
void answer_problem(struct gateway_answer *answer, int status, const char *code, const char *detail,
                    const char *field);

/* Adds a header, replacing none; false when there is no room, no memory, or it is not fit to be sent: a name
 * that is no token or belongs to the connection, a value with control characters. */
bool answer_header(struct gateway_answer *answer, const char *name, const char *value);

/* The value of a header, NULL when absent. */
const char *answer_find(const struct gateway_answer *answer, const char *name);

/* What a cookie needs that SQL doesn't know. */
struct answer_cookie {
    const char *token; /* takes the place of {fresh} in Set-Cookie */
    bool secure;       /* every cookie is marked Secure */
};

/* Reads the row of api.handle (status, headers, body). What does not hold together is answered 500 and
 * logged. */
void answer_take(struct gateway_answer *answer, const PGresult *result, const struct answer_cookie *cookie);

/* Makes an answer of a failed call: 503 for what a later try may cure (timeouts, serialization, shutdown, no
 * resources), 500 for the rest. Returns true when the connection had better be made anew (the prepared call
 * is gone or out of date). */
bool answer_failure(struct gateway_answer *answer, const PGresult *result);

/* Frees what the answer holds. */
void answer_fini(struct gateway_answer *answer);

#endif
