/* Tests of the decoder against payloads and expectations made by an independent encoder (make_vectors.py). */
#include "../../ingest/decode.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define VECTORS "tests/unit/decode_vectors.txt"
#define TEXT_MAX (64 * 1024)

static struct decoded decoded;

/* A vector: one line of the file, taken apart in place. */
struct vector {
    char *name;
    unsigned char *payload; /* in a block of exactly its size, so that a sanitizer sees one byte too far */
    size_t bytes;
    char *expected;
};

static size_t append(char *text, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static size_t append(char *text, size_t at, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text + at, TEXT_MAX - at, format, args);
    va_end(args);
    assert_true(n >= 0 && at + (size_t)n < TEXT_MAX);
    return at + (size_t)n;
}

static size_t describe_reading(char *text, size_t at, const struct reading *r) {
    const struct {
        enum reading_key key;
        const char *name;
        int64_t value;
    } field[] = {
        {KEY_UNIT, "unit", r->unit},
        {KEY_MODE, "mode", r->mode},
        {KEY_MOTION, "motion", r->motion},
        {KEY_FLOOR, "floor", r->floor},
        {KEY_FLAGS, "flags", r->flags},
        {KEY_CODES, "codes", 0},
        {KEY_ENERGY, "energy", r->energy_wh},
        {KEY_TRIPS, "trips", r->trips},
        {KEY_RUN_TIME, "run_time", r->run_time_s},
        {KEY_DOOR_CYCLES, "door_cycles", r->door_cycles},
        {KEY_LOAD, "load", r->load_kg},
        {KEY_SPEED, "speed", r->speed_mm_s},
        {KEY_VIBRATION, "vibration", r->vibration_mm_s2},
        {KEY_TEMPERATURE, "temperature", r->temperature_deci_c},
        {KEY_HEARD, "heard", r->heard},
    };
    at = append(text, at, "\tseq=%" PRIu64 " boot=%" PRIu32 " ts=%" PRId64, r->at.seq, r->at.boot, r->ts_ms);
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        if (!reading_has(r, field[i].key))
            continue;
        if (field[i].key != KEY_CODES) {
            at = append(text, at, " %s=%" PRId64, field[i].name, field[i].value);
            continue;
        }
        at = append(text, at, " codes=");
        for (int c = 0; c < r->codes_count; c++)
            at = append(text, at, "%s%u", c > 0 ? "," : "", (unsigned)r->codes[c]);
    }
    return at;
}

static size_t describe_marker(char *text, size_t at, const struct marker *m) {
    at = append(text, at, "\theld unit=%u", m->unit);
    for (int i = 0; i < m->count; i++)
        at = append(text, at, " %" PRIu32 ":%" PRIu64 "-%" PRIu64, m->held[i].boot, m->held[i].oldest_seq,
                    m->held[i].last_seq);
    return at;
}

/* The result in the words of the vector file. */
static void describe(char text[TEXT_MAX], enum decode_status status, const struct decoded *d) {
    size_t at = append(text, 0, "%s", decode_reason(status));
    if (status != DECODE_OK) {
        assert_int_equal(d->readings_count, 0);
        assert_int_equal(d->markers_count, 0);
        append(text, at, "\trecord=%d key=%d", d->where.record, d->where.key);
        return;
    }
    if (d->readings_count + d->markers_count > 100) {
        append(text, at, " readings=%zu markers=%zu", d->readings_count, d->markers_count);
        return;
    }
    for (size_t i = 0; i < d->readings_count; i++)
        at = describe_reading(text, at, &d->readings[i]);
    for (size_t i = 0; i < d->markers_count; i++)
        at = describe_marker(text, at, &d->markers[i]);
}

static unsigned char byte_of(const char *hex) {
    char digits[3] = {hex[0], hex[1], '\0'};
    char *end;
    unsigned long value = strtoul(digits, &end, 16);
    assert_true(*end == '\0' && end != digits);
    return (unsigned char)value;
}

/* Writes the payload spelled at *text to out (or only counts it); pieces of hex, or XX*N. */
static size_t spell_out(const char *text, unsigned char *out) {
    size_t n = 0;
    while (*text != '\0') {
        if (*text == ' ') {
            text++;
            continue;
        }
        unsigned char byte = byte_of(text);
        text += 2;
        size_t times = 1;
        if (*text == '*')
            times = strtoul(text + 1, (char **)&text, 10);
        if (out != NULL)
            memset(out + n, byte, times);
        n += times;
    }
    return n;
}

static struct vector vector_of(char *line) {
    struct vector v = {.name = line};
    line[strcspn(line, "\n")] = '\0';
    char *payload = strchr(line, '\t');
    assert_non_null(payload);
    *payload++ = '\0';
    v.expected = strchr(payload, '\t');
    assert_non_null(v.expected);
    *v.expected++ = '\0';
    v.bytes = spell_out(payload, NULL);
    v.payload = malloc(v.bytes > 0 ? v.bytes : 1);
    assert_non_null(v.payload);
    spell_out(payload, v.payload);
    return v;
}

