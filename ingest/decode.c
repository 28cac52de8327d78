/* PURE: reads the wire contract from msgpack bytes through msgpack-c's callback parser, without allocating.
 */
#include "decode.h"
#include "require.h"

#include <msgpack/sysdep.h>
#include <msgpack/unpack.h>
#include <string.h>

/* The parser is msgpack-c's template: it walks the bytes and calls the functions below for each value, each
 * element and each key with its value. It keeps a stack of open containers of its own, sized here to what the
 * depth check lets through (an array of maps, DECODE_DEPTH_MAX levels in a value, one spare). */
#define MSGPACK_EMBED_STACK_SIZE (2 + DECODE_DEPTH_MAX + 1)
#include <msgpack/unpack_define.h>

/* What a value is, as far as this contract cares. */
enum value_kind {
    VALUE_OTHER,    /* nil, boolean, float, string, binary, extension */
    VALUE_UINT,     /* a number >= 0 in any encoding, in u */
    VALUE_NEGATIVE, /* a number < 0, in i */
    VALUE_MESSAGE,  /* the outermost array of records */
    VALUE_RECORD,   /* the map of one reading or marker */
    VALUE_LIST,     /* an array that is a value of a record: codes or held */
    VALUE_ENTRY,    /* an array inside a LIST: one entry of held */
    VALUE_SKIPPED,  /* any other array or map */
};

struct value {
    enum value_kind kind;
    uint32_t left; /* containers: elements still to come */
    union {
        uint64_t u;
        int64_t i;
    };
};

/* An array value is known to be codes or held only when its key is told with it, after its last element. So
 * both are read at once, each with the first objection to it. */
struct list {
    enum decode_status codes_status, held_status;
    uint32_t codes_count, held_count;
    uint16_t codes[READING_CODES_MAX];
    struct held held[READING_HELD_MAX];
};

/* One entry of held as it is being read. */
struct entry {
    uint32_t count;
    struct value number[3];
};

struct parse {
    struct decoded *out;
    size_t bytes; /* of the whole payload */
    enum decode_status status;
    int key;        /* at fault, -1 none */
    int record;     /* index of the record being read */
    unsigned depth; /* containers open */
    unsigned base;  /* containers open outside a value: 1 for a bare map, 2 in an array */
    bool in_list;   /* the container open right inside the record is a LIST */
    struct list list;
    struct entry entry;
    struct marker marker; /* of the record being read, when it has held */
    bool has_markers;
    uint16_t marker_of_unit[256]; /* index + 1 in out->markers; valid when has_markers */
};

/* Ranges of the integer keys; bounds as in the wire contract. Unsigned ones reach at most 2^63-1, which is
 * what the database holds. */
static const struct {
    int64_t min, max;
} range_of[KEY_HELD + 1] = {
    [KEY_SEQ] = {0, INT64_MAX},
    [KEY_BOOT] = {0, UINT32_MAX},
    [KEY_TS] = {0, 253402300799999},
    [KEY_UNIT] = {0, 255},
    [KEY_MODE] = {0, 7},
    [KEY_MOTION] = {0, 2},
    [KEY_FLOOR] = {-100, 300},
    [KEY_FLAGS] = {0, 65535},
    [KEY_ENERGY] = {0, INT64_MAX},
    [KEY_TRIPS] = {0, INT64_MAX},
    [KEY_RUN_TIME] = {0, INT64_MAX},
    [KEY_DOOR_CYCLES] = {0, INT64_MAX},
    [KEY_LOAD] = {0, 20000},
    [KEY_SPEED] = {-20000, 20000},
    [KEY_VIBRATION] = {0, 100000},
    [KEY_HEARD] = {0, INT64_MAX},
    [KEY_TEMPERATURE] = {-1000, 2000},
};

/* Bits of flags that this version knows; others are cleared so that newer devices keep working. */
#define FLAGS_KNOWN 0x1f1f

