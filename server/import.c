/* `liftd import`: reads the command line, copies files into the database and reports what became of each
 * line. */
#include "import.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../ingest/require.h"
#include "import_file.h"
#include "import_map.h"

#define LISTED_DEFAULT 20
#define WAIT_DEFAULT_S 30
#define COLUMNS_MAX 32
#define COPY_BLOCK_BYTES (64 * 1024)

static const char manual[] =
    "liftd import - reads the registry from files\n"
    "\n"
    "  liftd import KIND FILE [--mapping FILE.ini] [OPTIONS]\n"
    "  liftd import all FILE --mapping FILE.ini [OPTIONS]\n"
    "  liftd import columns [KIND]\n"
    "  liftd import demo\n"
    "  liftd import landing DEVICE [--wait SECONDS]\n"
    "\n"
    "KIND is areas, compounds, buildings, households, lifts, devices, parties or responsibilities; "
    "`columns`\n"
    "lists what columns each has. FILE is CSV in UTF-8 whose first line names the columns, comma or\n"
    "semicolon separated, plain or gzipped, - for standard input. What a line names by its code is added or\n"
    "changed, so the same file can be read again; columns that the file does not have stay as they are; an\n"
    "empty field makes a value unknown. One file is one transaction: when any line is wrong, each wrong "
    "line\n"
    "is told with its number and reason, and nothing is changed.\n"
    "\n"
    "  all       Every kind the mapping has a section for, from areas inwards, from one file, in one\n"
    "            transaction.\n"
    "  demo      A subdistrict to look at: 4 grids, 65 lifts. Does nothing where it is there already.\n"
    "  landing   Asks the running liftd to land what DEVICE sent before it was registered, and waits.\n"
    "\n"
    "OPTIONS\n"
    "  --mapping FILE  an INI file that makes our columns from those of somebody else's file:\n"
    "                    [lifts]\n"
    "                    code = NYC-{DV_DEVICE_NUMBER}\n"
    "                    stage = {Device Status} | map stage\n"
    "                    rated_speed_mm_s = {DV_SPEED_FPM} | times 5.08 | round | optional\n"
    "                    last_inspection_on = {DV_LASTPER_INSP_DATE} | date yyyymmdd\n"
    "                    [map stage]\n"
    "                    A = in_service\n"
    "                  Also: blank WORDS (these count as empty), squeeze (spaces), {?Column} may be empty,\n"
    "                  [columns] (columns of its own), _repeated = first, * in a map for everything else.\n"
    "                  optional: what can't be understood is noted and left unknown.\n"
    "  --skip-bad      land the good lines although others are wrong\n"
    "  --dry-run       check and report, change nothing\n"
    "  --list N        tell at most N wrong lines (20)\n"
    "  --report FILE   write every wrong line to a CSV file: kind, line, column, reason, what, landed\n"
    "  --wait SECONDS  landing: how long to wait (30)\n";

static const char *const kinds[] = {"areas", "compounds", "buildings", "households",
                                    "lifts", "parties",   "devices",   "responsibilities"};
#define KINDS (sizeof kinds / sizeof *kinds)

struct options {
    const char *command, *file, *mapping, *report;
    bool skip_bad, dry_run;
    long list, wait_s;
};

/* One import of one kind of one file. */
struct import {
    PGconn *conn;
    const char *kind;
    struct import_map *map;
    const struct import_target *targets;
    size_t targets_count, header_count;
    char known_text[COLUMNS_MAX][64];
    const char *known[COLUMNS_MAX];
    size_t known_count;
    char *block; /* rows on their way into COPY */
    size_t block_used;
    FILE *bad; /* what was wrong already here: rows for COPY import_bad */
    char *bad_text;
    size_t bad_bytes;
    long lines;
    bool failed;
    char error[1024];
};

/* What became of an import, all kinds together. */
struct outcome {
    long refused;
};

