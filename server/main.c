/* The command line: finds the subcommand and the settings file, and hands over. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "config.h"
#include "import.h"
#include "migrate.h"
#include "pipeline.h"
#include "user.h"

#ifndef LIFTD_VERSION
#define LIFTD_VERSION "unversioned"
#endif
#define CONFIG_PATH_DEFAULT "/etc/liftd/liftd.ini"

static const char manual[] =
    "liftd - the server of a lift operations centre\n"
    "\n"
    "  liftd COMMAND [-c FILE] [ARGUMENTS]\n"
    "\n"
    "Lifts report over MQTT; liftd lands every report in PostgreSQL exactly once, raises and clears alarms "
    "as\n"
    "they happen, and serves the console and the API.\n"
    "\n"
    "COMMANDS\n"
    "  serve     Runs the server in the foreground, logging to stderr. SIGTERM and SIGINT end it: what was "
    "read\n"
    "            is committed and acknowledged first. SIGHUP reads the settings again; keys marked "
    "'reloadable'\n"
    "            come into force, and a file with an error changes nothing.\n"
    "  migrate   Brings the database's roles, tables and functions to what this version needs. Safe to "
    "repeat.\n"
    "            --status says what has run and what has not; --dry-run does everything and takes it back.\n"
    "  check     Says whether the settings, the database, the schema and the broker are fit. With\n"
    "            --print-defaults: prints a settings file with every key, its unit, bounds and reason.\n"
    "  user      Adds and changes the people who may sign in. `liftd user --help` says how.\n"
    "  import    Reads the registry (compounds, buildings, lifts, parties) from CSV files, and lands kept\n"
    "            messages of devices registered since. `liftd import --help` says how.\n"
    "\n"
    "OPTIONS\n"
    "  -c, --config FILE   the settings file; without it $LIFTD_CONFIG, else " CONFIG_PATH_DEFAULT "\n"
    "  -h, --help          this text\n"
    "      --version       the version\n"
    "\n"
    "FILES\n"
    "  The settings file is INI. No key is required; an unknown key or a value out of bounds is an error "
    "that\n"
    "  names file and line. PostgreSQL is named by a libpq connection string; libpq's own files and "
    "variables\n"
    "  (~/.pgpass, PGPASSFILE, PGSERVICEFILE) work as everywhere.\n"
    "\n"
    "EXIT STATUS\n"
    "  0 done; 1 it could not be done, and stderr says why; 2 the command line or the settings file is "
    "wrong.\n";

static int serve_main(const struct config *config, const char *config_path, int argc, char **argv) {
    if (argc > 1) {
        fprintf(stderr, "liftd serve: unexpected %s\n", argv[1]);
        return 2;
    }
    log_set_level(config->log.level);
    /* A database that is away is waited for; one of another version would be misunderstood. */
    char sentence[1024];
    enum migrate_state state =
        migrate_current(config, config->database.ingest_user, sentence, sizeof sentence);
    if (state == MIGRATE_OTHER || state == MIGRATE_NO_FILES) {
        log_error("not started: %s", sentence);
        return 1;
    }
    return pipeline_serve(config, config_path);
}

/* Takes -c FILE, --config FILE and --config=FILE out of the arguments, up to "--". Returns the file or NULL;
 * *argc is -1 when the option lacks its file. */
static const char *take_config(int *argc, char **argv) {
    const char *path = NULL;
    int kept = 1, i = 1;
    for (; i < *argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0) {
            path = argv[i] + 9;
        } else if (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--config") == 0) {
            if (++i == *argc) {
                *argc = -1;
                return NULL;
            }
            path = argv[i];
        } else {
            argv[kept++] = argv[i];
        }
    }
    for (; i < *argc; i++)
        argv[kept++] = argv[i];
    argv[kept] = NULL;
    *argc = kept;
    return path;
}

static bool asks_help(const char *argument) {
    return strcmp(argument, "-h") == 0 || strcmp(argument, "--help") == 0;
}

/* Runs a command that needs good settings. */
static int run(const char *command, const char *config_path, int argc, char **argv) {
    static const struct {
        const char *name;
        int (*main)(const struct config *config, int argc, char **argv);
    } commands[] = {{"migrate", migrate_main}, {"user", user_main}, {"import", import_main}};

    struct config config;
    static struct config_errors errors;
    size_t i = 0;
    while (i < sizeof commands / sizeof commands[0] && strcmp(commands[i].name, command) != 0)
        i++;
    bool serve = strcmp(command, "serve") == 0;
    if (i == sizeof commands / sizeof commands[0] && !serve) {
        fprintf(stderr, "liftd: there is no command %s; `liftd --help` lists them\n", command);
        return 2;
    }
    bool help = argc > 1 && asks_help(argv[1]);
    if (help && (serve || strcmp(command, "migrate") == 0)) {
        fputs(manual, stdout);
        return 0;
    }
    if (help) {
        config_defaults(&config); /* a manual needs no settings file */
    } else if (!config_load(config_path, &config, &errors)) {
        config_errors_print(&errors, stderr);
        return 2;
    }
    return serve ? serve_main(&config, config_path, argc, argv) : commands[i].main(&config, argc, argv);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2) {
        fputs(manual, stderr);
        return 2;
    }
    if (asks_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        fputs(manual, stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("liftd " LIFTD_VERSION);
        return 0;
    }
    const char *command = argv[1];
    argc--;
    argv++;
    const char *path = take_config(&argc, argv);
    if (argc < 0) {
        fputs("liftd: -c needs a file\n", stderr);
        return 2;
    }
    if (!path)
        path = getenv("LIFTD_CONFIG");
    if (!path || !path[0])
        path = CONFIG_PATH_DEFAULT;
    if (strcmp(command, "check") == 0) {
        if (argc > 1 && asks_help(argv[1])) {
            fputs(manual, stdout);
            return 0;
        }
        return check_main(path, argc, argv);
    }
    return run(command, path, argc, argv);
}
