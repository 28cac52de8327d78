/* PURE: one lift that really rides; see ride.h. */
#include "ride.h"

#include <string.h>

#define OPENING_MS 2200
#define CLOSING_MS 2500
#define DWELL_MS 4000
#define START_STOP_MS 1500 /* a run's extra time for starting and stopping */
#define PERSON_KG 65
#define STANDBY_MW 40000 /* electronics, fan, light: 40 W */
#define BUTTON_AFTER_MS 20000
#define BUTTON_FOR_MS 5000

/* Share of a day's calls by hour, in thousandths of the mean: morning and evening peaks of a block of flats.
 */
static const int calls_by_hour[24] = {120,  60,   40,   40,   80,   350,  1100, 2100, 1900, 1300, 1250, 1300,
                                      1350, 1100, 1050, 1150, 1400, 2000, 2200, 1600, 1100, 750,  450,  250};

static int hour_of(const struct ride *r, int64_t now_ms) {
    if (r->settings.hour >= 0)
        return r->settings.hour;
    return (int)((now_ms / 3600000 + 8) % 24);
}

/* Plans the next call after now. */
static void plan_call(struct ride *r, int64_t now_ms) {
    double mean_ms =
        86400000.0 / 120.0 * 1000.0 / (double)calls_by_hour[hour_of(r, now_ms)] / r->settings.busy;
    double wait_ms = dice_wait(&r->dice, mean_ms);
    if (wait_ms > 6.0 * 3600000.0)
        wait_ms = 6.0 * 3600000.0;
    r->next_call_ms = now_ms + 500 + (int64_t)wait_ms;
}

static void enter(struct ride *r, enum ride_state state, int64_t now_ms, int64_t for_ms) {
    r->state = state;
    r->since_ms = now_ms;
    r->next_ms = now_ms + for_ms;
}

void ride_init(struct ride *r, const struct ride_settings *settings, struct dice dice, int64_t now_ms) {
    memset(r, 0, sizeof *r);
    r->settings = *settings;
    r->dice = dice;
    r->floor = r->target = 1;
    r->seen_ms = now_ms;
    r->temperature_c = 22.0 + 8.0 * dice_unit(&r->dice);
    r->vibration_mm_s2 = dice_range(&r->dice, 60, 110);
    r->counters.trips = dice_range(&r->dice, 20000, 200000);
    r->counters.door_cycles = r->counters.trips * 11 / 10;
    r->counters.run_time_ms = r->counters.trips * 9000;
    r->counters.energy_mwh = r->counters.trips * 9000;
    plan_call(r, now_ms);
    enter(r, RIDE_STANDING, now_ms, r->next_call_ms - now_ms);
}

static bool active(const struct ride_condition *c, int64_t now_ms) {
    return c->from_ms <= now_ms && now_ms < c->until_ms;
}

/* True while some condition keeps the lift from serving calls; *until_ms then says when to look again. */
static bool held_still(const struct ride *r, int64_t now_ms, int64_t *until_ms) {
    bool still = false;
    for (int i = 0; i < r->conditions_count; i++) {
        const struct ride_condition *c = &r->conditions[i];
        if (c->still && active(c, now_ms) && (!still || c->until_ms > *until_ms)) {
            *until_ms = c->until_ms;
            still = true;
        }
    }
    return still;
}

/* The next time a condition begins or ends, after `after_ms`. */
static int64_t next_condition_ms(const struct ride *r, int64_t after_ms) {
    int64_t next = RIDE_NEVER;
    for (int i = 0; i < r->conditions_count; i++) {
        const struct ride_condition *c = &r->conditions[i];
        if (c->from_ms > after_ms && c->from_ms < next)
            next = c->from_ms;
        else if (c->from_ms <= after_ms && c->until_ms < next)
            next = c->until_ms;
    }
    return next;
}

int64_t ride_next_ms(const struct ride *r) {
    int64_t condition = next_condition_ms(r, r->seen_ms);
    return condition < r->next_ms ? condition : r->next_ms;
}

