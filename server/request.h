/* PURE: what a request's target, cookie and headers say: decoding and routing of untrusted text. */
#ifndef LIFTD_REQUEST_H
#define LIFTD_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Longest request target as sent, bytes. */
#define REQUEST_TARGET_MAX 4096
/* Most name=value pairs of a query. */
#define REQUEST_PAIRS_MAX 32
/* Room for a token with its terminating zero; tokens are 16 to 128 characters of base64url. */
#define REQUEST_TOKEN_SIZE 129
/* Room for an IPv4 or IPv6 address with its terminating zero. */
#define REQUEST_ADDRESS_SIZE 46
/* Deepest nesting of a JSON body; the API's own bodies need 4. */
#define REQUEST_JSON_DEPTH_MAX 32

enum request_method {
    REQUEST_GET,
    REQUEST_HEAD,
    REQUEST_POST,
    REQUEST_PUT,
    REQUEST_PATCH,
    REQUEST_DELETE,
    REQUEST_OPTIONS,
    REQUEST_METHOD_OTHER
};

/* By exact name, as RFC 9110 says: "get" is another method. */
enum request_method request_method(const char *name);

struct request_pair {
    const char *name, *value; /* into text */
};

/* A decoded target. All texts are well-formed UTF-8, NUL-terminated, without NUL inside. */
struct request_target {
    const char *path; /* begins with '/'; no empty meaning is given to "." or "..": they are refused */
    size_t pair_count;
    struct request_pair pairs[REQUEST_PAIRS_MAX]; /* in the order sent; names may repeat */
    char text[REQUEST_TARGET_MAX + 2];
};

enum request_target_status {
    REQUEST_TARGET_OK = 0,
    REQUEST_TARGET_TOO_LONG, /* longer than REQUEST_TARGET_MAX */
    REQUEST_TARGET_BAD_FORM, /* neither "/path" nor "http://host/path"; a raw byte that belongs encoded */
    REQUEST_TARGET_BAD_ESCAPE,
    REQUEST_TARGET_CONTROL,   /* an encoded NUL or other control character */
    REQUEST_TARGET_NOT_UTF8,  /* decoded bytes that are not UTF-8 */
    REQUEST_TARGET_BAD_PATH,  /* an encoded slash, a backslash, or a dot segment in the path */
    REQUEST_TARGET_MANY_PAIRS /* more than REQUEST_PAIRS_MAX */
};

/* Decodes the target of a request line ("/a/b?c=d"). *out is defined only for REQUEST_TARGET_OK. In queries
 * '+' is a space, and tab and line ends may be encoded. */
enum request_target_status request_target_decode(const char *raw, struct request_target *out);

/* One English sentence for a problem's detail. */
const char *request_target_text(enum request_target_status status);

enum request_route {
    REQUEST_ROUTE_API,     /* /api and everything below */
    REQUEST_ROUTE_HEALTHZ, /* /healthz */
    REQUEST_ROUTE_READYZ,  /* /readyz */
    REQUEST_ROUTE_METRICS, /* /metrics */
    REQUEST_ROUTE_FILE,    /* a file of the console: its last segment has a dot */
    REQUEST_ROUTE_PAGE     /* a page that the console draws itself: /, /alarms, /lifts/12 */
};

/* Where a decoded path leads; total: every path leads somewhere. */
enum request_route request_route(const char *path);

/* The token of the cookie `name` in a Cookie header, or of an Authorization header "Bearer ...". false:
 * absent, or not a token's shape (then *out is ""). */
bool request_cookie(const char *header, const char *name, char out[REQUEST_TOKEN_SIZE]);
bool request_bearer(const char *header, char out[REQUEST_TOKEN_SIZE]);

/* The last address of an X-Forwarded-For list, IPv4 or IPv6 as it stands there: the one that the nearest
 * proxy saw itself. false: it is none (then *out is ""). */
bool request_forwarded(const char *header, char out[REQUEST_ADDRESS_SIZE]);

/* Whether a Content-Type is application/json (in UTF-8, if it names a character set). */
bool request_is_json(const char *content_type);

/* Whether an Accept-Encoding allows gzip. */
bool request_accepts_gzip(const char *accept_encoding);

/* Whether an If-None-Match lists this entity tag (given with its quotes) or is "*"; weak comparison. */
bool request_etag_matches(const char *if_none_match, const char *etag);

/* Whether bytes are well-formed UTF-8 (no surrogates, no overlong forms). NUL is allowed. */
bool request_is_utf8(const char *bytes, size_t count);

/* Deepest nesting of arrays and objects in a JSON text, whether well-formed or not: to be asked before a
 * recursive parser sees it. */
size_t request_json_depth(const char *bytes, size_t count);

#endif
