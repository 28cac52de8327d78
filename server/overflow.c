/* When the window is full because the database is away: a second reading of the same topics, on copies of the
 * lifts' state, so that a trapped person still reaches open consoles. Nothing of it is ever committed; no
 * I/O. */
#include "overflow.h"

#include <stdlib.h>

static struct overflow_copy *copy_of(struct overflow *o, uint32_t unit, int64_t now_ms) {
    struct overflow_copy *c;
    HASH_FIND(hh, o->copies, &unit, sizeof unit, c);
    if (c)
        return c;
    c = calloc(1, sizeof *c);
    if (!c)
        return NULL; /* this lift is not watched; what is committed later rings anyway */
    const struct unit *u = o->intake->fleet->units[unit];
    c->unit = unit;
    c->track = u->track;
    if (u->lift) {
        c->lift = *u->lift;
    } else {
        lift_init(&c->lift);
        lift_listening(&c->lift, true, now_ms);
    }
    HASH_ADD(hh, o->copies, unit, sizeof c->unit, c);
    return c;
}

static void step(struct overflow *o, struct overflow_copy *c, const struct rules_input *input,
                 int64_t now_ms) {
    static struct transition out[RULES_TRANSITIONS_MAX];
    size_t count = rules_step(o->intake->rules, &c->lift, input, now_ms, out);
    for (size_t i = 0; i < count; i++)
        if (out[i].kind == TRANSITION_RAISE && out[i].priority <= OVERFLOW_PRIORITY)
            o->raised(o->ctx, o->intake->fleet->units[c->unit]->lift_id, &out[i]);
}

static void take_reading(struct overflow *o, const struct device *d, const struct reading *r,
                         int64_t now_ms) {
    uint32_t unit = fleet_unit(d, r->unit);
    struct overflow_copy *c = unit == FLEET_NONE ? NULL : copy_of(o, unit, now_ms);
    if (!c)
        return;
    struct batch_time time = intake_time(o->intake, r->ts_ms, now_ms);
    struct gap gap;
    bool has_gap;
    if (position_arrive(&c->track, r->at, r->ts_ms, !time.suspect, &gap, &has_gap) != ARRIVAL_LIVE)
        return;
    step(o, c,
         &(struct rules_input){
             .kind = INPUT_READING, .reading = r, .at_ms = time.filed_ms, .clock_suspect = time.suspect},
         now_ms);
}

void overflow_message(struct overflow *o, const char *topic, const void *payload, size_t bytes,
                      int64_t now_ms) {
    struct topic where;
    struct decoded *decoded = o->intake->scratch;
    if (decode_topic(topic, &where) != DECODE_OK || where.kind != TOPIC_UP)
        return;
    const struct device *d = fleet_device(o->intake->fleet, where.device);
    if (!d || strcmp(d->area, where.area) != 0 || decode_up(payload, bytes, decoded) != DECODE_OK)
        return;
    for (size_t i = 0; i < decoded->readings_count; i++)
        take_reading(o, d, &decoded->readings[i], now_ms);
}

void overflow_tick(struct overflow *o, int64_t now_ms) {
    struct overflow_copy *c, *next;
    HASH_ITER(hh, o->copies, c, next) {
        if (rules_deadline_ms(o->intake->rules, &c->lift) <= now_ms)
            step(o, c, &(struct rules_input){.kind = INPUT_TICK}, now_ms);
    }
}

void overflow_clear(struct overflow *o) {
    struct overflow_copy *c, *next;
    HASH_ITER(hh, o->copies, c, next) {
        HASH_DELETE(hh, o->copies, c);
        free(c);
    }
}
