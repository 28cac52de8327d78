/* PURE: rows in PostgreSQL's binary COPY format, in growing memory with a bound.
 * Format: https://www.postgresql.org/docs/15/sql-copy.html, "Binary Format"; instants are microseconds since
 * 2000-01-01 UTC (src/include/datatype/timestamp.h). */
#ifndef LIFTD_COPY_H
#define LIFTD_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The 19 bytes before the first row and the 2 after the last. */
#define COPY_HEADER_BYTES 19
extern const uint8_t COPY_HEADER[COPY_HEADER_BYTES];
#define COPY_TRAILER_BYTES 2
extern const uint8_t COPY_TRAILER[COPY_TRAILER_BYTES];

/* Rows for one table. Zero-initialise; copy_fini frees. */
struct copy {
    uint8_t *bytes;
    size_t used, capacity;
    uint32_t *starts;  /* offset of each row in bytes */
    uint32_t *origins; /* which message of the batch each row came from; COPY_NO_ORIGIN */
    size_t rows, rows_capacity;
    bool failed; /* out of memory: rows are missing, the owner must not use them */
};

#define COPY_NO_ORIGIN UINT32_MAX

void copy_fini(struct copy *c);
/* Forgets the rows, keeps the memory. */
void copy_clear(struct copy *c);
/* Begins a row of `columns` fields; exactly that many field calls must follow. */
void copy_row(struct copy *c, int16_t columns, uint32_t origin);
void copy_null(struct copy *c);
void copy_bool(struct copy *c, bool value);
void copy_int16(struct copy *c, int16_t value);
void copy_int32(struct copy *c, int32_t value);
void copy_int64(struct copy *c, int64_t value);
/* Milliseconds since 1970 UTC into timestamptz. */
void copy_instant(struct copy *c, int64_t ms);
void copy_bytes(struct copy *c, const void *bytes, size_t count);
void copy_text(struct copy *c, const char *text);
/* int4[] of the given values. */
void copy_int32_array(struct copy *c, const uint16_t *values, size_t count);
/* Bytes of row i and how many; for bisecting a batch. */
const uint8_t *copy_row_bytes(const struct copy *c, size_t row, size_t *count);
/* Removes the rows whose flag is set; flags has c->rows entries. */
void copy_remove(struct copy *c, const bool *flags);

#endif
