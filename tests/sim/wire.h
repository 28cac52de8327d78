/* The wire contract, version 1, from the device's side: readings and markers out, `down` messages in. */
#ifndef LIFTSIM_WIRE_H
#define LIFTSIM_WIRE_H

#include <msgpack/sbuffer.h>

#include "../../ingest/reading.h"

/* A message of liftd to a device. type 1: a dispatcher has acknowledged; type 2: up to here nothing is
 * missing. */
struct down {
    int type;
    struct position at;
    int unit;
    int64_t number;
    int minutes;
};

/* Packs one reading as a map of what is present. */
void wire_reading(msgpack_sbuffer *out, const struct reading *reading);

/* Packs readings as an array, or as a bare map when there is one. */
void wire_readings(msgpack_sbuffer *out, const struct reading *readings, size_t count);

/* Packs a resume marker: what a unit still holds. */
void wire_marker(msgpack_sbuffer *out, int unit, const struct held *held, size_t count);

/* Packs a presence. */
void wire_presence(msgpack_sbuffer *out, bool online);

/* Reads a `down` message; false when it is none. */
bool wire_down(const void *payload, size_t bytes, struct down *out);

/* The fields of a reading as one line of text, key by key, '|' between them, '' for what is absent; codes as
 * {1,2}. It is what the ledger hashes, and a test can write the same line from a row of the database. Returns
 * the length; out holds 400 bytes. */
int wire_text(const struct reading *reading, char out[400]);

#endif
