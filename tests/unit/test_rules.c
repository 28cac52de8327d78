/* Tests of the rules: the cases of rules_cases.txt, played one by one, and the table against its golden file.
 */
#include "../../alerts/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CASES "tests/unit/rules_cases.txt"
#define GOLDEN "tests/unit/rules_table.golden.json"
/* Second 0 of every case. */
#define BASE_MS INT64_C(1790000000000)

/* One case under way: the lift, what its device last said of its flags, and what a step gave. */
struct play {
    const struct rules *rules;
    struct lift lift;
    uint16_t flags;
    uint64_t seq;
    struct transition out[RULES_TRANSITIONS_MAX];
    size_t count, expected;
    char name[128];
    int line, cases, failures;
};

static int64_t at(const char *seconds) {
    return BASE_MS + (int64_t)(strtod(seconds, NULL) * 1000.0 + (seconds[0] == '-' ? -0.5 : 0.5));
}

static void complain(struct play *p, const char *what) {
    p->failures++;
    print_error(CASES ":%d: case %s: %s\n", p->line, p->name, what);
}

static void describe(char text[512], const struct transition *t) {
    snprintf(text, 512, "%s %d onset=%g at=%g confidence=%d '%s'",
             t->kind == TRANSITION_RAISE ? "raise" : "clear", t->code,
             (double)(t->onset_ms - BASE_MS) / 1000.0, (double)(t->at_ms - BASE_MS) / 1000.0, t->confidence,
             t->text_en);
}

/* Whatever the last event gave must have been expected by the lines after it. */
static void settle(struct play *p) {
    for (; p->expected < p->count; p->expected++) {
        char text[512], message[560];
        describe(text, &p->out[p->expected]);
        snprintf(message, sizeof message, "before this line nobody expected: %s", text);
        complain(p, message);
    }
    p->count = p->expected = 0;
}

static bool take_flag(struct play *p, const char *key, const char *value) {
    static const struct {
        const char *name;
        uint16_t flag;
    } names[] = {{"zone", FLAG_IN_DOOR_ZONE},
                 {"front", FLAG_FRONT_DOOR_CLOSED},
                 {"rear", FLAG_REAR_DOOR_CLOSED},
                 {"occupied", FLAG_CAR_OCCUPIED},
                 {"battery", FLAG_ON_BATTERY}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(key, names[i].name) != 0)
            continue;
        unsigned known = (unsigned)names[i].flag << FLAG_KNOWN_SHIFT;
        unsigned flags = p->flags & ~(known | names[i].flag);
        if (*value != '?')
            flags |= known | (*value == '1' ? names[i].flag : 0u);
        p->flags = (uint16_t)flags;
        return true;
    }
    return false;
}

static void take_codes(struct reading *r, char *value) {
    r->present |= 1u << KEY_CODES;
    r->codes_count = 0;
    for (char *save = NULL, *code = strtok_r(value, ",", &save); code; code = strtok_r(NULL, ",", &save))
        r->codes[r->codes_count++] = (uint16_t)atoi(code);
}

/* `key=value` of a reading. false: no such key. */
static bool take(struct play *p, struct reading *r, struct rules_input *input, int64_t *arrival_ms,
                 char *word) {
    char *value = strchr(word, '=');
    if (strcmp(word, "suspect") == 0) {
        input->clock_suspect = true;
        return true;
    }
    if (!value)
        return false;
    *value++ = '\0';
    if (take_flag(p, word, value)) {
        r->present |= 1u << KEY_FLAGS;
        r->flags = p->flags;
        return true;
    }
    int number = atoi(value);
    if (strcmp(word, "codes") == 0)
        take_codes(r, value);
    else if (strcmp(word, "arrival") == 0)
        *arrival_ms = at(value);
#define NUMBER(name, key, field)                                                                             \
    else if (strcmp(word, name) == 0) r->present |= 1u << key, r->field = (__typeof__(r->field))number;
    NUMBER("mode", KEY_MODE, mode)
    NUMBER("motion", KEY_MOTION, motion)
    NUMBER("floor", KEY_FLOOR, floor)
    NUMBER("speed", KEY_SPEED, speed_mm_s)
    NUMBER("cycles", KEY_DOOR_CYCLES, door_cycles)
#undef NUMBER
    else return false;
    return true;
}