static int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int complain(const char *format, ...) {
    va_list args;
    fputs("liftd import: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return 1;
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- the database --------------------------------------------------------------------------------------- */

static void no_notice(void *user, const char *message) {
    (void)user;
    (void)message;
}

/* Connects as the administrator and acts as the owner of the tables. NULL: told on stderr. */
static PGconn *database_open(const struct config *config) {
    const char *user = config->database.admin_user[0] != '\0' ? config->database.admin_user : NULL;
    const char *const keywords[] = {"dbname", "application_name", "client_encoding", user ? "user" : NULL,
                                    NULL};
    const char *const values[] = {config->database.conninfo, "liftd import", "UTF8", user, NULL};
    PGconn *conn = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(conn) != CONNECTION_OK) {
        complain("the database does not answer: %s", PQerrorMessage(conn));
        PQfinish(conn);
        return NULL;
    }
    PQsetNoticeProcessor(conn, no_notice, NULL);
    PGresult *result = PQexec(conn, "set role liftd_owner");
    bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!ok)
        complain("cannot act as liftd_owner (has `liftd migrate` been run as this user?): %s",
                 PQresultErrorMessage(result));
    PQclear(result);
    if (!ok) {
        PQfinish(conn);
        return NULL;
    }
    return conn;
}

/* Runs a query with up to 4 text parameters. NULL: told on stderr. */
static PGresult *query(PGconn *conn, const char *sql, int count, const char *const *values) {
    PGresult *result = PQexecParams(conn, sql, count, NULL, values, NULL, NULL, 0);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return result;
    complain("%s", PQresultErrorMessage(result));
    PQclear(result);
    return NULL;
}

static bool execute(PGconn *conn, const char *sql, int count, const char *const *values) {
    PGresult *result = query(conn, sql, count, values);
    bool ok = result != NULL;
    PQclear(result);
    return ok;
}

/* The one number a query answers with; -1: told on stderr. */
static long query_number(PGconn *conn, const char *sql, int count, const char *const *values) {
    PGresult *result = query(conn, sql, count, values);
    long number = result != NULL && PQntuples(result) == 1 ? atol(PQgetvalue(result, 0, 0)) : -1;
    PQclear(result);
    return number;
}

/* --- one file into import_in -----------------------------------------------------------------------------
 */

/* Notes an objection; landed: the row lands all the same, without this value. */
static void object(struct import *im, long line, const char *column, const char *reason, const char *sentence,
                   bool landed) {
    fprintf(im->bad, "%ld\t%s\t%s\t", line, column != NULL ? column : "\\N", reason);
    for (const char *c = sentence; *c != '\0'; c++) {
        if (*c == '\\')
            fputc('\\', im->bad);
        fputc((unsigned char)*c < ' ' ? ' ' : *c, im->bad);
    }
    fprintf(im->bad, "\t%c\n", landed ? 't' : 'f');
}

static bool copy_failed(struct import *im) {
    im->failed = true;
    snprintf(im->error, sizeof im->error, "%s", PQerrorMessage(im->conn));
    return false;
}

static bool block_flush(struct import *im) {
    if (im->block_used > 0 && PQputCopyData(im->conn, im->block, (int)im->block_used) != 1)
        return copy_failed(im);
    im->block_used = 0;
    return true;
}

/* Adds one value in COPY's text form, with its separator; empty is null. */
static bool block_add(struct import *im, const char *value, char separator) {
    size_t room = 2 * strlen(value) + 3;
    if (im->block_used + room > COPY_BLOCK_BYTES && !block_flush(im))
        return false;
    char *to = im->block + im->block_used;
    if (value[0] == '\0') {
        *to++ = '\\';
        *to++ = 'N';
    }
    for (const char *c = value; *c != '\0'; c++) {
        char letter = *c == '\n' ? 'n' : *c == '\r' ? 'r' : *c == '\t' ? 't' : *c == '\\' ? '\\' : '\0';
        if (letter != '\0')
            *to++ = '\\';
        *to++ = letter != '\0' ? letter : *c;
    }
    *to++ = separator;
    im->block_used = (size_t)(to - im->block);
    return true;
}

