/* PURE: the one step that applies the table to a lift: lets time pass, hears a reading, judges every row. */
#include "rules.h"

#include "../ingest/require.h"
#include "conditions.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define SILENT_AFTER_MS 300000

struct rules {
    int64_t silent_after_ms, trapped_hold_ms;
};

/* One step under way. */
struct step {
    const struct rules *rules;
    struct lift *l;
    struct facts facts;
    struct transition *out;
    size_t count;
};

/* A moment on both clocks. */
struct moment {
    int64_t lift_ms, server_ms;
};

const struct rules *rules_default(const struct rules_settings *settings) {
    static struct rules rules;
    int row = rules_table_find(CODE_PEOPLE_TRAPPED);
    REQUIRE(row >= 0);
    rules.silent_after_ms = SILENT_AFTER_MS;
    rules.trapped_hold_ms = rules_table[row].hold_ms;
    if (settings && settings->silent_after_ms > 0)
        rules.silent_after_ms = settings->silent_after_ms;
    if (settings && settings->trapped_hold_ms > 0)
        rules.trapped_hold_ms = settings->trapped_hold_ms;
    return &rules;
}

unsigned rules_version(const struct rules *rules) {
    (void)rules;
    return RULES_TABLE_VERSION;
}

int64_t rules_hold_ms(const struct rules *rules, unsigned code) {
    int row = rules_table_find(code);
    if (code == CODE_DEVICE_SILENT)
        return rules->silent_after_ms;
    if (code == CODE_PEOPLE_TRAPPED)
        return rules->trapped_hold_ms;
    return row < 0 ? 0 : rules_table[row].hold_ms;
}

/* How long a row's condition must hold now. Silence holds by its own definition. */
static int64_t hold_ms(const struct rules *rules, const struct rule_row *row, const struct facts *f) {
    if (row->code == CODE_DEVICE_SILENT)
        return 0;
    if (row->code == CODE_PEOPLE_TRAPPED)
        return conditions_trapped_hold_ms(f, rules->trapped_hold_ms);
    return row->hold_ms;
}

static int64_t on_clock(const struct rule_row *row, struct moment m) {
    return row->clock == CLOCK_SERVER ? m.server_ms : m.lift_ms;
}

/* Another row of the same group stands: this one doesn't begin. */
static bool barred(const struct lift *l, const struct rule_row *row) {
    if (row->group == GROUP_NONE)
        return false;
    for (size_t i = 0; i < rules_table_count; i++)
        if (&rules_table[i] != row && rules_table[i].group == row->group && l->phase[i] >= RULE_RAISED)
            return true;
    return false;
}

static struct transition *next_out(struct step *s, enum transition_kind kind, const struct rule_row *row) {
    REQUIRE(s->count < RULES_TRANSITIONS_MAX);
    struct transition *t = &s->out[s->count++];
    t->kind = kind;
    t->code = row->code;
    t->priority = row->priority;
    return t;
}

static void raise_alarm(struct step *s, size_t i, struct moment m) {
    const struct rule_row *row = &rules_table[i];
    int64_t heard_ago_ms =
        row->code == CODE_DEVICE_SILENT ? m.server_ms - s->l->arrival_ms : m.lift_ms - s->l->at_ms;
    struct transition *t = next_out(s, TRANSITION_RAISE, row);
    int64_t since_ms = lift_since_ms(s->l, i), last_ms = lift_onset_ms(s->l, i);
    int64_t onset_ms = since_ms > last_ms ? since_ms : last_ms + 1;
    lift_set_onset(s->l, i, onset_ms);
    s->l->phase[i] = RULE_RAISED;
    t->onset_ms = t->at_ms = onset_ms;
    t->confidence = conditions_confidence(&s->facts, row, heard_ago_ms);
    text_raise(t, row, &s->facts, m.lift_ms, heard_ago_ms);
}

static void clear_alarm(struct step *s, size_t i, int64_t ended_ms, bool suppressed) {
    struct transition *t = next_out(s, TRANSITION_CLEAR, &rules_table[i]);
    s->l->phase[i] = RULE_QUIET;
    t->onset_ms = lift_onset_ms(s->l, i);
    t->at_ms = ended_ms > t->onset_ms ? ended_ms : t->onset_ms;
    t->confidence = 100;
    text_clear(t, &rules_table[i], &s->facts, suppressed);
}

