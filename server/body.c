/* A request's JSON body: checked before anybody believes it, its secrets set aside. */
#include "body.h"

#include "request.h"

#include <jansson.h>
#include <malloc.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wiping_free(void *memory) {
    if (!memory)
        return;
    sodium_memzero(memory, malloc_usable_size(memory));
    free(memory);
}

void body_init(void) {
    json_set_alloc_funcs(malloc, wiping_free);
}

void body_wipe(char *text) {
    wiping_free(text);
}

void body_fini(struct body *body) {
    wiping_free(body->json);
    wiping_free(body->password);
    wiping_free(body->new_password);
    memset(body, 0, sizeof *body);
}

static bool refuse(struct body_refusal *refusal, int status, const char *code, const char *detail) {
    refusal->status = status;
    refusal->code = code;
    refusal->field = NULL;
    snprintf(refusal->detail, sizeof refusal->detail, "%s", detail);
    return false;
}

/* jansson quotes what stood near the error, and that may be a secret: only its own words are passed on. */
static bool refuse_malformed(struct body_refusal *refusal, const json_error_t *error) {
    if (json_error_code(error) == json_error_duplicate_key)
        return refuse(refusal, 400, "duplicate_name", "The body has an object with the same name twice.");
    refuse(refusal, 400, "malformed_json", "");
    snprintf(refusal->detail, sizeof refusal->detail,
             "The body is not JSON; the error is in line %d, column %d.", error->line, error->column);
    return false;
}

/* Moves a secret out of the object; false when it is there but no text. */
static bool set_aside(json_t *root, const char *name, char **out, struct body_refusal *refusal) {
    json_t *value = json_object_get(root, name);
    if (!value)
        return true;
    if (!json_is_string(value)) {
        refuse(refusal, 422, "invalid", "A password has to be a text.");
        refusal->field = name;
        return false;
    }
    *out = strdup(json_string_value(value));
    if (*out && !json_object_set_new(root, name, json_true()))
        return true;
    return refuse(refusal, 503, "busy", "Out of memory.");
}

static bool read_object(json_t *root, const char *text, size_t bytes, struct body *out,
                        struct body_refusal *refusal) {
    if (!json_is_object(root))
        return refuse(refusal, 422, "not_an_object", "The body is JSON, but not an object.");
    if (!set_aside(root, "password", &out->password, refusal) ||
        !set_aside(root, "new_password", &out->new_password, refusal))
        return false;
    if (out->password || out->new_password)
        out->json = json_dumps(root, JSON_COMPACT);
    else
        out->json = strndup(text, bytes);
    return out->json ? true : refuse(refusal, 503, "busy", "Out of memory.");
}

bool body_read(const char *text, size_t bytes, struct body *out, struct body_refusal *refusal) {
    memset(out, 0, sizeof *out);
    if (!request_is_utf8(text, bytes))
        return refuse(refusal, 400, "not_utf8", "The body is not UTF-8.");
    if (request_json_depth(text, bytes) > REQUEST_JSON_DEPTH_MAX)
        return refuse(refusal, 400, "too_deep", "The body is nested deeper than 32 levels.");
    json_error_t error;
    json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!root)
        return refuse_malformed(refusal, &error);
    bool ok = read_object(root, text, bytes, out, refusal);
    json_decref(root);
    if (!ok)
        body_fini(out);
    return ok;
}