static int refuse(struct parse *p, enum decode_status status, int key) {
    p->status = status;
    p->key = key;
    return -1;
}

static void list_begin(struct list *l) {
    l->codes_status = l->held_status = DECODE_OK;
    l->codes_count = l->held_count = 0;
}

/* Keeps the first objection. */
static void object_to(enum decode_status *status, enum decode_status objection) {
    if (*status == DECODE_OK)
        *status = objection;
}

static void list_push_code(struct list *l, const struct value *v) {
    object_to(&l->held_status, DECODE_WRONG_TYPE);
    if (v->kind != VALUE_UINT && v->kind != VALUE_NEGATIVE)
        object_to(&l->codes_status, DECODE_WRONG_TYPE);
    else if (v->kind == VALUE_NEGATIVE || v->u > UINT16_MAX || l->codes_count == READING_CODES_MAX)
        object_to(&l->codes_status, DECODE_IMPOSSIBLE);
    else
        l->codes[l->codes_count++] = (uint16_t)v->u;
}

/* Takes the entry just read: [boot, oldest, last], boots ascending. */
static void list_push_entry(struct list *l, const struct entry *e) {
    object_to(&l->codes_status, DECODE_WRONG_TYPE);
    if (e->count != 3) {
        object_to(&l->held_status, DECODE_WRONG_TYPE);
        return;
    }
    bool possible = l->held_count < READING_HELD_MAX;
    for (int i = 0; i < 3; i++) {
        if (e->number[i].kind != VALUE_UINT && e->number[i].kind != VALUE_NEGATIVE) {
            object_to(&l->held_status, DECODE_WRONG_TYPE);
            return;
        }
        possible = possible && e->number[i].kind == VALUE_UINT && e->number[i].u <= INT64_MAX;
    }
    uint64_t boot = e->number[0].u, oldest = e->number[1].u, last = e->number[2].u;
    if (!possible || boot > UINT32_MAX || oldest < 1 || last < oldest) {
        object_to(&l->held_status, DECODE_IMPOSSIBLE);
        return;
    }
    l->held[l->held_count++] = (struct held){.boot = (uint32_t)boot, .oldest_seq = oldest, .last_seq = last};
}

/* Sorts and drops repetitions; at most READING_CODES_MAX, mostly none or one. */
static uint8_t codes_take(uint16_t *to, const uint16_t *from, uint32_t from_count) {
    uint8_t count = 0;
    for (uint32_t i = 0; i < from_count; i++) {
        uint8_t at = count;
        while (at > 0 && to[at - 1] > from[i])
            at--;
        if (at > 0 && to[at - 1] == from[i])
            continue;
        memmove(to + at + 1, to + at, (size_t)(count - at) * sizeof *to);
        to[at] = from[i];
        count++;
    }
    return count;
}

/* Sorts by boot; false when a boot is listed twice. At most READING_HELD_MAX, mostly ascending already. */
static bool held_sort(struct held *held, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) {
        struct held h = held[i];
        uint32_t at = i;
        for (; at > 0 && held[at - 1].boot > h.boot; at--)
            held[at] = held[at - 1];
        if (at > 0 && held[at - 1].boot == h.boot)
            return false;
        held[at] = h;
    }
    return true;
}