/* QUIET and HOLDING. */
static void judge_waiting(struct step *s, size_t i, enum verdict verdict, struct moment m) {
    const struct rule_row *row = &rules_table[i];
    struct lift *l = s->l;
    if (verdict == VERDICT_UNKNOWN)
        return;
    if (verdict != VERDICT_YES || barred(l, row)) {
        l->phase[i] = RULE_QUIET;
        return;
    }
    int64_t now_ms = on_clock(row, m);
    if (l->phase[i] == RULE_QUIET) {
        l->phase[i] = RULE_HOLDING;
        lift_set_since(l, i, now_ms);
    }
    if (now_ms - lift_since_ms(l, i) >= hold_ms(s->rules, row, &s->facts))
        raise_alarm(s, i, m);
}

/* RAISED and CLEARING. */
static void judge_standing(struct step *s, size_t i, enum verdict verdict, struct moment m) {
    const struct rule_row *row = &rules_table[i];
    struct lift *l = s->l;
    int64_t now_ms = on_clock(row, m);
    switch (verdict) {
    case VERDICT_UNKNOWN:
        return;
    case VERDICT_YES:
        l->phase[i] = RULE_RAISED;
        return;
    case VERDICT_SUPPRESSED:
        if (!row->keeps)
            clear_alarm(s, i, now_ms, true);
        return;
    case VERDICT_NO:
    case VERDICT_ENDED:
        if (l->phase[i] == RULE_RAISED) {
            l->phase[i] = RULE_CLEARING;
            lift_set_since(l, i, now_ms);
        }
        if (verdict == VERDICT_ENDED || now_ms - lift_since_ms(l, i) >= row->quiet_ms)
            clear_alarm(s, i, lift_since_ms(l, i), false);
        return;
    }
}

static enum verdict judge(const struct step *s, const struct rule_row *row, int64_t server_ms) {
    return conditions_judge(&s->facts, row, server_ms, s->rules->silent_after_ms);
}

/* Judges every row measured by one of the clocks (bit per enum rule_clock) at a moment. */
static void judge_rows(struct step *s, unsigned clocks, struct moment m) {
    for (size_t i = 0; i < rules_table_count; i++) {
        const struct rule_row *row = &rules_table[i];
        if (!(clocks >> row->clock & 1u))
            continue;
        enum verdict verdict = judge(s, row, m.server_ms);
        if (s->l->phase[i] >= RULE_RAISED)
            judge_standing(s, i, verdict, m);
        else
            judge_waiting(s, i, verdict, m);
    }
}

/* When a row's hold or quiet time ends if nothing arrives, on the row's own clock. */
static int64_t due_ms(const struct rules *rules, const struct lift *l, const struct facts *f, size_t i) {
    const struct rule_row *row = &rules_table[i];
    if (l->phase[i] != RULE_HOLDING && l->phase[i] != RULE_CLEARING)
        return LIFT_NEVER;
    enum verdict verdict = conditions_judge(f, row, l->arrival_ms, rules->silent_after_ms);
    if (l->phase[i] == RULE_HOLDING && verdict == VERDICT_YES)
        return lift_since_ms(l, i) + hold_ms(rules, row, f);
    if (l->phase[i] == RULE_CLEARING && verdict == VERDICT_NO)
        return lift_since_ms(l, i) + row->quiet_ms;
    return LIFT_NEVER;
}

/* When silence begins if nothing arrives, in arrival time. */
static int64_t silence_due_ms(const struct rules *rules, const struct lift *l) {
    int row = rules_table_find(CODE_DEVICE_SILENT);
    if (l->at_ms == 0 || l->listening_ms == LIFT_NEVER || l->phase[row] >= RULE_RAISED)
        return LIFT_NEVER;
    int64_t from_ms = l->arrival_ms > l->listening_ms ? l->arrival_ms : l->listening_ms;
    return from_ms + rules->silent_after_ms;
}

