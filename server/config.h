/* The one INI file of liftd as a plain struct: every key has a type, a unit, a default, bounds and a reason.
 */
#ifndef LIFTD_CONFIG_H
#define LIFTD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "log.h"

/* Longest texts, bytes, with the closing NUL. */
#define CONFIG_TEXT_BYTES 256
#define CONFIG_PATH_BYTES 512
#define CONFIG_CONNINFO_BYTES 2048

/* [database] PostgreSQL: where it is and as whom liftd speaks to it. */
struct config_database {
    char conninfo[CONFIG_CONNINFO_BYTES]; /* libpq string or URI without a user; "": libpq's own defaults */
    char ingest_user[CONFIG_TEXT_BYTES];  /* the writer and the timetable */
    char web_user[CONFIG_TEXT_BYTES];     /* the gateway and its listener */
    char admin_user[CONFIG_TEXT_BYTES];   /* migrate, check, user, import; "": whoever conninfo names */
    char sql_dir[CONFIG_PATH_BYTES];      /* after config_load: never empty */
    int web_connections;
    int statement_timeout_ms;
};

/* [broker] The MQTT broker. */
struct config_broker {
    char host[CONFIG_TEXT_BYTES];
    int port;
    char username[CONFIG_TEXT_BYTES];      /* "": anonymous */
    char password_file[CONFIG_PATH_BYTES]; /* "": none; read it with config_password() */
    char client_id[CONFIG_TEXT_BYTES];
    int reconnect_min_ms;
    int reconnect_max_ms; /* >= reconnect_min_ms, checked */
    int tcp_keepalive_s;
};

/* [http] The gateway and console. */
struct config_http {
    char address[CONFIG_TEXT_BYTES];
    int port;
    char console_dir[CONFIG_PATH_BYTES]; /* after config_load: never empty */
    int body_max_bytes;
    int connections_max;
    int streams_max; /* < connections_max, checked */
    int request_deadline_s;
    bool public_metrics;
    bool behind_proxy;
};

/* [ingest] Batches, the window of unacknowledged messages, and how long readings are kept. */
struct config_ingest {
    int batch_max_messages; /* <= window_max_messages, checked */
    int window_max_messages;
    int commit_slow_ms;
    int retention_days;
    int partitions_ahead_days;
    int clock_ahead_max_s;
};

/* [alerts] Thresholds of derived rules. */
struct config_alerts {
    int silent_after_s;
    int trapped_hold_s;
};

/* [log] */
struct config_log {
    int level; /* enum log_level */
};

/* A plain value: copy it with =, nothing to free. */
struct config {
    struct config_database database;
    struct config_broker broker;
    struct config_http http;
    struct config_ingest ingest;
    struct config_alerts alerts;
    struct config_log log;
};

/* What is wrong with a file. At most CONFIG_ERRORS_MAX sentences are kept, each "file:line: what"; count goes
 * on counting. */
#define CONFIG_ERRORS_MAX 20
struct config_errors {
    size_t count;
    char text[CONFIG_ERRORS_MAX][CONFIG_PATH_BYTES + 256];
};

/* Every key at its default; directories that are empty by default stay empty. */
void config_defaults(struct config *out);

/* Reads a file. Unknown sections and keys, keys given twice, and values of a wrong type or out of bounds are
 * all collected in *errors; then false, and *out is untouched. No key is required. Relative paths count from
 * the directory of the file; empty sql_dir and console_dir become those of the checkout or installation that
 * this program runs from. */
bool config_load(const char *path, struct config *out, struct config_errors *errors);

/* Prints the errors, one a line, with a last line that says how many were left out. */
void config_errors_print(const struct config_errors *errors, FILE *out);

/* Most keys a file can have (asserted against the table). */
#define CONFIG_KEYS_MAX 64

/* The names ("alerts.silent_after_s") of keys that differed. Static strings. */
struct config_changes {
    size_t applied_count, waiting_count;
    const char *applied[CONFIG_KEYS_MAX]; /* in force now */
    const char *waiting[CONFIG_KEYS_MAX]; /* differ in the file, but need a restart: not copied */
};

/* Compares and copies from *loaded into *running what can change while liftd runs (marked 'reloadable' in the
 * manual); says what it did. */
void config_apply(struct config *running, const struct config *loaded, struct config_changes *changes);

/* SIGHUP: loads the file and applies it. A bad file: false, *errors says why, *running keeps all it had. */
bool config_reload(struct config *running, const char *path, struct config_changes *changes,
                   struct config_errors *errors);

/* Prints the manual: an INI file with every key at its default, each with its explanation. It is what
 * `liftd check --print-defaults` prints and what server/ops/liftd.ini holds. */
void config_print_manual(FILE *out);

/* Reads the first line of a password file into out, without the line end. false: it can't be read, is empty
 * or too long; errno tells which (ENOENT .., EINVAL empty, E2BIG too long). */
bool config_password(const char *path, char *out, size_t out_bytes);

#endif
