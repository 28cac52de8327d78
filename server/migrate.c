/* Brings the database's roles, tables and functions to what this program needs, and tells whether they are.
 */
#include "migrate.h"

#include "sqlfile.h"

#include <ctype.h>
#include <getopt.h>
#include <libpq-fe.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECT_TIMEOUT_S "5"
#define WHY_BYTES 4600
/* .. and what is put behind the name of the directory. */
#define REASON_BYTES (WHY_BYTES - 300)
/* A live database may hold a lock for a moment, or choose us as a deadlock's victim: so often we try again.
 */
#define REPLAY_TRIES 5

static const char *const replayed[] = {"auth",     "registry", "telemetry", "alert",
                                       "dispatch", "upkeep",   "fund",      "api"};

/* The record of migrations is the one thing that exists before the first of them. */
static const char bootstrap[] =
    "SET LOCAL ROLE liftd_owner;"
    "CREATE SCHEMA IF NOT EXISTS meta;"
    "COMMENT ON SCHEMA meta IS 'The program''s own bookkeeping: migrations, writers, jobs.';"
    "CREATE TABLE IF NOT EXISTS meta.migration ("
    " number int PRIMARY KEY CHECK (number > 0),"
    " name text NOT NULL,"
    " sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),"
    " applied_at timestamptz NOT NULL DEFAULT now());"
    "COMMENT ON TABLE meta.migration IS 'Which files of sql/migrate have run.';"
    "COMMENT ON COLUMN meta.migration.number IS 'Number of the file.';"
    "COMMENT ON COLUMN meta.migration.name IS 'Name of the file.';"
    "COMMENT ON COLUMN meta.migration.sha256 IS 'SHA-256 of the file: one that has run must not change.';"
    "COMMENT ON COLUMN meta.migration.applied_at IS 'When it ran.'";

struct files {
    struct sqlfile_set roles, migrations, replay;
};

struct run {
    PGconn *connection;
    struct files files;
    PGresult *applied; /* number, name, sha256 in hex, applied_at: rows of meta.migration by number */
    bool dry;
    char sqlstate[6]; /* of the last error */
};

/* ---- files ---- */

static void files_fini(struct files *f) {
    sqlfile_set_fini(&f->roles);
    sqlfile_set_fini(&f->migrations);
    sqlfile_set_fini(&f->replay);
}

/* Number of migrate/NNNN_name.sql, 0 when the name isn't of that form. */
static int number_of(const char *name) {
    const char *base = name + strlen("migrate/");
    for (int i = 0; i < 4; i++)
        if (!isdigit((unsigned char)base[i]))
            return 0;
    size_t words = strspn(base + 4, "abcdefghijklmnopqrstuvwxyz0123456789_");
    if (base[4] != '_' || words < 2 || strcmp(base + 4 + words, ".sql") != 0)
        return 0;
    return (int)strtol(base, NULL, 10);
}

static const char *base_of(const struct sqlfile *migration) {
    return migration->name + strlen("migrate/");
}

static bool migrations_numbered(const struct sqlfile_set *set, char *why) {
    int before = 0;
    for (size_t i = 0; i < set->count; i++) {
        int number = number_of(set->files[i].name);
        if (!number) {
            snprintf(why, REASON_BYTES, "%s: a migration is named NNNN_words.sql, from 0001",
                     set->files[i].name);
            return false;
        }
        if (number == before) {
            snprintf(why, REASON_BYTES, "%s and %s have the same number", set->files[i - 1].name,
                     set->files[i].name);
            return false;
        }
        before = number;
    }
    if (!set->count)
        snprintf(why, REASON_BYTES, "there are no migrations");
    return set->count > 0;
}

static bool files_read(struct files *f, const char *sql_dir, char *why) {
    if (sodium_init() < 0) {
        snprintf(why, WHY_BYTES, "libsodium can't be initialised");
        return false;
    }
    char reason[REASON_BYTES] = "";
    bool good = sqlfile_read(&f->roles, sql_dir, "roles.sql", reason, sizeof reason) &&
                sqlfile_read_directory(&f->migrations, sql_dir, "migrate", reason, sizeof reason);
    for (size_t i = 0; good && i < sizeof replayed / sizeof replayed[0]; i++)
        good = sqlfile_read_directory(&f->replay, sql_dir, replayed[i], reason, sizeof reason);
    if (good && migrations_numbered(&f->migrations, reason))
        return true;
    snprintf(why, WHY_BYTES, "the SQL files of %.250s: %s", sql_dir, reason);
    return false;
}

