/* The table of keys, and the reader that checks a file against it. Line numbers are counted here, because the
 * packaged inih does not pass them on. */
#include "config.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../ingest/require.h"

/* Largest file read; the manual itself has some 6 KB. */
#define CONFIG_FILE_MAX_BYTES (256 * 1024)

/* Where sql/ and console/ are when this program runs from neither a checkout nor a PREFIX/bin. */
#ifndef LIFTD_DATADIR
#define LIFTD_DATADIR "/usr/local/share/liftd"
#endif

enum key_type { KEY_TEXT, KEY_PATH, KEY_NUMBER, KEY_SWITCH, KEY_LEVEL };

/* One row of the manual. For texts the bounds are lengths; a text with min 1 can't be empty. */
struct key {
    const char *name; /* section.key */
    enum key_type type;
    size_t offset;
    long min, max;
    bool reloadable;
    const char *fallback; /* the default, as it would stand in the file */
    const char *unit;     /* "" where there is none */
    const char *why;
};

#define AT(section, key) offsetof(struct config, section.key)
#define TEXT(section, key, min, bytes) #section "." #key, KEY_TEXT, AT(section, key), min, (bytes)-1
#define PATH(section, key) #section "." #key, KEY_PATH, AT(section, key), 0, CONFIG_PATH_BYTES - 1
#define NUMBER(section, key, min, max) #section "." #key, KEY_NUMBER, AT(section, key), min, max
#define SWITCH(section, key) #section "." #key, KEY_SWITCH, AT(section, key), 0, 1
#define LEVEL(section, key) #section "." #key, KEY_LEVEL, AT(section, key), 0, 3

