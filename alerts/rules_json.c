/* PURE: the table as JSON: what liftd loads into the database at start, and the golden file of the tests. */
#include "conditions.h"
#include "rules.h"
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct sink {
    char *out;
    size_t bytes, length;
};

static void put(struct sink *s, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++, s->length++)
        if (s->length + 1 < s->bytes)
            s->out[s->length] = text[i];
}

__attribute__((format(printf, 2, 3))) static void print(struct sink *s, const char *format, ...) {
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    put(s, text, length > 0 && (size_t)length < sizeof text ? (size_t)length : 0);
}

/* `,"name":"value"`; the table holds no control characters. */
static void member(struct sink *s, const char *name, const char *value) {
    print(s, ",\n  \"%s\": \"", name);
    for (const char *c = value; *c; c++) {
        if (*c == '"' || *c == '\\')
            put(s, "\\", 1);
        put(s, c, 1);
    }
    put(s, "\"", 1);
}

static void modes(struct sink *s, unsigned suppressed) {
    const char *between = "";
    print(s, ",\n  \"suppressed_modes\": [");
    for (unsigned mode = 0; mode < 8; mode++)
        if (suppressed >> mode & 1u) {
            print(s, "%s%u", between, mode);
            between = ", ";
        }
    print(s, "]");
}

static void row_json(struct sink *s, const struct rules *rules, const struct rule_row *row) {
    static const char *const kinds[] = {"reported", "ends", "derived"};
    static const char *const groups[] = {"null", "\"outside_zone\"", "\"mains\""};
    print(s, " {\n  \"code\": %u", row->code);
    print(s, ",\n  \"version\": %u", rules_version(rules));
    print(s, ",\n  \"priority\": %u", row->priority);
    member(s, "name_zh", row->name_zh);
    member(s, "name_en", row->name_en);
    member(s, "kind", kinds[row->kind]);
    print(s, ",\n  \"hold_ms\": %lld", (long long)rules_hold_ms(rules, row->code));
    print(s, ",\n  \"quiet_ms\": %u", row->quiet_ms);
    modes(s, row->suppressed);
    print(s, ",\n  \"group\": %s", groups[row->group]);
    member(s, "why_zh", row->why_zh);
    member(s, "why_en", row->why_en);
    member(s, "source", row->source);
    print(s, "\n }");
}

size_t rules_json(const struct rules *rules, char *out, size_t bytes) {
    struct sink s = {out, bytes, 0};
    print(&s, "[\n");
    for (size_t i = 0; i < rules_table_count; i++) {
        row_json(&s, rules, &rules_table[i]);
        print(&s, i + 1 < rules_table_count ? ",\n" : "\n");
    }
    print(&s, "]\n");
    if (bytes > 0)
        out[s.length < bytes ? s.length : bytes - 1] = '\0';
    return s.length;
}