static int64_t floor_time_ms(const struct ride *r) {
    return (int64_t)r->settings.floor_mm * 1000 / r->settings.rated_mm_s;
}

static void set_off(struct ride *r, int64_t now_ms) {
    r->counters.trips++;
    r->vibration_mm_s2 = dice_range(&r->dice, 60, 140);
    enter(r, RIDE_MOVING, now_ms, START_STOP_MS + floor_time_ms(r));
}

/* Energy of one floor: up with people costs, down with people gives little back; the counterweight is 50 %.
 */
static void charge_floor(struct ride *r, bool up, int64_t took_ms) {
    int64_t mwh = 900 + (up ? 1 : -1) * (int64_t)(r->load_kg - 315) * 3;
    r->counters.energy_mwh += (mwh > 100 ? mwh : 100) + took_ms * STANDBY_MW / 3600000;
    r->counters.run_time_ms += took_ms;
    r->temperature_c += 0.02;
}

static void board(struct ride *r) {
    if (r->goal == 0 && r->persons == 0) { /* somebody waited here */
        r->persons = dice_unit(&r->dice) < 0.7 ? 1 : dice_range(&r->dice, 2, 5);
        r->load_kg = r->persons * PERSON_KG + dice_range(&r->dice, -10, 25);
        do
            r->goal = r->floor == 1 ? dice_range(&r->dice, 2, r->settings.floors) : 1;
        while (r->goal == r->floor);
        if (r->floor != 1 && r->settings.floors > 2 && dice_unit(&r->dice) < 0.1)
            r->goal = r->floor == 2 ? r->settings.floors : 2;
    } else { /* they arrived */
        r->persons = r->load_kg = r->goal = 0;
    }
}

static void stand(struct ride *r, int64_t now_ms) {
    if (r->next_call_ms <= now_ms)
        plan_call(r, now_ms);
    r->target = r->floor;
    enter(r, RIDE_STANDING, now_ms, r->next_call_ms - now_ms);
}

/* A call comes in: the lift goes there, or opens where it stands. */
static void answer_call(struct ride *r, int64_t now_ms) {
    int64_t until_ms = 0;
    if (held_still(r, now_ms, &until_ms)) {
        r->next_call_ms = until_ms + dice_range(&r->dice, 500, 20000);
        enter(r, RIDE_STANDING, now_ms, r->next_call_ms - now_ms);
        return;
    }
    plan_call(r, now_ms);
    r->goal = 0;
    r->target = dice_unit(&r->dice) < 0.5 ? 1 : dice_range(&r->dice, 1, r->settings.floors);
    if (r->target == r->floor)
        enter(r, RIDE_OPENING, now_ms, OPENING_MS);
    else
        set_off(r, now_ms);
}

static void pass_floor(struct ride *r, int64_t now_ms) {
    bool up = r->target > r->floor;
    charge_floor(r, up, now_ms - r->since_ms);
    r->floor += up ? 1 : -1;
    r->door_ajar = false;
    if (r->floor == r->target)
        enter(r, RIDE_OPENING, now_ms, OPENING_MS);
    else
        enter(r, RIDE_MOVING, now_ms, floor_time_ms(r));
}

static void close_done(struct ride *r, int64_t now_ms) {
    if (r->persons && r->goal != r->floor) {
        r->target = r->goal;
        set_off(r, now_ms);
    } else {
        stand(r, now_ms);
    }
}

static void state_event(struct ride *r, int64_t now_ms) {
    switch (r->state) {
    case RIDE_STANDING:
        r->counters.energy_mwh += (now_ms - r->since_ms) * STANDBY_MW / 3600000;
        r->temperature_c += (24.0 - r->temperature_c) * 0.02;
        answer_call(r, now_ms);
        break;
    case RIDE_OPENING:
        r->counters.door_cycles++;
        enter(r, RIDE_OPEN, now_ms, DWELL_MS + dice_range(&r->dice, 0, 3000));
        break;
    case RIDE_OPEN:
        board(r);
        enter(r, RIDE_CLOSING, now_ms, CLOSING_MS);
        break;
    case RIDE_CLOSING:
        close_done(r, now_ms);
        break;
    case RIDE_MOVING:
        pass_floor(r, now_ms);
        break;
    case RIDE_STUCK: /* freed: let down to the landing, the doors open, people leave */
        r->goal = r->persons ? r->floor : 0;
        r->target = r->floor;
        enter(r, RIDE_OPENING, now_ms, OPENING_MS);
        break;
    }
}

