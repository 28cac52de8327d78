/* What liftd remembers of every device and lift, and how to find it; no I/O. */
#include "fleet.h"

#include "../ingest/require.h"

#include <stdlib.h>
#include <string.h>

#define UNIT_STATE_VERSION 1

void fleet_init(struct fleet *f) {
    *f = (struct fleet){.dirty_first = FLEET_NONE, .dirty_last = FLEET_NONE};
    deadlines_init(&f->deadlines);
}

static void free_devices(struct fleet *f) {
    struct device *d, *next;
    HASH_ITER(hh, f->devices, d, next) {
        HASH_DELETE(hh, f->devices, d);
        free(d->units);
        free(d);
    }
}

void fleet_fini(struct fleet *f) {
    free_devices(f);
    HASH_CLEAR(hh, f->by_lift);
    for (size_t i = 0; i < f->units_count; i++) {
        free(f->units[i]->lift);
        free(f->units[i]);
    }
    free(f->units);
    deadlines_fini(&f->deadlines);
    fleet_init(f);
}

void fleet_route_begin(struct fleet *f) {
    for (struct device *d = f->devices; d; d = d->hh.next) {
        d->mentioned = false;
        d->units_count = 0;
    }
    for (size_t i = 0; i < f->units_count; i++)
        f->units[i]->device = NULL;
}

static struct device *make_device(struct fleet *f, const char *area, const char *name) {
    struct device *d = calloc(1, sizeof *d);
    if (!d)
        return NULL;
    snprintf(d->name, sizeof d->name, "%s", name);
    snprintf(d->area, sizeof d->area, "%s", area);
    HASH_ADD_STR(f->devices, name, d);
    return d;
}

static struct unit *make_unit(struct fleet *f, int64_t lift_id) {
    if (f->units_count == f->units_capacity) {
        size_t capacity = f->units_capacity ? f->units_capacity * 2 : 64;
        struct unit **units = realloc(f->units, capacity * sizeof *units);
        if (!units)
            return NULL;
        f->units = units;
        f->units_capacity = capacity;
        if (!deadlines_reserve(&f->deadlines, capacity))
            return NULL;
    }
    struct unit *u = calloc(1, sizeof *u);
    if (!u)
        return NULL;
    u->lift_id = lift_id;
    u->place = (uint32_t)f->units_count;
    f->units[f->units_count++] = u;
    HASH_ADD(hh, f->by_lift, lift_id, sizeof u->lift_id, u);
    return u;
}

/* Room for unit `number` in the device's table. */
static bool room_for(struct device *d, uint8_t number) {
    if (number < d->units_capacity) {
        while (d->units_count <= number)
            d->units[d->units_count++] = FLEET_NONE;
        return true;
    }
    uint16_t capacity = (uint16_t)(number + 1);
    uint32_t *units = realloc(d->units, capacity * sizeof *units);
    if (!units)
        return false;
    for (uint16_t i = d->units_count; i < capacity; i++)
        units[i] = FLEET_NONE;
    d->units = units;
    d->units_capacity = capacity;
    d->units_count = capacity;
    return true;
}

bool fleet_route(struct fleet *f, const char *area, const char *device, uint8_t number, int64_t lift_id,
                 int32_t epoch) {
    struct device *d = fleet_device(f, device);
    if (!d && !(d = make_device(f, area, device)))
        return false;
    d->mentioned = true;
    uint32_t place = fleet_lift(f, lift_id);
    if (place == FLEET_NONE) {
        if (!make_unit(f, lift_id))
            return false;
        place = (uint32_t)f->units_count - 1;
    }
    if (!room_for(d, number))
        return false;
    d->units[number] = place;
    struct unit *u = f->units[place];
    u->device = d->name;
    u->number = number;
    if (u->epoch != epoch) {
        u->epoch = epoch;
        u->track = (struct track){0};
        u->committed = (struct position){0, 0};
    }
    return true;
}

/* Takes the devices that were not mentioned out of the queue of those that wait for a resume answer. */
static void drop_from_queue(struct fleet *f) {
    struct device *waiting = f->resume_first, *next;
    f->resume_first = f->resume_last = NULL;
    for (; waiting; waiting = next) {
        next = waiting->next_resume;
        waiting->wants_resume = false;
        if (waiting->mentioned)
            fleet_want_resume(f, waiting);
    }
}

