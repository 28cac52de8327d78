/* `liftd import`: the registry from CSV files, the demo subdistrict, and landing what was refused before. */
#ifndef LIFTD_IMPORT_H
#define LIFTD_IMPORT_H

#include "config.h"

/* Runs `liftd import ARGUMENTS`; argv[0] is "import". Returns the exit status: 0 done, 1 refused or failed
 * (stderr says why, and nothing is changed), 2 wrong usage. */
int import_main(const struct config *config, int argc, char **argv);

#endif
