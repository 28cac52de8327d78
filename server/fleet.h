/* What liftd remembers of every device and lift, and how to find it; no I/O. */
#ifndef LIFTD_FLEET_H
#define LIFTD_FLEET_H

#include "../alerts/deadlines.h"
#include "../alerts/lift.h"
#include "../alerts/rules.h"
#include "../ingest/batch.h"
#include "../ingest/decode.h"
#include "../ingest/position.h"

#include <uthash.h>

/* No such place. */
#define FLEET_NONE UINT32_MAX
/* Bytes before lift_save's in telemetry.state_log.state: version, flags of the track (1 clock trusted, 2
 * boots told), last device time. */
#define UNIT_STATE_HEADER_BYTES 10
#define UNIT_STATE_MAX_BYTES (UNIT_STATE_HEADER_BYTES + LIFT_SAVED_MAX_BYTES)

/* One lift behind a device. Its number (index in fleet.units) is for life: lifts that lose their device stay,
 * unreachable, until the process ends. */
struct unit {
    int64_t lift_id;
    const char *device; /* name; owned by the device, NULL while no device is bound */
    int32_t epoch;      /* of the terminal now bound */
    uint8_t number;     /* unit behind the device */
    bool silent;        /* its 'device silent' alarm stands */
    bool is_dirty;      /* waits in the fleet's queue for its row of telemetry.lift_now */
    struct track track;
    struct position committed; /* the track's end as it is in the database */
    struct lift *lift;         /* NULL until first heard: a registered lift that never spoke costs little */
    struct batch_time time;    /* of the last live reading */
    uint64_t touched_serial;   /* the batch (serial) that already carries its state */
    int64_t now_written_ms;
    uint32_t place; /* its own number in the fleet */
    uint32_t next_dirty;
    UT_hash_handle hh; /* by lift_id */
};

struct device {
    char name[TOPIC_NAME_MAX + 1];
    char area[TOPIC_NAME_MAX + 1];
    uint16_t units_count;
    uint16_t units_capacity;
    bool wants_resume;
    bool mentioned;  /* by the routing being taken */
    uint32_t *units; /* index: unit number; FLEET_NONE where none */
    struct device *next_resume;
    UT_hash_handle hh; /* by name */
};

struct fleet {
    struct unit **units;
    size_t units_count, units_capacity;
    struct unit *by_lift;
    struct device *devices;
    struct deadlines deadlines; /* items are unit numbers */
    uint32_t dirty_first, dirty_last;
    struct device *resume_first, *resume_last;
};

void fleet_init(struct fleet *f);
void fleet_fini(struct fleet *f);

/* Takes a new routing: begin, a row each, end. Units keep their memory; one whose epoch changed starts a new
 * track (its first reading opens with a gap before it) and keeps what the rules know of the lift. Devices
 * that are not mentioned are forgotten. fleet_route is false when memory is out. */
void fleet_route_begin(struct fleet *f);
bool fleet_route(struct fleet *f, const char *area, const char *device, uint8_t number, int64_t lift_id,
                 int32_t epoch);
void fleet_route_end(struct fleet *f);

struct device *fleet_device(const struct fleet *f, const char *name);
/* The unit's number in the fleet, or FLEET_NONE. */
uint32_t fleet_unit(const struct device *d, uint8_t number);
uint32_t fleet_lift(const struct fleet *f, int64_t lift_id);

/* The rules' memory of a unit, made when it isn't there; NULL: out of memory. */
struct lift *fleet_memory(struct unit *u, bool listening, int64_t now_ms);

/* Writes what a restart needs of a unit; returns the bytes (at most UNIT_STATE_MAX_BYTES). */
size_t fleet_save(const struct unit *u, uint8_t *out);
/* Restores it; false: not readable (the lift starts without memory, its position still counts). */
bool fleet_load(struct unit *u, int32_t epoch, struct position at, const uint8_t *state, size_t bytes);

/* Puts a unit behind the others whose row for people is out of date; once. */
void fleet_dirty(struct fleet *f, uint32_t unit);
/* The unit that waits longest, FLEET_NONE. */
uint32_t fleet_dirty_first(const struct fleet *f);
void fleet_dirty_take(struct fleet *f);

/* Devices that want to know up to where nothing is missing; each waits at most once. */
void fleet_want_resume(struct fleet *f, struct device *d);
struct device *fleet_take_resume(struct fleet *f);

#endif