void fleet_route_end(struct fleet *f) {
    struct device *d, *next;
    drop_from_queue(f);
    HASH_ITER(hh, f->devices, d, next) {
        if (d->mentioned)
            continue;
        HASH_DELETE(hh, f->devices, d);
        free(d->units);
        free(d);
    }
    for (size_t i = 0; i < f->units_count; i++)
        if (!f->units[i]->device)
            deadlines_set(&f->deadlines, (uint32_t)i, LIFT_NEVER);
}

struct device *fleet_device(const struct fleet *f, const char *name) {
    struct device *d;
    HASH_FIND_STR(f->devices, name, d);
    return d;
}

uint32_t fleet_unit(const struct device *d, uint8_t number) {
    return number < d->units_count ? d->units[number] : FLEET_NONE;
}

uint32_t fleet_lift(const struct fleet *f, int64_t lift_id) {
    struct unit *u;
    HASH_FIND(hh, f->by_lift, &lift_id, sizeof lift_id, u);
    return u ? u->place : FLEET_NONE;
}

struct lift *fleet_memory(struct unit *u, bool listening, int64_t now_ms) {
    if (!u->lift && (u->lift = malloc(sizeof *u->lift))) {
        lift_init(u->lift);
        lift_listening(u->lift, listening, now_ms);
    }
    return u->lift;
}

size_t fleet_save(const struct unit *u, uint8_t *out) {
    uint64_t ts = (uint64_t)u->track.last_ts_ms;
    out[0] = UNIT_STATE_VERSION;
    out[1] = (uint8_t)(u->track.last_ts_trusted | u->track.boots_told << 1);
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(ts >> (8 * i));
    return UNIT_STATE_HEADER_BYTES + (u->lift ? lift_save(u->lift, out + UNIT_STATE_HEADER_BYTES) : 0);
}

bool fleet_load(struct unit *u, int32_t epoch, struct position at, const uint8_t *state, size_t bytes) {
    bool readable = bytes >= UNIT_STATE_HEADER_BYTES && state[0] == UNIT_STATE_VERSION;
    if (u->epoch == epoch) {
        uint64_t ts = 0;
        for (int i = 7; readable && i >= 0; i--)
            ts = ts << 8 | state[2 + i];
        u->track = (struct track){.last = at, .last_ts_ms = (int64_t)ts, .known = at.boot || at.seq};
        u->track.last_ts_trusted = readable && (state[1] & 1);
        u->track.boots_told = readable && (state[1] & 2);
        u->committed = at;
    }
    if (!readable || bytes == UNIT_STATE_HEADER_BYTES)
        return readable;
    u->lift = malloc(sizeof *u->lift);
    return u->lift && lift_load(u->lift, state + UNIT_STATE_HEADER_BYTES, bytes - UNIT_STATE_HEADER_BYTES);
}

void fleet_dirty(struct fleet *f, uint32_t unit) {
    struct unit *u = f->units[unit];
    if (u->is_dirty)
        return;
    u->is_dirty = true;
    u->next_dirty = FLEET_NONE;
    if (f->dirty_last == FLEET_NONE)
        f->dirty_first = unit;
    else
        f->units[f->dirty_last]->next_dirty = unit;
    f->dirty_last = unit;
}

uint32_t fleet_dirty_first(const struct fleet *f) {
    return f->dirty_first;
}

void fleet_dirty_take(struct fleet *f) {
    REQUIRE(f->dirty_first != FLEET_NONE);
    struct unit *u = f->units[f->dirty_first];
    u->is_dirty = false;
    f->dirty_first = u->next_dirty;
    if (f->dirty_first == FLEET_NONE)
        f->dirty_last = FLEET_NONE;
}

void fleet_want_resume(struct fleet *f, struct device *d) {
    if (d->wants_resume)
        return;
    d->wants_resume = true;
    d->next_resume = NULL;
    if (f->resume_last)
        f->resume_last->next_resume = d;
    else
        f->resume_first = d;
    f->resume_last = d;
}

struct device *fleet_take_resume(struct fleet *f) {
    struct device *d = f->resume_first;
    if (!d)
        return NULL;
    f->resume_first = d->next_resume;
    if (!f->resume_first)
        f->resume_last = NULL;
    d->wants_resume = false;
    return d;
}