static const struct key keys[] = {
    {TEXT(database, conninfo, 0, CONFIG_CONNINFO_BYTES), false, "", "libpq connection string",
     "PostgreSQL, without a user; a long string goes on in lines that begin with a space. Empty: libpq's own "
     "defaults and PG* variables. Keep passwords in ~/.pgpass, not here"},
    {TEXT(database, ingest_user, 1, 64), false, "liftd_ingest", "role", "the role that lands readings"},
    {TEXT(database, web_user, 1, 64), false, "liftd_web", "role", "the role that answers HTTP requests"},
    {TEXT(database, admin_user, 0, 64), false, "", "role",
     "the role for migrate, check, user and import, able to create roles and schemas. Empty: the one "
     "conninfo "
     "or libpq names"},
    {PATH(database, sql_dir), false, "", "directory",
     "tables, functions and policies. Empty: sql/ of the checkout or installation this program runs from"},
    {NUMBER(database, web_connections, 1, 32), false, "4", "connections",
     "how many API requests PostgreSQL works on at once; more wait in a bounded queue"},
    {NUMBER(database, statement_timeout_ms, 100, 600000), false, "5000", "ms",
     "an API request that takes longer is cancelled and answered 503"},

    {TEXT(broker, host, 1, CONFIG_TEXT_BYTES), false, "127.0.0.1", "name or address", "the MQTT broker"},
    {NUMBER(broker, port, 1, 65535), false, "18883", "TCP port", "the broker's port"},
    {TEXT(broker, username, 0, CONFIG_TEXT_BYTES), false, "liftd", "",
     "the user the broker's ACL lets read every lift. Empty: anonymous"},
    {PATH(broker, password_file), false, "", "file",
     "its first line is that user's password; readable by liftd alone. Empty: no password"},
    {TEXT(broker, client_id, 1, 65), false, "liftd", "",
     "fixed: the broker keeps what arrives while liftd is away under this name, and two liftd with one name "
     "throw each other out"},
    {NUMBER(broker, reconnect_min_ms, 10, 60000), false, "200", "ms",
     "first pause before connecting again; doubles, with jitter"},
    {NUMBER(broker, reconnect_max_ms, 10, 600000), false, "5000", "ms", "longest such pause"},
    {NUMBER(broker, tcp_keepalive_s, 5, 3600), false, "30", "s",
     "a silent broker connection is probed this often, since MQTT pings would release acknowledgements"},

    {TEXT(http, address, 1, CONFIG_TEXT_BYTES), false, "127.0.0.1", "address",
     "where the console and API listen; put a TLS proxy in front before opening it to a network"},
    {NUMBER(http, port, 1, 65535), false, "8080", "TCP port", "their port"},
    {PATH(http, console_dir), false, "", "directory",
     "the built console. Empty: that of the checkout or installation this program runs from"},
    {NUMBER(http, body_max_bytes, 1024, 67108864), false, "1048576", "bytes",
     "largest request body; more is answered 413"},
    {NUMBER(http, connections_max, 10, 60000), false, "2000", "connections",
     "open HTTP connections, event streams among them"},
    {NUMBER(http, streams_max, 1, 60000), false, "1000", "connections",
     "open event streams, one for each console window; below connections_max"},
    {NUMBER(http, request_deadline_s, 1, 600), false, "15", "s",
     "from a request's first byte to its answer; slower clients are cut off"},
    {SWITCH(http, public_metrics), true, "no", "yes or no",
     "whether /metrics answers anybody; no: only clients on this machine"},
    {SWITCH(http, behind_proxy), false, "no", "yes or no",
     "whether a TLS proxy on this machine forwards the requests, and sets X-Forwarded-For and X-Forwarded-Proto: the "
     "last address there is then the client's, and cookies are marked Secure"},

    {NUMBER(ingest, batch_max_messages, 1, 65535), false, "8192", "messages",
     "most messages landed in one transaction; at most window_max_messages"},
    {NUMBER(ingest, window_max_messages, 1, 65535), false, "60000", "messages",
     "most messages read and not yet committed while the database is away; MQTT has no more ids than 65535"},
    {NUMBER(ingest, commit_slow_ms, 10, 60000), false, "200", "ms",
     "when a commit takes longer, reading goes on meanwhile"},
    {NUMBER(ingest, retention_days, 1, 1000), true, "90", "days",
     "days of readings kept; older ones are dropped, a day at a time. Raising it brings nothing back"},
    {NUMBER(ingest, partitions_ahead_days, 1, 60), true, "7", "days",
     "days of readings' tables made in advance"},
    {NUMBER(ingest, clock_ahead_max_s, 1, 86400), true, "600", "s",
     "a device clock further ahead of the server's is not believed"},

    {NUMBER(alerts, silent_after_s, 5, 604800), true, "300", "s",
     "without a reading for this long, a device is silent"},
    {NUMBER(alerts, trapped_hold_s, 5, 3600), true, "90", "s",
     "occupied, standing still and doors shut for this long: people are trapped"},

    {LEVEL(log, level), true, "info", "error, warn, info or debug", "the least important lines still logged"},
};
#define KEYS_COUNT (sizeof keys / sizeof keys[0])
_Static_assert(KEYS_COUNT <= CONFIG_KEYS_MAX, "raise CONFIG_KEYS_MAX");
_Static_assert(KEYS_COUNT <= 64, "keys seen are a 64-bit set");

static const struct {
    const char *name, *what;
} sections[] = {
    {"database", "PostgreSQL: where it is, and as whom liftd speaks to it."},
    {"broker", "The MQTT broker the lifts report to (see mosquitto.conf beside this file)."},
    {"http", "The console and the API."},
    {"ingest", "How readings are landed, and how long they are kept."},
    {"alerts", "Thresholds of the derived rules."},
    {"log", "What is written to stderr."},
};
#define SECTIONS_COUNT (sizeof sections / sizeof sections[0])

__attribute__((format(printf, 4, 5))) static void complain(struct config_errors *errors, const char *path,
                                                           int line, const char *format, ...) {
    if (errors->count++ >= CONFIG_ERRORS_MAX)
        return;
    char *text = errors->text[errors->count - 1];
    size_t room = sizeof errors->text[0];
    int used = line > 0 ? snprintf(text, room, "%s:%d: ", path, line) : snprintf(text, room, "%s: ", path);
    REQUIRE(used >= 0);
    if ((size_t)used >= room)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, room - (size_t)used, format, arguments);
    va_end(arguments);
}

