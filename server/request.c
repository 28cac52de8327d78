/* PURE: what a request's target, cookie and headers say: decoding and routing of untrusted text. */
#include "request.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum request_method request_method(const char *name) {
    static const char *const names[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return (enum request_method)i;
    return REQUEST_METHOD_OTHER;
}

/* How many continuation bytes follow a first byte, and the range of the first of them; -1: no first byte. */
static int utf8_more(unsigned char c, unsigned char *low, unsigned char *high) {
    *low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    *high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (c < 0x80)
        return 0;
    if (c >= 0xc2 && c <= 0xdf)
        return 1;
    if (c >= 0xe0 && c <= 0xef)
        return 2;
    return c >= 0xf0 && c <= 0xf4 ? 3 : -1;
}

bool request_is_utf8(const char *bytes, size_t count) {
    const unsigned char *p = (const unsigned char *)bytes;
    for (size_t i = 0; i < count; i++) {
        unsigned char low, high;
        int more = utf8_more(p[i], &low, &high);
        if (more < 0 || count - i - 1 < (size_t)more)
            return false;
        for (; more; more--) {
            unsigned char c = p[++i];
            if (c < low || c > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes raw up to one of `stops` or its end into *at, NUL-terminated; *raw is left at the stop. */
static enum request_target_status decode_part(const char **raw, const char *stops, bool query, char **at) {
    const char *p = *raw;
    char *out = *at, *begin = out;
    for (; *p && !strchr(stops, *p); p++) {
        unsigned char c = (unsigned char)*p;
        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '"' || c == '<' || c == '>' || c == '\\')
            return REQUEST_TARGET_BAD_FORM;
        if (c == '%') {
            int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
            if (low < 0)
                return REQUEST_TARGET_BAD_ESCAPE;
            c = (unsigned char)(high * 16 + low);
            p += 2;
            bool spaced = query && (c == '\t' || c == '\n' || c == '\r');
            if ((c < 0x20 && !spaced) || c == 0x7f)
                return REQUEST_TARGET_CONTROL;
            if (!query && (c == '/' || c == '\\'))
                return REQUEST_TARGET_BAD_PATH;
        } else if (query && c == '+') {
            c = ' ';
        }
        *out++ = (char)c;
    }
    *out = 0;
    if (!request_is_utf8(begin, (size_t)(out - begin)))
        return REQUEST_TARGET_NOT_UTF8;
    *raw = p;
    *at = out + 1;
    return REQUEST_TARGET_OK;
}

static bool has_dot_segment(const char *path) {
    for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
        const char *s = slash + 1;
        size_t n = strcspn(s, "/");
        if ((n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.'))
            return true;
    }
    return false;
}

static enum request_target_status decode_query(const char *raw, struct request_target *out, char *at) {
    while (*raw) {
        if (*raw == '&') {
            raw++;
            continue;
        }
        if (out->pair_count == REQUEST_PAIRS_MAX)
            return REQUEST_TARGET_MANY_PAIRS;
        struct request_pair *pair = &out->pairs[out->pair_count++];
        pair->name = at;
        enum request_target_status status = decode_part(&raw, "&=", true, &at);
        if (status)
            return status;
        pair->value = at - 1; /* the name's NUL: a name alone has an empty value */
        if (*raw != '=')
            continue;
        raw++;
        pair->value = at;
        status = decode_part(&raw, "&", true, &at);
        if (status)
            return status;
    }
    return REQUEST_TARGET_OK;
}

/* Skips "http://host" of an absolute target, which servers have to understand. */
static const char *skip_origin(const char *raw) {
    size_t scheme = !strncasecmp(raw, "http://", 7) ? 7 : !strncasecmp(raw, "https://", 8) ? 8 : 0;
    return scheme ? raw + scheme + strcspn(raw + scheme, "/?#") : raw;
}

enum request_target_status request_target_decode(const char *raw, struct request_target *out) {
    if (strlen(raw) > REQUEST_TARGET_MAX)
        return REQUEST_TARGET_TOO_LONG;
    raw = skip_origin(raw);
    if (*raw != '/')
        return REQUEST_TARGET_BAD_FORM;
    char *at = out->text;
    out->path = at;
    out->pair_count = 0;
    enum request_target_status status = decode_part(&raw, "?", false, &at);
    if (status)
        return status;
    if (has_dot_segment(out->path))
        return REQUEST_TARGET_BAD_PATH;
    return *raw ? decode_query(raw + 1, out, at) : REQUEST_TARGET_OK;
}

const char *request_target_text(enum request_target_status status) {
    switch (status) {
    case REQUEST_TARGET_OK:
        return "The address is well-formed.";
    case REQUEST_TARGET_TOO_LONG:
        return "The address is longer than 4096 bytes.";
    case REQUEST_TARGET_BAD_FORM:
        return "The address does not begin with '/', or holds a character that belongs percent-encoded.";
    case REQUEST_TARGET_BAD_ESCAPE:
        return "The address holds a '%' that two hexadecimal digits do not follow.";
    case REQUEST_TARGET_CONTROL:
        return "The address holds an encoded control character.";
    case REQUEST_TARGET_NOT_UTF8:
        return "The decoded address is not UTF-8.";
    case REQUEST_TARGET_BAD_PATH:
        return "The path holds an encoded slash, a backslash, or a dot segment.";
    case REQUEST_TARGET_MANY_PAIRS:
        return "The query has more than 32 parameters.";
    }
    return "The address is not understood.";
}

enum request_route request_route(const char *path) {
    if (!strncmp(path, "/api", 4) && (path[4] == '/' || !path[4]))
        return REQUEST_ROUTE_API;
    if (!strcmp(path, "/healthz"))
        return REQUEST_ROUTE_HEALTHZ;
    if (!strcmp(path, "/readyz"))
        return REQUEST_ROUTE_READYZ;
    if (!strcmp(path, "/metrics"))
        return REQUEST_ROUTE_METRICS;
    const char *last = strrchr(path, '/');
    return last && strchr(last, '.') ? REQUEST_ROUTE_FILE : REQUEST_ROUTE_PAGE;
}

static bool is_token_character(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Copies a token that ends at one of `stops`, blanks before the stop left out. */
static bool take_token(const char *from, const char *stops, char out[REQUEST_TOKEN_SIZE]) {
    size_t n = 0;
    out[0] = 0;
    while (is_token_character(from[n]))
        n++;
    size_t end = n + strspn(from + n, " \t");
    if (n < 16 || n >= REQUEST_TOKEN_SIZE || (from[end] && !strchr(stops, from[end])))
        return false;
    memcpy(out, from, n);
    out[n] = 0;
    return true;
}

bool request_cookie(const char *header, const char *name, char out[REQUEST_TOKEN_SIZE]) {
    size_t length = strlen(name);
    out[0] = 0;
    for (const char *p = header; *p;) {
        p += strspn(p, " \t;");
        if (!strncmp(p, name, length) && p[length] == '=') {
            p += length + 1;
            return take_token(p, ";", out);
        }
        p += strcspn(p, ";");
    }
    return false;
}

bool request_bearer(const char *header, char out[REQUEST_TOKEN_SIZE]) {
    out[0] = 0;
    if (strncasecmp(header, "Bearer ", 7))
        return false;
    return take_token(header + 7 + strspn(header + 7, " "), "", out);
}

bool request_forwarded(const char *header, char out[REQUEST_ADDRESS_SIZE]) {
    unsigned char address[16];
    const char *comma = strrchr(header, ','), *begin = comma ? comma + 1 : header;
    begin += strspn(begin, " \t");
    size_t n = strcspn(begin, " \t");
    out[0] = 0;
    if (n >= REQUEST_ADDRESS_SIZE || begin[n + strspn(begin + n, " \t")])
        return false;
    memcpy(out, begin, n);
    out[n] = 0;
    if (inet_pton(AF_INET, out, address) == 1 || inet_pton(AF_INET6, out, address) == 1)
        return true;
    out[0] = 0;
    return false;
}

bool request_is_json(const char *content_type) {
    static const char json[] = "application/json";
    const char *p = content_type + strspn(content_type, " \t");
    if (strncasecmp(p, json, sizeof json - 1))
        return false;
    p += sizeof json - 1;
    p += strspn(p, " \t");
    if (!*p)
        return true;
    if (*p++ != ';')
        return false;
    p += strspn(p, " \t");
    if (strncasecmp(p, "charset=", 8))
        return !*p;
    p += 8;
    p += *p == '"';
    if (strncasecmp(p, "utf-8", 5))
        return false;
    p += 5;
    p += *p == '"';
    return !p[strspn(p, " \t")];
}

/* Whether the parameters of a coding, up to the comma, say q=0. */
static bool is_refused(const char *parameters, size_t count) {
    for (size_t i = 0; i + 2 < count; i++) {
        if ((parameters[i] == 'q' || parameters[i] == 'Q') && parameters[i + 1] == '=') {
            for (size_t j = i + 2; j < count; j++)
                if (parameters[j] >= '1' && parameters[j] <= '9')
                    return false;
            return true;
        }
    }
    return false;
}

bool request_accepts_gzip(const char *accept_encoding) {
    for (const char *p = accept_encoding; *p;) {
        p += strspn(p, " \t,");
        size_t whole = strcspn(p, ","), name = strcspn(p, ",; \t");
        if (name == 4 && !strncasecmp(p, "gzip", 4))
            return !is_refused(p + name, whole - name);
        p += whole;
    }
    return false;
}

bool request_etag_matches(const char *if_none_match, const char *etag) {
    size_t length = strlen(etag);
    for (const char *p = if_none_match; *p;) {
        p += strspn(p, " \t,");
        if (*p == '*')
            return true;
        if (p[0] == 'W' && p[1] == '/')
            p += 2;
        if (!strncmp(p, etag, length) && (!p[length] || strchr(" \t,", p[length])))
            return true;
        p += strcspn(p, ",");
    }
    return false;
}

size_t request_json_depth(const char *bytes, size_t count) {
    size_t depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < count; i++) {
        char c = bytes[i];
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > deepest)
                deepest = depth;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}