static void hex(const uint8_t sha256[SQLFILE_SHA256_BYTES], char out[2 * SQLFILE_SHA256_BYTES + 1]) {
    sodium_bin2hex(out, 2 * SQLFILE_SHA256_BYTES + 1, sha256, SQLFILE_SHA256_BYTES);
}

static int newest_file(const struct files *f) {
    return number_of(f->migrations.files[f->migrations.count - 1].name);
}

/* ---- talking to the database ---- */

static PGconn *connect_as(const struct config *config, const char *user, const char *application) {
    const char *names[] = {"dbname",          "connect_timeout",       "application_name",
                           "client_encoding", user[0] ? "user" : NULL, NULL};
    const char *values[] = {config->database.conninfo, CONNECT_TIMEOUT_S, application, "UTF8", user, NULL};
    return PQconnectdbParams(names, values, 1);
}

static const char *first_line(const char *text) {
    static char line[512];
    snprintf(line, sizeof line, "%s", text ? text : "no memory left");
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* Says what went wrong in a file, or outside of one where file is NULL. `done` statements had succeeded. */
static void tell_error(struct run *run, const PGresult *r, const struct sqlfile *file, size_t done) {
    const char *position = PQresultErrorField(r, PG_DIAG_STATEMENT_POSITION);
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    snprintf(run->sqlstate, sizeof run->sqlstate, "%s", state ? state : "08006");
    if (file)
        fprintf(stderr, "%s:%zu: ", file->name,
                position ? sqlfile_line_at(file, strtoul(position, NULL, 10))
                         : sqlfile_line_of_statement(file, done));
    else
        fputs("liftd migrate: ", stderr);
    fprintf(stderr, "%s (SQLSTATE %s)\n", message ? message : first_line(PQerrorMessage(run->connection)),
            run->sqlstate);
    static const struct {
        int field;
        const char *name;
    } more[] = {
        {PG_DIAG_MESSAGE_DETAIL, "detail"}, {PG_DIAG_MESSAGE_HINT, "hint"}, {PG_DIAG_CONTEXT, "context"}};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        const char *text = PQresultErrorField(r, more[i].field);
        if (text)
            fprintf(stderr, "    %s: %s\n", more[i].name, text);
    }
}

/* Runs statements; the text is a file's when file isn't NULL. */
static bool execute(struct run *run, const char *sql, const struct sqlfile *file) {
    bool good = PQsendQuery(run->connection, sql) == 1;
    if (!good) {
        fprintf(stderr, "liftd migrate: %s\n", first_line(PQerrorMessage(run->connection)));
        snprintf(run->sqlstate, sizeof run->sqlstate, "08006");
    }
    size_t done = 0;
    for (PGresult *r; (r = PQgetResult(run->connection)); PQclear(r)) {
        ExecStatusType status = PQresultStatus(r);
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
            done++;
        } else if (status == PGRES_COPY_IN) {
            PQputCopyEnd(run->connection, "COPY from stdin has no place in these files");
        } else if (status == PGRES_FATAL_ERROR && good) {
            tell_error(run, r, file, done);
            good = false;
        }
    }
    return good;
}

static bool execute_file(struct run *run, const struct sqlfile *file) {
    if (!execute(run, "RESET ROLE; SET LOCAL ROLE liftd_owner", NULL) || !execute(run, file->text, file))
        return false;
    if (PQtransactionStatus(run->connection) == PQTRANS_INTRANS)
        return true;
    fprintf(stderr, "%s: ends the transaction that `liftd migrate` runs it in\n", file->name);
    return false;
}

/* One statement with text parameters, run as the owner. */
static bool execute_with(struct run *run, const char *sql, int count, const char *const *values) {
    if (!execute(run, "RESET ROLE; SET LOCAL ROLE liftd_owner", NULL))
        return false;
    PGresult *r = PQexecParams(run->connection, sql, count, NULL, values, NULL, NULL, 0);
    bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
    if (!good)
        tell_error(run, r, NULL, 0);
    PQclear(r);
    return good;
}

/* Transactions: a dry run has one around everything. */
static bool begin(struct run *run) {
    return run->dry || execute(run, "BEGIN", NULL);
}