static bool on_record(const struct import_record *record, void *user) {
    struct import *im = user;
    im->lines++;
    if (record->problem != NULL) {
        object(im, record->line, NULL, "not_utf8", record->problem, false);
        return true;
    }
    if (record->count != im->header_count) {
        char sentence[96];
        snprintf(sentence, sizeof sentence, "has %zu fields, the first line %zu", record->count,
                 im->header_count);
        object(im, record->line, NULL, "field_count", sentence, false);
        return true;
    }
    char line[24];
    struct import_fault fault;
    snprintf(line, sizeof line, "%ld", record->line);
    import_map_begin(im->map, record);
    if (!block_add(im, line, '\t'))
        return false;
    for (size_t i = 0; i < im->targets_count; i++) {
        const char *value = import_map_value(im->map, i, &fault);
        if (fault.reason != NULL)
            object(im, record->line, im->targets[i].name, fault.reason, fault.sentence,
                   im->targets[i].optional);
        if (!block_add(im, value, i + 1 < im->targets_count ? '\t' : '\n'))
            return false;
    }
    return true;
}

/* A header names each column once. */
static bool header_is_good(struct import *im, const struct import_record *header) {
    if (header->problem != NULL) {
        snprintf(im->error, sizeof im->error, "line %ld %s", header->line, header->problem);
        return false;
    }
    for (size_t i = 0; i < header->count; i++)
        for (size_t k = 0; k < i; k++)
            if (header->field[i][0] != '\0' && strcmp(header->field[i], header->field[k]) == 0) {
                snprintf(im->error, sizeof im->error, "line %ld names the column '%s' twice", header->line,
                         header->field[i]);
                return false;
            }
    return true;
}

static bool copy_begin(struct import *im) {
    char sql[2048];
    size_t used = (size_t)snprintf(sql, sizeof sql, "copy import_in (line");
    for (size_t i = 0; i < im->targets_count; i++)
        used += (size_t)snprintf(sql + used, sizeof sql - used, ", \"%s\"", im->targets[i].name);
    snprintf(sql + used, sizeof sql - used, ") from stdin");
    PGresult *result = PQexec(im->conn, sql);
    bool ok = PQresultStatus(result) == PGRES_COPY_IN;
    PQclear(result);
    return ok || copy_failed(im);
}

static bool on_header(const struct import_record *header, void *user) {
    struct import *im = user;
    im->header_count = header->count;
    if (!header_is_good(im, header) ||
        !import_map_bind(im->map, im->kind, im->known, im->known_count, header, &im->targets,
                         &im->targets_count, im->error, sizeof im->error)) {
        im->failed = true;
        return false;
    }
    return copy_begin(im);
}

/* Ends a COPY; error NULL: good. */
static bool copy_end(struct import *im, const char *error) {
    if (PQtransactionStatus(im->conn) != PQTRANS_ACTIVE)
        return true; /* none was begun */
    bool ok = PQputCopyEnd(im->conn, error) == 1;
    for (PGresult *result; (result = PQgetResult(im->conn)) != NULL; PQclear(result))
        if (PQresultStatus(result) != PGRES_COMMAND_OK && error == NULL && !im->failed)
            ok = copy_failed(im);
    return ok;
}

/* Reads the whole file into import_in. */
static bool file_copy(struct import *im, const char *path) {
    char error[512];
    struct import_file_handler handler = {.record = on_record, .header = on_header, .user = im};
    bool ok = import_file_read(path, &handler, error, sizeof error) && block_flush(im);
    ok = copy_end(im, ok ? NULL : "the file could not be read") && ok;
    if (!ok)
        complain("%s: %s", path, im->failed ? im->error : error);
    return ok;
}