/* Calls each() on every vector; returns how many there were. */
static int each_vector(void (*each)(const struct vector *)) {
    FILE *file = fopen(VECTORS, "r");
    if (file == NULL)
        fail_msg("%s: cannot be opened; run the tests from the top of the checkout", VECTORS);
    char *line = NULL;
    size_t size = 0;
    int count = 0;
    while (getline(&line, &size, file) > 0) {
        struct vector v = vector_of(line);
        each(&v);
        free(v.payload);
        count++;
    }
    free(line);
    fclose(file);
    return count;
}

static void check_result(const struct vector *v) {
    static char text[TEXT_MAX];
    enum decode_status status = decode_up(v->payload, v->bytes, &decoded);
    describe(text, status, &decoded);
    if (strcmp(text, v->expected) != 0)
        fail_msg("%s: expected '%s', got '%s'", v->name, v->expected, text);
}

static void decodes_every_vector(void **state) {
    (void)state;
    assert_true(each_vector(check_result) > 700);
}

/* Every proper beginning of an accepted message is half a message, never another one. */
static void check_cuts(const struct vector *v) {
    if (strncmp(v->expected, "ok", 2) != 0)
        return;
    size_t step = v->bytes > 2000 ? v->bytes / 500 : 1;
    for (size_t n = 0; n < v->bytes; n += step) {
        unsigned char *half = malloc(n > 0 ? n : 1);
        assert_non_null(half);
        memcpy(half, v->payload, n);
        enum decode_status status = decode_up(half, n, &decoded);
        free(half);
        if (status != (n == 0 ? DECODE_EMPTY : DECODE_TRUNCATED))
            fail_msg("%s cut to %zu bytes: %s", v->name, n, decode_reason(status));
    }
}

static void refuses_half_a_message(void **state) {
    (void)state;
    each_vector(check_cuts);
}

/* Every accepted message followed by anything is refused, unless it grew too long for that. */
static void check_trailing(const struct vector *v) {
    if (strncmp(v->expected, "ok", 2) != 0 || v->bytes == DECODE_PAYLOAD_MAX_BYTES)
        return;
    unsigned char *longer = malloc(v->bytes + 1);
    assert_non_null(longer);
    memcpy(longer, v->payload, v->bytes);
    for (int byte = 0; byte < 256; byte += 5) {
        longer[v->bytes] = (unsigned char)byte;
        assert_int_equal(decode_up(longer, v->bytes + 1, &decoded), DECODE_TRAILING);
    }
    free(longer);
}

static void refuses_trailing_bytes(void **state) {
    (void)state;
    each_vector(check_trailing);
}

/* Whatever one wrong byte makes of a message, the answer is a status and the result obeys the header. */
static void check_wrong_byte(const struct vector *v) {
    if (v->bytes == 0 || v->bytes > 300)
        return;
    for (size_t i = 0; i < v->bytes; i++) {
        unsigned char right = v->payload[i];
        for (int byte = 0; byte < 256; byte += 3) {
            v->payload[i] = (unsigned char)byte;
            enum decode_status status = decode_up(v->payload, v->bytes, &decoded);
            assert_non_null(decode_reason(status));
            assert_true(decoded.readings_count <= READING_PER_MESSAGE_MAX && decoded.markers_count <= 256);
            for (size_t r = 0; r < decoded.readings_count; r++)
                assert_true(decoded.readings[r].at.seq > 0 &&
                            decoded.readings[r].codes_count <= READING_CODES_MAX);
        }
        v->payload[i] = right;
    }
}

static void survives_wrong_bytes(void **state) {
    (void)state;
    each_vector(check_wrong_byte);
}

/* A header that promises a million elements costs nothing: ten thousand of them well within a second. */
static void refuses_a_million_elements_quickly(void **state) {
    (void)state;
    static const unsigned char message[10] = {0xdd, 0x00, 0x0f, 0x42, 0x40, 0x80, 0x80, 0x80, 0x80, 0x80};
    clock_t begin = clock();
    for (int i = 0; i < 10000; i++)
        assert_int_equal(decode_up(message, sizeof message, &decoded), DECODE_TRUNCATED);
    assert_true(clock() - begin < CLOCKS_PER_SEC);
}

/* What the last message left behind never shows in the next. */
static void forgets_the_last_message(void **state) {
    (void)state;
    static const unsigned char rich[] = {0x85, 0x00, 0x01, 0x01, 0x02, 0x02, 0x03,
                                         0x08, 0x92, 0x05, 0x06, 0x09, 0x07};
    static const unsigned char poor[] = {0x83, 0x00, 0x04, 0x01, 0x02, 0x02, 0x03};
    assert_int_equal(decode_up(rich, sizeof rich, &decoded), DECODE_OK);
    assert_int_equal(decoded.readings[0].codes_count, 2);
    assert_int_equal(decode_up(poor, sizeof poor, &decoded), DECODE_OK);
    struct reading expected = {.present = 7, .at = {.boot = 2, .seq = 4}, .ts_ms = 3};
    assert_int_equal(decoded.readings_count, 1);
    assert_int_equal(decoded.readings[0].present, expected.present);
    assert_int_equal(decoded.readings[0].codes_count, 0);
    assert_int_equal(decoded.readings[0].energy_wh, 0);
    assert_int_equal(position_compare(decoded.readings[0].at, expected.at), 0);
}

