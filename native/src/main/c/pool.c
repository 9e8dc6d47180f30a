/*
 * Threads that share out numbered tasks. The caller of a job is one of them and takes the serial
 * parts alone. A job is one 64-bit ticket: tasks in the upper half, the next one in the lower. A
 * thread takes a task by adding one; the caller waits until as many are completed as were taken. A
 * thread that the system does not run therefore delays nobody unless it holds a task. A caller
 * whose turn is over (turns.c) takes the ticket back, and goes on at the next task in its next turn.
 *
 * A thread without work spins a little, then sleeps on a condition variable.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "internal.h"
#include "profile.h"

#define SPINS_BETWEEN_LOOKS 64
#define SPIN_NANOS 50000
#define LARGE_PAGE ((size_t)2 << 20)
/* Weights lie one behind the other: what is not written costs no memory, a page half full would. */
#define SLAB ((size_t)64 << 20)
#define LINE 64

typedef struct slab {
    struct slab *next;
    uint8_t *memory;
} slab;

typedef struct {
    struct baton_pool *pool;
    int index;
} worker;

struct baton_pool {
    _Atomic uint64_t ticket;
    char pad0[LINE];
    _Atomic uint32_t completed;
    char pad1[LINE];
    _Atomic int sleepers;
    _Atomic int closing;
    pool_task task;
    void *context;
    const baton_level *level;
    int threads;
    int started;
    pthread_t *handles;
    worker *workers;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    slab *slabs;
    size_t slab_free;
    baton_turns *turns;
    baton_lane *loading;
};

INLINE void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

int64_t baton_nanos(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int has_task(uint64_t ticket) {
    return (uint32_t)ticket < (uint32_t)(ticket >> 32);
}

/* Takes and runs a task; 0 if there is none. */
static int work(baton_pool *pool, int thread) {
    if (!has_task(atomic_load_explicit(&pool->ticket, memory_order_acquire))) {
        return 0;
    }
    uint64_t mine = atomic_fetch_add_explicit(&pool->ticket, 1, memory_order_acq_rel);
    if (!has_task(mine)) {
        return 0;
    }
    pool->task(pool->context, (int)(uint32_t)mine, thread);
    atomic_fetch_add_explicit(&pool->completed, 1, memory_order_release);
    return 1;
}

static int idle(baton_pool *pool) {
    return !has_task(atomic_load(&pool->ticket)) && !atomic_load(&pool->closing);
}

static void spin(baton_pool *pool) {
    int64_t until = baton_nanos() + SPIN_NANOS;
    do {
        for (int i = 0; i < SPINS_BETWEEN_LOOKS; i++) {
            if (!idle(pool)) {
                return;
            }
            relax();
        }
    } while (baton_nanos() < until);
}

static void sleep_until_woken(baton_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (idle(pool)) {
        pthread_cond_wait(&pool->wake, &pool->lock);
    }
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
}

static void *run_worker(void *argument) {
    worker *self = argument;
    baton_pool *pool = self->pool;
    while (!atomic_load(&pool->closing)) {
        while (work(pool, self->index)) {
        }
        spin(pool);
        if (idle(pool)) {
            sleep_until_woken(pool);
        }
    }
    return NULL;
}

static void wake_sleepers(baton_pool *pool) {
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->lock);
    }
}

/* Waits until the other threads have completed what they took. */
static void wait_for(baton_lane *lane, uint32_t taken) {
    baton_pool *pool = lane->pool;
    uint64_t start = profile_now();
    int64_t until = baton_nanos() + SPIN_NANOS;
    while (atomic_load_explicit(&pool->completed, memory_order_acquire) < taken) {
        relax();
        if (baton_nanos() > until) {
            sched_yield();
        }
    }
    profile_inner(lane, BATON_PROFILE_WAIT, profile_now() - start);
}

/* Shares out the tasks from the given one on until the turn is over; returns the next task. */
static int share_a_turn(baton_lane *lane, int from, int tasks, pool_task task, void *context) {
    baton_pool *pool = lane->pool;
    pool->task = task;
    pool->context = context;
    atomic_store_explicit(&pool->completed, 0, memory_order_relaxed);
    atomic_store(&pool->ticket, (uint64_t)tasks << 32 | (uint32_t)from);
    wake_sleepers(pool);
    int next = tasks;
    while (work(pool, 0)) {
        if (baton_turn_is_over(lane)) {
            uint32_t taken = (uint32_t)atomic_exchange(&pool->ticket, 0);
            next = taken < (uint32_t)tasks ? (int)taken : tasks;
            break;
        }
    }
    wait_for(lane, (uint32_t)(next - from));
    return next;
}

