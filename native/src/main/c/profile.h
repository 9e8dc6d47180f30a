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

/* When a caller began a piece of work, and what it had counted as inner work by then. */
typedef struct {
    uint64_t start;
    uint64_t inner;
} profile_mark;

profile_mark profile_begin(const baton_lane *lane);

/* Adds the time since the mark, without the inner work since then. */
void profile_own(const baton_lane *lane, int slot, profile_mark mark);

/* Adds inner work: it is taken from the time of what is around it. */
void profile_inner(baton_lane *lane, int slot, uint64_t ticks);

/* As profile_own, but the work is inner work of what is around it. */
void profile_own_inner(baton_lane *lane, int slot, profile_mark mark);

/* Adds a product's own time, shared between its weights by their bytes. */
void profile_matmul(const baton_lane *lane, const baton_op *op, profile_mark mark);

#endif
