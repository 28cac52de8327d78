/* PURE: the conditions behind the rows of the table: three-valued, because unknown is neither true nor false.
 */
#include "conditions.h"

#define BUTTON_HOLD_MS 10000
/* For so long a sensor may lose somebody who stands still in a closed car. */
#define SENSED_MS 60000
/* From when on an alarm's text and confidence tell that the values are old. */
#define STALE_MS 60000

static enum tri tri_flag(const struct reading *r, uint16_t flag) {
    bool value;
    if (!reading_flag(r, flag, &value))
        return TRI_UNKNOWN;
    return value ? TRI_YES : TRI_NO;
}

enum tri conditions_doors_closed(const struct reading *r) {
    enum tri front = tri_flag(r, FLAG_FRONT_DOOR_CLOSED), rear = tri_flag(r, FLAG_REAR_DOOR_CLOSED);
    if (front == TRI_NO || rear == TRI_NO)
        return TRI_NO;
    return front == TRI_YES || rear == TRI_YES ? TRI_YES : TRI_UNKNOWN;
}

static bool active(const struct facts *f, unsigned code) {
    if (f->active == 0)
        return false;
    int row = rules_table_find(code);
    return row >= 0 && (f->active >> row & 1u);
}

static uint32_t active_rows(const struct reading *r) {
    uint32_t rows = 0;
    for (size_t i = 0; i < r->codes_count; i++) {
        int row = rules_table_find(r->codes[i]);
        if (row >= 0)
            rows |= UINT32_C(1) << row;
    }
    return rows;
}

void conditions_gather(struct facts *f, const struct lift *l) {
    const struct reading *r = &l->now;
    f->lift = l;
    f->mode = reading_has(r, KEY_MODE) ? r->mode : -1;
    f->stopped = TRI_UNKNOWN;
    if (reading_has(r, KEY_MOTION))
        f->stopped = r->motion == MOTION_STOPPED ? TRI_YES : TRI_NO;
    f->in_zone = tri_flag(r, FLAG_IN_DOOR_ZONE);
    f->closed = conditions_doors_closed(r);
    f->occupied = tri_flag(r, FLAG_CAR_OCCUPIED);
    f->on_battery = tri_flag(r, FLAG_ON_BATTERY);
    f->codes_known = reading_has(r, KEY_CODES);
    f->active = f->codes_known ? active_rows(r) : 0;
    f->button = false;
    bool reported = false;
    if (f->active) {
        f->button = active(f, 90) && !active(f, 101);
        reported = (active(f, 41) || active(f, 46)) && !active(f, 40);
    }
    f->mains_lost = reported || f->on_battery == TRI_YES || f->mode == MODE_EMERGENCY_POWER;
}

/* A code of the lift's own: true while it is in the active set and nothing in the set ends it. */
static enum verdict judge_reported(const struct facts *f, const struct rule_row *row) {
    if (!f->codes_known)
        return VERDICT_UNKNOWN;
    if (f->active && row->code >= 41 && row->code <= 47 && active(f, 40))
        return VERDICT_ENDED;
    if (f->active && row->code == 90 && active(f, 101))
        return VERDICT_ENDED;
    return active(f, row->code) ? VERDICT_YES : VERDICT_NO;
}

/* What proves that nobody is shut in: doors open where one can step out, or a car that travels (a technician
 * moving the car in inspection proves nothing yet). Doors open with the zone unknown are taken for a landing,
 * unless the button or the lift says otherwise. */
static bool free_to_leave(const struct facts *f) {
    if (f->stopped == TRI_NO && f->mode != MODE_INSPECTION)
        return true;
    if (f->closed != TRI_NO || f->in_zone == TRI_NO)
        return false;
    return f->in_zone == TRI_YES || !(f->button || active(f, 93));
}

/* Stopped at a landing, or somewhere unknown. Nobody sensed any more behind doors that stayed closed bridges
 * a sensor's lapse, begins nothing after that, and ends nothing. */
static enum verdict judge_shut_in(const struct facts *f) {
    const struct lift *l = f->lift;
    if (f->occupied == TRI_NO) {
        if (f->closed != TRI_YES || l->occupied_at_ms == 0)
            return VERDICT_NO;
        return l->at_ms - l->occupied_at_ms <= SENSED_MS ? VERDICT_UNKNOWN : VERDICT_SUPPRESSED;
    }
    if (f->occupied == TRI_UNKNOWN)
        return VERDICT_UNKNOWN;
    if (f->button)
        return VERDICT_YES;
    if (f->closed == TRI_UNKNOWN)
        return VERDICT_UNKNOWN;
    if (f->mode == MODE_FIREFIGHTER)
        return VERDICT_SUPPRESSED;
    return l->arrival_ms >= l->listening_ms ? VERDICT_YES : VERDICT_UNKNOWN;
}

/* Between landings nobody can have left since somebody was sensed. */
static enum verdict judge_between_landings(const struct facts *f) {
    if (f->occupied == TRI_YES || f->lift->occupied_at_ms != 0)
        return VERDICT_YES;
    return f->occupied == TRI_NO ? VERDICT_NO : VERDICT_UNKNOWN;
}

