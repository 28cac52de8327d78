/* The one function a fuzz target has: libFuzzer calls it, or replay.c with the files of a corpus. */
#ifndef LIFTD_FUZZ_H
#define LIFTD_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Feeds one input to the code under test; ends the process when something is wrong. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
