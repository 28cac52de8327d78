/* Fuzz target: what HTTP clients write: targets, cookies, header values, JSON bodies. Whatever is accepted
 * holds together: well-formed, bounded, and without the secrets that were to be set aside. */
#include "../../ingest/require.h"
#include "../../server/body.h"
#include "../../server/request.h"
#include "fuzz.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_in(const struct request_target *t, const char *text) {
    return text >= t->text && text + strlen(text) < t->text + sizeof t->text;
}

/* The path percent-encoded again, everything but letters, digits and slashes. */
static void encode(const char *path, char *out) {
    for (const char *p = path; *p; p++) {
        bool plain =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || *p == '/';
        out += sprintf(out, plain ? "%c" : "%%%02x", plain ? *p : (unsigned char)*p);
    }
    *out = 0;
}

static void fuzz_target(const char *text) {
    static struct request_target t, again;
    static char encoded[3 * REQUEST_TARGET_MAX + 1];
    enum request_target_status status = request_target_decode(text, &t);
    REQUIRE(strlen(request_target_text(status)) > 10);
    if (status != REQUEST_TARGET_OK)
        return;
    REQUIRE(t.path[0] == '/' && is_in(&t, t.path) && request_is_utf8(t.path, strlen(t.path)));
    REQUIRE(!strstr(t.path, "/../") && !strchr(t.path, '\\') && t.pair_count <= REQUEST_PAIRS_MAX);
    for (size_t i = 0; i < t.pair_count; i++) {
        REQUIRE(is_in(&t, t.pairs[i].name) && is_in(&t, t.pairs[i].value));
        REQUIRE(request_is_utf8(t.pairs[i].value, strlen(t.pairs[i].value)));
    }
    (void)request_route(t.path);
    encode(t.path, encoded);
    if (strlen(encoded) > REQUEST_TARGET_MAX)
        return;
    REQUIRE(request_target_decode(encoded, &again) == REQUEST_TARGET_OK);
    REQUIRE(!strcmp(again.path, t.path) && again.pair_count == 0);
}

static void fuzz_headers(const char *text) {
    char token[REQUEST_TOKEN_SIZE];
    bool found = request_cookie(text, "liftd_session", token);
    REQUIRE(found ? strlen(token) >= 16 && strstr(text, token) != NULL : !*token);
    found = request_bearer(text, token);
    REQUIRE(found ? strlen(token) >= 16 && strstr(text, token) != NULL : !*token);
    char address[REQUEST_ADDRESS_SIZE];
    found = request_forwarded(text, address);
    REQUIRE(found ? strstr(text, address) != NULL : !*address);
    REQUIRE(!request_is_json(text) || strlen(text) >= strlen("application/json"));
    (void)request_accepts_gzip(text);
    (void)request_etag_matches(text, "\"0123456789abcdef\"");
    (void)request_method(text);
}

static void fuzz_body(const char *bytes, size_t count) {
    struct body body;
    struct body_refusal refusal;
    if (!body_read(bytes, count, &body, &refusal)) {
        REQUIRE((refusal.status == 400 || refusal.status == 422) && *refusal.code && *refusal.detail);
        return;
    }
    REQUIRE(request_json_depth(bytes, count) <= REQUEST_JSON_DEPTH_MAX);
    json_t *root = json_loads(body.json, JSON_REJECT_DUPLICATES, NULL);
    REQUIRE(json_is_object(root));
    REQUIRE(!body.password == !json_object_get(root, "password"));
    REQUIRE(!body.password || json_is_true(json_object_get(root, "password")));
    REQUIRE(!body.new_password || json_is_true(json_object_get(root, "new_password")));
    json_decref(root);
    body_fini(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool ready;
    if (!ready)
        body_init();
    ready = true;
    char *text = malloc(size + 1); /* exactly as long as the input, so that reading past its end shows */
    REQUIRE(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    fuzz_target(text);
    fuzz_headers(text);
    fuzz_body(text, size);
    free(text);
    return 0;
}
