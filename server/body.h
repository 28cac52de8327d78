/* A request's JSON body: checked before anybody believes it, its secrets set aside. */
#ifndef LIFTD_BODY_H
#define LIFTD_BODY_H

#include <stdbool.h>
#include <stddef.h>

/* What SQL may see, and what it may not. */
struct body {
    char *json; /* malloc'ed text: an object whose top-level "password" and "new_password" are true */
    char *password, *new_password; /* malloc'ed; NULL: the field was absent */
};

/* Why a body is refused. */
struct body_refusal {
    int status;        /* 400 or 422 */
    const char *code;  /* for the problem document */
    const char *field; /* the field at fault, NULL none */
    char detail[200];
};

/* Makes JSON forget: every piece of memory that jansson gives back is overwritten first, for it may have held
 * a password. Call once, before any JSON is read. */
void body_init(void);

/* Reads a body: UTF-8, nested at most REQUEST_JSON_DEPTH_MAX deep, one JSON object without duplicate names,
 * without NUL in texts, with secrets (if any) being texts. On success true and *out is to be released with
 * body_fini; the text is passed on byte for byte when it holds no secret. On failure false and *refusal says
 * why. text itself stays the caller's, to be wiped. */
bool body_read(const char *text, size_t bytes, struct body *out, struct body_refusal *refusal);

/* Wipes and frees; harmless on a zeroed struct. */
void body_fini(struct body *body);

/* Wipes and frees a malloc'ed text, NULL allowed. */
void body_wipe(char *text);

#endif
