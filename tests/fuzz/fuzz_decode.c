/* Fuzz target: `up` and `presence` payloads. What is accepted must survive being written out and read again.
 */
#include "../../ingest/decode.h"
#include "../../ingest/require.h"
#include "fuzz.h"

#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>
#include <string.h>

static void pack_reading(msgpack_packer *pack, const struct reading *r) {
    const struct {
        enum reading_key key;
        int64_t value;
    } field[] = {
        {KEY_SEQ, (int64_t)r->at.seq},
        {KEY_BOOT, r->at.boot},
        {KEY_TS, r->ts_ms},
        {KEY_UNIT, r->unit},
        {KEY_MODE, r->mode},
        {KEY_MOTION, r->motion},
        {KEY_FLOOR, r->floor},
        {KEY_FLAGS, r->flags},
        {KEY_CODES, 0},
        {KEY_ENERGY, r->energy_wh},
        {KEY_TRIPS, r->trips},
        {KEY_RUN_TIME, r->run_time_s},
        {KEY_DOOR_CYCLES, r->door_cycles},
        {KEY_LOAD, r->load_kg},
        {KEY_SPEED, r->speed_mm_s},
        {KEY_VIBRATION, r->vibration_mm_s2},
        {KEY_TEMPERATURE, r->temperature_deci_c},
        {KEY_HEARD, r->heard},
    };
    msgpack_pack_map(pack, (size_t)__builtin_popcount(r->present));
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        if (!reading_has(r, field[i].key))
            continue;
        msgpack_pack_int(pack, (int)field[i].key);
        if (field[i].key != KEY_CODES) {
            msgpack_pack_int64(pack, field[i].value);
            continue;
        }
        msgpack_pack_array(pack, r->codes_count);
        for (int c = 0; c < r->codes_count; c++)
            msgpack_pack_uint16(pack, r->codes[c]);
    }
}

static void pack_marker(msgpack_packer *pack, const struct marker *m) {
    msgpack_pack_map(pack, 3);
    msgpack_pack_int(pack, KEY_SEQ);
    msgpack_pack_int(pack, 0);
    msgpack_pack_int(pack, KEY_UNIT);
    msgpack_pack_uint8(pack, m->unit);
    msgpack_pack_int(pack, KEY_HELD);
    msgpack_pack_array(pack, m->count);
    for (int i = 0; i < m->count; i++) {
        msgpack_pack_array(pack, 3);
        msgpack_pack_uint32(pack, m->held[i].boot);
        msgpack_pack_uint64(pack, m->held[i].oldest_seq);
        msgpack_pack_uint64(pack, m->held[i].last_seq);
    }
}

/* What the header promises of every accepted message. */
static void check_reading(const struct reading *r) {
    REQUIRE((r->present & 7u) == 7u && !(r->present >> KEY_HELD));
    REQUIRE(r->at.seq >= 1 && r->at.seq <= INT64_MAX && r->codes_count <= READING_CODES_MAX);
    REQUIRE(r->mode <= MODE_UNKNOWN && r->motion <= MOTION_DOWN && (r->flags & 0xe0e0) == 0);
    REQUIRE(r->ts_ms >= 0 && r->ts_ms <= 253402300799999);
    for (int c = 1; c < r->codes_count; c++)
        REQUIRE(r->codes[c - 1] < r->codes[c]);
}

static void check_marker(const struct marker *m) {
    REQUIRE(m->count <= READING_HELD_MAX);
    for (int i = 0; i < m->count; i++) {
        REQUIRE(m->held[i].oldest_seq >= 1 && m->held[i].oldest_seq <= m->held[i].last_seq);
        REQUIRE(i == 0 || m->held[i - 1].boot < m->held[i].boot);
    }
}

static bool same_reading(const struct reading *a, const struct reading *b) {
    return a->present == b->present && a->unit == b->unit && position_compare(a->at, b->at) == 0 &&
           a->ts_ms == b->ts_ms && a->mode == b->mode && a->motion == b->motion && a->floor == b->floor &&
           a->flags == b->flags && a->codes_count == b->codes_count &&
           memcmp(a->codes, b->codes, sizeof a->codes) == 0 && a->energy_wh == b->energy_wh &&
           a->trips == b->trips && a->run_time_s == b->run_time_s && a->door_cycles == b->door_cycles &&
           a->load_kg == b->load_kg && a->speed_mm_s == b->speed_mm_s &&
           a->vibration_mm_s2 == b->vibration_mm_s2 && a->temperature_deci_c == b->temperature_deci_c &&
           a->heard == b->heard;
}

static bool same_marker(const struct marker *a, const struct marker *b) {
    if (a->unit != b->unit || a->count != b->count)
        return false;
    for (int i = 0; i < a->count; i++)
        if (a->held[i].boot != b->held[i].boot || a->held[i].oldest_seq != b->held[i].oldest_seq ||
            a->held[i].last_seq != b->held[i].last_seq)
            return false;
    return true;
}

static void check_round_trip(const struct decoded *first) {
    static struct decoded second;
    msgpack_sbuffer buffer;
    msgpack_packer pack;
    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&pack, &buffer, msgpack_sbuffer_write);
    msgpack_pack_array(&pack, first->readings_count + first->markers_count);
    for (size_t i = 0; i < first->readings_count; i++) {
        check_reading(&first->readings[i]);
        pack_reading(&pack, &first->readings[i]);
    }
    for (size_t i = 0; i < first->markers_count; i++) {
        check_marker(&first->markers[i]);
        pack_marker(&pack, &first->markers[i]);
    }
    /* Markers written with 64 full entries may exceed what one message may carry; readings never do. */
    if (buffer.size <= DECODE_PAYLOAD_MAX_BYTES) {
        REQUIRE(decode_up(buffer.data, buffer.size, &second) == DECODE_OK);
        REQUIRE(second.readings_count == first->readings_count);
        REQUIRE(second.markers_count == first->markers_count);
        for (size_t i = 0; i < first->readings_count; i++)
            REQUIRE(same_reading(&first->readings[i], &second.readings[i]));
        for (size_t i = 0; i < first->markers_count; i++)
            REQUIRE(same_marker(&first->markers[i], &second.markers[i]));
    }
    msgpack_sbuffer_destroy(&buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct decoded decoded;
    bool online;
    enum decode_status status = decode_up(data, size, &decoded);
    REQUIRE(decode_reason(status) != NULL);
    if (status == DECODE_OK) {
        REQUIRE(decoded.readings_count + decoded.markers_count > 0);
        check_round_trip(&decoded);
    } else {
        REQUIRE(decoded.readings_count == 0 && decoded.markers_count == 0);
        REQUIRE(decoded.where.key >= -1 && decoded.where.key <= KEY_HELD);
        REQUIRE(decoded.where.record >= 0 && decoded.where.record <= READING_PER_MESSAGE_MAX);
    }
    status = decode_presence(data, size, &online);
    REQUIRE((status == DECODE_OK) == (size == 1 && (data[0] == 0xc2 || data[0] == 0xc3)));
    return 0;
}