/* Takes out the conditions that are over. */
static void drop_ended(struct ride *r, int64_t now_ms) {
    int kept = 0;
    for (int i = 0; i < r->conditions_count; i++)
        if (r->conditions[i].until_ms > now_ms)
            r->conditions[kept++] = r->conditions[i];
    r->conditions_count = kept;
}

bool ride_step(struct ride *r) {
    int64_t now_ms = ride_next_ms(r);
    enum ride_state before = r->state;
    bool condition = now_ms < r->next_ms; /* one begins or ends: the state goes on */
    if (now_ms > r->seen_ms)
        r->seen_ms = now_ms;
    drop_ended(r, now_ms);
    if (condition)
        return true;
    state_event(r, now_ms);
    return !(before == RIDE_STANDING && r->state == RIDE_STANDING);
}

static int32_t speed_mm_s(const struct ride *r, int64_t now_ms) {
    if (r->state != RIDE_MOVING || r->target == r->floor)
        return 0;
    int64_t since_ms = now_ms - r->since_ms, left_ms = r->next_ms - now_ms;
    int32_t speed = r->settings.rated_mm_s;
    int remaining = r->target > r->floor ? r->target - r->floor : r->floor - r->target;
    if (r->next_ms - r->since_ms > floor_time_ms(r) && since_ms < START_STOP_MS)
        speed = (int32_t)(speed * (since_ms + 100) / (START_STOP_MS + 100));
    else if (remaining == 1 && left_ms < START_STOP_MS / 2)
        speed = (int32_t)(speed * (left_ms + 50) / START_STOP_MS);
    return r->target > r->floor ? speed : -speed;
}

static uint16_t flags_of(const struct ride *r, bool on_battery) {
    bool closed =
        r->state == RIDE_STANDING || r->state == RIDE_STUCK || (r->state == RIDE_MOVING && !r->door_ajar);
    bool zone = r->state != RIDE_MOVING && r->state != RIDE_STUCK;
    unsigned value = (zone ? FLAG_IN_DOOR_ZONE : 0u) | (closed ? FLAG_FRONT_DOOR_CLOSED : 0u) |
                     (r->persons > 0 ? FLAG_CAR_OCCUPIED : 0u) | (on_battery ? FLAG_ON_BATTERY : 0u);
    unsigned known = FLAG_IN_DOOR_ZONE | FLAG_FRONT_DOOR_CLOSED | FLAG_CAR_OCCUPIED | FLAG_ON_BATTERY;
    if (r->settings.rear_door) { /* people leave through the rear door at the lowest landing only */
        known |= FLAG_REAR_DOOR_CLOSED;
        value |= closed || r->floor != 1 ? FLAG_REAR_DOOR_CLOSED : 0u;
    }
    return (uint16_t)(value | (known << FLAG_KNOWN_SHIFT));
}

/* Adds a code, ascending, each once. */
static void add_code(struct reading *out, uint16_t code) {
    int at = 0;
    while (at < out->codes_count && out->codes[at] < code)
        at++;
    if ((at < out->codes_count && out->codes[at] == code) || out->codes_count == READING_CODES_MAX)
        return;
    memmove(&out->codes[at + 1], &out->codes[at], (size_t)(out->codes_count - at) * sizeof out->codes[0]);
    out->codes[at] = code;
    out->codes_count++;
}

