/* `liftd check`: says in sentences whether the settings, the database, the schema and the broker are fit. */
#ifndef LIFTD_CHECK_H
#define LIFTD_CHECK_H

/* Runs `liftd check` on the settings file at config_path. argv[0] is "check", the rest its own options:
 * --print-defaults prints the manual of the settings file instead, which needs no file. Returns the exit
 * status: 0 all is well, 1 something is not, 2 wrong usage. */
int check_main(const char *config_path, int argc, char **argv);

#endif