/* --- values ------------------------------------------------------------------------------------------- */

static void *slot(struct config *config, const struct key *key) {
    return (char *)config + key->offset;
}

static const void *slot_const(const struct config *config, const struct key *key) {
    return (const char *)config + key->offset;
}

/* True when the value of `key` is the same in both. */
static bool same(const struct config *a, const struct config *b, const struct key *key) {
    const void *left = slot_const(a, key), *right = slot_const(b, key);
    switch (key->type) {
    case KEY_TEXT:
    case KEY_PATH:
        return strcmp(left, right) == 0;
    case KEY_NUMBER:
    case KEY_LEVEL:
        return *(const int *)left == *(const int *)right;
    case KEY_SWITCH:
        return *(const bool *)left == *(const bool *)right;
    }
    return false;
}

static void copy(struct config *to, const struct config *from, const struct key *key) {
    switch (key->type) {
    case KEY_TEXT:
    case KEY_PATH:
        strcpy(slot(to, key), slot_const(from, key)); /* the same array of the same struct */
        return;
    case KEY_NUMBER:
    case KEY_LEVEL:
        *(int *)slot(to, key) = *(const int *)slot_const(from, key);
        return;
    case KEY_SWITCH:
        *(bool *)slot(to, key) = *(const bool *)slot_const(from, key);
        return;
    }
}

static bool parse_number(const char *text, const struct key *key, int *out) {
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || number < key->min || number > key->max)
        return false;
    *out = (int)number;
    return true;
}

static bool parse_switch(const char *text, bool *out) {
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool parse_level(const char *text, int *out) {
    for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++) {
        if (strcmp(text, log_level_name(level)) == 0) {
            *out = level;
            return true;
        }
    }
    return false;
}

static bool parse_text(const char *text, const struct key *key, char *out) {
    size_t length = strlen(text);
    if (length < (size_t)key->min || length > (size_t)key->max)
        return false;
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    }
    memcpy(out, text, length + 1);
    return true;
}

/* Stores a value, or leaves the key as it was and answers false. */
static bool store(struct config *config, const struct key *key, const char *text) {
    void *out = slot(config, key);
    switch (key->type) {
    case KEY_TEXT:
    case KEY_PATH:
        return parse_text(text, key, out);
    case KEY_NUMBER:
        return parse_number(text, key, out);
    case KEY_SWITCH:
        return parse_switch(text, out);
    case KEY_LEVEL:
        return parse_level(text, out);
    }
    return false;
}

/* What a good value of this key looks like, in words. */
static const char *expected(const struct key *key, char *out, size_t bytes) {
    switch (key->type) {
    case KEY_TEXT:
    case KEY_PATH:
        snprintf(out, bytes, "a text of %ld to %ld bytes without control characters", key->min, key->max);
        break;
    case KEY_NUMBER:
        snprintf(out, bytes, "a whole number from %ld to %ld (%s)", key->min, key->max, key->unit);
        break;
    case KEY_SWITCH:
    case KEY_LEVEL:
        snprintf(out, bytes, "%s", key->unit);
        break;
    }
    return out;
}

/* --- reading ------------------------------------------------------------------------------------------ */

struct reader {
    const char *path;
    const char *at, *end; /* what is left of the file */
    int line;             /* number of the line last handed out */
    bool indented;        /* it begins with a space: it continues the key before, where there is one */
    const struct key *last;
    uint64_t seen; /* bit i: keys[i] was given */
    struct config config;
    struct config_errors *errors;
};

