/* PURE: where a unit stands in its sequence: what is live, what is late, what opens a gap, what is refused.
 */
#include "position.h"

static struct position after(struct position p) {
    return (struct position){p.boot, p.seq + 1};
}

static struct position before(struct position p) {
    return (struct position){p.boot, p.seq - 1};
}

/* What lies between the track and `next`, exclusive; false: nothing. */
static bool between(const struct track *track, struct position next, struct gap *gap) {
    if (track->boots_told && (!track->known || next.boot > track->last.boot))
        gap->from = (struct position){next.boot, 1};
    else
        gap->from = track->known ? after(track->last) : (struct position){0, 1};
    gap->to = before(next);
    return position_compare(gap->from, gap->to) <= 0;
}

enum arrival position_arrive(struct track *track, struct position at, int64_t ts_ms, bool ts_trusted,
                             struct gap *opened, bool *has_gap) {
    *has_gap = false;
    if (track->known && position_compare(at, track->last) <= 0) {
        bool clock_rose = ts_trusted && track->last_ts_trusted && ts_ms > track->last_ts_ms;
        return at.boot < track->last.boot && clock_rose ? ARRIVAL_BOOT_FELL : ARRIVAL_LATE;
    }
    *has_gap = between(track, at, opened);
    track->boots_told = false;
    track->known = true;
    track->last = at;
    track->last_ts_ms = ts_ms;
    track->last_ts_trusted = ts_trusted;
    return ARRIVAL_LIVE;
}

bool position_mark(struct track *track, const struct marker *marker, struct gap *opened) {
    bool has = false;
    track->boots_told = false; /* what an earlier marker said is of no use for this one's boots */
    if (marker->count) {
        const struct held *newest = &marker->held[marker->count - 1];
        struct position end = {newest->boot, newest->last_seq};
        if (!track->known || position_compare(end, track->last) > 0) {
            has = between(track, after(end), opened);
            track->known = true;
            track->last = end;
            /* The clock of that reading isn't known: one of the backlog's earlier boots may well be later
             * than the last live one, and no boot has fallen. */
            track->last_ts_trusted = false;
        }
    }
    track->boots_told = true;
    return has;
}
