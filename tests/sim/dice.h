/* PURE: seeded randomness of the simulator: the same seed throws the same numbers on every machine. */
#ifndef LIFTSIM_DICE_H
#define LIFTSIM_DICE_H

#include <math.h>
#include <stdint.h>

/* One stream of numbers (splitmix64); each lift and each device has its own, so that adding one lift does not
 * change what another does. */
struct dice {
    uint64_t state;
};

static inline uint64_t dice_u64(struct dice *d) {
    uint64_t z = (d->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* The stream number `stream` of a seed. */
static inline struct dice dice_of(uint64_t seed, uint64_t stream) {
    struct dice d = {.state = seed ^ (stream * UINT64_C(0xD1342543DE82EF95))};
    d.state = dice_u64(&d);
    return d;
}

/* 0 <= x < 1 */
static inline double dice_unit(struct dice *d) {
    return (double)(dice_u64(d) >> 11) * 0x1.0p-53;
}

/* lowest .. highest, both included. */
static inline int dice_range(struct dice *d, int lowest, int highest) {
    return lowest + (int)(dice_u64(d) % (uint64_t)(highest - lowest + 1));
}

/* A waiting time with this mean (exponential). */
static inline double dice_wait(struct dice *d, double mean) {
    return -log(1.0 - dice_unit(d)) * mean;
}

#endif
