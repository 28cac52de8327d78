/* Faults at times: read from a script, or drawn at random. */
#ifndef LIFTSIM_SCRIPT_H
#define LIFTSIM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dice.h"

enum fault_kind {
    FAULT_TRAP,
    FAULT_STOP_OUTSIDE_ZONE,
    FAULT_DOOR_OPEN_MOVING,
    FAULT_CODE, /* value: the code */
    FAULT_MODE, /* value: the mode */
    FAULT_SILENT,
    FAULT_OFFLINE,
    FAULT_CLOCK, /* value: offset, ms; for_ms 0: for good */
    FAULT_REBOOT,
    FAULT_BOOT_FALL,
    FAULT_GARBAGE,
    FAULT_DUPLICATE,
};

struct fault {
    int64_t at_ms; /* since the start */
    int lift;      /* from 1; 0: every lift */
    enum fault_kind kind;
    int64_t value;
    int64_t for_ms;
};

struct script {
    struct fault *faults; /* ascending by time */
    size_t count, next;
};

/* Reads a file; prints what is wrong as file:line and returns false. path NULL: an empty script. */
bool script_read(struct script *s, const char *path);
void script_free(struct script *s);

/* The next fault due at this time since the start, NULL when there is none. */
const struct fault *script_due(struct script *s, int64_t elapsed_ms);

/* A random fault, of those a real lift has, of plausible length. */
struct fault script_random(struct dice *dice);

#endif