void ride_reading(const struct ride *r, int64_t now_ms, struct reading *out) {
    bool on_battery = false;
    out->mode = MODE_NORMAL;
    out->codes_count = 0;
    for (int i = 0; i < r->conditions_count; i++) {
        const struct ride_condition *c = &r->conditions[i];
        if (!active(c, now_ms))
            continue;
        if (c->code)
            add_code(out, c->code);
        if (c->mode != MODE_NORMAL)
            out->mode = c->mode;
        on_battery |= c->on_battery;
    }
    out->motion = r->state != RIDE_MOVING ? MOTION_STOPPED : r->target > r->floor ? MOTION_UP : MOTION_DOWN;
    out->floor = (int16_t)r->floor;
    out->flags = flags_of(r, on_battery);
    out->energy_wh = r->counters.energy_mwh / 1000;
    out->trips = r->counters.trips;
    out->run_time_s = r->counters.run_time_ms / 1000;
    out->door_cycles = r->counters.door_cycles;
    out->load_kg = r->load_kg > 0 ? r->load_kg : 0;
    out->speed_mm_s = speed_mm_s(r, now_ms);
    out->vibration_mm_s2 = r->vibration_mm_s2;
    out->temperature_deci_c = (int32_t)(r->temperature_c * 10.0);
    for (int key = KEY_MODE; key <= KEY_TEMPERATURE; key++)
        out->present |= 1u << key;
}

void ride_condition(struct ride *r, const struct ride_condition *condition) {
    if (r->conditions_count == RIDE_CONDITIONS_MAX) {
        memmove(&r->conditions[0], &r->conditions[1], sizeof r->conditions - sizeof r->conditions[0]);
        r->conditions_count--;
    }
    r->conditions[r->conditions_count++] = *condition;
}

void ride_stick(struct ride *r, int64_t now_ms, int64_t for_ms, bool people) {
    if (people && r->persons == 0) {
        r->persons = 1;
        r->load_kg = PERSON_KG;
    } else if (!people) {
        r->persons = r->load_kg = r->goal = 0;
    }
    if (r->target == r->floor)
        r->target = r->floor == 1 ? 2 : r->floor - 1;
    r->door_ajar = false;
    enter(r, RIDE_STUCK, now_ms, for_ms);
    struct ride_condition stuck = {
        .from_ms = now_ms, .until_ms = now_ms + for_ms, .code = 4, .mode = MODE_NORMAL};
    ride_condition(r, &stuck);
    if (people && for_ms > BUTTON_AFTER_MS) {
        struct ride_condition button = {.from_ms = now_ms + BUTTON_AFTER_MS,
                                        .until_ms = now_ms + BUTTON_AFTER_MS + BUTTON_FOR_MS,
                                        .code = 90,
                                        .mode = MODE_NORMAL};
        ride_condition(r, &button);
    }
}

void ride_move_open(struct ride *r, int64_t now_ms, int64_t for_ms) {
    if (r->state != RIDE_MOVING) {
        r->target = r->floor < r->settings.floors ? r->floor + 1 : r->floor - 1;
        r->counters.trips++;
    }
    enter(r, RIDE_MOVING, now_ms, for_ms);
    r->door_ajar = true;
}

struct ride_condition ride_condition_of_code(uint16_t code, int64_t from_ms, int64_t until_ms) {
    struct ride_condition c = {.from_ms = from_ms, .until_ms = until_ms, .code = code, .mode = MODE_NORMAL};
    switch (code) {
    case 41:
        c.on_battery = true;
        break;
    case 42:
        c.mode = MODE_STOP;
        break;
    case 43:
        c.mode = MODE_INSPECTION;
        break;
    case 44:
        c.mode = MODE_FIRE_RECALL;
        break;
    case 45:
        c.mode = MODE_FIREFIGHTER;
        break;
    case 46:
        c.mode = MODE_EMERGENCY_POWER;
        break;
    case 47:
        c.mode = MODE_EARTHQUAKE;
        break;
    default:
        break;
    }
    c.still = (code >= 1 && code <= 8) || (code >= 41 && code <= 47) || code == 91 || code == 92;
    return c;
}
