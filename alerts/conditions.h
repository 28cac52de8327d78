/* PURE: what a rule's condition says of one lift right now; no history, no timers. */
#ifndef LIFTD_CONDITIONS_H
#define LIFTD_CONDITIONS_H

#include "lift.h"
#include "rules.h"
#include "table.h"

enum tri { TRI_NO, TRI_YES, TRI_UNKNOWN };

enum verdict {
    VERDICT_NO,         /* known to be false */
    VERDICT_YES,        /* known to be true */
    VERDICT_UNKNOWN,    /* not enough is known: nothing begins, nothing ends */
    VERDICT_ENDED,      /* false, and said to be over: no quiet time */
    VERDICT_SUPPRESSED, /* not judged now: nothing begins; what stands clears, unless its row keeps it */
};

/* A lift's current values, sorted for judging. */
struct facts {
    const struct lift *lift;
    int mode;         /* enum service_mode, -1 unknown */
    enum tri stopped; /* motion is "stopped" */
    enum tri in_zone; /* in the door zone */
    enum tri closed;  /* YES: every door whose state is known is closed; NO: some door is known open;
                         UNKNOWN: no door's state is known. An unknown rear door says nothing, so that
                         lifts with one door need no rear contact */
    enum tri occupied;
    enum tri on_battery;
    bool codes_known; /* key 8 was heard at least once */
    uint32_t active;  /* bit i: the code of row i is in the active set */
    bool button;      /* 90 without 101 */
    bool mains_lost;  /* some known evidence of it */
};

/* Whether doors are closed, as in struct facts. */
enum tri conditions_doors_closed(const struct reading *r);

void conditions_gather(struct facts *f, const struct lift *l);

/* Judges one row. server_ms matters to CODE_DEVICE_SILENT only, silent_after_ms is its threshold. */
enum verdict conditions_judge(const struct facts *f, const struct rule_row *row, int64_t server_ms,
                              int64_t silent_after_ms);

/* How long people trapped must hold on the present evidence: `hold_ms` in general, at most 10 s with the
 * button pressed, 0 when the lift itself reports an entrapment. */
int64_t conditions_trapped_hold_ms(const struct facts *f, int64_t hold_ms);

/* How sure the rule is, in %: 100 for what is reported or certain. heard_ago_ms: age of
 * the values it is judged by. */
uint8_t conditions_confidence(const struct facts *f, const struct rule_row *row, int64_t heard_ago_ms);

#endif
