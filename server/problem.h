/* Error documents after RFC 9457, for what is refused before or without asking the database. */
#ifndef LIFTD_PROBLEM_H
#define LIFTD_PROBLEM_H

#include <stddef.h>

#define PROBLEM_CONTENT_TYPE "application/problem+json"

/* The reason phrase of a status ("Not Found"); "Error" for unknown ones. */
const char *problem_title(int status);

/* {"type","title","status","detail","code"} as malloc'ed JSON text; code is a short name programs can test
 * ("database_away"), detail a sentence for people, UTF-8. field, when not NULL, adds
 * "errors":[{"field","detail"}]. NULL when out of memory. */
char *problem_json(int status, const char *code, const char *detail, const char *field, size_t *bytes);

#endif