static void reading_put(struct reading *r, int key, int64_t v) {
    switch (key) {
    case KEY_SEQ:
        r->at.seq = (uint64_t)v;
        break;
    case KEY_BOOT:
        r->at.boot = (uint32_t)v;
        break;
    case KEY_TS:
        r->ts_ms = v;
        break;
    case KEY_UNIT:
        r->unit = (uint8_t)v;
        break;
    case KEY_MODE:
        r->mode = (uint8_t)v;
        break;
    case KEY_MOTION:
        r->motion = (uint8_t)v;
        break;
    case KEY_FLOOR:
        r->floor = (int16_t)v;
        break;
    case KEY_FLAGS:
        r->flags = (uint16_t)(v & FLAGS_KNOWN);
        break;
    case KEY_ENERGY:
        r->energy_wh = v;
        break;
    case KEY_TRIPS:
        r->trips = v;
        break;
    case KEY_RUN_TIME:
        r->run_time_s = v;
        break;
    case KEY_DOOR_CYCLES:
        r->door_cycles = v;
        break;
    case KEY_LOAD:
        r->load_kg = (int32_t)v;
        break;
    case KEY_SPEED:
        r->speed_mm_s = (int32_t)v;
        break;
    case KEY_VIBRATION:
        r->vibration_mm_s2 = (int32_t)v;
        break;
    case KEY_TEMPERATURE:
        r->temperature_deci_c = (int32_t)v;
        break;
    case KEY_HEARD:
        r->heard = v;
        break;
    default:
        REQUIRE(false);
    }
}

/* The record being read: the first free place of the result, given up again when it turns out a marker. */
static struct reading *reading_of(struct parse *p) {
    return &p->out->readings[p->out->readings_count];
}

static int record_put_codes(struct parse *p, const struct value *v) {
    struct reading *r = reading_of(p);
    if (v->kind != VALUE_LIST)
        return refuse(p, DECODE_WRONG_TYPE, KEY_CODES);
    if (p->list.codes_status != DECODE_OK)
        return refuse(p, p->list.codes_status, KEY_CODES);
    r->codes_count = codes_take(r->codes, p->list.codes, p->list.codes_count);
    return 0;
}

static int record_put_held(struct parse *p, const struct value *v) {
    if (v->kind != VALUE_LIST)
        return refuse(p, DECODE_WRONG_TYPE, KEY_HELD);
    if (p->list.held_status != DECODE_OK)
        return refuse(p, p->list.held_status, KEY_HELD);
    if (!held_sort(p->list.held, p->list.held_count))
        return refuse(p, DECODE_IMPOSSIBLE, KEY_HELD);
    p->marker.count = (uint8_t)p->list.held_count;
    memcpy(p->marker.held, p->list.held, p->list.held_count * sizeof *p->list.held);
    return 0;
}

/* One known key with its value, which has just been read completely. */
static int record_put(struct parse *p, int key, const struct value *v) {
    struct reading *r = reading_of(p);
    if (r->present & (UINT32_C(1) << key))
        return refuse(p, DECODE_DUPLICATE_KEY, key);
    r->present |= UINT32_C(1) << key;
    if (key == KEY_CODES)
        return record_put_codes(p, v);
    if (key == KEY_HELD)
        return record_put_held(p, v);
    if (v->kind != VALUE_UINT && v->kind != VALUE_NEGATIVE)
        return refuse(p, DECODE_WRONG_TYPE, key);
    if (v->kind == VALUE_UINT && v->u > INT64_MAX)
        return refuse(p, DECODE_IMPOSSIBLE, key);
    int64_t number = v->kind == VALUE_UINT ? (int64_t)v->u : v->i;
    if (number < range_of[key].min || number > range_of[key].max)
        return refuse(p, DECODE_IMPOSSIBLE, key);
    reading_put(r, key, number);
    return 0;
}

static void record_begin(struct parse *p) {
    memset(reading_of(p), 0, sizeof(struct reading));
}

/* Puts the marker where its unit's last one was, else behind the others. */
static void marker_keep(struct parse *p, uint8_t unit) {
    struct decoded *out = p->out;
    if (!p->has_markers)
        memset(p->marker_of_unit, 0, sizeof p->marker_of_unit);
    p->has_markers = true;
    if (p->marker_of_unit[unit] == 0)
        p->marker_of_unit[unit] = (uint16_t)++out->markers_count;
    p->marker.unit = unit;
    out->markers[p->marker_of_unit[unit] - 1] = p->marker;
}