static bool bad_copy(struct import *im) {
    fflush(im->bad);
    PGresult *result =
        PQexec(im->conn, "copy import_bad (line, column_name, reason, sentence, landed) from stdin");
    bool ok = PQresultStatus(result) == PGRES_COPY_IN;
    PQclear(result);
    for (size_t at = 0; ok && at < im->bad_bytes; at += COPY_BLOCK_BYTES) {
        size_t n = im->bad_bytes - at < COPY_BLOCK_BYTES ? im->bad_bytes - at : COPY_BLOCK_BYTES;
        ok = PQputCopyData(im->conn, im->bad_text + at, (int)n) == 1;
    }
    ok = ok && copy_end(im, NULL);
    return ok || complain("%s", PQerrorMessage(im->conn)) == 0;
}

/* --- what became of it -----------------------------------------------------------------------------------
 */

static void report_reasons(PGconn *conn) {
    PGresult *result = query(conn,
                             "select reason, coalesce(column_name, ''), landed, count(*),"
                             " array_to_string((array_agg(line order by line))[1:5], ', '), count(*) > 5"
                             " from import_bad group by 1, 2, 3 order by 3, 4 desc, 1, 2",
                             0, NULL);
    for (int i = 0; result != NULL && i < PQntuples(result); i++) {
        char *const of = PQgetvalue(result, i, 1);
        printf("  %8s  %s%s%s%s: line %s%s\n", PQgetvalue(result, i, 3), PQgetvalue(result, i, 0),
               of[0] != '\0' ? " " : "", of, PQgetvalue(result, i, 2)[0] == 't' ? " (left unknown)" : "",
               PQgetvalue(result, i, 4), PQgetvalue(result, i, 5)[0] == 't' ? ", ..." : "");
    }
    PQclear(result);
}

static void report_lines(PGconn *conn, long list) {
    char limit[24];
    snprintf(limit, sizeof limit, "%ld", list + 1);
    const char *values[] = {limit};
    PGresult *result = query(conn,
                             "select line, coalesce(column_name || ' ', ''), sentence from import_bad"
                             " where not landed order by line, column_name limit $1::bigint",
                             1, values);
    for (int i = 0; result != NULL && i < PQntuples(result) && i < list; i++)
        fprintf(stderr, "line %s: %s%s\n", PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
                PQgetvalue(result, i, 2));
    if (result != NULL && PQntuples(result) > list && list > 0)
        fprintf(stderr, "... and more; --list N tells more of them, --report FILE all\n");
    PQclear(result);
}

static void csv_field(FILE *file, const char *text, char separator) {
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
    fputc(separator, file);
}

static bool report_file(const struct import *im, FILE *file) {
    PGresult *result = query(im->conn,
                             "select line, coalesce(column_name, ''), reason, sentence,"
                             " case when landed then 'yes' else 'no' end from import_bad order by 1, 2",
                             0, NULL);
    if (result == NULL)
        return false;
    for (int i = 0; i < PQntuples(result); i++) {
        csv_field(file, im->kind, ',');
        for (int c = 0; c < 5; c++)
            csv_field(file, PQgetvalue(result, i, c), c < 4 ? ',' : '\n');
    }
    PQclear(result);
    return !ferror(file);
}

/* A PostgreSQL array of the targets' names; only_optional: of those that may fail. */
static void names_array(const struct import *im, bool only_optional, char *text, size_t bytes) {
    size_t used = (size_t)snprintf(text, bytes, "{");
    for (size_t i = 0; i < im->targets_count; i++)
        if (!only_optional || im->targets[i].optional)
            used +=
                (size_t)snprintf(text + used, bytes - used, "%s%s", used > 1 ? "," : "", im->targets[i].name);
    snprintf(text + used, bytes - used, "}");
}

