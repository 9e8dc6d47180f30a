/* AVX2, FMA and F16C. */
#include "simd_avx2.h"

#include "elementwise.inc"
#include "attention.inc"

/* The 32 numbers, in two vectors. */
INLINE void round_block(
    const float *x, const float levels, __m256i *first, __m256i *second, block_meta *meta) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 v[4];
    __m256 most = _mm256_setzero_ps();
    for (int i = 0; i < 4; i++) {
        v[i] = _mm256_loadu_ps(x + 8 * i);
        most = _mm256_max_ps(most, _mm256_andnot_ps(sign, v[i]));
    }
    float largest = v_largest(most);
    /* So small a block is zero: its inverse would overflow. */
    float inverse = largest < 1e-30f ? 0 : levels / largest;
    __m256i n[4];
    for (int i = 0; i < 4; i++) {
        n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], _mm256_set1_ps(inverse)));
    }
    __m256i low = _mm256_permute4x64_epi64(_mm256_packs_epi32(n[0], n[1]), 0xd8);
    __m256i high = _mm256_permute4x64_epi64(_mm256_packs_epi32(n[2], n[3]), 0xd8);
    *first = low;
    *second = high;
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums = _mm256_hadd_epi32(_mm256_madd_epi16(low, ones), _mm256_madd_epi16(high, ones));
    __m128i pair = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    pair = _mm_hadd_epi32(pair, pair);
    meta->scale = largest < 1e-30f ? 0 : largest / levels;
    meta->low_sum = _mm_cvtsi128_si32(pair);
    meta->sum = meta->low_sum + _mm_extract_epi32(pair, 1);
    meta->scaled_sum = meta->scale * (float)meta->sum;
}

#include "quantise.inc"
#include "matmul.inc"
#include "level.inc"
