/* What liftd asks the database between batches: who is behind which device, up to where a device's readings
 * are complete, and which kept messages to feed through again. */
#ifndef LIFTD_QUESTIONS_H
#define LIFTD_QUESTIONS_H

#include "../ingest/publisher.h"
#include "intake.h"
#include "store.h"

/* Resume questions under way at once: the others wait with their devices, so that a broker full of retained
 * presences is answered at the pace of the database. */
#define QUESTIONS_RESUME_AT_ONCE 16
/* What the car is told to expect, minutes: people are to be out within 30. */
#define QUESTIONS_HELP_MINUTES 30
/* Kept messages fetched at once. */
#define QUESTIONS_RELANDING_MAX "500"

struct questions;

struct resume_slot {
    struct questions *questions;
    bool busy;
    char device[TOPIC_NAME_MAX + 1];
};

struct questions {
    struct store *store;
    struct intake *intake;
    struct publisher *publisher; /* NULL until opened */
    uint64_t number; /* of the last `down` message; seeded with the clock, so it rises over restarts */
    struct resume_slot slots[QUESTIONS_RESUME_AT_ONCE];
    bool routing_asked, routing_again;
    bool relanding_asked, relanding_again;
    uint64_t relanding_serial; /* the batch that carries the outcomes of what was fetched; 0 none */
    /* Messages were put into the batch, or the routing changed: a good moment to commit. */
    void (*changed)(void *ctx);
    void *ctx;
};

void questions_init(struct questions *a, int64_t now_ms);
/* Asks for the routing anew; calls in between are folded into one more. */
void questions_routing(struct questions *a);
/* Takes a routing result, (area, device, unit, lift_id, epoch); false: out of memory. */
bool questions_take_routing(struct questions *a, const PGresult *rows);
/* Takes the states at start, (lift_id, epoch, boot, seq, state). */
void questions_take_states(struct questions *a, const PGresult *rows);
/* Asks for kept messages to feed through, until there are none. */
void questions_relanding(struct questions *a);
/* From the landing: the batch with this serial is in. */
void questions_landed(struct questions *a, uint64_t serial);
/* Sends what resume answers can be sent now. */
void questions_resume(struct questions *a);

/* Tells the car of a lift that help is coming: a passenger's alarm was acknowledged. false: not sent, because
 * the lift has no device or the broker is away. */
bool questions_help(struct questions *a, int64_t lift_id);

#endif