/* Checks and applies what was copied, and tells about it. */
static bool rows_apply(struct import *im, const struct options *options, FILE *report, double began,
                       struct outcome *outcome) {
    char columns[2048], optional[2048];
    names_array(im, false, columns, sizeof columns);
    names_array(im, true, optional, sizeof optional);
    const char *values[] = {im->kind, columns, optional, import_map_first(im->map) ? "t" : "f"};
    PGresult *result = query(
        im->conn, "select inserted, updated, unchanged, folded from registry.import_apply($1, $2, $3, $4)", 4,
        values);
    if (result == NULL)
        return false;
    long refused =
        query_number(im->conn, "select count(distinct line) from import_bad where not landed", 0, NULL);
    printf("%s: %ld lines in %.1f s: %s new, %s changed, %s as before", im->kind, im->lines,
           seconds_now() - began, PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1),
           PQgetvalue(result, 0, 2));
    if (strcmp(PQgetvalue(result, 0, 3), "0") != 0)
        printf(", %s repeated", PQgetvalue(result, 0, 3));
    printf(", %ld wrong\n", refused);
    PQclear(result);
    report_reasons(im->conn);
    fflush(stdout);
    report_lines(im->conn, options->list);
    outcome->refused += refused;
    return refused >= 0 && (report == NULL || report_file(im, report));
}

static bool columns_load(struct import *im) {
    const char *values[] = {im->kind};
    PGresult *result = query(im->conn, "select name from registry.import_columns($1)", 1, values);
    if (result == NULL)
        return false;
    im->known_count = (size_t)PQntuples(result);
    REQUIRE(im->known_count <= COLUMNS_MAX);
    for (size_t i = 0; i < im->known_count; i++) {
        snprintf(im->known_text[i], sizeof im->known_text[i], "%s", PQgetvalue(result, (int)i, 0));
        im->known[i] = im->known_text[i];
    }
    PQclear(result);
    return true;
}

/* Imports one kind inside the transaction that is open. false: told on stderr, the transaction is spoilt. */
static bool kind_import(PGconn *conn, const char *kind, const char *path, struct import_map *map,
                        const struct options *options, FILE *report, struct outcome *outcome) {
    double began = seconds_now();
    struct import *im = calloc(1, sizeof *im);
    REQUIRE(im != NULL);
    im->conn = conn;
    im->kind = kind;
    im->map = map;
    im->block = malloc(COPY_BLOCK_BYTES);
    im->bad = open_memstream(&im->bad_text, &im->bad_bytes);
    REQUIRE(im->block != NULL && im->bad != NULL);
    const char *values[] = {kind};
    bool ok = columns_load(im) && execute(conn, "select registry.import_begin($1)", 1, values) &&
              file_copy(im, path) && bad_copy(im) && rows_apply(im, options, report, began, outcome);
    fclose(im->bad);
    free(im->bad_text);
    free(im->block);
    free(im);
    return ok;
}

/* Commits, or rolls back and says why. */
static int transaction_end(PGconn *conn, bool ok, const struct options *options,
                           const struct outcome *outcome) {
    if (ok && options->dry_run) {
        execute(conn, "rollback", 0, NULL);
        puts("dry run: nothing was changed");
        return outcome->refused > 0 && !options->skip_bad;
    }
    if (ok && outcome->refused > 0 && !options->skip_bad) {
        execute(conn, "rollback", 0, NULL);
        return complain("nothing was changed; --skip-bad lands the lines that are right");
    }
    if (ok)
        return execute(conn, "commit", 0, NULL) ? 0 : complain("nothing was changed");
    if (PQstatus(conn) == CONNECTION_OK)
        execute(conn, "rollback", 0, NULL);
    return complain("nothing was changed");
}

/* One kind, or with "all" every kind of the mapping. */
static int files_import(PGconn *conn, const struct options *options, struct import_map *map) {
    FILE *report = NULL;
    if (options->report != NULL && (report = fopen(options->report, "w")) == NULL)
        return complain("%s: %s", options->report, strerror(errno));
    if (report != NULL)
        fputs("kind,line,column,reason,what,landed\n", report);
    struct outcome outcome = {0};
    bool all = strcmp(options->command, "all") == 0;
    bool ok = execute(conn, "begin", 0, NULL);
    for (size_t k = 0; ok && k < KINDS; k++)
        if (all ? import_map_has(map, kinds[k]) : strcmp(kinds[k], options->command) == 0)
            ok = kind_import(conn, kinds[k], options->file, map, options, report, &outcome);
    int status = transaction_end(conn, ok, options, &outcome);
    if (report != NULL && fclose(report) != 0)
        status = complain("%s: %s", options->report, strerror(errno));
    return status;
}

