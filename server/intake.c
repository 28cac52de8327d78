/* What becomes of one message: decode, place in the sequence, rules, rows in the batch; no I/O. */
#include "intake.h"

#include "../ingest/require.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A message on its way. */
struct message {
    const char *topic;
    const void *payload;
    size_t bytes;
    int64_t received_ms, now_ms, refusal_id;
    struct topic where;
    bool has_where;
    uint32_t origin;
    struct intake_result result;
};

struct batch_time intake_time(const struct intake *in, int64_t ts_ms, int64_t received_ms) {
    bool credible = ts_ms <= received_ms + in->clock_ahead_max_ms &&
                    ts_ms >= received_ms - in->retention_ms && ts_ms >= in->first_day_ms &&
                    ts_ms < in->end_day_ms;
    return (struct batch_time){
        .received_ms = received_ms, .filed_ms = credible ? ts_ms : received_ms, .suspect = !credible};
}

static void touch(struct intake *in, struct unit *u) {
    if (u->touched_serial == in->serial)
        return;
    if (in->touched_count == in->touched_capacity) {
        size_t capacity = in->touched_capacity ? in->touched_capacity * 2 : 256;
        uint32_t *touched = realloc(in->touched, capacity * sizeof *touched);
        if (!touched) {
            in->failed = true;
            return;
        }
        in->touched = touched;
        in->touched_capacity = capacity;
    }
    u->touched_serial = in->serial;
    in->touched[in->touched_count++] = u->place;
}

static void refuse(struct intake *in, struct message *m, const char *reason, const char *detail) {
    if (m->result.outcome == INTAKE_REFUSED)
        return; /* one message is refused once, for its first reason */
    m->result.outcome = INTAKE_REFUSED;
    m->result.reason = reason;
    if (m->refusal_id)
        return;
    batch_refusal(in->batch, m->topic, m->payload, m->bytes, reason, detail,
                  m->has_where ? m->where.area : NULL, m->has_where ? m->where.device : NULL, m->received_ms);
}

static void refuse_undecoded(struct intake *in, struct message *m, enum decode_status status,
                             const struct decode_where *where) {
    char detail[64];
    if (where && where->key >= 0)
        snprintf(detail, sizeof detail, "record %d, key %d", where->record, where->key);
    else if (where)
        snprintf(detail, sizeof detail, "record %d", where->record);
    refuse(in, m, decode_reason(status), where ? detail : NULL);
}

static struct batch_unit whose(const struct unit *u) {
    return (struct batch_unit){.lift_id = u->lift_id, .device = u->device, .epoch = u->epoch};
}

/* Runs the rules on one unit and puts what they say into the batch. */
static void step(struct intake *in, struct unit *u, const struct rules_input *input, int64_t now_ms) {
    static struct transition out[RULES_TRANSITIONS_MAX];
    struct lift *lift = fleet_memory(u, in->listening, now_ms);
    if (!lift) {
        in->failed = true;
        return;
    }
    size_t count = rules_step(in->rules, lift, input, now_ms, out);
    for (size_t i = 0; i < count; i++) {
        const struct transition *t = &out[i];
        batch_alarm(in->batch, &(struct batch_alarm){.lift_id = u->lift_id,
                                                     .onset_ms = t->onset_ms,
                                                     .at_ms = t->at_ms,
                                                     .clears = t->kind == TRANSITION_CLEAR,
                                                     .code = t->code,
                                                     .priority = t->priority,
                                                     .confidence = t->confidence,
                                                     .rules_version = (int32_t)rules_version(in->rules),
                                                     .text_zh = t->text_zh,
                                                     .text_en = t->text_en});
        if (t->code == CODE_DEVICE_SILENT) {
            u->silent = t->kind == TRANSITION_RAISE;
            fleet_dirty(in->fleet, u->place);
        }
        in->transition(in->ctx, u->lift_id, t);
    }
    if (count || input->kind != INPUT_TICK)
        touch(in, u);
    deadlines_set(&in->fleet->deadlines, u->place, rules_deadline_ms(in->rules, lift));
}

void intake_tick(struct intake *in, uint32_t unit, int64_t now_ms) {
    struct unit *u = in->fleet->units[unit];
    if (u->device && u->lift)
        step(in, u, &(struct rules_input){.kind = INPUT_TICK}, now_ms);
}

void intake_rearm(struct intake *in) {
    for (size_t i = 0; i < in->fleet->units_count; i++) {
        const struct unit *u = in->fleet->units[i];
        int64_t due_ms = u->device && u->lift ? rules_deadline_ms(in->rules, u->lift) : LIFT_NEVER;
        deadlines_set(&in->fleet->deadlines, (uint32_t)i, due_ms);
    }
}

void intake_listening(struct intake *in, bool listening, int64_t now_ms) {
    in->listening = listening;
    for (size_t i = 0; i < in->fleet->units_count; i++)
        if (in->fleet->units[i]->lift)
            lift_listening(in->fleet->units[i]->lift, listening, now_ms);
    intake_rearm(in);
}

