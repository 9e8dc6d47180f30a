/*
 * The C ABI of Baton's CPU kernels. A step is a list of fixed-size operations in memory of the
 * caller; baton_run works through it on a pool of threads and returns when all is done. Shapes are
 * checked by the caller (io.baton.kernels.host.Shapes); nothing here is safe against wrong ones.
 */
#ifndef BATON_H
#define BATON_H

#include <stdint.h>

#define BATON_ABI 8

#if defined(__GNUC__)
#define BATON_EXPORT __attribute__((visibility("default")))
#else
#define BATON_EXPORT
#endif

enum { BATON_PORTABLE, BATON_AVX2, BATON_AVX2_VNNI, BATON_AVX512, BATON_AVX512_VNNI, BATON_LEVELS };

/* To how many bits the rows of a product with a quantised weight are rounded. */
enum { BATON_13_BITS, BATON_8_BITS, BATON_ACTIVATIONS };

enum {
    BATON_OK = 0,
    BATON_NO_MEMORY = -1,
    BATON_BAD_OPERATION = -2
};

/* ggml's type ids. */
enum {
    BATON_F32 = 0,
    BATON_F16 = 1,
    BATON_Q4_0 = 2,
    BATON_Q4_1 = 3,
    BATON_Q5_0 = 6,
    BATON_Q5_1 = 7,
    BATON_Q8_0 = 8,
    BATON_Q4_K = 12,
    BATON_Q5_K = 13,
    BATON_Q6_K = 14,
    BATON_BF16 = 30
};

/* INT8: a row of a head is its bytes, then a float32 scale. */
enum { BATON_KV_F32 = 0, BATON_KV_BF16 = 1, BATON_KV_F16 = 2, BATON_KV_INT8 = 3 };

enum { BATON_SILU = 0, BATON_GELU_TANH = 1 };

/*
 * kind       rows, cols        count        number   n                                  p
 * EMBED      rows, cols                     scale                                       tokens, weight, out
 * NORM       rows, group       groups/row   eps                                         in, gain, out
 * MATMUL     rows, in cols     projections                                              in, then weight, out each
 * ADD        rows, cols                                                                 inout, delta
 * ROPE       rows, cols                              head, rotated, interleaved         inout, positions, cos, sin
 * STORE      rows, cols        spans                 kv heads, head, dtype, block       k, v, layer, spans, blocks
 * ATTENTION  rows, cols        spans        scale,   kv heads, head, dtype, block,      q, out, layer, spans, blocks
 *                                           softcap  heads, window
 * GATED      rows, cols                              activation                         gate, up, out
 * GATHER     rows, cols                                                                 in, rows, out
 * BIAS       rows, cols                                                                 inout, vector
 * SOFTCAP    rows, cols                     cap                                         inout
 */
enum {
    BATON_EMBED = 1,
    BATON_NORM,
    BATON_MATMUL,
    BATON_ADD,
    BATON_ROPE,
    BATON_STORE,
    BATON_ATTENTION,
    BATON_GATED,
    BATON_GATHER,
    BATON_BIAS,
    BATON_SOFTCAP
};

#define BATON_PROJECTIONS 4

/* 128 bytes; the offsets are written by io.baton.kernels.c.Operations. */
typedef struct {
    int32_t kind;
    int32_t rows;
    int32_t cols;
    int32_t count;
    float number[2];
    int32_t n[6];
    void *p[10];
} baton_op;

/* Consecutive tokens of one sequence; block i of it is blocks[blocks_at + i]. */
typedef struct {
    int32_t first_row;
    int32_t rows;
    int32_t first_position;
    int32_t blocks_at;
} baton_span;

typedef struct baton_pool baton_pool;
typedef struct baton_weight baton_weight;
typedef struct baton_lane baton_lane;

BATON_EXPORT int32_t baton_abi(void);

/* The highest level up to the cap that this library and this CPU both have. */
BATON_EXPORT int32_t baton_best_level(int32_t cap);

/* The level is one that baton_best_level gave. NULL if threads or memory are refused. The caller of baton_run is one of the threads. */
BATON_EXPORT baton_pool *baton_pool_open(int32_t threads, int32_t level, int32_t activations);

/* Ends the threads and frees every weight. No call may be running, and no lane may run again. */
BATON_EXPORT void baton_pool_close(baton_pool *pool);

/* Repacks a weight; src is read, not kept. NULL if there is no memory. One call at a time. */
BATON_EXPORT baton_weight *baton_weight_pack(
    baton_pool *pool, int32_t type, int32_t rows, int32_t cols, const void *src);

BATON_EXPORT int64_t baton_weight_bytes(const baton_weight *weight);

/*
 * A caller of the pool. Where several want to compute at once, they take turns with all threads, and
 * each gets time in proportion to its share (any positive number). NULL if there is no memory.
 */
BATON_EXPORT baton_lane *baton_lane_open(baton_pool *pool, double share);

/* No call may be running. The pool may be closed already. */
BATON_EXPORT void baton_lane_close(baton_lane *lane);

/* Runs the operations in order. One call at a time for each lane. */
BATON_EXPORT int32_t baton_run(baton_lane *lane, const baton_op *ops, int32_t count);

/*
 * Ticks that callers of baton_run have spent since the library was loaded, each in one slot alone:
 * operations under their kind; products under MATMUL + the weight's type; their rounding of rows
 * under QUANTISE; waiting for other threads under WAIT, for the lane's turn under TURN. Slot 0 is the clock itself.
 */
enum {
    BATON_PROFILE_QUANTISE = 24,
    BATON_PROFILE_WAIT = 25,
    BATON_PROFILE_TURN = 26,
    BATON_PROFILE_MATMUL = 32,
    BATON_PROFILE_SLOTS = 64
};
BATON_EXPORT void baton_profile(uint64_t *out);

#endif