static enum verdict judge_trapped(const struct facts *f) {
    enum verdict verdict;
    if (free_to_leave(f))
        return VERDICT_NO;
    if (active(f, 93))
        verdict = VERDICT_YES;
    else if (f->stopped == TRI_YES)
        verdict = f->in_zone == TRI_NO ? judge_between_landings(f) : judge_shut_in(f);
    else if (f->occupied == TRI_NO)
        verdict = VERDICT_NO;
    else
        verdict =
            f->occupied == TRI_YES && f->stopped == TRI_UNKNOWN && f->button ? VERDICT_YES : VERDICT_UNKNOWN;
    if (verdict == VERDICT_NO)
        return verdict;
    return f->mode == MODE_INSPECTION && !f->button ? VERDICT_SUPPRESSED : verdict;
}

static enum verdict judge_outside_zone(const struct facts *f) {
    if (active(f, 4))
        return VERDICT_YES;
    if (f->stopped == TRI_NO || f->in_zone == TRI_YES)
        return VERDICT_NO;
    return f->stopped == TRI_YES && f->in_zone == TRI_NO ? VERDICT_YES : VERDICT_UNKNOWN;
}

static enum verdict judge_moving_open(const struct facts *f) {
    if (f->stopped == TRI_YES || f->closed == TRI_YES || f->in_zone == TRI_YES)
        return VERDICT_NO;
    return f->stopped == TRI_NO && f->closed == TRI_NO ? VERDICT_YES : VERDICT_UNKNOWN;
}

static enum verdict judge_mains(const struct facts *f) {
    if (f->mains_lost)
        return VERDICT_YES;
    bool known = f->on_battery != TRI_UNKNOWN || f->codes_known || (f->mode >= 0 && f->mode != MODE_UNKNOWN);
    return known ? VERDICT_NO : VERDICT_UNKNOWN;
}

/* A standing silence ends by being heard, not by liftd's having been deaf meanwhile. */
static enum verdict judge_silent(const struct lift *l, int64_t server_ms, int64_t silent_after_ms) {
    if (l->at_ms == 0 || l->listening_ms == LIFT_NEVER)
        return VERDICT_UNKNOWN;
    if (server_ms - l->arrival_ms < silent_after_ms)
        return VERDICT_NO;
    return server_ms - l->listening_ms < silent_after_ms ? VERDICT_UNKNOWN : VERDICT_YES;
}

static enum verdict judge_derived(const struct facts *f, const struct rule_row *row, int64_t server_ms,
                                  int64_t silent_after_ms) {
    switch (row->code) {
    case CODE_STOPPED_OUTSIDE_ZONE:
        return judge_outside_zone(f);
    case CODE_MOVING_DOOR_OPEN:
        return judge_moving_open(f);
    case CODE_DEVICE_SILENT:
        return judge_silent(f->lift, server_ms, silent_after_ms);
    case CODE_MAINS_LOST:
        return judge_mains(f);
    case CODE_BOOT_FELL:
        return f->lift->boot_fell ? VERDICT_YES : VERDICT_NO;
    case CODE_CLOCK_WRONG:
        if (f->lift->at_ms == 0)
            return VERDICT_UNKNOWN;
        return f->lift->clock_suspect ? VERDICT_YES : VERDICT_NO;
    default:
        return VERDICT_UNKNOWN;
    }
}

enum verdict conditions_judge(const struct facts *f, const struct rule_row *row, int64_t server_ms,
                              int64_t silent_after_ms) {
    if (row->kind == RULE_ENDS)
        return VERDICT_NO;
    if (row->code == CODE_PEOPLE_TRAPPED)
        return judge_trapped(f);
    enum verdict verdict = row->kind == RULE_REPORTED ? judge_reported(f, row)
                                                      : judge_derived(f, row, server_ms, silent_after_ms);
    bool suppressed = f->mode >= 0 && (row->suppressed >> f->mode & 1);
    bool over = verdict == VERDICT_NO || verdict == VERDICT_ENDED;
    return suppressed && !over ? VERDICT_SUPPRESSED : verdict;
}

int64_t conditions_trapped_hold_ms(const struct facts *f, int64_t hold_ms) {
    if (active(f, 93))
        return 0;
    return f->button && hold_ms > BUTTON_HOLD_MS ? BUTTON_HOLD_MS : hold_ms;
}

static int trapped_confidence(const struct facts *f, int64_t heard_ago_ms) {
    int sure = 50;
    if (f->stopped == TRI_YES) {
        if (f->in_zone == TRI_NO)
            sure = f->occupied == TRI_YES ? 80 : 65;
        else if (f->closed == TRI_YES)
            sure = f->in_zone == TRI_YES ? 55 : 65;
    }
    if (active(f, 93))
        sure = f->occupied == TRI_NO ? 60 : 85;
    if (f->button)
        sure += 15;
    if (f->mains_lost)
        sure += 5;
    if (heard_ago_ms >= STALE_MS)
        sure -= 15;
    return sure > 99 ? 99 : sure;
}

uint8_t conditions_confidence(const struct facts *f, const struct rule_row *row, int64_t heard_ago_ms) {
    switch (row->code) {
    case CODE_PEOPLE_TRAPPED:
        return (uint8_t)trapped_confidence(f, heard_ago_ms);
    case CODE_STOPPED_OUTSIDE_ZONE:
        return 90;
    case CODE_MOVING_DOOR_OPEN:
        return 85;
    case CODE_MAINS_LOST:
        return 90;
    default:
        return 100;
    }
}
