/* SHELL: one telemetry terminal; see terminal.h. */
#include "terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../ingest/require.h"
#include "ledger.h"
#include "link.h"

#define ARRAY_WAIT_MS 500 /* longest time a reading waits for the others of its message */
#define FIRST_BOOT 3      /* so that a boot counter can fall */

int64_t terminal_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool open_unit(struct terminal *t, struct unit *u, int64_t now_ms) {
    const struct options *o = t->options;
    char path[512];
    snprintf(path, sizeof path, "%s/%s-%u.store", o->store_dir ? o->store_dir : "", t->name, u->unit);
    if (!store_open(&u->store, o->store_dir ? path : NULL, o->store)) {
        perror(path);
        return false;
    }
    struct ride_settings settings = {.floors = o->floors,
                                     .rear_door = u->number % 5 == 0,
                                     .busy = o->busy,
                                     .hour = o->hour,
                                     .floor_mm = 2800,
                                     .rated_mm_s = u->number % 3 ? 1000 : 630};
    ride_init(&u->ride, &settings, dice_of(o->seed, (uint64_t)u->number), now_ms);
    if (u->store.header->boot) { /* it goes on where it was */
        u->ride.counters = u->store.header->counters;
        if (u->store.header->boot >= t->boot)
            t->boot = u->store.header->boot + 1;
    }
    u->random_ms = RIDE_NEVER;
    if (o->fault_rate > 0)
        u->random_ms = now_ms + (int64_t)dice_wait(&t->dice, 3600e3 / o->fault_rate);
    u->sample_ms = RIDE_NEVER;
    if (t->interval_ms > 0)
        u->sample_ms = now_ms + (int64_t)(t->interval_ms * dice_unit(&t->dice));
    return true;
}

bool terminal_open(struct terminal *t, int units, int first_number, int64_t connect_ms) {
    t->dice = dice_of(t->options->seed, UINT64_C(1) << 32 | (unsigned)first_number);
    t->boot = FIRST_BOOT;
    t->clock_until_ms = RIDE_NEVER;
    t->connect_ms = connect_ms;
    t->units = calloc((size_t)units, sizeof *t->units);
    t->pending_room = t->options->array > units * 8 ? t->options->array : units * 8;
    if (t->pending_room > READING_PER_MESSAGE_MAX)
        t->pending_room = READING_PER_MESSAGE_MAX;
    t->pending = malloc((size_t)t->pending_room * sizeof *t->pending);
    if (!t->units || !t->pending) {
        fputs("liftsim: out of memory\n", stderr);
        return false;
    }
    t->units_count = units;
    for (int i = 0; i < units; i++) {
        t->units[i].unit = (uint8_t)i;
        t->units[i].number = first_number + i;
        if (!open_unit(t, &t->units[i], connect_ms))
            return false;
        if (i > 0 && t->interval_ms > 0) /* a gateway reads its lifts together */
            t->units[i].sample_ms = t->units[0].sample_ms;
    }
    return true;
}

static void publish_readings(struct terminal *t, const struct reading *readings, size_t count) {
    static msgpack_sbuffer bytes; /* kept between calls: its memory is reused */
    bytes.size = 0;
    wire_readings(&bytes, readings, count);
    link_publish(t, "up", bytes.data, bytes.size, false);
}

static void flush_pending(struct terminal *t) {
    if (t->pending_count && t->link == LINK_UP)
        publish_readings(t, t->pending, (size_t)t->pending_count);
    t->pending_count = 0; /* offline: the store has them */
}

/* Sends a reading as part of the next message, or leaves it for later when the window is full. */
static void send_live(struct terminal *t, struct unit *u, const struct reading *reading, bool urgent,
                      int64_t now_ms) {
    if (t->link != LINK_UP)
        return;
    if (t->unacked >= t->options->window && t->options->store) {
        if (u->late_at == u->late_end)
            u->late_at = store_end(&u->store) - 1;
        u->late_end = store_end(&u->store);
        return;
    }
    if (t->pending_count == 0)
        t->pending_ms = now_ms;
    t->pending[t->pending_count++] = *reading;
    bool alone = t->units_count == 1 && t->options->array == 1;
    bool full = t->options->array > 1 && t->pending_count >= t->options->array;
    if (alone || full || urgent || t->pending_count == t->pending_room)
        flush_pending(t);
}

