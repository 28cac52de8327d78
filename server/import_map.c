/* Mapping files: reading the INI, resolving names against a header, and making each value of a record. */
#include "import_map.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ingest/require.h"

#define NAME_MAX_BYTES 64
#define PIECES_MAX 16
#define STEPS_MAX 8
/* inih hands over at most this many bytes of a line. */
#define LINE_MAX_BYTES 196

enum step_kind { STEP_MAP, STEP_DATE, STEP_TIMES, STEP_ROUND, STEP_BLANK, STEP_SQUEEZE, STEP_OPTIONAL };

struct step {
    enum step_kind kind;
    char *argument; /* map: its name; date: its form; blank: its words; in the rule's text */
    double factor;  /* times */
    int table;      /* map: index in tables, resolved when the file has been read */
};

struct piece {
    const char *text; /* literal text, or the name of a column */
    bool is_column, may_be_empty;
    int source; /* column: index in the record, or -1 - index of one of the mapping's own */
};

struct rule {
    char section[NAME_MAX_BYTES];
    char name[NAME_MAX_BYTES];
    int line;
    char *text; /* the value, cut up by NULs; pieces and steps point into it */
    struct piece piece[PIECES_MAX];
    size_t pieces;
    struct step step[STEPS_MAX];
    size_t steps;
    bool optional;
};

struct entry {
    char *from, *to;
};

struct table {
    char name[NAME_MAX_BYTES];
    struct entry *entry;
    size_t count;
    const char *otherwise; /* of "*", NULL: anything else is a fault */
};

struct own {
    char value[IMPORT_VALUE_MAX_BYTES];
    struct import_fault fault;
    bool ready;
};

struct import_map {
    bool plain;
    struct rule *rule;
    size_t rules;
    struct table *table;
    size_t tables;
    char **first; /* sections with _repeated = first */
    size_t firsts;
    /* Of the section bound: */
    const struct rule *target_rule[IMPORT_RULES_MAX];
    struct import_target target[IMPORT_RULES_MAX];
    size_t targets;
    const struct rule *own_rule[IMPORT_RULES_MAX];
    size_t owns;
    bool bound_first;
    /* Of the record at hand: */
    const struct import_record *record;
    struct own own[IMPORT_RULES_MAX];
    char value[IMPORT_VALUE_MAX_BYTES];
};

/* Where a mapping is being read from, for messages. */
struct reading_state {
    struct import_map *map;
    FILE *file;
    const char *path;
    int line;
    char *error;
    size_t error_bytes;
};

static bool wrong(struct reading_state *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct reading_state *s, const char *format, ...) {
    if (s->error[0] != '\0')
        return false;
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(s->error, s->error_bytes, "%s:%d: %s", s->path, s->line, text);
    return false;
}

static char *trimmed(char *text) {
    while (*text == ' ' || *text == '\t')
        text++;
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        text[--n] = '\0';
    return text;
}

static char *copy_of(const char *text) {
    char *copy = strdup(text);
    REQUIRE(copy != NULL);
    return copy;
}

static void *grown(void *list, size_t count, size_t size) {
    void *larger = realloc(list, (count + 1) * size);
    REQUIRE(larger != NULL);
    return larger;
}

/* Cuts "text {Column} more" into pieces. A NUL takes the place of each bracket. */
static bool template_read(struct reading_state *s, struct rule *r, char *text) {
    while (*text != '\0') {
        if (r->pieces + 2 > PIECES_MAX)
            return wrong(s, "%s has more than %d parts", r->name, PIECES_MAX / 2);
        char *open = strchr(text, '{');
        if (open != text) {
            r->piece[r->pieces++] = (struct piece){.text = text};
            if (open == NULL)
                return true;
        }
        char *close = strchr(open, '}');
        if (close == NULL)
            return wrong(s, "%s: { without }", r->name);
        *open = *close = '\0';
        bool may_be_empty = open[1] == '?';
        char *column = trimmed(open + 1 + may_be_empty);
        if (*column == '\0')
            return wrong(s, "%s: {} without the name of a column", r->name);
        r->piece[r->pieces++] =
            (struct piece){.text = column, .is_column = true, .may_be_empty = may_be_empty};
        text = close + 1;
    }
    return true;
}

