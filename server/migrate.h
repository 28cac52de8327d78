/* Brings the database's roles, tables and functions to what this program needs, and tells whether they are.
 *
 * Files below sql_dir: roles.sql, run every time; migrate/NNNN_name.sql, tables, each run once in the order
 * of its number, in its own transaction, recorded with its SHA-256 in meta.migration; then functions, views,
 * policies and grants of the directories auth, registry, telemetry, alert, dispatch, upkeep, fund, api, all
 * replayed in one transaction at every run. Everything but roles.sql runs as liftd_owner. */
#ifndef LIFTD_MIGRATE_H
#define LIFTD_MIGRATE_H

#include "config.h"

/* `liftd migrate [--status | --dry-run]`. Exit status: 0 the database is as this program needs it (--status),
 * was brought there, or could be (--dry-run, which does everything and takes it back); 1 not, and stderr says
 * why with file and line; 2 wrong usage. A migration that has run and was changed since, one numbered below
 * the newest that ran, two of one number, or a database newer than the files is an error. */
int migrate_main(const struct config *config, int argc, char **argv);

/* What migrate_current found. */
enum migrate_state {
    MIGRATE_CURRENT,     /* the database is as the files below sql_dir say */
    MIGRATE_OTHER,       /* it is older, newer or was never migrated */
    MIGRATE_UNREACHABLE, /* the database doesn't answer, or not to this user */
    MIGRATE_NO_FILES,    /* the files can't be read */
};

/* Compares the database with the files, connecting as `user` ("": as conninfo says) for at most 5 s; blocks.
 * `sentence` says what was found, without a full stop: for people. */
enum migrate_state migrate_current(const struct config *config, const char *user, char *sentence,
                                   size_t sentence_bytes);

#endif
