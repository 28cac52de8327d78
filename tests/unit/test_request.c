/* What requests say: targets, routes, tokens and header values, one table for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../server/body.h"
#include "../../server/request.h"

static struct request_target target;

static void targets_that_are_refused(void **state) {
    static const struct {
        const char *raw;
        enum request_target_status status;
    } cases[] = {
        {"", REQUEST_TARGET_BAD_FORM},
        {"*", REQUEST_TARGET_BAD_FORM},
        {"api", REQUEST_TARGET_BAD_FORM},
        {"ftp://x/", REQUEST_TARGET_BAD_FORM},
        {"http://x", REQUEST_TARGET_BAD_FORM},
        {"/a b", REQUEST_TARGET_BAD_FORM},
        {"/a#b", REQUEST_TARGET_BAD_FORM},
        {"/a\\b", REQUEST_TARGET_BAD_FORM},
        {"/\x7f", REQUEST_TARGET_BAD_FORM},
        {"/\xc3\xa9", REQUEST_TARGET_BAD_FORM},
        {"/?a=\"", REQUEST_TARGET_BAD_FORM},
        {"/%", REQUEST_TARGET_BAD_ESCAPE},
        {"/%4", REQUEST_TARGET_BAD_ESCAPE},
        {"/%4g", REQUEST_TARGET_BAD_ESCAPE},
        {"/?%", REQUEST_TARGET_BAD_ESCAPE},
        {"/%00", REQUEST_TARGET_CONTROL},
        {"/?a=%00", REQUEST_TARGET_CONTROL},
        {"/?%00", REQUEST_TARGET_CONTROL},
        {"/%0a", REQUEST_TARGET_CONTROL},
        {"/?a=%1b", REQUEST_TARGET_CONTROL},
        {"/%7f", REQUEST_TARGET_CONTROL},
        {"/%ff", REQUEST_TARGET_NOT_UTF8},
        {"/%c0%af", REQUEST_TARGET_NOT_UTF8},
        {"/%ed%a0%80", REQUEST_TARGET_NOT_UTF8},
        {"/%f4%90%80%80", REQUEST_TARGET_NOT_UTF8},
        {"/%e4%b8", REQUEST_TARGET_NOT_UTF8},
        {"/?a=%e4&%b8%ad", REQUEST_TARGET_NOT_UTF8},
        {"/%2f", REQUEST_TARGET_BAD_PATH},
        {"/%5c", REQUEST_TARGET_BAD_PATH},
        {"/.", REQUEST_TARGET_BAD_PATH},
        {"/..", REQUEST_TARGET_BAD_PATH},
        {"/a/../b", REQUEST_TARGET_BAD_PATH},
        {"/a/%2e%2e", REQUEST_TARGET_BAD_PATH},
        {"/./a", REQUEST_TARGET_BAD_PATH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (request_target_decode(cases[i].raw, &target) != cases[i].status)
            fail_msg("target \"%s\"", cases[i].raw);
}

static void targets_that_are_understood(void **state) {
    (void)state;
    assert_int_equal(request_target_decode("/a/%E7%94%B5..b/.x?q=1+%2b%0A&q=&r&=s&&t=a=b", &target), 0);
    assert_string_equal(target.path, "/a/电..b/.x");
    static const char *const pairs[][2] = {{"q", "1 +\n"}, {"q", ""}, {"r", ""}, {"", "s"}, {"t", "a=b"}};
    assert_int_equal(target.pair_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(target.pairs[i].name, pairs[i][0]);
        assert_string_equal(target.pairs[i].value, pairs[i][1]);
    }
    assert_int_equal(request_target_decode("HTTP://user@host:1/x?y", &target), 0);
    assert_string_equal(target.path, "/x");
    assert_int_equal(request_target_decode("/?", &target), 0);
    assert_int_equal(target.pair_count, 0);
}

static void targets_at_their_bounds(void **state) {
    static char raw[REQUEST_TARGET_MAX + 2];
    (void)state;
    memset(raw, 'a', REQUEST_TARGET_MAX);
    raw[0] = '/';
    assert_int_equal(request_target_decode(raw, &target), 0);
    raw[REQUEST_TARGET_MAX] = 'a';
    assert_int_equal(request_target_decode(raw, &target), REQUEST_TARGET_TOO_LONG);
    memset(raw, '&', REQUEST_TARGET_MAX);
    memcpy(raw, "/?", 2);
    raw[REQUEST_TARGET_MAX] = 0;
    assert_int_equal(request_target_decode(raw, &target), 0);
    raw[0] = 0;
    strcat(raw, "/?");
    for (int i = 0; i < REQUEST_PAIRS_MAX; i++)
        strcat(raw, "a&");
    assert_int_equal(request_target_decode(raw, &target), 0);
    strcat(raw, "a");
    assert_int_equal(request_target_decode(raw, &target), REQUEST_TARGET_MANY_PAIRS);
}

static void routes(void **state) {
    static const struct {
        const char *path;
        enum request_route route;
    } cases[] = {
        {"/api", REQUEST_ROUTE_API},         {"/api/", REQUEST_ROUTE_API},
        {"/api/v1/x.y", REQUEST_ROUTE_API},  {"/apix", REQUEST_ROUTE_PAGE},
        {"/API", REQUEST_ROUTE_PAGE},        {"/", REQUEST_ROUTE_PAGE},
        {"/lifts/12", REQUEST_ROUTE_PAGE},   {"/a.b/c", REQUEST_ROUTE_PAGE},
        {"/x.js", REQUEST_ROUTE_FILE},       {"/a/b.css", REQUEST_ROUTE_FILE},
        {"/healthz", REQUEST_ROUTE_HEALTHZ}, {"/healthz/", REQUEST_ROUTE_PAGE},
        {"/readyz", REQUEST_ROUTE_READYZ},   {"/metrics", REQUEST_ROUTE_METRICS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (request_route(cases[i].path) != cases[i].route)
            fail_msg("path %s", cases[i].path);
    assert_int_equal(request_method("GET"), REQUEST_GET);
    assert_int_equal(request_method("OPTIONS"), REQUEST_OPTIONS);
    assert_int_equal(request_method("get"), REQUEST_METHOD_OTHER);
    assert_int_equal(request_method(""), REQUEST_METHOD_OTHER);
}

#define TOKEN "0123456789abcdefghij-_ABCDEFGHIJ"

static void tokens(void **state) {
    static const struct {
        const char *header;
        bool found;
    } cookies[] = {
        {"s=" TOKEN, true},
        {"a=b; s=" TOKEN " ; c=d", true},
        {"a=b;s=" TOKEN, true},
        {"s=" TOKEN "=", false},
        {"xs=" TOKEN, false},
        {"s =" TOKEN, false},
        {"s=\"" TOKEN "\"", false},
        {"s=short", false},
        {"", false},
        {"s=" TOKEN "; s=x", true},
        {"s=x; s=" TOKEN, false},
        {"a=s=" TOKEN, false},
        {"s=" TOKEN "\tx", false},
        {";;;", false},
        {"S=" TOKEN, false},
    };
    char out[REQUEST_TOKEN_SIZE], longest[200] = "s=";
    (void)state;
    for (size_t i = 0; i < sizeof cookies / sizeof *cookies; i++) {
        if (request_cookie(cookies[i].header, "s", out) != cookies[i].found)
            fail_msg("cookie %s", cookies[i].header);
        assert_string_equal(out, cookies[i].found ? TOKEN : "");
    }
    memset(longest + 2, 'a', 128);
    assert_true(request_cookie(longest, "s", out));
    longest[130] = 'a';
    assert_false(request_cookie(longest, "s", out));
    assert_true(request_bearer("bearer  " TOKEN " ", out));
    assert_string_equal(out, TOKEN);
    assert_false(request_bearer("Basic " TOKEN, out));
    assert_false(request_bearer("Bearer", out));
    assert_false(request_bearer("Bearer " TOKEN ";", out));
}

static void forwarded_addresses(void **state) {
    static const char *const cases[][2] = {
        {"10.0.0.1", "10.0.0.1"},
        {"1.2.3.4, 10.0.0.1 ", "10.0.0.1"},
        {"x,2001:db8::1", "2001:db8::1"},
        {"10.0.0.1,", ""},
        {"10.0.0.1:80", ""},
        {"unknown", ""},
        {"10.0.0.1 10.0.0.2", ""},
        {"", ""},
        {"256.0.0.1", ""},
        {"1.2.3.4,'; drop --", ""},
        {"fe80::1%eth0", ""},
    };
    char out[REQUEST_ADDRESS_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(request_forwarded(cases[i][0], out), *cases[i][1] != 0);
        assert_string_equal(out, cases[i][1]);
    }
}

static void header_values(void **state) {
    (void)state;
    assert_true(request_is_json("application/json"));
    assert_true(request_is_json(" Application/JSON ; charset=\"UTF-8\" "));
    assert_true(request_is_json("application/json;"));
    assert_false(request_is_json("application/json; charset=latin1"));
    assert_false(request_is_json("application/jsonp"));
    assert_false(request_is_json("text/plain"));
    assert_false(request_is_json(""));
    assert_true(request_accepts_gzip("br, gzip"));
    assert_true(request_accepts_gzip("GZIP;q=0.5"));
    assert_false(request_accepts_gzip("gzip;q=0.000, br"));
    assert_false(request_accepts_gzip("xgzip, gzip2"));
    assert_false(request_accepts_gzip(""));
    assert_true(request_etag_matches("\"a\", W/\"b\"", "\"b\""));
    assert_true(request_etag_matches("*", "\"b\""));
    assert_false(request_etag_matches("\"ab\"", "\"b\""));
    assert_false(request_etag_matches("", "\"b\""));
}

static void json_texts(void **state) {
    (void)state;
    assert_int_equal(request_json_depth("{}", 2), 1);
    assert_int_equal(request_json_depth("[[],[[]]]", 9), 3);
    assert_int_equal(request_json_depth("\"[[[\\\"[[\"[", 10), 1);
    assert_int_equal(request_json_depth("]]][", 4), 1);
    assert_int_equal(request_json_depth("\"\\", 2), 0);
    assert_true(request_is_utf8("a\0\xe4\xb8\xad\xf0\x9f\x98\x80", 9));
    assert_false(request_is_utf8("\x80", 1));
    assert_false(request_is_utf8("\xe4\xb8", 2));
}

static void secrets_are_set_aside(void **state) {
    struct body body;
    struct body_refusal refusal;
    static const char login[] =
        "{\"name\":\"a\",\"password\":\"s\\u00e9cret\",\"deep\":{\"password\":\"seen\"},\"n\":0.1}";
    static const char plain[] = " {\"n\": 0.10000000000000000555, \"x\":1e2}";
    (void)state;
    body_init();
    assert_true(body_read(login, sizeof login - 1, &body, &refusal));
    assert_string_equal(body.password, "sécret");
    assert_null(body.new_password);
    assert_null(strstr(body.json, "cret"));
    assert_non_null(strstr(body.json, "\"password\":true"));
    assert_non_null(strstr(body.json, "\"deep\":{\"password\":\"seen\"}"));
    body_fini(&body);
    assert_true(body_read(plain, sizeof plain - 1, &body, &refusal));
    assert_string_equal(body.json, plain);
    body_fini(&body);
    assert_false(body_read("{\"new_password\":7}", 18, &body, &refusal));
    assert_int_equal(refusal.status, 422);
    assert_string_equal(refusal.field, "new_password");
    assert_false(body_read("{\"password\":\"hunter2\"", 21, &body, &refusal));
    assert_int_equal(refusal.status, 400);
    assert_null(strstr(refusal.detail, "hunter2"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_that_are_refused),
        cmocka_unit_test(targets_that_are_understood),
        cmocka_unit_test(targets_at_their_bounds),
        cmocka_unit_test(routes),
        cmocka_unit_test(tokens),
        cmocka_unit_test(header_values),
        cmocka_unit_test(forwarded_addresses),
        cmocka_unit_test(json_texts),
        cmocka_unit_test(secrets_are_set_aside),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
