/* PURE: finds, by bisection, the rows of a batch that a database refuses, and moves them to the refusals. */
#include "probe.h"

#include "require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool probe_begin(struct probe *p, const struct batch *b) {
    if (++p->rounds > PROBE_ROUNDS_MAX) {
        p->rounds = 0;
        return false;
    }
    p->waiting_count = 0;
    p->bad_count = 0;
    for (int t = 0; t < BATCH_TABLES; t++)
        if (b->tables[t].rows)
            p->waiting[p->waiting_count++] = (struct probe_range){t, 0, b->tables[t].rows};
    return true;
}

const struct probe_range *probe_next(const struct probe *p) {
    return p->waiting_count ? &p->waiting[p->waiting_count - 1] : NULL;
}

const void *probe_bytes(const struct probe *p, const struct batch *b, size_t *count) {
    const struct probe_range *range = probe_next(p);
    REQUIRE(range);
    const struct copy *c = &b->tables[range->table];
    size_t last_bytes;
    const uint8_t *first = c->bytes + c->starts[range->first];
    const uint8_t *last = copy_row_bytes(c, range->first + range->count - 1, &last_bytes);
    *count = (size_t)(last - first) + last_bytes;
    return first;
}

static bool remember_bad(struct probe *p, const struct probe_range *range, const char *sqlstate,
                         const char *message) {
    if (p->bad_count == p->bad_capacity) {
        size_t capacity = p->bad_capacity ? p->bad_capacity * 2 : 16;
        struct probe_bad *bad = realloc(p->bad, capacity * sizeof *bad);
        if (!bad)
            return false;
        p->bad = bad;
        p->bad_capacity = capacity;
    }
    struct probe_bad *bad = &p->bad[p->bad_count++];
    bad->table = range->table;
    bad->row = range->first;
    snprintf(bad->detail, sizeof bad->detail, "SQLSTATE %s: %s", sqlstate, message);
    return true;
}

bool probe_said(struct probe *p, const char *sqlstate, const char *message) {
    REQUIRE(p->waiting_count);
    struct probe_range range = p->waiting[--p->waiting_count];
    if (!*sqlstate)
        return true;
    if (range.count == 1)
        return remember_bad(p, &range, sqlstate, message);
    size_t half = range.count / 2;
    REQUIRE(p->waiting_count + 2 <= PROBE_RANGES_MAX);
    p->waiting[p->waiting_count++] =
        (struct probe_range){range.table, range.first + half, range.count - half};
    p->waiting[p->waiting_count++] = (struct probe_range){range.table, range.first, half};
    return true;
}

/* The message a bad row came from, whole; a row that came from no message is kept as its own bytes. */
static void refuse(struct batch *b, const struct probe_bad *bad) {
    const struct copy *c = &b->tables[bad->table];
    uint32_t origin = c->origins[bad->row];
    if (origin == COPY_NO_ORIGIN) {
        size_t count;
        const uint8_t *row = copy_row_bytes(c, bad->row, &count);
        uint8_t *own = malloc(count); /* the row may stand in the table that grows */
        if (!own) {
            b->failed = true;
            return;
        }
        memcpy(own, row, count);
        batch_refusal(b, "liftd/row", own, count, "database", bad->detail, NULL, NULL,
                      b->messages_count ? b->messages[0].received_ms : 0);
        free(own);
        return;
    }
    const struct batch_message *m = &b->messages[origin];
    batch_refusal(b, (const char *)b->raw + m->topic, b->raw + m->payload, m->payload_bytes, "database",
                  bad->detail, NULL, NULL, m->received_ms);
}

static bool same_message(const struct batch *b, const struct probe_bad *a, const struct probe_bad *other) {
    uint32_t origin = b->tables[a->table].origins[a->row];
    return origin != COPY_NO_ORIGIN && origin == b->tables[other->table].origins[other->row];
}

size_t probe_apply(struct probe *p, struct batch *b) {
    for (size_t i = 0; i < p->bad_count; i++)
        if (i == 0 || !same_message(b, &p->bad[i], &p->bad[i - 1]))
            refuse(b, &p->bad[i]);
    for (int t = 0; t < BATCH_TABLES; t++) {
        bool *flags = calloc(b->tables[t].rows + 1, sizeof *flags);
        if (!flags) {
            b->failed = true;
            break;
        }
        for (size_t i = 0; i < p->bad_count; i++)
            if (p->bad[i].table == t)
                flags[p->bad[i].row] = true;
        copy_remove(&b->tables[t], flags);
        free(flags);
    }
    size_t moved = p->bad_count;
    p->bad_count = 0;
    return moved;
}

void probe_fini(struct probe *p) {
    free(p->bad);
    *p = (struct probe){0};
}
