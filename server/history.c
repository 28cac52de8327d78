/* What late readings would have said: when a gap has been filled or given up its stretch runs through the
 * rules again, and what they find is recorded as history, not rung. */
#include "history.h"

#include "log.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Columns of telemetry.stretch_readings. */
enum column { CURSOR, FILED, UNIT, BOOT, SEQ, TS, MODE, MOTION, FLOOR, FLAGS, CODES, LOAD, SPEED, SUSPECT };

static void ask_readings(struct history *h);

static int64_t integer(const PGresult *r, int row, int column) {
    return strtoll(PQgetvalue(r, row, column), NULL, 10);
}

/* Silence, a wrong clock and a fallen boot counter are about arrival: late readings know nothing of it. */
static bool is_about_arrival(unsigned code) {
    return code == CODE_DEVICE_SILENT || code == CODE_CLOCK_WRONG || code == CODE_BOOT_FELL;
}

static void keep(struct history *h, const struct transition *t) {
    if (t->kind == TRANSITION_RAISE) {
        bool inside = t->onset_ms >= h->begin_ms && t->onset_ms <= h->end_ms;
        if (inside && !is_about_arrival(t->code) && h->found_count < HISTORY_FOUND_MAX)
            h->found[h->found_count++] = (struct history_alarm){*t, LIFT_NEVER};
        return;
    }
    for (size_t i = h->found_count; i-- > 0;)
        if (h->found[i].raised.code == t->code && h->found[i].raised.onset_ms == t->onset_ms)
            h->found[i].cleared_ms = t->at_ms;
}

void history_step(struct history *h, const struct reading *r, int64_t filed_ms, bool suspect) {
    static struct transition out[RULES_TRANSITIONS_MAX];
    struct rules_input input = {
        .kind = INPUT_READING, .reading = r, .at_ms = filed_ms, .clock_suspect = suspect};
    size_t count = rules_step(h->rules, &h->lift, &input, filed_ms, out);
    for (size_t i = 0; i < count; i++)
        keep(h, &out[i]);
}

static void take_codes(struct reading *r, const char *text) {
    char *end;
    for (text++; *text && *text != '}' && r->codes_count < READING_CODES_MAX;
         text = *end == ',' ? end + 1 : end)
        r->codes[r->codes_count++] = (uint16_t)strtoul(text, &end, 10);
}

static struct reading reading_of(const PGresult *rows, int i) {
    static const struct {
        int column;
        enum reading_key key;
    } optional[] = {{MODE, KEY_MODE},   {MOTION, KEY_MOTION}, {FLOOR, KEY_FLOOR}, {FLAGS, KEY_FLAGS},
                    {CODES, KEY_CODES}, {LOAD, KEY_LOAD},     {SPEED, KEY_SPEED}};
    struct reading r = {.present = 1u << KEY_SEQ | 1u << KEY_BOOT | 1u << KEY_TS,
                        .unit = (uint8_t)integer(rows, i, UNIT),
                        .at = {(uint32_t)integer(rows, i, BOOT), (uint64_t)integer(rows, i, SEQ)},
                        .ts_ms = integer(rows, i, TS),
                        .mode = (uint8_t)integer(rows, i, MODE),
                        .motion = (uint8_t)integer(rows, i, MOTION),
                        .floor = (int16_t)integer(rows, i, FLOOR),
                        .flags = (uint16_t)integer(rows, i, FLAGS),
                        .load_kg = (int32_t)integer(rows, i, LOAD),
                        .speed_mm_s = (int32_t)integer(rows, i, SPEED)};
    for (size_t k = 0; k < sizeof optional / sizeof *optional; k++)
        if (!PQgetisnull(rows, i, optional[k].column))
            r.present |= 1u << optional[k].key;
    if (!PQgetisnull(rows, i, CODES))
        take_codes(&r, PQgetvalue(rows, i, CODES));
    return r;
}