static void take_live(struct intake *in, struct message *m, struct unit *u, const struct reading *r,
                      const struct batch_time *time) {
    struct batch_unit unit = whose(u);
    batch_reading(in->batch, m->origin, &unit, r, time);
    u->time = *time;
    step(in, u,
         &(struct rules_input){
             .kind = INPUT_READING, .reading = r, .at_ms = time->filed_ms, .clock_suspect = time->suspect},
         m->now_ms);
    fleet_dirty(in->fleet, u->place);
    m->result.live++;
}

static void take_reading(struct intake *in, struct message *m, struct device *d, const struct reading *r) {
    uint32_t place = fleet_unit(d, r->unit);
    if (place == FLEET_NONE) {
        char detail[32];
        snprintf(detail, sizeof detail, "unit %u", r->unit);
        refuse(in, m, "unknown_unit", detail);
        return;
    }
    struct unit *u = in->fleet->units[place];
    struct batch_unit unit = whose(u);
    struct batch_time time = intake_time(in, r->ts_ms, m->received_ms);
    struct track before = u->track;
    struct gap gap;
    bool has_gap;
    switch (position_arrive(&u->track, r->at, r->ts_ms, !time.suspect, &gap, &has_gap)) {
    case ARRIVAL_LIVE:
        if (has_gap)
            batch_gap(in->batch, &unit, &gap, before.known ? before.last_ts_ms : BATCH_NO_INSTANT, r->ts_ms);
        take_live(in, m, u, r, &time);
        break;
    case ARRIVAL_LATE:
        batch_late(in->batch, m->origin, &unit, r, &time);
        m->result.late++;
        break;
    case ARRIVAL_BOOT_FELL: {
        char detail[96];
        snprintf(detail, sizeof detail, "boot %u after %u, while the clock rose", r->at.boot,
                 before.last.boot);
        refuse(in, m, "boot_fell", detail);
        step(in, u, &(struct rules_input){.kind = INPUT_BOOT_FELL}, m->now_ms);
        break;
    }
    }
}

static void take_marker(struct intake *in, struct message *m, struct device *d, const struct marker *marker) {
    uint32_t place = fleet_unit(d, marker->unit);
    if (place == FLEET_NONE) {
        refuse(in, m, "unknown_unit", "marker");
        return;
    }
    struct unit *u = in->fleet->units[place];
    struct batch_unit unit = whose(u);
    int64_t last_ts_ms = u->track.known ? u->track.last_ts_ms : BATCH_NO_INSTANT;
    struct gap gap;
    if (position_mark(&u->track, marker, &gap))
        batch_gap(in->batch, &unit, &gap, last_ts_ms, BATCH_NO_INSTANT);
    batch_marker(in->batch, &unit, marker);
    touch(in, u);
}

/* The registered device a message claims to come from, or NULL after refusing it. */
static struct device *sender(struct intake *in, struct message *m) {
    struct device *d = fleet_device(in->fleet, m->where.device);
    if (!d)
        refuse(in, m, "unknown_device", NULL);
    else if (strcmp(d->area, m->where.area) != 0) {
        refuse(in, m, "unknown_device", "registered in another area");
        d = NULL;
    }
    return d;
}

static void take_up(struct intake *in, struct message *m) {
    struct decoded *decoded = in->scratch;
    enum decode_status status = decode_up(m->payload, m->bytes, decoded);
    if (status != DECODE_OK) {
        refuse_undecoded(in, m, status, &decoded->where);
        return;
    }
    struct device *d = sender(in, m);
    if (!d)
        return;
    m->origin = batch_message(in->batch, m->topic, m->payload, m->bytes, m->received_ms);
    for (size_t i = 0; i < decoded->markers_count; i++)
        take_marker(in, m, d, &decoded->markers[i]);
    for (size_t i = 0; i < decoded->readings_count; i++)
        take_reading(in, m, d, &decoded->readings[i]);
}

static void take_presence(struct intake *in, struct message *m) {
    bool online;
    enum decode_status status = decode_presence(m->payload, m->bytes, &online);
    if (status == DECODE_EMPTY)
        return; /* somebody cleared the retained message */
    if (status != DECODE_OK) {
        refuse_undecoded(in, m, status, NULL);
        return;
    }
    struct device *d = sender(in, m);
    if (!d)
        return;
    batch_presence(in->batch, d->area, d->name, online, m->received_ms);
    if (online)
        in->online(in->ctx, d);
}

struct intake_result intake_message(struct intake *in, const char *topic, const void *payload, size_t bytes,
                                    int64_t received_ms, int64_t now_ms, int64_t refusal_id) {
    struct message m = {.topic = topic,
                        .payload = payload,
                        .bytes = bytes,
                        .received_ms = received_ms,
                        .now_ms = now_ms,
                        .refusal_id = refusal_id,
                        .origin = COPY_NO_ORIGIN,
                        .result = {.outcome = INTAKE_LANDED, .reason = "landed"}};
    m.has_where = decode_topic(topic, &m.where) == DECODE_OK;
    if (!m.has_where)
        refuse(in, &m, decode_reason(DECODE_TOPIC), NULL);
    else if (m.where.kind == TOPIC_PRESENCE)
        take_presence(in, &m);
    else
        take_up(in, &m);
    if (refusal_id)
        batch_relanded(in->batch, refusal_id, m.result.reason);
    return m.result;
}
