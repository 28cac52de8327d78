/* PURE: which lift's time is up next: a bounded binary heap of one deadline per lift, moved lazily. */
#ifndef LIFTD_DEADLINES_H
#define LIFTD_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One entry per item number (0 .. capacity-1). Cost: set O(log n) only when a deadline moves EARLIER than the
 * one queued; moving later is O(1) (the queued entry fires early and is put back). So a lift that reports
 * every second costs one heap operation per silence period, not per reading, and a quiet one costs nothing.
 */
struct deadlines {
    int64_t *due_ms;    /* per item: the true deadline, INT64_MAX none */
    uint32_t *heap;     /* item numbers, ordered by queued_ms */
    int64_t *queued_ms; /* per item: the deadline the heap knows */
    uint32_t *place;    /* per item: index in heap + 1; 0 not queued */
    size_t count, capacity;
};

/* Zero items. */
void deadlines_init(struct deadlines *d);
/* Frees what was allocated. */
void deadlines_fini(struct deadlines *d);
/* Makes room for items 0 .. capacity-1; never shrinks. false: out of memory, nothing changed. */
bool deadlines_reserve(struct deadlines *d, size_t capacity);
/* Sets an item's deadline (INT64_MAX: none). item < capacity, asserted. */
void deadlines_set(struct deadlines *d, uint32_t item, int64_t due_ms);
/* The next item whose deadline is <= now_ms, removed from the heap; false when there is none. */
bool deadlines_pop(struct deadlines *d, int64_t now_ms, uint32_t *item);
/* When to look again: the earliest queued deadline (may be early), INT64_MAX when empty. */
int64_t deadlines_next_ms(const struct deadlines *d);

#endif
