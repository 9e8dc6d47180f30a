/*
 * AVX2, FMA and F16C. A panel's 8 rows are the 8 lanes of an accumulator; a block's products are
 * summed exactly in integers, then added to the accumulator block after block. The accumulator of a
 * (row, token) sees the same operations in every tile, so tiles of 1, 2, 3 and 4 tokens agree to
 * the bit.
 */
#include "simd_avx2.h"

#include "elementwise.inc"
#include "attention.inc"

/* Activation bytes of one pass over a group of panels: they stay in the L1 cache. */
#define PASS_BYTES 12288

static void quantise_block(const float *x, int16_t *q, block_meta *meta) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 v[4];
    __m256 most = _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_loadu_ps(x + 8 * i);
        most = _mm256_max_ps(most, _mm256_andnot_ps(sign, v[i]));
    }
    float largest = v_largest(most);
    /* So small a block is zero: its inverse would overflow. */
    float inverse = largest < 1e-30f ? 0 : LEVELS / largest;
    __m256i n[4];
    for (int i = 0; i < 4; i++) {
        n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], _mm256_set1_ps(inverse)));
    }
    __m256i low = _mm256_permute4x64_epi64(_mm256_packs_epi32(n[0], n[1]), 0xd8);
    __m256i high = _mm256_permute4x64_epi64(_mm256_packs_epi32(n[2], n[3]), 0xd8);
    _mm256_storeu_si256((__m256i *)(void *)q, low);
    _mm256_storeu_si256((__m256i *)(void *)(q + 16), high);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums = _mm256_hadd_epi32(_mm256_madd_epi16(low, ones), _mm256_madd_epi16(high, ones));
    __m128i pair = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    pair = _mm_hadd_epi32(pair, pair);
    meta->scale = largest < 1e-30f ? 0 : largest / LEVELS;
    meta->low_sum = _mm_cvtsi128_si32(pair);
    meta->sum = meta->low_sum + _mm_extract_epi32(pair, 1);
    meta->scaled_sum = meta->scale * (float)meta->sum;
}

static void quantise(const float *x, const quant_rows *out, int from, int to) {
    int blocks = out->cols / BLOCK;
    for (int64_t b = (int64_t)from * blocks; b < (int64_t)to * blocks; b++) {
        quantise_block(x + b * BLOCK, out->q + b * BLOCK, out->meta + b);
    }
}

INLINE __m256i load256(const uint8_t *at) {
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

INLINE __m128i load128(const uint8_t *at) {
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

INLINE __m256i two_columns(const int16_t *at) {
    int32_t value;
    memcpy(&value, at, 4);
    return _mm256_set1_epi32(value);
}

/*
 * Keeps a running sum in its register: left alone, gcc 12 computes all products first and adds them
 * afterwards, through the stack, at a third of the speed.
 */
#define KEEP(vector) __asm__ volatile("" : "+x"(vector))

/* A panel's quanta of columns 2 i and 2 i + 1 of the block at w, in 16-bit lanes. */
INLINE __m256i pair_of(const int type, const uint8_t *w, const int i) {
    if (type == BATON_Q8_0) {
        return _mm256_cvtepi8_epi16(load128(w + 16 * i));
    }
    const int bits = is_nibble_type(type) ? 4 : 8;
    const int each = 16 / bits;
    __m256i raw = load256(w + 32 * (i / each));
    if (i % each == each - 1) {
        return _mm256_srli_epi16(raw, 16 - bits);
    }
    return _mm256_and_si256(_mm256_srli_epi16(raw, i % each * bits), _mm256_set1_epi16((1 << bits) - 1));
}

/*
 * Products of the block's pairs of columns [from, from + count) of P panels, T rows: sums below
 * 2^24. A panel's bytes are after another's by stride.
 */
INLINE void dot_pairs(
    const int type, const int P, const int T, const uint8_t *w, size_t stride,
    const int16_t *const *q, __m256i sum[2][TILE], const int from, const int count) {
#pragma GCC unroll 16
    for (int i = 0; i < count; i++) {
        __m256i weights[2];
#pragma GCC unroll 2
        for (int p = 0; p < P; p++) {
            weights[p] = pair_of(type, w + (size_t)p * stride, from + i);
        }
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            __m256i row = two_columns(q[t] + 2 * (from + i));
#pragma GCC unroll 2
            for (int p = 0; p < P; p++) {
                __m256i a = _mm256_madd_epi16(weights[p], row);
                sum[p][t] = i == 0 ? a : _mm256_add_epi32(sum[p][t], a);
                KEEP(sum[p][t]);
            }
        }
    }
}

INLINE __m256 eight_halves(const uint8_t *at) {
    return _mm256_cvtph_ps(load128(at));
}

INLINE __m256 eight_unsigned(const uint8_t *at) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)at);
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}

INLINE __m256 eight_signed(const uint8_t *at) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)at);
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

/* What the sums of a panel's block are multiplied with, and the minimum that is added. */
typedef struct {
    __m256 scale;
    __m256 min;
} block_scales;

