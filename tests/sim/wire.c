/* The wire contract from the device's side; see wire.h. */
#include "wire.h"

#include <inttypes.h>
#include <msgpack/pack.h>
#include <msgpack/unpack.h>
#include <stdio.h>

#include "../../ingest/require.h"

static void pack_unsigned(msgpack_packer *p, enum reading_key key, uint64_t value) {
    msgpack_pack_int(p, (int)key);
    msgpack_pack_uint64(p, value);
}

static void pack_signed(msgpack_packer *p, enum reading_key key, int64_t value) {
    msgpack_pack_int(p, (int)key);
    msgpack_pack_int64(p, value);
}

static void pack_codes(msgpack_packer *p, const struct reading *r) {
    msgpack_pack_int(p, KEY_CODES);
    msgpack_pack_array(p, r->codes_count);
    for (int i = 0; i < r->codes_count; i++)
        msgpack_pack_uint16(p, r->codes[i]);
}

static void pack_value(msgpack_packer *p, const struct reading *r, enum reading_key key) {
    switch (key) {
    case KEY_SEQ:
        pack_unsigned(p, key, r->at.seq);
        break;
    case KEY_BOOT:
        pack_unsigned(p, key, r->at.boot);
        break;
    case KEY_TS:
        pack_signed(p, key, r->ts_ms);
        break;
    case KEY_UNIT:
        pack_unsigned(p, key, r->unit);
        break;
    case KEY_MODE:
        pack_unsigned(p, key, r->mode);
        break;
    case KEY_MOTION:
        pack_unsigned(p, key, r->motion);
        break;
    case KEY_FLOOR:
        pack_signed(p, key, r->floor);
        break;
    case KEY_FLAGS:
        pack_unsigned(p, key, r->flags);
        break;
    case KEY_CODES:
        pack_codes(p, r);
        break;
    case KEY_ENERGY:
        pack_signed(p, key, r->energy_wh);
        break;
    case KEY_TRIPS:
        pack_signed(p, key, r->trips);
        break;
    case KEY_RUN_TIME:
        pack_signed(p, key, r->run_time_s);
        break;
    case KEY_DOOR_CYCLES:
        pack_signed(p, key, r->door_cycles);
        break;
    case KEY_LOAD:
        pack_signed(p, key, r->load_kg);
        break;
    case KEY_SPEED:
        pack_signed(p, key, r->speed_mm_s);
        break;
    case KEY_VIBRATION:
        pack_signed(p, key, r->vibration_mm_s2);
        break;
    case KEY_TEMPERATURE:
        pack_signed(p, key, r->temperature_deci_c);
        break;
    case KEY_HEARD:
        pack_signed(p, key, r->heard);
        break;
    case KEY_HELD:
        REQUIRE(key != KEY_HELD); /* a reading has none */
    }
}

void wire_reading(msgpack_sbuffer *out, const struct reading *reading) {
    msgpack_packer packer;
    msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
    msgpack_pack_map(&packer, (size_t)__builtin_popcount(reading->present));
    for (int key = KEY_SEQ; key <= KEY_HEARD; key++)
        if (reading_has(reading, (enum reading_key)key))
            pack_value(&packer, reading, (enum reading_key)key);
}

void wire_readings(msgpack_sbuffer *out, const struct reading *readings, size_t count) {
    if (count != 1) {
        msgpack_packer packer;
        msgpack_packer_init(&packer, out, msgpack_sbuffer_write);
        msgpack_pack_array(&packer, count);
    }
    for (size_t i = 0; i < count; i++)
        wire_reading(out, &readings[i]);
}