static void hear(struct play *p, const char *seconds, char **save) {
    struct reading r = {.present = 1u << KEY_SEQ | 1u << KEY_BOOT | 1u << KEY_TS, .at = {1, ++p->seq}};
    struct rules_input input = {.kind = INPUT_READING, .reading = &r, .at_ms = at(seconds)};
    int64_t arrival_ms = input.at_ms;
    r.ts_ms = input.at_ms;
    for (char *word = strtok_r(NULL, " ", save); word; word = strtok_r(NULL, " ", save))
        if (!take(p, &r, &input, &arrival_ms, word))
            complain(p, "a word of this reading isn't understood");
    if (input.clock_suspect)
        input.at_ms = arrival_ms;
    p->count = rules_step(p->rules, &p->lift, &input, arrival_ms, p->out);
}

static void expect(struct play *p, enum transition_kind kind, char **save) {
    char *word = strtok_r(NULL, " ", save), text[512], message[560];
    if (p->expected >= p->count) {
        complain(p, "this transition didn't come");
        return;
    }
    const struct transition *t = &p->out[p->expected++];
    bool same = word && t->kind == kind && t->code == atoi(word);
    while (same && (word = strtok_r(NULL, " ", save))) {
        if (strncmp(word, "onset=", 6) == 0)
            same = t->onset_ms == at(word + 6);
        else if (strncmp(word, "at=", 3) == 0)
            same = t->at_ms == at(word + 3);
        else if (strncmp(word, "confidence=", 11) == 0)
            same = t->confidence == atoi(word + 11);
        else if (strcmp(word, ":") == 0) {
            same = strcmp(t->text_en, *save) == 0 || strcmp(t->text_zh, *save) == 0;
            break;
        } else
            same = false;
    }
    if (same)
        return;
    describe(text, t);
    snprintf(message, sizeof message, "what came is: %s %s", text, t->text_zh);
    complain(p, message);
}

static void begin_case(struct play *p, const char *name) {
    snprintf(p->name, sizeof p->name, "%s", name);
    p->cases++;
    p->flags = 0;
    p->seq = 0;
    p->rules = rules_default(NULL);
    lift_init(&p->lift);
}

static void set_rules(struct play *p, char **save) {
    struct rules_settings settings = {0, 0};
    for (char *word = strtok_r(NULL, " ", save); word; word = strtok_r(NULL, " ", save)) {
        if (strncmp(word, "silent=", 7) == 0)
            settings.silent_after_ms = atoi(word + 7) * 1000;
        else if (strncmp(word, "trapped=", 8) == 0)
            settings.trapped_hold_ms = atoi(word + 8) * 1000;
        else
            complain(p, "no such setting");
    }
    p->rules = rules_default(&settings);
}

static void check_deadline(struct play *p, const char *seconds) {
    int64_t due = rules_deadline_ms(p->rules, &p->lift);
    char message[96];
    if (!seconds || due == (strcmp(seconds, "never") == 0 ? LIFT_NEVER : at(seconds)))
        return;
    snprintf(message, sizeof message, "the deadline is %g", (double)(due - BASE_MS) / 1000.0);
    complain(p, message);
}

/* `SECONDS tick|boot_fell|deaf|listen|reading ...` */
static void event(struct play *p, const char *seconds, char **save) {
    const char *what = strtok_r(NULL, " ", save);
    struct rules_input input = {.kind = INPUT_TICK};
    settle(p);
    if (what && strcmp(what, "reading") == 0)
        hear(p, seconds, save);
    else if (what && strcmp(what, "tick") == 0)
        p->count = rules_step(p->rules, &p->lift, &input, at(seconds), p->out);
    else if (what && strcmp(what, "boot_fell") == 0) {
        input.kind = INPUT_BOOT_FELL;
        p->count = rules_step(p->rules, &p->lift, &input, at(seconds), p->out);
    } else if (what && (strcmp(what, "deaf") == 0 || strcmp(what, "listen") == 0))
        lift_listening(&p->lift, *what == 'l', at(seconds));
    else
        complain(p, "no such event");
}

