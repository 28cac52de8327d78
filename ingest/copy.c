/* PURE: rows in PostgreSQL's binary COPY format, in growing memory with a bound. */
#include "copy.h"

#include "require.h"

#include <stdlib.h>
#include <string.h>

const uint8_t COPY_HEADER[COPY_HEADER_BYTES] = {'P', 'G', 'C', 'O', 'P', 'Y', '\n', 0xff, '\r', '\n',
                                                0,   0,   0,   0,   0,   0,   0,    0,    0};
const uint8_t COPY_TRAILER[COPY_TRAILER_BYTES] = {0xff, 0xff};

/* 2000-01-01 00:00 UTC in ms since 1970. */
#define COPY_EPOCH_MS 946684800000LL
#define COPY_INT4_OID 23

void copy_fini(struct copy *c) {
    free(c->bytes);
    free(c->starts);
    free(c->origins);
    *c = (struct copy){0};
}

void copy_clear(struct copy *c) {
    c->used = 0;
    c->rows = 0;
}

/* Room for `count` more bytes, or NULL when memory is out (then failed is set). */
static uint8_t *room(struct copy *c, size_t count) {
    if (c->failed)
        return NULL;
    if (c->used + count > c->capacity) {
        size_t capacity = c->capacity ? c->capacity * 2 : 4096;
        while (capacity < c->used + count)
            capacity *= 2;
        uint8_t *bytes = capacity <= UINT32_MAX ? realloc(c->bytes, capacity) : NULL;
        if (!bytes) {
            c->failed = true;
            return NULL;
        }
        c->bytes = bytes;
        c->capacity = capacity;
    }
    uint8_t *at = c->bytes + c->used;
    c->used += count;
    return at;
}

static void put(uint8_t *at, uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; i--) {
        at[i] = (uint8_t)value;
        value >>= 8;
    }
}

static bool room_for_row(struct copy *c) {
    if (c->rows < c->rows_capacity)
        return true;
    size_t capacity = c->rows_capacity ? c->rows_capacity * 2 : 64;
    uint32_t *starts = realloc(c->starts, capacity * sizeof *starts);
    if (starts)
        c->starts = starts;
    uint32_t *origins = realloc(c->origins, capacity * sizeof *origins);
    if (origins)
        c->origins = origins;
    if (!starts || !origins)
        return false;
    c->rows_capacity = capacity;
    return true;
}

void copy_row(struct copy *c, int16_t columns, uint32_t origin) {
    if (!room_for_row(c)) {
        c->failed = true;
        return;
    }
    size_t start = c->used;
    uint8_t *at = room(c, 2);
    if (!at)
        return;
    put(at, (uint16_t)columns, 2);
    c->starts[c->rows] = (uint32_t)start;
    c->origins[c->rows++] = origin;
}

static void field(struct copy *c, uint64_t value, int bytes) {
    uint8_t *at = room(c, 4 + (size_t)bytes);
    if (!at)
        return;
    put(at, (uint64_t)bytes, 4);
    put(at + 4, value, bytes);
}

void copy_null(struct copy *c) {
    uint8_t *at = room(c, 4);
    if (at)
        put(at, UINT32_MAX, 4);
}

void copy_bool(struct copy *c, bool value) {
    field(c, value, 1);
}

void copy_int16(struct copy *c, int16_t value) {
    field(c, (uint64_t)value, 2);
}

void copy_int32(struct copy *c, int32_t value) {
    field(c, (uint64_t)value, 4);
}

void copy_int64(struct copy *c, int64_t value) {
    field(c, (uint64_t)value, 8);
}

void copy_instant(struct copy *c, int64_t ms) {
    field(c, (uint64_t)((ms - COPY_EPOCH_MS) * 1000), 8);
}

void copy_bytes(struct copy *c, const void *bytes, size_t count) {
    uint8_t *at = room(c, 4 + count);
    if (!at)
        return;
    put(at, count, 4);
    if (count)
        memcpy(at + 4, bytes, count);
}

void copy_text(struct copy *c, const char *text) {
    copy_bytes(c, text, strlen(text));
}

void copy_int32_array(struct copy *c, const uint16_t *values, size_t count) {
    /* ndim, has-null flag, element type; then per dimension its length and lower bound; then the elements. */
    size_t header = count ? 20 : 12;
    uint8_t *at = room(c, 4 + header + count * 8);
    if (!at)
        return;
    put(at, header + count * 8, 4);
    put(at + 4, count ? 1 : 0, 4);
    put(at + 8, 0, 4);
    put(at + 12, COPY_INT4_OID, 4);
    if (!count)
        return;
    put(at + 16, count, 4);
    put(at + 20, 1, 4);
    at += 24;
    for (size_t i = 0; i < count; i++, at += 8) {
        put(at, 4, 4);
        put(at + 4, values[i], 4);
    }
}

const uint8_t *copy_row_bytes(const struct copy *c, size_t row, size_t *count) {
    REQUIRE(row < c->rows);
    size_t end = row + 1 < c->rows ? c->starts[row + 1] : c->used;
    *count = end - c->starts[row];
    return c->bytes + c->starts[row];
}

void copy_remove(struct copy *c, const bool *flags) {
    size_t kept = 0, used = 0;
    for (size_t i = 0; i < c->rows; i++) {
        size_t count;
        const uint8_t *bytes = copy_row_bytes(c, i, &count);
        if (flags[i])
            continue;
        memmove(c->bytes + used, bytes, count);
        /* Row i + 1's start is read before kept can reach it: kept <= i. */
        c->origins[kept] = c->origins[i];
        c->starts[kept++] = (uint32_t)used;
        used += count;
    }
    c->rows = kept;
    c->used = used;
}
