/* What the library's files share. */
#ifndef BATON_INTERNAL_H
#define BATON_INTERNAL_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "baton.h"

/* The widest level's vectors, in floats. */
#define MOST_LANES 16

/* Elements of a quantised row that share a scale. */
#define BLOCK 32

/* Token rows that one pass over a panel's weights serves. */
#define TILE 4

#define INLINE static inline __attribute__((always_inline))

/*
 * A weight in panels of L output rows, L the lanes of the level's vectors; rows beyond the last one
 * are zero. Per panel and 32 columns (K types: a header per 256 columns before them):
 *
 *   F32         per column: L f32                       F16, BF16   per column: L of 16 bits
 *   Q4_0        L f16 d | nibbles                       Q4_1        L f16 d | L f16 m | nibbles
 *   Q5_0        L f16 d | bytes                         Q5_1        L f16 d | L f16 m | bytes
 *   Q8_0        L f16 d | bytes
 *   Q4_K        header L f16 d | L f16 dmin;            L u8 scale | L u8 min | nibbles
 *   Q5_K        header as Q4_K;                         L u8 scale | L u8 min | bytes
 *   Q6_K        header L f16 d;                         L i8 scale | L i8 scale | bytes
 *
 *   nibbles   per 8 columns 32 bits for each row: a 16-bit half for even columns, one for odd ones,
 *             in it 4 bits for each of its 4 columns, lowest first
 *   bytes     the same with 8 bits: first 32 bits for each row with columns 0 4 1 5 of the 8, then as
 *             many with 2 6 3 7; unsigned as in the file, Q8_0 with 128 added
 *
 * So a shift and a mask give a panel's quanta of columns 2 i and 2 i + 1 in 16-bit lanes, and those
 * of columns 0 4 1 5 or 2 6 3 7 in bytes.
 *
 * A vector (one row) is float32.
 */
struct baton_weight {
    int32_t type;
    int32_t rows;
    int32_t cols;
    int32_t lanes;
    int32_t panels;
    size_t panel_bytes;
    uint8_t *data;
};

/* One block of a quantised activation row. x[i] is about scale * q[i]. */
typedef struct {
    float scale;
    float scaled_sum; /* scale * sum */
    int32_t sum;      /* of the 32 q */
    int32_t low_sum;  /* of the first 16 */
} block_meta;

/*
 * The largest magnitude of a quantised activation, with 13 bits and with 8. Products with quanta of
 * up to 8 bits sum to less than 2^24 over a block, so they are exact in float32 too.
 */
#define LEVELS_13 4095
#define LEVELS_8 127

/*
 * Activation rows in blocks of 32, as 16-bit integers and, with 8 bits, as bytes too, in the order
 * of a panel's bytes: columns 0 4 1 5 2 6 3 7 of each 8. A level writes those that it reads.
 */
typedef struct {
    int16_t *q;
    int8_t *bytes;
    block_meta *meta;
    int32_t cols;
} quant_rows;

/* A product's rows: float for float weights, quantised for quantised ones. */
typedef struct {
    const float *x;
    quant_rows quant;
    int32_t rows;
} matmul_in;

/* One set of inner loops, compiled for one instruction set. Ranges are [from, to). */
typedef struct {
    int lanes;
    void (*quantise)(const float *x, const quant_rows *out, int from, int to);
    void (*matmul)(const baton_weight *w, const matmul_in *in, float *out, int from, int to);
    void (*norm)(const baton_op *op, int from, int to);
    void (*add)(const baton_op *op, int from, int to);
    void (*rope)(const baton_op *op, int from, int to);
    void (*store)(const baton_op *op, int from, int to);
    void (*gated)(const baton_op *op, int from, int to);
    void (*bias)(const baton_op *op, int from, int to);
    void (*softcap)(const baton_op *op, int from, int to);
    /*
     * A tile is computed whole, or in parts on several threads that are then joined: the same bits.
     * Scratch is a thread's, a partial the room for one part; both in floats.
     */
    int (*attention_tiles)(const baton_op *op);
    int (*attention_parts)(const baton_op *op, int tile);
    size_t (*attention_scratch)(const baton_op *op);
    size_t (*attention_partial)(const baton_op *op);
    void (*attention)(const baton_op *op, int tile, float *scratch);
    void (*attention_part)(const baton_op *op, int tile, int part, float *scratch, float *out);
    void (*attention_join)(const baton_op *op, int tile, float *scratch, float *parts);
} baton_level;

/* Of each level one for activations in 13 bits and one for 8. */
extern const baton_level baton_level_portable[BATON_ACTIVATIONS];
#if defined(__x86_64__)
extern const baton_level baton_level_avx2[BATON_ACTIVATIONS];
extern const baton_level baton_level_avx2_vnni[BATON_ACTIVATIONS];
extern const baton_level baton_level_avx512[BATON_ACTIVATIONS];
extern const baton_level baton_level_avx512_vnni[BATON_ACTIVATIONS];
#endif

