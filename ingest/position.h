/* PURE: where a unit stands in its sequence: what is live, what is late, what opens a gap, what is refused.
 */
#ifndef LIFTD_POSITION_H
#define LIFTD_POSITION_H

#include "reading.h"

/* The track of one unit under one terminal (epoch): the newest position seen, and the clock that came with
 * it. Gaps are not kept here: a reading at or before `last` is decided by telemetry.land() in the transaction
 * that lands it, against telemetry.gap, where any number of gaps costs the process nothing. */
struct track {
    struct position last;
    int64_t last_ts_ms;   /* device clock of the last live reading */
    bool last_ts_trusted; /* that clock was credible, and `last` is that reading: a marker has not moved it */
    bool known;           /* false: nothing seen yet in this epoch */
    bool boots_told; /* a marker came since the last live reading: it said what there is of earlier boots, so
                        the next boot's first reading opens no gap across them */
};

/* A run of positions never seen, both ends inclusive. to.seq may be 0: nothing of that boot. */
struct gap {
    struct position from, to;
};

enum arrival {
    ARRIVAL_LIVE,      /* later than anything seen: the track moved */
    ARRIVAL_LATE,      /* at or before the last one: fills a gap or is a duplicate, the database decides */
    ARRIVAL_BOOT_FELL, /* an older boot with a newer clock: the device's boot counter was reset; refuse it */
};

/* Decides on one reading and, when it is live, moves the track. *opened is set (and *has_gap true) when
 * positions were jumped over; a track that knows nothing opens with everything before the first reading, so
 * that a device's older readings can still land. A higher boot opens a gap from the end of the earlier one:
 * how far that went is unknown until the device's marker says so, unless it just did.
 *
 * A boot that falls is refused only when both clocks are credible; with an incredible clock the reading
 * counts as late, and 'device silent' tells if nothing live follows. */
enum arrival position_arrive(struct track *track, struct position at, int64_t ts_ms, bool ts_trusted,
                             struct gap *opened, bool *has_gap);

/* A resume marker: what the device holds beyond the track becomes a gap and the track moves to its end, so
 * that the backlog counts as late and never rings as live. true: *opened is set. */
bool position_mark(struct track *track, const struct marker *marker, struct gap *opened);

#endif
