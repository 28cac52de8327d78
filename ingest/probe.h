/* PURE: finds, by bisection, the rows of a batch that a database refuses, and moves them to the refusals. */
#ifndef LIFTD_PROBE_H
#define LIFTD_PROBE_H

#include "batch.h"

/* Ranges waiting: one per table, and one more per halving of a table of up to 2^32 rows. */
#define PROBE_RANGES_MAX (BATCH_TABLES + 33)
#define PROBE_DETAIL_MAX_BYTES 240

struct probe_range {
    int table; /* enum batch_table */
    size_t first, count;
};

struct probe_bad {
    int table;
    size_t row;
    char detail[PROBE_DETAIL_MAX_BYTES]; /* "SQLSTATE 23514: ..." */
};

/* Zero-initialise; probe_fini frees. */
struct probe {
    struct probe_range waiting[PROBE_RANGES_MAX];
    size_t waiting_count;
    struct probe_bad *bad;
    size_t bad_count, bad_capacity;
    unsigned rounds; /* batches that were refused again after rows were moved out */
};

/* Most times the same batch is bisected before it is treated as an outage: a database that takes every row by
 * itself but not all together is not mended by looking again. */
#define PROBE_ROUNDS_MAX 3

/* Starts with every table that has rows. false: PROBE_ROUNDS_MAX reached for this run of failures. */
bool probe_begin(struct probe *p, const struct batch *b);
/* The range to try now; NULL: every row is judged. */
const struct probe_range *probe_next(const struct probe *p);
/* The encoded rows of that range. */
const void *probe_bytes(const struct probe *p, const struct batch *b, size_t *count);
/* What the database said of that range: sqlstate "" took it; otherwise it is halved, or its one row is bad.
 * false: out of memory. */
bool probe_said(struct probe *p, const char *sqlstate, const char *message);
/* Removes the bad rows and adds a refusal for each (whole message, reason "database"). Returns how many. */
size_t probe_apply(struct probe *p, struct batch *b);
void probe_fini(struct probe *p);

#endif
