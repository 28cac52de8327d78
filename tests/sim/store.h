/* A device's own store of one unit's readings: a bounded ring that overwrites the oldest, in memory or a
 * file. */
#ifndef LIFTSIM_STORE_H
#define LIFTSIM_STORE_H

#include "../../ingest/reading.h"
#include "ride.h"

/* What is kept beside the ring, at the start of the file. */
struct store_header {
    char magic[8];
    uint64_t record_bytes, capacity;
    uint64_t appended; /* readings ever appended; the ring holds the last `capacity` of them */
    uint32_t boot;     /* the device's boot counter when it last wrote */
    uint32_t unused;
    struct ride_counters counters;
};

/* Readings are named by their index 0, 1, 2 .. since the store was made; the ring holds oldest .. end-1, in
 * ascending order of position. */
struct store {
    struct store_header *header;
    struct reading *ring;
    size_t bytes;
};

/* path NULL: in memory, gone with the process. A file of another shape or capacity is begun anew. Pages are
 * touched only when used. capacity 0: a device without a store; it holds nothing, ever. false: see errno. */
bool store_open(struct store *s, const char *path, uint64_t capacity);
void store_close(struct store *s);

void store_append(struct store *s, const struct reading *reading);
uint64_t store_oldest(const struct store *s);
uint64_t store_end(const struct store *s);
/* oldest <= index < end */
const struct reading *store_at(const struct store *s, uint64_t index);
/* The first index whose position is after this one; store_end when there is none. */
uint64_t store_after(const struct store *s, struct position position);
/* What it holds, one entry per boot, ascending; the newest READING_HELD_MAX boots. Returns how many. */
size_t store_held(const struct store *s, struct held out[READING_HELD_MAX]);

#endif
