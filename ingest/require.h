/* PURE: the assertion of the house: an impossible state ends the process, in release builds too. */
#ifndef LIFTD_REQUIRE_H
#define LIFTD_REQUIRE_H

#include <stdio.h>
#include <stdlib.h>

/* Ends the process with file, line and the broken condition. For impossible states only; whatever a user, a
 * device, a disk or a network can cause is a checked status instead. */
#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: impossible: %s\n", __FILE__, __LINE__, #condition);                      \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