static int command_files(PGconn *conn, const struct options *options) {
    char error[512];
    struct import_map *map = options->mapping != NULL ? import_map_open(options->mapping, error, sizeof error)
                                                      : import_map_plain();
    if (map == NULL)
        return complain("%s", error);
    int status = 1;
    if (strcmp(options->command, "all") != 0 && !import_map_has(map, options->command))
        complain("%s has no section [%s]", options->mapping, options->command);
    else
        status = files_import(conn, options, map);
    import_map_close(map);
    return status;
}

/* --- the other commands ----------------------------------------------------------------------------------
 */

static int command_columns(PGconn *conn, const struct options *options) {
    for (size_t k = 0; k < KINDS; k++) {
        if (options->file != NULL && strcmp(options->file, kinds[k]) != 0)
            continue;
        const char *values[] = {kinds[k]};
        PGresult *result =
            query(conn, "select name, required, note from registry.import_columns($1)", 1, values);
        if (result == NULL)
            return 1;
        printf("%s\n", kinds[k]);
        for (int i = 0; i < PQntuples(result); i++)
            printf("  %-20s %-9s %s\n", PQgetvalue(result, i, 0),
                   PQgetvalue(result, i, 1)[0] == 't' ? "required" : "", PQgetvalue(result, i, 2));
        PQclear(result);
    }
    return 0;
}

static int command_demo(PGconn *conn, const struct config *config, const struct options *options) {
    long there = query_number(conn, "select count(*) from registry.area where code = 'dpq'", 0, NULL);
    if (there != 0) {
        if (there > 0)
            puts("the demo subdistrict is there already; nothing was changed");
        return there < 0;
    }
    struct import_map *map = import_map_plain();
    struct outcome outcome = {0};
    bool ok = execute(conn, "begin", 0, NULL);
    for (size_t k = 0; ok && k < KINDS; k++) {
        char path[CONFIG_PATH_BYTES + 64];
        snprintf(path, sizeof path, "%s/demo/%s.csv", config->database.sql_dir, kinds[k]);
        ok = kind_import(conn, kinds[k], path, map, options, NULL, &outcome);
    }
    import_map_close(map);
    return transaction_end(conn, ok, options, &outcome);
}

/* Waits until liftd has tried every message that was asked for. */
static int landing_wait(PGconn *conn, const struct options *options, long requested) {
    const char *values[] = {options->file};
    double until = seconds_now() + (double)options->wait_s;
    long waiting;
    for (;;) {
        waiting = query_number(conn,
                               "select count(*) from telemetry.refusal where device = $1 and request_at is "
                               "not null and landed_at is null",
                               1, values);
        if (waiting <= 0 || seconds_now() > until)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    }
    if (waiting < 0)
        return 1;
    long refused =
        query_number(conn,
                     "select count(*) from telemetry.refusal where device = $1 and landed_at is null and "
                     "request_at is null and reason in ('unknown_device', 'unknown_unit')",
                     1, values);
    if (refused < 0)
        return 1;
    printf("%s: %ld asked for, %ld landed, %ld refused again, %ld waiting\n", options->file, requested,
           requested - refused - waiting, refused, waiting);
    if (waiting > 0)
        return complain("liftd did not answer within %ld s; it lands them when it runs", options->wait_s);
    return refused > 0 ? complain("the console's list of refusals says why") : 0;
}

static int command_landing(PGconn *conn, const struct options *options) {
    const char *values[] = {options->file};
    long known = query_number(conn, "select count(*) from registry.device where device = $1", 1, values);
    if (known == 0)
        return complain("device %s is not registered; `liftd import devices` or the console does that",
                        options->file);
    long requested = known < 0 ? -1 : query_number(conn, "select telemetry.request_landing($1)", 1, values);
    if (requested <= 0) {
        if (requested == 0)
            printf("%s: nothing of it is waiting to be landed\n", options->file);
        return requested < 0;
    }
    return landing_wait(conn, options, requested);
}

