/*
 * AVX-512 without AVX-512, for tests: SIMDe, and what Debian 12's SIMDe (0.7.4) lacks from two AVX2
 * instructions each.
 */
#ifndef BATON_EMULATE_H
#define BATON_EMULATE_H

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <immintrin.h>
#include <string.h>

/* That SIMDe gives the name to a masked form. */
#undef _mm512_madd_epi16
#define _mm512_madd_epi16(a, b) simde_mm512_madd_epi16(a, b)

static inline simde__m512i emulate_join(__m256i low, __m256i high) {
    simde__m512i r;
    memcpy(&r, &low, 32);
    memcpy((char *)&r + 32, &high, 32);
    return r;
}

static inline __m256i emulate_half(const void *a, int half) {
    __m256i r;
    memcpy(&r, (const char *)a + 32 * half, 32);
    return r;
}

static inline simde__m512 emulate_floats(simde__m512i a) {
    simde__m512 r;
    memcpy(&r, &a, 64);
    return r;
}

#define _mm512_cvtepi8_epi32(a) \
    emulate_join(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_srli_si128(a, 8)))
#define _mm512_cvtepu8_epi32(a) \
    emulate_join(_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_srli_si128(a, 8)))
#define _mm512_cvtepu16_epi32(a)                             \
    emulate_join(                                            \
        _mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)),    \
        _mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1)))

static inline simde__m512 emulate_cvtepi32_ps(simde__m512i a) {
    return emulate_floats(emulate_join(
        _mm256_castps_si256(_mm256_cvtepi32_ps(emulate_half(&a, 0))),
        _mm256_castps_si256(_mm256_cvtepi32_ps(emulate_half(&a, 1)))));
}
#define _mm512_cvtepi32_ps(a) emulate_cvtepi32_ps(a)

static inline simde__m512i emulate_cvtps_epi32(simde__m512 a) {
    return emulate_join(
        _mm256_cvtps_epi32(_mm256_castsi256_ps(emulate_half(&a, 0))),
        _mm256_cvtps_epi32(_mm256_castsi256_ps(emulate_half(&a, 1))));
}
#define _mm512_cvtps_epi32(a) emulate_cvtps_epi32(a)

static inline __m256i emulate_cvtepi32_epi16(simde__m512i a) {
    uint32_t from[16];
    uint16_t to[16];
    __m256i r;
    memcpy(from, &a, 64);
    for (int i = 0; i < 16; i++) {
        to[i] = (uint16_t)from[i];
    }
    memcpy(&r, to, 32);
    return r;
}
#define _mm512_cvtepi32_epi16(a) emulate_cvtepi32_epi16(a)

static inline simde__m512 emulate_cvtph_ps(__m256i a) {
    return emulate_floats(emulate_join(
        _mm256_castps_si256(_mm256_cvtph_ps(_mm256_castsi256_si128(a))),
        _mm256_castps_si256(_mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)))));
}
#define _mm512_cvtph_ps(a) emulate_cvtph_ps(a)

#define _mm512_cvtps_ph(a, rounding) emulate_cvtps_ph(a)
static inline __m256i emulate_cvtps_ph(simde__m512 a) {
    __m128i low = _mm256_cvtps_ph(_mm256_castsi256_ps(emulate_half(&a, 0)), 8);
    __m128i high = _mm256_cvtps_ph(_mm256_castsi256_ps(emulate_half(&a, 1)), 8);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}

static inline simde__m512 emulate_shuffle_f32x4(simde__m512 a, simde__m512 b, int parts) {
    simde__m512 r;
    for (int i = 0; i < 4; i++) {
        const char *from = i < 2 ? (const char *)&a : (const char *)&b;
        memcpy((char *)&r + 16 * i, from + 16 * (parts >> 2 * i & 3), 16);
    }
    return r;
}
#define _mm512_shuffle_f32x4(a, b, parts) emulate_shuffle_f32x4(a, b, parts)

#endif
