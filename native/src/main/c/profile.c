/*
 * Counters that are always on. Only threads inside baton_run write them, one per pool; with several
 * pools at once an update may be lost, which makes a share a little too small and nothing wrong.
 */
#include "profile.h"

#include <stdatomic.h>

#include "internal.h"

static _Atomic uint64_t counters[BATON_PROFILE_SLOTS];

void profile_add(int slot, uint64_t ticks) {
    uint64_t before = atomic_load_explicit(&counters[slot], memory_order_relaxed);
    atomic_store_explicit(&counters[slot], before + ticks, memory_order_relaxed);
}

uint64_t profile_inner(void) {
    return atomic_load_explicit(&counters[BATON_PROFILE_WAIT], memory_order_relaxed) +
        atomic_load_explicit(&counters[BATON_PROFILE_QUANTISE], memory_order_relaxed);
}

void profile_own(int slot, uint64_t start, uint64_t inner) {
    uint64_t whole = profile_now() - start;
    uint64_t within = profile_inner() - inner;
    profile_add(slot, whole > within ? whole - within : 0);
}

void profile_matmul(const baton_op *op, uint64_t start, uint64_t inner) {
    uint64_t whole = profile_now() - start;
    uint64_t within = profile_inner() - inner;
    uint64_t own = whole > within ? whole - within : 0;
    int64_t bytes = 0;
    for (int i = 0; i < op->count; i++) {
        bytes += baton_weight_bytes(op->p[1 + 2 * i]);
    }
    for (int i = 0; i < op->count && bytes > 0; i++) {
        const baton_weight *w = op->p[1 + 2 * i];
        double part = (double)baton_weight_bytes(w) / (double)bytes;
        profile_add(BATON_PROFILE_MATMUL + w->type, (uint64_t)((double)own * part));
    }
}

void baton_profile(uint64_t *out) {
    for (int i = 0; i < BATON_PROFILE_SLOTS; i++) {
        out[i] = atomic_load_explicit(&counters[i], memory_order_relaxed);
    }
    out[0] = profile_now();
}