static bool same_codes(const struct reading *a, const struct reading *b) {
    return a->codes_count == b->codes_count &&
           memcmp(a->codes, b->codes, a->codes_count * sizeof a->codes[0]) == 0;
}

/* Makes one reading: into the ledger, the store and the next message. */
static void make(struct terminal *t, struct unit *u, int64_t at_ms, int64_t now_ms) {
    struct reading r;
    memset(&r, 0, sizeof r);
    r.present = 1u << KEY_SEQ | 1u << KEY_BOOT | 1u << KEY_TS | (t->units_count > 1 ? 1u << KEY_UNIT : 0u);
    r.unit = u->unit;
    r.at = (struct position){.boot = t->boot - (t->fallen_until_ms ? 1 : 0), .seq = ++u->seq};
    r.ts_ms = at_ms + t->clock_off_ms;
    ride_reading(&u->ride, at_ms, &r);
    if (!u->ride.settings.rear_door)
        r.flags &= (uint16_t) ~(FLAG_REAR_DOOR_CLOSED << FLAG_KNOWN_SHIFT);
    if (t->heard) {
        r.present |= 1u << KEY_HEARD;
        r.heard = t->heard;
    }
    bool dropped = t->options->store == 0 && t->link != LINK_UP;
    ledger_reading(t->name, &r, t->fallen_until_ms ? "boot_fell" : dropped ? "dropped" : "reading");
    if (!t->fallen_until_ms) {
        store_append(&u->store, &r);
        u->store.header->boot = t->boot;
        u->store.header->counters = u->ride.counters;
    }
    bool urgent = u->last.present && !same_codes(&r, &u->last);
    u->last = r;
    u->made_ms = now_ms;
    t->totals->readings++;
    send_live(t, u, &r, urgent, now_ms);
}

/* True while readings are made. */
static bool speaks(const struct terminal *t, int64_t now_ms) {
    return !t->totals->stopped && !t->totals->gathering && now_ms >= t->silent_until_ms;
}

static void turn_on_change(struct terminal *t, struct unit *u, int64_t now_ms) {
    for (int64_t at_ms; (at_ms = ride_next_ms(&u->ride)) <= now_ms;)
        if (ride_step(&u->ride) && speaks(t, now_ms))
            make(t, u, at_ms, now_ms);
    if (now_ms - u->made_ms >= (int64_t)t->options->idle_s * 1000 && speaks(t, now_ms))
        make(t, u, now_ms, now_ms);
}

static void turn_at_rate(struct terminal *t, struct unit *u, int64_t now_ms) {
    while (u->sample_ms <= now_ms) {
        while (ride_next_ms(&u->ride) <= u->sample_ms)
            ride_step(&u->ride);
        if (now_ms - u->sample_ms > 1000) /* the machine was busy: no burst to make up for it */
            u->sample_ms = now_ms;
        double interval_ms = t->interval_ms;
        u->sample_ms += (int64_t)(interval_ms + dice_unit(&t->dice)); /* right on average below 1 ms too */
        if (!speaks(t, now_ms))
            continue;
        if (t->link == LINK_UP && t->unacked >= t->options->window)
            t->totals->deferred++;
        else
            make(t, u, terminal_now_ms(), now_ms);
    }
}

static void turn_unit(struct terminal *t, struct unit *u, int64_t now_ms) {
    if (u->random_ms <= now_ms && !t->totals->calm) {
        struct fault fault = script_random(&t->dice);
        terminal_fault(t, u, &fault, now_ms);
        u->random_ms = now_ms + (int64_t)dice_wait(&t->dice, 3600e3 / t->options->fault_rate);
    }
    if (t->interval_ms > 0)
        turn_at_rate(t, u, now_ms);
    else
        turn_on_change(t, u, now_ms);
}

