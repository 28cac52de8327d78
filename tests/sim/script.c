/* Faults at times; see script.h. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a fault's word takes: nothing, a time, a number and a time, or an offset and perhaps a time. */
enum takes { NOTHING, TIME, NUMBER_AND_TIME, OFFSET };

static const struct word {
    const char *name;
    enum fault_kind kind;
    enum takes takes;
    int64_t value;  /* where the word implies one */
    int64_t for_ms; /* where it takes NOTHING */
} words[] = {
    {"trap", FAULT_TRAP, TIME, 0, 0},
    {"stop_outside_zone", FAULT_STOP_OUTSIDE_ZONE, TIME, 0, 0},
    {"door_open_moving", FAULT_DOOR_OPEN_MOVING, TIME, 0, 0},
    {"code", FAULT_CODE, NUMBER_AND_TIME, 0, 0},
    {"mains_lost", FAULT_CODE, TIME, 41, 0},
    {"out_of_service", FAULT_CODE, TIME, 42, 0},
    {"inspection", FAULT_CODE, TIME, 43, 0},
    {"button", FAULT_CODE, NOTHING, 90, 5000},
    {"test_call", FAULT_CODE, NOTHING, 100, 5000},
    {"mode", FAULT_MODE, NUMBER_AND_TIME, 0, 0},
    {"silent", FAULT_SILENT, TIME, 0, 0},
    {"offline", FAULT_OFFLINE, TIME, 0, 0},
    {"clock", FAULT_CLOCK, OFFSET, 0, 0},
    {"reboot", FAULT_REBOOT, NOTHING, 0, 0},
    {"boot_fall", FAULT_BOOT_FALL, TIME, 0, 0},
    {"garbage", FAULT_GARBAGE, NOTHING, 0, 0},
    {"duplicate", FAULT_DUPLICATE, NOTHING, 0, 0},
};

/* Seconds as text to ms; false when it is none of 0 .. 10,000,000. */
static bool seconds(const char *text, int64_t *ms) {
    char *end;
    double value = text ? strtod(text, &end) : -1;
    if (!text || *text == '\0' || *end || !(value >= 0 && value <= 1e7))
        return false;
    *ms = (int64_t)(value * 1000);
    return true;
}