static void reads_topics(void **state) {
    (void)state;
    char longest[128], too_long[128];
    snprintf(longest, sizeof longest, "lift/v1/%040d/%040d/up", 1, 2);
    snprintf(too_long, sizeof too_long, "lift/v1/%041d/%040d/up", 1, 2);
    struct topic t;
    assert_int_equal(decode_topic("lift/v1/dpq/T-0001_a/up", &t), DECODE_OK);
    assert_int_equal(t.kind, TOPIC_UP);
    assert_string_equal(t.area, "dpq");
    assert_string_equal(t.device, "T-0001_a");
    assert_int_equal(decode_topic("lift/v1/A/z/presence", &t), DECODE_OK);
    assert_int_equal(t.kind, TOPIC_PRESENCE);
    assert_int_equal(decode_topic(longest, &t), DECODE_OK);
    assert_int_equal(strlen(t.area), 40);
    assert_int_equal(strlen(t.device), 40);
    const char *const wrong[] = {
        "",
        "lift",
        "lift/v1",
        "lift/v1/",
        "lift/v1/a",
        "lift/v1/a/",
        "lift/v1/a/b",
        "lift/v1/a/b/",
        "lift/v1/a/b/u",
        "lift/v1/a/b/upp",
        "lift/v1/a/b/up/",
        "lift/v1/a/b/up/x",
        "lift/v1/a/b/down",
        "lift/v1/a/b/Up",
        "lift/v1/a/b/c/up",
        "lift/v1//b/up",
        "lift/v1/a//up",
        "lift/v1///up",
        "lift/v2/a/b/up",
        "Lift/v1/a/b/up",
        "/lift/v1/a/b/up",
        "lift/v1/a b/c/up",
        "lift/v1/+/b/up",
        "lift/v1/#",
        "lift/v1/a/b.c/up",
        "lift/v1/\xe6\x89\x93/b/up",
        "lift/v1/a\x01/b/up",
        too_long,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (decode_topic(wrong[i], &t) != DECODE_TOPIC)
            fail_msg("accepted topic '%s'", wrong[i]);
}

static void reads_presence(void **state) {
    (void)state;
    bool online = false;
    assert_int_equal(decode_presence("\xc3", 1, &online), DECODE_OK);
    assert_true(online);
    assert_int_equal(decode_presence("\xc2", 1, &online), DECODE_OK);
    assert_false(online);
    assert_int_equal(decode_presence("", 0, &online), DECODE_EMPTY);
    assert_int_equal(decode_presence("\xc3\xc3", 2, &online), DECODE_TRAILING);
    assert_int_equal(decode_presence("\x01", 1, &online), DECODE_WRONG_TYPE);
    assert_int_equal(decode_presence("\xc0", 1, &online), DECODE_WRONG_TYPE);
    assert_int_equal(decode_presence("true", 4, &online), DECODE_WRONG_TYPE);
    assert_int_equal(decode_presence("\xc1", 1, &online), DECODE_MALFORMED);
    static unsigned char large[DECODE_PAYLOAD_MAX_BYTES + 1];
    assert_int_equal(decode_presence(large, sizeof large, &online), DECODE_OVERSIZED);
}

/* Reasons are kept in the database: each has a name of its own and it never changes. */
static void names_every_status(void **state) {
    (void)state;
    const char *const names[] = {"ok",          "topic",         "oversized",  "empty",     "truncated",
                                 "malformed",   "trailing",      "too_deep",   "shape",     "too_many",
                                 "missing_key", "duplicate_key", "wrong_type", "impossible"};
    for (int i = 0; i <= DECODE_IMPOSSIBLE; i++)
        assert_string_equal(decode_reason((enum decode_status)i), names[i]);
    assert_int_equal(sizeof names / sizeof *names, DECODE_IMPOSSIBLE + 1);
}

/* The checked-in vectors and seeds are what the script writes. */
static void vectors_can_be_made_again(void **state) {
    (void)state;
    const char *script =
        "d=$(mktemp -d) && trap 'rm -rf \"$d\"' EXIT && "
        "/usr/bin/python3 tests/unit/make_vectors.py \"$d\" && "
        "cmp \"$d/decode_vectors.txt\" " VECTORS " && "
        "for f in \"$d\"/corpus/*/*; do cmp \"$f\" \"tests/fuzz/${f#\"$d\"/}\" || exit 1; done";
    assert_int_equal(system(script), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_every_vector),
        cmocka_unit_test(refuses_half_a_message),
        cmocka_unit_test(refuses_trailing_bytes),
        cmocka_unit_test(survives_wrong_bytes),
        cmocka_unit_test(refuses_a_million_elements_quickly),
        cmocka_unit_test(forgets_the_last_message),
        cmocka_unit_test(reads_topics),
        cmocka_unit_test(reads_presence),
        cmocka_unit_test(names_every_status),
        cmocka_unit_test(vectors_can_be_made_again),
    };
    return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
