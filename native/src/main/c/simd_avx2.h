/* Eight floats in a register: AVX2, FMA and F16C. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "internal.h"

#ifndef LEVEL_NAME
#define LEVEL_NAME baton_level_avx2
#endif

/* Floats of a vector. */
#define LANES 8

typedef __m256 vf;

INLINE vf v_load(const float *at) {
    return _mm256_loadu_ps(at);
}

INLINE void v_store(float *at, vf a) {
    _mm256_storeu_ps(at, a);
}

INLINE vf v_set1(float a) {
    return _mm256_set1_ps(a);
}

INLINE vf v_add(vf a, vf b) {
    return _mm256_add_ps(a, b);
}

INLINE vf v_sub(vf a, vf b) {
    return _mm256_sub_ps(a, b);
}

INLINE vf v_mul(vf a, vf b) {
    return _mm256_mul_ps(a, b);
}

INLINE vf v_div(vf a, vf b) {
    return _mm256_div_ps(a, b);
}

INLINE vf v_max(vf a, vf b) {
    return _mm256_max_ps(a, b);
}

INLINE vf v_min(vf a, vf b) {
    return _mm256_min_ps(a, b);
}

INLINE vf v_fma(vf a, vf b, vf c) {
    return _mm256_fmadd_ps(a, b, c);
}

/* c - a b. */
INLINE vf v_fnma(vf a, vf b, vf c) {
    return _mm256_fnmadd_ps(a, b, c);
}

INLINE float v_sum(vf a) {
    __m128 r = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    r = _mm_hadd_ps(r, r);
    r = _mm_hadd_ps(r, r);
    return _mm_cvtss_f32(r);
}

INLINE float v_largest(vf a) {
    __m128 r = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    r = _mm_max_ps(r, _mm_movehl_ps(r, r));
    r = _mm_max_ss(r, _mm_shuffle_ps(r, r, 1));
    return _mm_cvtss_f32(r);
}

/* Column i of the 8 by 8 values becomes row i. */
INLINE void v_transpose(vf *r) {
    vf half[8];
    vf pairs[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        half[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        half[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        pairs[i] = _mm256_unpacklo_ps(half[i], half[i + 1]);
        pairs[i + 1] = _mm256_unpackhi_ps(half[i], half[i + 1]);
        pairs[i + 2] = _mm256_unpacklo_ps(half[i + 2], half[i + 3]);
        pairs[i + 3] = _mm256_unpackhi_ps(half[i + 2], half[i + 3]);
        r[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
}

INLINE vf v_round(vf a) {
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* 2^a for whole a in [-126, 127]. */
INLINE vf v_power2(vf a) {
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(a), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}

INLINE vf v_load_half(const uint16_t *at) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)at));
}

INLINE vf v_load_bfloat(const uint16_t *at) {
    __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)at));
    return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

INLINE void v_store_half(uint16_t *at, vf a) {
    _mm_storeu_si128(
        (__m128i *)(void *)at, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE void v_store_bfloat(uint16_t *at, vf a) {
    __m256i bits = _mm256_castps_si256(a);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
    __m256i r = _mm256_srli_epi32(_mm256_blendv_epi8(up, quiet, nan), 16);
    __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
    _mm_storeu_si128((__m128i *)(void *)at, packed);
}

INLINE vf v_load_u8(const uint8_t *at) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)at);
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}

/* Whole numbers of 16 bits, each cut to 8. */
INLINE void v_store_i8(int8_t *at, vf a) {
    __m256i wide = _mm256_cvtps_epi32(a);
    __m128i r =
        _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
    _mm_storel_epi64((__m128i *)(void *)at, _mm_packs_epi16(r, r));
}

/* Whether one is above the limit. */
INLINE int v_any_above(vf a, float limit) {
    return _mm256_movemask_ps(_mm256_cmp_ps(a, _mm256_set1_ps(limit), _CMP_GT_OQ)) != 0;
}

INLINE vf v_load_i8(const uint8_t *at) {
    __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)at);
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

/* Whole numbers: 8 of 32 bits, or 16 of 16. */
typedef __m256i vi;

/* The compiler takes the value as used and changed here, and so keeps it in its register. */
#define I_KEEP(vector) __asm__ volatile("" : "+x"(vector))

INLINE vi i_load(const uint8_t *at) {
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

INLINE vi i_set1(int32_t a) {
    return _mm256_set1_epi32(a);
}

/* Four bytes, over and over. */
INLINE vi i_repeat(const uint8_t *at) {
    int32_t value;
    memcpy(&value, at, 4);
    return _mm256_set1_epi32(value);
}

/* Some bits of each 16-bit number, from so many up. */
INLINE vi i_bits(vi a, const int from, const int bits) {
    return _mm256_and_si256(_mm256_srli_epi16(a, from), _mm256_set1_epi16((int16_t)((1 << bits) - 1)));
}

/* The highest bits of each 16-bit number. */
INLINE vi i_high_bits(vi a, const int bits) {
    return _mm256_srli_epi16(a, 16 - bits);
}

/* The lower half of each byte. */
INLINE vi i_low_nibbles(vi a) {
    return _mm256_and_si256(a, _mm256_set1_epi8(15));
}

/* The upper half of each byte. */
INLINE vi i_high_nibbles(vi a) {
    return i_low_nibbles(_mm256_srli_epi16(a, 4));
}

INLINE vi i_add(vi a, vi b) {
    return _mm256_add_epi32(a, b);
}

INLINE vi i_add16(vi a, vi b) {
    return _mm256_add_epi16(a, b);
}

INLINE vi i_sub(vi a, vi b) {
    return _mm256_sub_epi32(a, b);
}

/* The products of two 16-bit numbers each, added. */
INLINE vi i_dot_first(vi a, vi b) {
    return _mm256_madd_epi16(a, b);
}

INLINE vi i_dot(vi sum, vi a, vi b) {
#ifdef BATON_DOT_PRODUCTS
    return _mm256_dpwssd_avx_epi32(sum, a, b);
#else
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
#endif
}

#ifdef BATON_DOT_PRODUCTS
/* The products of four unsigned and four signed bytes each, added. */
INLINE vi i_dot_bytes(vi sum, vi a, vi b) {
    return _mm256_dpbusd_avx_epi32(sum, a, b);
}
#else
/* The products of two unsigned and two signed bytes each, added to a 16-bit number. */
INLINE vi i_products(vi a, vi b) {
    return _mm256_maddubs_epi16(a, b);
}

/* Two 16-bit numbers each, added. */
INLINE vi i_widen(vi a) {
    return _mm256_madd_epi16(a, _mm256_set1_epi16(1));
}
#endif

INLINE vf i_to_float(vi a) {
    return _mm256_cvtepi32_ps(a);
}
