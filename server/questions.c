/* What liftd asks the database between batches: who is behind which device, up to where a device's readings
 * are complete, and which kept messages to feed through again. */
#include "questions.h"

#include "../ingest/require.h"
#include "clock.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

static int64_t integer(const PGresult *r, int row, int column) {
    return strtoll(PQgetvalue(r, row, column), NULL, 10);
}

void questions_init(struct questions *a, int64_t now_ms) {
    *a = (struct questions){.number = (uint64_t)now_ms};
    for (size_t i = 0; i < QUESTIONS_RESUME_AT_ONCE; i++)
        a->slots[i].questions = a;
}

/* ---- routing ---- */

bool questions_take_routing(struct questions *a, const PGresult *rows) {
    struct fleet *f = a->intake->fleet;
    fleet_route_begin(f);
    for (int i = 0; i < PQntuples(rows); i++) {
        if (!fleet_route(f, PQgetvalue(rows, i, 0), PQgetvalue(rows, i, 1), (uint8_t)integer(rows, i, 2),
                         integer(rows, i, 3), (int32_t)integer(rows, i, 4)))
            return false;
    }
    fleet_route_end(f);
    intake_rearm(a->intake);
    return true;
}

void questions_take_states(struct questions *a, const PGresult *rows) {
    struct fleet *f = a->intake->fleet;
    size_t unreadable = 0;
    for (int i = 0; i < PQntuples(rows); i++) {
        uint32_t place = fleet_lift(f, integer(rows, i, 0));
        if (place == FLEET_NONE)
            continue; /* a lift that has no device now */
        struct position at = {(uint32_t)integer(rows, i, 2), (uint64_t)integer(rows, i, 3)};
        size_t bytes;
        unsigned char *state = PQunescapeBytea((const unsigned char *)PQgetvalue(rows, i, 4), &bytes);
        if (!state) {
            a->intake->failed = true;
            return;
        }
        if (!fleet_load(f->units[place], (int32_t)integer(rows, i, 1), at, state, bytes))
            unreadable++;
        PQfreemem(state);
    }
    if (unreadable)
        log_warn("states of an unknown version, those lifts' rules start anew count=%zu", unreadable);
}

static void on_routing(void *ctx, const PGresult *rows) {
    struct questions *a = ctx;
    a->routing_asked = false;
    if (rows && !questions_take_routing(a, rows))
        a->intake->failed = true;
    if (a->routing_again)
        questions_routing(a);
    a->changed(a->ctx);
}

void questions_routing(struct questions *a) {
    a->routing_again = a->routing_asked;
    if (a->routing_asked)
        return;
    a->routing_asked =
        store_ask(a->store, "SELECT area, device, unit, lift_id, epoch FROM telemetry.routing()", 0, NULL,
                  on_routing, a);
}

/* ---- kept messages, fed through again ---- */

static bool from_hex(const char *hex, uint8_t *out, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        unsigned value;
        if (sscanf(hex + 2 * i, "%2x", &value) != 1)
            return false;
        out[i] = (uint8_t)value;
    }
    return true;
}

static void on_relanding(void *ctx, const PGresult *rows) {
    struct questions *a = ctx;
    a->relanding_asked = false;
    int64_t now_ms = clock_ms();
    int count = rows ? PQntuples(rows) : 0;
    for (int i = 0; i < count; i++) {
        const char *hex = PQgetvalue(rows, i, 2);
        size_t bytes = strlen(hex) / 2;
        uint8_t *payload = malloc(bytes + 1);
        if (!payload || !from_hex(hex, payload, bytes)) {
            a->intake->failed = true;
            free(payload);
            return;
        }
        intake_message(a->intake, PQgetvalue(rows, i, 1), payload, bytes, integer(rows, i, 3), now_ms,
                       integer(rows, i, 0));
        free(payload);
    }
    if (count) {
        a->relanding_serial = a->intake->serial;
        log_info("kept messages fed through again count=%d", count);
    } else if (a->relanding_again) {
        questions_relanding(a);
    }
    a->changed(a->ctx);
}