static bool date_form_is_good(const char *form) {
    int y = 0, m = 0, d = 0;
    for (; *form != '\0'; form++) {
        if (isdigit((unsigned char)*form) || (isalpha((unsigned char)*form) && strchr("ymd", *form) == NULL))
            return false;
        y += *form == 'y';
        m += *form == 'm';
        d += *form == 'd';
    }
    return y == 4 && m == 2 && d == 2;
}

/* One step: "map borough", "times 5.08", ... */
static bool step_read(struct reading_state *s, struct rule *r, char *text) {
    if (r->steps == STEPS_MAX)
        return wrong(s, "%s has more than %d steps", r->name, STEPS_MAX);
    char *argument = text + strcspn(text, " \t");
    if (*argument != '\0')
        *argument++ = '\0';
    argument = trimmed(argument);
    static const struct {
        const char *name;
        enum step_kind kind;
        bool takes_argument;
    } kinds[] = {{"map", STEP_MAP, true},           {"date", STEP_DATE, true},
                 {"times", STEP_TIMES, true},       {"round", STEP_ROUND, false},
                 {"blank", STEP_BLANK, true},       {"squeeze", STEP_SQUEEZE, false},
                 {"optional", STEP_OPTIONAL, false}};
    size_t k = 0;
    while (k < sizeof kinds / sizeof *kinds && strcmp(kinds[k].name, text) != 0)
        k++;
    if (k == sizeof kinds / sizeof *kinds)
        return wrong(s, "%s: there is no step '%s' (map, date, times, round, blank, squeeze, optional)",
                     r->name, text);
    if (kinds[k].takes_argument != (*argument != '\0'))
        return wrong(s, "%s: step %s %s", r->name, text,
                     *argument != '\0' ? "takes nothing more" : "lacks its argument");
    struct step *step = &r->step[r->steps++];
    *step = (struct step){.kind = kinds[k].kind, .argument = argument, .table = -1};
    if (step->kind == STEP_DATE && !date_form_is_good(argument))
        return wrong(s, "%s: a date's form has four y, two m and two d, not '%s'", r->name, argument);
    if (step->kind == STEP_TIMES) {
        char *end;
        step->factor = strtod(argument, &end);
        if (*end != '\0' || !isfinite(step->factor) || step->factor == 0)
            return wrong(s, "%s: times wants a number, not '%s'", r->name, argument);
    }
    r->optional = r->optional || step->kind == STEP_OPTIONAL;
    return true;
}

static bool rule_read(struct reading_state *s, const char *section, const char *name, const char *value) {
    struct import_map *map = s->map;
    size_t in_section = 0;
    for (size_t i = 0; i < map->rules; i++) {
        if (strcmp(map->rule[i].section, section) != 0)
            continue;
        in_section++;
        if (strcmp(map->rule[i].name, name) == 0)
            return wrong(s, "%s is given twice in [%s]", name, section);
    }
    if (in_section == IMPORT_RULES_MAX)
        return wrong(s, "more than %d columns in [%s]", IMPORT_RULES_MAX, section);
    map->rule = grown(map->rule, map->rules, sizeof *map->rule);
    struct rule *r = &map->rule[map->rules++];
    memset(r, 0, sizeof *r);
    snprintf(r->section, sizeof r->section, "%s", section);
    snprintf(r->name, sizeof r->name, "%s", name);
    r->line = s->line;
    r->text = copy_of(value);
    char *rest = r->text;
    char *text = trimmed(strsep(&rest, "|"));
    if (!template_read(s, r, text))
        return false;
    while (rest != NULL)
        if (!step_read(s, r, trimmed(strsep(&rest, "|"))))
            return false;
    return true;
}

