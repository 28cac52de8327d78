/* PURE: what one row of the table of fault rules says; the rows themselves are table.c. */
#ifndef LIFTD_TABLE_H
#define LIFTD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rule_kind {
    RULE_REPORTED, /* condition: the code is in the active set (key 8); unknown while no set was ever heard */
    RULE_ENDS,     /* never raises: while it is in the active set it ends others (40: 41..47; 101: 90) */
    RULE_DERIVED,  /* condition computed in conditions.c */
};

/* Which clock measures the rule's hold and quiet times. */
enum rule_clock {
    CLOCK_LIFT,   /* the device's, extended by the server's since the last arrival */
    CLOCK_SERVER, /* arrival time: for rules about the device itself, whose clock proves nothing */
};

/* Rows of one group tell of one thing: while one of them stands, the others don't begin. */
enum rule_group { GROUP_NONE, GROUP_OUTSIDE_ZONE, GROUP_MAINS };

struct rule_row {
    uint16_t code;
    uint8_t kind; /* enum rule_kind */
    uint8_t
        priority;  /* 1 people in danger, 2 lift stopped or people may be concerned, 3 service, 4 to know */
    uint8_t clock; /* enum rule_clock */
    uint8_t group; /* enum rule_group */
    uint8_t suppressed; /* bit m set: suppressed in service mode m */
    bool keeps;         /* suppression doesn't end a standing alarm */
    uint32_t hold_ms, quiet_ms;
    const char *name_zh, *name_en;
    const char *why_zh, *why_en; /* one sentence: why this priority, these times, these modes */
    const char *source;
};

/* Ascending by code. */
extern const struct rule_row rules_table[];
extern const size_t rules_table_count;

/* Raised when a row changes meaning. */
#define RULES_TABLE_VERSION 1

/* Index of a code's row, -1 when there is none. */
int rules_table_find(unsigned code);

#endif