static void play_line(struct play *p, char *line) {
    char *save = NULL;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || line[strspn(line, " ")] == '\0')
        return;
    char *word = strtok_r(line, " ", &save);
    if (strcmp(word, "case") == 0) {
        settle(p);
        begin_case(p, save);
    } else if (strcmp(word, "set") == 0)
        set_rules(p, &save);
    else if (strcmp(word, "raise") == 0)
        expect(p, TRANSITION_RAISE, &save);
    else if (strcmp(word, "clear") == 0)
        expect(p, TRANSITION_CLEAR, &save);
    else if (strcmp(word, "deadline") == 0)
        check_deadline(p, strtok_r(NULL, " ", &save));
    else
        event(p, word, &save);
}

static void cases_play_as_written(void **state) {
    static struct play p;
    static char line[512];
    int per_code[300] = {0};
    (void)state;
    FILE *file = fopen(CASES, "r");
    assert_non_null(file);
    for (p.line = 1; fgets(line, sizeof line, file); p.line++) {
        int code = strncmp(line, "case ", 5) == 0 ? atoi(line + 5) : 0;
        if (code > 0 && code < 300)
            per_code[code]++;
        play_line(&p, line);
    }
    settle(&p);
    fclose(file);
    print_message("%d cases\n", p.cases);
    for (int code = CODE_PEOPLE_TRAPPED; code <= CODE_CLOCK_WRONG; code++)
        assert_true(per_code[code] >= 6);
    assert_int_equal(p.failures, 0);
}

static void table_is_the_golden_one(void **state) {
    static char table[65536], golden[65536];
    (void)state;
    size_t length = rules_json(rules_default(NULL), table, sizeof table);
    assert_true(length < sizeof table);
    if (getenv("LIFTD_WRITE_GOLDEN")) {
        FILE *out = fopen(GOLDEN, "w");
        assert_non_null(out);
        assert_int_equal(fwrite(table, 1, length, out), length);
        assert_int_equal(fclose(out), 0);
    }
    FILE *file = fopen(GOLDEN, "r");
    assert_non_null(file);
    golden[fread(golden, 1, sizeof golden - 1, file)] = '\0';
    fclose(file);
    if (strcmp(table, golden) != 0)
        print_error(
            "the table changed: raise RULES_TABLE_VERSION if a row means something else now, run this "
            "with LIFTD_WRITE_GOLDEN=1 and look at the difference\n");
    assert_string_equal(table, golden);
}

static void json_that_does_not_fit_is_cut_and_measured(void **state) {
    static char whole[65536], cut[101];
    (void)state;
    const struct rules *rules = rules_default(NULL);
    size_t length = rules_json(rules, whole, sizeof whole);
    assert_int_equal(strlen(whole), length);
    assert_int_equal(rules_json(rules, cut, sizeof cut), length);
    assert_int_equal(strlen(cut), sizeof cut - 1);
    assert_memory_equal(cut, whole, sizeof cut - 1);
    assert_int_equal(rules_json(rules, NULL, 0), length);
}

static void settings_show_in_the_table(void **state) {
    static char table[65536];
    struct rules_settings settings = {.silent_after_ms = 123456, .trapped_hold_ms = 45678};
    (void)state;
    rules_json(rules_default(&settings), table, sizeof table);
    assert_non_null(strstr(table, "\"hold_ms\": 123456"));
    assert_non_null(strstr(table, "\"hold_ms\": 45678"));
    rules_default(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_play_as_written),
        cmocka_unit_test(table_is_the_golden_one),
        cmocka_unit_test(json_that_does_not_fit_is_cut_and_measured),
        cmocka_unit_test(settings_show_in_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