void questions_relanding(struct questions *a) {
    if (a->relanding_asked || a->relanding_serial) {
        a->relanding_again = true;
        return;
    }
    a->relanding_again = false;
    a->relanding_asked = store_ask(a->store,
                                   "SELECT refusal_id, topic, encode(payload, 'hex'), "
                                   "floor(extract(epoch FROM received_at) * 1000)::bigint "
                                   "FROM telemetry.relanding(" QUESTIONS_RELANDING_MAX ")",
                                   0, NULL, on_relanding, a);
}

void questions_landed(struct questions *a, uint64_t serial) {
    if (!a->relanding_serial || serial < a->relanding_serial)
        return;
    /* Their outcomes are in, so what comes next is new: ask until there is nothing more. */
    a->relanding_serial = 0;
    questions_relanding(a);
}

/* ---- resume answers ---- */

/* Where a unit is complete: before its lowest open gap, else its committed end. */
static struct position complete_up_to(const struct unit *u, const PGresult *rows) {
    for (int i = 0; i < PQntuples(rows); i++)
        if (integer(rows, i, 0) == u->number && !PQgetisnull(rows, i, 1))
            return (struct position){(uint32_t)integer(rows, i, 1), (uint64_t)integer(rows, i, 2)};
    return u->committed;
}

static bool send_down(struct questions *a, const struct device *d, const uint8_t *payload, size_t bytes) {
    char topic[128];
    snprintf(topic, sizeof topic, "lift/v1/%s/%s/down", d->area, d->name);
    return publisher_send(a->publisher, topic, payload, bytes);
}

static bool send_unit(struct questions *a, const struct device *d, const struct unit *u,
                      const PGresult *rows) {
    uint8_t payload[PUBLISHER_DOWN_MAX_BYTES];
    size_t bytes = publisher_resume(payload, complete_up_to(u, rows), u->number, ++a->number);
    return send_down(a, d, payload, bytes);
}

bool questions_help(struct questions *a, int64_t lift_id) {
    uint8_t payload[PUBLISHER_DOWN_MAX_BYTES];
    uint32_t place = fleet_lift(a->intake->fleet, lift_id);
    const struct unit *u = place == FLEET_NONE ? NULL : a->intake->fleet->units[place];
    if (!u || !u->device || !a->publisher)
        return false;
    const struct device *d = fleet_device(a->intake->fleet, u->device);
    REQUIRE(d);
    size_t bytes = publisher_help(payload, u->committed, u->number, ++a->number, QUESTIONS_HELP_MINUTES);
    return send_down(a, d, payload, bytes);
}

static void on_resume(void *ctx, const PGresult *rows) {
    struct resume_slot *slot = ctx;
    struct questions *a = slot->questions;
    slot->busy = false;
    struct device *d = fleet_device(a->intake->fleet, slot->device);
    bool sent = true;
    for (uint16_t i = 0; d && rows && i < d->units_count; i++)
        if (d->units[i] != FLEET_NONE)
            sent = send_unit(a, d, a->intake->fleet->units[d->units[i]], rows) && sent;
    if (d && (!sent || !rows))
        fleet_want_resume(a->intake->fleet, d); /* answered once the client can send again */
    if (sent && rows)                           /* else the pipeline's next tick tries again */
        questions_resume(a);
}

void questions_resume(struct questions *a) {
    if (!a->publisher || !publisher_is_connected(a->publisher))
        return;
    for (size_t i = 0; i < QUESTIONS_RESUME_AT_ONCE; i++) {
        struct resume_slot *slot = &a->slots[i];
        struct device *d = slot->busy ? NULL : fleet_take_resume(a->intake->fleet);
        if (!d)
            continue;
        snprintf(slot->device, sizeof slot->device, "%s", d->name);
        const char *values[] = {slot->device};
        slot->busy = store_ask(a->store, "SELECT unit, boot, seq FROM telemetry.resume($1)", 1, values,
                               on_resume, slot);
        if (!slot->busy)
            fleet_want_resume(a->intake->fleet, d);
    }
}