static bool end(struct run *run, bool good) {
    if (run->dry)
        return good;
    if (good)
        return execute(run, "RESET ROLE; COMMIT", NULL);
    execute(run, "ROLLBACK", NULL);
    return false;
}

static long long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---- the steps ---- */

/* Two migrators at once: the second waits for the first. */
static bool take_lock(struct run *run) {
    static const char attempt[] = "SELECT pg_try_advisory_lock(hashtextextended('liftd.migrate', 0))";
    PGresult *r = PQexec(run->connection, attempt);
    bool answered = PQresultStatus(r) == PGRES_TUPLES_OK;
    bool taken = answered && PQgetvalue(r, 0, 0)[0] == 't';
    if (!answered)
        tell_error(run, r, NULL, 0);
    PQclear(r);
    if (!answered || taken)
        return taken;
    printf("another migration of this database is running; waiting for it\n");
    return execute(run, "SELECT pg_advisory_lock(hashtextextended('liftd.migrate', 0))", NULL);
}

/* Rows of meta.migration; no rows when there is no such table. */
static bool load_applied(struct run *run) {
    PQclear(run->applied);
    run->applied = PQexec(run->connection, "SELECT to_regclass('meta.migration') IS NOT NULL");
    bool good = PQresultStatus(run->applied) == PGRES_TUPLES_OK;
    if (good && PQgetvalue(run->applied, 0, 0)[0] == 't') {
        PQclear(run->applied);
        run->applied = PQexec(
            run->connection,
            "SELECT number, name, encode(sha256, 'hex'),"
            " to_char(applied_at, 'YYYY-MM-DD HH24:MI:SS TZH:TZM') FROM meta.migration ORDER BY number");
        good = PQresultStatus(run->applied) == PGRES_TUPLES_OK;
    } else if (good) {
        PQclear(run->applied);
        run->applied = PQmakeEmptyPGresult(run->connection, PGRES_TUPLES_OK);
    }
    if (!good)
        tell_error(run, run->applied, NULL, 0);
    return good;
}

/* Row of meta.migration with that number, or -1. */
static int applied_row(const struct run *run, int number) {
    for (int row = 0; row < PQntuples(run->applied); row++)
        if (atoi(PQgetvalue(run->applied, row, 0)) == number)
            return row;
    return -1;
}

static int newest_applied(const struct run *run) {
    int rows = PQntuples(run->applied);
    return rows ? atoi(PQgetvalue(run->applied, rows - 1, 0)) : 0;
}

/* What has run must be among the files, unchanged, and nothing new may come before it. Says every conflict.
 */
static bool history_agrees(const struct run *run) {
    const struct sqlfile_set *set = &run->files.migrations;
    bool good = true;
    for (size_t i = 0; i < set->count; i++) {
        int number = number_of(set->files[i].name), row = applied_row(run, number);
        char sha256[2 * SQLFILE_SHA256_BYTES + 1];
        hex(set->files[i].sha256, sha256);
        if (row < 0 && number < newest_applied(run)) {
            fprintf(stderr, "%s: has not run, but %04d has: give it a number above that\n",
                    set->files[i].name, newest_applied(run));
            good = false;
        } else if (row >= 0 && strcmp(PQgetvalue(run->applied, row, 2), sha256) != 0) {
            fprintf(stderr, "%s: was changed after it ran on %s: put it back and write a new migration\n",
                    set->files[i].name, PQgetvalue(run->applied, row, 3));
            good = false;
        }
    }
    for (int row = 0; row < PQntuples(run->applied); row++) {
        int number = atoi(PQgetvalue(run->applied, row, 0));
        bool known = false;
        for (size_t i = 0; i < set->count; i++)
            known = known || number_of(set->files[i].name) == number;
        if (!known) {
            fprintf(stderr,
                    "liftd migrate: %s has run on this database and is not among the files: this liftd is "
                    "older than its database\n",
                    PQgetvalue(run->applied, row, 1));
            good = false;
        }
    }
    return good;
}

static bool run_roles(struct run *run) {
    const struct sqlfile *file = &run->files.roles.files[0];
    if (!begin(run))
        return false;
    if (!end(run, execute(run, file->text, file)))
        return false;
    printf("%s: roles are as they should be\n", file->name);
    return true;
}