/* pack.c */
size_t baton_panel_bytes(int type, int cols, int lanes);
void baton_pack_panel(const baton_weight *w, const uint8_t *src, int panel);
void baton_pack_vector(const baton_weight *w, const uint8_t *src);
void baton_unpack_row(const baton_weight *w, int row, float *out);
uint16_t baton_float_to_half(float value);

/* Exact: the exponent is moved by a multiplication, which also makes subnormal halves normal. */
INLINE float baton_half_to_float(uint16_t half) {
    uint32_t rest = (uint32_t)(half & 0x7fff) << 13;
    float value;
    memcpy(&value, &rest, 4);
    value *= 0x1p112f;
    memcpy(&rest, &value, 4);
    rest |= (half & 0x7c00) == 0x7c00 ? 0x7f800000 : 0;
    rest |= (uint32_t)(half & 0x8000) << 16;
    memcpy(&value, &rest, 4);
    return value;
}

INLINE int is_float_type(int type) {
    return type == BATON_F32 || type == BATON_F16 || type == BATON_BF16;
}

INLINE int is_k_type(int type) {
    return type == BATON_Q4_K || type == BATON_Q5_K || type == BATON_Q6_K;
}

/* Types whose quanta lie as nibbles in a panel. */
INLINE int is_nibble_type(int type) {
    return type == BATON_Q4_0 || type == BATON_Q4_1 || type == BATON_Q4_K;
}

/* What a panel's quanta are too large by. */
INLINE int type_bias(int type) {
    switch (type) {
        case BATON_Q4_0: return 8;
        case BATON_Q5_0: return 16;
        case BATON_Q6_K: return 32;
        case BATON_Q8_0: return 128;
        default: return 0;
    }
}

/* Bytes of a panel's block: its scales, then its quanta; and of what stands before 8 blocks (K types). */
INLINE int block_header(int type, int lanes) {
    return type == BATON_Q4_1 || type == BATON_Q5_1 ? 4 * lanes : 2 * lanes;
}

INLINE int quanta_bytes(int type, int lanes) {
    return (is_nibble_type(type) ? 16 : 32) * lanes;
}

INLINE int super_header(int type, int lanes) {
    return !is_k_type(type) ? 0 : type == BATON_Q6_K ? 2 * lanes : 4 * lanes;
}

/* The byte of column k, row lane among a block's nibbles; odd pairs of columns in the high half. */
INLINE int nibble_at(int lanes, int lane, int k) {
    return 4 * lanes * (k / 8) + 4 * lane + 2 * (k % 2) + k % 8 / 4;
}

INLINE int nibble_shift(int k) {
    return k % 4 / 2 * 4;
}

/* The byte of column k, row lane among a block's bytes. */
INLINE int byte_at(int lanes, int lane, int k) {
    return 4 * lanes * (k / 8 * 2 + k % 4 / 2) + 4 * lane + 2 * (k % 2) + k % 8 / 4;
}

/* pool.c */
typedef void (*pool_task)(void *context, int task, int thread);
typedef struct baton_turns baton_turns;

/* Runs tasks 0 to tasks - 1, within turns of the lane, and returns when all are done. */
void baton_lane_share(baton_lane *lane, int tasks, pool_task task, void *context);
int baton_pool_threads(const baton_pool *pool);
const baton_level *baton_pool_level(const baton_pool *pool);
baton_turns *baton_pool_turns(const baton_pool *pool);
/* The lane in which weights are repacked. */
baton_lane *baton_pool_loading(const baton_pool *pool);
/* Memory until the pool closes, 64-byte aligned, in large pages where it is much. */
void *baton_pool_keep(baton_pool *pool, size_t bytes);
/* Of a clock that never goes back. */
int64_t baton_nanos(void);

/* turns.c */
enum { SCRATCH_QUANT, SCRATCH_TASK, SCRATCH_PARTS, SCRATCH_SLOTS };

/* A caller of a pool. Its clock and place in line are guarded by the turns' lock. */
struct baton_lane {
    baton_pool *pool;
    double share;
    double start;
    int64_t since;
    /* When the turn is looked at again; the owner's own. */
    int64_t until;
    pthread_cond_t turn;
    baton_lane *next;
    /* Ticks counted as inner work so far (profile.c). */
    uint64_t inner;
    void *scratch[SCRATCH_SLOTS];
    size_t scratch_bytes[SCRATCH_SLOTS];
};

baton_turns *baton_turns_open(void);
void baton_turns_close(baton_turns *turns);
void baton_turn_begin(baton_lane *lane);
void baton_turn_end(baton_lane *lane);
/* Whether another lane should compute now; the pool's threads may still have tasks of this one. */
int baton_turn_is_over(baton_lane *lane);
/* Lets others compute and waits for the next turn. No thread of the pool may have a task. */
void baton_turn_pass(baton_lane *lane);
/* Scratch memory of a slot, kept and grown; NULL if there is none. */
void *baton_lane_scratch(baton_lane *lane, int slot, size_t bytes);

#endif