static bool table_read(struct reading_state *s, const char *name, const char *from, const char *to) {
    struct import_map *map = s->map;
    size_t t = 0;
    while (t < map->tables && strcmp(map->table[t].name, name) != 0)
        t++;
    if (t == map->tables) {
        map->table = grown(map->table, map->tables, sizeof *map->table);
        map->table[map->tables] = (struct table){0};
        snprintf(map->table[map->tables++].name, NAME_MAX_BYTES, "%s", name);
    }
    struct table *table = &map->table[t];
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->entry[i].from, from) == 0)
            return wrong(s, "'%s' is given twice in [map %s]", from, name);
    table->entry = grown(table->entry, table->count, sizeof *table->entry);
    table->entry[table->count] = (struct entry){.from = copy_of(from), .to = copy_of(to)};
    if (strcmp(from, "*") == 0)
        table->otherwise = table->entry[table->count].to;
    table->count++;
    return true;
}

static int on_line(void *user, const char *section, const char *name, const char *value) {
    struct reading_state *s = user;
    if (strlen(section) >= NAME_MAX_BYTES || strlen(name) >= NAME_MAX_BYTES)
        return wrong(s, "a name of more than %d bytes", NAME_MAX_BYTES - 1);
    if (strncmp(section, "map ", 4) == 0)
        return table_read(s, section + 4, name, value);
    if (*section == '\0')
        return wrong(s, "%s stands before the first [section]", name);
    if (name[0] != '_')
        return rule_read(s, section, name, value);
    if (strcmp(name, "_repeated") != 0 || strcmp(value, "first") != 0)
        return wrong(s, "there is only '_repeated = first', not '%s = %s'", name, value);
    s->map->first = grown(s->map->first, s->map->firsts, sizeof *s->map->first);
    s->map->first[s->map->firsts++] = copy_of(section);
    return 1;
}

/* Hands inih one line; one it would cut in two silently is an error. */
static char *next_line(char *out, int bytes, void *stream) {
    struct reading_state *s = stream;
    if (s->error[0] != '\0' || fgets(out, bytes, s->file) == NULL)
        return NULL;
    s->line++;
    if (strchr(out, '\n') == NULL && !feof(s->file)) {
        wrong(s, "a line of more than %d bytes", LINE_MAX_BYTES);
        return NULL;
    }
    return out;
}

/* Every map named by a step must exist. */
static bool tables_resolve(struct reading_state *s) {
    struct import_map *map = s->map;
    for (size_t i = 0; i < map->rules; i++) {
        struct rule *r = &map->rule[i];
        for (size_t k = 0; k < r->steps; k++) {
            if (r->step[k].kind != STEP_MAP)
                continue;
            for (size_t t = 0; t < map->tables; t++)
                if (strcmp(map->table[t].name, r->step[k].argument) == 0)
                    r->step[k].table = (int)t;
            s->line = r->line;
            if (r->step[k].table < 0)
                return wrong(s, "%s: there is no section [map %s]", r->name, r->step[k].argument);
        }
    }
    return true;
}