void wire_marker(msgpack_sbuffer *out, int unit, const struct held *held, size_t count) {
    msgpack_packer p;
    msgpack_packer_init(&p, out, msgpack_sbuffer_write);
    msgpack_pack_map(&p, unit ? 3 : 2);
    pack_unsigned(&p, KEY_SEQ, 0);
    if (unit)
        pack_unsigned(&p, KEY_UNIT, (uint64_t)unit);
    msgpack_pack_int(&p, KEY_HELD);
    msgpack_pack_array(&p, count);
    for (size_t i = 0; i < count; i++) {
        msgpack_pack_array(&p, 3);
        msgpack_pack_uint32(&p, held[i].boot);
        msgpack_pack_uint64(&p, held[i].oldest_seq);
        msgpack_pack_uint64(&p, held[i].last_seq);
    }
}

void wire_presence(msgpack_sbuffer *out, bool online) {
    msgpack_packer p;
    msgpack_packer_init(&p, out, msgpack_sbuffer_write);
    if (online)
        msgpack_pack_true(&p);
    else
        msgpack_pack_false(&p);
}

/* Takes one key and value of a `down` map; false when the value is no number it can hold. */
static bool take_down(struct down *out, const msgpack_object_kv *kv) {
    if (kv->key.type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return true; /* a key of a newer liftd */
    if (kv->key.via.u64 > 5)
        return true;
    if (kv->val.type != MSGPACK_OBJECT_POSITIVE_INTEGER || kv->val.via.u64 > INT64_MAX)
        return false;
    uint64_t value = kv->val.via.u64;
    switch (kv->key.via.u64) {
    case 0:
        out->type = (int)(value & 0xff);
        break;
    case 1:
        out->at.boot = (uint32_t)value;
        break;
    case 2:
        out->at.seq = value;
        break;
    case 3:
        out->unit = (int)(value & 0xff);
        break;
    case 4:
        out->number = (int64_t)value;
        break;
    default:
        out->minutes = (int)(value & 0xffff);
        break;
    }
    return true;
}

bool wire_down(const void *payload, size_t bytes, struct down *out) {
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    *out = (struct down){.type = 0};
    bool ok = msgpack_unpack_next(&unpacked, payload, bytes, &offset) == MSGPACK_UNPACK_SUCCESS &&
              offset == bytes && unpacked.data.type == MSGPACK_OBJECT_MAP;
    for (uint32_t i = 0; ok && i < unpacked.data.via.map.size; i++)
        ok = take_down(out, &unpacked.data.via.map.ptr[i]);
    msgpack_unpacked_destroy(&unpacked);
    return ok && out->type != 0;
}

/* Appends "|value", or "|" when the key is absent. */
static int text_value(char *out, size_t room, const struct reading *r, enum reading_key key, int64_t value) {
    return reading_has(r, key) ? snprintf(out, room, "|%" PRId64, value) : snprintf(out, room, "|");
}

int wire_text(const struct reading *r, char out[400]) {
    const size_t room = 400;
    int n =
        snprintf(out, room, "%u|%" PRIu32 "|%" PRIu64 "|%" PRId64, r->unit, r->at.boot, r->at.seq, r->ts_ms);
    const int64_t before[] = {r->mode, r->motion, r->floor, r->flags};
    for (int i = 0; i < 4; i++)
        n += text_value(out + n, room - (size_t)n, r, (enum reading_key)(KEY_MODE + i), before[i]);
    n += snprintf(out + n, room - (size_t)n, reading_has(r, KEY_CODES) ? "|{" : "|");
    for (int i = 0; i < r->codes_count && reading_has(r, KEY_CODES); i++)
        n += snprintf(out + n, room - (size_t)n, i ? ",%u" : "%u", r->codes[i]);
    n += snprintf(out + n, room - (size_t)n, reading_has(r, KEY_CODES) ? "}" : "");
    const int64_t after[] = {r->energy_wh, r->trips,      r->run_time_s,      r->door_cycles,
                             r->load_kg,   r->speed_mm_s, r->vibration_mm_s2, r->temperature_deci_c,
                             r->heard};
    for (int i = 0; i < 9; i++)
        n += text_value(out + n, room - (size_t)n, r, (enum reading_key)(KEY_ENERGY + i), after[i]);
    return n;
}
