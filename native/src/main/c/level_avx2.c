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

static void quantise_block(const float *x, int8_t *q, block_meta *meta) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 v[4];
    __m256 most = _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_loadu_ps(x + 8 * i);
        most = _mm256_max_ps(most, _mm256_andnot_ps(sign, v[i]));
    }
    float largest = v_largest(most);
    /* So small a block is zero: its inverse would overflow. */
    float inverse = largest < 1e-30f ? 0 : 127.0f / largest;
    __m256i n[4];
    for (int i = 0; i < 4; i++) {
        n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], _mm256_set1_ps(inverse)));
    }
    __m256i low = _mm256_packs_epi32(n[0], n[1]);
    __m256i high = _mm256_packs_epi32(n[2], n[3]);
    __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), order);
    _mm256_storeu_si256((__m256i *)(void *)q, bytes);
    __m256i sums = _mm256_madd_epi16(
        _mm256_maddubs_epi16(_mm256_set1_epi8(1), bytes), _mm256_set1_epi16(1));
    __m128i pair = _mm_hadd_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    pair = _mm_hadd_epi32(pair, pair);
    int32_t first = _mm_cvtsi128_si32(pair);
    meta->scale = largest < 1e-30f ? 0 : largest / 127.0f;
    meta->low_sum = first;
    meta->sum = first + _mm_extract_epi32(pair, 1);
    meta->scaled_sum = meta->scale * (float)meta->sum;
}

static void quantise(const float *x, const quant_rows *out, int wide, int from, int to) {
    int blocks = out->cols / BLOCK;
    for (int64_t b = (int64_t)from * blocks; b < (int64_t)to * blocks; b++) {
        int8_t *q = out->q + b * BLOCK;
        quantise_block(x + b * BLOCK, q, out->meta + b);
        for (int i = 0; wide && i < BLOCK; i += 16) {
            __m128i half = _mm_loadu_si128((const __m128i *)(const void *)(q + i));
            __m256i *to16 = (__m256i *)(void *)(out->wide + b * BLOCK + i);
            _mm256_storeu_si256(to16, _mm256_cvtepi8_epi16(half));
        }
    }
}

INLINE __m256i load256(const uint8_t *at) {
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

INLINE __m128i load128(const uint8_t *at) {
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

INLINE __m256i four_bytes(const void *at) {
    int32_t value;
    memcpy(&value, at, 4);
    return _mm256_set1_epi32(value);
}

/*
 * Keeps a running sum in its register: left alone, gcc 12 computes all products first and adds them
 * afterwards, through the stack, at a third of the speed.
 */
#define KEEP(vector) __asm__ volatile("" : "+x"(vector))

/*
 * Nibbles: a 16-bit lane gets 8 sums of two products, each at most 15 * 128 * 2, together 30720:
 * no saturation.
 */
INLINE void dot_nibbles(const uint8_t *w, const int8_t *q, ptrdiff_t cols, __m256i *sum, const int T) {
    const __m256i mask = _mm256_set1_epi8(15);
    __m256i s[TILE];
#pragma GCC unroll 4
    for (int quad = 0; quad < 4; quad++) {
        __m256i raw = load256(w + 32 * quad);
        __m256i low = _mm256_and_si256(raw, mask);
        __m256i high = _mm256_and_si256(_mm256_srli_epi16(raw, 4), mask);
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            __m256i a = _mm256_maddubs_epi16(low, four_bytes(q + t * cols + 4 * quad));
            s[t] = quad == 0 ? a : _mm256_add_epi16(s[t], a);
            a = _mm256_maddubs_epi16(high, four_bytes(q + t * cols + 16 + 4 * quad));
            s[t] = _mm256_add_epi16(s[t], a);
            KEEP(s[t]);
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < T; t++) {
        sum[t] = _mm256_madd_epi16(s[t], _mm256_set1_epi16(1));
    }
}

/*
 * Quads of 16 columns: in 16 bits 4 sums of two products of 5-bit quanta (31 * 128 * 2 * 4 = 31744)
 * or 2 of 6-bit ones (63 * 128 * 2 * 2 = 32256) fit.
 */
INLINE void dot_quads(
    const uint8_t *w, const int8_t *q, ptrdiff_t cols, __m256i *sum, const int T, const int six) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i s[TILE];
#pragma GCC unroll 4
    for (int quad = 0; quad < 4; quad++) {
        __m256i weights = load256(w + 32 * quad);
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            __m256i a = _mm256_maddubs_epi16(weights, four_bytes(q + t * cols + 4 * quad));
            s[t] = quad == 0 || (six && quad == 2) ? a : _mm256_add_epi16(s[t], a);
            KEEP(s[t]);
            if (six && quad == 1) {
                sum[t] = _mm256_madd_epi16(s[t], ones);
            }
        }
    }
#pragma GCC unroll 4
    for (int t = 0; t < T; t++) {
        __m256i last = _mm256_madd_epi16(s[t], ones);
        sum[t] = six ? _mm256_add_epi32(sum[t], last) : last;
    }
}

