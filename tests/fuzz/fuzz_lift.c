/* Fuzz target: a lift's memory out of any bytes, then a life of ticks and readings out of what follows. */
#include "../../alerts/rules.h"
#include "../../alerts/table.h"
#include "../../ingest/require.h"
#include "fuzz.h"

#include <string.h>

struct bytes {
    const uint8_t *at, *end;
};

static unsigned next(struct bytes *b) {
    return b->at < b->end ? *b->at++ : 0;
}

/* A number of steps whose size the first byte chooses: from milliseconds to years, forth and back. */
static int64_t next_step_ms(struct bytes *b) {
    static const int64_t units[] = {1, 1000, 60000, 3600000, 86400000, -1000, -3600000, INT64_C(31536000000)};
    unsigned how = next(b);
    return units[how % 8] * (int64_t)(how / 8);
}

static void next_reading(struct bytes *b, struct reading *r) {
    r->present = next(b) << KEY_MODE | 7u;
    r->mode = (uint8_t)(next(b) % 8);
    r->motion = (uint8_t)(next(b) % 3);
    r->flags = (uint16_t)((next(b) & 0x1fu) << 8 | (next(b) & 0x1fu));
    r->codes_count = 0;
    for (unsigned code = 0, more = next(b) % 6; more > 0; more--) {
        code += 1 + next(b) % 50;
        r->codes[r->codes_count++] = (uint16_t)code;
    }
}

/* Raises and clears must alternate from where the memory stood. */
static void check(uint8_t standing[LIFT_RULES_MAX], const struct transition *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int row = rules_table_find(out[i].code);
        REQUIRE(row >= 0 && standing[row] == (out[i].kind == TRANSITION_CLEAR));
        REQUIRE(out[i].at_ms >= out[i].onset_ms);
        standing[row] = !standing[row];
    }
}

static void live(struct lift *l, struct bytes *b) {
    static struct transition out[RULES_TRANSITIONS_MAX];
    const struct rules *rules = rules_default(NULL);
    int64_t device_ms = l->at_ms, server_ms = l->arrival_ms > 0 ? l->arrival_ms : 0;
    uint8_t standing[LIFT_RULES_MAX];
    struct reading r;
    memset(&r, 0, sizeof r);
    for (size_t i = 0; i < LIFT_RULES_MAX; i++)
        standing[i] = l->phase[i] >= RULE_RAISED;
    while (b->at < b->end) {
        struct rules_input input = {.kind = next(b) % 3, .reading = &r};
        device_ms += next_step_ms(b);
        server_ms += next_step_ms(b);
        if (device_ms < 0 || device_ms > INT64_C(253402300799999) || server_ms < 0 ||
            server_ms > INT64_C(100000000000000))
            return;
        if (input.kind == INPUT_READING)
            next_reading(b, &r);
        input.at_ms = device_ms;
        input.clock_suspect = next(b) % 16 == 0;
        check(standing, out, rules_step(rules, l, &input, server_ms, out));
        rules_deadline_ms(rules, l);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t saved[LIFT_SAVED_MAX_BYTES], again[LIFT_SAVED_MAX_BYTES];
    struct lift l, copy;
    size_t length = size > 0 ? data[0] : 0;
    if (size < 1 + length)
        return 0;
    if (length > 0 && lift_load(&l, data + 1, length)) {
        size_t count = lift_save(&l, saved);
        REQUIRE(lift_load(&copy, saved, count));
        REQUIRE(lift_save(&copy, again) == count && memcmp(saved, again, count) == 0);
    } else {
        lift_init(&l);
    }
    struct bytes b = {data + 1 + length, data + size};
    live(&l, &b);
    return 0;
}