/* Q6_K has a scale for each half of a block. */
INLINE block_scales scales_of(
    const int type, const uint8_t *super, const uint8_t *header, const int half) {
    block_scales s;
    s.min = _mm256_setzero_ps();
    if (type == BATON_Q6_K) {
        s.scale = _mm256_mul_ps(eight_halves(super), eight_signed(header + 8 * half));
    } else if (is_k_type(type)) {
        s.scale = _mm256_mul_ps(eight_halves(super), eight_unsigned(header));
        s.min = _mm256_mul_ps(eight_halves(super + 16), eight_unsigned(header + 8));
    } else {
        s.scale = eight_halves(header);
        if (type == BATON_Q4_1 || type == BATON_Q5_1) {
            s.min = eight_halves(header + 16);
        }
    }
    return s;
}

/* What a block's sums are too large by, for the offset of the quanta. */
INLINE __m256i bias_of(const int type, const block_meta *m, const int half) {
    if (type == BATON_Q6_K) {
        return _mm256_set1_epi32((half == 0 ? m->low_sum : m->sum - m->low_sum) * 32);
    }
    if (type == BATON_Q4_0 || type == BATON_Q5_0) {
        return _mm256_set1_epi32(m->sum * (type == BATON_Q4_0 ? 8 : 16));
    }
    return _mm256_setzero_si256();
}

/* A block's sums, scaled, onto the accumulator of a panel and a row. */
INLINE __m256 add_block(
    const int type, __m256 acc, __m256i sum, block_scales s, const block_meta *m, const int half) {
    __m256 both = _mm256_mul_ps(s.scale, _mm256_broadcast_ss(&m->scale));
    __m256i unbiased = _mm256_sub_epi32(sum, bias_of(type, m, half));
    acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(unbiased), both, acc);
    if (is_k_type(type) && type != BATON_Q6_K) {
        return _mm256_fnmadd_ps(s.min, _mm256_broadcast_ss(&m->scaled_sum), acc);
    }
    if (type == BATON_Q4_1 || type == BATON_Q5_1) {
        return _mm256_fmadd_ps(s.min, _mm256_broadcast_ss(&m->scaled_sum), acc);
    }
    return acc;
}

/* P panels times T rows. */
INLINE void tile_quant(
    const int type, const int P, const int T, const baton_weight *w, const uint8_t *panel,
    const quant_rows *x, int row, __m256 acc[2][TILE]) {
    const int blocks = w->cols / BLOCK;
    const size_t stride = w->panel_bytes;
    const block_meta *meta = x->meta + (ptrdiff_t)row * blocks;
    const int16_t *q[TILE];
    const uint8_t *super = panel;
#pragma GCC unroll 4
    for (int t = 0; t < T; t++) {
        q[t] = x->q + (ptrdiff_t)(row + t) * w->cols;
        acc[0][t] = _mm256_setzero_ps();
        acc[1][t] = _mm256_setzero_ps();
    }
    for (int b = 0; b < blocks; b++) {
        if (is_k_type(type) && b % 8 == 0) {
            super = panel;
            panel += type == BATON_Q6_K ? 16 : 32;
        }
        const uint8_t *header = panel;
        panel += type == BATON_Q4_1 || type == BATON_Q5_1 ? 32 : 16;
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            /* One register for each row: gcc would hold all 64 addresses on the stack. */
            __asm__("" : "+r"(q[t]));
        }
        if (row == 0) {
            /* The next panels, at the same place. */
            const int bytes = (is_nibble_type(type) ? 128 : 256) + 16;
#pragma GCC unroll 4
            for (int p = 0; p < P; p++) {
                for (int at = 0; at < bytes; at += 64) {
                    __builtin_prefetch(header + (size_t)(P + p) * stride + at);
                }
            }
        }
        const int halves = type == BATON_Q6_K ? 2 : 1;
#pragma GCC unroll 2
        for (int half = 0; half < halves; half++) {
            __m256i sum[2][TILE];
            dot_pairs(type, P, T, panel, stride, q, sum, 8 * half, 16 / halves);
#pragma GCC unroll 2
            for (int p = 0; p < P; p++) {
                size_t at = (size_t)p * stride;
                block_scales s = scales_of(type, super + at, header + at, half);
#pragma GCC unroll 4
                for (int t = 0; t < T; t++) {
                    const block_meta *m = meta + t * blocks + b;
                    acc[p][t] = add_block(type, acc[p][t], sum[p][t], s, m, half);
                }
            }
        }
        panel += is_nibble_type(type) ? 128 : 256;
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            q[t] += BLOCK;
        }
    }
}

INLINE __m256 load_weights(const int type, const uint8_t *panel, size_t k) {
    const void *at = panel + k * PANEL * (type == BATON_F32 ? 4 : 2);
    return type == BATON_F32 ? v_load(at) : type == BATON_F16 ? v_load_half(at) : v_load_bfloat(at);
}

