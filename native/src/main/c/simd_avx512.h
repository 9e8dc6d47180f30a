/*
 * Sixteen floats in a register: AVX-512 F, BW, DQ and VL. With BATON_EMULATE every instruction is
 * computed by SIMDe instead, so that a machine without them can test what is written here.
 */
#ifdef BATON_EMULATE
#include "emulate.h"
#else
#include <immintrin.h>
#endif
#include <math.h>
#include <string.h>

#include "internal.h"

#ifndef LEVEL_NAME
#define LEVEL_NAME baton_level_avx512
#endif

/* Floats of a vector. */
#define LANES 16

typedef __m512 vf;

INLINE vf v_load(const float *at) {
    return _mm512_loadu_ps(at);
}

INLINE void v_store(float *at, vf a) {
    _mm512_storeu_ps(at, a);
}

INLINE vf v_set1(float a) {
    return _mm512_set1_ps(a);
}

INLINE vf v_add(vf a, vf b) {
    return _mm512_add_ps(a, b);
}

INLINE vf v_sub(vf a, vf b) {
    return _mm512_sub_ps(a, b);
}

INLINE vf v_mul(vf a, vf b) {
    return _mm512_mul_ps(a, b);
}

INLINE vf v_div(vf a, vf b) {
    return _mm512_div_ps(a, b);
}

INLINE vf v_max(vf a, vf b) {
    return _mm512_max_ps(a, b);
}

INLINE vf v_min(vf a, vf b) {
    return _mm512_min_ps(a, b);
}

INLINE vf v_fma(vf a, vf b, vf c) {
    return _mm512_fmadd_ps(a, b, c);
}

/* c - a b. */
INLINE vf v_fnma(vf a, vf b, vf c) {
    return _mm512_fnmadd_ps(a, b, c);
}

INLINE __m256 v_upper(vf a) {
    return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
}

INLINE float v_sum(vf a) {
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(a), v_upper(a));
    __m128 r = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    r = _mm_hadd_ps(r, r);
    r = _mm_hadd_ps(r, r);
    return _mm_cvtss_f32(r);
}

INLINE float v_largest(vf a) {
    __m256 h = _mm256_max_ps(_mm512_castps512_ps256(a), v_upper(a));
    __m128 r = _mm_max_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    r = _mm_max_ps(r, _mm_movehl_ps(r, r));
    r = _mm_max_ss(r, _mm_shuffle_ps(r, r, 1));
    return _mm_cvtss_f32(r);
}

INLINE __m512 v_low_pairs(__m512 a, __m512 b) {
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

INLINE __m512 v_high_pairs(__m512 a, __m512 b) {
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

/* Column i of the 16 by 16 values becomes row i. */
INLINE void v_transpose(vf *r) {
    vf t[16];
    vf u[16];
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    /* u[4 g + c] then holds in its 128-bit part p column 4 p + c of rows 4 g to 4 g + 3. */
#pragma GCC unroll 4
    for (int g = 0; g < 16; g += 4) {
        u[g] = v_low_pairs(t[g], t[g + 2]);
        u[g + 1] = v_high_pairs(t[g], t[g + 2]);
        u[g + 2] = v_low_pairs(t[g + 1], t[g + 3]);
        u[g + 3] = v_high_pairs(t[g + 1], t[g + 3]);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; c++) {
        vf even_low = _mm512_shuffle_f32x4(u[c], u[4 + c], 0x88);
        vf odd_low = _mm512_shuffle_f32x4(u[c], u[4 + c], 0xdd);
        vf even_high = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0x88);
        vf odd_high = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0xdd);
        r[c] = _mm512_shuffle_f32x4(even_low, even_high, 0x88);
        r[8 + c] = _mm512_shuffle_f32x4(even_low, even_high, 0xdd);
        r[4 + c] = _mm512_shuffle_f32x4(odd_low, odd_high, 0x88);
        r[12 + c] = _mm512_shuffle_f32x4(odd_low, odd_high, 0xdd);
    }
}

INLINE vf v_round(vf a) {
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* 2^a for whole a in [-126, 127]. */
INLINE vf v_power2(vf a) {
    __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(a), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}

INLINE __m256i load_16_halves(const uint16_t *at) {
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

INLINE vf v_load_half(const uint16_t *at) {
    return _mm512_cvtph_ps(load_16_halves(at));
}

INLINE vf v_load_bfloat(const uint16_t *at) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_16_halves(at)), 16));
}