/* Sends one message of late readings of one unit; the oldest first. */
static void send_late(struct terminal *t, int64_t now_ms) {
    if (t->link != LINK_UP || now_ms < t->late_ms || t->unacked >= t->options->window)
        return;
    static struct reading batch[READING_PER_MESSAGE_MAX];
    for (int i = 0; i < t->units_count; i++) {
        struct unit *u = &t->units[i];
        if (u->late_at < store_oldest(&u->store)) /* overwritten meanwhile */
            u->late_at = store_oldest(&u->store);
        size_t count = 0;
        while (u->late_at < u->late_end && count < (size_t)t->options->backlog_array)
            batch[count++] = *store_at(&u->store, u->late_at++);
        if (u->late_at > u->late_end)
            u->late_at = u->late_end;
        if (count == 0)
            continue;
        publish_readings(t, batch, count);
        t->totals->late += count;
        t->late_ms = now_ms + t->options->backlog_every_ms;
        return;
    }
}

static bool late_waits(const struct terminal *t) {
    for (int i = 0; i < t->units_count; i++)
        if (t->units[i].late_at < t->units[i].late_end)
            return true;
    return false;
}

/* What was off ends. */
static void end_faults(struct terminal *t, int64_t now_ms) {
    if (t->clock_until_ms <= now_ms) {
        t->clock_off_ms = 0;
        t->clock_until_ms = RIDE_NEVER;
    }
    if (t->fallen_until_ms && t->fallen_until_ms <= now_ms) {
        t->fallen_until_ms = 0;
        t->boot++;
        for (int i = 0; i < t->units_count; i++)
            t->units[i].seq = 0;
    }
}

static int64_t next_turn_ms(const struct terminal *t, int64_t now_ms) {
    int64_t next = now_ms + 1000;
    for (int i = 0; i < t->units_count; i++) {
        const struct unit *u = &t->units[i];
        int64_t due = t->interval_ms > 0 ? u->sample_ms : ride_next_ms(&u->ride);
        if (due < next)
            next = due;
    }
    if (t->link == LINK_DOWN && t->connect_ms < next)
        next = t->connect_ms;
    if (t->link == LINK_UP && t->late_ms < next && late_waits(t))
        next = t->late_ms;
    if (t->pending_count && t->pending_ms + ARRAY_WAIT_MS < next)
        next = t->pending_ms + ARRAY_WAIT_MS;
    return next > now_ms ? next : now_ms + 1;
}

int64_t terminal_turn(struct terminal *t, int64_t now_ms) {
    end_faults(t, now_ms);
    if (t->link == LINK_DOWN && now_ms >= t->connect_ms && now_ms >= t->away_until_ms &&
        now_ms >= t->silent_until_ms)
        link_connect(t, now_ms);
    if (t->misc_ms <= now_ms) {
        t->misc_ms = now_ms + 1000;
        link_misc(t);
    }
    for (int i = 0; i < t->units_count; i++)
        turn_unit(t, &t->units[i], now_ms);
    if (t->pending_count &&
        (t->options->array == 1 || now_ms - t->pending_ms >= ARRAY_WAIT_MS || t->totals->stopped))
        flush_pending(t);
    send_late(t, now_ms);
    return next_turn_ms(t, now_ms);
}

void terminal_up(struct terminal *t) {
    t->late_ms = 0;
}

/* A resume point: tells what it holds, and sends what lies beyond. */
static void resume(struct terminal *t, struct unit *u, const struct down *down) {
    struct held held[READING_HELD_MAX];
    msgpack_sbuffer bytes;
    flush_pending(t);
    msgpack_sbuffer_init(&bytes);
    wire_marker(&bytes, u->unit, held, store_held(&u->store, held));
    link_publish(t, "up", bytes.data, bytes.size, false);
    msgpack_sbuffer_destroy(&bytes);
    u->late_at = store_after(&u->store, down->at);
    u->late_end = store_end(&u->store);
    t->totals->resumed++;
}

void terminal_heard(struct terminal *t, const struct down *down) {
    if (down->number > t->heard)
        t->heard = down->number;
    if (down->type == 1)
        t->totals->acknowledged++;
    if (down->type == 2 && !t->deaf && down->unit < t->units_count)
        resume(t, &t->units[down->unit], down);
}

