/* PURE: builds the dispatchers' sentences out of short parts; a part that no longer fits is left out whole.
 */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STALE_MS 60000

__attribute__((format(printf, 3, 4))) static void add(char text[RULES_TEXT_MAX_BYTES], const char *between,
                                                      const char *format, ...) {
    char part[RULES_TEXT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(part, sizeof part, format, arguments);
    va_end(arguments);
    size_t used = strlen(text), gap = used ? strlen(between) : 0;
    if (length < 0 || (size_t)length >= sizeof part || used + gap + (size_t)length >= RULES_TEXT_MAX_BYTES)
        return;
    memcpy(text + used, between, gap);
    memcpy(text + used + gap, part, (size_t)length + 1);
}

#define EN(...) add(t->text_en, ", ", __VA_ARGS__)
#define ZH(...) add(t->text_zh, "，", __VA_ARGS__)

static const char *const modes_en[] = {"stop mode",   "normal operation", "inspection mode", "fire recall",
                                       "firefighter", "emergency power",  "earthquake mode", "unknown mode"};
static const char *const modes_zh[] = {"停止服务",   "正常运行",     "检修",     "消防返回",
                                       "消防员运行", "应急电源运行", "地震模式", "未知模式"};

/* " at landing 3", " between landings near 3", " near landing 3", or nothing. */
static void place(char zh[64], char en[64], const struct facts *f) {
    const struct reading *r = &f->lift->now;
    bool known = reading_has(r, KEY_FLOOR);
    zh[0] = en[0] = '\0';
    if (f->in_zone == TRI_NO) {
        snprintf(en, 64, known ? " between landings near %d" : " between landings", r->floor);
        snprintf(zh, 64, known ? "在第%d层附近门区外" : "在门区外", r->floor);
    } else if (known) {
        snprintf(en, 64, f->in_zone == TRI_YES ? " at landing %d" : " near landing %d", r->floor);
        snprintf(zh, 64, f->in_zone == TRI_YES ? "在第%d层" : "在第%d层附近", r->floor);
    } else if (f->in_zone == TRI_YES) {
        snprintf(en, 64, " at a landing");
        snprintf(zh, 64, "在层站");
    }
}

static void add_stop(struct transition *t, const struct facts *f, int64_t lift_ms) {
    char zh[64], en[64];
    if (f->lift->stopped_since_ms == LIFT_NEVER)
        return;
    int64_t seconds = (lift_ms - f->lift->stopped_since_ms) / 1000;
    place(zh, en, f);
    if (seconds < 1) {
        EN("stopped%s", en);
        ZH("停%s", *zh ? zh : "梯");
        return;
    }
    EN("stopped%s for %" PRId64 " s", en, seconds);
    ZH("停%s已%" PRId64 "秒", *zh ? zh : "梯", seconds);
}

static void raise_trapped(struct transition *t, const struct facts *f, int64_t lift_ms) {
    if (f->occupied == TRI_YES) {
        EN("occupied");
        ZH("轿厢有人");
    } else if (f->lift->occupied_at_ms != 0) {
        EN("occupied when last sensed");
        ZH("轿厢此前有人");
    } else {
        EN(f->occupied == TRI_NO ? "people trapped though no one is sensed" : "people trapped");
        ZH(f->occupied == TRI_NO ? "有人被困（传感器显示无人）" : "有人被困");
    }
    add_stop(t, f, lift_ms);
    int row = rules_table_find(93);
    if (row >= 0 && (f->active >> row & 1u)) {
        EN("entrapment reported by the lift (code 93)");
        ZH("终端报平层关人（代码93）");
    }
    if (f->button) {
        EN("alarm button pressed");
        ZH("报警按钮已按下");
    }
    if (f->closed != TRI_UNKNOWN) {
        EN(f->closed == TRI_YES ? "doors closed" : "a door open");
        ZH(f->closed == TRI_YES ? "门关闭" : "门未关");
    }
    if (f->mains_lost) {
        EN("mains lost");
        ZH("主电源断电");
    }
}

static void raise_moving_open(struct transition *t, const struct facts *f) {
    const struct reading *r = &f->lift->now;
    bool up = r->motion == MOTION_UP;
    EN(up ? "moving up with a door open" : "moving down with a door open");
    ZH(up ? "开着门上行" : "开着门下行");
    if (reading_has(r, KEY_FLOOR)) {
        EN("near landing %d", r->floor);
        ZH("在第%d层附近", r->floor);
    }
    if (reading_has(r, KEY_SPEED)) {
        EN("%d mm/s", r->speed_mm_s);
        ZH("速度%d毫米/秒", r->speed_mm_s);
    }
    if (f->occupied == TRI_YES) {
        EN("occupied");
        ZH("轿厢有人");
    }
}

static void raise_mains(struct transition *t, const struct facts *f) {
    EN("mains lost");
    ZH("主电源断电");
    if (f->on_battery == TRI_YES) {
        EN("running on battery");
        ZH("电池供电");
    }
    if (f->mode == MODE_EMERGENCY_POWER) {
        EN("service mode is emergency power");
        ZH("处于应急电源运行模式");
    }
}

/* A car that fell silent on its way with people is another matter than one that stood empty. */
static void raise_silent(struct transition *t, const struct facts *f, int64_t heard_ago_ms) {
    EN("nothing heard for %" PRId64 " s", heard_ago_ms / 1000);
    ZH("已%" PRId64 "秒未收到数据", heard_ago_ms / 1000);
    if (f->occupied != TRI_YES)
        return;
    EN(f->stopped == TRI_NO ? "moving with people inside when last heard" : "occupied when last heard");
    ZH(f->stopped == TRI_NO ? "最后一次读数时载人运行中" : "最后一次读数时轿厢有人");
}

/* A row's name, and where the car is. */
static void raise_named(struct transition *t, const struct rule_row *row, const struct facts *f) {
    char zh[64], en[64];
    place(zh, en, f);
    EN("%s%s", row->name_en, en);
    ZH("%s", row->name_zh);
    if (*zh)
        ZH("轿厢%s", zh);
    if (row->priority <= 2 && f->occupied == TRI_YES) {
        EN("occupied");
        ZH("轿厢有人");
    }
}

void text_raise(struct transition *t, const struct rule_row *row, const struct facts *f, int64_t lift_ms,
                int64_t heard_ago_ms) {
    t->text_zh[0] = t->text_en[0] = '\0';
    switch (row->code) {
    case CODE_PEOPLE_TRAPPED:
        raise_trapped(t, f, lift_ms);
        break;
    case CODE_STOPPED_OUTSIDE_ZONE:
        add_stop(t, f, lift_ms);
        EN(f->occupied == TRI_YES ? "occupied" : f->occupied == TRI_NO ? "empty" : "occupancy unknown");
        ZH(f->occupied == TRI_YES ? "轿厢有人" : f->occupied == TRI_NO ? "轿厢无人" : "有无乘客未知");
        break;
    case CODE_MOVING_DOOR_OPEN:
        raise_moving_open(t, f);
        break;
    case CODE_MAINS_LOST:
        raise_mains(t, f);
        break;
    case CODE_DEVICE_SILENT:
        raise_silent(t, f, heard_ago_ms);
        return;
    case CODE_BOOT_FELL:
        EN("a reading was refused because the device's boot counter fell");
        ZH("终端启动计数倒退，读数被拒收");
        return;
    case CODE_CLOCK_WRONG:
        EN("the device's clock is not believed, arrival time is used instead");
        ZH("终端时钟不可信，改用到达时间");
        return;
    default:
        raise_named(t, row, f);
    }
    if (heard_ago_ms >= STALE_MS) {
        EN("nothing heard for %" PRId64 " s", heard_ago_ms / 1000);
        ZH("已%" PRId64 "秒未收到数据", heard_ago_ms / 1000);
    }
}

static void clear_trapped(struct transition *t, const struct facts *f) {
    if (f->stopped == TRI_NO) {
        EN("the car moves again");
        ZH("轿厢已重新运行");
    } else if (f->closed == TRI_NO) {
        EN(f->in_zone == TRI_NO ? "a door is open between landings" : "a door is open at a landing");
        ZH(f->in_zone == TRI_NO ? "轿厢在门区外但门已打开" : "轿厢在层站且门已打开");
    } else if (f->occupied == TRI_NO) {
        EN("no one is sensed in the car any more");
        ZH("轿厢内已无人");
    }
}

void text_clear(struct transition *t, const struct rule_row *row, const struct facts *f, bool suppressed) {
    t->text_zh[0] = t->text_en[0] = '\0';
    EN("over: %s", row->name_en);
    ZH("已结束：%s", row->name_zh);
    if (suppressed && f->mode >= 0 && f->mode < 8) {
        EN("not judged in %s", modes_en[f->mode]);
        ZH("%s时不作判断", modes_zh[f->mode]);
    } else if (row->code == CODE_PEOPLE_TRAPPED)
        clear_trapped(t, f);
}
