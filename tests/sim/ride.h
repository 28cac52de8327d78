/* PURE: one lift that really rides: calls by time of day, doors, people, load, energy, counters and faults.
 */
#ifndef LIFTSIM_RIDE_H
#define LIFTSIM_RIDE_H

#include "../../ingest/reading.h"
#include "dice.h"

#define RIDE_NEVER INT64_MAX
#define RIDE_CONDITIONS_MAX 8

enum ride_state { RIDE_STANDING, RIDE_OPENING, RIDE_OPEN, RIDE_CLOSING, RIDE_MOVING, RIDE_STUCK };

/* A message code or condition that lasts for a while. */
struct ride_condition {
    int64_t from_ms, until_ms; /* from <= t < until */
    uint16_t code;             /* 0: no code of its own */
    uint8_t mode;              /* service mode while it lasts; MODE_NORMAL: does not matter */
    bool still;                /* no calls are served while it lasts */
    bool on_battery;
};

struct ride_settings {
    int floors;
    bool rear_door;
    double busy;  /* 1: about 120 trips a day; 20: a lift that hardly rests */
    int hour;     /* 0..23 pins the time of day (Asia/Shanghai), -1: the real one */
    int floor_mm; /* from landing to landing */
    int rated_mm_s;
};

/* What outlives a restart of the simulator. */
struct ride_counters {
    int64_t energy_mwh, trips, run_time_ms, door_cycles;
};

struct ride {
    struct ride_settings settings;
    struct dice dice;
    struct ride_counters counters;
    enum ride_state state;
    int64_t next_ms;  /* when the next event is due; always finite */
    int64_t since_ms; /* when the state began */
    int64_t seen_ms;  /* up to when beginnings and ends of conditions have been told */
    int floor;        /* where it stands, or the landing passed last */
    int target;       /* where it goes; equal to floor when it goes nowhere */
    int goal;         /* where the passengers want to go; 0: they have not boarded */
    int persons;
    bool door_ajar; /* fault: the front door does not report closed while it moves */
    int load_kg;
    int vibration_mm_s2;
    double temperature_c;
    int64_t stuck_until_ms;
    int64_t next_call_ms;
    int conditions_count;
    struct ride_condition conditions[RIDE_CONDITIONS_MAX];
};

/* A lift that stands at the lowest landing. */
void ride_init(struct ride *r, const struct ride_settings *settings, struct dice dice, int64_t now_ms);

/* When ride_step has something to do. */
int64_t ride_next_ms(const struct ride *r);

/* Does the one event that is due at ride_next_ms. Returns true when a reading would now differ. */
bool ride_step(struct ride *r);

/* Writes everything a reading says of the lift at this time; not seq, boot, ts, unit and heard. */
void ride_reading(const struct ride *r, int64_t now_ms, struct reading *out);

/* Stops between two floors for a time: with people inside (they press the button after 20 s) or without. */
void ride_stick(struct ride *r, int64_t now_ms, int64_t for_ms, bool people);

/* Moves for a time with its front door not closed. */
void ride_move_open(struct ride *r, int64_t now_ms, int64_t for_ms);

/* Lets a condition begin; the oldest gives way when there are too many. */
void ride_condition(struct ride *r, const struct ride_condition *condition);

/* The condition that a message code means: 42 out of service (mode 0), 43 inspection (mode 2) and so on. */
struct ride_condition ride_condition_of_code(uint16_t code, int64_t from_ms, int64_t until_ms);

#endif