/* Signed bytes widened to 16 bits: products of pairs go straight into 32-bit sums. */
INLINE void dot_pairs(const uint8_t *w, const int16_t *q, ptrdiff_t cols, __m256i *sum, const int T) {
#pragma GCC unroll 16
    for (int pair = 0; pair < 16; pair++) {
        __m256i weights = _mm256_cvtepi8_epi16(load128(w + 16 * pair));
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            __m256i a = _mm256_madd_epi16(weights, four_bytes(q + t * cols + 2 * pair));
            sum[t] = pair == 0 ? a : _mm256_add_epi32(sum[t], a);
            KEEP(sum[t]);
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

/* acc + (sum - bias) * weight scale * row scale. */
INLINE __m256 scaled(__m256 acc, __m256i sum, __m256i bias, __m256 scale, const block_meta *meta) {
    __m256 both = _mm256_mul_ps(scale, _mm256_broadcast_ss(&meta->scale));
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(sum, bias)), both, acc);
}

/* One panel times T rows. */
INLINE void tile_quant(
    const int type, const int T, const baton_weight *w, const uint8_t *panel, const quant_rows *x,
    int row, __m256 *acc) {
    const int blocks = w->cols / BLOCK;
    const ptrdiff_t cols = w->cols;
    const int8_t *q = x->q + row * cols;
    const int16_t *wide = x->wide + (type == BATON_Q8_0 ? row * cols : 0);
    const block_meta *meta = x->meta + (ptrdiff_t)row * blocks;
    const int nibbled = type == BATON_Q4_0 || type == BATON_Q4_1 || type == BATON_Q4_K;
    const __m256i none = _mm256_setzero_si256();
    __m256 d = _mm256_setzero_ps();
    __m256 dmin = d;
#pragma GCC unroll 4
    for (int t = 0; t < T; t++) {
        acc[t] = _mm256_setzero_ps();
    }
    for (int b = 0; b < blocks; b++) {
        if (is_k_type(type) && b % 8 == 0) {
            d = eight_halves(panel);
            panel += 16;
            if (type != BATON_Q6_K) {
                dmin = eight_halves(panel);
                panel += 16;
            }
        }
        const uint8_t *header = panel;
        panel += type == BATON_Q4_1 || type == BATON_Q5_1 ? 32 : 16;
        __m256i sum[TILE];
        __m256i more[TILE];
        if (nibbled) {
            dot_nibbles(panel, q, cols, sum, T);
            panel += 128;
        } else if (type == BATON_Q8_0) {
            dot_pairs(panel, wide, cols, sum, T);
            panel += 256;
        } else {
            dot_quads(panel, q, cols, sum, T, type == BATON_Q6_K);
            dot_quads(panel + 128, q + 16, cols, more, T, type == BATON_Q6_K);
            panel += 256;
        }
        __m256 scale;
        __m256 second = d;
        if (type == BATON_Q6_K) {
            scale = _mm256_mul_ps(d, eight_signed(header));
            second = _mm256_mul_ps(d, eight_signed(header + 8));
        } else if (is_k_type(type)) {
            scale = _mm256_mul_ps(d, eight_unsigned(header));
            second = _mm256_mul_ps(dmin, eight_unsigned(header + 8));
        } else {
            scale = eight_halves(header);
            if (type == BATON_Q4_1 || type == BATON_Q5_1) {
                second = eight_halves(header + 16);
            }
        }
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            const block_meta *m = meta + t * blocks + b;
            if (type == BATON_Q6_K) {
                __m256i low = _mm256_set1_epi32(m->low_sum);
                __m256i high = _mm256_sub_epi32(_mm256_set1_epi32(m->sum), low);
                acc[t] = scaled(acc[t], sum[t], _mm256_slli_epi32(low, 5), scale, m);
                acc[t] = scaled(acc[t], more[t], _mm256_slli_epi32(high, 5), second, m);
                continue;
            }
            __m256i total = sum[t];
            if (type == BATON_Q5_0 || type == BATON_Q5_1 || type == BATON_Q5_K) {
                total = _mm256_add_epi32(total, more[t]);
            }
            __m256i bias = none;
            if (type == BATON_Q4_0 || type == BATON_Q5_0) {
                bias = _mm256_slli_epi32(_mm256_set1_epi32(m->sum), type == BATON_Q4_0 ? 3 : 4);
            }
            acc[t] = scaled(acc[t], total, bias, scale, m);
            if (is_k_type(type)) {
                acc[t] = _mm256_fnmadd_ps(second, _mm256_broadcast_ss(&m->scaled_sum), acc[t]);
            } else if (type == BATON_Q4_1 || type == BATON_Q5_1) {
                acc[t] = _mm256_fmadd_ps(second, _mm256_broadcast_ss(&m->scaled_sum), acc[t]);
            }
        }
        q += BLOCK;
        wide += BLOCK;
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

INLINE void run_quant(
    const int type, const int T, const baton_weight *w, const matmul_in *in, float *out, int panel,
    int row) {
    __m256 acc[TILE];
    tile_quant(type, T, w, w->data + (size_t)panel * w->panel_bytes, &in->quant, row, acc);
#pragma GCC unroll 4
    for (int t = 0; t < T; t++) {
        put(w, out, panel, row + t, acc[t]);
    }
}

INLINE void run_float(
    const int type, const int P, const int T, const baton_weight *w, const matmul_in *in,
    float *out, int panel, int row) {
    __m256 acc[2][TILE];
    tile_float(type, P, T, w, w->data + (size_t)panel * w->panel_bytes, in->x + (int64_t)row * w->cols, acc);
#pragma GCC unroll 4
    for (int p = 0; p < P; p++) {
#pragma GCC unroll 4
        for (int t = 0; t < T; t++) {
            put(w, out, panel + p, row + t, acc[p][t]);
        }
    }
}

typedef void (*tile_function)(
    const baton_weight *w, const matmul_in *in, float *out, int panel, int row);

#define QUANT(type, T)                                                                          \
    static void quant_##type##_##T(                                                             \
        const baton_weight *w, const matmul_in *in, float *out, int panel, int row) {           \
        run_quant(BATON_##type, T, w, in, out, panel, row);                                     \
    }
#define QUANT_ALL(type) QUANT(type, 1) QUANT(type, 2) QUANT(type, 3) QUANT(type, 4)
#define QUANT_TABLE(type) \
    static const tile_function tiles[] = {quant_##type##_1, quant_##type##_2, quant_##type##_3, quant_##type##_4}; \
    return tiles

QUANT_ALL(Q4_0)
QUANT_ALL(Q4_1)
QUANT_ALL(Q5_0)
QUANT_ALL(Q5_1)
QUANT_ALL(Q8_0)
QUANT_ALL(Q4_K)
QUANT_ALL(Q5_K)
QUANT_ALL(Q6_K)

#define FLOATS(type, P, T)                                                                      \
    static void float_##type##_##P##_##T(                                                       \
        const baton_weight *w, const matmul_in *in, float *out, int panel, int row) {           \
        run_float(BATON_##type, P, T, w, in, out, panel, row);                                  \
    }
#define FLOATS_ALL(type)                                                                        \
    FLOATS(type, 1, 1) FLOATS(type, 1, 2) FLOATS(type, 1, 3) FLOATS(type, 1, 4)                 \
    FLOATS(type, 2, 1) FLOATS(type, 2, 2) FLOATS(type, 2, 3) FLOATS(type, 2, 4)
#define FLOATS_TABLE(type)                                                                      \
    static const tile_function tiles[] = {                                                      \
        float_##type##_1_1, float_##type##_1_2, float_##type##_1_3, float_##type##_1_4,         \
        float_##type##_2_1, float_##type##_2_2, float_##type##_2_3, float_##type##_2_4};        \
    return tiles

FLOATS_ALL(F32)
FLOATS_ALL(F16)
FLOATS_ALL(BF16)

/* Tiles of 1 to TILE tokens; for floats, then the same over two panels. */
static const tile_function *tiles_of(int type) {
    switch (type) {
        case BATON_F32: { FLOATS_TABLE(F32); }
        case BATON_F16: { FLOATS_TABLE(F16); }
        case BATON_BF16: { FLOATS_TABLE(BF16); }
        case BATON_Q4_0: { QUANT_TABLE(Q4_0); }
        case BATON_Q4_1: { QUANT_TABLE(Q4_1); }
        case BATON_Q5_0: { QUANT_TABLE(Q5_0); }
        case BATON_Q5_1: { QUANT_TABLE(Q5_1); }
        case BATON_Q8_0: { QUANT_TABLE(Q8_0); }
        case BATON_Q4_K: { QUANT_TABLE(Q4_K); }
        case BATON_Q5_K: { QUANT_TABLE(Q5_K); }
        default: { QUANT_TABLE(Q6_K); }
    }
}

static void matmul(const baton_weight *w, const matmul_in *in, float *out, int from, int to) {
    const tile_function *tiles = tiles_of(w->type);
    int is_float = is_float_type(w->type);
    int row_bytes = w->cols * (is_float ? 4 : w->type == BATON_Q8_0 ? 2 : 1);
    int pass = PASS_BYTES / row_bytes / TILE * TILE;
    pass = pass < TILE ? TILE : pass;
    for (int first = 0; first < in->rows; first += pass) {
        int last = first + pass < in->rows ? first + pass : in->rows;
        for (int panel = from; panel < to;) {
            int two = is_float && panel + 2 <= to;
            for (int row = first; row < last; row += TILE) {
                int tokens = last - row < TILE ? last - row : TILE;
                tiles[tokens - 1 + (two ? TILE : 0)](w, in, out, panel, row);
            }
            panel += two ? 2 : 1;
        }
    }
}

#include "level.inc"
