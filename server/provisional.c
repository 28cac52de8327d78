/* Alarms of the highest priority that aren't recorded yet: told to open consoles as 'not yet recorded' while
 * the database is away or slow; no I/O. */
#include "provisional.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void provisional_init(struct provisional *v, void (*publish)(void *ctx, int64_t lift_id, const char *json),
                      void *ctx) {
    *v = (struct provisional){.publish = publish, .ctx = ctx};
}

static void forget(struct provisional *v, size_t i) {
    free(v->alarms[i].json);
    v->count--;
    memmove(&v->alarms[i], &v->alarms[i + 1], (v->count - i) * sizeof *v->alarms);
}

void provisional_fini(struct provisional *v) {
    while (v->count)
        forget(v, v->count - 1);
}

/* RFC 3339 in Asia/Shanghai, with milliseconds, as everywhere in the API. */
static void instant_text(int64_t ms, char out[64]) {
    time_t s = (time_t)((ms + 8 * 3600000LL) / 1000);
    struct tm t;
    char head[40];
    gmtime_r(&s, &t);
    strftime(head, sizeof head, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(out, 64, "%s.%03d+08:00", head, (int)(ms % 1000));
}

static char *to_json(int64_t lift_id, const struct transition *t) {
    char raised_at[64];
    instant_text(t->onset_ms, raised_at);
    json_t *object =
        json_pack("{s:b, s:I, s:i, s:i, s:i, s:s, s:s, s:s}", "provisional", 1, "lift_id",
                  (json_int_t)lift_id, "code", (int)t->code, "priority", (int)t->priority, "confidence",
                  (int)t->confidence, "raised_at", raised_at, "text_zh", t->text_zh, "text_en", t->text_en);
    char *json = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return json;
}

static void tell(struct provisional *v, struct provisional_alarm *alarm) {
    if (alarm->told)
        return;
    alarm->told = true;
    v->publish(v->ctx, alarm->lift_id, alarm->json);
}

static struct provisional_alarm *find(struct provisional *v, int64_t lift_id, const struct transition *t) {
    for (size_t i = 0; i < v->count; i++)
        if (v->alarms[i].lift_id == lift_id && v->alarms[i].code == t->code &&
            v->alarms[i].onset_ms == t->onset_ms)
            return &v->alarms[i];
    return NULL;
}

void provisional_raised(struct provisional *v, int64_t lift_id, const struct transition *t, uint64_t serial,
                        bool database_up) {
    struct provisional_alarm *alarm = find(v, lift_id, t);
    if (!alarm) {
        char *json = to_json(lift_id, t);
        if (!json)
            return; /* out of memory: the record will ring when it lands */
        if (v->count == PROVISIONAL_MAX)
            forget(v, 0);
        alarm = &v->alarms[v->count++];
        *alarm = (struct provisional_alarm){
            .lift_id = lift_id, .onset_ms = t->onset_ms, .code = t->code, .serial = serial, .json = json};
    } else if (serial < alarm->serial) {
        alarm->serial = serial;
    }
    if (!database_up)
        tell(v, alarm);
}

void provisional_publish(struct provisional *v) {
    for (size_t i = 0; i < v->count; i++)
        tell(v, &v->alarms[i]);
}

void provisional_landed(struct provisional *v, uint64_t serial) {
    for (size_t i = v->count; i-- > 0;)
        if (v->alarms[i].serial <= serial)
            forget(v, i);
}
