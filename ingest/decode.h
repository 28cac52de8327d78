/* PURE: topic and msgpack bytes in, readings and markers out, or a named refusal. No allocation, no clock. */
#ifndef LIFTD_DECODE_H
#define LIFTD_DECODE_H

#include "reading.h"

/* Largest payload of one message, bytes: 512 readings of about 250 bytes. The broker takes packets of up
 * to 1 MiB, so what is larger than this is seen, refused and kept. */
#define DECODE_PAYLOAD_MAX_BYTES (128 * 1024)
/* Deepest nesting accepted in values that are skipped (unknown keys). */
#define DECODE_DEPTH_MAX 8
/* Longest topic level, characters, without the closing NUL. */
#define TOPIC_NAME_MAX 40

enum decode_status {
    DECODE_OK = 0,
    DECODE_TOPIC,       /* not a topic of the wire contract */
    DECODE_OVERSIZED,   /* payload longer than DECODE_PAYLOAD_MAX_BYTES */
    DECODE_EMPTY,       /* no bytes, or an array of no readings */
    DECODE_TRUNCATED,   /* the bytes end inside a value, or a header promises more than the bytes can hold */
    DECODE_MALFORMED,   /* a byte that msgpack never uses */
    DECODE_TRAILING,    /* bytes after the value */
    DECODE_TOO_DEEP,    /* nested deeper than DECODE_DEPTH_MAX */
    DECODE_SHAPE,       /* neither a map nor an array of maps */
    DECODE_TOO_MANY,    /* more than READING_PER_MESSAGE_MAX readings */
    DECODE_MISSING_KEY, /* seq, boot or ts absent (a marker needs only seq and held) */
    DECODE_DUPLICATE_KEY, /* a known key twice in one map */
    DECODE_WRONG_TYPE,    /* a known key with a value of another type */
    DECODE_IMPOSSIBLE,    /* a known key with a value outside its range */
};

/* Where in the message a refusal arose: index of the record (0 for a bare map) and the key, -1 if none. */
struct decode_where {
    int record;
    int key;
};

enum topic_kind { TOPIC_UP, TOPIC_PRESENCE };

struct topic {
    enum topic_kind kind;
    char area[TOPIC_NAME_MAX + 1];
    char device[TOPIC_NAME_MAX + 1];
};

/* One decoded message; about 120 KB, so keep one and reuse it. */
struct decoded {
    size_t readings_count;
    size_t markers_count;
    struct reading readings[READING_PER_MESSAGE_MAX];
    struct marker markers[256]; /* one per unit at most: a second one for the same unit replaces the first */
    struct decode_where where;  /* set when the status is not DECODE_OK */
};

/* Reads `lift/v1/{area}/{device}/up|presence`; both names [A-Za-z0-9_-]{1,40}. DECODE_OK or DECODE_TOPIC. */
enum decode_status decode_topic(const char *topic, struct topic *out);

/* Decodes the payload of an `up` message. All or nothing: on any status but DECODE_OK the counts are 0.
 * Numbers may come in any integer encoding that holds them; a key that is no integer from 0 to 18 is skipped
 * with its value. Bits of flags that this version does not know are cleared. A marker's other keys are
 * checked like a reading's and then dropped. About 3 KB of stack. */
enum decode_status decode_up(const void *payload, size_t bytes, struct decoded *out);

/* Decodes a presence payload: exactly one msgpack boolean. An empty payload (a cleared retained message)
 * is DECODE_EMPTY; another value is DECODE_WRONG_TYPE, and bytes after it DECODE_TRAILING. */
enum decode_status decode_presence(const void *payload, size_t bytes, bool *online);

/* The stable name of a status, as kept in telemetry.refusal.reason: "truncated", "wrong_type", ... */
const char *decode_reason(enum decode_status status);

#endif