/* --- the command line ------------------------------------------------------------------------------------
 */

static int misuse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int misuse(const char *format, ...) {
    va_list args;
    fputs("liftd import: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputs("; `liftd import --help` says how\n", stderr);
    return 2;
}

static bool number_read(const char *text, long max, long *number) {
    char *end;
    errno = 0;
    *number = strtol(text, &end, 10);
    return *text != '\0' && *end == '\0' && errno == 0 && *number >= 0 && *number <= max;
}

/* Reads one option at argv[*i]. 0 or the exit status. */
static int option_read(struct options *o, int argc, char **argv, int *i) {
    const char *name = argv[*i];
    if (strcmp(name, "--skip-bad") == 0 || strcmp(name, "--dry-run") == 0) {
        *(name[2] == 's' ? &o->skip_bad : &o->dry_run) = true;
        return 0;
    }
    const char **text = strcmp(name, "--mapping") == 0  ? &o->mapping
                        : strcmp(name, "--report") == 0 ? &o->report
                                                        : NULL;
    long *number = strcmp(name, "--list") == 0 ? &o->list : strcmp(name, "--wait") == 0 ? &o->wait_s : NULL;
    if (text == NULL && number == NULL)
        return misuse("there is no option %s", name);
    if (++*i == argc)
        return misuse("%s lacks its value", name);
    if (text != NULL)
        *text = argv[*i];
    else if (!number_read(argv[*i], 1000000, number))
        return misuse("%s wants a number from 0 to 1000000, not '%s'", name, argv[*i]);
    return 0;
}

static bool is_kind(const char *text) {
    for (size_t k = 0; k < KINDS; k++)
        if (strcmp(kinds[k], text) == 0)
            return true;
    return false;
}

/* Does the command exist, and has it what it needs? 0 or the exit status. */
static int options_check(const struct options *o) {
    if (o->command == NULL)
        return misuse("what is to be imported?");
    bool all = strcmp(o->command, "all") == 0, landing = strcmp(o->command, "landing") == 0;
    bool columns = strcmp(o->command, "columns") == 0, demo = strcmp(o->command, "demo") == 0;
    if (!all && !landing && !columns && !demo && !is_kind(o->command))
        return misuse("there is nothing to import called %s", o->command);
    if (o->file == NULL && !demo && !columns)
        return misuse(landing ? "landing wants the name of a device" : "%s wants a file", o->command);
    if (o->file != NULL && demo)
        return misuse("demo takes no file");
    if (columns && o->file != NULL && !is_kind(o->file))
        return misuse("there is nothing to import called %s", o->file);
    if (all && o->mapping == NULL)
        return misuse("all wants --mapping");
    if (all && strcmp(o->file, "-") == 0)
        return misuse("all reads its file several times, which standard input can't do");
    return 0;
}

int import_main(const struct config *config, int argc, char **argv) {
    struct options o = {.list = LISTED_DEFAULT, .wait_s = WAIT_DEFAULT_S};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(manual, stdout);
            return 0;
        }
        int status = 0;
        if (argv[i][0] == '-' && argv[i][1] == '-')
            status = option_read(&o, argc, argv, &i);
        else if (o.command == NULL)
            o.command = argv[i];
        else if (o.file == NULL)
            o.file = argv[i];
        else
            status = misuse("unexpected %s", argv[i]);
        if (status != 0)
            return status;
    }
    int status = options_check(&o);
    if (status != 0)
        return status;
    PGconn *conn = database_open(config);
    if (conn == NULL)
        return 1;
    if (strcmp(o.command, "columns") == 0)
        status = command_columns(conn, &o);
    else if (strcmp(o.command, "demo") == 0)
        status = command_demo(conn, config, &o);
    else if (strcmp(o.command, "landing") == 0)
        status = command_landing(conn, &o);
    else
        status = command_files(conn, &o);
    PQfinish(conn);
    return status;
}
