/* Where the time of baton_run goes: ticks of the calling thread, by kind of work. */
#ifndef BATON_PROFILE_H
#define BATON_PROFILE_H

#include <stdint.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#else
#include <time.h>
#endif

#include "baton.h"

/* A few cycles on x86, where counting costs nothing that can be measured. */
static inline uint64_t profile_now(void) {
#if defined(__x86_64__)
    return __rdtsc();
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

void profile_add(int slot, uint64_t ticks);

/* What has been counted as inner work so far: it is taken from the time of what is around it. */
uint64_t profile_inner(void);

/* Adds the time since start, without the inner work since then. */
void profile_own(int slot, uint64_t start, uint64_t inner);

/* Adds a product's own time, shared between its weights by their bytes. */
void profile_matmul(const baton_op *op, uint64_t start, uint64_t inner);

#endif
