/*
 * Callers of one pool, who take turns: each turn has all of the pool's threads. While several
 * callers want to compute, a turn ends after about two milliseconds, in the middle of a product if
 * need be, and the next is the caller's with the smallest start: start-time fair queueing (Goyal,
 * Vin, Cheng 1996). A caller's clock advances by the time it computes divided by its share; one
 * that comes back from idleness starts at the clock of whoever computes, without credit. A caller
 * who is alone is never interrupted.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "profile.h"

#define TURN_NANOS 2000000
#define LINE 64

struct baton_turns {
    pthread_mutex_t lock;
    baton_lane *owner;
    baton_lane *waiting;
    _Atomic int waiters;
    /* The clock while nobody computes. */
    double clock;
};

baton_turns *baton_turns_open(void) {
    baton_turns *turns = calloc(1, sizeof *turns);
    if (turns != NULL) {
        pthread_mutex_init(&turns->lock, NULL);
    }
    return turns;
}

void baton_turns_close(baton_turns *turns) {
    if (turns != NULL) {
        pthread_mutex_destroy(&turns->lock);
        free(turns);
    }
}

/* A lane's clock if its turn ended now. */
static double clock_of(const baton_lane *lane, int64_t now) {
    return lane->start + (double)(now - lane->since) / lane->share;
}

static void give(baton_turns *turns, baton_lane *lane, int64_t now) {
    turns->owner = lane;
    lane->since = now;
    lane->until = now + TURN_NANOS;
}

/* The waiting lane that goes next: of equal ones the one that has waited longest. */
static baton_lane **next_of(baton_turns *turns) {
    baton_lane **best = &turns->waiting;
    for (baton_lane **each = best; *each != NULL; each = &(*each)->next) {
        if ((*each)->start < (*best)->start) {
            best = each;
        }
    }
    return best;
}

static void give_next(baton_turns *turns, int64_t now) {
    baton_lane **best = next_of(turns);
    baton_lane *lane = *best;
    *best = lane->next;
    lane->next = NULL;
    atomic_fetch_sub(&turns->waiters, 1);
    give(turns, lane, now);
    pthread_cond_signal(&lane->turn);
}

static void wait_for_turn(baton_turns *turns, baton_lane *lane) {
    baton_lane **last = &turns->waiting;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = lane;
    atomic_fetch_add(&turns->waiters, 1);
    while (turns->owner != lane) {
        pthread_cond_wait(&lane->turn, &turns->lock);
    }
}

void baton_turn_begin(baton_lane *lane) {
    baton_turns *turns = baton_pool_turns(lane->pool);
    pthread_mutex_lock(&turns->lock);
    int64_t now = baton_nanos();
    double clock = turns->owner == NULL ? turns->clock : clock_of(turns->owner, now);
    lane->start = lane->start > clock ? lane->start : clock;
    if (turns->owner == NULL) {
        give(turns, lane, now);
    } else {
        wait_for_turn(turns, lane);
    }
    pthread_mutex_unlock(&turns->lock);
}

void baton_turn_end(baton_lane *lane) {
    baton_turns *turns = baton_pool_turns(lane->pool);
    pthread_mutex_lock(&turns->lock);
    int64_t now = baton_nanos();
    lane->start = clock_of(lane, now);
    turns->clock = lane->start;
    turns->owner = NULL;
    if (turns->waiting != NULL) {
        give_next(turns, now);
    }
    pthread_mutex_unlock(&turns->lock);
}

int baton_turn_is_over(baton_lane *lane) {
    baton_turns *turns = baton_pool_turns(lane->pool);
    if (atomic_load_explicit(&turns->waiters, memory_order_relaxed) == 0) {
        return 0;
    }
    int64_t now = baton_nanos();
    if (now < lane->until) {
        return 0;
    }
    pthread_mutex_lock(&turns->lock);
    int over = turns->waiting != NULL && (*next_of(turns))->start <= clock_of(lane, now);
    lane->until = now + TURN_NANOS;
    pthread_mutex_unlock(&turns->lock);
    return over;
}

void baton_turn_pass(baton_lane *lane) {
    baton_turns *turns = baton_pool_turns(lane->pool);
    uint64_t start = profile_now();
    pthread_mutex_lock(&turns->lock);
    if (turns->waiting != NULL) {
        int64_t now = baton_nanos();
        lane->start = clock_of(lane, now);
        give_next(turns, now);
        wait_for_turn(turns, lane);
    }
    pthread_mutex_unlock(&turns->lock);
    profile_inner(lane, BATON_PROFILE_TURN, profile_now() - start);
}

baton_lane *baton_lane_open(baton_pool *pool, double share) {
    baton_lane *lane = calloc(1, sizeof *lane);
    if (lane != NULL) {
        lane->pool = pool;
        lane->share = share;
        pthread_cond_init(&lane->turn, NULL);
    }
    return lane;
}

void baton_lane_close(baton_lane *lane) {
    for (int i = 0; i < SCRATCH_SLOTS; i++) {
        free(lane->scratch[i]);
    }
    pthread_cond_destroy(&lane->turn);
    free(lane);
}

void *baton_lane_scratch(baton_lane *lane, int slot, size_t bytes) {
    if (lane->scratch_bytes[slot] < bytes) {
        size_t rounded = (bytes + bytes / 4 + LINE) / LINE * LINE;
        void *memory = NULL;
        if (posix_memalign(&memory, LINE, rounded) != 0) {
            return NULL;
        }
        memset(memory, 0, rounded);
        free(lane->scratch[slot]);
        lane->scratch[slot] = memory;
        lane->scratch_bytes[slot] = rounded;
    }
    return lane->scratch[slot];
}