/* Hands inih one line; a line it could not hold becomes an error and an empty line. */
static char *next_line(char *out, int bytes, void *stream) {
    struct reader *r = stream;
    if (r->at == r->end)
        return NULL;
    const char *newline = memchr(r->at, '\n', (size_t)(r->end - r->at));
    size_t length = (size_t)((newline ? newline : r->end) - r->at);
    const char *line = r->at;
    r->at = newline ? newline + 1 : r->end;
    r->line++;
    if (length + 2 > (size_t)bytes) {
        complain(r->errors, r->path, r->line, "a line of more than %d bytes%s", bytes - 2,
                 "; a conninfo can go on in lines that begin with a space");
        length = 0;
    } else if (memchr(line, '\0', length)) {
        complain(r->errors, r->path, r->line, "a zero byte: this is not a text file");
        length = 0;
    }
    r->indented = length > 0 && (line[0] == ' ' || line[0] == '\t');
    if (length > 0 && line[0] == '[')
        r->last = NULL;
    memcpy(out, line, length);
    out[length] = '\n';
    out[length + 1] = '\0';
    return out;
}

static bool known_section(const char *section) {
    for (size_t i = 0; i < SECTIONS_COUNT; i++) {
        if (strcmp(section, sections[i].name) == 0)
            return true;
    }
    return false;
}

static const struct key *find(const char *section, const char *name) {
    size_t length = strlen(section);
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        const char *full = keys[i].name;
        if (strncmp(full, section, length) == 0 && full[length] == '.' &&
            strcmp(full + length + 1, name) == 0)
            return &keys[i];
    }
    return NULL;
}

static void complain_value(struct reader *r, const struct key *key, const char *value) {
    char want[160], quoted[96];
    complain(r->errors, r->path, r->line, "%s = %s: expected %s", strchr(key->name, '.') + 1,
             log_quote(value, quoted, sizeof quoted), expected(key, want, sizeof want));
}

/* A line that begins with a space, after a key: only the connection string may be that long. */
static void continue_value(struct reader *r, const char *value) {
    const struct key *key = r->last;
    if (key->offset != offsetof(struct config, database.conninfo)) {
        complain(r->errors, r->path, r->line,
                 "a line that begins with a space continues the one before, and %s takes one line",
                 strchr(key->name, '.') + 1);
        return;
    }
    char joined[CONFIG_CONNINFO_BYTES + 256];
    snprintf(joined, sizeof joined, "%s %s", r->config.database.conninfo, value);
    if (!store(&r->config, key, joined))
        complain_value(r, key, value);
}

static int handle(void *user, const char *section, const char *name, const char *value) {
    struct reader *r = user;
    char quoted[80];
    if (r->indented && r->last) {
        continue_value(r, value);
        return 1;
    }
    const struct key *key = find(section, name);
    r->last = key;
    if (!key) {
        if (!section[0])
            complain(r->errors, r->path, r->line, "a key before any [section]");
        else if (!known_section(section))
            complain(r->errors, r->path, r->line, "unknown section [%s]",
                     log_quote(section, quoted, sizeof quoted));
        else
            complain(r->errors, r->path, r->line, "unknown key %s in section [%s]",
                     log_quote(name, quoted, sizeof quoted), section);
        return 1;
    }
    uint64_t bit = UINT64_C(1) << (key - keys);
    if (r->seen & bit)
        complain(r->errors, r->path, r->line, "%s is given a second time", key->name);
    else if (!store(&r->config, key, value))
        complain_value(r, key, value);
    r->seen |= bit;
    return 1;
}

/* Reads a whole bounded file. NULL with a complaint; the caller frees. */
static char *slurp(const char *path, size_t *bytes, struct config_errors *errors) {
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(CONFIG_FILE_MAX_BYTES + 1) : NULL;
    if (!text) {
        complain(errors, path, 0, "can't be opened: %s", strerror(errno));
        if (file)
            fclose(file);
        return NULL;
    }
    *bytes = fread(text, 1, CONFIG_FILE_MAX_BYTES + 1, file);
    bool bad = true;
    if (ferror(file))
        complain(errors, path, 0, "can't be read: %s", strerror(errno));
    else if (*bytes > CONFIG_FILE_MAX_BYTES)
        complain(errors, path, 0, "is larger than %d bytes", CONFIG_FILE_MAX_BYTES);
    else
        bad = false;
    fclose(file);
    if (bad) {
        free(text);
        return NULL;
    }
    return text;
}

