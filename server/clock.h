/* The wall clock, read at the edge and handed inwards as an argument. */
#ifndef LIFTD_CLOCK_H
#define LIFTD_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Milliseconds since 1970-01-01 UTC. */
static inline int64_t clock_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#endif
