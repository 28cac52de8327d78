/* PURE: the table of fault rules and the one step that applies it: memory, input, time in; transitions out.
 */
#ifndef LIFTD_RULES_H
#define LIFTD_RULES_H

#include "lift.h"

/* Derived codes (the lift's own are 1-8, 40-47, 90-93, 100, 101; see the table). */
enum rule_code {
    CODE_PEOPLE_TRAPPED = 200,
    CODE_STOPPED_OUTSIDE_ZONE = 201,
    CODE_MOVING_DOOR_OPEN = 202,
    CODE_DEVICE_SILENT = 203,
    CODE_MAINS_LOST = 204,
    CODE_BOOT_FELL = 205,   /* boot counter fell while the clock rose: the reading was refused */
    CODE_CLOCK_WRONG = 206, /* device clock ahead of arrival by more than 10 min, or older than retention */
};

#define RULES_TEXT_MAX_BYTES 200
/* Most transitions of one step: time may end one thing per rule before the reading begins the next. */
#define RULES_TRANSITIONS_MAX (2 * LIFT_RULES_MAX)

enum rules_input_kind {
    INPUT_READING,   /* a live reading */
    INPUT_TICK,      /* nothing arrived; time passed */
    INPUT_BOOT_FELL, /* a reading was refused because its boot counter fell */
};

struct rules_input {
    enum rules_input_kind kind;
    const struct reading *reading; /* INPUT_READING only */
    int64_t at_ms;      /* INPUT_READING: credible time of the reading (device time, or arrival when
                           clock_suspect) */
    bool clock_suspect; /* INPUT_READING: the device's time was not believed */
};

enum transition_kind { TRANSITION_RAISE, TRANSITION_CLEAR };

struct transition {
    enum transition_kind kind;
    uint16_t code;
    uint8_t priority;   /* 1 (people) .. 4 (information) */
    uint8_t confidence; /* 0..100 %; 100 for what the lift itself reports */
    int64_t onset_ms;   /* identity of the alarm with lift and code: when the condition began */
    int64_t at_ms;      /* RAISE: onset_ms; CLEAR: when the condition ended */
    char text_zh[RULES_TEXT_MAX_BYTES]; /* one sentence for a dispatcher, UTF-8, NUL-terminated */
    char text_en[RULES_TEXT_MAX_BYTES];
};

struct rules; /* a table in force; immutable after rules_default(), shared by all lifts */

/* Thresholds an operator may set. Zero means: the table's default. */
struct rules_settings {
    int64_t silent_after_ms; /* device silent after this long without a reading; default 300,000 */
    int64_t trapped_hold_ms; /* default 90,000 */
};

/* The built-in table with settings applied. Static storage, nothing to free. */
const struct rules *rules_default(const struct rules_settings *settings);

/* Applies every rule to one lift. `now_ms` is the server's clock. Changes *l, writes at most
 * RULES_TRANSITIONS_MAX transitions in the order in which they happened and returns how many.
 *
 * Durations on live readings are measured in device time (extended by the server's clock since the last
 * arrival); silence, a wrong clock and a fallen boot counter in arrival time. A reading first lets device
 * time pass up to its own with the old values, so a backlog gives the transitions it would have given live. A
 * device clock set back shortens no duration; a server clock set back delays by at most the step.
 *
 * A rule raises when its condition has held for hold_ms; the alarm's onset is when the condition began, and
 * later than the onset before it. It clears when the condition has been known false for quiet_ms; the clear
 * carries the time when it became false. What is not known neither begins nor ends anything. In a service
 * mode that suppresses it a rule does not raise, and a standing alarm clears, except 200: people trapped
 * stand until there is evidence that they are out. */
size_t rules_step(const struct rules *rules, struct lift *l, const struct rules_input *input, int64_t now_ms,
                  struct transition out[RULES_TRANSITIONS_MAX]);

/* The server time at which rules_step with INPUT_TICK could next change something if nothing arrives;
 * LIFT_NEVER when only a reading can. */
int64_t rules_deadline_ms(const struct rules *rules, const struct lift *l);

/* How long a code's condition must hold in general, settings applied; silent_after_ms for CODE_DEVICE_SILENT;
 * 0 for a code that is not in the table. */
int64_t rules_hold_ms(const struct rules *rules, unsigned code);

/* The table as a JSON array of objects with exactly these members: code, version, priority, name_zh, name_en,
 * kind (reported, ends, derived), hold_ms, quiet_ms, suppressed_modes (array of modes), group (at most one of
 * a group stands at a time; null none), why_zh, why_en, source: what liftd loads into alert.rule at start,
 * and the golden file of the tests. Writes at most `bytes` including NUL; returns the length needed without
 * NUL. */
size_t rules_json(const struct rules *rules, char *out, size_t bytes);

/* Number of the rule table's version, raised when a row changes meaning; stored with every alarm. */
unsigned rules_version(const struct rules *rules);

#endif