void baton_lane_share(baton_lane *lane, int tasks, pool_task task, void *context) {
    if (tasks <= 1 || lane->pool->started == 0) {
        for (int i = 0; i < tasks; i++) {
            task(context, i, 0);
            if (i + 1 < tasks && baton_turn_is_over(lane)) {
                baton_turn_pass(lane);
            }
        }
        return;
    }
    int next = share_a_turn(lane, 0, tasks, task, context);
    while (next < tasks) {
        baton_turn_pass(lane);
        next = share_a_turn(lane, next, tasks, task, context);
    }
}

static int start_threads(baton_pool *pool) {
    /* A signal meant for the JVM must not land on a thread that it does not know. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 1; i < pool->threads; i++) {
        pool->workers[i].pool = pool;
        pool->workers[i].index = i;
        if (pthread_create(&pool->handles[i], NULL, run_worker, &pool->workers[i]) != 0) {
            break;
        }
        pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return pool->started == pool->threads - 1;
}

/* Its two tables. */
static const baton_level *level_of(int32_t level) {
    switch (level) {
#if defined(__x86_64__)
        case BATON_AVX2: return baton_level_avx2;
        case BATON_AVX2_VNNI: return baton_level_avx2_vnni;
#if !defined(BATON_EMULATE)
        case BATON_AVX512: return baton_level_avx512;
#endif
        case BATON_AVX512_VNNI: return baton_level_avx512_vnni;
#endif
        default: return baton_level_portable;
    }
}

baton_pool *baton_pool_open(int32_t threads, int32_t level, int32_t activations) {
    baton_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->threads = threads;
    pool->level = level_of(level) + activations;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->handles = calloc((size_t)threads, sizeof *pool->handles);
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    pool->turns = baton_turns_open();
    pool->loading = baton_lane_open(pool, 1);
    if (pool->handles == NULL || pool->workers == NULL || pool->turns == NULL ||
        pool->loading == NULL || !start_threads(pool)) {
        baton_pool_close(pool);
        return NULL;
    }
    return pool;
}

void baton_pool_close(baton_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->closing, 1);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 1; i <= pool->started; i++) {
        pthread_join(pool->handles[i], NULL);
    }
    for (slab *each = pool->slabs; each != NULL;) {
        slab *next = each->next;
        free(each->memory);
        free(each);
        each = next;
    }
    if (pool->loading != NULL) {
        baton_lane_close(pool->loading);
    }
    baton_turns_close(pool->turns);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->handles);
    free(pool->workers);
    free(pool);
}

int baton_pool_threads(const baton_pool *pool) {
    return pool->threads;
}

const baton_level *baton_pool_level(const baton_pool *pool) {
    return pool->level;
}

baton_turns *baton_pool_turns(const baton_pool *pool) {
    return pool->turns;
}

baton_lane *baton_pool_loading(const baton_pool *pool) {
    return pool->loading;
}

static slab *new_slab(baton_pool *pool, size_t bytes) {
    slab *fresh = malloc(sizeof *fresh);
    void *memory = NULL;
    if (fresh == NULL || posix_memalign(&memory, LARGE_PAGE, bytes) != 0) {
        free(fresh);
        return NULL;
    }
#if defined(MADV_HUGEPAGE)
    /* A hint: a system without large pages does as well, a little slower. */
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    fresh->memory = memory;
    fresh->next = pool->slabs;
    pool->slabs = fresh;
    return fresh;
}

void *baton_pool_keep(baton_pool *pool, size_t bytes) {
    size_t need = (bytes + LINE - 1) / LINE * LINE;
    if (need >= SLAB / 2) {
        /* A slab of its own, behind the one that is being filled. */
        slab *open = pool->slabs;
        slab *fresh = new_slab(pool, (need + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE);
        if (fresh == NULL) {
            return NULL;
        }
        if (open != NULL) {
            fresh->next = open->next;
            open->next = fresh;
            pool->slabs = open;
        } else {
            pool->slab_free = 0;
        }
        return fresh->memory;
    }
    if (pool->slabs == NULL || pool->slab_free < need) {
        if (new_slab(pool, SLAB) == NULL) {
            return NULL;
        }
        pool->slab_free = SLAB;
    }
    void *memory = pool->slabs->memory + (SLAB - pool->slab_free);
    pool->slab_free -= need;
    return memory;
}
