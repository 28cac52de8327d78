/* PURE: one bounded batch: everything that will land in one transaction, already encoded for COPY. */
#ifndef LIFTD_BATCH_H
#define LIFTD_BATCH_H

#include "copy.h"
#include "position.h"
#include "reading.h"

/* Most bytes of encoded rows and kept raw messages in one batch. With the two batches there can be (one in
 * flight, one filling) this bounds what the process holds while the database is away. */
#define BATCH_BYTES_MAX (96u << 20)

/* The tables of a batch, in the order in which the store copies them (see telemetry.begin_session). */
enum batch_table {
    BATCH_READING,
    BATCH_STATE,
    BATCH_GAP,
    BATCH_MARKER,
    BATCH_LATE,
    BATCH_REFUSAL,
    BATCH_RELANDED,
    BATCH_ALARM,
    BATCH_PRESENCE,
    BATCH_NOW,
    BATCH_TABLES
};

/* Whose reading it is. */
struct batch_unit {
    int64_t lift_id;
    const char *device;
    int32_t epoch;
};

/* How a reading's time was judged. */
struct batch_time {
    int64_t received_ms;
    int64_t filed_ms; /* device time when credible, else received_ms */
    bool suspect;
};

#define BATCH_NO_INSTANT INT64_MAX

/* One raise or clear of an alarm; (lift_id, code, onset_ms) is the alarm. */
struct batch_alarm {
    int64_t lift_id;
    int64_t onset_ms;
    int64_t at_ms;
    bool clears;
    uint16_t code;
    uint8_t priority;
    uint8_t confidence; /* percent */
    int32_t rules_version;
    const char *text_zh;
    const char *text_en;
};

/* One message as it came, kept until COMMIT so that a row the database refuses can be kept whole. */
struct batch_message {
    uint32_t topic; /* offset in raw, NUL-terminated */
    uint32_t payload;
    uint32_t payload_bytes;
    int64_t received_ms;
};

struct batch {
    struct copy tables[BATCH_TABLES];
    struct batch_message *messages;
    size_t messages_count, messages_capacity;
    uint8_t *raw;
    size_t raw_used, raw_capacity;
    bool failed; /* out of memory: nothing of it may be acknowledged; the process ends */
};

/* An empty batch on the caller's memory. */
void batch_init(struct batch *b);
void batch_fini(struct batch *b);
/* Forgets everything, keeps memory up to a bound so that one flood doesn't stay resident for ever. */
void batch_clear(struct batch *b);

bool batch_is_empty(const struct batch *b);
/* True when no further message should be put in: bytes at BATCH_BYTES_MAX. */
bool batch_is_full(const struct batch *b);
/* True when memory ran out. */
bool batch_has_failed(const struct batch *b);

/* Remembers the message the next rows come from; returns its number, the origin of rows. */
uint32_t batch_message(struct batch *b, const char *topic, const void *payload, size_t bytes,
                       int64_t received_ms);

/* Rows of telemetry.reading: a live one, and one that the database decides on. */
void batch_reading(struct batch *b, uint32_t origin, const struct batch_unit *unit, const struct reading *r,
                   const struct batch_time *time);
void batch_late(struct batch *b, uint32_t origin, const struct batch_unit *unit, const struct reading *r,
                const struct batch_time *time);
/* The merged values of a lift for people to read. */
void batch_now(struct batch *b, const struct batch_unit *unit, const struct reading *r,
               const struct batch_time *time, bool silent);
/* What a restart continues from. */
void batch_state(struct batch *b, int16_t generation, const struct batch_unit *unit, struct position last,
                 int64_t number, const uint8_t *state, size_t bytes);
/* Instants of the readings on both sides; BATCH_NO_INSTANT: unknown. */
void batch_gap(struct batch *b, const struct batch_unit *unit, const struct gap *gap, int64_t from_ts_ms,
               int64_t to_ts_ms);
void batch_marker(struct batch *b, const struct batch_unit *unit, const struct marker *marker);
void batch_alarm(struct batch *b, const struct batch_alarm *alarm);
/* area, device, detail may be NULL. */
void batch_refusal(struct batch *b, const char *topic, const void *payload, size_t bytes, const char *reason,
                   const char *detail, const char *area, const char *device, int64_t received_ms);
/* A kept refusal was fed through again; outcome "landed" or the reason it was refused once more. */
void batch_relanded(struct batch *b, int64_t refusal_id, const char *outcome);
void batch_presence(struct batch *b, const char *area, const char *device, bool online, int64_t at_ms);

#endif
