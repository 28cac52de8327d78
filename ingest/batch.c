/* PURE: one bounded batch: everything that will land in one transaction, already encoded for COPY. */
#include "batch.h"

#include "require.h"

#include <stdlib.h>
#include <string.h>

/* Memory above this is given back when a batch is cleared, bytes. */
#define BATCH_KEEP_BYTES (8u << 20)
#define READING_COLUMNS 24
#define NOW_COLUMNS (READING_COLUMNS + 1)

void batch_init(struct batch *b) {
    *b = (struct batch){0};
}

static size_t bytes_used(const struct batch *b) {
    size_t used = b->raw_used;
    for (int t = 0; t < BATCH_TABLES; t++)
        used += b->tables[t].used;
    return used;
}

void batch_fini(struct batch *b) {
    for (int t = 0; t < BATCH_TABLES; t++)
        copy_fini(&b->tables[t]);
    free(b->messages);
    free(b->raw);
    batch_init(b);
}

void batch_clear(struct batch *b) {
    if (bytes_used(b) > BATCH_KEEP_BYTES) {
        batch_fini(b);
        return;
    }
    for (int t = 0; t < BATCH_TABLES; t++)
        copy_clear(&b->tables[t]);
    b->messages_count = 0;
    b->raw_used = 0;
}

bool batch_is_empty(const struct batch *b) {
    for (int t = 0; t < BATCH_TABLES; t++)
        if (b->tables[t].rows)
            return false;
    return b->messages_count == 0;
}

bool batch_is_full(const struct batch *b) {
    return bytes_used(b) >= BATCH_BYTES_MAX;
}

bool batch_has_failed(const struct batch *b) {
    for (int t = 0; t < BATCH_TABLES; t++)
        if (b->tables[t].failed)
            return true;
    return b->failed;
}

static bool grow(void **memory, size_t *capacity, size_t needed, size_t item) {
    if (needed <= *capacity)
        return true;
    size_t wanted = *capacity ? *capacity * 2 : 1024;
    while (wanted < needed)
        wanted *= 2;
    void *larger = wanted <= UINT32_MAX ? realloc(*memory, wanted * item) : NULL;
    if (!larger)
        return false;
    *memory = larger;
    *capacity = wanted;
    return true;
}

uint32_t batch_message(struct batch *b, const char *topic, const void *payload, size_t bytes,
                       int64_t received_ms) {
    size_t topic_bytes = strlen(topic) + 1;
    if (!grow((void **)&b->messages, &b->messages_capacity, b->messages_count + 1, sizeof *b->messages) ||
        !grow((void **)&b->raw, &b->raw_capacity, b->raw_used + topic_bytes + bytes, 1)) {
        b->failed = true;
        return COPY_NO_ORIGIN;
    }
    struct batch_message *m = &b->messages[b->messages_count];
    m->topic = (uint32_t)b->raw_used;
    memcpy(b->raw + b->raw_used, topic, topic_bytes);
    m->payload = m->topic + (uint32_t)topic_bytes;
    m->payload_bytes = (uint32_t)bytes;
    m->received_ms = received_ms;
    if (bytes)
        memcpy(b->raw + m->payload, payload, bytes);
    b->raw_used += topic_bytes + bytes;
    return (uint32_t)b->messages_count++;
}

/* A field that is absent when the reading doesn't have it. */
static void optional_int16(struct copy *c, const struct reading *r, enum reading_key key, int16_t value) {
    if (reading_has(r, key))
        copy_int16(c, value);
    else
        copy_null(c);
}

static void optional_int32(struct copy *c, const struct reading *r, enum reading_key key, int32_t value) {
    if (reading_has(r, key))
        copy_int32(c, value);
    else
        copy_null(c);
}

static void optional_int64(struct copy *c, const struct reading *r, enum reading_key key, int64_t value) {
    if (reading_has(r, key))
        copy_int64(c, value);
    else
        copy_null(c);
}

/* The 24 columns of telemetry.reading, in order; late_in has the same and now_in one more. */
static void reading_fields(struct copy *c, const struct batch_unit *unit, const struct reading *r,
                           const struct batch_time *time) {
    copy_int64(c, unit->lift_id);
    copy_text(c, unit->device);
    copy_int16(c, r->unit);
    copy_int64(c, r->at.boot);
    copy_int64(c, (int64_t)r->at.seq);
    copy_instant(c, r->ts_ms);
    copy_instant(c, time->received_ms);
    optional_int16(c, r, KEY_MODE, r->mode);
    optional_int16(c, r, KEY_MOTION, r->motion);
    optional_int16(c, r, KEY_FLOOR, r->floor);
    optional_int32(c, r, KEY_FLAGS, r->flags);
    if (reading_has(r, KEY_CODES))
        copy_int32_array(c, r->codes, r->codes_count);
    else
        copy_null(c);
    optional_int64(c, r, KEY_ENERGY, r->energy_wh);
    optional_int64(c, r, KEY_TRIPS, r->trips);
    optional_int64(c, r, KEY_RUN_TIME, r->run_time_s);
    optional_int64(c, r, KEY_DOOR_CYCLES, r->door_cycles);
    optional_int32(c, r, KEY_LOAD, r->load_kg);
    optional_int32(c, r, KEY_SPEED, r->speed_mm_s);
    optional_int32(c, r, KEY_VIBRATION, r->vibration_mm_s2);
    optional_int32(c, r, KEY_TEMPERATURE, r->temperature_deci_c);
    optional_int64(c, r, KEY_HEARD, r->heard);
    copy_int32(c, unit->epoch);
    copy_instant(c, time->filed_ms);
    copy_bool(c, time->suspect);
}