/* Rules between keys; told without a line, since no single line is wrong. */
static void check_together(struct reader *r) {
    const struct config *c = &r->config;
    if (c->broker.reconnect_max_ms < c->broker.reconnect_min_ms)
        complain(r->errors, r->path, 0, "broker.reconnect_max_ms is below broker.reconnect_min_ms");
    if (c->http.streams_max >= c->http.connections_max)
        complain(r->errors, r->path, 0, "http.streams_max must be below http.connections_max");
    if (c->ingest.batch_max_messages > c->ingest.window_max_messages)
        complain(r->errors, r->path, 0, "ingest.batch_max_messages is above ingest.window_max_messages");
}

/* --- directories -------------------------------------------------------------------------------------- */

/* Relative paths count from the file's directory. */
static void anchor_paths(struct reader *r) {
    char *real = realpath(r->path, NULL);
    if (!real) {
        complain(r->errors, r->path, 0, "can't be resolved: %s", strerror(errno));
        return;
    }
    *strrchr(real, '/') = '\0';
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        char *path = slot(&r->config, &keys[i]), joined[PATH_MAX + CONFIG_PATH_BYTES];
        if (keys[i].type != KEY_PATH || path[0] == '\0' || path[0] == '/')
            continue;
        snprintf(joined, sizeof joined, "%s/%s", real, path);
        if (!store(&r->config, &keys[i], joined))
            complain(r->errors, r->path, 0, "%s: the whole path is too long", keys[i].name);
    }
    free(real);
}

/* Cuts the last name off a path; "" when there is none. Returns that name. */
static const char *cut(char *path) {
    char *slash = strrchr(path, '/');
    if (!slash)
        return "";
    *slash = '\0';
    return slash + 1;
}

/* Where this program's own files are: beside build/ or build/NAME/ of a checkout, or PREFIX/share/liftd of an
 * installation that it runs from as PREFIX/bin/liftd. */
static void find_directories(struct config *config) {
    char home[CONFIG_PATH_BYTES - 32];
    ssize_t length = readlink("/proc/self/exe", home, sizeof home - 16);
    home[length > 0 ? length : 0] = '\0';
    cut(home);
    const char *name = cut(home), *console = "build/console";
    bool found = strcmp(name, "build") == 0;
    if (!found && strcmp(name, "bin") == 0) {
        strcat(home, "/share/liftd"); /* less than was cut off and kept free */
        console = "console";
        found = true;
    }
    if (!found && strcmp(cut(home), "build") != 0) {
        snprintf(home, sizeof home, "%s", LIFTD_DATADIR);
        console = "console";
    }
    struct config_database *database = &config->database;
    struct config_http *http = &config->http;
    if (!database->sql_dir[0])
        snprintf(database->sql_dir, sizeof database->sql_dir, "%s/sql", home);
    if (!http->console_dir[0])
        snprintf(http->console_dir, sizeof http->console_dir, "%s/%s", home, console);
}

/* --- what the header promises --------------------------------------------------------------------------- */

void config_defaults(struct config *out) {
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < KEYS_COUNT; i++)
        REQUIRE(store(out, &keys[i], keys[i].fallback));
}

bool config_load(const char *path, struct config *out, struct config_errors *errors) {
    size_t bytes;
    errors->count = 0;
    char *text = slurp(path, &bytes, errors);
    if (!text)
        return false;
    struct reader *r = calloc(1, sizeof *r);
    if (!r) {
        complain(errors, path, 0, "no memory left");
        free(text);
        return false;
    }
    *r = (struct reader){.path = path, .at = text, .end = text + bytes, .errors = errors};
    config_defaults(&r->config);
    int line = ini_parse_stream(next_line, r, handle, r);
    if (line > 0)
        complain(errors, path, line, "neither a [section] nor a key = value");
    else if (line < 0)
        complain(errors, path, 0, "no memory left");
    check_together(r);
    anchor_paths(r);
    find_directories(&r->config);
    if (errors->count == 0)
        *out = r->config;
    free(r);
    free(text);
    return errors->count == 0;
}