/* The map is complete: is it a reading, a marker, or too little of either? */
static int record_end(struct parse *p) {
    const struct reading *r = reading_of(p);
    if (!reading_has(r, KEY_SEQ))
        return refuse(p, DECODE_MISSING_KEY, KEY_SEQ);
    if (r->at.seq == 0) {
        if (!reading_has(r, KEY_HELD))
            return refuse(p, DECODE_MISSING_KEY, KEY_HELD);
        marker_keep(p, r->unit);
        return 0;
    }
    if (reading_has(r, KEY_HELD))
        return refuse(p, DECODE_IMPOSSIBLE, KEY_HELD);
    if (!reading_has(r, KEY_BOOT))
        return refuse(p, DECODE_MISSING_KEY, KEY_BOOT);
    if (!reading_has(r, KEY_TS))
        return refuse(p, DECODE_MISSING_KEY, KEY_TS);
    p->out->readings_count++;
    return 0;
}

/* An array or map of n elements or pairs opens at the current depth: v->kind says where that is. */
static int container_begin(struct parse *p, unsigned n, bool is_map, struct value *v) {
    if ((is_map ? 2 * (uint64_t)n : n) > p->bytes)
        return refuse(p, DECODE_TRUNCATED, -1);
    if (p->depth == 0 && !is_map) {
        if (n == 0)
            return refuse(p, DECODE_EMPTY, -1);
        if (n > READING_PER_MESSAGE_MAX)
            return refuse(p, DECODE_TOO_MANY, -1);
        p->base = 2;
        v->kind = VALUE_MESSAGE;
    } else if (p->depth + 1 == p->base) {
        if (!is_map)
            return refuse(p, DECODE_SHAPE, -1);
        v->kind = VALUE_RECORD;
        record_begin(p);
    } else {
        if (p->depth - p->base >= DECODE_DEPTH_MAX)
            return refuse(p, DECODE_TOO_DEEP, -1);
        v->kind = VALUE_SKIPPED;
        if (p->depth == p->base) {
            p->in_list = !is_map;
            if (!is_map) {
                v->kind = VALUE_LIST;
                list_begin(&p->list);
            }
        } else if (p->depth == p->base + 1 && p->in_list && !is_map) {
            v->kind = VALUE_ENTRY;
            p->entry.count = 0;
        }
    }
    v->left = n;
    if (n > 0)
        p->depth++;
    return 0;
}

/* Names of the template's functions: wire_execute and so on; callbacks are wire_on_uint8 and so on. A
 * callback that answers -1 ends the parse. */
#define msgpack_unpack_struct(name) struct wire##name
#define msgpack_unpack_func(type, name) static type wire##name
#define msgpack_unpack_callback(name) wire_on##name
#define msgpack_unpack_object struct value
#define msgpack_unpack_user struct parse

static inline struct value wire_on_root(struct parse *p) {
    (void)p;
    return (struct value){.kind = VALUE_OTHER};
}

#define WIRE_ON_UNSIGNED(name, type)                                                                         \
    static inline int wire_on_##name(struct parse *p, type number, struct value *v) {                        \
        (void)p;                                                                                             \
        *v = (struct value){.kind = VALUE_UINT, .u = number};                                                \
        return 0;                                                                                            \
    }
WIRE_ON_UNSIGNED(uint8, uint8_t)
WIRE_ON_UNSIGNED(uint16, uint16_t)
WIRE_ON_UNSIGNED(uint32, uint32_t)
WIRE_ON_UNSIGNED(uint64, uint64_t)

#define WIRE_ON_SIGNED(name, type)                                                                           \
    static inline int wire_on_##name(struct parse *p, type number, struct value *v) {                        \
        (void)p;                                                                                             \
        if (number < 0)                                                                                      \
            *v = (struct value){.kind = VALUE_NEGATIVE, .i = number};                                        \
        else                                                                                                 \
            *v = (struct value){.kind = VALUE_UINT, .u = (uint64_t)number};                                  \
        return 0;                                                                                            \
    }
WIRE_ON_SIGNED(int8, int8_t)
WIRE_ON_SIGNED(int16, int16_t)
WIRE_ON_SIGNED(int32, int32_t)
WIRE_ON_SIGNED(int64, int64_t)