struct import_map *import_map_open(const char *path, char *error, size_t error_bytes) {
    error[0] = '\0';
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        snprintf(error, error_bytes, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct import_map *map = calloc(1, sizeof *map);
    REQUIRE(map != NULL);
    struct reading_state s = {
        .map = map, .file = file, .path = path, .error = error, .error_bytes = error_bytes};
    int bad_line = ini_parse_stream(next_line, &s, on_line, &s);
    if (bad_line != 0 && error[0] == '\0') {
        s.line = bad_line > 0 ? bad_line : s.line;
        wrong(&s, "neither [section] nor name = value");
    }
    fclose(file);
    if (error[0] == '\0' && tables_resolve(&s))
        return map;
    import_map_close(map);
    return NULL;
}

struct import_map *import_map_plain(void) {
    struct import_map *map = calloc(1, sizeof *map);
    REQUIRE(map != NULL);
    map->plain = true;
    return map;
}

static void rules_clear(struct import_map *map) {
    for (size_t i = 0; i < map->rules; i++)
        free(map->rule[i].text);
    free(map->rule);
    map->rule = NULL;
    map->rules = 0;
}

void import_map_close(struct import_map *map) {
    rules_clear(map);
    for (size_t t = 0; t < map->tables; t++) {
        for (size_t i = 0; i < map->table[t].count; i++) {
            free(map->table[t].entry[i].from);
            free(map->table[t].entry[i].to);
        }
        free(map->table[t].entry);
    }
    free(map->table);
    for (size_t i = 0; i < map->firsts; i++)
        free(map->first[i]);
    free(map->first);
    free(map);
}

bool import_map_has(const struct import_map *map, const char *kind) {
    if (map->plain)
        return true;
    for (size_t i = 0; i < map->rules; i++)
        if (strcmp(map->rule[i].section, kind) == 0)
            return true;
    return false;
}

/* --- binding to a header ------------------------------------------------------------------------------- */

/* Makes a plain mapping's rules: one per column of the header, under its own name. */
static bool plain_rules(struct import_map *map, const char *kind, const struct import_record *header,
                        char *error, size_t error_bytes) {
    rules_clear(map);
    for (size_t i = 0; i < header->count; i++) {
        if (header->field[i][0] == '\0')
            continue; /* a nameless column, as spreadsheets leave at the end */
        char value[NAME_MAX_BYTES + 3];
        struct reading_state s = {.map = map,
                                  .path = "the file",
                                  .line = (int)header->line,
                                  .error = error,
                                  .error_bytes = error_bytes};
        if (strlen(header->field[i]) >= NAME_MAX_BYTES)
            return wrong(&s, "the name of a column has more than %d bytes", NAME_MAX_BYTES - 1);
        snprintf(value, sizeof value, "{%s}", header->field[i]);
        if (strpbrk(header->field[i], "{}|?") != NULL)
            return wrong(&s, "there is no column '%s' to import", header->field[i]);
        if (!rule_read(&s, kind, header->field[i], value))
            return false;
    }
    return true;
}

/* Finds what a column's name stands for: one of the mapping's own before this rule, else one of the file's.
 */
static bool column_resolve(struct import_map *map, struct piece *p, size_t owns,
                           const struct import_record *header) {
    for (size_t i = 0; i < owns; i++)
        if (strcmp(map->own_rule[i]->name, p->text) == 0) {
            p->source = -1 - (int)i;
            return true;
        }
    for (size_t i = 0; i < header->count; i++)
        if (strcmp(header->field[i], p->text) == 0) {
            p->source = (int)i;
            return true;
        }
    return false;
}

static bool rule_resolve(struct import_map *map, struct rule *r, const struct import_record *header,
                         char *error, size_t error_bytes) {
    for (size_t k = 0; k < r->pieces; k++)
        if (r->piece[k].is_column && !column_resolve(map, &r->piece[k], map->owns, header)) {
            snprintf(error, error_bytes, "[%s] %s: the file has no column '%s'", r->section, r->name,
                     r->piece[k].text);
            return false;
        }
    return true;
}

static bool target_is_known(const char *kind, const struct rule *r, const char *const *known,
                            size_t known_count, char *error, size_t error_bytes) {
    for (size_t i = 0; i < known_count; i++)
        if (strcmp(known[i], r->name) == 0)
            return true;
    size_t used = (size_t)snprintf(error, error_bytes, "%s have no column '%s'; they have", kind, r->name);
    for (size_t i = 0; i < known_count && used < error_bytes; i++)
        used += (size_t)snprintf(error + used, error_bytes - used, "%s %s", i > 0 ? "," : "", known[i]);
    return false;
}

bool import_map_bind(struct import_map *map, const char *kind, const char *const *known, size_t known_count,
                     const struct import_record *header, const struct import_target **targets,
                     size_t *targets_count, char *error, size_t error_bytes) {
    error[0] = '\0';
    map->targets = map->owns = 0;
    map->bound_first = false;
    if (map->plain && !plain_rules(map, kind, header, error, error_bytes))
        return false;
    for (size_t i = 0; i < map->rules; i++) {
        struct rule *r = &map->rule[i];
        if (strcmp(r->section, "columns") != 0)
            continue;
        if (!rule_resolve(map, r, header, error, error_bytes))
            return false;
        map->own_rule[map->owns++] = r;
    }
    for (size_t i = 0; i < map->rules; i++) {
        struct rule *r = &map->rule[i];
        if (strcmp(r->section, kind) != 0)
            continue;
        if (!target_is_known(kind, r, known, known_count, error, error_bytes) ||
            !rule_resolve(map, r, header, error, error_bytes))
            return false;
        map->target_rule[map->targets] = r;
        map->target[map->targets++] = (struct import_target){.name = r->name, .optional = r->optional};
    }
    for (size_t i = 0; i < map->firsts; i++)
        map->bound_first = map->bound_first || strcmp(map->first[i], kind) == 0;
    *targets = map->target;
    *targets_count = map->targets;
    return true;
}

bool import_map_first(const struct import_map *map) {
    return map->bound_first;
}

/* --- values --------------------------------------------------------------------------------------------- */

static void fault_set(struct import_fault *fault, const char *reason, const char *value, const char *words) {
    size_t n = strnlen(value, 60);
    while (n > 0 && (value[n] & 0xc0) == 0x80) /* not through the middle of a character */
        n--;
    fault->reason = reason;
    snprintf(fault->sentence, sizeof fault->sentence, "'%.*s' %s", (int)n, value, words);
}

/* A plain decimal number, "" is none. */
static bool number_of(const char *text, double *number) {
    size_t digits = strspn(text, "+-0123456789.");
    char *end;
    *number = strtod(text, &end);
    return digits > 0 && text[digits] == '\0' && *end == '\0';
}

static void number_print(char *value, double number) {
    snprintf(value, IMPORT_VALUE_MAX_BYTES, "%.6f", number);
    size_t n = strlen(value);
    while (n > 0 && value[n - 1] == '0')
        value[--n] = '\0';
    if (n > 0 && value[n - 1] == '.')
        value[n - 1] = '\0';
}

/* Reads a day by its form and writes it as yyyy-mm-dd. Whether there is such a day is the database's
 * question. */
static bool date_step(char *value, const char *form) {
    char digits[8];
    static const char place[] = "yyyymmdd";
    size_t used[128] = {['m'] = 4, ['d'] = 6};
    if (strlen(value) != strlen(form))
        return false;
    for (size_t i = 0; form[i] != '\0'; i++) {
        if (strchr("ymd", form[i]) == NULL) {
            if (value[i] != form[i])
                return false;
            continue;
        }
        if (!isdigit((unsigned char)value[i]))
            return false;
        size_t at = used[(unsigned char)form[i]]++;
        REQUIRE(at < sizeof digits && place[at] == form[i]);
        digits[at] = value[i];
    }
    snprintf(value, IMPORT_VALUE_MAX_BYTES, "%.4s-%.2s-%.2s", digits, digits + 4, digits + 6);
    return true;
}

static bool map_step(char *value, const struct table *table) {
    const char *to = table->otherwise;
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->entry[i].from, value) == 0)
            to = table->entry[i].to;
    if (to == NULL)
        return false;
    snprintf(value, IMPORT_VALUE_MAX_BYTES, "%s", to);
    return true;
}