static json_t *found_json(const struct history *h) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < h->found_count; i++) {
        const struct history_alarm *a = &h->found[i];
        /* One that still stood in the first reading behind the stretch reaches up to it: that reading was live
         * and rang by itself, so the two touch, and only the one that rang is kept. */
        int64_t cleared_ms = a->cleared_ms == LIFT_NEVER ? h->lift.at_ms : a->cleared_ms;
        if (cleared_ms < a->raised.onset_ms)
            cleared_ms = a->raised.onset_ms;
        json_array_append_new(
            list,
            json_pack("{s:i, s:i, s:i, s:i, s:I, s:I, s:s, s:s}", "code", (int)a->raised.code, "priority",
                      (int)a->raised.priority, "confidence", (int)a->raised.confidence, "rule_version",
                      (int)rules_version(h->rules), "onset_ms", (json_int_t)a->raised.onset_ms, "cleared_ms",
                      (json_int_t)cleared_ms, "text_zh", a->raised.text_zh, "text_en", a->raised.text_en));
    }
    return list;
}

static void on_recorded(void *ctx, const PGresult *rows) {
    struct history *h = ctx;
    h->busy = false;
    h->judged++;
    if (rows && h->found_count)
        log_info("late readings judged lift=%s found=%zu recorded=%s", h->lift_id, h->found_count,
                 PQgetvalue(rows, 0, 0));
    if (rows) /* the next one at once: after an outage every lift has a stretch */
        history_turn(h, h->store, h->rules);
}

static void record(struct history *h) {
    json_t *list = found_json(h);
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    const char *values[] = {h->lift_id, text, h->changed_at};
    h->busy = text && store_ask(h->store, "SELECT alert.record_history($1::bigint, $2::jsonb, $3)", 3, values,
                                on_recorded, h);
    json_decref(list);
    free(text);
}

static void on_readings(void *ctx, const PGresult *rows) {
    struct history *h = ctx;
    int count = rows ? PQntuples(rows) : 0;
    for (int i = 0; i < count; i++) {
        struct reading r = reading_of(rows, i);
        history_step(h, &r, integer(rows, i, FILED), *PQgetvalue(rows, i, SUSPECT) == 't');
    }
    if (!rows) {
        h->busy = false; /* refused: the stretch stays and is tried again */
    } else if (count) {
        snprintf(h->cursor, sizeof h->cursor, "%s", PQgetvalue(rows, count - 1, CURSOR));
        ask_readings(h);
    } else {
        record(h);
    }
}

static void ask_readings(struct history *h) {
    static const char SQL[] =
        "SELECT * FROM telemetry.stretch_readings($1::bigint, $2::bigint, $3::bigint, $4)";
    const char *values[] = {h->lift_id, h->from_ms, h->to_ms, h->cursor};
    h->busy = store_ask(h->store, SQL, 4, values, on_readings, h);
}

static void on_due(void *ctx, const PGresult *rows) {
    struct history *h = ctx;
    h->busy = false;
    if (!rows || PQntuples(rows) == 0)
        return;
    h->begin_ms = integer(rows, 0, 1);
    h->end_ms = integer(rows, 0, 2);
    snprintf(h->lift_id, sizeof h->lift_id, "%s", PQgetvalue(rows, 0, 0));
    snprintf(h->changed_at, sizeof h->changed_at, "%s", PQgetvalue(rows, 0, 3));
    snprintf(h->from_ms, sizeof h->from_ms, "%lld", (long long)(h->begin_ms - HISTORY_BEFORE_MS));
    snprintf(h->to_ms, sizeof h->to_ms, "%lld", (long long)h->end_ms);
    h->cursor[0] = 0;
    h->found_count = 0;
    lift_init(&h->lift);
    ask_readings(h);
}

void history_turn(struct history *h, struct store *store, const struct rules *rules) {
    if (h->busy || !store_is_up(store))
        return;
    h->store = store;
    h->rules = rules;
    h->busy = store_ask(store,
                        "SELECT lift_id, from_ms, to_ms, changed_at FROM "
                        "telemetry.stretch_due(" HISTORY_QUIET_S ", " HISTORY_PATIENCE_S ")",
                        0, NULL, on_due, h);
}