static inline int wire_on_other(struct value *v) {
    *v = (struct value){.kind = VALUE_OTHER};
    return 0;
}

static inline int wire_on_float(struct parse *p, float number, struct value *v) {
    (void)p, (void)number;
    return wire_on_other(v);
}

static inline int wire_on_double(struct parse *p, double number, struct value *v) {
    (void)p, (void)number;
    return wire_on_other(v);
}

static inline int wire_on_nil(struct parse *p, struct value *v) {
    (void)p;
    return wire_on_other(v);
}

static inline int wire_on_true(struct parse *p, struct value *v) {
    (void)p;
    return wire_on_other(v);
}

static inline int wire_on_false(struct parse *p, struct value *v) {
    (void)p;
    return wire_on_other(v);
}

static inline int wire_on_str(struct parse *p, const char *all, const char *at, unsigned n, struct value *v) {
    (void)p, (void)all, (void)at, (void)n;
    return wire_on_other(v);
}

static inline int wire_on_bin(struct parse *p, const char *all, const char *at, unsigned n, struct value *v) {
    (void)p, (void)all, (void)at, (void)n;
    return wire_on_other(v);
}

static inline int wire_on_ext(struct parse *p, const char *all, const char *at, unsigned n, struct value *v) {
    (void)all, (void)at;
    /* n counts the type byte too, so it is never 0, unless a 32-bit header of 2^32-1 has wrapped around. */
    if (n == 0)
        return refuse(p, DECODE_TRUNCATED, -1);
    return wire_on_other(v);
}

static inline int wire_on_array(struct parse *p, unsigned n, struct value *v) {
    return container_begin(p, n, false, v);
}

static inline int wire_on_map(struct parse *p, unsigned n, struct value *v) {
    int status = container_begin(p, n, true, v);
    if (status == 0 && v->kind == VALUE_RECORD && n == 0)
        return record_end(p);
    return status;
}

static inline int wire_on_array_item(struct parse *p, struct value *array, struct value item) {
    switch (array->kind) {
    case VALUE_MESSAGE:
        if (item.kind != VALUE_RECORD)
            return refuse(p, DECODE_SHAPE, -1);
        p->record++;
        break;
    case VALUE_LIST:
        if (item.kind == VALUE_ENTRY)
            list_push_entry(&p->list, &p->entry);
        else
            list_push_code(&p->list, &item);
        break;
    case VALUE_ENTRY:
        if (p->entry.count < 3)
            p->entry.number[p->entry.count] = item;
        if (p->entry.count < 4)
            p->entry.count++;
        break;
    default:
        break;
    }
    if (--array->left == 0)
        p->depth--;
    return 0;
}

static inline int wire_on_map_item(struct parse *p, struct value *map, struct value key, struct value item) {
    bool is_record = map->kind == VALUE_RECORD;
    if (is_record && key.kind == VALUE_UINT && key.u <= KEY_HELD && record_put(p, (int)key.u, &item) != 0)
        return -1;
    if (--map->left > 0)
        return 0;
    p->depth--;
    return is_record ? record_end(p) : 0;
}

#include <msgpack/unpack_template.h>

static enum decode_status decode_bytes(struct wire_context *wire, const char *payload, size_t bytes) {
    size_t at = 0;
    int end = wire_execute(wire, payload, bytes, &at);
    struct parse *p = &wire->user;
    if (end < 0 && p->status == DECODE_OK)
        refuse(p, DECODE_MALFORMED, -1);
    else if (end == 0)
        refuse(p, DECODE_TRUNCATED, -1);
    else if (end > 0 && wire_data(wire).kind != VALUE_RECORD && wire_data(wire).kind != VALUE_MESSAGE)
        refuse(p, DECODE_SHAPE, -1);
    else if (end > 0 && at < bytes)
        refuse(p, DECODE_TRAILING, -1);
    return p->status;
}