void batch_reading(struct batch *b, uint32_t origin, const struct batch_unit *unit, const struct reading *r,
                   const struct batch_time *time) {
    copy_row(&b->tables[BATCH_READING], READING_COLUMNS, origin);
    reading_fields(&b->tables[BATCH_READING], unit, r, time);
}

void batch_late(struct batch *b, uint32_t origin, const struct batch_unit *unit, const struct reading *r,
                const struct batch_time *time) {
    copy_row(&b->tables[BATCH_LATE], READING_COLUMNS, origin);
    reading_fields(&b->tables[BATCH_LATE], unit, r, time);
}

void batch_now(struct batch *b, const struct batch_unit *unit, const struct reading *r,
               const struct batch_time *time, bool silent) {
    copy_row(&b->tables[BATCH_NOW], NOW_COLUMNS, COPY_NO_ORIGIN);
    reading_fields(&b->tables[BATCH_NOW], unit, r, time);
    copy_bool(&b->tables[BATCH_NOW], silent);
}

void batch_state(struct batch *b, int16_t generation, const struct batch_unit *unit, struct position last,
                 int64_t number, const uint8_t *state, size_t bytes) {
    struct copy *c = &b->tables[BATCH_STATE];
    copy_row(c, 7, COPY_NO_ORIGIN);
    copy_int16(c, generation);
    copy_int64(c, unit->lift_id);
    copy_int32(c, unit->epoch);
    copy_int64(c, last.boot);
    copy_int64(c, (int64_t)last.seq);
    copy_int64(c, number);
    copy_bytes(c, state, bytes);
}

static void instant_or_null(struct copy *c, int64_t ms) {
    if (ms == BATCH_NO_INSTANT)
        copy_null(c);
    else
        copy_instant(c, ms);
}

void batch_gap(struct batch *b, const struct batch_unit *unit, const struct gap *gap, int64_t from_ts_ms,
               int64_t to_ts_ms) {
    struct copy *c = &b->tables[BATCH_GAP];
    copy_row(c, 8, COPY_NO_ORIGIN);
    copy_int64(c, unit->lift_id);
    copy_int32(c, unit->epoch);
    copy_int64(c, gap->from.boot);
    copy_int64(c, (int64_t)gap->from.seq);
    copy_int64(c, gap->to.boot);
    copy_int64(c, (int64_t)gap->to.seq);
    instant_or_null(c, from_ts_ms);
    instant_or_null(c, to_ts_ms);
}

void batch_marker(struct batch *b, const struct batch_unit *unit, const struct marker *marker) {
    struct copy *c = &b->tables[BATCH_MARKER];
    if (marker->count == 0) {
        copy_row(c, 5, COPY_NO_ORIGIN);
        copy_int64(c, unit->lift_id);
        copy_int32(c, unit->epoch);
        copy_null(c);
        copy_null(c);
        copy_null(c);
    }
    for (size_t i = 0; i < marker->count; i++) {
        copy_row(c, 5, COPY_NO_ORIGIN);
        copy_int64(c, unit->lift_id);
        copy_int32(c, unit->epoch);
        copy_int64(c, marker->held[i].boot);
        copy_int64(c, (int64_t)marker->held[i].oldest_seq);
        copy_int64(c, (int64_t)marker->held[i].last_seq);
    }
}

void batch_alarm(struct batch *b, const struct batch_alarm *alarm) {
    struct copy *c = &b->tables[BATCH_ALARM];
    copy_row(c, 10, COPY_NO_ORIGIN);
    copy_int16(c, alarm->clears);
    copy_int64(c, alarm->lift_id);
    copy_int32(c, alarm->code);
    copy_int16(c, alarm->priority);
    copy_int16(c, alarm->confidence);
    copy_int32(c, alarm->rules_version);
    copy_instant(c, alarm->onset_ms);
    copy_instant(c, alarm->at_ms);
    copy_text(c, alarm->text_zh);
    copy_text(c, alarm->text_en);
}

static void text_or_null(struct copy *c, const char *text) {
    if (text)
        copy_text(c, text);
    else
        copy_null(c);
}

void batch_refusal(struct batch *b, const char *topic, const void *payload, size_t bytes, const char *reason,
                   const char *detail, const char *area, const char *device, int64_t received_ms) {
    struct copy *c = &b->tables[BATCH_REFUSAL];
    copy_row(c, 7, COPY_NO_ORIGIN);
    copy_text(c, topic);
    copy_bytes(c, payload, bytes);
    copy_text(c, reason);
    text_or_null(c, detail);
    text_or_null(c, area);
    text_or_null(c, device);
    copy_instant(c, received_ms);
}

void batch_relanded(struct batch *b, int64_t refusal_id, const char *outcome) {
    struct copy *c = &b->tables[BATCH_RELANDED];
    copy_row(c, 2, COPY_NO_ORIGIN);
    copy_int64(c, refusal_id);
    copy_text(c, outcome);
}

void batch_presence(struct batch *b, const char *area, const char *device, bool online, int64_t at_ms) {
    struct copy *c = &b->tables[BATCH_PRESENCE];
    copy_row(c, 4, COPY_NO_ORIGIN);
    copy_text(c, area);
    copy_text(c, device);
    copy_bool(c, online);
    copy_instant(c, at_ms);
}