/* The earliest due time on one clock. */
static int64_t due_on_clock_ms(const struct rules *rules, const struct lift *l, const struct facts *f,
                               enum rule_clock clock) {
    int64_t earliest = clock == CLOCK_SERVER ? silence_due_ms(rules, l) : LIFT_NEVER;
    for (size_t i = 0; i < rules_table_count; i++) {
        if (l->phase[i] == RULE_QUIET || rules_table[i].clock != clock)
            continue;
        int64_t due = due_ms(rules, l, f, i);
        if (due < earliest)
            earliest = due;
    }
    return earliest;
}

/* The moment at which something is due next if nothing arrives; server_ms LIFT_NEVER: none. */
static struct moment next_due(const struct rules *rules, const struct lift *l, const struct facts *f) {
    struct moment m;
    int64_t lift_due = due_on_clock_ms(rules, l, f, CLOCK_LIFT);
    m.server_ms = due_on_clock_ms(rules, l, f, CLOCK_SERVER);
    if (lift_due != LIFT_NEVER) {
        int64_t server_ms = l->arrival_ms + (lift_due > l->at_ms ? lift_due - l->at_ms : 0);
        if (server_ms < m.server_ms)
            m.server_ms = server_ms;
    }
    if (l->arrival_ms < l->settled_ms - LIFT_SETTLE_MS && m.server_ms < l->settled_ms)
        m.server_ms = l->settled_ms;
    m.lift_ms = l->at_ms;
    if (m.server_ms != LIFT_NEVER && m.server_ms > l->arrival_ms)
        m.lift_ms += m.server_ms - l->arrival_ms;
    return m;
}

/* Lets the server's time pass, one due moment after the other, so that it doesn't matter how often one asks.
 */
static void pass_server_time(struct step *s, int64_t now_ms) {
    for (size_t turns = 0;; turns++) {
        struct moment m = next_due(s->rules, s->l, &s->facts);
        if (m.server_ms > now_ms || m.server_ms == LIFT_NEVER)
            return;
        REQUIRE(turns < RULES_TRANSITIONS_MAX);
        judge_rows(s, 1u << CLOCK_LIFT | 1u << CLOCK_SERVER, m);
    }
}

/* Lets the device's time pass up to that of a reading that has come. */
static void pass_lift_time(struct step *s, int64_t until_ms) {
    for (size_t turns = 0;; turns++) {
        int64_t due = due_on_clock_ms(s->rules, s->l, &s->facts, CLOCK_LIFT);
        if (due > until_ms || due == LIFT_NEVER)
            return;
        REQUIRE(turns < RULES_TRANSITIONS_MAX);
        struct moment m = {due > s->l->at_ms ? due : s->l->at_ms, s->l->arrival_ms};
        judge_rows(s, 1u << CLOCK_LIFT, m);
    }
}

/* Moves what is pending on one clock back by `by_ms`. */
static void shift_pending(struct lift *l, enum rule_clock clock, int64_t by_ms) {
    for (size_t i = 0; i < rules_table_count; i++)
        if (rules_table[i].clock == clock && (l->phase[i] == RULE_HOLDING || l->phase[i] == RULE_CLEARING))
            lift_set_since(l, i, lift_since_ms(l, i) - by_ms);
}

/* The server's clock was set back: what was measured by it moves along. */
static void follow_server_clock(struct lift *l, int64_t now_ms) {
    if (l->listening_ms != LIFT_NEVER && l->listening_ms > now_ms)
        l->listening_ms = now_ms;
    if (l->settled_ms - LIFT_SETTLE_MS > now_ms)
        l->settled_ms = now_ms + LIFT_SETTLE_MS;
    if (l->at_ms == 0 || now_ms >= l->arrival_ms)
        return;
    shift_pending(l, CLOCK_SERVER, l->arrival_ms - now_ms);
    l->arrival_ms = now_ms;
}

/* The device's clock was set back: what is pending moves along, and the server's clock says how much time
 * has passed. */
static void follow_lift_clock(struct lift *l, int64_t at_ms, int64_t now_ms) {
    int64_t by_ms = l->at_ms + (now_ms - l->arrival_ms) - at_ms;
    shift_pending(l, CLOCK_LIFT, by_ms);
    if (l->stopped_since_ms != LIFT_NEVER)
        l->stopped_since_ms -= by_ms;
    if (l->occupied_at_ms != 0)
        l->occupied_at_ms -= by_ms;
}