/* Empties a value that is one of the words. */
static void blank_step(char *value, const char *words) {
    size_t length = strlen(value);
    for (const char *w = words; *w != '\0'; w += strspn(w, " \t")) {
        size_t n = strcspn(w, " \t");
        if (n == length && memcmp(w, value, n) == 0) {
            value[0] = '\0';
            return;
        }
        w += n;
    }
}

static void squeeze_step(char *value) {
    char *to = value;
    for (const char *from = value; *from != '\0'; from++)
        if (*from != ' ' || (to > value && to[-1] != ' '))
            *to++ = *from;
    while (to > value && to[-1] == ' ')
        to--;
    *to = '\0';
}

static void step_do(const struct import_map *map, const struct step *step, char *value,
                    struct import_fault *fault) {
    char words[128];
    double number;
    switch (step->kind) {
    case STEP_MAP:
        snprintf(words, sizeof words, "is not in [map %s]", step->argument);
        if (!map_step(value, &map->table[step->table]))
            fault_set(fault, "not_mapped", value, words);
        break;
    case STEP_DATE:
        snprintf(words, sizeof words, "is not a day written as %s", step->argument);
        if (!date_step(value, step->argument))
            fault_set(fault, "not_a_date", value, words);
        break;
    case STEP_TIMES:
    case STEP_ROUND:
        if (!number_of(value, &number))
            fault_set(fault, "not_a_number", value, "is not a number");
        else if (!isfinite(number) || fabs(number) > 1e15)
            fault_set(fault, "out_of_range", value, "is too large a number");
        else
            number_print(value, step->kind == STEP_ROUND ? round(number) : number * step->factor);
        break;
    case STEP_BLANK:
        blank_step(value, step->argument);
        break;
    case STEP_SQUEEZE:
        squeeze_step(value);
        break;
    case STEP_OPTIONAL:
        break;
    }
}