void config_errors_print(const struct config_errors *errors, FILE *out) {
    size_t kept = errors->count < CONFIG_ERRORS_MAX ? errors->count : CONFIG_ERRORS_MAX;
    for (size_t i = 0; i < kept; i++)
        fprintf(out, "%s\n", errors->text[i]);
    if (errors->count > kept)
        fprintf(out, "and %zu more\n", errors->count - kept);
}

void config_apply(struct config *running, const struct config *loaded, struct config_changes *changes) {
    changes->applied_count = changes->waiting_count = 0;
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        if (same(running, loaded, &keys[i]))
            continue;
        if (keys[i].reloadable) {
            copy(running, loaded, &keys[i]);
            changes->applied[changes->applied_count++] = keys[i].name;
        } else {
            changes->waiting[changes->waiting_count++] = keys[i].name;
        }
    }
}

bool config_reload(struct config *running, const char *path, struct config_changes *changes,
                   struct config_errors *errors) {
    struct config loaded;
    changes->applied_count = changes->waiting_count = 0;
    if (!config_load(path, &loaded, errors))
        return false;
    config_apply(running, &loaded, changes);
    return true;
}

/* Prints a sentence as comment lines of at most 100 characters. */
static void print_comment(FILE *out, const char *text) {
    int column = 0;
    while (*text) {
        size_t word = strcspn(text, " ");
        if (column == 0 || column + 1 + (int)word > 100) {
            fprintf(out, "%s#", column ? "\n" : "");
            column = 1;
        }
        fprintf(out, " %.*s", (int)word, text);
        column += (int)word + 1;
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void config_print_manual(FILE *out) {
    print_comment(out,
                  "liftd's settings. Every key is here at its default; change what differs. Check a file "
                  "with `liftd check -c FILE`.");
    print_comment(out,
                  "Relative paths count from this file's directory. ' ;' begins a comment. SIGHUP brings "
                  "keys marked 'reloadable' into force; a file with an error changes nothing.");
    const char *section = "";
    for (size_t i = 0; i < KEYS_COUNT; i++) {
        const char *dot = strchr(keys[i].name, '.');
        size_t length = (size_t)(dot - keys[i].name);
        if (strncmp(section, keys[i].name, length) != 0 || section[length] != '\0') {
            for (size_t s = 0; s < SECTIONS_COUNT; s++) {
                if (strlen(sections[s].name) == length &&
                    strncmp(sections[s].name, keys[i].name, length) == 0)
                    section = sections[s].name;
            }
            fprintf(out, "\n");
            for (size_t s = 0; s < SECTIONS_COUNT; s++) {
                if (section == sections[s].name)
                    print_comment(out, sections[s].what);
            }
            fprintf(out, "[%s]\n", section);
        }
        char bounds[64] = "", line[640];
        if (keys[i].type == KEY_NUMBER)
            snprintf(bounds, sizeof bounds, ", %ld to %ld", keys[i].min, keys[i].max);
        snprintf(line, sizeof line, "%s%s%s%s%s: %s.", dot + 1, keys[i].unit[0] ? ", " : "", keys[i].unit,
                 bounds, keys[i].reloadable ? ", reloadable" : "", keys[i].why);
        fprintf(out, "\n");
        print_comment(out, line);
        fprintf(out, "%s =%s%s\n", dot + 1, keys[i].fallback[0] ? " " : "", keys[i].fallback);
    }
}

bool config_password(const char *path, char *out, size_t out_bytes) {
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    size_t length = fread(out, 1, out_bytes, file);
    bool failed = ferror(file) != 0;
    int reason = errno;
    fclose(file);
    char *end = memchr(out, '\n', length);
    if (!end && length == out_bytes) {
        errno = E2BIG;
        return false;
    }
    length = end ? (size_t)(end - out) : length;
    if (length > 0 && out[length - 1] == '\r')
        length--;
    out[length] = '\0';
    errno = failed ? reason : EINVAL;
    return !failed && length > 0;
}
