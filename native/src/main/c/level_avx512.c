/* AVX-512 F, BW, DQ and VL: the instructions that every server with AVX-512 has. */
#include "simd_avx512.h"

#include "elementwise.inc"
#include "attention.inc"

/* The sum of 16 numbers of 16 bits. */
static int32_t sum_16(__m256i q) {
    __m256i pairs = _mm256_madd_epi16(q, _mm256_set1_epi16(1));
    __m128i r = _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    r = _mm_hadd_epi32(r, r);
    r = _mm_hadd_epi32(r, r);
    return _mm_cvtsi128_si32(r);
}

/* The 32 numbers, in two vectors. */
INLINE void round_block(
    const float *x, const float levels, __m256i *first, __m256i *second, block_meta *meta) {
    vf low = v_load(x);
    vf high = v_load(x + 16);
    float largest = v_largest(_mm512_max_ps(_mm512_abs_ps(low), _mm512_abs_ps(high)));
    /* So small a block is zero: its inverse would overflow. */
    vf inverse = v_set1(largest < 1e-30f ? 0 : levels / largest);
    *first = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(v_mul(low, inverse)));
    *second = _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(v_mul(high, inverse)));
    meta->scale = largest < 1e-30f ? 0 : largest / levels;
    meta->low_sum = sum_16(*first);
    meta->sum = meta->low_sum + sum_16(*second);
    meta->scaled_sum = meta->scale * (float)meta->sum;
}

#include "quantise.inc"
#include "matmul.inc"
#include "level.inc"