static void reboot(struct terminal *t) {
    link_cut(t, true);
    t->pending_count = 0;
    t->heard = 0;
    t->boot++;
    for (int i = 0; i < t->units_count; i++) {
        t->units[i].seq = 0;
        t->units[i].late_at = t->units[i].late_end = 0;
    }
}

/* Boot counts one less from now on; later end_faults lets it count one more than before. */
static void boot_fall(struct terminal *t, int64_t until_ms) {
    flush_pending(t);
    t->fallen_until_ms = until_ms;
    for (int i = 0; i < t->units_count; i++)
        t->units[i].seq = 0;
}

static void garbage(struct terminal *t, int64_t now_ms) {
    static const unsigned char kinds[][10] = {{0xdd, 0xff, 0xff, 0xff, 0xff, 0x81},
                                              {0x83, 0x00, 0x01, 0x01},
                                              {0xc1},
                                              {0x81, 0x00, 0xa1, 'x'},
                                              {0x91, 0x05}};
    unsigned char bytes[24];
    size_t kind = dice_u64(&t->dice) % (sizeof kinds / sizeof kinds[0]);
    memcpy(bytes, kinds[kind], sizeof kinds[kind]);
    for (size_t i = sizeof kinds[kind]; i < sizeof bytes;
         i++) /* no two are alike: each is a refusal of its own */
        bytes[i] = (unsigned char)dice_u64(&t->dice);
    if (link_publish(t, "up", bytes, sizeof bytes, false))
        ledger_garbage(t->name, now_ms, bytes, sizeof bytes);
}

static void go_silent(struct terminal *t, int64_t until_ms) {
    reboot(t); /* when the power is back it starts again */
    t->silent_until_ms = until_ms;
}

static void code_on(struct unit *u, uint16_t code, uint8_t mode, int64_t now_ms, int64_t for_ms) {
    struct ride_condition c = ride_condition_of_code(code, now_ms, now_ms + for_ms);
    if (code == 0)
        c.mode = mode;
    ride_condition(&u->ride, &c);
}

void terminal_fault(struct terminal *t, struct unit *u, const struct fault *f, int64_t now_ms) {
    bool told = false; /* the reading changes at once */
    switch (f->kind) {
    case FAULT_TRAP:
    case FAULT_STOP_OUTSIDE_ZONE:
        ride_stick(&u->ride, now_ms, f->for_ms, f->kind == FAULT_TRAP);
        told = true;
        break;
    case FAULT_DOOR_OPEN_MOVING:
        ride_move_open(&u->ride, now_ms, f->for_ms);
        told = true;
        break;
    case FAULT_CODE:
        code_on(u, (uint16_t)f->value, MODE_NORMAL, now_ms, f->for_ms);
        told = true;
        break;
    case FAULT_MODE:
        code_on(u, 0, (uint8_t)f->value, now_ms, f->for_ms);
        told = true;
        break;
    case FAULT_SILENT:
        go_silent(t, now_ms + f->for_ms);
        break;
    case FAULT_OFFLINE:
        t->away_until_ms = now_ms + f->for_ms;
        flush_pending(t);
        link_cut(t, false);
        break;
    case FAULT_CLOCK:
        t->clock_off_ms = f->value;
        t->clock_until_ms = f->for_ms ? now_ms + f->for_ms : RIDE_NEVER;
        break;
    case FAULT_REBOOT:
        reboot(t);
        break;
    case FAULT_BOOT_FALL:
        boot_fall(t, now_ms + f->for_ms);
        break;
    case FAULT_GARBAGE:
        garbage(t, now_ms);
        break;
    case FAULT_DUPLICATE:
        if (u->last.present)
            publish_readings(t, &u->last, 1);
        break;
    }
    if (told && t->interval_ms <= 0 && speaks(t, now_ms))
        make(t, u, now_ms, now_ms);
}

bool terminal_caught_up(const struct terminal *t) {
    return t->link == LINK_UP && !late_waits(t);
}

bool terminal_drained(const struct terminal *t) {
    return t->link == LINK_UP && t->unacked == 0 && t->pending_count == 0 && !late_waits(t);
}

void terminal_close(struct terminal *t) {
    link_cut(t, true);
    for (int i = 0; i < t->units_count; i++)
        store_close(&t->units[i].store);
    free(t->units);
    free(t->pending);
}