static void merge_codes(struct reading *now, const struct reading *r) {
    now->codes_count = r->codes_count;
    memcpy(now->codes, r->codes, r->codes_count * sizeof r->codes[0]);
}

/* What a reading says replaces what was known; what it doesn't say stays known. Key 7 is one statement: a bit
 * it calls unknown is unknown from now on. */
static void merge(struct reading *now, const struct reading *r) {
    now->present |= r->present;
    now->unit = r->unit;
    now->at = r->at;
    now->ts_ms = r->ts_ms;
#define TAKE(key, field)                                                                                     \
    if (reading_has(r, key))                                                                                 \
    now->field = r->field
    TAKE(KEY_MODE, mode);
    TAKE(KEY_MOTION, motion);
    TAKE(KEY_FLOOR, floor);
    TAKE(KEY_FLAGS, flags);
    TAKE(KEY_ENERGY, energy_wh);
    TAKE(KEY_TRIPS, trips);
    TAKE(KEY_RUN_TIME, run_time_s);
    TAKE(KEY_DOOR_CYCLES, door_cycles);
    TAKE(KEY_LOAD, load_kg);
    TAKE(KEY_SPEED, speed_mm_s);
    TAKE(KEY_VIBRATION, vibration_mm_s2);
    TAKE(KEY_TEMPERATURE, temperature_deci_c);
    TAKE(KEY_HEARD, heard);
#undef TAKE
    if (reading_has(r, KEY_CODES))
        merge_codes(now, r);
}

static void hear(struct lift *l, const struct rules_input *input, int64_t now_ms) {
    const struct reading *r = input->reading;
    bool cycled = reading_has(&l->now, KEY_DOOR_CYCLES) && reading_has(r, KEY_DOOR_CYCLES) &&
                  l->now.door_cycles != r->door_cycles;
    bool occupied;
    if (l->at_ms != 0 && input->at_ms < l->at_ms)
        follow_lift_clock(l, input->at_ms, now_ms);
    merge(&l->now, r);
    l->at_ms = input->at_ms > 0 ? input->at_ms : 1;
    l->arrival_ms = now_ms;
    l->clock_suspect = input->clock_suspect;
    l->boot_fell = false;
    if (!reading_has(&l->now, KEY_MOTION) || l->now.motion != MOTION_STOPPED)
        l->stopped_since_ms = LIFT_NEVER;
    else if (l->stopped_since_ms == LIFT_NEVER)
        l->stopped_since_ms = l->at_ms;
    if (reading_flag(&l->now, FLAG_CAR_OCCUPIED, &occupied) && occupied)
        l->occupied_at_ms = l->at_ms;
    else if (cycled || conditions_doors_closed(&l->now) != TRI_YES)
        l->occupied_at_ms = 0;
}

size_t rules_step(const struct rules *rules, struct lift *l, const struct rules_input *input, int64_t now_ms,
                  struct transition out[RULES_TRANSITIONS_MAX]) {
    struct step s = {.rules = rules, .l = l, .out = out};
    follow_server_clock(l, now_ms);
    conditions_gather(&s.facts, l);
    switch (input->kind) {
    case INPUT_READING:
        REQUIRE(input->reading != NULL);
        if (l->at_ms != 0)
            pass_lift_time(&s, input->at_ms);
        hear(l, input, now_ms);
        break;
    case INPUT_TICK:
        pass_server_time(&s, now_ms);
        return s.count;
    case INPUT_BOOT_FELL:
        pass_server_time(&s, now_ms);
        l->boot_fell = true;
        break;
    }
    conditions_gather(&s.facts, l);
    struct moment m = {l->at_ms, now_ms};
    judge_rows(&s, 1u << CLOCK_SERVER | (input->kind == INPUT_READING ? 1u << CLOCK_LIFT : 0u), m);
    return s.count;
}

int64_t rules_deadline_ms(const struct rules *rules, const struct lift *l) {
    struct facts f;
    bool waiting = false;
    for (size_t i = 0; i < rules_table_count; i++)
        waiting |= l->phase[i] == RULE_HOLDING || l->phase[i] == RULE_CLEARING;
    if (!waiting)
        return silence_due_ms(rules, l);
    conditions_gather(&f, l);
    return next_due(rules, l, &f).server_ms;
}
