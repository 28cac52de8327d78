/* The simulator's ledger: one CSV line for everything it made, for tests to hold against the database. */
#ifndef LIFTSIM_LEDGER_H
#define LIFTSIM_LEDGER_H

#include "../../ingest/reading.h"

/* Opens it for writing; path NULL: no ledger is kept and the calls below do nothing. false: see errno. */
bool ledger_open(const char *path);

/* One reading that a device made. kind: "reading"; "boot_fell" (made while the boot counter had fallen: liftd
 * must refuse it); "dropped" (never sent: made offline by a device without a store). Columns: device, unit,
 * boot, seq, ts, sha (first 16 hex digits of the SHA-256 of wire_text), codes ('+' between them), mode, kind.
 */
void ledger_reading(const char *device, const struct reading *reading, const char *kind);

/* Bytes that are no reading ("garbage"), published at ts_ms; sha is of the bytes. */
void ledger_garbage(const char *device, int64_t ts_ms, const void *bytes, size_t count);

/* Writes out what is buffered. */
void ledger_flush(void);
/* false when something could not be written. */
bool ledger_close(void);

#endif