static bool run_migration(struct run *run, const struct sqlfile *file) {
    char number[16], sha256[2 * SQLFILE_SHA256_BYTES + 1];
    long long started = now_ms();
    snprintf(number, sizeof number, "%d", number_of(file->name));
    hex(file->sha256, sha256);
    const char *values[] = {number, base_of(file), sha256};
    if (!begin(run))
        return false;
    bool good =
        execute_file(run, file) &&
        execute_with(run,
                     "INSERT INTO meta.migration (number, name, sha256) VALUES ($1, $2, decode($3, 'hex'))",
                     3, values);
    if (!end(run, good))
        return false;
    printf("%s: applied in %lld ms\n", file->name, now_ms() - started);
    return true;
}

static bool replay_once(struct run *run) {
    uint8_t sha256[SQLFILE_SHA256_BYTES];
    char text[2 * SQLFILE_SHA256_BYTES + 1];
    sqlfile_set_sha256(&run->files.replay, sha256);
    hex(sha256, text);
    const char *values[] = {text};
    run->sqlstate[0] = '\0';
    if (!begin(run))
        return false;
    bool good = execute(run, "SET LOCAL check_function_bodies = off", NULL);
    for (size_t i = 0; good && i < run->files.replay.count; i++)
        good = execute_file(run, &run->files.replay.files[i]);
    good =
        good && execute_with(run,
                             "INSERT INTO meta.replay (sha256, replayed_at) VALUES (decode($1, 'hex'), now())"
                             " ON CONFLICT (single) DO UPDATE SET sha256 = excluded.sha256, replayed_at = "
                             "excluded.replayed_at",
                             1, values);
    return end(run, good);
}

static bool run_replay(struct run *run) {
    long long started = now_ms();
    for (int attempt = 1; !replay_once(run); attempt++) {
        bool busy = strcmp(run->sqlstate, "55P03") == 0 || strcmp(run->sqlstate, "40P01") == 0;
        if (run->dry || !busy || attempt == REPLAY_TRIES)
            return false;
        printf("the database was busy; trying again\n");
    }
    printf("functions, policies and grants: %zu files replayed in %lld ms\n", run->files.replay.count,
           now_ms() - started);
    return true;
}

/* Everything, in order. In a dry run one transaction, taken back by the caller. */
static bool run_all(struct run *run) {
    if (!load_applied(run) || !history_agrees(run) || !run_roles(run) || !begin(run))
        return false;
    if (!end(run, execute(run, bootstrap, NULL)) || !execute(run, "RESET ROLE", NULL))
        return false;
    for (size_t i = 0; i < run->files.migrations.count; i++) {
        const struct sqlfile *file = &run->files.migrations.files[i];
        if (applied_row(run, number_of(file->name)) < 0 && !run_migration(run, file))
            return false;
    }
    return run_replay(run);
}

static int migrate_up(struct run *run) {
    bool good = take_lock(run) && execute(run, "SET lock_timeout = '10s'", NULL);
    if (good && run->dry) {
        good = execute(run, "BEGIN", NULL) && run_all(run);
        good = execute(run, "ROLLBACK", NULL) && good;
        printf(good ? "dry run: all of this would work; nothing was changed\n"
                    : "dry run: nothing was changed\n");
    } else if (good) {
        good = run_all(run);
        if (good)
            printf("the schema is at %04d\n", newest_file(&run->files));
    }
    return good ? 0 : 1;
}

/* ---- what there is ---- */