INLINE void v_store_half(uint16_t *at, vf a) {
    _mm256_storeu_si256(
        (__m256i *)(void *)at,
        _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE void v_store_bfloat(uint16_t *at, vf a) {
    __m512i bits = _mm512_castps_si512(a);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
    __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
    __m512i r = _mm512_mask_mov_epi32(up, _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), quiet);
    _mm256_storeu_si256(
        (__m256i *)(void *)at, _mm512_cvtepi32_epi16(_mm512_srli_epi32(r, 16)));
}

INLINE vf v_load_u8(const uint8_t *at) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}

/* Whole numbers of 16 bits, each cut to 8. */
INLINE void v_store_i8(int8_t *at, vf a) {
    __m256i half = _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(a));
    _mm_storeu_si128(
        (__m128i *)(void *)at,
        _mm_packs_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1)));
}

/* Whether one is above the limit. */
INLINE int v_any_above(vf a, float limit) {
    return v_largest(a) > limit;
}

INLINE vf v_load_i8(const uint8_t *at) {
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

/* Whole numbers: 16 of 32 bits, or 32 of 16. */
typedef __m512i vi;

#ifdef BATON_EMULATE
#define I_KEEP(vector) (void)(vector)
#else
#define I_KEEP(vector) __asm__ volatile("" : "+v"(vector))
#endif

INLINE vi i_load(const uint8_t *at) {
    return _mm512_loadu_si512(at);
}

INLINE vi i_set1(int32_t a) {
    return _mm512_set1_epi32(a);
}

/* Four bytes, over and over. */
INLINE vi i_repeat(const uint8_t *at) {
    int32_t value;
    memcpy(&value, at, 4);
    return _mm512_set1_epi32(value);
}

/* Some bits of each 16-bit number, from so many up. */
INLINE vi i_bits(vi a, const int from, const int bits) {
    return _mm512_and_si512(
        _mm512_srli_epi16(a, (unsigned)from), _mm512_set1_epi16((int16_t)((1 << bits) - 1)));
}

/* The highest bits of each 16-bit number. */
INLINE vi i_high_bits(vi a, const int bits) {
    return _mm512_srli_epi16(a, (unsigned)(16 - bits));
}

/* The lower half of each byte. */
INLINE vi i_low_nibbles(vi a) {
    return _mm512_and_si512(a, _mm512_set1_epi8(15));
}

/* The upper half of each byte. */
INLINE vi i_high_nibbles(vi a) {
    return i_low_nibbles(_mm512_srli_epi16(a, 4));
}

INLINE vi i_add(vi a, vi b) {
    return _mm512_add_epi32(a, b);
}

INLINE vi i_add16(vi a, vi b) {
    return _mm512_add_epi16(a, b);
}

INLINE vi i_sub(vi a, vi b) {
    return _mm512_sub_epi32(a, b);
}

/* The products of two 16-bit numbers each, added. */
INLINE vi i_dot_first(vi a, vi b) {
    return _mm512_madd_epi16(a, b);
}

INLINE vi i_dot(vi sum, vi a, vi b) {
#ifdef BATON_DOT_PRODUCTS
    return _mm512_dpwssd_epi32(sum, a, b);
#else
    return _mm512_add_epi32(sum, _mm512_madd_epi16(a, b));
#endif
}

#ifdef BATON_DOT_PRODUCTS
/* The products of four unsigned and four signed bytes each, added. */
INLINE vi i_dot_bytes(vi sum, vi a, vi b) {
    return _mm512_dpbusd_epi32(sum, a, b);
}
#else
/* The products of two unsigned and two signed bytes each, added to a 16-bit number. */
INLINE vi i_products(vi a, vi b) {
    return _mm512_maddubs_epi16(a, b);
}

/* Two 16-bit numbers each, added. */
INLINE vi i_widen(vi a) {
    return _mm512_madd_epi16(a, _mm512_set1_epi16(1));
}
#endif

INLINE vf i_to_float(vi a) {
    return _mm512_cvtepi32_ps(a);
}
