/* PURE: which lift's time is up next: a bounded binary heap of one deadline per lift, moved lazily. */
#include "deadlines.h"

#include "../ingest/require.h"

#include <string.h>

void deadlines_init(struct deadlines *d) {
    memset(d, 0, sizeof *d);
}

void deadlines_fini(struct deadlines *d) {
    free(d->due_ms);
    free(d->heap);
    free(d->queued_ms);
    free(d->place);
    deadlines_init(d);
}

/* Grows one array; what succeeded before a later failure is only room that isn't used yet. */
static bool grow(void **array, size_t capacity, size_t item_bytes) {
    if (capacity > SIZE_MAX / item_bytes)
        return false;
    void *grown = realloc(*array, capacity * item_bytes);
    if (!grown)
        return false;
    *array = grown;
    return true;
}

bool deadlines_reserve(struct deadlines *d, size_t capacity) {
    if (capacity <= d->capacity)
        return true;
    if (capacity > UINT32_MAX - 1)
        return false;
    void *due = d->due_ms, *heap = d->heap, *queued = d->queued_ms, *place = d->place;
    bool grown = grow(&due, capacity, sizeof *d->due_ms) && grow(&heap, capacity, sizeof *d->heap) &&
                 grow(&queued, capacity, sizeof *d->queued_ms) && grow(&place, capacity, sizeof *d->place);
    d->due_ms = due;
    d->heap = heap;
    d->queued_ms = queued;
    d->place = place;
    if (!grown)
        return false;
    for (size_t i = d->capacity; i < capacity; i++) {
        d->due_ms[i] = d->queued_ms[i] = INT64_MAX;
        d->place[i] = 0;
    }
    d->capacity = capacity;
    return true;
}

static void put(struct deadlines *d, size_t index, uint32_t item) {
    d->heap[index] = item;
    d->place[item] = (uint32_t)index + 1;
}

static void sift_up(struct deadlines *d, size_t index, uint32_t item) {
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (d->queued_ms[d->heap[parent]] <= d->queued_ms[item])
            break;
        put(d, index, d->heap[parent]);
        index = parent;
    }
    put(d, index, item);
}

static void sift_down(struct deadlines *d, size_t index, uint32_t item) {
    for (size_t child = 2 * index + 1; child < d->count; child = 2 * index + 1) {
        if (child + 1 < d->count && d->queued_ms[d->heap[child + 1]] < d->queued_ms[d->heap[child]])
            child++;
        if (d->queued_ms[item] <= d->queued_ms[d->heap[child]])
            break;
        put(d, index, d->heap[child]);
        index = child;
    }
    put(d, index, item);
}

void deadlines_set(struct deadlines *d, uint32_t item, int64_t due_ms) {
    REQUIRE(item < d->capacity);
    d->due_ms[item] = due_ms;
    if (due_ms == INT64_MAX)
        return;
    if (d->place[item] == 0) {
        d->queued_ms[item] = due_ms;
        sift_up(d, d->count++, item);
    } else if (due_ms < d->queued_ms[item]) {
        d->queued_ms[item] = due_ms;
        sift_up(d, d->place[item] - 1, item);
    }
}

static void remove_first(struct deadlines *d) {
    d->place[d->heap[0]] = 0;
    d->count--;
    if (d->count > 0)
        sift_down(d, 0, d->heap[d->count]);
}

bool deadlines_pop(struct deadlines *d, int64_t now_ms, uint32_t *item) {
    while (d->count > 0 && d->queued_ms[d->heap[0]] <= now_ms) {
        uint32_t first = d->heap[0];
        if (d->due_ms[first] <= now_ms) {
            remove_first(d);
            d->due_ms[first] = INT64_MAX;
            *item = first;
            return true;
        }
        if (d->due_ms[first] == INT64_MAX) {
            remove_first(d);
        } else { /* moved later since: put back where it belongs */
            d->queued_ms[first] = d->due_ms[first];
            sift_down(d, 0, first);
        }
    }
    return false;
}

int64_t deadlines_next_ms(const struct deadlines *d) {
    return d->count > 0 ? d->queued_ms[d->heap[0]] : INT64_MAX;
}
