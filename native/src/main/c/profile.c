/*
 * Counters that are always on. Only threads inside baton_run write them; with several of them at
 * once an update may be lost, which makes a share a little too small and nothing wrong.
 */
#include "profile.h"

#include <stdatomic.h>

#include "internal.h"

static _Atomic uint64_t counters[BATON_PROFILE_SLOTS];

static void add(int slot, uint64_t ticks) {
    uint64_t before = atomic_load_explicit(&counters[slot], memory_order_relaxed);
    atomic_store_explicit(&counters[slot], before + ticks, memory_order_relaxed);
}

profile_mark profile_begin(const baton_lane *lane) {
    return (profile_mark){profile_now(), lane->inner};
}

static uint64_t own(const baton_lane *lane, profile_mark mark) {
    uint64_t whole = profile_now() - mark.start;
    uint64_t within = lane->inner - mark.inner;
    return whole > within ? whole - within : 0;
}

void profile_own(const baton_lane *lane, int slot, profile_mark mark) {
    add(slot, own(lane, mark));
}

void profile_inner(baton_lane *lane, int slot, uint64_t ticks) {
    add(slot, ticks);
    lane->inner += ticks;
}

void profile_own_inner(baton_lane *lane, int slot, profile_mark mark) {
    profile_inner(lane, slot, own(lane, mark));
}

void profile_matmul(const baton_lane *lane, const baton_op *op, profile_mark mark) {
    uint64_t ticks = own(lane, mark);
    int64_t bytes = 0;
    for (int i = 0; i < op->count; i++) {
        bytes += baton_weight_bytes(op->p[1 + 2 * i]);
    }
    for (int i = 0; i < op->count && bytes > 0; i++) {
        const baton_weight *w = op->p[1 + 2 * i];
        double part = (double)baton_weight_bytes(w) / (double)bytes;
        add(BATON_PROFILE_MATMUL + w->type, (uint64_t)((double)ticks * part));
    }
}

void baton_profile(uint64_t *out) {
    for (int i = 0; i < BATON_PROFILE_SLOTS; i++) {
        out[i] = atomic_load_explicit(&counters[i], memory_order_relaxed);
    }
    out[0] = profile_now();
}
