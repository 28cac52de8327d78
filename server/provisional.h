/* Alarms of the highest priority that aren't recorded yet: told to open consoles as 'not yet recorded' while
 * the database is away or slow; no I/O. */
#ifndef LIFTD_PROVISIONAL_H
#define LIFTD_PROVISIONAL_H

#include "../alerts/rules.h"

/* Alarms remembered while unrecorded; beyond that the oldest is forgotten here (it is in the batch all the
 * same). People trapped at once in more lifts than this would be an earthquake. */
#define PROVISIONAL_MAX 512

struct provisional_alarm {
    int64_t lift_id, onset_ms;
    uint16_t code;
    uint64_t serial; /* of the batch that records it; UINT64_MAX: seen past the window only */
    bool told;
    char *json;
};

struct provisional {
    struct provisional_alarm alarms[PROVISIONAL_MAX];
    size_t count;
    void (*publish)(void *ctx, int64_t lift_id, const char *json);
    void *ctx;
};

void provisional_init(struct provisional *v, void (*publish)(void *ctx, int64_t lift_id, const char *json),
                      void *ctx);
/* Frees what is remembered. */
void provisional_fini(struct provisional *v);
/* A raise entered the batch `serial`. Told at once unless the database is up; an alarm (lift, code, onset) is
 * told once. */
void provisional_raised(struct provisional *v, int64_t lift_id, const struct transition *t, uint64_t serial,
                        bool database_up);
/* Tells what was not told yet: the database went away, or is slow. */
void provisional_publish(struct provisional *v);
/* The batch landed: what it recorded is no longer provisional. */
void provisional_landed(struct provisional *v, uint64_t serial);

#endif
