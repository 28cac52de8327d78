/* When the window is full because the database is away: a second reading of the same topics, on copies of the
 * lifts' state, so that a trapped person still reaches open consoles. Nothing of it is ever committed; no
 * I/O. */
#ifndef LIFTD_OVERFLOW_H
#define LIFTD_OVERFLOW_H

#include "intake.h"

/* Highest priority only: what concerns people. */
#define OVERFLOW_PRIORITY 1

struct overflow_copy {
    uint32_t unit; /* number in the fleet */
    struct track track;
    struct lift lift;
    UT_hash_handle hh;
};

struct overflow {
    struct intake *intake; /* fleet, rules, clocks, scratch of the decoder; never its batch */
    struct overflow_copy *copies;
    /* A raise of OVERFLOW_PRIORITY. */
    void (*raised)(void *ctx, int64_t lift_id, const struct transition *t);
    void *ctx;
};

/* Feeds one message; what can't be decoded, is late or comes from nobody known is passed over: the persistent
 * subscription will bring it again. */
void overflow_message(struct overflow *o, const char *topic, const void *payload, size_t bytes,
                      int64_t now_ms);
/* Lets time pass for the copies (at most once a second; they are few: lifts heard since the window filled).
 */
void overflow_tick(struct overflow *o, int64_t now_ms);
/* Forgets every copy. */
void overflow_clear(struct overflow *o);

#endif