enum decode_status decode_up(const void *payload, size_t bytes, struct decoded *out) {
    out->readings_count = out->markers_count = 0;
    out->where = (struct decode_where){.record = 0, .key = -1};
    if (bytes > DECODE_PAYLOAD_MAX_BYTES)
        return DECODE_OVERSIZED;
    if (bytes == 0)
        return DECODE_EMPTY;
    struct wire_context wire; /* 3 KB of scratch: only what is read before it is written gets a value */
    struct parse *p = &wire.user;
    p->out = out;
    p->bytes = bytes;
    p->status = DECODE_OK;
    p->key = -1;
    p->record = 0;
    p->depth = 0;
    p->base = 1;
    p->in_list = p->has_markers = false;
    list_begin(&p->list);
    wire_init(&wire);
    enum decode_status status = decode_bytes(&wire, payload, bytes);
    if (status != DECODE_OK) {
        out->readings_count = out->markers_count = 0;
        out->where = (struct decode_where){.record = p->record, .key = p->key};
    }
    return status;
}

enum decode_status decode_presence(const void *payload, size_t bytes, bool *online) {
    const unsigned char *byte = payload;
    if (bytes > DECODE_PAYLOAD_MAX_BYTES)
        return DECODE_OVERSIZED;
    if (bytes == 0)
        return DECODE_EMPTY;
    if (byte[0] != 0xc2 && byte[0] != 0xc3)
        return byte[0] == 0xc1 ? DECODE_MALFORMED : DECODE_WRONG_TYPE;
    if (bytes > 1)
        return DECODE_TRAILING;
    *online = byte[0] == 0xc3;
    return DECODE_OK;
}

/* Reads one name up to the next '/' or the end; NULL when it is empty, too long or of other characters. */
static const char *topic_name(const char *at, char name[TOPIC_NAME_MAX + 1]) {
    size_t n = 0;
    for (; at[n] != '\0' && at[n] != '/'; n++) {
        char c = at[n];
        bool allowed = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-';
        if (!allowed || n == TOPIC_NAME_MAX)
            return NULL;
        name[n] = c;
    }
    name[n] = '\0';
    return n > 0 ? at + n : NULL;
}

enum decode_status decode_topic(const char *topic, struct topic *out) {
    static const char prefix[] = "lift/v1/";
    if (strncmp(topic, prefix, sizeof prefix - 1) != 0)
        return DECODE_TOPIC;
    const char *at = topic_name(topic + sizeof prefix - 1, out->area);
    if (at == NULL || *at != '/')
        return DECODE_TOPIC;
    at = topic_name(at + 1, out->device);
    if (at == NULL)
        return DECODE_TOPIC;
    if (strcmp(at, "/up") == 0)
        out->kind = TOPIC_UP;
    else if (strcmp(at, "/presence") == 0)
        out->kind = TOPIC_PRESENCE;
    else
        return DECODE_TOPIC;
    return DECODE_OK;
}

const char *decode_reason(enum decode_status status) {
    static const char *const reason[] = {
        [DECODE_OK] = "ok",
        [DECODE_TOPIC] = "topic",
        [DECODE_OVERSIZED] = "oversized",
        [DECODE_EMPTY] = "empty",
        [DECODE_TRUNCATED] = "truncated",
        [DECODE_MALFORMED] = "malformed",
        [DECODE_TRAILING] = "trailing",
        [DECODE_TOO_DEEP] = "too_deep",
        [DECODE_SHAPE] = "shape",
        [DECODE_TOO_MANY] = "too_many",
        [DECODE_MISSING_KEY] = "missing_key",
        [DECODE_DUPLICATE_KEY] = "duplicate_key",
        [DECODE_WRONG_TYPE] = "wrong_type",
        [DECODE_IMPOSSIBLE] = "impossible",
    };
    REQUIRE((size_t)status < sizeof reason / sizeof *reason);
    return reason[status];
}