/* Joins the pieces; "" when one that must not be empty is. A fault of one of the mapping's own columns is the
 * value's too. */
static void template_fill(struct import_map *map, const struct rule *r, char *value,
                          struct import_fault *fault);

static void rule_value(struct import_map *map, const struct rule *r, char *value,
                       struct import_fault *fault) {
    fault->reason = NULL;
    template_fill(map, r, value, fault);
    for (size_t k = 0; k < r->steps && fault->reason == NULL && value[0] != '\0'; k++)
        step_do(map, &r->step[k], value, fault);
    if (fault->reason != NULL)
        value[0] = '\0';
}

static const char *piece_value(struct import_map *map, const struct piece *p, struct import_fault *fault) {
    if (!p->is_column)
        return p->text;
    if (p->source >= 0)
        return (size_t)p->source < map->record->count ? map->record->field[p->source] : "";
    struct own *own = &map->own[-1 - p->source];
    if (!own->ready) {
        own->ready = true; /* a column can only use those before it, so there are no circles */
        rule_value(map, map->own_rule[-1 - p->source], own->value, &own->fault);
    }
    if (own->fault.reason != NULL)
        *fault = own->fault;
    return own->value;
}

static void template_fill(struct import_map *map, const struct rule *r, char *value,
                          struct import_fault *fault) {
    size_t used = 0;
    value[0] = '\0';
    for (size_t k = 0; k < r->pieces; k++) {
        const struct piece *p = &r->piece[k];
        const char *text = piece_value(map, p, fault);
        if (fault->reason != NULL || (text[0] == '\0' && p->is_column && !p->may_be_empty)) {
            value[0] = '\0';
            return;
        }
        size_t n = strlen(text);
        if (used + n >= IMPORT_VALUE_MAX_BYTES) {
            fault_set(fault, "too_long", text, "makes the value too long");
            return;
        }
        memcpy(value + used, text, n + 1);
        used += n;
    }
}

void import_map_begin(struct import_map *map, const struct import_record *record) {
    map->record = record;
    for (size_t i = 0; i < map->owns; i++)
        map->own[i].ready = false;
}

const char *import_map_value(struct import_map *map, size_t i, struct import_fault *fault) {
    REQUIRE(i < map->targets);
    rule_value(map, map->target_rule[i], map->value, fault);
    return map->value;
}