/* P panels times T rows; a sum runs over the columns in order, one fma each. */
INLINE void tile_float(
    const int type, const int P, const int T, const baton_weight *w, const uint8_t *panel,
    const float *x, __m256 acc[2][TILE]) {
    const size_t cols = (size_t)w->cols;
#pragma GCC unroll 4
    for (int p = 0; p < P; p++) {
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            acc[p][t] = _mm256_setzero_ps();
        }
    }
    for (size_t k = 0; k < cols; k++) {
        __m256 weights[2];
#pragma GCC unroll 4
        for (int p = 0; p < P; p++) {
            weights[p] = load_weights(type, panel + (size_t)p * w->panel_bytes, k);
        }
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            __m256 value = _mm256_broadcast_ss(x + (size_t)t * cols + k);
#pragma GCC unroll 2
            for (int p = 0; p < P; p++) {
                acc[p][t] = _mm256_fmadd_ps(weights[p], value, acc[p][t]);
            }
        }
    }
}

static void put(const baton_weight *w, float *out, int panel, int row, __m256 acc) {
    float *at = out + (int64_t)row * w->rows + (int64_t)panel * PANEL;
    int valid = w->rows - panel * PANEL;
    if (valid >= PANEL) {
        v_store(at, acc);
    } else {
        store_part(at, acc, valid);
    }
}

INLINE void run_tile(
    const int type, const int P, const int T, const baton_weight *w, const matmul_in *in,
    float *out, int panel, int row) {
    __m256 acc[2][TILE];
    const uint8_t *weights = w->data + (size_t)panel * w->panel_bytes;
    if (is_float_type(type)) {
        tile_float(type, P, T, w, weights, in->x + (int64_t)row * w->cols, acc);
    } else {
        tile_quant(type, P, T, w, weights, &in->quant, row, acc);
    }
#pragma GCC unroll 2
    for (int p = 0; p < P; p++) {
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            put(w, out, panel + p, row + t, acc[p][t]);
        }
    }
}

typedef void (*tile_function)(
    const baton_weight *w, const matmul_in *in, float *out, int panel, int row);

#define TILE_FUNCTION(type, P, T)                                                               \
    static void tile_##type##_##P##_##T(                                                        \
        const baton_weight *w, const matmul_in *in, float *out, int panel, int row) {           \
        run_tile(BATON_##type, P, T, w, in, out, panel, row);                                   \
    }
/* Tiles of 1 to TILE rows over one panel, then the same over two. */
#define TILES(type)                                                                             \
    TILE_FUNCTION(type, 1, 1)                                                                   \
    TILE_FUNCTION(type, 1, 2)                                                                   \
    TILE_FUNCTION(type, 1, 3)                                                                   \
    TILE_FUNCTION(type, 1, 4)                                                                   \
    TILE_FUNCTION(type, 2, 1)                                                                   \
    TILE_FUNCTION(type, 2, 2)                                                                   \
    TILE_FUNCTION(type, 2, 3)                                                                   \
    TILE_FUNCTION(type, 2, 4)                                                                   \
    static const tile_function tiles_##type[] = {                                               \
        tile_##type##_1_1, tile_##type##_1_2, tile_##type##_1_3, tile_##type##_1_4,             \
        tile_##type##_2_1, tile_##type##_2_2, tile_##type##_2_3, tile_##type##_2_4};

TILES(F32)
TILES(F16)
TILES(BF16)
TILES(Q4_0)
TILES(Q4_1)
TILES(Q5_0)
TILES(Q5_1)
TILES(Q8_0)
TILES(Q4_K)
TILES(Q5_K)
TILES(Q6_K)

static const tile_function *tiles_of(int type) {
    switch (type) {
        case BATON_F32: return tiles_F32;
        case BATON_F16: return tiles_F16;
        case BATON_BF16: return tiles_BF16;
        case BATON_Q4_0: return tiles_Q4_0;
        case BATON_Q4_1: return tiles_Q4_1;
        case BATON_Q5_0: return tiles_Q5_0;
        case BATON_Q5_1: return tiles_Q5_1;
        case BATON_Q8_0: return tiles_Q8_0;
        case BATON_Q4_K: return tiles_Q4_K;
        case BATON_Q5_K: return tiles_Q5_K;
        default: return tiles_Q6_K;
    }
}

static void matmul(const baton_weight *w, const matmul_in *in, float *out, int from, int to) {
    const tile_function *tiles = tiles_of(w->type);
    int row_bytes = w->cols * (is_float_type(w->type) ? 4 : 2);
    int pass = PASS_BYTES / row_bytes / TILE * TILE;
    pass = pass < TILE ? TILE : pass;
    for (int first = 0; first < in->rows; first += pass) {
        int last = first + pass < in->rows ? first + pass : in->rows;
        for (int panel = from; panel < to;) {
            int two = panel + 2 <= to;
            for (int row = first; row < last; row += TILE) {
                int rows = last - row < TILE ? last - row : TILE;
                tiles[rows - 1 + (two ? TILE : 0)](w, in, out, panel, row);
            }
            panel += two ? 2 : 1;
        }
    }
}

#include "level.inc"