/* Compares what the database says (newest migration, hash of the replayed files) with the files. */
static enum migrate_state judge(PGconn *connection, const struct files *files, char *sentence, size_t bytes) {
    PGresult *r = PQexec(connection, "SELECT number, encode(replay_sha256, 'hex') FROM meta.schema()");
    enum migrate_state state = MIGRATE_OTHER;
    const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    uint8_t sha256[SQLFILE_SHA256_BYTES];
    char text[2 * SQLFILE_SHA256_BYTES + 1];
    sqlfile_set_sha256(&files->replay, sha256);
    hex(sha256, text);
    int newest = newest_file(files);
    if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1) {
        int number = atoi(PQgetvalue(r, 0, 0));
        if (number > newest)
            snprintf(sentence, bytes,
                     "the database's schema is at %04d, newer than this liftd's %04d: start the newer liftd",
                     number, newest);
        else if (number < newest)
            snprintf(sentence, bytes,
                     "the database's schema is at %04d, older than this liftd's %04d: run `liftd migrate`",
                     number, newest);
        else if (strcmp(PQgetvalue(r, 0, 1), text) != 0)
            snprintf(sentence, bytes,
                     "the database's functions are not those of this liftd: run `liftd migrate`");
        else {
            snprintf(sentence, bytes, "the database's schema is at %04d, as this liftd needs it", newest);
            state = MIGRATE_CURRENT;
        }
    } else if (sqlstate && (strcmp(sqlstate, "3F000") == 0 || strcmp(sqlstate, "42883") == 0)) {
        snprintf(sentence, bytes, "the database has no schema of liftd: run `liftd migrate`");
    } else if (sqlstate && strcmp(sqlstate, "42501") == 0) {
        snprintf(sentence, bytes,
                 "%s may not use the schema of liftd: run `liftd migrate`, or name the role it made",
                 PQuser(connection));
    } else {
        snprintf(sentence, bytes, "the database doesn't answer: %s", first_line(PQerrorMessage(connection)));
        state = MIGRATE_UNREACHABLE;
    }
    PQclear(r);
    return state;
}

enum migrate_state migrate_current(const struct config *config, const char *user, char *sentence,
                                   size_t sentence_bytes) {
    struct files files = {0};
    char why[WHY_BYTES];
    enum migrate_state state = MIGRATE_NO_FILES;
    if (!files_read(&files, config->database.sql_dir, why)) {
        snprintf(sentence, sentence_bytes, "%s", why);
    } else {
        PGconn *connection = connect_as(config, user, "liftd check");
        if (connection && PQstatus(connection) == CONNECTION_OK) {
            state = judge(connection, &files, sentence, sentence_bytes);
        } else {
            snprintf(sentence, sentence_bytes, "no connection to the database: %s",
                     first_line(connection ? PQerrorMessage(connection) : NULL));
            state = MIGRATE_UNREACHABLE;
        }
        PQfinish(connection);
    }
    files_fini(&files);
    return state;
}

static int tell_status(struct run *run) {
    if (!load_applied(run))
        return 1;
    for (size_t i = 0; i < run->files.migrations.count; i++) {
        const struct sqlfile *file = &run->files.migrations.files[i];
        int row = applied_row(run, number_of(file->name));
        printf("%-40s %s\n", file->name, row < 0 ? "not applied" : PQgetvalue(run->applied, row, 3));
    }
    bool good = history_agrees(run);
    char sentence[512];
    good = judge(run->connection, &run->files, sentence, sizeof sentence) == MIGRATE_CURRENT && good;
    printf("%s\n", sentence);
    return good ? 0 : 1;
}

/* ---- the command ---- */

static void print_notice(void *ctx, const PGresult *r) {
    (void)ctx;
    const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    printf("    note: %s\n", message ? message : "");
}

static int migrate_with(const struct config *config, bool status, bool dry) {
    struct run run = {.dry = dry};
    char why[WHY_BYTES];
    int exit_status = 1;
    if (!files_read(&run.files, config->database.sql_dir, why)) {
        fprintf(stderr, "liftd migrate: %s\n", why);
    } else {
        run.connection = connect_as(config, config->database.admin_user, "liftd migrate");
        if (run.connection && PQstatus(run.connection) == CONNECTION_OK) {
            PQsetNoticeReceiver(run.connection, print_notice, NULL);
            if (execute(&run, "SET client_min_messages = warning", NULL))
                exit_status = status ? tell_status(&run) : migrate_up(&run);
        } else {
            fprintf(stderr, "liftd migrate: no connection to the database: %s\n",
                    first_line(run.connection ? PQerrorMessage(run.connection) : NULL));
        }
    }
    PQclear(run.applied);
    PQfinish(run.connection);
    files_fini(&run.files);
    return exit_status;
}

int migrate_main(const struct config *config, int argc, char **argv) {
    static const struct option options[] = {
        {"status", no_argument, NULL, 's'}, {"dry-run", no_argument, NULL, 'd'}, {0}};
    bool status = false, dry = false;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == '?')
            return 2;
        status = status || option == 's';
        dry = dry || option == 'd';
    }
    if (optind < argc || (status && dry)) {
        fprintf(stderr, "usage: liftd migrate [--status | --dry-run]\n");
        return 2;
    }
    return migrate_with(config, status, dry);
}
