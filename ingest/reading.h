/* The shared vocabulary of the house: one decoded telemetry record of one lift, units in the names. */
#ifndef LIFTD_READING_H
#define LIFTD_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Most readings one message may carry (wire contract, version 1: gateways and devices catching up). */
#define READING_PER_MESSAGE_MAX 512
/* Most message codes active at once in one reading; a lift has some thirty defined codes. */
#define READING_CODES_MAX 32
/* Most boots one resume marker may list: a device that restarted more often since it was last complete
 * says so for its newest ones. */
#define READING_HELD_MAX 64

/* Keys of the wire's map; also the bit numbers of reading.present. */
enum reading_key {
    KEY_SEQ = 0,
    KEY_BOOT = 1,
    KEY_TS = 2,
    KEY_UNIT = 3,
    KEY_MODE = 4,
    KEY_MOTION = 5,
    KEY_FLOOR = 6,
    KEY_FLAGS = 7,
    KEY_CODES = 8,
    KEY_ENERGY = 9,
    KEY_TRIPS = 10,
    KEY_RUN_TIME = 11,
    KEY_DOOR_CYCLES = 12,
    KEY_LOAD = 13,
    KEY_SPEED = 14,
    KEY_VIBRATION = 15,
    KEY_TEMPERATURE = 16,
    KEY_HEARD = 17,
    KEY_HELD = 18,
};

/* Service mode (key 4), GB/T 24476 values as found in public implementations. */
enum service_mode {
    MODE_STOP = 0,
    MODE_NORMAL = 1,
    MODE_INSPECTION = 2,
    MODE_FIRE_RECALL = 3,
    MODE_FIREFIGHTER = 4,
    MODE_EMERGENCY_POWER = 5,
    MODE_EARTHQUAKE = 6,
    MODE_UNKNOWN = 7,
};

enum motion { MOTION_STOPPED = 0, MOTION_UP = 1, MOTION_DOWN = 2 };

/* Bits of key 7. Bit n + FLAG_KNOWN_SHIFT set means that bit n is known. */
#define FLAG_IN_DOOR_ZONE 0x01u
#define FLAG_FRONT_DOOR_CLOSED 0x02u
#define FLAG_REAR_DOOR_CLOSED 0x04u
#define FLAG_CAR_OCCUPIED 0x08u
#define FLAG_ON_BATTERY 0x10u
#define FLAG_KNOWN_SHIFT 8

/* Where a reading stands in its unit's sequence; ordered by boot, then seq. {0,0} is before everything. */
struct position {
    uint32_t boot;
    uint64_t seq;
};

/* One decoded record. A field whose bit is not set in `present` is unknown, never zero: don't read it. */
struct reading {
    uint32_t present;   /* bit k set: key k was there */
    uint8_t unit;       /* which lift behind this device; 0 where key 3 is absent */
    struct position at; /* key 1 and key 0; seq from 1 */
    int64_t ts_ms;      /* device clock, ms since 1970-01-01 UTC, 0 .. 253402300799999 (end of year 9999) */
    uint8_t mode;       /* enum service_mode */
    uint8_t motion;     /* enum motion */
    int16_t floor;      /* landing index, lowest landing is 1; negative below */
    uint16_t flags;     /* FLAG_*, low byte values, high byte what is known */
    uint8_t codes_count;
    uint16_t codes[READING_CODES_MAX]; /* active now, ascending, each once */
    int64_t energy_wh;                 /* metered since installation */
    int64_t trips;                     /* starts since installation */
    int64_t run_time_s;                /* running time since installation */
    int64_t door_cycles;               /* door openings since installation */
    int32_t load_kg;
    int32_t speed_mm_s;         /* up positive */
    int32_t vibration_mm_s2;    /* peak-to-peak of the last trip */
    int32_t temperature_deci_c; /* 0.1 degree Celsius, machine room or controller */
    int64_t heard;              /* number of the last `down` message the device received */
};

/* One boot a device still holds readings of. */
struct held {
    uint32_t boot;
    uint64_t oldest_seq; /* from 1 */
    uint64_t last_seq;   /* >= oldest_seq */
};

/* A resume marker (seq 0 with key 18): what one unit still holds, entries ascending by boot. */
struct marker {
    uint8_t unit;
    uint8_t count;
    struct held held[READING_HELD_MAX];
};

static inline bool reading_has(const struct reading *r, enum reading_key key) {
    return (r->present >> key) & 1u;
}

/* True when bit `flag` of key 7 is known in this reading; *value then holds it. */
static inline bool reading_flag(const struct reading *r, uint16_t flag, bool *value) {
    if (!reading_has(r, KEY_FLAGS) || !(r->flags & (flag << FLAG_KNOWN_SHIFT)))
        return false;
    *value = (r->flags & flag) != 0;
    return true;
}

/* <0, 0, >0 as a stands before, at, after b. */
static inline int position_compare(struct position a, struct position b) {
    if (a.boot != b.boot)
        return a.boot < b.boot ? -1 : 1;
    return a.seq < b.seq ? -1 : a.seq > b.seq;
}

#endif