static bool whole(const char *text, int64_t highest, int64_t *out) {
    if (!text || !*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
        return false;
    *out = atoll(text);
    return *out <= highest;
}

/* "+2h", "-30m", "90s", "+1d" to ms. */
static bool offset(const char *text, int64_t *ms) {
    char *unit;
    double value = text ? strtod(text, &unit) : 0;
    if (!text || unit == text || unit[0] == '\0' || unit[1] != '\0' || !(value > -1e6 && value < 1e6))
        return false;
    static const char letters[] = "smhd";
    static const double factors[] = {1e3, 60e3, 3600e3, 86400e3};
    const char *found = strchr(letters, unit[0]);
    if (!found)
        return false;
    *ms = (int64_t)(value * factors[found - letters]);
    return true;
}

static const char *arguments(const struct word *word, struct fault *fault, char **save) {
    fault->kind = word->kind;
    fault->value = word->value;
    fault->for_ms = word->for_ms;
    if (word->takes == NUMBER_AND_TIME &&
        !whole(strtok_r(NULL, " \t", save), word->kind == FAULT_MODE ? 7 : 65535, &fault->value))
        return "a number is missing or too large";
    if (word->takes == OFFSET && !offset(strtok_r(NULL, " \t", save), &fault->value))
        return "an offset like +2h, -30m, 90s, +1d is missing";
    const char *time = word->takes == NOTHING ? NULL : strtok_r(NULL, " \t", save);
    if (word->takes != NOTHING && (time || word->takes != OFFSET) && !seconds(time, &fault->for_ms))
        return "how many seconds it lasts is missing or wrong";
    return strtok_r(NULL, " \t", save) ? "something is left over at the end" : NULL;
}

/* NULL, or what is wrong with the line. */
static const char *parse(char *line, struct fault *fault) {
    char *save = NULL;
    const char *when = strtok_r(line, " \t", &save), *lift = strtok_r(NULL, " \t", &save);
    if (!when || strncmp(when, "t=", 2) != 0 || !seconds(when + 2, &fault->at_ms))
        return "expected t=SECONDS";
    int64_t number = 0;
    if (!lift || strncmp(lift, "lift=", 5) != 0 ||
        (strcmp(lift + 5, "*") != 0 && (!whole(lift + 5, 1000000, &number) || number == 0)))
        return "expected lift=N or lift=*";
    fault->lift = (int)number;
    const char *name = strtok_r(NULL, " \t", &save);
    for (size_t i = 0; name && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(name, words[i].name) == 0)
            return arguments(&words[i], fault, &save);
    return "no such fault";
}

static int by_time(const void *a, const void *b) {
    const struct fault *x = a, *y = b;
    return x->at_ms < y->at_ms ? -1 : x->at_ms > y->at_ms;
}

/* Adds one line's fault; false when it is wrong (said) or memory is out. */
static bool add_line(struct script *s, const char *path, int number, char *line) {
    line[strcspn(line, "#\r\n")] = '\0';
    if (line[strspn(line, " \t")] == '\0')
        return true;
    struct fault *more = realloc(s->faults, (s->count + 1) * sizeof *more);
    if (!more)
        return false;
    s->faults = more;
    const char *error = parse(line, &more[s->count]);
    if (error) {
        fprintf(stderr, "liftsim: %s:%d: %s\n", path, number, error);
        return false;
    }
    s->count++;
    return true;
}

bool script_read(struct script *s, const char *path) {
    *s = (struct script){.faults = NULL};
    if (!path)
        return true;
    FILE *file = fopen(path, "r");
    if (!file) {
        perror(path);
        return false;
    }
    char *line = NULL;
    size_t room = 0;
    bool ok = true;
    for (int number = 1; ok && getline(&line, &room, file) > 0; number++)
        ok = add_line(s, path, number, line);
    free(line);
    fclose(file);
    if (s->count > 1) /* stable for equal times in glibc: merge sort */
        qsort(s->faults, s->count, sizeof *s->faults, by_time);
    return ok;
}

void script_free(struct script *s) {
    free(s->faults);
    *s = (struct script){.faults = NULL};
}

const struct fault *script_due(struct script *s, int64_t elapsed_ms) {
    if (s->next == s->count || s->faults[s->next].at_ms > elapsed_ms)
        return NULL;
    return &s->faults[s->next++];
}

struct fault script_random(struct dice *dice) {
    static const struct {
        int weight;
        enum fault_kind kind;
        int64_t value;
        int shortest_s, longest_s;
    } kinds[] = {
        {10, FAULT_TRAP, 0, 150, 600},        {8, FAULT_STOP_OUTSIDE_ZONE, 0, 60, 300},
        {6, FAULT_DOOR_OPEN_MOVING, 0, 2, 6}, {14, FAULT_CODE, 2, 20, 180},
        {10, FAULT_CODE, 3, 20, 180},         {6, FAULT_CODE, 41, 60, 900},
        {8, FAULT_CODE, 42, 300, 1800},       {10, FAULT_CODE, 43, 600, 1800},
        {4, FAULT_CODE, 8, 120, 900},         {4, FAULT_CODE, 7, 60, 300},
        {5, FAULT_CODE, 90, 5, 10},           {5, FAULT_CODE, 100, 5, 5},
        {6, FAULT_OFFLINE, 0, 20, 600},       {3, FAULT_SILENT, 0, 360, 900},
        {4, FAULT_REBOOT, 0, 0, 0},           {1, FAULT_GARBAGE, 0, 0, 0},
        {2, FAULT_DUPLICATE, 0, 0, 0},
    };
    int total = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        total += kinds[i].weight;
    int drawn = dice_range(dice, 0, total - 1);
    size_t i = 0;
    while (drawn >= kinds[i].weight)
        drawn -= kinds[i++].weight;
    return (struct fault){.kind = kinds[i].kind,
                          .value = kinds[i].value,
                          .for_ms =
                              1000 * (int64_t)dice_range(dice, kinds[i].shortest_s, kinds[i].longest_s)};
}
